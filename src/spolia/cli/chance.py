"""What ``spolia audit`` prints of strangers inside train."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from spolia.core.chance import Chance, Strangers

_TOLD = (1e-3, 1e-4, 1e-6)
"""False match rates that published work uses."""


def chance_lines(strangers: "Strangers | None") -> list[str]:
    """Return the lines: what chance would do, and the matcher thresholds for comparison."""
    from spolia.report.format import amount, power_of_ten

    if strangers is None:
        return []
    lines = [_by_chance(one) for one in _few(strangers.chances)]
    if lines:
        lines.insert(0, "By chance, as strangers inside train do it (an indication, no verdict):")
    told = [one for one in strangers.matching if one.level in _TOLD]
    if told:
        lines.append("Matcher thresholds, for comparison with published work (not the decision):")
    for one in told:
        expected = amount(strangers.compared * one.rate.value)
        control = "" if one.to_control is None else f", {one.to_control:,} to control"
        lines.append(
            f"  FMR {power_of_ten(one.level)} (from {one.threshold:.4f}"
            f"{'' if one.certain else ', uncertain'}): {one.to_train:,} synthetic images above to "
            f"train{control}; {expected} accidental pairs expected"
        )
    return lines


def _few(chances: "tuple[Chance, ...]") -> "list[Chance]":
    """Return the best image and, of the others, those at rank 10, 100 and so on."""
    return [one for rank, one in enumerate(chances) if rank == 0 or one.images in (10, 100, 1000)]


def _by_chance(one: "Chance") -> str:
    from spolia.report.format import amount, similarity

    bound = "at most " if one.basis == "beyond" else ""
    known = "" if one.basis == "counted" else "; an extrapolation"
    return (
        f"  {one.images:,} synthetic {'image' if one.images == 1 else 'images'} at or above "
        f"{similarity(one.similarity)}; {bound}{amount(one.expected)} expected (95 % interval "
        f"{amount(one.expected_low)} to {amount(one.expected_high)}{known})"
    )
