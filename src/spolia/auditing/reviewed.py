"""The review of a run, as it is kept in its folder."""

from pathlib import Path
from typing import cast

from spolia.core.errors import UsageError
from spolia.core.review import REVIEW_SCHEMA, Reviewed
from spolia.report.summary_json import read_record

FILE = "review.json"
"""In the run folder; publishable."""


def read_review(folder: Path) -> Reviewed | None:
    """Return what people said of a run's pairs; ``None`` where nobody has.

    Raises
    ------
    UsageError
        If it cannot be read, or another version of spolia wrote it.

    Examples
    --------
    >>> read_review(Path("nowhere")) is None
    True
    """
    try:
        text = (folder / FILE).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{folder / FILE} must be text in UTF-8, but is not ({error}); remove it, and "
            f"`spolia review {folder}` writes it again"
        ) from None
    return cast(Reviewed, read_record(text, Reviewed, REVIEW_SCHEMA, "review"))
