"""The benchmarks' arithmetic on made-up times, and purenn's own contestants at a tiny size.

Nothing here is timed; the peers need packages that tests do not.
"""

import importlib

import jax
import jax.numpy as jnp
import loops
import matplotlib.image
import numpy as np
import pytest
import report
import rows
from contestants import gpt_numpy, gpt_purenn
from data import pieces
from gpts import GPTS
from race import race
from row import Contestant, Goal, Row
from tasks import Task

import purenn as pn

A, B, C = (Contestant(name, "module", "function") for name in ("purenn", "slow", "fast"))
ROW = Row(
    "row",
    "A row",
    "epoch",
    Task(hidden=(4,), inputs=5, batch=2, steps=10),
    (A, B._replace(times=2), C),
    (
        Goal("against all", ("slow", "fast"), must=2, aim=3),
        Goal("to the slow one", ("slow",), must=0.4, aim=None, share=True),
        Goal("memory", ("fast",), must=0.7, aim=0.5, share=True, quantity="temporaries"),
    ),
    trains=True,
)


def work(seconds, **more):
    blank = {"start": 0, "steps": 10, "loss": 1.0, "temporaries": None, "epochs": None, "note": ""}
    return {**blank, "seconds": seconds, **more}


def raced(*works, warm_up=1, failure=""):
    return {"failure": failure, "warm_up": warm_up, "works": list(works)}


@pytest.fixture
def results():
    """Medians without the warm-up: purenn 2, slow 2 times 3, fast 5."""
    first = work(99.0)
    times = {"purenn": (1.0, 2.0, 9.0), "slow": (3.0, 3.0, 3.0), "fast": (4.0, 6.0, 5.0)}
    ran = {name: raced(first, *map(work, seconds)) for name, seconds in times.items()}
    for name, size in (("purenn", 60), ("fast", 100)):
        for each in ran[name]["works"]:
            each["temporaries"] = size
    size = rows.PEAK.task.batch
    peak = {"JAX": raced(work(1.0), work(size**3 / 1e9)), "NumPy": raced(work(1.0), work(1e9))}
    return {
        "machine": {"cores": "2"},
        "rounds": 3,
        "quick": False,
        "rows": {"row": ran, "peak": peak},
    }


def test_ratios_and_verdicts(results):
    found = report.verdicts(ROW, results["rows"]["row"])
    assert [(v.best, round(v.ratio, 6), v.words) for v in found] == [
        ("fast", 2.5, "reached"),
        ("slow", 0.333333, "reached"),
        ("fast", 0.6, "reached"),
    ]
    results["rows"]["row"]["fast"]["failure"] = "died"  # then the slow one is the best there is
    found = report.verdicts(ROW, results["rows"]["row"])
    assert [(v.best, v.words) for v in found] == [("slow", "aim reached"), ("slow", "reached")]


@pytest.mark.parametrize(
    ("share", "ratio", "words"),
    [
        (False, 1.99, "**not reached**"),
        (False, 2.0, "reached"),
        (False, 3.0, "aim reached"),
        (True, 2.01, "**not reached**"),
        (True, 2.0, "reached"),
        (True, 1.0, "aim reached"),
    ],
)
def test_a_goal_is_reached_at_its_mark(share, ratio, words):
    goal = Goal("", (), must=2, aim=1 if share else 3, share=share)
    assert report.Verdict(goal, "", ratio).words == words


def test_spread_is_of_the_rounds_alone(results):
    spreads = report.spreads(ROW, results["rows"]["row"])
    assert list(spreads) == ["purenn", "fast", "slow"]  # the fastest first
    assert spreads["purenn"] == report.Spread(2.0, 1.5, 5.5, 1.0, 9.0)


def test_a_row_of_steps_divides_by_each_contestants_own_number():
    row = ROW._replace(unit="step")
    ran = {"purenn": raced(work(1.0), work(4.0, steps=40)), "fast": raced(work(1.0), work(4.0))}
    medians = {name: s.median for name, s in report.spreads(row, ran).items()}
    assert medians == {"purenn": 0.1, "fast": 0.4}


def test_losses_are_compared_over_the_same_steps():
    ran = {
        "long": raced(*(work(1, start=10 * i, loss=1.0 - i / 10) for i in range(4))),
        "short": raced(*(work(1, start=4 * i, steps=4, loss=float(i)) for i in range(5))),
        "anew": raced(*(work(1, loss=0.5) for _ in range(3))),
        "dead": raced(failure="died"),
    }
    assert report.losses({name: ran[name] for name in ("long", "dead")}) == {"long": 0.7}
    # "short" has done 20 steps: 10 to 19 are in the second work of "long", and in its own last two.
    two = {name: ran[name] for name in ("long", "short")}
    assert report.losses(two) == {"long": 0.9, "short": 3.5}
    # "anew" never gets past 10: 0 to 9.
    assert report.losses(ran) == {"long": 1.0, "short": 1.0, "anew": 0.5}
    assert report.odd_losses({"a": 1.0, "b": 1.4, "c": 0.5, "d": 1.6}) == ["c"]
    assert report.odd_losses({}) == []


def test_the_page_shows_who_wins_and_who_did_not_run(results):
    results["rows"]["row"]["purenn"]["works"][1:] = [work(20.0, temporaries=80)]
    results["rows"]["row"]["slow"]["failure"] = "no compiler"
    for name, epochs in (("purenn", (5,)), ("fast", (3, 4, 3))):
        for each, n in zip(results["rows"]["row"][name]["works"][1:], epochs, strict=True):
            each["epochs"] = n
    page = report.markdown(results, (ROW,))
    assert "| against all | 2× | 3× | 0.25× | fast | **not reached** |" in page
    assert "| memory (lower is better) | ≤ 0.7× | ≤ 0.5× | 0.80× | fast | **not reached** |" in page
    lines = page.splitlines()
    head = next(i for i, line in enumerate(lines) if line.startswith("| row | median"))
    assert lines[head].endswith("| epochs |")
    assert lines[head + 2].startswith("| **fast** | 5,000 | ")
    assert lines[head + 2].endswith("| 3 – 4 |")
    assert lines[head + 3].startswith("| purenn | 20,000 | ")
    assert lines[head + 3].endswith("| 5 |")
    assert "slow did not run: `no compiler`." in page
    assert "2 GFLOP/s" in page  # the peak, of the faster of the two


def test_files_are_written_and_can_be_read_again(results, tmp_path, monkeypatch):
    monkeypatch.setattr(report.plot, "__defaults__", ((ROW,),))
    report.write(results, tmp_path)
    picture = matplotlib.image.imread(tmp_path / "results.png")
    assert picture[..., :3].std() > 0.05
    page = (tmp_path / "results.md").read_text()
    assert "2 GFLOP/s" in page


def test_flops_count_every_product_but_the_first_dx():
    dense = 3 * 2 * 128 * (784 * 128 + 128 * 10) - 2 * 128 * 784 * 128
    assert Task(steps=1).flops == dense
    assert Task(steps=3, networks=2).flops == 6 * dense
    first = 128 * 28 * 28 * 9 * 32
    rest = 128 * (14 * 14 * 288 * 64 + 3136 * 128 + 128 * 10)
    assert Task(steps=1, cnn=True).flops == 4 * first + 6 * rest


def test_every_goal_names_contestants_of_its_row():
    for row in rows.ROWS:
        names = [c.name for c in row.contestants]
        assert len(set(names)) == len(names), row.name
        for goal in row.goals:
            assert {goal.ours, *goal.against} <= set(names), goal.name


def test_a_race_interleaves_and_survives_a_contestant_that_fails():
    task = Task(hidden=(4,), batch=8, examples=24, steps=3)
    missing = Contestant("missing", "texts", "no_such_function")
    row = ROW._replace(task=task, contestants=(Contestant("NumPy", "texts", "train"), missing))
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
