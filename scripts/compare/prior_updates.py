"""Measures what updates of the prior save, and what that depends on.

    python -m scripts compare.prior_updates --data DIR --images DIR \
        --out results/0.1.0/prior-updates.tsv

Each variant is a subspace that is learned from the pictures of `--data`, with less in it than the
released one.  The symbols of a picture are those of effort 0; bytes are those of the real chunks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean

from codec.contract.modes import Lossy
from codec.contract.options import EncodeOptions
from codec.encoding.contents.registry import encoder_of
from codec.encoding.start import make_task
from codec.models import released
from codec.models.kinds import LearnedModel, ReleasedModel, as_kind
from codec.models.subspace import Subspace
from codec.research.arguments import experiment_parser, list_images
from scripts.compare.contents import load_picture
from scripts.measure.experiment import DOCS, Experiment, markdown
from scripts.release.export import SUBSPACE_PICTURES, jobs_of
from scripts.train.data import load_folder
from scripts.train.subspaces import first, learn_prior

QUALITIES = (15.0, 35.0, 65.0, 85.0)


@dataclass(frozen=True)
class Row:
    """A picture with one subspace; see results/README.md."""

    images: str
    image: str
    quality: float
    variant: str
    content_bytes: int
    saved_bytes: int
    update_bytes: int


@dataclass(frozen=True)
class Variant:
    """A subspace instead of the released one, and whether it is searched thoroughly."""

    name: str
    subspace: Subspace
    thorough: bool = False


def variants(model: ReleasedModel, data: Path) -> list[Variant]:
    """The released subspace, with fewer axes, and one of offsets alone."""
    whole = model.prior
    assert whole is not None
    pictures = load_folder(data)
    pictures = pictures[:: max(1, len(pictures) // SUBSPACE_PICTURES)]
    return [
        Variant("gains and offsets", whole),
        Variant("the same, several quantisers", whole, thorough=True),
        *(Variant(f"their first {rank} axes", first(whole, rank)) for rank in (32, 8)),
        Variant("offsets alone", learn_prior(jobs_of(pictures, model), gains=False)),
    ]


def measure(path: Path, quality: float, tried: list[Variant]) -> Iterator[Row]:
    """What each update saves of the content's plain bytes, and its own bytes."""
    task = make_task(load_picture(path), EncodeOptions(effort=1), Lossy(quality))
    known = as_kind(task.model, LearnedModel)
    plain = encoder_of(replace(task, technique=None)).encode().bytes
    for variant in tried:
        model = replace(known, prior=variant.subspace)
        effort = replace(task.effort, thorough=variant.thorough)
        adapted = encoder_of(replace(task, model=model, effort=effort)).encode()
        case = path.parent.name, path.stem, quality, variant.name
        yield Row(*case, plain, plain - adapted.bytes, len(adapted.prior))


def prior_table(rows: list[Row]) -> str:
    """What updates of the prior save, by set of pictures and quality."""
    groups = list(dict.fromkeys((row.images, row.quality) for row in rows))
    lines = []
    for variant in dict.fromkeys(row.variant for row in rows):
        cells = []
        for group in groups:
            part = [r for r in rows if r.variant == variant and (r.images, r.quality) == group]
            saved = mean(row.saved_bytes / row.content_bytes for row in part)
            cells.append(f"{saved:.2%} ({mean(row.update_bytes for row in part):.0f} B)")
        lines.append([variant, *cells])
    return markdown(["subspace", *(f"{images}, q {q:g}" for images, q in groups)], lines)


EXPERIMENT = Experiment(
    Row,
    "prior-updates.tsv",
    DOCS / "weight-update.md",
    lambda rows: {"prior-updates": prior_table(rows)},
)


def main() -> None:
    parser = experiment_parser(__doc__)
    parser.add_argument("--data", type=Path, required=True, metavar="DIR")
    args = parser.parse_args()
    rows = EXPERIMENT.open(args.out)
    tried = variants(released.load_default(), args.data)
    for path in list_images(args.images, args.every):
        for quality in QUALITIES:
            if rows.lack(images=args.images.name, image=path.stem, quality=quality):
                rows.add(measure(path, quality, tried))
    rows.fill()


if __name__ == "__main__":
    main()
