"""The exam on paper: its key is computed here once more from the numbers that are printed."""

import re

import jax
import numpy as np
import pytest
import teaching_files  # noqa: F401, finds the exam
from html_page import parse

import purenn as pn

# isort: split
import exam  # found by teaching_files
from exams.page import exam_key, exam_page, total
from exams.questions import QUESTIONS, apart, drawn
from exams.words import WORDED


def graph(x, y, z):
    return {"L": (x + y) * z + x, "dx": z + 1, "dy": z, "dz": x + y}


def neuron(x, w, b, t):
    z = x @ w + b
    dz = 2 * (z - t)
    return {"z": z, "L": (z - t) ** 2, "db": dz, "dw": dz * x, "dx": dz * w}


def layer(X, W, dZ):
    return {"dW": X.T @ dZ, "db": dZ.sum(axis=0), "dX": dZ @ W.T}


def error(A, Y):
    return {"L": ((A - Y) ** 2).mean(), "dA": 2 * (A - Y) / A.size}


def softmax(A, labels):
    return {"dZ": (A - np.eye(3)[labels.astype(int)]) / 2}


def network(x, W, b, v, t):
    z = x @ W + b
    o = np.maximum(z, 0) @ v
    do = 2 * (o - t)
    dz = do * v * (z > 0)
    dv = do * np.maximum(z, 0)
    return {"z": z, "o": o, "dv": dv, "db": dz, "dW": np.outer(x, dz), "dx": W @ dz}


def optimizers(w, g):
    m1 = 0.5 * g[0]
    m2 = 0.5 * m1 + 0.5 * g[1]
    return {
        "descent": w - 0.1 * g[0],
        "Adam": w - 0.1 * np.sign(g[0]),
        "momentum": w - 0.1 * m1 - 0.1 * m2,
    }


def dropout(x, k, dy):
    return {"y": 2 * x * k, "dx": 2 * dy * k}


BY_HAND = (
    graph,
    neuron,
    lambda Z, dA: {"dZ": dA * (Z > 0)},
    layer,
    error,
    softmax,
    network,
    optimizers,
    dropout,
)


def boxes(article, kind):
    """The numbers in the boxes of a kind, by name; None where a box is empty."""
    found = {}
    for figure in (f for f in article.walk("figure") if kind in f.classes()):
        (caption,), (table,) = figure.walk("figcaption"), figure.walk("table")
        rows = [[cell.text().replace("−", "-") for cell in r.walk("td")] for r in table.walk("tr")]
        numbers = np.array([[float(cell) if cell else np.nan for cell in row] for row in rows])
        if "number" in table.classes():
            numbers = numbers[0, 0]
        elif len(numbers) == 1:
            numbers = numbers[0]
        found[caption.text()] = numbers
    return found


@pytest.mark.parametrize("seed", [0, 7, 41, *range(100, 130)])
def test_the_key_is_right_for_the_numbers_on_the_paper(seed):
    sheet = [*parse(exam_page(seed)).walk("article")]
    key = [*parse(exam_key(seed)).walk("article")]
    assert len(sheet) == len(key) == len(BY_HAND) + len(WORDED) == len(QUESTIONS) + len(WORDED)
    for by_hand, asked, answered in zip(BY_HAND, sheet, key, strict=False):
        right = by_hand(**boxes(asked, "given"))
        found = boxes(answered, "right")
        assert set(found) == set(right) == set(boxes(asked, "empty"))
        for name, value in right.items():
            np.testing.assert_allclose(found[name], value, atol=1e-9)
            assert np.isnan(boxes(asked, "empty")[name]).all()
            assert np.shape(boxes(asked, "empty")[name]) == np.shape(value)


def test_a_seed_has_numbers_of_its_own_and_the_same_points():
    assert exam_page(3) == exam_page(3) and len({exam_page(seed) for seed in range(20)}) == 20
    assert {total(seed) for seed in range(3)} == {total()}
    points = [
        int(points)
        for article in parse(exam_page(5)).walk("article")
        for points in re.findall(r"(\d+) points?$", next(iter(article.walk("h2"))).text())
    ]
    assert len(points) == len(QUESTIONS) + len(WORDED) and sum(points) == total()
    assert f"/ {total()}" in exam_page(5)


def test_no_answer_is_hidden_in_another_and_the_mask_matters():
    for seed in range(40):
        questions = list(drawn(seed))
        assert all(apart(questions[i].answers) for i in (0, 3, 6))
        (da, z), dz = (questions[2].given[n] for n in ("dA", "Z")), questions[2].answers["dZ"]
        assert {*np.sign(da[z > 0])} == {-1, 1} == {*np.sign(da[z < 0])}  # not da > 0
        assert np.count_nonzero(dz) == 2
        descent, adam, momentum = questions[7].answers.values()
        assert len({round(float(v), 6) for v in (descent, adam, momentum)}) == 3


def two_layers(seed):
    (found,) = [question for question in drawn(seed) if question.title == "Two layers"]
    return found


@pytest.mark.parametrize("seed", [0, 7, 41, 100, 101])
def test_two_layers_have_the_derivatives_of_the_backward_passes_of_purenn(seed):
    asked = two_layers(seed)
    x, w, b, v, t = (np.asarray(value, float) for value in asked.given.values())
    hidden, output = pn.dense(2), pn.dense(1, b_init=None)
    first, second = pn.DenseParams(w, b), pn.DenseParams(v[:, None])
    with jax.enable_x64(True):
        z, _, kept = hidden.forward(first, (), x[None])
        a, mask = pn.relu.forward(z)
        o, _, kept_a = output.forward(second, (), a)
        dv, da = output.backward(second, kept_a, 2 * (o - t))
        dz = pn.relu.backward(mask, da)
        dfirst, dx = hidden.backward(first, kept, dz)
    found = {"z": z[0], "o": o[0, 0], "dv": dv.w[:, 0], "db": dfirst.b, "dW": dfirst.w, "dx": dx[0]}
    assert set(found) == set(asked.answers)
    for name, value in found.items():
        np.testing.assert_allclose(asked.answers[name], value, err_msg=name)


def without_the_mask(x, W, b, v, t):
    """The backward pass of a student who forgets the ReLU there, but not in the forward pass."""
    a = np.maximum(x @ W + b, 0)
    dz = 2 * (a @ v - t) * v
    return {"db": dz, "dW": np.outer(x, dz), "dx": W @ dz}


def without_relu(x, W, b, v, t):
    """Both passes of a student who forgets the ReLU altogether."""
    z = x @ W + b
    return {"o": z @ v, "dv": 2 * (z @ v - t) * z}


def with_the_transpose(x, W, b, v, t):
    """Both passes with the weights of a unit in a row, not in a column."""
    right = network(x, W, b, v, t)
    return {"z": W @ x + b, "dW": right["dW"].T, "dx": W.T @ right["db"]}


@pytest.mark.parametrize("mistaken", [without_the_mask, without_relu, with_the_transpose])
def test_a_mistake_in_two_layers_changes_each_answer_that_it_touches(mistaken):
    for seed in range(40):
        asked = two_layers(seed)
        right = {name: np.asarray(value) for name, value in asked.answers.items()}
        assert np.sum(right["z"] < 0) == 1
        for name, wrong in mistaken(**asked.given).items():
            assert not np.allclose(wrong, right[name]), (seed, name)


def test_the_points_in_words_are_those_of_the_key():
    for question in WORDED:
        told = [int(n) for n in re.findall(r"\((\d+) points?\)", question.answer)]
        assert sum(told) == question.points, question.asks


def test_the_exam_is_four_pages_of_paper_and_tells_no_seed_or_answer(browser):
    with browser.new_context() as context:
        tab = context.new_page()
        for page, most in ((exam_page, 4), (exam_key, 4)):
            tab.set_content(page(7))
            for paper in ("A4", "Letter"):
                count = len(re.findall(rb"/Type\s*/Page\b(?!s)", tab.pdf(format=paper)))
                assert 2 <= count <= most, (page, paper, count)
    assert 'class="right"' not in exam_page(7) and "Key" not in exam_page(7)
    assert not [one for one in WORDED if one.answer[:20] in exam_page(7)]


def test_the_command_writes_both(tmp_path, capsys):
    assert exam.command(["--seed", "41", "--output", str(tmp_path / "new")]) == 0
    assert (tmp_path / "new/exam_41_sheet.html").read_text() == exam_page(41)
    assert (tmp_path / "new/exam_41_key.html").read_text() == exam_key(41)
    capsys.readouterr()
    assert exam.command([]) == 2 and "seed" in capsys.readouterr().err
    (tmp_path / "file").touch()
    assert exam.command(["--seed", "1", "--output", str(tmp_path / "file")]) == 2
    assert "--output must be a folder" in capsys.readouterr().err


def test_the_page_links_to_the_exam_that_the_site_has(site):
    folder = site / "teaching/exam"
    links = {a.get("href") for a in parse((folder / "index.html").read_text()).walk("a")}
    for name, page in (("sheet", exam_page), ("key", exam_key)):
        (link,) = [link for link in links if link.endswith(f"exam_7_{name}.html")]
        assert (folder / link).resolve().read_text() == page(7)
