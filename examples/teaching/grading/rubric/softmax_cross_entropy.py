"""`softmax_cross_entropy`: the output layer of a classifier."""

import jax
import numpy as np

import purenn as pn
from grading.known import near, quietly
from grading.links import Link
from grading.own import IN_CODE, came_from, with_own
from grading.part import Part, derivatives, generator, sizes, to_numpy, value
from purenn.inspect.report import as_numbers

right_softmax = jax.jit(lambda z: pn.softmax(z))
right_loss = jax.jit(lambda z, labels: pn.softmax_cross_entropy(z, labels))


def data(seed):
    rng = generator("softmax_cross_entropy", seed)
    m, k = sizes(rng, 2)
    return rng.normal(size=(m, k)), rng.integers(k, size=m)


def far(seed):
    return 1000.0 * np.sign(data(seed)[0])  # e^1000 is infinite


def e_of(z, axis):
    return np.exp(z - z.max(axis=axis, keepdims=True))


def a_of(z, axis=1):
    return e_of(z, axis) / e_of(z, axis).sum(axis=axis, keepdims=True)


def log_of_label(g, a):
    return np.log(a[np.arange(len(a)), g["labels"]])


def one_hot(g, a):
    return np.eye(a.shape[1])[g["labels"]]


def elementwise(g, a):
    """With softmax's derivative taken as a (1 - a), from da = -y / a."""
    return -one_hot(g, a) * (1 - a)


# Each value from what is given, and from the softmax before it: the right one or the student's.
IN_SOFTMAX = {
    "the sum is over the columns (axis=0): it has to be over each row": (
        lambda g: e_of(g["z"], 1) / e_of(g["z"], 1).sum(axis=0)
    ),
    "softmax is taken over the columns (axis=0): it has to be over each row": (
        lambda g: a_of(g["z"], axis=0)
    ),
    "the sum is over all elements: it has to be over each row": (
        lambda g: e_of(g["z"], 1) / e_of(g["z"], 1).sum()
    ),
    "softmax is taken over all elements: it has to be over each row": (
        lambda g: a_of(g["z"], axis=(0, 1))
    ),
    "e^z is not divided by the sum over its row": lambda g: np.exp(g["z"]),
    "yours is the sigmoid of z instead of softmax": lambda g: 1 / (1 + np.exp(-g["z"])),
    "yours is the logarithm of softmax": lambda g: np.log(a_of(g["z"])),
}
IN_LOSS = {
    "the minus sign is missing": lambda g, softmax: log_of_label(g, softmax).mean(),
    "yours is a sum over the examples: the 1/m is missing": (
        lambda g, softmax: -log_of_label(g, softmax).sum()
    ),
    "yours is a mean over all m·k elements instead of over the m examples": (
        lambda g, softmax: -log_of_label(g, softmax).sum() / softmax.size
    ),
    "yours is the logarithm of the mean: take the mean of the logarithms": (
        lambda g, softmax: -np.log(np.exp(log_of_label(g, softmax)).mean())
    ),
    "the logarithm is left out": lambda g, softmax: -np.exp(log_of_label(g, softmax)).mean(),
    "yours has a logarithm to base 10 instead of the natural one": (
        lambda g, softmax: -log_of_label(g, softmax).mean() / np.log(10)
    ),
    "yours has a logarithm to base 2 instead of the natural one": (
        lambda g, softmax: -log_of_label(g, softmax).mean() / np.log(2)
    ),
    "softmax is left out: yours is the logarithm of z": (
        lambda g, softmax: -log_of_label(g, g["z"]).mean()
    ),
    "yours also adds ln(1 - a) of the other classes, as for k separate sigmoids": (
        lambda g, softmax: (
            -np.log(np.where(one_hot(g, softmax) > 0, softmax, 1 - softmax)).sum() / len(softmax)
        )
    ),
}
IN_DZ = {
    "the derivative of softmax is taken as a (1 - a), so the other classes get nothing": (
        lambda g, softmax: elementwise(g, softmax) / len(softmax)
    ),
    "the derivative of softmax is taken as a (1 - a), so the other classes get nothing; "
    "and the 1/m is missing": lambda g, softmax: elementwise(g, softmax),
    "multiplied by a (1 - a) once more: a - y already contains softmax's derivative": (
        lambda g, softmax: (softmax - one_hot(g, softmax)) * softmax * (1 - softmax) / len(softmax)
    ),
    "yours is a (1 - a) / m: where is y?": (
        lambda g, softmax: softmax * (1 - softmax) / len(softmax)
    ),
    "yours is a (1 - a): where is y?": lambda g, softmax: softmax * (1 - softmax),
    "y is not subtracted": lambda g, softmax: softmax / len(softmax),
    "1 is subtracted everywhere instead of at the label": (
        lambda g, softmax: (softmax - 1) / len(softmax)
    ),
    "softmax is left out: yours is (z - y) / m": (
        lambda g, softmax: (g["z"] - one_hot(g, softmax)) / len(softmax)
    ),
    "yours is da = -y / (m a): softmax's Jacobian is left out": (
        lambda g, softmax: -one_hot(g, softmax) / softmax / len(softmax)
    ),
}
LINKS = {
    "softmax": Link(lambda g: a_of(g["z"]), IN_SOFTMAX),
    "loss": Link(lambda g, softmax: -log_of_label(g, softmax).mean(), IN_LOSS),
    "dz": Link(lambda g, softmax: (softmax - one_hot(g, softmax)) / len(softmax), IN_DZ),
}


def softmax(student, seed):
    def at(name, z):
        mistakes = {"mistakes": IN_SOFTMAX, "given": ({"z": z},)}
        return value(name, student(z.copy()), right_softmax(z), m=len(z), **mistakes)

    return [at("a", data(seed)[0]), at("a at 1000", far(seed))]


def loss(student, seed):
    z, labels = data(seed)
    mine = student(z.copy(), labels.copy())
    right = right_loss(z, labels)
    given = {"z": z, "labels": labels}, a_of(z)
    return [value("loss", mine, right, m=len(z), mistakes=IN_LOSS, given=given)]


def backward(student, seed):
    z, labels = data(seed)

    def of_the_mean(z, dloss):
        came = student(to_numpy(z), labels.copy())
        return came if came is None else np.asarray(came) * dloss

    known = {
        words: lambda z, dloss, wrong=wrong: wrong({"z": z, "labels": labels}, a_of(z)) * dloss
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


def follow_softmax(names, seed, checks):
    """The same mistake at 1000 does not count a second time, unless e^1000 is infinite there."""
    a, at_1000 = (check._replace(carried=check.passed) for check in checks)
    z = far(seed)
    mine = as_numbers(came_from(names["softmax"], z.copy()))
    wrong = quietly(IN_SOFTMAX.get(a.message), {"z": z})
    if not at_1000.passed and near(mine, wrong, 1e-9) and not np.isinf(mine).any():
        message = "right apart from the mistake in a"
        at_1000 = at_1000._replace(message=message, carried=True)
    return [a, at_1000]


def follow(names, seed, checks):
    """What follows from the student's own softmax is right from there."""
    z, labels = data(seed)
    given = {"z": z, "labels": labels}
    mine = {
        "softmax": came_from(names.get("softmax"), z.copy()),
        "loss": came_from(names.get("loss"), z.copy(), labels.copy()),
        "dz": came_from(names.get("backward"), z.copy(), labels.copy()),
    }
    right = {
        name: link.formula(given, *[a_of(z)] * len(link.sources)) for name, link in LINKS.items()
    }
    return with_own(checks, LINKS, given, mine, right, m=len(z), precision=IN_CODE)


PARTS = (
    Part("softmax", ("a", "a at 1000"), softmax, follow_softmax),
    Part("loss", ("loss",), loss, follow),
    Part("backward", ("dz",), backward, follow),
)
