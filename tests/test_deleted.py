"""Arrays that were deleted or donated, and arrays that are traced: rejected in words, by name."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import purenn as pn

KEY = jax.random.key(0)
MODEL = pn.serial(pn.dense(3), pn.batch_norm(), pn.relu, pn.dense(2))
LOSS, ADAM = pn.softmax_cross_entropy, pn.adam(0.1)
X = np.linspace(-1, 1, 16, dtype=np.float32).reshape(8, 2)
Y = np.arange(8, dtype=np.int32) % 2
START = pn.TrainState.create(MODEL, ADAM, KEY, (2,))
STEP = pn.train_step(MODEL, LOSS, ADAM)
OPTIONS = {"epochs": 1, "batch_size": 4, "key": KEY, "progress": False}


def donated(tree):
    """A copy of a tree that was given to a jitted function."""
    tree = jax.tree.map(lambda leaf: jnp.array(leaf, copy=True), tree)
    for leaf in jax.tree.leaves(tree):
        leaf.delete()
    return tree


def fit(data=(X, Y), **options):
    return pn.fit(MODEL, LOSS, ADAM, data, **(OPTIONS | options))


def evaluate(params=START.params, state=START.state, x=X, targets=Y):
    return pn.evaluate(MODEL, LOSS, params, state, x, targets)


def backpropagate(how, params=START.params, state=START.state, x=X, targets=Y):
    if how is pn.explain:
        return pn.explain(MODEL, LOSS, params, state, x, targets)
    return how(MODEL, LOSS)(params, state, x, targets)


def batches(epoch):
    yield X[:4], Y[:4]
    yield donated(X[:4]), Y[:4]


PART, ALL = MODEL.parts[0], (START.params, START.state)
DROP = {"train": True, "key": donated(KEY)}
CALLS = {
    "fit: train_state.params[0].w": lambda: fit(train_state=donated(START)),
    "fit: train_state.key": lambda: fit(train_state=START._replace(key=donated(KEY))),
    "fit: key": lambda: fit(key=donated(KEY)),
    "fit: data[0]": lambda: fit((donated(X), Y)),
    "fit: data[1]": lambda: fit((X, donated(Y))),
    "fit: validation[1]": lambda: fit(validation=(X, donated(Y))),
    "fit: in epoch 1, batch 2: x": lambda: fit(batches, batch_size=None),
    "adam: grads[0].w": lambda: ADAM.update(donated(START.params), START.opt_state),
    "apply_updates: updates[0].w": lambda: pn.apply_updates(START.params, donated(START.params)),
    "evaluate: params[0].w": lambda: evaluate(params=donated(START.params)),
    "evaluate: state[1].mean": lambda: evaluate(state=donated(START.state)),
    "evaluate: x": lambda: evaluate(x=donated(X)),
    "evaluate: targets": lambda: evaluate(targets=donated(Y)),
    "train_step: train_state.opt_state.step": lambda: STEP(
        START._replace(opt_state=donated(START.opt_state)), X, Y
    ),
    "train_step: x": lambda: STEP(START, donated(X), Y),
    "TrainState.create: key": lambda: pn.TrainState.create(MODEL, ADAM, donated(KEY), (2,)),
    "training_run: key": lambda: pn.training_run(MODEL, LOSS, ADAM, epochs=1, batch_size=4)(
        donated(KEY), X, Y
    ),
    "training_run: targets": lambda: pn.training_run(MODEL, LOSS, ADAM, epochs=1, batch_size=4)(
        KEY, X, donated(Y)
    ),
    "accuracy: logits": lambda: pn.accuracy(donated(X), Y),
    "dense(3): params.w": lambda: backpropagate(pn.value_and_grad, params=donated(START.params)),
    "batch_norm: state.mean": lambda: MODEL.apply(START.params, donated(START.state), X),
    "explain: x": lambda: backpropagate(pn.explain, x=donated(X)),
    "softmax_cross_entropy: targets": lambda: backpropagate(pn.value_and_grad, targets=donated(Y)),
    "dense(3): key": lambda: PART.init(donated(KEY), (2,)),
    "dense(3): dy": lambda: PART.backward(
        START.params[0], PART.forward(START.params[0], (), X)[2], donated(X[:, [0, 0, 0]])
    ),
    "dense(3): cache.saved": lambda: PART.backward(
        START.params[0], donated(PART.forward(START.params[0], (), X)[2]), X[:, [0, 0, 0]]
    ),
    "dropout(0.5): key": lambda: pn.dropout(0.5).forward((), (), X, **DROP),
    "relu: x": lambda: pn.relu(donated(X)),
    "relu: cache.saved": lambda: pn.relu.backward(donated(pn.relu.forward(X)[1]), X),
    "mse: targets": lambda: pn.mse(X, donated(X)),
    "l2_penalty(0.1): params['w']": lambda: pn.l2_penalty(0.1)({"w": donated(X)}),
    "serial: x": lambda: pn.serial(lambda x: 2 * x).apply(((),), ((),), donated(X)),
}


@pytest.mark.usefixtures("quickly")
@pytest.mark.parametrize("place", CALLS)
def test_a_deleted_array_is_named_wherever_it_is_given(place):
    says = f"{place} was deleted or donated to a jitted function; use what that returned"
    with pytest.raises(ValueError, match=f"^{re.escape(says)}"):
        CALLS[place]()


def test_other_errors_of_a_layer_are_its_own():
    def fails(x):
        raise RuntimeError("out of luck")

    with pytest.raises(RuntimeError, match="out of luck"):
        pn.serial(fails).apply(((),), ((),), jnp.asarray(X))
    with pytest.raises(RuntimeError, match="out of luck"):  # in a transformation too
        jax.grad(lambda x: pn.serial(fails).apply(((),), ((),), x)[0].sum())(X)


# What is traced.

KEYS = jax.random.split(KEY, 2)
TRACED = {
    "key": lambda: jax.vmap(lambda key: fit(key=key)[0].params)(KEYS),
    "data[0]": lambda: jax.jit(lambda x: fit((x, Y))[0].params)(X),
    "data[1]": lambda: jax.jit(lambda y: fit((X, y))[0].params)(Y),
    "validation[0]": lambda: jax.jit(lambda x: fit(validation=(x, Y))[0].params)(X),
    "train_state.params[0].w": lambda: jax.jit(lambda s: fit(train_state=s)[0].params)(START),
}


@pytest.mark.parametrize("name", TRACED)
def test_fit_rejects_what_is_traced_and_names_training_run(name):
    says = f"^fit: {re.escape(name)} is traced.* outside jit, grad, and vmap, or use training_run"
    with pytest.raises(TypeError, match=says):
        TRACED[name]()


def test_fit_raises_in_a_program_that_is_traced():
    for given in ((X, Y), lambda epoch: [(X, Y)]):
        options = {"batch_size": None} if callable(given) else {}
        with pytest.raises(TypeError, match="^fit: called in a function that is traced.*use trai"):
            jax.jit(lambda given=given, options=options: fit(given, **options)[0].params)()


@pytest.mark.parametrize("transform", [jax.vmap, jax.grad], ids=["vmap", "grad"])
@pytest.mark.parametrize("source", ["arrays", "function"])
def test_fit_rejects_hyperparameters_that_are_traced(transform, source, tmp_path):
    def run(rate):
        data, size = ((X, Y), 4) if source == "arrays" else (lambda epoch: [(X, Y)], None)
        options = OPTIONS | {"batch_size": size, "checkpoints": tmp_path / "run"}
        return pn.fit(pn.dense(2), LOSS, pn.sgd(rate), data, **options)[0].params.w[0, 0]

    rates = jnp.array([0.1, 0.2]) if transform is jax.vmap else 0.1
    with pytest.raises(TypeError, match="^fit: the run is traced, by a traced learning rate perh"):
        transform(run)(rates)
    assert not (tmp_path / "run").exists()  # of a run of which nothing came
