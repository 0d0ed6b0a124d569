"""What to know before quoting a number of a review."""

from spolia.core.review import Answers, Reviewed
from spolia.review.said import Said, known
from spolia.stats.review import FEWEST_KNOWN, Known, better_than_chance, comparable

FEW = 30
"""Answers under which a review says little."""
MANY_UNSURE = 0.2
"""Share of answers that may be unsure without a note."""


def notes_of(reviewed: Reviewed, drawn: Said | None) -> tuple[str, ...]:
    """Return what a reader must know of a review.

    Parameters
    ----------
    reviewed
        Its numbers.
    drawn
        What was said of the sample; ``None`` where there is none.
    """
    notes = [] if drawn is None else _of_sample(reviewed, drawn)
    triaged = comparable(reviewed.triaged) + reviewed.triaged.not_comparable
    if triaged:
        notes.append(
            f"{triaged} pairs were answered as triage: the most telling were shown first, so that "
            "no rate follows from them."
        )
    return tuple(notes)


def _of_sample(reviewed: Reviewed, drawn: Said) -> list[str]:
    notes = []
    if reviewed.answered < reviewed.drawn:
        notes.append(
            f"{reviewed.answered} of the {reviewed.drawn} pairs drawn were answered; the others "
            "are taken to be like them, as every reviewer sees the pairs in a random order."
        )
    if reviewed.answered < FEW:
        notes.append(f"With fewer than {FEW} answers, a review says little.")
    answers = reviewed.reviewers[-1].answers if reviewed.reviewers else Answers(0, 0, 0, 0)
    if answers.unsure > MANY_UNSURE * max(1, comparable(answers)):
        notes.append(
            f"{answers.unsure} of {comparable(answers)} pairs could not be told or are in dispute; "
            "the intervals hold whatever they show, and are wide for it."
        )
    notes += [
        f"{name} did no better than chance on the pairs whose truth is known."
        for name, told in _told(reviewed, drawn)
        if min(comparable(told.same), comparable(told.different)) >= FEWEST_KNOWN
        and not better_than_chance(told)
    ]
    return notes + _of_correction(reviewed, drawn)


def _told(reviewed: Reviewed, drawn: Said) -> list[tuple[str, Known]]:
    words = [*drawn.by_reviewer.values(), drawn.together()]
    return [
        (one.name.capitalize(), known(drawn.deck, said))
        for one, said in zip(reviewed.reviewers, words, strict=False)
    ]


def _of_correction(reviewed: Reviewed, drawn: Said) -> list[str]:
    """Return what the correction rests on, or why there is none."""
    if reviewed.leak_rate is None:
        return []
    if reviewed.leak_rate.corrected is None:
        return [
            "The errors of the reviewers are not corrected: too few of the pairs whose truth is "
            "known were answered, or no better than by chance."
        ]
    same = [one for one in drawn.deck.tasks if one.truth == "same"]
    how = (
        "photos shown beside themselves, edited, which are easier to know again than what a "
        "generator makes of them"
        if any(one.query.edited for one in same)
        else "two photos of one training identity"
    )
    return [
        "The correction takes reviewers to err on the pairs as they do on those whose truth is "
        f"known. Of these, the same are {how}; where they are easier than the pairs, more is the "
        "same than the corrected share says."
    ]
