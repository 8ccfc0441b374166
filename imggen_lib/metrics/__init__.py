"""Metrics: features -> statistics -> number. The last two steps are pure functions in float64."""
