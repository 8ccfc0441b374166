"""A picture from a sentence: the painter that draws what it is told, and readers that say whether it obeyed."""
