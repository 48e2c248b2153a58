"""Jobs without networks, for worker processes to run; importable there."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from codec.batch.results import Decoded
from codec.errors import FileError


@dataclass(frozen=True)
class ToyJob:
    """Adds a line with its name to `log`, then does what `action` says."""

    source: str
    log: str
    action: str = "work"
    attempt: int = 1

    def repeated(self) -> Self:
        return replace(self, attempt=self.attempt + 1)

    def run(self, _on_progress: object) -> Decoded:
        with Path(self.log).open("a") as file:
            file.write(f"{self.source}\n")
        if self.action == "refuse":
            raise FileError(f"{self.source}: refused")
        if self.action == "die" or (self.action == "die once" and self.attempt == 1):
            os.kill(os.getpid(), signal.SIGKILL)
        if self.action == "exit":
            os._exit(3)
        if self.action == "sleep":
            time.sleep(60)
        return Decoded(self.source, "", self.attempt, os.getpid())
