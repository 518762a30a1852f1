"""What stands below the package's code for learners is true, and is about that code."""

import ast

import jax.numpy as jnp
import numpy as np
import pytest
from jax.lax import stop_gradient
from sitetools.pages import all_pages, fences
from sitetools.reading import MACHINE, READINGS, SKIPPED, names_in, reading, without_machine
from sitetools.sources import source_of, without_docstrings

from purenn.core.barrier import once_all_known
from purenn.core.narrow import transposed_product
from purenn.core.precision import per_feature, wide
from purenn.core.sharding import product

SHOWN = {
    name.strip(): without_docstrings(source_of(name.strip()).text)
    for path in all_pages()
    for fence in fences(path)
    if fence.language == "source"
    for name in fence.body.split("\n")
    if ":" in name
}
HELPERS = {
    "product": product,
    "transposed_product": lambda x, dz: transposed_product(x, dz, like=jnp.ones((3, 2))),
    "per_feature": per_feature,
    "wide": wide,
    "stop_gradient": stop_gradient,
    "once_all_known": once_all_known,
}


def differs(call, plain):
    """The largest difference of what a helper returns from what it is to be read as."""
    rng = np.random.default_rng(0)
    names = {"x": (5, 3), "w": (3, 2), "b": (3,), "dz": (5, 2), "dy": (5, 3)}
    arrays = {name: jnp.array(rng.normal(size=shape), "float32") for name, shape in names.items()}
    got, expected = (eval(text, {**HELPERS, **arrays}) for text in (call, plain))
    pairs = zip(got, expected, strict=True) if isinstance(got, tuple) else [(got, expected)]
    return max(float(jnp.abs(a - b).max()) for a, b in pairs)


@pytest.mark.parametrize("name", READINGS)
def test_a_helper_is_what_it_is_read_as(name):
    assert differs(*READINGS[name]) < 1e-6


def test_a_wrong_reading_is_found():
    assert differs("product(x, w)", "x @ (w + 0.001)") > 1e-4


def test_every_name_is_on_some_page():
    found = {name for code in SHOWN.values() for name in names_in(code)}
    assert {*READINGS, *(name for helpers in SKIPPED.values() for name in helpers)} <= found


def test_the_layer_is_read_without_its_helpers():
    words = reading(SHOWN["purenn.layers.dense:dense.forward dense.backward"])
    assert words == (
        "Read `product(x, w)` as `x @ w`, `per_feature(b, x)` as `b`, and "
        "`transposed_product(x, dz)` as `x.T @ dz`. "
        "You can skip `check`, which catches wrong arguments, "
        "and `like`, which handles several devices."
    )


def test_several_helpers_are_skipped_for_several_reasons():
    code = "checks(x)\ncheck(w)\nwith inside('a'):\n    like(x, y)"
    assert reading(code) == (
        "You can skip `checks` and `check`, which catch wrong arguments, `inside`, which says "
        "where an error is, and `like`, which handles several devices."
    )


def test_code_without_helpers_has_no_words_below_it():
    assert not reading(SHOWN["purenn.ops.activations:_tanh _tanh_backward"])


def test_what_is_shown_is_the_code_and_not_what_is_said_about_the_machine():
    for code in SHOWN.values():
        shown = without_machine(code)
        assert ast.dump(ast.parse(shown)) == ast.dump(ast.parse(code))
        comments = [line.partition("#")[2] for line in shown.splitlines()]
        assert not [words for words in comments if MACHINE.search(words)]
    code = "# XLA is\n# slow here.\nx = 1  # as in gelu\ny = 2  # a row\n\n# Why it is 3.\nz = 3"
    assert without_machine(code) == "x = 1\ny = 2  # a row\n\n# Why it is 3.\nz = 3"
