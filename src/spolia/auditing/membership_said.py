"""What all set-only methods say together: in a word, in a sentence, in notes."""

from collections.abc import Sequence

from spolia.auditing.membership_near import NEAREST
from spolia.auditing.membership_planted import JUDGED_BY, MOST, SHARES
from spolia.auditing.membership_sets import LEAST, Sides
from spolia.auditing.sets import AuditSet
from spolia.core.set_membership import Leaning, Method, Used
from spolia.report.format import level as written
from spolia.report.format import listed, thousands

NO_PROOF = (
    "Membership inference is no proof that a record was trained on: the chance of a false claim "
    "cannot be known without models that were trained without it (Zhang et al., SaTML 2025, "
    "arXiv:2409.19798)."
)
_FEW_SAMPLES = 100
_FAR = 4.0
"""Standard deviations of chance."""


def outcome_of(methods: Sequence[Method]) -> Leaning:
    """Return what the methods say together; one that sees a leak decides."""
    verdicts = {one.verdict for one in methods}
    if "sees a leak" in verdicts:
        return "leak"
    return "none" if "sees none" in verdicts else "inconclusive"


def sentence_of(methods: Sequence[Method], level: float, sides: Sides) -> str:
    """Return the answer as it is printed."""
    asked = f"a chance of {written(level)} for any false one"
    if not methods:
        said = (
            f"Cannot tell: {LEAST} identities are needed of train, of what is held out, and of the "
            f"reference, but there are {_counts(sides.used)}."
        )
    else:
        said = _of_methods(methods, asked)
    return said.replace("\u00a0", " ")


def _counts(used: Sequence[Used]) -> str:
    return listed([f"{thousands(one.identities)} ({one.role})" for one in used])


def _of_methods(methods: Sequence[Method], asked: str) -> str:
    by = {
        verdict: [one.name for one in methods if one.verdict == verdict]
        for verdict in ("sees a leak", "sees none", "blind here")
    }
    blind = f" Blind here: {listed(by['blind here'])}." if by["blind here"] else ""
    if by["sees a leak"]:
        seers, n = by["sees a leak"], len(methods)
        others = [one.name for one in methods if one.verdict != "sees a leak"]
        which = f"all but {listed(others)}" if len(others) < len(seers) else listed(seers)
        return (
            f"The samples lie closer to train than to what was held out: {len(seers)} of {n} "
            f"methods see it ({which if others else 'all'}), at {asked}.{blind}"
        )
    if by["sees none"]:
        return f"None of {len(methods)} methods sees a leak, at {asked}.{blind}"
    return (
        f"Cannot tell: none of {len(methods)} methods sees a leak, and none would see it if "
        f"{written(SHARES[-1])} of the samples were copies ({JUDGED_BY})."
    )


def notes_of(
    sides: Sides, synthetic: AuditSet, threshold: float | None, methods: Sequence[Method]
) -> list[str]:
    """Return what a reader must know of the sets, the judge and the methods."""
    notes = [NO_PROOF]
    if threshold is None:
        notes.append(
            "Near-duplicates were not searched for. Where train has some, the one-third ratio and "
            "authenticity see nothing."
        )
    of_sets = [*_of_synthetic(synthetic), *_of_sides(sides)]
    return [*notes, *of_sets, *_not_alike(methods), *_refused(methods)]


def _of_synthetic(synthetic: AuditSet) -> list[str]:
    judge, n = synthetic.model, len(synthetic)
    notes = []
    if judge.kind == "unknown":
        notes.append("It is not known what made the embeddings, and what a small distance means.")
    if judge.kind == "identity":
        notes.append(
            f"{judge.name} tells persons: what is near is a photo of somebody alike, and need not "
            "be the same photo."
        )
    if n < _FEW_SAMPLES:
        notes.append(f"The synthetic set has {n:,} images, which betray little.")
    if n > MOST:
        notes.append(f"Leaks were planted in {MOST:,} of the {n:,} synthetic records.")
    return notes


def _of_sides(sides: Sides) -> list[str]:
    notes = [
        f"{one.surplus:,} records of {one.role} were not looked at: an identity enters with as "
        "many as half of the identities on both sides have."
        for one in sides.used
        if one.surplus
    ]
    most = max(round(one.records / one.identities) for one in sides.used)
    if most > NEAREST // 8:
        notes.append(
            f"Identities have {most} records each; of the {NEAREST} nearest many are of one "
            "identity, so that distances to second ones are lower bounds."
        )
    return notes


def _not_alike(methods: Sequence[Method]) -> list[str]:
    """Say so where train gives far less than what was held out: no leak does that."""
    less = [one.name for one in methods if one.excess.value < -_FAR * one.spread]
    if not less:
        return []
    return [
        f"Train gives far less than what was held out by {listed(less)}: the two are not alike, in "
        "population or in near-duplicates, and no method can be trusted."
    ]


def _refused(methods: Sequence[Method]) -> list[str]:
    levels = {
        fpr for one in methods if one.separation is not None for fpr in one.separation.refused
    }
    if not levels:
        return []
    told = listed([written(one).replace("\u00a0", " ") for one in sorted(levels, reverse=True)])
    return [f"Too few identities are held out to tell of false positive rates of {told}."]
