"""MNIST with every option: `mnist.py`, with more layers, schedules, precisions, and devices.

python examples/mnist_advanced.py --batch-norm --input-dropout 0.2 --batch-size 64 --epochs 20
python examples/mnist_advanced.py --optimizer momentum --decay inverse-time --warmup 400
python examples/mnist_advanced.py --precision bfloat16
python examples/mnist_advanced.py --cpu-devices 4     four devices, here made from one CPU
python examples/mnist_advanced.py --help              every option

All devices that JAX finds train together. To use several processes, on one machine or many, start
each one with the same options and its own number:

python examples/mnist_advanced.py --coordinator 10.0.0.1:12345 --processes 2 --process 0
python examples/mnist_advanced.py --coordinator 10.0.0.1:12345 --processes 2 --process 1
"""

if __name__ == "__main__":
    import interrupts  # before JAX

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

import jax
import mnist
import run_folder
from converters import AtLeast1, Folder, Fraction, NotNegative, at_least
from cyclopts import App, Parameter
from processes import join

import purenn as pn


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Options(mnist.Options):
    """The command line, parsed: the options of `mnist.py`, and more."""

    features: (
        Annotated[tuple[AtLeast1, ...], Parameter(consume_multiple=(1, 4), negative="")] | None
    ) = None
    """Kernels of each convolution of a cnn: 3 by 3, then pooled 2 by 2. [default: 32 64]"""
    activation: (
        Literal["relu", "leaky_relu", "gelu", "silu", "softplus", "tanh", "sigmoid"] | None
    ) = None
    """What follows each hidden layer. [default: relu]"""
    initialization: Literal[
        "he_normal", "he_uniform", "glorot_normal", "glorot_uniform", "lecun_normal"
    ] = "he_normal"
    """How the initial weights are drawn."""
    batch_norm: Annotated[bool, Parameter(negative="")] = False
    """Normalize each hidden layer over the batch, before its activation."""
    dropout: Fraction | None = None
    """Probability of zeroing a hidden value in training. [default: 0; 0.4 for a cnn]"""
    input_dropout: Fraction = 0.0
    """Probability of zeroing a pixel in training."""
    l2: NotNegative = 0.0
    """Strength of the L2 penalty: strength/2 times the sum of the squared weights."""
    precision: Literal["float32", "bfloat16", "float16"] = "float32"
    """What the network computes in. Its parameters are always float32."""

    optimizer: Literal["sgd", "momentum", "adam", "adamw"] = "adam"
    """How gradients become updates."""
    learning_rate: NotNegative | None = None
    """The highest, reached after the warmup. [default: 0.003 for adam and adamw, otherwise 0.5]"""
    weight_decay: NotNegative | None = None
    """For adamw only. [default: 0.0001]"""
    decay: Literal["cosine", "inverse-time", "none"] = "cosine"
    """How the learning rate decreases: to 0 along half a cosine, or as 1 / (1 + rate * epoch)."""
    decay_rate: NotNegative | None = None
    """For --decay inverse-time only. [default: 0.1]"""
    warmup: Annotated[int, at_least(0)] = 0
    """Steps in which the learning rate rises from near 0."""

    data: Literal["download"] | Folder = mnist.Options.data
    """Folder with the four files of MNIST; or download, once, to the user's cache."""
    checkpoint_every: NotNegative = 10.0
    """Seconds between two checkpoints, which are removed when the run finishes."""
    blocks: AtLeast1 | None = None
    """Blocks that the images are shuffled in; a multiple of the number of devices. Runs with the
    same blocks see the same batches. [default: 1 on one device; on several 8, or more if needed]"""
    cpu_devices: AtLeast1 | None = None
    """Make this many devices from the CPU, to try what several do."""
    coordinator: str | None = None
    """HOST:PORT of process 0, where the processes meet."""
    processes: AtLeast1 = 1
    """How many processes there are."""
    process: Annotated[int, at_least(0)] = 0
    """The number of this one, from 0."""
    cluster: Annotated[bool, Parameter(negative="")] = False
    """Let JAX find the processes of the cluster that started this one."""
    patience: Annotated[int, at_least(2)] | None = None
    """Seconds without a heartbeat after which a process counts as lost. [default: 20]"""


def build_model(options: Options) -> pn.Layer:
    w_init = getattr(pn.initializers, options.initialization)
    activation = getattr(pn, options.activation or "relu")
    cnn = options.model == "cnn"
    rate = options.dropout
    if rate is None:
        rate = 0.4 if cnn else 0.0
    drop = [pn.dropout(rate)] if rate else []
    drop_input = [pn.dropout(options.input_dropout)] if options.input_dropout else []
    normalize = [pn.batch_norm()] if options.batch_norm else []

    layers: list[Any] = [pn.rescale(), *drop_input]
    if options.model == "resnet":
        layers += mnist.residual_network(activation, w_init=w_init)
    else:
        for features in (options.features or (32, 64)) if cnn else ():
            layers += [pn.conv2d(features, w_init=w_init), *normalize, activation, pn.max_pool()]
        layers += [pn.flatten(), *(drop if cnn else [])]
    for units in options.hidden:
        layers += [pn.dense(units, w_init=w_init), *normalize, activation, *drop]
    model = pn.serial(*layers, pn.dense(10, w_init=w_init))
    return model if options.precision == "float32" else pn.mixed_precision(model, options.precision)


def build_optimizer(options: Options) -> pn.Optimizer:
    rate: Any = options.learning_rate
    if rate is None:
        rate = 0.003 if options.optimizer.startswith("adam") else 0.5
    steps_per_epoch = mnist.steps_per_epoch(options)
    if options.decay == "cosine":
        rate = pn.cosine_decay(rate, options.epochs * steps_per_epoch - options.warmup)
    elif options.decay == "inverse-time":
        decay_rate = 0.1 if options.decay_rate is None else options.decay_rate
        rate = pn.inverse_time_decay(rate, decay_rate, steps_per_epoch)
    if options.warmup:
        rate = pn.linear_warmup(rate, options.warmup)
    if options.weight_decay is not None:
        return pn.adamw(rate, weight_decay=options.weight_decay)
    return getattr(pn, options.optimizer)(rate)


def check(options: Options) -> None:
    """Reject options that contradict each other, and those that would have no effect."""
    steps = options.epochs * mnist.steps_per_epoch(options)
    shallow = not options.hidden and options.model != "cnn"
    linear = shallow and options.model == "dense"
    several = options.coordinator is not None or options.cluster
    for wrong, message in (
        (
            options.warmup >= steps,
            f"warmup must be below the run's {steps} steps, got {options.warmup}",
        ),
        (
            options.weight_decay is not None and options.optimizer != "adamw",
            "weight-decay needs --optimizer adamw",
        ),
        (
            options.decay_rate is not None and options.decay != "inverse-time",
            "decay-rate needs --decay inverse-time",
        ),
        (options.features is not None and options.model != "cnn", "features needs --model cnn"),
        (linear and options.activation, "activation needs a hidden layer or convolutions"),
        (shallow and options.batch_norm, "batch-norm needs a hidden layer or --model cnn"),
        (shallow and options.dropout, "dropout needs a hidden layer or --model cnn"),
        (
            options.process >= options.processes,
            f"process must be below --processes, {options.processes}",
        ),
        (
            options.processes > 1 and options.coordinator is None,
            "processes needs --coordinator, where they meet; or use --cluster",
        ),
        (
            options.coordinator is not None and options.processes == 1,
            "coordinator needs --processes, 2 or more",
        ),
        (
            options.cluster and options.coordinator is not None,
            "cluster finds the processes itself: leave out --coordinator",
        ),
        (options.patience is not None and not several, "patience needs --coordinator or --cluster"),
    ):
        if wrong:
            raise ValueError(f"--{message}")


def check_devices(options: Options, devices: int) -> None:
    """Check that a batch takes an equal share of each block, and a device of the blocks."""
    blocks, size = options.blocks or -(-8 // devices) * devices, options.batch_size
    if devices == 1:
        blocks = options.blocks or 1
    if blocks % devices:
        raise ValueError(f"--blocks must be a multiple of the {devices} devices, got {blocks}")
    if size % blocks:
        wanted = f"--blocks, {blocks}" if options.blocks else f"{blocks}, for {devices} devices"
        raise ValueError(
            f"--batch-size must be a multiple of {wanted}, got {size}; expected a number such as "
            f"{max(size // blocks, 1) * blocks}"
        )


def train(options: Options) -> None:
    check_devices(options, jax.device_count())
    if options.cpu_devices and (kind := jax.devices()[0].platform) != "cpu":
        raise ValueError(f"--cpu-devices needs JAX_PLATFORMS=cpu set: JAX uses {kind} here")
    found = None if options.data == "download" else options.data
    train, validation, test = mnist.load(replace(options, data=found))
    model, mesh = build_model(options), None
    first = jax.process_index() == 0  # shows and writes for all
    if first:
        run_folder.prepare(options.output, resume=options.resume)
        mnist.describe(options, model, train[0], validation[0])
    if jax.device_count() > 1:
        mesh = jax.make_mesh((jax.device_count(),), ("data",))
        if first:
            print(f"on {mesh.size} devices of {jax.process_count()} processes", flush=True)
    train_state, history = pn.fit(
        model,
        pn.softmax_cross_entropy,
        build_optimizer(options),
        train,
        epochs=options.epochs,
        batch_size=options.batch_size,
        key=jax.random.key(options.seed),
        penalty=pn.l2_penalty(options.l2) if options.l2 else None,
        validation=validation,
        progress=options.progress,
        checkpoints=run_folder.checkpoints_in(options.output),
        resume=options.resume,
        checkpoint_every=options.checkpoint_every,
        locate=True,
        mesh=mesh,
        blocks=options.blocks,
    )
    if first:
        learned = jax.device_get((train_state.params, train_state.state))  # from all devices
        mnist.report(options, model, learned, history, test)
        run_folder.remove_checkpoints(options.output)


def joined(options: Options) -> AbstractContextManager[None]:
    """Make the devices and join the processes that train together."""
    if options.cpu_devices is not None:
        if not options.cluster:
            check_devices(options, options.cpu_devices * options.processes)
        jax.config.update("jax_num_cpu_devices", options.cpu_devices)
    if options.coordinator is None and not options.cluster:
        return nullcontext()
    return join(
        options.coordinator, options.processes, options.process, patience=options.patience or 20
    )


app = App(name="mnist_advanced.py", version_flags=[], result_action="return_value")


@app.default
def main(options: Options | None = None) -> None:
    """Train a network on MNIST, with every option."""
    options = options or Options()
    with run_folder.brief_errors(options.output):
        check(options)
        with joined(options):
            train(options)


if __name__ == "__main__":
    interrupts.run(app)
