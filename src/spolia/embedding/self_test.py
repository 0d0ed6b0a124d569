"""Is a network fed as it was trained? One fixed picture tells, and finds what is wrong.

A swapped channel order or another range of values raises no error and ruins every similarity. So
a card carries the first outputs for a fixed picture; where they differ, the usual other ways to
feed a network are tried, and the one that gives the card's values is named.
"""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from spolia.core.errors import InvalidCard
from spolia.core.types import Float32, Float64
from spolia.embedding.cards import SELF_TEST_VALUES, Card, SelfTest
from spolia.embedding.preprocess import InputSpec, preprocess
from spolia.embedding.protocol import Pixels

Run = Callable[[Float32], dict[str, Float32]]
"""A network: one preprocessed image in, outputs by name out; raises InvalidCard if it refuses."""

_LAYOUTS: tuple[Literal["NCHW", "NHWC"], ...] = ("NCHW", "NHWC")
_CHANNELS: tuple[Literal["RGB", "BGR"], ...] = ("RGB", "BGR")

_IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
_PLAIN = ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
_SCALINGS = {
    "range = [0.0, 255.0] without mean and std": ((0.0, 255.0), *_PLAIN),
    "range = [0.0, 1.0] without mean and std": ((0.0, 1.0), *_PLAIN),
    "range = [-1.0, 1.0] without mean and std": ((-1.0, 1.0), *_PLAIN),
    "range = [0.0, 1.0] with the mean and std of ImageNet": ((0.0, 1.0), *_IMAGENET),
}


def pattern(size: tuple[int, int]) -> Pixels:
    """Return the picture ``(h, w, 3)`` of the self-test: colourful, like none of its mirrors.

    value(y, x, c) = (3 (c + 1) x + 5 (3 - c) y + x y // (c + 7)) mod 256

    >>> pattern((112, 112))[5, 10].tolist()
    [112, 116, 120]
    """
    y, x, c = np.ogrid[: size[0], : size[1], :3]
    values: Pixels = ((3 * (c + 1) * x + 5 * (3 - c) * y + x * y // (c + 7)) % 256).astype(np.uint8)
    return values


def first_values(output: Float32) -> tuple[float, ...]:
    """Return what a card's ``first`` holds for one ``output`` of the network.

    >>> first_values(np.arange(12, dtype=np.float32))
    (0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0)
    """
    return tuple(float(value) for value in output.reshape(-1)[:SELF_TEST_VALUES])


@dataclass(frozen=True)
class Verdict:
    """What the self-test of a card says."""

    status: Literal["ok", "mismatch", "absent"]
    first: tuple[float, ...]
    """What the network gives, fed as the card says: the ``first`` of a right card."""
    variant: str | None = None
    """After a mismatch, what to change in the card so that it passes; None if nothing known."""


def run_self_test(card: Card, output: str, run: Run) -> Verdict:
    """Hold ``card`` against its network; after a mismatch, look for what would match.

    Tries the other channel order, the usual ranges, the other layout, the other outputs and
    values that were written down after normalisation, alone and together. Of several that match,
    the one with the fewest changes is named.

    Parameters
    ----------
    card
        The card; without a self-test the status is ``absent``.
    output
        Name of the output that is the embedding.
    run
        The card's network.

    Raises
    ------
    InvalidCard
        If the network refuses an input as the card describes it.
    """
    given = run(preprocess(pattern(card.input.size), card.input))[output]
    first = first_values(given)
    test = card.self_test
    if test is None:
        return Verdict("absent", first)
    if _agree(np.array(first), test):
        return Verdict("ok", first)
    return Verdict("mismatch", first, _variant(card.input, test, output, run))


def _variant(card_says: InputSpec, test: SelfTest, output: str, run: Run) -> str | None:
    picture = pattern(card_says.size)
    found: list[list[str]] = []
    for spec, changes in _inputs(card_says):
        try:
            outputs = run(preprocess(picture, spec))
        except InvalidCard:  # the network does not take this layout
            continue
        found += [changes + more for more in _matching(outputs, test, output)]
    if not found:
        return None
    fewest = min(found, key=len)
    return ", ".join(fewest)


def _inputs(card_says: InputSpec) -> Iterator[tuple[InputSpec, list[str]]]:
    """Yield every way to feed the network, and how a card would say it."""
    scalings = {"": (card_says.range, card_says.mean, card_says.std), **_SCALINGS}
    for layout, channels, words in itertools.product(_LAYOUTS, _CHANNELS, scalings):
        low_high, mean, std = scalings[words]
        changes = [f'layout = "{layout}"'] if layout != card_says.layout else []
        changes += [f'channels = "{channels}"'] if channels != card_says.channels else []
        changes += [words] if words else []
        spec = replace(card_says, layout=layout, channels=channels)
        yield replace(spec, range=low_high, mean=mean, std=std), changes


def _matching(outputs: dict[str, Float32], test: SelfTest, output: str) -> Iterator[list[str]]:
    for name, values in outputs.items():
        changes = [] if name == output else [f'output = "{name}"']
        first = np.array(first_values(values))
        if _agree(first, test):
            yield changes
        norm = np.linalg.norm(values.astype(np.float64))
        if norm > 0.0 and _agree(first / norm, test):
            yield [*changes, "'first' before normalisation (it holds normalised values)"]


def _agree(values: Float64, test: SelfTest) -> bool:
    want = np.array(test.first)
    # NaN agrees with nothing: every comparison with it is false.
    return values.shape == want.shape and bool(
        np.abs(values - want).max() <= test.tolerance * np.abs(want).max()
    )
