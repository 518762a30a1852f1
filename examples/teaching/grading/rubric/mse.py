"""`mse`: the mean squared error, and why its derivative has 2/n in front."""

import numpy as np

import purenn as pn
from grading.part import Check, Part, derivatives, generator, sizes, value


def data(seed):
    rng = generator("mse", seed)
    m, k = sizes(rng, 2)
    return rng.normal(size=(m, k)), rng.normal(size=(m, k))


def mse_backward(student, seed):
    def forward(predictions, targets):
        return pn.mse(predictions, targets)

    def backward(predictions, targets, dloss):
        came = student(predictions, targets)
        return came if came is None else np.asarray(came) * dloss

    return derivatives(("dpredictions",), forward, backward, *data(seed))


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
    return [value("loss", mine, np.sum((a - y) ** 2) / (2 * len(a)), m=len(a))]


PARTS = (
    Part("mse_backward", ("dpredictions",), mse_backward),
    Part("ratio_of_the_texts", ("ratio",), ratio_of_the_texts),
    Part("loss_of_a_minus_y", ("loss",), loss_of_a_minus_y),
)
