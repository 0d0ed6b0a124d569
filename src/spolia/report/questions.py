"""The questions that readers ask, each with its light and the numbers behind it.

A light is an `Outcome`: ``leak`` for evidence, ``none`` for nothing above a bound,
``inconclusive``, and ``no verdict`` where the question was not tested.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

from spolia.core.results import LEAN_LEVEL, MOST_UNSEEN, Outcome, Summary
from spolia.core.review import Estimate, Reviewed
from spolia.report import format as written


@dataclass(frozen=True)
class Answered:
    """One question and what the audit says to it."""

    name: str
    """A word for machines, e.g. ``found-again``."""
    asked: str
    light: Outcome
    answer: str
    """In a few words."""
    because: str
    """The numbers: interval, n, and the control beside them."""


def questions(summary: Summary, reviewed: Reviewed | None = None) -> tuple[Answered, ...]:
    """Return the questions in the order in which they are read.

    Examples
    --------
    >>> from tests.report_samples import LEAK
    >>> for one in questions(LEAK)[:2]:
    ...     print(one.asked, "-", one.answer)
    Can training identities be found again? - Evidence: 212 found
    Is the set as a whole closer to train than to control? - Evidence
    """
    return (
        _found_again(summary),
        _as_a_whole(summary),
        _copies(summary),
        _checks(summary),
        _people(reviewed),
    )


def _found_again(summary: Summary) -> Answered:
    exposed = summary.exposed
    unit = "identities" if exposed is None else exposed.unit
    tell = _teller("found-again", f"Can training {unit} be found again?")
    if exposed is None:
        return tell("no verdict", "Not tested", "It needs a control.")
    numbers = (
        f"Of train {written.in_full(exposed.train)}; of control, at the same similarity, "
        f"{written.in_full(exposed.control)}."
    )
    if summary.outcome == "leak":
        return tell("leak", f"Evidence: {written.thousands(exposed.train.count)} found", numbers)
    if summary.outcome == "none":
        return tell("none", f"None above {written.at_most(exposed.train.high)}", numbers)
    return tell("inconclusive", f"Inconclusive: {_wanted(summary)}", numbers)


def _as_a_whole(summary: Summary) -> Answered:
    tell = _teller("as-a-whole", "Is the set as a whole closer to train than to control?")
    lean = summary.lean
    if lean is None:
        return tell("no verdict", "Not tested", "It needs a control.")
    numbers = (
        f"{written.in_full(lean.share)} of the synthetic images are closer to train, by chance "
        f"{written.percent(lean.expected)}; {written.p_phrase(lean.p)}."
    )
    if summary.negative_control is not None and summary.negative_control.passed is False:
        return tell("inconclusive", "Inconclusive: the negative control failed", numbers)
    if lean.p <= LEAN_LEVEL:
        if summary.outcome == "leak":
            return tell("leak", "Evidence", numbers)
        return tell("inconclusive", "It is: a diffuse leak, or another population", numbers)
    if lean.unseen > MOST_UNSEEN:
        bound = written.at_most(lean.unseen)
        return tell("inconclusive", f"Inconclusive: up to {bound} could be leaks unseen", numbers)
    bound = written.at_most(lean.unseen)
    return tell("none", f"Not seen; at most {bound} of the images are leaks", numbers)


def _copies(summary: Summary) -> Answered:
    tell = _teller("copies", "Does the set show copies of training photos?")
    kinds, exposed = summary.kinds, summary.exposed
    if exposed is None:
        return tell("no verdict", "Not tested", "It needs a control.")
    if summary.outcome == "none":
        bound = written.at_most(exposed.train.high)
        return tell("none", f"None above {bound}", "No finding, so none that is a copy.")
    if summary.outcome != "leak" or kinds is None:
        light: Outcome = "inconclusive" if summary.outcome == "inconclusive" else "no verdict"
        why = "Inconclusive" if light == "inconclusive" else "Not tested"
        return tell(light, why, "The kind of a hit is told where something was found.")
    if kinds.bars is None:
        return tell("no verdict", "Not tested", "Too few pairs of images could be compared for it.")
    copies = [one for one in kinds.counts if one.kind in ("photo copy", "near duplicate")]
    numbers = "Of the exposed, " + "; ".join(
        f"{one.kind} {written.in_full(one.identities)}" for one in copies
    )
    if kinds.control_pairs is not None:
        numbers += f"; of control pairs, by the same rule, {written.in_full(kinds.control_pairs)}"
    found = sum(one.findings for one in copies)
    if found:
        return tell("leak", f"Evidence: {written.thousands(found)} findings", f"{numbers}.")
    return tell("none", "None among the findings", f"{numbers}.")


def _checks(summary: Summary) -> Answered:
    tell = _teller("self-checks", "Do the checks of the audit on itself hold?")
    check, bulk = summary.negative_control, summary.symmetry
    if check is None or bulk is None:
        return tell("no verdict", "Not run", "They need a control of two halves.")
    numbers = (
        f"With half of the control in the place of train {written.thousands(check.found)} of "
        f"{written.thousands(check.n)} were named; of the less similar half of the images "
        f"{written.in_full(bulk.share)} are closer to train, by chance "
        f"{written.percent(bulk.expected)} ({written.p_phrase(bulk.p)})."
    )
    if check.passed is False:
        return tell("inconclusive", "No: no number here can be relied on", numbers)
    if bulk.p <= LEAN_LEVEL:
        return tell("inconclusive", "No: train and control differ where no leak shows", numbers)
    if check.passed is None:
        return tell("no verdict", "The control is too small to check", numbers)
    return tell("none", "They hold", numbers)


def _people(reviewed: Reviewed | None) -> Answered:
    tell = _teller("people", "Do people see it too?")
    estimate = None if reviewed is None else reviewed.leak_rate or reviewed.precision
    if reviewed is None or estimate is None:
        return tell("no verdict", "Not tested", "Nobody has judged a sample of pairs yet.")
    best = estimate.corrected or estimate.seen
    what = "synthetic images" if reviewed.leak_rate else "findings"
    numbers = f"{_estimated(estimate)} of {written.thousands(estimate.population)} {what}."
    if estimate.corrected is None:
        return tell("inconclusive", "Inconclusive: how often they err is not known", numbers)
    if best.low > 0.0:
        return tell("leak", "Evidence", numbers)
    return tell("none", f"None above {written.at_most(best.high)}", numbers)


def _estimated(estimate: Estimate) -> str:
    rate = estimate.corrected or estimate.seen
    return (
        f"{written.percent(rate.value)} ({written.interval(rate)}; from "
        f"{written.thousands(estimate.answered)} judged pairs)"
    )


def _teller(name: str, asked: str) -> Callable[[Outcome, str, str], Answered]:
    def tell(light: Outcome, answer: str, because: str) -> Answered:
        return Answered(name, asked, light, answer, because)

    return tell


def _wanted(summary: Summary) -> str:
    """Say in a few words what would make an inconclusive audit conclusive."""
    if summary.negative_control is not None and summary.negative_control.passed is False:
        return "the negative control failed"
    sizes = {one.role: one for one in summary.sets}
    train, control = sizes["train"].identities, sizes["control"].identities
    most = min(sizes["synthetic"].records, train)
    if summary.smallest is not None and summary.smallest > most:
        more = max(1, math.ceil(train / (summary.fdr * most)) - control)
        return f"needs about {written.thousands(more)} more control identities"
    if summary.lean is not None and MOST_UNSEEN < summary.lean.unseen < 1.0:
        # The bound shrinks as the root of the number of images.
        images = sizes["synthetic"].records
        more = math.ceil(images * ((summary.lean.unseen / MOST_UNSEEN) ** 2 - 1.0))
        return f"needs about {written.thousands(more)} more synthetic images"
    return "the set leans, and nobody can be named"
