"""The origin of a nonfinite run: the step, the example, and the layer."""

from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from purenn.core.adapt import as_layer, as_op
from purenn.core.padded import Padded, array_of
from purenn.core.target_parts import names_of, parts_of, weights_of
from purenn.distributed.processes import to_host
from purenn.inspect.chain import chain
from purenn.inspect.explain import explain
from purenn.training.batches import Step
from purenn.training.compiled import Spec
from purenn.training.examples import bad_number, none_counts
from purenn.training.labels import bad_label, class_shape, labels_of, output_shape
from purenn.training.tokens import wrong_token
from purenn.training.train_step import TrainState

CURES = (
    "A smaller learning rate usually helps, as do scaled inputs (see rescale) and a loss that "
    "takes logits. A label that is not a class also gives nan"
)
LOCATE = ". To find the layer where it started, pass locate=True"


def divergence(
    where: str,
    spec: Spec,
    before: Any,
    losses: NDArray[Any],
    after: TrainState,
    replay: Callable[[TrainState], Iterator[Step]] | None,
    locate: bool,
) -> FloatingPointError:
    """Return the error that stops a run after a chunk with a nonfinite loss or state.

    A compiled chunk shows only that one of its steps failed. So its steps are replayed one by one
    from the state before it, which gives the same bits each time.

    Args:
        where: the public function, for messages.
        spec: the model, the loss, the optimizer, and the penalty.
        before: the `Progress` before the chunk.
        losses: the losses of the chunk.
        after: the state after it.
        replay: see `Chunk`.
        locate: whether to find the layer.
    """
    if replay is None:  # the state was checked after several steps, whose batches are gone
        found = _first_nonfinite(after, before=before.train_state)
        return FloatingPointError(
            f"{where}: {found} at epoch {before.epoch}, step "
            f"{before.step + losses.size}, perhaps since a few steps earlier. {CURES}"
        )
    number = before.step
    for step in replay(before.train_state):
        number += 1
        found = _first_nonfinite(step.after, before=step.before)
        if found or not np.isfinite(step.loss):
            break
    at = f"at epoch {before.epoch}, step {number}"
    if np.isfinite(step.loss):
        text = f"{where}: {found} after the update {at}, whose loss was {step.loss:.4g}"
    else:
        text = f"{where}: the loss is {np.asarray(step.loss)} {at}; training stopped"
    if found := _in_batch(spec, step):
        return FloatingPointError(f"{text}; it began in the batch: {found}")
    if locate:
        return FloatingPointError(f"{text}; {_origin(spec, step)}. {CURES}")
    return FloatingPointError(f"{text}. {CURES}{LOCATE}")


def _in_batch(spec: Spec, step: Step) -> str:
    """Describe errors in a batch that do not depend on the model or the learning rate."""
    model, loss = as_layer("fit", "model", spec.model), as_op("fit", "loss", spec.loss)
    x, targets, rows = array_of(step.x), step.targets, step.rows
    y = output_shape(model, step.before.params, step.before.state, step.x)
    weights, given = weights_of(loss, targets, y), weights_of(loss, targets)
    named = list(zip(names_of(targets), parts_of(targets), strict=True))
    of_x, valid = ("x.x", step.x.valid) if isinstance(step.x, Padded) else ("x", None)
    counted = [(of_x, x, valid), *((*part, weights) for part in named)]
    bad = [bad_number(name, values, weights=counts) for name, values, counts in counted]
    for row, text in filter(None, bad):
        return text if rows is None else f"{text}, which is example {rows[row]} of the data"
    if loss.of_fractions and (found := bad_number(*named[0], "fraction", weights)):
        return f"{found[1]}, expected numbers in 0 … 1"
    if given is not None and (found := bad_number(*named[1], "weight")):
        return f"{found[1]}, expected finite weights of at least 0"
    if weights is not None and not np.any(to_host(weights)):
        return none_counts(given, y)
    if found_token := wrong_token(model, step.x):
        return found_token
    labels, shape = labels_of(loss, targets, y=y), class_shape(y)
    return bad_label(labels, shape) if loss.of_classes and labels and shape else ""


def _first_nonfinite(tree: Any, name: str = "", before: Any = None) -> str | None:
    """Name the first number that is not finite, unless it was not finite before."""
    old = tree if before is None else before
    for (path, leaf), was in zip(
        jax.tree_util.tree_flatten_with_path(tree)[0], jax.tree.leaves(old), strict=True
    ):
        if jnp.issubdtype(leaf.dtype, jnp.floating):
            values = to_host(leaf).astype(np.float64)
            bad = ~np.isfinite(values)
            if before is not None:
                bad &= np.isfinite(to_host(was).astype(np.float64))
            if bad.any():
                place = tuple(int(n) for n in np.argwhere(bad)[0])
                text = f"{name}{jax.tree_util.keystr(path)}".removeprefix(".")
                at = f"[{', '.join(map(str, place))}]" if place else ""
                return f"{text}{at} is {values[place]}"
    return None


def _origin(spec: Spec, step: Step) -> str:
    """Name the first nonfinite value of a step, in the order of the computation."""
    params, state, _, key, t = step.before
    model = as_layer("fit", "model", spec.model)

    # Compiled: run eagerly, a loss would reject what is not a probability.
    @jax.jit
    def everything(params: Any, state: Any, x: Any, targets: Any, key: Any) -> Any:
        explanation = explain(
            model, spec.loss, params, state, x, targets, penalty=spec.penalty, key=key
        )
        return explanation, model.forward(params, state, x, train=True, key=key)[1]

    values, after = everything(params, state, step.x, step.targets, jax.random.fold_in(key, t))
    names = [f"layer {i}, {link.layer.name}" for i, link in enumerate(chain(model, params, state))]
    layers = list(zip(names, values, strict=True))
    for name, layer in layers:
        if found := _first_nonfinite(layer.y, "y"):
            return f"it began in the forward pass of {name}: {found}"
    if found := _first_nonfinite(values.end.penalty, "its value"):
        return f"it began in the penalty: {found}"
    if not np.isfinite(values.value):
        return f"it began in the loss: the outputs are finite, the loss is {values.value}"
    if found := _first_nonfinite(values.end.penalty_grads, "its derivative"):
        return f"it began in the penalty: {found}"
    if found := _first_nonfinite(values[-1].dy, "dy"):
        return f"it began in the backward pass of the loss: {found}"
    for name, layer in reversed(layers):
        if found := _first_nonfinite(layer.dparams, "dparams") or _first_nonfinite(layer.dx, "dx"):
            return f"it began in the backward pass of {name}: {found}"
    if found := _first_nonfinite(after, "state", before=state):
        return f"it began in the state that the forward pass leaves: {found}"
    return "loss and gradient of the step are finite, so it began in the optimizer's update"
