"""How exposure changes with what a generator is trained on, as models made for it show."""

from dataclasses import dataclass
from typing import Literal

from spolia.core.rates import Bounded, Rate
from spolia.core.results import ModelSummary, SetSummary

SWEEP_SCHEMA = "spolia-sweep/1"
"""Version of `SweepSummary` as JSON; grows when a field changes its meaning."""

Knob = Literal["identities", "photos", "repeated", "steps", "samples"]
"""What can be varied."""


@dataclass(frozen=True)
class Setting:
    """What decides a model and how it is asked, but for who is drawn."""

    identities: int
    """People who are trained on."""
    photos: int
    """Photos of each that are trained on."""
    repeated: int
    """How often the photos of one of these people are trained on; the others' once."""
    steps: int
    """Steps of training."""
    samples: int
    """Images that are sampled."""


@dataclass(frozen=True)
class SweptModel:
    """One model, asked about people it was trained on and people it was not."""

    number: int
    """From 1; models of one number are of the same people, as far as the setting allows."""
    members: Bounded
    """AUC of those who were trained on, in other photos, against those who were not."""
    others: Bounded
    """The control: AUC of half of those who were not against the other half."""
    hits: Rate | None
    """Share of the members who score more than all but 1 % of the others; null under 100 others."""
    low: Rate
    """Share of the first half of the others with p at most .05 beside the second; by chance at most
    .05."""
    copies: Rate
    """Share of the samples that are far closer, by pixels, to one trained image than to others."""
    chance: Rate
    """The same with photos of people who were not trained on, as many where there are."""
    person: float | None
    """Share of the others whom the repeated person scores more than, ties half; null if nobody is
    repeated in this sweep."""


@dataclass(frozen=True)
class SweptPoint:
    """One value of what is varied: means over its models."""

    value: int
    members: Bounded
    others: Bounded
    hits: Bounded | None
    low: Rate
    copies: Bounded
    chance: Bounded
    person: Bounded | None
    models: tuple[SweptModel, ...]


@dataclass(frozen=True)
class Changes:
    """From the first value to the last, model by model."""

    members: Bounded
    others: Bounded
    person: Bounded | None


@dataclass(frozen=True)
class Swept:
    """One sweep."""

    vary: Knob
    setting: Setting
    """What is the same for all values; what is varied has its first value."""
    sentence: str
    points: tuple[SweptPoint, ...]
    changes: Changes | None
    """Null with one value or one model for each."""
    memorised: int | None
    """Effective model memorisation: the most people of whose images at least 90 % of the samples
    are copies; null where there are none, or something else is varied."""


@dataclass(frozen=True)
class Trainer:
    """The models that were trained."""

    family: str
    side: int
    """Height and width of what they are trained on and make, in pixels."""


@dataclass(frozen=True)
class SweepSummary:
    """A study of models trained on purpose, without names."""

    schema: str
    version: str
    notes: tuple[str, ...]
    seed: int
    models: int
    """Trained for each value."""
    non_members: int
    """Identities that no model was trained on."""
    asked: int
    """Photos of each identity that it is asked about with, never trained on."""
    training: Trainer
    source: SetSummary
    """The labelled set from which people are drawn."""
    model: ModelSummary
    """The judge."""
    any_judge: bool
    sweeps: tuple[Swept, ...]
