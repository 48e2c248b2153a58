"""Torch as a new process has it, whatever the caller has set; and afterwards as it was.

Every public function that runs networks runs in `isolated()`: its bytes and pixels depend on
nothing but its arguments.  Most of torch's settings belong to a thread, and are set and restored
there.  Two belong to the process: the default dtype, and the precision of float32 products.  They
are touched only where the program has changed them, and stay changed until the last call that
runs has ended, however many threads there are.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch.backends import mkldnn

EXACT = "ieee"
"""Products of float32 numbers in float32: bfloat16 or TF32 would round integers away."""
AS_EXACT = {EXACT, "none"}


@dataclass(frozen=True)
class _Setting:
    """A setting of the process: how it is read and written, and what networks need."""

    read: Callable[[], Any]
    write: Callable[[Any], None]
    suits: Callable[[Any], bool]
    wanted: Any


def _precision(backend: Any) -> _Setting:
    return _Setting(
        lambda: backend.fp32_precision,
        lambda value: setattr(backend, "fp32_precision", value),
        AS_EXACT.__contains__,
        EXACT,
    )


class _Process:
    """The settings of the process, which calls in several threads share."""

    SETTINGS = (
        _Setting(
            torch.get_default_dtype,
            torch.set_default_dtype,
            lambda value: value == torch.float32,
            torch.float32,
        ),
        _precision(mkldnn.conv),  # type: ignore[attr-defined]  # set at run time
        _precision(mkldnn.matmul),  # type: ignore[attr-defined]
    )

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running = 0
        self._own = threading.local()
        self._before: dict[int, Any] = {}
        self._watches_forks = False

    def enter(self) -> None:
        """Changes what does not suit."""
        with self._lock:
            self._watch_forks()
            self._running += 1
            self._own.depth = self._depth + 1
            for number, setting in enumerate(self.SETTINGS):
                value = setting.read()
                if not setting.suits(value):
                    self._before[number] = value
                    setting.write(setting.wanted)

    def leave(self) -> None:
        """Restores it, unless another call still runs."""
        with self._lock:
            self._running -= 1
            self._own.depth -= 1
            if not self._running:
                self._restore()

    @property
    def _depth(self) -> int:
        """Calls of this thread that run."""
        return getattr(self._own, "depth", 0)

    def _restore(self) -> None:
        for number, value in self._before.items():
            self.SETTINGS[number].write(value)
        self._before.clear()

    def _watch_forks(self) -> None:
        if not self._watches_forks and hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._start_child)
            self._watches_forks = True

    def _start_child(self) -> None:
        """A forked child has this thread alone: the others' calls do not run there.

        Nor do the threads that torch computes with.  It does not know, and would wait for them for
        ever; with one thread it needs none.
        """
        self._lock = threading.Lock()
        self._running = self._depth
        if not self._running:
            self._restore()
        torch.set_num_threads(1)


_process = _Process()


@contextmanager
def isolated() -> Iterator[None]:
    """Makes what runs in it independent of torch's settings.

    Gradients can be taken, inference mode and autocast are off, tensors are float32 and on the CPU
    where nothing else is said, and float32 products are exact.  Works as a decorator, too.
    """
    with ExitStack() as stack:
        stack.callback(_process.leave)
        _process.enter()
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.enable_grad())
        cpu = torch.device("cpu")
        if torch.get_default_device() != cpu:
            # A mode, which hides the one of `torch.set_default_device`; it slows every operation.
            stack.enter_context(cpu)
        for device in ("cpu", "cuda"):
            stack.enter_context(torch.autocast(device, enabled=False))
        yield
