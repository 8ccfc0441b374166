"""Surfaces of implied volatility: simulated with a known truth, completed from a few quotes, and checked for arbitrage.

Not for trading: the surfaces are simulated, and no number here is about a market.
"""
