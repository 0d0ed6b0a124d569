"""The key behind the codes of a public page, in the run folder."""

import secrets
from pathlib import Path

from spolia.store.atomic import write_text

FILE = "codes.key"
_BYTES = 32


def keep_key(folder: Path) -> bytes:
    """Return the key of a run, made by chance the first time."""
    known = read_key(folder)
    if known is None:
        known = secrets.token_bytes(_BYTES)
        write_text(folder / FILE, known.hex() + "\n")
    return known


def read_key(folder: Path) -> bytes | None:
    """Return the key of a run; ``None`` where it is gone: then nobody can look a code up."""
    try:
        return bytes.fromhex((folder / FILE).read_text(encoding="ascii"))
    except (FileNotFoundError, ValueError):
        return None
