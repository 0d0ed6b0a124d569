"""``spolia doctor``."""

import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Any

from spolia.cli.console import print_json, show
from spolia.cli.options import JsonOutput

_NEEDED = ("numpy", "scipy", "pillow", "pyarrow", "jinja2", "typer", "rich", "threadpoolctl")
_EXTRAS = {"onnxruntime": ("onnx", "embedders by model card")}


def doctor(json_output: JsonOutput = False) -> None:
    """Show what this installation can do, what is missing, and what is slow.

    Example: `spolia doctor`
    """
    record = examine()
    if json_output:
        print_json(record)
        return
    show(f"spolia {record['spolia']}, Python {record['python']}, {record['machine']}")
    show(f"  packages    {', '.join(f'{name} {v}' for name, v in record['packages'].items())}")
    for name, extra in record["extras"].items():
        show(f"  {name:<11} {extra['version'] or extra['install']} ({extra['for']})")
    for library in record["matrix_libraries"]:
        show(f"  matrix      {library}")
    show(f"  join        {record['join']}")
    show(f"  embedders   dct (copies, built in); {record['cards']}")
    show(f"  telemetry   {record['telemetry']}")


def examine() -> dict[str, Any]:
    """Return what `doctor` shows."""
    import numpy  # noqa: F401  (loads the matrix library that is reported)
    from threadpoolctl import threadpool_info

    from spolia.core.version import VERSION

    libraries = [
        f"{one.get('internal_api', 'unknown')} {one.get('version') or ''} "
        f"({one.get('architecture', 'unknown')}), {one['num_threads']} threads"
        for one in threadpool_info()
    ]
    return {
        "spolia": VERSION,
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "packages": {name: _version(name) for name in _NEEDED},
        "extras": {
            name: {
                "version": _version(name) if find_spec(name) else None,
                "install": f"not installed: pip install 'spolia[{extra}]'",
                "for": use,
            }
            for name, (extra, use) in _EXTRAS.items()
        },
        "matrix_libraries": libraries or ["unknown: numpy's own, slow"],
        "join": "exact, float32 blocks through the matrix library above; this version has no "
        "compiled kernel, so no compiler is needed and none would make it faster",
        "cards": "faces and others by model card"
        if find_spec("onnxruntime")
        else "model cards need onnxruntime",
        "telemetry": "none; onnxruntime's is switched off before it is loaded",
        "executable": sys.executable,
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
