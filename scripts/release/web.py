"""Puts together the page that decodes by itself: modules, kernel and models in one folder.

    python -m scripts release.web site

copies docs/web, with the kernel that `python hatch_build.py wasm` compiles to WebAssembly, and
writes the models that pages can decode, or those of the folders of --models.  Any server of static
files serves the page:

    python -m http.server --directory site
"""

from __future__ import annotations

import argparse
import gzip
import shutil
from collections.abc import Iterator
from pathlib import Path

from codec.models import released
from codec.models.registry import PRETRAINED
from hatch_build import WASM
from scripts.release.web_models import pack

MODELS = "models"


def add_models(folder: Path, models: Path) -> Iterator[Path]:
    """Writes the files of models that pages can decode."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in sorted(models.glob("*/model.safetensors")):
        try:
            model = released.load_file(path)
            data = pack(model)
        except TypeError as error:
            print(f"{path.parent.name}: left out, {error}")
            continue
        file = folder / f"{model.id.hex()}.bin.gz"
        file.write_bytes(data)
        yield file


def assemble(folder: Path, models: list[Path]) -> None:
    """Makes the page in a folder, which may hold an older one."""
    if not WASM.exists():
        raise SystemExit(f"{WASM} is missing; `python hatch_build.py wasm` compiles it")
    shutil.copytree(WASM.parent, folder, dirs_exist_ok=True)
    files = [folder / WASM.name, *folder.glob("*.js")]
    for one in models:
        files += add_models(folder / MODELS, one)
    for file in files:
        data = file.read_bytes()
        packed = len(data) if file.suffix == ".gz" else len(gzip.compress(data, 9))
        plain = len(gzip.decompress(data)) if file.suffix == ".gz" else len(data)
        print(f"{file.relative_to(folder)!s:28}{plain:>10,} B{packed:>10,} B by gzip")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--models", type=Path, nargs="+", default=[PRETRAINED], metavar="DIR")
    args = parser.parse_args()
    assemble(args.folder, args.models)


if __name__ == "__main__":
    main()
