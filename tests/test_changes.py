"""What changed since a checkpoint was written, in words, and where the words come from."""

import functools
import time

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import purenn as pn
from purenn.optimizers.describe import describe, described
from purenn.training.changes import Setting

COSINE = "cosine_decay(initial=0.003, decay_steps=4290, final=0.0)"


def change(was, now):
    return Setting(was, "1").change(Setting(now, "2"))


@pytest.mark.parametrize(
    ("was", "now", "says"),
    [
        ("10", "12", "was 10, is 12"),
        ("mse", "huber(delta=1.0)", "was mse, is huber(delta=1.0)"),
        ("huber(delta=1.0)", "huber(delta=2.0)", "delta was 1.0, is 2.0"),
        ("f(a=1, b=2)", "f(a=1, c=2)", "was f(a=1, b=2), is f(a=1, c=2)"),
        ("f(a=(1, 2), b=[3, 4])", "f(a=(1, 2), b=[3, 5])", "b was [3, 4], is [3, 5]"),
        ("f(a=g(b=h(c=1)))", "f(a=g(b=h(c=2)))", "a's b's c was 1, is 2"),
        ("f(a=x == y)", "f(a=x == z)", "a was x == y, is x == z"),
        ("penalty(0.1)", "penalty(0.2)", "was penalty(0.1), is penalty(0.2)"),
        ("f(a) + g(b)", "f(a) + g(c)", "was f(a) + g(b), is f(a) + g(c)"),
        ("f(a(b)", "f(a(c)", "was f(a(b), is f(a(c)"),
        ("", "adam()", "was , is adam()"),
        (
            "f(x=float32[3] with SHA-256 ab)",
            "f(x=float32[3] with SHA-256 cd)",
            "x is float32[3] as before, with other numbers",
        ),
        (
            "f(x=float32[3] with SHA-256 ab)",
            "f(x=float32[4] with SHA-256 cd)",
            "x was float32[3], is float32[4]",
        ),
        ("model(a, b, c)", "model(a, c)", "layer 1, b, is gone"),
        ("model(a, c)", "model(a, b, c)", "layer 1, b, is new"),
        ("model(a, b, c)", "model(a, e, d)", "layer 1 was b, is e; layer 2 was c, is d"),
        ("model(a, b)", "model(d)", "layer 0 was a, is d; layer 1, b, is gone"),
        ("model(conv2d(8, (3, 3)), b)", "model(conv2d(8, (5, 5)), b)",
         "layer 0 was conv2d(8, (3, 3)), is conv2d(8, (5, 5))"),
        ("model()", "model(a)", "layer 0, a, is new"),
    ],
)  # fmt: skip
def test_what_differs_is_named(was, now, says):
    assert change(was, now) == says


def test_long_texts_are_cut_to_where_they_differ():
    long = ", ".join(f"dense({n})" for n in range(99))
    says = change(f"serial({long}, relu, end)", f"serial({long}, tanh, end)")
    assert says == "was …97), dense(98), relu, end), is …97), dense(98), tanh, end)"
    says = change(f"serial(relu, {long})", f"serial(tanh, {long})")
    assert says.startswith("was serial(relu, dense(0), ") and says.endswith("…")
    assert ", is serial(tanh, dense(0)" in says and len(says) < 180
    many = ", ".join("relu" for _ in range(20))
    assert change(f"model({many})", f"model({many.replace('relu', 'tanh')})").endswith("; and more")


def test_numbers_of_the_program_say_what_no_name_does():
    def said(was, now):
        return Setting("x", "1", was).change(Setting("x", "2", now))

    assert said(("1", "0.1"), ("1", "0.3")) == "a number in its compiled program was 0.1, is 0.3"
    assert said(("1",), ("1", "2")) == "of the numbers in its compiled program, 2 is new"
    gone = said(tuple("abcdefg"), ())
    assert gone == "of the numbers in its compiled program, a, b, c, d, e, … are gone"
    assert said(("1",), ("1",)).startswith(
        "its compiled program has another SHA-256, 1 before and 2"
    )


def test_the_digest_decides_where_there_is_one():
    assert Setting("a", "1").same(Setting("b", "1")) and not Setting("a", "1").same(
        Setting("a", "2")
    )
    assert Setting("a").same(Setting("a")) and not Setting("a").same(Setting("b"))
    assert not Setting("a", "1").same(Setting("b"))


def test_words_of_a_file_are_printed_harmlessly_and_soon():
    start = time.perf_counter()
    hostile = (
        "a\x1b[2Jb",
        "model(" + "a, " * 300_000 + "b)",
        "f(" * 100_000,
        ")" * 1000,
        "f(a=" * 9999,
    )
    for was in hostile:
        for now in ("model(a, b, c)", "f(a=1)", "f(a=f(a=1))"):
            says = change(was, now)
            assert says.isprintable() and len(says) < 400
    assert "\x1b" not in change("model(a\x1b, b)", "model(a, b)")
    assert time.perf_counter() - start < 10


# What an optimizer says of itself.

DESCRIBED = {
    "sgd(learning_rate=0.1)": pn.sgd(0.1),
    "momentum(learning_rate=0.1, beta=0.9, average=True, nesterov=True)": pn.momentum(
        0.1, nesterov=True
    ),
    f"adam(learning_rate={COSINE}, beta1=0.9, beta2=0.999, epsilon=1e-08)": pn.adam(
        pn.cosine_decay(0.003, 4290)
    ),
    "adamw(learning_rate=0.001, beta1=0.9, beta2=0.999, epsilon=1e-08, weight_decay=0.0)": pn.adamw(
        jnp.float32(1e-3), weight_decay=0.0
    ),
    "adamw(learning_rate=0.001, beta1=0.8, beta2=0.999, epsilon=1e-08, weight_decay=0.1)": pn.adamw(
        1e-3, np.float32(0.8), weight_decay=0.1
    ),
    f"sgd(learning_rate=linear_warmup(peak={COSINE}, warmup_steps=10))": pn.sgd(
        pn.linear_warmup(pn.cosine_decay(0.003, 4290), 10)
    ),
    "sgd(learning_rate=exponential_decay(initial=0.1, decay_rate=0.5, decay_steps=9))": pn.sgd(
        pn.exponential_decay(0.1, 0.5, 9)
    ),
    "sgd(learning_rate=inverse_time_decay(initial=0.1, decay_rate=0.5, steps_per_epoch=9))": pn.sgd(
        pn.inverse_time_decay(0.1, 0.5, 9)
    ),
    "sgd(learning_rate=<lambda>)": pn.sgd(lambda step: 0.1),
}


@pytest.mark.parametrize("words", DESCRIBED)
def test_optimizers_and_schedules_are_described_by_the_call_that_made_them(words):
    assert described(DESCRIBED[words]) == words


def test_a_description_is_of_a_function_and_not_of_what_wraps_it():
    adam = pn.adam(0.1)

    @functools.wraps(adam.update)
    def update(grads, opt_state, params=None):
        return adam.update(grads, opt_state, params)

    assert update.description is adam.update.description
    assert described(pn.Optimizer(adam.init, update)) is None
    schedule = pn.cosine_decay(0.1, 9)
    wrapped = functools.wraps(schedule)(lambda step: 2 * schedule(step))
    assert described(pn.sgd(wrapped)) == "sgd(learning_rate=schedule)"  # its name
    stranger = type("Stranger", (), {"description": "its own"})()
    for other in (optax.adam(0.1), optax.chain(optax.clip(1.0), adam), stranger, None, 3):
        assert described(other) is described(pn.Optimizer(None, other)) is None


def test_a_traced_rate_is_called_so():
    said = []
    jax.vmap(lambda rate: said.append(described(pn.sgd(rate))) or rate)(jnp.ones(2))
    assert said == ["sgd(learning_rate=a traced number)"]


def test_a_mark_stays_with_what_it_marks():
    def schedule(step):
        return 0.1

    assert describe(schedule, "mine", a=1) is schedule
    assert described(pn.sgd(schedule)) == "sgd(learning_rate=mine(a=1))"
