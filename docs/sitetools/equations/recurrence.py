"""The equations of course/through-time.md: `lstm`, `gru`, and the bound on a tanh recurrence."""

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


def by_lstm(name):
    """A derivative, or `y`, out of the package."""

    def run(x, w, u, b, c, dy):
        params = pn.LstmParams(*map(jnp.asarray, (w, u, b)))
        y, dparams, dx = passes(pn.lstm(UNITS), params, x, dy)
        return {"y": y, "dx": dx}.get(name, getattr(dparams, name[1:], None))

    return run


def by_gru(name):
    """The same out of the other layer."""

    def run(x, w, u, b, c, dy):
        params = pn.GruParams(*map(jnp.asarray, (w, u, b, c)))
        y, dparams, dx = passes(pn.gru(UNITS), params, x, dy)
        return {"y": y, "dx": dx}.get(name, getattr(dparams, name[1:], None))

    return run


def lstm_states(x, w, u, b):
    """The gates, c, and h after each step; c and h begin with a step before the first."""
    c, h, gates = [np.zeros((len(x), len(u)))], [np.zeros((len(x), len(u)))], []
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
    by_purenn=by_lstm("y"),
    inputs=recurrent_case(4),
)
def lstm_y(x, w, u, b, c, dy):
    return np.stack(lstm_states(x, w, u, b)[2][1:], axis=1)


def all_features(gates):
    """The same with `w` the identity, so that `dx` is the derivative with respect to `z`."""

    def case(rng):
        x, w, *rest = recurrent_case(gates)(rng)
        w = np.eye(gates * UNITS)
        return rng.normal(size=(*x.shape[:2], len(w))), w, *rest

    return case


@equation(
    "lstm.dz",
    source=f"{LSTM}.backward",
    line="dc = dc + dh * o * (1 - tanh_c * tanh_c)",
    by_purenn=by_lstm("dx"),
    inputs=all_features(4),
)
def lstm_every_dz(x, w, u, b, c, dy):
    return np.stack(lstm_dz(x, w, u, b, dy), axis=1)


@equation(
    "lstm.dw",
    source=f"{LSTM}.backward",
    line="dw = sums.w + over_steps(x, dz, sums.w)",
    by_purenn=by_lstm("dw"),
    inputs=recurrent_case(4),
)
def lstm_dw(x, w, u, b, c, dy):
    return sum(x[:, t].T @ dz for t, dz in enumerate(lstm_dz(x, w, u, b, dy)))


@equation(
    "lstm.du",
    source=f"{LSTM}.backward",
    line="du = sums.u + over_steps(h_before, dz, sums.u)",
    by_purenn=by_lstm("du"),
    inputs=recurrent_case(4),
)
def lstm_du(x, w, u, b, c, dy):
    h = lstm_states(x, w, u, b)[2]
    return sum(h[t].T @ dz for t, dz in enumerate(lstm_dz(x, w, u, b, dy)))


@equation(
    "lstm.db",
    source=f"{LSTM}.backward",
    line="db = None if b is None else sums.b + sum_over_steps(dz, sums.b)",
    by_purenn=by_lstm("db"),
    inputs=recurrent_case(4),
)
def lstm_db(x, w, u, b, c, dy):
    return sum(dz.sum(axis=0) for dz in lstm_dz(x, w, u, b, dy))


@equation(
    "lstm.dx",
    source=f"{LSTM}.backward",
    line="product(dz, w.T, like=x)",
    by_purenn=by_lstm("dx"),
    inputs=recurrent_case(4),
)
def lstm_dx(x, w, u, b, c, dy):
    return np.stack([dz @ w.T for dz in lstm_dz(x, w, u, b, dy)], axis=1)


def gru_states(x, w, u, b, c):
    """The gates, n, and m of each step, and h, which begins with a step before the first."""
    h, gates = [np.zeros((len(x), UNITS))], []
    for t in range(x.shape[1]):
        a_r, a_z, a_n = np.split(x[:, t] @ w + b, 3, axis=1)
        s_r, s_z, s_n = np.split(h[-1] @ u, 3, axis=1)
        r, z, m = sigmoid(a_r + s_r), sigmoid(a_z + s_z), s_n + c
        n = np.tanh(a_n + r * m)
        h.append((1 - z) * n + z * h[-1])
        gates.append((r, z, n, m))
    return gates, h


def gru_da_ds(x, w, u, b, c, dy):
    """Return da and ds of each step."""
    gates, h = gru_states(x, w, u, b, c)
    da, ds, from_later = [], [], 0.0
    for t in reversed(range(x.shape[1])):
        r, z, n, m = gates[t]
        dh = dy[:, t] + from_later
        da_n = dh * (1 - z) * (1 - n**2)
        both = da_n * m * r * (1 - r), dh * (h[t] - n) * z * (1 - z)
        da.insert(0, np.concatenate([*both, da_n], axis=1))
        ds.insert(0, np.concatenate([*both, da_n * r], axis=1))
        from_later = ds[0] @ u.T + dh * z
    return da, ds


@equation(
    "gru.y",
    source=f"{GRU}.steps",
    line="h = n + z * (h - n)",
    by_purenn=by_gru("y"),
    inputs=recurrent_case(3),
)
def gru_y(x, w, u, b, c, dy):
    return np.stack(gru_states(x, w, u, b, c)[1][1:], axis=1)


@equation(
    "gru.da",
    source=f"{GRU}.backward",
    line="dn = dh * (1 - z) * (1 - n * n)",
    by_purenn=by_gru("dx"),
    inputs=all_features(3),
)
def gru_da(x, w, u, b, c, dy):
    return np.stack(gru_da_ds(x, w, u, b, c, dy)[0], axis=1)


@equation(
    "gru.du",
    source=f"{GRU}.backward",
    line="du = sums.u + over_steps(h_before, ds, sums.u)",
    by_purenn=by_gru("du"),
    inputs=recurrent_case(3),
)
def gru_du(x, w, u, b, c, dy):
    h, (_, ds) = gru_states(x, w, u, b, c)[1], gru_da_ds(x, w, u, b, c, dy)
    return sum(before.T @ each for before, each in zip(h[:-1], ds, strict=True))


@equation(
    "gru.dw",
    source=f"{GRU}.backward",
    line="dw = sums.w + over_steps(x, da, sums.w)",
    by_purenn=by_gru("dw"),
    inputs=recurrent_case(3),
)
def gru_dw(x, w, u, b, c, dy):
    da, _ = gru_da_ds(x, w, u, b, c, dy)
    return sum(x[:, t].T @ each for t, each in enumerate(da))


@equation(
    "gru.db",
    source=f"{GRU}.backward",
    line="db = None if b is None else sums.b + sum_over_steps(da, sums.b)",
    by_purenn=by_gru("db"),
    inputs=recurrent_case(3),
)
def gru_db(x, w, u, b, c, dy):
    da, _ = gru_da_ds(x, w, u, b, c, dy)
    return sum(each.sum(axis=0) for each in da)


@equation(
    "gru.dx",
    source=f"{GRU}.backward",
    line="product(da, w.T, like=x)",
    by_purenn=by_gru("dx"),
    inputs=recurrent_case(3),
)
def gru_dx(x, w, u, b, c, dy):
    da, _ = gru_da_ds(x, w, u, b, c, dy)
    return np.stack([each @ w.T for each in da], axis=1)


@equation(
    "gru.dk",
    source=f"{GRU}.backward",
    line="dc = None if c is None else sums.c + sum_over_steps(ds[..., 2 * units :], sums.c)",
    by_purenn=by_gru("dc"),
    inputs=recurrent_case(3),
)
def gru_dk(x, w, u, b, c, dy):
    _, ds = gru_da_ds(x, w, u, b, c, dy)
    return sum(each[:, 2 * UNITS :].sum(axis=0) for each in ds)


def one_step_back(h, u, dh):
    """The derivative one step before, with purenn's tanh and its dense layer."""
    params = pn.DenseParams(jnp.asarray(u), None), ()
    step = pn.serial(pn.dense(len(u), b_init=None), pn.tanh)
    _, _, dx = passes(step, params, jnp.arctanh(h) @ jnp.linalg.inv(u), dh, state=((), ()))
    return jnp.linalg.norm(dx)


def where_it_is_reached(rng):
    """States whose slopes are all the same, and the row that `u` stretches the most."""
    u = rng.normal(size=(4, 4))
    return np.full((1, 4), 0.6), u, np.linalg.svd(u)[2][:1]


@equation(
    "through_time.bound",
    source="purenn.layers.dense:dense.backward",
    line="dx = product(dz, w.T, like=x)",
    by_purenn=one_step_back,
    inputs=where_it_is_reached,
)
def bound(h, u, dh):
    return np.max(1 - h**2) * np.linalg.norm(u, 2) * np.linalg.norm(dh)
