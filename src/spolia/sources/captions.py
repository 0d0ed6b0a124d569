"""Captions of a set from a COCO-like JSON, as ``SET@captions.json``: the column ``caption``."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from spolia.core.errors import UsageError
from spolia.core.progress import Progress
from spolia.sources.columns import cell_text, read_whole_text
from spolia.sources.joined import with_column
from spolia.sources.source import Source

CAPTION = "caption"
_WANTED = (
    'captions must be {"images": [{"id", "file_name"}], "annotations": [{"image_id", "caption"}]} '
    "or {file name: caption}"
)


def captioned(source: Source, path: Path, progress: Progress) -> Source:
    """Return a source with the captions of a file; several of one image are lines of one text.

    File names are ids, or the last part of an id where no two records share it.

    Raises
    ------
    UsageError
        If the file cannot be read, is of another form, or has a caption for no record.
    """
    text = read_whole_text(path)
    try:
        known = json.loads(text)
        said = _from_coco(known) if "annotations" in known else _from_names(known)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UsageError(
            f"{_WANTED}, but {str(path)!r} is not: {cell_text(error)}; write it so"
        ) from error
    short = _short_names(source.ids)
    found = tuple(said.get(name, said.get(short[name], "")) for name in source.ids)
    if not any(found):
        example = next(iter(said), "none")
        raise UsageError(
            f"captions must name records of {source.uri!r}, whose ids look like "
            f"{source.ids[0]!r}, but none of the {len(said):,} file names in {str(path)!r} is one, "
            f"such as {example!r}; check that they belong together"
        )
    return with_column(source, CAPTION, found, progress)


def _from_coco(known: Mapping[str, Any]) -> dict[str, str]:
    names = {one["id"]: cell_text(one["file_name"]) for one in known["images"]}
    said: dict[str, list[str]] = {}
    for one in known["annotations"]:
        said.setdefault(names[one["image_id"]], []).append(cell_text(one[CAPTION]))
    return {name: "\n".join(lines) for name, lines in said.items()}


def _from_names(known: Mapping[str, Any]) -> dict[str, str]:
    if not all(isinstance(one, str) for one in known.values()):
        raise ValueError("a value is no text")
    return {cell_text(name): cell_text(one) for name, one in known.items()}


def _short_names(ids: tuple[str, ...]) -> dict[str, str]:
    """Return the last part of each id, where only that id has it, else the id."""
    times: dict[str, int] = {}
    for name in ids:
        last = name.rpartition("/")[2]
        times[last] = times.get(last, 0) + 1
    return {name: last if times[last := name.rpartition("/")[2]] == 1 else name for name in ids}
