"""Handwritten digits: train a network on MNIST, and look at what it learned.

python examples/mnist.py                             784-128-10: about 98 % of the test set right
python examples/mnist.py --hidden 16 16              784-16-16-10
python examples/mnist.py --model cnn                 a convolutional network: over 99.2 %
python examples/mnist.py --model resnet --no-hidden  a residual network: about 99.4 %
python examples/mnist.py --resume                    continue a run that was stopped or killed
python examples/mnist.py --help                      every option

The trained parameters, the training history, and the pictures are written to runs/mnist. Ctrl-C
stops a run, with a checkpoint. mnist_advanced.py has more options: batch norm, dropout, learning
rate schedules, half precision, several devices, several processes.
"""

if __name__ == "__main__":
    import interrupts  # before JAX

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import jax
import mnist_pictures
import run_folder
from converters import AtLeast1, Folder, NotNegative, at_least
from cyclopts import App, Parameter

import purenn as pn

IMAGES = 60_000  # for training; the 10,000 of the test set are for the end


@Parameter(name="*")  # --hidden, not --options.hidden
@dataclass(frozen=True, kw_only=True)
class Options:
    """The command line, parsed."""

    model: Literal["dense", "cnn", "resnet"] = "dense"
    """dense: hidden layers only. cnn: two convolutions, each with max pooling, come before them.
    resnet: three residual blocks and a mean over the image come before them."""
    hidden: Annotated[
        tuple[AtLeast1, ...], Parameter(consume_multiple=(1, 100), negative="--no-hidden")
    ] = (128,)
    """Units of each hidden layer: one number per layer. --no-hidden for none."""
    learning_rate: NotNegative = 0.003
    """Adam's learning rate at the start. It decreases to 0 along half a cosine."""
    epochs: AtLeast1 = 10
    """Passes over the training images."""
    batch_size: AtLeast1 = 128
    """Images per step."""
    seed: Annotated[int, at_least(0, below=2**32)] = 0
    """Determines the initial weights, the order of the images and the dropout."""
    holdout: Annotated[int, at_least(0, below=IMAGES)] = 5_000
    """How many of the 60,000 images to keep out of training, to measure the accuracy on."""

    data: Folder = Path(__file__).parent / "data" / "mnist"
    """Folder with the four files of MNIST."""
    output: Folder = Path("runs/mnist")
    """Folder for the results. A finished run in it is replaced when this run finishes."""
    resume: Annotated[bool, Parameter(negative="")] = False
    """Continue the unfinished run in the output folder, if there is one."""
    progress: bool = True
    """Show a progress bar, with the loss and the accuracy."""
    pictures: bool = True
    """Draw the curves, the confusion matrix, the weights, and the mistakes."""


def build_model(options: Options) -> pn.Layer:
    """Build the network. It takes uint8 images: scaling them is part of the model."""
    cnn = options.model == "cnn"
    drop = [pn.dropout(0.4)] if cnn else []
    layers = [pn.rescale()]
    if options.model == "resnet":
        layers += residual_network()
    else:
        for features in (32, 64) if cnn else ():
            layers += [pn.conv2d(features), pn.relu, pn.max_pool()]
        layers += [pn.flatten(), *drop]
    for units in options.hidden:
        layers += [pn.dense(units), pn.relu, *drop]
    return pn.serial(*layers, pn.dense(10))


def residual_network(activation: Any = pn.relu, **init: Any) -> list[Any]:
    """Return the layers of a small ResNet, from images to one number per channel."""
    return [
        *normalized(16, 3, 1, **init),
        activation,
        *residual_block(16, 1, activation, **init),
        *residual_block(32, 2, activation, **init),
        *residual_block(64, 2, activation, **init),
        pn.global_avg_pool(),
    ]


def residual_block(features: int, strides: int, activation: Any, **init: Any) -> list[Any]:
    """Return two convolutions with a shortcut around them, which is one itself with strides."""
    inside = pn.serial(
        *normalized(features, 3, strides, **init), activation, *normalized(features, 3, 1, **init)
    )
    shortcut = None if strides == 1 else pn.serial(*normalized(features, 1, strides, **init))
    return [pn.residual(inside, projection=shortcut), activation]


def normalized(features: int, kernel: int, strides: int, **init: Any) -> list[Any]:
    """Return a convolution and batch norm, whose beta makes a bias superfluous."""
    return [pn.conv2d(features, kernel, strides=strides, b_init=None, **init), pn.batch_norm()]


def steps_per_epoch(options: Options) -> int:
    images, size = IMAGES - options.holdout, options.batch_size
    if size > images:
        raise ValueError(f"--batch-size must be at most {images}, the images left, got {size}")
    return images // size


def load(options: Options) -> Any:
    """Return `(x, y)` to train on, `(x, y)` to watch the accuracy on, and the test set."""
    (x, y), (x_test, y_test) = pn.load_mnist(options.data)
    if options.model != "dense":  # convolutions need a channel axis: one channel, gray
        x, x_test = x[..., None], x_test[..., None]
    kept = len(x) - options.holdout
    held = slice(kept, None) if options.holdout else slice(10_000)
    return (x[:kept], y[:kept]), (x[held], y[held]), (x_test, y_test)


def describe(options: Options, model: pn.Layer, x: Any, x_val: Any) -> None:
    """Print the model, and what it will be trained on."""
    which = "held-out" if options.holdout else "training"
    print(f"device: {jax.devices()[0]}\n\n{pn.summary(model, x.shape[1:])}\n")
    print(f"training on {len(x):,} images; accuracy shown: on {len(x_val):,} {which} images")


def report(options: Options, model: pn.Layer, learned: Any, history: Any, test: Any) -> None:
    """Measure how good the network is, and write what it learned."""
    # The one and only use of the test set: training never sees it.
    loss, accuracy = pn.evaluate(model, pn.softmax_cross_entropy, *learned, *test)
    with run_folder.replaced_results(options.output) as folder:
        pn.save(folder / "model.safetensors", learned)
        run_folder.write_history(folder / "history.csv", history)
        if options.pictures:
            mnist_pictures.draw(folder, model, learned, history, test)
    print(f"\ntest accuracy {100 * accuracy:.2f} %  test loss {loss:.4f}")


app = App(name="mnist.py", version_flags=[], result_action="return_value")


@app.default
def main(options: Options | None = None) -> None:
    """Train a network on MNIST, and look at what it learned."""
    options = options or Options()
    with run_folder.brief_errors(options.output):
        train, validation, test = load(options)
        model = build_model(options)
        steps = options.epochs * steps_per_epoch(options)
        run_folder.prepare(options.output, resume=options.resume)
        describe(options, model, train[0], validation[0])
        train_state, history = pn.fit(
            model,
            pn.softmax_cross_entropy,
            pn.adam(pn.cosine_decay(options.learning_rate, steps)),
            train,
            epochs=options.epochs,
            batch_size=options.batch_size,
            key=jax.random.key(options.seed),
            validation=validation,
            progress=options.progress,
            checkpoints=run_folder.checkpoints_in(options.output),
            resume=options.resume,
            locate=True,
        )
        report(options, model, (train_state.params, train_state.state), history, test)
        run_folder.remove_checkpoints(options.output)


if __name__ == "__main__":
    interrupts.run(app)
