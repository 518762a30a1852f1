"""Predict, then check: each answer is computed here, and judged on the page, also by keyboard."""

import json
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from teaching_files import PAGES
from visits import DESKTOP, PHONE
from widgets_page import widget  # noqa: F401

import purenn as pn

FENCE = re.compile(r'^```widget name="(\w+)".*?\n(.*?)^```', re.MULTILINE | re.DOTALL)
ROW = "$X = "  # how the question on the layer with two examples begins


def settings_of(page, name):
    text = (PAGES / f"{page}.md").read_text()
    return [json.loads(body) for found, body in FENCE.findall(text) if found == name]


QUESTIONS = settings_of("questions", "predict")
(UP,) = [k for k, one in enumerate(QUESTIONS) if one["answer"] == "up"]  # before the graph


def neuron(w, b, x):
    return (jax.nn.sigmoid(x @ w + b) - 1.0) ** 2


def computed():
    """The answer to each question with a number, in the order of the page."""
    yield np.array([2, -1]) @ np.array([1, 3]) + 0.5
    corners, targets = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])
    lines = np.stack(np.meshgrid(*[np.arange(-3, 3.1, 0.5)] * 3), axis=-1).reshape(-1, 3)
    yield (((corners @ lines[:, :2].T + lines[:, 2]) > 0) == targets[:, None]).sum(axis=0).max()
    yield jax.grad(lambda x: 2 * (3 * x + 1) - 4)(0.0)
    yield jax.grad(lambda x, y, z: (x + y) * z)(1.0, 2.0, 5.0)
    yield jax.grad(lambda x: x**2 + x)(3.0)
    w, x = jnp.array([0.5, -1.0]), jnp.array([1.0, 2.0])
    yield jax.grad(lambda z: (jax.nn.sigmoid(z) - 1.0) ** 2)(x @ w + 1.5)
    yield jax.grad(neuron)(w, 1.5, x)[1]
    yield jax.grad(neuron)(w, 1.5, x.at[1].set(0))[1]
    yield np.array([0.2, -0.5]).sum()
    board = settings_of("lesson", "product")[0]
    yield (np.array(board["x"]).T @ np.array(board["dz"]))[2, 1]
    logits = jnp.array([[1.0, 2.0, 3.0], [0.0, -1.0, 2.0]])
    yield jax.grad(pn.softmax_cross_entropy)(logits, jnp.array([0, 2])).sum()
    yield jax.grad(lambda z: -3.0 * pn.relu(z))(2.0)
    before, after = (pn.softmax(jnp.array([z, 2.0, 3.0])) for z in (1.0, 1.1))
    yield (before != after).sum()


def test_the_answers_with_a_number_are_right():
    numbers = [one["answer"] for one in QUESTIONS if "choices" not in one]
    np.testing.assert_allclose(numbers, [float(x) for x in computed()], atol=1e-6)


def test_the_answers_to_choose_are_right():
    chosen = [one["answer"] for one in QUESTIONS if "choices" in one]
    shape = (np.ones((8, 3)).T @ np.ones((8, 4))).shape
    model = pn.serial(pn.dense(3), pn.relu, pn.dense(2))
    (first, *rest), state = model.init(jax.random.key(0), in_shape=(2,))
    off = (first._replace(b=first.b - 100), *rest)  # every unit, for every example
    gradients = pn.value_and_grad(model, pn.softmax_cross_entropy)
    x, labels = jnp.array([[1.0, 2.0], [3.0, -1.0]]), jnp.array([0, 1])
    _, once = gradients((first, *rest), state, x, labels)
    _, twice = gradients((first, *rest), state, jnp.tile(x, (2, 1)), jnp.tile(labels, 2))
    _, dead = gradients(off, state, x, labels)
    np.testing.assert_allclose(once[0].w, twice[0].w, atol=1e-6)
    assert not dead[0].w.any()
    assert np.ones((5, 4)).sum(axis=0).shape == (4,)
    assert chosen == ["up", "it stays the same", str(shape), "axis=0", "no", "zero"]


def test_the_layer_of_the_question_is_that_of_the_board():
    page, board = (PAGES / "lesson.md").read_text(), settings_of("lesson", "product")[0]
    (code,) = re.findall(r'session="layer-on-the-board"\n(.*?)\n\n\ndef', page, re.DOTALL)
    names: dict[str, object] = {}
    exec(code, names)
    for name in ("x", "w", "b", "dz"):
        np.testing.assert_array_equal(names[name], board[name])
    (question,) = [one["caption"] for one in QUESTIONS if one["caption"].startswith(ROW)]
    shown = re.findall(r"\\begin\{bmatrix\}(.*?)\\end", question)
    for text, name in zip(shown, ("x", "dz"), strict=True):
        rows = [[int(n) for n in row.split("&")] for row in text.split(r"\\")]
        assert rows == board[name]


@pytest.mark.parametrize("typed", ["-0.25", "−0,25", " -1/4 "])
def test_a_number_is_judged_and_the_answer_comes_after_a_try(widget, typed):  # noqa: F811
    settings = {"answer": -0.25, "because": "Since so.", "hints": {"-1": "That is da."}}
    tab = widget("predict", fullScreen=False, **settings).tab
    field = tab.get_by_role("textbox", name="A caption")
    reveal = tab.get_by_role("button", name="Show the answer")
    field.focus()
    tab.keyboard.press("Enter")
    assert "Type a number" in tab.locator(".says").inner_text() and not reveal.is_visible()
    tab.keyboard.type("-1")
    tab.keyboard.press("Enter")
    assert tab.locator(".says").inner_text() == "✗ Not −1. That is da."
    assert reveal.is_visible()
    field.fill("3")
    tab.keyboard.press("Enter")
    assert tab.locator(".says").inner_text() == "✗ Not 3. Try again."
    tab.keyboard.press("Tab")
    tab.keyboard.press("Tab")
    tab.keyboard.press("Enter")  # on "Show the answer"
    assert tab.locator(".says").inner_text() == "The answer: −0.25. Since so."
    field.fill(typed)
    tab.keyboard.press("Enter")
    assert tab.locator(".says").inner_text() == "✓ Right, −0.25. Since so."
    assert not reveal.is_visible()


def test_a_choice_is_judged_by_keyboard(widget):  # noqa: F811
    settings = {"choices": ["up", "down"], "answer": "up", "because": "It falls.", "hints": {}}
    tab = widget("predict", fullScreen=False, **settings).tab
    assert tab.get_by_role("radiogroup", name="A caption").count() == 1
    tab.get_by_role("radio", name="up").focus()
    tab.keyboard.press("Enter")
    assert tab.locator(".says").inner_text() == "Pick an answer first."
    tab.keyboard.press("ArrowDown")
    tab.keyboard.press("Enter")
    assert tab.locator(".says").inner_text() == "✗ Not down. Try again."
    tab.keyboard.press("ArrowUp")
    assert tab.locator(".says").inner_text() == ""
    tab.keyboard.press("Enter")
    assert tab.locator(".says").inner_text() == "✓ Right, up. It falls."


def test_no_answer_is_seen_before_a_try(site, server, tab):
    tab.goto(f"{server}teaching/questions/")
    ready = f"document.querySelectorAll('.widget-ready').length === {len(QUESTIONS)}"
    tab.wait_for_function(ready)
    shown = tab.locator("article").inner_text()
    assert not [one["because"] for one in QUESTIONS if one["because"] in shown]
    assert tab.locator(".predict").count() == len(QUESTIONS)


def test_each_question_has_a_number_and_stands_above_its_answer(site, server, tab):
    tab.goto(f"{server}teaching/questions/")
    tab.wait_for_function(f"document.querySelectorAll('.widget-ready').length === {len(QUESTIONS)}")
    shown = tab.evaluate(
        """() => [...document.querySelectorAll(".widget")].map((figure) => {
            const asks = figure.querySelector("figcaption");
            const number = getComputedStyle(asks, "::before").content.replaceAll('"', "");
            const text = document.querySelector("article p");
            const color = getComputedStyle(asks).color === getComputedStyle(text).color;
            const bottom = asks.getBoundingClientRect().bottom;
            const above = bottom <= figure.querySelector("form").getBoundingClientRect().top;
            return [number.trim(), above, color, asks.nextElementSibling.className];
        })"""
    )
    expected = [[f"{k + 1}.", True, True, "widget-body"] for k in range(len(QUESTIONS))]
    assert shown == expected
    tab.emulate_media(media="print")
    assert tab.locator(".widget figcaption:visible").count() == len(QUESTIONS)
    assert not tab.locator(".predict button:visible").count()
    tab.emulate_media(media="screen")


def test_a_question_alone_has_no_number(widget):  # noqa: F811
    settings = {"answer": 1, "because": "Since so.", "hints": {}}
    tab = widget("predict", fullScreen=False, **settings).tab
    assert tab.locator("figcaption").get_attribute("data-number") is None


def test_the_printed_lesson_has_misconceptions_and_homework_and_no_widgets(site, server, tab):
    tab.goto(f"{server}teaching/lesson/")
    tab.emulate_media(media="print")
    ids = ["before", "the-plan", "the-board", "two-examples", "questions"]
    for name in (*ids, "misconceptions", "homework"):
        assert tab.locator(f"#{name}").is_visible(), name
    for name in ("on-screen", "reports", "settle-it"):
        assert not tab.locator(f"#{name}").is_visible(), name
    assert not tab.locator(".widget:visible, .highlight:visible").count()
    assert tab.locator("table:visible").count() == 6
    tab.emulate_media(media="screen")


def test_each_foreseeable_wrong_answer_has_a_hint_and_no_right_one_has():
    for one in QUESTIONS:
        wrong = one["hints"]
        if "choices" in one:
            assert set(wrong) == set(one["choices"]) - {one["answer"]}
        else:
            assert len(wrong) >= 3 and len({float(number) for number in wrong}) == len(wrong)
            assert all(abs(float(number) - one["answer"]) > 0.005 for number in wrong)


def test_answers_are_kept_and_counted(site, server, tab):
    tab.goto(f"{server}teaching/questions/")
    tab.evaluate("localStorage.clear()")
    ready = f"document.querySelectorAll('.widget-ready').length === {len(QUESTIONS)}"

    def load():
        tab.goto(f"{server}teaching/questions/")
        tab.wait_for_function(ready)

    load()
    count = tab.locator(".predict-count [role=status]")
    again = tab.get_by_role("button", name="Start again")
    assert count.inner_text() == f"0 of {len(QUESTIONS)} right" and not again.is_visible()
    numbers = [k for k, one in enumerate(QUESTIONS) if "choices" not in one and k > UP]
    first, second, third = (tab.locator(".widget").nth(k) for k in numbers[:3])
    for widget_, typed in (
        (first, QUESTIONS[numbers[0]]["answer"]),
        (second, 6),
        (third, 99),
    ):
        widget_.get_by_role("textbox").fill(str(typed))
        widget_.get_by_role("button", name="Check").click()
    third.get_by_role("button", name="Show the answer").click()
    third.get_by_role("textbox").fill(str(QUESTIONS[numbers[2]]["answer"]))
    third.get_by_role("button", name="Check").click()
    tab.get_by_role("radio", name="up", exact=True).check()
    tab.locator(".widget").nth(UP).get_by_role("button", name="Check").click()
    all_of = len(QUESTIONS)
    # The third was right with help, and the second after a wrong try.
    assert count.inner_text() == f"2 of {all_of} right, 2 on the first try, 1 shown"
    for typed in (QUESTIONS[numbers[1]]["answer"], 6, QUESTIONS[numbers[1]]["answer"], 6):
        second.get_by_role("textbox").fill(str(typed))
        second.get_by_role("button", name="Check").click()
        right = 2 if typed == 6 else 3
        says = f"{right} of {all_of} right, 2 on the first try, 1 shown"
        assert count.inner_text() == says
    before = [one.locator(".says").inner_text() for one in (first, second, third)]
    load()
    assert count.inner_text() == says
    assert [one.locator(".says").inner_text() for one in (first, second, third)] == before
    assert "✗ Not 6. That is one of the two uses" in before[1] and before[2].startswith("✓")
    assert tab.get_by_role("radio", name="up", exact=True).is_checked()
    again.click()
    assert count.inner_text() == f"0 of {len(QUESTIONS)} right" and not again.is_visible()
    assert first.get_by_role("textbox").input_value() == ""
    assert first.locator(".says").inner_text() == ""
    load()
    assert count.inner_text() == f"0 of {len(QUESTIONS)} right"


def answer(tab, k, *typed):
    """Give these answers to question k, one after the other."""
    one = tab.locator(".widget").nth(k)
    for text in typed:
        one.get_by_role("textbox").fill(str(text))
        one.get_by_role("button", name="Check").click()
    return one


def test_the_result_is_printed_with_the_name_and_the_first_answers(site, server, tab):
    tab.goto(f"{server}teaching/questions/")
    tab.evaluate("localStorage.clear()")
    tab.reload()
    tab.wait_for_function(f"document.querySelectorAll('.widget-ready').length === {len(QUESTIONS)}")
    tab.evaluate("() => { window.prints = 0; window.print = () => (window.prints += 1); }")
    numbers = [k for k, one in enumerate(QUESTIONS) if "choices" not in one and k > UP]
    right = [QUESTIONS[k]["answer"] for k in numbers]
    answer(tab, numbers[0], right[0])
    answer(tab, numbers[1], 6, right[1])
    answer(tab, numbers[2], 99).get_by_role("button", name="Show the answer").click()
    answer(tab, numbers[3], -2)
    result = tab.locator(".predict-result")
    assert result.count() == 0
    name = tab.get_by_role("textbox", name="Your name")
    name.fill("Ada <b>Lovelace</b>")
    tab.keyboard.press("Enter")
    assert tab.evaluate("window.prints") == 1 and not result.is_visible()
    tab.emulate_media(media="print")
    assert tab.locator(".md-content__inner > :visible").count() == 1 and result.is_visible()
    today = tab.evaluate("new Date().toLocaleDateString('en-US', { dateStyle: 'long' })")
    head = result.locator("h2, p").all_inner_texts()
    assert head[0] == "Predict, then check" and head[1].split("\n")[0].startswith("Name:")
    assert "Ada <b>Lovelace</b>" in head[1] and f"Date: {today}" in head[1]
    assert head[2] == f"2 of {len(QUESTIONS)} right, 1 on the first try, 1 shown"
    rows = [row.locator("td").all_inner_texts() for row in result.locator("tbody tr").all()]
    assert [row[0] for row in rows] == [str(k + 1) for k in range(len(QUESTIONS))]
    found = {int(row[0]) - 1: tuple(row[2:]) for row in rows if row[3] != "not answered"}
    assert found == {
        numbers[0]: (str(right[0]), "right on the first try"),
        numbers[1]: ("6", "right later"),
        numbers[2]: ("99", "answer shown"),
        numbers[3]: ("−2", "not right yet"),
    }
    assert "What is" in rows[numbers[0]][1] and result.locator(".katex").count() > 20
    tab.emulate_media(media="screen")
    answer(tab, numbers[3], right[3])
    assert result.count() == 0  # it would say what no longer holds
    tab.get_by_role("button", name="Print your result").click()
    assert result.locator("tbody tr").nth(numbers[3]).locator("td").all_inner_texts()[2:] == [
        "−2",
        "right later",
    ]
    tab.emulate_media(media="print")
    assert len(re.findall(rb"/Type\s*/Page\b(?!s)", tab.pdf(format="A4"))) == 1
    tab.emulate_media(media="screen")
    tab.get_by_role("button", name="Start again").click()
    assert result.count() == 0 and name.input_value() == "Ada <b>Lovelace</b>"


def test_on_a_phone_all_that_is_touched_is_large_enough(site, server, tab):
    tab.set_viewport_size(PHONE)
    tab.goto(f"{server}teaching/questions/")
    tab.wait_for_function(f"document.querySelectorAll('.widget-ready').length === {len(QUESTIONS)}")
    small = tab.evaluate(
        """() => [...document.querySelectorAll(
              "article :is(.predict label, input[type=text], button)")]
            .filter((e) => e.checkVisibility() && e.offsetHeight < 44)
            .map((e) => `${e.offsetHeight}: ${e.textContent}`)"""
    )
    circles = tab.evaluate(
        "() => [...document.querySelectorAll('.predict [type=radio]')].map((e) => e.offsetWidth)"
    )
    one = tab.locator(".widget").nth(UP)
    one.get_by_role("radio", name="up", exact=True).check()
    one.get_by_role("button", name="Check").click()
    says = one.locator(".says").evaluate(
        """(e) => {
          const range = document.createRange();
          range.selectNodeContents(e);
          return range.getBoundingClientRect().width / e.offsetWidth;
        }"""
    )
    tab.evaluate("localStorage.clear()")
    tab.set_viewport_size(DESKTOP)
    assert not small and min(circles) >= 24
    assert says > 0.8  # not half of the width
