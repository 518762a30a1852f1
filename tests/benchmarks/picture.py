"""A picture of the goals: a bar for each kind of processor that measured one."""

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import LogLocator, NullLocator, StrMethodFormatter
from ratios import Verdict, side_by_side
from record import Rows
from row import Row

HEIGHT, GAP, FRAME = 0.21, 0.5, 0.9  # inches a bar, bars between two goals, inches around a panel
BAR = 0.9  # of the height that it has
COLORS = ("#4477aa", "#ccbb44", "#66ccee", "#aa3377", "#228833", "#bbbbbb")  # for all eyes


def plot(results: dict[str, Rows], path: Path, rows: tuple[Row, ...]) -> None:
    """Draw the goals where higher is better, and below them those where lower is."""
    panels: dict[bool, list[dict[str, Verdict]]] = {False: [], True: []}
    for goal in side_by_side(results, rows):
        panels[_first(goal).goal.share].append(goal)
    panels = {share: goals for share, goals in panels.items() if goals} or {False: []}
    colors = {kind: COLORS[i % len(COLORS)] for i, kind in enumerate(results)}
    heights = [FRAME + HEIGHT * sum(len(goal) + GAP for goal in goals) for goals in panels.values()]
    figure = Figure((11, FRAME + sum(heights)), layout="constrained")
    axes = figure.subplots(len(panels), height_ratios=heights, squeeze=False)[:, 0]
    for axis, (share, goals) in zip(axes, panels.items(), strict=True):
        _bars(axis, goals, colors)
        axis.set_title("lower is better" if share else "times as fast: higher is better")
        if goals and not share:
            axis.set_xscale("log")
            axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axis.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
            axis.xaxis.set_minor_locator(NullLocator())
    handles = [Patch(color=color, label=kind) for kind, color in colors.items()]
    for label, style in (("required", "-"), ("target", ":")):
        handles.append(Line2D([], [], color="black", linestyle=style, linewidth=2, label=label))
    figure.legend(handles=handles, loc="outside upper center", ncols=5, frameon=False)
    figure.savefig(path, dpi=100)


def _first(goal: dict[str, Verdict]) -> Verdict:
    return next(iter(goal.values()))


def _bars(axis: Axes, goals: list[dict[str, Verdict]], colors: dict[str, str]) -> None:
    y, middles = 0.0, []
    beside = axis.get_yaxis_transform()  # beside the frame, where no mark is
    for goal in goals:
        middles.append(y + (len(goal) - 1) / 2)
        for kind, verdict in goal.items():
            axis.barh(y, verdict.ratio, height=BAR, color=colors[kind])
            for mark, style in ((verdict.goal.must, "k-"), (verdict.goal.aim, "k:")):
                if mark is not None:
                    axis.plot([mark] * 2, [y - BAR / 2, y + BAR / 2], style, linewidth=2)
            words, color = ("", "black") if verdict.reached else (", not reached", "tab:red")
            text = f"{verdict.shown}{words}"
            axis.text(1.01, y, text, transform=beside, va="center", color=color)
            y += 1
        y += GAP
    axis.set_yticks(middles, [_first(goal).goal.name for goal in goals])
    axis.set_ylim(y - GAP - 0.3, -0.7)  # the first on top
    axis.axvline(1, color="gray", linewidth=0.8, zorder=0)
