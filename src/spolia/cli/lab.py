"""``spolia lab train`` and ``sample``."""

from pathlib import Path
from typing import Annotated

import typer

from spolia.cli.console import print_json, progress_on_stderr, say, show
from spolia.cli.options import Format, JsonOutput, Limit, MaxBad, Quiet
from spolia.core.errors import UsageError

_SHOWN = 10

lab = typer.Typer(no_args_is_help=True, help="Small generators whose training images are known.")

Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace the file if it is there.")]


@lab.callback()
def _lab() -> None:
    """Small generators whose training images are known, to try an audit on.

    A model holds the people of its training images: do not publish it.
    """


@lab.command()
def train(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="The images to train on.")],
    out: Annotated[Path, typer.Option(metavar="MODEL", help="File for the model.")],
    family: Annotated[str, typer.Option(metavar="ddpm|gan", help="What is trained.")] = "ddpm",
    side: Annotated[
        int, typer.Option(help="Height and width in pixels; images are cut square and resized.")
    ] = 64,
    steps: Annotated[int, typer.Option(help="Batches to train on: more memorise more.")] = 3000,
    seed: Annotated[int, typer.Option(help="Of the first weights and of every batch.")] = 0,
    format: Format = None,  # noqa: A002  (the option's name)
    max_bad: MaxBad = 0.01,
    limit: Limit = None,
    overwrite: Overwrite = False,
    json_output: JsonOutput = False,
    quiet: Quiet = False,
) -> None:
    """Train a small generator on images, so that it is known what it was trained on.

    It needs torch (pip install 'spolia[lab]'), one thread and a minute or two. Its file holds the
    people of its training images: do not publish it.

    Example: `spolia lab train faces.zip@split/train.txt --out few.model`
    """
    from spolia.auditing.squares import square_images
    from spolia.lab.settings import Settings
    from spolia.lab.training import train as run_training
    from spolia.sources import open_source
    from spolia.sources.limits import parse_limits

    settings = Settings(family=family, side=side, steps=steps)
    _check_absent(out, overwrite=overwrite)
    with progress_on_stderr(quiet=quiet) as progress:
        images = open_source(
            source,
            format=format,
            identities="none",
            limits=parse_limits(tuple(limit or ())),
            progress=progress,
        )
        read = square_images(images, side, max_bad=max_bad, progress=progress)
        found = run_training(read.images, settings, seed=seed, progress=progress)
    found.save(out)
    if json_output:
        print_json(
            {
                "name": found.name,
                "fingerprint": found.fingerprint,
                "source": images.fingerprint,
                "images": found.images,
                "unreadable": len(read.unreadable),
                "seed": seed,
            }
        )
        return
    show(f"{out}: {found.name}, trained on {found.images:,} images")
    for one in read.unreadable[:_SHOWN]:
        show(f"  Left out: {one.id}: {one.reason}")
    if len(read.unreadable) > _SHOWN:
        show(f"  and {len(read.unreadable) - _SHOWN:,} more that could not be read")
    say("It holds the people of its training images: do not publish it.")


@lab.command()
def sample(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="What `spolia lab train` wrote.")],
    out: Annotated[Path, typer.Option(metavar="FILE.npy", help="File for the images.")],
    samples: Annotated[int, typer.Option(help="How many images.")] = 1000,
    seed: Annotated[int, typer.Option(help="Of the noise that they are made of.")] = 0,
    overwrite: Overwrite = False,
    json_output: JsonOutput = False,
    quiet: Quiet = False,
) -> None:
    """Ask a model for images, as an array that every command reads as a set.

    The first of many are those of fewer under the same seed. Needs no torch.

    Example: `spolia lab sample few.model --samples 1000 --out samples.npy`
    """
    import numpy as np

    from spolia.lab.training import open_model
    from spolia.store.atomic import atomic_file

    if out.suffix != ".npy":
        raise UsageError(f"--out must end in .npy, or no command reads it, but is {out}")
    _check_absent(out, overwrite=overwrite)
    found = open_model(model)
    with progress_on_stderr(quiet=quiet) as progress:
        images = found.sample(samples, seed=seed, progress=progress)
    with atomic_file(out) as file:
        np.save(file, images, allow_pickle=False)
    if json_output:
        print_json({"model": found.fingerprint, "samples": samples, "seed": seed})
        return
    show(f"{out}: {samples:,} images of {found.name}")


def _check_absent(path: Path, *, overwrite: bool) -> None:
    if path.exists() and not overwrite:
        raise UsageError(f"{path} is there already; choose another --out, or add --overwrite")
