"""Exercise `batch_norm`: the backward pass, including the paths through the mean and the variance.

    mu    = 1/m Σ x                   x: (m, n); sums are over the m examples, axis 0
    var   = 1/m Σ (x - mu)²           mu, var: (n,)
    x_hat = (x - mu) / sqrt(var + ε)  x_hat: (m, n), ε = 1e-5
    y     = gamma x_hat + beta        gamma, beta: (n,)

Each x changes its own x_hat and, through mu and var, every other x_hat in its
column. `backward` is for training. In evaluation, mu and var are fixed numbers,
the running statistics, so each x changes only its own y. Write the backward
pass for this case in `evaluation_backward`.

To check your result: each column of dx sums to 0, because adding one number
to a whole column of x changes no y.

Grade it with: python examples/teaching/grade.py THIS_FILE
"""

import numpy as np

EPSILON = 1e-5

EXERCISE = "batch_norm"
SEED = 0


def forward(x, gamma, beta):
    """Return y in training; nothing to do here."""
    x_hat = (x - x.mean(0)) / np.sqrt(x.var(0) + EPSILON)
    return gamma * x_hat + beta


def backward(x, gamma, beta, dy):
    """Return dx, dgamma, dbeta in training."""
    raise NotImplementedError("dx, dgamma, dbeta")


def evaluation_backward(x, gamma, beta, mean, var, dy):
    """Return dx, dgamma, dbeta in evaluation: mean and var are constants."""
    raise NotImplementedError("dx, dgamma, dbeta")


if __name__ == "__main__":  # something to look at while you work
    x = np.random.default_rng(0).normal(size=(4, 2))
    print(forward(x, np.ones(2), np.zeros(2)))
