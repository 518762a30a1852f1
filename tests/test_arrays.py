"""Arrays as other tools hand them over: byte orders, layouts, and types that are not arrays."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from table import LAYERS, OPS, case, error, functions, jit_quickly, names, shapes

import purenn as pn
from purenn.core.keys import is_key

KEY = jax.random.key(0)


def big_endian(tree):
    def leaf(a):
        if isinstance(a, jax.Array) and is_key(a):
            return a
        a = np.asarray(a)
        return a if a.dtype.itemsize == 1 else a.astype(a.dtype.newbyteorder(">"))

    return jax.tree.map(leaf, tree)


def in_one_program(*given):
    """Call a function with each, closed over: `jax.jit` itself takes no other byte order."""
    return lambda function: jit_quickly(lambda: [function(each) for each in given])()


SOME = [
    row
    for row in (*LAYERS, *OPS)
    if ("-" not in row.name or row.name.endswith("-rows")) and row.name != "mlp"  # a serial
]


@pytest.mark.parametrize("row", SOME, ids=names(SOME))
def test_every_rule_takes_big_endian_arrays(row, rng):
    f = functions(row)
    v, rest = case(row, shapes(row)[0], rng, jnp.float32)
    y = jax.eval_shape(f.plain, v, rest)
    dy = np.ones(y.shape, y.dtype)

    @in_one_program(big_endian((v, rest, dy)), (v, rest, dy))
    def everything(given):
        v, rest, dy = given
        y, cache = f.forward(v, rest)
        return y, f.backward(v, cache, dy), f.apply(v, rest)

    assert error(*everything) == 0


@pytest.mark.parametrize("op", [pn.gelu, pn.l2_penalty(0.1)], ids=repr)
def test_by_hand_takes_big_endian_arrays(op):
    x = np.ones((4, 3), ">f4")
    assert error(pn.by_hand(op)(x), op(x.astype("=f4"))) == 0
    layer = pn.by_hand(pn.batch_norm())
    given = big_endian((*layer.init(KEY, (3,)), x))
    assert layer.apply(*given, train=True)[0].dtype == jnp.float32


def test_everything_else_takes_big_endian_arrays(rng):
    x, labels = rng.normal(size=(8, 3)).astype(np.float32), rng.integers(3, size=8)
    native, other = (x, labels.astype(np.int32)), big_endian((x, labels))
    assert other[0].dtype == ">f4" and other[1].dtype == ">i8"
    model, loss, optimizer = pn.serial(pn.dense(3)), pn.softmax_cross_entropy, pn.adam(0.1)
    options = {"epochs": 2, "batch_size": 4, "key": KEY, "progress": False}

    def fitted(data, **more):
        return pn.fit(model, loss, optimizer, data, **{**options, **more})

    start, _ = fitted(native)
    learned = start.params, start.state
    mesh = jax.make_mesh((2,), ("data",), devices=jax.devices()[:2])
    run = pn.training_run(model, loss, optimizer, epochs=1, batch_size=4)
    calls = {
        "fit": lambda data: fitted(data, validation=data)[1][-1].validation_loss,
        "fit on a mesh": lambda data: fitted(data, mesh=mesh, blocks=2)[0].params,
        "fit, a function": lambda data: fitted(lambda e: [data, data], batch_size=None)[0].params,
        "evaluate": lambda data: pn.evaluate(model, loss, *learned, *data),
        "accuracy": lambda data: pn.accuracy(*data),
        "check_gradients": lambda data: pn.check_gradients(pn.gelu, data[0]).worst,
        "compare": lambda data: (
            pn.compare({"X": data[0]}, pn.explain(model, loss, *learned, *native)).worst
        ),
    }
    for name, call in calls.items():
        given = [jax.tree.map(np.asarray, call(data)) for data in (other, native)]
        assert error(*given) <= 1e-6, name

    @in_one_program(other, native)
    def pure(data):
        return {
            "explain": pn.explain(model, loss, *learned, *data).value,
            "value_and_grad": pn.value_and_grad(model, loss)(*learned, *data)[1],
            "train_step": pn.train_step(model, loss, optimizer)(start, *data)[1],
            "training_run": run(KEY, *data)[1],
        }

    assert error(*pure) <= 1e-6

    grads = {"w": rng.normal(size=(2, 2)).astype(np.float32)}
    for optimizer in (pn.sgd(0.1), pn.momentum(0.1), pn.adamw(0.1)):
        given = [optimizer.update(g, optimizer.init(g), g)[0] for g in (grads, big_endian(grads))]
        assert error(given[1], given[0]) == 0
        assert (
            error(pn.apply_updates(big_endian(grads), given[0]), pn.apply_updates(grads, given[0]))
            == 0
        )


@pytest.mark.parametrize(
    "change",
    [
        lambda x: x[::-1],
        lambda x: x.T,
        lambda x: x[:, ::2],
        np.asfortranarray,
        lambda x: np.broadcast_to(x[:1], x.shape),
        np.longdouble,
        lambda x: (
            np.frombuffer(b"\0" + x.tobytes(), np.uint8)[1:].view(np.float32).reshape(x.shape)
        ),
    ],
    ids=["reversed", "transposed", "strided", "Fortran", "broadcast", "longdouble", "unaligned"],
)
def test_any_layout_of_a_numpy_array_is_converted(change, rng):
    x = change(rng.normal(size=(4, 4)).astype(np.float32))
    np.testing.assert_array_equal(pn.relu(x), np.maximum(x, 0).astype(pn.relu(x).dtype))


def test_one_number_stands_for_a_pair_and_words_are_of_any_case():
    for one, other in (
        (pn.conv2d(2, 3), pn.conv2d(2, (3, 3))),
        (pn.conv2d(2, (3, 3), strides=2), pn.conv2d(2, strides=(2, 2))),
        (pn.conv2d(2, 5, padding="same"), pn.conv2d(2, (5, 5), padding="SAME")),
        (pn.conv2d(2, 3, padding="valid"), pn.conv2d(2, padding="VALID")),
        (pn.conv2d(2, 3, padding=1), pn.conv2d(2, padding=((1, 1), (1, 1)))),
        (pn.max_pool(3, strides=1), pn.max_pool((3, 3), strides=(1, 1))),
        (pn.conv2d(2, dilation=2), pn.conv2d(2, dilation=(2, 2))),
        (pn.conv2d_transpose(2, 3, strides=2), pn.conv2d_transpose(2, strides=(2, 2))),
        (pn.avg_pool(np.int64(2)), pn.avg_pool((2, 2))),
        (pn.max_pool(3, padding=1), pn.max_pool((3, 3), padding=((1, 1), (1, 1)))),
        (pn.avg_pool(3, padding="same"), pn.avg_pool((3, 3), padding="SAME")),
    ):
        assert one.name == other.name
        params, _ = jax.eval_shape(lambda layer=one: layer.init(KEY, (6, 7, 2)))
        x = jax.ShapeDtypeStruct((1, 6, 7, 2), jnp.float32)
        y, expected = (jax.eval_shape(part.apply, params, (), x)[0] for part in (one, other))
        assert y.shape == expected.shape
