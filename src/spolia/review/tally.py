"""The tally: from decisions to numbers that can be published."""

from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np

from spolia.auditing.reviewed import FILE
from spolia.core.rates import Rate
from spolia.core.review import (
    ANSWERS,
    REVIEW_SCHEMA,
    Agreed,
    Answers,
    Estimate,
    Reviewed,
    Reviewer,
    Stratum,
)
from spolia.core.types import Int64
from spolia.core.version import VERSION
from spolia.report.summary_json import write_record
from spolia.review.notes import notes_of
from spolia.review.said import (
    Log,
    Said,
    Words,
    count,
    known,
    open_tasks,
    read_log,
    sampled,
)
from spolia.stats.kappa import MISSING, cohen_kappa, krippendorff_alpha
from spolia.stats.rates import exact_rate
from spolia.stats.review import comparable, estimate
from spolia.store.atomic import write_text

TOGETHER = "together"


def tally(run: Path) -> Reviewed | None:
    """Return what was said of a run's pairs, in numbers; ``None`` where nothing was.

    Raises
    ------
    UsageError
        If a deck or the log of decisions cannot be read.
    """
    log = read_log(run)
    if not log.names:
        return None
    drawn, triage = log.said.get("estimate"), log.said.get("triage")
    triaged = Answers(0, 0, 0, 0)
    if triage is not None:
        triaged = count(triage.deck.tasks, triage.together())
    if drawn is None:
        reviewed = replace(_nothing(log), triaged=triaged)
    else:
        reviewed = _counted(drawn, log, triaged)
    return replace(reviewed, notes=notes_of(reviewed, drawn))


def write_review(run: Path) -> Reviewed | None:
    """Tally a run and keep the numbers in its folder as ``review.json``.

    ``None`` where nobody has answered a pair of it: then nothing is written.
    """
    reviewed = tally(run)
    if reviewed is not None:
        write_text(run / FILE, write_record(reviewed))
    return reviewed


def _nothing(log: Log) -> Reviewed:
    """Return a review without a sample."""
    question = next(one.deck.question for one in log.said.values())
    return Reviewed(
        schema=REVIEW_SCHEMA,
        version=VERSION,
        question=question,
        reviewers=(),
        strata=(),
        precision=None,
        leak_rate=None,
        agreement=(),
        alpha=None,
        disagreements=0,
        drawn=0,
        answered=0,
        triaged=Answers(0, 0, 0, 0),
        notes=(),
    )


def _counted(drawn: Said, log: Log, triaged: Answers) -> Reviewed:
    """Return what the answers on a sample say."""
    tasks, words = open_tasks(drawn.deck), drawn.together()
    unsettled = {one.token for one in drawn.unsettled}
    return replace(
        _nothing(log),
        reviewers=_reviewers(drawn, log.names),
        strata=_strata(drawn, words),
        precision=_estimate(drawn, findings_only=True),
        leak_rate=_estimate(drawn, findings_only=False),
        agreement=_agreement(drawn, log.names),
        alpha=_alpha(drawn),
        disagreements=sum(one.token in unsettled for one in tasks),
        drawn=len(tasks),
        answered=sum(one.token in words for one in tasks),
        triaged=triaged,
    )


def _reviewers(drawn: Said, names: dict[str, str]) -> tuple[Reviewer, ...]:
    each = [(names[name], words) for name, words in drawn.by_reviewer.items()]
    if len(each) > 1:
        each.append((TOGETHER, drawn.together()))
    return tuple(_reviewer(name, drawn, words) for name, words in each)


def _reviewer(name: str, drawn: Said, words: Words) -> Reviewer:
    told = known(drawn.deck, words)
    return Reviewer(
        name=name,
        answers=count(open_tasks(drawn.deck), words),
        known_same=_share(told.same.same, told.same),
        known_different=_share(told.different.different, told.different),
    )


def _share(right: int, answers: Answers) -> Rate | None:
    n = comparable(answers)
    return exact_rate(right, n) if n else None


def _strata(drawn: Said, words: Words) -> tuple[Stratum, ...]:
    strata = sampled(drawn.deck, words)
    shown = [one.stratum for one in drawn.deck.tasks]
    return tuple(
        Stratum(
            findings=part.findings,
            low=part.low,
            high=part.high,
            population=part.population,
            drawn=shown.count(number),
            answered=comparable(one.answers),
            same=one.answers.same,
            unsure=one.answers.unsure,
        )
        for number, (part, one) in enumerate(zip(drawn.deck.parts, strata, strict=True))
    )


def _estimate(drawn: Said, *, findings_only: bool) -> Estimate | None:
    """Return the share of the findings, or of all pairs, that show the same."""
    found = _of_words(drawn, drawn.together(), findings_only)
    if found is None or _alike_settled(drawn):
        return found
    # Settling some pairs, and not those whose truth is known, changes how often the pairs are
    # mistaken in a way that nothing measures; so the correction is of what was said before.
    before = _of_words(drawn, drawn.together(settled=False), findings_only)
    return replace(found, corrected=None if before is None else before.corrected)


def _of_words(drawn: Said, words: Words, findings_only: bool) -> Estimate | None:
    parts = drawn.deck.parts
    strata = [
        one
        for part, one in zip(parts, sampled(drawn.deck, words), strict=True)
        if part.findings or not findings_only
    ]
    # The known pairs are about as alike as the findings are; the others are less so.
    return estimate(strata, known(drawn.deck, words), less_alike=not findings_only)


def _alike_settled(drawn: Said) -> bool:
    """Tell whether differences on known pairs were settled as those on the others were."""
    settled = any(one.token in drawn.decided for one in drawn.disputed)
    return not settled or all(one.truth == "open" for one in drawn.unsettled)


def _agreement(drawn: Said, names: dict[str, str]) -> tuple[Agreed, ...]:
    answers = _numbers(drawn)
    found = []
    for (i, first), (j, second) in combinations(enumerate(drawn.by_reviewer), 2):
        both = (answers[i] != MISSING) & (answers[j] != MISSING)
        one, other = answers[i][both], answers[j][both]
        if one.size:
            rate = exact_rate(int(np.count_nonzero(one == other)), one.size)
            found.append(Agreed(names[first], names[second], rate, cohen_kappa(one, other)))
    return tuple(found)


def _alpha(drawn: Said) -> float | None:
    return krippendorff_alpha(_numbers(drawn)) if len(drawn.by_reviewer) > 1 else None


def _numbers(drawn: Said) -> Int64:
    """Return what each reviewer said of the pairs whose truth is open, ``(reviewers, pairs)``."""
    number = {answer: i for i, answer in enumerate(ANSWERS)}
    return np.array(
        [
            [
                number[words[t.token]] if t.token in words else MISSING
                for t in open_tasks(drawn.deck)
            ]
            for words in drawn.by_reviewer.values()
        ],
        dtype=np.int64,
    )
