"""The equations of course/losses.md."""

from functools import partial

import jax.numpy as jnp
import numpy as np

import purenn as pn
from purenn.ops.means import mean_of_elements
from sitetools.equations.registry import equation

BINARY = "purenn.ops.binary_cross_entropy"
CATEGORICAL = "purenn.ops.categorical_cross_entropy"


def numbers(rng):
    """Predictions and targets of 5 examples and 3 outputs."""
    return rng.normal(size=(5, 3)), rng.normal(size=(5, 3))


def probabilities(rng):
    """Probabilities, and targets of 0, 1, and between."""
    return rng.uniform(0.05, 0.95, size=(5, 3)), rng.choice([0.0, 1.0, 0.3], size=(5, 3))


def logits(rng):
    """Logits on both sides of 0, and the same targets."""
    return rng.normal(size=(5, 3), scale=3), rng.choice([0.0, 1.0, 0.3], size=(5, 3))


def rows(rng):
    """Rows that sum to one, and rows of targets that do."""
    return rng.dirichlet(np.ones(4), size=5), rng.dirichlet(np.ones(4), size=5)


def logit_rows(rng):
    """Logits of 5 examples and 4 classes, and rows of targets."""
    return rng.normal(size=(5, 4), scale=3), rng.dirichlet(np.ones(4), size=5)


def by_hand(op, **options):
    """The derivative with respect to the first argument, by the op's forward and backward."""

    def dx(x, targets):
        _, cache = op.forward(x, targets, **options)
        return op.backward(cache, 1.0)

    return dx


@equation(
    "mse",
    source="purenn.ops.mse:_mse",
    line="mean.forward(wide(error) ** 2)",
    by_purenn=pn.mse,
    inputs=numbers,
)
def mse(p, t):
    return ((p - t) ** 2).sum() / p.size


@equation(
    "mse.dp",
    source="purenn.ops.mse:_mse_backward",
    line="2 * mean.backward(dy) * wide(error)",
    by_purenn=by_hand(pn.mse),
    inputs=numbers,
)
def mse_dp(p, t):
    return 2 / p.size * (p - t)


@equation(
    "mae",
    source="purenn.ops.mae:_mae",
    line="mean.forward(jnp.abs(wide(error)))",
    by_purenn=pn.mae,
    inputs=numbers,
)
def mae(p, t):
    return np.abs(p - t).sum() / p.size


@equation(
    "mae.dp",
    source="purenn.ops.mae:_mae_backward",
    line="jnp.sign(wide(error)) * mean.backward(dy)",
    by_purenn=by_hand(pn.mae),
    inputs=numbers,
)
def mae_dp(p, t):
    return np.sign(p - t) / p.size


@equation(
    "huber",
    source="purenn.ops.huber:_huber",
    line="terms = clipped * (e - clipped / 2)",
    by_purenn=partial(pn.huber, delta=0.7),
    inputs=numbers,
)
def huber(p, t, delta=0.7):
    e = p - t
    terms = np.where(np.abs(e) <= delta, e**2 / 2, delta * np.abs(e) - delta**2 / 2)
    return terms.sum() / p.size


@equation(
    "huber.dp",
    source="purenn.ops.huber:_huber_backward",
    line="clipped = jnp.clip(",
    by_purenn=by_hand(pn.huber, delta=0.7),
    inputs=numbers,
)
def huber_dp(p, t, delta=0.7):
    return np.minimum(np.maximum(p - t, -delta), delta) / p.size


@equation(
    "binary_cross_entropy",
    source=f"{BINARY}:_binary_cross_entropy",
    line="loss = mean.forward(",
    by_purenn=pn.binary_cross_entropy,
    inputs=probabilities,
)
def binary_cross_entropy(p, t):
    return -(t * np.log(p) + (1 - t) * np.log(1 - p)).sum() / p.size


@equation(
    "binary_cross_entropy.dp",
    source=f"{BINARY}:_binary_cross_entropy_backward",
    line="(1 - t) / (1 - p) - t / p",
    by_purenn=by_hand(pn.binary_cross_entropy),
    inputs=probabilities,
)
def binary_cross_entropy_dp(p, t):
    return (-t / p + (1 - t) / (1 - p)) / p.size


@equation(
    "sigmoid_binary_cross_entropy",
    source=f"{BINARY}:_sigmoid_binary_cross_entropy",
    line="jax.nn.softplus(-size) + excess",
    by_purenn=pn.sigmoid_binary_cross_entropy,
    inputs=logits,
)
def sigmoid_binary_cross_entropy(z, t):
    return (np.log(1 + np.exp(z)) - z * t).sum() / z.size


@equation(
    "sigmoid_binary_cross_entropy.stable",
    source=f"{BINARY}:_sigmoid_binary_cross_entropy",
    line="size, wrong = ",
    by_purenn=pn.sigmoid_binary_cross_entropy,
    inputs=logits,
)
def sigmoid_binary_cross_entropy_stable(z, t):
    wrong = np.where(z > 0, 1 - t, t)
    return (np.log(1 + np.exp(-np.abs(z))) + np.abs(z) * wrong).sum() / z.size


@equation(
    "sigmoid_binary_cross_entropy.dz",
    source=f"{BINARY}:_sigmoid_binary_cross_entropy_backward",
    line="(jax.nn.sigmoid(wide(saved.x)) - wide(saved.targets)) * saved.mean",
    by_purenn=by_hand(pn.sigmoid_binary_cross_entropy),
    inputs=logits,
)
def sigmoid_binary_cross_entropy_dz(z, t):
    return (1 / (1 + np.exp(-z)) - t) / z.size


@equation(
    "categorical_cross_entropy",
    source=f"{CATEGORICAL}:_categorical_cross_entropy",
    line="terms = jnp.where(valid, wide(y) * log_p, jnp.nan)",
    by_purenn=pn.categorical_cross_entropy,
    inputs=rows,
)
def categorical_cross_entropy(a, y):
    m = len(a)
    return -(y * np.log(a)).sum() / m


@equation(
    "categorical_cross_entropy.da",
    source=f"{CATEGORICAL}:_categorical_cross_entropy_backward",
    line="-wide(y) / jnp.where(p > CLIP, wide(p), 1)",
    by_purenn=by_hand(pn.categorical_cross_entropy),
    inputs=rows,
)
def categorical_cross_entropy_da(a, y):
    m = len(a)
    return -y / a / m


@equation(
    "softmax_cross_entropy",
    source=f"{CATEGORICAL}:_softmax_cross_entropy",
    line="terms = y * jnp.where(",
    by_purenn=pn.softmax_cross_entropy,
    inputs=logit_rows,
)
def softmax_cross_entropy(z, y):
    m = len(z)
    return (np.log(np.exp(z).sum(axis=1)) - (y * z).sum(axis=1)).sum() / m


@equation(
    "softmax_cross_entropy.shifted",
    source=f"{CATEGORICAL}:_softmax_cross_entropy",
    line="log_p = z - jnp.log(total)",
    by_purenn=pn.softmax_cross_entropy,
    inputs=logit_rows,
)
def softmax_cross_entropy_shifted(z, y):
    m = len(z)
    s = z - z.max(axis=1, keepdims=True)
    log_a = s - np.log(np.exp(s).sum(axis=1, keepdims=True))
    return -(y * log_a).sum() / m


@equation(
    "softmax_cross_entropy.dz",
    source=f"{CATEGORICAL}:_softmax_cross_entropy_backward",
    line="wide(error) * mean.backward(dy)",
    by_purenn=by_hand(pn.softmax_cross_entropy),
    inputs=logit_rows,
)
def softmax_cross_entropy_dz(z, y):
    m = len(z)
    a = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    return (a - y) / m


# Weights and label smoothing.

MEAN = "purenn.ops.means:Mean"


def terms_and_weights(rng):
    """The losses of six answers, and their weights."""
    return rng.normal(size=6), np.array([1.0, 0.0, 2.0, 0.5, 0.0, 1.0])


def mean_of(terms, weights):
    """The mean that every loss takes of its terms."""
    return mean_of_elements("", "", jnp.asarray(terms), weights)


@equation(
    "losses.weights",
    source=f"{MEAN}.forward",
    line="self.weights / self.total * terms",
    by_purenn=lambda terms, w: mean_of(terms, w).forward(jnp.asarray(terms)),
    inputs=terms_and_weights,
)
def weights(terms, w):
    return (w * terms).sum() / w.sum()


@equation(
    "losses.weights.dl",
    source=f"{MEAN}.backward",
    line="self.weights / self.total * wide(dy)",
    by_purenn=lambda terms, w: mean_of(terms, w).backward(jnp.ones(())),
    inputs=terms_and_weights,
)
def weights_dl(terms, w):
    return w / w.sum()


@equation(
    "softmax_cross_entropy.smoothed",
    source=f"{CATEGORICAL}:_softmax_cross_entropy",
    line="y = (1 - smoothing) * y + smoothing / y.shape[-1]",
    by_purenn=partial(pn.softmax_cross_entropy, label_smoothing=0.2),
    inputs=logit_rows,
)
def softmax_cross_entropy_smoothed(z, y, s=0.2):
    m, k = y.shape
    smooth = (1 - s) * y + s / k
    a = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    return -(smooth * np.log(a)).sum() / m


@equation(
    "softmax_cross_entropy.smoothed.dz",
    source=f"{CATEGORICAL}:_softmax_cross_entropy_backward",
    line="wide(error) * mean.backward(dy)",
    by_purenn=by_hand(pn.softmax_cross_entropy, label_smoothing=0.2),
    inputs=logit_rows,
)
def softmax_cross_entropy_smoothed_dz(z, y, s=0.2):
    m, k = y.shape
    smooth = (1 - s) * y + s / k
    a = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    return (a - smooth) / m
