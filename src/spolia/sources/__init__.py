"""Sets of images as users have them: one way to open, one way to decode.

::

    uri ──> open_source ──┬─ folder.py   ──┐
                          ├─ archive.py  ──┼─> EncodedSource ──> decode.py ──> RGB (h, w, 3) uint8
                          └─ arrays.py   ────> ArraySource ─────────────────> RGB (h, w, 3) uint8

Every source lists its records at once (ids, identities) and reads an image only when asked, so
that one unreadable image never costs the others.
"""

from spolia.sources.decode import decode
from spolia.sources.opening import open_source
from spolia.sources.source import Source

__all__ = ["Source", "decode", "open_source"]
