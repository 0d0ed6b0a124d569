"""Codes in the place of names: the key of a run, and codes for an exchange."""

import base64
import hashlib
import hmac
import secrets
from pathlib import Path

from spolia.store.atomic import write_text

FILE = "codes.key"
_BYTES = 32
_LETTERS = 16
"""Of a code in an exchange: 80 bits, of which a million are distinct but for a chance of 1e-12."""


def new_key() -> bytes:
    """Return a key made by chance."""
    return secrets.token_bytes(_BYTES)


def exchange_code(key: bytes, what: str, name: str) -> str:
    """Return what an exchange writes for a name: its keyed hash, HMAC-SHA256 cut to 80 bits.

    >>> exchange_code(b"a key", "record", "ann/1.png")
    'SO2DZHUW3JLHZCWD'
    """
    digest = hmac.new(key, f"{what}\0{name}".encode(), hashlib.sha256).digest()
    return base64.b32encode(digest).decode()[:_LETTERS]


def keep_key(folder: Path) -> bytes:
    """Return the key of a run, made by chance the first time."""
    known = read_key(folder)
    if known is None:
        known = new_key()
        write_text(folder / FILE, known.hex() + "\n")
    return known


def read_key(folder: Path) -> bytes | None:
    """Return the key of a run; ``None`` where it is gone: then nobody can look a code up."""
    try:
        return bytes.fromhex((folder / FILE).read_text(encoding="ascii"))
    except (FileNotFoundError, ValueError):
        return None
