"""A run that is no longer finite: which step it was, and which layer."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from purenn.core.adapt import as_layer, as_op
from purenn.distributed.processes import on_host
from purenn.inspect.chain import chain
from purenn.inspect.explain import explain
from purenn.training.batches import Chunk
from purenn.training.compiled import Recipe
from purenn.training.examples import bad_label, bad_number, classes_of
from purenn.training.moment import Moment
from purenn.training.train_step import TrainState

CURES = (
    "A smaller learning rate, scaled inputs (rescale) or a logits loss are the usual cures; a "
    "label out of range makes it nan too"
)
LOCATE = "; locate=True says in which layer it begins"


def divergence(recipe: Recipe, moment: Moment, chunk: Chunk, *, locate: bool) -> FloatingPointError:
    """The error that stops a run after a chunk with a loss or a state that is not finite.

    A compiled chunk says only that something went wrong in it: its steps are done again one by one
    from the state before, which gives the same bits each time.
    """
    before, after, loss, i = chunk.before, chunk.after, chunk.losses[-1], chunk.losses.size - 1
    if chunk.again is not None:
        for i in range(chunk.losses.size):
            after, loss = chunk.again(before, i)
            if not np.isfinite(loss) or _first_bad(after, before=before):
                break
            before = after
    found = _first_bad(after, before=before)
    where = f"at epoch {moment.epoch + 1}, step {moment.steps + i + 1}"
    if not np.isfinite(loss):
        text = f"fit: the loss is {np.asarray(loss)} {where}; training stopped"
    elif chunk.batch is None:  # it was looked at after several steps, whose batches are gone
        text = f"fit: {found} {where}, or has been since a few steps before"
    else:
        text = f"fit: {found} after the update {where}, whose loss was {loss:.4g}"
    if chunk.batch is None:
        return FloatingPointError(f"{text}. {CURES}")
    x, targets = chunk.batch(i)
    rows = None if chunk.rows is None else chunk.rows(i)
    if found := _in_batch(recipe, before, x, targets, rows):
        return FloatingPointError(f"{text}; it began in the batch: {found}")
    if locate:
        return FloatingPointError(f"{text}; {_origin(recipe, before, x, targets)}. {CURES}")
    return FloatingPointError(f"{text}. {CURES}{LOCATE}")


def _in_batch(recipe: Recipe, train_state: TrainState, x: Any, targets: Any, rows: Any) -> str:
    """Say what is wrong with a batch, whatever the model and the learning rate are."""
    model, loss = as_layer("fit", "model", recipe.model), as_op("fit", "loss", recipe.loss)
    if found := bad_number("x", x) or bad_number("targets", targets):
        row, text = found
        return text if rows is None else f"{text}, which is example {rows[row]} of the data"
    if loss.of_fractions and (found := bad_number("targets", targets, fractions=True)):
        return f"{found[1]}, expected numbers in 0 … 1"
    classes = classes_of(model, train_state.params, train_state.state, x)
    return bad_label("targets", targets, classes) if loss.of_classes and classes else ""


def _first_bad(tree: Any, name: str = "", before: Any = None) -> str | None:
    """The first leaf that is not finite, where it was before, and what it holds."""
    old = tree if before is None else before
    for (path, leaf), was in zip(
        jax.tree_util.tree_flatten_with_path(tree)[0], jax.tree.leaves(old), strict=True
    ):
        if jnp.issubdtype(leaf.dtype, jnp.floating):
            values = on_host(leaf).astype(np.float64)
            bad = ~np.isfinite(values)
            if before is not None:
                bad &= np.isfinite(on_host(was).astype(np.float64))
            if bad.any():
                place = tuple(int(n) for n in np.argwhere(bad)[0])
                text = f"{name}{jax.tree_util.keystr(path)}".removeprefix(".")
                at = f"[{', '.join(map(str, place))}]" if place else ""
                return f"{text}{at} is {values[place]}"
    return None


def _origin(recipe: Recipe, train_state: TrainState, x: Any, targets: Any) -> str:
    """The first value of the step that is not finite, in the order of the computation."""
    params, state, _, key, t = train_state
    model = as_layer("fit", "model", recipe.model)

    # Compiled: run eagerly, a loss would refuse what is no probability.
    @jax.jit
    def everything(params: Any, state: Any, x: Any, targets: Any, key: Any) -> Any:
        explanation = explain(
            model, recipe.loss, params, state, x, targets, penalty=recipe.penalty, key=key
        )
        return explanation, model.forward(params, state, x, train=True, key=key)[1]

    values, after = everything(params, state, x, targets, jax.random.fold_in(key, t))
    names = [f"layer {i}, {link.layer.name}" for i, link in enumerate(chain(model, params, state))]
    layers = list(zip(names, values, strict=True))
    for name, layer in layers:
        if found := _first_bad(layer.y, "y"):
            return f"it began in the forward pass of {name}: {found}"
    if found := _first_bad(values.end.penalty, "its value"):
        return f"it began in the penalty: {found}"
    if not np.isfinite(values.value):
        return f"it began in the loss: the outputs are finite, the loss is {values.value}"
    if found := _first_bad(values.end.penalty_grads, "its derivative"):
        return f"it began in the penalty: {found}"
    if found := _first_bad(values[-1].dy, "dy"):
        return f"it began in the backward pass of the loss: {found}"
    for name, layer in reversed(layers):
        if found := _first_bad(layer.dparams, "dparams") or _first_bad(layer.dx, "dx"):
            return f"it began in the backward pass of {name}: {found}"
    if found := _first_bad(after, "state", before=state):
        return f"it began in the state that the forward pass leaves: {found}"
    return "loss and gradient of the step are finite, so it began in the optimizer's update"
