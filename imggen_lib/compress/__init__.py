"""Smaller and faster generators: folding, rounding to few bits, pruning, and students that learn from a teacher.

:mod:`~imggen_lib.compress.fold` multiplies batch normalisation into the layer before it,
:mod:`~imggen_lib.compress.quantise` rounds weights (afterwards, with calibration, or in training),
:mod:`~imggen_lib.compress.prune` sets weights to zero, :mod:`~imggen_lib.compress.distil` trains students, and
:mod:`~imggen_lib.compress.store` counts bytes and writes files.
"""
