"""The page of a question about identities: no script, no request, no picture."""

import math
from dataclasses import dataclass
from typing import Any

from spolia.core.membership import IdentitySummary, Queried, Separation, Told
from spolia.core.rates import Bounded
from spolia.core.results import Outcome
from spolia.report import format as written
from spolia.report.axes import WIDTHS
from spolia.report.figures import Axis, Figure, Whisker
from spolia.report.html import check_profile, template
from spolia.report.identity_questions import fewest_in_words, identity_questions
from spolia.report.p_chart import draw_p
from spolia.report.pairs import Details, Profile
from spolia.report.roc_chart import draw_roc
from spolia.report.score_chart import draw_scores

WORDS: dict[Told, tuple[str, str, Outcome]] = {
    "found": ("Trace found", "The samples give away who was trained on.", "leak"),
    "not found": (
        "Nothing found",
        "That is no proof of absence: mind what it cannot tell.",
        "none",
    ),
    "cannot tell": (
        "Cannot tell",
        "There are too few non-members to name a single query: silence says nothing.",
        "inconclusive",
    ),
}
"""The word, what it means, and the light of an audit that it shares."""


@dataclass(frozen=True)
class Named:
    """A query that is named: personal."""

    identity: str
    photos: int
    compared: int
    score: float
    p: float
    q: float
    nearest: str
    similarity: float


@dataclass(frozen=True)
class NamedList:
    """The queries that are named, best first, as far as they are listed."""

    rows: tuple[Named, ...]
    count: int


def render_identity(
    summary: IdentitySummary,
    *,
    profile: Profile = "public",
    named: NamedList | None = None,
    details: Details | None = None,
) -> str:
    """Return the report as one HTML page: the same text for the same input, always UTF-8.

    Parameters
    ----------
    summary
        The answer in numbers.
    profile
        ``public``: numbers only. ``internal`` and ``full``: with names, for there are no pictures.
    named
        Who is named; dropped in the ``public`` profile.
    details
        Locations and quarantine; dropped in the ``public`` profile.

    Raises
    ------
    UsageError
        If there is no such profile.
    """
    check_profile(profile)
    if profile == "public":
        named, details = None, None
    return template("identity.html.jinja").render(
        **_told(summary),
        profile=profile,
        named=named,
        details=details,
        figures=key_figures(summary),
        roc_charts=_roc_charts(summary),
        score_charts=[
            (name, draw_scores(summary.scores, summary.score, width=width))
            for name, width in WIDTHS
        ],
        p_charts=_p_charts(summary),
    )


def identity_markdown(
    summary: IdentitySummary, *, profile: Profile = "public", named: NamedList | None = None
) -> str:
    """Return the report as Markdown (CommonMark with tables); as `render_identity`."""
    check_profile(profile)
    return template("identity.md.jinja").render(
        **_told(summary), profile=profile, named=None if profile == "public" else named
    )


def _told(summary: IdentitySummary) -> dict[str, Any]:
    word, gloss, light = WORDS[summary.outcome]
    return {
        "summary": summary,
        "word": word,
        "gloss": gloss,
        "light": light,
        "short": identity_questions(summary),
        "separations": [one for one in (summary.identities, summary.photos) if one is not None],
        "command": command_of(summary),
    }


def _roc_charts(summary: IdentitySummary) -> list[tuple[str, Any]]:
    found = summary.identities
    if found is None:
        return []
    return [(name, draw_roc(found, summary.photos, width=width)) for name, width in WIDTHS]


def _p_charts(summary: IdentitySummary) -> list[tuple[str, Any]]:
    if summary.queries is None:
        return []
    drawn = ((name, draw_p(summary.queries, summary.fdr, width=width)) for name, width in WIDTHS)
    return [(name, chart) for name, chart in drawn if chart is not None]


def command_of(summary: IdentitySummary) -> str:
    """Return the command that made a summary, with words in the place of paths."""
    given = {one.role for one in summary.sets}
    sets = [f"--{role} {role.upper()}" for role in ("members", "queries", "train") if role in given]
    more = ["--any-judge"] if summary.any_judge else []
    same = "off" if summary.duplicates is None else f"{summary.duplicates:g}"
    return " ".join(
        [
            "spolia identity SYNTHETIC --nonmembers NONMEMBERS",
            *sets,
            "--embedder EMBEDDER",
            *more,
            f"--duplicates {same} --fdr {summary.fdr} --seed {summary.seed} --out RUN",
        ]
    )


def key_figures(summary: IdentitySummary) -> tuple[Figure, ...]:
    """Return the few numbers that a reader takes away."""
    figures = []
    if summary.identities is not None:
        figures.append(_area(summary.identities))
        figures += [_hit(summary.identities)] if summary.identities.hits else []
    if summary.queries is not None:
        figures += [_named(summary.queries, summary.fdr), _silence(summary.queries, summary.fdr)]
    return tuple(figures)


def _area(found: Separation) -> Figure:
    auc = found.auc
    axis = Axis.holding(min(0.5, auc.low), max(0.5, auc.high))
    return Figure(
        "A member scores more than a non-member (AUC)",
        f"{auc.value:.3f}",
        (
            f"{written.thousands(found.members)} members against "
            f"{written.thousands(found.non_members)} non-members, "
            f"{written.level(auc.confidence)} interval {written.ends(auc)}",
            "By chance (dashed): 0.500",
        ),
        (_whisker(axis, "AUC", auc),),
        mark=axis.place(0.5),
        ends=(f"{axis.start:g}", f"{axis.end:g}"),
    )


def _whisker(axis: Axis, label: str, one: Bounded) -> Whisker:
    return Whisker(label, axis.place(one.low), axis.place(one.value), axis.place(one.high))


def _hit(found: Separation) -> Figure:
    one = found.hits[-1]
    axis = Axis.holding(0.0, max(one.tpr.high, one.false.high))
    return Figure(
        f"Members hit where at most {written.level(one.fpr)} of non-members are",
        written.headline(one.tpr),
        (
            f"{written.out_of(one.tpr)}, {written.interval(one.tpr)}",
            f"Non-members, at the same score: {written.in_full(one.false)}",
        ),
        (axis.whisker("members", one.tpr), axis.whisker("non-members", one.false)),
        ends=axis.ends,
    )


def _named(asked: Queried, fdr: float) -> Figure:
    axis = Axis.holding(0.0, asked.named.high)
    false = fdr * asked.named.count
    most = f"of them at most {written.decimal(false)} are false on average" if false else "nobody"
    return Figure(
        "Queries named as members",
        written.headline(asked.named),
        (
            f"{written.out_of(asked.named)}, {written.interval(asked.named)}",
            f"At a false discovery rate of {written.level(fdr)}: {most}",
        ),
        (axis.whisker("queries", asked.named),),
        ends=axis.ends,
    )


def _silence(asked: Queried, fdr: float) -> Figure:
    alone = written.thousands(alone_takes(asked, fdr))
    value = written.MISSING if asked.fewest is None else written.thousands(asked.fewest)
    said = "a query can be named alone" if asked.fewest == 1 else f"{fewest_in_words(asked)}"
    return Figure(
        "Fewest queries that can be named together",
        value,
        (
            f"Beside {written.thousands(asked.pool)} non-members no p is under "
            f"{written.p_value(asked.smallest_p)}: {said}",
            f"It takes {alone} non-members to name one of {written.thousands(asked.named.n)} alone",
        ),
    )


def alone_takes(asked: Queried, fdr: float) -> int:
    """Return how many non-members it takes to name a query alone.

    >>> from spolia.core.rates import Rate
    >>> alone_takes(Queried(Rate(0.0, 0.0, 0.1, 30, 0), 10, 0.09, None, ()), 0.05)
    599
    """
    return math.ceil(asked.named.n / fdr - 1e-9) - 1
