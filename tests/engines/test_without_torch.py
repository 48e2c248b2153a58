"""Decoding in an installation without torch, in new processes as a user starts them."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from codec.decoding.engines import library
from scripts.conform.vectors import MODELS, all_vectors, pixels_sha256

try:
    library.load_kernel()
except OSError:
    pytest.skip("there is no kernel", allow_module_level=True)

ROOT = Path(__file__).parents[2]
BLOCKER = "raise ModuleNotFoundError(\"No module named '{0}'\", name='{0}')\n"
EVERY_VECTOR = "from scripts.conform import vectors; print(vectors.outcomes().total())"
KINDS = ("half-quality", "lossless-alpha", "kernels-dense", "alpha-plane")


def block(folder: Path, package: str) -> None:
    """Puts something into a folder that cannot be imported."""
    (folder / package).mkdir(parents=True)
    (folder / package / "__init__.py").write_text(BLOCKER.format(package))


@pytest.fixture
def bare(tmp_path, monkeypatch):
    """The environment of a process to which torch is not installed."""
    block(tmp_path / "path", "torch")
    monkeypatch.chdir(tmp_path)
    path = os.pathsep.join([str(tmp_path / "path"), str(ROOT)])
    return os.environ | {"PYTHONPATH": path, "NNCODEC_MODELS": str(MODELS)}


def run(bare, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], env=bare, capture_output=True, text=True, check=False
    )


def nncodec(bare, *arguments: str) -> str:
    found = run(bare, "-m", "codec", *arguments)
    assert found.returncode == 0, found.stderr
    return found.stdout


@pytest.fixture
def files(bare) -> list[Path]:
    """A vector of each kind, as files that a user has."""
    vectors = {vector.path.stem: vector for vector in all_vectors()}
    for kind in KINDS:
        Path(f"{kind}.nni").write_bytes(vectors[kind].path.read_bytes())
    return [Path(f"{kind}.nni") for kind in KINDS]


def test_files_are_decoded_verified_and_described(bare, files):
    hashes = {vector.path.stem: vector.pixels_sha256 for vector in all_vectors()}
    nncodec(bare, "verify", *map(str, files))
    for file in files:
        nncodec(bare, "decode", str(file), "-o", f"{file.stem}.png")
        assert pixels_sha256(np.array(Image.open(f"{file.stem}.png"))) == hashes[file.stem]
        assert "quality" in nncodec(bare, "info", str(file))
    assert "decoded by kernel" in nncodec(bare, "models")


def test_pillow_opens_files(bare, files):
    code = (
        "import codec, sys; codec.register_pillow(); from PIL import Image\n"
        "Image.open(sys.argv[1]).convert('RGBA').save(sys.argv[2])"
    )
    found = run(bare, "-c", code, str(files[3]), "a.png")
    assert found.returncode == 0, found.stderr
    nncodec(bare, "decode", str(files[3]), "-o", "b.png")
    assert np.array_equal(np.array(Image.open("a.png")), np.array(Image.open("b.png")))


def test_a_standard_file_without_a_payload_is_refused_in_one_line(bare):
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "JPEG")
    Path("a.jpg").write_bytes(buffer.getvalue())
    found = run(bare, "-m", "codec", "decode", "a.jpg", "-o", "a.png")
    assert found.returncode and len(found.stderr.splitlines()) == 1


def test_encoding_says_what_to_install(bare):
    Image.new("RGB", (8, 8)).save("a.png")
    found = run(bare, "-m", "codec", "encode", "a.png", "-o", "a.nni")
    assert found.returncode
    assert found.stderr.splitlines() == [
        "nncodec: a.png: encoding needs torch: pip install 'nncodec-image[encode]'"
    ]
    assert not Path("a.nni").exists()


def test_without_torch_and_kernel_it_says_so(bare, files):
    found = run(bare | {"NNCODEC_ENGINE": "torch"}, "-m", "codec", "decode", str(files[0]))
    assert found.returncode
    assert "no engine 'torch' runs here" in found.stderr and "Traceback" not in found.stderr


def test_all_vectors_decode_without_constriction(bare):
    block(Path("path"), "constriction")
    found = run(bare, "-c", EVERY_VECTOR)
    assert found.returncode == 0, found.stderr
    assert int(found.stdout) == len(list(all_vectors()))
