"""The report for a code-scanning system: findings as SARIF 2.1.0, without images.

OASIS (2020). Static Analysis Results Interchange Format (SARIF) Version 2.1.0.
https://docs.oasis-open.org/sarif/sarif/v2.1.0/
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, get_args
from urllib.parse import quote

from spolia.core.hits import Hit
from spolia.core.results import Summary
from spolia.report import format as written
from spolia.report.html import check_profile
from spolia.report.pairs import Pair, Profile, redact

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json"

_RULES: dict[Hit, str] = {
    "photo copy": "A synthetic image is a copy of a training photo.",
    "near duplicate": "A synthetic image is an edited copy of a training photo.",
    "same identity": "A synthetic image shows a training identity in another photo.",
    "unresolved": "A synthetic image is closer to a training identity than chance explains.",
}


def render_sarif(
    audits: Mapping[str, tuple[Summary, Sequence[Pair]]], *, profile: Profile = "public"
) -> str:
    """Return audits as SARIF, a run for each.

    Only what an audit names is a result: without a leak a run has none. The number of pairs is the
    caller's to cap; how many there are in all is a property of the run.

    Parameters
    ----------
    audits
        By name, the audit in numbers and its pairs.
    profile
        ``public``: records are named by their codes. The others: by their ids.
    """
    check_profile(profile)
    runs = [_run(name, summary, pairs, profile) for name, (summary, pairs) in audits.items()]
    record = {"$schema": _SCHEMA, "version": "2.1.0", "runs": runs}
    return json.dumps(record, indent=2, ensure_ascii=True) + "\n"


def _run(name: str, summary: Summary, pairs: Sequence[Pair], profile: Profile) -> dict[str, Any]:
    named = [
        one
        for one in pairs
        if summary.outcome == "leak" and one.q is not None and one.q <= summary.fdr
    ]
    shown = [redact(one) for one in named] if profile == "public" else named
    return {
        "tool": {
            "driver": {
                "name": "spolia",
                "version": summary.version,
                "rules": [
                    {"id": _rule(kind), "shortDescription": {"text": _RULES[kind]}}
                    for kind in get_args(Hit)
                ],
            }
        },
        "automationDetails": {"id": written.visible(f"spolia/{name}/")},
        "invocations": [
            {
                "executionSuccessful": summary.outcome != "inconclusive",
                "exitCode": summary.exit_code,
            }
        ],
        "results": [_result(one) for one in shown],
        "properties": {
            "outcome": summary.outcome,
            "sentence": summary.sentence,
            "findings": 0 if summary.flagged is None else summary.flagged.train.count,
            "shown": len(shown),
        },
    }


def _result(pair: Pair) -> dict[str, Any]:
    message = (
        f"Pair {pair.number}: similarity {written.similarity(pair.similarity)} to a training "
        f"record, {written.similarity(pair.control_similarity)} to the closest control record; "
        f"p {written.p_value(pair.p)}, q {written.p_value(pair.q)}."
    )
    result: dict[str, Any] = {
        "ruleId": _rule(pair.kind),
        "level": "error",
        "message": {"text": message},
        "locations": [_location("synthetic", pair.query or pair.query_code, pair.number)],
        "relatedLocations": [
            _location("train", pair.reference or pair.reference_code, pair.number)
        ],
    }
    if pair.query_code is not None:
        both = f"{pair.query_code}:{pair.reference_code}"
        result["partialFingerprints"] = {"records/v1": both}
    return result


def _location(role: str, name: str | None, number: int) -> dict[str, Any]:
    shown = f"pair-{number}" if name is None else written.visible(name)
    return {"physicalLocation": {"artifactLocation": {"uri": f"{role}/{quote(shown)}"}}}


def _rule(kind: str) -> str:
    return kind.replace(" ", "-")
