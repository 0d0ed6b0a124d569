"""Code that a user must say they trust before it runs: TorchScript, and embedders in Python.

An ONNX file is a list of sums that onnxruntime carries out. A TorchScript file is a program, and a
Python factory can do whatever you can. Neither runs because a card or a plan names it: only because
the call says so, by the file's SHA-256 or by the factory's full name.
"""

import importlib
from collections.abc import Collection
from typing import Any

from spolia.core.errors import MissingExtra, UsageError
from spolia.embedding.schema import is_digest

PREFIX = "python:"


def is_python(spec: str) -> bool:
    """Is this the name of a factory of embedders?

    >>> is_python("python:judges:face"), is_python("face.toml")
    (True, False)
    """
    return spec.startswith(PREFIX)


def check_trust(trust: Collection[str]) -> None:
    """Raise unless everything in ``trust`` can be trusted by its form.

    >>> check_trust(["face.pt"])
    Traceback (most recent call last):
    ...
    spolia.core.errors.UsageError: --trust must be a SHA-256 in 64 lower-case hexadecimal digits or
    python:MODULE:FACTORY, but is 'face.pt'
    """
    if isinstance(trust, str):
        raise UsageError(f"trust must be a list, but is {trust!r}; write [{trust!r}]")
    for one in trust:
        if not is_digest(one) and not is_python(one):
            raise UsageError(
                "--trust must be a SHA-256 in 64 lower-case hexadecimal digits or "
                f"python:MODULE:FACTORY, but is {one!r}"
            )


def trusted_factory(spec: str, trust: Collection[str]) -> Any:
    """Import and call what ``python:MODULE:FACTORY`` names, and return what it makes.

    Raises
    ------
    UsageError
        If it is not trusted, is written wrongly, or names nothing that can be called.
    MissingExtra
        If the module, or one that it imports, is not installed.
    """
    parts = spec.removeprefix(PREFIX).split(":")
    if len(parts) != 2 or not all(part.isidentifier() for part in parts[0].split(".") + parts[1:]):
        raise UsageError(
            f"an embedder in Python must be python:MODULE:FACTORY, but is {spec!r}; for instance "
            "python:mypackage.judges:face"
        )
    if spec not in trust:
        raise UsageError(
            f"{spec} runs code with your rights, so it must be trusted, but is not; if you know "
            f"what it does, add --trust {spec}"
        )
    module_name, factory_name = parts
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise MissingExtra(
            f"{spec} needs a module {module_name!r} that can be imported, but: {error}; install "
            "it, or put its folder into PYTHONPATH"
        ) from error
    factory = getattr(module, factory_name, None)
    if not callable(factory):
        raise UsageError(
            f"{spec} must name something to call, but {module_name} has no such {factory_name!r}"
        )
    return factory()
