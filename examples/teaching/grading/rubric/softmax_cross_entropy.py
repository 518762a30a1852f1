"""`softmax_cross_entropy`: the output layer of a classifier."""

import jax
import numpy as np

import purenn as pn
from grading.part import Part, derivatives, generator, sizes, to_numpy, value

right_softmax = jax.jit(lambda z: pn.softmax(z))
right_loss = jax.jit(lambda z, labels: pn.softmax_cross_entropy(z, labels))


def data(seed):
    rng = generator("softmax_cross_entropy", seed)
    m, k = sizes(rng, 2)
    return rng.normal(size=(m, k)), rng.integers(k, size=m)


def e_of(z, axis):
    return np.exp(z - z.max(axis=axis, keepdims=True))


def a_of(z, axis=1):
    return e_of(z, axis) / e_of(z, axis).sum(axis=axis, keepdims=True)


def log_of_label(z, labels):
    return np.log(a_of(z)[np.arange(len(z)), labels])


def one_hot(z, labels):
    return np.eye(z.shape[1])[labels]


def elementwise(z, labels, dloss):
    """With softmax's derivative taken as a (1 - a), from da = -y / a."""
    return -one_hot(z, labels) * (1 - a_of(z)) * dloss


IN_A = {
    "the sum is over the columns (axis=0): it has to be over each row": (
        lambda z: e_of(z, 1) / e_of(z, 1).sum(axis=0)
    ),
    "softmax is taken over the columns (axis=0): it has to be over each row": (
        lambda z: a_of(z, axis=0)
    ),
    "the sum is over all elements: it has to be over each row": (
        lambda z: e_of(z, 1) / e_of(z, 1).sum()
    ),
    "softmax is taken over all elements: it has to be over each row": (
        lambda z: a_of(z, axis=(0, 1))
    ),
    "e^z is not divided by the sum over its row": lambda z: np.exp(z),
    "yours is the sigmoid of z instead of softmax": lambda z: 1 / (1 + np.exp(-z)),
    "yours is the logarithm of softmax": lambda z: np.log(a_of(z)),
}
IN_LOSS = {
    "the minus sign is missing": lambda z, labels: log_of_label(z, labels).mean(),
    "yours is a sum over the examples: the 1/m is missing": (
        lambda z, labels: -log_of_label(z, labels).sum()
    ),
    "yours is a mean over all m·k elements instead of over the m examples": (
        lambda z, labels: -log_of_label(z, labels).sum() / z.size
    ),
    "yours is the logarithm of the mean: take the mean of the logarithms": (
        lambda z, labels: -np.log(np.exp(log_of_label(z, labels)).mean())
    ),
    "the logarithm is left out": lambda z, labels: -np.exp(log_of_label(z, labels)).mean(),
    "yours has a logarithm to base 10 instead of the natural one": (
        lambda z, labels: -log_of_label(z, labels).mean() / np.log(10)
    ),
    "yours has a logarithm to base 2 instead of the natural one": (
        lambda z, labels: -log_of_label(z, labels).mean() / np.log(2)
    ),
    "softmax is left out: yours is the logarithm of z": (
        lambda z, labels: -np.log(z[np.arange(len(z)), labels]).mean()
    ),
    "yours also adds ln(1 - a) of the other classes, as for k separate sigmoids": (
        lambda z, labels: (
            -(np.log(np.where(one_hot(z, labels) > 0, a_of(z), 1 - a_of(z))).sum() / len(z))
        )
    ),
}
IN_DZ = {
    "the derivative of softmax is taken as a (1 - a), so the other classes get nothing": (
        lambda z, labels, dloss: elementwise(z, labels, dloss) / len(z)
    ),
    "the derivative of softmax is taken as a (1 - a), so the other classes get nothing; "
    "and the 1/m is missing": elementwise,
    "multiplied by a (1 - a) once more: a - y already contains softmax's derivative": (
        lambda z, labels, dloss: (
            (a_of(z) - one_hot(z, labels)) * a_of(z) * (1 - a_of(z)) * dloss / len(z)
        )
    ),
    "yours is a (1 - a) / m: where is y?": (
        lambda z, labels, dloss: a_of(z) * (1 - a_of(z)) * dloss / len(z)
    ),
    "yours is a (1 - a): where is y?": lambda z, labels, dloss: a_of(z) * (1 - a_of(z)) * dloss,
    "y is not subtracted": lambda z, labels, dloss: a_of(z) * dloss / len(z),
    "1 is subtracted everywhere instead of at the label": (
        lambda z, labels, dloss: (a_of(z) - 1) * dloss / len(z)
    ),
    "softmax is left out: yours is (z - y) / m": (
        lambda z, labels, dloss: (z - one_hot(z, labels)) * dloss / len(z)
    ),
    "yours is da = -y / (m a): softmax's Jacobian is left out": (
        lambda z, labels, dloss: -one_hot(z, labels) / a_of(z) * dloss / len(z)
    ),
}


def softmax(student, seed):
    z, _ = data(seed)
    far = 1000.0 * np.sign(z)  # exp(1000) is infinite
    return [
        value("a", student(z.copy()), right_softmax(z), m=len(z), mistakes=IN_A, given=(z,)),
        value("a at 1000", student(far.copy()), right_softmax(far), m=len(z)),
    ]


def loss(student, seed):
    z, labels = data(seed)
    mine = student(z.copy(), labels.copy())
    right = right_loss(z, labels)
    return [value("loss", mine, right, m=len(z), mistakes=IN_LOSS, given=(z, labels))]


def backward(student, seed):
    z, labels = data(seed)

    def of_the_mean(z, dloss):
        came = student(to_numpy(z), labels.copy())
        return came if came is None else np.asarray(came) * dloss

    known = {
        words: lambda z, dloss, wrong=wrong: wrong(z, labels, dloss)
        for words, wrong in IN_DZ.items()
    }
    return derivatives(
        ("dz",),
        lambda z: right_loss(z, labels),
        of_the_mean,
        z,
        letters={"y": "loss", "dy": "dloss"},
        mistakes={"dz": known},
    )


PARTS = (
    Part("softmax", ("a", "a at 1000"), softmax),
    Part("loss", ("loss",), loss),
    Part("backward", ("dz",), backward),
)
