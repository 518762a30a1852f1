"""`summary(time=True)`: its table at times that are known, and what it measures.

No test looks at a real clock.
"""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from table import to_jax

import purenn as pn
from purenn.core.text import columns
from purenn.inspect import stopwatch, timing

MS = 1e-3


class Line(NamedTuple):
    """A line of the table, with its numbers as they are written."""

    name: str
    flops: int
    forward: str
    backward: str
    share: str
    rate: str


def table(text):
    """The header, the lines of the layers, the total, and what stands beneath."""
    head, _, *lines = text.splitlines()
    end = next(i for i, line in enumerate(lines) if line.startswith("─"))
    layers = []
    for line in [*lines[:end], lines[end + 1]]:
        name, *_, flops, forward, backward, share, rate = (c for c in line.split("  ") if c.strip())
        cells = (cell.strip() for cell in (forward, backward, share, rate))
        layers.append(Line(name.strip(), int(flops.replace(",", "")), *cells))
    return head.split(), layers[:-1], layers[-1], lines[end + 2 :]


def number(cell):
    return 0.0 if cell == "-" else float(cell.replace(",", ""))


def zeros_of(function, *arguments):
    """Zeros like what a function returns, without running it."""

    def leaf(shape):
        if jax.dtypes.issubdtype(shape.dtype, jax.dtypes.prng_key):
            return jax.random.key(0)
        return to_jax(np.zeros(shape.shape, shape.dtype))

    return jax.tree.map(leaf, jax.eval_shape(function, *arguments))


@pytest.fixture
def measured(monkeypatch, quickly):
    """What functions take, in order, as a test says; it sees what they got. They return zeros."""

    class Stopwatch:
        times: Any = ()  # then 1 ms each
        given: Any
        returned: Any
        run = staticmethod(zeros_of)

        def __init__(self):
            Stopwatch.given, Stopwatch.returned = [], []
            self.left = iter(Stopwatch.times)

        def __call__(self, function, *arguments):
            Stopwatch.given.append(arguments)
            Stopwatch.returned.append(Stopwatch.run(function, *arguments))
            return next(self.left, 1 * MS), Stopwatch.returned[-1]

    monkeypatch.setattr(timing, "Stopwatch", Stopwatch)
    return Stopwatch


def test_times_shares_and_rates(measured):
    measured.times = [2 * MS, 6 * MS, 1 * MS, 1 * MS, 4 * MS, 6 * MS, 16 * MS]
    text = pn.summary(pn.mlp((128,), 10), (784,), time=True, batch_size=50)
    head, layers, total, beneath = table(text)
    assert head == [
        "layer",
        "shape",
        "FLOPs",
        "forward",
        "ms",
        "backward",
        "ms",
        "share",
        "%",
        "GFLOP/s",
    ]
    # The first layer's backward is one product, that of the last two.
    assert layers == [
        Line("dense(128)", 200_832, "2.000", "6.000", "40.0", f"{2 * 50 * 200_832 / 8e6:.2f}"),
        Line("relu", 128, "1.000", "1.000", "10.0", "0.01"),
        Line("dense(10)", 2_570, "4.000", "6.000", "50.0", "0.04"),
    ]
    flops = 50 * (2 * 200_832 + 2 * 128 + 3 * 2_570)
    assert total == ("total", 203_530, "7.000", "13.000", "100.0", f"{flops / 20e6:.2f}")
    (line,) = beneath
    assert line == (
        "A batch of 50 on cpu. Forward and backward as one program: 16.000 ms, "
        f"{flops / 16e6:.2f} GFLOP/s"
    )
    lines = text.splitlines()[:-1]
    assert len({len(line) for line in lines}) == 1  # columns line up
    assert "(128,)" in lines[2] and "formula" not in text and "params" not in text


def test_a_step_computes_nothing_with_respect_to_the_data(measured):
    model = pn.serial(pn.flatten(), pn.repeat(pn.relu, 2), pn.dense(3), pn.relu)
    _, layers, total, _ = table(pn.summary(model, (2, 2), time=True))
    assert [(line.backward != "-") for line in layers] == [False, False, False, True, True]
    assert number(total.backward) == sum(number(line.backward) for line in layers)
    of_dense, _, of_relu, of_step = measured.returned[-4:]
    assert isinstance(of_dense, pn.DenseParams) and len(measured.returned) == 5 + 2 + 1
    assert of_relu[0] == () and of_relu[1].shape == (128, 3)
    assert measured.given[-1][2].shape == (128, 2, 2) and len(of_step[2]) == len(model.parts)


@pytest.mark.parametrize("model", [pn.tanh, pn.serial(pn.flatten(), jnp.sin), pn.residual(pn.relu)])
def test_a_model_without_parameters_has_its_dx(measured, model):
    _, layers, _, _ = table(pn.summary(model, (3, 2), time=True))
    assert all(line.backward == "1,000.0" or number(line.backward) == 0 for line in layers)
    assert "-" not in [line.backward for line in layers]


def test_units_go_with_the_total(measured):
    for each, unit, shown in (
        (0.4e-6, "µs", "0.4000"), (40e-6, "µs", "40.000"), (4 * MS, "µs", "4,000.0"),
        (40 * MS, "ms", "40.000"), (4.0, "ms", "4,000.0"), (400.0, "ms", "400,000"),
    ):  # fmt: skip
        measured.times = [each] * 3
        head, layers, _, beneath = table(pn.summary(pn.tanh, (3,), time=True))
        assert head[4] == head[6] == unit
        assert layers[0].forward == layers[0].backward == shown
        assert f"program: {shown} {unit}" in beneath[0]


def test_columns_add_up_to_their_totals_as_they_are_shown(measured, rng):
    measured.times = list(10 ** rng.uniform(-7, -2, size=40))
    block = pn.residual(pn.serial(pn.dense(8), pn.tanh))
    model = pn.serial(pn.flatten(), block, pn.repeat(block, 3), pn.dense(3), pn.softmax)
    _, layers, total, _ = table(pn.summary(model, (4, 2), time=True))
    assert len(layers) == 1 + 3 + 4 + 2
    for field in ("forward", "backward"):
        cells = [getattr(line, field) for line in layers]
        decimals = {len(cell.partition(".")[2]) for cell in cells if cell != "-"}
        assert len(decimals) == 1
        assert sum(map(number, cells)) == pytest.approx(number(getattr(total, field)), abs=1e-9)
    assert sum(number(line.share) for line in layers) == pytest.approx(100, abs=0.5)
    assert total.share == "100.0"


def test_a_layer_around_others_has_what_it_adds(measured):
    model = pn.serial(pn.dense(4), pn.residual(pn.serial(pn.dense(4), pn.tanh)))
    #                dense         residual        dense           tanh
    measured.times = [MS, MS, 9 * MS, 5 * MS, 3 * MS, 6 * MS, 4 * MS, 1 * MS]
    _, layers, total, _ = table(pn.summary(model, (3,), time=True))
    assert [(line.name, line.forward, line.backward) for line in layers] == [
        ("dense(4)", "1.000", "1.000"),
        ("residual", "2.000", "0.000"),  # 9 - 3 - 4, and 5 - 6 - 1 is less than nothing
        ("dense(4)", "3.000", "6.000"),
        ("tanh", "4.000", "1.000"),
    ]
    assert (total.forward, total.backward) == ("10.000", "8.000")


def test_a_repeated_layer_has_the_time_of_the_others(measured):
    model = pn.serial(pn.repeat(pn.dense(4), 5), pn.dense(2))
    measured.times = [10 * MS, 30 * MS, 2 * MS, 6 * MS, 0.0, 0.0, 40 * MS]
    text = pn.summary(model, (4,), time=True, batch_size=1000)
    _, (around, one, last), _, _ = table(text)
    assert (around.forward, around.backward, one.forward, one.backward) == (
        "8.000", "24.000", "2.000", "6.000",
    )  # fmt: skip
    # Within the loop each layer passes a dx on, the first one too.
    flops = 2 * 4 * 4 + 4
    assert (around.flops, one.flops) == (4 * flops, flops)
    assert around.rate == one.rate == f"{1000 * 3 * flops / 8e6:.2f}"
    assert (last.forward, last.share, last.rate) == ("0.000", "0.0", "-")


def test_what_recompute_computes_again_is_its_own(measured):
    model = pn.serial(pn.dense(4), pn.recompute(pn.tanh))
    measured.times = [MS, MS, 2 * MS, 5 * MS, 2 * MS, 3 * MS]
    _, layers, _, _ = table(pn.summary(model, (4,), time=True))
    assert layers[1] == ("recompute", 0, "0.0", "2,000.0", layers[1].share, "-")


def test_a_shared_table_passes_derivatives_into_its_layers(measured):
    measured.times = [4 * MS, 8 * MS] + [0.0] * 5
    _, layers, _, _ = table(pn.summary(pn.tied_embedding(50, 8, pn.rms_norm()), (6,), time=True))
    flops = 2 * 6 * 50 * 8
    assert layers[0].flops == flops and layers[0].rate == f"{3 * 128 * flops / 12e6:.2f}"


def test_plain_functions_have_their_star_and_names_are_cut(measured):
    def a_function_whose_name_somebody_chose_with_great_care_and_then_kept_for_many_years(x):
        return x * 2

    model = pn.serial(
        pn.dense(10**4),
        a_function_whose_name_somebody_chose_with_great_care_and_then_kept_for_many_years,
        pn.serial(pn.dense(2)).replace(name="a decoder that was named with the same care as well"),
    )
    text = pn.summary(model, (3,), time=True, batch_size=2)
    assert max(map(columns, text.splitlines())) <= 100, text
    _, layers, _, beneath = table(text)
    assert layers[1].name.endswith("…*")
    assert beneath[1] == "* not derived by hand: jax.vjp differentiates this part"


def test_symbols_are_spelled_where_they_cannot_be_printed(measured, monkeypatch):
    class Ascii:
        encoding = "ascii"

    monkeypatch.setattr("sys.stdout", Ascii())
    text = pn.summary(pn.tanh, (3,), time=True)
    assert text.isascii() and "forward us" in text and text.endswith(" us, 0.00 GFLOP/s")


def test_tokens_are_random_within_the_vocabulary(measured):
    embedding = pn.embedding(5, 3)
    for model in (
        embedding,
        pn.serial(pn.serial(embedding), pn.dense(2)),
        pn.parallel(pn.embedding(9, 3), embedding),
        pn.tied_embedding(5, 3, pn.tanh),
    ):
        pn.summary(model, (30,), time=True, batch_size=4)
        tokens = measured.given[0][2]
        assert tokens.shape == (4, 30) and tokens.dtype == jnp.int32
        assert set(np.unique(tokens)) == set(range(5))
    # Of a layer that doesn't say which there are, 0 is one in any case.
    pn.summary(embedding.replace(vocabulary=None), (3,), time=True)
    assert not measured.given[0][2].any()


def test_each_layer_gets_the_output_of_the_one_before_it_in_training(measured):
    measured.run = staticmethod(lambda function, *arguments: jax.jit(function)(*arguments))
    model = pn.serial(pn.dense(6), pn.batch_norm(), pn.dropout(0.5), pn.dense(2))
    pn.summary(pn.as_dtype(model, jnp.bfloat16), (3,), time=True, batch_size=8)
    forward = measured.given[0:-1:2]
    params = [given[0] for given in forward]
    xs, dys = [given[2] for given in forward], [given[2] for given in measured.given[1:-1:2]]
    assert [x.shape for x in xs] == [(8, 3), (8, 6), (8, 6), (8, 6)]
    assert {a.dtype for a in [*xs, *dys, *jax.tree.leaves(params)]} == {jnp.dtype("bfloat16")}
    for i, layer in enumerate(model.parts[:3]):
        y, _ = layer.apply(params[i], forward[i][1], xs[i], train=True, key=forward[i][3])
        np.testing.assert_array_equal(y, xs[i + 1])
    assert (xs[3] == 0).any()  # dropout is at work
    # The step is that of the whole model, with these parameters.
    assert jax.tree.all(jax.tree.map(jnp.array_equal, measured.given[-1][0], tuple(params)))


class Clock:
    """A clock that a compiled program advances."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now

    def advanced(self, seconds, x):
        def advance(number):
            self.now += seconds
            return np.zeros_like(number)

        return x + jax.pure_callback(advance, jax.ShapeDtypeStruct((), x.dtype), x.ravel()[0])


def slow(clock, forward, backward):
    return pn.Layer(
        lambda key, in_shape: ((), ()),
        lambda params, state, x, *, train=False, key=None: (
            clock.advanced(forward, x),
            state,
            None,
        ),
        lambda params, cache, dy: ((), clock.advanced(backward, dy)),
        name="slow",
    )


def test_a_slow_layer_shows(monkeypatch):
    """The program does what it is measured by as often as it should: XLA leaves it in the loop."""
    clock = Clock()
    monkeypatch.setattr(stopwatch, "perf_counter", clock)
    monkeypatch.setattr(stopwatch, "MOST", 4)
    model = pn.serial(pn.dense(3), slow(clock, 3 * MS, 7 * MS), pn.tanh)
    _, layers, total, beneath = table(pn.summary(model, (2,), time=True, batch_size=2))
    assert [(line.forward, line.backward, line.share) for line in layers] == [
        ("0.000", "0.000", "0.0"),
        ("3.000", "7.000", "100.0"),
        ("0.000", "0.000", "0.0"),
    ]
    assert (total.forward, total.backward) == ("3.000", "7.000")
    assert "one program: 10.000 ms" in beneath[0]


def test_calling_a_program_is_not_counted(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(stopwatch, "perf_counter", clock)
    numbers = []

    def program(n):
        numbers.append(n)
        clock.now += 5 * MS * (1 if len(numbers) > 1 else 100) + n * 0.4 * MS
        return jnp.zeros(())

    assert stopwatch.seconds(program) == pytest.approx(0.4 * MS)
    assert max(numbers) * 0.4 * MS >= stopwatch.LEAST


def test_an_empty_loop_is_not_counted(monkeypatch):
    taken = iter((2 * MS, 5 * MS, 1 * MS))
    monkeypatch.setattr(stopwatch, "seconds", lambda program: next(taken))
    watch = stopwatch.Stopwatch()
    assert watch(jnp.sin, jnp.ones(2))[0] == pytest.approx(3 * MS)
    assert watch(jnp.cos, jnp.ones(2))[0] == 0.0


def test_equal_layers_are_measured_once(monkeypatch):
    programs = []
    monkeypatch.setattr(stopwatch, "seconds", lambda program: programs.append(program) or 1 * MS)
    one = partial(pn.residual, pn.tanh)
    pn.summary(pn.serial(pn.dense(3), one()), (3,), time=True)
    once = len(programs)
    programs.clear()
    pn.summary(pn.serial(pn.dense(3), one(), one(), one()), (3,), time=True)
    assert len(programs) == once == 1 + 2 + 2 + 2 + 1  # the first and the last: nothing, the step
    programs.clear()
    pn.summary(pn.serial(pn.dense(3), one(), pn.residual(pn.relu)), (3,), time=True)
    assert len(programs) == once + 4


def test_the_result_of_the_loop_is_that_of_the_function(monkeypatch):
    monkeypatch.setattr(stopwatch, "seconds", lambda program: 0.0)
    x, key = jnp.arange(6.0).reshape(2, 3), jax.random.key(3)

    def function(x, both, key):
        y = jnp.sin(x)
        return y, {"x": x, "again": [y, both["b"], None]}, jax.random.fold_in(key, 1), key, 2.0

    given = x, {"a": x + 1, "b": jnp.arange(4)}, key
    _, result = stopwatch.Stopwatch()(function, *given)
    expected = jax.jit(function)(*given)
    assert jax.tree.structure(result) == jax.tree.structure(expected)
    for a, b in zip(jax.tree.leaves(result), jax.tree.leaves(expected), strict=True):
        assert a.dtype == b.dtype and a.shape == b.shape
        if jax.dtypes.issubdtype(a.dtype, jax.dtypes.prng_key):
            a, b = map(jax.random.key_data, (a, b))
        np.testing.assert_array_equal(a, b)
    # A loop without iterations returns zeros.
    nothing = jax.jit(stopwatch.looped(jnp.cos))(np.int32(0), jnp.zeros((), bool), (x,))
    assert not nothing.any()
