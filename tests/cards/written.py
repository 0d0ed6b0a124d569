"""Cards of the tests, written beside their models."""

import hashlib
from pathlib import Path


def write_card(folder: Path, name: str, model: bytes, card: str, *edits: tuple[str, str]) -> Path:
    """Write ``name``.onnx and its card, each edit (old, new) applied to the card's text."""
    for old, new in edits:
        assert old in card
        card = card.replace(old, new)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.onnx").write_bytes(model)
    path = folder / f"{name}.toml"
    path.write_text(card.replace("SHA256", hashlib.sha256(model).hexdigest()))
    return path
