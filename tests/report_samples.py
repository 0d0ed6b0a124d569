"""One made-up summary per outcome, and pairs of random pictures to go with them."""

from dataclasses import replace

import numpy as np

from spolia.core.counting import (
    Candidates,
    Column,
    Counting,
    Duplicates,
    Excluded,
    Measure,
    Quality,
    SetDuplicates,
    SharedControl,
    Stratum,
    TwoNames,
)
from spolia.core.rates import Rate
from spolia.core.results import (
    EXIT_CODES,
    SCHEMA,
    BoundPoint,
    Compared,
    Distribution,
    Lean,
    Level,
    ModelSummary,
    NegativeControl,
    Power,
    Rule,
    SetSummary,
    Summary,
    Symmetry,
)
from spolia.report.pairs import Details, Pair

MODEL = ModelSummary(
    name="arcface-r50",
    kind="identity",
    licence="Apache-2.0",
    commercial=True,
    source="models/arcface-r50.onnx, as published by its authors",
    trained_on=("WebFace600K",),
    fingerprint="b3f1c0de" * 8,
)

SETS = (
    SetSummary("train", 20_412, 5_000, True, 3, 1, "a1b2c3d4e5f60718" * 4),
    SetSummary("control", 20_377, 5_000, True, 0, 0, "0f1e2d3c4b5a6978" * 4),
    SetSummary("synthetic", 50_000, 50_000, False, 12, 4, "99887766aabbccdd" * 4),
)

COUNTING = Counting(
    excluded=(Excluded("train", "age_group=child", 61), Excluded("synthetic", "list", 7)),
    duplicates=Duplicates(
        threshold=0.97,
        sets=(
            SetDuplicates("train", 214, 451, 9, 20_175),
            SetDuplicates("control", 0, 0, 1, 20_377),
        ),
        shared=SharedControl(
            Rate(0.000245, 0.000079, 0.000573, 20_377, 5),
            Rate(0.0008, 0.000218, 0.002047, 5_000, 4),
            17,
        ),
        two_names=TwoNames(Rate(0.0012, 0.00044, 0.00261, 5_000, 6), 3),
        candidates=Candidates(0.5729, 4_106, 31, 12),
        too_many=(),
    ),
    photos=(
        Stratum(
            "1",
            894,
            Rate(0.01342, 0.006951, 0.023319, 894, 12),
            Rate(0.0, 0.0, 0.004118, 894, 0),
            Rate(0.05633, 0.029457, 0.096378, 213, 12),
        ),
        Stratum("10 or more", 4_106, Rate(0.048709, 0.042325, 0.05573, 4_106, 200), None, None),
    ),
    columns=(
        Column(
            "age group",
            4,
            (
                Stratum(
                    "adult",
                    4_400,
                    Rate(0.045, 0.039, 0.0516, 4_400, 198),
                    Rate(0.0018, 0.0008, 0.0036, 4_400, 8),
                    Rate(0.92, 0.87, 0.95, 213, 196),
                ),
                Stratum("(rare values)", 11, None, None, None),
            ),
        ),
        Column("photographer", 311, ()),
    ),
    quality=Quality(
        ("train", "control", "synthetic"),
        (
            Measure(
                "sharpness",
                11.25,
                4_810.5,
                (
                    Rate(0.002, 0.0005, 0.0051, 2_000, 4),
                    Rate(0.002, 0.0005, 0.0051, 2_000, 4),
                    Rate(0.41, 0.3883, 0.4319, 2_000, 820),
                ),
            ),
        ),
    ),
)

LEAK = Summary(
    schema=SCHEMA,
    version="0.1.0",
    outcome="leak",
    exit_code=EXIT_CODES["leak"],
    sentence=(
        "212 of 5,000 training identities (4.2 %, 95 % interval 3.6 % to 4.9 %) can be found again "
        "in the synthetic set, at a false discovery rate of 5 %."
    ),
    notes=(
        "The model was trained on photographs of celebrities; if train holds the same people, "
        "similarities to train may be raised.",
        "12 synthetic images could not be read and were left out.",
    ),
    fdr=0.05,
    seed=17,
    ratio=0.9983,
    smallest=21,
    threshold=0.6123,
    rule=Rule(True, None, 0.1812, 10_000, 0.52, 200, 903, 0.4121),
    named_any_dependence=187,
    curve=(
        BoundPoint(0.95, 1, 0.18, 1),
        BoundPoint(0.81, 100, 0.91, 4),
        BoundPoint(0.6123, 212, 10.4, 19),
        BoundPoint(0.55, 400, 93.2, 118),
    ),
    levels=(Level(0.01, 187, 1), Level(0.05, 212, 9), Level(0.1, 231, 21), Level(0.2, 280, 55)),
    exposed=Compared(
        Rate(0.0424, 0.036984, 0.048361, 5_000, 212),
        Rate(0.0018, 0.000823, 0.003414, 5_000, 9),
        "identities",
    ),
    flagged=Compared(
        Rate(0.01126, 0.010353, 0.012224, 50_000, 563),
        Rate(0.00022, 0.00011, 0.000394, 50_000, 11),
        "records",
    ),
    lean=Lean(Rate(0.5163, 0.51191, 0.52069, 50_000, 25_815), 0.50042, 1e-10, 0.04057),
    negative_control=NegativeControl(0, 2_500, 0.4312, True, 0.01),
    symmetry=Symmetry(Rate(0.5011, 0.4948, 0.5074, 25_000, 12_528), 0.50042, 0.8123),
    power=(
        Power("exact copy", 200, 4, 4, 1.0),
        Power("new photo", 200, 6, 8, 0.871),
        Power("faint copy (0.5)", 150, 60, None, 0.2412),
    ),
    distribution=Distribution((), (), (), ()),
    sets=SETS,
    model=MODEL,
    tested=(
        "whether the synthetic set shows training identities again, image against image",
        "whether the set as a whole lies closer to train than to control",
    ),
    counting=COUNTING,
    not_tested=(
        "the generator itself: nothing was sampled from it",
        "partial copies: a face, a background or an object placed in another image",
        "images that this model cannot tell apart",
    ),
    packages=(("numpy", "2.4.6"), ("pillow", "13.0.0")),
)


def distribution(*, leaked, units, control=True, low=-1.0):
    """A bulk of strangers and, in train, a tail of leaks."""
    rng = np.random.default_rng(5)
    strangers = 0.36 + 0.06 * rng.standard_normal(units - leaked)
    to_train = np.concatenate([strangers, 0.78 + 0.08 * rng.standard_normal(leaked)]).clip(-1, 0.99)
    to_control = (0.358 + 0.06 * rng.standard_normal(units)).clip(-1, 0.99)
    edges = np.linspace(low, 1.0, 201)
    down = np.sort(to_train)[::-1]
    return Distribution(
        tuple(edges.tolist()),
        tuple(np.histogram(to_train, edges)[0].tolist()),
        tuple(np.histogram(to_control, edges)[0].tolist()) if control else (),
        tuple((k, float(down[k - 1])) for k in (1, 10, 100, 1000) if k <= units),
        "similarity",
    )


LEAK = replace(LEAK, distribution=distribution(leaked=600, units=50_000))

NONE = replace(
    LEAK,
    outcome="none",
    exit_code=EXIT_CODES["none"],
    sentence=(
        "No training identity can be found again in the synthetic set at a false discovery rate "
        "of 5 % (0 of 5,000, 95 % interval up to 0.074 %)."
    ),
    notes=(),
    ratio=1.0,
    smallest=20,
    threshold=None,
    exposed=Compared(
        Rate(0.0, 0.0, 0.000738, 5_000, 0), Rate(0.0, 0.0, 0.000738, 5_000, 0), "identities"
    ),
    flagged=Compared(
        Rate(0.0, 0.0, 0.0000738, 50_000, 0), Rate(0.0, 0.0, 0.0000738, 50_000, 0), "records"
    ),
    lean=Lean(Rate(0.50114, 0.49675, 0.50553, 50_000, 25_057), 0.5, 0.3061, 0.01106),
    distribution=distribution(leaked=0, units=50_000),
)

INCONCLUSIVE = replace(
    LEAK,
    outcome="inconclusive",
    exit_code=EXIT_CODES["inconclusive"],
    sentence=(
        "With 60 control identities no leak of fewer than 1,667 identities can be named at a false "
        "discovery rate of 5 %: this audit cannot say whether the synthetic set leaks."
    ),
    notes=("The control is small: add control images, or ask for a higher false discovery rate.",),
    ratio=0.012,
    smallest=1_667,
    threshold=None,
    exposed=Compared(
        Rate(0.0, 0.0, 0.000738, 5_000, 0), Rate(0.0, 0.0, 0.0597, 60, 0), "identities"
    ),
    flagged=None,
    rule=Rule(
        False,
        "too few control identities are closest to a synthetic record",
        83.3,
        5_060,
        None,
        None,
        None,
        None,
    ),
    named_any_dependence=0,
    curve=(),
    levels=(Level(0.01, 0, 0), Level(0.05, 0, 0), Level(0.1, 0, 0), Level(0.2, 0, 0)),
    symmetry=Symmetry(Rate(0.95, 0.7513, 0.9987, 20, 19), 0.98814, 0.2112),
    power=(Power("exact copy", 200, None, None, 0.0),),
    lean=Lean(Rate(0.975, 0.8684, 0.9994, 40, 39), 0.98814, 0.8861, 0.94942),
    negative_control=NegativeControl(2, 30, 0.0412, False, 0.01),
    sets=(
        SETS[0],
        replace(SETS[1], records=60, identities=60),
        replace(SETS[2], records=40, identities=40),
    ),
    distribution=distribution(leaked=1, units=40),
)

NO_VERDICT = replace(
    LEAK,
    outcome="no verdict",
    exit_code=EXIT_CODES["no verdict"],
    sentence="Ranking only: without a control no statement about a leak can be made.",
    notes=("There is no control: no error rate is known for any pair.",),
    ratio=None,
    counting=Counting((), None, (), (), None),
    smallest=None,
    threshold=None,
    exposed=None,
    flagged=None,
    lean=None,
    negative_control=None,
    rule=None,
    named_any_dependence=None,
    curve=(),
    levels=(),
    symmetry=None,
    power=(),
    sets=(SETS[0], SETS[2]),
    distribution=distribution(leaked=600, units=50_000, control=False),
    model=ModelSummary("dct", "copy", "Apache-2.0", None, "part of spolia", (), "77" * 32),
)

OUTCOMES = {"leak": LEAK, "none": NONE, "inconclusive": INCONCLUSIVE, "no verdict": NO_VERDICT}


def picture(seed, side):
    """Soft random colours, so that a blur can be told from the picture itself."""
    coarse = np.random.default_rng(seed).integers(0, 256, size=(4, 4, 3))
    return np.kron(coarse, np.ones((max(side // 4, 1),) * 2 + (1,), dtype=int)).astype(np.uint8)


def pairs(n=6, *, judged=True, found=True):
    """``n`` pairs with ids, identities and pictures of many sizes."""
    kinds = ("near duplicate", "same identity", "unresolved")
    sides = (8, 112, 320)
    return [
        Pair(
            number=i + 1,
            similarity=0.97531 - 0.031 * i,
            control_similarity=0.4127 - 0.01 * i if judged else None,
            p=0.0002 * (i + 1) if judged else None,
            q=(3.2e-5 * (i + 1) ** 4 if found else 0.61) if judged else None,
            kind=kinds[i % 3],
            query=f"synthetic/secret-{i:05d}.png",
            reference=f"train/person-{i}/photo 1.jpg",
            identity=f"person-{i}",
            query_image=picture(i, sides[i % 3]),
            reference_image=None if i == 4 else picture(i + 100, sides[i % 3]),
            others=tuple(picture(i + 200 + j, sides[i % 3]) for j in range(i % 4)),
        )
        for i in range(n)
    ]


DETAILS = Details(
    locations={"train": "/home/ann/train.zip", "synthetic": "/home/ann/samples"},
    quarantine=(("train", "person-9/broken.jpg", "truncated after 1,024 bytes"),),
    plan='[audit]\ntrain = "/home/ann/train.zip"\nsynthetic = "/home/ann/samples"\nfdr = 0.05\n',
)
