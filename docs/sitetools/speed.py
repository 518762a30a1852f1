"""The table of measured speed on the design page, from the results of `tests/benchmarks`."""

from sitetools import ROOT

RESULTS = ROOT / "tests/benchmarks/results/results.md"

# The goals to show first: one for each kind of model, reached or not.
SHOWN = (
    ("CNN step, against PyTorch, compiled or eager", "AMD EPYC, AVX-512"),
    ("784-128-10, against the fastest peer of all", "AMD EPYC, AVX-512"),
    ("GPT step, against the fastest JAX peer, usual loop or scan", "Intel Xeon, AVX-512"),
    ("GPT step, against PyTorch, compiled or eager", "Intel Xeon, AVX-512"),
    ("causal attention, length 1,024, against jax.nn", "Intel Xeon, AVX-512"),
    ("eight blocks, temporary memory relative to Flax's (lower is better)", "AMD EPYC, AVX-512"),
)


def goals() -> str:
    """Write the table as Markdown: a few rows, and the others in a folded block."""
    table = RESULTS.read_text().split("## Goals\n\n")[1]
    head, rule, *lines = table.strip().splitlines()
    rows = {}
    for line in lines:
        name, kind = line.split(" | ")[:2]
        rows[name.removeprefix("| "), kind] = line
    shown = [rows.pop(key) for key in SHOWN]
    folded = [head, rule, *rows.values()]
    title = f'??? note "The other {len(rows)} results"'
    return (
        "\n".join([head, rule, *shown, "", title, "", *(f"    {line}" for line in folded)]) + "\n"
    )
