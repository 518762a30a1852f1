"""A model that `serial` cannot express: two branches, and a weight that is used twice.

                     ┌─ w2 ─→ logits          which digit is it?
    image ─ w1 ─→ hidden
                     └─ w1ᵀ ─→ image again    can the hidden values draw it?

The second branch is tied to the first: its weight is w1, transposed. Such a model needs no class
and no graph. It is a plain function that calls layers. `pn.by_hand` gives each layer's hand-derived
derivative to JAX, and `jax.grad` chains them: where the branches meet, at `hidden` and at w1, it
adds the derivatives from both.

python examples/two_branches.py
"""

if __name__ == "__main__":
    import interrupts  # before JAX

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import jax
import jax.numpy as jnp
from converters import integer
from cyclopts import App, Parameter
from cyclopts.validators import Number
from jax import Array

import purenn as pn

DATA = Path(__file__).parent / "data" / "mnist"
HIDDEN, BATCH = 128, 128

# Each of these layers and ops is differentiated by its own hand-derived rule.
encode = pn.by_hand(pn.dense(HIDDEN))
classify = pn.by_hand(pn.dense(10))
draw = pn.by_hand(pn.dense(28 * 28))
relu = pn.by_hand(pn.relu)
cross_entropy = pn.by_hand(pn.softmax_cross_entropy)
pixel_cross_entropy = pn.by_hand(pn.sigmoid_binary_cross_entropy)


def init(key: Array) -> dict[str, Any]:
    """Make the parameters: any pytree will do, here a dict. `draw` has a bias, but no weight."""
    encode_key, classify_key = jax.random.split(key)
    return {
        "encode": encode.init(encode_key, (28 * 28,))[0],
        "classify": classify.init(classify_key, (HIDDEN,))[0],
        "draw bias": jnp.zeros(28 * 28),
    }


def forward(params: dict[str, Any], pixels: Array) -> tuple[Array, Array]:
    """Return logits of the digit, and logits of the pixels. A dense layer's state is `()`."""
    hidden = relu(encode.apply(params["encode"], (), pixels)[0])
    logits, _ = classify.apply(params["classify"], (), hidden)
    tied = params["encode"]._replace(w=params["encode"].w.T, b=params["draw bias"])
    drawing, _ = draw.apply(tied, (), hidden)
    return logits, drawing


def loss(params: dict[str, Any], pixels: Array, digits: Any) -> Array:
    logits, drawing = forward(params, pixels)
    return cross_entropy(logits, digits) + pixel_cross_entropy(drawing, pixels)


def to_pixels(images: Any) -> Array:
    """Convert uint8 images (n, 28, 28) to floats from 0 to 1, (n, 784)."""
    return jnp.asarray(images, jnp.float32).reshape(-1, 28 * 28) / 255


def training(optimizer: Any) -> Callable[[Any, Any, Any], tuple[Any, Array]]:
    """Make a function for one epoch: `(params, images, digits) -> (params, losses)`."""

    def step(carry: Any, batch: Any) -> tuple[Any, Array]:
        params, opt_state = carry
        images, digits = batch
        value, grads = jax.value_and_grad(loss)(params, to_pixels(images), digits)
        updates, opt_state = optimizer.update(grads, opt_state, params)
        return (pn.apply_updates(params, updates), opt_state), value

    @jax.jit
    def epoch(params: Any, images: Any, digits: Any) -> tuple[Any, Array]:
        steps = len(images) // BATCH
        batches = jax.tree.map(
            lambda a: a[: steps * BATCH].reshape(steps, BATCH, *a.shape[1:]), (images, digits)
        )
        (params, _), losses = jax.lax.scan(step, (params, optimizer.init(params)), batches)
        return params, losses

    return epoch


@jax.jit
def measure(params: dict[str, Any], pixels: Array, digits: Any) -> tuple[Array, Array, Array]:
    """Return the loss, the accuracy, and the mean error of the drawn pixels."""
    logits, drawing = forward(params, pixels)
    off = jnp.abs(pn.sigmoid(drawing) - pixels).mean()
    return loss(params, pixels, digits), pn.accuracy(logits, digits), off


Count = Annotated[int, Parameter(validator=Number(gte=BATCH, lte=60_000), converter=integer)]
app = App(name="two_branches.py", version_flags=[], result_action="return_value")


@app.default
def main(*, data: Path = DATA, images: Count = 30_000) -> None:
    """Train the two branches together, with purenn's Adam and with optax's if it is installed.

    Parameters
    ----------
    data
        Folder with the four files of MNIST.
    images
        How many of the training images to use.
    """
    try:
        train, test = pn.load_mnist(data)
    except (ValueError, OSError) as error:
        sys.exit(f"error: {error}")
    x, y, test_pixels = train.x[:images], train.y[:images], to_pixels(test.x)

    optimizers = {"purenn's adam": pn.adam(2e-3)}
    try:
        import optax

        optimizers["optax's nadamw"] = optax.nadamw(2e-3)  # the protocol is the same
    except ImportError:
        print("optax is not installed: using purenn's optimizer only")

    start = init(jax.random.key(0))
    for name, optimizer in optimizers.items():
        params, losses = training(optimizer)(start, x, y)
        test_loss, accuracy, off = measure(params, test_pixels, test.y)
        print(f"{name}: loss {losses[0]:.3f} at first, {losses[-20:].mean():.3f} at last")
        print(
            f"  test accuracy {accuracy:.2%}, test loss {test_loss:.4f}, "
            f"a drawn pixel is off by {off:.3f} on average"
        )


if __name__ == "__main__":
    interrupts.run(app)
