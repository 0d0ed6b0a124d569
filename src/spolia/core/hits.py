"""What kind of hit the findings are."""

from dataclasses import dataclass
from typing import Literal

from spolia.core.rates import Rate

Hit = Literal["photo copy", "near duplicate", "same identity", "unresolved"]
"""What a finding is, the plainest leak first."""


@dataclass(frozen=True)
class Bars:
    """What a pair of images must pass to stand out from control pairs."""

    descriptor: float
    """Cosine of copy descriptors: more than this."""
    correlation: float
    """Normalised cross-correlation: more than this."""
    worst_tile: float
    """Normalised l2 of the worst tile: less than this."""


@dataclass(frozen=True)
class KindCount:
    """How many findings are of one kind."""

    kind: Hit
    findings: int
    identities: Rate
    """Exposed identities whose plainest finding is of this kind, among all exposed."""


@dataclass(frozen=True)
class Kinds:
    """What kind of hit the findings are, and what the same rules say of the control."""

    counts: tuple[KindCount, ...]
    """One for each `Hit`, in its order."""
    findings: int
    """Findings in all."""
    compared: int
    """Findings whose images were compared; the kind of the others rests on embeddings alone."""
    bars: Bars | None
    """What makes a copy here; ``None``: too few control pairs, or no images."""
    control_pairs: Rate | None
    """Control pairs that the rule would call a copy or near duplicate; ``None``: none compared."""
    look_alikes: Rate | None
    """Synthetic images nearest to control whose identity the rule would call the same; ``None``
    where the embedder does not tell identities."""
