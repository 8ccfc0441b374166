"""Training loops: one generator function a family, to be read from top to bottom.

A loop yields one record a step and does nothing else; plotting, progress bars, checkpoints and stopping are the caller's ``for``.
Nothing runs until the loop is iterated.
"""
