"""Downloads from a local server that misbehaves: truncation, silence, errors, wrong bytes."""

import contextlib
import hashlib
import inspect
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from imggen_lib.data import download, idx, load, load_or_glyphs, sources
from imggen_lib.errors import DataError, DataUnavailable

CONTENT = b"x" * 200_000 + b"end"
DIGEST = hashlib.sha256(CONTENT).hexdigest()


#: Answers that are no HTTP, or that break off; what the client makes of them is no ``OSError``.
BROKEN = {
    "/chunks-cut": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1000\r\nhalf a chunk",
    "/chunks-bad": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzzz\r\nabc\r\n0\r\n\r\n",
    "/garbage": b"\x00\x01\x1b[2J no HTTP at all\r\n\r\n",
    "/status": b"HTTP/1.1 ABC OK\r\n\r\n",
    "/nothing": b"",
    "/headers": b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: y\r\n" % k for k in range(200)) + b"\r\n",
    "/long-header": b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000 + b"\r\n\r\n",
    "/redirect-port": b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:abc/\r\n\r\n",
    "/redirect-blank": b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/a b\x7f\r\n\r\n",
    "/redirect-file": b"HTTP/1.1 302 Found\r\nLocation: file:///etc/hostname\r\n\r\n",
    "/redirect-loop": b"HTTP/1.1 302 Found\r\nLocation: /redirect-loop\r\n\r\n",
    "/reason": b"HTTP/1.1 404 \x1b[2J gone\x07\r\n\r\n",
}

#: What comes before a byte now and then, for ever: in the status line, a header, or the length of a chunk.
DRIPPING = {
    "/drip-status": b"HTTP/1.1 200 ",
    "/drip-header": b"HTTP/1.1 200 OK\r\nX-Slow: ",
    "/drip-chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
}


class _Handler(BaseHTTPRequestHandler):
    asked: list[str] = []  # noqa: RUF012

    def do_GET(self) -> None:
        _Handler.asked.append(self.path)
        first = _Handler.asked.count(self.path) == 1
        if self.path in DRIPPING:
            with contextlib.suppress(OSError):
                self.wfile.write(DRIPPING[self.path])
                for _ in range(100):
                    self.wfile.write(b"1")
                    self.wfile.flush()
                    time.sleep(0.05)
            self.close_connection = True
            return
        if self.path in BROKEN:
            self.wfile.write(BROKEN[self.path])
            self.close_connection = True
            return
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
        if self.path == "/drip":
            with contextlib.suppress(OSError):
                for _ in range(200):
                    self.wfile.write(b"x")
                    time.sleep(0.05)
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
    threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
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


@pytest.mark.parametrize("bad", sorted(BROKEN))
def test_an_answer_that_is_broken_means_the_next_mirror(server: str, tmp_path: Path, bad: str) -> None:
    assert _fetch(server, tmp_path / "file.gz", bad, "/good").read_bytes() == CONTENT
    with pytest.raises(DataUnavailable) as error:
        _fetch(server, tmp_path / "other.gz", bad)
    assert str(error.value).replace("\n", "").isprintable() and len(str(error.value)) < 400
    assert [p.name for p in tmp_path.iterdir()] == ["file.gz"]


@pytest.mark.parametrize("url", ["http://host:abc/x", "http://a b/x", "://", "", "http://", "nosuch://x/y", "http://\x00/"])
def test_an_address_that_is_none_means_the_next_mirror(server: str, tmp_path: Path, url: str) -> None:
    target = download.fetch([url, f"{server}/good"], tmp_path / "file.gz", DIGEST, len(CONTENT))
    assert target.read_bytes() == CONTENT


@pytest.mark.parametrize("proxy", ["http://host:abc", "://", "http://a b:1", "nosuch://x"])
def test_a_proxy_that_is_none_is_unavailable_data(server: str, tmp_path: Path, proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", proxy)
    monkeypatch.setattr("urllib.request._opener", None)  # it keeps the proxies that it found first
    with pytest.raises(DataUnavailable, match=r"file\.gz could not be downloaded"):
        _fetch(server, tmp_path / "file.gz", "/good")


@pytest.mark.parametrize("bad", ["/chunks-cut", "/garbage", "/status"])
def test_chapters_go_on_with_glyphs_whatever_the_mirrors_say(server: str, bad: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(BROKEN, bad + "/t10k-images-idx3-ubyte.gz", BROKEN[bad])
    source = idx.IdxSource("MNIST", tuple("0123456789"), (f"{server}{bad}/",), idx.MNIST.files)
    monkeypatch.setitem(sources._IDX, "mnist", source)
    monkeypatch.setattr(sources.glyphs, "make", lambda split, classes: f"glyphs of {split}")
    with pytest.warns(UserWarning, match="Using glyphs instead"):
        assert inspect.unwrap(load_or_glyphs)("mnist", "test") == "glyphs of test"


@pytest.mark.parametrize("path", ["/drip", *DRIPPING])
def test_a_drip_is_given_up(path: str, server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert download.SLOWEST / download.WINDOW > 100  # bytes a second
    monkeypatch.setattr(download, "WINDOW", 0.3)
    began = time.monotonic()
    assert _fetch(server, tmp_path / "file.gz", path, "/good").read_bytes() == CONTENT
    assert time.monotonic() - began < 5
    with pytest.raises(DataUnavailable, match=r"only \d+ bytes in \d+ seconds"):
        _fetch(server, tmp_path / "other.gz", path)


def test_a_transfer_that_was_given_up_draws_nothing_more(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(download, "WINDOW", 0.1)
    with pytest.raises(DataUnavailable, match="only"):
        _fetch(server, tmp_path / "file.gz", "/drip")
    assert "file.gz" in capfd.readouterr().err  # a bar was there
    for thread in threading.enumerate():
        if thread.name.endswith("(work)"):
            thread.join(20)
            assert not thread.is_alive()
    assert capfd.readouterr() == ("", "")


def test_the_reason_does_not_speak_of_a_file_that_is_gone(server: str, tmp_path: Path) -> None:
    for bad in ("/wrong", "/short", "/long"):
        with pytest.raises(DataUnavailable) as error:
            _fetch(server, tmp_path / "file.gz", bad)
        assert "delete" not in str(error.value) and ("expected" in str(error.value) or "of 200,003 bytes" in str(error.value))


@pytest.mark.skipif(os.name == "nt", reason="Windows has no umask")
@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o002, 0o664), (0o077, 0o600)])
def test_who_may_read_is_decided_by_the_umask(server: str, tmp_path: Path, mask: int, mode: int) -> None:
    before = os.umask(mask)
    try:
        path = _fetch(server, tmp_path / "file.gz", "/good")
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == mode


@pytest.mark.skipif(os.name == "nt", reason="there the age decides alone")
def test_leftovers_of_killed_processes_are_swept(server: str, tmp_path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from imggen_lib.data import download; os.environ.pop('IMGGEN_OFFLINE', None); "
        "download._copy = lambda *_: os.kill(os.getpid(), 9); download.fetch([sys.argv[1]], Path(sys.argv[2]), 'x' * 64, 9)"
    )
    done = subprocess.run([sys.executable, "-c", code, f"{server}/good", str(tmp_path / "other.gz")], check=False, timeout=60)
    assert done.returncode == -9
    (left,) = tmp_path.iterdir()
    old = tmp_path / ".f.gz.a1b2c3d4"  # of an hour ago, without a process
    mine = tmp_path / f".f.gz.{download._host()}-{os.getpid()}-0a0a0a0a"  # of a process that lives
    young, theirs = tmp_path / ".g.gz.a1b2c3d4", tmp_path / ".gitignore"
    for path in (old, mine, young, theirs):
        path.write_bytes(b"x")
    for path in (old, theirs):
        os.utime(path, (time.time() - 7200,) * 2)
    _fetch(server, tmp_path / "file.gz", "/good")
    assert set(tmp_path.iterdir()) == {mine, young, theirs, tmp_path / "file.gz"} and left not in tmp_path.iterdir()


def test_folders_that_cannot_be_meant_are_unavailable_data(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("IMGGEN_DATA", "IMGGEN_CACHE"):
        monkeypatch.setenv(name, "~nobody-of-this-name/x")
        with pytest.raises(DataUnavailable, match="no home folder is known"):
            load("mnist")
        monkeypatch.delenv(name)


def test_a_file_that_may_not_be_read_is_unavailable_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "MNIST" / "raw" / "train-images-idx3-ubyte.gz"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"x")
    monkeypatch.setenv("IMGGEN_DATA", str(tmp_path))

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(idx, "verify", refuse)
    with pytest.raises(DataUnavailable, match=r"cannot be read: Permission denied"):
        load("mnist")
    monkeypatch.undo()
    with pytest.raises(DataError, match="delete it and try again"):
        download.verify(path, DIGEST, len(CONTENT))
