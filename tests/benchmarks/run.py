"""Race purenn against its peers: `python tests/benchmarks/run.py`, on an idle machine.

It replaces the rows that it measures in the results of this kind of processor, and writes all pages
anew. README.md beside this file says how to read them.
"""

import argparse
import tempfile
from pathlib import Path

import machine
import record
import report
from race import race
from ratios import peak
from rows import PEAK, ROWS, quick


def main() -> None:
    """Measure the rows asked for, and write after each."""
    names = [row.name for row in ROWS]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", nargs="+", choices=names, default=names, metavar="ROW")
    parser.add_argument("--rounds", type=int, default=9, help="that count, after the warm-up")
    parser.add_argument("--output", type=Path, help="another folder than that of the results")
    parser.add_argument("--quick", action="store_true", help="only show that everything runs")
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error("--rounds must be at least 1")
    if options.quick and options.output and options.output.resolve() == report.KEPT.resolve():
        parser.error("--quick measures nothing worth keeping: --output must be another folder")

    output = options.output or (Path(tempfile.mkdtemp()) if options.quick else report.KEPT)
    rounds = 1 if options.quick else options.rounds
    described = machine.describe()
    top = peak(race(PEAK, rounds, PEAK.warm_up))
    found: record.Rows = {}
    for row in (row for row in ROWS if row.name in options.rows):
        chosen = quick(row) if options.quick else row
        warm_up = min(1, row.warm_up) if options.quick else row.warm_up
        raced = race(chosen, min(rounds, row.rounds or rounds), warm_up)
        found[row.name] = record.Measured(described, top, raced, options.quick)
        record.keep(output, row.name, found[row.name])
        report.write(output)  # what there is so far
    kind = machine.kind(described)
    print("\n".join(report.goals({kind: found})), report.details(kind, found), sep="\n\n")
    print(f"All pages are in {output}")


if __name__ == "__main__":
    main()
