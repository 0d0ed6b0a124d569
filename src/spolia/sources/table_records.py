"""Ids, identities and columns of the records of tables, from their plain columns."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from spolia.sources.columns import cell_text
from spolia.sources.identities import labelled_identities
from spolia.sources.table_layout import Layout

if TYPE_CHECKING:
    import pyarrow as pa

_PATH = "path"
Texts = Mapping[str, tuple[str, ...]]


def read_texts(batches: Iterable["pa.RecordBatch"], layout: Layout) -> dict[str, list[str]]:
    """Return the plain columns as text, and under ``""`` the paths of the images, if any."""
    found: dict[str, list[str]] = {name: [] for name in layout.scalars}
    paths = found.setdefault("", [])
    # A text that comes again is kept once: a few bytes can stand for gigabytes of them.
    seen: dict[str, str] = {}
    for batch in batches:
        for name in layout.scalars:
            texts = map(cell_text, batch.column(name).to_pylist())
            found[name] += (seen.setdefault(text, text) for text in texts)
        if layout.has_path:
            images = batch.column(layout.image)
            texts = map(cell_text, images.field(images.type.get_field_index(_PATH)).to_pylist())
            paths += (seen.setdefault(text, text) for text in texts)
    return found


def ids_of(texts: Texts, layout: Layout, rows: int) -> tuple[str, ...]:
    """Return the column ``id``, or the paths, where they are distinct; else row numbers."""
    for values in (() if layout.id is None else texts[layout.id], texts[""]):
        if len(values) == rows and "" not in values and len(set(values)) == rows:
            return tuple(values)
    width = len(str(max(rows - 1, 0)))
    return tuple(f"{row:0{width}d}" for row in range(rows))


def identities_in(
    ids: tuple[str, ...], texts: Texts, layout: Layout, rule: str
) -> tuple[str, ...] | None:
    """Return the identities: the labels where every row has one, else as the rule says of ids."""
    labels: Sequence[str] = () if layout.label is None else texts[layout.label]
    named = tuple(layout.class_of(label) for label in labels) if "" not in labels else ()
    return labelled_identities(ids, named or None, rule)


def columns_in(texts: Texts, layout: Layout, ids: tuple[str, ...]) -> Texts:
    """Return what else is known: the other columns, and the id where it is not the id."""
    names = [*layout.others]
    if layout.id is not None and tuple(texts[layout.id]) != ids:
        names.append(layout.id)
    return {name: tuple(texts[name]) for name in names}
