"""Pages and a picture from what was measured: `python tests/benchmarks/report.py [FOLDER]`.

`results.md` and `results.png` have the goals, with every kind of processor side by side. The folder
of each kind has a `results.md` with every contestant's times.
"""

import sys
from pathlib import Path

import machine
import picture
import record
from ratios import losses, odd_losses, side_by_side, spreads
from record import Measured, Rows
from row import Row
from rows import ROWS

KEPT = Path(__file__).parent / "results"
PEAK = "The peak is that of a large local float32 product in the same run."
TURNS = "Each contestant is a process of its own; they take turns, for the rounds after a warm-up."
QUICK = "**A quick run: it shows that everything runs, its figures mean nothing.**"


def overview(results: dict[str, Rows], rows: tuple[Row, ...] = ROWS) -> str:
    """The page of all processors."""
    lines = ["# Benchmarks", ""]
    lines += ["| processor | cores | peak, GFLOP/s | rows | date |", "|---" * 5 + "|"]
    for kind, found in results.items():
        cores = {int(measured.machine["cores"]) for measured in found.values()}
        peaks = {round(measured.peak / 1e9) for measured in found.values() if measured.peak}
        dates = {measured.machine["date"] for measured in found.values()}
        cells = [f"[{kind}]({machine.folder(kind)}/results.md)", _range(cores), _range(peaks)]
        lines.append("| " + " | ".join([*cells, str(len(found)), _range(dates)]) + " |")
    lines += ["", f"The page of each processor has every contestant's times. {PEAK}", ""]
    if any(measured.quick for found in results.values() for measured in found.values()):
        lines += [QUICK, ""]
    lines += ["![The goals below, as bars](results.png)", "", "## Goals", ""]
    return "\n".join([*lines, *goals(results, rows)]) + "\n"


def _range(found: set) -> str:
    return " – ".join(str(end) for end in dict.fromkeys(f(found) for f in (min, max) if found))


def goals(results: dict[str, Rows], rows: tuple[Row, ...] = ROWS) -> list[str]:
    """The table of the goals, with a line for each kind of processor that measured one."""
    lines = [
        "| task | processor | required | target | result | compared with | verdict |",
        "|---" * 7 + "|",
    ]
    for by_kind in side_by_side(results, rows):
        for kind, verdict in by_kind.items():
            goal, sign = verdict.goal, "≤ " if verdict.goal.share else ""
            name = f"{goal.name} (lower is better)" if goal.share else goal.name
            aim = "" if goal.aim is None else f"{sign}{goal.aim:g}×"
            cells = [name, kind, f"{sign}{goal.must:g}×", aim, f"{verdict.shown}×", verdict.best]
            lines.append("| " + " | ".join([*cells, verdict.words]) + " |")
    return lines


def details(kind: str, found: Rows, rows: tuple[Row, ...] = ROWS) -> str:
    """The page of one kind of processor: what all rows have in common, then each row."""
    measured = [(row, found[row.name]) for row in rows if row.name in found]
    facts = [_facts(m) for _, m in measured]
    first = facts[0] if facts else {}
    common = {k: v for k, v in first.items() if all(f.get(k) == v for f in facts)}
    lines = [f"# {kind}", "", _sentence(common), "", f"{TURNS} {PEAK}"]
    for (row, m), its in zip(measured, facts, strict=True):
        own = {name: value for name, value in its.items() if name not in common}
        lines += ["", *_table(row, m)]
        lines += ["", _sentence(own)] if own else []
        lines += ["", m.note] if m.note else []
        lines += ["", QUICK] if m.quick else []
    return "\n".join(lines) + "\n"


def _facts(measured: Measured) -> dict[str, str]:
    peak = {"peak": f"{measured.peak / 1e9:.0f} GFLOP/s"} if measured.peak else {}
    return {**measured.machine, **peak, "rounds": str(measured.rounds)}


def _sentence(facts: dict[str, str]) -> str:
    text = ", ".join(f"{name} {value}" for name, value in facts.items())
    return f"{text[:1].upper()}{text[1:]}."


def _table(row: Row, measured: Measured) -> list[str]:
    raced, top = measured.raced, measured.peak
    times, memory = spreads(row, raced), spreads(row, raced, "temporaries")
    epochs = spreads(row, raced, "epochs")
    means = losses(raced) if row.trains else {}
    flops = row.task.flops / (row.task.steps if row.unit == "step" else 1)
    heads = [row.name, f"median, ms per {row.unit}", "quartiles", "range", "to the fastest"]
    heads += ["GFLOP/s", "of the peak", "loss"] if row.trains else []
    heads += ["temporaries, MB"] if memory else []
    heads += ["epochs"] if epochs else []
    lines = [f"## {row.title}", "", "| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    fastest = next(iter(times.values())).median if times else 1.0
    for place, (name, s) in enumerate(times.items()):
        note = raced[name]["works"][-1]["note"]
        label = f"{name} ({note})" if note else name
        cells = [label if place else f"**{label}**", _ms(s.median)]
        cells += [f"{_ms(s.lower)} – {_ms(s.upper)}", f"{_ms(s.least)} – {_ms(s.most)}"]
        cells.append(f"{s.median / fastest:.2f}")
        if row.trains:
            part = f"{flops / s.median / top:.0%}" if top else ""
            loss = f"{means[name]:.4f}" if name in means else ""
            cells += [f"{flops / s.median / 1e9:.1f}", part, loss]
        if memory:
            known = memory.get(name)  # PyTorch tells nothing of it
            cells.append(f"{known.median / 1e6:.3g}" if known else "")
        if epochs:
            least, most = int(epochs[name].least), int(epochs[name].most)
            cells.append(f"{least}" if least == most else f"{least} – {most}")
        lines.append("| " + " | ".join(cells) + " |")
    for name, r in raced.items():
        if r["failure"]:
            lines += ["", f"{name} did not run: `{r['failure']}`."]
    if row.rounds:
        lines += ["", f"At most {row.rounds} rounds, of a seed each."]
    odd = odd_losses(means)
    if odd:
        lines += ["", f"**Losses far from the others': {', '.join(odd)}.**"]
    return lines


def _ms(seconds: float) -> str:
    milliseconds = 1e3 * seconds
    return f"{milliseconds:,.0f}" if milliseconds >= 1000 else f"{milliseconds:.4g}"


def write(root: Path, rows: tuple[Row, ...] = ROWS) -> None:
    """Write all pages and the picture from the results below `root`."""
    results = record.read(root)
    (root / "results.md").write_text(overview(results, rows))
    picture.plot(results, root / "results.png", rows)
    for kind, found in results.items():
        (root / machine.folder(kind) / "results.md").write_text(details(kind, found, rows))


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else KEPT)
