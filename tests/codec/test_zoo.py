"""Networks of the CompressAI zoo as content, with random weights."""

from __future__ import annotations

import dataclasses
import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import codec
from bitstream import Container, FormatError, InvalidField, Tag, UnknownModel
from bitstream.file.compressai import ZooPayload
from codec.cli import main
from codec.contract.quality import lambda_at
from codec.decoding.contents import compressai
from codec.encoding.contents import compressai as contents_compressai
from codec.errors import OptionError
from tests.codec.tiny_model import picture

NAME, QUALITY = "bmshj2018-hyperprior", 1
CONTENT = f"compressai:{NAME}:{QUALITY}"
OPTIONS = codec.EncodeOptions(codec.Lossy(content=CONTENT), effort=1)

needs_zoo = pytest.mark.skipif(
    importlib.util.find_spec("compressai") is None, reason="CompressAI is not installed"
)
# CompressAI's own.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")


def write_weights(folder: Path, name: str = NAME, seed: int = 0) -> None:
    """Random weights where CompressAI would put its own."""
    from compressai.zoo import image as networks
    from compressai.zoo import image_models

    torch.manual_seed(seed)
    module = image_models[name](QUALITY, "mse", pretrained=False)
    module.update()
    path = folder / "checkpoints" / Path(networks.model_urls[name]["mse"][QUALITY]).name
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(module.state_dict(), path)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of torch.hub, empty."""
    monkeypatch.setattr(torch.hub, "_hub_dir", str(tmp_path / "hub"))
    compressai.load_network.cache_clear()
    return tmp_path / "hub"


@needs_zoo
@pytest.mark.parametrize("name", [NAME, "bmshj2018-factorized", "mbt2018-mean"])
@pytest.mark.parametrize("size", [(70, 45), (1, 1)])
def test_round_trip_with_an_update_on_top(hub, name, size):
    write_weights(hub, name)
    pixels = picture(*size)
    options = dataclasses.replace(OPTIONS, content=f"compressai:{name}:{QUALITY}", effort=2)
    result = codec.encode(pixels, options)
    decoded = codec.decode(result.data)
    assert decoded.shape == pixels.shape
    chunks = Container.unpack(result.data).chunks
    found = ZooPayload.unpack(chunks[Tag.CONTENT])
    assert (found.name, found.quality) == (name, QUALITY)
    if size != (1, 1):  # what random weights give is far off: an update pays
        assert chunks[Tag.UPDATE]
        assert result.report.psnr_db > result.report.base_psnr_db + 1


@needs_zoo
def test_without_an_update_it_is_the_picture_of_the_network(hub):
    write_weights(hub)
    pixels = picture(70, 45)
    decoded = codec.decode(codec.encode(pixels, dataclasses.replace(OPTIONS, effort=0)).data)
    network = compressai.load_network(NAME, QUALITY)
    assert np.array_equal(network.decompress(*network.compress(pixels), 70, 45), decoded)


@needs_zoo
def test_other_weights_are_refused(hub):
    write_weights(hub)
    data = codec.encode(picture(64, 64), OPTIONS).data
    write_weights(hub, seed=1)
    compressai.load_network.cache_clear()
    with pytest.raises(UnknownModel, match="other weights"):
        codec.decode(data)


@needs_zoo
def test_missing_weights_and_networks_are_named(hub):
    with pytest.raises(OptionError, match="the weights of bmshj2018-hyperprior are not here: put"):
        codec.encode(picture(64, 64), OPTIONS)
    for content in ("compressai:no-such:3", f"compressai:{NAME}:99"):
        options = dataclasses.replace(OPTIONS, content=content)
        with pytest.raises(OptionError, match="it has bmshj2018-factorized, "):
            codec.encode(picture(64, 64), options)


@needs_zoo
def test_bad_contents_are_refused(hub):
    write_weights(hub)
    container = Container.unpack(codec.encode(picture(70, 45), OPTIONS).data)
    good = ZooPayload.unpack(container.chunks[Tag.CONTENT])
    for change, error in (
        ({"checksum": b"0000"}, UnknownModel),
        ({"shape": (2**20, 2**20)}, InvalidField),
        ({"shape": (4, 8)}, InvalidField),
        ({"strings": good.strings[:1]}, InvalidField),
        ({"strings": tuple(b"\xff" * 3 for _ in good.strings)}, UnknownModel),
        ({"strings": tuple(b"" for _ in good.strings)}, UnknownModel),
        ({"name": "no-such"}, UnknownModel),
    ):
        payload = dataclasses.replace(good, **change).pack()
        chunks = container.chunks | {Tag.CONTENT: payload}
        with pytest.raises(error):
            codec.decode(dataclasses.replace(container, chunks=chunks).pack())


@needs_zoo
def test_on_the_command_line(hub, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_weights(hub)
    Image.fromarray(picture(70, 45)).save("photo.png")
    arguments = ["encode", "-e", "1", "--content", CONTENT, "photo.png"]
    result = CliRunner().invoke(main, arguments, prog_name="nncodec")
    assert result.exit_code == 0, result.output
    assert Path("photo.nni").exists()
    assert CliRunner().invoke(main, ["verify", "photo.nni"]).exit_code == 0


def test_without_compressai_one_line_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    compressai.load_network.cache_clear()
    Image.fromarray(picture(20, 20)).save("photo.png")
    result = CliRunner().invoke(main, ["encode", "--content", CONTENT, "photo.png"])
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert "pip install 'nncodec-image[compressai]'" in result.stderr
    assert not Path("photo.nni").exists()


@pytest.mark.parametrize("content", ["compressai", "compressai:3", "compressai:x:y", "other:x:1"])
def test_other_forms_are_refused(content):
    with pytest.raises(OptionError, match="compressai:NAME:QUALITY"):
        codec.EncodeOptions(codec.Lossy(content=content))
    result = CliRunner().invoke(main, ["encode", "--content", content, "photo.png"])
    assert result.exit_code == 2


@pytest.mark.parametrize("options", [{"quality": 30}, {"target": codec.MaxBytes(100)}])
def test_its_quality_is_its_own(options):
    with pytest.raises(OptionError, match="quality of its own"):
        codec.Lossy(content=CONTENT, **options)
    with pytest.raises(OptionError, match="a standard file is"):
        codec.Standard(CONTENT)


@pytest.mark.parametrize("quality", range(1, 9))
def test_the_filter_is_conditioned_on_the_quality_of_the_same_lambda(quality):
    half = contents_compressai.half_of(f"compressai:{NAME}:{quality}")
    expected = contents_compressai.LAMBDAS[quality - 1]
    assert half == 200 or lambda_at(half / 2) == pytest.approx(expected, rel=0.02)


@given(
    st.builds(
        ZooPayload,
        st.text(max_size=20),
        st.integers(0, 255),
        st.binary(min_size=8, max_size=8),
        st.binary(min_size=4, max_size=4),
        st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1)),
        st.lists(st.binary(max_size=20), max_size=16).map(tuple),
    )
)
def test_payloads_round_trip(payload):
    data = payload.pack()
    assert ZooPayload.unpack(data) == payload
    with pytest.raises(FormatError):
        ZooPayload.unpack(data + b"\0")


@given(st.binary(max_size=60))
def test_any_bytes_are_a_payload_or_refused(data):
    try:
        ZooPayload.unpack(data)
    except FormatError as error:
        assert "\n" not in str(error)
