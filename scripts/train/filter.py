"""Trains the post-filter of a content codec.

    python -m scripts train.filter --content jpeg --data DIR --validation DIR \
        --run runs/jpeg --minutes 20

The first call codes random crops of the pictures at random qualities, as by all writers of
`scripts/train/writers.py`, and keeps them in the run's folder.  Half of the loss is the squared
error, half what SSIMULACRA2 lacks, both relative to the file without filter.  Stops after the
minutes given (of all calls together), with the learning rate decayed to zero, and carries on from
the last checkpoint when it is started again.  `--start` takes the weights of a model of the package
or of another run, which is how one content's filter becomes another's.  Writes `checkpoint.pt`,
`best.pt` (averaged weights) and `log.tsv`: step, seconds, loss, that of validation, and at each
quality there "dB gained over the content's own pictures@share of SSIMULACRA2's error left".
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from codec.contract.contents import STANDARD_CONTENTS
from codec.encoding.distortion import SHARE
from codec.encoding.tune import TUNES, Ssimulacra2
from codec.models.registry import PRETRAINED
from codec.models.released import load_file
from codec.networks.config import FilterConfig
from codec.networks.postfilter import PostFilter
from codec.networks.precision import autocast
from codec.networks.units import PIXELS_PER_UNIT
from scripts.train.data import load_folder
from scripts.train.pairs import Pairs, code_crops
from scripts.train.run import Training, Validation, load_config, run_parser

VALIDATION_QUALITIES = (10, 30, 50, 70, 90)
VALIDATION_PX = 256


@dataclasses.dataclass(frozen=True)
class TrainConfig:
    """The TOML file; unknown or missing keys are errors."""

    seed: int
    pairs: int
    pair_px: int
    crop_px: int
    batch: int
    lr: float
    warmup_steps: int
    clip_norm: float
    ema_decay: float
    filter: FilterConfig


class Plain:
    """Errors of files without a filter by quality: what those with one are relative to."""

    def __init__(self, validation: list[Pairs]) -> None:
        self.qualities = [float(pairs.quality.mean()) for pairs in validation]
        self.errors = [errors_of(pairs.decoded, pairs.original) for pairs in validation]
        self.logs = torch.stack([errors.mean(1).log() for errors in self.errors], 1)

    def relative(self, errors: Tensor, quality: Tensor) -> Tensor:
        """The loss [b]: both errors [2 b], as shares of those at a quality [b], weighed."""
        logs = [np.interp(quality, self.qualities, line) for line in self.logs.numpy()]
        shares = errors / torch.from_numpy(np.exp(logs)).float()
        return (1 - SHARE) * shares[0] + SHARE * TUNES["ssimulacra2"].steepness * shares[1]


def errors_of(pictures: Tensor, originals: Tensor) -> Tensor:
    """Mean squared errors, and what SSIMULACRA2 lacks: [2 b]."""
    pairs = zip(pictures.split(1), originals.split(1), strict=True)
    lacks = torch.stack([Ssimulacra2(original)(picture) for picture, original in pairs])
    return torch.stack([(pictures - originals).square().mean((1, 2, 3)), lacks])


class Trainer(Training):
    """A post-filter."""

    def __init__(self, config: TrainConfig, run: Path, plain: Plain) -> None:
        self.config, self.plain = config, plain
        torch.manual_seed(config.seed)
        postfilter = PostFilter(config.filter).to(memory_format=torch.channels_last)
        super().__init__(
            run,
            postfilter,
            torch.optim.Adam(postfilter.parameters(), lr=config.lr),
            seed=config.seed,
            clip_norm=config.clip_norm,
            ema_decay=config.ema_decay,
        )

    def start(self, other: str | None) -> None:
        """From the last checkpoint, else from a released model or another run, else from noise."""
        if self.resume() or other is None:
            return
        released = PRETRAINED / other / "model.safetensors"
        if released.exists():
            state = load_file(released).search().postfilter.state_dict()
        else:
            state = torch.load(Path(other, "best.pt"), weights_only=True)
        self.model.load_state_dict(state)
        self.average.load_state_dict(state)

    def train_step(self, pairs: Pairs) -> float:
        """One update; returns the loss."""
        config = self.config
        batch = pairs.sample(config.crop_px, config.batch, self.rng)
        errors = errors_of(run_filter(self.model, batch), batch.original)
        loss = self.plain.relative(errors, batch.quality).mean()
        self.set_learning_rate(config.lr * self.warm_cosine(config.warmup_steps))
        return self.descend(loss)

    @torch.no_grad()
    def validate(self, validation: list[Pairs]) -> Validation:
        """Mean loss of the averaged filter; the log has what it gains at each quality too."""
        losses, points = [], []
        for pairs, plain in zip(validation, self.plain.errors, strict=True):
            picture = run_filter(self.average, pairs).clamp(-128, 127)
            found = errors_of(picture, pairs.original)
            losses.append(float(self.plain.relative(found, pairs.quality).mean()))
            shares = found / plain
            gain, left = float(-10 * shares[0].log10().mean()), float(shares[1].mean())
            points.append(f"{gain:.3f}@{left:.3f}")
        loss = sum(losses) / len(losses)
        return loss, f"{loss:.4f}\t{' '.join(points)}"


def run_filter(postfilter: PostFilter, pairs: Pairs) -> Tensor:
    """Filtered pictures: float [b 3 h w], pixel values - 128."""
    quality = (pairs.quality / 50 - 1).view(-1, 1, 1, 1)
    x = pairs.decoded.contiguous(memory_format=torch.channels_last) / PIXELS_PER_UNIT
    with autocast("cpu"):
        return postfilter(x, quality).float() * PIXELS_PER_UNIT


def validation_pairs(content: str, folder: Path) -> list[Pairs]:
    """Centre crops of 16 pictures at each validation quality."""
    crops = []
    for picture in load_folder(folder, 16):
        top, left = ((side - VALIDATION_PX) // 2 for side in picture.shape[1:])
        crops.append(picture[:, top : top + VALIDATION_PX, left : left + VALIDATION_PX])
    return [code_crops(content, crops, [quality] * len(crops)) for quality in VALIDATION_QUALITIES]


def main() -> None:
    parser = run_parser(__doc__.splitlines()[0], "configs/filter/standard.toml", every=2.0)
    parser.add_argument("--content", choices=STANDARD_CONTENTS, required=True)
    parser.add_argument("--start", metavar="MODEL|RUN", help="weights to begin with")
    args = parser.parse_args()

    args.run.mkdir(parents=True, exist_ok=True)
    config = load_config(TrainConfig, args.config)
    cache = args.run / "pairs.npz"
    if not cache.exists():
        rng = np.random.default_rng(config.seed)
        pictures = load_folder(args.data)
        Pairs.of_pictures(args.content, pictures, config.pairs, config.pair_px, rng).save(cache)
    pairs = Pairs.load(cache)
    held_out = validation_pairs(args.content, args.validation)
    trainer = Trainer(config, args.run, Plain(held_out))
    trainer.start(args.start)
    trainer.train(args.minutes, args.validate_every, pairs, held_out)


if __name__ == "__main__":
    main()
