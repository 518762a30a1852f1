"""Figures of course/batch-norm.md."""

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
from jax import lax
from matplotlib.figure import Figure
from table import jit_quickly

import purenn as pn
from purenn.layers.batch_norm import BatchNormParams, BatchNormState

GAMMA, BETA, EPSILON = 2.0, 1.0, 1e-5
X, DY = np.array([1.0, 3.0, 4.0, 8.0]), np.array([1.0, 0.0, -1.0, 2.0])


def graph() -> str:
    """The graph of one channel of four values, with what goes forward and what comes back."""
    layer = pn.batch_norm(epsilon=EPSILON)
    x, dy = (jnp.asarray(a[:, None], jnp.float32) for a in (X, DY))
    params = BatchNormParams(jnp.array([GAMMA]), jnp.array([BETA]))
    y, _, saved = layer.forward(params, BatchNormState(jnp.zeros(1), jnp.ones(1)), x, train=True)
    dparams, dx = layer.backward(params, saved, dy)

    # The two of the statistics are not in purenn's simplified form: autodiff of the last part.
    def after(x, mean, var):
        return GAMMA * (x - mean) / jnp.sqrt(var + EPSILON) + BETA

    mean, var = jnp.mean(x), jnp.var(x)
    _, back = jax.vjp(after, x, mean, var)
    direct, _, dvar = back(dy)
    dmean = -jnp.sum(direct)  # what σ² passes on to μ is zero
    x_hat = (y - BETA) / GAMMA

    def show(values):
        return ", ".join(f"{v:.2f}".replace("-", "−") for v in np.ravel(values))

    boxes = {  # name: (centre x, centre y, formula, forward, backward)
        "x": (280, 40, "x", show(x), show(dx)),
        "μ": (120, 150, "μ = mean of x", show(mean), show(dmean)),
        "σ²": (120, 260, "σ² = mean of (x − μ)²", show(var), show(dvar)),
        "x̂": (300, 370, "x̂ = (x − μ) / √(σ² + ε)", show(x_hat), show(GAMMA * dy)),
        "y": (300, 480, "y = γ x̂ + β", show(y), show(dy)),
        "γ": (94, 480, "γ", show(GAMMA), show(dparams.gamma)),
        "β": (506, 480, "β", show(BETA), show(dparams.beta)),
    }
    widths = {"μ": 190, "σ²": 190, "γ": 96, "β": 96}
    arrows = [
        ((230, 74), (150, 116)),  # x to μ
        ((300, 74), (217, 240)),  # x to σ²
        ((370, 74), (370, 336)),  # x to x̂
        ((110, 184), (110, 226)),  # μ to σ²
        ((215, 160), (300, 336)),  # μ to x̂
        ((150, 294), (225, 336)),  # σ² to x̂
        ((300, 404), (300, 446)),  # x̂ to y
        ((142, 480), (174, 480)),  # γ to y
        ((458, 480), (426, 480)),  # β to y
    ]
    parts = [
        '<svg viewBox="0 0 560 526" style="max-width: 620px" font-size="15" text-anchor="middle">'
        '<defs><marker id="bn-head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" '
        'markerHeight="8" orient="auto"><path d="M0 0L8 4L0 8z" fill="var(--figure-ink)"/>'
        "</marker></defs>"
    ]
    parts += [
        f'<line x1="{a}" y1="{b}" x2="{c}" y2="{d}" stroke="var(--figure-ink)" '
        f'stroke-width="1.3" marker-end="url(#bn-head)"/>'
        for (a, b), (c, d) in arrows
    ]
    for name, (cx, cy, formula, forward, backward) in boxes.items():
        width = widths.get(name, 250)
        parts.append(
            f'<rect x="{cx - width / 2}" y="{cy - 34}" width="{width}" height="68" rx="6" '
            f'fill="var(--figure-paper)" stroke="var(--figure-ink)"/>'
            f'<text x="{cx}" y="{cy - 15}" fill="var(--figure-ink)">{formula}</text>'
            f'<text x="{cx}" y="{cy + 6}" fill="var(--figure-blue)">{forward}</text>'
            f'<text x="{cx}" y="{cy + 26}" fill="var(--figure-orange)">{backward}</text>'
        )
    return "".join(parts) + "</svg>"


def with_and_without() -> Figure:
    """Eight hidden layers of 32 on 1,000 digits, weights a third of He's size, two rates."""
    (x, y), _ = pn.load_mnist("examples/data/mnist")
    x, y = x[:1000], y[:1000]

    def small(key, shape, dtype=jnp.float32):
        return pn.initializers.he_normal(key, shape, dtype) / 3

    def losses(normalise):
        parts = []
        for _ in range(8):
            parts += [
                pn.dense(32, w_init=small),
                *([pn.batch_norm()] if normalise else []),
                pn.relu,
            ]
        model = pn.serial(pn.rescale(), pn.flatten(), *parts, pn.dense(10, w_init=small))

        def run(rate):
            train = pn.training_run(
                model, pn.softmax_cross_entropy, pn.sgd(rate), epochs=4, batch_size=50
            )
            return train(jax.random.key(0), x, y)[1].reshape(-1)

        return np.asarray(jit_quickly(lambda rates: lax.map(run, rates))(jnp.array(RATES)))

    figure, axes = plt.subplots(1, 2, figsize=(7, 3), sharey=True)
    for panel, normalise in zip(axes, (False, True), strict=True):
        for curve, rate, style in zip(losses(normalise), RATES, ("-", "--"), strict=True):
            smooth = np.convolve(curve, np.ones(8) / 8, mode="valid")
            panel.plot(smooth, style, label=f"rate {rate:g}")
        panel.set(title="with batch norm" if normalise else "without", xlabel="step", ylim=(0, 3))
    axes[0].set_ylabel("loss")
    axes[1].legend(fontsize=8)
    return figure


RATES = (0.03, 0.3)
