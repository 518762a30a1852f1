"""The plans of the sessions: they fill the time, name what is there, and have the right numbers."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sitetools import mistakes
from teaching_files import BROKEN, PAGES, ROOT, TEACHING, WILD
from visits import DESKTOP

import purenn as pn

# isort: split
from grading.rubric import EXERCISES  # found by teaching_files

HALVES = {"sessions-1-to-5": (1, 3, 4, 5), "sessions-6-to-10": (6, 7, 8, 9, 10)}
TEXTS = {page: (PAGES / f"{page}.md").read_text() for page in HALVES}
ALL = "\n".join(TEXTS.values())
SESSION = re.compile(r"^## Session (\d+): .*? \{ #session-(\d+) \}\n(.*?)(?=^## |\Z)", re.M | re.S)
PLANS = {int(n): text for page in TEXTS.values() for n, _, text in SESSION.findall(page)}
PAGE = (PAGES / "index.md").read_text()
WIDGETS = ROOT / "docs/pages/assets/widgets"


def test_every_session_but_the_lesson_has_a_plan():
    for page, numbers in HALVES.items():
        found = [(int(a), int(b)) for a, b, _ in SESSION.findall(TEXTS[page])]
        assert found == [(n, n) for n in numbers]
        for n in numbers:
            assert f"\n| [{n}]({page}.md#session-{n}) |" in PAGE
    assert "\n| [2](lesson.md) |" in PAGE


@pytest.mark.parametrize("session", PLANS)
def test_a_plan_fills_ninety_minutes_and_has_all_its_parts(session):
    plan = PLANS[session]
    rows = [tuple(map(int, row)) for row in re.findall(r"^\| (\d+)–(\d+) \|", plan, re.M)]
    starts, ends = zip(*rows, strict=True)
    assert starts[0] == 0 and ends[-1] == 90 and starts[1:] == ends[:-1]
    assert plan.startswith("\n**Afterward, students can** ")
    for part in ("**Show:**", "**Homework:**"):
        assert part in plan
    assert "**Ask:**" in plan and ("**Try:**" in plan or "in pairs" in plan)
    assert len(re.findall(r"^\| (?:What goes wrong|The report says) \|", plan, re.M)) == 1
    table = plan[plan.index("| What to say |") :]
    assert len(re.findall(r"^\| .+ \| .+ \|$", table, re.M)) >= 4


@pytest.mark.parametrize("session", PLANS)
def test_the_exercises_and_pages_are_those_of_the_table(session):
    (row,) = re.findall(rf"^\| \[{session}\]\(.*$", PAGE, re.M)
    wanted = set(re.findall(r"exercises\.md#(\w+)", row))
    assert wanted <= set(re.findall(r"exercises\.md#(\w+)", PLANS[session])) <= set(EXERCISES)
    pages = re.findall(r"\.\./course/([\w-]+)\.md", row)
    assert pages and all(f"../course/{page}.md" in PLANS[session] for page in pages)


def test_the_files_that_are_named_are_there():
    assert set(re.findall(r"broken\.md#(\w+)", ALL)) <= set(BROKEN)
    order = re.findall(r"wild\.md#(\w+)\)", PLANS[10])
    assert len(order) == 5 and set(order) <= set(WILD)
    files = re.findall(r"`mistake_(\d\d)`", PLANS[10])
    assert [WILD[int(number) - 1] for number in files] == order
    assert {f"mistake_{number}.py" for number in files} <= set(mistakes.puzzles())


def test_what_a_report_says_is_said_by_the_grader():
    sources = [*TEACHING.glob("grading/**/*.py"), *(ROOT / "purenn/inspect").glob("*.py")]
    text = "\n".join(path.read_text() for path in sources)
    tables = re.findall(r"^\| The report says \|.*?\n\n", ALL, re.M | re.S)
    tables += re.findall(r"^\| What goes wrong \|.*?\n\n", PLANS[6], re.M | re.S)
    quoted = [q for table in tables for q in re.findall(r'^\| "(.*?)"', table, re.M)]
    assert len(quoted) >= 15
    assert [q for q in quoted if q.removesuffix("…)") not in text] == []


def test_the_buttons_that_are_named_are_there():
    source = "".join(path.read_text() for path in WIDGETS.glob("*.js"))
    named = re.findall(r'[Pp]ress(?:ing)? "(.*?)"', ALL)
    assert set(named) == {"One step", "Add a hidden layer", "Another start"}
    assert all(f'button("{name}"' in source for name in named)


def says(session, text):
    """The words of a plan that a number stands in."""
    assert text in PLANS[session], text


def course(page):
    return (PAGES.parent / "course" / f"{page}.md").read_text()


def test_the_numbers_of_the_first_half_are_right():
    x = jnp.linspace(-2.0, 2.0, 5)
    np.testing.assert_allclose(2 * (3 * x + 1) - 4, 6 * x - 2, atol=1e-6)
    says(1, "$2\\,(3x + 1) - 4$? ($6x - 2$)")
    bits = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]).sum(axis=1)
    z = np.maximum(bits, 0) - 2 * np.maximum(bits - 1, 0) - 0.5
    assert [*z] == [-0.5, 0.5, 0.5, -0.5]
    says(1, "($z$ is $-0.5$, $0.5$, $0.5$, $-0.5$)")
    assert 1 - 0.75 * 2 == -0.5 and abs(1 - 1.0 * 2) == 1
    says(
        3, "at curvature 2, by what factor does a step at rate 0.75 multiply the distance? ($-0.5$)"
    )
    says(3, "Above what rate does it grow? (1)")
    z, da = jnp.array([-1.0, 2.0, 3.0]), jnp.array([4.0, -5.0, 6.0])
    assert [*jax.grad(lambda z: (pn.relu(z) * da).sum())(z)] == [0, -5, 6]
    says(3, "$dz$ for $z = (-1, 2, 3)$ and $da = (4, -5, 6)$ ($0$, $-5$, $6$)")
    wide = jnp.linspace(-4, 4, 801)
    slopes = [float(jax.vmap(jax.grad(f))(wide).max()) for f in (jax.nn.sigmoid, jnp.tanh)]
    np.testing.assert_allclose(slopes, [0.25, 1.0], atol=1e-6)
    says(3, "slope of a sigmoid? ($0.25$) And of tanh? (1)")
    assert '"x": [[1, 2], [3, -1]]' in course("layer")
    assert '"dz": [[1, -1], [0, 2]]' in course("layer")
    x, dz = np.array([[1, 2], [3, -1]]), np.array([[1, -1], [0, 2]])
    assert (x.T @ dz).tolist() == [[1, 5], [2, -4]]
    says(4, r"\begin{bmatrix} 1 & 5 \\ 2 & -4 \end{bmatrix}")
    (params,) = pn.serial(pn.dense(128)).init(jax.random.key(0), in_shape=(784,))[0]
    assert sum(leaf.size for leaf in params) == 100_480
    says(4, "a layer with 784 inputs and 128 neurons have? (100,480)")
    logits = jnp.log(jnp.array([[0.2, 0.7, 0.1]] * 2))
    dz = jax.grad(pn.softmax_cross_entropy)(logits, jnp.array([0, 0]))[0]
    np.testing.assert_allclose(dz, [-0.4, 0.35, 0.05], atol=1e-6)
    says(5, "label 0, and $m = 2$ ($-0.4$, $0.35$, $0.05$). What is the sum? (0)")
    assert round(float(np.log(10)), 3) == 2.303
    says(5, "$\\ln 10 = 2.303$")


def test_the_numbers_of_the_second_half_are_right():
    def size(inputs, *widths):
        params, _ = pn.mlp(widths[:-1], widths[-1]).init(jax.random.key(0), in_shape=(inputs,))
        return sum(leaf.size for leaf in jax.tree.leaves(params))

    assert '"x": 2, "u1": 1, "c1": -1, "u2": -1, "c2": 1' in course("backpropagation")
    assert 2 * 1 - 1 > 0 > 2 * -1 + 1
    says(6, "one unit is off")
    assert size(2, 3, 2) == 17
    says(6, "a 2-3-2 network have? (17) How many runs does nudging in both directions need? (34)")
    assert round(0.8**30, 3) == 0.001
    says(7, "thirty factors of 0.8? (about 0.001)")
    assert size(784, 128, 10) == 101_770
    says(7, "a 784-128-10 network have? (101,770)")
    w = 1.0
    for _ in range(2):
        w -= 0.1 * jax.grad(lambda w: w**2)(w)
    assert round(float(w), 6) == 0.64
    says(8, "where is gradient descent after two steps? ($0.64$)")
    assert 3 / (1 - 0.25) == 4 and 4 * 0.75 == 3
    says(9, "$x = 3$, rate 0.25: what is $y$ if it is kept? (4) And its mean over all draws? (3)")
    weights = pn.softmax(jnp.array([0.0, 1.414]))
    np.testing.assert_allclose(weights, [0.196, 0.804], atol=5e-4)
    says(10, "[0.196 and 0.804]")


def test_a_plan_is_printed_on_one_sheet(site, server, tab):
    tab.set_viewport_size(DESKTOP)
    for page, numbers in HALVES.items():
        tab.goto(f"{server}teaching/{page}/")
        tab.wait_for_function("!document.querySelector('.arithmatex:not(:has(.katex))')")
        tab.emulate_media(media="print")
        pages = re.findall(rb"/Type\s*/Page\b(?!s)", tab.pdf(format="A4"))
        tab.emulate_media(media="screen")
        assert len(pages) == len(numbers)
