"""The deck: the pairs that are shown, with what must not be shown of them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

from spolia.core.errors import RunIncomplete, UsageError
from spolia.core.results import Summary
from spolia.core.review import Mode, Question
from spolia.core.seeds import stream
from spolia.embedding.about import digest_of
from spolia.report.summary_json import read_record, write_record
from spolia.store.atomic import write_text

SCHEMA = "spolia-deck/1"
FOLDER = "review"
"""Folder of a run that holds its decks; personal."""

Truth = Literal["open", "same", "different"]
"""Of a pair: to be told by the reviewers, or known."""


@dataclass(frozen=True)
class Shown:
    """One image of a pair."""

    token: str
    """Opaque: 16 hexadecimal digits, made by chance. All that the page ever sees of it."""
    role: str
    """Set of the run: ``train``, ``control`` or ``synthetic``."""
    id: str
    edited: bool = False
    """Whether it is shown edited, so that a pair of it with itself is a near-duplicate."""


@dataclass(frozen=True)
class Task:
    """One pair to be judged."""

    token: str
    """Opaque, as above."""
    truth: Truth
    query: Shown
    reference: Shown
    swapped: bool
    """Whether the reference stands on the left."""
    stratum: int | None
    """Part of the population it was drawn from; ``None`` where its truth is known."""
    similarity: float | None
    score: float | None
    """Of the audit; ``None`` where its truth is known. Never shown while it can be answered."""


@dataclass(frozen=True)
class Part:
    """One stratum of the population."""

    findings: bool
    low: float
    high: float
    population: int


@dataclass(frozen=True)
class Deck:
    """All pairs of one review."""

    schema: str
    mode: Mode
    question: Question
    seed: int
    audit: str
    """`digest_of_audit` of what it was drawn from; where a run found something else since then,
    its decisions count for nothing."""
    key: str
    """Opaque; decisions name it, so that those on another deck are told apart."""
    parts: tuple[Part, ...]
    tasks: tuple[Task, ...]
    """In the order of their drawing; a triage deck in the order of showing."""

    def order(self, reviewer: str) -> list[Task]:
        """Return the tasks in the order in which one reviewer sees them.

        By chance, another for each reviewer; in triage the telling ones first, for all alike.
        """
        if self.mode == "triage":
            return list(self.tasks)
        order = stream(self.seed, "review", self.key, reviewer).permutation(len(self.tasks))
        return [self.tasks[i] for i in order]


def digest_of_audit(summary: Summary) -> str:
    """Return a digest of what an audit found in what: pairs of another are none of its own."""
    flagged = None if summary.flagged is None else summary.flagged.train.count
    sets = [(one.role, one.fingerprint) for one in summary.sets]
    return digest_of([sets, summary.model.fingerprint, summary.fdr, summary.threshold, flagged])


def deck_file(run: Path, mode: Mode) -> Path:
    """Return where a run keeps its deck of one mode."""
    return run / FOLDER / f"{mode}.json"


def write_deck(run: Path, deck: Deck) -> None:
    """Keep a deck in a run folder."""
    write_text(deck_file(run, deck.mode), write_record(deck))


def read_deck(run: Path, mode: Mode) -> Deck:
    """Return the deck of one mode.

    Raises
    ------
    RunIncomplete
        If the run has none.
    UsageError
        If it cannot be read.
    """
    path = deck_file(run, mode)
    try:
        text = path.read_text(encoding="utf-8", errors="surrogatepass")
    except FileNotFoundError:
        raise RunIncomplete(
            f"{run} has no deck of pairs for {mode}; `spolia review {run}` makes one"
        ) from None
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{path} must be text in UTF-8, but is not ({error}); remove it, and the decisions on "
            "it are lost"
        ) from None
    return cast(Deck, read_record(text, Deck, SCHEMA, "deck of pairs"))
