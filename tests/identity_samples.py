"""Made-up answers to a question about identities, one per outcome."""

from dataclasses import replace

import numpy as np

from spolia.auditing.identity_said import outcome_of, sentence_of
from spolia.core.instruments import Instruments, Lost, Tool
from spolia.core.membership import (
    IDENTITY_SCHEMA,
    IdentitySummary,
    Portion,
    Queried,
    ScoreCounts,
    ScoreHistogram,
)
from spolia.core.rates import Rate
from spolia.core.results import SetSummary
from spolia.report.identity import Named, NamedList
from spolia.report.pairs import Details
from spolia.stats.conformal import benjamini_hochberg, ranked
from spolia.stats.pool import fewest_named
from spolia.stats.rates import exact_rate
from spolia.stats.roc import Scored, separation
from tests.report_samples import MODEL

FDR = 0.05


def sets(*roles):
    return tuple(
        SetSummary(role, 2_000 + i, 700 + i, True, i, 2, f"{i}a1b2c3d4e5f607" * 4, no_face=3 * i)
        for i, role in enumerate(roles)
    )


def compared(*roles):
    return tuple(Portion(role, 2_431, 650, 120, 41, 7, 2) for role in roles)


def separations(members, others, rng):
    """By identity and, for three photos each, by photo."""
    photos = (
        Scored(
            np.repeat(one, 3) + 0.6 * rng.normal(size=3 * one.size),
            np.repeat(np.arange(one.size), 3),
        )
        for one in (members, others)
    )
    by_identity = separation(*map(Scored.of_identities, (members, others)), resamples=200, rng=rng)
    return by_identity, separation(*photos, unit="photos", resamples=50, rng=rng)


def queried(p, pool):
    floors = np.full(p.size, 1.0 / (1.0 + pool))
    named = exact_rate(int(np.count_nonzero(benjamini_hochberg(p) <= FDR)), p.size)
    return Queried(named, pool, float(floors[0]), fewest_named(floors, FDR), ranked(p, most=200))


def p_of(queries, others):
    return np.array([(1 + np.count_nonzero(others >= one)) / (1 + others.size) for one in queries])


def histogram(**scores):
    bins = 60 if any(one.size > 900 for one in scores.values()) else 16
    edges = np.histogram_bin_edges(np.concatenate(list(scores.values())), bins)
    sides = [
        ScoreCounts(role, tuple(np.histogram(one, edges)[0].tolist()))
        for role, one in scores.items()
    ]
    return ScoreHistogram(tuple(edges.tolist()), tuple(sides))


def found():
    """A sixth of 300 members is betrayed, and nine of sixty queries."""
    rng = np.random.default_rng(11)
    members = np.concatenate([rng.normal(9.0, 1.1, 50), rng.normal(4.0, 0.5, 250)])
    others = rng.normal(4.0, 0.5, 1_400)
    queries = np.concatenate([rng.normal(9.0, 1.1, 9), rng.normal(4.0, 0.5, 51)])
    by_identity, by_photo = separations(members, others, rng)
    roles = ("members", "queries", "nonmembers")
    tool = Tool("yunet", "MIT", True, "opencv_zoo", ("WIDER FACE",), "ab" * 32)
    return IdentitySummary(
        schema=IDENTITY_SCHEMA,
        version="0.1.0",
        outcome="found",
        sentence="",
        notes=("7 photos of members have a near-duplicate in train and were left out.",),
        fdr=FDR,
        seed=17,
        duplicates=0.9,
        any_judge=False,
        score="standard",
        sets=sets("synthetic", *roles, "train"),
        compared=compared(*roles),
        model=MODEL,
        identities=by_identity,
        photos=by_photo,
        queries=queried(p_of(queries, others), others.size),
        scores=histogram(members=members, queries=queries, nonmembers=others),
        instruments=Instruments(
            "arcface-112", tool, "largest", (), (Lost("queries", Rate(0.1, 0.0, 0.3, 20, 2)),)
        ),
        packages=(("numpy", "2.4.6"), ("pyarrow", "25.0.0")),
    )


def told(summary):
    """The same with what the numbers say."""
    parts = summary.identities, summary.queries
    return replace(summary, outcome=outcome_of(*parts), sentence=sentence_of(*parts, summary.fdr))


FOUND = told(found())


def not_found():
    rng = np.random.default_rng(8)
    members, others, queries = (rng.normal(4.0, 0.5, n) for n in (40, 400, 12))
    return replace(
        FOUND,
        notes=(),
        duplicates=None,
        identities=separations(members, others, rng)[0],
        photos=None,
        queries=queried(p_of(queries, others), others.size),
        scores=histogram(members=members, queries=queries, nonmembers=others),
        instruments=Instruments(None, None, None, (), ()),
    )


def cannot_tell():
    rng = np.random.default_rng(6)
    others, queries = (rng.normal(0.4, 0.05, n) for n in (30, 60))
    return replace(
        FOUND,
        notes=("dct tells photos apart, not persons.",),
        any_judge=True,
        score="nearest",
        sets=sets("synthetic", "queries", "nonmembers"),
        compared=compared("queries", "nonmembers"),
        model=replace(MODEL, name="dct", kind="copy", trained_on=()),
        identities=None,
        photos=None,
        queries=queried(p_of(queries, others), others.size),
        scores=histogram(queries=queries, nonmembers=others),
        instruments=Instruments(None, None, None, (), ()),
    )


def members_alone():
    return replace(
        FOUND,
        sets=sets("synthetic", "members", "nonmembers"),
        compared=compared("members", "nonmembers"),
        model=replace(MODEL, name="precomputed", kind="unknown", trained_on=()),
        queries=None,
    )


ANSWERS = {
    "found": FOUND,
    "not found": told(not_found()),
    "cannot tell": told(cannot_tell()),
    "members alone": told(members_alone()),
}

NAMED = NamedList(
    tuple(
        Named(f"person-{i}", 4, 3, 9.0 - i / 10, 0.0007, 0.004, f"secret/sample-{i:04d}.png", 0.7)
        for i in range(9)
    ),
    11,
)

DETAILS = Details(
    locations={"synthetic": "/home/ann/samples", "queries": "/home/ann/asked"},
    quarantine=(("queries", "person-9/broken.jpg", "truncated after 1,024 bytes"),),
)
