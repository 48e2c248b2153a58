"""The released model: its integer decoder against its float twin; and the export."""

from __future__ import annotations

from functools import partial

import pytest
import torch

from codec.contract.quality import lambda_at, level_at
from codec.decoding.engines.reference import scan
from codec.encoding.contents.latents import encode_latents
from codec.networks.export import quantize_model
from codec.networks.likelihood import hard_rounding
from codec.networks.order import Grid
from codec.networks.pictures import to_pixels
from codec.networks.twins import build_float
from codec.picture.pixels import psnr_db
from tests.codec.tiny_model import limits_of, random_model


@pytest.mark.parametrize("quality", [10, 50, 90])
def test_integer_decoder_is_as_good_as_the_float_one(released, photo, quality):
    """Costs within 0.5 % of the bits that the float model predicts.

    A step that falls on the other side of a tie trades bits for errors: both count.
    """
    search, level = released.search(), released.level(2 * quality)
    networks = released.networks
    height, width, _ = photo.shape
    with torch.no_grad():
        x = torch.from_numpy(photo).permute(2, 0, 1)[None].float() - 128
        float_level = level_at(torch.tensor([float(quality)]))
        predicted = search(x, float_level, hard_rounding)
        y = search.analysis(x, float_level.quality)
        grid = Grid.of_picture(width, height)
        walk = partial(scan, networks.context, grid, level)
        coded = encode_latents(y, walk, level, grid, released.tables)
        values = torch.from_numpy(coded.values).permute(2, 0, 1)[None].double()
        picture = networks.postfilter(networks.synthesize(values, level), level.quality)
    float_pixels = (predicted.picture + 128).round().clamp(0, 255)[0].permute(1, 2, 0).numpy()
    integer_psnr = psnr_db(to_pixels(picture, width, height), photo)
    float_psnr, float_bits = psnr_db(float_pixels, photo), float(predicted.latent_bits)
    worth = float(lambda_at(float(quality))) * height * width * 255**2
    cost, float_cost = (
        bits + worth * 10 ** (-psnr / 10)
        for bits, psnr in ((8 * len(coded.payload), integer_psnr), (float_bits, float_psnr))
    )
    assert cost == pytest.approx(float_cost, abs=0.005 * float_bits + 24)
    assert integer_psnr == pytest.approx(float_psnr, abs=0.1)
    assert integer_psnr > 20


def test_export_keeps_every_weight():
    """To half a unit of the last bit, which also `format` and the constants must agree on."""
    model = random_model()
    tensors = quantize_model(model, limits_of(model))
    twin = build_float(model.config, tensors).state_dict()
    for name, value in model.state_dict().items():
        if f"{name.rpartition('.')[0]}.format" in tensors and name.endswith(".weight"):
            unit = 2.0 ** -int(tensors[f"{name.rpartition('.')[0]}.format"][0])
        elif name.startswith("analysis"):
            unit = float(value.abs().max()) * 2**-9
        else:
            unit = 2.0**-8
        assert (twin[name] - value).abs().max() <= unit / 2 + 1e-6, name


@pytest.mark.parametrize("name", ["tiny", "released"])
def test_float_twin_exports_to_the_same_integers(name, request):
    model = request.getfixturevalue(name)
    twin = build_float(model.config, model.tensors)
    limits = {
        key.removesuffix(".format"): int(value[1])
        for key, value in model.tensors.items()
        if key.endswith(".format")
    }
    again = quantize_model(twin, limits)
    learned_later = ("update.", "prior.")
    exported = {key: t for key, t in model.tensors.items() if not key.startswith(learned_later)}
    assert again.keys() == exported.keys()
    for key, value in exported.items():
        if "reciprocal" in key or "log2_deviation" in key:
            # Derived from the deviation, of which the twin has the rounded value.
            assert (again[key].long() - value.long()).abs().max() <= 1 + value.abs().max() // 1000
        else:
            assert torch.equal(again[key], value), key


def test_a_weight_too_large_for_its_type_is_refused():
    model = random_model()
    limits = limits_of(model)
    model.postfilter.enter.weight[0, 0, 0, 0] = 16.0
    with pytest.raises(ValueError, match=r"postfilter\.enter\.weight does not fit"):
        quantize_model(model, limits)
