"""Extreme inputs to every row of the table: the results are those on docs/pages/extremes.md.

A row that is missing there or differs fails; `python tests/test_extremes.py --write`
rewrites the page, and the rules below hold for whatever it says.

The page must be the same on every processor and with every random number. So it says "can be" of
what differs between draws, and of a sum of terms with both signs that exceeds float32: whether that
is finite, an infinity or NaN depends on the order in which a processor adds.
"""

import sys
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from table import (
    ACTIVATIONS,
    LAYERS,
    MADE_OF_OTHERS,
    OPS,
    LayerRow,
    case,
    cotangent,
    functions,
    jit_quickly,
    names,
    shapes,
)

import purenn as pn

PAGE = Path(__file__).parent.parent / "docs" / "pages" / "extremes.md"
FLOAT = np.finfo(np.float32)
POINTS = {
    "+0": 0.0,
    "−0": -0.0,
    "smallest subnormal": FLOAT.smallest_subnormal,
    "smallest normal": FLOAT.tiny,
    "1e−30": 1e-30,
    "88": 88.0,
    "−88": -88.0,
    "89": 89.0,
    "−89": -89.0,
    "1e4": 1e4,
    "−1e4": -1e4,
    "largest": FLOAT.max,
    "−largest": -FLOAT.max,
    "+inf": np.inf,
    "−inf": -np.inf,
    "NaN": np.nan,
}
TINY = ("smallest subnormal", "smallest normal")
LARGEST = ("largest", "−largest")
MODES = ("one element", "all elements")
DRAWS = 8  # of parameters, keys and targets

# Every result that is not finite though the input is, and why; each docstring says so too.
WIDE_SUMS = "a sum of large products exceeds the float32 range"
VARIANCE = "the variance overflows above about 1e19, so everything divided by it would become 0"
MEAN_SQUARE = (
    "the mean square overflows above about 1e19, so everything divided by it would become 0"
)
SQUARES = "squares overflow above about 1e19"
NO_PROBABILITY = (
    "inputs that are not probabilities raise an error, or give NaN in a compiled program"
)
SUM = "the sum of very large losses overflows"
PRODUCT = "a product of large outputs exceeds the float32 range, and 0 times infinity is NaN"
OVERFLOWS = {
    "dense": WIDE_SUMS,
    "conv1d": WIDE_SUMS,
    "conv2d": WIDE_SUMS,
    "conv2d_transpose": WIDE_SUMS,
    "dropout": "`x / (1 - rate)` exceeds the float32 range",
    "batch_norm": VARIANCE,
    "batch_norm-evaluated": WIDE_SUMS,
    "layer_norm": VARIANCE,
    "rms_norm": MEAN_SQUARE,
    "gated_dense": WIDE_SUMS,
    "attention": WIDE_SUMS,
    "group_norm": VARIANCE,
    "parallel-product": PRODUCT,
    "selu": "`1.0507 x` exceeds the float32 range",
    "mse": SQUARES,
    "mae": SUM,
    "huber": SUM,
    "l2_penalty": SQUARES,
    "sigmoid_binary_cross_entropy": SUM,
}
# Sums of terms with both signs. Of very large terms they are NaN, infinite or finite, of infinite
# ones NaN or infinite.
SUMS = {
    **dict.fromkeys(("dense", "conv1d", "conv2d", "conv2d_transpose"), ("y", "dw")),
    "batch_norm-evaluated": ("dgamma",),
    "gated_dense": ("y", "dx", "dw", "dv"),
    "attention": ("y", "dx", "dwq", "dwk", "dwv", "dwo", "dbq", "dbk", "dbv"),
    "parallel-product": ("y", "dx", "dw", "db"),
}
# One element reaches several terms of the same sum here, as a query and as a key.
SUMS_OF_ONE = {"attention"}
REJECTED = dict.fromkeys(("binary_cross_entropy", "categorical_cross_entropy"), NO_PROBABILITY)


def kind(row):
    """The layer's name without its options."""
    return row.name.split("-(")[0]


# One row per layer: its other shapes run the same code, and so does what is made of layers.
# A product of layers is different: it multiplies what comes out of them.
COMPOSED = {*MADE_OF_OTHERS, "tied_embedding", "mixed_precision"} - {"parallel-product"}
THE_SAME = (
    "dense-one-unit",
    "dropout-evaluated",
    "rms_norm-one-feature",
    "gated_dense-biases",
    "attention-causal-rotary",
    "leaky_relu-0.3",
    "elu-0.7",
)
SINGLE = {
    kind(row): row
    for row in reversed((*LAYERS, *OPS))
    if not (row.name in {*COMPOSED, *THE_SAME} or row.name.endswith(("-rows", "-weights")))
}
ROWS = list(reversed(SINGLE.values()))


class Results(NamedTuple):
    """One row's results: for each mode and point, `y` and every derivative, by name.

    Their first axis is the draw.
    """

    at: dict[tuple[str, str], dict[str, Any]]
    depends: dict[str, Any]  # whether an element changes with an ordinary x


@cache
def results_of(kind):
    row, rng = SINGLE[kind], np.random.default_rng(0)
    f, layer = functions(row), isinstance(row, LayerRow)

    def draw(number):
        """Everything but `x`, and the values that `x` takes: of an embedding, the table."""
        (v, rest), (other, _) = (case(row, shapes(row)[0], rng, jnp.float32) for _ in range(2))
        x, other_x = (v[-1], other[-1]) if layer else (v, other)
        if layer:
            rest = (rest[0], jax.random.key(number), *rest[2:])
        # One everywhere for an op, so that an activation's table shows its derivative itself.
        dy = cotangent(f.plain, v, rest, rng) if layer else jnp.ones_like(f.plain(v, rest))
        changed = [x, other_x, *(spoiled(x, mode, p) for mode in MODES for p in POINTS.values())]
        return v[:-1] if layer else (), rest, dy, jax.tree.map(lambda *xs: np.stack(xs), *changed)

    @jit_quickly
    def judged(draws):
        def one(params, rest, dy, x):
            v = (*params, x) if layer else x
            y, cache = f.forward(v, rest)
            return {"y": y, "d": f.backward(v, cache, dy)}

        def all_of(drawn):
            return jax.lax.map(partial(one, *drawn[:-1]), drawn[-1])

        return jax.lax.map(all_of, draws)

    tree = judged(jax.tree.map(lambda *a: jnp.stack(a), *(draw(number) for number in range(DRAWS))))
    leaves = jax.tree_util.tree_flatten_with_path(tree)[0]
    leaves = {leaf_name(path): np.asarray(leaf) for path, leaf in sorted(leaves, key=str)[::-1]}
    places = [(mode, point) for mode in MODES for point in POINTS]
    at = {
        place: {name: leaf[:, i] for name, leaf in leaves.items()}
        for i, place in enumerate(places, 2)
    }
    return Results(at, {name: leaf[:, 0] != leaf[:, 1] for name, leaf in leaves.items()})


def results(row):
    return results_of(kind(row))


def leaf_name(path):
    """`y`, `dx` or `dw`, as `explain` has it."""
    last = jax.tree_util.keystr(path[-1:]).strip(".[]'0123456789")
    return {"y": "y", "d": "dx", "": "dx"}.get(last, f"d{last}")


def spoiled(x, mode, value):
    """`x` with one element, or all, set to a value: of a tree, in its largest leaf."""
    leaves, structure = jax.tree.flatten(jax.tree.map(np.array, x))
    largest = max(leaves, key=np.size)
    if mode == "all elements":
        largest[...] = value
    else:
        largest.flat[largest.size // 2] = value
    return jax.tree.unflatten(structure, leaves)


def finite(result):
    return all(np.isfinite(leaf).all() for leaf in result.values())


def elementwise(row):
    """An activation of one number: its table holds numbers."""
    return row in ACTIVATIONS and row.op not in (pn.softmax, pn.log_softmax)


# The page.

HEAD = """---
search:
  boost: 0.3
---

# Extreme values

This page lists the results of each op and layer for extreme float32 inputs: very large and very
small numbers, infinity, and NaN. The values and the hand-derived derivatives come from programs
compiled on a CPU. `python tests/test_extremes.py --write` writes the page, and the tests compare
it with the results.

- **Finite inputs give finite results** up to ±1e4, without exception. Near the float32 maximum,
  some results overflow; each one is listed below with the reason.
- **NaN inputs give NaN outputs**, in the value and in every derivative that depends on the input,
  so nothing hides a divergence. Derivatives that do not depend on the input, such as `dx` of
  `dense` or `flatten`, stay finite.
- **An embedding's "input" is its table** on this page, since tokens are integers. A NaN stays in
  its token's rows, and no derivative depends on it.
- **Infinite inputs give the limit** where there is one, and NaN where there is none, as in ∞ − ∞.
- **Subnormal numbers** (below 1.2e-38) are treated as 0 by some operations of XLA's CPU programs
  and kept by others. A result that depends on one may equal the result at 0. The tables show 0 for
  any magnitude below 1e-35.
- **A sum of very large terms with both signs** can be finite, infinite, or NaN, depending on the
  order in which the processor adds them. In such cases, the tables say "can be NaN or inf". They
  say "can be" for every result that depends on the parameters, the key, or the targets.

## Activations

Each cell shows the value and the derivative.
"""

REST = """
## The remaining layers and ops { #all-others }

The table shows how many elements of the value `y` and of the derivatives are not finite if one
element of the input, or every element, has the value in the column's header. Anything not mentioned
is finite. Losses are computed for a batch of four.
"""

WHY = """
## Finite inputs with nonfinite results { #finite-inputs-with-results-that-are-not-finite }

"""


def number(value):
    """Three digits; what a product with a subnormal number could be counts as 0."""
    if abs(value) < 1e-35:
        return "0"
    return f"{value:.3g}".replace("-", "−").replace("nan", "NaN")


TABULATED = [point for point in POINTS if point not in TINY]


def activation_cell(row, point):
    """The value and the derivative at a point."""
    result = results(row).at["all elements", point]
    return f"{number(result['y'].flat[0])}, {number(result['dx'].flat[0])}"


def described(row, mode, point):
    """What is not finite in the leaves of a result."""
    sums = mode == "all elements" or (kind(row) in SUMS_OF_ONE and point in LARGEST)
    found, either = [], SUMS.get(kind(row), ()) if sums and point != "NaN" else ()
    for name, leaf in results(row).at[mode, point].items():
        leaf = leaf.reshape(DRAWS, -1)
        bad, words = ~np.isfinite(leaf), {"NaN": np.isnan(leaf), "inf": np.isinf(leaf)}
        if not bad.any():
            continue
        counts, of = set(bad.sum(axis=1)), leaf.shape[1]
        word = " or ".join(w for w, where in words.items() if where.any() or name in either)
        if len(counts) > 1 or (name in either and point in LARGEST):
            found.append(f"{name} can be {word}")
        else:
            found.append(f"{name} {word}" + f" in {max(counts)} of {of}" * (not bad.all()))
    return ", ".join(found) or "finite"


def layer_lines(row):
    """The page's two lines of a row that has no table of numbers."""
    for mode in MODES:
        at = {point: described(row, mode, point) for point in POINTS}
        cells = [at["NaN"]]
        for point in ("inf", "largest"):
            plus = at[f"+{point}" if point == "inf" else point]
            minus = at[f"−{point}"]
            cells.insert(0, plus if plus == minus else f"+: {plus}; −: {minus}")
        yield f"| {kind(row)} | {mode} | {' | '.join(cells)} |"


def page():
    """docs/pages/extremes.md."""
    numbers = [row for row in ROWS if elementwise(row)]
    lines = [f"| x | {' | '.join(names(numbers))} |", f"|{'---|' * (len(numbers) + 1)}"]
    for point in TABULATED:
        lines.append(f"| {point} | {' | '.join(activation_cell(r, point) for r in numbers)} |")
    rest = ["| | | ±largest | ±inf | NaN |", f"|{'---|' * 5}"]
    rest += [line for row in ROWS if not elementwise(row) for line in layer_lines(row)]
    why = [f"- `{name}`: {reason}." for name, reason in {**OVERFLOWS, **REJECTED}.items()]
    return "\n".join([HEAD, *lines, REST, *rest, WHY.rstrip("\n"), "", *why, ""])


@pytest.mark.parametrize("row", ROWS, ids=names(ROWS))
def test_extreme_inputs_give_what_the_page_says(row):
    at, depends = results(row)
    text = PAGE.read_text(encoding="utf-8")
    if elementwise(row):
        cells = [line[2:-2].split(" | ") for line in text.splitlines() if line.startswith("| ")]
        column = cells[0].index(row.name)
        said = [line[column] for line in cells[1 : len(TABULATED) + 1]]
        assert said == [activation_cell(row, point) for point in TABULATED]
        for point in TINY:
            at_0, above = (activation_cell(row, other) for other in ("+0", "1e−30"))
            assert activation_cell(row, point) in (at_0, f"0, {above.split(', ')[1]}")
    else:
        said = [line for line in text.splitlines() if line.startswith(f"| {kind(row)} | ")]
        assert said == list(layer_lines(row))

    # The rules: all finite up to ±1e4, and at the largest but where there is a reason.
    for (mode, point), result in at.items():
        if kind(row) in REJECTED:
            assert finite(result) or np.isnan(result["y"]).all(), (mode, point)
        elif np.isfinite(POINTS[point]) and ("largest" not in point or kind(row) not in OVERFLOWS):
            assert finite(result), (mode, point)
    if kind(row) in {**OVERFLOWS, **REJECTED}:
        assert not finite(at["all elements", "largest"])
    # NaN in, NaN out, but for derivatives that do not depend on the input.
    for name, leaf in at["all elements", "NaN"].items():
        assert np.isnan(leaf[depends[name]]).all(), name
    assert np.isnan(at["one element", "NaN"]["y"]).any()


# What mathematics gives at -inf and inf: value, derivative.
LIMITS = {
    "relu": ((0, 0), (np.inf, 1)),
    "elu": ((-1, 0), (np.inf, 1)),
    "selu": ((-1.7580993, 0), (np.inf, 1.050701)),
    "leaky_relu": ((-np.inf, 0.01), (np.inf, 1)),
    "sigmoid": ((0, 0), (1, 0)),
    "tanh": ((-1, 0), (1, 0)),
    "gelu": ((0, 0), (np.inf, 1)),
    "gelu-exact": ((0, 0), (np.inf, 1)),
    "silu": ((0, 0), (np.inf, 1)),
    "softplus": ((0, 0), (np.inf, 1)),
}


@pytest.mark.parametrize("name", LIMITS)
def test_an_activation_at_infinity_is_its_limit(name):
    for point, limit in zip(("−inf", "+inf"), LIMITS[name], strict=True):
        result = results_of(name).at["all elements", point]
        got = (float(result["y"].flat[0]), float(result["dx"].flat[0]))
        assert np.allclose(got, limit, rtol=1e-6), point


if __name__ == "__main__":
    if "--write" in sys.argv:
        PAGE.write_text(page(), encoding="utf-8")
    else:
        print(page())
