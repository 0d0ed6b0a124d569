"""What the judge may have seen before: a network knows the people it was trained on."""

import re

from spolia.auditing.plan import Plan
from spolia.core.results import ModelSummary
from spolia.report.format import listed

_SHORTEST = 3
"""Names of sets with fewer letters are in too many paths to say anything."""


def judge_notes(plan: Plan, model: ModelSummary) -> list[str]:
    """Warn, from what its card says, that the judge may know train or control.

    A network is surer of people it was trained on. Where these are in train and not in control, or
    the reverse, the two do not compete on equal terms, and no number of the audit can tell.

    Examples
    --------
    >>> plan = Plan("/data/casia/train", "/data/made", "/data/others", "face.toml")
    >>> judge = ModelSummary("face", "identity", "MIT", None, "here", ("CASIA", "MS1M"), "")
    >>> print(*judge_notes(plan, judge))
    The judge was trained on CASIA, which train seems to be of: it knows these people, ...
    """
    if not model.trained_on:
        if model.kind != "identity":
            return []
        return [
            f"What {model.name} was trained on is not known. If it knows the people of one of "
            "train and control and not of the other, they do not compete on equal terms."
        ]
    places = {"train": plan.train, "control": plan.control}
    alike = {
        role: [name for name in model.trained_on if _named_in(name, place)]
        for role, place in places.items()
        if place is not None and not place.startswith("memory:")
    }
    seen = {role: names for role, names in alike.items() if names}
    if seen:
        return [
            f"The judge was trained on {listed(names)}, which {role} seems to be of: it knows "
            "these people, and a synthetic image may look like one of them to it for that reason "
            "alone. Use another judge."
            for role, names in seen.items()
        ]
    return [
        f"The judge was trained on {listed(list(model.trained_on))}. If people of train are in "
        "there and those of control are not, or the reverse, they do not compete on equal terms."
    ]


def _named_in(name: str, place: str) -> bool:
    wanted = _letters(name)
    return len(wanted) >= _SHORTEST and wanted in _letters(place)


def _letters(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "", text.casefold())
