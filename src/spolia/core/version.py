"""The installed versions of spolia and of what it computes with."""

from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version

VERSION = version("spolia")

_PACKAGES = ("numpy", "scipy", "pillow", "pyarrow", "onnxruntime", "simplejpeg")


def packages(names: Sequence[str] = _PACKAGES) -> tuple[tuple[str, str], ...]:
    """Return name and version of the packages that a number may depend on, where installed.

    >>> [name for name, _ in packages(("numpy", "no such package"))]
    ['numpy']
    """
    return tuple((name, found) for name in names if (found := _installed(name)) is not None)


def _installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
