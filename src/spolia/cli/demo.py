"""``spolia demo``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from spolia.cli.audit import show_verdict
from spolia.cli.console import print_json, progress_on_stderr, show
from spolia.cli.options import JsonOutput, Quiet
from spolia.cli.review import REVIEWER, hold, prepare, show_held
from spolia.core.errors import PlanMismatch

if TYPE_CHECKING:
    import numpy.typing as npt

    from spolia.core.progress import Progress

SAMPLES = 500
LEAKING_SHARE = 0.3
MEMORISATION = 0.75


def demo(
    out: Annotated[Path, typer.Option(help="Where the sets and both runs go.")] = Path(
        "spolia-demo"
    ),
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Start anew where --out holds other runs.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Split and samples.")] = 0,
    review: Annotated[
        bool,
        typer.Option("--review", help="Then look at pairs of the leaky run on the review page."),
    ] = False,
    json_output: JsonOutput = False,
    quiet: Quiet = False,
) -> None:
    """Audit a leaking and a clean generator whose truth is known. No download, under a minute.

    Real images (1,796 handwritten digits, half of them for training) and a real diffusion sampler
    over denoisers in closed form: one copies training images in three of ten samples, the other
    knows only their mean and covariance.

    Example: `spolia demo --out demo`
    """
    if review:
        from spolia.review.server import check_extra

        check_extra()  # before the minute that the audits take
    with progress_on_stderr(quiet=quiet) as progress:
        runs = run_demo(out, seed=seed, overwrite=overwrite, progress=progress)
    if json_output:
        print_json({name: record for name, (record, _) in runs.items()})
    else:
        _show(runs)
    if review:
        _review(out / "leaky", json_output=json_output)


def _review(run: Path, *, json_output: bool) -> None:
    from spolia.core.progress import silent
    from spolia.review.opening import Wanted
    from spolia.review.server import Where

    table = prepare(run, Wanted(), REVIEWER, silent)
    record = hold(run, table, Where(), browser=False)
    if not json_output:
        show_held(record)


def _show(runs: dict[str, tuple[dict[str, Any], Any]]) -> None:
    show(
        "1,796 handwritten digits (UCI, CC BY 4.0): half trained the generators, half is control\n"
    )
    for name, (record, result) in runs.items():
        show(f"The {name} generator, {SAMPLES} samples", style="bold underline")
        show_verdict(result)
        show(f"  Truth: {record['truth']}")
        show(f"  Report: {record['report']}\n")


def run_demo(
    out: Path, *, seed: int, overwrite: bool, progress: "Progress"
) -> dict[str, tuple[dict[str, Any], Any]]:
    """Sample both generators, audit both, and hold the findings against the truth."""
    from spolia.auditing.options import Options
    from spolia.auditing.run import audit
    from spolia.lab.digits import digits, halves, to_images, to_rows
    from spolia.lab.oracle import Oracle, sample, sample_leaky

    images = digits()
    train, control = (images[half] for half in halves(seed))
    rows = to_rows(train)
    leaky = sample_leaky(Oracle(rows, MEMORISATION), share=LEAKING_SHARE, count=SAMPLES, seed=seed)
    clean = sample(Oracle(rows, 0.0), count=SAMPLES, seed=seed)
    sets = {"train": train, "control": control}
    generators = {
        "leaky": (to_images(leaky.samples), set(leaky.copied[leaky.copied >= 0].tolist())),
        "clean": (to_images(clean), set()),
    }
    folder = out / "sets"
    made = sets | {name: samples for name, (samples, _) in generators.items()}
    _write_sets(folder, made, overwrite=overwrite)
    shown = {"copied": train[min(generators["leaky"][1])], "control": control[0]}
    _write_photos(out / "photos", shown)
    runs = {}
    for name, (_, copied) in generators.items():
        result = audit(
            train=folder / "train.npy",
            synthetic=folder / f"{name}.npy",
            control=folder / "control.npy",
            seed=seed,
            out=out / name,
            options=Options(overwrite=overwrite),
            progress=progress,
        )
        # The digits are public and licensed for it: this report may show them.
        report = result.report(out / name / "report.html", profile="full")
        found = {int(row) for row in result.identities["identity"].to_pylist()}
        record = {
            "outcome": result.summary.outcome,
            "sentence": result.summary.sentence,
            "copied": len(copied),
            "found": len(found),
            "found_and_copied": len(found & copied),
            "truth": _truth(found, copied),
            "report": str(report),
        }
        runs[name] = (record, result)
    return runs


def _write_sets(folder: Path, sets: "dict[str, npt.NDArray[Any]]", *, overwrite: bool) -> None:
    import numpy as np

    folder.mkdir(parents=True, exist_ok=True)
    for name, images in sets.items():
        path = folder / f"{name}.npy"
        if path.exists() and not overwrite:
            if not np.array_equal(np.load(path, allow_pickle=False), images):
                raise PlanMismatch(
                    f"{folder} holds the sets of another demo; use --overwrite, or another --out"
                )
            continue
        np.save(path, images, allow_pickle=False)


def _write_photos(folder: Path, photos: "dict[str, npt.NDArray[Any]]") -> None:
    """Write single images, to search for: one that was copied, and one of the control."""
    from PIL import Image

    folder.mkdir(parents=True, exist_ok=True)
    for name, image in photos.items():
        Image.fromarray(image).save(folder / f"{name}.png")


def _truth(found: set[int], copied: set[int]) -> str:
    from spolia.report.format import percent

    if not copied:
        return f"no training image was copied; {len(found)} were named."
    right = len(found & copied)
    share = percent((len(found) - right) / max(1, len(found))).replace("\u00a0", " ")
    return (
        f"{len(copied)} training images were copied; {right} of them were found, "
        f"{len(copied) - right} were missed, and {len(found) - right} named wrongly "
        f"({share} of those found)."
    )
