"""The summary of a study as JSON, and back."""

from typing import cast

from spolia.core.study import STUDY_SCHEMA, StudySummary
from spolia.report.summary_json import read_record, write_record


def study_to_json(summary: StudySummary) -> str:
    """Return ``summary`` as JSON: fields in their order, two spaces, ASCII, a final newline."""
    return write_record(summary)


def study_from_json(text: str) -> StudySummary:
    """Return the summary written by `study_to_json`.

    Raises
    ------
    UsageError
        If ``text`` is not JSON, is no study, or a field is missing, unknown or of the wrong type.
    """
    return cast(StudySummary, read_record(text, StudySummary, STUDY_SCHEMA))
