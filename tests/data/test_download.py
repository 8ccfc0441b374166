"""Downloads from a local server that misbehaves: truncation, silence, errors, wrong bytes."""

import contextlib
import hashlib
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from imggen_lib.data import download
from imggen_lib.errors import DataUnavailable

CONTENT = b"x" * 200_000 + b"end"
DIGEST = hashlib.sha256(CONTENT).hexdigest()


class _Handler(BaseHTTPRequestHandler):
    asked: list[str] = []  # noqa: RUF012

    def do_GET(self) -> None:
        _Handler.asked.append(self.path)
        first = _Handler.asked.count(self.path) == 1
        if self.path == "/gone" or (self.path == "/flaky" and first):
            self.send_error(404 if self.path == "/gone" else 503)
            return
        body = {"/wrong": b"y" * len(CONTENT), "/long": CONTENT * 50}.get(self.path, CONTENT)
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.path == "/silent":
            self.wfile.write(body[:1000])
            self.wfile.flush()
            time.sleep(3)
            return
        if self.path == "/short":
            body = body[:5000]
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.delenv("IMGGEN_OFFLINE")
    monkeypatch.setattr(download, "TIMEOUT", 0.5)
    monkeypatch.setattr(download, "PAUSE", 0.0)
    _Handler.asked.clear()
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    threading.Thread(target=httpd.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{httpd.server_port}"
    httpd.shutdown()
    httpd.server_close()


def _fetch(server: str, target: Path, *paths: str) -> Path:
    return download.fetch([server + p for p in paths], target, DIGEST, len(CONTENT))


def test_whole_file_arrives_under_its_name_only(server: str, tmp_path: Path) -> None:
    path = _fetch(server, tmp_path / "deep" / "file.gz", "/good")
    assert path.read_bytes() == CONTENT and [p.name for p in path.parent.iterdir()] == ["file.gz"]


def test_a_passing_fault_is_tried_again(server: str, tmp_path: Path) -> None:
    assert _fetch(server, tmp_path / "file.gz", "/flaky").read_bytes() == CONTENT
    assert _Handler.asked == ["/flaky", "/flaky"]


@pytest.mark.parametrize("bad", ["/gone", "/short", "/silent", "/wrong", "/long"])
def test_the_next_mirror_helps(server: str, tmp_path: Path, bad: str) -> None:
    assert _fetch(server, tmp_path / "file.gz", bad, "/good").read_bytes() == CONTENT
    assert _Handler.asked.count(bad) == (1 if bad == "/gone" else download.RETRIES) and _Handler.asked[-1] == "/good"
    assert [p.name for p in tmp_path.iterdir()] == ["file.gz"]


@pytest.mark.parametrize("bad", ["/gone", "/short", "/silent", "/wrong", "/long"])
def test_nothing_half_written_is_left(server: str, tmp_path: Path, bad: str) -> None:
    with pytest.raises(DataUnavailable) as error:
        _fetch(server, tmp_path / "file.gz", bad)
    assert "file.gz could not be downloaded" in str(error.value) and bad in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_an_interruption_leaves_nothing(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(download, "verify", interrupt)
    with pytest.raises(KeyboardInterrupt):
        _fetch(server, tmp_path / "file.gz", "/good")
    assert list(tmp_path.iterdir()) == []


def test_a_cache_that_cannot_be_made_is_unavailable_data(server: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataUnavailable, match="cannot be made"):
        _fetch(server, tmp_path / "file" / "x.gz", "/good")


def test_offline_asks_nobody(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMGGEN_OFFLINE", "1")
    with pytest.raises(DataUnavailable, match="IMGGEN_OFFLINE"):
        _fetch(server, tmp_path / "file.gz", "/good")
    assert _Handler.asked == []


def test_cache_folder_follows_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("IMGGEN_CACHE", str(tmp_path))
    assert download.cache_folder() == tmp_path
    monkeypatch.delenv("IMGGEN_CACHE")
    assert download.cache_folder().name == "imggen_lib"
