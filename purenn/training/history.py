"""`History`: the epochs of a run, shown as a table in a notebook and drawn by `plot`."""

from typing import Any

from purenn.core import html
from purenn.training.position import EpochRecord


class History(list[EpochRecord]):
    """A list with one `EpochRecord` per epoch, which `fit` returns next to the trained state.

    `history[-1].loss` is the loss of the last epoch, and `[r.loss for r in history]` the curve. A
    notebook shows the history as a table, and `plot` draws it.
    """

    def _repr_html_(self) -> str:
        """Return the table that a notebook shows, without columns that have no values."""
        fields = [
            field
            for field in EpochRecord._fields
            if not self or any(getattr(record, field) is not None for record in self)
        ]
        rows = [[_cell(field, getattr(record, field)) for field in fields] for record in self]
        head = [field.replace("_", " ") for field in fields]
        return html.table(head, rows, numbers=range(len(fields)))

    def plot(self) -> tuple[Any, ...]:
        """Draw the loss of each epoch and, next to it, the accuracy, if there is one.

        A notebook shows the figure. In a script, call `matplotlib.pyplot.show()`.

        Returns:
            A tuple with the Matplotlib axes of each panel, which you can change or save:
            `axes[0].set_title(…)`, `axes[0].figure.savefig(…)`.

        Raises:
            ValueError: if the history has no epochs.
            ImportError: if Matplotlib is not installed.

        Examples:
            >>> import jax
            >>> import jax.numpy as jnp
            >>> import purenn as pn
            >>> x = jnp.linspace(-1, 1, 8)[:, None]
            >>> _, history = pn.fit(
            ...     pn.dense(1), pn.mse, pn.sgd(0.5), (x, 2 * x),
            ...     epochs=3, batch_size=4, key=jax.random.key(0), progress=False,
            ... )
            >>> axes = history.plot()
            >>> axes[0].get_ylabel()
            'loss'
        """
        if not self:
            raise ValueError("plot: expected at least one epoch, got none")
        try:
            import matplotlib.pyplot as plt
            from matplotlib.ticker import MaxNLocator
        except ImportError as error:
            hint = "run pip install -e '.[plots]' in purenn's folder"
            raise ImportError(f"plot needs Matplotlib: {hint}") from error
        accuracy = _curve(self, "validation_accuracy")
        width = 9 if accuracy else 5
        _, panels = plt.subplots(
            1, 1 + bool(accuracy), squeeze=False, figsize=(width, 3.2), layout="constrained"
        )
        panels = panels[0]
        for name, label in (("loss", "training"), ("validation_loss", "validation")):
            if curve := _curve(self, name):
                panels[0].plot(*curve, marker=".", label=label)
        panels[0].set_ylabel("loss")
        if accuracy:
            panels[1].plot(*accuracy, marker=".", color="C1", label="validation")
            panels[1].set_ylabel("accuracy")
        for panel in panels:
            panel.set_xlabel("epoch")
            panel.xaxis.set_major_locator(MaxNLocator(integer=True))
            panel.grid(alpha=0.3)
            panel.legend()
        return tuple(panels)


def _curve(history: History, field: str) -> tuple[list[int], list[float]] | tuple[()]:
    """Return the epochs that have a value, and the values; nothing if none has."""
    known = [(r.epoch, getattr(r, field)) for r in history if getattr(r, field) is not None]
    return ([epoch for epoch, _ in known], [value for _, value in known]) if known else ()


def _cell(field: str, value: float | None) -> str:
    if value is None:
        return ""
    if field == "epoch":
        return str(value)
    if field == "seconds":
        return f"{value:.1f}"
    return f"{value:.2%}" if field == "validation_accuracy" else f"{value:.4g}"
