"""Losses: pure functions of what the papers' formulas contain. No network, no device, no logging inside."""
