"""What had a part in an audit beside the judge, and what a reader must know of it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations

import pyarrow as pa
import pyarrow.compute as pc

from spolia.auditing.cuts import ALIGNMENT, CutSource, alignment_of
from spolia.auditing.result import AuditResult
from spolia.auditing.sets import AuditSet
from spolia.auditing.stages import Images, Ready
from spolia.core.instruments import Filled, Instruments, Lost, Tool
from spolia.core.membership import IdentitySummary
from spolia.core.results import ModelSummary, Summary
from spolia.embedding.align import SIZE
from spolia.embedding.attribute import Attribute
from spolia.report.format import interval, percent
from spolia.stats.rates import exact_rate


def instruments_of(
    opened: Mapping[str, Ready], sets: Mapping[str, AuditSet], attributes: Sequence[Attribute]
) -> Instruments:
    """Return what has a part in an audit of these sets, as they were before any was set aside."""
    one = opened["synthetic"]
    if not isinstance(one, Images):
        return Instruments(None, None, None, (), lost_of(sets))
    cut = one.source if isinstance(one.source, CutSource) else None
    return Instruments(
        wanted=alignment_of(one.embedder),
        faces=None if cut is None else _tool(cut.finder),
        choice=None if cut is None else cut.choice,
        filled=tuple(Filled(one.card.column, _tool(one.summary)) for one in attributes),
        lost=lost_of(sets, searched=cut is not None),
    )


def instruments_again(said: Summary | IdentitySummary, sets: Mapping[str, AuditSet]) -> Instruments:
    """Return the instruments that a run names, with what the sets say of them."""
    there = said.instruments or Instruments(None, None, None, (), ())
    return replace(there, lost=lost_of(sets, searched=there.faces is not None))


def lost_of(sets: Mapping[str, AuditSet], *, searched: bool = False) -> tuple[Lost, ...]:
    """Return how many of the images of every set show no face that counts.

    Nothing where no image was lost, unless faces were ``searched`` for.
    """
    lost = []
    for role, one in sets.items():
        summary = one.summary
        n = summary.no_face + summary.records + summary.blank
        lost.append(Lost(role, exact_rate(summary.no_face, n)))
    return tuple(lost) if searched or any(one.images.count for one in lost) else ()


def _tool(model: ModelSummary) -> Tool:
    return Tool(
        model.name,
        model.licence,
        model.commercial,
        model.source,
        model.trained_on,
        model.fingerprint,
    )


def with_instruments(
    result: AuditResult, instruments: Instruments, quality: pa.Table | None
) -> AuditResult:
    """Add the instruments to a result, with their notes: a pure function of its arguments."""
    notes = [*_lost(instruments.lost), *_not_aligned(instruments, quality)]
    plain = tuple(note.replace("\u00a0", " ") for note in notes)
    summary = replace(result.summary, instruments=instruments, notes=result.summary.notes + plain)
    return replace(result, summary=summary)


def _lost(lost: Sequence[Lost]) -> list[str]:
    """Say how many images of each set show no face, and whether the sets differ in it."""
    rates = {one.role: one.images for one in lost}
    notes = [
        f"{role}: in {rate.count:,} of {rate.n:,} images ({percent(rate.value)}, {interval(rate)}) "
        "no face was found that counts; they are left out."
        for role, rate in rates.items()
        if rate.count
    ]
    notes += [
        f"Images without a face are not equally frequent in {one} and {other}: what is hard to "
        "find in one set is left out of it, and the two do not compete on equal terms."
        for one, other in combinations(rates, 2)
        if "synthetic" not in (one, other)
        and (rates[one].low > rates[other].high or rates[other].low > rates[one].high)
    ]
    return notes


def _not_aligned(instruments: Instruments, quality: pa.Table | None) -> list[str]:
    """Say which sets cannot be aligned as the judge's card wants them, because of their size."""
    if quality is None or instruments.wanted != ALIGNMENT or instruments.faces is not None:
        return []
    notes = []
    for role in dict.fromkeys(quality["set"].to_pylist()):
        sizes = quality.filter(pc.equal(quality["set"], role))["size"].to_numpy()
        other = exact_rate(int((sizes != SIZE).sum()), sizes.size)
        if other.count:
            notes.append(
                f"{role}: {other.count:,} of {other.n:,} measured images are not {SIZE} x {SIZE}, "
                "but the judge's card wants faces aligned so. Unless they are aligned and scaled, "
                "it finds less than it could; --detector aligns them."
            )
    return notes
