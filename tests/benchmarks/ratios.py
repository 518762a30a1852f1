"""From the times of a race to medians, ratios and verdicts."""

import statistics
from typing import Any, NamedTuple

from record import Measured, Rows
from row import Contestant, Goal, Row
from rows import PEAK


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
        return "target reached" if aim and _as_good(self.goal, self.ratio, aim) else "reached"

    @property
    def shown(self) -> str:
        """The ratio in three digits, or in as many as keep it on its side of the goal."""
        texts = (f"{self.ratio:.{digits}g}" for digits in range(3, 18))
        return next(t for t in texts if self._replace(ratio=float(t)).words == self.words)


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


def verdicts(row: Row, measured: Measured) -> list[Verdict]:
    """Judge a row by the goals of the processor it ran on, where their contestants ran."""
    found = []
    for goal in (goal.on(measured.machine["vectors"]) for goal in row.goals):
        medians = {n: s.median for n, s in spreads(row, measured.raced, goal.quantity).items()}
        against = [name for name in medians if name in goal.against]  # the best first
        if against and goal.ours in medians:
            theirs, ours = medians[against[0]], medians[goal.ours]
            ratio = ours / theirs if goal.share else theirs / ours
            found.append(Verdict(goal, against[0], ratio))
    return found


def side_by_side(results: dict[str, Rows], rows: tuple[Row, ...]) -> list[dict[str, Verdict]]:
    """For each goal that was measured, its verdict on every kind of processor."""
    by_goal: dict[str, dict[str, Verdict]] = {goal.name: {} for row in rows for goal in row.goals}
    for row in rows:
        for kind, found in results.items():
            for verdict in verdicts(row, found[row.name]) if row.name in found else ():
                by_goal[verdict.goal.name][kind] = verdict
    return [by_kind for by_kind in by_goal.values() if by_kind]


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


def peak(raced: Any) -> float:
    """FLOP/s of the fastest large product."""
    return 2 * PEAK.task.batch**3 / min(s.least for s in spreads(PEAK, raced).values())
