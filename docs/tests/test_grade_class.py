"""A class in one command: a row per student, a column per exercise; no file stops the others."""

import csv
import io
import os
import sys

import pytest
from teaching_files import ROOT, TEACHING, run

# isort: split
import grade_class  # found by teaching_files
from grading import classroom
from grading.classroom import Marked, mark, table
from grading.handed_in import Submission, found
from grading.roster import roster_of, seed_note
from grading.sheet import student_file

RIGHT = (TEACHING / "solutions/dense.py").read_text()
NAMES_IT = 'EXERCISE = "dense"\n'


def rows_of(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_a_class_is_graded_whatever_the_files_do(tmp_path):
    handed_in, reports, grades = (tmp_path / name for name in ("in", "reports", "grades.csv"))
    files = {
        "ada/dense.py": RIGHT,
        "ada/activations.py": (TEACHING / "solutions/activations.py").read_text(),
        "bob_dense.py": RIGHT.replace("x.T @ dz", "-x.T @ dz"),
        "cem.py": NAMES_IT + "while True:\n    pass\n",
        "dora.py": NAMES_IT + "import os\nos._exit(0)\n",
        "eve.py": NAMES_IT + "def backward(\n",
        "fay/notes.py": "x = 1\n",
        "gus/dense.ipynb": "{}",
        "hal.ipynb": "{}",
        "ida/dense.py": RIGHT.replace(NAMES_IT, ""),
        "fay/.cache/dense.py": RIGHT,
    }
    for name, text in files.items():
        (handed_in / name).parent.mkdir(parents=True, exist_ok=True)
        (handed_in / name).write_text(text)
    (handed_in / "jon").mkdir()
    (handed_in / "kim.py").write_text(RIGHT, encoding="utf-16")
    (handed_in / "lea.py").write_text(RIGHT, encoding="utf-16-le")
    (handed_in / "mia.py").write_text(RIGHT, encoding="utf-8-sig")
    (handed_in / "grades.csv").write_text("student,points\n")
    command = [sys.executable, str(TEACHING / "grade_class.py"), "in", "--seconds", "5"]
    options = ["--output", str(grades), "--reports", str(reports), "--seed", "3"]
    done = run(*command, *options, cwd=tmp_path)
    assert done.returncode == 0 and done.stdout == "", done.stderr
    assert done.stderr.count(" of 14: ") == 14
    rows = rows_of(grades.read_text(encoding="utf-8-sig"))
    assert list(rows[0]) == [
        *("student", "seed", "activations (of 3)", "dense (of 3)", "points", "notes")
    ]
    cells = [list(row.values())[:-1] for row in rows]
    assert cells == [
        ["ada", "0", "3", "3", "6"],
        ["bob", "0", "", "2", "2"],
        ["cem", "0", "", "0", "0"],
        ["dora", "0", "", "0", "0"],
        ["eve", "0", "", "0", "0"],
        ["fay", "", "", "", "0"],
        ["gus", "", "", "", "0"],
        ["hal", "", "", "", "0"],
        ["ida", "0", "", "3", "3"],
        ["jon", "", "", "", "0"],
        ["kim", "0", "", "3", "3"],
        ["lea", "", "", "", "0"],
        ["mia", "0", "", "3", "3"],
    ]
    says = {row["student"]: row["notes"] for row in rows}
    assert says["ada"] == says["bob"] == ""
    assert "dense, line 2: not finished after 5 s" in says["cem"] or "line 3: not" in says["cem"]
    assert "the process ended" in says["dora"] and "dense, line 2" in says["eve"]
    assert says["fay"].startswith("notes.py was not graded: it names no exercise")
    assert says["gus"] == "dense.ipynb was not graded: it is a notebook; ask for the Python file"
    assert says["hal"].startswith("hal.ipynb was not graded: it is a notebook")
    assert (
        says["ida"] == "dense.py has no EXERCISE line and was graded as dense because of its name"
    )
    assert says["jon"] == "the folder is empty" and says["kim"] == says["mia"] == ""
    assert "lea.py was not graded" in says["lea"] and "null bytes" in says["lea"]
    written = {path.name: path.read_text() for path in reports.iterdir()}
    assert set(written) == {
        *("ada_dense.txt", "ada_activations.txt", "bob_dense.txt", "cem_dense.txt"),
        *("dora_dense.txt", "eve_dense.txt", "fay_notes.txt", "gus_dense.txt", "hal_hal.txt"),
        *("ida_dense.txt", "jon_jon.txt", "kim_dense.txt", "lea_lea.txt", "mia_dense.txt"),
    }
    assert "the sign is wrong" in written["bob_dense.txt"]


def test_a_seed_is_for_exercises_in_code_only(monkeypatch, tmp_path):
    seen = {}

    def grade(path, exercise, seed, seconds, **_):
        seen[exercise] = seed
        return {"parts": []}

    monkeypatch.setattr(classroom, "grade", grade)
    for exercise in ("dense", "one_neuron_by_hand"):
        path = tmp_path / f"{exercise}.py"
        path.write_text(f'EXERCISE = "{exercise}"\nSEED = 12\n')
        mark(Submission("ada", path, exercise, ""), seed=7, seconds=1)
    assert seen == {"dense": 7, "one_neuron_by_hand": 12}


def test_a_grader_that_fails_is_a_note(monkeypatch, tmp_path):
    def fails(*_, **__):
        raise RuntimeError("the grading process did not start")

    monkeypatch.setattr(classroom, "grade", fails)
    (tmp_path / "ada.py").write_text(RIGHT)
    (one,) = found(tmp_path)
    (row,) = rows_of(table([mark(one, seed=None, seconds=1)]))
    assert row["dense"] == "0" and "dense was not graded: the grading process" in row["notes"]


def test_a_file_handed_in_twice_and_a_name_that_looks_like_a_formula(tmp_path):
    def result(points):
        return {"points": points, "total": 3, "parts": []}

    marked = [Marked("=ada", tmp_path / f"{n}.py", "dense", result(n), "") for n in (1, 2)]
    (row,) = rows_of(table(marked))
    assert row["student"] == "'=ada" and row["dense (of 3)"] == row["points"] == "2"
    assert row["notes"].endswith("turned in more than once; the newest file counts: 2.py")


def test_the_columns_are_separated_as_asked(tmp_path, capsys):
    (tmp_path / "ada").mkdir()
    (tmp_path / "ada/a, b; c.txt").touch()
    found_in = {}
    for delimiter in (",", ";"):
        assert grade_class.command([str(tmp_path), "--delimiter", delimiter]) == 0
        text = capsys.readouterr().out
        found_in[delimiter] = list(csv.DictReader(io.StringIO(text), delimiter=delimiter))
        assert text.startswith(f"student{delimiter}seed{delimiter}points{delimiter}notes\n")
    assert found_in[","] == found_in[";"]
    (row,) = found_in[";"]
    assert row["student"] == "ada" and "a, b; c.txt was not graded" in row["notes"]
    assert grade_class.command([str(tmp_path), "--delimiter", "x"]) == 2
    assert "--delimiter" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("times", "counts"),
    [
        ({"dense (1).py": 2000, "dense.py": 1000}, "dense (1).py"),
        ({"dense (1).py": 1000, "dense.py": 2000}, "dense.py"),
        ({"dense (10).py": 1000, "dense (9).py": 1000, "dense.py": 1000}, "dense (10).py"),
        ({"b/dense.py": 1000, "a/dense.py": 2000}, "a/dense.py"),
    ],
)
def test_of_several_files_the_newest_counts(times, counts, tmp_path):
    marked = []
    for name, time in times.items():
        path = tmp_path / "ada" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(RIGHT)
        os.utime(path, (time, time))
    for student, path, exercise, _ in found(tmp_path):
        newest = path.relative_to(tmp_path / "ada").as_posix() == counts
        result = {"points": 3 if newest else 1, "total": 3, "parts": []}
        note = "" if newest else "of an older file"
        marked.append(Marked(student, path, exercise, result, note, seed=int(newest)))
    (row,) = rows_of(table(marked))
    assert row["points"] == "3" and row["seed"] == "1"
    says = f"dense was turned in more than once; the newest file counts: {counts}"
    assert row["notes"] == says


def test_a_second_file_of_a_student_without_a_folder(tmp_path):
    for name in ("ada_dense.py", "ada_dense (1).py"):
        (tmp_path / name).write_text(RIGHT)
    assert {one.student for one in found(tmp_path)} == {"ada"}


def sheet_of(seed, folder, name, said=None):
    path = folder / name
    text = student_file(TEACHING / "exercises", "one_neuron_by_hand", seed)
    path.write_text(text if said is None else text.replace(f"SEED = {seed}", f"SEED = {said}"))
    return path


def test_a_file_of_another_seed_is_flagged(tmp_path):
    exercise, roster = "one_neuron_by_hand", {"ada": 3, "bob": 4}
    right, wrong = sheet_of(3, tmp_path, "a.py"), sheet_of(4, tmp_path, "b.py")
    renamed = sheet_of(4, tmp_path, "c.py", said=3)
    assert seed_note(right, exercise, "ada", 3, roster) == ""
    assert seed_note(right, exercise, "ada", 3, {}) == ""
    says = seed_note(wrong, exercise, "ada", 4, roster)
    assert says == f"{exercise} has seed 4 (bob), but the roster says 3"
    says = seed_note(renamed, exercise, "ada", 3, roster)
    assert says == f"the numbers given in {exercise} do not belong to seed 3 but to seed 4 (bob)"
    says = seed_note(renamed, exercise, "ada", 3, {})
    assert says == f"the numbers given in {exercise} do not belong to seed 3"
    assert seed_note(TEACHING / "exercises/dense.py", "dense", "ada", 0, roster) == ""


def test_a_sheet_of_another_seed_has_a_column_of_its_own(tmp_path, monkeypatch):
    result = {"points": 3, "total": 3, "parts": []}
    monkeypatch.setattr(classroom, "grade", lambda *_, **__: result)
    roster, marked = {"ada": 3, "bob": 4}, []
    for student in roster:
        sheet = sheet_of(4, tmp_path, f"{student}.py")
        code = TEACHING / "exercises/dense.py"
        for path, exercise in ((sheet, "one_neuron_by_hand"), (code, "dense")):
            given = Submission(student, path, exercise, "")
            marked.append(mark(given, seed=None, seconds=1, roster=roster))
    ada, bob = rows_of(table(marked, roster))
    says = "one_neuron_by_hand has seed 4 (bob), but the roster says 3"
    assert ada["other seed"] == says and ada["notes"] == bob["other seed"] == bob["notes"] == ""


def test_everyone_on_the_roster_has_a_row(tmp_path):
    result = {"points": 3, "points_carried": 9, "total": 10, "parts": []}
    marked = [
        Marked(name, tmp_path / "a.py", "one_neuron_by_hand", result, "", 5)
        for name in ("ada", "eve")
    ]
    rows = rows_of(table(marked, {"ada": 5, "bob": 6}))
    assert [row["student"] for row in rows] == ["ada", "bob", "eve"]
    assert [row["notes"] for row in rows] == ["", "nothing was turned in", "not on the roster"]
    assert rows[0]["seed"] == "5" and rows[0]["one_neuron_by_hand (of 10)"] == "3"
    assert rows[0]["one_neuron_by_hand, follow-through credit"] == "9"
    assert rows[0]["points"] == "3" and rows[0]["points, follow-through credit"] == "9"
    assert rows[1]["points"] == "0" and rows[1]["one_neuron_by_hand (of 10)"] == ""


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("student,seed\nada,3\n\nbob, 4\n", {"ada": 3, "bob": 4}),
        ("\ufeffSeed;Student\n3;ada\n", {"ada": 3}),
        ("name,seed\nada,3\n", "must begin with a line such as student,seed"),
        ("student,seed\nada,three\n", "line 2: 'three' must be a whole number"),
        ("student,seed\nada,3\nada,4\n", "line 3: ada is listed twice"),
        ("", "must begin with a line such as"),
    ],
)
def test_a_roster_is_read_or_rejected(text, says, tmp_path):
    path = tmp_path / "roster.csv"
    path.write_text(text, encoding="utf-8")
    if isinstance(says, dict):
        assert roster_of(path) == says
    else:
        with pytest.raises(ValueError, match=says):
            roster_of(path)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ([], "FOLDER requires an argument"),
        (["nowhere"], "FOLDER must be a folder"),
        ([str(ROOT / "docs/theme"), "--roster", "nowhere.csv"], "--roster must be a CSV file"),
        ([str(TEACHING), "--jobs", "0"], "--jobs"),
        ([str(TEACHING), "--output", str(TEACHING)], "--output must be a file"),
    ],
)
def test_a_bad_call_names_the_argument(options, says, capsys):
    assert grade_class.command(options) == 2
    shown = capsys.readouterr()
    assert shown.out == "" and shown.err.startswith("error: ") and says in shown.err
