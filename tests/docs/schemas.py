"""The published JSON Schemas; run as a module, it writes them."""

from spolia.core.diff import DIFF_SCHEMA, Diff
from spolia.core.membership import IDENTITY_SCHEMA, IdentitySummary
from spolia.core.results import SCHEMA, Summary
from spolia.core.review import REVIEW_SCHEMA, Reviewed
from spolia.core.searching import SEARCH_SCHEMA, SearchSummary
from spolia.core.set_membership import MEMBERSHIP_SCHEMA, SetMembership
from spolia.core.study import STUDY_SCHEMA, StudySummary
from spolia.core.sweep import SWEEP_SCHEMA, SweepSummary
from spolia.report.json_schema import json_schema
from tests.docs.pages import REPOSITORY

RECORDS = {
    SCHEMA: Summary,
    STUDY_SCHEMA: StudySummary,
    REVIEW_SCHEMA: Reviewed,
    DIFF_SCHEMA: Diff,
    IDENTITY_SCHEMA: IdentitySummary,
    SWEEP_SCHEMA: SweepSummary,
    SEARCH_SCHEMA: SearchSummary,
    MEMBERSHIP_SCHEMA: SetMembership,
}


def file_of(schema):
    return REPOSITORY / "docs/reference/schemas" / f"{schema.replace('/', '-')}.json"


if __name__ == "__main__":
    for name, record in RECORDS.items():
        file_of(name).write_text(json_schema(record, name), encoding="utf-8")
