"""Worksheets of handwritten arithmetic with an answer key: sums from a seed, one hand a sheet, a PDF, and readers that check it.

``python -m imggen_lib.applications.worksheets FOLDER --sheets 30`` writes thirty of them.
"""
