"""Quantiles of the Anderson-Darling statistic of a fitted generalised Pareto distribution.

``python -m benchmarks goodness`` prints `spolia.stats.goodness.QUANTILES`; eight minutes on one
core. Nothing is measured on data: samples of known shape are drawn, fitted and compared with their
fits.
"""

import argparse

import numpy as np

from spolia.core.seeds import stream
from spolia.core.types import Float64
from spolia.stats.goodness import P_VALUES, SHAPES, SIMULATED, anderson_darling
from spolia.stats.pareto import fit_pareto

SAMPLES = 20_000


def statistics(shape: float, samples: int) -> Float64:
    """Return A² of samples drawn from a shape and fitted anew."""
    found = np.empty(samples)
    one = np.ones((1, SIMULATED))
    for i in range(samples):
        u = stream(i, "goodness", str(shape)).random(SIMULATED)
        y = np.sort(-np.log(u) if shape == 0.0 else (u**-shape - 1.0) / shape)
        found[i] = anderson_darling(y[np.newaxis], *fit_pareto(y, one))[0]
    return found


def table(samples: int) -> str:
    lines = []
    for shape in SHAPES:
        quantiles = np.quantile(statistics(shape, samples), 1.0 - np.array(P_VALUES))
        lines.append(f"    [{', '.join(f'{one:.3f}' for one in quantiles)}],")
    return "\n".join(lines)


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks goodness", description=__doc__)
    parser.add_argument("--samples", type=int, default=SAMPLES, help="samples for each shape")
    print(table(parser.parse_args(arguments).samples))
