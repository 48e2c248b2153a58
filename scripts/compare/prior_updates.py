"""Measures what updates of the prior save, and what that depends on.

    python -m scripts compare.prior_updates --data DIR --images DIR [DIR ...] \
        --out results/0.1.0/prior-updates.tsv

Each variant is a subspace that is learned from the pictures of `--data`, with less in it than the
released one.  The symbols of a picture are those of effort 0; bytes are those of the real chunks.
"""

from __future__ import annotations

import argparse
import csv
from dataclasses import dataclass, replace
from pathlib import Path

from codec.contract.modes import Lossy
from codec.contract.options import EncodeOptions
from codec.encoding.contents import learned
from codec.encoding.job import Job
from codec.encoding.start import make_job
from codec.models import released
from codec.models.kinds import ReleasedModel
from codec.models.subspace import Subspace
from scripts.compare.contents import load_picture
from scripts.measure.evaluate import list_images
from scripts.release.export import SUBSPACE_PICTURES, jobs_of
from scripts.train.data import load_folder
from scripts.train.learn_prior import learn_prior
from scripts.train.learn_subspace import first

QUALITIES = (15.0, 35.0, 65.0, 85.0)
COLUMNS = ("images", "image", "quality", "variant", "content_bytes", "saved_bytes", "update_bytes")


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


def measure(job: Job, plain: int, variant: Variant) -> tuple[int, int]:
    """What the update saves of the content's plain bytes, and its own bytes."""
    model = replace(job.model, prior=variant.subspace)
    effort = replace(job.effort, thorough=variant.thorough)
    adapted = learned.encode(replace(job, model=model, effort=effort))
    return plain - adapted.bytes, len(adapted.prior)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, metavar="DIR")
    parser.add_argument("--images", type=Path, nargs="+", required=True, metavar="DIR")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.tsv")
    args = parser.parse_args()
    model = released.load_default()
    with args.out.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter="\t", lineterminator="\n")
        writer.writerow(COLUMNS)
        tried = variants(model, args.data)
        for folder in args.images:
            for path in list_images(folder):
                for quality in QUALITIES:
                    job = make_job(load_picture(path), EncodeOptions(effort=1), Lossy(quality))
                    plain = learned.encode(replace(job, technique=None)).bytes
                    for variant in tried:
                        case = folder.name, path.stem, quality, variant.name
                        writer.writerow([*case, plain, *measure(job, plain, variant)])
                file.flush()


if __name__ == "__main__":
    main()
