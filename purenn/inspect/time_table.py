"""The table of the time that each layer of a model takes."""

import math
from typing import NamedTuple

from purenn.core.text import cut, printable
from purenn.inspect.rows import Row
from purenn.inspect.table import table
from purenn.inspect.timing import LayerTime, Timing

LONGEST = 40  # name of a device
NOTHING = "-"  # where there is nothing to compute


def time_table(rows: list[Row], timing: Timing, batch_size: int) -> list[str]:
    """Lay out the rows of a model with the times of its layers.

    Totals and shares are computed from the rounded times, so that each column adds up.
    """
    unit = _Unit.of(sum(time.both for time in timing.layers))
    times = [unit.rounded(time) for time in timing.layers]
    total = LayerTime(sum(t.forward for t in times), sum(t.backward or 0.0 for t in times))

    def line(
        name: str, shape: str, flops: int, step_flops: int, time: LayerTime, exact: LayerTime
    ) -> tuple[str, ...]:
        share = f"{100 * time.both / total.both:.1f}" if total.both else NOTHING
        rate = _rate(batch_size * step_flops, exact.both) if time.both else NOTHING
        passes = unit.shown(time.forward), unit.shown(time.backward)
        return name, shape, f"{flops:,}", *passes, share, rate

    passes = f"forward {unit.name}", f"backward {unit.name}"
    lines: list[tuple[str, ...]] = [("layer", "shape", "FLOPs", *passes, "share %", "GFLOP/s")]
    for row, time, exact in zip(rows, times, timing.layers, strict=True):
        lines.append(line(row.name, str(row.shape), row.flops, row.step_flops, time, exact))
    flops, step_flops = sum(row.flops for row in rows), sum(row.step_flops for row in rows)
    lines.append(line("total", "", flops, step_flops, total, total))
    beneath = (
        f"A batch of {batch_size:,} on {cut(timing.device, LONGEST)}. Forward and backward as one "
        f"program: {unit.shown(timing.step)} {unit.name}"
    )
    if step_flops:
        beneath += f", {_rate(batch_size * step_flops, timing.step)} GFLOP/s"
    return [*table(lines, formulas=False), printable(beneath)]


class _Unit(NamedTuple):
    """The format of the times of a table: the same for all, with five digits for their sum."""

    name: str
    per_second: float
    decimals: int

    @classmethod
    def of(cls, total: float) -> "_Unit":
        name, per_second = ("µs", 1e6) if total < 0.01 else ("ms", 1e3)
        before = math.floor(math.log10(max(total * per_second, 1.0)))
        return cls(name, per_second, max(4 - before, 0))

    def rounded(self, time: LayerTime) -> LayerTime:
        """Return a time as it is shown."""

        def of(seconds: float) -> float:
            return round(seconds * self.per_second, self.decimals) / self.per_second

        return LayerTime(of(time.forward), None if time.backward is None else of(time.backward))

    def shown(self, seconds: float | None) -> str:
        return NOTHING if seconds is None else f"{seconds * self.per_second:,.{self.decimals}f}"


def _rate(flops: int, seconds: float) -> str:
    """Write a rate in GFLOP/s, with at least three digits from 1 on."""
    if not flops or not seconds:
        return NOTHING
    rate = flops / seconds / 1e9
    return f"{rate:,.{max(2 - math.floor(math.log10(max(rate, 1.0))), 0)}f}"
