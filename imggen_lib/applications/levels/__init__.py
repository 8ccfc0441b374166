"""Platform levels: tiles, a corpus and a grammar, a game in integers, an agent that plays it, and files for other programs.

A level is an array of tile numbers (:mod:`.tiles`). Levels come from a grammar of our own (:mod:`.grammar`) or, where it is at
hand, from the Video Game Level Corpus (:mod:`.corpus`); :mod:`.measures` says how they differ.
"""
