"""What the report and the command line say of the kinds of the findings."""

from dataclasses import dataclass

from spolia.core.hits import Hit, Kinds
from spolia.report.format import in_full, out_of, similarity, thousands

_NAMES: dict[Hit, tuple[str, str]] = {
    "photo copy": (
        "photo copy",
        "the same photo, also where it was resized, compressed, mirrored, turned or a little cut",
    ),
    "near duplicate": ("near duplicate or edit", "the same photo, changed in parts or in colour"),
    "same identity": ("same identity", "the same person (patient, artwork) in another image"),
    "unresolved": ("unresolved", "a look-alike, or not enough to tell"),
}
_PLURALS: dict[Hit, str] = {
    "photo copy": "photo copies",
    "near duplicate": "near duplicates or edits",
    "same identity": "same identity",
    "unresolved": "unresolved",
}


@dataclass(frozen=True)
class KindRow:
    """One kind as the report shows it."""

    name: str
    means: str
    findings: str
    identities: str


@dataclass(frozen=True)
class KindsShown:
    """The kinds as the report shows them."""

    rows: tuple[KindRow, ...]
    lines: tuple[str, ...]


def shown(kinds: Kinds) -> KindsShown:
    """Return the table of the report and the sentences under it."""
    rows = tuple(
        KindRow(*_NAMES[one.kind], thousands(one.findings), in_full(one.identities))
        for one in kinds.counts
    )
    return KindsShown(rows, (*_pixels(kinds), *_identity(kinds)))


def _pixels(kinds: Kinds) -> tuple[str, ...]:
    if kinds.compared == 0:
        return (
            "No images were compared, only embeddings: nothing here can be called a copy, and a "
            "copy may be among the others.",
        )
    if kinds.bars is None or kinds.control_pairs is None:
        return (
            f"The images of {thousands(kinds.compared)} findings were compared, but there are too "
            "few control pairs to say what agreement means: nothing is called a copy.",
        )
    bars = kinds.bars
    return (
        f"The images of {thousands(kinds.compared)} findings were compared, and held against "
        f"{thousands(kinds.control_pairs.n)} pairs that cannot be copies. A near duplicate reaches "
        f"a descriptor of {similarity(bars.descriptor)} or a correlation of "
        f"{similarity(bars.correlation)}; a photo copy both, and no tile differs by more than "
        f"{bars.worst_tile:.3f}.",
        "Of the control pairs the same rule calls a copy or near duplicate: "
        f"{in_full(kinds.control_pairs)}.",
    )


def _identity(kinds: Kinds) -> tuple[str, ...]:
    if kinds.look_alikes is None:
        return ("This embedder does not tell identities, so no finding is called the same one.",)
    return (
        "Of the synthetic images nearest to control, the rule for the same identity would name: "
        f"{in_full(kinds.look_alikes)}.",
    )


def kinds_line(kinds: Kinds) -> str:
    """Return the kinds in one line, for the command line.

    >>> from spolia.core.hits import KindCount
    >>> from spolia.core.rates import Rate
    >>> one = KindCount("photo copy", 3, Rate(1.0, 0.2, 1.0, 2, 2))
    >>> kinds_line(Kinds((one,), 3, 3, None, Rate(0.0, 0.0, 0.1, 40, 0), None))
    'Kinds: 3 photo copies, of 3 findings; of control pairs, 0 of 40 are called copies.'
    """
    counted = ", ".join(f"{one.findings:,} {_PLURALS[one.kind]}" for one in kinds.counts)
    line = f"Kinds: {counted}, of {kinds.findings:,} findings"
    if kinds.control_pairs is not None:
        return f"{line}; of control pairs, {out_of(kinds.control_pairs)} are called copies."
    return f"{line}; no images were compared." if kinds.compared == 0 else f"{line}."
