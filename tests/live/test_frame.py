"""Where a JupyterLab is older than anywidget a demo is a frame, and nowhere else."""

import html
import json
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from live_demos import DEMOS as EXAMPLES

from imggen_lib import live
from imggen_lib.live import frame, shipped
from imggen_lib.live.base import DEMOS as KNOWN
from imggen_lib.live.base import FILES, Live, files_of
from imggen_lib.live.explore import OWN
from imggen_lib.live.shipped import STORED, packed_file, script
from imggen_lib.models.gan import MLPGenerator

WIDGET = "application/vnd.jupyter.widget-view+json"
DEMOS = {**EXAMPLES, "explorer": lambda: live.explorer("mnist-vae-map", choices="all", walk=True)}


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[float, str], None]:
    """A kernel that a Jupyter server started so many seconds after anywidget was installed."""

    def begin(seconds: float, kind: str = "jp") -> None:
        file = tmp_path / f"{kind}server-4321.json"
        file.touch()
        at = frame.installed_at("anywidget") + seconds
        os.utime(file, (at, at))
        monkeypatch.setenv("JPY_PARENT_PID", "4321")
        monkeypatch.setattr(sys, "argv", ["ipykernel_launcher.py", "-f", str(tmp_path / "kernel-1.json")])

    monkeypatch.delenv("IMGGEN_LIVE", raising=False)
    return begin


@pytest.mark.parametrize("kind", ["jp", "nb"])
def test_a_server_that_is_older_than_anywidget_needs_frames(server: Callable[..., None], kind: str) -> None:
    server(-60, kind)
    assert frame.needed()
    server(60, kind)
    assert not frame.needed()


def test_a_connection_file_is_found_in_each_way_to_name_it(server: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    server(-60)
    named = sys.argv[2]
    monkeypatch.setattr(sys, "argv", ["ipykernel_launcher.py", f"--f={named}"])
    assert frame.needed()
    monkeypatch.delenv("JPY_PARENT_PID")  # nothing but the process that started this one is known then
    assert not frame.needed()
    Path(named).with_name("jpserver-4321.json").rename(Path(named).with_name(f"jpserver-{os.getppid()}.json"))
    assert frame.needed()


def test_without_a_server_and_on_colab_there_are_widgets(server: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    assert frame.server_began() is None and not frame.needed()
    server(-60)
    monkeypatch.setitem(sys.modules, "google.colab", ModuleType("google.colab"))
    assert not frame.needed()


def test_the_environment_decides(server: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    server(-60)
    monkeypatch.setenv("IMGGEN_LIVE", "widget")
    assert not frame.needed()
    server(60)
    monkeypatch.setenv("IMGGEN_LIVE", "frame")
    assert frame.needed()


def test_a_package_was_installed_after_its_code_was_written_and_before_now(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "small-1.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: small\nVersion: 1\n", encoding="utf-8")
    (folder / "RECORD").write_text("small.py,,\nsmall-1.dist-info/METADATA,,\nsmall-1.dist-info/RECORD,,\n", encoding="utf-8")
    (tmp_path / "small.py").touch()
    os.utime(tmp_path / "small.py", (2e9, 2e9))
    os.utime(folder, (1e9, 1e9))
    monkeypatch.syspath_prepend(str(tmp_path))
    assert frame.installed_at("small") == 1e9


def shown(demo: Live) -> dict[str, Any]:
    data, metadata = demo._repr_mimebundle_()
    assert metadata == {}
    return dict(data)


def test_every_demo_is_an_example_and_says_which_files_it_loads() -> None:
    assert EXAMPLES.keys() == KNOWN.keys()
    for name, make in EXAMPLES.items():
        values = {v for v in make().options.values() if isinstance(v, str)}
        files = values & {*STORED, *shipped.generators(), *(f"{model}{shipped.BOTH}" for model in shipped.generators())}
        assert files == set(files_of(make().options)), f"{name}: name its file by one of the options {FILES}"


@pytest.mark.parametrize("name", DEMOS)
def test_a_frame_has_all_that_it_loads_and_no_widget(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMGGEN_LIVE", "frame")
    demo = DEMOS[name]()
    data = shown(demo)
    assert WIDGET not in data and set(data) == {"text/plain", "text/html"}
    whole = re.fullmatch(r'<iframe title="(.*?)" srcdoc="([^"]*)" style="[^"]*"></iframe>', data["text/html"], re.S)
    assert whole and html.unescape(whole[1]) == demo.words
    page = html.unescape(whole[2])
    options = json.loads(html.unescape(re.findall(r"data-options='([^']*)'", page)[0]))
    assert options == {key: value for key, value in demo.options.items() if key != "choices"}
    for file in files_of(options):
        assert script(file, packed_file(file)) in page
    assert page.count("<script>") == page.count("</script>") and "src=" not in re.sub(r"<script>.*?</script>", "", page, flags=re.S)
    assert demo.comm is None, "the front end would look for the widget's module, in vain"
    monkeypatch.setenv("IMGGEN_LIVE", "widget")
    assert WIDGET in shown(DEMOS[name]())


def test_a_network_of_one_s_own_is_in_its_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMGGEN_LIVE", "frame")
    torch.manual_seed(0)
    page = html.unescape(shown(live.explorer(MLPGenerator((1, 8, 8), 2, (4,)).eval()))["text/html"])
    assert (
        f'["{OWN}"] = ' in page
        and f"data-demo='explorer' data-options='{html.escape(json.dumps({'dims': 5, 'model': OWN}))}'" in page
    )
