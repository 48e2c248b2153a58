"""Commands that no other test runs, on tiny data."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data

from codec.models import released
from codec.research.tables import read_rows
from scripts.compare import lossless_stages
from scripts.conform import cross_decode, exactness, make
from scripts.conform.vectors import MODELS, VECTORS, all_vectors
from scripts.measure import complexity, lossless
from scripts.release import corrections, export_lossless
from scripts.train import filter, learned, meta
from scripts.train import lossless as lossless_training
from scripts.train.run import read_log

if TYPE_CHECKING:
    from tests.scripts.conftest import RunScript

ROOT = Path(__file__).parents[2]
SMALLER = {
    "[[1, 1, 2, 4], [4, 8, 12], [8, 8, 16, 16, 16], [16, 16, 32, 32, 64, 64]]": "[[4, 4], [24]]",
    "context_hidden = 128": "context_hidden = 16",
    "analysis_hidden = 128": "analysis_hidden = 16",
    "[160, 96, 48, 16]": "[32, 16, 16, 16]",
    "crop_px = 256": "crop_px = 64",
    "crop_px = 192": "crop_px = 64",
    "pairs = 4000": "pairs = 4",
    "pair_px = 224": "pair_px = 64",
    "batch = 8": "batch = 2",
}


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Two photographs of 272x272."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name, picture in (("cat", data.chelsea()), ("woman", data.astronaut())):
        Image.fromarray(picture[:272, 100:372]).save(folder / f"{name}.png")
    return folder


def small(name: str, folder: Path) -> Path:
    """A configuration with networks and batches that take no time."""
    text = (ROOT / "configs" / name).read_text(encoding="utf-8")
    for large, little in SMALLER.items():
        text = text.replace(large, little)
    path = folder / "small.toml"
    path.write_text(text, encoding="utf-8")
    return path


def train(run_script: RunScript, main, pictures: Path, config: str, *options: object) -> Path:
    """A run of a step or two, started twice: the second call has no time left."""
    run = pictures.parent / "run"
    arguments = ("--config", small(config, run.parent), "--data", pictures, "--run", run)
    for _ in range(2):
        status, _, err = run_script(
            main, *arguments, "--validation", pictures, "--minutes", 0.001, *options
        )
        assert not status, err
    first, *_, last = read_log(run)
    assert int(first[0]) == 0 < int(last[0])
    assert (run / "best.pt").exists() and (run / "checkpoint.pt").exists()
    return run


def test_the_learned_content_is_trained(run_script, pictures):
    train(run_script, learned.main, pictures, "train/photo.toml")


def test_a_filter_is_trained_and_trained_for_its_updates(run_script, pictures, monkeypatch):
    run = train(run_script, filter.main, pictures, "filter/standard.toml", "--content", "jpeg")
    monkeypatch.setattr(meta, "BATCH", 1)
    status, out, err = run_script(
        meta.main,
        *("--content", "jpeg", "--run", run, "--out", pictures.parent / "meta"),
        *("--data", pictures, "--validation", pictures, "--minutes", 0.0001),
    )
    assert not status, err
    assert len(out.splitlines()) == 2
    before, after = (torch.load(f / "best.pt") for f in (run, pictures.parent / "meta"))
    assert before.keys() == after.keys()
    assert any(not torch.equal(before[name], after[name]) for name in before)


def test_lossless_networks_are_trained_and_exported(run_script, pictures, monkeypatch):
    run = train(run_script, lossless_training.main, pictures, "train/lossless.toml")
    found = []

    def publish(content: str, name: str, file: bytes, card: Path, **facts: object) -> None:
        found.append(file)
        card.read_text(encoding="utf-8").format(name=name, id="", sha256="", **facts)

    monkeypatch.setattr(export_lossless, "publish", publish)
    monkeypatch.setattr(export_lossless, "SUBSPACE_PICTURES", 4)
    options = ("--config", pictures.parent / "small.toml", "--run", run, "--data", pictures)
    monkeypatch.chdir(ROOT)
    status, _, err = run_script(export_lossless.main, *options, "--name", "tiny")
    assert not status, err
    (pictures / "model.safetensors").write_bytes(found[0])
    assert released.load_file(pictures / "model.safetensors").content == "lossless"


def test_lossless_formats_are_measured(run_script, pictures, tmp_path, monkeypatch):
    for path in pictures.glob("*.png"):
        Image.fromarray(np.array(Image.open(path))[:40, :48]).save(path)
    out = tmp_path / "ours-lossless.tsv"
    for _ in range(2):
        status, _, err = run_script(lossless.main, "--images", pictures, "--out", out)
        assert not status, err
    rows = read_rows(out)
    assert {("png", "optimized"), ("nncodec", "0")} <= {(row.codec, row.effort) for row in rows}
    assert len(rows) == 2 * len(list(lossless.formats()))


def test_corrections_are_fitted_and_each_is_measured(run_script, pictures, monkeypatch):
    found = []
    monkeypatch.setattr(corrections, "replace_model", found.append)
    monkeypatch.setattr(corrections, "SIDE_PX", 64)
    monkeypatch.setattr(corrections, "SHRUNK", 0.3)
    monkeypatch.setattr(corrections, "ITERATIONS", 2)
    status, _, err = run_script(corrections.main, "--data", pictures)
    assert not status, err
    assert len(found[0].correctors) == 3 * 3 * 3
    monkeypatch.setattr(lossless_stages, "SIDE_PX", 96)
    rows = lossless_stages.measure(pictures / "woman.png", released.load_default("lossless"))
    sizes = {row.corrected: row.content_bytes for row in rows}
    assert sizes["all"] < sizes["mean"] < sizes["none"]


def test_the_cost_of_the_decoder(run_script):
    _, out, _ = run_script(complexity.main, "--content", "jpeg")
    *_, parts, decoder = out.splitlines()
    assert parts.startswith("| postfilter | 17.92 |") and decoder.endswith("| 534,204 |")


def test_vectors_are_complete_and_decode(run_script, monkeypatch):
    monkeypatch.setenv(released.MODELS_VARIABLE, str(MODELS))
    status, out, _ = run_script(make.main)
    assert status == 0 and out == f"0 vectors added, {len(all_vectors())} kept\n"
    status, out, _ = run_script(cross_decode.main)
    assert status == 0 and out.count("as expected") == len(list(VECTORS.glob("v*")))


def test_every_way_to_decode_gives_the_same_pixels(run_script, tmp_path, monkeypatch):
    monkeypatch.setenv(released.MODELS_VARIABLE, str(MODELS))
    vector = VECTORS / "v1" / "valid" / "subspace-dense.bin"
    kept = tmp_path / "kept.json"
    assert run_script(exactness.main, vector, "--json", kept)[0] == 0
    monkeypatch.setattr(exactness, "kernel_cases", lambda: [("any", contextlib.nullcontext())])
    status, out, _ = run_script(exactness.main, vector, "--torch", "one", "--against", kept)
    assert status == 0 and out.splitlines()[-1].endswith(", 0 unequal")
    assert out.count("torch, 2 threads, oneDNN on, channels-last") == 1  # that which was kept
    shutil.copy(VECTORS / "v1" / "valid" / "subspace-sparse.bin", tmp_path / vector.name)
    status, out, _ = run_script(exactness.main, tmp_path / vector.name, "--against", kept)
    assert status == 1 and "NO: subspace-dense.bin" in out
