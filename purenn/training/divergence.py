"""A run that is no longer finite: which step it was, and which layer."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from purenn.backprop.chain import chain
from purenn.backprop.explain import explain
from purenn.core.adapt import as_layer
from purenn.training.moment import Moment
from purenn.training.programs import Recipe
from purenn.training.sources import Chunk
from purenn.training.train_step import TrainState

CURES = (
    "A smaller learning rate, scaled inputs (rescale) or a logits loss are the usual cures; a "
    "label out of range makes it nan too"
)


def divergence(recipe: Recipe, moment: Moment, chunk: Chunk, *, locate: bool) -> FloatingPointError:
    """The error that stops a run after a chunk with a loss or a state that is not finite.

    A compiled chunk says only that something went wrong in it: its steps are done again one by one
    from the state before, which has the same bits each time.
    """
    before, i = chunk.before, 0
    for i in range(chunk.losses.size):
        after, loss, sound = chunk.step(before, i)
        if not np.isfinite(loss) or not sound:
            break
        before = after
    where = f"at epoch {moment.epoch + 1}, step {moment.steps + i + 1}"
    if not np.isfinite(loss):
        text = f"fit: the loss is {np.asarray(loss)} {where}; training stopped"
    else:
        text = f"fit: {_first_bad(after)} after the update {where}, whose loss was {loss:.4g}"
    if locate:
        text += f"; {_origin(recipe, before, *chunk.batch(i))}"
    return FloatingPointError(f"{text}. {CURES}")


def _first_bad(tree: Any, name: str = "") -> str | None:
    """The first leaf that is not finite, and what it holds."""
    for path, leaf in jax.tree_util.tree_flatten_with_path(tree)[0]:
        if jnp.issubdtype(leaf.dtype, jnp.floating):
            values = np.asarray(leaf, np.float64)
            bad = np.argwhere(~np.isfinite(values))
            if len(bad):
                place = tuple(int(n) for n in bad[0])
                text = f"{name}{jax.tree_util.keystr(path)}".removeprefix(".")
                at = f"[{', '.join(map(str, place))}]" if place else ""
                return f"{text}{at} is {values[place]}"
    return None


def _origin(recipe: Recipe, train_state: TrainState, x: Any, targets: Any) -> str:
    """The first value of the step that is not finite, in the order of the computation."""
    params, state, _, key, t = train_state
    if found := _first_bad(x, "x"):
        return f"it began in the batch: {found}"
    # Compiled: run eagerly, a loss would refuse what is no probability.
    explained = jax.jit(partial(explain, recipe.model, recipe.loss, penalty=recipe.penalty))
    values = explained(params, state, x, targets, key=jax.random.fold_in(key, t))
    model = as_layer("fit", "model", recipe.model)
    names = [f"layer {i}, {link.layer.name}" for i, link in enumerate(chain(model, params, state))]
    for name, layer in zip(names, values, strict=True):
        if found := _first_bad(layer.y, "y"):
            return f"it began in the forward pass of {name}: {found}"
    if not np.isfinite(values.value):
        return f"it began in the loss: the outputs are finite, the loss is {values.value}"
    if found := _first_bad(values[-1].dy, "dy"):
        return f"it began in the backward pass of the loss: {found}"
    for name, layer in reversed(list(zip(names, values, strict=True))):
        if found := _first_bad(layer.dparams, "dparams") or _first_bad(layer.dx, "dx"):
            return f"it began in the backward pass of {name}: {found}"
    return "loss and gradient of the step are finite, so it began in the optimizer's update"
