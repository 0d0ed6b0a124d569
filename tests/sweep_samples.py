"""A study of models as it could end, made up."""

from spolia.core.rates import Bounded
from spolia.core.results import ModelSummary, SetSummary
from spolia.core.sweep import (
    SWEEP_SCHEMA,
    Changes,
    Setting,
    SweepSummary,
    Swept,
    SweptPoint,
    Trainer,
)
from spolia.stats.rates import exact_rate


def point(value, area, *, person=None):
    return SweptPoint(
        value=value,
        members=Bounded(area, area - 0.04, min(1.0, area + 0.03)),
        others=Bounded(0.49, 0.42, 0.56),
        hits=Bounded(area / 2, area / 3, area),
        low=exact_rate(9, 225, effective_n=112),
        copies=Bounded(0.5, 0.45, 0.55),
        chance=Bounded(0.0, 0.0, 0.001),
        person=person,
        models=(),
    )


FEWER = Swept(
    vary="identities",
    setting=Setting(10, 2, 1, 3000, 1000),
    sentence="The AUC of members falls.",
    points=(point(10, 0.99), point(40, 0.9), point(1600, 0.55)),
    changes=Changes(Bounded(-0.44, -0.5, -0.4), Bounded(0.0, -0.1, 0.1), None),
    memorised=10,
)
REPEATED = Swept(
    vary="repeated",
    setting=Setting(120, 2, 1, 2000, 1000),
    sentence="The AUC of the repeated person rises.",
    points=(
        point(1, 0.6, person=Bounded(0.45, 0.0, 0.99)),
        point(100, 0.56, person=Bounded(0.99, 0.79, 1.0)),
    ),
    changes=None,
    memorised=None,
)
STUDY = SweepSummary(
    schema=SWEEP_SCHEMA,
    version="0.1.0",
    notes=("These models are small.",),
    seed=0,
    models=3,
    non_members=150,
    asked=1,
    training=Trainer("ddpm", 64),
    source=SetSummary("source", 3975, 2199, True, 0, 0, "ab" * 32, 0),
    model=ModelSummary("arcface-r50", "identity", "MIT", False, "nowhere", (), "ab" * 32),
    any_judge=False,
    sweeps=(FEWER, REPEATED),
)
