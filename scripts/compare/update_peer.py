"""Codes changes of weights with PyPI's nncodec; compare_update_coders.py runs it.

    python -m scripts compare.update_peer CHANGES.npz OUT.npz

CHANGES.npz holds pairs NAME.kernel and NAME.bias.  OUT.npz gets, for every name and setting,
NAME/DEPENDENT/LAMBDA/QP.bytes and what is decoded, ....kernel and ....bias.  QP 0 is a step of 1.
"""

from __future__ import annotations

import itertools
import sys

import numpy as np

from scripts.compare.peer import Setting, load

QPS = range(-42, -11, 3)
LEVELS_QP = 0
"""Names that begin with "levels" are integers: one lossless setting, without tools that lose."""


def main() -> None:
    recode = load()
    with np.load(sys.argv[1]) as archive:
        tensors = {name: archive[name].astype(np.float32) for name in archive.files}
    found = {}
    for name in sorted({key.rpartition(".")[0] for key in tensors}):
        pair = {part: tensors[f"{name}.{part}"] for part in ("kernel", "bias")}
        settings = itertools.product((0, 1), (0, 1), QPS)
        for values in [(0, 0, LEVELS_QP)] if name.startswith("levels") else settings:
            size, back = recode(pair, Setting(*values))
            key = "/".join(map(str, (name, *values)))
            found[f"{key}.bytes"] = np.array(size)
            found |= {f"{key}.{part}": np.asarray(back[part]) for part in pair}
    np.savez(sys.argv[2], **found)


if __name__ == "__main__":
    main()
