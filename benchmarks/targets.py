"""What the join is asked to reach, and how a question to it is written."""

from collections.abc import Mapping
from typing import Any

Options = Mapping[str, Any]
"""What a join is asked for: ``{"k": 10}``, ``{"above": 0.6}`` or ``{"top": 100}``."""

AVX2 = {
    "SPOLIA_KERNEL": "avx2",
    "OPENBLAS_CORETYPE": "Haswell",
    "FAISS_SIMD_LEVEL": "AVX2",
    "FAISS_OPT_LEVEL": "AVX2",
}
"""Hold both sides to AVX2; read when numpy and faiss are loaded. faiss before 1.14 has the last."""

FLOOR = 0.9
"""Nowhere may the join take longer than faiss by more than this leaves."""
AVX2_TARGET = 1.3
"""Where both sides are held to AVX2, on rows that have a target."""
HISTOGRAM_TARGET = 15.0
"""Percent that a histogram may add."""
TARGETS = {
    (50_000, 50_000, "face-like", "k=1"): 4.0,
    (50_000, 50_000, "face-like", "k=10"): 3.5,
    (50_000, 50_000, "face-like", "k=50"): 2.8,
    (50_000, 50_000, "face-like", "above=0.6"): 8.0,
    (50_000, 50_000, "face-like", "top=100"): 8.0,
    (50_000, 50_000, "isotropic", "k=1"): 3.5,
    (50_000, 50_000, "isotropic", "k=10"): 3.0,
    (50_000, 50_000, "isotropic", "k=50"): 2.8,
    (50_000, 50_000, "isotropic", "above=0.6"): 3.5,
    (50_000, 50_000, "isotropic", "top=100"): 3.5,
    (50_000, 800_000, "face-like", "k=10"): 6.0,
    (1_000_000, 1_000_000, "face-like", "above=0.8"): 25.0,
}
"""How many times as fast as faiss, at width 512 on two cores with AVX-512 VNNI."""


PACKED = 0.3
"""Bytes that a join may keep of a packed copy for each byte of its input."""
SQUARE_MEMORY = 6 << 30
"""For a million rows of width 512 on both sides, in all."""


def memory_limit(inputs: int, budget: int, shape: tuple[int, int, int]) -> int:
    """Return how many bytes a join of mapped rows may have at its peak, its maps counted.

    >>> memory_limit(1000, 500, (4, 6, 25))
    1800
    """
    limit = int((1.0 + PACKED) * inputs) + budget
    return min(limit, SQUARE_MEMORY) if shape == (1_000_000, 1_000_000, 512) else limit


def target(shape: tuple[int, int, int], kind: str, output: str, kernel: str) -> float:
    """Return how many times as fast as faiss the join must be; nowhere under `FLOOR`.

    ``kernel`` is the one that the join takes: with AVX2 less is asked.

    >>> target((50_000, 50_000, 512), "isotropic", "top=100", "avx512")
    3.5
    >>> target((50_000, 50_000, 512), "isotropic", "top=100", "avx2")
    1.3
    >>> target((9, 9, 512), "equal", "k=1", "amx")
    0.9
    """
    n, m, dim = shape
    asked = TARGETS.get((n, m, kind, output), FLOOR) if dim == 512 else FLOOR
    return min(asked, AVX2_TARGET) if kernel.startswith("avx2") else asked


def named(options: Options) -> str:
    """Return a question as the tables write it.

    >>> named({"above": 0.6})
    'above=0.6'
    """
    return "+".join(f"{name}={value}" for name, value in options.items())
