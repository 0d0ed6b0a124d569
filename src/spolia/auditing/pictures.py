"""Pictures of the records of a run, by id, for a page that shows them."""

from functools import cached_property

import numpy as np
import numpy.typing as npt

from spolia.core.errors import UnreadableImage
from spolia.sources import Source

UInt8 = npt.NDArray[np.uint8]


class Pictures:
    """The images of one set by id."""

    def __init__(self, source: Source) -> None:
        self._source = source

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {name: row for row, name in enumerate(self._source.ids)}

    @cached_property
    def _by_identity(self) -> dict[str, list[int]]:
        rows: dict[str, list[int]] = {}
        for row, identity in enumerate(self._source.identities or ()):
            rows.setdefault(identity, []).append(row)
        return rows

    def image(self, name: str) -> UInt8 | None:
        """Return one image, ``(h, w, 3)`` RGB; ``None`` where it cannot be read any more."""
        return self._read(self._rows[name])

    def others(self, name: str, most: int) -> tuple[UInt8, ...]:
        """Return further images of the identity that a record shows, in the order of the set.

        Empty where identities are not known.
        """
        if self._source.identities is None:
            return ()
        row = self._rows[name]
        found: list[UInt8] = []
        for other in self._by_identity[self._source.identities[row]]:
            image = self._read(other) if other != row else None
            if image is not None:
                found.append(image)
            if len(found) == most:
                break
        return tuple(found)

    def _read(self, row: int) -> UInt8 | None:
        try:
            return self._source.image(row)
        except UnreadableImage:
            return None
