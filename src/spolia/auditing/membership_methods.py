"""Every method on one set of arrays, and on the same after identities changed places."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from spolia.attacks import (
    authenticity,
    data_copying,
    distance_ratio,
    domias,
    gan_leaks,
    likelihood_gap,
    memorisation_scores,
    monte_carlo,
    third_ratio,
)
from spolia.auditing.membership_arrays import Arrays
from spolia.auditing.membership_near import Flags
from spolia.core.types import Float64, Int64
from spolia.stats.exchange import exchange_p, exchanged, midranks


@dataclass(frozen=True)
class About:
    """A method in words."""

    name: str
    paper: str
    measure: str


RECORDS: dict[str, About] = {
    "gan_leaks": About("GAN-Leaks", "arXiv:1909.03935", "AUC"),
    "gan_leaks_calibrated": About("Calibrated GAN-Leaks", "arXiv:1909.03935", "AUC"),
    "monte_carlo": About("Monte-Carlo", "doi:10.2478/popets-2019-0067", "AUC"),
    "domias": About("DOMIAS", "arXiv:2302.12580", "AUC"),
    "distance_ratio": About("Distance ratio", "arXiv:2102.08369", "AUC"),
}
"""Scores of records: train against held-out."""

SETS: dict[str, About] = {
    "data_copying": About("C_T", "arXiv:2004.05675", "z over cells, up is closer"),
    "authenticity": About("Authenticity", "arXiv:2102.08921", "share not authentic"),
    "third_ratio": About("One-third ratio", "arXiv:2310.02664", "share memorised"),
    "average_score": About("AMS", "arXiv:2410.02467", "share of samples near"),
    "unique_score": About("UMS", "arXiv:2410.02467", "images near, per sample"),
    "likelihood_gap": About("Likelihood gap", "arXiv:2302.04440", "nats per dimension"),
}
"""Metrics of whole sets, with train and with as many held-out identities in its place."""


@dataclass(frozen=True, eq=False)
class Flagged:
    """What the metrics of whole sets find with some identities in the place of train."""

    nearest: Int64
    """``(m,)`` nearest record of the equal parts of each sample; -1 where it is too far to tell."""
    not_authentic: Flags
    """``(m,)``, as the next two."""
    third: Flags
    average: Flags
    recovered: Flags
    """Of each record in the place of train."""
    copying: data_copying.Copying


@dataclass(frozen=True, eq=False)
class Exchange:
    """How much more train gives than held-out, and what chance gives."""

    excess: float
    drawn: Float64

    @property
    def p(self) -> float:
        """How often chance gives as much."""
        return exchange_p(self.excess, self.drawn)


def record_scores(arrays: Arrays) -> dict[str, Float64]:
    """Return the scores of all records, ``(n,)`` each, up is more like train.

    What has to be chosen (ε, bandwidth) is the median over the equal parts, train and held-out
    alike.
    """
    fixed = arrays.fixed
    to_samples, to_reference = arrays.to_samples, fixed.to_reference
    second = to_samples.distance[:, 1]
    bandwidth = float(np.median(to_reference.first[fixed.equal]))
    return {
        "gan_leaks": gan_leaks.scores(to_samples.first),
        "gan_leaks_calibrated": gan_leaks.calibrated_scores(to_samples.first, to_reference.first),
        "monte_carlo": monte_carlo.scores(
            to_samples.distance,
            monte_carlo.median_epsilon(to_samples.first[fixed.equal]),
            arrays.samples,
        ),
        "domias": domias.scores(
            to_samples.distance,
            to_reference.distance,
            samples=arrays.samples,
            reference=fixed.reference.shape[0],
            bandwidth=max(bandwidth, 1e-9),
        ),
        "distance_ratio": distance_ratio.scores(to_samples.first, second),
    }


def likelihoods(arrays: Arrays) -> Float64:
    """Return the log-likelihood of the records of the equal parts, ``(u,)``."""
    near, dimension = arrays.to_samples.of(arrays.fixed.equal), arrays.fixed.rows.shape[1]
    widths = likelihood_gap.fit_widths(
        near.distance, near.index, samples=arrays.samples, dimension=dimension
    )
    return likelihood_gap.log_likelihood(near.distance, near.index, widths, dimension=dimension)


def both_ways(arrays: Arrays, member: Flags) -> tuple[Flagged, Flagged]:
    """Return what whole sets show with members, and with the others, in the place of train.

    ``member`` are flags of the records of the equal parts, ``(u,)``.
    """
    spacing = [arrays.fixed.within.among(side)[1] for side in (member, ~member)]
    one, other = (
        _flagged(arrays, side, near) for side, near in zip((member, ~member), spacing, strict=True)
    )
    return one, other


def _flagged(arrays: Arrays, base: Flags, to_base: Float64) -> Flagged:
    """Return what is found with ``base`` as train; ``to_base`` is how far each record is from it.

    A record of the base is as far from it as from its nearest other identity there.
    """
    nearest, first, second = arrays.from_samples.among(base)
    known = nearest >= 0
    to_samples = arrays.to_samples.first[arrays.fixed.equal]
    return Flagged(
        nearest=nearest,
        not_authentic=authenticity.copied(first, nearest, to_base) & known,
        third=third_ratio.memorised(first, second),
        average=memorisation_scores.memorised(first, arrays.radius),
        recovered=memorisation_scores.recovered(to_samples[base], arrays.radius),
        copying=data_copying.copying(
            first, to_base[~base], arrays.cells, arrays.fixed.cells[~base]
        ),
    )


_VALUES: dict[str, Callable[[Flagged], float]] = {
    "data_copying": lambda one: one.copying.value,
    "authenticity": lambda one: float(one.not_authentic.mean()),
    "third_ratio": lambda one: float(one.third.mean()),
    "average_score": lambda one: float(one.average.mean()),
    "unique_score": lambda one: float(one.recovered.sum() / one.nearest.size),
}


@dataclass(frozen=True, eq=False)
class Contest:
    """All methods on one set of arrays, ready to be computed for whoever is called a member."""

    arrays: Arrays
    ranks: Mapping[str, Float64]
    """``(n,)`` of the scores of records, ties in the middle."""
    likelihood: Float64
    """``(u,)``."""

    @classmethod
    def of(cls, arrays: Arrays, scores: Mapping[str, Float64], likelihood: Float64) -> "Contest":
        """Return the contest by scores of records and their likelihoods."""
        return cls(arrays, {name: midranks(one) for name, one in scores.items()}, likelihood)

    def observed(self) -> dict[str, float]:
        """Return by method how much more train gives than what was held out."""
        fixed = self.arrays.fixed
        return self._excesses(fixed.member, fixed.equal_member)

    def exchanged(self, rng: np.random.Generator) -> dict[str, float]:
        """Return the same after identities changed places."""
        fixed = self.arrays.fixed
        return self._excesses(
            exchanged(fixed.member, fixed.identity, rng=rng),
            exchanged(fixed.equal_member, fixed.equal_identity, rng=rng),
        )

    def _excesses(self, member: Flags, equal_member: Flags) -> dict[str, float]:
        m = int(np.count_nonzero(member))
        pairs = m * (member.size - m)
        found = {
            name: (float(ranks[member].sum()) - m * (m + 1) / 2.0) / pairs - 0.5
            for name, ranks in self.ranks.items()
        }
        one, other = both_ways(self.arrays, equal_member)
        found |= {name: value(one) - value(other) for name, value in _VALUES.items()}
        found["likelihood_gap"] = float(
            self.likelihood[equal_member].mean() - self.likelihood[~equal_member].mean()
        )
        return found


def exchange_all(
    contest: Contest, *, exchanges: int, rng: np.random.Generator
) -> dict[str, Exchange]:
    """Return by method how much more train gives, beside the same after so many exchanges."""
    observed = contest.observed()
    drawn = [contest.exchanged(rng) for _ in range(exchanges)]
    return {
        name: Exchange(value, np.array([one[name] for one in drawn]))
        for name, value in observed.items()
    }
