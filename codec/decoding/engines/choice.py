"""Picks the engine that runs here."""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING

from codec.decoding.engines.protocol import Engine
from codec.errors import EngineError

if TYPE_CHECKING:  # only files of more than 8 bits need it
    from codec.decoding.engines.protocol import FineCoder

ENGINE_VARIABLE = "NNCODEC_ENGINE"
"""Environment variable that names an engine: "kernel" or "torch"."""


@cache
def chosen() -> Engine:
    """The engine that runs here: the kernel if it can be loaded, else torch.

    Raises:
        EngineError: there is neither, or not the one that NNCODEC_ENGINE names.
    """
    wanted = os.environ.get(ENGINE_VARIABLE, "")
    problem = ""
    if wanted in ("", "kernel"):
        try:
            from codec.decoding.engines import compiled

            return compiled.KernelEngine()
        except OSError as error:
            problem = str(error)
    if wanted in ("", "torch"):
        try:
            from codec.decoding.engines import reference

            return reference.TorchEngine()
        except ImportError as error:
            problem = problem or str(error)
    raise EngineError(f"no engine{f' {wanted!r}' if wanted else ''} runs here: {problem or wanted}")


@cache
def chosen_fine() -> FineCoder:
    """What codes the bits of samples beyond the first eight, as `chosen` has it.

    Raises:
        EngineError: as `chosen`.
    """
    if chosen().name.startswith("kernel"):
        from codec.decoding.engines import fine

        return fine
    from codec.decoding.lossless import fine_plain

    return fine_plain
