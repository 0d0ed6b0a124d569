"""What was said of one deck: by each reviewer, and by all together."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from spolia.core.review import Answer, Answers, Mode
from spolia.report.summary_json import from_json
from spolia.review.decisions import FILE, Decision, read, standing
from spolia.review.deck import Deck, Task, deck_file, digest_of_audit, read_deck
from spolia.stats.review import Known, Sampled

Words = Mapping[str, Answer]
"""Answers by the token of the task."""


@dataclass(frozen=True)
class Said:
    """The standing words on one deck."""

    deck: Deck
    by_reviewer: Mapping[str, Words]
    """In the order in which they first spoke."""
    decided: Words
    """What settled pairs on which they differ."""

    @property
    def disputed(self) -> tuple[Task, ...]:
        """The pairs on which reviewers differ, settled ones too."""
        return tuple(one for one in self.deck.tasks if len(set(self._answers(one))) > 1)

    @property
    def unsettled(self) -> tuple[Task, ...]:
        """The pairs on which reviewers differ and nobody has decided."""
        return tuple(one for one in self.disputed if one.token not in self.decided)

    def together(self, *, settled: bool = True) -> Words:
        """Return the answer of all together for every pair that somebody answered.

        Parameters
        ----------
        settled
            Whether a decision counts where they differ; else, and where there is none, `most` does.
        """
        decided = self.decided if settled else {}
        words: dict[str, Answer] = {}
        for one in self.deck.tasks:
            answers = self._answers(one)
            if len(set(answers)) > 1 and one.token in decided:
                words[one.token] = decided[one.token]
            elif answers:
                words[one.token] = most(answers)
        return words

    def _answers(self, task: Task) -> list[Answer]:
        return [words[task.token] for words in self.by_reviewer.values() if task.token in words]


def said_of(deck: Deck, decisions: Iterable[Decision]) -> Said:
    """Return what stands of a deck; words on other decks, and on pairs it has not, are left out."""
    tokens = {one.token for one in deck.tasks}
    own = [one for one in decisions if one.deck == deck.key and one.task in tokens]
    by_reviewer: dict[str, dict[str, Answer]] = {}
    for (reviewer, task), answer in standing(own).items():
        by_reviewer.setdefault(reviewer, {})[task] = answer
    first = {name: i for i, name in enumerate(dict.fromkeys(one.reviewer for one in own))}
    ordered = {name: by_reviewer[name] for name in sorted(by_reviewer, key=first.__getitem__)}
    decided = {task: answer for (_, task), answer in standing(own, "decide").items()}
    return Said(deck, ordered, decided)


@dataclass(frozen=True)
class Log:
    """All that a run holds of its review."""

    decisions: list[Decision]
    said: Mapping[Mode, Said]
    """By mode, what stands on the deck of it; modes without a deck are left out."""

    @property
    def names(self) -> dict[str, str]:
        """What each reviewer whose answers stand is called outside the run folder."""
        first = dict.fromkeys(one.reviewer for one in self.decisions)
        heard = {name for one in self.said.values() for name in one.by_reviewer}
        numbered = enumerate((name for name in first if name in heard), start=1)
        return {name: f"reviewer {number}" for number, name in numbered}


def read_log(run: Path) -> Log:
    """Read the decks and the decisions of a run; a deck of an earlier audit is left out.

    Raises
    ------
    UsageError
        If one of them cannot be read.
    """
    decisions = read(run / FILE)
    modes: tuple[Mode, ...] = get_args(Mode)
    decks = {mode: read_deck(run, mode) for mode in modes if deck_file(run, mode).exists()}
    audit = _audit_of(run)
    own = {mode: deck for mode, deck in decks.items() if audit in (None, deck.audit)}
    return Log(decisions, {mode: said_of(deck, decisions) for mode, deck in own.items()})


def _audit_of(run: Path) -> str | None:
    try:
        text = (run / "report.json").read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    return digest_of_audit(from_json(text))


def most(answers: Sequence[Answer]) -> Answer:
    """Return the answer that most gave; ``unsure`` where two were given as often.

    >>> most(["same", "same", "different"]), most(["same", "different"])
    ('same', 'unsure')
    """
    (answer, times), *others = Counter(answers).most_common(2)
    return "unsure" if others and others[0][1] == times else answer


def count(tasks: Iterable[Task], words: Words) -> Answers:
    """Count the answers on some pairs; those without one do not count."""
    times = Counter(words[one.token] for one in tasks if one.token in words)
    return Answers(
        same=times["same"],
        different=times["different"],
        unsure=times["unsure"],
        not_comparable=times["not comparable"],
    )


def sampled(deck: Deck, words: Words) -> list[Sampled]:
    """Return the strata of a deck with the answers on the pairs drawn from each."""
    return [
        Sampled(part.population, count((t for t in deck.tasks if t.stratum == number), words))
        for number, part in enumerate(deck.parts)
    ]


def known(deck: Deck, words: Words) -> Known:
    """Return the answers on the pairs of a deck whose truth is known."""
    same, different = (
        count((t for t in deck.tasks if t.truth == truth), words) for truth in ("same", "different")
    )
    return Known(same, different)


def open_tasks(deck: Deck) -> list[Task]:
    """Return the pairs that the reviewers are to tell."""
    return [one for one in deck.tasks if one.truth == "open"]
