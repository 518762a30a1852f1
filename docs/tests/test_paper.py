"""The sheets and keys to print: right boxes, right answers, one piece of paper each."""

import itertools
import re

import numpy as np
import pytest
from html_page import parse
from sitetools import handouts
from teaching_files import TEACHING, graded

# isort: split
from grading.paper import answers, key_page, sheet_page  # found by teaching_files
from grading.pencil import clear_enough, tells_places_apart
from grading.rubric import BY_HAND, rubric
from grading.sheet import numbers, student_file


def shown(html, kind):
    """The rows of each matrix of a kind, with the caption above it."""
    figures = [f for f in parse(html).walk("figure") if kind in f.classes()]
    found = []
    for figure in figures:
        (caption,), (table,) = figure.walk("figcaption"), figure.walk("table")
        rows = [[cell.text() for cell in row.walk("td")] for row in table.walk("tr")]
        found.append((caption.text(), rows))
    return found


@pytest.mark.parametrize("seed", [0, 7])
@pytest.mark.parametrize("exercise", BY_HAND)
def test_a_sheet_has_the_numbers_and_an_empty_box_for_each_answer(exercise, seed):
    html = sheet_page(exercise, seed)
    given, empty = shown(html, "given"), shown(html, "empty")
    assert len(given) == len(numbers(exercise, seed))
    for (caption, rows), (name, value) in zip(given, numbers(exercise, seed).items(), strict=True):
        assert caption.startswith(name)
        matrix = value if isinstance(value[0], list) else [value]
        assert [[float(cell.replace("−", "-")) for cell in row] for row in rows] == matrix
    wanted = [name for part in rubric(exercise).PARTS for name in part.checks]
    assert [caption.removeprefix("new ").split(" = ")[0] for caption, _ in empty] == wanted
    assert "what follows from it by the right formula counts as right" in html
    right = shown(key_page(exercise, seed), "right")
    for (caption, rows), (same, filled) in zip(empty, right, strict=True):
        assert caption == same and [len(row) for row in rows] == [len(row) for row in filled]
        assert not any(cell for row in rows for cell in row) and all(map(all, filled))
    assert len(set(map(str, right))) == len(wanted)


@pytest.mark.parametrize("seed", [0, 7, 30])
@pytest.mark.parametrize("exercise", BY_HAND)
def test_the_key_has_every_point(exercise, seed, tmp_path):
    right, text = shown(key_page(exercise, seed), "right"), ""
    for part in rubric(exercise).PARTS:
        mine = {}
        for name in part.checks:
            rows = [[float(cell.replace("−", "-")) for cell in row] for row in right.pop(0)[1]]
            shape = answers(exercise, seed)[part.name][name].shape
            mine[name] = rows if len(shape) == 2 else rows[0] if shape else rows[0][0]
        text += f"\n\ndef {part.name}():\n    return {mine}\n"
    assert not right
    path = tmp_path / "student.py"
    path.write_text(student_file(TEACHING / "exercises", exercise, seed).split("\ndef ")[0] + text)
    result = graded(path, exercise, seed)
    assert result["passed"] and result["points"] == result["total"], result


@pytest.mark.parametrize("exercise", BY_HAND)
def test_no_answer_looks_like_zero_except_where_a_unit_is_off(exercise):
    for seed in handouts.SEEDS:
        found = shown(key_page(exercise, seed), "right")
        right = {c.split(" = ")[0]: [cell for row in rows for cell in row] for c, rows in found}
        for name, cells in right.items():
            looks_zero = [float(cell.replace("−", "-")) == 0 for cell in cells]
            if name in ("A1", "dZ1") and exercise == "network_by_hand":
                assert looks_zero == ["−" in cell for cell in right["Z1"]], (seed, name)
            else:
                assert not any(looks_zero), (seed, name, cells)


@pytest.mark.parametrize(
    ("second", "others", "masked", "kept"),
    [
        (0.0053, (), (), True),
        (-0.0003, (), (), False),
        (0.0, (), (), False),
        (0.0, (), ("dZ1",), True),  # its unit is off
        (0.0053, (0.0004,), (), False),
    ],
)
def test_numbers_with_an_answer_that_rounds_to_zero_are_not_used(second, others, masked, kept):
    explanation = {"Z1": [[2.0], [-1.0]], "dZ1": [[0.2], [second]]}
    assert clear_enough(explanation, ("Z1", "dZ1"), others=others, masked=masked) is kept


@pytest.mark.parametrize("exercise", BY_HAND)
def test_in_every_version_a_row_or_a_column_taken_for_another_is_a_mistake(exercise):
    shapes = set()
    for seed in handouts.SEEDS:
        given = numbers(exercise, seed)
        found = {
            **given,
            **answers(exercise, seed)["forward"],
            **answers(exercise, seed)["backward"],
        }
        values = {name: np.asarray(value) for name, value in found.items()}
        shapes.add(str({name: value.shape for name, value in values.items()}))
        for name, value in values.items():
            lines = [*value, *value.T] if value.ndim == 2 else [*value] if value.ndim else []
            for a, b in itertools.combinations(lines, 2):
                if np.shape(a) == np.shape(b):
                    assert np.abs(a - b).max() > 0.004, (seed, name, value)
        if exercise == "one_neuron_by_hand":  # with Z1 and -Z1, both slopes would be the same
            assert len({*np.abs(values["Z1"]).round(3).ravel()}) == 2, seed
    assert len(shapes) == 1  # the same work for each student


@pytest.mark.parametrize(
    ("matrix", "apart"),
    [
        ([[1.0, 2.0], [3.0, -1.0]], True),
        ([[1.0, 2.0], [1.0, 2.0]], False),
        ([[1.0, 1.0], [2.0, 2.0]], False),
        ([[1.0, 2.0], [2.0, 3.0]], False),  # its own transpose
        ([[1.001], [1.0]], False),  # the same after rounding
        ([[0.0, 0.0, 0.5]], False),
        ([0.5], True),
    ],
)
def test_matrices_in_which_places_can_be_mixed_up_are_not_used(matrix, apart):
    assert tells_places_apart(matrix) is apart
    assert tells_places_apart([[1.0, 2.0], [3.0, -1.0]], matrix) is apart


@pytest.mark.parametrize("printed", [sheet_page, key_page])
@pytest.mark.parametrize("exercise", BY_HAND)
def test_each_version_is_one_piece_of_paper_in_black_on_white(exercise, printed, browser):
    seeds = list(handouts.SEEDS)
    html = printed(exercise, *seeds)
    assert not re.search(r"src=|href=|url\(|@import|<script", html)
    assert not re.search(r"python|\.py\b|grade\.|JSON|lists of lists", html)  # it is for a pencil
    with browser.new_context(color_scheme="dark") as context:
        tab = context.new_page()
        tab.set_content(html)
        colors = tab.evaluate(
            "() => [getComputedStyle(document.body)].map((s) => [s.color, s.backgroundColor])[0]"
        )
        assert colors == ["rgb(0, 0, 0)", "rgb(255, 255, 255)"]
        for paper in ("A4", "Letter"):
            pages = re.findall(rb"/Type\s*/Page\b(?!s)", tab.pdf(format=paper))
            assert len(pages) == len(seeds), paper


@pytest.mark.parametrize(
    ("shown_on", "exercise"), [*zip(("lesson", "grading"), BY_HAND, strict=True)]
)
def test_a_page_links_to_a_sheet_and_its_key(shown_on, exercise, site):
    folder = site / "teaching" / shown_on
    links = {a.get("href") for a in parse((folder / "index.html").read_text()).walk("a")}
    for name, printed in (("sheet", sheet_page), ("key", key_page)):
        (link,) = [link for link in links if link.endswith(f"{exercise}_7_{name}.html")]
        assert (folder / link).resolve().read_text() == printed(exercise, 7)
