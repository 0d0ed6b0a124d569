r"""What kind of hit a finding is, decided against pairs that cannot be one.

Sources: Carlini, N. et al. (2023), https://arxiv.org/abs/2301.13188 (tiled l2: the largest
normalised l2 of 16 corresponding tiles); Fisher, R. A. (1915), https://doi.org/10.2307/2331838
(the transform artanh r, which spreads correlations near 1); Bates, S. et al. (2023),
https://arxiv.org/abs/2104.08279 (conformal p-values).

Adversary: none; a statement about pairs of images. Cost: a few medians.

**Copies.** No distance means "copy" by itself: held-out digits lie nearer to each other than edits
of a photo to the photo. So a pair is held against *control pairs* that went through the same
search for a view: synthetic images beside their nearest control image, and two images of one
control identity. With the evidence *e* of a measure (up is closer), the median *m* of a group of
control pairs and its 99 % quantile *Q*, a pair *stands out* if

.. math:: e > m + 2 (Q - m)

in every group. Where the upper half of the control's evidence falls off at least exponentially, a
pair that is no copy stands out with probability at most :math:`2 \cdot 0.01^2 = 0.0002`:
doubling the distance squares what is left of the half. With n up to 100 pairs Q is the largest,
and the bound :math:`4 / ((n+1)(n+2))`, on average. How the rule does on the control pairs
themselves, each left out of its own bar, stands beside every result.

**Same identity.** The *gap* is the similarity to the identity named less that to the best other
identity, of train or control. It is held against the gaps of the synthetic records that control
won: those showed nobody from train, and their nearest identity is a look-alike,

.. math:: p = \frac{1 + \#\{\text{control gaps} \ge gap\}}{1 + n}.

A person with further images in train must rank high with one of those as well: a new photo is like
all photos of the person, a look-alike often like one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spolia.core.hits import Bars
from spolia.core.types import Float64

Bool = npt.NDArray[np.bool_]

MARGIN = 2.0
"""A copy is this many times as far from the control's median as the control's own quantile."""
QUANTILE = 0.99
LEAST = 20
"""With fewer control pairs in every group nothing is called a copy; with as many, a pair that is
none stands out by one measure with probability 4 / (21 * 22) = 0.009 at most."""
LARGEST_TILE = 0.06
"""Normalised l2 that no tile of a *photo copy* may exceed, however unlike the control pairs are. It
parts two names and finds nothing: on the page of the method, resizing and compressing a photo moves
no tile by more than 0.05, and strong changes of contrast, colour or sharpness more than 0.065."""

ALONE = 0.01
"""Level of the gap where the identity has one image in train."""
SUPPORTED = 0.05
"""Level of the gap where a second image of the identity ranks above every other identity."""

_CLOSEST = 1.0 - 1e-6
_SMALLEST_TILE = 1e-3


@dataclass(frozen=True, eq=False)
class Agreements:
    """How well n pairs of images agree, see `spolia.embedding.copies`."""

    descriptor: Float64
    """``(n,)`` cosine of copy descriptors, up to 1."""
    correlation: Float64
    """``(n,)`` normalised cross-correlation, -1 to 1."""
    worst_tile: Float64
    """``(n,)`` tiled l2, 0 to 1; lower is closer."""

    def evidence(self) -> Float64:
        """Return ``(3, n)``: artanh, artanh and -log of the measures; up is closer, always.

        Values within 1e-6 of a perfect cosine and tiles under 1e-3 count as that: below it is
        rounding to 8 bits.
        """
        rounded = np.stack([self.descriptor, self.correlation]).clip(-_CLOSEST, _CLOSEST)
        tile = np.log(np.maximum(self.worst_tile, _SMALLEST_TILE))
        return np.concatenate([np.arctanh(rounded), np.negative(tile)[None]])


@dataclass(frozen=True, eq=False)
class Standing:
    """How far the identity named for n synthetic records stands out from every other."""

    gap: Float64
    """``(n,)`` its similarity less that of the best other identity, which may be nearer."""
    several: Bool
    """``(n,)`` whether the identity has further images."""
    supported: Bool
    """``(n,)`` whether one of those, too, is nearer than any other identity."""


def draw_bars(groups: Sequence[Agreements]) -> Bars | None:
    """Return what a pair must pass to stand out from every group of control pairs.

    ``None`` where no group has `LEAST` pairs: then nothing can be called a copy. Smaller groups
    beside a large one count as well.

    Parameters
    ----------
    groups
        Control pairs of one kind each.

    Examples
    --------
    >>> even = np.linspace(0.0, 0.8, 101)
    >>> bars = draw_bars([Agreements(even, even, 0.5 - even / 2)])
    >>> round(bars.descriptor, 3), round(bars.worst_tile, 3)
    (0.939, 0.036)
    >>> draw_bars([Agreements(even[:19], even[:19], even[:19])]) is None
    True
    """
    evidence = [one.evidence() for one in groups if one.descriptor.size]
    if max((one.shape[1] for one in evidence), default=0) < LEAST:
        return None
    return _bars(np.max([_bar(one) for one in evidence], axis=0))


def _bar(evidence: Float64) -> Float64:
    """Return the bar ``(3,)`` of one group."""
    middle = np.median(evidence, axis=1)
    upper = np.quantile(evidence, QUANTILE, axis=1, method="higher")
    bar: Float64 = middle + MARGIN * (upper - middle)
    return bar


def _bars(bar: Float64) -> Bars:
    tile = min(LARGEST_TILE, float(np.exp(np.negative(bar[2]))))
    return Bars(float(np.tanh(bar[0])), float(np.tanh(bar[1])), tile)


def copies(pairs: Agreements, bars: Bars | None) -> tuple[Bool, Bool]:
    """Return which pairs are photo copies, and which are near duplicates or edits.

    A *photo copy* stands out by all three measures, so that no tile differs. A *near duplicate or
    edit* stands out by its descriptor or its correlation, and is no photo copy.

    Parameters
    ----------
    pairs
        n pairs.
    bars
        From `draw_bars`; ``None`` names nothing.

    Examples
    --------
    >>> pairs = Agreements(np.array([1.0, 0.3]), np.array([1.0, 0.999]), np.array([0.0, 0.5]))
    >>> [found.tolist() for found in copies(pairs, Bars(0.9, 0.9, 0.05))]
    [[True, False], [False, True]]
    """
    if bars is None:
        nothing = np.zeros(pairs.descriptor.size, dtype=np.bool_)
        return nothing, nothing
    # Where control pairs agree perfectly, the bars lie at the limits, and nothing passes.
    by_descriptor = np.minimum(pairs.descriptor, _CLOSEST) > bars.descriptor
    by_correlation = np.minimum(pairs.correlation, _CLOSEST) > bars.correlation
    by_tile = np.maximum(pairs.worst_tile, _SMALLEST_TILE) < bars.worst_tile
    photo = by_descriptor & by_correlation & by_tile
    return photo, (by_descriptor | by_correlation) & ~photo


def control_copies(groups: Sequence[Agreements]) -> tuple[int, int]:
    """Return how many control pairs the rule calls copies or near duplicates, and of how many.

    Each pair is held against bars drawn without it. Should be next to nothing: more means that
    control pairs are copies of each other, or that the evidence falls off slower than assumed.

    Examples
    --------
    >>> even = np.linspace(0.0, 0.8, 101)
    >>> control_copies([Agreements(even, even, even)])
    (0, 101)
    """
    evidence = [one.evidence() for one in groups if one.descriptor.size]
    bars = [_bar(one) for one in evidence]
    passing = 0
    for number, one in enumerate(evidence):
        others = bars[:number] + bars[number + 1 :]
        for i in range(one.shape[1]):
            rest = np.delete(one, i, axis=1)
            own = [_bar(rest)] if rest.size else []
            bar = np.max([*others, *own], axis=0) if others or own else np.full(3, np.inf)
            passing += bool((one[:2, i] > bar[:2]).any())
    return passing, sum(one.shape[1] for one in evidence)


def same_identity(found: Standing, control_gaps: Float64) -> Bool:
    """Return which records show the same identity, see the top of this module.

    Parameters
    ----------
    found
        n records that train won.
    control_gaps
        ``(k,)`` gaps of the records that control won.

    Examples
    --------
    Two gaps stand out; one of the two people has another photo that is not alike.

    >>> found = Standing(np.array([0.3, 0.3, 0.01]), np.array([0, 1, 0], bool), np.zeros(3, bool))
    >>> same_identity(found, np.linspace(0.0, 0.1, 200)).tolist()
    [True, False, False]
    """
    ordered = np.sort(control_gaps)
    above = ordered.size - np.searchsorted(ordered, found.gap, side="left")
    return _same(found, (1.0 + above) / (1.0 + ordered.size))


def control_same(control: Standing) -> int:
    """Return how many records that control won the same rule calls the same identity.

    Each is held against the gaps of the others.

    >>> gaps = np.linspace(0.0, 0.1, 200)
    >>> control_same(Standing(gaps, np.zeros(200, bool), np.zeros(200, bool)))
    2
    """
    if control.gap.size == 0:
        return 0
    ordered = np.sort(control.gap)
    above = ordered.size - np.searchsorted(ordered, control.gap, side="left")
    # The record itself is among those at or above its gap: it takes the place of the "+1".
    return int(np.count_nonzero(_same(control, above / ordered.size)))


def _same(standing: Standing, p: npt.NDArray[np.floating]) -> Bool:
    alone = ~standing.several & (p <= ALONE)
    found: Bool = alone | (standing.supported & (p <= SUPPORTED))
    return found
