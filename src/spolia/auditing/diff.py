"""Two releases held against each other: did the new one get better?"""

from dataclasses import dataclass
from pathlib import Path

from spolia.auditing.result import AuditResult, load_result
from spolia.auditing.study_plan import refuse_no_audit
from spolia.core.diff import (
    DIFF_SCHEMA,
    Change,
    Diff,
    Exposed,
    Names,
    Question,
    Release,
    Side,
    Word,
)
from spolia.core.errors import UsageError
from spolia.core.rates import Bounded
from spolia.core.results import Compared, Lean, SetSummary, Summary
from spolia.core.version import VERSION
from spolia.report.difference import difference_in_full
from spolia.report.format import at_most, p_phrase
from spolia.stats.difference import mcnemar_p, paired_difference, unpaired_difference

LEVEL = 0.05
"""Of the test that nothing changed, beside the 95 % interval."""

_ALIKE = 1.1
"""Synthetic sets may differ in size by this factor without a note."""


def diff(a: Path, b: Path, *, names: bool = False) -> Diff:
    """Compare two finished runs of the same train and control under the same judge.

    Parameters
    ----------
    a, b
        Run folders: the old release and the new one.
    names
        Whether to name the training identities that are exposed in either. Personal.

    Raises
    ------
    UsageError
        If the two cannot be compared; says all that differs.
    RunIncomplete
        If one of them is not finished.
    """
    for run in (a, b):
        refuse_no_audit(run, "two audits are compared")
    return compare(load_result(a), load_result(b), names=names)


def compare(a: AuditResult, b: AuditResult, *, names: bool = False) -> Diff:
    """Compare two results, a pure function of both; as `diff`.

    Examples
    --------
    >>> import numpy as np, spolia
    >>> rows = spolia.normalise(np.random.default_rng(0).normal(size=(900, 32)))
    >>> train, control, fresh = (spolia.Embeddings(rows[i::3].copy()) for i in range(3))
    >>> copies = spolia.Embeddings(rows[:90:3].copy())
    >>> clean, leaky = (
    ...     spolia.audit(train=train, control=control, synthetic=one) for one in (fresh, copies)
    ... )
    >>> one = compare(clean, leaky)
    >>> one.word, one.exposed.newly, one.exposed.no_longer
    ('worse', 30, 0)
    """
    first, second = _Asked.of(a, "A"), _Asked.of(b, "B")
    _check_comparable(a, b)
    told = not {a.summary.outcome, b.summary.outcome} & {"inconclusive", "no verdict"}
    found, again = (frozenset(one.identities["identity"].to_pylist()) for one in (a, b))
    counts = Exposed(
        newly=len(again - found),
        no_longer=len(found - again),
        both=len(found & again),
        neither=first.exposed.train.n - len(found | again),
    )
    exposed = _exposed(first, second, counts, told)
    who = Names(*(tuple(sorted(some)) for some in (again - found, found - again, found & again)))
    return Diff(
        schema=DIFF_SCHEMA,
        version=VERSION,
        word=exposed.word,
        sentence=_sentence(exposed, counts),
        notes=tuple(_notes(a.summary, b.summary, told)),
        a=_release(a.summary),
        b=_release(b.summary),
        changes=(
            exposed,
            _unpaired(
                "flagged",
                "synthetic images",
                _side(first.flagged),
                _side(second.flagged),
                told,
            ),
            _unpaired(
                "closer to train",
                "synthetic images",
                _lean_side(first.lean),
                _lean_side(second.lean),
                told,
            ),
        ),
        exposed=counts,
        names=who if names else None,
    )


@dataclass(frozen=True)
class _Asked:
    """What an audit with a control answers."""

    exposed: Compared
    flagged: Compared
    lean: Lean

    @staticmethod
    def of(result: AuditResult, name: str) -> "_Asked":
        one = result.summary
        if one.exposed is None or one.flagged is None or one.lean is None:
            raise UsageError(
                f"releases are compared by what a control shows, but {name} was audited without "
                "one; audit it again with --control"
            )
        return _Asked(one.exposed, one.flagged, one.lean)


def _check_comparable(a: AuditResult, b: AuditResult) -> None:
    """Refuse runs whose numbers would differ for another reason than the synthetic set."""
    one, other = a.summary, b.summary
    pairs: list[tuple[str, object, object]] = [
        ("the judge", _judge(one), _judge(other)),
        ("the asked false discovery rate", one.fdr, other.fdr),
        ("what counts as near-duplicates", a.plan.duplicates, b.plan.duplicates),
    ]
    for role in ("train", "control"):
        first, second = _set(one, role), _set(other, role)
        pairs += [
            (f"the content of {role}", first.fingerprint[:16], second.fingerprint[:16]),
            (f"the records of {role}", first.records, second.records),
            (f"the identities of {role}", first.identities, second.identities),
            (f"whether identities of {role} are known", *_known(first, second)),
        ]
    differ = [f"{what} ({x} in A, {y} in B)" for what, x, y in pairs if x != y]
    if differ:
        raise UsageError(
            "two releases can be compared only if nothing but the synthetic set differs, but "
            f"{'; '.join(differ)}; audit both in the same way"
        )


def _known(first: SetSummary, second: SetSummary) -> tuple[bool, bool]:
    return first.identities_known, second.identities_known


def _judge(one: Summary) -> str:
    return f"{one.model.name} {one.model.fingerprint[:16]}"


def _set(one: Summary, role: str) -> SetSummary:
    return next(each for each in one.sets if each.role == role)


def _exposed(first: _Asked, second: _Asked, counts: Exposed, told: bool) -> Change:
    n = first.exposed.train.n
    difference = paired_difference(counts.both, counts.no_longer, counts.newly, n)
    p = mcnemar_p(counts.no_longer, counts.newly)
    return Change(
        question="exposed",
        unit=first.exposed.unit,
        a=_side(first.exposed),
        b=_side(second.exposed),
        difference=difference,
        p=p,
        word=_word(difference, told=told and p <= LEVEL),
    )


def _unpaired(question: Question, unit: str, a: Side, b: Side, told: bool) -> Change:
    difference = unpaired_difference(a.train, b.train)
    return Change(question, unit, a, b, difference, None, _word(difference, told=told))


def _side(one: Compared) -> Side:
    return Side(one.train, one.control, None)


def _lean_side(one: Lean) -> Side:
    return Side(one.share, None, one.expected)


def _word(difference: Bounded, *, told: bool) -> Word:
    if not told or difference.low <= 0.0 <= difference.high:
        return "cannot tell"
    return "worse" if difference.low > 0.0 else "better"


def _release(one: Summary) -> Release:
    synthetic = _set(one, "synthetic")
    return Release(one.outcome, synthetic.records, synthetic.fingerprint, one.version)


def _sentence(change: Change, counts: Exposed) -> str:
    what = {
        "worse": "More training identities are found again in B than in A",
        "better": "Fewer training identities are found again in B than in A",
        "cannot tell": "Cannot tell whether more or fewer are found again in B than in A",
    }[change.word]
    p = "" if change.p is None else f", {p_phrase(change.p)}"
    said = (
        f"{what}: of {change.a.train.n:,} training {change.unit}, {counts.newly:,} are newly "
        f"found, {counts.no_longer:,} no longer, {counts.both:,} in both "
        f"({difference_in_full(change.difference)}{p})."
    )
    return said.replace("\u00a0", " ")


def _notes(a: Summary, b: Summary, told: bool) -> list[str]:
    notes = []
    if not told:
        notes.append(
            f"A is {a.outcome}, B is {b.outcome}: where an audit has no verdict, no release can be "
            "called better."
        )
    images, others = (_set(one, "synthetic").records for one in (a, b))
    if max(images, others) > _ALIKE * min(images, others):
        notes.append(
            f"A has {images:,} synthetic images, B {others:,}: the more images, the more people "
            "are found in them. Compare samples of one size."
        )
    for name, one in (("A", a), ("B", b)):
        if one.outcome == "none" and one.exposed is not None:
            bound = at_most(one.exposed.train.high).replace("\u00a0", " ")
            notes.append(f"In {name} nobody was found, and up to {bound} may be exposed unseen.")
    if _set(a, "synthetic").fingerprint == _set(b, "synthetic").fingerprint:
        notes.append("Both runs audited the same synthetic images.")
    if a.version != b.version:
        notes.append(
            f"A was audited by spolia {a.version}, B by {b.version}: see Results change in the "
            "changelog, or audit both again."
        )
    return notes
