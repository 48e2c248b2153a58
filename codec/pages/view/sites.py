"""What the browser can ask for: the page of a comparison, and the sheet of a folder."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import cache, lru_cache
from io import BytesIO
from threading import Lock

from PIL import Image

from codec.contract.decoding import scale_for
from codec.errors import CodecError
from codec.pages.view.comparison import Comparison, Entry, compare, known_of, restored
from codec.pages.view.server import JSON, PNG, Reply, Site, page
from codec.terminal import escaped

THUMBNAIL_PX = 320
"""Longest side of a picture on the sheet."""
KEPT = 4
"""Comparisons that stay in memory, for who goes back and forth."""


def of_comparison(comparison: Comparison) -> Site:
    """A page that shows a comparison; all of it is in memory."""
    facts = {
        "width": comparison.width,
        "height": comparison.height,
        "files": [
            {**asdict(shown.info), "name": shown.name, "parts": shown.parts}
            | {"decoded": shown.decoded, "remark": shown.remark}
            for shown in comparison.files
        ],
        "variants": [
            {"key": variant.key, "title": variant.title, "figures": variant.figures}
            for variant in comparison.variants
        ],
    }
    contents = page("page") | {"facts.json": (JSON, json.dumps(facts).encode())}
    contents |= {f"{variant.key}.png": (PNG, variant.png) for variant in comparison.variants}
    return contents.get


class Sheet:
    """A contact sheet: all files of a folder, each decoded when it is looked at.

    Args:
        entries: the files.
    """

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._entries = entries
        self._lock = Lock()  # decoders share the cores, and the memory
        self._compared = lru_cache(maxsize=KEPT)(self._compare)
        self._thumbnail = cache(self._reduced)
        self._contents = page("sheet") | {"files.json": (JSON, self._listed())}

    def __call__(self, path: str) -> Reply | None:
        """See `Site`: the sheet itself, thumbnails, and a page on each file below its number."""
        if path in self._contents:
            return self._contents[path]
        number, slash, rest = path.partition("/")
        if not number.isdecimal() or not slash or int(number) >= len(self._entries):
            return None
        try:
            if rest == "thumbnail.png":
                return PNG, self._thumbnail(int(number))
            with self._lock:
                return self._compared(int(number))(rest)
        except (CodecError, ValueError) as error:  # a file may be damaged
            return None if rest else ("text/plain; charset=utf-8", str(error).encode())

    def _compare(self, number: int) -> Site:
        return of_comparison(compare([self._entries[number]]))

    def _reduced(self, number: int) -> bytes:
        entry = self._entries[number]
        info, longest = known_of(entry), (THUMBNAIL_PX, THUMBNAIL_PX)
        # The longer side counts, so either may stand for it.
        longer = max(info.width, info.height)
        scale = scale_for((longer, longer), longest)
        with self._lock:
            small = replace(entry, options=replace(entry.options, scale=scale))
            pixels = restored(small).pixels
        picture = Image.fromarray(pixels)
        picture.thumbnail(longest)
        file = BytesIO()
        picture.save(file, "png")
        return file.getvalue()

    def _listed(self) -> bytes:
        """Names and rates, which need no decoder."""
        rows = []
        for number, entry in enumerate(self._entries):
            info = known_of(entry)
            rows.append(
                {"number": number, "name": escaped(entry.name), "bytes": info.bytes}
                | {"width": info.width, "height": info.height, "bpp": info.bpp}
                | {"quality": info.quality}
            )
        return json.dumps(rows).encode()
