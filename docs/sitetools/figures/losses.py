"""Figures of course/losses.md."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.figure import Figure

import purenn as pn
from sitetools.figures import marks
from sitetools.svg import INK, SERIES


def likelihood() -> Figure:
    """Two densities around a prediction, and minus their logarithms."""
    target = np.linspace(-4, 4, 49)
    densities = {
        "normal": np.exp(-(target**2) / 2) / np.sqrt(2 * np.pi),
        "Laplace": np.exp(-np.abs(target)) / 2,
    }
    figure = Figure(figsize=(4.4, 4.6), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True)
    for (name, density), style in zip(densities.items(), ("-", "--"), strict=True):
        above.plot(target, density, style, label=name)
        below.plot(target, -np.log(density), style, label=name)
    above.set_title("P(t)")
    above.legend()
    below.set_title("−ln P(t)")
    below.set_xlabel("t − p")
    return figure


def of_the_error() -> Figure:
    """The squared, absolute, and Huber's loss of one error, and their slopes."""
    r = np.concatenate([np.linspace(-3, -1e-6, 31), [np.nan], np.linspace(1e-6, 3, 31)])
    r = r.astype(np.float32)
    zero = np.zeros(1, np.float32)

    def value_and_slope(loss):
        return jax.jit(jax.vmap(jax.value_and_grad(lambda r: loss(r[None], zero))))(r)

    figure = Figure(figsize=(4.4, 4.8), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True)
    losses = {"mse": pn.mse, "mae": pn.mae, "huber": pn.huber}
    for (name, loss), style in zip(losses.items(), ("-", "--", "-."), strict=True):
        value, slope = value_and_slope(loss)
        above.plot(r, value, style, label=name)
        below.plot(r, slope, style, label=name)
    above.set(title="loss", ylim=(-0.2, 4))
    below.set(title="slope of the loss", ylim=(-3, 3), xlabel="error r = p − t")
    above.legend(loc="upper center")
    return figure


def too_much_too_little() -> str:
    """The probabilities of a row of five classes, and the derivative of its loss."""
    z, right = np.array([[1.5, -0.5, 0.9, 0.2, -1.0]], np.float32), 2
    a = np.asarray(pn.softmax(z))[0]
    _, saved = pn.softmax_cross_entropy.forward(z, np.array([right]))
    dz = np.asarray(pn.softmax_cross_entropy.backward(saved, jnp.ones(())))[0]
    scale, parts = 90, [marks.text(170, 12, "probabilities a"), marks.text(170, 118, "dz = a − y")]
    for i, letter in enumerate("ABCDE"):
        x, color = 25 + 60 * i, marks.POSITIVE if dz[i] > 0 else marks.NEGATIVE
        high, size = scale * float(a[i]), scale * abs(float(dz[i]))
        edge = marks.INK if i == right else "none"
        parts += [
            marks.box(x, 90 - high, 46, high, fill=marks.FORWARD, color=edge),
            marks.text(x + 23, 90 - high - 10, marks.number(a[i]), size=13),
            marks.box(x, 188 - size if dz[i] > 0 else 188, 46, size, fill=color, color=edge),
            marks.text(
                x + 23,
                188 - size - 10 if dz[i] > 0 else 188 + size + 11,
                marks.number(dz[i]),
                size=13,
            ),
            marks.text(x + 23, 292, letter),
        ]
    parts += [marks.line(12, y, 328, y, width=1) for y in (90, 188)]
    return marks.svg(340, 306, *parts)


def smoothing() -> Figure:
    """The loss of a row of two classes along the difference of its logits."""
    apart = np.linspace(-2, 8, 61, dtype=np.float32)
    labels = np.zeros(1, int)

    def along(share):
        loss = partial(pn.softmax_cross_entropy, label_smoothing=share)
        return jax.jit(jax.vmap(lambda d: loss(jnp.stack([d, 0 * d])[None], labels)))(apart)

    figure = Figure(figsize=(4.8, 3), layout="constrained")
    axes = figure.subplots()
    axes.plot(apart, along(0.0), label="one-hot")
    smoothed = np.asarray(along(0.1))
    axes.plot(apart, smoothed, "--", label="label_smoothing=0.1")
    axes.axvline(np.log(19), color=INK, linewidth=0.8)
    axes.annotate("ln 19", (np.log(19), 1.6), xytext=(5, 0), textcoords="offset points")
    axes.set_xlabel("logit of the right class − other logit")
    axes.set_ylabel("loss")
    axes.legend()
    return figure


def price_of_a_probability() -> Figure:
    """The loss of one example against the probability of its right answer."""
    p = np.geomspace(1e-3, 1, 120, dtype=np.float32)
    right = np.ones(1, np.float32)

    def price(loss):
        return jax.jit(jax.vmap(lambda p: loss(p[None], right)))(p)

    figure = Figure(figsize=(4.8, 3.2), layout="constrained")
    axes = figure.subplots()
    axes.plot(p, price(pn.binary_cross_entropy), color=SERIES[0], label="cross-entropy, −ln p")
    axes.plot(p, price(pn.mse), "--", color=SERIES[1], label="squared error, (1 − p)²")
    axes.set_xlabel("probability given to the right answer")
    axes.set_ylabel("loss")
    axes.legend()
    return figure


def derivative_by_logit() -> Figure:
    """`dz` of one output with target 1, on three paths from the logit to a loss."""
    z = np.linspace(-30, 10, 161, dtype=np.float32)[:, None]
    target, one, n = np.ones_like(z), jnp.ones(()), z.size

    @jax.jit
    def of_the_logit():
        _, cache = pn.sigmoid_binary_cross_entropy.forward(z, target)
        return n * pn.sigmoid_binary_cross_entropy.backward(cache, one)

    @partial(jax.jit, static_argnums=0)
    def through_sigmoid(loss):
        p, sigmoid_cache = pn.sigmoid.forward(z)
        _, cache = loss.forward(p, target)
        return n * pn.sigmoid.backward(sigmoid_cache, loss.backward(cache, one))

    paths = {
        "cross-entropy of the logit": of_the_logit(),
        "sigmoid, then cross-entropy of p": through_sigmoid(pn.binary_cross_entropy),
        "sigmoid, then squared error": through_sigmoid(pn.mse),
    }
    figure = Figure(figsize=(4.8, 3.8), layout="constrained")
    axes = figure.subplots()
    looks = zip(SERIES[1:], (4.5, 1.8, 1.8), ("-", "--", "-."), strict=True)
    for (name, dz), (color, width, style) in zip(paths.items(), looks, strict=True):
        axes.plot(z, dz, style, color=color, label=name, linewidth=width)
    axes.set_xlabel("logit z; the target is 1")
    axes.set_ylabel("derivative with respect to z")
    figure.legend(loc="outside upper left")
    return figure
