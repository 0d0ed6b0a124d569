"""The page of set-only methods: one plot, one table, no script, no request."""

from dataclasses import dataclass
from math import ceil, floor

from spolia.core.rates import Bounded
from spolia.core.set_membership import Leaning, Method, Seen, SeenFrom, SetMembership
from spolia.report.axes import WIDTHS, Axes, x_ticks
from spolia.report.html import template

WORDS: dict[Leaning, tuple[str, str]] = {
    "leak": ("Closer to train", "The samples are closer to train than chance allows."),
    "none": ("Nothing seen", "That is no proof of absence: mind what would not have been seen."),
    "inconclusive": ("Cannot tell", "No method would have seen a leak here."),
}
STATUS: dict[Leaning | Seen, str] = {
    "leak": "leak",
    "none": "none",
    "inconclusive": "inconclusive",
    "sees a leak": "leak",
    "sees none": "none",
    "blind here": "no verdict",
}
"""The outcome of an audit whose colour and sign a word has."""

_ROW, _TOP, _BOTTOM, _RIGHT = 34.0, 26.0, 44.0, 14.0
_LARGEST = 1e6
_CHANCE = 1.96
_OVER = " of train over held-out"
_BEYOND = 3.0
"""How far the plot goes beyond the outermost method; longer intervals are cut off."""


@dataclass(frozen=True)
class Row:
    """One method in the plot."""

    name: str
    status: str
    y: float
    name_x: float
    name_y: float
    anchor: str
    low: float
    value: float | None
    """``None`` where it has no scale: it never varied."""
    high: float
    caps: tuple[float, ...]
    """Ends of the interval that are inside the plot."""


@dataclass(frozen=True, kw_only=True)
class Forest(Axes):
    """How much more each method finds in train than in what was held out."""

    rows: tuple[Row, ...]
    zero_x: float
    axis: str
    """What is to the right."""
    low_x: float
    """Where two standard deviations under and above 0 stand."""
    high_x: float


def render_membership(summary: SetMembership) -> str:
    """Return the summary as one HTML page: the same text for the same input."""
    word, gloss = WORDS[summary.outcome]
    drawn = ((name, draw(summary.methods, width=width)) for name, width in WIDTHS)
    return template("membership.html.jinja").render(
        summary=summary,
        word=word,
        gloss=gloss,
        status=STATUS,
        charts=[(name, chart) for name, chart in drawn if chart is not None],
        number=number,
        strengths=[one.strength for one in _planted(summary.methods)],
        ends=ends,
    )


def _planted(methods: tuple[Method, ...]) -> tuple[SeenFrom, ...]:
    return next((one.planted for one in methods if one.planted), ())


def draw(methods: tuple[Method, ...], *, width: float) -> Forest | None:
    """Return the geometry of the plot on ``width`` pixels; ``None`` without a method.

    A method stands at its excess in units of the spread that it has when train and held-out
    identities change places, so that all share one axis.

    Parameters
    ----------
    methods
        From top to bottom.
    width
        In pixels, above 300.
    """
    if not methods:
        return None
    wide = width > 500.0
    left = 170.0 if wide else 12.0
    row = _ROW if wide else _ROW + 14.0
    scaled = [_scaled(one) for one in methods]
    values = [one.value for one in scaled if one is not None]
    low, high = min([0.5, *values]) - _BEYOND, max([-0.5, *values]) + _BEYOND
    scale = (width - _RIGHT - left) / (high - low)
    bottom = _TOP + row * len(methods)

    def x(at: float) -> float:
        return round(left + (at - low) * scale, 1)

    rows = []
    for i, (method, one) in enumerate(zip(methods, scaled, strict=True)):
        y = _TOP + row * (i + (0.5 if wide else 0.7))
        at = Bounded(0.0, 0.0, 0.0) if one is None else one
        rows.append(
            Row(
                name=method.name,
                status=STATUS[method.verdict].replace(" ", "-"),
                y=round(y, 1),
                name_x=left - 14.0 if wide else left,
                name_y=round(y + 4.0 if wide else y - 12.0, 1),
                anchor="end" if wide else "start",
                low=x(max(at.low, low)),
                value=None if one is None else x(at.value),
                high=x(min(at.high, high)),
                caps=tuple(x(end) for end in (at.low, at.high) if low <= end <= high),
            )
        )
    return Forest(
        width=width,
        height=bottom + _BOTTOM,
        left=left,
        right=width - _RIGHT,
        top=_TOP,
        bottom=bottom,
        x_ticks=x_ticks(low, high, scale, width - left, left=left),
        y_ticks=(),
        description=_describe(methods),
        rows=tuple(rows),
        zero_x=x(0.0),
        axis=f"excess{_OVER if wide else ''}, in standard deviations of chance",
        low_x=x(-_CHANCE),
        high_x=x(_CHANCE),
    )


def _scaled(one: Method) -> Bounded | None:
    """Return the excess in units of its spread; ``None`` where that is 0."""
    spread = one.spread
    if not spread > 0.0 or max(abs(one.excess.low), abs(one.excess.high)) > _LARGEST * spread:
        return None
    return Bounded(one.excess.value / spread, one.excess.low / spread, one.excess.high / spread)


def _describe(methods: tuple[Method, ...]) -> str:
    """Say what the picture shows to those who cannot see it."""
    said = [f"{one.name}: {number(one.excess.value)}, {one.verdict}" for one in methods]
    return "Excess of train over held-out by method. " + "; ".join(said) + "."


def number(value: float) -> str:
    """Return a figure with two decimals from 10 on, else three.

    >>> number(0.1234), number(-12.345), number(-0.0001)
    ('0.123', '−12.35', '0.000')
    """
    digits = 2 if abs(value) >= 10.0 else 3
    return _signed(f"{value:.{digits}f}")


def ends(one: Bounded) -> str:
    """Return the ends of an interval, rounded outward.

    >>> ends(Bounded(0.5, 0.1234, 0.5671))
    '0.12 to 0.57'
    """
    low, high = floor(one.low * 100.0 + 1e-9) / 100.0, ceil(one.high * 100.0 - 1e-9) / 100.0
    return f"{_signed(f'{low:.2f}')} to {_signed(f'{high:.2f}')}"


def _signed(text: str) -> str:
    return text.lstrip("-") if float(text) == 0.0 else text.replace("-", "−")
