"""Codes changes of weights with PyPI's nncodec; compare_update_coders.py runs it.

    python scripts/update_peer.py CHANGES.npz OUT.npz

CHANGES.npz holds pairs NAME.kernel and NAME.bias.  OUT.npz gets, for every name and setting,
NAME/DEPENDENT/LAMBDA/QP.bytes and what is decoded, ....kernel and ....bias.  QP 0 is a step of 1.
"""

from __future__ import annotations

import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from weight_peer import UNUSED, StandIns

QPS = range(-42, -11, 3)
LEVELS_QP = 0
"""Names that begin with "levels" are integers: one lossless setting, without tools that lose."""


def main() -> None:
    sys.meta_path.append(StandIns({name for name in UNUSED.split() if find_spec(name) is None}))
    from nncodec.nnc.compression import compress, decompress

    with np.load(sys.argv[1]) as archive:
        tensors = {name: archive[name].astype(np.float32) for name in archive.files}
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in sorted({key.rpartition(".")[0] for key in tensors}):
            pair = {part: tensors[f"{name}.{part}"] for part in ("kernel", "bias")}
            settings = [(d, s, qp) for d in (0, 1) for s in (0, 1) for qp in QPS]
            if name.startswith("levels"):
                settings = [(0, 0, LEVELS_QP)]
            for dependent, lambda_scale, qp in settings:
                data = compress(
                    dict(pair),
                    bitstream_path=str(Path(folder) / "update.nnc"),
                    qp=qp,
                    nonweight_qp=qp,
                    use_dq=bool(dependent),
                    lambda_scale=lambda_scale,
                    row_skipping=True,
                    return_bitstream=True,
                )
                back = decompress(bytearray(data), verbose=False)
                key = f"{name}/{dependent}/{lambda_scale}/{qp}"
                found[f"{key}.bytes"] = np.array(len(data))
                found |= {f"{key}.{part}": np.asarray(back[part]) for part in pair}
    np.savez(sys.argv[2], **found)


if __name__ == "__main__":
    main()
