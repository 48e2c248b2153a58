"""The benchmark: what it measures, that it carries on, and what it writes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from bitstream import Container, Header, Tag
from codec.research import codecs
from codec.research.codecs import CodedImage
from codec.research.tables import read_rows
from scripts.measure import documents, kodak

if TYPE_CHECKING:
    from tests.scripts.conftest import RunScript

SIDE = 176
DOCUMENT = "".join(f"<!-- begin {name} -->\n<!-- end {name} -->\n" for name in documents.TABLES)


@dataclass(frozen=True)
class FakeCoder:
    """Stands for nncodec: a picture of quality + 16 columns, in a file of the format."""

    effort: str
    update: bool
    name: str = "nncodec"
    version: str = "0"

    def encode(self, pixels, quality):
        header = Header(SIDE, SIDE, round(2 * quality), bytes(4))
        small = Image.fromarray(pixels).resize((16 + int(quality), SIDE))
        parts = {Tag.CONTENT: np.asarray(small).tobytes()}
        if self.update:
            parts[Tag.UPDATE] = bytes(5)
        return CodedImage(Container(header, parts).pack(), 5 * self.update)

    def decode(self, data):
        pixels = np.frombuffer(Container.unpack(data).chunks[Tag.CONTENT], np.uint8)
        return np.asarray(Image.fromarray(pixels.reshape(SIDE, -1, 3)).resize((SIDE, SIDE)))


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two photographs, published curves, documents, and coders that need no plugin or network."""
    from skimage import data

    monkeypatch.chdir(tmp_path)
    for folder in ("images", "anchors", "docs"):
        Path(folder).mkdir()
    for index in range(2):
        crop = data.astronaut()[100 * index :, 150:][:SIDE, :SIDE]
        Image.fromarray(crop).save(f"images/{index}.png")
    curve = {"source": "a paper", "points": [[0.05, 18.0], [1.0, 28.0], [5.0, 45.0]]}
    published = json.dumps({"vtm": curve, "old": curve})
    Path("anchors", kodak.PUBLISHED).write_text(published)
    for document in documents.DOCUMENTS:
        document.write_text(DOCUMENT)
    names = ("jpeg", "webp")
    monkeypatch.setattr(kodak, "BASELINE_NAMES", names)
    monkeypatch.setattr(
        kodak,
        "NncodecCoder",
        lambda effort, update="": FakeCoder(
            str(effort), update != "none", "nncodec" if update != "none" else "nncodec-noupdate"
        ),
    )
    return tmp_path


COMMON = ("--images", "images", "--out", "results", "--anchors", "anchors")


def tables() -> dict[str, int]:
    return {path.name: len(read_rows(path)) for path in Path("results").glob("kodak-*[!d].tsv")}


@pytest.mark.usefixtures("place")
def test_a_split_run_measures_only_and_the_last_one_reports(run_script: RunScript) -> None:
    status, _, err = run_script(kodak.main, *COMMON, "--codecs", "jpeg")
    assert (status, tables()) == (0, {"kodak-jpeg.tsv": 16})
    assert len(err.splitlines()) == 16
    before = Path("results/kodak-jpeg.tsv").read_bytes()

    status, _, err = run_script(kodak.main, *COMMON, "--efforts", 0, 5)
    assert status == 0
    assert not any("jpeg" in line for line in err.splitlines())
    assert Path("results/kodak-jpeg.tsv").read_bytes() == before
    assert tables() == {
        "kodak-jpeg.tsv": 16,
        "kodak-webp.tsv": 16,
        "kodak-nncodec.tsv": 8,
        "kodak-nncodec-effort0.tsv": 8,
        "kodak-nncodec-noupdate.tsv": 8,
    }

    status, _, err = run_script(kodak.main, *COMMON)
    assert (status, err) == (0, "")


@pytest.mark.usefixtures("place")
def test_the_report(run_script: RunScript) -> None:
    status, _, _ = run_script(kodak.main, *COMMON)
    assert status == 0
    for picture in ("rd", "ssimulacra2", "ms-ssim"):
        with Image.open(f"results/kodak-{picture}.png") as image:
            assert image.format == "PNG"
    text = Path("docs/kodak.md").read_text()
    front = text.partition("<!-- end front -->")[0].splitlines()
    assert front[1].startswith("| codec | bytes at ")
    first = text.partition("<!-- begin bd-rates -->")[2].splitlines()
    assert first[1].split(" | ")[2:] == ["at equal", "against JPEG 4:2:0", "against WebP |"]
    for line, metric in ((first[3], "PSNR"), (first[4], "SSIMULACRA2")):
        assert line.startswith(f"| Kodak | default effort | {metric} | ")
        assert line.count(" % |") == 2
    assert "| quality | bpp | PSNR (dB) | SSIMULACRA2 | MS-SSIM | encode (s) |" in text
    assert "| old | " in text and "a paper" in text
    assert Path("README.md").read_text() == text


def test_every_codec_has_qualities() -> None:
    assert kodak.QUALITIES.keys() == {"nncodec", *codecs.BASELINE_NAMES}


@pytest.mark.usefixtures("place")
def test_parts_add_up(run_script: RunScript) -> None:
    run_script(kodak.main, *COMMON, "--codecs", "nncodec", "--efforts", "0")
    for row in read_rows(Path("results/kodak-nncodec-effort0.tsv")):
        framing, content, update, prior = documents.parts_of(row)
        assert (content, update, prior) == (3 * SIDE * (16 + int(row.quality)), 5, 0)
        assert framing + content + update == row.bytes


@pytest.mark.usefixtures("place")
def test_errors_are_one_line(run_script: RunScript, monkeypatch: pytest.MonkeyPatch) -> None:
    status, _, err = run_script(kodak.main, "--images", "docs", "--out", "results")
    assert status == 1 and err.count("\n") == 1 and err.startswith("benchmark_kodak: docs")
    status, _, _ = run_script(kodak.main, *COMMON, "--codecs", "abacus")
    assert status == 2
    assert "jxl" in codecs.BASELINE_NAMES
