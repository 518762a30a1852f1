"""The equations of course/batch-norm.md: batch norm, layer norm, and group norm."""

import jax
import jax.numpy as jnp
import numpy as np

import purenn as pn
from purenn.layers.batch_norm import BatchNormParams, BatchNormState
from purenn.layers.group_norm import GroupNormParams
from purenn.layers.layer_norm import LayerNormParams
from sitetools.equations.passes import passes
from sitetools.equations.registry import equation

EPSILON, MOMENTUM = 1e-5, 0.8
BATCH = "purenn.layers.batch_norm:batch_norm"
LAYER = "purenn.layers.layer_norm:layer_norm"
GROUP, GROUPS = "purenn.layers.group_norm:group_norm", 2


def drawn(rng):
    """Values and dy (m, n), and gamma, beta (n,)."""
    x, dy = rng.normal(1, 2, size=(2, 6, 4))
    gamma, beta = rng.normal(size=(2, 4))
    return x, dy, gamma, beta, EPSILON


def with_running(rng):
    """And running statistics."""
    return *drawn(rng), rng.normal(size=4), rng.uniform(0.5, 2, size=4), MOMENTUM


def as_float64(tree):
    return jax.tree.map(lambda a: jnp.asarray(a, jnp.float64), tree)


def run_batch_norm(x, dy, gamma, beta, epsilon, mean=0.0, var=1.0, momentum=0.9, train=True):
    """`y, state, dgamma, dbeta, dx` out of the package."""
    layer = pn.batch_norm(momentum=momentum, epsilon=epsilon)
    params = BatchNormParams(*as_float64((gamma, beta)))
    state = as_float64(BatchNormState(mean + 0 * gamma, var + 0 * gamma))
    y, state, cache = layer.forward(params, state, x, train=train)
    dparams, dx = layer.backward(params, cache, dy)
    return y, state, dparams.gamma, dparams.beta, dx


def run_layer_norm(x, dy, gamma, beta, epsilon):
    """`y, dgamma, dbeta, dx` out of the package."""
    layer = pn.layer_norm(epsilon=epsilon)
    params = LayerNormParams(*as_float64((gamma, beta)))
    y, dparams, dx = passes(layer, params, x, dy)
    return y, dparams.gamma, dparams.beta, dx


def by_batch_norm(i):
    return lambda *arguments: run_batch_norm(*arguments)[i]


def by_layer_norm(i):
    return lambda *arguments: run_layer_norm(*arguments)[i]


@equation(
    "batch_norm.y",
    source=f"{BATCH}.forward",
    line="gamma * _normalized(saved) + beta",
    by_purenn=by_batch_norm(0),
    inputs=drawn,
)
def batch_norm_y(x, dy, gamma, beta, epsilon):
    mu = x.mean(axis=0)
    var = ((x - mu) ** 2).mean(axis=0)
    x_hat = (x - mu) / np.sqrt(var + epsilon)
    return gamma * x_hat + beta


def normalized(x, epsilon, axis=0):
    """x̂ and the root under it."""
    mu = x.mean(axis=axis, keepdims=True)
    s = np.sqrt(((x - mu) ** 2).mean(axis=axis, keepdims=True) + epsilon)
    return (x - mu) / s, s


@equation(
    "batch_norm.dgamma",
    source=f"{BATCH}.backward",
    line="dgamma = jnp.sum(dy * x_hat, axes)",
    by_purenn=by_batch_norm(2),
    inputs=drawn,
)
def batch_norm_dgamma(x, dy, gamma, beta, epsilon):
    x_hat, _ = normalized(x, epsilon)
    return (dy * x_hat).sum(axis=0)


@equation(
    "batch_norm.dbeta",
    source=f"{BATCH}.backward",
    line="dbeta = jnp.sum(dy, axes)",
    by_purenn=by_batch_norm(3),
    inputs=drawn,
)
def batch_norm_dbeta(x, dy, gamma, beta, epsilon):
    return dy.sum(axis=0)


@equation(
    "batch_norm.dx",
    source=f"{BATCH}.backward",
    line="dx = dx_hat - through_mean - through_var",
    by_purenn=by_batch_norm(4),
    inputs=drawn,
)
def batch_norm_dx(x, dy, gamma, beta, epsilon):
    x_hat, s = normalized(x, epsilon)
    dx_hat = gamma * dy
    through_mean = dx_hat.mean(axis=0)
    through_var = x_hat * (dx_hat * x_hat).mean(axis=0)
    return (dx_hat - through_mean - through_var) / s


@equation(
    "batch_norm.running",
    source=f"{BATCH}.running",
    line="share * kept",
    by_purenn=by_batch_norm(1),
    inputs=with_running,
)
def batch_norm_running(x, dy, gamma, beta, epsilon, mean, var, momentum):
    mu = x.mean(axis=0)
    sigma2 = ((x - mu) ** 2).mean(axis=0)
    return (
        momentum * mean + (1 - momentum) * mu,
        momentum * var + (1 - momentum) * sigma2,
    )


@equation(
    "batch_norm.y_evaluated",
    source=f"{BATCH}.forward",
    line="wide(state.mean), None, wide(state.var)",
    by_purenn=lambda *arguments: run_batch_norm(*arguments, train=False)[0],
    inputs=with_running,
)
def batch_norm_y_evaluated(x, dy, gamma, beta, epsilon, mean, var, momentum):
    return gamma * (x - mean) / np.sqrt(var + epsilon) + beta


@equation(
    "batch_norm.dx_evaluated",
    source=f"{BATCH}.backward",
    line="dx = dx_hat = dy * per_feature(wide(params.gamma), dy)",
    by_purenn=lambda *arguments: run_batch_norm(*arguments, train=False)[4],
    inputs=with_running,
)
def batch_norm_dx_evaluated(x, dy, gamma, beta, epsilon, mean, var, momentum):
    return gamma * dy / np.sqrt(var + epsilon)


@equation(
    "layer_norm.y",
    source=f"{LAYER}.forward",
    line="gamma * normalized(saved) + beta",
    by_purenn=by_layer_norm(0),
    inputs=drawn,
)
def layer_norm_y(x, dy, gamma, beta, epsilon):
    mu = x.mean(axis=1, keepdims=True)
    var = ((x - mu) ** 2).mean(axis=1, keepdims=True)
    x_hat = (x - mu) / np.sqrt(var + epsilon)
    return gamma * x_hat + beta


@equation(
    "layer_norm.dgamma",
    source=f"{LAYER}.backward",
    line="dgamma = jnp.sum(dy * x_hat, rows)",
    by_purenn=by_layer_norm(1),
    inputs=drawn,
)
def layer_norm_dgamma(x, dy, gamma, beta, epsilon):
    x_hat, _ = normalized(x, epsilon, axis=1)
    return (dy * x_hat).sum(axis=0)  # over the rows, whatever the statistics were taken over


@equation(
    "layer_norm.dbeta",
    source=f"{LAYER}.backward",
    line="dbeta = jnp.sum(dy, rows)",
    by_purenn=by_layer_norm(2),
    inputs=drawn,
)
def layer_norm_dbeta(x, dy, gamma, beta, epsilon):
    return dy.sum(axis=0)


@equation(
    "layer_norm.dx",
    source=f"{LAYER}.backward",
    line="(dx_hat - through_mean - through_var) * saved.inv_std",
    by_purenn=by_layer_norm(3),
    inputs=drawn,
)
def layer_norm_dx(x, dy, gamma, beta, epsilon):
    x_hat, s = normalized(x, epsilon, axis=1)
    dx_hat = gamma * dy
    through_mean = dx_hat.mean(axis=1, keepdims=True)
    through_var = x_hat * (dx_hat * x_hat).mean(axis=1, keepdims=True)
    return (dx_hat - through_mean - through_var) / s


def drawn_images(rng):
    """Values and dy (m, places, channels), and gamma, beta (channels,)."""
    x, dy = rng.normal(1, 2, size=(2, 3, 5, 6))
    gamma, beta = rng.normal(size=(2, 6))
    return x, dy, gamma, beta, EPSILON


def by_group_norm(i):
    """One of `y, dgamma, dbeta, dx` out of the package."""

    def run(x, dy, gamma, beta, epsilon):
        layer = pn.group_norm(GROUPS, epsilon=epsilon)
        params = GroupNormParams(*as_float64((gamma, beta)))
        y, dparams, dx = passes(layer, params, x, dy)
        return (y, dparams.gamma, dparams.beta, dx)[i]

    return run


def grouped(x):
    """Images with the channels of a group along an axis of their own."""
    return x.reshape(*x.shape[:2], GROUPS, -1)


@equation(
    "group_norm.y",
    source=f"{GROUP}.forward",
    line="y = gamma * normalized(saved) + beta",
    by_purenn=by_group_norm(0),
    inputs=drawn_images,
)
def group_norm_y(x, dy, gamma, beta, epsilon):
    x_hat, _ = normalized(grouped(x), epsilon, axis=(1, 3))
    return gamma * x_hat.reshape(x.shape) + beta


@equation(
    "group_norm.dgamma",
    source=f"{GROUP}.backward",
    line="dgamma = jnp.sum(dy * x_hat, rows)",
    by_purenn=by_group_norm(1),
    inputs=drawn_images,
)
def group_norm_dgamma(x, dy, gamma, beta, epsilon):
    x_hat, _ = normalized(grouped(x), epsilon, axis=(1, 3))
    return (dy * x_hat.reshape(x.shape)).sum(axis=(0, 1))


@equation(
    "group_norm.dbeta",
    source=f"{GROUP}.backward",
    line="dbeta = jnp.sum(dy, rows)",
    by_purenn=by_group_norm(2),
    inputs=drawn_images,
)
def group_norm_dbeta(x, dy, gamma, beta, epsilon):
    return dy.sum(axis=(0, 1))


@equation(
    "group_norm.dx",
    source=f"{GROUP}.backward",
    line="(dx_hat - through_mean - through_var) * inv_std",
    by_purenn=by_group_norm(3),
    inputs=drawn_images,
)
def group_norm_dx(x, dy, gamma, beta, epsilon):
    x_hat, s = normalized(grouped(x), epsilon, axis=(1, 3))
    dx_hat = grouped(gamma * dy)
    through_mean = dx_hat.mean(axis=(1, 3), keepdims=True)
    through_var = x_hat * (dx_hat * x_hat).mean(axis=(1, 3), keepdims=True)
    return ((dx_hat - through_mean - through_var) / s).reshape(x.shape)
