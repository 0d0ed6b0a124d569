"""``python -m benchmarks NAME [OPTIONS]``: run one experiment and print its table."""

import sys
from importlib import import_module

EXPERIMENTS = {
    "audit": "benchmarks.audit",
    "duplicates": "benchmarks.duplicates",
    "embed": "benchmarks.embed",
    "goodness": "benchmarks.goodness",
    "honesty": "benchmarks.honesty",
    "hubs": "benchmarks.hubs",
    "identity": "benchmarks.identity",
    "join": "benchmarks.join",
    "judges": "benchmarks.judges",
    "kinds": "benchmarks.kinds",
    "membership": "benchmarks.membership",
    "mixtures": "benchmarks.mixtures",
    "reviewing": "benchmarks.reviewing",
    "scale": "benchmarks.scale",
    "scores": "benchmarks.scores",
    "screening": "benchmarks.screening",
    "searching": "benchmarks.searching",
    "seen": "benchmarks.seen",
    "startup": "benchmarks.startup",
    "statistics": "benchmarks.statistics",
    "tails": "benchmarks.tails",
    "unaligned": "benchmarks.unaligned",
}


def main(arguments: list[str]) -> None:
    if not arguments or arguments[0] not in EXPERIMENTS:
        sys.exit(f"usage: python -m benchmarks {{{','.join(EXPERIMENTS)}}} [OPTIONS]")
    import_module(EXPERIMENTS[arguments[0]]).main(arguments[1:])


if __name__ == "__main__":
    main(sys.argv[1:])
