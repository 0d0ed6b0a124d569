"""Which column of a table holds the images, and what the others say.

Images are a struct with a field ``bytes`` (as `datasets` writes them, with ``path`` beside it)
or a column of bytes.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spolia.core.errors import UsageError
from spolia.core.words import did_you_mean
from spolia.sources.columns import cell_text

if TYPE_CHECKING:
    import pyarrow as pa

_USUAL = ("image", "img", "jpg", "jpeg", "png", "webp", "face")
_IDS = ("id", "__key__")
_LABELS = ("identity", "label")
_BYTES, _PATH = "bytes", "path"


@dataclass(frozen=True)
class Layout:
    """What the columns of a table are for."""

    image: str
    is_struct: bool
    has_path: bool
    """Whether the struct holds a path."""
    id: str | None
    label: str | None
    classes: tuple[str, ...]
    """What the whole numbers of ``label`` stand for, where the table says it."""
    others: tuple[str, ...]

    @property
    def scalars(self) -> tuple[str, ...]:
        """The columns that hold one plain value in each row."""
        return tuple(one for one in (self.id, self.label) if one is not None) + self.others

    def class_of(self, label: str) -> str:
        """Return the name of a label, or the label where it has none."""
        known = label.isdecimal() and len(label) < 10 and int(label) < len(self.classes)
        return self.classes[int(label)] if known else label


def layout_of(uri: str, schema: "pa.Schema", column: str | None) -> Layout:
    """Return what the columns are for; ``column`` names that of the images.

    Raises
    ------
    UsageError
        If none holds images, or several do and none is named.
    """
    names = list(schema.names)
    image = _image_column(uri, schema, column)
    kind = schema.field(image).type
    is_struct = _is_image_struct(kind)
    fields = {kind.field(i).name for i in range(kind.num_fields)} if is_struct else set()
    plain = [name for name in names if name != image and _is_plain(schema.field(name).type)]
    label = next((name for name in _LABELS if name in plain), None)
    name = next((name for name in _IDS if name in plain), None)
    return Layout(
        image,
        is_struct,
        _PATH in fields,
        name,
        label,
        _classes(schema.metadata or {}, label),
        tuple(one for one in plain if one not in (name, label)),
    )


def is_list(path: Path) -> bool:
    """Whether a parquet file is a list of image files: a column ``path``, and none of images."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        schema = pq.read_schema(path)
    except (pa.ArrowException, OSError, ValueError):
        return False
    return _PATH in schema.names and not _candidates(schema)


def image_bytes(values: "pa.Array", row: int, is_struct: bool) -> "pa.Buffer | None":
    """Return the bytes of an image in a batch of the column, without a copy; None for a null."""
    if is_struct:
        if not values[row].is_valid:
            return None
        values = values.field(values.type.get_field_index(_BYTES))
    return values[row].as_buffer() if values[row].is_valid else None


def _image_column(uri: str, schema: "pa.Schema", column: str | None) -> str:
    found = _candidates(schema)
    if column is not None:
        if column in found:
            return column
        raise UsageError(
            f"a column of images is wanted, but {column!r} in {uri!r} is none"
            + did_you_mean(column, found, f"choose one of {', '.join(found) or 'another table'}")
        )
    usual = [name for name in _USUAL if name in found] or found
    if len(found) == 1 or usual[:1] == ["image"]:
        return usual[0]
    if found:
        raise UsageError(
            f"one column of images is wanted, but {uri!r} has {', '.join(found)}; choose one as "
            f"PATH#{found[0]}"
        )
    raise UsageError(
        f"a table with a column of encoded images is wanted, but {uri!r} has only "
        f"{', '.join(map(repr, schema.names)) or 'no columns'}; a table of file names needs a "
        "column path"
    )


def _candidates(schema: "pa.Schema") -> list[str]:
    import pyarrow.types as kinds

    def holds(kind: Any) -> bool:
        return kinds.is_binary(kind) or kinds.is_large_binary(kind) or _is_image_struct(kind)

    # A name that is there twice cannot be asked for.
    return [one.name for one in schema if holds(one.type) and schema.names.count(one.name) == 1]


def _is_image_struct(kind: Any) -> bool:
    import pyarrow.types as kinds

    at = kind.get_field_index(_BYTES) if kinds.is_struct(kind) else -1
    return at >= 0 and (
        kinds.is_binary(kind.field(at).type) or kinds.is_large_binary(kind.field(at).type)
    )


def _is_plain(kind: Any) -> bool:
    import pyarrow.types as kinds

    if kinds.is_dictionary(kind):
        return _is_plain(kind.value_type)
    return not (kinds.is_nested(kind) or kinds.is_binary(kind) or kinds.is_large_binary(kind))


def _classes(metadata: dict[bytes, bytes], label: str | None) -> tuple[str, ...]:
    """Return the names that `datasets` keeps of a column of classes."""
    try:
        known = json.loads(metadata.get(b"huggingface", b"{}"))
        return tuple(cell_text(name) for name in known["info"]["features"][label]["names"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return ()
