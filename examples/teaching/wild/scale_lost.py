"""Linear attention, (q kᵀ) v / sqrt(d), whose backward leaves out the scale.

flash-linear-attention, issue 47: with a scale of 1, everything is right, but the default is
1/sqrt(d).
"""

import numpy as np


def forward(q, k, v):
    return q @ k.T @ v / np.sqrt(q.shape[-1])


def backward(q, k, v, dy):
    ds = dy @ v.T
    return ds @ k, ds.T @ q, (q @ k.T).T @ dy / np.sqrt(q.shape[-1])


def fixed(q, k, v, dy):
    ds = dy @ v.T / np.sqrt(q.shape[-1])
    return ds @ k, ds.T @ q, (q @ k.T).T @ dy / np.sqrt(q.shape[-1])


def arguments():
    rng = np.random.default_rng(0)
    return tuple(rng.normal(size=(4, 3)) for _ in range(3))


if __name__ == "__main__":
    import purenn as pn

    print(pn.check_gradients(forward, backward, *arguments()))
