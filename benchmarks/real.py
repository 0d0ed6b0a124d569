"""Where the real images for measurements lie, and the face network; neither is ours to ship."""

import os
from pathlib import Path

DATA = Path("../shared/data")

FACES = DATA / "faces" / "lfw_half_aligned112.zip"
"""Aligned photos, one folder per person."""

CARD = Path(__file__).parents[1] / "tests" / "cards" / "mobilefacenet_ms1m_112.toml"
"""The card of the face network."""

os.environ.setdefault("SPOLIA_MODELS", str((DATA / "models").absolute()))
