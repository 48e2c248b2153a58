"""What reading a picture has lost: one note for each loss, collected while it is read.

Every note is of a loss; what is kept in another form (a gamma as a colour profile, say) needs none.
So a reader that is strict refuses whatever a note would say.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

PIXELS = "pixels"
"""Kind of what changes the look of a picture."""
OTHER = "other"
"""Kind of what tells of a picture, but is none of the metadata that a file keeps."""
LONGEST = 60
"""Letters of a name from a file that are shown."""


@dataclass(frozen=True)
class Note:
    """A loss.

    Attributes:
        text: what was lost, as the predicate of a line about the file.
        kind: `PIXELS`, `OTHER`, or the kind of metadata that it is about.
    """

    text: str
    kind: str = PIXELS


class Notes:
    """Collects notes; each text once."""

    def __init__(self, notes: Iterable[Note] = ()) -> None:
        self._notes = dict.fromkeys(notes)

    def __iter__(self) -> Iterator[Note]:
        return iter(self._notes)

    def add(self, text: str, kind: str = PIXELS) -> None:
        """Takes note of a loss."""
        self._notes[Note(text, kind)] = None


def of_interest(notes: Iterable[Note], kept: Collection[str], known: Collection[str]) -> list[Note]:
    """Those that are not about what a caller leaves out anyway.

    Args:
        notes: all of them.
        kept: kinds of metadata that the file is to keep.
        known: all such kinds; what is none of them is only missed by who keeps all.
    """
    wanted = {PIXELS, *kept} | ({OTHER} if set(known) <= set(kept) else set())
    return [note for note in notes if note.kind in wanted]


def listed(names: Iterable[str]) -> str:
    """Names from a file, in a form that is safe to show: the first three, and how many more."""
    shown = ["".join(filter(str.isprintable, name))[:LONGEST] or "?" for name in names]
    more = f" and {len(shown) - 3} more" if len(shown) > 3 else ""
    return ", ".join(shown[:3]) + more
