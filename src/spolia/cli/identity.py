"""``spolia identity``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from spolia.cli.console import print_json, progress_on_stderr, say, show
from spolia.cli.join import Engine
from spolia.cli.named import show_named
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
from spolia.core.errors import UsageError

if TYPE_CHECKING:
    from spolia.auditing.generating import Sampled
    from spolia.auditing.identity import IdentityResult
    from spolia.auditing.options import Options
    from spolia.core.membership import Hits, IdentitySummary, Separation

_SAMPLES = 1000
_STYLES = {"found": "bold red", "not found": "bold green"}


def identity(
    nonmembers: Annotated[
        str, typer.Option(help="Photos of people of the same population it was NOT trained on.")
    ],
    synthetic: Annotated[
        str | None, typer.Argument(metavar="SYNTHETIC", help="What the generator made.")
    ] = None,
    generator: Annotated[
        Path | None,
        typer.Option(
            metavar="MODEL", help="A model of `spolia lab train`, to be asked in its place."
        ),
    ] = None,
    samples: Annotated[
        int | None, typer.Option(help="For how many images to ask MODEL; default 1000.")
    ] = None,
    members: Annotated[
        str | None,
        typer.Option(help="Other photos of people it was trained on: how well can they be told?"),
    ] = None,
    queries: Annotated[
        str | None,
        typer.Option(help="Photos of people who are asked about: who of them stands out?"),
    ] = None,
    train: Annotated[
        str | None,
        typer.Option(help="What it was trained on, to leave out photos that are themselves in it."),
    ] = None,
    embedder: Annotated[
        str,
        typer.Option(
            help="A model card (.toml) that tells persons, dlib, dct, ... or precomputed."
        ),
    ] = "dct",
    any_judge: Annotated[
        bool,
        typer.Option(
            "--any-judge", help="Allow one that tells photos apart: for patients or artworks."
        ),
    ] = False,
    score: Annotated[
        Literal["nearest", "top", "standard"],
        typer.Option(
            help="How a photo scores: similarity to the nearest sample, mean similarity to the "
            "five nearest, or standard deviations of the nearest over all samples."
        ),
    ] = "nearest",
    fdr: Annotated[
        float, typer.Option(help="Largest expected share of non-members among the named queries.")
    ] = 0.05,
    seed: Annotated[
        int,
        typer.Option(help="Draws the photos that are compared, resamples, and MODEL's samples."),
    ] = 0,
    out: Annotated[
        Path | None, typer.Option(help="Run folder: report, summary, table, embeddings; resumable.")
    ] = None,
    identities: Identities = "auto",
    format: Format = None,  # noqa: A002  (the option's name)
    max_bad: MaxBad = 0.01,
    duplicates: Annotated[
        str,
        typer.Option(
            metavar="TAU",
            help="Similarity from which two records count as one photo, which must not be on both "
            "sides; auto: by what the embedder can tell; off: not searched for.",
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
    """Find out whether samples betray whose photos their generator was trained on.

    Sets have a sub-folder per person, or other labels, and photos that were not trained on. Give
    --members, --queries or both. Returns 1 if a query is named (without queries: if members score
    higher than non-members), 4 if there are too few non-members to name one query, else 0.

    Example: `spolia identity samples/ --queries asked/ --nonmembers others/ --embedder face.toml`
    """
    from spolia.auditing.identity import identity as ask
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
            synthetic=_asked(synthetic, generator, samples, seed, options),
            nonmembers=nonmembers,
            members=members,
            queries=queries,
            train=train,
            embedder=embedder,
            any_judge=any_judge,
            score=score,
            fdr=fdr,
            seed=seed,
            out=out,
            options=options,
            progress=progress,
        )
        if out is not None:
            result.report(out / "report.html")
    if json_output:
        print_json(result.to_json())
    else:
        _show(result, out)
    return result.summary.exit_code


def _asked(
    synthetic: str | None,
    generator: Path | None,
    samples: int | None,
    seed: int,
    options: "Options",
) -> "str | Sampled":
    """Return the set that is asked about."""
    from spolia.auditing.generating import Sampled

    if (synthetic is None) == (generator is None):
        raise UsageError("one of SYNTHETIC and --generator MODEL is wanted, and not both")
    if generator is None:
        if samples is not None:
            raise UsageError("--samples is for --generator MODEL; of a set every image counts")
        return str(synthetic)
    from spolia.lab.training import open_model

    model = open_model(generator)
    samples = _SAMPLES if samples is None else samples
    return Sampled(model, samples, seed=seed, place=generator, limits=options.limits)


def _show(result: "IdentityResult", out: Path | None) -> None:
    summary = result.summary
    show(summary.sentence, style=_STYLES.get(summary.outcome, "bold yellow"))
    _show_sets(summary)
    for some in (summary.identities, summary.photos):
        if some is not None:
            _show_separation(some)
    for note in summary.notes:
        show(f"  Note: {note}")
    if summary.queries is not None:
        show_named(result.named, "identities.parquet")
    if out is None:
        say("  Nothing was kept: --out RUN writes the summary and the table of identities.")
    else:
        say(f"  Report: {out / 'report.html'} (no names)")
        say(f"  Written: {out / 'identity.json'} (no names), {out / 'identities.parquet'} (names)")
        say(f"  Check: spolia verify {out}")


def _show_sets(summary: "IdentitySummary") -> None:
    for one in summary.compared:
        show(
            f"  {one.role}: {one.photos:,} photos of {one.identities:,} identities, {one.single:,} "
            "with a single photo"
        )
    for each in summary.sets:
        if each.unreadable or each.no_face or each.blank:
            show(
                f"  Left out of {each.role}: {each.unreadable:,} unreadable, {each.no_face:,} "
                f"without a face, {each.blank:,} blank"
            )


def _show_separation(one: "Separation") -> None:
    from spolia.report.format import measure_in_full

    show(_plain(f"  By {one.unit}: AUC {measure_in_full(one.auc)}"))
    show(_plain(f"    average precision {measure_in_full(one.ap)}"))
    for hits in one.hits:
        show(_plain(f"    {_hits(hits)}"))
    for level in one.refused:
        show(f"    FPR {level:.1%}: {one.non_members:,} non-members are too few to tell")


def _hits(one: "Hits") -> str:
    from spolia.report.format import in_full, percent

    worth = "; ".join(
        f"{percent(each.ppv.value)} where {percent(each.prior)} are members" for each in one.worth
    )
    return f"FPR at most {one.fpr:.1%}: TPR {in_full(one.tpr)}. A hit is a member: {worth}"


def _plain(text: str) -> str:
    return text.replace("\u00a0", " ")
