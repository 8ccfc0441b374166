"""The icons that the book uses as small fonts: six kilobytes in place of Font Awesome's eight hundred.

The theme brings Font Awesome twice, as a program that draws 2,000 icons and as fonts. The program goes (`finish_site`); of the
fonts those icons are kept that a page, a script or a style names. A page asks for the whole font only if it shows one that was
overlooked.
"Font Awesome" is a reserved name under the fonts' licence (SIL OFL 1.1), so what is made here calls itself "Book Icons".
"""

import logging
import re
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont

logging.getLogger("fontTools").setLevel(logging.WARNING)

STYLES = ("pydata-sphinx-theme.css", "sphinx-book-theme.css")
FACES = {
    "fa-solid-900": ("Font Awesome 6 Free", 900),
    "fa-regular-400": ("Font Awesome 6 Free", 400),
    "fa-brands-400": ("Font Awesome 6 Brands", 400),
}


def named(texts: list[str]) -> set[str]:
    """The names of the icons in pages and scripts: ``bars`` of ``class="fa-solid fa-bars"``."""
    return {name for text in texts for name in re.findall(r"\bfa-([a-z0-9-]+)", text)}


def points(css: str, names: set[str]) -> set[int]:
    """The characters of these icons, and those that the theme's own rules show."""
    found = set()
    for selector, body in re.findall(r"([^{}]+)\{([^{}]*)\}", css):
        icons = set(re.findall(r"\.fa-([a-z0-9-]+)", selector))
        if not icons or icons & names:
            found |= {int(code, 16) for code in re.findall(r"\\([ef][0-9a-f]{3})\b", body)}
            found |= {ord(character) for character in re.findall(r"[\ue000-\uf8ff]", body)}
    return found


def shrink(source: Path, wanted: set[int], target: Path) -> list[int]:
    """Write what a font has of these characters, under another name; copyright and licence stay in it."""
    options = subset.Options(flavor="woff", recalc_timestamp=False, name_IDs=["*"], notdef_outline=True)
    font = TTFont(source, recalcTimestamp=False)
    kept = sorted(wanted & set(font.getBestCmap()))
    if kept:
        worker = subset.Subsetter(options)
        worker.populate(unicodes=kept)
        worker.subset(font)
        for record in font["name"].names:
            if record.nameID in (1, 3, 4, 6, 16, 18):
                record.string = "BookIcons" if record.nameID == 6 else "Book Icons"
        subset.save_font(font, str(target), options)
    return kept


def write(static: Path, pages: list[str]) -> None:
    """Make ``_static/icons`` and let ``_static/icons.css`` prefer it."""
    folder = static / "icons"
    folder.mkdir(exist_ok=True)
    css = "".join((static / "styles" / name).read_text(encoding="utf-8") for name in STYLES if (static / "styles" / name).exists())
    scripts = [p.read_text(encoding="utf-8") for p in sorted((static / "scripts").glob("*.js"))]
    wanted = points(css, named(pages + scripts))
    rules = []
    for name, (family, weight) in FACES.items():
        kept = shrink(static / "vendor" / "fontawesome" / "webfonts" / f"{name}.ttf", wanted, folder / f"{name}.woff")
        if kept:
            span = ",".join(f"U+{point:X}" for point in kept)
            rules.append(
                f'@font-face {{ font-family: "{family}"; font-weight: {weight}; font-display: block; unicode-range: {span};\n'
                f'  src: url("icons/{name}.woff") format("woff"); }}\n'
            )
    (static / "icons.css").write_text("".join(rules), encoding="utf-8")
