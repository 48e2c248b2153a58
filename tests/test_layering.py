"""The rules about who may import whom, and how long a file may be."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from codec.models.registry import MODELS_VARIABLE
from scripts.conform.vectors import MODELS, VECTORS

ROOT = Path(__file__).parents[1]
LONGEST_FILE_LINES = 300

RANKS = (
    "bitstream",
    "codec.errors",
    "codec.terminal",
    "codec.files",
    "codec.contract",
    "codec.opening",
    "codec.picture",
    "codec.info",
    "codec.update_files",
    "codec.networks",
    "codec.models",
    "codec.decoding",
    "codec.encoding",
    "codec.packing",
    "codec.pictures",
    "codec.api",
    "codec.pillow",
    "codec",
    "codec.pages",
    "codec.batch",
    "codec.research",
    "codec.cli",
    "codec.__main__",
)
"""Rooms from the ground up: a file imports from its own room and from those before it."""
LARGEST_DECODER = 34
"""Files that `codec.decoding.decoder` loads, beside the packages' own: all but an engine and what
only some files need."""
LARGEST_DECODE = 44
"""Files that are loaded once a learned file with a weight update has been decoded."""
LARGEST_COMMAND = 71
"""Files that are loaded once `nncodec decode` has written such a picture as PNG."""


def sources(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def module(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {module(path): path for path in sources("bitstream", "codec")}


def imports(tree: ast.Module) -> Iterator[str]:
    """All modules that a file names in imports, also where it imports late or for types alone."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in MODULES else node.module


GRAPH = {name: set(imports(parse(path))) & MODULES.keys() for name, path in MODULES.items()}
# The public face names what it loads late; nobody who imports it gets that.
GRAPH["codec"] = {found for found in GRAPH["codec"] if found not in ("codec.api", "codec.pillow")}


def rank(module: str) -> int:
    """The place of the room that a module is in."""
    rooms = [room for room in RANKS if module == room or module.startswith(f"{room}.")]
    assert rooms and (max(rooms, key=len) != "codec" or module == "codec"), (
        f"{module} is in no room of RANKS"
    )
    return RANKS.index(max(rooms, key=len))


@pytest.mark.parametrize("module", MODULES)
def test_nobody_imports_from_a_room_above(module):
    assert not {found for found in GRAPH[module] if rank(found) > rank(module)}


def test_there_are_no_circles():
    try:
        TopologicalSorter(GRAPH).prepare()
    except CycleError as error:
        pytest.fail(f"a circle of imports: {' -> '.join(error.args[1])}")


@pytest.mark.parametrize("path", sources("bitstream"), ids=name)
def test_bitstream_knows_neither_networks_nor_pixels(path):
    packages = {found.partition(".")[0] for found in imports(parse(path))}
    assert {"codec", "torch", "PIL"}.isdisjoint(packages)


@pytest.mark.parametrize("path", sources("bitstream", "codec", "scripts", "tests"), ids=name)
def test_files_are_short(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST_FILE_LINES


LIBRARY = [
    path for path in sources("bitstream", "codec") if path.parent.name not in ("cli", "research")
]


@pytest.mark.parametrize("path", LIBRARY, ids=name)
def test_libraries_do_not_print(path):
    calls = (node.func for node in ast.walk(parse(path)) if isinstance(node, ast.Call))
    assert "print" not in {call.id for call in calls if isinstance(call, ast.Name)}


def test_importing_codec_does_not_import_torch():
    code = "import sys, codec; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def loaded_after(code: str) -> set[str]:
    """All modules that are loaded after some lines of a program."""
    lines = f"import sys\n{code}\nprint(*sys.modules, sep='\\n')"
    result = subprocess.run(
        [sys.executable, "-c", lines],
        cwd=ROOT,
        env=os.environ | {MODELS_VARIABLE: str(MODELS)},
        check=True,
        capture_output=True,
        text=True,
    )
    return set(result.stdout.split())


def own(loaded: set[str]) -> set[str]:
    """Those of this package, beside those of its folders."""
    return {name for name in loaded & MODULES.keys() if MODULES[name].name != "__init__.py"}


def modules_after(code: str) -> set[str]:
    """Own modules that are loaded after some lines of a program that needs neither library."""
    loaded = loaded_after(code)
    assert {"torch", "PIL"}.isdisjoint(loaded)
    return own(loaded)


@pytest.mark.parametrize("vector", ["odd-grid", "subspace-dense"])
def test_a_decode_loads_few_files_and_no_search(vector):
    path = VECTORS / "v1" / "valid" / f"{vector}.bin"
    code = (
        "from codec.opening import open_file\n"
        "from codec.decoding.decoder import restore\n"
        f"restore(open_file(open({str(path)!r}, 'rb').read()))"
    )
    loaded = modules_after(code)
    assert "codec.decoding.engines.compiled" in loaded
    assert not {name for name in loaded if name.startswith("codec.encoding")}
    assert len(loaded) <= LARGEST_DECODE, sorted(loaded)


def test_the_command_decode_loads_what_it_needs(tmp_path):
    arguments = ["decode", str(VECTORS / "v1" / "valid" / "subspace-dense.bin")]
    arguments += ["--quiet", str(tmp_path / "picture.png")]
    loaded = loaded_after(f"from codec.cli import main\nmain({arguments}, standalone_mode=False)")
    assert (tmp_path / "picture.png").exists()
    others = {"torch", "importlib.metadata", "multiprocessing", "PIL.ImageCms", "xml.etree"}
    assert others.isdisjoint(loaded)
    assert {"codec.contract.options", "codec.picture.reading", "codec.cli.encode"}.isdisjoint(
        loaded
    )
    assert len(own(loaded)) <= LARGEST_COMMAND, sorted(own(loaded))


def test_the_decoder_imports_no_engine():
    loaded = modules_after("import codec.decoding.decoder")
    assert {name for name in loaded if name.startswith("codec.decoding.engines")} == {
        "codec.decoding.engines.choice",
        "codec.decoding.engines.protocol",
    }
    assert len(loaded) <= LARGEST_DECODER, sorted(loaded)
