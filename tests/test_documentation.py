"""Every command and every example of README.md and docs/first-steps.md runs, and says what is said.

Numbers differ from one machine to the next, and with the pictures: they are not compared.
"""

from __future__ import annotations

import contextlib
import io
import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image

from codec.cli import main
from codec.pages.view.server import ViewServer

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
WALK = ROOT / "docs" / "first-steps.md"
FENCED = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`(nncodec [a-z]+ [^`]+)`")
ELSEWHERE = {
    "make demo": "run by .ci/run",
    "make test": "is what runs this",
    "pip install '.[encode]'": "run by .ci/run, which uses the installed package",
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
    """The current folder, with the pictures that the documents speak of, but small."""
    from skimage import data

    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos" / "holiday").mkdir(parents=True)
    for name, picture in [
        ("photo.png", data.astronaut()),
        ("cat.png", data.chelsea()),
        ("original.png", data.coffee()),
        ("camera.jpg", data.coffee()),
        ("photos/cat.png", data.chelsea()),
        ("photos/holiday/coffee.png", data.coffee()),
        ("photos/astronaut.png", data.astronaut()),
    ]:
        Image.fromarray(picture[100:148, 100:164]).save(name)
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


@pytest.mark.parametrize("path", [README, WALK], ids=lambda path: path.name)
def test_commands(folder, opened, path):
    listed = commands(path)
    assert len(listed) > 4
    for command, output in listed:
        if command in ELSEWHERE:
            continue
        program, *arguments = shlex.split(command)
        assert program == "nncodec"
        result = CliRunner().invoke(main, arguments, prog_name="nncodec")
        assert result.exit_code == 0, (command, result.output)
        if output:
            assert masked(result.output) == masked(output), command
    views = [command for command, _ in listed if command.startswith("nncodec view")]
    assert len(opened) == sum("--no-browser" not in command for command in views)


@pytest.mark.parametrize("path", [README, WALK], ids=lambda path: path.name)
def test_python(folder, pillow, path):
    CliRunner().invoke(main, ["encode", "-e", "0", "cat.png"])
    names: dict[str, object] = {}
    examples = blocks(path, "python")
    assert examples
    for example in examples:
        with contextlib.redirect_stdout(io.StringIO()):
            exec(compile(example, path.name, "exec"), names)  # noqa: S102


@pytest.mark.parametrize("path", [README, WALK], ids=lambda path: path.name)
def test_commands_in_the_text_are_commands(path):
    for line in INLINE.findall(path.read_text("utf-8")):
        name = shlex.split(line)[1]
        assert name in main.commands, line


def test_links_lead_somewhere():
    for path in (README, WALK):
        for target in re.findall(r"\]\(([^)#]+)", path.read_text("utf-8")):
            assert target.startswith("https://") or (path.parent / target).exists(), target
