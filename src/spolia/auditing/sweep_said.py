"""A study of models in words that can be published as they are."""

from collections.abc import Sequence

from spolia.auditing.sweep_plan import SweepPlan
from spolia.core.rates import Bounded
from spolia.core.results import ModelSummary
from spolia.core.sweep import Changes, Knob, SweptPoint
from spolia.report.sweep_words import at, measure


def sentence_of(vary: Knob, points: Sequence[SweptPoint], changes: Changes | None) -> str:
    """Return what a sweep shows, with the control beside it."""
    first, last = points[0], points[-1]
    of = "person" if first.person is not None else "members"
    who = "The AUC of the repeated person" if of == "person" else "The AUC of members"
    said = f"{who} is {measure(_figure(first, of))} with {at(vary, first.value)}"
    if last is not first:
        said += f" and {measure(_figure(last, of))} with {at(vary, last.value)}"
    moved = None if changes is None else changes.person if of == "person" else changes.members
    if moved is not None:
        said += f", a change of {measure(moved)}"
    return f"{said}; {_control(points)}"


def _figure(point: SweptPoint, of: str) -> Bounded:
    return point.person if of == "person" and point.person is not None else point.members


def _control(points: Sequence[SweptPoint]) -> str:
    held = sum(one.others.low <= 0.5 <= one.others.high for one in points)
    lowest, highest = (f(one.others.value for one in points) for f in (min, max))
    return (
        f"of people who were not trained on, one half against the other, it is {lowest:.3f} to "
        f"{highest:.3f}, and chance (0.5) lies inside {held} of {len(points)} intervals."
    )


def notes_of(plan: SweepPlan, judge: ModelSummary) -> list[str]:
    """Return what a reader must know of the models and the judge."""
    notes = [
        "These models are small and were trained for this study: what they show is how exposure "
        "changes, not how large it is for another generator.",
    ]
    if plan.models < 2:
        notes.append("One model for each value: the intervals know nothing of how models differ.")
    if judge.kind == "copy":
        notes.append(
            f"{judge.name} tells photos apart, not persons: another photo of a member may look "
            "like a stranger's to it."
        )
    return notes
