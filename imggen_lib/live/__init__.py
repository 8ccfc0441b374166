"""Live demos: what the book can be played with, in a notebook (with a kernel) and in a rendered page (without one).

    from imggen_lib import live

    live.explorer("mnist-vae-map")          # drag a point, move sliders, look at what is drawn
    live.drawing()                          # draw a digit, see what the VAE makes of it
    live.real_or_fake("mnist-gan-classes")  # twelve images, some of them generated
    live.trainer("gan")                     # train a small GAN on points in the plane
    live.flow()                             # flow matching in the plane: the field, the paths, solvers, reflow
    live.latent()                           # the same noise, decoded, moved by a latent flow, and drawn in one step
    live.game()                             # play platform levels, or watch an agent finish them
    live.campaign()                         # a headline and garments in ten sizes of banner, each checked
    live.bandit()                           # three ways to choose among banners race for clicks
    live.sizes()                            # one image by a generator at every size: where does it break?
    live.xrays()                            # call twelve X-rays, then move a threshold; not for clinical use
    live.world()                            # walk through a landscape without end

    live.sentence()                         # write a sentence, and see a letter form that obeys it (or does not)
    live.surface()                          # drag quotes on a surface of implied volatility; not for trading
    live.characters()                       # a sheet of made-up characters: zoom, blend, thin and bold, save as SVG
    live.worksheet()                        # handwritten sums in one hand, marked in the page and printed with their key

**How a demo is made.** One Python module, one script `js/NAME.js`, nothing else:

Python::

    from imggen_lib.live.base import Live

    class Trainer(Live):
        demo = "trainer"                                # the name of the demo, of the script, of its tables
        parts = ("product",)                            # what is joined: core.js, product.js, trainer.js
        words = "Here a small GAN trains in the page."  # what stands there without scripts and on paper

    def trainer(kind: str = "gan", **options) -> Trainer:   # checks its arguments: ValueError with a plain sentence
        return Trainer({"kind": kind, **options})           # plain JSON; keep it short, it stands in the page

JavaScript (plain functions, no import and no export; the parts are joined, `core.js` first)::

    words.trainer = { play: "Train", step: "{n} steps" };  // all texts; a translation replaces them by their keys

    demos.trainer = function ({ model, el, say }) {
      const { kind } = model.get("options");
      el.append(button(say("play"), () => ...));
      return function cleanup() {};                         // stop timers, loops and listeners outside of el
    };

`el` is empty and has the class `imggen-live`. Everything that is not a table lives inside the demo's function or has a name that
starts with the demo's: a demo and its parts share one scope, and each demo is a script of its own, so that a page loads what it
shows. What a test calls is added to the table `tools`. `core.js` has `h` (make an element), `button`, `slider`, `chooser`,
`checkbox`, `status` (a line that screen readers follow), `canvas`, `colours`, `onTheme`, `reducedMotion`, `loop` (frames, only
while seen), `eachFrame`, `chance` (random numbers from a seed), `normals`, `number`, `savePng`: read them first, they are short.

Style stands in `live.css`, which is injected into the page by the script and into the notebook by anywidget. A demo's own rules go
into a block at the end, under `.il-NAME` (the demo's outermost element: `h("div", { class: "il-trainer" })`); the variables at the
top (`--il-text`, `--il-muted`, `--il-line`, `--il-ground`, `--il-accent`, `--il-blue`, `--il-orange`) are right on light and dark
ground. `.imggen-live` is a size container: write `@container (max-width: 420px)` for phones, not `@media`. Shared classes:
`.il-row` (controls in a row that wraps), `.il-button`, `.il-slider`, `.il-status`, `.il-note` (small print), `.il-error`.

In a page the same function runs over `<div class="imggen-live" data-demo="trainer" data-options="{...}">`, which is what
`Live._repr_mimebundle_` stores as `text/html` beside the widget and what the directive `{live}` of `book/_ext/live.py` writes.
The names `live.NAME` are functions; each is imported at the end of this file.
"""

from imggen_lib.live.bandit import bandit
from imggen_lib.live.campaign import campaign
from imggen_lib.live.characters import characters
from imggen_lib.live.draw import drawing
from imggen_lib.live.explore import explorer
from imggen_lib.live.flow import flow
from imggen_lib.live.game import game
from imggen_lib.live.guess import real_or_fake
from imggen_lib.live.latent import latent
from imggen_lib.live.sentence import sentence
from imggen_lib.live.sizes import sizes
from imggen_lib.live.surface import surface
from imggen_lib.live.trainer import trainer
from imggen_lib.live.worksheet import worksheet
from imggen_lib.live.world import world
from imggen_lib.live.xrays import xrays

__all__ = [
    "bandit",
    "campaign",
    "characters",
    "drawing",
    "explorer",
    "flow",
    "game",
    "latent",
    "real_or_fake",
    "sentence",
    "sizes",
    "surface",
    "trainer",
    "worksheet",
    "world",
    "xrays",
]
