"""From a run folder to a page: its deck, drawn or found, its pictures and a reviewer."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from spolia.auditing.result import load_result
from spolia.core.errors import UsageError
from spolia.core.progress import Progress, silent
from spolia.core.review import Mode
from spolia.review.decisions import FILE
from spolia.review.deck import Deck, deck_file, digest_of_audit, read_deck, write_deck
from spolia.review.drawing import make_deck
from spolia.review.pictures import Pictures, open_sets
from spolia.review.sitting import Sitting

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from spolia.review.guard import Gate

PAIRS = 100
KNOWN = 20


@dataclass(frozen=True)
class Wanted:
    """How a deck is to be drawn; what is ``None`` is left to `make_deck`'s usual values."""

    mode: Mode = "estimate"
    pairs: int | None = None
    known: int | None = None
    seed: int | None = None
    overwrite: bool = False
    """Whether to draw anew where there is a deck; its decisions stay in the log and count no
    more."""

    @property
    def says_how(self) -> bool:
        """Whether anything is said of the drawing."""
        return (self.pairs, self.known, self.seed) != (None, None, None)


def open_deck(run: Path, wanted: Wanted) -> Deck:
    """Return the deck of a run, drawn and kept where there is none.

    Raises
    ------
    UsageError
        If it is said how to draw, but there is a deck already; or as `make_deck`.
    RunIncomplete
        If the run is not finished.
    """
    there = deck_file(run, wanted.mode).exists()
    if there and not wanted.overwrite:
        deck = read_deck(run, wanted.mode)
        if deck.audit != digest_of_audit(load_result(run).summary):
            raise UsageError(
                f"the pairs for {wanted.mode} were drawn from what {run} held before it was made "
                "anew; use --overwrite to draw others, so that the answers to these count no more"
            )
        if wanted.says_how:
            raise UsageError(
                f"{run} has a deck of {len(deck.tasks)} pairs for {wanted.mode} already; leave out "
                "--pairs, --known and --seed to go on with it, or use --overwrite to draw anew, so "
                "that the answers to it count no more"
            )
        return deck
    deck = make_deck(
        run,
        wanted.mode,
        pairs=PAIRS if wanted.pairs is None else wanted.pairs,
        known=KNOWN if wanted.known is None else wanted.known,
        seed=wanted.seed or 0,
    )
    write_deck(run, deck)
    return deck


@dataclass(frozen=True)
class Table:
    """All that a page needs but a place: a reviewer at a deck, and its pictures."""

    sitting: Sitting
    pictures: Pictures

    def make_app(self, gate: "Gate", *, images: bool) -> "ASGIApp":
        """Return the page; see `spolia.review.app.make_app`."""
        from spolia.review.app import make_app

        return make_app(self.sitting, self.pictures, gate, images=images)


def lay_table(run: Path, wanted: Wanted, reviewer: str, progress: Progress = silent) -> Table:
    """Open the review of a run for one reviewer.

    Raises
    ------
    UsageError
        If the reviewer's name cannot be one, the run has no images, or they changed.
    RunIncomplete
        If the run is not finished.
    """
    deck = open_deck(run, wanted)
    sitting = Sitting(deck, run / FILE, reviewer)
    return Table(sitting, Pictures(deck, open_sets(load_result(run), deck, progress)))
