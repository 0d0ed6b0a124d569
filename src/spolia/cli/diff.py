"""``spolia diff``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spolia.cli.console import print_json, show
from spolia.cli.options import JsonOutput

if TYPE_CHECKING:
    from spolia.core.diff import Change, Diff, Names, Side

_MOST_NAMES = 20


def diff(
    a: Annotated[Path, typer.Argument(metavar="A", help="Run folder of the old release.")],
    b: Annotated[Path, typer.Argument(metavar="B", help="Run folder of the new release.")],
    names: Annotated[
        bool,
        typer.Option(
            "--names", help="Name the training identities that are exposed in either: personal."
        ),
    ] = False,
    json_output: JsonOutput = False,
) -> None:
    """Say whether release B gives away more or less than release A.

    Both are finished runs of the same train and control under the same judge; all else is refused.
    Returns 0 whatever it says.

    Example: `spolia diff release-1 release-2`
    """
    from spolia.auditing.diff import diff as compare
    from spolia.report.summary_json import write_record

    found = compare(a, b, names=names)
    if json_output:
        print_json(write_record(found))
        return
    _show(found)


def _show(found: "Diff") -> None:
    from spolia.report.difference import difference_in_full

    show(found.sentence)
    for one in found.changes:
        show(f"  {_question(one)}: {one.word}. {_plain(difference_in_full(one.difference))}")
        show(f"    A: {_side(one.a)}")
        show(f"    B: {_side(one.b)}")
    for note in found.notes:
        show(f"  Note: {note}")
    if found.names is not None:
        _show_names(found.names)


def _question(one: "Change") -> str:
    return f"{one.question.capitalize()} ({one.unit})"


def _side(one: "Side") -> str:
    from spolia.report.format import in_full, percent

    beside = (
        f"{percent(one.expected or 0.0)} expected"
        if one.control is None
        else f"control {in_full(one.control)}"
    )
    return _plain(f"{in_full(one.train)}; {beside}")


def _show_names(names: "Names") -> None:
    """Show who is exposed, each as it is written, with what cannot be seen escaped."""
    for what, some in (
        ("Newly exposed", names.newly),
        ("No longer exposed", names.no_longer),
        ("Exposed in both", names.both),
    ):
        shown = ", ".join(repr(name) for name in some[:_MOST_NAMES]) or "nobody"
        more = f" and {len(some) - _MOST_NAMES:,} more (--json names all)"
        show(f"  {what}: {shown}{more if len(some) > _MOST_NAMES else ''}")


def _plain(text: str) -> str:
    return text.replace("\u00a0", " ")
