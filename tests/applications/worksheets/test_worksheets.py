"""Worksheets: sums and keys, hands, what a page of paper holds when another program opens it, and who reads it."""

import inspect
import itertools
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch

from imggen_lib.applications.characters.svg import overlap
from imggen_lib.applications.worksheets import hand, outline, pdf, readers, rivals, sheet, sums, trial
from imggen_lib.applications.worksheets.__main__ import make
from imggen_lib.chance import Chance
from imggen_lib.checkpoint import pretrained
from imggen_lib.data import glyphs
from imggen_lib.data.imageset import ImageSet
from imggen_lib.measured import measured


@pytest.fixture(scope="module")
def model() -> torch.nn.Module:
    return pretrained(hand.MODEL).model()


@pytest.mark.parametrize("kind", sums.KINDS)
def test_sums_are_different_and_their_answers_right(kind: str) -> None:
    """Against Python's own arithmetic on the printed text; no answer is below 0."""
    found = sums.draw_sums(Chance(3), kind, 40)
    assert len(set(found)) == 40
    for one in found:
        asked, answer = one.text.split(" = ")
        assert eval(asked.replace("\u2212", "-").replace("\u00d7", "*")) == int(answer) == one.answer >= 0
        assert "".join(map(str, one.digits)) == f"{one.a}{one.b}"
        least, most = sums.KINDS[kind][1:]
        assert least <= one.a <= most and least <= one.b <= most
    with pytest.raises(ValueError, match="division"):
        sums.draw_sums(Chance(3), "division")
    with pytest.raises(ValueError, match="at most 40"):
        sums.draw_sums(Chance(3), kind, 41)


def test_a_seed_makes_a_sheet_and_another_seed_another() -> None:
    made = [sheet.worksheet(seed) for seed in range(30)]
    assert made == [sheet.worksheet(seed) for seed in range(30)]
    assert len({one.sums for one in made}) == 30 and len({one.hand.seed for one in made}) > 20
    for one in made:
        assert all(v in one.hand.kept[d] for s, vs in zip(one.sums, one.variations, strict=True)
                   for d, v in zip(s.digits, vs, strict=True))  # fmt: skip
    with pytest.raises(ValueError, match="seed"):
        sheet.worksheet(-1)
    with pytest.raises(ValueError, match="harder"):
        sheet.worksheet(0, level="harder")


def test_levels_share_out_all_hands_by_legibility() -> None:
    levels = [hand.level_hands(level) for level in hand.LEVELS]
    assert [one for level in levels for one in level] == list(hand.hands())
    assert all(min(a).legibility >= max(b).legibility for a, b in itertools.pairwise(
        [[h._replace(seed=0, kept=()) for h in level] for level in levels]))  # fmt: skip
    assert {len(level) for level in levels} <= {len(hand.hands()) // 3, len(hand.hands()) // 3 + 1}


def test_the_file_of_hands_is_of_the_model_that_ships_and_its_choice_can_be_repeated(model: torch.nn.Module) -> None:
    """The classifier keeps the same variations of eight hands, and has refused the hands that are missing."""
    said = json.loads(hand.FILE.read_text(encoding="utf-8"))
    assert said["model"] == {"name": hand.MODEL, "sha256": pretrained(hand.MODEL).meta["weights"]["sha256"]}
    assert (said["screened"], said["spread"], said["sure"]) == (hand.SCREENED, hand.SPREAD, hand.SURE)
    listed = {seed: bits for seed, bits, _ in said["hands"]}
    assert len(listed) == measured("worksheets")["hands kept"] and max(listed) < hand.SCREENED
    missing = [seed for seed in range(hand.SCREENED) if seed not in listed][:3]
    reader, labels = readers.Classifier(), torch.arange(10).repeat_interleave(hand.VARIANTS)
    for seed in [*list(listed)[:5], *missing]:
        kept = reader.sure(hand.write_hand(model, seed).flatten(0, 1), labels, hand.SURE).view(10, -1)
        bits = hand.pack_kept(hand.kept_of(kept))
        assert (listed[seed] == bits) if seed in listed else "0" in bits


def test_a_stamp_writes_alike_and_a_hand_varies(model: torch.nn.Module) -> None:
    stamp, varied, other = (hand.write_hand(model, 5, spread=s) for s in (0.0, 0.3, 1.0))
    assert float((stamp - stamp[:, :1]).abs().max()) < 1e-5  # batched products round a little differently
    near, far = ((x[:, 1:] - x[:, :1]).abs().mean() for x in (varied, other))
    assert 0.01 < near < 0.6 * far
    assert hand.hand_latents(5).shape == (10, 4, 64)
    with pytest.raises(ValueError, match="between 0"):
        hand.hand_latents(5, spread=1.5)
    with pytest.raises(ValueError, match="ten digits"):
        hand.write_hand(pretrained("mnist-gan-conv").model(), 0)


def operators(path: Path, page: int) -> list[tuple[list[float], str]]:
    """The drawing operators of a page, by pypdf, an independent reader."""
    from pypdf import PdfReader
    from pypdf.generic import ContentStream

    file = PdfReader(path)
    content = ContentStream(file.pages[page].get_contents(), file)
    return [([float(x) for x in given if isinstance(x, int | float)], op.decode()) for given, op in content.operations]


def filled_shapes(path: Path, height: float) -> list[list[np.ndarray]]:
    """The filled paths of page 1, in millimetres from the upper left corner: rings of each, as the file has them."""
    shapes: list[list[np.ndarray]] = []
    rings: list[list[tuple[float, float]]] = []
    for given, op in operators(path, 0):
        if op == "m":
            rings.append([(given[0], given[1])])
        elif op == "l":
            rings[-1].append((given[0], given[1]))
        elif op in ("f", "F", "f*"):
            found = [np.array(ring) * 25.4 / 72 for ring in rings if len(ring) > 2]
            if max(map(len, found)) > 5:  # the white page itself is a rectangle
                shapes.append([np.stack([ring[:, 0], height - ring[:, 1]], 1) for ring in found])
            rings = []
        elif op in ("S", "n", "s", "B", "b"):
            rings = []
    return shapes


@pytest.mark.parametrize("paper", pdf.PAPERS)
def test_another_program_opens_the_sheet(tmp_path: Path, model: torch.nn.Module, paper: str) -> None:
    """pypdf finds two pages of the right size, the key and nothing of it on page 1, and where it all came from."""
    pypdf = pytest.importorskip("pypdf")
    one = sheet.worksheet(7, kind="subtraction", level="medium")
    file = pypdf.PdfReader(pdf.save_pdf(tmp_path / "a.pdf", one, sheet.sheet_images(one, model), paper=paper))
    assert len(file.pages) == 2
    for page in file.pages:
        assert [float(x) * 25.4 / 72 for x in page.mediabox[2:]] == pytest.approx(list(pdf.PAPERS[paper]), abs=0.1)
    first, key = (page.extract_text() for page in file.pages)
    assert "Worksheet 7" in first and "Name" in first and one.command in first
    for k, asked in enumerate(one.sums, 1):
        assert f"{k})" in first and asked.text not in first and f"{k})  {asked.text}" in key
    told = file.metadata
    assert told["/Title"] == "Worksheet 7" and pretrained(hand.MODEL).meta["weights"]["sha256"] in told["/Keywords"]
    assert f"hand {one.hand.seed}" in told["/Subject"] and one.command in told["/Keywords"] and "/CreationDate" not in told
    assert (tmp_path / "a.pdf").stat().st_size < 250_000


def test_the_digits_in_the_file_are_read_as_the_key_has_them(tmp_path: Path, model: torch.nn.Module) -> None:
    """The curves that pypdf finds, in pixels again: the classifier reads each as it was meant; each is the image drawn."""
    pytest.importorskip("pypdf")
    from matplotlib.path import Path as Curve

    one = sheet.worksheet(11)
    images = sheet.sheet_images(one, model)
    shapes = filled_shapes(pdf.save_pdf(tmp_path / "a.pdf", one, images), pdf.PAPERS["a4"][1])
    placed = [p for line in pdf.layout(one, images) for p in line.digits]
    assert len(shapes) == len(placed) == 80 and [p.digit for p in placed] == list(one.written)
    fine, scale, seen = 8, pdf.HIGH / 28, []
    at = (np.arange(28 * fine) + 0.5) / fine
    points = np.stack(np.meshgrid(at, at), -1).reshape(-1, 2)
    for rings, p in zip(shapes, placed, strict=True):
        inside = np.zeros(len(points), dtype=bool)
        for ring in rings:
            inside ^= Curve((ring - (p.x, p.y)) / scale).contains_points(points)
        seen.append(inside.reshape(28 * fine, -1))
    black = np.stack(seen)
    back = torch.from_numpy(black.reshape(-1, 28, fine, 28, fine).mean((2, 4)) * 2 - 1).float()[:, None]
    assert readers.Classifier().read(back).tolist() == list(one.written)
    ours = outline.as_printed(images)
    assert float((back - ours).abs().mean()) < 0.01
    gray, seen_again = ((images[:, 0] + 1) / 2 > outline.CUT).numpy(), ((back[:, 0] + 1) / 2 > 0.5).numpy()
    assert all(overlap(a, b) > 0.8 for a, b in zip(gray, seen_again, strict=True))


def test_the_same_sheet_is_the_same_file(tmp_path: Path, model: torch.nn.Module) -> None:
    one = sheet.worksheet(2)
    images = sheet.sheet_images(one, model)
    first, second = (pdf.save_pdf(tmp_path / f"{k}.pdf", one, images).read_bytes() for k in range(2))
    assert first == second
    with pytest.raises(ValueError, match="80 digits"):
        pdf.save_pdf(tmp_path / "x.pdf", one, images[:3])
    with pytest.raises(ValueError, match="a5"):
        pdf.layout(one, images, "a5")


def test_nothing_overlaps_on_the_page(model: torch.nn.Module) -> None:
    """Digits, signs and lines of every kind of sheet keep apart and inside the margins, for 4 to 40 sums on both papers."""
    for kind, paper, count in [("addition", "a4", 20), ("multiplication", "letter", 40), ("subtraction", "letter", 4)]:
        one = sheet.worksheet(1, kind=kind, count=count)
        images = sheet.sheet_images(one, model)
        lines = pdf.layout(one, images, paper)
        wide, high = pdf.PAPERS[paper]
        scale = min(pdf.HIGH, (high - pdf.TOP - pdf.BOTTOM) / -(-count // 2)) / 28
        for line in lines:
            edges = []
            for p in line.digits:
                start, end = pdf._extent(images[p.nth])
                edges.append((p.x + start * scale, p.x + end * scale))
            assert all(a[1] < b[0] for a, b in itertools.pairwise(edges))
            k = len(str(one.sums[line.number - 1].a))
            assert edges[k - 1][1] + 1.5 < line.sign_x < edges[k][0] - 1.5
            assert edges[-1][1] + 1 < line.equals_x and line.equals_x + 26 <= wide - 8
            assert line.y + 8 < high - pdf.BOTTOM + 8
        assert max(Counter(line.y for line in lines).values()) == 2


def test_thirty_sheets_by_one_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three here; the program says what it wrote, and refuses none at all in one line."""
    told = make(tmp_path / "a", first=4, sheets=3, level="hard", paper="letter", count=6)
    files = sorted(p.name for p in (tmp_path / "a").iterdir())
    assert files == ["worksheet-4.pdf", "worksheet-5.pdf", "worksheet-6.pdf", "worksheets.json"]
    assert json.loads((tmp_path / "a" / "worksheets.json").read_text("utf-8")) == told
    assert len({tuple(one["key"]) for one in told}) == 3
    command = [sys.executable, "-m", "imggen_lib.applications.worksheets", str(tmp_path / "b"), "--sheets", "0"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 2 and "number of sheets" in done.stderr and not (tmp_path / "b").exists()


def test_specks_and_thin_grey_are_not_printed() -> None:
    image = -torch.ones(1, 28, 28)
    image[0, 4:24, 12:16] = 1.0
    image[0, 2, 2] = 1.0  # a speck
    image[0, 4:24, 22] = -0.6  # grey below the cut
    curves = outline.digit_outlines(image)
    assert len(curves) == 1 and curves[0].area == pytest.approx(80, rel=0.1)
    printed = (outline.as_printed(image[None])[0, 0] + 1) / 2
    assert float(printed[:, :8].max()) == 0 and float(printed[:, 20:].max()) == 0 and float(printed[8:20, 13:15].min()) == 1
    with pytest.raises(ValueError, match="between 0"):
        outline.digit_outlines(image, 1.0)
    with pytest.raises(ValueError, match="one grey digit"):
        inspect.unwrap(outline.ink_field)(image[0])


@pytest.fixture(scope="module")
def printed_digits() -> ImageSet:
    return glyphs.make(n=1500, seed=9, classes="0123456789")


def test_neighbours_are_scikit_learns(printed_digits: ImageSet) -> None:
    """The same digits as a brute-force search with the same k reads, where no two digits have equal votes; and they learn."""
    from sklearn.neighbors import KNeighborsClassifier

    x, y = printed_digits.floats(), printed_digits.labels
    assert y is not None
    ours = readers.Neighbours(x[:1000], y[:1000])
    theirs = KNeighborsClassifier(3, algorithm="brute").fit(x[:1000].flatten(1).numpy(), y[:1000].numpy())
    votes = theirs.predict_proba(x[1000:].flatten(1).numpy())
    clear = votes.max(1) > 0.5
    read = ours.read(x[1000:]).numpy()
    assert clear.mean() > 0.8 and (read == votes.argmax(1))[clear].all()
    distances, at = theirs.kneighbors(x[1000:].flatten(1).numpy(), 1)
    nearest = y[:1000].numpy()[at[:, 0]]
    assert (read == nearest)[~clear].all()
    margin = ours.margin(x[1000:], y[1000:])
    assert torch.equal(margin > 0, torch.from_numpy(nearest) == y[1000:])
    found = ours.distances(x[1000:])[:, :, 0].amin(1).numpy()
    assert np.allclose(found, distances[:, 0], atol=1e-2)
    with pytest.raises(ValueError, match="each digit needs"):
        readers.Neighbours(x[:12], y[:12])


def test_deskewing_takes_a_slant_out(printed_digits: ImageSet) -> None:
    from imggen_lib.applications.worksheets.measures import style_of

    images = printed_digits.floats()[:100]
    before, after = style_of(images), style_of(readers.deskewed(images))
    assert float(before.slant.abs().mean()) > 0.05 and float(after.slant.abs().max()) < 0.02
    assert float((after.height / before.height - 1).abs().max()) < 0.05, "a shear leaves the height as it is"


def test_the_machine_reads(printed_digits: ImageSet) -> None:
    x, y = printed_digits.floats(), printed_digits.labels
    assert y is not None
    read = readers.Machine(x[:1200], y[:1200], components=20).read(x[1200:])
    assert float((read == y[1200:]).float().mean()) > 0.9


def test_a_sheet_holds_where_all_of_its_digits_do() -> None:
    """A hand that writes one wrong 7 of four has shares below 1 exactly where that 7 was drawn; without it, never."""
    right = torch.ones(50, 10, 4, dtype=torch.bool)
    assert trial.sheet_shares(right).eq(1).all()
    right[:, 7, 2] = False
    some = trial.sheet_shares(right)
    assert 0 < int(some.eq(1).sum()) < 50 and float(some.min()) > 0.8
    assert trial.sheet_shares(right, right).eq(1).all()
    one = torch.ones(50, 10, 4, dtype=torch.bool)
    one[0] = False
    assert trial.sheet_shares(one).tolist() == [0.0] + [1.0] * 49
    assert int((trial.sheet_shares(one, mixed=True) < 1).sum()) > 25
    with pytest.raises(ValueError, match="every digit"):
        trial.sheet_shares(one, one)


def test_rivals_write_what_they_are_asked(printed_digits: ImageSet) -> None:
    """A font is alike all over a sheet; cuttings show the digit; matched ones are nearer to a hand than those drawn by lot."""
    from imggen_lib.applications.worksheets.measures import hand_seen, style_of

    fonts = rivals.printed(30)
    assert fonts.shape == (30, 10, 1, 1, 28, 28)
    seen = {}
    for name, cut in (("pasted", rivals.pasted(printed_digits, 30)), ("matched", rivals.matched(printed_digits, 30))):
        assert printed_digits.labels is not None
        assert torch.equal(printed_digits.labels[cut.at], torch.arange(10).view(1, 10, 1).expand(30, 10, 4))
        slant = style_of(cut.images[:, :, 0].flatten(0, 1)).slant.view(30, 10)
        seen[name] = hand_seen(slant, 10).value
    assert seen["pasted"] < 0.2 and seen["matched"] > 0.8


def test_the_record_says_what_the_chapter_says() -> None:
    """The findings in words, as inequalities of intervals: a change of any of them changes the chapter."""
    record = measured("worksheets")
    sets = record["sets"]
    product, hand_sheet = sets["GAN, no choice"]["product"], sets["GAN, no choice"]["whole sheet"]
    assert hand_sheet[1] > product[2]  # a hand's digits fail together
    alone = sets["GAN, no hand"]
    assert alone["whole sheet"][1] < alone["product"][2] and alone["product"][1] < alone["whole sheet"][2]
    assert sets["GAN, chosen"]["whole sheet"][1] > hand_sheet[2]  # choosing helps
    taught = {name: row["right"] for name, row in record["taught"].items()}
    assert taught["printed font"][2] < taught["GAN, chosen"][1] and taught["GAN, chosen"][2] < taught["real"][1]
    levels = [record["difficulty"][level]["machine"] for level in hand.LEVELS]
    assert levels[0][1] > levels[1][0] > levels[2][2]
    assert record["filter"]["0.99"]["classifier"][0] == 1 > record["filter"]["0.99"]["neighbours"][2]
