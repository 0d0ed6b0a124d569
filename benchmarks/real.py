"""Where the real images for measurements lie, and the face network; neither is ours to ship."""

from pathlib import Path

CARD = Path(__file__).parents[1] / "tests" / "cards" / "mobilefacenet_ms1m_112.toml"
"""The card of the face network; ``SPOLIA_MODELS`` names the folder that holds the network."""

FACES = Path("../shared/data/faces/lfw_half_aligned112.zip")
"""Aligned photos, one folder per person."""
