"""`own_function`: a layer whose activation depends on the seed, forward and backward."""

import numpy as np

from grading.functions import drawn, in_jax, slope_of
from grading.part import Part, derivatives, generator, sizes, to_numpy, value

EXERCISE = "own_function"


def numbers(seed):
    """What the student's file gives."""
    return {"FUNCTION": drawn(EXERCISE, seed).text}


def data(seed):
    rng = generator(EXERCISE, seed)
    m, n, k = sizes(rng, 3)
    return rng.normal(size=(m, n)), rng.normal(size=(n, k)) / np.sqrt(n), rng.normal(size=k)


def each(dz_of):
    """What a mistake in dz makes of each derivative."""
    return {
        "dx": lambda x, w, b, da: dz_of(x @ w + b, da) @ w.T,
        "dw": lambda x, w, b, da: x.T @ dz_of(x @ w + b, da),
        "db": lambda x, w, b, da: dz_of(x @ w + b, da).sum(axis=0),
    }


def mistakes(function):
    """Common wrong slopes: each of these is JAX's derivative of something else."""
    f, slope = in_jax(function.code), slope_of(function.code)
    first, second = slope_of(function.first.code), slope_of(function.second.code)
    sign = -1 if function.sign == "-" else 1
    in_dz = {
        "the slope is left out: da is used as dz": lambda z, da: da,
        "yours uses the slope alone as dz: da is left out": lambda z, da: slope(z),
        "the slope is taken at a instead of at z": lambda z, da: da * slope(np.asarray(f(z))),
        f"the derivative of {function.second.text} is missing": lambda z, da: da * first(z),
        f"the derivative of {function.first.text} is missing": lambda z, da: da * sign * second(z),
        f"the sign of the derivative of {function.second.text} is wrong": (
            lambda z, da: da * (first(z) - sign * second(z))
        ),
    }
    made = {words: each(dz_of) for words, dz_of in in_dz.items()}
    return {
        name: {words: of_all[name] for words, of_all in made.items()} for name in ("dx", "dw", "db")
    }


def right(function):
    f = in_jax(function.code)
    return lambda x, w, b: f(x @ w + b)


def forward(student, seed):
    function, (x, w, b) = drawn(EXERCISE, seed), data(seed)
    f = right(function)
    in_a = {
        "b is not added": lambda x, w, b: f(x, w, 0),
        "yours is z: the function is left out": lambda x, w, b: x @ w + b,
    }
    mine = student(*map(to_numpy, (x, w, b)))
    return [value("a", mine, f(x, w, b), m=len(x), mistakes=in_a, given=(x, w, b))]


def backward(student, seed):
    function = drawn(EXERCISE, seed)
    return derivatives(
        ("dx", "dw", "db"),
        right(function),
        student,
        *data(seed),
        letters={"y": "a", "dy": "da"},
        mistakes=mistakes(function),
    )


PARTS = (Part("forward", ("a",), forward), Part("backward", ("dx", "dw", "db"), backward))
