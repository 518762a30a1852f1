"""Attention without a mask, whose backward has a causal one.

Triton, issue 4541: the backward pass in the fused-attention tutorial ignored the flag.
"""

import numpy as np


def softmax(z):
    e = np.exp(z - np.max(z, axis=-1, keepdims=True))
    return e / np.sum(e, axis=-1, keepdims=True)


def probabilities(q, k, causal):
    scores = q @ k.T / np.sqrt(q.shape[-1])
    later = np.triu(np.ones(scores.shape, bool), 1)
    return softmax(np.where(later & causal, -np.inf, scores))


def forward(q, k, v):
    return probabilities(q, k, False) @ v


def derivative(q, k, v, dy, causal):
    p = probabilities(q, k, causal)
    dp = dy @ v.T
    ds = p * (dp - np.sum(dp * p, axis=-1, keepdims=True)) / np.sqrt(q.shape[-1])
    return ds @ k, ds.T @ q, p.T @ dy


def backward(q, k, v, dy):
    return derivative(q, k, v, dy, causal=True)


def fixed(q, k, v, dy):
    return derivative(q, k, v, dy, causal=False)


def arguments():
    rng = np.random.default_rng(0)
    return tuple(rng.normal(size=(4, 3)) for _ in range(3))


if __name__ == "__main__":
    import purenn as pn

    print(pn.check_gradients(forward, backward, *arguments()))
