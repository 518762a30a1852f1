"""Race purenn against its peers: `python tests/benchmarks/run.py`, on an idle machine.

Writes results.md, results.png and results.json. README.md beside this file says how to read them.
"""

import argparse
from pathlib import Path

import machine
import report
from race import race
from rows import PEAK, ROWS, quick


def main() -> None:
    """Measure the rows asked for, and write after each."""
    names = [row.name for row in ROWS]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", nargs="+", choices=names, default=names, metavar="ROW")
    parser.add_argument("--rounds", type=int, default=9, help="that count, after the warm-up")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results")
    parser.add_argument("--quick", action="store_true", help="only show that everything runs")
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error("--rounds must be at least 1")

    rounds = 1 if options.quick else options.rounds
    results = {"machine": machine.describe(), "rounds": rounds, "quick": options.quick, "rows": {}}
    for row in (PEAK, *(row for row in ROWS if row.name in options.rows)):
        chosen = quick(row) if options.quick else row
        warm_up = min(1, row.warm_up) if options.quick else row.warm_up
        results["rows"][row.name] = race(chosen, min(rounds, row.rounds or rounds), warm_up)
        report.write(results, options.output)  # what there is so far
    print((options.output / "results.md").read_text())


if __name__ == "__main__":
    main()
