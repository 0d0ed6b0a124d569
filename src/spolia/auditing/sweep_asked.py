"""One model of a study asked about the people it was trained on, and about others."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spolia.auditing.identity_scores import Photos, nearest, samples_of, score_from
from spolia.auditing.options import Options
from spolia.auditing.sets import AuditSet
from spolia.auditing.sweep_people import Drawn
from spolia.core.membership import Separation
from spolia.core.progress import silent
from spolia.core.rates import Rate
from spolia.core.seeds import stream
from spolia.core.sweep import Changes, Setting, SweptModel, SweptPoint
from spolia.core.types import Float64, Int64
from spolia.stats.pool import pooled_p
from spolia.stats.rates import exact_rate
from spolia.stats.roc import Scored, area, separation
from spolia.stats.scores import Moments
from spolia.stats.sweep import change, over_models, share_over_models, worth_of

_LEVEL = 0.05
_FEW = 0.01


@dataclass(frozen=True, eq=False)
class Asked:
    """The samples of one model, and who is asked about."""

    samples: AuditSet
    moments: Moments | None
    drawn: Drawn
    options: Options
    seed: int

    @classmethod
    def of(cls, samples: AuditSet, drawn: Drawn, options: Options, seed: int) -> "Asked":
        """Make ready to ask."""
        return cls(samples, samples_of(samples), drawn, options, seed)

    def answer(
        self, setting: Setting, number: int, copied: tuple[Rate, Rate], *, repeats: bool
    ) -> SweptModel:
        """Return what the samples betray; who is repeated is counted apart from the others.

        ``copied`` is the share of copies among the samples, and of what chance takes for such.
        """
        members = self._scored(self.drawn.members[: setting.identities])
        others = self._scored(self.drawn.others)
        half = len(self.drawn.others) // 2
        # Scored as a part of all others: the halves differ in nothing but who is in them.
        one, two = others.means[:half], others.means[half:]
        apart = self._separation(members.means[1 if repeats else 0 :], others.means, number)
        control = self._separation(one, two, number)
        drawn = others.drawn(self.seed)
        p = pooled_p(drawn[:half], drawn[half:]).p
        return SweptModel(
            number=number,
            members=apart.auc,
            others=control.auc,
            hits=next((one.tpr for one in apart.hits if one.fpr == _FEW), None),
            low=exact_rate(
                int(np.count_nonzero(p <= _LEVEL)), half, effective_n=worth_of(half, two.size)
            ),
            copies=copied[0],
            chance=copied[1],
            person=area(members.means[:1], others.means) if repeats else None,
        )

    def _scored(self, people: Sequence[Int64]) -> Photos:
        one = self.drawn.set_of("people", people)
        near = nearest(one.rows, self.samples.rows, self.options, silent)
        return score_from(one, near, self.moments)

    def _separation(self, members: Float64, others: Float64, number: int) -> Separation:
        return separation(
            Scored.of_identities(members),
            Scored.of_identities(others),
            rng=stream(self.seed, "identities", str(number)),
        )


def point_of(value: int, models: Sequence[SweptModel], members: int, others: int) -> SweptPoint:
    """Sum up the models of one value, each asked about so many members and others."""
    hits = [one.hits for one in models if one.hits is not None]
    people = [one.person for one in models if one.person is not None]
    half = others // 2
    return SweptPoint(
        value=value,
        members=over_models([one.members.value for one in models], members, others),
        others=over_models([one.others.value for one in models], half, others - half),
        hits=share_over_models(hits) if hits else None,
        low=exact_rate(
            sum(one.low.count for one in models),
            half * len(models),
            effective_n=len(models) * worth_of(half, others - half),
        ),
        copies=share_over_models([one.copies for one in models]),
        chance=share_over_models([one.chance for one in models]),
        person=over_models(people, 1, others) if people else None,
        models=tuple(models),
    )


def changes_of(points: Sequence[SweptPoint]) -> Changes | None:
    """Return how the last value differs from the first, model by model; ``None`` if it cannot."""
    if len(points) < 2:
        return None
    first, last = points[0].models, points[-1].models
    members = change([m.members.value for m in first], [m.members.value for m in last])
    others = change([m.others.value for m in first], [m.others.value for m in last])
    if members is None or others is None:
        return None
    people = [[m.person for m in side if m.person is not None] for side in (first, last)]
    return Changes(members, others, change(*people) if people[0] else None)
