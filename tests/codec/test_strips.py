"""Pictures in strips: the same bytes and pixels as in one piece."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
import torch
from PIL import Image

import codec
from codec.contract.quality import centred, level_at
from codec.decoding.engines import compiled
from codec.decoding.engines.choice import chosen
from codec.decoding.engines.reference import TorchEngine
from codec.decoding.filtering import Filtering
from codec.encoding.updates.equations import equations
from codec.models.released import load_default
from codec.networks import fixed_point, strips
from tests.codec.tiny_model import picture

WIDTH, HEIGHT = 50, 300
"""Five strips of 64 rows, the last of them not whole."""


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Strips as low as they can be, and layers in pieces."""
    monkeypatch.setattr(strips, "PIXELS", 1)
    monkeypatch.setattr(fixed_point, "LARGEST_PARTS", 5000)
    monkeypatch.setattr(compiled, "STRIP_PX", 1)


def test_strips_cover_the_picture(narrow):
    found = list(strips.strips(150, 10, 32))
    assert [(s.first, s.start, s.stop, s.last) for s in found] == [
        (0, 0, 64, 96),
        (32, 64, 128, 150),
        (96, 128, 150, 150),
    ]


def test_small_pictures_are_one_strip():
    assert len(list(strips.strips(1024, 2048, 64))) == 1
    assert len(list(strips.strips(1088, 2048, 64))) == 2
    assert len(list(strips.strips(65, 65535, 64))) == 2


def files(content: str, effort: int) -> bytes:
    options = codec.EncodeOptions(codec.Lossy(quality=70, content=content), effort=effort)
    return codec.encode(picture(WIDTH, HEIGHT), options).data


@pytest.mark.parametrize(("content", "effort"), [("learned", 0), ("learned", 2), ("jpeg", 2)])
def test_files_and_pixels_are_the_same(tiny, content, effort, request):
    whole = files(content, effort)
    pixels = codec.decode(whole)
    request.getfixturevalue("narrow")
    assert files(content, effort) == whole
    assert np.array_equal(codec.decode(whole), pixels)


def test_refined_pixels_are_the_same(tiny, request):
    """Of the same file: which latents a refinement draws hangs on the last bits of its gradients,
    and those on the pieces that the processor's convolutions are done in."""
    whole = files("learned", 3)
    pixels = codec.decode(whole)
    request.getfixturevalue("narrow")
    assert np.array_equal(codec.decode(whole), pixels)
    assert codec.decode(files("learned", 3)).shape == pixels.shape


def test_standard_files_are_the_same(tiny, request):
    file = BytesIO()
    Image.fromarray(picture(WIDTH, HEIGHT)).save(file, "JPEG")
    darker = picture(WIDTH, HEIGHT) // 2
    whole = codec.enhance(darker, file.getvalue()).data
    assert codec.probe(whole).update_bytes
    pixels = codec.decode(whole)
    request.getfixturevalue("narrow")
    assert codec.enhance(darker, file.getvalue()).data == whole
    assert np.array_equal(codec.decode(whole), pixels)


def noise(*shape: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(-2048, 2048, shape, generator=generator).float()


@pytest.mark.parametrize("content", ["learned", "jpeg", "webp", "avif"])
def test_halos_of_released_filters_suffice(content, request):
    """On noise, where every row that is missing would show."""
    model = load_default(content)
    unfiltered, original = noise(1, 3, 256, 64), noise(1, 3, 250, 61)
    quality = centred(120)
    whole = Filtering(unfiltered, model.postfilter, quality)
    pixels = whole.pixels(model.postfilter, 61, 250)
    normal = equations(whole, original)
    request.getfixturevalue("narrow")
    parts = Filtering(unfiltered, model.postfilter, quality)
    assert np.array_equal(parts.pixels(model.postfilter, 61, 250), pixels)
    found = equations(parts, original)
    assert np.array_equal(found.gram, normal.gram)
    assert np.array_equal(found.cross, normal.cross)
    assert (found.energy, found.positions) == (normal.energy, normal.positions)


@pytest.mark.parametrize("engine", [chosen(), TorchEngine()], ids=lambda e: e.name)
def test_the_halo_of_the_synthesis_suffices(released, request, engine):
    values = 16 * noise(16, 4, released.config.channels).long().numpy()
    whole = engine.synthesize(released, values, released.level(120))
    request.getfixturevalue("narrow")
    assert np.array_equal(engine.synthesize(released, values, released.level(120)), whole)


def test_the_halo_of_the_analysis_suffices(released, request):
    """In double precision, so that only what is missing could make a difference."""
    analysis = released.search().analysis.double()
    quality = level_at(torch.tensor([60.0])).quality.double()
    original = noise(1, 3, 256, 64).double() / 16

    def analyze(part: torch.Tensor) -> torch.Tensor:
        fine = analysis.deeper_8(analysis.fine(analysis.enter(unshuffled(part))))
        return analysis.leave(analysis.deeper_16(analysis.down(fine)))

    def unshuffled(part: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.pixel_unshuffle(part, 8) / 16 + quality

    with torch.no_grad():
        whole = analyze(original)
        request.getfixturevalue("narrow")
        parts = strips.in_strips(analyze, original, halo=analysis.halo, scale=1)
    assert torch.allclose(parts, whole, rtol=0, atol=1e-9)


@pytest.mark.parametrize("kernel", [1, 3])
@pytest.mark.parametrize(("stride", "padding"), [(1, True), (2, True), (2, False)])
def test_pieces_of_a_layer_are_exact(kernel, stride, padding, monkeypatch):
    generator = torch.Generator().manual_seed(kernel)
    layer = fixed_point.IntegerConv(
        torch.randint(-900, 900, (5, 16, kernel, kernel), generator=generator),
        torch.randint(-900, 900, (5,), generator=generator),
        shift=11,
        limit=2048,
        stride=stride,
        padding=kernel // 2 if padding else 0,
        activate=True,
    )
    x = noise(2, 16, 9, 7)
    whole = layer(x)
    for most in (1, 500):
        monkeypatch.setattr(fixed_point, "LARGEST_PARTS", most)
        assert torch.equal(layer(x), whole)
