"""Tables of the chapter on small generators: seeds where there are several, and what the pages load."""

import gzip
import re

import pytest

from imggen_lib.live.shipped import SMALL, packed_file, script
from imggen_lib.measured import measured
from imggen_lib.viz.smaller import pages_table, rows_table, seeds_of


def _record() -> dict[str, object]:
    row = {"bytes": 57_254, "frechet_distance": 2.084, "frechet_interval": [1.733, 2.434], "class_right": 0.9863}
    return {"rows": {"fifth": row, "tenth": row}, "seeds": {"fifth": [2.084, 2.183], "tenth": [2.9]}}


def test_a_row_of_several_seeds_shows_each() -> None:
    record = _record()
    assert seeds_of(record, "fifth") == "2.08, 2.18 (n = 2)" and not seeds_of(record, "tenth")
    text = rows_table(record, {"fifth": "a student", "tenth": "another"}, "students")._repr_markdown_()
    assert "by seed" in text and "2.08, 2.18 (n = 2)" in text
    assert "by seed" not in rows_table(record, {"tenth": "another"}, "students")._repr_markdown_()


def test_the_record_has_several_seeds_of_what_is_compared() -> None:
    """The first is the row itself, and the worst student is better than the best network without a teacher."""
    record = measured("smaller")
    student, alone = record["seeds"]["fifth"], record["seeds"]["fifth-alone"]
    assert len(student) >= 2 and len(alone) >= 2
    for name, values in (("fifth", student), ("fifth-alone", alone)):
        assert values[0] == record["rows"][name]["frechet_distance"]
        assert values[1:] == [record["rows"][f"{name}-seed-{k}"]["frechet_distance"] for k in range(1, len(values))]
    assert max(student) < min(alone)


def test_what_the_pages_load_is_in_the_table() -> None:
    record = measured("smaller")
    text = pages_table(record)._repr_markdown_()
    for name, row in record["pages"].items():
        line = next(line for line in text.splitlines() if re.search(rf"\b{name}\b", line))
        assert f"{row['full']['bytes'] / 1000:.0f}" in line and f"{row['eight']['frechet_distance']:.2f}" in line
        assert ("as before" in line) == (not row["free"])


def test_the_record_has_the_bytes_of_the_small_generators_that_pages_load() -> None:
    students = measured("smaller")["students"]
    assert students.keys() == SMALL.keys()
    for name, row in students.items():
        loaded = len(gzip.compress(script(name, packed_file(name)).encode()))
        assert loaded == pytest.approx(row["bytes"], rel=0.01), name  # zlib's builds differ by some bytes
