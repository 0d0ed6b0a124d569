"""A study of models trained on purpose: how exposure changes with what they are trained on."""

import tomllib
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from spolia.attacks.third_ratio import effective_memorisation
from spolia.auditing.alike import Kept
from spolia.auditing.duplicates import threshold_of
from spolia.auditing.embed import EmbedOptions, embed_source
from spolia.auditing.exclude import keep
from spolia.auditing.folder import run_folder
from spolia.auditing.identity_checks import check_judge
from spolia.auditing.options import Options
from spolia.auditing.questions import Question, begin
from spolia.auditing.result import write_quarantine
from spolia.auditing.sets import AuditSet, prepare
from spolia.auditing.squares import squared
from spolia.auditing.stages import EMBEDDINGS, SWEEP_FILE, quarantine_of
from spolia.auditing.sweep_asked import Asked, changes_of, point_of
from spolia.auditing.sweep_copies import copies
from spolia.auditing.sweep_people import Drawn, draw, people_in
from spolia.auditing.sweep_plan import Sweep, SweepPlan
from spolia.auditing.sweep_result import PAGE, REPORT, SweepResult
from spolia.auditing.sweep_said import notes_of, sentence_of
from spolia.auditing.sweep_training import Train
from spolia.core.errors import UsageError
from spolia.core.generator import Images
from spolia.core.progress import Progress, silent
from spolia.core.seeds import digest_key
from spolia.core.sweep import (
    SWEEP_SCHEMA,
    Knob,
    Setting,
    SweepSummary,
    Swept,
    SweptModel,
    SweptPoint,
    Trainer,
)
from spolia.core.types import Int64
from spolia.core.version import VERSION
from spolia.embedding import Embedder, open_embedder
from spolia.report.summary_json import read_record, write_record
from spolia.sources import Source, open_source
from spolia.store.atomic import make_private, write_text
from spolia.store.precomputed import open_precomputed

MODELS = "models"

_SWEEP = Question("spolia study", SWEEP_FILE, (REPORT, PAGE))
_MODEL_SCHEMA = "spolia-swept/1"


@dataclass(frozen=True)
class _Found:
    """What one trained model gave, kept so that a killed study goes on."""

    schema: str
    models: tuple[SweptModel, ...]
    """One for each number of steps and samples."""


def sweep(
    plan: SweepPlan,
    *,
    train: Train,
    out: str | Path | None = None,
    options: Options = Options(),
    progress: Progress = silent,
) -> SweepResult:
    """Train models as a plan says, and ask each whose photos it was trained on.

    Parameters
    ----------
    plan
        What is varied, and what people are drawn from.
    train
        Trains models, see `spolia.auditing.sweep_training`.
    out
        Folder of the study, kept and resumed model by model. Default: nothing is kept.
    options
        ``identities``, ``format``, ``max_bad``, ``duplicates``, ``overwrite`` and how it is run.
    progress
        Told about the stages of embedding, and how many models are done.

    Raises
    ------
    UsageError
        If the set has no identities or too few, the judge cannot tell persons apart, or ``out``
        holds something else.
    TooManyUnreadable
        If more than ``options.max_bad`` of the images cannot be read.
    """
    embedder = _judge(plan, options)
    source = open_source(
        plan.source,
        format=options.format,
        identities=options.identities,
        limits=options.limits,
        progress=progress,
    )
    _check_source(source, embedder, plan)
    threshold = threshold_of(options.duplicates, embedder.kind)
    if threshold is None:
        raise UsageError(
            "a study must know near-duplicates, or a photo that is trained on is asked about; "
            "leave out --duplicates off"
        )
    with run_folder(out, [plan.source], overwrite=options.overwrite) as folder:
        asked = tomllib.loads(plan.to_toml()) | {"options": _decisive(options, threshold)}
        begin(folder, _SWEEP, asked)
        records = _embedded(source, embedder, folder / EMBEDDINGS / "source", options, progress)
        write_quarantine(folder, quarantine_of({"source": records}))
        people = people_in(records, threshold, Kept(folder / "duplicates", options, progress))
        drawn = [
            [draw(people, one, plan, number) for number in range(1, plan.models + 1)]
            for one in plan.sweeps
        ]
        study = _Study(plan, source, embedder, train, folder, options, progress)
        swept = tuple(study.swept(one, some) for one, some in zip(plan.sweeps, drawn, strict=True))
        summary = SweepSummary(
            schema=SWEEP_SCHEMA,
            version=VERSION,
            notes=tuple(notes_of(plan, records.model)),
            seed=plan.seed,
            models=plan.models,
            non_members=plan.non_members,
            asked=plan.asked,
            training=Trainer(plan.training.family, plan.training.side),
            source=records.summary,
            model=records.model,
            any_judge=plan.any_judge,
            sweeps=swept,
        )
        result = SweepResult(summary)
        write_text(folder / REPORT, result.to_json())
    return result


@dataclass(frozen=True, eq=False)
class _Study:
    plan: SweepPlan
    source: Source
    embedder: Embedder
    train: Train
    folder: Path
    options: Options
    progress: Progress

    def swept(self, one: Sweep, drawn: list[Drawn]) -> Swept:
        """Train and ask all models of one sweep."""
        number = self.plan.sweeps.index(one) + 1
        settings = [one.at(value) for value in one.values]
        trained = list(dict.fromkeys(map(_on, settings)))
        stage, done = f"sweep {number}: {one.vary}", 0
        found: dict[tuple[Setting, int], SweptModel] = {}
        self.progress(stage, 0, len(trained) * len(drawn))
        for model, people in enumerate(drawn, start=1):
            for what in trained:
                asked = [each for each in settings if _on(each) == what]
                name = f"{number}-{one.vary}-{_first(what, one.vary)}{model}"
                answers = self._kept(name, people, one, asked, model)
                found |= {(each, model): a for each, a in zip(asked, answers, strict=True)}
                done += 1
                self.progress(stage, done, len(trained) * len(drawn))
        points = tuple(
            point_of(
                value,
                [found[setting, model] for model in range(1, len(drawn) + 1)],
                setting.identities - (1 if one.vary == "repeated" else 0),
                self.plan.non_members,
            )
            for value, setting in zip(one.values, settings, strict=True)
        )
        changes = changes_of(points)
        sentence = sentence_of(one.vary, points, changes)
        return Swept(one.vary, one.setting, sentence, points, changes, _memorised(one, points))

    def _kept(
        self, name: str, people: Drawn, one: Sweep, asked: list[Setting], number: int
    ) -> tuple[SweptModel, ...]:
        """Return what a model gave, trained now unless it was before."""
        path = self.folder / MODELS / f"{name}.json"
        if path.exists():
            kept: _Found = read_record(
                path.read_text(encoding="utf-8"), _Found, _MODEL_SCHEMA, "model of a study"
            )
            return kept.models
        make_private(path.parent)
        found = self._trained(people, one, asked, number)
        write_text(path, write_record(_Found(_MODEL_SCHEMA, found)))
        return found

    def _trained(
        self, people: Drawn, one: Sweep, asked: list[Setting], number: int
    ) -> tuple[SweptModel, ...]:
        """Train once, and ask the model as it is after each number of steps."""
        seed = int.from_bytes(digest_key(self.plan.seed, "model", str(number))[:4], "little")
        trained_on = people.trained(asked[0])
        images, beside = (
            self._images(people, one) for one in (trained_on, people.beside(asked[0]))
        )
        # Without repetitions: the second nearest of an image that is there twice is itself.
        different = images[np.unique(trained_on, return_index=True)[1]]
        steps = sorted({each.steps for each in asked})
        trained = dict(zip(steps, self.train(images, steps, seed, silent), strict=True))
        found: dict[Setting, SweptModel] = {}
        for stop, generator in trained.items():
            some = [each for each in asked if each.steps == stop]
            most = max(each.samples for each in some)
            made = generator.sample(most, seed=seed, progress=silent)
            samples = self._samples(made)
            for each in some:
                first = np.arange(min(each.samples, len(samples)))
                of = keep(samples, first, "how many are asked")
                asking = Asked.of(of, people, self.options, self.plan.seed)
                copied = (
                    copies(made[: each.samples], different),
                    copies(made[: each.samples], beside),
                )
                repeats = one.vary == "repeated"
                found[each] = asking.answer(each, number, copied, repeats=repeats)
        return tuple(found[each] for each in asked)

    def _images(self, people: Drawn, rows: Int64) -> Images:
        """Return what is trained on."""
        place = {name: index for index, name in enumerate(self.source.ids)}
        side = self.plan.training.side
        trained = rows.tolist()
        squares = {
            row: squared(self.source.image(place[people.records.ids[row]]), side)
            for row in set(trained)
        }
        return np.stack([squares[row] for row in trained])

    def _samples(self, images: Images) -> AuditSet:
        """Embed samples as any set is: from a file."""
        with TemporaryDirectory(prefix="spolia-") as temporary:
            file, store = Path(temporary) / "samples.npy", Path(temporary) / "store"
            np.save(file, images)
            one = _embedded(open_source(file), self.embedder, store, self.options, silent)
            # A copy: the file that the rows are read from is about to go.
            return replace(one, role="synthetic", rows=np.array(one.rows[0 : len(one)]))


def _memorised(one: Sweep, points: tuple[SweptPoint, ...]) -> int | None:
    if one.vary != "identities":
        return None
    return effective_memorisation(one.values, [point.copies.value for point in points])


def _first(what: Setting, vary: Knob) -> str:
    """Return the part of a model's name that says which value it was trained for, if only one."""
    return "" if vary in ("steps", "samples") else f"{getattr(what, vary)}-"


def _on(setting: Setting) -> Setting:
    """Return what a model is trained on: one training gives all numbers of steps and samples."""
    return replace(setting, steps=1, samples=1)


def _embedded(
    source: Source, embedder: Embedder, store: Path, options: Options, progress: Progress
) -> AuditSet:
    told = EmbedOptions(options.max_bad, options.threads, options.shard_records)
    embed_source(source, embedder, store, options=told, progress=progress)
    opened = open_precomputed(store)
    return prepare(
        "source",
        opened.embeddings,
        opened.model,
        fingerprint=opened.fingerprint,
        unreadable=opened.unreadable,
    )


def _judge(plan: SweepPlan, options: Options) -> Embedder:
    if plan.embedder == "precomputed":
        raise UsageError(
            "a study trains models, and needs images and a judge of their samples; give embedder "
            "the card of one"
        )
    return open_embedder(plan.embedder, trust=options.trust, device=options.device)


def _decisive(options: Options, threshold: float) -> dict[str, str | float]:
    """Return what of the options decides who is drawn."""
    said: dict[str, str | float] = {
        "identities": options.identities,
        "max_bad": options.max_bad,
        "duplicates": threshold,
    }
    return said if options.format is None else said | {"format": options.format}


def _check_source(source: Source, embedder: Embedder, plan: SweepPlan) -> None:
    if source.identities is None:
        raise UsageError(
            f"a study needs to know who is on which image, but {source.uri} does not say; set "
            "--identities, e.g. folder or regex:PATTERN"
        )
    check_judge(embedder.kind, {"members": source.identities}, any_judge=plan.any_judge)
