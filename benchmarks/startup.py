"""How long it takes until spolia is there: ``python -m benchmarks startup``."""

import subprocess
import sys
import time

CALLS = {
    "python -c pass": ["pass"],
    "import spolia": ["import spolia"],
    "spolia --help": ["from spolia.cli.main import main; main()", "--help"],
}
RUNS = 15


def main(_arguments: list[str]) -> None:
    for name, (script, *more) in CALLS.items():
        seconds = []
        for _ in range(RUNS):
            began = time.perf_counter()
            subprocess.run([sys.executable, "-c", script, *more], capture_output=True, check=False)
            seconds.append(time.perf_counter() - began)
        seconds.sort()
        print(f"{name:<16} min {seconds[0]:.3f} s, median {seconds[RUNS // 2]:.3f} s")
