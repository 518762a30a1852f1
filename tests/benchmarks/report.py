"""From the times of a race to ratios, a Markdown page and a plot.

`python tests/benchmarks/report.py` writes both again from `results/results.json`.
"""

import json
import statistics
import sys
from pathlib import Path
from typing import Any, NamedTuple

from row import Contestant, Goal, Row
from rows import PEAK, ROWS

Results = dict[str, Any]  # "machine", and "rows": by row, by contestant, what race.py returns


class Spread(NamedTuple):
    """Of the rounds that count."""

    median: float
    lower: float  # quartile
    upper: float
    least: float
    most: float


class Verdict(NamedTuple):
    """A goal and what was measured; `best` is the contestant that was compared with."""

    goal: Goal
    best: str
    ratio: float

    @property
    def reached(self) -> bool:
        """What must be."""
        return _as_good(self.goal, self.ratio, self.goal.must)

    @property
    def words(self) -> str:
        """Reached, and the aim as well, or not."""
        if not self.reached:
            return "**not reached**"
        aim = self.goal.aim
        return "aim reached" if aim and _as_good(self.goal, self.ratio, aim) else "reached"


def _as_good(goal: Goal, ratio: float, mark: float) -> bool:
    return ratio <= mark if goal.share else ratio >= mark


def values(row: Row, contestant: Contestant, raced: Any, quantity: str) -> list[float]:
    """Of each round that counts: seconds a unit of the row, or bytes."""
    works = raced["works"][raced["warm_up"] :]
    if quantity != "seconds":
        return [work[quantity] for work in works if work[quantity] is not None]
    # A contestant may do more than one unit at a time: steps, or epochs of so many steps.
    unit = {"step": 1, "epoch": row.task.steps, "32 epochs": row.task.steps}.get(row.unit)
    per = [work["steps"] / unit if unit else 1 for work in works]
    return [contestant.times * work["seconds"] / n for work, n in zip(works, per, strict=True)]


def spread(numbers: list[float]) -> Spread:
    """Median, quartiles and range."""
    if len(numbers) == 1:
        return Spread(*numbers * 5)
    lower, median, upper = statistics.quantiles(numbers, n=4, method="inclusive")
    return Spread(median, lower, upper, min(numbers), max(numbers))


def spreads(row: Row, raced: Any, quantity: str = "seconds") -> dict[str, Spread]:
    """Of every contestant that ran, the fastest first."""
    by_name = {}
    for contestant in row.contestants:
        ran = raced.get(contestant.name)
        numbers = values(row, contestant, ran, quantity) if ran and not ran["failure"] else []
        if numbers:
            by_name[contestant.name] = spread(numbers)
    return dict(sorted(by_name.items(), key=lambda item: item[1].median))


def verdicts(row: Row, raced: Any) -> list[Verdict]:
    """Every goal of a row whose contestants ran."""
    found = []
    for goal in row.goals:
        medians = {name: s.median for name, s in spreads(row, raced, goal.quantity).items()}
        against = [name for name in medians if name in goal.against]  # the best first
        if against and goal.ours in medians:
            theirs, ours = medians[against[0]], medians[goal.ours]
            ratio = ours / theirs if goal.share else theirs / ours
            found.append(Verdict(goal, against[0], ratio))
    return found


def losses(raced: Any) -> dict[str, float]:
    """Mean losses over the last steps that all have done: of as many as the longest work has.

    Contestants differ in how many steps they do at a time, and may begin anew with each work.
    """
    ran = {
        name: [w for w in r["works"] if w["loss"] is not None]
        for name, r in raced.items()
        if not r["failure"]
    }
    ran = {name: works for name, works in ran.items() if works}
    if not ran:
        return {}
    longest = max(w["steps"] for works in ran.values() for w in works)
    common = min(max(w["start"] + w["steps"] for w in works) for works in ran.values())
    stop = common // longest * longest
    means = {}
    for name, works in ran.items():
        inside = [w for w in works if stop - longest <= w["start"] < stop]
        if inside:
            total = sum(w["loss"] * w["steps"] for w in inside)
            means[name] = total / sum(w["steps"] for w in inside)
    return means


def odd_losses(means: dict[str, float], factor: float = 1.5) -> list[str]:
    """Who does not seem to have done the same work: initializations differ, but not by so much."""
    if not means:
        return []
    middle = statistics.median(means.values())
    return [name for name, loss in means.items() if not middle / factor < loss < middle * factor]


def peak(results: Results) -> float | None:
    """FLOP/s of the fastest large product."""
    raced = results["rows"].get(PEAK.name)
    if not raced:
        return None
    size = PEAK.task.batch
    return 2 * size**3 / min(s.least for s in spreads(PEAK, raced).values())


def markdown(results: Results, rows: tuple[Row, ...] = ROWS) -> str:
    """The whole page."""
    measured = [(row, results["rows"][row.name]) for row in rows if row.name in results["rows"]]
    lines = ["# Benchmarks", "", *_machine(results), "", "## Goals", ""]
    lines += ["| what | must reach | aim | measured | against | |", "|---|---|---|---|---|---|"]
    lines += [_goal(verdict) for row, raced in measured for verdict in verdicts(row, raced)]
    for row, raced in measured:
        lines += ["", *_table(row, raced, peak(results))]
    return "\n".join(lines) + "\n"


def _machine(results: Results) -> list[str]:
    top = peak(results)
    described = [f"{name} {value}" for name, value in results["machine"].items()]
    lines = [", ".join(described) + ".", ""]
    if top:
        lines += [f"Peak, a large local float32 product: {top / 1e9:.0f} GFLOP/s.", ""]
    if results["quick"]:
        lines += ["**A quick run: it shows that everything runs, its figures mean nothing.**", ""]
    rounds = results["rounds"]
    return [*lines, f"One process a contestant, interleaved, {rounds} rounds after the warm-up."]


def _goal(verdict: Verdict) -> str:
    goal, best, ratio = verdict
    sign, form = ("≤ ", ".2f") if goal.share else ("", ".3g")
    aim = "" if goal.aim is None else f"{sign}{goal.aim:g}×"
    name = f"{goal.name} (lower is better)" if goal.share else goal.name
    return f"| {name} | {sign}{goal.must:g}× | {aim} | {ratio:{form}}× | {best} | {verdict.words} |"


def _table(row: Row, raced: Any, top: float | None) -> list[str]:
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


def plot(results: Results, path: Path, rows: tuple[Row, ...] = ROWS) -> None:
    """A bar for each goal: left where higher is better, right where lower is."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    from matplotlib.ticker import LogLocator, NullLocator, StrMethodFormatter

    found = [v for row in rows for v in verdicts(row, results["rows"].get(row.name, {}))]
    kinds = sorted({v.goal.share for v in found}) or [False]
    size = (8.5 * len(kinds), 6)
    figure, axes = plt.subplots(1, len(kinds), figsize=size, layout="constrained", squeeze=False)
    for axis, share in zip(axes[0], kinds, strict=True):
        bars = [v for v in found if v.goal.share == share][::-1]
        for y, verdict in enumerate(bars):
            goal = verdict.goal
            axis.barh(y, verdict.ratio, color="tab:green" if verdict.reached else "tab:red")
            axis.plot([goal.must] * 2, [y - 0.4, y + 0.4], "k-", linewidth=2)
            if goal.aim is not None:
                axis.plot([goal.aim] * 2, [y - 0.4, y + 0.4], "k:", linewidth=2)
            right = axis.get_yaxis_transform()  # beside the frame, where no mark is
            axis.text(1.02, y, f"{verdict.ratio:.3g}", transform=right, va="center", weight="bold")
        axis.set_yticks(range(len(bars)), [v.goal.name for v in bars])
        axis.axvline(1, color="grey", linewidth=0.8)
        axis.set_title("lower is better" if share else "times faster: higher is better")
        if bars and not share:
            axis.set_xscale("log")
            axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axis.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
            axis.xaxis.set_minor_locator(NullLocator())
        axis.margins(x=0.15)
    figure.suptitle("— must reach    ··· aim")
    figure.savefig(path, dpi=120)
    plt.close(figure)


def write(results: Results, folder: Path) -> None:
    """results.json, results.md and results.png."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    (folder / "results.md").write_text(markdown(results))
    plot(results, folder / "results.png")


if __name__ == "__main__":
    here = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "results"
    write(json.loads((here / "results.json").read_text()), here)
