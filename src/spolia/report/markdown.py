"""The report as Markdown, for a wiki, a pull request or a model card."""

from collections.abc import Sequence

from spolia.core.results import Summary
from spolia.core.review import Reviewed
from spolia.core.study import StudySummary
from spolia.report.html import WORDS, check_profile, command_of, introduce, template
from spolia.report.pairs import Pair, Profile, redact
from spolia.report.questions import questions


def render_markdown(
    summary: Summary,
    pairs: Sequence[Pair],
    *,
    profile: Profile = "public",
    reviewed: Reviewed | None = None,
) -> str:
    """Return the report as Markdown (CommonMark with tables), without images.

    Parameters
    ----------
    summary
        The audit in numbers.
    pairs
        The closest pairs in their order; in the ``public`` profile their numbers and codes alone.
    profile
        ``public``: numbers only. The others: with ids.
    reviewed
        What people said when they looked at a sample of pairs.

    Raises
    ------
    UsageError
        If there is no such profile.
    """
    check_profile(profile)
    if profile == "public":
        pairs = [redact(pair) for pair in pairs]
    word, gloss = WORDS[summary.outcome]
    heading, lead = introduce(summary, pairs)
    return template("report.md.jinja").render(
        summary=summary,
        word=word,
        gloss=gloss,
        short=questions(summary, reviewed),
        reviewed=reviewed,
        heading=heading,
        lead=lead,
        pairs=pairs,
        profile=profile,
        command=command_of(summary),
    )


def study_markdown(summary: StudySummary) -> str:
    """Return the report of a study as Markdown: a row for every audit, and no record."""
    word, gloss = WORDS[summary.outcome]
    return template("study.md.jinja").render(summary=summary, word=word, gloss=gloss, words=WORDS)
