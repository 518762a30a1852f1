"""RMS normalization that returns no derivative with respect to its weight.

unsloth, issue 4533: in full fine-tuning, the weights of the norms never changed.
"""

import numpy as np

EPS = 1e-5


def forward(x, w):
    return w * x / np.sqrt(np.mean(x**2, axis=-1, keepdims=True) + EPS)


def input_derivative(x, w, dy):
    r = 1 / np.sqrt(np.mean(x**2, axis=-1, keepdims=True) + EPS)
    return r * w * dy - r**3 * x * np.mean(dy * w * x, axis=-1, keepdims=True)


def backward(x, w, dy):
    return input_derivative(x, w, dy), None


def fixed(x, w, dy):
    dw = dy * x / np.sqrt(np.mean(x**2, axis=-1, keepdims=True) + EPS)
    return input_derivative(x, w, dy), np.sum(dw, axis=0)


def arguments():
    rng = np.random.default_rng(0)
    return rng.normal(size=(3, 4)), rng.normal(size=4)


if __name__ == "__main__":
    import purenn as pn

    print(pn.check_gradients(forward, backward, *arguments()))
