"""A `fit` in progress, moment by moment."""

import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass

import numpy as np
from jax import Array

from purenn.distributed.mesh import Layout
from purenn.training.batches import Source
from purenn.training.compiled import Recipe, programs
from purenn.training.divergence import divergence
from purenn.training.evaluate import scores as evaluate
from purenn.training.interruptions import Interruptions
from purenn.training.moment import Moment
from purenn.training.progress import Bar
from purenn.training.traced import concrete


@dataclass(frozen=True)
class Run:
    """What a run does; where it is, is a `Moment`."""

    recipe: Recipe
    layout: Layout | None
    source: Source
    epochs: int  # how many it does, with those before it was stopped
    validation: tuple[Array, Array] | None
    interruptions: Interruptions
    locate: bool

    def moments(self, moment: Moment, *, progress: bool) -> Generator[Moment]:
        """From one moment on, to the next look at the run, and the next, to its end.

        Raises:
            FloatingPointError: it is no longer finite.
        """
        steps, last = self.source.steps, moment.first + self.epochs
        done = moment.epoch * steps + moment.steps if steps else int(moment.train_state.step)
        with Bar(last * steps if steps else None, done, enabled=progress) as bar:
            while moment.epoch < last:
                bar.begin(moment.epoch + 1, last)
                for reached in self._epoch(moment, bar):
                    moment = reached
                    yield moment
                scores: tuple[float | None, float | None] = (None, None)
                if self.validation is not None:
                    model, loss, *_ = self.recipe
                    learned = moment.train_state.params, moment.train_state.state
                    mesh = None if self.layout is None else self.layout.spread.mesh
                    between = self.interruptions.stop
                    with self.interruptions.at_once():
                        scores = evaluate(
                            model, loss, *learned, *self.validation, mesh=mesh, between=between
                        )
                moment = moment.end_of_epoch(*scores)
                bar.end(moment.history[-1])
                yield moment

    def _epoch(self, moment: Moment, bar: Bar) -> Iterator[Moment]:
        start = time.perf_counter()
        compiled = programs(self.recipe, self.layout)
        for chunk in self.source.epoch(compiled, moment.train_state, moment.epoch, moment.steps):
            if not (chunk.sound and np.isfinite(chunk.losses).all()):
                raise divergence(self.recipe, moment, chunk, locate=self.locate)
            now, after = time.perf_counter(), concrete(chunk.after)
            moment = moment.after(after, chunk.losses, now - start)
            bar.advance(chunk.losses.size, moment.total / moment.steps)
            yield moment
            start = time.perf_counter()
        if moment.steps == 0:
            raise ValueError(f"fit: data gave no batch in epoch {moment.epoch + 1}")
