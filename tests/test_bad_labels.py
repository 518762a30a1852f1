"""Wrong targets in every function that takes them: rejected by name, or NaN in a program."""

import re
from functools import cache, partial

import jax
import numpy as np
import pytest
from table import jit_quickly

import purenn as pn

KEY = jax.random.key(0)
X = np.linspace(-1, 1, 20, dtype=np.float32).reshape(4, 5)
ROWS = np.eye(3, dtype=np.float32)[[0, 1, 2, 0]]
BACK_TO_ONE = 2**32 + 1  # what int32 wraps to a good label


def labels(value, dtype=np.int32):
    return np.array([0, value, 1, 2], dtype)


def rows(first):
    return np.concatenate([np.array([first], np.float32), ROWS[1:]])


# What any program's shapes and dtypes tell, and what only the numbers do.
BY_SHAPE = {
    "floats": labels(1, np.float32),
    "bools": labels(1) == 1,
    "a column": labels(1)[:, None],
    "a column too many": np.eye(4, dtype=np.float32),
    "a scalar": np.int32(1),
    "three of four": labels(1)[:3],
    "a list": [0, 1, 1, 2],
    "none": None,
    "text": np.array(["0", "1", "1", "2"]),
    "objects": np.array([0, 1, 1, None]),
    "complex": ROWS.astype(complex),
    "2**32 + 1": labels(BACK_TO_ONE, np.int64),
    "-2**63": labels(-(2**63), np.int64),
    "2**64 - 1": labels(2**64 - 1, np.uint64),
}
# Enough for the functions that trace a whole step for each of them.
FEW = {name: BY_SHAPE[name] for name in ("floats", "a column", "three of four", "2**32 + 1")}
BY_LABEL = {"-1": labels(-1), "C": labels(3), "2**31 - 1": labels(2**31 - 1)}
BY_ROW = {
    "NaN in a row": rows([np.nan, 0.5, 0.5]),
    "inf in a row": rows([np.inf, 0, 0]),
    "a sum of 2": rows([1, 1, 0]),
    "below 0": rows([-1, 1, 1]),
}
OF_CLASSES = {**BY_SHAPE, **BY_LABEL, **BY_ROW}
OF_NUMBERS = {
    "one axis": ROWS[:, 0],
    "one column": ROWS[:, :1],
    "a column too many": np.eye(4, dtype=np.float32),
    "a scalar": np.float32(1),
    "three of four": ROWS[:3],
    "text": ROWS.astype(str),
    "2**32 + 1": np.full((4, 3), BACK_TO_ONE),
}
OUTSIDE_0_1 = {
    "-1": ROWS - 1,
    "2": 2 * ROWS,
    "NaN": rows([np.nan, 0, 0]),
    "inf": rows([np.inf, 0, 0]),
}

MODEL, OPTIMIZER, LOSS = pn.dense(3), pn.sgd(0.1), pn.softmax_cross_entropy
PARAMS, STATE = MODEL.init(KEY, (5,))
TRAIN_STATE = pn.TrainState.create(MODEL, OPTIMIZER, KEY, (5,))
BACKPROPAGATE = pn.value_and_grad(MODEL, LOSS)
STEP = pn.train_step(MODEL, LOSS, OPTIMIZER)
COMPILED_STEP = jit_quickly(STEP)
RUN = pn.training_run(MODEL, LOSS, OPTIMIZER, epochs=1, batch_size=4)
COMPILED_RUN = jit_quickly(RUN)
FIT = partial(pn.fit, MODEL, LOSS, OPTIMIZER, epochs=1, key=KEY, progress=False)


@cache
def compiled(loss):
    return jit_quickly(loss)


def fit_validated(targets):
    _, history = FIT((X, ROWS), batch_size=4, validation=(X, targets))
    return history[-1].validation_loss


# What sees the numbers rejects them; the others give NaN, or stop where it comes up.
EAGER = {
    "value_and_grad": lambda t: BACKPROPAGATE(PARAMS, STATE, X, t)[0][0],
    "explain": lambda t: pn.explain(MODEL, LOSS, PARAMS, STATE, X, t).value,
    "train_step": lambda t: STEP(TRAIN_STATE, X, t)[1],
}
ON_THE_HOST = {
    "fit": lambda t: FIT((X, t), batch_size=4),
    "fit, validation": fit_validated,
    "fit, first batch": lambda t: FIT(lambda epoch: [(X, t), (X, ROWS)]),
    "fit, second batch": lambda t: FIT(lambda epoch: [(X, ROWS), (X, t)]),
    "evaluate": lambda t: pn.evaluate(MODEL, LOSS, PARAMS, STATE, X, t)[0],
}
IN_A_PROGRAM = {
    "train_step, compiled": lambda t: COMPILED_STEP(TRAIN_STATE, X, t)[1],
    "training_run": lambda t: COMPILED_RUN(KEY, X, t)[1],
}
# What a program is called with, JAX converts before purenn sees it.
BEFORE = ("2**32 + 1", "-2**63", "2**64 - 1", "text", "objects")


def outcome(call, targets):
    """Return "rejected" for an error about the targets, "stopped", "NaN", or what came back."""
    try:
        value = call(targets)
    except (TypeError, ValueError) as error:
        return "rejected" if re.search("targets|labels", str(error)) else str(error)
    except FloatingPointError:
        return "stopped"
    return "NaN" if np.isnan(value).all() else value


def outcomes(call, table, leave=()):
    return {name: outcome(call, t) for name, t in table.items() if name not in leave}


def wrong(results, *allowed):
    return {name: result for name, result in results.items() if result not in allowed}


@pytest.mark.parametrize("function", EAGER)
def test_what_sees_the_targets_rejects_them(function):
    assert not wrong(outcomes(EAGER[function], OF_CLASSES), "rejected")


@pytest.mark.parametrize("function", ON_THE_HOST)
def test_fit_and_evaluate_reject_them_on_the_host(function):
    assert not wrong(outcomes(ON_THE_HOST[function], {**FEW, **BY_LABEL, **BY_ROW}), "rejected")


@pytest.mark.parametrize("function", IN_A_PROGRAM)
def test_a_program_rejects_shapes_and_turns_bad_numbers_into_nan(function):
    call = IN_A_PROGRAM[function]
    assert not wrong(outcomes(call, FEW, BEFORE), "rejected")
    assert not wrong(outcomes(call, {**BY_LABEL, **BY_ROW}), "NaN")


LOSSES = {
    pn.softmax_cross_entropy: (BY_SHAPE, {**BY_LABEL, **BY_ROW}),
    pn.categorical_cross_entropy: (BY_SHAPE, {**BY_LABEL, **BY_ROW}),
    pn.sigmoid_binary_cross_entropy: (OF_NUMBERS, OUTSIDE_0_1),
    pn.binary_cross_entropy: (OF_NUMBERS, OUTSIDE_0_1),
    pn.mse: (OF_NUMBERS, {}),
}


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_every_loss_rejects_them_and_is_nan_when_compiled(loss):
    predictions = np.full((4, 3), 1 / 3, np.float32)
    by_shape, by_number = LOSSES[loss]
    assert not wrong(outcomes(partial(loss, predictions), {**by_shape, **by_number}), "rejected")
    program = partial(compiled(loss), predictions)
    assert not wrong(outcomes(program, by_shape, BEFORE), "rejected")
    assert not wrong(outcomes(program, by_number), "NaN")
