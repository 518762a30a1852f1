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


def marked(path, right, wrong):
    """Both points; `wrong` has the paths of well-known mistakes."""
    return [at(0, CHECKS[0], path, right, wrong), at(-1, CHECKS[1], path, right, wrong)]


def at(k, name, path, right, wrong):
    mistakes = {words: lambda found=found: found[k] for words, found in wrong.items()}
    return value(name, path[k], right[k], mistakes=mistakes)


def momentum_path(w, gradients, rate, beta, *, fresh=True, sign=-1.0):
    m, path = np.zeros_like(w), []
    for g in gradients:
        m = beta * m + ((1 - beta) if fresh else 1.0) * g
        w = w + sign * rate * m
        path.append(w)
    return path


def momentum_mistakes(given):
    return {
        "the factor (1 - beta) of g is missing": momentum_path(*given, fresh=False),
        "the step goes uphill: subtract it": momentum_path(*given, sign=1.0),
    }


BELOW = {  # what m_hat is divided by, from v_hat and epsilon
    "": lambda v, epsilon: np.sqrt(v) + epsilon,
    "inside": lambda v, epsilon: np.sqrt(v + epsilon),
    "no epsilon": lambda v, epsilon: np.sqrt(v),
    "no root": lambda v, epsilon: v + epsilon,
    "absolute": lambda v, epsilon: np.sqrt(np.abs(v)) + epsilon,
}


def adam_path(*given, m_by=True, v_by=True, square=np.square, below="", sign=-1.0, kept=""):
    """The weights after each step.

    `m_by` and `v_by` say whether the average is corrected, and `kept` names the corrected averages
    that the next step starts from.
    """
    w, gradients, rate, beta1, beta2, epsilon = given
    m, v, path = np.zeros_like(w), np.zeros_like(w), []
    for t, g in enumerate(gradients, start=1):
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * square(g)
        m_hat = m / (1 - beta1**t) if m_by else m
        v_hat = v / (1 - beta2**t) if v_by else v
        w = w + sign * rate * m_hat / BELOW[below](v_hat, epsilon)
        m, v = m_hat if "m" in kept else m, v_hat if "v" in kept else v
        path.append(w)
    return path


def adam_mistakes(given):
    with np.errstate(all="ignore"):
        return {
            "the correction of m is missing: divide by 1 - beta1^t": adam_path(*given, m_by=False),
            "the correction of v is missing: divide by 1 - beta2^t": adam_path(*given, v_by=False),
            "both corrections are missing": adam_path(*given, m_by=False, v_by=False),
            "epsilon is inside the square root": adam_path(*given, below="inside"),
            "epsilon is missing": adam_path(*given, below="no epsilon"),
            "the square root of v is missing": adam_path(*given, below="no root"),
            "v has g instead of g²": adam_path(*given, square=np.positive),
            "v has g instead of g²; its absolute value only hides that": (
                adam_path(*given, square=np.positive, below="absolute")
            ),
            "v has the absolute value of g instead of g²": adam_path(*given, square=np.abs),
            "the corrected m and v are passed on: return m and v themselves": (
                adam_path(*given, kept="mv")
            ),
            "the corrected m is passed on: return m itself": adam_path(*given, kept="m"),
            "the corrected v is passed on: return v itself": adam_path(*given, kept="v"),
            "the step goes uphill: subtract it": adam_path(*given, sign=1.0),
        }


def momentum_step(student, seed):
    w, gradients, rate, beta = data(seed)
    right = by_purenn(pn.momentum(rate, beta), w, gradients)
    m, path = np.zeros_like(w), []
    for g in gradients:
        w, m = several(student(*map(to_numpy, (w, m, g)), rate, beta), ("w", "m"))
        path.append(w)
    return marked(path, right, momentum_mistakes(data(seed)))


def adam_step(student, seed):
    w, gradients, rate, beta = data(seed)
    settings = {"beta1": beta, "beta2": 0.99, "epsilon": 1e-3}  # so large that its place shows
    right = by_purenn(pn.adam(rate, **settings), w, gradients)
    m, v, path = np.zeros_like(w), np.zeros_like(w), []
    for t, g in enumerate(gradients, start=1):
        came = student(*map(to_numpy, (w, m, v, g)), t, rate, *settings.values())
        w, m, v = several(came, ("w", "m", "v"))
        path.append(w)
    start, *_ = data(seed)
    wrong = adam_mistakes((start, gradients, rate, *settings.values()))
    return marked(path, right, wrong)


CHECKS = ("w after 1 step", f"w after {STEPS} steps")
PARTS = (
    Part("momentum_step", CHECKS, momentum_step),
    Part("adam_step", CHECKS, adam_step),
)
