"""The equations of course/language.md on `lstm` and `gru`."""

import jax.numpy as jnp
import numpy as np

import purenn as pn
from sitetools.equations.passes import passes
from sitetools.equations.registry import equation

LSTM, GRU = "purenn.layers.lstm:lstm", "purenn.layers.gru:gru"
UNITS = 3


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def recurrent_case(gates):
    """Two sequences of 5 steps with 4 features, weights of 3 units, and dy."""

    def case(rng):
        width = gates * UNITS
        shapes = (2, 5, 4), (4, width), (UNITS, width), (width,), (UNITS,), (2, 5, UNITS)
        return tuple(rng.normal(size=shape) for shape in shapes)

    return case


def by_lstm(i):
    """One of `y, dw, du, dx` out of the package."""

    def run(x, w, u, b, c, dy):
        params = pn.LstmParams(*map(jnp.asarray, (w, u, b)))
        y, dparams, dx = passes(pn.lstm(UNITS), params, x, dy)
        return (y, dparams.w, dparams.u, dx)[i]

    return run


def by_gru(x, w, u, b, c, dy):
    params = pn.GruParams(*map(jnp.asarray, (w, u, b, c)))
    return passes(pn.gru(UNITS), params, x, dy)[0]


def lstm_states(x, w, u, b):
    """The gates, c and h after each step; c and h begin with a step before the first."""
    c, h, gates = [np.zeros((len(x), UNITS))], [np.zeros((len(x), UNITS))], []
    for t in range(x.shape[1]):
        i, f, g, o = np.split(x[:, t] @ w + h[-1] @ u + b, 4, axis=1)
        i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
        c.append(f * c[-1] + i * g)
        h.append(o * np.tanh(c[-1]))
        gates.append((i, f, g, o))
    return gates, c, h


def lstm_dz(x, w, u, b, dy):
    """Return dz of each step, from the last one to the first."""
    gates, c, _ = lstm_states(x, w, u, b)
    dz, from_later, dc = [], 0.0, 0.0
    for t in reversed(range(x.shape[1])):
        i, f, g, o = gates[t]
        tanh_c = np.tanh(c[t + 1])
        dh = dy[:, t] + from_later
        dc = dc + dh * o * (1 - tanh_c**2)
        parts = dc * g * i * (1 - i), dc * c[t] * f * (1 - f), dc * i * (1 - g**2)
        dz.insert(0, np.concatenate([*parts, dh * tanh_c * o * (1 - o)], axis=1))
        from_later, dc = dz[0] @ u.T, dc * f
    return dz


@equation(
    "lstm.y",
    source=f"{LSTM}.steps",
    line="c = f * c_before + i * g",
    by_purenn=by_lstm(0),
    inputs=recurrent_case(4),
)
def lstm_y(x, w, u, b, c, dy):
    return np.stack(lstm_states(x, w, u, b)[2][1:], axis=1)


@equation(
    "lstm.dw",
    source=f"{LSTM}.backward",
    line="dw = sums.w + over_steps(x, dz, sums.w)",
    by_purenn=by_lstm(1),
    inputs=recurrent_case(4),
)
def lstm_dw(x, w, u, b, c, dy):
    return sum(x[:, t].T @ dz for t, dz in enumerate(lstm_dz(x, w, u, b, dy)))


@equation(
    "lstm.du",
    source=f"{LSTM}.backward",
    line="du = sums.u + over_steps(h_before, dz, sums.u)",
    by_purenn=by_lstm(2),
    inputs=recurrent_case(4),
)
def lstm_du(x, w, u, b, c, dy):
    h = lstm_states(x, w, u, b)[2]
    return sum(h[t].T @ dz for t, dz in enumerate(lstm_dz(x, w, u, b, dy)))


@equation(
    "lstm.dx",
    source=f"{LSTM}.backward",
    line="product(dz, w.T, like=x)",
    by_purenn=by_lstm(3),
    inputs=recurrent_case(4),
)
def lstm_dx(x, w, u, b, c, dy):
    return np.stack([dz @ w.T for dz in lstm_dz(x, w, u, b, dy)], axis=1)


@equation(
    "gru.y",
    source=f"{GRU}.steps",
    line="h = n + z * (h - n)",
    by_purenn=by_gru,
    inputs=recurrent_case(3),
)
def gru_y(x, w, u, b, c, dy):
    h, y = np.zeros((len(x), UNITS)), []
    for t in range(x.shape[1]):
        (a_r, a_z, a_n), (s_r, s_z, s_n) = (
            np.split(part, 3, axis=1) for part in (x[:, t] @ w + b, h @ u)
        )
        r, z = sigmoid(a_r + s_r), sigmoid(a_z + s_z)
        n = np.tanh(a_n + r * (s_n + c))
        h = (1 - z) * n + z * h
        y.append(h)
    return np.stack(y, axis=1)
