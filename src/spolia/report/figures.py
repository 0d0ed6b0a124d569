"""The few numbers a reader takes away, each with its interval, its n and the control beside it."""

import math
from dataclasses import dataclass

from spolia.core.rates import Rate
from spolia.core.results import Compared, Lean, Summary
from spolia.report import format as written


@dataclass(frozen=True)
class Whisker:
    """A rate and its interval in per cent of the width of the small plot."""

    label: str
    low: float
    value: float
    high: float


@dataclass(frozen=True)
class Figure:
    """One number with everything that belongs to it."""

    title: str
    value: str
    lines: tuple[str, ...]
    whiskers: tuple[Whisker, ...] = ()
    mark: float | None = None
    """Where chance would put it, in per cent of the width."""
    ends: tuple[str, str] = ("", "")
    """What the left and the right end of the small plot stand for."""


def key_figures(summary: Summary) -> tuple[Figure, ...]:
    """Return the figures that ``summary`` has; none without a control."""
    figures = []
    if summary.exposed is not None:
        figures.append(
            _compared(
                "Training identities found again",
                summary.exposed,
                "Control, at the same similarity",
                *_blind_spot(summary),
            )
        )
    if summary.flagged is not None:
        figures.append(
            _compared(
                "Synthetic images that show one",
                summary.flagged,
                "Synthetic images that show a control identity",
            )
        )
    if summary.lean is not None:
        figures += [_leaning(summary.lean), _unseen(summary.lean)]
    return tuple(figures)


def _compared(title: str, compared: Compared, beside: str, *more: str) -> Figure:
    train, control = compared.train, compared.control
    axis = Axis.holding(0.0, max(train.high, control.high))
    return Figure(
        title,
        written.headline(train),
        (
            f"{written.out_of(train)} {compared.unit}, {written.interval(train)}",
            f"{beside}: {written.in_full(control)}",
            *more,
        ),
        (axis.whisker("train", train), axis.whisker("control", control)),
        ends=axis.ends,
    )


def _blind_spot(summary: Summary) -> tuple[str, ...]:
    """Say how many may be exposed and yet none named; the interval of a zero does not hold them."""
    if summary.exposed is None or summary.exposed.train.count or summary.smallest is None:
        return ()
    n, least = summary.exposed.train.n, summary.smallest
    if least > n:
        return (f"With this control, {written.thousands(least)} would have to be exposed",)
    share = written.percent(least / n)
    return (f"Fewer than {written.thousands(least)} ({share}) exposed could not have been named",)


def _leaning(lean: Lean) -> Figure:
    share = lean.share
    axis = Axis.holding(min(lean.expected, share.low), max(lean.expected, share.high))
    return Figure(
        "Closer to train than to control",
        written.headline(share),
        (
            f"{written.out_of(share)} synthetic images, {written.interval(share)}",
            f"By chance (dashed): {written.percent(lean.expected)}; {written.p_phrase(lean.p)}",
        ),
        (axis.whisker("train", share),),
        mark=axis.place(lean.expected),
        ends=axis.ends,
    )


def _unseen(lean: Lean) -> Figure:
    title = "What could not be excluded"
    # Where train won everything, nothing is excluded either, but for the opposite reason.
    if lean.unseen >= 1.0 and lean.share.high < 1.0:
        return Figure(
            title,
            written.MISSING,
            (
                "The set lies closer to the control than chance would put it, so that its lean "
                "sets no bound. Check that train and control come from the same population.",
            ),
        )
    return Figure(
        title,
        f"≤ {written.at_most(lean.unseen)}",
        (
            "of the synthetic images may be leaks, named or not",
            "Upper 95 % bound, if a leak is always closer to train",
        ),
    )


@dataclass(frozen=True)
class Axis:
    """The stretch of shares that a small plot shows."""

    start: float
    end: float

    @classmethod
    def holding(cls, low: float, high: float) -> "Axis":
        """Return the stretch with round ends, a whole number of steps long, around both."""
        if not high > low:  # also where a number is missing
            return cls(0.0, 1.0)
        steps = (m * 10.0**e for e in range(-7, 0) for m in (1, 2, 5))
        step = next((step for step in steps if 5 * step >= high - low), 1.0)
        start, end = math.floor(low / step) * step, math.ceil(high / step) * step
        return cls(max(0.0, round(start, 7)), min(1.0, round(end, 7)))

    @property
    def ends(self) -> tuple[str, str]:
        """What stands at its two ends."""
        return written.level(self.start), written.level(self.end)

    def place(self, share: float) -> float:
        """Return where ``share`` stands, in per cent of the width."""
        return round(100.0 * (share - self.start) / (self.end - self.start), 1)

    def whisker(self, label: str, rate: Rate) -> Whisker:
        """Return where ``rate`` and its interval stand."""
        return Whisker(label, self.place(rate.low), self.place(rate.value), self.place(rate.high))
