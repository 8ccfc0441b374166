"""A campaign of advertisements: one picture and one headline in the ten fixed sizes, each checked on its rendered pixels.

In the order of the work: garments are chosen (``choose``) and put in dots (``halftone``), colours are solved for (``palette``), all
is laid out by rule (``sizes``, ``layout``), drawn (``render``), checked (``checks``), and handed over (``export``).
"""
