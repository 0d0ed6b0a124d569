"""The questions that readers ask of a report about identities, each with its light and numbers."""

from collections.abc import Callable

from spolia.core.membership import IdentitySummary, Queried
from spolia.core.results import Outcome
from spolia.report import format as written
from spolia.report.questions import Answered


def identity_questions(summary: IdentitySummary) -> tuple[Answered, ...]:
    """Return the questions in the order in which they are read.

    Examples
    --------
    >>> from tests.identity_samples import FOUND
    >>> for one in identity_questions(FOUND)[:2]:
    ...     print(one.asked, "-", one.answer)
    Do members score higher than non-members? - Evidence
    Can queries be named as members? - Evidence: 9 named
    """
    return (_members(summary), _queries(summary), _other_photos(summary), _judge(summary))


def _members(summary: IdentitySummary) -> Answered:
    tell = _teller("members-told", "Do members score higher than non-members?")
    found = summary.identities
    if found is None:
        return tell("no verdict", "Not tested", "It needs members: people who were trained on.")
    numbers = (
        f"{written.thousands(found.members)} members against "
        f"{written.thousands(found.non_members)} non-members: AUC "
        f"{written.measure_in_full(found.auc)}, by chance 0.500."
    )
    if found.auc.low > 0.5:
        return tell("leak", "Evidence", numbers)
    if found.auc.high < 0.5:
        return tell("inconclusive", "Inconclusive: they score lower, so the sides differ", numbers)
    return tell("none", f"None above an AUC of {written.area_at_most(found.auc.high)}", numbers)


def _queries(summary: IdentitySummary) -> Answered:
    tell = _teller("queries-named", "Can queries be named as members?")
    asked = summary.queries
    if asked is None:
        return tell("no verdict", "Not tested", "It needs queries: people who are asked about.")
    numbers = (
        f"{written.in_full(asked.named)} at a false discovery rate of "
        f"{written.level(summary.fdr)}, beside {written.thousands(asked.pool)} non-members."
    )
    if asked.named.count:
        return tell("leak", f"Evidence: {written.thousands(asked.named.count)} named", numbers)
    if asked.fewest == 1:
        return tell("none", "None is named", f"{numbers} That does not show that none is a member.")
    return tell("inconclusive", f"Inconclusive: {fewest_in_words(asked)}", numbers)


def fewest_in_words(asked: Queried) -> str:
    """Return how few queries could have been named.

    >>> from spolia.core.rates import Rate
    >>> nobody = Rate(0.0, 0.0, 0.1, 40, 0)
    >>> fewest_in_words(Queried(nobody, 30, 0.03, 20, ()))
    'fewer than 20 together cannot be named'
    """
    if asked.fewest is None:
        return "too few non-members to name anybody"
    return f"fewer than {written.thousands(asked.fewest)} together cannot be named"


def _other_photos(summary: IdentitySummary) -> Answered:
    tell = _teller("other-photos", "Are the photos others than those that were trained on?")
    if summary.duplicates is None:
        return tell("no verdict", "Not tested", "Near-duplicates were not searched for.")
    if all(one.role != "train" for one in summary.sets):
        return tell("no verdict", "Not tested", "It needs train, to compare the photos with.")
    gone = sum(one.in_train for one in summary.compared)
    whole = sum(one.in_train_whole for one in summary.compared)
    return tell(
        "none",
        f"None from a similarity of {written.similarity(summary.duplicates)} is left",
        f"{written.thousands(gone)} photos with a near-duplicate in train were left out, with "
        f"{written.thousands(whole)} identities that had no other.",
    )


def _judge(summary: IdentitySummary) -> Answered:
    tell = _teller("judge", "Does the judge tell persons apart?")
    model = summary.model
    if model.kind == "identity":
        return tell("none", "Yes, by its card", f"{model.name} is made to tell persons.")
    if model.kind == "copy":
        return tell(
            "no verdict",
            "No: it tells photos apart",
            f"{model.name} may take another photo of a member for a stranger’s.",
        )
    return tell("no verdict", "Not known", "The embeddings do not say what made them.")


def _teller(name: str, asked: str) -> Callable[[Outcome, str, str], Answered]:
    def tell(light: Outcome, answer: str, because: str) -> Answered:
        return Answered(name, asked, light, answer, because)

    return tell
