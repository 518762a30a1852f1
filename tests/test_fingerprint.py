"""The fingerprint of a run: every number that decides the result is in it, wherever it is held."""

import functools
import json
import os
import re
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import purenn as pn
from purenn.training.changes import changes
from purenn.training.compiled import Spec
from purenn.training.fingerprint import digest_of, fingerprint, parsed

MODEL = pn.serial(pn.batch_norm(), pn.dense(5), pn.relu, pn.dropout(0.25), pn.dense(3))
LOSS, PENALTY = pn.softmax_cross_entropy, pn.l2_penalty(0.01)
ADAM = pn.adam(pn.cosine_decay(0.01, 30))
X, Y = np.linspace(0, 1, 240, dtype=np.float32).reshape(40, 6), np.arange(40) % 3


@functools.cache  # most runs here begin alike, with no numbers that would have to be computed
def start_of(model, optimizer, seed, fill):
    key = jax.random.key(seed)
    like = jax.eval_shape(lambda: pn.TrainState.create(model, optimizer, key, (6,)))._replace(
        key=()
    )
    start = jax.tree.map(lambda leaf: np.full(leaf.shape, fill, leaf.dtype), like)
    return start._replace(key=key)


def of(
    model=MODEL, loss=LOSS, optimizer=ADAM, penalty=PENALTY, *, data=(X, Y), validation=(X, Y),
    batch_size=10, blocks=1, seed=3, fill=0, first_epoch=0,
):  # fmt: skip
    data = tuple(map(jnp.asarray, data))
    source = SimpleNamespace(example=data, held=data, batch_size=batch_size, blocks=blocks)
    return fingerprint(
        Spec(model, loss, optimizer, penalty),
        start_of(model, optimizer, seed, fill),
        source,
        first_epoch=first_epoch,
        validation=validation,
        key=jax.random.key(seed),
    )


# How a user's own loss can hold an array of class weights.


def closure(weights):
    return lambda logits, y: (jax.nn.log_softmax(logits) * weights).mean()


def inner_jit(weights):
    @jax.jit
    def weighted(rows):
        return rows * weights

    return lambda logits, y: weighted(jax.nn.log_softmax(logits)).mean()


def loop(weights):
    return lambda logits, y: jax.lax.fori_loop(0, 3, lambda i, z: z * weights, logits).mean()


def branch(weights):
    def loss(logits, y):
        return jax.lax.cond(y.sum() > 3, lambda z: z * weights, lambda z: z, logits).mean()

    return loss


def partial(weights):
    return functools.partial(lambda weights, logits, y: (logits * weights).mean(), weights)


def by_hand(weights):
    return pn.Op(
        lambda z, y: ((z * weights).mean(), jnp.broadcast_to(weights, z.shape)),
        lambda cache, dy: dy * cache / cache.size,
    )


def custom_vjp(weights):
    @jax.custom_vjp
    def weighted(z):
        return z.sum()

    weighted.defvjp(lambda z: (z.sum(), z), lambda z, d: (d * jnp.zeros_like(z) + weights,))
    return lambda logits, y: weighted(logits)


def large(weights):
    table = jnp.zeros((20_000, 3)).at[7_777].set(weights)
    return lambda logits, y: (logits * table[y.sum()]).mean()


FORMS = (closure, inner_jit, loop, branch, partial, by_hand, custom_vjp, large)
WEIGHTS = np.array([0.1, 0.2, 0.7], np.float32)
NEXT = np.nextafter(WEIGHTS, np.float32(1))  # another last bit
SMALL = {"model": pn.dense(3), "optimizer": pn.sgd(0.1), "penalty": None}


@pytest.mark.parametrize("kind", ["NumPy", "JAX", "hoisted"])
@pytest.mark.parametrize("form", FORMS)
def test_a_changed_array_inside_a_loss_is_noticed(form, kind):
    # JAX can keep a constant in two places; StableHLO holds it in both cases.
    before = jax.config.jax_use_simplified_jaxpr_constants
    jax.config.update("jax_use_simplified_jaxpr_constants", kind == "hoisted")
    array = np.asarray if kind == "NumPy" else jnp.asarray
    try:
        first, other = (of(loss=form(array(weights)), **SMALL) for weights in (WEIGHTS, NEXT))
    finally:
        jax.config.update("jax_use_simplified_jaxpr_constants", before)
    assert {name for name in first if first[name] != other[name]} == {"train_step"}


@pytest.fixture(scope="module")
def whole():
    return of()


def test_the_same_run_has_the_same_fingerprint_whatever_its_objects_are(whole):
    model = pn.serial(pn.batch_norm(), pn.dense(5), pn.relu, pn.dropout(0.25), pn.dense(3))
    optimizer = pn.adam(pn.cosine_decay(0.01, 30))
    again = of(model, LOSS, optimizer, pn.l2_penalty(0.01), data=(X.copy(), list(Y)))
    assert again == whole and changes(whole, again) == {}
    assert parsed(json.dumps(whole)) == whole
    assert of(loss=closure(WEIGHTS), **SMALL) == of(loss=closure(WEIGHTS.copy()), **SMALL)


def test_another_name_for_the_same_program_changes_nothing(whole):
    renamed = of(MODEL.replace(name="mine"), LOSS, ADAM, PENALTY.replace(name="l2"))
    assert renamed["penalty"] != whole["penalty"] and changes(whole, renamed) == {}


DROPOUT = MODEL.parts[3]


def scaled(params, state, x, *, train=False, key=None):
    """A dropout of the same name, which differs where nothing is dropped."""
    y, state = DROPOUT.apply(params, state, x, train=train, key=key)
    return (y if train else 0.75 * y), state


def with_part(number, layer):
    return pn.serial(*MODEL.parts[:number], layer, *MODEL.parts[number + 1 :])


CHANGES = {
    "model": (
        {"model": with_part(3, pn.dropout(0.2))},
        "layer 3 was dropout(0.25), is dropout(0.2)",
    ),
    "model: activation": ({"model": with_part(2, pn.tanh)}, "layer 2 was relu, is tanh"),
    "model: units": ({"model": with_part(1, pn.dense(7))}, "layer 1 was dense(5), is dense(7)"),
    "train_step: momentum": (
        {"model": with_part(0, pn.batch_norm(momentum=0.8))},
        "no name",
    ),
    "train_step: evaluation": ({"model": with_part(3, DROPOUT.replace(apply=scaled))}, "all names"),
    "optimizer": (
        {"optimizer": pn.adam(pn.cosine_decay(0.01, 60))},
        "decay_steps was 30, is 60; for more epochs, give the schedule that the run began with",
    ),
    "optimizer: rates": (
        {"optimizer": pn.adam(pn.cosine_decay(0.02, 30), beta2=0.99)},
        "initial was 0.01, is 0.02; beta2 was 0.999, is 0.99",
    ),
    "optimizer: no schedule": ({"optimizer": pn.adam(0.01)}, "m(learning_rate=0.01, beta1"),
    "optimizer: another": ({"optimizer": pn.sgd(0.01)}, "is sgd(learning_rate=0.01)"),
    "loss": ({"loss": lambda z, y: LOSS(z, y)}, "was softmax_cross_entropy, is <lambda>"),
    "penalty": ({"penalty": pn.l2_penalty(0.02)}, "was l2_penalty(0.01), is l2_penalty(0.02)"),
    "penalty: none": ({"penalty": None}, "was l2_penalty(0.01), is none"),
    "batch_size": ({"batch_size": 8}, "was 10, is 8"),
    "batch_size: a function": ({"batch_size": None}, "was 10, is the function's"),
    "blocks": ({"blocks": 2}, "was 1, is 2"),
    "first_epoch": ({"first_epoch": 2}, "was 0, is 2"),
    "data": ({"data": (X + np.float32(1e-6), Y)}, "as before, with other numbers"),
    "data: targets": ({"data": (X, (Y + 1) % 3)}, "targets: int32[40] as before, with other"),
    "data: fewer": ({"data": (X[:30], Y[:30])}, "was x: float32[40, 6], targets: int32[40], is x"),
    "validation": ({"validation": (X, (Y + 1) % 3)}, "targets: int32[40] as before, with other"),
    "validation: none": ({"validation": None}, "is none"),
    "key": ({"seed": 4}, "was threefry2x32 [0, 3], is threefry2x32 [0, 4]"),
    "initial train_state": ({"fill": 1}, "which the initializers"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_changed_run_is_told_by_what_the_user_gave(name, whole):
    (given, says), name = CHANGES[name], name.partition(":")[0]
    found = changes(whole, of(**given))
    assert list(found) == [name]
    assert says in found[name]


@pytest.mark.parametrize("name", ["jax", "device"])
def test_the_versions_and_the_device_are_told(name, whole, monkeypatch):
    monkeypatch.setattr(jax, "__version__", "0.99")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(77), raising=False)
    now = of()
    assert re.search("0.99" if name == "jax" else "77 cores", now[name])
    assert list(changes(whole, now)) == ["jax"]  # of the device there is a warning only


@pytest.mark.parametrize("text", ["", "[]", "3", '{"jax": 1}', '{"jax": null}', "[" * 99_999])
def test_what_is_not_a_fingerprint_is_rejected(text):
    with pytest.raises(ValueError):  # noqa: PT011 - JSON's own, or that it is not one
        parsed(text)


def test_a_digest_tells_arrays_apart_and_not_where_they_are():
    a = np.arange(6, dtype=np.float32)
    texts = {
        digest_of(x=value)
        for value in (a, a.reshape(2, 3), a.astype(np.int32), [a, a], (-a,), jax.random.key(1),
                      jax.random.key(2), jax.random.PRNGKey(1), np.zeros((0, 3)), ())
    }  # fmt: skip
    assert len(texts) == 10
    assert digest_of(x=a) == digest_of(x=jnp.asarray(a)) == digest_of(x=a.astype(np.float64))
    assert digest_of(x=a).startswith("x: float32[6], SHA-256 ")
