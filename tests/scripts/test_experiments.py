"""Every experiment on tiny pictures: its rows, its table, and that nothing is measured twice."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image
from skimage import data

import codec
from codec.research.tables import append_row
from scripts import report
from scripts.compare import (
    annealing,
    arithmetic,
    compressible,
    meta_training,
    prior_updates,
    update_coders,
    updates,
    weight_coders,
)
from scripts.measure import decode, memory, shared
from scripts.measure.experiment import Experiment
from scripts.train import meta

if TYPE_CHECKING:
    from tests.scripts.conftest import RunScript

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "results" / codec.__version__
SIDE_PX = 176
PEER = '''"""Stands for PyPI's nncodec: whole steps of 2^(qp/4)."""

import io

import numpy as np


def compress(tensors, *, bitstream_path, qp, **options):
    file = io.BytesIO()
    step = 2 ** (qp / 4)
    rounded = {name: step * np.round(tensor / step) for name, tensor in tensors.items()}
    np.savez_compressed(file, **rounded)
    return file.getvalue()


def decompress(data, verbose):
    with np.load(io.BytesIO(bytes(data))) as archive:
        return dict(archive)
'''


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory: with the documents, and two pictures."""
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    shutil.copy(ROOT / "README.md", tmp_path)
    (tmp_path / "pictures").mkdir()
    for name, picture in (("cat", data.chelsea()), ("coffee", data.coffee())):
        crop = np.ascontiguousarray(picture[60 : 60 + SIDE_PX, 120 : 120 + SIDE_PX])
        Image.fromarray(crop).save(tmp_path / "pictures" / f"{name}.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def peer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An interpreter that has something of the name of PyPI's nncodec."""
    package = tmp_path / "peer" / "nncodec" / "nnc"
    package.mkdir(parents=True)
    for folder in (package.parent, package):
        (folder / "__init__.py").touch()
    (package / "compression.py").write_text(PEER)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "peer"))
    return sys.executable


def run_twice(run_script: RunScript, experiment: Experiment, main: Callable, *options: object):
    """Rows of the first run; the second must not add any.  The document has their table."""
    out = Path(experiment.file)
    for _ in range(2):
        before = out.read_text() if out.exists() else ""
        status, _, err = run_script(main, *options, "--out", out)
        assert not status, err
    assert out.read_text() == before
    rows = experiment.open(out).rows
    document = experiment.document.read_text() if experiment.document else ""
    assert all(table in document for table in experiment.tables(rows).values())
    return rows


def test_updates(place, run_script):
    options = ("--images", "pictures", "--every", 2, "--qualities", "40", "--cache", "cache")
    names = ("subspace", "biases")
    rows = run_twice(
        run_script, updates.EXPERIMENT, updates.main, *options, "--techniques", ",".join(names)
    )
    assert [(row.image, row.technique) for row in rows] == [("cat", name) for name in names]
    assert any(row.update_bytes and row.gain_db > 0 for row in rows)


def test_prior_updates(place, run_script):
    options = ("--data", "pictures", "--images", "pictures", "--every", 2)
    rows = run_twice(run_script, prior_updates.EXPERIMENT, prior_updates.main, *options)
    assert len(rows) == 5 * len(prior_updates.QUALITIES)
    assert all(row.saved_bytes >= 0 for row in rows)


def test_shared_updates(place, run_script):
    options = ("--images", "pictures", "--pattern", "c*", "--set", "ours", "--crop", 48)
    rows = run_twice(run_script, shared.EXPERIMENT, shared.main, *options, "--count", 2, "-q", 60)
    assert [row.arrangement for row in rows] == ["none", "none", "own", "shared"]


def test_meta_training(place, run_script, monkeypatch):
    monkeypatch.setattr(meta, "BATCH", 1)
    options = ("--content", "learned", "--data", "pictures", "--validation", "pictures")
    rows = run_twice(
        run_script, meta_training.EXPERIMENT, meta_training.main, *options, "--minutes", 0.001
    )
    assert [row.training for row in rows][:2] == ["none", "plain"]
    assert all(
        row.cost == pytest.approx(row.without_update - row.saving, abs=0.002) for row in rows
    )


def test_compressible_training(place, run_script):
    options = ("--data", "pictures", "--validation", "pictures", "--seconds", 0.05)
    rows = run_twice(run_script, compressible.EXPERIMENT, compressible.main, *options)
    sizes = [row.bytes for row in rows if row.training == "seed, rounded"]
    assert len(rows) == 7 and sizes == sorted(sizes, reverse=True)


def test_annealing(place, run_script, monkeypatch):
    monkeypatch.setattr(annealing, "WIDTH", 64)
    monkeypatch.setattr(annealing, "HEIGHT", 64)
    monkeypatch.setattr(annealing, "PICTURES", 1)
    monkeypatch.setattr(annealing, "QUALITIES", (40.0,))
    few = [annealing.replace(v, steps=2) for v in annealing.variants()][:2]
    monkeypatch.setattr(annealing, "variants", lambda: iter(few))
    rows = run_twice(run_script, annealing.EXPERIMENT, annealing.main, "--images", "pictures")
    assert len(rows) == 2


def test_arithmetic(place, run_script):
    options = ("--images", "pictures", "--every", 2, "--qualities", "30,70")
    rows = run_twice(run_script, arithmetic.EXPERIMENT, arithmetic.main, *options)
    assert [row.quality for row in rows] == [30, 70]


def test_memory(place, run_script):
    (row,) = run_twice(run_script, memory.EXPERIMENT, memory.main, "64x48:0")
    # Not the memory of this process, which starts both: decoding needs no torch.
    assert row.encode_mb > 100 and 30 < row.decode_mb < row.encode_mb / 2


def test_decode(place, run_script, monkeypatch):
    monkeypatch.setattr(decode, "LARGE_PX", (200, 180))
    monkeypatch.setattr(decode, "RUNS", 1)
    monkeypatch.setattr(decode, "CASES", decode.CASES[2:5])
    monkeypatch.setenv("PATH", "")
    timed, imported = decode.EXPERIMENTS
    rows = run_twice(run_script, timed, decode.main, "--picture", "pictures/cat.png")
    assert [(row.file, row.start, row.width) for row in rows] == [
        ("enhanced JPEG", "cold", SIDE_PX),
        ("learned, 12 megapixels", "cold", 200),
        ("learned", "warm", SIDE_PX),
    ]
    assert all(0 < row.wall_s < 60 and 20 < row.peak_mb < 1000 for row in rows)
    packages = imported.open(Path(imported.file)).rows
    assert {"numpy", "PIL", "codec", "click", "standard library"} <= {
        row.package for row in packages
    }


def test_update_coders(place, run_script, peer):
    options = ("--peer", peer, "--images", "pictures", "--qualities", "60", "--cache", "cache")
    rows = run_twice(run_script, update_coders.EXPERIMENT, update_coders.main, *options)
    assert rows and all(row.gain_db > 0 and row.ours_bytes > 0 for row in rows)
    assert any(row.peer_same_change_bytes for row in rows)


def test_weight_coders(place, run_script, peer, monkeypatch):
    monkeypatch.setattr(weight_coders, "SETS", ("postfilter",))
    monkeypatch.setattr(weight_coders, "STEPS", (0.2, 1.2))
    options = ("--peer", peer)
    rows = run_twice(run_script, weight_coders.EXPERIMENT, weight_coders.main, *options)
    fine, coarse = rows
    assert fine.bytes > coarse.bytes and fine.mse < coarse.mse
    assert fine.peer_uniform_bytes == fine.peer_trellis_bytes


@pytest.mark.parametrize("experiment", report.EXPERIMENTS, ids=lambda found: found.file)
def test_rows_of_results_come_back_as_written(experiment: Experiment, tmp_path: Path):
    published = experiment.open(RESULTS / experiment.file).rows
    for row in published:
        append_row(tmp_path / "again.tsv", row)
    again = experiment.open(tmp_path / "again.tsv").rows
    # As text: figures that a table lacks are nan, which is like nothing, not even itself.
    assert list(map(str, again)) == list(map(str, published))


def test_documents_have_the_tables_of_the_results(place, run_script):
    documents = [Path("README.md"), *Path("docs").glob("*.md")]
    before = {path: path.read_text() for path in documents}
    assert not run_script(report.main, RESULTS)[0]
    assert {path: path.read_text() for path in documents} == before
