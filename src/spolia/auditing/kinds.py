"""Which kind of hit every finding is: a pure function of the matches and the compared pairs."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from spolia.auditing.comparisons import GROUPS, agreements_of
from spolia.auditing.match import Neighbours
from spolia.auditing.matching import Matched, MatchedControl
from spolia.auditing.result import AuditResult
from spolia.auditing.sets import AuditSet
from spolia.core.hits import Hit, KindCount, Kinds
from spolia.core.rates import Rate
from spolia.core.types import Float64, Int64
from spolia.stats.kinds import (
    Standing,
    control_copies,
    control_same,
    copies,
    draw_bars,
    same_identity,
)
from spolia.stats.rates import exact_rate

HITS: tuple[Hit, ...] = ("photo copy", "near duplicate", "same identity", "unresolved")

_Strings = npt.NDArray[np.str_]


def with_kinds(
    result: AuditResult, sets: dict[str, AuditSet], matched: Matched, compared: pa.Table
) -> AuditResult:
    """Return the result with the kind of every finding, and how many there are of each.

    Parameters
    ----------
    result
        Of `judge_matches`.
    compared
        Of `compare_findings`: how well the pairs agree; empty where there are no images.
    """
    if result.findings.num_rows == 0 or matched.control is None:
        return result
    kinds = np.full(result.findings.num_rows, "unresolved", dtype="<U14")
    look_alikes = None
    if sets["synthetic"].model.kind == "identity":
        same, look_alikes = _same_identity(result, sets, matched.to_train, matched.control)
        kinds[same] = "same identity"
    groups = [agreements_of(compared, group) for group in GROUPS[1:]]
    bars = draw_bars(groups)
    found = agreements_of(compared, GROUPS[0])
    if found.descriptor.size:
        photo, near = copies(found, bars)
        kinds[near] = "near duplicate"
        kinds[photo] = "photo copy"
    summary = Kinds(
        counts=_counts(kinds, result.findings["identity"].to_pylist()),
        findings=result.findings.num_rows,
        compared=found.descriptor.size,
        bars=bars,
        control_pairs=None if bars is None else exact_rate(*control_copies(groups)),
        look_alikes=look_alikes,
    )
    column = result.findings.schema.get_field_index("kind")
    findings = result.findings.set_column(column, "kind", pa.array(kinds.tolist(), pa.string()))
    return replace(result, findings=findings, summary=replace(result.summary, kinds=summary))


def _counts(kinds: _Strings, identities: Sequence[str]) -> tuple[KindCount, ...]:
    place = {hit: i for i, hit in enumerate(HITS)}
    plainest: dict[str, int] = {}
    for kind, identity in zip(kinds.tolist(), identities, strict=True):
        plainest[identity] = min(place[kind], plainest.get(identity, len(HITS)))
    of_identity = list(plainest.values())
    return tuple(
        KindCount(
            hit,
            int(np.count_nonzero(kinds == hit)),
            exact_rate(of_identity.count(place[hit]), len(of_identity)),
        )
        for hit in HITS
    )


def _same_identity(
    result: AuditResult, sets: dict[str, AuditSet], to_train: Neighbours, beside: MatchedControl
) -> tuple[npt.NDArray[np.bool_], Rate | None]:
    """Return which findings show the same identity, and of the control's how many would."""
    train, control = sets["train"], sets["control"]
    best, best_control = to_train.similarities[:, 0], beside.to_control.similarities[:, 0]
    lost = np.flatnonzero(best_control >= best)
    nearest = control.identity[beside.to_control.indices[lost, 0]]
    look_alike = standing(beside.to_control, control.identity, lost, nearest, best)
    rows = _numbers(sets["synthetic"].ids, result.findings["query"].to_pylist())
    named = _numbers(train.identities, result.findings["identity"].to_pylist())
    found = standing(to_train, train.identity, rows, named, best_control)
    n = look_alike.gap.size
    rate = exact_rate(control_same(look_alike), n) if n else None
    return same_identity(found, look_alike.gap), rate


def standing(
    nearest: Neighbours, identity: Int64, rows: Int64, named: Int64, best_elsewhere: Float64
) -> Standing:
    """Return how far an identity of each of some synthetic records stands out from all others.

    Parameters
    ----------
    nearest
        The ``(m, k)`` nearest records of one set, for all synthetic records.
    identity
        ``(n,)`` number of the identity of each record of the set.
    rows
        ``(r,)`` the synthetic records asked for.
    named
        ``(r,)`` the identity named for each, one of those of its nearest records.
    best_elsewhere
        ``(m,)`` best similarity to the other set.

    Examples
    --------
    Of four records two show identity 0; both are nearer than identity 1 and the other set.

    >>> nearest = Neighbours(np.array([[0, 1, 2]]), np.array([[0.9, 0.7, 0.4]]))
    >>> first = np.array([0])
    >>> one = standing(nearest, np.array([0, 0, 1, 2]), first, first, np.array([0.5]))
    >>> one.gap.round(9).tolist(), one.several.tolist(), one.supported.tolist()
    ([0.4], [True], [True])
    """
    indices, similarities = nearest.indices[rows], nearest.similarities[rows]  # (r, k)
    there = indices >= 0
    own = there & (identity[np.where(there, indices, 0)] == named[:, None])
    # What lies beyond the k nearest is no nearer than any of them, so another identity among them
    # is the best other one. If all k are the nearest identity's own, the other set stands for it.
    others = np.where(there & ~own, similarities, -np.inf).max(axis=1)
    other = np.maximum(others, best_elsewhere[rows])
    nearer = own & (similarities > other[:, None])
    return Standing(
        gap=np.where(own, similarities, -np.inf).max(axis=1) - other,
        several=np.bincount(identity)[named] > 1,
        supported=np.count_nonzero(nearer, axis=1) > 1,
    )


def _numbers(names: Sequence[str], some: Sequence[str]) -> Int64:
    """Return the places of some names among all."""
    place = {name: i for i, name in enumerate(names)}
    return np.array([place[one] for one in some], dtype=np.int64)
