"""The answer to a search, in a sentence."""

from math import ceil

from spolia.auditing.identity_said import sentence_of_queries
from spolia.core.membership import Queried, Told
from spolia.core.searching import Person
from spolia.report.format import level, p_value
from spolia.store.shards import Unreadable

_WHERE = {"synthetic": "the synthetic set", "train": "train"}

NO_NONMEMBERS = (
    "Cannot tell: there are no non-members to compare with; give --nonmembers, photos of people of "
    "the same population whose photos were not trained on."
)


def sentence_of_answer(
    where: str, outcome: Told, asked: Queried, person: Person | None, at: float
) -> str:
    """Return what is said of one set: of one person, or of all who are asked about."""
    place = _WHERE[where]
    said = (
        f"In {place}: {sentence_of_queries(asked, at)}"
        if person is None
        else _of_person(place, outcome, asked, person, at)
    )
    return said.replace("\u00a0", " ")


def _of_person(place: str, outcome: Told, asked: Queried, person: Person, at: float) -> str:
    if outcome == "cannot tell":
        return (
            f"Cannot tell: beside {person.beside:,} non-members no p-value is under "
            f"{p_value(asked.smallest_p)}, and the level is {level(at)}; it takes "
            f"{ceil(1 / at) - 1:,}."
        )
    by = "" if person.compared == 1 else f", by {person.compared} photos each"
    figure = f"p = {p_value(person.p)} against {person.beside:,} non-members{by}"
    if outcome == "found":
        return f"Stands out in {place}: {figure}."
    return (
        f"Does not stand out in {place}: {figure}. That does not show that nothing of them was "
        "trained on."
    )


def sentence_of_copies(where: str, copies: int, photos: int) -> str:
    """Return that photos are themselves in a set.

    >>> sentence_of_copies("train", 1, 3)
    '1 of 3 photos is itself in train, or nearly.'
    """
    verb = "is itself" if copies == 1 else "are themselves"
    return f"{copies:,} of {photos:,} photos {verb} in {_WHERE[where]}, or nearly."


def sentence_of_many_photos(judge: str) -> str:
    """Return why a judge of photos does not tell of a person."""
    return (
        f"Cannot tell: {judge} tells photos apart, not persons, and there are several; ask with "
        "each alone, give --embedder the card of a network that tells persons, or --any-judge."
    )


def sentence_of_nothing(unreadable: tuple[Unreadable, ...], blank: int) -> str:
    """Return why no photo can be used.

    >>> sentence_of_nothing((), 1)
    'Cannot tell: none of 1 photos can be used: 1 blank.'
    """
    no_face = sum(one.no_face for one in unreadable)
    counts = {
        "without a face": no_face,
        "unreadable": len(unreadable) - no_face,
        "blank": blank,
    }
    said = ", ".join(f"{count:,} {what}" for what, count in counts.items() if count)
    return f"Cannot tell: none of {len(unreadable) + blank:,} photos can be used: {said}."
