"""The page of a study: every set under every judge side by side, no script, no request."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from spolia.core.study import StudySummary
from spolia.report.figures import Axis, Whisker
from spolia.report.html import WORDS, check_profile, template
from spolia.report.pairs import Profile

SHOWN = 200
"""Rows of a list of disagreements that a page shows at most."""


@dataclass(frozen=True)
class Line:
    """One audit in the plot: what train gives away, and the control beside it."""

    name: str
    judge: str
    outcome: str
    train: Whisker
    control: Whisker


@dataclass(frozen=True)
class Plot:
    """Dots with intervals on one axis, in per cent of its width."""

    lines: tuple[Line, ...]
    ends: tuple[str, str]


def render_study(
    summary: StudySummary,
    disagreements: Mapping[str, Sequence[Mapping[str, Any]]],
    *,
    profile: Profile = "public",
) -> str:
    """Return the report of a study as one HTML page: the same text for the same input.

    Parameters
    ----------
    summary
        The study in numbers.
    disagreements
        By set, the rows of the list that names identities; dropped in the ``public`` profile.
    profile
        ``public``: numbers only. ``internal`` and ``full``: with the disagreements.

    Raises
    ------
    UsageError
        If there is no such profile.
    """
    check_profile(profile)
    word, gloss = WORDS[summary.outcome]
    lists = {} if profile == "public" else dict(disagreements)
    return template("study.html.jinja").render(
        summary=summary,
        word=word,
        gloss=gloss,
        words=WORDS,
        plot=plot(summary),
        several=len(summary.judges) > 1,
        lists={name: rows[:SHOWN] for name, rows in lists.items()},
        counts={name: len(rows) for name, rows in lists.items()},
        profile=profile,
    )


def plot(summary: StudySummary) -> Plot | None:
    """Return where the share of exposed training identities of each audit stands.

    ``None`` without a control. All audits share one axis from 0.
    """
    cells = [
        (one.name, cell, cell.exposed)
        for one in summary.sets
        for cell in one.cells
        if cell.exposed is not None
    ]
    if not cells:
        return None
    axis = Axis.holding(0.0, max(max(e.train.high, e.control.high) for _, _, e in cells))
    lines = tuple(
        Line(
            name,
            cell.judge,
            WORDS[cell.outcome][0],
            axis.whisker("train", exposed.train),
            axis.whisker("control", exposed.control),
        )
        for name, cell, exposed in cells
    )
    return Plot(lines, axis.ends)
