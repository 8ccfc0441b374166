"""Scripts that ask other machines: an answer that is no HTTP is one line, not a traceback."""

import http.client
import urllib.request

import colab
import links
import pytest


@pytest.mark.parametrize(
    "error", [http.client.BadStatusLine("x"), http.client.IncompleteRead(b"x"), OSError("down"), ValueError("bad address")]
)
def test_broken_answers_are_told(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(urllib.request, "urlopen", refuse)
    assert links.fault("http://127.0.0.1/x", tries=1, pause=0)
    with pytest.raises(SystemExit, match=r"pip-freeze\.txt cannot be fetched"):
        colab.fetched("pip-freeze.txt")
