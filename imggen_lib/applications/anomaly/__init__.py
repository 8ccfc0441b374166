"""A score for the unusual: models of normal images alone, what they say of others, and one page a case."""
