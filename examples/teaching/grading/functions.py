"""Elementwise functions drawn from a seed: a = 2 tanh(3 z) - 0.5 z cos(2 z), in words and in code.

Their derivatives are not here: the grader uses JAX's. Only a teacher's files have formulas.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from grading.part import generator

TERMS = {  # what a term is in words, and in Python
    "tanh({p} z)": "np.tanh({p} * z)",
    "sin({p} z)": "np.sin({p} * z)",
    "ln(1 + e^({p} z))": "np.log(1 + np.exp({p} * z))",
    "e^(-{p} z^2)": "np.exp(-{p} * z**2)",
    "sqrt(1 + {p} z^2)": "np.sqrt(1 + {p} * z**2)",
    "z tanh({p} z)": "z * np.tanh({p} * z)",
    "z cos({p} z)": "z * np.cos({p} * z)",
    "z e^(-{p} z^2)": "z * np.exp(-{p} * z**2)",
    "z / (1 + {p} z^2)": "z / (1 + {p} * z**2)",
}
NUMBERS = ("0.5", "2", "3")


class Term(NamedTuple):
    """One of two terms: `factor * TERMS[words]` with a number for p."""

    words: str
    factor: str
    p: str

    @property
    def text(self) -> str:
        """0.5 z cos(2 z)."""
        return f"{self.factor} {self.words.format(p=self.p)}"

    @property
    def code(self) -> str:
        """0.5 * z * np.cos(2 * z)."""
        return f"{self.factor} * {TERMS[self.words].format(p=self.p)}"


class Function(NamedTuple):
    """A sum or a difference of two terms."""

    first: Term
    sign: str
    second: Term

    @property
    def text(self) -> str:
        """What the student reads."""
        return f"a = {self.first.text} {self.sign} {self.second.text}"

    @property
    def code(self) -> str:
        """The right side in Python."""
        return f"{self.first.code} {self.sign} {self.second.code}"


def drawn(exercise: str, seed: int) -> Function:
    """The function of a seed."""
    rng = generator(f"{exercise}, its function", seed)
    names = rng.permutation(list(TERMS))[:2]
    factors = rng.permutation(NUMBERS)
    first, second = (
        Term(str(name), str(factor), str(rng.choice(NUMBERS)))
        for name, factor in zip(names, factors, strict=False)
    )
    return Function(first, str(rng.choice(["+", "-"])), second)


def in_jax(code: str) -> Callable[[Any], Any]:
    """A right side as a function of z that JAX differentiates."""
    program = compile(code, "function", "eval")
    return lambda z: eval(program, {"np": jnp, "z": z})


def slope_of(code: str) -> Callable[[Any], Any]:
    """Its derivative, element by element, by JAX."""
    one = jax.jit(jax.vmap(jax.grad(in_jax(code))))
    return lambda z: np.asarray(one(jnp.ravel(jnp.asarray(z, float)))).reshape(np.shape(z))
