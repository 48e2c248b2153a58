"""Runs PyPI's nncodec (ISO/IEC 15938-17) on tensors; compare_weight_coders.py starts it.

    python -m scripts compare.weight_peer TENSORS.npz

writes one line per setting, tab separated: dependent quantisation 0 or 1, lambda scale, QP, bytes
of the file, mean squared error. It imports nothing of this project but `peer`, and needs only numpy
and the package itself.
"""

from __future__ import annotations

import itertools
import sys

import numpy as np

from scripts.compare.peer import Setting, load

QPS = range(-47, -8, 3)
"""Four per octave of the step: from more than 6 bits per weight of the released model to 1."""


def main() -> None:
    recode = load()
    with np.load(sys.argv[1]) as archive:
        tensors = {name: archive[name] for name in archive.files}
    count = sum(tensor.size for tensor in tensors.values())
    for dependent, lambda_scale, qp in itertools.product((0, 1), (0, 1), QPS):
        size, back = recode(tensors, Setting(dependent, lambda_scale, qp))
        error = sum(
            np.square(tensor - back[name].astype(np.float64)).sum()
            for name, tensor in tensors.items()
        )
        print(dependent, lambda_scale, qp, size, error / count, sep="\t")


if __name__ == "__main__":
    main()
