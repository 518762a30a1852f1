"""Handwritten digits: train a network on MNIST, and look at what it learned.

python examples/mnist.py                       784-128-10, about 98 % of the test set right
python examples/mnist.py --hidden 16 16        784-16-16-10
python examples/mnist.py --model cnn           a convolutional network, over 99.2 %
python examples/mnist.py --batch-norm --input-dropout 0.2 --batch-size 64 --epochs 20
python examples/mnist.py --resume              goes on with a run that was stopped, or killed
python examples/mnist.py --cpu-devices 4       on several devices, here made of one CPU
python examples/mnist.py --help                every option

The trained parameters, the training history and the pictures go to runs/mnist. Ctrl-C stops a run
with a checkpoint there. All devices that JAX finds are used together; of several processes, on one
machine or on many, each is started with the same options and its own number:

python examples/mnist.py --coordinator 10.0.0.1:12345 --processes 2 --process 0
python examples/mnist.py --coordinator 10.0.0.1:12345 --processes 2 --process 1
"""

if __name__ == "__main__":
    import interrupts  # before JAX

import csv
import math
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import jax
import mnist_pictures
import numpy as np
from converters import AtLeast1, local, whole
from cyclopts import App, Parameter
from cyclopts.validators import Number
from processes import join

import purenn as pn

HERE = Path(__file__).parent
IMAGES = 60_000  # to train with; the 10,000 of the test set are for the end
WRITTEN = (  # to the output folder
    *("model.safetensors", "history.csv"),
    *("curves.png", "weights.png", "confusion.png", "mistakes.png"),
)


NotNegativeInt = Annotated[int, Parameter(validator=Number(gte=0), converter=whole)]
NotNegative = Annotated[float, Parameter(validator=Number(gte=0, lt=math.inf))]
Fraction = Annotated[float, Parameter(validator=Number(gte=0, lt=1))]
Several = Parameter(consume_multiple=(1, 100), negative="--no-hidden")


@Parameter(name="*")  # each field an option of its own: --hidden, not --options.hidden
@dataclass(frozen=True, kw_only=True)
class Options:
    """What the command line decides."""

    model: Literal["dense", "cnn"] = "dense"
    """dense: hidden layers alone; cnn: convolutions and max pooling come before them."""
    features: (
        Annotated[tuple[AtLeast1, ...], Parameter(consume_multiple=(1, 4), negative="")] | None
    ) = None
    """Kernels of each convolution of a cnn, 3 by 3 and then pooled 2 by 2. [default: 32 64]"""
    hidden: Annotated[tuple[AtLeast1, ...], Several] = (128,)
    """Units of each hidden layer, as many layers as numbers; --no-hidden for none."""
    activation: (
        Literal["relu", "leaky_relu", "gelu", "silu", "softplus", "tanh", "sigmoid"] | None
    ) = None
    """What follows each hidden layer. [default: relu]"""
    initialization: Literal[
        "he_normal", "he_uniform", "glorot_normal", "glorot_uniform", "lecun_normal"
    ] = "he_normal"
    """How the weights are drawn."""
    batch_norm: Annotated[bool, Parameter(negative="")] = False
    """Normalize each hidden layer over the batch, before its activation."""
    dropout: Fraction | None = None
    """Probability of zeroing a hidden value while training. [default: 0, for a cnn 0.4]"""
    input_dropout: Fraction = 0.0
    """Probability of zeroing a pixel while training."""
    l2: NotNegative = 0.0
    """Strength of the L2 penalty: strength/2 times the sum of the squared weights."""
    precision: Literal["float32", "bfloat16", "float16"] = "float32"
    """What the network computes in; its parameters are float32 always."""

    optimizer: Literal["sgd", "momentum", "adam", "adamw"] = "adam"
    """How the gradients become steps."""
    learning_rate: NotNegative | None = None
    """The largest, after the warm-up. [default: 0.003 for adam and adamw, else 0.5]"""
    weight_decay: NotNegative | None = None
    """Of adamw alone. [default there: 0.0001]"""
    decay: Literal["cosine", "inverse-time", "none"] = "cosine"
    """How the learning rate falls: to 0 along half a cosine, or as 1 / (1 + rate * epoch)."""
    decay_rate: NotNegative | None = None
    """Of --decay inverse-time alone. [default there: 0.1]"""
    warmup: NotNegativeInt = 0
    """Steps in which the learning rate rises from near 0."""

    epochs: AtLeast1 = 10
    """Passes over the training images."""
    batch_size: AtLeast1 = 128
    """Images a step."""
    seed: Annotated[int, Parameter(validator=Number(gte=0, lt=2**32), converter=whole)] = 0
    """Decides the initial weights, the order of the images and the dropout."""
    holdout: Annotated[int, Parameter(validator=Number(gte=0, lt=IMAGES), converter=whole)] = 5_000
    """How many of the 60,000 images, the last, are kept from training to measure accuracy on."""

    data: Literal["download"] | Path = HERE / "data" / "mnist"
    """Folder with the four files of MNIST; or download, once, to the user's cache."""
    output: Annotated[Path, Parameter(converter=local)] = Path("runs/mnist")
    """Folder for the parameters, the history and the pictures; made if it is not there. A finished
    run in it is replaced as a whole, once this one is finished."""
    resume: Annotated[bool, Parameter(negative="")] = False
    """Go on with the run in the output folder that was not finished, if there is one."""
    checkpoint_every: NotNegative = 10.0
    """Seconds between two checkpoints, which are removed when the run is finished."""
    blocks: AtLeast1 | None = None
    """Blocks that the images lie in, which decide their order and how many devices they can be
    spread over. [default: 1 on one device, else 8, or the next multiple of the devices]"""
    cpu_devices: AtLeast1 | None = None
    """Make so many devices of the CPU, to try what several do."""
    coordinator: str | None = None
    """HOST:PORT of process 0, where several processes meet."""
    processes: AtLeast1 = 1
    """How many there are."""
    process: NotNegativeInt = 0
    """Which of them this one is, from 0."""
    cluster: Annotated[bool, Parameter(negative="")] = False
    """Let JAX find the processes of the cluster that this one was started on."""
    patience: Annotated[float, Parameter(validator=Number(gte=2, lt=math.inf))] | None = None
    """Seconds after which a process that does not answer is given up, and the others end.
    [default: 20]"""

    progress: bool = True
    """Show a bar, with the loss and the accuracy."""
    pictures: bool = True
    """Draw the curves, the confusion matrix, the weights and the mistakes."""


def build_model(options: Options) -> pn.Layer:
    """The images go in as they are, uint8: scaling them is part of the model."""
    w_init = getattr(pn.initializers, options.initialization)
    activation = getattr(pn, options.activation or "relu")
    rate = options.dropout
    if rate is None:
        rate = 0.4 if options.model == "cnn" else 0.0
    normalize = [pn.batch_norm()] if options.batch_norm else []
    drop = [pn.dropout(rate)] if rate else []

    layers: list[Any] = [pn.rescale()]
    if options.input_dropout:
        layers.append(pn.dropout(options.input_dropout))
    if options.model == "cnn":
        for features in options.features or (32, 64):
            layers += [pn.conv2d(features, w_init=w_init), *normalize, activation, pn.max_pool()]
    layers.append(pn.flatten())
    if options.model == "cnn":
        layers += drop
    for units in options.hidden:
        layers += [pn.dense(units, w_init=w_init), *normalize, activation, *drop]
    model = pn.serial(*layers, pn.dense(10, w_init=w_init))
    return model if options.precision == "float32" else pn.mixed_precision(model, options.precision)


def build_optimizer(options: Options) -> pn.Optimizer:
    rate: Any = options.learning_rate
    if rate is None:
        rate = 0.003 if options.optimizer.startswith("adam") else 0.5
    steps_per_epoch = (IMAGES - options.holdout) // options.batch_size
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


def train(options: Options) -> None:
    """Train on MNIST, then measure on the test set and draw what was learned."""
    check_devices(options, jax.device_count())
    if options.cpu_devices and (kind := jax.devices()[0].platform) != "cpu":
        raise ValueError(f"--cpu-devices needs JAX_PLATFORMS=cpu set: JAX trains on {kind} here")
    model, optimizer = build_model(options), build_optimizer(options)
    with must_be("--data", "a folder with the four files of MNIST, or download"):
        (x, y), test = pn.load_mnist(None if options.data == "download" else options.data)
    if options.model == "cnn":  # convolutions want channels: one, for gray
        x, test = x[..., None], test._replace(x=test.x[..., None])
    kept = len(x) - options.holdout
    if options.holdout:
        validation, watched = (x[kept:], y[kept:]), f"{options.holdout:,} held-out images"
    else:
        validation, watched = (x[:10_000], y[:10_000]), "the first 10,000 training images"

    checkpoints, mesh = checkpoints_of(options), None
    devices = str(jax.devices()[0])
    if jax.device_count() > 1:
        mesh = jax.make_mesh((jax.device_count(),), ("data",))
        devices += f" and {jax.device_count() - 1} more, of {jax.process_count()} processes"
    if jax.process_index() == 0:
        with must_be("--output", "a folder that can be written to"):
            options.output.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=options.output).close()
        if not options.resume and any(checkpoints.glob("*.safetensors")):
            raise ValueError(
                f"--output holds a run that was not finished, in {checkpoints}: go on with it with "
                f"--resume, or remove that folder, or choose another"
            )
        if any((options.output / name).exists() for name in WRITTEN):
            print(f"this run replaces the finished run in {options.output}, when it is finished")
        print(f"device: {devices}\n\n{pn.summary(model, x.shape[1:])}\n")
        print(f"trained on {kept:,} images; accuracy meanwhile: on {watched}", flush=True)
    trained, history = pn.fit(
        model,
        pn.softmax_cross_entropy,
        optimizer,
        (x[:kept], y[:kept]),
        epochs=options.epochs,
        batch_size=options.batch_size,
        key=jax.random.key(options.seed),
        penalty=pn.l2_penalty(options.l2) if options.l2 else None,
        validation=validation,
        progress=options.progress,
        checkpoints=checkpoints,
        resume=options.resume,
        checkpoint_every=options.checkpoint_every,
        locate=True,
        mesh=mesh,
        blocks=options.blocks,
    )
    if jax.process_index() == 0:
        learned = jax.device_get((trained.params, trained.state))  # from all devices to the host
        report(options, model, learned, history, watched, test)
        remove(checkpoints)


def checkpoints_of(options: Options) -> Path:
    """The folder that a run goes on from."""
    return options.output / "checkpoints"


def remove(checkpoints: Path) -> None:
    """Remove what the run has kept there, and the folder unless the user keeps files in it too."""
    for name in ("checkpoint-*.safetensors", "checkpoint-*.damaged", ".lock"):
        for path in checkpoints.glob(name):
            path.unlink()
    if not any(checkpoints.iterdir()):
        checkpoints.rmdir()


def report(
    options: Options, model: pn.Layer, learned: Any, history: Any, watched: str, test: Any
) -> None:
    """Write what was learned, and say how good it is."""
    # The test set's one and only use in a run: training never sees it.
    loss, accuracy = pn.evaluate(model, pn.softmax_cross_entropy, *learned, *test)
    assert accuracy is not None  # it is None where targets are no classes
    # Files are made in a folder of their own and then moved: an interrupted run leaves none.
    for left in options.output.glob(".unfinished-*"):  # by a run that was killed
        shutil.rmtree(left)
    with tempfile.TemporaryDirectory(prefix=".unfinished-", dir=options.output) as unfinished:
        folder = Path(unfinished)
        pn.save(folder / "model.safetensors", learned)
        with (folder / "history.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["epoch", "loss", "validation loss", "accuracy", "seconds"])
            for e in history:
                numbers = e.loss, e.validation_loss, e.validation_accuracy, e.seconds
                writer.writerow([e.epoch, *(f"{number:.6f}" for number in numbers)])
        if options.pictures:
            mnist_pictures.curves(folder / "curves.png", history, watched)
            first = next(part for part in learned[0] if part)  # the ones before have none
            size = (28, 28, 1) if options.model == "dense" else (3, 3, 1)
            mnist_pictures.weights(folder / "weights.png", first.w.reshape(*size, -1))
            apply = jax.jit(model.apply)  # a tenth at a time: a cnn's values take 100 kB an image
            logits = [apply(*learned, images)[0] for images in np.split(test.x, 10)]
            probabilities = np.asarray(pn.softmax(np.concatenate(logits)))
            mnist_pictures.confusion(folder / "confusion.png", probabilities, test.y)
            mnist_pictures.mistakes(folder / "mistakes.png", test.x, probabilities, test.y)
        for name in WRITTEN:  # first, so that no moment sees files of two runs
            (options.output / name).unlink(missing_ok=True)
        print(f"\nwritten to {options.output}:")
        for path in sorted(folder.iterdir()):
            print(f"  {path.replace(options.output / path.name).name}")
    print(f"\ntest accuracy {100 * accuracy:.2f} %  test loss {loss:.4f}")


def check(options: Options) -> None:
    """What one option allows another; what each allows by itself is in its type."""
    kept = IMAGES - options.holdout
    if options.batch_size > kept:
        raise ValueError(
            f"--batch-size must be at most {kept}, the images left to train on, "
            f"got {options.batch_size}"
        )
    steps = options.epochs * (kept // options.batch_size)
    if options.warmup >= steps:
        raise ValueError(f"--warmup must be below the run's {steps} steps, got {options.warmup}")
    # What would have no effect is refused, rather than left out in silence.
    if options.weight_decay is not None and options.optimizer != "adamw":
        raise ValueError(f"--weight-decay needs --optimizer adamw, got {options.optimizer}")
    if options.decay_rate is not None and options.decay != "inverse-time":
        raise ValueError(f"--decay-rate needs --decay inverse-time, got {options.decay}")
    if options.features is not None and options.model != "cnn":
        raise ValueError(f"--features needs --model cnn, got {options.model}")
    if not options.hidden and options.model != "cnn":
        for name in ("activation", "batch_norm", "dropout"):
            if getattr(options, name):
                option = name.replace("_", "-")
                raise ValueError(f"--{option} needs a hidden layer or --model cnn")
    check_processes(options)
    if options.cpu_devices is not None and not options.cluster:
        check_devices(options, options.cpu_devices * options.processes)


def check_processes(options: Options) -> None:
    """What the options of several processes need of each other."""
    if options.processes > 1 and options.coordinator is None:
        raise ValueError("--processes needs --coordinator, where they meet, or use --cluster")
    if options.process >= options.processes:
        raise ValueError(
            f"--process must be below --processes, {options.processes}, got {options.process}"
        )
    if options.coordinator is not None and options.processes == 1:
        raise ValueError("--coordinator needs --processes, 2 or more")
    if options.cluster and options.coordinator is not None:
        raise ValueError("--cluster finds the processes itself: leave out --coordinator")
    if options.patience is not None and options.coordinator is None and not options.cluster:
        raise ValueError("--patience needs --coordinator or --cluster")


def check_devices(options: Options, devices: int) -> None:
    """A batch is shared out equally among blocks of the images, and these among the devices."""
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


def several(options: Options) -> AbstractContextManager[None]:
    """The devices and the processes that train together."""
    check(options)
    if options.cpu_devices is not None:
        jax.config.update("jax_num_cpu_devices", options.cpu_devices)
    if options.processes == 1 and not options.cluster:
        return nullcontext()
    patience = options.patience or 20.0
    return join(options.coordinator, options.processes, options.process, patience=patience)


@contextmanager
def must_be(option: str, expected: str) -> Iterator[None]:
    """Say which option an error is about, and what it should have been."""
    try:
        yield
    except (ValueError, OSError) as error:
        raise ValueError(f"{option} must be {expected}; {error}") from error


app = App(name="mnist.py", version_flags=[], result_action="return_value")


@app.default
def main(options: Options | None = None) -> None:
    """Train a network on MNIST, and look at what it learned."""
    options = options or Options()
    try:
        with several(options):
            train(options)
    except (ValueError, OSError, FloatingPointError) as error:
        sys.exit(f"error: {error}")  # a line for the user, not a traceback
    except KeyboardInterrupt as stopped:
        text = str(stopped) or "stopped"
        kept = any(checkpoints_of(options).glob("*.safetensors"))
        advice = (
            "--resume goes on from the last checkpoint" if kept else "there is no checkpoint yet"
        )
        print(f"\n{text}; {advice}", file=sys.stderr)
        sys.exit(130)  # what a shell expects of a program that Ctrl-C has stopped


if __name__ == "__main__":
    interrupts.run(app)
