"""The verdict in words and numbers that can be published as they are."""

from spolia.auditing.instrument import judge_notes
from spolia.auditing.plan import Plan
from spolia.auditing.sets import AuditSet
from spolia.auditing.verdict import Verdict
from spolia.core.rates import Rate
from spolia.core.results import EXIT_CODES, LEAN_LEVEL, SCHEMA, Distribution, Kind, Summary
from spolia.core.version import VERSION, packages
from spolia.report.format import at_most, interval, level, p_phrase, percent

_ALIKE = 1.25
"""Photos per identity of train and control may differ by this factor without a note."""

_CAN_TELL: dict[Kind, str] = {
    "copy": "It sees copies and near duplicates of a photo; a new photo of the same person it "
    "does not see.",
    "identity": "It sees the same person in another photo; relatives and look-alikes may be close.",
    "unknown": "What its similarity means is not known to spolia.",
}


def summarise(
    plan: Plan,
    sets: dict[str, AuditSet],
    distribution: Distribution,
    verdict: Verdict | None,
    ties: int,
) -> Summary:
    """Put an audit into its publishable summary; ``verdict`` is ``None`` without a control."""
    model = sets["synthetic"].model
    outcome = "no verdict" if verdict is None else verdict.outcome
    return Summary(
        schema=SCHEMA,
        version=VERSION,
        outcome=outcome,
        exit_code=EXIT_CODES[outcome],
        sentence=_plain(_sentence(plan, sets, verdict)),
        notes=tuple(_plain(one) for one in _notes(plan, sets, verdict, ties)),
        fdr=plan.fdr,
        seed=plan.seed,
        ratio=verdict.ratio if verdict else None,
        smallest=verdict.smallest if verdict else None,
        threshold=verdict.decision.threshold if verdict else None,
        rule=verdict.rule if verdict else None,
        named_any_dependence=verdict.named_any_dependence if verdict else None,
        curve=verdict.curve if verdict else (),
        levels=verdict.levels if verdict else (),
        exposed=verdict.exposed if verdict else None,
        flagged=verdict.flagged if verdict else None,
        lean=verdict.lean if verdict else None,
        negative_control=verdict.negative_control if verdict else None,
        symmetry=verdict.symmetry if verdict else None,
        power=verdict.power if verdict else (),
        distribution=distribution,
        sets=tuple(one.summary for one in sets.values()),
        model=model,
        tested=_tested(sets),
        not_tested=_not_tested(sets),
        packages=packages(),
    )


def _sentence(plan: Plan, sets: dict[str, AuditSet], verdict: Verdict | None) -> str:
    synthetic, train = sets["synthetic"], sets["train"]
    images = _count(synthetic)
    if verdict is None:
        return (
            f"No verdict: without a control, similarity cannot tell a leak from a look-alike; "
            f"the closest pairs of {images} and {_count(train)} are ranked."
        )
    rate = f"a false discovery rate of {level(plan.fdr)}"
    exposed = verdict.exposed
    if verdict.outcome == "leak":
        control = exposed.control
        return (
            f"Leak found: {exposed.train.count:,} of {_count(train)} "
            f"({_share(exposed.train)}) were found again in {images} at {rate}; at the same "
            f"similarity, {control.count:,} of {_count(sets['control'])} "
            f"({_share(control)})."
        )
    if verdict.outcome == "none":
        return (
            f"No leak found: none of {_count(train)} was found again in {images} at {rate}; "
            f"{_unseen(verdict)}, if a leaked image is always closer to train than to control."
        )
    return f"Inconclusive: {_why_inconclusive(plan, sets, verdict)}"


def _unseen(verdict: Verdict) -> str:
    """Bound what was missed in training identities, or where that bounds nothing, in images."""
    if verdict.exposed.train.high < 0.999:
        bound = at_most(verdict.exposed.train.high)
        return f"at most {bound} of them (95 % bound) can be exposed unseen"
    bound = at_most(verdict.flagged.train.high)
    return (
        f"at most {bound} of the synthetic images (95 % bound) can be leaks unseen, enough to "
        "expose any of them"
    )


def _why_inconclusive(plan: Plan, sets: dict[str, AuditSet], verdict: Verdict) -> str:
    check = verdict.negative_control
    if check is not None and check.passed is False:
        return (
            f"the negative control failed. With half of the control in the place of train, "
            f"{check.found:,} of {check.n:,} identities were named at a false discovery rate of "
            f"{level(plan.fdr)}, where none leaked; no number of this audit can be relied on."
        )
    samples = verdict.contest.won_by_train.size
    if check is None or min(samples, verdict.decision.found.size) < verdict.smallest:
        return (
            f"with {_count(sets['control'])} as control, at least {verdict.smallest:,} training "
            f"identities must be exposed to be named at {level(plan.fdr)}, more than "
            f"{_count(sets['synthetic'])} and {_count(sets['train'])} can show; use a larger "
            "control or synthetic set."
        )
    if verdict.lean_to_control.p <= LEAN_LEVEL:
        other = verdict.lean_to_control
        return (
            f"{percent(other.share.value)} of {_count(sets['synthetic'])} "
            f"({interval(other.share)}) are closer to control than to train, where "
            f"{percent(other.expected)} are expected ({p_phrase(other.p)}): the control is not of "
            "the same population as train, or it was used to make the synthetic set."
        )
    lean = verdict.lean
    if lean.p > LEAN_LEVEL and lean.unseen >= 1.0 and lean.share.high < 1.0:
        return (
            f"{percent(lean.share.value)} of {_count(sets['synthetic'])} ({interval(lean.share)}) "
            "are closer to train than to control, fewer than their sizes make likely, so that "
            "nothing can be said of what was missed: the control may not be of the same "
            "population as train."
        )
    if lean.p > LEAN_LEVEL:
        return (
            f"nothing was named, but {at_most(lean.unseen)} of {_count(sets['synthetic'])} (95 % "
            "bound) could be leaks unseen; use larger sets."
        )
    return (
        f"no single identity can be named at {level(plan.fdr)}, but {percent(lean.share.value)} "
        f"of {_count(sets['synthetic'])} ({interval(lean.share)}) are closer to train than to "
        f"control, where {percent(lean.expected)} are expected ({p_phrase(lean.p)}): the generator "
        "leaks diffusely, or the control is not of the same population."
    )


def _notes(plan: Plan, sets: dict[str, AuditSet], verdict: Verdict | None, ties: int) -> list[str]:
    notes = [
        f"{one.role}: {_images(one.summary.unreadable)} could not be read and left out."
        for one in sets.values()
        if one.summary.unreadable
    ]
    notes += [
        f"{one.role}: {_images(one.summary.blank)} with no structure to compare, left out."
        for one in sets.values()
        if one.summary.blank
    ]
    if verdict is None:
        return notes
    notes += judge_notes(plan, sets["train"].model)
    notes += _control_notes(sets, ties)
    if verdict.exposed.train.count == 0 and verdict.exposed.control.count > 0:
        notes.append(
            f"With train and control exchanged, {verdict.exposed.control.count:,} control "
            "identities are named: were the two sets swapped, or was the generator trained on "
            "the control?"
        )
    other = verdict.lean_to_control
    if verdict.outcome != "inconclusive" and other.p <= LEAN_LEVEL:
        notes.append(
            f"The set as a whole is closer to control: {_share(other.share)}, against "
            f"{percent(other.expected)} expected, {p_phrase(other.p)}. The control may not be of "
            "the same population as train."
        )
    lean = verdict.lean
    if verdict.outcome == "leak" and lean.p <= LEAN_LEVEL:
        notes.append(
            f"The set as a whole is closer to train as well: {_share(lean.share)}, against "
            f"{percent(lean.expected)} expected, "
            f"{p_phrase(lean.p)}."
        )
    if verdict.smallest > 1:
        notes.append(
            f"At {level(plan.fdr)} and with this control, fewer than {verdict.smallest:,} "
            "exposed identities cannot be named, however similar they are."
        )
    return notes


def _control_notes(sets: dict[str, AuditSet], ties: int) -> list[str]:
    train, control = sets["train"], sets["control"]
    notes = []
    per_train = len(train) / len(train.identities)
    per_control = len(control) / len(control.identities)
    if max(per_train, per_control) > _ALIKE * min(per_train, per_control):
        notes.append(
            f"Train has {per_train:.2f} images per identity, control {per_control:.2f}: a control "
            "of the same population should have as many. The smaller size ratio was used."
        )
    if train.summary.identities_known != control.summary.identities_known:
        notes.append(
            "Identities are known in only one of train and control: where several images show one "
            "person, the two are not counted alike. Set --identities for both."
        )
    if train.summary.identities_known and control.summary.identities_known:
        shared = len(set(train.identities) & set(control.identities))
        if shared:
            notes.append(
                f"{shared:,} identity names occur in both train and control: if they are the same "
                "people, the control was seen in training and hides their leaks."
            )
    if ties:
        notes.append(
            f"{_images(ties)} of the synthetic set exactly as close to control as to train: the "
            "two sets seem to share images. Counted for control."
        )
    return notes


def _tested(sets: dict[str, AuditSet]) -> tuple[str, ...]:
    synthetic, model = sets["synthetic"], sets["synthetic"].model
    references = [one for role, one in sets.items() if role != "synthetic"]
    against = " and ".join(one.role for one in references)
    pairs = len(synthetic) * sum(len(one) for one in references)
    return (
        f"Every synthetic record was compared with every record of {against}, {pairs:,} pairs in "
        "all, exactly; nothing was sampled.",
        f"The comparison was made by {model.name}. {_CAN_TELL[model.kind]}",
    )


def _not_tested(sets: dict[str, AuditSet]) -> tuple[str, ...]:
    kind = sets["synthetic"].model.kind
    untested = [
        "What the generator gives away beyond this synthetic set: other samples may leak more.",
        "Attacks that query the generator or use its weights.",
    ]
    if kind != "identity":
        untested.append("Whether a person appears in a new photo: that needs a face embedder.")
    if kind != "copy":
        untested.append("Whether a photo was copied: that needs a copy descriptor such as dct.")
    if "control" not in sets:
        untested.append("Whether any pair is a leak: that needs a control.")
    else:
        untested.append(
            "Whether the control is of the same population as train; the verdict rests on it."
        )
    return tuple(untested)


def _count(one: AuditSet) -> str:
    """Count what a set is counted in, e.g. ``898 training identities``."""
    if one.role == "synthetic":
        return f"{len(one):,} synthetic images"
    adjective = "training" if one.role == "train" else one.role
    # Where identities are unknown, near-duplicates are one.
    if not one.summary.identities_known and len(one.identities) < len(one):
        adjective = f"distinct {adjective}"
    return f"{len(one.identities):,} {adjective} {one.noun}"


def _images(count: int) -> str:
    return f"{count:,} image{'' if count == 1 else 's'}"


def _share(rate: Rate) -> str:
    return f"{percent(rate.value)}, {interval(rate)}"


def _plain(text: str) -> str:
    """Write ordinary spaces, so that the sentence can be searched for."""
    return text.replace("\u00a0", " ")
