"""Runs the commands of docs/first-steps.md and writes what they print below them.

    python -m scripts measure.walk

The pictures are those that scikit-image brings along.  Commands without output in the document are
run too, since others build on them; `view`, which serves until it is stopped, is not.
"""

from __future__ import annotations

import os
import re
import shlex
import tempfile
from pathlib import Path

from click.testing import CliRunner
from PIL import Image
from skimage import data

from codec.cli import main as nncodec

DOCUMENT = Path("docs/first-steps.md")
BLOCK = re.compile(r"(?<=^```console\n).*?(?=^```$)", re.MULTILINE | re.DOTALL)
PICTURES = {
    "cat.png": data.chelsea,
    "original.png": data.coffee,
    "camera.jpg": data.coffee,
    "photos/cat.png": data.chelsea,
    "photos/holiday/coffee.png": data.coffee,
    "photos/astronaut.png": data.astronaut,
}


def refreshed(block: str) -> str:
    """A console block with the output of each command as it is now."""
    _, *parts = re.split(r"^\$ ", block, flags=re.MULTILINE)
    lines = []
    for part in parts:
        command, _, output = part.partition("\n")
        if command.startswith("nncodec") and not command.startswith("nncodec view"):
            _, *arguments = shlex.split(command)
            result = CliRunner().invoke(nncodec, arguments, prog_name="nncodec")
            if result.exit_code:
                raise SystemExit(f"refresh_walk: {command}: {result.output}")
            output = result.output if output else ""
        lines.append(f"$ {command}\n{output}")
    return "".join(lines)


def main() -> None:
    document = DOCUMENT.absolute()
    text = document.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for name, picture in PICTURES.items():
            Path(name).parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(picture()).save(name)
        text = BLOCK.sub(lambda found: refreshed(found[0]), text)
        os.chdir(document.parent)
    document.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
