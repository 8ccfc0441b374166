"""What the project's own files promise about each other."""

import ast
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
TEST = PROJECT["optional-dependencies"]["test"]
OURS = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["book"]]


def _constraints() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = [line.split("==") for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(name): version for name, version in pins}


def test_environment_yml_and_pyproject_say_the_same() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    entries = environment["dependencies"]
    (pip,) = [e["pip"] for e in entries if isinstance(e, dict)]
    conda = {}
    for entry in entries:
        if isinstance(entry, str) and not re.match(r"(python|pip)\b", entry):
            name, bounds = re.fullmatch(r"([\w.-]+?)((?:[<>=].*)?)", entry).groups()  # type: ignore[union-attr]
            conda[canonicalize_name({"pytorch": "torch"}.get(name, name))] = set(filter(None, bounds.split(",")))
    *from_pip, ours = pip
    conda |= {canonicalize_name(r.name): {str(s) for s in r.specifier} for r in map(Requirement, from_pip)}
    expected = {canonicalize_name(r.name): {str(s) for s in r.specifier} for r in map(Requirement, [*OURS, *TEST])}
    assert conda == expected
    assert ours == "-e ."
    assert f"python{PROJECT['requires-python']}" in entries


def test_the_pins_keep_to_the_bounds() -> None:
    pins = _constraints()
    everything = [*PROJECT["dependencies"], *[r for extra in PROJECT["optional-dependencies"].values() for r in extra]]
    for requirement in map(Requirement, everything):
        assert requirement.specifier.contains(pins[canonicalize_name(requirement.name)]), requirement


def test_every_import_is_a_declared_dependency() -> None:
    provides = {"PIL": "pillow", "fontTools": "fonttools", "imageio_ffmpeg": "imageio-ffmpeg"}
    provides |= {"sklearn": "scikit-learn", "skimage": "scikit-image"}
    # The extras are imported where they are used, after saying how to get them.
    extras = [r for extra in ("scale", "fid", "board", "export", "hub", "film") for r in PROJECT["optional-dependencies"][extra]]
    declared = {canonicalize_name(Requirement(r).name) for r in [*PROJECT["dependencies"], *extras]}
    found = set()
    for path in (ROOT / "imggen_lib").rglob("*.py"):
        found |= set(re.findall(r"^\s*(?:from|import) (\w+)", path.read_text(), re.M))
    outside = {canonicalize_name(provides.get(n, n)) for n in found - set(sys.stdlib_module_names) - {"imggen_lib"}}
    assert outside <= declared, f"imported but not declared: {outside - declared}"


def test_importing_the_package_does_not_import_torch() -> None:
    code = "import sys, imggen_lib, imggen_lib.cli; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_public_names_are_functions_in_any_order_of_import() -> None:
    modules = ["imggen_lib.sampling", "imggen_lib.checkpoint", "imggen_lib.data", "imggen_lib.cli"]
    code = f"import importlib; [importlib.import_module(m) for m in {modules}]; import imggen_lib as i\n"
    code += "from imggen_lib import load, load_or_glyphs, pretrained, sample\n"
    code += "assert all(callable(getattr(i, n)) for n in i.__all__ if n != '__version__') and callable(sample)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_versions_agree() -> None:
    import imggen_lib

    assert imggen_lib.__version__ == PROJECT["version"]
    assert f"version: {PROJECT['version']}" in (ROOT / "CITATION.cff").read_text()
    assert f"## {PROJECT['version']}" in (ROOT / "CHANGELOG.md").read_text()


def test_files_and_functions_stay_readable() -> None:
    for path in (ROOT / "imggen_lib").rglob("*.py"):
        text = path.read_text()
        assert text.count("\n") <= 300, f"{path.name} is longer than 300 lines"
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef) and node.end_lineno and node.name != "parser":
                assert node.end_lineno - node.lineno < 60, f"{path.name}: {node.name} is longer than 60 lines"


#: Scripts of the demos that are older than the rule below; no name is added.
LONG = {
    "characters", "drawing", "explorer", "game", "net", "sentence", "trainer", "trainer_draw", "trainer_games", "trainer_math",
    "trainer_views", "world", "world_math", "xrays",
}  # fmt: skip


def test_scripts_of_demos_stay_readable() -> None:
    lengths = {path.stem: path.read_text().count("\n") for path in (ROOT / "imggen_lib" / "live" / "js").glob("*.js")}
    assert lengths.keys() >= LONG
    for name, lines in lengths.items():
        assert lines <= (550 if name in LONG else 300), f"{name}.js has {lines} lines"


def test_a_loss_imports_no_model_and_a_model_no_loss() -> None:
    for role, foreign in (("losses", "models"), ("losses", "train"), ("models", "losses"), ("models", "train")):
        for path in (ROOT / "imggen_lib" / role).glob("*.py"):
            assert f"imggen_lib.{foreign}" not in re.sub(r":(mod|func|class):`[^`]*`", "", path.read_text()), path


def _modules() -> dict[str, Path]:
    """The library's and the scripts' modules by name."""
    found = {}
    for top in ("imggen_lib", "scripts"):
        for path in (ROOT / top).rglob("*.py"):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def _statements(tree: ast.Module) -> Iterator[ast.AST]:
    """All that can run, bodies of functions as well; not what is for type checkers alone."""
    todo: list[ast.AST] = [tree]
    while todo:
        node = todo.pop()
        yield node
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            todo += node.orelse
        else:
            todo += ast.iter_child_nodes(node)


def _imports() -> dict[str, set[str]]:
    """For each module the modules of ours that it imports, also inside its functions, packages around them apart.

    Scripts import each other by their bare names. What a package imports by a name at its first use (``imggen_lib.load``) is for
    those who use the library: no module of ours goes that way, see below.
    """
    modules = _modules()
    bare = {name.rpartition(".")[2]: name for name in modules if name.startswith("scripts.")}
    found: dict[str, set[str]] = {}
    for name, path in modules.items():
        found[name] = set()
        tree, script = ast.parse(path.read_text()), name.startswith("scripts.")
        for node in _statements(tree):
            if isinstance(node, ast.Import):
                found[name] |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                package = name if path.name == "__init__.py" else name.rpartition(".")[0]
                base = ".".join(filter(None, [*package.split(".")[: len(package.split(".")) + 1 - node.level], node.module]))
                source = base if node.level else str(node.module)
                for alias in node.names:
                    inner = f"{source}.{alias.name}"
                    found[name].add(inner if inner in modules else source)
        found[name] |= {bare[other] for other in found[name] & bare.keys()} if script else set()
        found[name] &= modules.keys() - {name}
    return found


def test_imports_do_not_go_in_circles() -> None:
    imports = _imports()
    assert "imggen_lib.train.state" in imports["imggen_lib.runs"]  # the walk finds what is there
    assert "imggen_lib.sampling" in imports["imggen_lib.cli.models"], "also inside functions"
    assert {"scripts.write.notebooks", "scripts.write.forge"} <= imports["scripts.write.address"]
    while free := [name for name, needs in imports.items() if not needs & imports.keys()]:
        for name in free:
            del imports[name]
    assert not imports, f"import each other: {sorted(imports)}"


def test_no_module_takes_the_short_way_that_the_package_offers_its_readers() -> None:
    """``from imggen_lib import load`` imports what it names at that moment, which the search for circles cannot see."""
    inner = {name.partition(".")[2] for name in _modules()} | {"__version__"}
    for path in (ROOT / "imggen_lib").rglob("*.py"):
        for node in _statements(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module == "imggen_lib":
                assert {alias.name for alias in node.names} <= inner, path


def test_the_ground_imports_the_ground_alone() -> None:
    ground = {f"imggen_lib.{name}" for name in ("checks", "errors", "noise", "machine")}
    imports = _imports()
    for name in sorted(ground):
        assert imports[name] <= ground, f"{name} imports {sorted(imports[name] - ground)}"


def test_a_room_uses_only_rooms_below_it() -> None:
    """In the order that CONTRIBUTING.md gives."""
    (row,) = re.findall(r"A room uses only rooms below it: (.*) \|", (ROOT / "CONTRIBUTING.md").read_text())
    height = {room: -k for k, room in enumerate(re.findall(r"`(\w+)`", row))}
    imports = {name: needs for name, needs in _imports().items() if name.startswith("imggen_lib.")}
    rooms = {name: name.split(".")[1] for name in imports}
    assert {*rooms.values()} - {"__main__"} == height.keys()
    for name, needs in imports.items():
        for other in needs & imports.keys():
            if rooms[name] not in (rooms[other], "__main__"):
                assert height[rooms[other]] < height[rooms[name]], f"{name} imports {other}, a room above it"


def test_what_all_demos_share_knows_no_demo_and_no_application() -> None:
    imports = _imports()
    demos = imports["imggen_lib.live"]
    shared = {f"imggen_lib.live.{name}" for name in ("base", "frame", "layers", "pack", "shipped", "wire")}
    assert "imggen_lib.live.game" in demos and not shared & demos
    for name in shared:
        above = {other for other in imports[name] if other in demos or other.startswith("imggen_lib.applications")}
        own = {other for other in imports[name] if other.startswith("imggen_lib.live.")}
        assert not above and own <= shared, f"{name} imports {sorted(above | own - shared)}"


def test_a_demo_enters_its_files_by_offers_alone() -> None:
    for name, path in _modules().items():
        if name.startswith("imggen_lib.live.") and name != "imggen_lib.live.shipped":
            assert "STORED[" not in path.read_text(), f"{path.name}: use @offers(NAME) of imggen_lib.live.shipped"


def test_the_source_distribution_has_the_library_and_no_half_of_the_tests(tmp_path: Path) -> None:
    """Built from a copy: in the clone itself setuptools leaves files behind."""
    pytest.importorskip("setuptools", minversion="77", reason="what pyproject.toml builds with")
    for name in ("pyproject.toml", "README.md", "LICENSE", "MANIFEST.in"):
        shutil.copy(ROOT / name, tmp_path)
    unwanted = shutil.ignore_patterns("__pycache__")
    for folder in ("imggen_lib", "tests"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=unwanted)
    code = "from setuptools import build_meta; print(build_meta.build_sdist('.'))"
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], cwd=tmp_path, check=True, capture_output=True, text=True)
    with tarfile.open(tmp_path / done.stdout.splitlines()[-1]) as archive:
        names = {name.split("/", 1)[-1] for name in archive.getnames()}
    assert not [name for name in names if name.startswith("tests")]
    here = [path for path in (ROOT / "imggen_lib").rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    assert {path.relative_to(ROOT).as_posix() for path in here} <= names
