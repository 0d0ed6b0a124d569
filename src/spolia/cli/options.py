"""Options that several commands take."""

import re
from pathlib import Path
from typing import Annotated, Literal

import typer

from spolia.core.errors import UsageError

JsonOutput = Annotated[
    bool, typer.Option("--json", help="Print the machine result, and nothing else, on stdout.")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")]
Threads = Annotated[int | None, typer.Option(min=1, help="Default: one per core.")]
Memory = Annotated[
    str, typer.Option(help="What the search may use beside the embeddings, e.g. 512MiB, 2GiB.")
]
Identities = Annotated[
    str,
    typer.Option(
        help="Where identities come from: auto (labels of the set, else folders), none, folder, "
        "or regex:PATTERN with one group."
    ),
]
Trust = Annotated[
    list[str] | None,
    typer.Option(
        help="Let this program run: the SHA-256 of a TorchScript file, or python:MODULE:FACTORY; "
        "may be repeated."
    ),
]
Device = Annotated[
    str,
    typer.Option(
        metavar="auto|cpu|gpu",
        help="What runs the embedder's network; auto: a graphics card where onnxruntime offers it.",
    ),
]
Format = Annotated[
    str | None,
    typer.Option(
        help="Format of the sets: folder, zip, tar, rec, list, parquet, arrow, lmdb, npy, npz or "
        "strips; default: detected. For one set alone write FORMAT:PATH."
    ),
]

Cache = Annotated[
    Path | None,
    typer.Option(
        help="Folder in which embeddings are kept from run to run, by content; default: nowhere."
    ),
]
MaxBad = Annotated[
    float, typer.Option(help="Stop if a larger share of a set's images cannot be read.")
]
Limit = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=NUMBER",
        help="What one image or container may cost, e.g. pixels=200000000; `spolia doctor` lists "
        "them. May be repeated.",
    ),
]

Detector = Annotated[
    Path | None,
    typer.Option(
        metavar="CARD",
        help="Card of a face detector, or dlib: the judge sees the faces it finds, aligned.",
    ),
]
LandmarksFile = Annotated[
    Path | None,
    typer.Option(
        "--landmarks",
        metavar="FILE",
        help="The same with points from a CSV or parquet file: id, x1, y1 to x5, y5.",
    ),
]
Face = Annotated[
    str | None,
    typer.Option(help="Which faces of an image count: largest (default), central, all or one."),
]

_WORDS: dict[str, Literal["auto", "off"]] = {"auto": "auto", "off": "off"}
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


def parse_size(text: str) -> int:
    """Return a size in bytes from ``512MiB``, ``2GB``, ``1.5G`` or plain bytes.

    >>> parse_size("512MiB"), parse_size("1.5G"), parse_size("100")
    (536870912, 1610612736, 100)
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?\s*", text, re.IGNORECASE)
    if match is None:
        raise UsageError(f"a size must look like 512MiB or 2GiB, but is {text!r}")
    return int(float(match[1]) * _UNITS[match[2].upper()])


def parse_duplicates(text: str) -> float | Literal["auto", "off"]:
    """Return a similarity, or the word that stands for one.

    >>> parse_duplicates("auto"), parse_duplicates("0.99")
    ('auto', 0.99)
    """
    if text in _WORDS:
        return _WORDS[text]
    try:
        return float(text)
    except ValueError:
        raise UsageError(
            f"--duplicates must be auto, off, or a similarity under 1, but is {text!r}"
        ) from None
