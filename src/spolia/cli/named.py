"""Who stands out of many people, as two commands print it."""

from typing import TYPE_CHECKING

from spolia.cli.console import show

if TYPE_CHECKING:
    import pyarrow as pa

_SHOWN = 10


def show_named(rows: "pa.Table", file: str) -> None:
    """Print the first people of a table, best first; ``file`` is where all of them are."""
    from spolia.report.format import p_value, similarity

    for row in rows.slice(0, _SHOWN).to_pylist():
        said = (
            f"    {row['identity']}   p {p_value(row['p'])}   q {p_value(row['q'])}   nearest "
            f"{row['nearest']} ({similarity(row['similarity'])})"
        )
        show(said.replace("\u00a0", " "))
    if rows.num_rows > _SHOWN:
        show(f"    and {rows.num_rows - _SHOWN:,} more, in {file} of --out")
