"""What a human review of a run says, as the run folder keeps it."""

from pathlib import Path
from typing import cast

from spolia.core.review import REVIEW_SCHEMA, Reviewed
from spolia.report.summary_json import read_record

FILE = "review.json"
"""In the run folder; publishable, as ``report.json`` is."""


def read_review(folder: Path) -> Reviewed | None:
    """Return the review of a run; ``None`` where nobody has reviewed it."""
    try:
        text = (folder / FILE).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    return cast(Reviewed, read_record(text, Reviewed, REVIEW_SCHEMA))
