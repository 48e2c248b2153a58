"""The training data of post-filters, and the strictness of their configuration."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from codec.encoding.contents.standard import STANDARD
from codec.encoding.distortion import SHARE
from codec.encoding.tune import TUNES
from scripts.train.filter import Plain, TrainConfig, errors_of
from scripts.train.pairs import GRID_PX, HIGHEST_QUALITY, LOWEST_QUALITY, Pairs, code_crops
from scripts.train.run import load_config
from scripts.train.writers import WRITERS, write

CONFIG = Path(__file__).parents[2] / "configs" / "filter" / "standard.toml"


@pytest.fixture(scope="module")
def pictures() -> list[torch.Tensor]:
    """Two smooth pictures: uint8 [3 h w]."""
    y, x = torch.meshgrid(torch.arange(70), torch.arange(90), indexing="ij")
    return [torch.stack([(a * x + y) % 256, (x + a * y) % 256, x + y]).byte() for a in (2, 3)]


def test_pairs_are_what_writers_make_of_the_crops_in_turn(pictures):
    crops = [picture[:, :48, :64] for picture in pictures]
    pairs = code_crops("jpeg", crops, [20, 80])
    for index, quality in enumerate((20, 80)):
        pixels = crops[index].permute(1, 2, 0).numpy()
        data, told = write("jpeg", index, pixels, quality)
        coded = STANDARD["jpeg"].read(data)
        assert np.array_equal(pairs.decoded[index].permute(1, 2, 0) + 128, coded)
        assert torch.equal(pairs.original[index] + 128, crops[index].float())
        assert float(pairs.quality[index]) == pytest.approx(told) == pytest.approx(quality, abs=0.5)
    errors = errors_of(pairs.decoded, pairs.original)
    assert (errors[:, 0] > 2 * errors[:, 1]).all() and (errors > 0).all()


@pytest.mark.parametrize("content", STANDARD)
def test_writers_make_other_files_of_one_quality(pictures, content):
    pixels = pictures[0].permute(1, 2, 0).contiguous().numpy()
    files = [write(content, number, pixels, 60) for number in range(len(WRITERS[content]))]
    assert len({data for data, _ in files}) == len(files) > 1
    assert [told for _, told in files] == pytest.approx([60] * len(files), abs=0.2)
    assert write(content, len(files), pixels, 60) == files[0]


def test_the_loss_is_relative_to_files_without_a_filter(pictures):
    crops = [picture[:, :48, :64] for picture in pictures]
    held_out = [code_crops("jpeg", crops, [quality] * 2) for quality in (20, 80)]
    plain, worth = Plain(held_out), TUNES["ssimulacra2"].steepness
    for pairs in held_out:
        errors = errors_of(pairs.decoded, pairs.original)
        loss = plain.relative(errors, pairs.quality).mean()
        assert float(loss) == pytest.approx(1 - SHARE + SHARE * worth, rel=0.01)
        assert float(plain.relative(errors / 2, pairs.quality).mean()) == pytest.approx(
            float(loss) / 2
        )


@pytest.fixture(scope="module")
def pairs(pictures) -> Pairs:
    return Pairs.of_pictures("jpeg", pictures, 6, 64, np.random.default_rng(0))


def test_pairs_cover_random_qualities(pairs):
    assert pairs.original.shape == pairs.decoded.shape == (6, 3, 64, 64)
    assert pairs.original.dtype == pairs.decoded.dtype == torch.uint8
    assert len(pairs.quality.unique()) > 3
    assert LOWEST_QUALITY <= pairs.quality.min() and pairs.quality.max() <= HIGHEST_QUALITY


def test_pairs_survive_a_file(pairs, tmp_path):
    pairs.save(tmp_path / "pairs.npz")
    copy = Pairs.load(tmp_path / "pairs.npz")
    assert all(torch.equal(getattr(copy, name), value) for name, value in vars(pairs).items())


def test_samples_are_matching_crops_on_the_block_grid(pairs):
    sample = pairs.sample(48, 20, np.random.default_rng(1))
    whole = zip(pairs.original, pairs.decoded, pairs.quality, strict=True)
    places = {
        (original.flip(2) if mirrored else original).numpy().tobytes(): (decoded, quality, mirrored)
        for source, coded, quality in whole
        for top in range(0, 17, GRID_PX)
        for left in range(0, 17, GRID_PX)
        for mirrored in (False, True)
        for original, decoded in [
            (picture[:, top : top + 48, left : left + 48] for picture in (source, coded))
        ]
    }
    for original, decoded, quality in zip(
        sample.original, sample.decoded, sample.quality, strict=True
    ):
        expected, its_quality, mirrored = places[(original + 128).byte().numpy().tobytes()]
        assert torch.equal((decoded + 128).byte(), expected.flip(2) if mirrored else expected)
        assert quality == its_quality


def test_the_configuration_is_read():
    config = load_config(TrainConfig, CONFIG)
    assert config.filter.widths == (32, 64, 96) and config.filter.multiple == 8


@pytest.mark.parametrize("change", ["", "more = 1\n"])
def test_a_missing_or_unknown_key_is_an_error(tmp_path, change):
    text = CONFIG.read_text(encoding="utf-8")
    text = change + text if change else text.replace("seed = 1\n", "")
    (tmp_path / "filter.toml").write_text(text, encoding="utf-8")
    with pytest.raises(SystemExit, match=r"filter\.toml"):
        load_config(TrainConfig, tmp_path / "filter.toml")
