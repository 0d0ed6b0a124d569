"""A study in words and numbers that can be published as they are."""

from collections.abc import Mapping
from itertools import combinations

from spolia.auditing.instrument import judge_notes
from spolia.auditing.result import AuditResult
from spolia.auditing.study_plan import StudyPlan
from spolia.core.results import EXIT_CODES, Outcome
from spolia.core.study import (
    STUDY_SCHEMA,
    WORST_FIRST,
    Cell,
    Judge,
    StudiedSet,
    StudySummary,
    Together,
    worst,
)
from spolia.core.version import VERSION
from spolia.report.format import in_full, level, listed, percent, thousands

_WORDS: dict[Outcome, str] = {
    "leak": "leak found",
    "none": "nothing found",
    "inconclusive": "inconclusive",
    "no verdict": "no verdict",
}


def summarise_set(
    name: str, results: Mapping[str, AuditResult], together: Together | None
) -> StudiedSet:
    """Put the audits of one set under its judges into what can be published."""
    outcome = worst(one.summary.outcome for one in results.values())
    return StudiedSet(
        name=name,
        outcome=outcome,
        exit_code=EXIT_CODES[outcome],
        sentence=_plain(_sentence(results, together, outcome)),
        cells=tuple(_cell(judge, one) for judge, one in results.items()),
        together=together,
    )


def summarise_study(
    plan: StudyPlan, sets: tuple[StudiedSet, ...], results: Mapping[str, AuditResult]
) -> StudySummary:
    """Put a study into its publishable summary; ``results`` are one set's audits by judge."""
    outcome = worst(one.outcome for one in sets)
    judges = tuple(Judge(name, one.summary.model) for name, one in results.items())
    return StudySummary(
        schema=STUDY_SCHEMA,
        version=VERSION,
        outcome=outcome,
        exit_code=EXIT_CODES[outcome],
        sentence=_plain(_overall(sets, len(judges))),
        notes=tuple(_plain(one) for one in _notes(plan, sets, judges)),
        fdr=plan.shared.fdr,
        seed=plan.shared.seed,
        judges=judges,
        sets=sets,
    )


def _cell(judge: str, result: AuditResult) -> Cell:
    summary = result.summary
    return Cell(
        judge=judge,
        outcome=summary.outcome,
        exit_code=summary.exit_code,
        sentence=summary.sentence,
        exposed=summary.exposed,
        flagged=summary.flagged,
        lean=summary.lean,
        negative_control=summary.negative_control,
        sets=summary.sets,
    )


def _sentence(
    results: Mapping[str, AuditResult], together: Together | None, outcome: Outcome
) -> str:
    first = next(iter(results.values())).summary
    if len(results) == 1:
        return first.sentence
    by = {
        word: [judge for judge, one in results.items() if one.summary.outcome == word]
        for word in WORST_FIRST
    }
    if outcome == "none":
        return f"No leak found by any of {len(results)} judges: {listed(by['none'])}."
    if outcome == "no verdict":
        return "No verdict: there is no control, so that no judge can tell a leak from chance."
    if outcome == "inconclusive":
        clean = f"; {listed(by['none'])} found nothing" if by["none"] else ""
        return (
            f"Inconclusive: no leak was found, but {listed(by['inconclusive'])} cannot say{clean}."
        )
    start = f"Leak found by {listed(by['leak'])} ({len(by['leak'])} of {len(results)} judges)"
    if together is None:
        return (
            f"{start}, but a judge failed its negative control, so that what they say is not put "
            "together."
        )
    unit, rate = together.exposed.unit, f"a false discovery rate of {level(first.fdr)}"
    if together.exposed.train.count == 0:
        return (
            f"{start}; but at {rate} for all judges together, their joint score names none of "
            f"{thousands(together.exposed.train.n)} training {unit}, and their lists at "
            f"{percent(first.fdr / len(results))} each name "
            f"{thousands(together.any_judge.count)}."
        )
    return (
        f"{start}: together they name {in_full(together.exposed.train)} of the training {unit} "
        f"at {rate}; at the same joint score, {in_full(together.exposed.control)} of the control "
        f"{unit}."
    )


def _overall(sets: tuple[StudiedSet, ...], judges: int) -> str:
    if len(sets) == 1:
        return sets[0].sentence
    by = {word: [one.name for one in sets if one.outcome == word] for word in WORST_FIRST}
    parts = [f"{_WORDS[word]}: {listed(names)}" for word, names in by.items() if names]
    under = f", each under {judges} judges" if judges > 1 else ""
    return f"{_capital('; '.join(parts))} ({len(sets)} synthetic sets against one train{under})."


def _notes(plan: StudyPlan, sets: tuple[StudiedSet, ...], judges: tuple[Judge, ...]) -> list[str]:
    rate = level(plan.shared.fdr)
    notes = []
    if len(sets) > 1:
        notes.append(
            f"Each of the {len(sets)} sets is judged by itself at {rate}: nothing is corrected for "
            "their number. Of many sets one looks best or worst by chance; quote all of them."
        )
    notes += _judges_notes(plan, judges)
    if len(judges) > 1 and plan.shared.control is not None:
        notes.append(
            f"Each judge by itself keeps a false discovery rate of {rate}; their lists taken as "
            "one may not. The list named together keeps it, however the judges depend on each "
            f"other. So do the judges' lists at {percent(plan.shared.fdr / len(judges))} each, "
            "taken as one."
        )
    for studied in sets:
        failed = [
            cell.judge
            for cell in studied.cells
            if cell.negative_control is not None and cell.negative_control.passed is False
        ]
        if failed:
            notes.append(f"{studied.name}: the negative control of {listed(failed)} failed.")
    if len({_compared(cell) for cell in sets[0].cells}) > 1:
        notes.append(
            "The judges do not compare the same number of training and control identities: some "
            "images have no structure for one of them."
        )
    return notes


def _judges_notes(plan: StudyPlan, judges: tuple[Judge, ...]) -> list[str]:
    notes = []
    for place, judge in zip(plan.judges, judges, strict=True):
        if plan.shared.control is not None:
            cell = plan.cell(plan.sets[0], place)
            notes += [f"{judge.name}: {one}" for one in judge_notes(cell, judge.model)]
    for one, other in combinations(judges, 2):
        shared = _trained_alike(one, other)
        if shared:
            notes.append(
                f"{one.name} and {other.name} were trained on the same images ({listed(shared)}): "
                "they are not independent, and what both say is not said twice."
            )
    return notes


def _trained_alike(one: Judge, other: Judge) -> list[str]:
    theirs = {name.casefold() for name in other.model.trained_on}
    return [name for name in one.model.trained_on if name.casefold() in theirs]


def _compared(cell: Cell) -> tuple[int, ...]:
    return tuple(one.identities for one in cell.sets if one.role != "synthetic")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _plain(text: str) -> str:
    """Write ordinary spaces, so that the sentence can be searched for."""
    return text.replace("\u00a0", " ")
