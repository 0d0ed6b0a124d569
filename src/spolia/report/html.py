"""The report: one page, no script, no request."""

from collections.abc import Sequence
from functools import cache, partial
from typing import Any, get_args

import jinja2
from markupsafe import Markup

from spolia.core.errors import UsageError
from spolia.core.results import Outcome, Summary
from spolia.core.review import Reviewed
from spolia.report import curve, figures, histogram, kinds, tail_chart
from spolia.report import format as written
from spolia.report.axes import WIDTHS
from spolia.report.pairs import Details, Pair, Profile, grouped, redact
from spolia.report.questions import questions
from spolia.report.standards import standards
from spolia.report.thumbnails import SMALL, thumbnail

WORDS: dict[Outcome, tuple[str, str]] = {
    "leak": ("Leak found", "The synthetic set gives away training images."),
    "none": ("Nothing found", "That is no proof of absence: mind what could not be excluded."),
    "inconclusive": ("Inconclusive", "This audit cannot say either way: mind its self-checks."),
    "no verdict": ("No verdict", "The closest pairs are ranked, and no error rate is known."),
}
_FILTERS = (
    "amount",
    "check_word",
    "decimal",
    "ends",
    "headline",
    "in_full",
    "interval",
    "leaks_seen",
    "level",
    "limits",
    "listed",
    "measure_in_full",
    "out_of",
    "p_phrase",
    "p_value",
    "percent",
    "power_of_ten",
    "ratio",
    "score",
    "shorten",
    "similarity",
    "span",
    "thousands",
    "tie",
    "yes_no",
)
_FIRST = 24
"""Pairs of a kind that are seen, and printed, without asking for the others."""


def render_html(
    summary: Summary,
    pairs: Sequence[Pair],
    *,
    profile: Profile = "public",
    details: Details | None = None,
    reviewed: Reviewed | None = None,
) -> str:
    """Return the report as one HTML page: the same text for the same input, always UTF-8.

    Parameters
    ----------
    summary
        The audit in numbers.
    pairs
        The closest pairs in the order in which to show them. In the ``public`` profile everything
        but their numbers is dropped before the page is made.
    profile
        ``public``: numbers only. ``internal``: with ids and blurred images. ``full``: not blurred.
    details
        Locations, quarantine and plan; dropped in the ``public`` profile.
    reviewed
        What people said when they looked at a sample of pairs.

    Raises
    ------
    UsageError
        If there is no such profile, or an image is not uint8 RGB.
    """
    check_profile(profile)
    if profile == "public":
        pairs, details = [redact(pair) for pair in pairs], None
    word, gloss = WORDS[summary.outcome]
    heading, lead = introduce(summary, pairs)
    return template("report.html.jinja").render(
        summary=summary,
        pairs=pairs,
        profile=profile,
        details=details,
        word=word,
        gloss=gloss,
        short=questions(summary, reviewed),
        reviewed=reviewed,
        groups=grouped(pairs),
        first=_FIRST,
        standards=standards(),
        command=command_of(summary),
        heading=heading,
        lead=lead,
        figures=figures.key_figures(summary),
        charts=_charts(summary),
        curves=_curves(summary),
        tail_charts=_tail_charts(summary),
        kinds=kinds.shown(summary.kinds) if summary.kinds else None,
    )


def render_summary(summary: Summary, reviewed: Reviewed | None = None) -> str:
    """Return the one page for the public: verdict, questions, limits, and nothing about records."""
    word, gloss = WORDS[summary.outcome]
    return template("summary.html.jinja").render(
        summary=summary,
        word=word,
        gloss=gloss,
        short=questions(summary, reviewed),
        command=command_of(summary),
    )


def check_profile(profile: str) -> None:
    """Refuse what is no profile."""
    if profile not in get_args(Profile):
        raise UsageError(
            f"profile must be one of {', '.join(get_args(Profile))}, but is {profile!r}"
        )


def command_of(summary: Summary) -> str:
    """Return the command that made a summary, with words in the place of paths."""
    control = " --control CONTROL" if summary.ratio is not None else ""
    return (
        f"spolia audit TRAIN SYNTHETIC{control} --embedder EMBEDDER --fdr {summary.fdr} "
        f"--seed {summary.seed} --out RUN"
    )


def introduce(summary: Summary, pairs: Sequence[Pair]) -> tuple[str, str]:
    """Return the heading of the list of pairs and what it is worth."""
    if summary.outcome == "no verdict":
        return "Ranking, no verdict", _why_no_verdict(summary)
    asked = written.level(summary.fdr)
    named = sum(pair.q is not None and pair.q <= summary.fdr for pair in pairs)
    if summary.outcome == "leak" and named:
        return (
            "Findings",
            f"Named at a false discovery rate of {asked}: {named} of the {len(pairs)} pairs below.",
        )
    if not pairs:
        return "Findings", "There are none."
    why = (
        "The audit is inconclusive, so that none of these counts as a finding"
        if summary.outcome == "inconclusive"
        else f"None of these can be named at a false discovery rate of {asked}"
    )
    return "Closest pairs, not findings", f"{why}; they are the closest there are."


def _why_no_verdict(summary: Summary) -> str:
    if any(one.role == "control" and one.records for one in summary.sets):
        return "The notes above say why there is no verdict; this order is no evidence of a leak."
    return (
        "Without control images nobody knows how similar chance makes two images, so this order "
        "is no evidence of a leak."
    )


def _charts(summary: Summary) -> tuple[tuple[str, histogram.Chart], ...]:
    """Draw the histogram twice: letters that are scaled down to a phone cannot be read."""
    drawn = (
        (name, histogram.draw(summary.distribution, summary.threshold, width=width))
        for name, width in WIDTHS
    )
    return tuple((name, chart) for name, chart in drawn if chart is not None)


def _curves(summary: Summary) -> tuple[tuple[str, curve.CurveChart], ...]:
    named = summary.exposed.train.count if summary.exposed else 0
    drawn = ((name, curve.draw(summary.curve, named, width=width)) for name, width in WIDTHS)
    return tuple((name, chart) for name, chart in drawn if chart is not None)


def _tail_charts(summary: Summary) -> tuple[tuple[str, tail_chart.TailChart], ...]:
    images = sum(one.records for one in summary.sets if one.role == "synthetic")
    if summary.strangers is None or not images:
        return ()
    drawn = (
        (name, tail_chart.draw_tail(summary.strangers, images, width=width))
        for name, width in WIDTHS
    )
    return tuple((name, chart) for name, chart in drawn if chart is not None)


@cache
def template(name: str) -> jinja2.Template:
    """Return a template of the pages, in which every foreign text is escaped and visible."""
    plain = name.endswith(".md.jinja")
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("spolia.report", ""),
        autoescape=not plain,
        undefined=jinja2.StrictUndefined,
        finalize=_in_markdown if plain else _finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=plain,
    )
    environment.filters |= {name: getattr(written, name) for name in _FILTERS}
    environment.filters["thumbnail"] = thumbnail
    environment.filters["small"] = partial(thumbnail, side=SMALL)
    environment.filters["share"] = written.percent
    return environment.get_template(name)


def _finalize(value: Any) -> Any:
    """Make every text visible that is not our own markup; autoescape follows."""
    return (
        written.visible(value)
        if isinstance(value, str) and not isinstance(value, Markup)
        else value
    )


def _in_markdown(value: Any) -> Any:
    return written.markdown(written.visible(value)) if isinstance(value, str) else value
