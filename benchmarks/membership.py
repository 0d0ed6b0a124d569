"""What set-only methods see, and how often they see what is not there: tables of the docs.

``python -m benchmarks membership [--nulls 300] [--card CARD] [--faces FACES.zip]`` prints them:

* null: train, control and samples of one distribution, drawn again and again, and how often any
  method sees a leak (asked: at most 5 %);
* digits: samples of the demo's generators, of which one copies 148 of 898 training images in three
  of ten samples, and a blend of memoriser and generaliser in between;
* faces: half of LFW, a face network, samples of strangers with a known share of held-back photos or
  of training photos with noise.
"""

import argparse
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np

from benchmarks.real import CARD, FACES
from benchmarks.truth import people_of
from spolia import Embeddings, normalise
from spolia.auditing.membership import MembershipResult, answer
from spolia.auditing.membership_arrays import arrays_of, fixed_of
from spolia.auditing.membership_methods import RECORDS, SETS
from spolia.auditing.membership_sets import sides_of
from spolia.auditing.membership_table import tell
from spolia.auditing.options import Options
from spolia.auditing.plan import Plan
from spolia.auditing.planting import blend
from spolia.auditing.record import Stopwatch
from spolia.auditing.sets import AuditSet, prepare
from spolia.core.progress import silent
from spolia.core.results import ModelSummary
from spolia.embedding import open_embedder
from spolia.lab.digits import digits, halves, to_images, to_rows
from spolia.lab.oracle import Oracle, sample, sample_leaky
from spolia.report.format import p_value
from spolia.report.membership import ends, number
from spolia.stats.rates import exact_rate
from spolia.store.precomputed import UNKNOWN_MODEL

SAMPLES = 500
NAMES = {name: about.name for name, about in (RECORDS | SETS).items()}


def null_rows(seed: int, kind: str) -> dict[str, np.ndarray]:
    """Draw train, control and samples; the samples of ``another`` are of another distribution."""
    rng = np.random.default_rng(seed)
    dim = 16
    scale = np.linspace(0.3, 2.0, dim)
    spread = scale[::-1] if kind == "another" else scale
    return {
        "train": normalise(rng.normal(size=(100, dim)) * scale),
        "control": normalise(rng.normal(size=(160, dim)) * scale),
        "synthetic": normalise(rng.normal(size=(120, dim)) * spread),
    }


def null(kind: str, nulls: int) -> str:
    """Return a row of the table of nulls."""
    seen, single = 0, Counter()
    for seed in range(nulls):
        with tempfile.TemporaryDirectory() as folder:
            sets = {
                role: prepare(role, Embeddings(rows), UNKNOWN_MODEL, fingerprint=role)
                for role, rows in null_rows(seed, kind).items()
            }
            sides = sides_of(Path(folder), sets, None, seed, Options(), silent)
        fixed = fixed_of(sides, seed, Options(), silent)
        arrays = arrays_of(fixed, sets["synthetic"].rows, Options(), silent)
        told = tell(arrays, seed, exchanges=439)
        seen += min(told.adjusted.values()) <= 0.05
        single.update(name for name, one in told.exchange.items() if one.p <= 0.05)
    rate = exact_rate(seen, nulls)
    shares = [single[name] / nulls for name in NAMES]
    return (
        f"| {kind} | {nulls} | {100 * rate.value:.1f} % ({100 * rate.low:.1f} to "
        f"{100 * rate.high:.1f} %) | {100 * min(shares):.1f} to {100 * max(shares):.1f} % |"
    )


def nulls_table(nulls: int) -> str:
    """Return the table of nulls."""
    lines = [
        "| samples | draws | any method sees a leak at 5 % | a single method, uncorrected |",
        "|---|---|---|---|",
    ]
    return "\n".join([*lines, *(null(kind, nulls) for kind in ("the same", "another"))])


def ask(
    sets: dict[str, np.ndarray], model: ModelSummary, seed: int, threshold: float | None
) -> MembershipResult:
    """Answer for rows by role."""
    ready: dict[str, AuditSet] = {
        role: prepare(role, Embeddings(rows), model, fingerprint=role)
        for role, rows in sets.items()
    }
    plan = Plan("", "", None, "precomputed", seed=seed, duplicates=threshold)
    with tempfile.TemporaryDirectory() as folder:
        return answer(Path(folder), ready, plan, 0.05, Options(), Stopwatch(silent))


def digit_rows(images: np.ndarray) -> np.ndarray:
    embedder = open_embedder("dct")
    return np.stack([embedder.embed(np.stack([one] * 3, axis=-1)) for one in images])


def digits_sets(seed: int = 0) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return train and control, and the samples of several generators by name."""
    train, control = (digits()[half] for half in halves(seed))
    rows = to_rows(train)
    made = {
        "leaky": sample_leaky(Oracle(rows, 0.75), share=0.3, count=SAMPLES, seed=seed).samples,
        "blend 0.5": sample(Oracle(rows, 0.5), count=SAMPLES, seed=seed),
        "blend 0.25": sample(Oracle(rows, 0.25), count=SAMPLES, seed=seed),
        "clean": sample(Oracle(rows, 0.0), count=SAMPLES, seed=seed),
    }
    return (
        {"train": digit_rows(train), "control": digit_rows(control)},
        {name: digit_rows(to_images(one)) for name, one in made.items()},
    )


def faces_sets(card: Path, faces: Path, seed: int = 0):
    """Return train, control and a pool of strangers: one photo of each person; and the model."""
    people = people_of(card, faces)
    rng = np.random.default_rng(seed)
    names = rng.permutation(sorted(people.photos)).tolist()
    one = {name: int(rng.permutation(people.photos[name])[0]) for name in names}
    rows = np.array([one[name] for name in names])
    third = len(names) // 3
    sets = {"train": people.rows[rows[:third]], "control": people.rows[rows[third : 2 * third]]}
    return sets, people.rows[rows[2 * third :]], people, names[:third], one


def planted_faces(sets, strangers, share: float, faint: float, seed: int = 0) -> np.ndarray:
    """Return strangers of which a share are training rows with noise."""
    rng = np.random.default_rng(seed)
    count = round(share * len(strangers))
    chosen = rng.permutation(len(sets["train"]))[:count]
    directions = normalise(rng.normal(size=(count, strangers.shape[1])))
    copies = blend(sets["train"][chosen], directions, faint)
    return np.concatenate([copies, strangers[count:]])


def figures(found: dict[str, MembershipResult]) -> str:
    """Return a table: a method a row, the excess in each column and whether it is seen."""
    lines = [
        "| method | " + " | ".join(found) + " |",
        "|---" * (1 + len(found)) + "|",
    ]
    for i, name in enumerate(NAMES.values()):
        cells = []
        for result in found.values():
            one = result.summary.methods[i]
            mark = "**" if one.verdict == "sees a leak" else ""
            cells.append(f"{mark}{number(one.excess.value)}{mark} ({ends(one.excess)})")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def one_set(found: MembershipResult) -> str:
    """Return the table of one set: train, held-out, excess, p, and what would be seen."""
    lines = ["| method | train | held-out | excess | p | says |", "|---|---|---|---|---|---|"]
    lines += [
        f"| {one.name} | {number(one.value.value)} ({ends(one.value)}) | "
        f"{number(one.control.value)} ({ends(one.control)}) | {number(one.excess.value)} "
        f"({ends(one.excess)}) | {p_value(one.p_adjusted)} | {one.verdict} |"
        for one in found.summary.methods
    ]
    return "\n".join(lines)


def planted_table(found: MembershipResult) -> str:
    """Return from which planted share on each method sees copies."""
    methods = [one for one in found.summary.methods if one.planted]
    strengths = [one.strength for one in methods[0].planted]
    lines = ["| method | " + " | ".join(strengths) + " |", "|---" * (1 + len(strengths)) + "|"]
    for one in methods:
        shares = ["–" if s.share is None else f"{100 * s.share:.0f} %" for s in one.planted]
        lines.append(f"| {one.name} | " + " | ".join(shares) + " |")
    return "\n".join(lines)


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks membership", description=__doc__)
    parser.add_argument("--nulls", type=int, default=300)
    parser.add_argument("--card", type=Path, default=CARD)
    parser.add_argument("--faces", type=Path, default=FACES)
    parser.add_argument("--only", choices=("null", "digits", "faces"))
    asked = parser.parse_args(arguments)
    if asked.only in (None, "null"):
        print(nulls_table(asked.nulls), "\n")
    if asked.only in (None, "digits"):
        sets, made = digits_sets()
        model = open_embedder("dct").summary
        found = {
            name: ask(sets | {"synthetic": rows}, model, 0, 0.998) for name, rows in made.items()
        }
        print(figures(found), "\n")
        print(one_set(found["leaky"]), "\n")
        print(planted_table(found["clean"]), "\n")
    if asked.only in (None, "faces"):
        sets, strangers, people, trained, used = faces_sets(asked.card, asked.faces)
        worlds = {
            "nothing": strangers,
            "5 % copies (0.1)": planted_faces(sets, strangers, 0.05, 0.1),
            "5 % copies (0.4)": planted_faces(sets, strangers, 0.05, 0.4),
            "5 % other photos": other_photos(people, strangers, trained, used, 0.05),
        }
        found = {
            name: ask(sets | {"synthetic": rows}, people.model, 0, 0.97)
            for name, rows in worlds.items()
        }
        print(figures(found), "\n")
        print(planted_table(found["nothing"]))


def other_photos(people, strangers, trained, used, share: float) -> np.ndarray:
    """Return strangers of which a share are other photos of people in train."""
    several = [name for name in trained if people.photos[name].size > 1]
    count = min(round(share * len(strangers)), len(several))
    rows = [next(int(i) for i in people.photos[n] if int(i) != used[n]) for n in several[:count]]
    return np.concatenate([people.rows[np.array(rows)], strangers[count:]])
