"""`batch_norm`: the backward pass in training and in evaluation."""

import numpy as np

import purenn as pn
from grading.part import Part, derivatives, generator, sizes
from purenn.layers.batch_norm import BatchNormParams, BatchNormState

NAMES = ("dx", "dgamma", "dbeta")


def data(seed):
    rng = generator("batch_norm", seed)
    m, n = sizes(rng, 2)
    x, gamma, beta = rng.normal(size=(m, n)), rng.normal(size=n), rng.normal(size=n)
    return (x, gamma, beta), BatchNormState(rng.normal(size=n), 1 + rng.uniform(size=n))


def layer(seed, train):
    _, state = data(seed)

    def forward(x, gamma, beta):
        params = BatchNormParams(gamma, beta)
        return pn.batch_norm(epsilon=1e-5).forward(params, state, x, train=train)[0]

    return forward


EPSILON = 1e-5


def normalized(x, mean, var):
    """Return x hat and the standard deviation."""
    std = np.sqrt(var + EPSILON)
    return (x - mean) / std, std


def dx_of(x, gamma, dy, statistics=None, *, mean=True, var=True, scale=True, std=True):
    """The derivative with respect to x in training, without some of its terms.

    Instead of the batch's mean and variance, it can use other statistics.
    """
    x_hat, root = normalized(x, *(statistics or (x.mean(0), x.var(0))))
    d = dy * gamma if scale else dy
    dx = d - mean * d.mean(0) - var * x_hat * (d * x_hat).mean(0)
    return dx / root if std else dx


IN_TRAINING = {
    "dx": {
        "the path through the mean is missing": (
            lambda x, gamma, beta, dy: dx_of(x, gamma, dy, mean=False)
        ),
        "the path through the variance is missing": (
            lambda x, gamma, beta, dy: dx_of(x, gamma, dy, var=False)
        ),
        "the paths through the mean and the variance are missing: both depend on x": (
            lambda x, gamma, beta, dy: dx_of(x, gamma, dy, mean=False, var=False)
        ),
        "gamma is left out": lambda x, gamma, beta, dy: dx_of(x, gamma, dy, scale=False),
        "the division by the standard deviation is missing": (
            lambda x, gamma, beta, dy: dx_of(x, gamma, dy, std=False)
        ),
    },
    "dgamma": {
        "yours has x instead of the normalized x": lambda x, gamma, beta, dy: (dy * x).sum(0),
        "yours is multiplied by gamma": (
            lambda x, gamma, beta, dy: gamma * (dy * normalized(x, x.mean(0), x.var(0))[0]).sum(0)
        ),
        "the normalized x is left out": lambda x, gamma, beta, dy: dy.sum(0),
    },
    "dbeta": {"yours is multiplied by gamma": lambda x, gamma, beta, dy: (dy * gamma).sum(0)},
}


def in_evaluation(mean, var):
    return {
        "dx": {
            "this is the derivative in training: here, mean and var do not depend on x": (
                lambda x, gamma, beta, dy: dx_of(x, gamma, dy)
            ),
            "the formula of training with the given mean and var: they do not depend on x": (
                lambda x, gamma, beta, dy: dx_of(x, gamma, dy, (mean, var))
            ),
            "gamma is left out": lambda x, gamma, beta, dy: dy / np.sqrt(var + EPSILON),
            "the division by the standard deviation is missing": (
                lambda x, gamma, beta, dy: dy * gamma
            ),
        },
        "dgamma": {
            "x is normalized with the batch's statistics instead of the given mean and var": (
                lambda x, gamma, beta, dy: (dy * normalized(x, x.mean(0), x.var(0))[0]).sum(0)
            ),
            "yours has x instead of the normalized x": lambda x, gamma, beta, dy: (dy * x).sum(0),
        },
    }


def backward(student, seed):
    return derivatives(NAMES, layer(seed, True), student, *data(seed)[0], mistakes=IN_TRAINING)


def evaluation_backward(student, seed):
    arguments, (mean, var) = data(seed)

    def with_statistics(x, gamma, beta, dy):
        return student(x, gamma, beta, mean.copy(), var.copy(), dy)

    known = in_evaluation(mean, var)
    return derivatives(NAMES, layer(seed, False), with_statistics, *arguments, mistakes=known)


PARTS = (
    Part("backward", NAMES, backward),
    Part("evaluation_backward", NAMES, evaluation_backward),
)
