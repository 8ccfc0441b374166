"""Characters that no dictionary has: signed distance fields of writing, a GAN of them, and what a printer and a plotter take.

``fields`` reads a field between its cells and finds its outline; ``measures`` counts ink, pieces and copies; ``models`` has the
networks that ship; ``plot`` and ``paper`` make paths in millimetres and prints; ``edition`` makes a folder with all of it.
"""
