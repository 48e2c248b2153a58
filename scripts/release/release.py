"""Remakes all that depends on trained networks: model files, registry, cards, and all results.

    python -m scripts release.release --runs runs --data DIR --sets DIR --anchors DIR --peer PYTHON

Each content with a folder in --runs (photo for the learned one, jpeg, webp, avif, lossless) is
exported anew: integer networks with the proof of their bounds, last layer and subspace of updates
fitted to the pictures of --data, probability tables, card.  FORMAT.md gets the new ids.  Tables
that were measured with the models before are removed from the results, and scripts/measure/plan.py
measures them again and fills the documents, which takes hours; without --sets it stops before that.
"""

from __future__ import annotations

import argparse
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

import codec
from codec.models.registry import ID_BYTES, REGISTRY
from scripts.measure import plan
from scripts.measure.plan import run_script

FORMAT = Path("FORMAT.md")
CORRECTED = 5
"""Each N-th of the pictures, that corrections of lossless predictions are fitted to."""


@dataclass(frozen=True)
class Release:
    """A content: where its run is, its config, and the name of its model."""

    content: str
    run: str
    config: str
    name: str


RELEASES = (
    Release("learned", "photo", "train/photo", "photo-1"),
    Release("jpeg", "jpeg", "filter/standard", "jpeg-1"),
    Release("webp", "webp", "filter/standard", "webp-1"),
    Release("avif", "avif", "filter/avif", "avif-1"),
    Release("lossless", "lossless", "train/lossless", "lossless-1"),
)


def enter_ids() -> None:
    """Writes the registry's ids into the table of FORMAT.md."""
    text = FORMAT.read_text(encoding="utf-8")
    for name, digest in tomllib.loads(REGISTRY.read_text())["sha256"].items():
        row = re.compile(rf"^\| [0-9A-F]{{8}} \| {re.escape(name)} \|", re.MULTILINE)
        text, found = row.subn(f"| {digest[: 2 * ID_BYTES].upper()} | {name} |", text)
        if not found:
            raise SystemExit(f"release: {FORMAT} has no row for {name}; add it to section 11.2")
    FORMAT.write_text(text, encoding="utf-8")


def remove_stale(folder: Path, contents: set[str]) -> None:
    """Removes the tables of those contents from a folder of results."""
    for table in plan.load().tables:
        if table.content in contents:
            (folder / table.name).unlink(missing_ok=True)
            (folder / plan.UNFINISHED / table.name).unlink(missing_ok=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=Path, required=True, metavar="DIR")
    parser.add_argument("--data", type=Path, required=True, metavar="DIR")
    parser.add_argument("--sets", type=Path, metavar="DIR", help="measure the results too")
    parser.add_argument("--anchors", type=Path, metavar="DIR")
    parser.add_argument("--peer", metavar="PYTHON", help="has PyPI's nncodec")
    args = parser.parse_args()
    if args.sets and not (args.anchors and args.peer):
        parser.error("--sets needs --anchors and --peer")
    made = [release for release in RELEASES if (args.runs / release.run / "best.pt").exists()]
    if not made:
        raise SystemExit(f"release: no run below {args.runs}")
    for release in made:
        options = {
            "--config": f"configs/{release.config}.toml",
            "--run": args.runs / release.run,
            "--data": args.data,
            "--name": release.name,
        }
        arguments = [part for option in options.items() for part in option]
        if release.content == "lossless":
            run_script("release.export_lossless", *arguments)
            run_script("release.corrections", "--data", args.data, "--every", CORRECTED)
        else:
            run_script("release.export", "--content", release.content, *arguments)
    if any(release.content == "learned" for release in made):
        options = ("--content", "compressai", "--of", RELEASES[0].name, "--name", "compressai-1")
        run_script("release.export", *options)
    enter_ids()
    if args.sets is None:
        return
    folder = Path("results") / codec.__version__
    remove_stale(folder, {release.content for release in made})
    places = ("--sets", args.sets, "--anchors", args.anchors, "--peer", args.peer)
    run_script("measure.plan", *places, "--out", folder)


if __name__ == "__main__":
    main()
