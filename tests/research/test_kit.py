"""The research kit: codecs by their commands, curves of others, and update techniques."""

from __future__ import annotations

import math
import shlex
import sys
from importlib.metadata import EntryPoint
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

import codec
from bitstream import Container, Tag
from codec.cli import main
from codec.contract import techniques
from codec.encoding.updates.search import SearchTask, search
from codec.research.codecs import CoderError
from codec.research.curves import CurveError, read_curves
from codec.research.programs import ProgramCoder
from codec.research.tables import read_rows

HERE = "a_package_with_techniques"
ENCODER = """
import sys
from PIL import Image
Image.open(sys.argv[1]).save(sys.argv[2], "WEBP", quality=int(sys.argv[3]))
"""
RAW = """
import sys
from PIL import Image
if sys.argv[1] == "-d":
    size, pixels = open(sys.argv[2], "rb").read().split(b" ", 1)
    Image.frombytes("RGB", tuple(map(int, size.split(b"x"))), pixels).save(sys.argv[3])
else:
    picture = Image.open(sys.argv[1])
    open(sys.argv[2], "wb").write(b"%dx%d " % picture.size + picture.tobytes())
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with pictures/, webp.py and raw.py."""
    monkeypatch.chdir(tmp_path)
    Path("pictures").mkdir()
    rng = np.random.default_rng(0)
    for name in ("a", "b"):
        coarse = rng.integers(0, 256, (6, 8, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize((64, 48)).save(f"pictures/{name}.png")
    Path("webp.py").write_text(ENCODER)
    Path("raw.py").write_text(RAW)
    return tmp_path


def command(name: str, *arguments: str) -> str:
    return shlex.join([sys.executable, str(Path(name).resolve()), *arguments])


def research(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["research", *map(str, arguments)], prog_name="nncodec")


def evaluate(out: str, codec_name: str, *more: str, qualities: str = "20,80") -> Result:
    common = ("--images", "pictures", "--out", out, "--qualities", qualities)
    return research("evaluate", *common, "--codec", codec_name, *more)


def test_a_codec_of_ones_own_is_compared(folder):
    mine = f"mine={command('webp.py', '{in}', '{out}.webp', '{q}')}"
    assert evaluate("mine.tsv", mine).exit_code == 0
    assert evaluate("jpeg.tsv", "jpeg").exit_code == 0
    rows = read_rows(Path("mine.tsv"))
    assert [(row.image, row.codec, row.quality) for row in rows] == [
        *(("a", "mine", 20), ("a", "mine", 80), ("b", "mine", 20), ("b", "mine", 80))
    ]
    low, high, *_ = rows
    assert low.bytes < high.bytes and low.psnr_db < high.psnr_db
    compared = research("bdrate", "jpeg.tsv", "mine.tsv")
    assert compared.exit_code == 0 and compared.stdout.endswith(" %\n")
    Path("far.csv").write_text("bpp,psnr_db\n1,90\n2,95\n")
    table = research("bdrate", "jpeg.tsv", "mine.tsv", "far.csv")
    heading, mine_line, far = table.stdout.splitlines()
    assert table.exit_code == 0 and heading == "at equal PSNR, against jpeg:"
    assert mine_line.split()[1:] == compared.stdout.splitlines()[-1].split()
    assert far.split()[0] == "far" and "no range of qualities in common" in far
    assert research("plot", "jpeg.tsv", "mine.tsv", "--out", "rd.png").exit_code == 0
    with Image.open("rd.png") as plot:
        assert plot.size[0] > 1000


def test_files_of_ones_own_have_a_decoder(folder):
    raw = f"raw={command('raw.py', '{in}', '{out}')}"
    result = evaluate("raw.tsv", raw, "--decoder", command("raw.py", "-d", "{in}", "{out}"))
    assert result.exit_code == 0, result.output
    row, *_ = read_rows(Path("raw.tsv"))
    assert row.bytes == 64 * 48 * 3 + len("64x48 ") and math.isinf(row.psnr_db)
    result = evaluate("none.tsv", raw)
    assert result.exit_code == 1
    assert result.output.endswith("--decoder says how files are decoded\n")


@pytest.mark.parametrize(
    ("encoder", "reason"),
    [
        ("no-such-program {in} {out}", "no-such-program: No such file"),
        (f"{sys.executable} -c 'raise SystemExit(\"broken\")' {{in}} {{out}}", "broken"),
        (f"{sys.executable} -c pass {{in}} {{out}}", "has not written"),
    ],
)
def test_commands_that_fail_are_one_line(encoder, reason):
    with pytest.raises(CoderError, match=reason):
        ProgramCoder("x", encoder).encode(np.zeros((8, 8, 3), np.uint8), 50)


@pytest.mark.parametrize("name", ["gif", "x=cp {in}", "x=cp {out}"])
def test_what_is_no_codec_is_refused(folder, name):
    result = evaluate("x.tsv", name)
    assert result.exit_code in (1, 2) and not Path("x.tsv").exists()
    assert "NAME=COMMAND" in result.output


def test_curves_of_others(folder):
    Path("theirs.csv").write_text("codec,bpp,psnr_db\nx,1.0,34\nx,0.5,30\ny,0.7,31\n")
    x, y = read_curves("theirs.csv", "psnr_db")
    assert (x.label, [point.bpp for point in x.points]) == ("x", [0.5, 1.0])
    assert read_curves("theirs.csv:y", "psnr_db") == [y]
    Path("plain.csv").write_text("bpp,ssimulacra2\n0.5,60\n")
    assert read_curves("plain.csv", "ssimulacra2")[0].label == "plain"
    for spec in ("theirs.csv:z", "theirs.csv"):
        with pytest.raises(CurveError):
            read_curves(spec, "psnr_db" if ":" in spec else "ms_ssim")


def delegate(task: SearchTask) -> bytes:
    """A technique as another package would have it."""
    payload = search(techniques.techniques()["subspace"], task)
    PAYLOADS.append(payload)
    return payload


PAYLOADS: list[bytes] = []


@pytest.fixture
def plugins(monkeypatch: pytest.MonkeyPatch):
    found = [
        EntryPoint("mine", f"{HERE}:delegate", techniques.GROUP),
        EntryPoint("subspace", f"{HERE}:taken", techniques.GROUP),
        EntryPoint("lost", "no_such_module:fit", techniques.GROUP),
    ]
    monkeypatch.setitem(sys.modules, HERE, SimpleNamespace(delegate=delegate))
    monkeypatch.setattr(techniques, "entry_points", lambda group: found)
    techniques.techniques.cache_clear()
    yield
    techniques.techniques.cache_clear()


def test_a_technique_of_another_package(plugins):
    from skimage import data

    assert techniques.names()[-3:] == ("lost", "mine", "none")
    assert techniques.techniques()["subspace"].plugin is None
    picture = data.astronaut()[:192, :192]
    own, mine = (
        codec.encode(picture, codec.EncodeOptions(codec.Lossy(85), effort=1, update=name)).data
        for name in ("subspace", "mine")
    )
    assert len(PAYLOADS) == 1 and PAYLOADS[0]
    assert Container.unpack(mine).chunks[Tag.UPDATE] == PAYLOADS[0]
    assert mine == own
    with pytest.raises(codec.CodecError, match="no_such_module"):
        codec.encode(picture, codec.EncodeOptions(effort=1, update="lost"))
