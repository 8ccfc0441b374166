"""What is done to the site when all its pages are written: repairs, small icons, licences, and nothing that no page loads.

The repairs are plain replacements in the HTML of sphinx-book-theme 1.3 and docutils 0.21, which `constraints.txt` pins; the browser
tests (`make test-browser`) fail when one is needed again.
"""

import hashlib
import re
from importlib.metadata import distribution
from pathlib import Path

import icons
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

LICENCES = Path(__file__).parent.parent / "licences"

# sha256 over MathJax's files as `digest` reads them. They are those of npm's package mathjax 3.2.2, folder es5, whose integrity is
# sha512-Bt+SSVU8eBG27zChVewOicYs7Xsdt40qm4+UpHyX7k0/O9NliPc+x77k1/FEsPsjKPZGJvtRZM1vO+geW0OhGw==
MATHJAX = "0d57c2f7fba9cf2d63e46b4c60c387f549cd9c24abd95db657b3267e7e30da70"

# What comes with the pages, from where, and under which licence. The text is in book/licences or in the installed package.
PARTS = [
    ("MathJax 3.2.2 (sets the formulas), Apache-2.0", "mathjax.txt"),
    ("Font Awesome Free 6.5.2 (icons; the fonts are cut down to what is used), OFL-1.1, CC-BY-4.0, MIT", "fontawesome.txt"),
    ("Bootstrap 5.3.3, MIT", "bootstrap.txt"),
    ("clipboard.js 2.0.8, MIT", "clipboard.txt"),
    ("Sphinx, BSD-2-Clause", "sphinx"),
    ("pydata-sphinx-theme, BSD-3-Clause", "pydata-sphinx-theme"),
    ("sphinx-book-theme, BSD-3-Clause", "sphinx-book-theme"),
    ("MyST-NB, BSD-3-Clause", "myst-nb"),
    ("sphinx-copybutton, MIT", "sphinx-copybutton"),
    ("sphinx-design, MIT", "sphinx-design"),
    ("sphinx-togglebutton, MIT", "sphinx-togglebutton"),
]

REPAIRS = [
    # 540 kB of icons as a program, beside the same icons as fonts; and it replaces icons inside widgets, which breaks them.
    (r'\s*<!-- So that users can add custom icons -->\s*<script defer src="[^"]*fontawesome\.js[^"]*"></script>', ""),
    # Roles that ARIA has withdrawn, and a list whose children are none.
    (r' role="doc-biblioentry"', ""),
    (r'<div role="list" class="citation-list">', '<div class="citation-list">'),
    # What unfolds the sections of a page in the sidebar has a sign and no name.
    (r'(reference internal" href="[^"]*">([^<]*)</a><details[^>]*>)<summary>', r'\1<summary aria-label="\2">'),
    # The sidebar is no landmark, so a screen reader's list of landmarks misses it.
    (r'<div id="pst-primary-sidebar" class=', '<div id="pst-primary-sidebar" role="complementary" aria-label="{title}" class='),
]


def digest(folder: Path) -> str:
    """One sha256 over all files of a folder and their names."""
    total = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        total.update(path.relative_to(folder).as_posix().encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def licences() -> str:
    """The licences of all that is in the site, one after the other."""
    texts = [("The book and its programs, MIT", (LICENCES.parent.parent / "LICENSE").read_text(encoding="utf-8"))]
    for words, source in PARTS:
        if source.endswith(".txt"):
            texts.append((words, (LICENCES / source).read_text(encoding="utf-8")))
        else:
            files = distribution(source).files or []
            found = [f for f in files if re.search(r"dist-info/(licenses/)?(LICEN[CS]E|COPYING)", str(f))]
            texts.append((words, found[0].read_text(encoding="utf-8")))
    contents = "".join(f"  {words}\n" for words, _ in texts)
    return f"What is in these pages, and under which licence:\n\n{contents}" + "".join(
        f"\n\n{'=' * 100}\n{words}\n{'=' * 100}\n\n{text.strip()}\n" for words, text in texts
    )


def trim(static: Path) -> None:
    """Remove what no page loads: MathJax's other bundles, the icons as a program, the maps for debugging."""
    for path in (static / "mathjax").glob("*.js"):
        if path.name != "tex-chtml.js":
            path.unlink()
    for path in {*static.glob("scripts/fontawesome.js*"), *static.rglob("*.map"), *static.glob("sphinx-thebe.*")}:
        path.unlink()
    for path in [*static.glob("scripts/*.js"), *static.glob("styles/*.css")]:
        text = path.read_text(encoding="utf-8")
        path.write_text(re.sub(r"\n?(//# sourceMappingURL=\S+|/\*# sourceMappingURL=\S+ ?\*/)", "", text), encoding="utf-8")


SEARCHES = r'\s*<script src="(?:[^"]*/)?(?:searchtools|language_data|searchindex)\.js[^"]*"></script>'


def _finish(app: Sphinx, failure: Exception | None) -> None:
    if failure or app.builder.name != "html":
        return
    site = Path(app.outdir)
    static = site / "_static"
    trim(static)
    if (found := digest(static / "mathjax")) != MATHJAX:
        raise ExtensionError(f"the files of MathJax are not the published ones of version 3.2.2: sha256 {found}")
    pages = []
    for path in sorted(site.rglob("*.html")):
        text = path.read_text(encoding="utf-8")
        for pattern, replacement in REPAIRS:
            text = re.sub(pattern, replacement.format(title=app.config.html_title or app.config.project), text)
        if path.name != "search.html":  # results are shown there alone, and every chapter makes the index of words larger
            text = re.sub(SEARCHES, "", text)
        path.write_text(text, encoding="utf-8")
        pages.append(text)
    icons.write(static, pages)
    (site / "licences.txt").write_text(licences(), encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx (through `tidy_pages`)."""
    app.add_css_file("icons.css", priority=900)
    app.connect("build-finished", _finish, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
