"""Levels as tiles: text there and back, plain words for what is no level, a grammar of whole pipes, the corpus where it is."""

import os
from pathlib import Path

import numpy as np
import pytest

from imggen_lib.applications.levels import corpus, grammar, measures, tiles
from imggen_lib.errors import DataError, DataUnavailable

DATA = os.environ.get("IMGGEN_TEST_DATA") or os.environ.get("IMGGEN_DATA") or ""
needs_corpus = pytest.mark.skipif(not Path(DATA, corpus.ARCHIVE).is_file(), reason="needs the level corpus in IMGGEN_DATA")
PIPE = "----\n-<>-\n-[]-\nXXXX\n"


def test_text_there_and_back(tmp_path: Path) -> None:
    level = tiles.parse_level(tiles.SIGNS + "\n" + tiles.SIGNS[::-1] + "\n")
    assert level.tolist() == [list(range(13)), list(range(12, -1, -1))] and level.dtype == np.uint8
    path = tiles.write_level(tmp_path / "one.txt", level)
    assert path.read_bytes() == (tiles.SIGNS + "\n" + tiles.SIGNS[::-1] + "\n").encode()
    tiles.write_level(tmp_path / "two.txt", level[:1])
    found = tiles.read_levels(tmp_path)
    assert list(found) == ["one", "two"] and (found["one"] == level).all() and (found["two"] == level[:1]).all()
    assert (tiles.read_levels(path)["one"] == level).all()
    windows_file = tiles.level_text(level).replace("\n", "\r\n")
    assert (tiles.parse_level(windows_file) == level).all()


def test_what_is_no_level_is_said_in_plain_words(tmp_path: Path) -> None:
    for text, words in (
        ("--\n-a\n", "line 2, column 2 of mine has 'a'"),
        ("--\n-\n", "line 2 of mine has 1 tiles, the first line has 2"),
        ("", "mine is empty"),
        ("-\n" * 65, "too large: 65 rows"),
    ):
        with pytest.raises(DataError, match=words):
            tiles.parse_level(text, "mine")
    with pytest.raises(DataError, match=r"has no \.txt file"):
        tiles.read_levels(tmp_path)
    with pytest.raises(DataError, match="cannot be read as a level: No such file"):
        tiles.read_levels(tmp_path / "gone.txt")
    (tmp_path / "bytes.txt").write_bytes(b"\xff\xfe--")
    with pytest.raises(DataError, match="cannot be read as a level"):
        tiles.read_levels(tmp_path)
    with pytest.raises(OSError, match="cannot be written: No such file"):
        tiles.write_level(tmp_path / "no" / "where.txt", np.zeros((2, 2), np.uint8))
    for bad, words in (
        (np.zeros((2, 2)), "float64 of shape"),
        (np.zeros(3, np.uint8), "shape"),
        (np.full((1, 1), 13), "0 to 12, got 13 to 13"),
        (np.zeros((0, 3), np.uint8), "shape"),
    ):
        with pytest.raises(ValueError, match=words):
            tiles.check_level(bad)


def test_windows_are_the_level_under_more_sky() -> None:
    level = tiles.check_level(np.random.default_rng(0).integers(0, 13, (14, 40)))
    cut = tiles.windows(level, step=3)
    assert cut.shape == (3, 16, 32) and (cut[:, :2] == tiles.EMPTY).all()
    assert all((cut[k, 2:] == level[:, 3 * k : 3 * k + 32]).all() for k in range(3))
    assert tiles.all_windows({"a": level, "b": level[:, :32]}).shape == (9 + 1, 16, 32)
    assert (tiles.joined([level[:, :10], level[:, 10:]]) == level).all()
    with pytest.raises(ValueError, match="do not fit"):
        tiles.windows(level[:, :31])
    with pytest.raises(ValueError, match="more than 12"):
        tiles.framed(level, rows=12)


def test_what_is_broken_of_a_pipe() -> None:
    whole = tiles.parse_level(PIPE)
    assert measures.pipe_tiles(whole) == 4 and measures.broken_pipes(whole) == 0
    for row, column, tile in ((1, 1, "-"), (1, 2, "-"), (2, 1, "-"), (2, 2, "X"), (3, 2, "-"), (2, 1, "]"), (1, 2, "<")):
        level = whole.copy()
        level[row, column] = tiles.SIGNS.index(tile)
        assert measures.broken_pipes(level) > 0, tiles.level_text(level)
    assert measures.broken_pipes(whole[:, 2:]) == 0 and measures.broken_pipes(whole[2:]) == 0, "an edge cuts, it does not break"
    floating = whole.copy()
    floating[3] = tiles.EMPTY
    assert measures.broken(floating)[2].tolist() == [False, True, True, False]


def test_counts_and_distances() -> None:
    level = tiles.parse_level("E---\nS<>o\nQ[]E\nX--X\n")
    counted = {"gaps": 2, "pipe tiles": 4, "broken pipe tiles": 2, "enemies": 2, "richness": 2 + 4 + 4}
    assert measures.measured(level) == counted and measures.floating_enemies(level) == 0
    assert measures.floating_enemies(level[:, ::-1].copy()[1:]) == 0 and measures.floating_enemies(level[[0, 0, 3]]) == 1
    other = level.copy()
    other[0, :2] = tiles.COIN
    both = np.stack([other, level])
    assert measures.distances(level, both).tolist() == [2, 0] and measures.nearest(level, both) == 0
    assert measures.distinct([level, other, level]) == 2 and measures.distinct([level, other, level], apart=3) == 1
    assert measures.tile_shares(both)[tiles.QUESTION] == 0 and measures.tile_shares(both).sum() == pytest.approx(1)
    with pytest.raises(ValueError, match="different shapes"):
        measures.nearest(level, both[:, 1:])


def test_the_grammar_makes_the_same_levels_everywhere() -> None:
    made = grammar.make_levels(60)
    again = grammar.make_levels(3)
    assert all((made[name] == level).all() for name, level in again.items())
    assert all(level.shape == (14, 160) and level.dtype == np.uint8 for level in made.values())
    assert sum(measures.broken_pipes(level) for level in made.values()) == 0
    assert measures.distinct(list(made.values())) == 60
    assert {int(tile) for level in made.values() for tile in np.unique(level)} == set(range(13)), "a kind of tile is never used"
    # Python's generator gives the same numbers on every machine; if this changes, stored levels and texts change too.
    import hashlib

    assert hashlib.sha256(b"".join(level.tobytes() for level in made.values())).hexdigest()[:16] == "3b1c16f64efb2754"


def test_harder_levels_have_more_gaps_and_enemies() -> None:
    easy, hard = ([grammar.make_level(seed, difficulty=d) for seed in range(30)] for d in (0.1, 1.0))
    for measure in (measures.gaps, measures.enemies):
        assert sum(map(measure, hard)) > 1.5 * sum(map(measure, easy))
    for options, words in (({"columns": 31}, "at least 32"), ({"difficulty": 2.0}, "between 0 and 1")):
        with pytest.raises(ValueError, match=words):
            grammar.make_level(0, **options)


def test_the_grammar_s_split_shares_no_level() -> None:
    train, test = grammar.split(20, 5)
    assert len(train) == 15 and len(test) == 5 and not set(train) & set(test)
    with pytest.raises(ValueError, match="cannot be held out"):
        grammar.split(5, 5)


@needs_corpus
def test_the_corpus_has_fifteen_levels_without_a_broken_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMGGEN_DATA", DATA)
    levels = corpus.levels()
    assert len(levels) == 15 and all(level.shape[0] == 14 and 149 <= level.shape[1] <= 373 for level in levels.values())
    assert sum(measures.broken_pipes(level) for level in levels.values()) == 0 and corpus.at_hand()
    train, test = corpus.split()
    assert len(tiles.all_windows(train)) == 1190 and len(tiles.all_windows(test)) == 495 and not set(train) & set(test)


def test_without_the_corpus_it_is_said_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not corpus.at_hand()
    monkeypatch.setenv("IMGGEN_DATA", str(tmp_path))
    with pytest.raises(DataUnavailable, match=r"vglc/vglc_levels\.zip into a folder"):
        corpus.levels()
    (tmp_path / "vglc").mkdir()
    (tmp_path / corpus.ARCHIVE).write_bytes(b"PK")
    with pytest.raises(DataError, match="damaged or another file"):
        corpus.levels()
