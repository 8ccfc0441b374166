"""Landscapes without end: noise from coordinates, a generator of tiles that agree, measures of what makes land land, and rivals."""
