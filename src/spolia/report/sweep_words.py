"""How a study of models is written."""

from spolia.core.rates import Bounded
from spolia.core.sweep import Knob, Swept

TITLES: dict[Knob, str] = {
    "identities": "How many people are trained on",
    "photos": "How many photos of each",
    "repeated": "How often one person is repeated",
    "steps": "How long it is trained",
    "samples": "How many samples are asked of it",
}

AXES: dict[Knob, str] = {
    "identities": "people trained on",
    "photos": "photos of each that are trained on",
    "repeated": "times that one person is repeated",
    "steps": "steps of training",
    "samples": "samples",
}

HEADS: dict[Knob, str] = {
    "identities": "People",
    "photos": "Photos",
    "repeated": "Times",
    "steps": "Steps",
    "samples": "Samples",
}


def at(vary: Knob, value: int) -> str:
    """Return a value of what is varied.

    >>> at("steps", 2000), at("photos", 1), at("repeated", 20)
    ('2,000 steps', '1 photo of each', 'their photos 20 times')
    """
    if vary == "repeated":
        return "their photos once" if value == 1 else f"their photos {value:,} times"
    one, many = _COUNTED[vary]
    return f"{value:,} {one if value == 1 else many}"


_COUNTED: dict[Knob, tuple[str, str]] = {
    "identities": ("person trained on", "people trained on"),
    "photos": ("photo of each", "photos of each"),
    "steps": ("step", "steps"),
    "samples": ("sample", "samples"),
}


def beside(swept: Swept) -> str:
    """Return what is the same for all values of a sweep, as a sentence."""
    fixed: tuple[tuple[Knob, int], ...] = (
        ("identities", swept.setting.identities),
        ("photos", swept.setting.photos),
        ("steps", swept.setting.steps),
        ("samples", swept.setting.samples),
    )
    said = [at(vary, value) for vary, value in fixed if vary != swept.vary]
    return f"All models: {', '.join(said)}."


def measure(one: Bounded) -> str:
    """Return a number with its interval.

    >>> measure(Bounded(0.8766, 0.8, 0.95))
    '0.877 (0.800 to 0.950)'
    """
    return f"{_number(one.value)} ({_number(one.low)} to {_number(one.high)})"


def _number(value: float) -> str:
    return f"{value:.3f}".replace("-0.000", "0.000").replace("-", "−")
