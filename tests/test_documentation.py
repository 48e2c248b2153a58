"""Every command and every example of README.md and of the guides runs, and says what is said.

Numbers differ from one machine to the next, and with the pictures: they are not compared.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import click
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from safetensors.numpy import save_file

from codec.cli import encode, main
from codec.contract import effort, techniques
from codec.pages.view.server import ViewServer

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
DOCS = ROOT / "docs"
WALK = DOCS / "first-steps.md"
GUIDES = [
    README,
    *(DOCS / f"{name}.md" for name in ("first-steps", "how-to", "index", "python", "research")),
    *(DOCS / f"{name}.md" for name in ("packed-weights", "quality", "standard-files", "tour")),
]
TRAINING = {"python tiny.py train 1500": "python tiny.py train 2"}
"""Commands that are shortened here."""
STEPS = 10
"""Of gradient descent in a search."""
FENCED = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ELSEWHERE = {
    "pip install 'nncodec-image[encode]'": "run by .ci/run, which uses the installed package",
    "pip install .": "is what `installed` stands for",
}
"""Commands that are not run here, and why."""


def blocks(path: Path, language: str) -> list[str]:
    return [body for kind, body in FENCED.findall(path.read_text("utf-8")) if kind == language]


def commands(path: Path) -> list[tuple[str, str]]:
    """Commands of all console blocks, each with the output below it."""
    parts = [
        part for body in blocks(path, "console") for part in re.split(r"^\$ ", body, flags=re.M)
    ]
    return [
        (command, output)
        for command, _, output in (part.partition("\n") for part in parts)
        if command
    ]


def masked(text: str) -> list[str]:
    """Text without its numbers, and without the order in which parallel work ends.

    Nor does it matter whether a picture has an update: that is sent only where it pays.  The
    pictures here are too small for MS-SSIM.
    """
    text = re.sub(r"  MS-SSIM [\d.]+", "", text).replace("–", "0")
    kept = (x for x in text.splitlines() if not x.startswith(("update chunk", "prior chunk")))
    lines = (re.sub(r"\b[0-9a-f]{8}\b|[\d,.]*\d|\binf\b", "#", line) for line in kept)
    return sorted(" ".join(line.split()) for line in lines)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with the files and programs that the documents speak of, but small."""
    from skimage import data

    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos" / "holiday").mkdir(parents=True)
    (tmp_path / "pictures").mkdir()
    for name, picture in [
        ("photo.png", data.astronaut()),
        ("cat.png", data.chelsea()),
        ("original.png", data.coffee()),
        ("camera.jpg", data.coffee()),
        ("photos/cat.png", data.chelsea()),
        ("pictures/cat.png", data.chelsea()),
        ("photos/holiday/coffee.png", data.coffee()),
        ("photos/astronaut.png", data.astronaut()),
    ]:
        Image.fromarray(picture[100:148, 100:164]).save(name)
    save_file({"weight": np.linspace(-1, 1, 300).astype(np.float32)}, "net.safetensors")
    for name, copies in (("my-encoder", '"$3" "$4"'), ("my-decoder", '"$1" "$2"')):
        Path(name).write_text(f"#!/bin/sh\ncp {copies}\n")
        Path(name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    # Searches are short: what they find is not what is looked at here.
    short = tuple(
        replace(level, latent_steps=min(level.latent_steps, STEPS)) for level in effort.efforts()
    )
    monkeypatch.setattr(effort, "efforts", lambda: short)
    return tmp_path


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Addresses that the browser was sent to; serving them is interrupted at once."""
    addresses: list[str] = []

    def interrupted(_server: ViewServer) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("webbrowser.open", addresses.append)
    monkeypatch.setattr(ViewServer, "serve_forever", interrupted)
    return addresses


@pytest.fixture
def installed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The package of the tour as pip installs it, and `python` as the one that runs here."""
    (folder / "thrifty-0.1.dist-info").mkdir()
    (folder / "thrifty-0.1.dist-info" / "METADATA").write_text("Name: thrifty\nVersion: 0.1\n")
    project = tomllib.loads(next(iter(blocks(DOCS / "tour.md", "toml"))))["project"]
    ((group, ((name, function),)),) = (
        (group, entries.items()) for group, entries in project["entry-points"].items()
    )
    (folder / "thrifty-0.1.dist-info" / "entry_points.txt").write_text(
        f"[{group}]\n{name} = {function}\n"
    )
    monkeypatch.syspath_prepend(folder)
    bin_folder = Path(sys.executable).parent
    monkeypatch.setenv("PATH", f"{bin_folder}{os.pathsep}{os.environ['PATH']}")
    techniques.techniques.cache_clear()
    # Choices of an option are made when its command is.
    choice = next(param for param in encode.command.params if param.name == "update")
    monkeypatch.setattr(choice, "type", click.Choice(techniques.names()))
    yield
    techniques.techniques.cache_clear()


def run_python(path: Path) -> None:
    """Runs the examples of a document; one that begins with a file's name becomes that file."""
    names: dict[str, object] = {}
    for example in blocks(path, "python"):
        title = re.match(r"# (\w+\.py)\n", example)
        if title:
            Path(title[1]).write_text(example)
        else:
            with contextlib.redirect_stdout(io.StringIO()):
                exec(compile(example, path.name, "exec"), names)  # noqa: S102


@pytest.mark.parametrize("path", GUIDES, ids=lambda path: path.name)
def test_commands(folder, opened, installed, path):
    if path.name == "tour.md":
        run_python(path)
    listed = commands(path)
    assert listed or path.name == "python.md"
    for command, output in listed:
        if command in ELSEWHERE:
            continue
        program, *arguments = shlex.split(TRAINING.get(command, command))
        if program == "python":
            subprocess.run([sys.executable, *arguments], check=True)
            continue
        assert program == "nncodec"
        result = CliRunner().invoke(main, arguments, prog_name="nncodec")
        assert result.exit_code == 0, (command, result.output)
        if output:
            assert masked(result.output) == masked(output), command
    views = [command for command, _ in listed if command.startswith("nncodec view")]
    assert len(opened) == sum("--no-browser" not in command for command in views)


@pytest.mark.parametrize("path", [README, WALK, DOCS / "python.md"], ids=lambda path: path.name)
def test_python(folder, pillow, path):
    CliRunner().invoke(main, ["encode", "-e", "0", "cat.png"])
    assert blocks(path, "python")
    run_python(path)


def test_python_examples_have_types(tmp_path):
    """Those that use the interface of the package, as a user's type checker sees them."""
    for path in (README, WALK, DOCS / "python.md"):
        text = "\n".join(blocks(path, "python"))
        (tmp_path / f"{path.stem.replace('-', '_')}_examples.py").write_text(text)
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path / "cache")]
    # What the examples leave out is nothing of theirs: the package is typed by itself.
    quiet = ["--follow-imports=silent", "--ignore-missing-imports"]
    done = subprocess.run(
        [*command, *quiet, *map(str, tmp_path.glob("*.py"))],
        cwd=tmp_path,
        env=os.environ | {"MYPYPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_links_lead_somewhere():
    for path in (README, *DOCS.glob("*.md")):
        for target in re.findall(r"\]\(([^)#]+)", path.read_text("utf-8")):
            assert target.startswith("https://") or (path.parent / target).exists(), target
