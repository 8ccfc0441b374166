"""The HTML and the style of a report (see `report`). No script, no library, no network; every value is escaped."""

import re
from collections.abc import Mapping, Sequence
from html import escape

_STYLE = """
:root{color-scheme:light dark;--text:#1b1f24;--muted:#555c64;--ground:#fff;--line:#b9bec4;--pale:#f1f3f5;--good:#1f6fb4;
 --bad:#b3261e}
@media screen and (prefers-color-scheme:dark){:root{--text:#dde3e9;--muted:#a5aeb7;--ground:#14181e;--line:#4b535c;--pale:#20262d;
 --good:#6ab0ef;--bad:#ff8a7d}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--text);font:16px/1.5 system-ui,-apple-system,"Segoe UI",sans-serif}
main{max-width:52rem;margin:0 auto;padding:1rem}
h1{font-size:1.6rem;line-height:1.25;margin:.5rem 0 1rem}
h2{font-size:1.2rem;line-height:1.3;margin:0 0 .6rem}
section{margin:0 0 2rem;padding-top:1rem;border-top:1px solid var(--line)}
p{margin:.5rem 0;max-width:44rem}
.warning{display:block;margin:0 0 .7rem;padding:.35rem .7rem;border:2px solid var(--bad);border-radius:.3rem;font-weight:600;
 max-width:none}
.warning.here{font-weight:400}
nav ul{columns:16rem;margin:.3rem 0 1.5rem;padding-left:1.2rem}
a{color:inherit}
.scroll{overflow-x:auto;margin:.7rem 0}
.scroll:focus-visible,a:focus-visible{outline:3px solid var(--good);outline-offset:2px}
table{border-collapse:collapse;width:100%}
caption{text-align:left;color:var(--muted);font-size:.9rem;padding-bottom:.3rem}
th,td{text-align:left;vertical-align:top;padding:.35rem .6rem .35rem 0;border-bottom:1px solid var(--line);font-size:.92rem;
 overflow-wrap:break-word}
thead th{color:var(--muted);font-weight:600}
tbody th{font-weight:600}
.number{font-variant-numeric:tabular-nums}
.passed::before{content:"\\2713\\00a0";color:var(--good);font-weight:700}
.failed{font-weight:600}
.failed::before{content:"\\2717\\00a0";color:var(--bad);font-weight:700}
.figures{display:flex;flex-wrap:wrap;gap:.9rem;align-items:flex-start;margin:.8rem 0}
figure{margin:0;min-width:0;max-width:100%}
img{display:block;width:100%;height:auto}
.pixels{image-rendering:pixelated}
figcaption{font-size:.86rem;color:var(--muted);margin-top:.25rem}
@media (max-width:30rem){main{padding:.8rem}th,td{font-size:.84rem}}
@page{size:A4;margin:16mm 15mm 20mm}
@media print{
 :root{color-scheme:light}
 body{font-size:10.5pt}
 main{max-width:none;padding:0}
 nav{display:none}
 h2{break-after:avoid}
 tr,figure,.warning{break-inside:avoid}
 .scroll{overflow:visible}
 .case{break-before:page;border-top:0;padding-top:0}
}
"""
_PAGE = """<!doctype html>
<html lang="{lang}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<main>
<h1>{title}</h1>
{body}
</main>
</body>
</html>
"""


def cell(text: str, kind: str = "") -> str:
    """What stands in a cell of a table, escaped; `kind` is a class of the style sheet."""
    return f'<span class="{kind}">{escape(text)}</span>' if kind else escape(text)


def table(head: Sequence[str], rows: Sequence[Sequence[str]], caption: str = "") -> str:
    """A table of cells that are escaped already; the first of a row is its heading. What is too wide scrolls, by keyboard, too."""
    named = f"<caption>{escape(caption)}</caption>" if caption else ""
    top = "".join(f'<th scope="col">{escape(text)}</th>' for text in head)
    lines = [f'<tr><th scope="row">{row[0]}</th>{"".join(f"<td>{value}</td>" for value in row[1:])}</tr>' for row in rows]
    inside = f"{named}{f'<thead><tr>{top}</tr></thead>' if head else ''}<tbody>{''.join(lines)}</tbody>"
    label = escape(caption or " / ".join(head) or re.sub("<[^>]*>", "", rows[0][0]))
    return f'<div class="scroll" tabindex="0" role="group" aria-label="{label}"><table>{inside}</table></div>\n'


def paragraph(text: str) -> str:
    """A paragraph; an empty one is left out."""
    return f"<p>{escape(text)}</p>\n" if text else ""


def figure(source: str, alt: str, caption: str, width: int, pixelated: bool, beside: int = 1) -> str:
    """A picture with its caption, as wide as `width` CSS pixels where there is room; on a phone `beside` of them fit a row."""
    below = f"<figcaption>{escape(caption)}</figcaption>" if caption else ""
    kind = ' class="pixels"' if pixelated else ""
    share = f"max(6rem,calc((100% - {0.9 * (beside - 1):.1f}rem)/{beside}))"
    return (
        f'<figure style="width:min({int(width)}px,{share})"><img{kind} src="{escape(source)}" alt="{escape(alt)}">{below}</figure>'
    )


def figures(made: Sequence[str]) -> str:
    """Pictures side by side, as many as fit."""
    return f'<div class="figures">{"".join(made)}</div>\n'


def _css_string(text: str) -> str:
    """A text as a string of CSS; what is no letter or digit is written as its number, so that nothing ends the string."""
    return '"' + "".join(c if c.isascii() and c.isalnum() else f"\\{ord(c):x} " for c in text) + '"'


def _banner(warnings: Sequence[str], here: str) -> str:
    return "".join(f'<p class="warning">{escape(text)}</p>\n' for text in warnings) + (
        f'<p class="warning here">{escape(here)}</p>\n' if here else ""
    )


def document(
    title: str, sections: Sequence[tuple[str, str, str]], cases: Sequence[tuple[str, str, str]], warnings: Sequence[str],
    words: Mapping[str, str], lang: str,
) -> str:  # fmt: skip
    """The whole page, of sections and cases (title, warning of its own, HTML)."""
    parts, links = [], []
    for kind, made in (("section", sections), ("case", cases)):
        for k, (name, warning, inside) in enumerate(made, 1):
            links.append(f'<li><a href="#{kind}-{k}">{escape(name)}</a></li>')
            head = f'<section class="{kind}" id="{kind}-{k}">\n<h2>{escape(name)}</h2>\n'
            parts.append(f"{head}{_banner(warnings, warning)}{inside}</section>\n")
    contents = f"<nav><h2>{escape(words['contents'])}</h2><ul>{''.join(links)}</ul></nav>\n" if len(links) > 1 else ""
    foot = "" if not warnings else f"@bottom-left{{content:{_css_string('  '.join(warnings))};font:600 9pt sans-serif}}"
    count = f'@bottom-right{{content:{_css_string(words["sheet"] + " ")} counter(page) " / " counter(pages);font:9pt sans-serif}}'
    style = f"{_STYLE}@page{{{foot}{count}}}\n"
    return _PAGE.format(lang=escape(lang), title=escape(title), style=style, body=_banner(warnings, "") + contents + "".join(parts))
