"""The fingerprint of a run, which must not change if a resumed run continues it bit for bit."""

import hashlib
import json
import os
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

import jax
from jax import Array
from jax.sharding import Mesh

from purenn.core.adapt import as_layer, as_op
from purenn.core.keys import default_prng, is_key
from purenn.core.layer import Layer
from purenn.core.padded import array_of
from purenn.core.target_parts import parts_of, without_padding
from purenn.distributed.processes import to_host
from purenn.optimizers.describe import described, origin
from purenn.training.batches import Arrays, Batches
from purenn.training.changes import ARROW, DIGEST
from purenn.training.compiled import Spec
from purenn.training.digests import Merged, digest_of, digest_of_data
from purenn.training.shuffle import epoch_order
from purenn.training.train_step import TrainState, train_step


def fingerprint(
    spec: Spec,
    start: TrainState,
    source: Arrays | Batches,
    *,
    first_epoch: int,
    validation: tuple[Any, Any] | None,
    key: Any,
    mesh: Mesh | None = None,
    merged: Merged | None = None,
) -> dict[str, str]:
    """Describe a run by names, and by digests of everything that names do not show.

    The digest of one program covers everything that is compiled: every number and array in a model,
    a loss, an optimizer, or a schedule. The number of devices is not part of it.

    Args:
        spec: the model, loss, optimizer, penalty, and tail.
        start: the state before the first step.
        source: the data. A function of the epoch is represented by its first batch.
        first_epoch: the epoch with which the data begin.
        validation: x and targets, or None.
        key: the key of the run, or None if it started from a state.
        mesh: the devices, if there are several.
        merged: if several processes share the data, a function that assembles a table of which each
            process has some rows.

    Returns:
        A description, by name, of each property that must not change; see `changes`.
    """
    model, loss = as_layer("fit", "model", spec.model), as_op("fit", "loss", spec.loss)
    penalty = "none"
    if spec.penalty is not None:
        penalty = as_op("fit", "penalty", spec.penalty).name
    evaluated = "none" if validation is None else digest_of(x=validation[0], targets=validation[1])
    return {
        "jax": f"{jax.__version__}, jaxlib {version('jaxlib')}",
        "device": _device(mesh),
        "model": ARROW.join(_layers(model)),
        "loss": loss.name,
        "penalty": penalty,
        "optimizer": described(spec.optimizer) or origin(spec.optimizer),
        "train_step": _program(spec, start, source),
        "tail": "none" if spec.tail is None else str(spec.tail),
        "batch_size": str(source.batch_size or "the function's"),
        "blocks": str(source.blocks),
        "first_epoch": str(first_epoch),
        "data": digest_of_data(source, merged),
        "validation": evaluated,
        "key": "of train_state" if key is None else _key(key),
        "initial train_state": digest_of(train_state=start),
    }


def parsed(text: str) -> dict[str, str]:
    """Read a fingerprint from the JSON in a file, which is not trusted.

    Raises:
        ValueError: if it is not a fingerprint.
    """
    try:
        found = json.loads(text)
    except RecursionError as error:
        raise ValueError("not a fingerprint") from error
    if not isinstance(found, dict) or not all(isinstance(words, str) for words in found.values()):
        raise ValueError("not a fingerprint")
    return found


def _program(spec: Spec, start: TrainState, source: Arrays | Batches) -> str:
    """Return the digest of all compiled programs: step, evaluation, and order of the examples.

    StableHLO contains every constant, including those of closures, and no address of this process.
    """
    begun = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype), start)
    # Two examples: the batch size has its own entry, and a function's batches may differ.
    x, targets = jax.tree.map(
        lambda a: jax.ShapeDtypeStruct((2, *a.shape[1:]), jax.dtypes.canonicalize_dtype(a.dtype)),
        source.example,
    )
    examples, blocks = array_of(source.example[0]).shape[0], source.blocks
    model, loss, optimizer, penalty, tail = spec
    layer, op = as_layer("fit", "model", model), as_op("fit", "loss", loss)
    step = train_step(model, loss, optimizer, penalty=penalty, tail=tail)

    def program(train_state: TrainState, x: Array, targets: Any) -> Any:
        predictions, _ = layer.apply(train_state.params, train_state.state, x)
        order: Any = ()
        if source.batch_size is not None:
            order = epoch_order(train_state.key, 0, examples, blocks, blocks)
        y, weighed = without_padding(op, predictions, targets)
        return step(train_state, x, targets), op(y, *parts_of(weighed)), order

    text = jax.jit(program).lower(begun, x, targets).as_text()
    return f"{DIGEST.strip(', ')} {hashlib.sha256(text.encode()).hexdigest()[:16]}"


def _layers(model: Layer) -> Iterator[str]:
    """Yield the names of the innermost layers, in the order in which messages number them."""
    for part in model.parts:
        yield from _layers(part)
    if not model.parts:
        yield model.name


def _key(key: Any) -> str:
    """Describe a key by its numbers; those of jax.random.key(3) end in 3."""
    typed = is_key(key)
    kind = str(jax.random.key_impl(key)) if typed else f"raw {default_prng()}"
    return f"{kind} {to_host(jax.random.key_data(key) if typed else key).tolist()}"


def _device(mesh: Mesh | None) -> str:
    """Describe the device. A CPU divides sums among its cores, which affects the last bits."""
    kind = jax.devices()[0].device_kind
    if mesh is not None and mesh.size > 1:
        kind = f"{dict(mesh.shape)} of {kind}"
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{kind}, {cores} cores" if jax.default_backend() == "cpu" else kind
