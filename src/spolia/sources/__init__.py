"""Sets of images as users have them: one way to open, one way to decode.

::

    address ──> open_source ─┬─ folder, archive (zip), listed (csv, parquet)  ─┐
    (address.py)             ├─ tar <── tar_index                              │
                             ├─ records (.rec) <── recordio, recordio_head     ├─> EncodedSource ─┐
                             ├─ parquet, arrow <── table_layout, table_records │                  │
                             ├─ lmdb                                          ─┘                  │
                             ├─ arrays (npy, npz) ───────────────────────────────> ArraySource   ─┤
                             └─ strips ──────────────────────────────────────────> StripSource   ─┤
                                                                                                  │
    several with +, masks, captions ───────────────────────────────────────────> JoinedSource <───┘

    encoded bytes ──> decode ──> RGB (h, w, 3) uint8

Every source lists its records at once (ids, identities) and reads an image only when asked, so
that one unreadable image never costs the others.
"""

from spolia.sources.decode import decode
from spolia.sources.opening import open_source
from spolia.sources.source import Source

__all__ = ["Source", "decode", "open_source"]
