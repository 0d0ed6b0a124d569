"""What is searched: the sets of a run, a store, or a set that is still to be embedded."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from spolia.auditing.identity_plan import IDENTITY, is_question
from spolia.auditing.options import Options
from spolia.auditing.plan import FILE, read_plan
from spolia.auditing.questions import asked_in
from spolia.auditing.stages import STUDY_FILE, Set, store_of
from spolia.core.errors import RunIncomplete, UsageError
from spolia.core.types import Embeddings
from spolia.sources.limits import Limits, parse_limits
from spolia.store.precomputed import Opened, open_precomputed
from spolia.store.shards import is_store

_OF_AN_AUDIT = {"synthetic": "synthetic", "train": "train", "nonmembers": "control"}
_OF_A_QUESTION = {name: name for name in ("synthetic", "train", "nonmembers")}


@dataclass(frozen=True, eq=False)
class Within:
    """What is searched."""

    stored: Mapping[str, Opened] = field(default_factory=dict)
    """By role, what is embedded already: ``synthetic``, ``nonmembers``, ``train``."""
    images: Mapping[str, Set] = field(default_factory=dict)
    """By role, what is not."""
    told: Mapping[str, Any] = field(default_factory=dict)
    """What a run says of how its images were judged, by the names of a plan."""
    notes: tuple[str, ...] = ()

    @property
    def embedder(self) -> str | None:
        """What judged the run, as its plan says; ``None``: there is no run."""
        return self.told.get("embedder")

    def options(self, given: Options) -> Options:
        """Return how photos are judged: as the run says, but for what the caller says otherwise.

        Raises
        ------
        UsageError
            If the faces of the run were cut by points in a file, and there are none of the photos.
        """
        said = self.told
        limits = parse_limits(tuple(said.get("limits") or ()))
        if given.limits != Limits():
            limits = given.limits
        if given.detector is not None or given.landmarks is not None:
            return replace(given, limits=limits, face=given.face or said.get("face"))
        if said.get("landmarks") is not None:
            raise UsageError(
                "the faces of this run were cut by points from a file, which has none of the "
                "photos; give --landmarks FILE with theirs (id: the file name)"
            )
        return replace(
            given,
            limits=limits,
            detector=said.get("detector"),
            face=given.face or (said.get("face") if said.get("detector") else None),
        )


def find_within(where: Set) -> Within:
    """Return what is searched.

    Raises
    ------
    UsageError
        If ``where`` is a study, or a run that cannot be read.
    RunIncomplete
        If the embeddings of a run are gone.
    """
    if isinstance(where, Embeddings):
        return Within(images={"synthetic": where})
    folder = Path(where)
    if (folder / STUDY_FILE).is_file():
        raise UsageError(
            f"one run is searched at a time, but {folder} is a study; give one of its runs, "
            f"{folder}/SET/JUDGE"
        )
    if (folder / FILE).is_file():
        plan = read_plan(folder)
        set_aside = plan.exclude or plan.exclude_list
        notes = ("The audit set records aside; they are searched as well.",) if set_aside else ()
        told = plan.to_table()
        return Within(stored=_stored(folder, told, _OF_AN_AUDIT), told=told, notes=notes)
    if is_question(folder):
        told = asked_in(folder, IDENTITY)
        return Within(stored=_stored(folder, told, _OF_A_QUESTION), told=told)
    if is_store(folder):
        return Within(stored={"synthetic": open_precomputed(folder)})
    return Within(images={"synthetic": where})


def _stored(folder: Path, told: Mapping[str, Any], roles: Mapping[str, str]) -> dict[str, Opened]:
    """Return the embeddings of a run: those it keeps, or the store that was its set."""
    found = {}
    for role, name in roles.items():
        place = told.get(name)
        if place is None:
            continue
        kept = store_of(folder, name)
        if kept.exists():
            found[role] = open_precomputed(kept)
        elif Path(place).exists() and (
            told.get("embedder") == "precomputed" or is_store(Path(place))
        ):
            found[role] = open_precomputed(Path(place))
        else:
            raise RunIncomplete(
                f"{folder} holds no embeddings of {name}, which `spolia purge` deletes; run the "
                "same command again to embed anew"
            )
    return found
