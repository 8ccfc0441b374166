"""A picture from a sentence in the page: the words, the steps, the attention and the pixels are Python's."""

import base64
import gzip
import json
import shutil
import subprocess
from typing import Any

import numpy as np
import pytest
import torch

from imggen_lib import live
from imggen_lib.applications.sentence import store
from imggen_lib.data import captions
from imggen_lib.live.base import HERE, page_script
from imggen_lib.live.sentence import SEEDS, SENTENCE, sentence_file
from imggen_lib.live.shipped import script
from imggen_lib.live.wire import tensors
from imggen_lib.noise import latents

NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="Node is not installed; the browser tests run these scripts too")
CODE = """
const { file, asked, texts } = JSON.parse(require('fs').readFileSync(0, 'utf8'));
const model = { get: (name) => (name === 'files' ? { painter: file } : undefined) };
(async () => {
  const { spec, network, draw } = await sentenceOpen(model, 'painter');
  const read = (text) => network.read(sentenceTokens(text, spec).tokens);
  const drawn = asked.map(({ text, against, seed, guidance, steps, noise }) => {
    const flow = sentenceFlow(network, { noise, words: read(text), against: read(against), guidance, steps });
    const moments = [...flow];
    const last = moments[moments.length - 1];
    return { image: Array.from(draw(last.x)), maps: moments[0].maps, guess: Array.from(moments[0].guess), n: moments.length };
  });
  const told = texts.map((text) => {
    const { words, strange, tokens } = sentenceTokens(text, spec);
    return { words, strange, tokens, clash: sentenceClash(words, spec) };
  });
  process.stdout.write(JSON.stringify({ drawn, told }));
})();
"""
ASKED: list[dict[str, Any]] = [
    {"text": "a small bold slanted Q in a serif font top left", "against": "", "seed": 0, "guidance": 2.0, "steps": 4},
    {"text": "7 without serifs", "against": "bold", "seed": 5, "guidance": 3.0, "steps": 3},
    {"text": "", "against": "", "seed": 7, "guidance": 1.0, "steps": 5},
]
TEXTS = [
    "a",
    "A",
    "a tiny q, in the CENTER",
    "purple Q",
    "a small large Q",
    "Q 7",
    "Q without serifs serif",
    "A bold B",
    "A bold serif",
    "“Q” (bold) [left] \u2013 top\u2026 \u2018big\u2019",
    "without serifs sans",
    "",
]


@pytest.fixture(scope="module")
def page() -> dict[str, Any]:
    """What the page's scripts compute."""
    file = sentence_file()
    asked = [{**a, "noise": latents([a["seed"]], file["spec"]["latent"])[0].tolist()} for a in ASKED]
    sent = {"spec": file["spec"], "bytes": base64.b64encode(file["bytes"]).decode()}
    parts = [(HERE / "js" / f"{name}.js").read_text(encoding="utf-8") for name in ("core", *live.sentence().parts)]
    assert NODE is not None
    given = json.dumps({"file": sent, "asked": asked, "texts": TEXTS})
    done = subprocess.run(
        [NODE, "-e", "\n".join([*parts, CODE])], input=given, capture_output=True, text=True, timeout=300, check=True
    )
    told: dict[str, Any] = json.loads(done.stdout)
    return told


@needs_node
def test_the_page_draws_what_python_draws(page: dict[str, Any]) -> None:
    """Every pixel within 1e-3, with guidance, with a negative sentence and without words."""
    painter = store.painter()
    for asked, found in zip(ASKED, page["drawn"], strict=True):
        options = {k: asked[k] for k in ("guidance", "against", "steps")}
        mine = painter.draw([asked["text"]], [asked["seed"]], **options)[0].flatten()
        assert found["n"] == asked["steps"] + 1
        torch.testing.assert_close(torch.tensor(found["image"]), mine, atol=1e-3, rtol=0)
        assert mine.max() > mine.min()


@needs_node
def test_the_page_looks_where_python_looks(page: dict[str, Any]) -> None:
    painter = store.painter()
    for asked, found in zip(ASKED, page["drawn"], strict=True):
        first = painter.moments(asked["text"], asked["seed"], guidance=asked["guidance"], against=asked["against"], steps=1)[0]
        np.testing.assert_allclose(np.array(found["maps"]), first.attention.numpy(), atol=1e-4)
        np.testing.assert_allclose(found["guess"], first.guess.numpy(), atol=2e-3)


@needs_node
def test_the_page_reads_words_as_python_does(page: dict[str, Any]) -> None:
    """Tokens, unknown words, and two words of one factor."""
    for text, found in zip(TEXTS, page["told"], strict=True):
        assert found["words"] == captions.split(text) and found["strange"] == captions.unknown(text)
        if not found["strange"]:
            ids = captions.tokens([text])[0]
            assert found["tokens"] == ids[: len(found["tokens"])].tolist()
            try:
                captions.parse(text)
            except ValueError:
                assert found["clash"]
            else:
                assert found["clash"] is None


def test_the_files_weights_are_the_shipped_ones_to_the_bit() -> None:
    file, kept = sentence_file(), store.tensors_of("painter")
    numbers = tensors(file["spec"]["tensors"], file["bytes"])
    assert len(file["spec"]["parts"]) > 50
    for name, at in file["spec"]["parts"].items():
        value = kept[f"net.{name}"]
        plain = value.weight() if isinstance(value, store.Rounded) else value.float()
        assert torch.equal(numbers[at].float(), plain), name


def test_a_page_loads_half_a_megabyte_of_weights_at_most() -> None:
    """The painter as a server sends it; the demo's script is small beside it."""
    weights, demo = (len(gzip.compress(text.encode(), 9)) for text in (script(SENTENCE, sentence_file()), page_script("sentence")))
    assert weights <= 500_000 and demo <= 30_000, (weights, demo)


def test_what_cannot_be_drawn_is_a_plain_error() -> None:
    with pytest.raises(ValueError, match="no caption uses: purple"):
        live.sentence("a purple Q")
    with pytest.raises(ValueError, match="both small and large"):
        live.sentence("a small large Q")
    with pytest.raises(ValueError, match=f"from 0 to {SEEDS - 1}"):
        live.sentence(seed=SEEDS)
    with pytest.raises(ValueError, match="guidance is from 0 to 6"):
        live.sentence(guidance=9)
    assert "data-demo='sentence'" in live.sentence().html()
