"""The solution of `own_function` for a seed: for teachers, because it is on no page."""

from grading.functions import Term, drawn

SLOPES = {  # the derivative of each term in Python
    "tanh({p} z)": "{p} * (1 - np.tanh({p} * z) ** 2)",
    "sin({p} z)": "{p} * np.cos({p} * z)",
    "ln(1 + e^({p} z))": "{p} / (1 + np.exp(-{p} * z))",
    "e^(-{p} z^2)": "-2 * {p} * z * np.exp(-{p} * z**2)",
    "sqrt(1 + {p} z^2)": "{p} * z / np.sqrt(1 + {p} * z**2)",
    "z tanh({p} z)": "np.tanh({p} * z) + {p} * z * (1 - np.tanh({p} * z) ** 2)",
    "z cos({p} z)": "np.cos({p} * z) - {p} * z * np.sin({p} * z)",
    "z e^(-{p} z^2)": "(1 - 2 * {p} * z**2) * np.exp(-{p} * z**2)",
    "z / (1 + {p} z^2)": "(1 - {p} * z**2) / (1 + {p} * z**2) ** 2",
}
TEXT = '''"""Solution to the exercise `own_function`: a layer with its own activation."""

import numpy as np

EXERCISE = "own_function"
SEED = {seed}
FUNCTION = "{text}"


def forward(x, w, b):
    """Return a."""
    z = x @ w + b
    return {value}


def backward(x, w, b, da):
    """Return dx, dw, db."""
    z = x @ w + b
    first = {first}
    second = {second}
    dz = da * ({left} * first {sign} {right} * second)
    return dz @ w.T, x.T @ dz, dz.sum(axis=0)
'''


def solution(seed: int) -> str:
    """The file that earns full credit."""
    function = drawn("own_function", seed)

    def slope(term: Term) -> str:
        return SLOPES[term.words].format(p=term.p)

    return TEXT.format(
        seed=seed,
        text=function.text,
        value=function.code,
        first=slope(function.first),
        second=slope(function.second),
        left=function.first.factor,
        sign=function.sign,
        right=function.second.factor,
    )
