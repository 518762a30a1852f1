"""`optimizers`: a step of momentum and of Adam."""

import numpy as np

import purenn as pn
from grading.part import Part, generator, several, sizes, to_numpy, value

STEPS = 4


def data(seed):
    rng = generator("optimizers", seed)
    shape = sizes(rng, 2)
    rate, beta = float(rng.choice([0.02, 0.05, 0.1])), float(rng.choice([0.8, 0.85, 0.9]))
    return rng.normal(size=shape), rng.normal(size=(STEPS, *shape)), rate, beta


def by_purenn(optimizer, w, gradients):
    """The weights after each step."""
    opt_state, path = optimizer.init(w), []
    for g in gradients:
        updates, opt_state = optimizer.update(g, opt_state, w)
        w = pn.apply_updates(w, updates)
        path.append(np.asarray(w))
    return path


def marked(path, right):
    last = f"w after {STEPS} steps"
    return [value("w after 1 step", path[0], right[0]), value(last, path[-1], right[-1])]


def momentum_step(student, seed):
    w, gradients, rate, beta = data(seed)
    right = by_purenn(pn.momentum(rate, beta), w, gradients)
    v, path = np.zeros_like(w), []
    for g in gradients:
        w, v = several(student(*map(to_numpy, (w, v, g)), rate, beta), ("w", "v"))
        path.append(w)
    return marked(path, right)


def adam_step(student, seed):
    w, gradients, rate, beta = data(seed)
    settings = {"beta1": beta, "beta2": 0.99, "epsilon": 1e-3}  # so large that its place shows
    right = by_purenn(pn.adam(rate, **settings), w, gradients)
    m, v, path = np.zeros_like(w), np.zeros_like(w), []
    for t, g in enumerate(gradients, start=1):
        came = student(*map(to_numpy, (w, m, v, g)), t, rate, *settings.values())
        w, m, v = several(came, ("w", "m", "v"))
        path.append(w)
    return marked(path, right)


CHECKS = ("w after 1 step", f"w after {STEPS} steps")
PARTS = (
    Part("momentum_step", CHECKS, momentum_step),
    Part("adam_step", CHECKS, adam_step),
)
