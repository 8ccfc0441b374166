"""Ask every address that the repository names whether it still answers: pages, bibliography, README, docstrings.

    python scripts/check/links.py            # needs nothing but Python and a network
    python scripts/check/links.py --list     # only say which there are

Papers are named by number (``arXiv:1406.2661``); their pages are asked for. A refusal (401, 403, 405, 429) is an answer: many
publishers refuse programs. One host is asked once in three seconds at most.
"""

import argparse
import http.client
import re
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urlparse

ROOT = Path(__file__).parents[2]
PLACES = ("*.md", "*.cff", "book/**/*.md", "book/*.bib", "imggen_lib/**/*.py", "imggen_lib/**/*.js", "scripts/**/*.py")
URL = re.compile(r"https?://[^\s\"'`<>{}|\\^]+")
PLACEHOLDER = re.compile(r"localhost|127\.0\.0\.1|example\.|/owner/name|/OWNER/NAME|//host/|\$")
# Folders that give files but do not say which: a small one of their files is asked for.
FILES = {"imggen_lib/data/idx.py": "t10k-labels-idx1-ubyte.gz", "scripts/check/colab.py": "pip-freeze.txt"}
REFUSALS = (401, 403, 405, 429)
PAUSE = 3.0  # seconds between two questions to one host


def trimmed(url: str) -> str:
    """An address without what the sentence around it adds: a full stop, a bracket that was opened before it."""
    url = url.rstrip(".,;:!?*")
    while url.endswith((")", "]")) and url.count(url[-1]) > url.count({")": "(", "]": "["}[url[-1]]):
        url = url[:-1].rstrip(".,;:!?*")
    return url.split("#")[0]


def found(text: str) -> set[str]:
    """The addresses in a text, and those of the papers that it names."""
    papers = {f"https://arxiv.org/abs/{number}" for number in re.findall(r"arXiv:(\d{4}\.\d{4,5}|[a-z-]+/\d{7})", text)}
    papers |= {f"https://doi.org/{trimmed(doi)}" for doi in re.findall(r"\bdoi:\s*(10\.\d{4,}/[^\s,}\]]+)", text)}
    return papers | {trimmed(url) for url in URL.findall(text) if not PLACEHOLDER.search(url)}


def named() -> dict[str, str]:
    """Every address, and a file that names it."""
    places = sorted({path for pattern in PLACES for path in ROOT.glob(pattern) if path.name != Path(__file__).name})
    urls = {}
    for path in places:
        place = path.relative_to(ROOT).as_posix()
        urls |= {
            url + (FILES.get(place, "") if url.endswith("/") else ""): place for url in found(path.read_text(encoding="utf-8"))
        }
    return urls


def fault(url: str, timeout: float = 30, tries: int = 3, pause: float = PAUSE) -> str:
    """Why an address does not answer; "" if it does."""
    why = ""
    for attempt in range(tries):
        time.sleep(pause * attempt)
        for method in ("HEAD", "GET"):
            try:
                request = urllib.request.Request(url, method=method, headers={"User-Agent": "imggen link check"})
                with urllib.request.urlopen(request, timeout=timeout):
                    return ""
            except urllib.error.HTTPError as error:
                if error.code in REFUSALS and method == "GET":
                    return ""
                why = f"{error.code} {error.reason}"
                if error.code in (404, 410) and method == "GET":
                    return why
            except (OSError, ValueError, http.client.HTTPException) as error:
                why = str(getattr(error, "reason", error)) or type(error).__name__
                break
    return why


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list", action="store_true", help="ask nobody; say which addresses there are")
    args = parser.parse_args()
    urls, asked, dead = named(), dict[str, float](), 0
    for url, place in sorted(urls.items()):
        if args.list:
            print(f"{url}  {place}")
            continue
        host = urlparse(url).netloc
        time.sleep(max(0.0, asked.get(host, -PAUSE) + PAUSE - time.monotonic()) if host in asked else 0.0)
        why = fault(url)
        asked[host] = time.monotonic()
        if why:
            dead += 1
            print(f"{url}  in {place}: {why}", flush=True)
    print(f"{len(urls)} addresses" if args.list else f"{len(urls)} addresses, {dead} do not answer")
    sys.exit(bool(dead))


if __name__ == "__main__":
    main()
