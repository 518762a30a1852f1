"""`mse`: the mean squared error, and why its derivative has 2/n in front."""

import numpy as np

import purenn as pn
from grading.part import Check, Part, derivatives, generator, sizes, value


def data(seed):
    rng = generator("mse", seed)
    m, k = sizes(rng, 2)
    return rng.normal(size=(m, k)), rng.normal(size=(m, k))


def difference(predictions, targets, dloss):
    return (predictions - targets) * dloss


IN_BACKWARD = {
    "the factor 2 of the square's derivative is missing": (
        lambda p, t, dloss: difference(p, t, dloss) / p.size
    ),
    "the 2 is missing, and yours is divided by m instead of by n = m·k": (
        lambda p, t, dloss: difference(p, t, dloss) / len(p)
    ),
    "the 2/n is missing": difference,
    "the differences are squared: the derivative of a square is 2 times what is squared": (
        lambda p, t, dloss: (p - t) ** 2 * dloss / p.size
    ),
    "yours has the absolute differences: the derivative keeps the sign": (
        lambda p, t, dloss: 2 * np.abs(p - t) * dloss / p.size
    ),
}
IN_LOSS = {
    "yours is the mean over all m·k elements: its derivative is 2 (a - y) / (m k)": (
        lambda a, y: np.mean((a - y) ** 2)
    ),
    "the 1/m is missing": lambda a, y: np.sum((a - y) ** 2) / 2,
    "the 1/2 is missing: with it, the 2 of the square's derivative cancels": (
        lambda a, y: np.sum((a - y) ** 2) / len(a)
    ),
    "the 1/2 and the 1/m are missing": lambda a, y: np.sum((a - y) ** 2),
    "half of the mean over all m·k elements: its derivative is (a - y) / (m k)": (
        lambda a, y: np.mean((a - y) ** 2) / 2
    ),
    "the differences are not squared": lambda a, y: np.sum(a - y) / len(a),
}


def mse_backward(student, seed):
    def forward(predictions, targets):
        return pn.mse(predictions, targets)

    def backward(predictions, targets, dloss):
        came = student(predictions, targets)
        return came if came is None else np.asarray(came) * dloss

    return derivatives(
        ("dpredictions",),
        forward,
        backward,
        *data(seed),
        letters={"y": "loss", "dy": "dloss"},
        mistakes={"dpredictions": IN_BACKWARD},
    )


def ratio_of_the_texts(student, seed):
    predictions, targets = data(seed)
    m, k = predictions.shape
    _, cache = pn.mse.forward(predictions, targets)
    ratios = (2 / m) * (predictions - targets) / np.asarray(pn.mse.backward(cache, 1.0))
    mine = student(m, k)
    is_right = isinstance(mine, (int, float, np.number)) and bool(np.allclose(ratios, mine))
    message = "ok" if is_right else f"is not the ratio at m = {m}, k = {k}: there n = {m * k}"
    return [Check("ratio", is_right, message)]


def loss_of_a_minus_y(student, seed):
    a, y = data(seed)
    mine = student(a.copy(), y.copy())
    right = np.sum((a - y) ** 2) / (2 * len(a))
    return [value("loss", mine, right, m=len(a), mistakes=IN_LOSS, given=(a, y))]


PARTS = (
    Part("mse_backward", ("dpredictions",), mse_backward),
    Part("ratio_of_the_texts", ("ratio",), ratio_of_the_texts),
    Part("loss_of_a_minus_y", ("loss",), loss_of_a_minus_y),
)
