"""``spolia attack``: attacks of the literature on a synthetic set, each beside its control."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spolia.cli.console import print_json, progress_on_stderr, say, show
from spolia.cli.join import Engine
from spolia.cli.options import (
    Cache,
    Detector,
    Device,
    Face,
    Format,
    Identities,
    JsonOutput,
    LandmarksFile,
    Limit,
    MaxBad,
    Memory,
    Quiet,
    Threads,
    Trust,
    parse_duplicates,
    parse_size,
)

if TYPE_CHECKING:
    from spolia.auditing.membership import MembershipResult
    from spolia.core.set_membership import Method

attack = typer.Typer(no_args_is_help=True, help="Attacks of the literature, beside their control.")

_STYLES = {"leak": "bold red", "none": "bold green"}


@attack.callback()
def _attacks() -> None:
    """Attacks of the literature on a synthetic set, each beside its held-out control."""


@attack.command(no_args_is_help=True)
def membership(
    train: Annotated[
        str, typer.Argument(metavar="TRAIN", help="What the generator was trained on.")
    ],
    synthetic: Annotated[str, typer.Argument(metavar="SYNTHETIC", help="What it made.")],
    control: Annotated[
        str, typer.Option(help="Images of the same population it was NOT trained on.")
    ],
    reference: Annotated[
        str | None,
        typer.Option(help="More of these, to calibrate by; default: half of the control."),
    ] = None,
    embedder: Annotated[
        str, typer.Option(help="dct, gist, phash, dlib, a model card (.toml), or precomputed.")
    ] = "dct",
    level: Annotated[
        float,
        typer.Option(help="Largest chance that any method sees a leak where there is none."),
    ] = 0.05,
    seed: Annotated[
        int, typer.Option(help="Draws the halves of the control, exchanges and resamples.")
    ] = 0,
    out: Annotated[
        Path | None, typer.Option(help="Run folder: summary, page, scores; resumable.")
    ] = None,
    identities: Identities = "auto",
    format: Format = None,  # noqa: A002  (the option's name)
    max_bad: MaxBad = 0.01,
    duplicates: Annotated[
        str,
        typer.Option(
            metavar="TAU",
            help="Similarity from which two records are near-duplicates, of which one stays; auto: "
            "by what the embedder can tell; off: not searched for.",
        ),
    ] = "auto",
    detector: Detector = None,
    landmarks: LandmarksFile = None,
    face: Face = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Start anew where --out holds another question.")
    ] = False,
    cache: Cache = None,
    limit: Limit = None,
    threads: Threads = None,
    memory: Memory = "512MiB",
    engine: Engine = "auto",
    device: Device = "auto",
    trust: Trust = None,
    json_output: JsonOutput = False,
    quiet: Quiet = False,
) -> int:
    """Compute what set-only membership and copy metrics say, side by side.

    GAN-Leaks, Monte-Carlo, DOMIAS, nearest-distance ratio, C_T, authenticity, one-third ratio,
    AMS, UMS and a likelihood gap: each with train, and with held-out images in its place.
    Near-duplicates are put together first. Returns 1 if a method sees a leak, 4 if none could,
    else 0.

    Example: `spolia attack membership train/ samples/ --control control/ --out run`
    """
    from spolia.auditing.membership import membership as ask
    from spolia.auditing.options import Options
    from spolia.sources.limits import parse_limits

    options = Options(
        identities=identities,
        format=format,
        max_bad=max_bad,
        duplicates=parse_duplicates(duplicates),
        detector=detector,
        landmarks=landmarks,
        face=face,
        overwrite=overwrite,
        cache=cache,
        limits=parse_limits(tuple(limit or ())),
        threads=threads,
        memory=parse_size(memory),
        engine=engine,
        device=device,
        trust=tuple(trust or ()),
    )
    with progress_on_stderr(quiet=quiet) as progress:
        result = ask(
            train=train,
            synthetic=synthetic,
            control=control,
            reference=reference,
            embedder=embedder,
            level=level,
            seed=seed,
            out=out,
            options=options,
            progress=progress,
        )
    if json_output:
        print_json(result.to_json())
    else:
        _show(result, out)
    return result.summary.exit_code


def _show(result: "MembershipResult", out: Path | None) -> None:
    summary = result.summary
    show(summary.sentence, style=_STYLES.get(summary.outcome, "bold yellow"))
    for one in summary.used:
        show(f"  {one.role}: {one.records:,} records of {one.identities:,} identities")
    for method in summary.methods:
        show(_line(method))
        if method.reason:
            show(f"      why: {method.reason}")
    for each in summary.sets:
        if each.unreadable or each.no_face or each.blank:
            show(
                f"  Left out of {each.role}: {each.unreadable:,} unreadable, {each.no_face:,} "
                f"without a face, {each.blank:,} blank"
            )
    for note in summary.notes:
        show(f"  Note: {note}")
    if out is None:
        say("  Nothing was kept: --out RUN writes the page, the summary and the scores.")
    else:
        say(
            f"  Written: {out / 'membership.html'} and {out / 'membership.json'} (no names), "
            f"{out / 'records.parquet'} (names)"
        )


def _line(one: "Method") -> str:
    from spolia.report.format import p_value
    from spolia.report.membership import ends, number

    said = (
        f"    {one.name:<20} train {number(one.value.value)}, held-out "
        f"{number(one.control.value)}, excess {number(one.excess.value)} ({ends(one.excess)}), p "
        f"{p_value(one.p_adjusted)}: {one.verdict}"
    )
    return said.replace("\u00a0", " ")
