"""The versions of an exercise: other numbers for each seed, and the same for the same seed."""

import json
import os
import runpy

import jax
import numpy as np
import pytest
from teaching_files import TEACHING, graded, quickly  # noqa: F401

# isort: split
import variant as variant_program  # found by teaching_files
from grading.rubric import BY_HAND, EXERCISES, rubric
from grading.sheet import key, numbers, sheet, student_file


@pytest.mark.parametrize("exercise", EXERCISES)
def test_a_variant_differs_by_its_seed_and_is_the_same_each_time(exercise):
    for folder in (TEACHING / "exercises", TEACHING / "solutions"):
        assert student_file(folder, exercise, 0) == (folder / f"{exercise}.py").read_text()
    if exercise not in BY_HAND:
        return
    versions = [json.dumps(numbers(exercise, seed)) for seed in range(20)]
    assert len(set(versions)) == 20
    assert versions == [json.dumps(numbers(exercise, seed)) for seed in range(20)]
    statement = sheet(TEACHING / "exercises", exercise, 3)
    assert statement.startswith("Seed 3\n") and "X = [[" in statement
    assert "BACKWARD" in key(exercise, 3) and key(exercise, 3) != key(exercise, 4)


@pytest.mark.parametrize("exercise", [name for name in EXERCISES if name not in BY_HAND])
def test_the_data_differ_by_the_seed(exercise):
    def shapes_and_sums(seed):
        leaves = jax.tree.leaves(rubric(exercise).data(seed))
        leaves = [leaf for leaf in leaves if isinstance(leaf, np.ndarray)]
        return [leaf.shape for leaf in leaves], [float(leaf.sum()) for leaf in leaves]

    every = [shapes_and_sums(seed) for seed in range(8)]
    assert every == [shapes_and_sums(seed) for seed in range(8)]
    assert len({str(shapes) for shapes, _ in every}) > 2
    assert len({str(sums) for _, sums in every}) == 8


@pytest.mark.parametrize("exercise", BY_HAND)
def test_answers_by_hand_may_be_rounded(exercise, tmp_path):
    path = tmp_path / "student.py"
    path.write_text(student_file(TEACHING / "solutions", exercise, 2))
    names, text = runpy.run_path(str(path)), ""
    for part in rubric(exercise).PARTS:
        mine = {name: np.round(v, 3).tolist() for name, v in names[part.name]().items()}
        text += f"def {part.name}():\n    return {mine}\n\n"
    path.write_text(text)
    assert graded(path, exercise, 2)["passed"]
    path.write_text(text.replace("0.", "0.1"))
    assert not graded(path, exercise, 2)["passed"]


def test_variant_writes_the_files(tmp_path, capsys):
    assert variant_program.command(["dense", "--seed", "4", "--output", str(tmp_path)]) == 0
    options = ["network_by_hand", "--seed", "4", "--output", str(tmp_path)]
    assert variant_program.command(options) == 0
    written = ["dense_4.py", "network_by_hand_4.py"]
    written += [f"network_by_hand_4_{n}.{k}" for n in ("key", "sheet") for k in ("html", "txt")]
    assert sorted(os.listdir(tmp_path)) == sorted(written)
    assert "SEED = 4\n" in (tmp_path / "dense_4.py").read_text()
    capsys.readouterr()
    assert variant_program.command(["denser"]) == 2
    assert "EXERCISE" in capsys.readouterr().err
    (tmp_path / "file").touch()
    assert variant_program.command(["dense", "--output", str(tmp_path / "file")]) == 2
    assert "--output must be a folder" in capsys.readouterr().err
