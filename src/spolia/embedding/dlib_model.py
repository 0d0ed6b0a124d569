"""dlib and the models that the package ``face-recognition-models`` brings, checked."""

from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from spolia.core.errors import InvalidCard, MissingExtra
from spolia.embedding.session import read_model

_INSTALL = "dlib and its models are needed, and not installed; run: pip install 'spolia[dlib]'"


def dlib_module() -> Any:
    """Import dlib.

    Raises
    ------
    MissingExtra
        If it is not installed.
    """
    try:
        import dlib
    except ImportError as error:
        raise MissingExtra(_INSTALL) from error
    return dlib


def dlib_version() -> str:
    """Return the version, of whichever package brings it."""
    try:
        return version("dlib-bin")
    except ImportError:
        return str(dlib_module().__version__)


@cache
def model_path(file: str, sha256: str) -> Path:
    """Return where a model lies, checked once; the package that brings it is not imported.

    Raises
    ------
    MissingExtra
        If it is not installed.
    InvalidCard
        If it is another one than spolia was written for.
    """
    # Its __init__ needs pkg_resources, which new versions of setuptools no longer have.
    spec = find_spec("face_recognition_models")
    if spec is None or spec.origin is None:
        raise MissingExtra(_INSTALL)
    path = Path(spec.origin).parent / "models" / file
    _, digest = read_model(path)
    if digest != sha256:
        raise InvalidCard(
            f"the model of dlib must have sha256 {sha256}, but {path} has {digest}; run: pip "
            "install --force-reinstall face-recognition-models"
        )
    return path
