"""The table that `report.py` prints."""

import subprocess
import sys
from pathlib import Path

import jax

REPORT = Path(__file__).parent / "report.py"


def test_the_report_is_a_table_with_a_row_per_network():
    command = [sys.executable, REPORT, "v5e:2x2", "784-16-16-10"]
    printed = subprocess.run(command, check=True, capture_output=True, text=True)
    title, _, *table = printed.stdout.splitlines()
    assert title == f"TPU v5 lite, jax {jax.__version__}"
    heads, _, row = ([cell.strip() for cell in line.split("|")[1:-1]] for line in table)
    others = "grad of apply", "grad of plain JAX", "ratio"
    assert heads == ["model", "by hand, cycles", *others, "by hand, kB", *others]
    assert row[0] == "784-16-16-10"
    by_hand, by_grad, plain = (int(cell.replace(",", "")) for cell in row[1:4])
    assert row[4] == f"{by_hand / by_grad:.2f}" and plain > 0
