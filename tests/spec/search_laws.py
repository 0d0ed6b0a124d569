"""Laws of a search for one person or many; a known wrong version breaks one."""

import numpy as np
from scipy.stats import binom

from spolia import Embeddings, normalise
from spolia.auditing.options import Options
from spolia.auditing.record import Stopwatch
from spolia.auditing.search_answer import Terms
from spolia.auditing.sets import prepare
from spolia.core.progress import silent
from spolia.core.results import ModelSummary

DIM = 32
NOISE = 0.7
DRAWS = 300
JUDGE = ModelSummary("judge", "identity", "tests", None, "tests", (), "f")


def faces(rng, n):
    return rng.normal(size=(n, DIM))


def photos(rng, people, each=1):
    """Rows of photos, and whose they are."""
    who = np.repeat(np.arange(len(people)), np.broadcast_to(each, len(people)))
    return normalise(people[who] + NOISE * rng.normal(size=(who.size, DIM))), who


def a_set(role, rows, who=None, model=JUDGE, name=""):
    """A set under names that begin with ``name``."""
    own = name or role
    ids = [f"{own}{i:05d}" for i in range(len(rows))]
    people = None if who is None else [f"{own}-{i:04d}" for i in who]
    return prepare(role, Embeddings(rows, ids, people), model, fingerprint=role)


def terms(**more):
    usual = {
        "one": True,
        "top": 3,
        "level": 0.05,
        "seed": 0,
        "threshold": 0.97,
        "any_judge": False,
    }
    return Terms(**{**usual, **more})


def ask(answer, sets, **more):
    return answer(sets, terms(**more), Options(threads=1), Stopwatch(silent))


def drawn(seed, *, each=1, others=39, samples=60, shown=False, theirs=None):
    """One person who is asked about, shown or not, beside non-members and strangers' samples."""
    rng = np.random.default_rng(seed)
    person = faces(rng, 1)
    seen = [photos(rng, person)[0]] if shown else []
    strangers, _ = photos(rng, faces(rng, samples))
    return {
        "synthetic": a_set("synthetic", np.concatenate([*seen, strangers])),
        "queries": a_set("queries", *photos(rng, person, each)),
        "nonmembers": a_set("nonmembers", *photos(rng, faces(rng, others), theirs or each)),
    }


def law_p_of_somebody_who_is_not_shown_is_uniform(answer):
    for each in (1, 3):
        p = np.array(
            [
                ask(answer, drawn([seed, each], each=each)).summary.answers[0].person.p
                for seed in range(DRAWS)
            ]
        )
        assert p.min() >= 1 / 40
        # 39 non-members make p a multiple of .025.
        for level in (0.05, 0.1, 0.5, 0.9):
            low, high = binom.ppf([0.0005, 0.9995], DRAWS, level)
            assert low <= np.count_nonzero(p <= level + 1e-9) <= high, (each, level)


def law_somebody_who_is_shown_stands_out(answer):
    for each in (1, 3):
        found = [
            ask(answer, drawn([seed, each], each=each, shown=True)).summary for seed in range(30)
        ]
        assert sum(one.outcome == "found" for one in found) >= 25
        assert all(one.answers[0].nearest[0].id == "synthetic00000" for one in found[:5])


def law_copies_of_one_photo_are_one_photo(answer):
    """Five copies vary as one photo does, and would too often lie beyond means over five."""
    p = []
    for seed in range(DRAWS):
        sets = drawn(seed, each=1, theirs=5)
        one = sets["queries"].rows[0:1]
        five = np.repeat(one, 5, axis=0)
        sets["queries"] = a_set("queries", five, np.zeros(5, dtype=int))
        found = ask(answer, sets).summary
        assert (found.photos, found.left_out.twice) == (1, 4)
        p.append(found.answers[0].person.p)
    assert np.count_nonzero(np.array(p) <= 0.05) <= binom.ppf(0.9995, DRAWS, 0.05)


def law_names_decide_nothing(answer):
    """Not which photos are drawn where numbers are unequal, nor the order of samples."""
    for seed in range(20):
        rng = np.random.default_rng(seed)
        rows = {
            "synthetic": photos(rng, faces(rng, 60)),
            "queries": photos(rng, faces(rng, 6), [1, 2, 3, 4, 5, 6]),
            "nonmembers": photos(rng, faces(rng, 40), rng.integers(1, 5, size=40)),
        }
        named, coded = {}, {}
        for role, (some, who) in rows.items():
            named[role] = a_set(role, some, who)
            order = rng.permutation(len(some))
            codes = rng.permutation(who.max() + 1)
            coded[role] = a_set(role, some[order], codes[who[order]], name=f"x{role}")
        one, other = (ask(answer, sets, one=False).people for sets in (named, coded))
        columns = ("photos", "score", "p", "q", "compared", "beside", "similarity")
        assert all(
            sorted(one[name].to_pylist()) == sorted(other[name].to_pylist()) for name in columns
        )


def law_whoever_is_asked_about_is_no_non_member(answer):
    """A person with a photo in the pool is left out of it, with all their photos."""
    rng = np.random.default_rng(0)
    sets = drawn(0, others=30, theirs=2)
    own, _ = photos(rng, faces(rng, 1), 3)
    pool = np.concatenate([sets["nonmembers"].rows[0:60], own[1:]])
    who = np.concatenate([np.repeat(np.arange(30), 2), [30, 30]])
    sets["nonmembers"] = a_set("nonmembers", pool, who)
    sets["queries"] = a_set("queries", own[1:2], np.zeros(1, dtype=int))
    found = ask(answer, sets).summary
    assert found.left_out.asked == 1
    assert found.answers[0].person.beside == 30


def law_whoever_is_in_train_is_no_non_member(answer):
    """By a photo, or by name; and what is in the synthetic set leaves nobody out."""
    rng = np.random.default_rng(0)
    sets = drawn(0, others=30, theirs=2)
    pool = sets["nonmembers"].rows[0:60]
    train = np.concatenate([pool[:1], photos(rng, faces(rng, 20))[0]])
    # The last person of train has the name of the last non-member.
    who = np.concatenate([[100], np.arange(200, 219), [29]])
    sets["train"] = a_set("train", train, who, name="nonmembers")
    sets["synthetic"] = a_set("synthetic", np.concatenate([pool[10:12], train[5:]]))
    found = ask(answer, sets).summary
    assert found.left_out.in_train == 2
    assert [one.person.beside for one in found.answers] == [28, 28]


def law_too_few_non_members_cannot_tell(answer):
    few = ask(answer, drawn(1, others=18, shown=True)).summary
    enough = ask(answer, drawn(1, others=19, shown=True)).summary
    assert (few.outcome, enough.outcome) == ("cannot tell", "found")
    assert few.answers[0].asked.smallest_p == 1 / 19
