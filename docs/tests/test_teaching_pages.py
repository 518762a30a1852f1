"""The pages for teachers: each file is on its page, and the command lines there run."""

import json
import re

import pytest
from teaching_files import BROKEN, PAGES, ROOT, TEACHING, WILD, run
from test_broken_passes import FIXED

# isort: split
from grading.rubric import EXERCISES  # found by teaching_files


def test_each_exercise_has_its_files_and_its_rubric():
    for folder in ("exercises", "solutions"):
        assert {p.stem for p in (TEACHING / folder).glob("*.py")} == set(EXERCISES)
    rubrics = {p.stem for p in (TEACHING / "grading" / "rubric").glob("*.py")} - {"__init__"}
    assert rubrics == set(EXERCISES)
    page = (PAGES / "exercises.md").read_text()
    shown = re.findall(r"^ *examples/teaching/(\w+)/(\w+)\.py$", page, re.MULTILINE)
    assert shown == [(f, name) for name in EXERCISES for f in ("exercises", "solutions")]
    assert len(EXERCISES) == 13 and page.startswith("# Exercises\n\nThese thirteen ")


def test_each_broken_pass_is_on_its_page():
    page = (PAGES / "broken.md").read_text()
    assert len(BROKEN) == 10 and page.startswith("# Broken passes\n\nEach of these ten ")
    assert sorted(re.findall(r'check\("(\w+)"\)', page)) == BROKEN == sorted(FIXED)
    assert sorted(re.findall(r"^examples/teaching/broken/(\w+).py$", page, re.M)) == BROKEN


def test_each_mistake_in_the_wild_is_on_its_page():
    page = (PAGES / "wild.md").read_text()
    assert f"Here are {len(WILD)} of them." in page
    assert sorted(re.findall(r'check\("(\w+)"\)', page)) == WILD
    assert sorted(re.findall(r"^examples/teaching/wild/(\w+).py$", page, re.M)) == WILD
    assert sorted(re.findall(r"^\| \[`(\w+)`\]\(#\1\) \| \[", page, re.M)) == WILD


def test_the_lesson_is_as_long_as_it_says():
    page = (PAGES / "lesson.md").read_text()
    (length,) = re.findall(r"^# A (\d+)-minute lesson$", page, re.M)
    rows = [tuple(map(int, row)) for row in re.findall(r"^\| (\d+)–(\d+) \|", page, re.M)]
    starts, ends = zip(*rows, strict=True)
    assert starts[0] == 0 and ends[-1] == int(length) and starts[1:] == ends[:-1]
    assert all(end - start >= 4 for start, end in rows)


# The pages' command lines, as they stand there.

INSTALL = "pip install './library[examples]'"  # in an archive: test_handouts.py has one
COMMANDS = {
    "index": [INSTALL, "python examples/teaching/grade.py student.py"],
    "sessions-1-to-5": [],
    "sessions-6-to-10": [],
    "exam": ["python examples/teaching/exam.py --seed 41"],
    "lesson": ["python examples/teaching/variant.py one_neuron_by_hand --seed 31"],
    "broken": ["python examples/teaching/broken/uphill.py"],
    "grading": [
        "python examples/teaching/grade.py student.py",
        "python examples/teaching/grade.py student.py --json --seed 7",
        "python examples/teaching/grade_class.py submissions --seed 7 --output grades.csv "
        "--reports reports",
        "python examples/teaching/grade_class.py submissions --output grades.csv "
        "--roster roster.csv",
        "python examples/teaching/variant.py network_by_hand --seed 7",
        "python examples/teaching/variant.py own_function --seed 31 --count 30",
    ],
    "exercises": [],
}


@pytest.mark.parametrize("name", COMMANDS)
def test_the_commands_are_those_of_the_page(name):
    text = (PAGES / f"{name}.md").read_text()
    assert re.findall(r"^```sh\n(.*?)\n```", text, re.DOTALL | re.MULTILINE) == COMMANDS[name]
    assert text.count("```sh") == len(COMMANDS[name])


@pytest.mark.parametrize(
    "command", sorted({x for lines in COMMANDS.values() for x in lines} - {INSTALL})
)
def test_the_command_lines_of_the_pages_run(command, tmp_path):
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    (tmp_path / "roster.csv").write_text("student,seed\nada,0\nbob,1\n")
    (tmp_path / "student.py").write_text((TEACHING / "exercises/dense.py").read_text())
    handed_in = tmp_path / "submissions"
    handed_in.mkdir()
    for name, folder in (("ada", "solutions"), ("bob", "exercises")):
        (handed_in / f"{name}.py").write_text((TEACHING / folder / "neuron.py").read_text())
    done = run("bash", "-c", command, cwd=tmp_path)
    assert done.returncode in (0, 1) and "Traceback" not in done.stderr, done.stderr
    assert "error: " not in done.stderr
    if "grade_class" in command:
        rows = (tmp_path / "grades.csv").read_text(encoding="utf-8-sig").splitlines()
        roster = "roster" in command  # code is not compared with it, so its column is empty
        assert rows[0].split(",")[2] == ("other seed" if roster else "neuron (of 4)")
        cells = [row.split(",")[: 3 + roster] for row in rows[1:]]
        assert cells == [["ada", "0", *[""] * roster, "4"], ["bob", "0", *[""] * roster, "0"]]
    if "--reports" in command:
        assert {p.name for p in (tmp_path / "reports").iterdir()} == {
            "ada_neuron.txt",
            "bob_neuron.txt",
        }
    elif "grade_class" in command:
        assert not (tmp_path / "reports").exists()
    elif "--json" in command:
        assert json.loads(done.stdout)["not_implemented"] == ["backward"]
    elif "exam.py" in command:
        assert len(list((tmp_path / "runs/teaching").iterdir())) == 2
    elif "variant" in command:
        wanted = 60 if "--count 30" in command else 5
        assert len(list((tmp_path / "runs/teaching").iterdir())) == wanted
    elif "broken" in command:
        assert "the sign is wrong" in done.stdout
    else:
        assert "backward is not written yet" in done.stdout


def test_the_plans_quote_what_a_report_says():
    """The words of a table that begins with "The report says" are in the grader or in purenn."""
    folders = (TEACHING / "grading", ROOT / "purenn" / "inspect")
    code = "\n".join(path.read_text() for folder in folders for path in folder.rglob("*.py"))
    code = re.sub(r'"\s*"', "", code)  # a string on two lines
    quotes = [
        quote.replace(" (m = …)", "")
        for plan in sorted(PAGES.glob("sessions-*.md"))
        for table in re.findall(r"\| The report says .*?\n\n", plan.read_text(), re.DOTALL)
        for quote in re.findall(r'^\| "(.*?)"', table, re.MULTILINE)
    ]
    assert len(quotes) > 12 and not [quote for quote in quotes if quote not in code]
