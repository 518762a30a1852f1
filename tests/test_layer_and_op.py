"""`Layer` and `Op`: methods with signatures, `replace`, names and paths, what an editor sees."""

import copy
import inspect
import pydoc
import weakref

import jax
import jax.numpy as jnp
import pytest

import purenn as pn

KEY = jax.random.key(0)
X = jnp.arange(6.0).reshape(2, 3) - 2
DENSE = pn.dense(3)
PARAMS, _ = DENSE.init(KEY, (3,))


def note_of(call):
    """The message of the error that a call raises, and the notes of ours."""
    with pytest.raises((TypeError, ValueError)) as caught:
        call()
    notes = getattr(caught.value, "__notes__", ())
    return str(caught.value), [str(note) for note in notes if note.startswith("in ")]


# Values.


@pytest.mark.parametrize("part", [DENSE, pn.relu, pn.serial(DENSE), pn.by_hand(pn.mse)], ids=str)
def test_it_is_immutable_and_compared_by_identity(part):
    other = part.replace()
    assert part == part != other
    assert len({part, other}) == 2
    assert weakref.ref(part)() is part
    assert jax.tree.leaves(part) == [part]  # not a pytree
    with pytest.raises(AttributeError, match=r"immutable; use \.replace\(name=…\)"):
        part.name = "other"
    with pytest.raises(AttributeError, match="immutable"):
        del part.name
    assert repr(part) == part.name == other.name
    assert copy.copy(part).name == part.name


def test_methods_have_real_signatures():
    shown = {name: str(inspect.signature(getattr(DENSE, name)).replace(return_annotation="y"))
             for name in ("init", "forward", "backward", "apply")}  # fmt: skip
    for method, names in {
        "init": ["key", "in_shape"],
        "forward": ["params", "state", "x", "train", "key"],
        "backward": ["params", "cache", "dy"],
        "apply": ["params", "state", "x", "train", "key"],
    }.items():
        assert list(inspect.signature(getattr(DENSE, method)).parameters) == names, shown
        assert getattr(pn.Layer, method).__doc__.startswith("Return")


@pytest.mark.parametrize("op", [pn.leaky_relu, pn.by_hand(pn.leaky_relu)])
def test_an_op_shows_its_own_arguments(op):
    signature = inspect.signature(op)
    assert list(signature.parameters) == ["x", "negative_slope"]
    assert signature.parameters["negative_slope"].default == 0.01
    page = pydoc.plain(pydoc.render_doc(op))
    assert "leaky_relu(x, *, negative_slope=0.01)" in page and "Apply leaky ReLU" in page


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: DENSE.forward(PARAMS, X), "forward() missing 1 required positional argument: 'x'"),
        (lambda: DENSE.apply(PARAMS, (), X, True), "apply() takes 4 positional arguments but 5"),
        (lambda: pn.relu.backward(X), "backward() missing 1 required positional argument: 'dy'"),
        (lambda: pn.mse(X), "mse: missing a required argument: 'targets'; expected mse(pred"),
        (lambda: pn.mse.forward(X), "mse: missing a required argument: 'targets'; expected mse("),
        (lambda: pn.relu(X, alpha=1), "relu: got an unexpected keyword argument 'alpha'; expected"),
    ],
)
def test_a_call_that_does_not_fit_is_told_of_the_public_name(call, words):
    with pytest.raises(TypeError) as caught:
        call()
    assert words in str(caught.value)


def test_an_error_of_the_users_own_function_comes_through_as_it_is():
    def forward(params, state, x, *, train=False, key=None):
        return len(3), state, x

    mine = pn.Layer(pn.flatten().functions.init, forward, lambda params, cache, dy: ((), dy))
    with pytest.raises(TypeError, match=r"object of type 'int' has no len\(\)") as caught:
        pn.serial(mine).forward(((),), ((),), X)
    assert caught.traceback[-1].name == "forward" and str(caught.traceback[-1].path) == __file__
    assert caught.value.__cause__ is None


# replace.


def double(params, state, x, *, train=False, key=None):
    return 2 * x, state, x


def test_a_new_backward_is_used_everywhere():
    wrong = DENSE.replace(backward=lambda params, x, dz: (params, 7 * x))
    assert wrong.name == DENSE.name and wrong.functions.forward is DENSE.functions.forward
    y, _, cache = wrong.forward(PARAMS, (), X)
    assert wrong.backward(PARAMS, cache, y)[1].tolist() == (7 * X).tolist()
    assert wrong.backward(PARAMS, DENSE.forward(PARAMS, (), X)[2], y)[1].shape == X.shape
    with pytest.raises(ValueError, match=r"dense\(3\): dy must be like y"):  # the checks are on
        wrong.backward(PARAMS, cache, y[0])
    loss = lambda layer: jax.grad(lambda x: layer.apply(PARAMS, (), x)[0].sum())(X)  # noqa: E731
    assert (loss(pn.by_hand(wrong)) == 7 * X).all()
    assert (loss(pn.by_hand(DENSE).replace(backward=wrong.functions.backward)) == 7 * X).all()


def test_a_new_forward_renews_apply():
    for layer in (DENSE, pn.serial(DENSE), pn.residual(pn.relu), pn.by_hand(pn.serial(DENSE))):
        other = layer.replace(forward=double)
        assert other.apply((), (), X)[0].tolist() == (2 * X).tolist()
        assert other.parts == other.inner == ()  # no longer what it does
    assert pn.relu.replace(forward=lambda x: (3 * x, x))(X).tolist() == (3 * X).tolist()
    kept = pn.serial(DENSE).replace(apply=lambda params, state, x, *, train=False, key=None: x)
    assert kept.parts and kept.apply((), (), X) is X
    assert kept.forward((PARAMS,), ((),), X)[0].shape == X.shape


def test_op_replaces_backward_and_name():
    mine = pn.relu.replace(backward=lambda y, dy: 5 * dy, name="mine")
    y, cache = mine.forward(X)
    assert mine.backward(cache, y).tolist() == (5 * y).tolist()
    assert (jax.grad(lambda x: pn.by_hand(mine)(x).sum())(X) == 5).all()
    with pytest.raises(ValueError, match="mine: cache comes from relu"):
        mine.backward(pn.relu.forward(X)[1], y)
    with pytest.raises(TypeError, match=r"^mine: x must be an array"):
        mine("x")


@pytest.mark.parametrize("part", [DENSE, pn.relu])
def test_what_is_replaced_is_checked(part):
    with pytest.raises(TypeError, match="backward must take"):
        part.replace(backward=lambda: None)
    with pytest.raises(TypeError, match="unexpected keyword argument 'backwards'"):
        part.replace(backwards=len)
    with pytest.raises(TypeError, match="flops must be a function"):
        part.replace(flops=3)


# Names and paths.


def test_messages_begin_with_the_new_name():
    dense = DENSE.replace(name="encoder")
    assert note_of(lambda: dense.forward(PARAMS, (), X[0]))[0].startswith("encoder: x has shape")
    assert note_of(lambda: dense.backward(PARAMS, X, X))[0].startswith("encoder: cache")
    model = pn.serial(DENSE).replace(name="encoder")
    assert note_of(lambda: model.forward((), (), X))[0].startswith("encoder: params must be a")
    cache = dense.forward(PARAMS, (), X)[2]
    assert dense.backward(PARAMS, cache, X)[1].shape == X.shape
    again = dense.replace(name="decoder")
    message, notes = note_of(lambda: again.init(KEY, ()))
    assert message.startswith("decoder: an example has shape ()") and notes == []
    loss = pn.mse.replace(name="mine")
    assert note_of(lambda: loss(X, X[0]))[0].startswith("mine: targets has shape")


INNER = pn.serial(pn.relu, pn.flatten(), pn.relu, DENSE)
BAD = (((), (), (), ()), ((), (), (), ()), X)
PATHS = {
    "in encoder / part 3: dense(3)": (INNER.replace(name="encoder"), BAD),
    "in serial / part 3: dense(3)": (INNER, BAD),
    "in residual / dense(3)": (pn.residual(DENSE), ((), (), X)),
    "in serial / part 1: residual / dense(3)": (
        pn.serial(pn.relu, pn.residual(DENSE)),
        (((), ()), ((), ()), X),
    ),
    "in outer / part 0: inner / recompute / serial / part 3: dense(3)": (
        pn.serial(pn.residual(pn.recompute(INNER)).replace(name="inner")).replace(name="outer"),
        (BAD[:1], BAD[1:2], X),
    ),
    "in serial / part 0: bfloat16 dense(3)": (
        pn.mixed_precision(pn.serial(DENSE)),
        (((),), ((),), X),
    ),
}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["forward", "apply"])
def test_one_note_has_the_whole_path(path, method):
    model, arguments = PATHS[path]
    message, notes = note_of(lambda: getattr(model, method)(*arguments))
    assert message.startswith("dense(3): params must be DenseParams")
    assert notes == [path]


def test_the_path_of_an_initializer_and_of_a_backward():
    model = pn.serial(pn.relu, pn.dense(3, w_init=lambda key, shape, dtype: 0.0))
    assert note_of(lambda: model.init(KEY, (3,)))[1] == ["in serial / part 1: dense(3) / w_init"]
    wrong = DENSE.replace(backward=lambda params, x, dz: 3, name="wrong")
    block = pn.serial(pn.residual(wrong))
    params, state = block.init(KEY, (3,))
    cache = block.forward(params, state, X)[2]
    message, notes = note_of(lambda: block.backward(params, cache, X))
    assert message == "wrong: backward must return (dparams, dx), got 3"
    assert notes == ["in serial / part 0: residual / wrong"]
