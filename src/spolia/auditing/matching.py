"""Everything a verdict needs of the sets' similarities, searched in parts that survive a kill."""

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from spolia.auditing import planting, strangers
from spolia.auditing.chance import Met
from spolia.auditing.halves import Halves, split_control
from spolia.auditing.match import Apart, MatchOptions, Neighbours, match, nearest_of
from spolia.auditing.options import Options
from spolia.auditing.plan import Plan
from spolia.auditing.sets import AuditSet
from spolia.core.progress import Progress
from spolia.core.rows import SubsetRows
from spolia.core.seeds import digest_key
from spolia.core.types import Int64
from spolia.store.shards import name_digest


@dataclass(frozen=True, eq=False)
class Matched:
    """The nearest records of every set for every synthetic record."""

    to_train: Neighbours
    control: "MatchedControl | None"
    met: Met | None = None
    """Strangers inside train; a stage of its own, see `spolia.auditing.chance`."""


@dataclass(frozen=True, eq=False)
class MatchedControl:
    """The same for the control and, numbered alike, for each of its halves; and what else is asked.

    Each of ``strangers`` and ``planted`` is asked of train and of control.
    """

    halves: Halves
    to_control: Neighbours
    to_halves: tuple[Neighbours, Neighbours]
    asking: strangers.Asking
    strangers: tuple[Neighbours, Neighbours]
    planted: planting.Planted
    planted_to: tuple[Neighbours, Neighbours]


def match_all(
    folder: Path, sets: dict[str, AuditSet], plan: Plan, options: Options, progress: Progress
) -> Matched:
    """Match synthetic against train and the halves of the control; finished parts are read.

    With a control, identities of train and control are also matched among each other, and planted
    leaks with both.
    """
    train, control = sets["train"], sets.get("control")
    key = _match_key(sets, plan)
    asked = MatchOptions(options.memory, options.threads, options.part_rows, options.engine)
    sides = {"train": train.rows}
    matches = folder / "matches"
    ask = partial(match, key=key, options=asked, progress=progress)
    if control is None:
        return Matched(ask(sets["synthetic"].rows, sides, matches)["train"], None)
    halves = split_control(control, plan.seed)
    both = sides | {"control": control.rows}
    for name, rows in zip(("control_a", "control_b"), halves.rows, strict=True):
        sides[name] = SubsetRows(control.rows, rows)
    found = ask(sets["synthetic"].rows, sides, matches)
    to_halves = (
        _renumber(found["control_a"], halves.rows[0]),
        _renumber(found["control_b"], halves.rows[1]),
    )
    asking = strangers.choose(train, control)
    _, of_train, of_control = asking.groups
    apart = Apart(asking.groups[0], {"train": of_train, "control": of_control})
    among = ask(asking.records, both, matches / "strangers", apart=apart)
    planted = planting.plant(train)
    records = {"train": np.arange(len(train)), "control": np.full(len(control), -2)}
    apart = Apart(planted.held_back(), records)
    planted_to = ask(planted.records, both, matches / "planted", apart=apart)
    return Matched(
        found["train"],
        MatchedControl(
            halves,
            nearest_of(*to_halves),
            to_halves,
            asking,
            (among["train"], among["control"]),
            planted,
            (planted_to["train"], planted_to["control"]),
        ),
    )


def _match_key(sets: dict[str, AuditSet], plan: Plan) -> str:
    made_of = [
        f"{role}:{one.summary.fingerprint}:{one.model.fingerprint}:{name_digest(one.ids)}:"
        f"{name_digest([one.identities[i] for i in one.identity])}"
        for role, one in sets.items()
    ]
    return digest_key(plan.seed, *made_of).hex()


def _renumber(neighbours: Neighbours, rows: Int64) -> Neighbours:
    """Give the rows of a half their numbers in the whole control."""
    if rows.size == 0:
        return neighbours
    indices = np.where(neighbours.indices < 0, -1, rows[neighbours.indices])
    return replace(neighbours, indices=indices)
