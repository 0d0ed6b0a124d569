"""The errors a caller can meet, one tree.

::

    SpoliaError                 exit 3   something spolia could not do
    ├── UsageError              exit 2   the call, the plan or a file named in it is wrong
    │   ├── InvalidRows         exit 2   rows that are not finite unit float32 rows
    │   ├── InvalidCard         exit 2   a model card, or the model it describes
    │   ├── PlanMismatch        exit 2   the run folder belongs to another plan
    │   ├── ResultTooLarge      exit 2   the asked result does not fit the memory budget
    │   └── MissingExtra        exit 2   an optional dependency is not installed
    ├── UnreadableImage         (never leaves a run: goes to the quarantine)
    │   └── NoFace              (the same: an image in which no face, or not the one, is found)
    ├── TooManyUnreadable       exit 3   more unreadable images than ``max_bad``
    ├── InputChanged            exit 3   a file changed while its rows were read
    ├── RunIncomplete           exit 3   the run folder lacks what the command needs
    └── VerificationFailed      exit 3   a run's findings differ from the reference

Every message says what was wanted, what came, and what to do.
"""

from collections.abc import Sequence


class SpoliaError(Exception):
    """Anything spolia refuses or cannot finish; ``exit_code`` is what the command line returns."""

    exit_code = 3


class UsageError(SpoliaError, ValueError):
    """The call, the plan or a file named in it is wrong."""

    exit_code = 2


class InvalidRows(UsageError):
    """Rows that are not finite, unit-norm (or zero) float32 rows of the expected width."""


class InvalidCard(UsageError):
    """A model card that cannot be followed, or a model that is not what its card says."""


class PlanMismatch(UsageError):
    """The run folder holds results of another plan."""


class ResultTooLarge(UsageError):
    """The asked result does not fit the memory budget."""


class MissingExtra(UsageError):
    """An optional dependency is needed and not installed."""


class UnreadableImage(SpoliaError):
    """One image cannot be decoded; the message is the reason written to the quarantine."""

    kind: str = "unreadable"
    """Tells what is kept of it from the others, whatever the reason says."""


class NoFace(UnreadableImage):
    """An image can be read, but shows no face, or not one, where one is needed."""

    kind = "no face"

    def __init__(self, why: str = "") -> None:
        super().__init__(f"no face found: {why}" if why else "no face found")


class TooManyUnreadable(SpoliaError):
    """More images were unreadable than the plan allows.

    ``unreadable`` holds the ``(id, reason)`` of those met so far.
    """

    def __init__(self, message: str, unreadable: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(message)
        self.unreadable = tuple(unreadable)


class InputChanged(SpoliaError):
    """A file changed while its rows were read, so that the result may be of neither version."""


class RunIncomplete(SpoliaError):
    """The run folder lacks what the command needs."""


class VerificationFailed(SpoliaError):
    """A run's findings differ from what the reference computes."""
