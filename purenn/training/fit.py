"""`fit`: `train` for interactive use, with a progress bar, validation, and checkpoints."""

import os
import time
from contextlib import closing
from typing import Any

import jax
from jax.sharding import Mesh

from purenn.backprop.tail import Tail
from purenn.core import checks, scalars
from purenn.core.adapt import as_layer, as_op
from purenn.core.padded import array_of
from purenn.core.types import Data, Key, LossLike, ModelLike, OptimizerLike, PenaltyLike
from purenn.distributed.mesh import data_mesh
from purenn.distributed.processes import Processes
from purenn.training.checkpoints import Checkpoints
from purenn.training.compiled import Spec
from purenn.training.evaluate import evaluate_between
from purenn.training.examples import as_examples, check_numbers, x_and_targets
from purenn.training.fingerprint import fingerprint
from purenn.training.history import History
from purenn.training.interruptions import Interruptions
from purenn.training.labels import (
    are_classes,
    check_labels,
    class_shape,
    labels_of,
    output_shape,
)
from purenn.training.position import Position
from purenn.training.progress import Bar
from purenn.training.tokens import check_tokens
from purenn.training.train import Progress, Run, check_arguments, loop, prepare, with_progress
from purenn.training.train_step import TrainState


def fit(
    model: ModelLike,
    loss: LossLike,
    optimizer: OptimizerLike,
    data: Data,
    *,
    epochs: int,
    key: Key | None,
    batch_size: int | None = None,
    penalty: PenaltyLike | None = None,
    validation: tuple[Any, Any] | None = None,
    train_state: TrainState | None = None,
    first_epoch: int | None = None,
    progress: bool = True,
    checkpoints: str | os.PathLike[str] | None = None,
    resume: bool = False,
    checkpoint_every: float = 10.0,
    locate: bool = False,
    mesh: Mesh | None = None,
    blocks: int | None = None,
    tail: Tail | None = None,
) -> tuple[TrainState, History]:
    """Train a model in a single call, with a progress bar, validation, and checkpoints.

    The steps and their order are those of `train` with the same key. If an exception ends a run
    that has started, the exception's attribute `progress` holds the last `Progress` before the
    failure.

    Args: What to train
        model: a layer.
        loss: an op or function `(predictions, targets) -> scalar`; see `value_and_grad`.
        optimizer: an optimizer of purenn or optax.
        data: `(x, targets)`, two arrays with one entry per example, or a function `epoch ->
            iterable of batches`; see `train`.
        epochs: the number of passes over the data.
        key: a PRNG key that determines the initial parameters, the shuffling, and the dropout
            masks. None is allowed only with a `train_state`, whose own key is then used.
        batch_size: the number of examples per step, required if the data are arrays. If it does not
            divide the number of examples, the incomplete last batch is dropped; every epoch is
            shuffled anew and leaves out different examples. The batches of a function may have any
            size.
        penalty: an op or function of the parameters, added to the loss.

    Args: What to watch
        validation: `(x, targets)` to evaluate after every epoch; None for no validation.
        progress: whether to show a progress bar on stderr (with tqdm, if it is installed). If
            stderr cannot be written to, for instance because the terminal was closed, the run
            continues without a bar.
        locate: whether to find the layer where a run becomes nonfinite; see `train`.

    Args: Where to continue
        checkpoints: a folder for this run only, created if it does not exist; `~` is expanded, and
            a URL such as `gs://…` is rejected. `fit` writes everything needed to resume soon after
            the start, at intervals, and when the run ends or is stopped by Ctrl-C or an error
            (unless it diverges). It keeps the two newest checkpoints. This requires the
            extra `checkpoints`. The first Ctrl-C stops the run with a checkpoint, at the end of a
            step or within half a second; a second one stops it immediately. Neither can interrupt
            XLA during compilation.
        resume: whether to continue the run in `checkpoints`, if there is one. The result equals
            that of a run that was never stopped, bit for bit on the same machine. All other
            arguments must be the same, except that `epochs` may be larger if no schedule depends on
            it. A function of the epoch must return the same batches again; those already used are
            skipped.
        checkpoint_every: the number of seconds between checkpoints, 10 by default. If writing is
            slow, the interval grows so that writing takes at most a twentieth of the time.
        train_state: a state to continue from, instead of a new one; see `train`. The history
            continues its count of epochs.
        first_epoch: the first epoch to call a function with; see `train`.

    Args: For several devices and large models
        mesh: devices to train on together; see `train`. With several processes, the first one shows
            the bar and writes the checkpoints.
        blocks: how many blocks to divide the arrays of data into; see `train`.
        tail: the last parts of the model to run in chunks of the batch; see `Tail`. Validation then
            runs `tail.rows` examples at a time, if that is fewer than 1024.

    Returns:
        `(train_state, history)`. The trained parameters are `train_state.params`, and the model's
        state is `train_state.state`. The history is a `History`, a list with one `EpochRecord` per
        epoch. A notebook shows it as a table, and `history.plot()` plots it (this requires the
        extra `plots`).

    Raises:
        TypeError: if an argument has the wrong type, or is traced, as in `jax.vmap(fit)`; use
            `training_run` there.
        FloatingPointError: if the loss is not finite, or the parameters, state, or optimizer state
            after an update are not. The message names the epoch, counted from 1, and the step.
        KeyboardInterrupt: on Ctrl-C; with `checkpoints`, the message says where the run stopped.
        ValueError: if the data do not fit the model or the loss, as with a label that is not a
            class; an array was deleted or donated; another run is writing to the folder; the folder
            holds a run, and `resume` is False; or the run to resume had a different model, data, or
            setting, and the message names each difference.

    Warns:
        RuntimeWarning: if a checkpoint could not be written, for instance because the disk is full,
            and the run continues; or if the newest one is damaged, and the run resumes from the
            previous one.

    Examples:
        >>> import jax
        >>> import jax.numpy as jnp
        >>> import purenn as pn
        >>> x = jnp.linspace(-1, 1, 8)[:, None]
        >>> trained, history = pn.fit(
        ...     pn.dense(1), pn.mse, pn.sgd(0.5),
        ...     (x, 3 * x + 1), epochs=40,
        ...     batch_size=4, progress=False,
        ...     key=jax.random.key(0),
        ... )
        >>> print(f"w {trained.params.w.item():.3f}")
        w 3.000
        >>> print(f"loss {history[-1].loss:.3f}")
        loss 0.000
    """
    spec = Spec(model, loss, optimizer, penalty, tail)
    check_arguments("fit", spec, data, train_state=train_state, key=key, validation=validation)
    for name, value in (("progress", progress), ("resume", resume), ("locate", locate)):
        checks.flag("fit", name, value)
    epochs = scalars.count("fit", "epochs", epochs)
    if resume and checkpoints is None:
        raise ValueError("fit: resume needs checkpoints, the folder to resume from")
    devices = data_mesh("fit", mesh)
    processes = Processes("fit", devices)
    kept = Checkpoints(checkpoints, checkpoint_every, processes)
    interruptions = Interruptions(enabled=checkpoints is not None, single=processes.single)

    with kept, interruptions:
        run, now = prepare(
            "fit",
            spec,
            data,
            epochs=epochs,
            key=key,
            batch_size=batch_size,
            train_state=train_state,
            first_epoch=first_epoch,
            chunk=None,
            locate=locate,
            mesh=devices,
            blocks=blocks,
            processes=processes,
            interruptions=interruptions,
        )
        if validation is not None:
            validation = checked_validation(run, now, validation, processes)
        position = Position(now.epoch)
        if checkpoints is not None:
            described = fingerprint(
                spec,
                now.train_state,
                run.source,
                first_epoch=run.first_epoch - 1,
                validation=validation,
                key=key if train_state is None else None,
                mesh=mesh,
                merged=processes.merged,
            )
            now, position = kept.resumed(run, now, described, resume=resume)
        if position.epoch > run.last_epoch + 1:
            done = len(position.history)
            raise ValueError(
                f"fit: epochs is {epochs}, but the run in {checkpoints} has done {done}"
            )
        begun = position
        try:
            interruptions.raise_if_asked()
            shows = progress and processes.is_first
            with bar_of(run, now, enabled=shows) as bar, closing(loop(run, now)) as chunks:
                bar.begin(now.epoch, run.last_epoch)
                started = time.perf_counter()
                for now in chunks:
                    position = position.after(now.losses, time.perf_counter() - started)
                    bar.advance(now.losses.size, position.loss)
                    if now.epoch_done:
                        scores = validate(run, now, validation, interruptions)
                        position = position.next_epoch(*scores)
                        bar.end(position.history[-1])
                        bar.begin(min(now.epoch + 1, run.last_epoch), run.last_epoch)
                    asked, due = processes.largest(interruptions.asked, kept.due())
                    if due:
                        kept.write(now.train_state, position)
                    if asked:
                        raise KeyboardInterrupt
                    started = time.perf_counter()
            kept.write(now.train_state, position)
            interruptions.raise_if_asked()
        except FloatingPointError as error:  # the last checkpoint is from before the divergence
            raise with_progress(FloatingPointError(f"{error}{kept.last}"), now) from None
        except BaseException as error:
            gathers = processes.single or run.sharding is None or not run.sharding.is_sharded
            failed_at_once = position is begun and isinstance(error, Exception)
            if interruptions.asked < 2 and gathers and not failed_at_once:
                kept.write(now.train_state, position)
            if isinstance(error, KeyboardInterrupt) and kept.last:
                error = KeyboardInterrupt(f"fit: stopped{kept.last}")
            elif isinstance(error, jax.errors.JaxRuntimeError) and not processes.single:
                text = f"fit: perhaps another process has ended{kept.last}; {error}"
                error = jax.errors.JaxRuntimeError(text)
            raise with_progress(error, now) from None
    train_state = now.train_state
    if run.sharding is not None:
        train_state = run.sharding.mesh.on_given_mesh(train_state)
    return train_state, History(position.history)


def checked_validation(
    run: Run, start: Progress, validation: Any, processes: Processes
) -> tuple[Any, Any]:
    """Check the validation data before anything is trained."""
    x, targets = x_and_targets("fit", "validation", validation)
    x, targets = as_examples("fit", x, targets, "validation's ", on_host=True)
    shape, expected = (array_of(a).shape[1:] for a in (x, run.source.example[0]))
    if shape != expected:
        raise ValueError(
            f"fit: validation's x holds examples of shape {shape}, data's {expected}; expected "
            f"the same"
        )
    layer, op = as_layer("fit", "model", run.spec.model), as_op("fit", "loss", run.spec.loss)
    learned = start.train_state.params, start.train_state.state
    of_model = layer, op, *learned
    check_tokens("fit", layer, x, "validation's x")
    y = output_shape(layer, *learned, x)
    if op.of_classes or are_classes(labels_of(op, targets, y=y), class_shape(y)):
        check_labels("fit", *of_model, x, targets, "validation's targets")
    if processes.single:
        check_numbers("fit", *of_model, x, targets, "validation's ", finite=run.locate)
    return x, targets


def validate(
    run: Run, now: Progress, validation: Any, interruptions: Interruptions
) -> tuple[float | None, float | None]:
    """Return the loss and the accuracy on the validation data; Ctrl-C can interrupt them."""
    if validation is None:
        return None, None
    model, loss, *_ = run.spec
    learned = now.train_state.params, now.train_state.state
    mesh = None if run.sharding is None else run.sharding.mesh.mesh
    size = 1024 if run.spec.tail is None else min(run.spec.tail.rows, 1024)
    between = interruptions.raise_if_asked
    with interruptions.immediate():
        return evaluate_between(
            between, model, loss, *learned, *validation, batch_size=size, mesh=mesh
        )


def bar_of(run: Run, now: Progress, *, enabled: bool) -> Bar:
    """Create the progress bar of a run whose progress is `now`."""
    steps = run.source.steps
    done = (now.epoch - 1) * steps + now.step if steps else int(now.train_state.step)
    return Bar(run.last_epoch * steps if steps else None, done, enabled=enabled)
