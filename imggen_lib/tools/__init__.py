"""One decoder in every tool: what the programs in ``scripts/tools`` are given, what they must answer, and how a page shows it."""
