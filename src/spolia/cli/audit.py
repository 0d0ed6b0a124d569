"""``spolia audit``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spolia.cli.chance import chance_lines
from spolia.cli.console import print_json, progress_on_stderr, say, show
from spolia.cli.counting import show_counting
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
    from spolia.auditing.result import AuditResult
    from spolia.core.results import SetSummary

_SHOWN = 5
_STYLES = {"leak": "bold red", "none": "bold green"}


def audit(
    train: Annotated[
        str, typer.Argument(metavar="TRAIN", help="What the generator was trained on.")
    ],
    synthetic: Annotated[
        list[str],
        typer.Argument(
            metavar="SYNTHETIC...", help="What the generator made; several sets make a study."
        ),
    ],
    control: Annotated[
        str | None,
        typer.Option(
            help="Images of the same population it was NOT trained on. Without it: a "
            "ranking, no verdict."
        ),
    ] = None,
    embedder: Annotated[
        list[str] | None,
        typer.Option(
            help="dct (copies; the default), gist, phash, dlib (faces), a model card (.toml), or "
            "precomputed. Given more than once: several judges."
        ),
    ] = None,
    fdr: Annotated[
        float, typer.Option(help="Largest expected share of false ones among the findings.")
    ] = 0.05,
    out: Annotated[
        Path | None, typer.Option(help="Run folder: report, tables, embeddings; resumable.")
    ] = None,
    seed: Annotated[
        int,
        typer.Option(
            help="Decides how the control is halved, and which images of train stand for strangers."
        ),
    ] = 0,
    identities: Identities = "auto",
    format: Format = None,  # noqa: A002  (the option's name)
    max_bad: MaxBad = 0.01,
    duplicates: Annotated[
        str,
        typer.Option(
            metavar="TAU",
            help="Similarity from which two records count as one photo; auto: by what the "
            "embedder can tell; off: near-duplicates are not searched for.",
        ),
    ] = "auto",
    columns: Annotated[
        Path | None,
        typer.Option(
            help="CSV or parquet with a column id or identity, and others: age group, licence ..."
        ),
    ] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COLUMN=VALUE", help="Set records aside, and count them; may be repeated."
        ),
    ] = None,
    exclude_list: Annotated[
        Path | None, typer.Option(help="Set aside the records whose ids are listed, one a line.")
    ] = None,
    detector: Detector = None,
    landmarks: LandmarksFile = None,
    face: Face = None,
    attribute: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="CARD",
            help="Card of a network that fills a column, such as an age group; may be repeated.",
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Start anew where --out holds another audit.")
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
    """Find out which training images a synthetic set gives away.

    A set is a folder (one sub-folder per identity, or not), a .zip, a .npy or .npz of uint8 images,
    or stored embeddings with --embedder precomputed. Several SYNTHETIC sets, or several --embedder,
    make a study: an audit for each, side by side, and what the judges say together.

    Example: `spolia audit train/ synthetic.zip --control control/ --embedder face.toml --out run`
    """
    from spolia.auditing.options import Options
    from spolia.auditing.run import audit as run_audit
    from spolia.cli.study import Asked, run_study
    from spolia.sources.limits import parse_limits

    options = Options(
        identities=identities,
        format=format,
        max_bad=max_bad,
        duplicates=parse_duplicates(duplicates),
        columns=columns,
        exclude=tuple(exclude or ()),
        exclude_list=exclude_list,
        detector=detector,
        landmarks=landmarks,
        face=face,
        attributes=tuple(attribute or ()),
        overwrite=overwrite,
        cache=cache,
        limits=parse_limits(tuple(limit or ())),
        threads=threads,
        memory=parse_size(memory),
        engine=engine,
        device=device,
        trust=tuple(trust or ()),
    )
    judges = embedder or ["dct"]
    if len(synthetic) > 1 or len(judges) > 1:
        asked = Asked(train, synthetic, control, judges, fdr, seed)
        return run_study(asked, out, options, json_output=json_output, quiet=quiet)
    with progress_on_stderr(quiet=quiet) as progress:
        result = run_audit(
            train=train,
            synthetic=synthetic[0],
            control=control,
            embedder=judges[0],
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
        show_verdict(result)
        for line in chance_lines(result.summary.strangers):
            show(f"  {line}")
        show_counting(result.summary.counting)
        _show_pairs(result)
        _show_unreadable(result)
        _show_where(out)
    return result.summary.exit_code


def show_verdict(result: "AuditResult") -> None:
    """Print the sentence, the notes, and the self-check of one audit."""
    from spolia.report.format import check_word, leaks_seen
    from spolia.report.kinds import kinds_line

    summary = result.summary
    show(summary.sentence, style=_STYLES.get(summary.outcome, "bold yellow"))
    show(f"  Sets: {'; '.join(_described(one) for one in summary.sets)}.")
    check = summary.negative_control
    if check is not None:
        show(
            f"  Negative control: {check.found} of {check.n:,} found with half of the control in "
            f"the place of train ({check_word(check)})."
        )
    if summary.power:
        seen = "; ".join(f"{one.strength} {leaks_seen(one, 95)}" for one in summary.power)
        show(f"  Would have seen, with 95 % probability, leaked identities: {seen}.")
    if summary.kinds is not None:
        show(f"  {kinds_line(summary.kinds)}")
    for note in summary.notes:
        show(f"  Note: {note}")


def _described(one: "SetSummary") -> str:
    known = f" of {one.identities:,} identities" if one.identities_known else ", identities unknown"
    return f"{one.role} {one.records:,} images{known}"


def _show_pairs(result: "AuditResult") -> None:
    from spolia.report.format import p_value, similarity

    # An inconclusive audit may have named somebody, but it may not be quoted.
    if result.summary.outcome not in ("leak", "no verdict"):
        return
    found = result.summary.outcome == "leak"
    rows = result.findings if found else result.ranking
    kept = min(_SHOWN, rows.num_rows)
    show(f"  {'Findings' if found else 'Ranking, no verdict'} ({kept} of {rows.num_rows:,}):")
    for row in rows.slice(0, _SHOWN).to_pylist():
        line = f"    {row['query']}  ~  {row['reference']}   {similarity(row['similarity'])}"
        if row["q"] is not None:
            line += f"   q {p_value(row['q'])}   {row['kind']}"
        show(line)


def _show_unreadable(result: "AuditResult") -> None:
    for role, name, reason in result.quarantine[:_SHOWN]:
        say(f"  Left out, {role}: {name}: {reason}")
    if len(result.quarantine) > _SHOWN:
        say(f"  ... and {len(result.quarantine) - _SHOWN:,} more, in quarantine.csv of --out")


def _show_where(out: Path | None) -> None:
    if out is None:
        say("  Nothing was kept: --out RUN writes the report and the tables, and can be resumed.")
        return
    say(
        f"  Report: {out / 'report.html'} (no images; `spolia report {out} --profile internal` "
        "shows them)"
    )
    say(f"  Check: spolia verify {out}")
