"""Is somebody in there? Asked of a synthetic set, with a few photos of one person or of many."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from spolia.auditing.cuts import CutSource, check_named
from spolia.auditing.duplicates import threshold_of
from spolia.auditing.folder import run_folder
from spolia.auditing.identity_checks import check_judge, check_names, names_of
from spolia.auditing.identity_plan import read_by, table_of
from spolia.auditing.options import Options
from spolia.auditing.plan import Plan, cutters_of
from spolia.auditing.questions import Question, begin
from spolia.auditing.record import Stopwatch
from spolia.auditing.result import Quarantine, write_quarantine
from spolia.auditing.run import location_of, plan_of
from spolia.auditing.search_answer import PEOPLE, Terms, answer_search
from spolia.auditing.search_checks import check_search, embedder_for
from spolia.auditing.search_near import NEAREST
from spolia.auditing.search_said import sentence_of_nothing
from spolia.auditing.search_within import Within, find_within
from spolia.auditing.sets import is_blank
from spolia.auditing.stages import (
    EMBEDDINGS,
    SEARCH_FILE,
    Ready,
    Set,
    check_makers,
    embedded,
    images_of,
    judged,
    kind_of,
    open_all,
    prepare_all,
    quarantine_of,
)
from spolia.core.progress import Progress, silent
from spolia.core.searching import SEARCH_SCHEMA, LeftOut, SearchSummary
from spolia.core.types import Embeddings
from spolia.core.version import VERSION
from spolia.embedding import Embedder, open_embedder
from spolia.report.summary_json import write_record
from spolia.sources.photos import WHO, open_photos
from spolia.store.atomic import atomic_file, write_text
from spolia.store.precomputed import Opened

REPORT, TABLE, NEAR = "search.json", "people.parquet", "near.parquet"
SEARCH = Question("spolia search", SEARCH_FILE, (REPORT, TABLE, NEAR))

OnePerson = str | Path | Sequence[str | Path] | Embeddings
"""Photos of one person: files, a folder of nothing else, or their embeddings."""


@dataclass(frozen=True, eq=False)
class SearchResult:
    """Who stands out in a synthetic set. All of it is about people: private."""

    summary: SearchSummary
    people: pa.Table
    """One row per searched set and identity: set, identity, photos, score, p, q, compared, beside,
    copies, nearest, similarity."""
    nearest: pa.Table
    """One row per identity and near record: set, asked, rank, id, identity, similarity, photo,
    copy."""
    quarantine: Quarantine
    """Role, id and reason of what could not be read."""

    @property
    def named(self) -> pa.Table:
        """Who stands out in the synthetic set at the asked level, best first."""
        there = (pc.field("set") == "synthetic") & (pc.field("q") <= self.summary.level)
        return self.people.filter(there).sort_by([("p", "ascending"), ("score", "descending")])

    def to_json(self) -> str:
        """Return the summary as JSON; of one person it names the nearest records."""
        return write_record(self.summary)


def search_for(
    photos: OnePerson | None = None,
    *,
    people: Set | None = None,
    within: Set,
    nonmembers: Set | None = None,
    embedder: str | Path | Embedder | None = None,
    any_judge: bool = False,
    top: int = 5,
    level: float = 0.05,
    seed: int = 0,
    out: str | Path | None = None,
    options: Options = Options(),
    progress: Progress = silent,
) -> SearchResult:
    """Find out whether a person, or who of many, stands out in a synthetic set.

    Parameters
    ----------
    photos
        Of one person: image files, a folder that holds nothing else, or `Embeddings`.
    people
        In the place of ``photos``, a set of many people: each gets a p-value, and who stands out is
        named at a false discovery rate.
    within
        What is searched: the folder of a run (of an audit or of `spolia.identity`), with which come
        its judge, its non-members (the control) and its train; a store; or a synthetic set, which
        is embedded first.
    nonmembers
        Photos of people of the same population whose photos were not trained on. Default: those of
        the run. Without any there is no p-value.
    embedder
        As in `spolia.audit`. Default: that of the run.
    any_judge
        Allow several photos of a person where the embedder tells photos apart, not persons.
    top
        How many of the nearest records are named for each person.
    level
        A person stands out at a p-value of at most this; of several, at this false discovery rate.
    seed
        Decides which photos are compared where people have unequal numbers.
    out
        Run folder, kept and resumed. Default: nothing is kept.
    options, progress
        As in `spolia.audit`; ``columns``, ``exclude``, ``exclude_list`` and ``attributes`` have no
        use here. How faces are found is taken from the run, where it is not said.

    Returns
    -------
    SearchResult
        ``summary``, ``people``, ``nearest``, ``named``.

    Raises
    ------
    UsageError
        If a set, the embedder or an option is wrong, or the photos were embedded by another judge
        than the set.
    TooManyUnreadable
        If more than ``options.max_bad`` of a set's images cannot be read. Of photos of one person
        all may be: the answer is then that it cannot be told.

    Examples
    --------
    Two photos of somebody who is shown in the samples by a third.

    >>> import numpy as np, spolia
    >>> rng = np.random.default_rng(0)
    >>> faces = rng.normal(size=(200, 32))
    >>> def photos(who):
    ...     rows = faces[who] + 0.5 * rng.normal(size=(len(who), 32))
    ...     return spolia.Embeddings(spolia.normalise(rows), identities=[f"n{i}" for i in who])
    >>> found = spolia.search_for(
    ...     photos(np.array([0, 0])),
    ...     within=photos(np.arange(100)),
    ...     nonmembers=photos(np.arange(100, 200).repeat(2)),
    ... )
    >>> found.summary.sentence
    'Stands out in the synthetic set: p = 0.0099 against 100 non-members, by 2 photos each.'
    """
    check_search(photos, people, top, level, options)
    found = find_within(within)
    sets = dict(found.images)
    sets |= {} if people is None else {"queries": people}
    sets |= {} if nonmembers is None else {"nonmembers": nonmembers}
    if isinstance(photos, Embeddings):
        sets["queries"] = Embeddings(photos.vectors, photos.ids, [WHO] * len(photos))
    files = None if photos is None or isinstance(photos, Embeddings) else _listed(photos)
    spec = embedder_for(embedder, found, sets, files)
    options = options if spec == "precomputed" else found.options(options)
    watch = Stopwatch(progress)
    plan = _plan(within, sets, spec, level, seed, options)
    opened = _open(found, sets, files, plan, spec, options, watch)
    names = names_of(opened)
    if people is not None:
        check_judge(kind_of(opened), names, any_judge=any_judge)
        check_names({role: names.get(role) for role in ("queries", "nonmembers")})
    terms = Terms(
        one=people is None,
        top=top,
        level=level,
        seed=seed,
        threshold=threshold_of(options.duplicates, kind_of(opened)),
        any_judge=any_judge,
        notes=found.notes,
    )
    plan = replace(plan, duplicates=terms.threshold)
    asked = _asked(within, sets, files, plan, terms)
    places = [*read_by({"synthetic": within, **sets}, plan), *(files or ())]
    with run_folder(out, places, overwrite=options.overwrite) as folder:
        begin(folder, SEARCH, asked)
        result = _search(folder, opened, terms, options, watch)
        _write(folder, result)
    return result


def _listed(photos: str | Path | Sequence[str | Path]) -> list[str]:
    given = [photos] if isinstance(photos, str | Path) else photos
    return [str(Path(one).absolute()) for one in given]


def _plan(
    within: Set,
    sets: Mapping[str, Set],
    spec: str | Path | Embedder,
    level: float,
    seed: int,
    options: Options,
) -> Plan:
    given = next((one for one in sets.values() if isinstance(one, Embeddings)), within)
    return plan_of(given, within, None, spec, level, seed, options)


def _open(
    found: Within,
    sets: dict[str, Set],
    files: list[str] | None,
    plan: Plan,
    spec: str | Path | Embedder,
    options: Options,
    watch: Stopwatch,
) -> dict[str, Ready]:
    """Open what is searched, who is asked about and the non-members."""
    judge: str | Path | Embedder = "precomputed"
    if plan.embedder != "precomputed":
        judge = open_embedder(spec, trust=options.trust, device=options.device)
    opened: dict[str, Ready] = {**found.stored}
    opened |= open_all(sets, plan, judge, options, watch, stores=True)
    if files is not None and not isinstance(judge, str | Path):
        photos = open_photos(files, limits=options.limits, progress=watch.staged("read photos"))
        cutters = cutters_of(plan)
        source = photos if cutters is None else CutSource(photos, cutters("queries"))
        opened["queries"] = judged(source, judge)
    check_named(plan.landmarks, images_of(opened).items())
    check_makers(opened)
    return opened


def _asked(
    within: Set, sets: Mapping[str, Set], files: list[str] | None, plan: Plan, terms: Terms
) -> dict[str, object]:
    """Return all that decides the answer, as a table."""
    table = table_of(
        plan,
        {
            "within": location_of(within),
            "photos": files,
            "queries": location_of(sets["queries"]) if "queries" in sets else None,
            "nonmembers": location_of(sets["nonmembers"]) if "nonmembers" in sets else None,
            "any_judge": terms.any_judge,
            "top": terms.top,
            "level": terms.level,
        },
    )
    del table["fdr"]  # called level here
    return table


def _search(
    folder: Path, opened: dict[str, Ready], terms: Terms, options: Options, watch: Stopwatch
) -> SearchResult:
    if terms.one:
        # All photos of one person may be unreadable, which is an answer and no failure.
        store = folder / EMBEDDINGS / "queries"
        most = replace(options, max_bad=1.0)
        photos = embedded(store, opened["queries"], most, watch.staged("embed photos"))
        blank = is_blank(photos.embeddings.vectors)
        if blank.all():
            return _nothing(photos, int(np.count_nonzero(blank)), terms)
        opened = {**opened, "queries": photos}
    sets = prepare_all(folder, opened, options, watch)
    found = answer_search(sets, terms, options, watch)
    return SearchResult(found.summary, found.people, found.nearest, quarantine_of(sets))


def _nothing(photos: Opened, blank: int, terms: Terms) -> SearchResult:
    unreadable = photos.unreadable
    summary = SearchSummary(
        schema=SEARCH_SCHEMA,
        version=VERSION,
        outcome="cannot tell",
        sentence=sentence_of_nothing(unreadable, blank),
        notes=(),
        level=terms.level,
        seed=terms.seed,
        duplicates=terms.threshold,
        any_judge=terms.any_judge,
        people=None,
        photos=0,
        left_out=LeftOut(0, 0, 0),
        sets=(),
        model=None,
        answers=(),
    )
    quarantine = tuple(("queries", one.id, one.reason) for one in unreadable)
    return SearchResult(summary, PEOPLE.empty_table(), NEAREST.empty_table(), quarantine)


def _write(folder: Path, result: SearchResult) -> None:
    write_quarantine(folder, result.quarantine)
    for name, table in ((TABLE, result.people), (NEAR, result.nearest)):
        with atomic_file(folder / name) as file:
            pq.write_table(table, file)
    write_text(folder / REPORT, result.to_json())
