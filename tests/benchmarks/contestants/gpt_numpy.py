"""microgpt in NumPy: both passes by hand, float32, all parameters in one array.

A row of a matrix is a position, and every position of every sequence has one. The parameters are
views of one array and so are their derivatives, so that Adam takes a handful of calls.
"""

import math

import numpy as np
from data import batches_of, pieces
from gpts import GPTS, Gpt
from loops import Work
from tasks import Done, Task

EPSILON = np.float32(1e-5)


class Network:
    """One block: `tokens, positions, norm, norm_1, qkv, o, norm_2, up, down, head`."""

    def __init__(self, gpt: Gpt) -> None:
        assert gpt.micro and gpt.layers == 1
        w, rng = gpt.width, np.random.default_rng(0)
        shapes = {
            "tokens": (gpt.vocabulary, w),
            "positions": (gpt.length, w),
            "norm": (w,),
            "norm_1": (w,),
            "qkv": (w, 3 * w),
            "o": (w, w),
            "norm_2": (w,),
            "up": (w, 4 * w),
            "down": (4 * w, w),
            "head": (w, gpt.vocabulary),
        }
        size = sum(map(math.prod, shapes.values()))
        self.all, self.gradient = (np.zeros(size, np.float32) for _ in range(2))
        self.m, self.v, self.t = np.zeros_like(self.all), np.zeros_like(self.all), 0
        self.p, self.d = _views(self.all, shapes), _views(self.gradient, shapes)
        for name, a in self.p.items():
            a[:] = 1 if name.startswith("norm") else rng.normal(scale=0.08, size=a.shape)
        self.gpt, self.identity = gpt, np.eye(gpt.vocabulary, dtype=np.float32)
        self.later = np.triu(np.full((gpt.length,) * 2, -np.inf, np.float32), 1)
        self.scale = np.float32((w // gpt.heads) ** -0.5)

    def step(self, x: np.ndarray, y: np.ndarray) -> np.float32:
        """Forward, loss, backward, Adam."""
        loss = self.passes(x, y)
        self.adam()
        return loss

    def passes(self, x: np.ndarray, y: np.ndarray) -> np.float32:
        """The loss, and its derivatives into `d`."""
        p, d, (b, t), w = self.p, self.d, x.shape, self.gpt.width
        tokens = self.identity[x.reshape(-1)]  # one hot: a product adds up the tokens' derivatives
        a = (tokens @ p["tokens"]).reshape(b, t, w) + p["positions"]
        a, norm = _rms_norm(p["norm"], a.reshape(-1, w))
        h1, norm_1 = _rms_norm(p["norm_1"], a)
        q, k, v = self.apart(h1 @ p["qkv"], b, t)
        q = q * self.scale
        s = q @ k.swapaxes(2, 3) + self.later
        e = np.exp(s - s.max(axis=3, keepdims=True))
        weights = e / e.sum(axis=3, keepdims=True)
        o = (weights @ v).swapaxes(1, 2).reshape(-1, w)
        a = a + o @ p["o"]
        h2, norm_2 = _rms_norm(p["norm_2"], a)
        u = np.maximum(h2 @ p["up"], 0)
        a = a + u @ p["down"]
        logits = a @ p["head"]

        rows, labels = np.arange(len(logits)), y.reshape(-1)
        e = np.exp(logits - logits.max(axis=1, keepdims=True))
        dz = e / e.sum(axis=1, keepdims=True)
        loss = -np.log(dz[rows, labels]).mean()

        dz[rows, labels] -= 1
        dz /= np.float32(len(rows))
        np.matmul(a.T, dz, out=d["head"])
        da = dz @ p["head"].T
        np.matmul(u.T, da, out=d["down"])
        du = (da @ p["down"].T) * (u > 0)
        np.matmul(h2.T, du, out=d["up"])
        da = da + _rms_norm_backward(p["norm_2"], norm_2, du @ p["up"].T, d["norm_2"])
        np.matmul(o.T, da, out=d["o"])
        do = (da @ p["o"].T).reshape(b, t, self.gpt.heads, -1).swapaxes(1, 2)
        dv = weights.swapaxes(2, 3) @ do
        dweights = do @ v.swapaxes(2, 3)
        ds = weights * (dweights - (weights * dweights).sum(axis=3, keepdims=True))
        dqkv = self.together(ds @ k * self.scale, ds.swapaxes(2, 3) @ q, dv)
        np.matmul(h1.T, dqkv, out=d["qkv"])
        da = da + _rms_norm_backward(p["norm_1"], norm_1, dqkv @ p["qkv"].T, d["norm_1"])
        da = _rms_norm_backward(p["norm"], norm, da, d["norm"])
        np.matmul(tokens.T, da, out=d["tokens"])
        np.sum(da.reshape(b, t, w), axis=0, out=d["positions"])
        return loss

    def apart(self, z: np.ndarray, b: int, t: int) -> np.ndarray:
        """Queries, keys and values, `(batch, heads, time, features)` each."""
        return z.reshape(b, t, 3, self.gpt.heads, -1).transpose(2, 0, 3, 1, 4)

    def together(self, *parts: np.ndarray) -> np.ndarray:
        """Back to rows."""
        stacked = np.stack(parts).transpose(1, 3, 0, 2, 4)
        return stacked.reshape(-1, 3 * self.gpt.width)

    def adam(self) -> None:
        """In place."""
        self.t += 1
        beta1, beta2 = self.gpt.betas
        rate = self.gpt.rate / (1 - beta1**self.t)
        g, m, v = self.gradient, self.m, self.v
        m *= beta1
        m += (1 - beta1) * g
        v *= beta2
        v += (1 - beta2) * g**2
        self.all -= rate * m / (np.sqrt(v / (1 - beta2**self.t)) + 1e-8)


def _views(a: np.ndarray, shapes: dict[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
    views, start = {}, 0
    for name, shape in shapes.items():
        stop = start + math.prod(shape)
        views[name], start = a[start:stop].reshape(shape), stop
    return views


def _rms_norm(gain: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
    r = 1 / np.sqrt((x * x).mean(axis=1, keepdims=True) + EPSILON)
    n = x * r
    return gain * n, (n, r)


def _rms_norm_backward(
    gain: np.ndarray, saved: tuple[np.ndarray, ...], dy: np.ndarray, dgain: np.ndarray
) -> np.ndarray:
    n, r = saved
    np.sum(dy * n, axis=0, out=dgain)
    dn = dy * gain
    return r * (dn - n * (dn * n).mean(axis=1, keepdims=True))


def train(task: Task) -> Work:
    """Pieces in a random order."""
    x, y = pieces(task)
    network, rng = Network(GPTS[task.gpt]), np.random.default_rng(0)

    def work() -> Done:
        start = network.t
        order = batches_of(rng.permutation(len(x)), task)
        return Done([network.step(x[rows], y[rows]) for rows in order], start, task.steps)

    return work
