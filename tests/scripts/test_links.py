"""The link check finds addresses as they are written, and tells a dead one from one that refuses programs."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from links import fault, found, named

TEXT = """
See [the paper](https://example.com/never) and (https://one.org/a_(b)), or <https://two.org/x?y=1>. arXiv:1406.2661,
arXiv:hep-th/9901001;
`https://three.org/`: "https://four.org/path#part". http://localhost:8000 https://github.com/OWNER/NAME doi:10.1000/182.
note={arXiv:1312.6114}}
"""


def test_addresses_are_found_as_they_are_written() -> None:
    assert found(TEXT) == {
        "https://one.org/a_(b)",
        "https://two.org/x?y=1",
        "https://three.org/",
        "https://four.org/path",
        "https://arxiv.org/abs/1406.2661",
        "https://arxiv.org/abs/hep-th/9901001",
        "https://arxiv.org/abs/1312.6114",
        "https://doi.org/10.1000/182",
    }


def test_the_repository_s_papers_are_among_them() -> None:
    urls = named()
    assert urls["https://arxiv.org/abs/1406.2661"] and len(urls) > 50
    assert not [u for u in urls if u.endswith((".", ",", ")")) and "(" not in u]


class Answers(BaseHTTPRequestHandler):
    """``/200`` answers 200 and so on; ``/no-head`` answers GET only; ``/once`` fails the first time."""

    calls = 0

    def _answer(self, head: bool) -> None:
        name = self.path.strip("/")
        code = int(name) if name.isdigit() else 200
        if name == "no-head" and head:
            code = 501
        if name == "once":
            Answers.calls += 1
            code = 500 if Answers.calls <= 2 else 200
        self.send_response(code)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_HEAD(self) -> None:
        self._answer(head=True)

    def do_GET(self) -> None:
        self._answer(head=False)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def host() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_dead_is_told_from_unwilling(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    for path in ("200", "403", "429", "no-head", "once"):
        assert fault(f"{host}/{path}", pause=0) == "", path
    assert fault(f"{host}/404", pause=0).startswith("404")
    assert fault(f"{host}/500", pause=0).startswith("500")
    assert fault("http://127.0.0.1:9/", timeout=2, pause=0)
    assert fault("http://[bad", pause=0)
