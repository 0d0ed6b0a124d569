"""A model in one file: a zip of a header in JSON and of arrays as ``.npy``, none of it pickled.

The members are stored as they are, not packed, so that no file can hold more than its own size.
What is read is exactly what the header calls for: every array by name, shape and type.
"""

import hashlib
import io
import json
import math
import zipfile
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.lib.format as npy_format

from spolia.core.errors import UsageError
from spolia.core.types import Float32
from spolia.store.atomic import atomic_file

HEADER = "header.json"
_LONGEST_HEADER = 1 << 16
_LONGEST_NPY_HEADER = 4096

Shapes = Mapping[str, tuple[int, ...]]


def write_model(path: Path, header: Mapping[str, Any], arrays: Mapping[str, Float32]) -> None:
    """Write a model, whole or not at all; the same model gives the same bytes."""
    with atomic_file(path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(zipfile.ZipInfo(HEADER), json.dumps(header, indent=2) + "\n")
        for name, one in arrays.items():
            with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as member:
                npy_format.write_array(member, np.ascontiguousarray(one), allow_pickle=False)


def read_model(
    path: Path, expected: Callable[[Mapping[str, Any]], Shapes]
) -> tuple[dict[str, Any], dict[str, Float32]]:
    """Return the header and the arrays of a model.

    Parameters
    ----------
    path
        The file.
    expected
        Returns the name and shape of each array of a file with the header it is given, or raises
        UsageError; nothing else is believed of the file.

    Raises
    ------
    UsageError
        If the file is no model, or not whole.
    """
    if not path.is_file():
        raise UsageError(f"a model of `spolia lab train` is wanted, but there is none at {path}")
    try:
        with zipfile.ZipFile(path) as archive:
            header = _header(archive)
            shapes = expected(header)
            _check_members(archive, shapes, path.stat().st_size)
            return header, {name: _array(archive, name, shape) for name, shape in shapes.items()}
    except UsageError as error:
        raise _refusal(path, str(error)) from error
    except Exception as error:  # those of zipfile, json and numpy have no common parent
        raise _refusal(path, f"it is damaged: {error}") from error


def digest_of(header: Mapping[str, Any], arrays: Mapping[str, Float32]) -> str:
    """Return the hex digest of a header and arrays, whatever their order."""
    digest = hashlib.sha256(json.dumps(header, sort_keys=True).encode())
    for name in sorted(arrays):
        one = np.ascontiguousarray(arrays[name], dtype="<f4")
        digest.update(json.dumps([name, one.shape]).encode() + one.tobytes())
    return digest.hexdigest()


def _header(archive: zipfile.ZipFile) -> dict[str, Any]:
    if HEADER not in archive.namelist():
        raise UsageError(f"it has no {HEADER}")
    member = archive.getinfo(HEADER)
    if member.file_size > _LONGEST_HEADER or member.compress_type != zipfile.ZIP_STORED:
        raise UsageError(f"its {HEADER} is packed, or longer than {_LONGEST_HEADER:,} bytes")
    header = json.loads(archive.read(member))
    if not isinstance(header, dict):
        raise UsageError(f"its {HEADER} must be an object, but is a {type(header).__name__}")
    return header


def _check_members(archive: zipfile.ZipFile, shapes: Shapes, size: int) -> None:
    """Refuse what the header does not call for before any memory is set aside."""
    members = archive.infolist()
    names = Counter(member.filename for member in members)
    wanted = Counter([HEADER, *(f"{name}.npy" for name in shapes)])
    odd = sorted((names - wanted) + (wanted - names))
    if odd:
        raise UsageError(
            f"it must hold each array that its header calls for, once, and nothing else, but see "
            f"{odd[0]!r}"
        )
    if any(member.compress_type != zipfile.ZIP_STORED for member in members):
        raise UsageError("its members must be stored, not packed")
    claimed = sum(4 * math.prod(shape) for shape in shapes.values())
    if claimed > size:
        raise UsageError(f"its header claims {claimed:,} bytes of numbers, but it has {size:,}")


def _array(archive: zipfile.ZipFile, name: str, shape: tuple[int, ...]) -> Float32:
    limit = 4 * math.prod(shape) + _LONGEST_NPY_HEADER
    with archive.open(f"{name}.npy") as member:
        read = io.BytesIO(member.read(limit))
        if member.read(1):
            raise UsageError(f"{name} is longer than its shape {shape}")
    version = npy_format.read_magic(read)
    if version != (1, 0):
        raise UsageError(f"{name} must be a .npy of version 1.0, but is of {version}")
    there, _, dtype = npy_format.read_array_header_1_0(read)
    if there != shape or dtype != np.dtype("<f4"):
        raise UsageError(f"{name} must be float32 of shape {shape}, but is {dtype} of {there}")
    read.seek(0)
    found: Float32 = npy_format.read_array(read, allow_pickle=False)
    if read.read(1):
        raise UsageError(f"{name} is longer than its shape {shape}")
    if not np.isfinite(found).all():
        raise UsageError(f"{name} must be finite, but holds a NaN or infinite value")
    return found


def _refusal(path: Path, why: str) -> UsageError:
    return UsageError(
        f"a model of `spolia lab train` is wanted, but {path} cannot be used: {why}; train it again"
    )
