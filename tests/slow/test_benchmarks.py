"""The benchmarks' races, and purenn's own contestants at a tiny size.

Nothing here is timed; the peers need packages that tests do not.
"""

import importlib

import jax
import jax.numpy as jnp
import loops
import numpy as np
import pytest
import rows
from contestants import gpt_numpy, gpt_purenn
from data import pieces
from gpts import GPTS
from race import race
from row import Contestant, Row
from tasks import Task

import purenn as pn


def test_flops_count_every_product_but_the_first_dx():
    dense = 3 * 2 * 128 * (784 * 128 + 128 * 10) - 2 * 128 * 784 * 128
    assert Task(steps=1).flops == dense
    assert Task(steps=3, networks=2).flops == 6 * dense
    first = 128 * 28 * 28 * 9 * 32
    rest = 128 * (14 * 14 * 288 * 64 + 3136 * 128 + 128 * 10)
    assert Task(steps=1, cnn=True).flops == 4 * first + 6 * rest
    lstm = Task(lstm=True, steps=1, batch=2, length=3, inputs=5, hidden=(4,))
    assert lstm.flops == 2 * 6 * (2 * 5 * 16 + 3 * 4 * 16 + 3 * 4 * 10)


def test_a_race_interleaves_and_survives_a_contestant_that_fails():
    task = Task(hidden=(4,), batch=8, examples=24, steps=3)
    missing = Contestant("missing", "texts", "no_such_function")
    row = Row("row", "A row", "epoch", task, (Contestant("NumPy", "texts", "train"), missing))
    results = race(row, rounds=2, warm_up=1)
    assert "no_such_function" in results["missing"]["failure"]
    works = results["NumPy"]["works"]
    assert [(w["start"], w["steps"]) for w in works] == [(0, 3), (3, 3), (6, 3)]
    assert all(w["seconds"] > 0 and 1 < w["loss"] < 5 for w in works)


def test_training_stops_at_the_epoch_that_reaches_the_accuracy():
    accuracies = {1: [0.5, 0.98, 0.99, 1.0], 2: [0.995], 3: [0.9] * 1000}  # by seed
    task = Task(steps=10, accuracy=0.99)
    work = loops.to_accuracy(lambda seed: iter(accuracies[seed]).__next__, task)
    assert [(w.epochs, w.steps) for w in (work(), work())] == [(3, 30), (1, 10)]
    with pytest.raises(RuntimeError, match="99% not reached in 30 epochs"):
        work()


# `run.py --quick` goes through all of them; these are cheap, or what most rows are about.
@pytest.mark.parametrize(
    ("name", "module", "function"),
    [
        ("tiny_16_16", "purenn", "fit"),
        ("dense_128", "purenn", "products"),
        ("shuffle", "purenn", "shuffle"),
        ("max_pool_backward", "jax_itself", "max_pool_backward"),
        ("transposed", "purenn", "layer_scan"),
        ("microgpt_32", "gpt_purenn", "fit"),
        ("lstm_step", "lstm_purenn", "fit"),
        ("microgpt_1", "gpt_numpy", "train"),
        ("attention_1024", "sequences_purenn", "attention"),
        ("embedding_backward", "sequences_purenn", "embedding_backward"),
    ],
)
def test_contestants_that_need_no_other_package_run(name, module, function):
    task = next(rows.quick(row).task for row in rows.ROWS if row.name == name)
    work = getattr(importlib.import_module(f"contestants.{module}"), function)(task)
    first, second = work(), work()
    assert np.all(np.isfinite(np.asarray(first.losses)))
    if function == "fit":  # it goes on from where it was
        assert (first.start, second.start, second.steps) == (0, 3, 3)


def test_microgpt_in_numpy_has_purenns_loss_and_derivatives():
    gpt = GPTS["microgpt"]
    x, y = pieces(Task(gpt="microgpt", examples=3))
    theirs = gpt_numpy.Network(gpt)
    model, p, d = gpt_purenn.network(gpt), theirs.p, theirs.d
    params, state = model.init(jax.random.key(0), (gpt.length,))
    structure = jax.tree.structure(params)

    def in_order(a):
        q, k, v = np.split(a["qkv"], 3, axis=1)
        names = ("tokens", "positions", "norm", "norm_1", q, k, v, "o", "norm_2", "up", "down")
        return [a[name] if isinstance(name, str) else name for name in (*names, "head")]

    shapes = [a.shape for a in jax.tree.leaves(params)]
    arrays = [jnp.asarray(a).reshape(s) for a, s in zip(in_order(p), shapes, strict=True)]
    params = jax.tree.unflatten(structure, arrays)
    value_and_grad = pn.value_and_grad(model, pn.softmax_cross_entropy)
    (loss, _), grads = value_and_grad(params, state, x, y)
    np.testing.assert_allclose(theirs.passes(x, y), loss, rtol=1e-6)
    for ours, expected in zip(jax.tree.leaves(grads), in_order(d), strict=True):
        np.testing.assert_allclose(ours, expected.reshape(ours.shape), rtol=1e-4, atol=1e-6)


def test_pieces_of_text_and_what_follows_each_character():
    for name, top in (("nanogpt", 64), ("microgpt", 26)):
        gpt = GPTS[name]
        x, y = pieces(Task(gpt=name, examples=5000))
        assert x.shape == y.shape == (5000, gpt.length)
        assert x.max() == top < gpt.vocabulary
        assert (x[:, 1:] == y[:, :-1]).all()
