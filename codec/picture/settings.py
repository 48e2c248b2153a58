"""Settings of Pillow that belong to the process, as a picture needs them while it is read.

They are touched only where the program has set them otherwise, and stay changed until the last
picture is read that needs them so, however many threads there are.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from PIL import Image, ImageFile

REFUSED = 2
"""How many times its limit Pillow refuses; it warns of what is less."""


class _Held:
    """A setting, and how many calls need it changed."""

    def __init__(self, module: ModuleType, name: str, wanted: Any) -> None:
        self._module, self._name, self._wanted = module, name, wanted
        self._lock = threading.Lock()
        self.calls = 0
        self._before: Any = None

    def enter(self) -> None:
        with self._lock:
            if not self.calls:
                self._before = getattr(self._module, self._name)
                setattr(self._module, self._name, self._wanted)
            self.calls += 1

    def leave(self) -> None:
        with self._lock:
            self.calls -= 1
            if not self.calls:
                setattr(self._module, self._name, self._before)


_WHOLE = _Held(ImageFile, "LOAD_TRUNCATED_IMAGES", False)
_UNLIMITED = _Held(Image, "MAX_IMAGE_PIXELS", None)


@contextmanager
def held(*, pixels: int) -> Iterator[None]:
    """Has Pillow refuse what is cut short, and read a picture of so many pixels.

    Args:
        pixels: of a picture that the caller has allowed; 0 if Pillow need not be asked.
    """
    limit = Image.MAX_IMAGE_PIXELS
    needed = [_WHOLE] if ImageFile.LOAD_TRUNCATED_IMAGES or _WHOLE.calls else []
    if pixels and (_UNLIMITED.calls or (limit is not None and pixels > REFUSED * limit)):
        needed.append(_UNLIMITED)
    for setting in needed:
        setting.enter()
    try:
        yield
    finally:
        for setting in reversed(needed):
            setting.leave()
