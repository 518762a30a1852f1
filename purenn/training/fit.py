"""`fit`: a training run for a person: progress, validation, checkpoints and clear stops."""

import os
from contextlib import closing
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.sharding import Mesh

from purenn.core import checks, scalars
from purenn.core.adapt import as_layer, as_op
from purenn.core.deleted import refuse_deleted
from purenn.distributed.mesh import begin, handed_back, layout_of, placed, spread_of
from purenn.distributed.processes import Team
from purenn.training.batches import Arrays, Batches, pair, source_of
from purenn.training.checkpoints import Checkpoints
from purenn.training.compiled import Recipe, programs, strong
from purenn.training.evaluate import are_classes
from purenn.training.examples import as_examples, check_labels, check_numbers, classes_of
from purenn.training.fingerprint import fingerprint
from purenn.training.interruptions import Interruptions
from purenn.training.moment import Moment
from purenn.training.progress import EpochRecord
from purenn.training.run import Run
from purenn.training.traced import concrete, refuse_traced
from purenn.training.train_step import TrainState, check_optimizer, check_train_state


def fit(
    model: Any,
    loss: Any,
    optimizer: Any,
    data: Any,
    *,
    epochs: int,
    key: Array,
    batch_size: int | None = None,
    penalty: Any = None,
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
) -> tuple[TrainState, list[EpochRecord]]:
    """Train, and show how it goes.

    With arrays, steps run on the device many at a time, over data that stays there; the steps, and
    their order, are those of `training_run` with the same key.

    Args:
        model: a layer.
        loss: an op or function `(predictions, targets) -> scalar`.
        optimizer: purenn's or optax's.
        data: `(x, targets)`, or a function `epoch -> iterable of batches (x, targets)`, which is
            asked for the epochs from 0 on.
        epochs: how many passes over the data.
        key: decides the initial parameters, the shuffles and the dropout.
        batch_size: examples a step, needed with arrays; an incomplete last batch is dropped. A
            function's batches are as large as they come.
        penalty: an op or function of the parameters, added to the loss.
        validation: `(x, targets)` to evaluate after every epoch.
        train_state: where to go on from, instead of a new one; it is copied, not consumed, and its
            own key is used. Arrays go on with the epoch that its step says, and the history counts
            on from there.
        first_epoch: the epoch that a function of the epoch is asked for first, by default 0. Where
            `train_state` has seen some epochs of it already, say how many: a function's steps are
            not known before they come, so the state's step cannot tell. The history counts on.
        progress: whether to show a bar (with tqdm, if it is installed) on stderr. Where that can't
            be written to, such as after the terminal was closed, the run goes on without.
        checkpoints: a folder of this run's own, made if it is not there; `~` is expanded, and a URL
            such as `gs://…` refused. What it takes to go on is written there soon after the
            beginning, every so often, and when the run ends or is stopped by Ctrl-C or an error
            (but not if it diverges); the last two are kept. It needs `purenn[checkpoints]`. The
            first Ctrl-C then stops the run with a checkpoint, at the end of a step or within half a
            second, the second at once; neither can stop XLA compiling.
        resume: whether to go on with the run in `checkpoints`, if there is one; the result is that
            of a run that was never stopped, bit for bit on the same machine. Everything else must
            be as it was, but for `epochs`, of which there may be more, unless a schedule counts on
            them. A function of the epoch must give the same batches again; those that were used
            are passed over.
        checkpoint_every: seconds between two checkpoints; more where writing takes long, so that
            no more than a twentieth of the time goes into it.
        locate: whether to look for NaN and infinity in arrays of data before the run, and, when the
            run is no longer finite, for the layer where that began; it takes one more step, with
            `explain`.
        mesh: devices to train on together, as `jax.make_mesh` makes it. Each batch is spread over
            the axis named "data", or the only one; parameters are whole on each device, or lie as
            an initializer of `initializers.sharded` put them. Of several processes each calls `fit`
            with the same arguments; the first one shows the bar and writes the checkpoints.
        blocks: data in arrays lie in so many blocks, a multiple of the devices, and each batch
            takes an equal share of every block, shuffled within it. So no step moves data between
            devices, and the order depends on the number of blocks, not on that of the devices. By
            default 1, and with a mesh 8, or the next multiple of its devices.

    Returns:
        `(train_state, history)`, with one `EpochRecord` per epoch.

    Raises:
        TypeError: an argument of another type; or one that is traced, as in `jax.vmap(fit)`, for
            which there is `training_run`.
        FloatingPointError: the loss, or what an update made of parameters, state or optimizer, is
            not finite; the message says at which epoch, counted from 1, and step of it.
        KeyboardInterrupt: Ctrl-C; with `checkpoints` the message says where the run stopped.
        ValueError: data that do not fit, such as a label that is no class; a folder that another
            run writes to, or holds a run that `resume` was not asked for; a run to resume that was
            of another model, data or setting, each of them named, with what it was and what it is;
            an array that was deleted, or donated to a jitted function.

    Warns:
        RuntimeWarning: a checkpoint could not be written, for a full disk perhaps, and the run goes
            on; or the newest could not be read, and the run goes on from the one before.

    Examples:
        >>> import jax
        >>> import jax.numpy as jnp
        >>> import purenn as pn
        >>> x = jnp.linspace(-1, 1, 8)[:, None]
        >>> train_state, history = pn.fit(
        ...     pn.dense(1), pn.mse, pn.sgd(0.5), (x, 3 * x + 1),
        ...     epochs=40, batch_size=4, key=jax.random.key(0), progress=False,
        ... )
        >>> print(f"{train_state.params.w.item():.3f} {history[-1].epoch} {history[-1].loss:.3f}")
        3.000 40 0.000
    """
    layer = as_layer("fit", "model", model)
    op = as_op("fit", "loss", loss)
    if penalty is not None:
        as_op("fit", "penalty", penalty)
    for name, value in (("progress", progress), ("resume", resume), ("locate", locate)):
        checks.flag("fit", name, value)
    check_optimizer("fit", optimizer)
    epochs = scalars.count("fit", "epochs", epochs)
    given = {"train_state": train_state, "key": key, "validation": validation}
    given |= {} if callable(data) else {"data": data}
    refuse_traced(**given)
    refuse_deleted("fit", **given)
    recipe = Recipe(model, loss, optimizer, penalty)
    recipe.check()
    spread, team = spread_of("fit", mesh), Team("fit", mesh)
    keeper = Checkpoints(checkpoints, checkpoint_every, team)
    if resume and checkpoints is None:
        raise ValueError("fit: resume needs checkpoints, the folder to go on from")
    interruptions = Interruptions(enabled=checkpoints is not None, alone=team.alone)

    with keeper, interruptions:
        source = source_of(data, batch_size, blocks, first_epoch, spread, team, interruptions)
        x, targets = source.example
        if validation is not None:
            on_host = spread is not None
            validation = as_examples("fit", *pair("validation", validation), on_host=on_host)
            if validation[0].shape[1:] != x.shape[1:]:
                raise ValueError(
                    f"fit: validation's x holds examples of shape {validation[0].shape[1:]}, "
                    f"data's {x.shape[1:]}; expected the same"
                )
        if train_state is None:
            checks.prng_key("fit", key)
            start = begin(programs(recipe).create, spread, key, x.shape[1:])
            concrete(start)  # refuses an initializer with a traced number
        else:
            check_train_state("fit", train_state)
            start = strong(jax.tree.map(lambda leaf: jnp.array(leaf, copy=True), train_state))
        layout = None if spread is None else layout_of(spread, start)
        start = placed(start, layout)
        initial = layer, op, start.params, start.state
        if op.of_classes:
            check_labels("fit", *initial, x, targets)
            if isinstance(source, Batches):
                source.classes = classes_of(layer, start.params, start.state, x)
        if team.alone and isinstance(source, Arrays):  # batches are looked at when they come
            check_numbers("fit", *initial, x, targets, finite=locate)
        if validation is not None:
            if op.of_classes or are_classes(validation[1]):
                check_labels("fit", *initial, *validation, "validation's targets")
            if team.alone:
                check_numbers("fit", *initial, *validation, "validation's ", finite=locate)

        first = int(start.step) // source.steps if source.steps else first_epoch or 0
        run = Run(recipe, layout, source, epochs, validation, interruptions, locate)
        moment = Moment(start, first)
        if checkpoints is not None:
            seed = key if train_state is None else None
            described = fingerprint(
                recipe,
                start,
                source,
                first_epoch=first,
                validation=validation,
                key=seed,
                mesh=None if spread is None else spread.mesh,
                merged=team.merged,
            )
            moment = keeper.begin(moment, described, source.steps, layout, resume=resume)
        begun, done = moment, len(moment.history)
        if done > epochs:
            raise ValueError(
                f"fit: epochs is {epochs}, but the run in {checkpoints} has done {done}"
            )
        try:
            interruptions.stop()
            with closing(run.moments(moment, progress=progress and team.first)) as moments:
                for moment in moments:
                    asked, due, source.pace = team.look(
                        interruptions.asked, keeper.due(), source.pace
                    )
                    if due:
                        keeper.write(moment)
                    if asked:
                        raise KeyboardInterrupt
                    interruptions.stop()
            keeper.write(moment)
            interruptions.stop()
        except FloatingPointError as error:  # the last checkpoint is from when all was well
            raise FloatingPointError(f"{error}{keeper.kept}") from None
        except BaseException as error:
            alike = team.alone or layout is None or not layout.splits
            failed_at_once = moment is begun and isinstance(error, Exception)  # a mistake, mostly
            if interruptions.asked < 2 and alike and not failed_at_once:
                keeper.write(moment)
            if isinstance(error, KeyboardInterrupt) and keeper.kept:
                raise KeyboardInterrupt(f"fit: stopped{keeper.kept}") from None
            if isinstance(error, jax.errors.JaxRuntimeError) and not team.alone:
                text = f"fit: perhaps another process has ended{keeper.kept}; {error}"
                raise jax.errors.JaxRuntimeError(text) from None
            raise
    return handed_back(moment.train_state, spread), list(moment.history)
