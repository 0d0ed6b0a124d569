"""What a study of models asks for, as a file says it."""

import difflib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, cast, get_args

import tomli_w

from spolia.auditing.plan import read_toml
from spolia.core.errors import UsageError
from spolia.core.sweep import Knob, Setting
from spolia.lab.settings import Settings

KNOBS: tuple[Knob, ...] = get_args(Knob)

_LEAST_OTHERS = 20
_USUAL = {
    "identities": 40,
    "photos": 2,
    "repeated": 1,
    "steps": Settings.steps,
    "samples": 1000,
}


@dataclass(frozen=True)
class Training:
    """The models that are trained; see `spolia.lab`."""

    family: str = "ddpm"
    side: int = 64


@dataclass(frozen=True)
class Sweep:
    """One thing that is varied, and what is the same meanwhile."""

    vary: Knob
    values: tuple[int, ...]
    setting: Setting

    def at(self, value: int) -> Setting:
        """Return the setting at one value.

        >>> Sweep("photos", (1, 2), Setting(10, 1, 1, 3000, 1000)).at(2).photos
        2
        """
        changed: dict[str, int] = {self.vary: value}
        return replace(self.setting, **changed)

    @property
    def most(self) -> Setting:
        """The most people and photos that any value takes."""
        return self.at(max(self.values))


@dataclass(frozen=True)
class SweepPlan:
    """Everything that decides a study's numbers, apart from the images themselves."""

    source: str
    """A labelled set."""
    sweeps: tuple[Sweep, ...]
    embedder: str = "dct"
    any_judge: bool = False
    seed: int = 0
    models: int = 3
    """Trained for each value, on people drawn anew."""
    non_members: int = 100
    """Identities that no model is trained on."""
    asked: int = 1
    """Photos of each identity that are kept back, to ask with."""
    training: Training = field(default=Training())

    def to_toml(self) -> str:
        """Return the plan as a file says it."""
        table = asdict(self)
        table["sweep"] = [
            {"vary": one["vary"], "values": one["values"]}
            | {k: v for k, v in one["setting"].items() if k != one["vary"]}
            for one in table.pop("sweeps")
        ]
        return tomli_w.dumps(table)


def read_sweep_plan(path: Path) -> SweepPlan:
    """Read a plan; paths in it are taken from where the file lies.

    Raises
    ------
    UsageError
        If the file cannot be read, or asks for what there is not.
    """
    try:
        table = read_toml(path)
    except FileNotFoundError:
        raise UsageError(f"there is no plan {path}; write one (docs/howto/sweep.md)") from None
    plan = sweep_plan(table, str(path))
    return replace(
        plan,
        source=_from(path, plan.source),
        embedder=_from(path, plan.embedder) if plan.embedder.endswith(".toml") else plan.embedder,
    )


def sweep_plan(table: Mapping[str, Any], name: str) -> SweepPlan:
    """Return the plan that a table says; ``name`` is what a message calls it.

    Raises
    ------
    UsageError
        If it asks for what there is not.

    Examples
    --------
    >>> plan = sweep_plan(
    ...     {"source": "faces", "sweep": [{"vary": "photos", "values": [1, 2], "identities": 9}]},
    ...     "plan",
    ... )
    >>> plan.sweeps[0].at(2)
    Setting(identities=9, photos=2, repeated=1, steps=3000, samples=1000)
    """
    given = dict(table)
    sweeps = given.pop("sweep", [])
    training = given.pop("training", {})
    if not isinstance(sweeps, list) or not sweeps:
        raise UsageError(f"{name} must have at least one [[sweep]], but has none")
    trained = Training(**_fields(Training, training, f"{name}, training"))
    Settings(family=trained.family, side=trained.side)  # refuses what cannot be trained
    plan = SweepPlan(
        **_fields(SweepPlan, given, name, needed=("source",)),
        sweeps=tuple(_sweep(one, f"{name}, sweep {i}") for i, one in enumerate(sweeps, start=1)),
        training=trained,
    )
    _check(plan, name)
    return plan


def _sweep(table: Any, name: str) -> Sweep:
    if not isinstance(table, dict):
        raise UsageError(f"{name} must be a table, but is {table!r}")
    given = dict(table)
    vary, values = given.pop("vary", None), given.pop("values", None)
    if vary not in KNOBS:
        raise UsageError(f"{name} must vary one of {', '.join(KNOBS)}, but varies {vary!r}")
    whole = isinstance(values, list) and all(type(one) is int and one >= 1 for one in values)
    if not whole or not values or len(set(values)) < len(values):
        raise UsageError(
            f"{name} needs values: different whole numbers from 1 on, but has {values!r}"
        )
    if vary in given:
        raise UsageError(f"{name} varies {vary} and must not also set it; leave {vary} out")
    fixed = Setting(**_USUAL | _fields(Setting, {**given, vary: values[0]}, name))
    return Sweep(cast(Knob, vary), tuple(values), fixed)


_TYPES: dict[type, dict[str, type]] = {
    SweepPlan: {
        "source": str,
        "embedder": str,
        "any_judge": bool,
        "seed": int,
        "models": int,
        "non_members": int,
        "asked": int,
    },
    Training: {"family": str, "side": int},
    Setting: {"identities": int, "photos": int, "repeated": int, "steps": int, "samples": int},
}
_WORDS = {str: "a text", int: "a whole number", bool: "true or false"}


def _fields(wanted: type, given: Any, name: str, *, needed: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return what is given for a dataclass, each of the type it wants."""
    types = _TYPES[wanted]
    if not isinstance(given, dict):
        raise UsageError(f"{name} must be a table, but is {given!r}")
    for key, value in given.items():
        if key not in types:
            near = difflib.get_close_matches(str(key), types, n=1)
            advice = f"did you mean {near[0]}?" if near else f"there is {', '.join(types)}"
            raise UsageError(f"{name} has no {key!r}; {advice}")
        if type(value) is not types[key]:
            raise UsageError(f"{name}: {key} must be {_WORDS[types[key]]}, but is {value!r}")
        least = 0 if key == "seed" else 1
        if type(value) is int and value < least:
            raise UsageError(f"{name}: {key} must be at least {least}, but is {value}")
    missing = [key for key in needed if key not in given]
    if missing:
        raise UsageError(f"{name} must have {missing[0]}, but it is missing")
    return given


def _check(plan: SweepPlan, name: str) -> None:
    if plan.non_members < _LEAST_OTHERS:
        raise UsageError(
            f"{name}: non_members must be at least {_LEAST_OTHERS}, since half of them are the "
            f"control of the other half, but is {plan.non_members}"
        )
    if any(one.most.samples < 2 or one.at(min(one.values)).samples < 2 for one in plan.sweeps):
        raise UsageError(f"{name}: samples must be at least 2, so that one can stand out")
    if any(one.vary == "repeated" and one.setting.identities < 2 for one in plan.sweeps):
        raise UsageError(f"{name}: a sweep repeats one of at least 2 people; take more identities")


def _from(path: Path, place: str) -> str:
    """Return a path in a plan as seen from here; what lies elsewhere (a URL) is left as it is."""
    if "://" in place or Path(place).is_absolute():
        return place
    return str(path.parent / place)
