"""RMS normalization of a sum that is also returned: y[0] is the sum h, and y[1] is its norm.

quack, pull request 53: what comes back through h was added before the derivative of the norm
instead of after it, so it went through the norm too.
"""

import numpy as np


def norm(h):
    return h / np.sqrt(np.mean(h**2, axis=-1, keepdims=True))


def norm_backward(h, dy):
    r = 1 / np.sqrt(np.mean(h**2, axis=-1, keepdims=True))
    return r * dy - r**3 * h * np.mean(dy * h, axis=-1, keepdims=True)


def forward(x, residual):
    h = x + residual
    return np.stack([h, norm(h)])


def backward(x, residual, dy):
    dh = norm_backward(x + residual, dy[0] + dy[1])
    return dh, dh


def fixed(x, residual, dy):
    dh = dy[0] + norm_backward(x + residual, dy[1])
    return dh, dh


def arguments():
    rng = np.random.default_rng(0)
    return rng.normal(size=(3, 4)), rng.normal(size=(3, 4))


if __name__ == "__main__":
    import purenn as pn

    print(pn.check_gradients(forward, backward, *arguments()))
