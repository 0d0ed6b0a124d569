"""The answer to a question about identities, in a word and in a sentence."""

from math import ceil

from spolia.core.membership import Queried, Separation, Told
from spolia.report.format import in_full, level, measure_in_full, p_value


def outcome_of(found: Separation | None, asked: Queried | None) -> Told:
    """Return what can be said: of the queries where there are any, else of the members.

    Where a single query could not be named, whatever its score, silence says nothing.
    """
    if asked is None:
        return "found" if found is not None and found.auc.low > 0.5 else "not found"
    if asked.named.count:
        return "found"
    return "not found" if asked.fewest == 1 else "cannot tell"


def sentence_of(found: Separation | None, asked: Queried | None, fdr: float) -> str:
    """Return the answer as it is printed."""
    said = [sentence_of_queries(asked, fdr)] if asked is not None else []
    said += [_of_members(found)] if found is not None else []
    return " ".join(said).replace("\u00a0", " ")


def _of_members(found: Separation) -> str:
    if found.auc.low > 0.5:
        what = "Samples betray who was trained on"
    elif found.auc.high < 0.5:
        what = "Non-members score higher than members, so that the sides differ in something else"
    else:
        what = "Not shown that samples betray who was trained on"
    return (
        f"{what}: {found.members:,} members against {found.non_members:,} non-members, AUC "
        f"{measure_in_full(found.auc)}."
    )


def sentence_of_queries(asked: Queried, fdr: float) -> str:
    """Return what is said of all who are asked about."""
    rate, n = f"a false discovery rate of {level(fdr)}", asked.named.n
    if asked.named.count:
        return f"Of the queries, {in_full(asked.named)} are named as members at {rate}."
    if asked.fewest == 1:
        return (
            f"None of {n:,} queries is named at {rate}. That does not show that none is a member."
        )
    together = (
        "none can be named"
        if asked.fewest is None
        else f"fewer than {asked.fewest:,} together cannot be named"
    )
    return (
        f"Cannot tell: beside {asked.pool:,} non-members no p-value is under "
        f"{p_value(asked.smallest_p)}, so that of {n:,} queries {together} at {rate}; it takes "
        f"{ceil(n / fdr) - 1:,} non-members to name one."
    )
