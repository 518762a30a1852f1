"""The task in code that differs with its seed: what is asked, its grading, and its solution."""

import re

import jax
import numpy as np
import pytest
from teaching_files import TEACHING, graded, quickly  # noqa: F401

# isort: split
import variant  # found by teaching_files
from grading import classroom
from grading.classroom import mark
from grading.functions import NUMBERS, TERMS, drawn, in_jax, slope_of
from grading.handed_in import Submission
from grading.roster import seed_note
from grading.rubric import SEEDED
from grading.sheet import student_file
from keys import SLOPES, solution

NAME = "own_function"


@pytest.mark.parametrize("words", TERMS)
@pytest.mark.parametrize("p", NUMBERS)
def test_the_words_the_code_and_the_slope_of_a_term_agree(words, p):
    z = np.linspace(-2.5, 2.5, 21)
    text = words.format(p=p)
    spoken = re.sub(r"(?<=[\d)]) (?=[a-z(])|(?<=\bz) (?=[a-z])", " * ", text)  # 3 z: 3 times z
    for word, code in (("^", "**"), ("e**", "np.e**"), ("ln(", "np.log(")):
        spoken = spoken.replace(word, code)
    spoken = re.sub(r"\b(tanh|sin|cos|sqrt)\(", r"np.\1(", spoken)
    spoken = re.sub(r"np\.np\.", "np.", spoken)
    code, slope = TERMS[words].format(p=p), SLOPES[words].format(p=p)
    with jax.enable_x64(True):
        value = np.asarray(in_jax(code)(z))
        np.testing.assert_allclose(eval(spoken, {"np": np, "z": z}), value, atol=1e-12)
        np.testing.assert_allclose(eval(slope, {"np": np, "z": z}), slope_of(code)(z), atol=1e-9)


def test_the_solutions_are_right_and_differ():
    texts = [drawn(NAME, seed).text for seed in range(200)]
    assert len(set(texts)) > 190 and texts == [drawn(NAME, seed).text for seed in range(200)]
    assert {word for text in texts for word in text.split() if word in "+-"} == {"+", "-"}
    assert solution(0) == (TEACHING / f"solutions/{NAME}.py").read_text()


@pytest.mark.parametrize("seed", [31, 32, 33, 34, 35, 36])
def test_a_solution_has_full_points_and_no_other_one_has(seed, tmp_path):
    path = tmp_path / "student.py"
    path.write_text(solution(seed))
    assert graded(path, NAME, seed)["passed"]
    path.write_text(solution(0))  # the one that is on the site
    result = graded(path, NAME, seed)
    assert result["points"] == 0 and result["total"] == 4


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (r"dz = da \* \(.*\)", "dz = da", "the slope is left out: da is used as dz"),
        (r"dz = da \* ", "dz = ", "yours uses the slope alone as dz: da is left out"),
        (r"(dz = .* first) .*", r"\1)", "the derivative of {second} is missing"),
        (r"dz = da \* \(\S+ \* first ", "dz = da * (0 ", "the derivative of {first} is missing"),
        (r"(first) ([+-]) ", r"\1 \2 -", "the sign of the derivative of {second} is wrong"),
        (None, None, "the slope is taken at a instead of at z"),
    ],
)
def test_a_usual_mistake_has_its_name(old, new, says, tmp_path):
    for seed in (31, 33):
        function = drawn(NAME, seed)
        if old:
            text, count = re.subn(old, new, solution(seed))
            assert count == 1
        else:
            head, tail = solution(seed).split("def backward")
            text = f"{head}def backward{tail.replace('x @ w + b', 'forward(x, w, b)')}"
        path = tmp_path / "student.py"
        path.write_text(text)
        checks = [c for part in graded(path, NAME, seed)["parts"] for c in part["checks"]]
        wanted = says.format(first=function.first.text, second=function.second.text)
        assert [check["passed"] for check in checks] == [True, False, False, False]
        assert all(wanted in check["message"] for check in checks[1:]), checks


def test_the_seed_of_a_file_counts_and_the_roster_knows_whose_it_is(tmp_path, monkeypatch):
    assert NAME in SEEDED
    seen = []
    monkeypatch.setattr(classroom, "grade", lambda *given, **_: seen.append(given) or {"parts": []})
    path = tmp_path / "ada.py"
    path.write_text(solution(32))
    one = mark(Submission("ada", path, NAME, ""), seed=7, seconds=10, roster={"ada": 31, "bob": 32})
    assert seen[0][1:3] == (NAME, 32) and one.seed == 32
    assert one.other_seed == f"{NAME} has seed 32 (bob), but the roster says 31"
    path.write_text(solution(32).replace("SEED = 32", "SEED = 31"))
    says = seed_note(path, NAME, "ada", 31, {"ada": 31, "bob": 32})
    assert says == f"the numbers given in {NAME} do not belong to seed 31 but to seed 32 (bob)"


def test_a_class_gets_a_file_and_the_teacher_a_solution_each(tmp_path, capsys):
    options = [NAME, "--seed", "31", "--count", "3", "--output", str(tmp_path)]
    assert variant.command(options) == 0
    names = [f"{NAME}_{seed}{key}.py" for seed in (31, 32, 33) for key in ("", "_key")]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)
    for seed in (31, 32, 33):
        given = (tmp_path / f"{NAME}_{seed}.py").read_text()
        assert given == student_file(TEACHING / "exercises", NAME, seed)
        assert f'FUNCTION = "{drawn(NAME, seed).text}"' in given
        assert (tmp_path / f"{NAME}_{seed}_key.py").read_text() == solution(seed)
    assert variant.command([*options[:4], "0"]) == 2
    assert "--count" in capsys.readouterr().err
