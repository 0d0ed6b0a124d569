"""What a search is refused for before anything is opened, and what judges its photos."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from spolia.auditing.identity_checks import check_unused
from spolia.auditing.options import Options
from spolia.auditing.plan import SMALLEST_FDR
from spolia.auditing.search_within import Within
from spolia.auditing.stages import Set
from spolia.core.errors import UsageError
from spolia.core.types import Embeddings
from spolia.embedding import Embedder
from spolia.store.shards import is_store

_OBJECT = "object:"
"""How a plan writes an embedder that is an object of Python."""


def check_search(photos: object, people: object, top: int, level: float, options: Options) -> None:
    """Refuse a call that asks for nobody, for one and for many at once, or what means nothing.

    Raises
    ------
    UsageError
        If it does.
    """
    if (photos is None) == (people is None):
        came = "neither is" if photos is None else "both are"
        raise UsageError(
            f"a search needs photos of one person, or a list of people, but {came} given; give "
            "photos, or --list SET (in Python: photos or people)"
        )
    if top < 1:
        raise UsageError(f"top must be at least 1, but is {top}; 5 is usual")
    if not SMALLEST_FDR <= level < 1.0:
        raise UsageError(
            f"level must lie between {SMALLEST_FDR} and 1, but is {level}; 0.05 is usual"
        )
    check_unused(options, "a search")


def embedder_for(
    given: str | Path | Embedder | None,
    found: Within,
    sets: Mapping[str, Set],
    files: Sequence[str] | None,
) -> str | Path | Embedder:
    """Return what judges the photos: what is given, else what judged the run.

    Raises
    ------
    UsageError
        If there are images to embed, and nothing is known that could.
    """
    if any(isinstance(one, Embeddings) for one in sets.values()):
        if files is not None:
            raise UsageError(
                "photos and embeddings cannot be compared, but both are given; embed the photos, "
                "or give all as images"
            )
        return "precomputed"
    spec = found.embedder if given is None else given
    if files is None and all(is_store(Path(str(one))) for one in sets.values()):
        return "precomputed"
    if spec is None or (spec == "precomputed" and files is not None):
        raise UsageError(f"to embed photos it takes what embedded the set{_maker(found)}; {_GIVE}")
    if isinstance(spec, str) and spec.startswith(_OBJECT):
        raise UsageError(
            f"the run was judged by an embedder of Python, {spec.removeprefix(_OBJECT)}; give it "
            "again (embedder=)"
        )
    return spec


_GIVE = "give its card with --embedder"


def _maker(found: Within) -> str:
    made = found.stored.get("synthetic")
    return "" if made is None else f", {made.model.name} ({made.model.licence})"
