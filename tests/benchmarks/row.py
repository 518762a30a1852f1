"""What a row is: a race, who takes part in it, and what purenn must reach."""

from typing import NamedTuple

from tasks import WARM_UP, Task

OURS = "purenn"
EPOCHS = 4  # of one `fit`, as a run has several: its checks are made once a run
FUNCTIONS = {  # of each JAX peer's usual loop, where the row is about images
    "Flax Linen": ("flax_linen", "usual"),
    "Flax NNX": ("flax_nnx", "usual"),
    "Flax NNX, functional": ("flax_nnx", "usual_functional"),
    "Equinox": ("equinox", "usual"),
    "Haiku": ("haiku", "usual"),
    "stax": ("stax", "usual"),
}
PYTORCH = ("PyTorch eager", "PyTorch compiled")


class Contestant(NamedTuple):
    """Who takes part: a function `task -> work` of a module of `contestants`.

    Attributes:
        steps: of one piece of work, if another number than the others do.
        times: how often its work must be done to do what the row asks for.
    """

    name: str
    module: str
    function: str
    steps: int | None = None
    times: int = 1

    def of(self, task: Task) -> Task:
        """Its own share of the row's task."""
        return task if self.steps is None else task._replace(steps=self.steps)


class Goal(NamedTuple):
    """A ratio to reach.

    Attributes:
        against: whose best is compared with.
        must: what must be reached, and
        aim: what is aimed at.
        share: false for `theirs / ours`, where higher is better; true for `ours / theirs`, where
            lower is.
        quantity: what is compared, "seconds" or "temporaries".
        ours: which of purenn's contestants.
        avx2: `must` and `aim` where vectors are narrower than AVX-512's, if they differ.
    """

    name: str
    against: tuple[str, ...]
    must: float
    aim: float | None
    share: bool = False
    quantity: str = "seconds"
    ours: str = OURS
    avx2: tuple[float, float] | None = None

    def on(self, vectors: str) -> "Goal":
        """Return the goal of a processor with these vectors."""
        if self.avx2 is None or vectors == "AVX-512":
            return self
        must, aim = self.avx2
        return self._replace(must=must, aim=aim)


class Row(NamedTuple):
    """A race.

    Attributes:
        unit: what the times are of, "epoch", "step", "call" …
        trains: whether losses and GFLOP/s can be told.
        rounds: how many at most, where a piece of work is so long that its contestants warm up as
            they are built.
    """

    name: str
    title: str
    unit: str
    task: Task
    contestants: tuple[Contestant, ...]
    goals: tuple[Goal, ...] = ()
    trains: bool = False
    rounds: int | None = None

    @property
    def warm_up(self) -> int:
        """Pieces of work before the rounds that count."""
        if self.rounds:
            return 0
        return WARM_UP if self.trains else 1


def peers(
    *,
    scan_steps: int | None = None,
    times: int = 1,
    functions: dict[str, tuple[str, str]] = FUNCTIONS,
    pytorch: str = "pytorch",
) -> tuple[Contestant, ...]:
    """Every JAX framework in its usual loop and in a scan, and PyTorch."""
    usual = [Contestant(name, *function, times=times) for name, function in functions.items()]
    return (
        *usual,
        *(
            Contestant(f"{c.name}, scan", c.module, "scan", scan_steps, times)
            for c in usual
            if c.function == "usual"
        ),
        *(Contestant(f"PyTorch {f}", pytorch, f, times=times) for f in ("eager", "compiled")),
    )


def scans(functions: dict[str, tuple[str, str]]) -> tuple[str, ...]:
    """The names of the JAX frameworks in a scan."""
    return tuple(f"{name}, scan" for name, (_, loop) in functions.items() if loop == "usual")
