"""The files to hand out: each download is there, and does what its page says about it."""

import re
import runpy
import sys
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
from html_page import parse
from sitetools import handouts, mistakes
from teaching_files import BROKEN, PAGES, TEACHING, graded, run
from test_broken_passes import FIXED

import purenn as pn

# isort: split
from grading.rubric import EXERCISES, rubric  # found by teaching_files
from grading.sheet import numbers as drawn
from grading.sheet import student_file

PAGES_WITH_FILES = {
    "exercises": [
        f"{folder}/{name}" for name in EXERCISES for folder in ("exercises", "solutions")
    ],
    "broken": [f"broken/{name}" for name in BROKEN],
    "wild": [f"wild/{path.stem}" for path in TEACHING.glob("wild/*.py")],
    "index": ["exercises/dense"],
}


@pytest.mark.parametrize("shown_on", PAGES_WITH_FILES)
def test_each_file_on_a_page_can_be_saved(shown_on, site):
    folder = site / "teaching" / ("" if shown_on == "index" else shown_on)
    links = [
        a
        for a in parse((folder / "index.html").read_text()).walk("a")
        if "download" in a.attributes
    ]
    found = {}
    for link in links:
        target = (folder / link.get("href")).resolve()
        if target.suffix == ".py":
            found[target.relative_to(site / "handouts").with_suffix("").as_posix()] = target
            assert link.get("aria-label") == f"Download {target.name}"
    assert sorted(found) == sorted(PAGES_WITH_FILES[shown_on])
    for name, target in found.items():
        assert target.read_bytes() == (TEACHING / f"{name}.py").read_bytes()


@pytest.mark.parametrize("archive", [handouts.STUDENT, handouts.TEACHER])
@pytest.mark.parametrize("offered_on", ["index", "exercises", "broken"])
def test_the_archives_are_offered(offered_on, archive, site):
    folder = site / "teaching" / ("" if offered_on == "index" else offered_on)
    links = [a.get("href") for a in parse((folder / "index.html").read_text()).walk("a")]
    (link,) = [link for link in links if link.endswith(archive)]
    assert (folder / link).resolve() == site / "handouts" / archive


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_pass_is_caught(name, site):
    names = runpy.run_path(str(site / "handouts/broken" / f"{name}.py"))
    report = pn.check_gradients(names["forward"], names["backward"], *names["arguments"]())
    variable, says, *_ = FIXED[name]
    assert not report.ok
    assert says in str(report) and variable in str(report)


@pytest.mark.parametrize("name", EXERCISES)
def test_an_exercise_fails_until_it_is_solved(name, site):
    given = graded(site / f"handouts/exercises/{name}.py", name)
    assert given["points"] == 0 and not given["passed"]
    assert given["not_implemented"] == [part.name for part in rubric(name).PARTS]
    solved = graded(site / f"handouts/solutions/{name}.py", name)
    assert solved["passed"] and solved["points"] == solved["total"]


def unpacked(site: Path, archive: str, folder: Path) -> Path:
    """The archive's one folder."""
    with ZipFile(site / "handouts" / archive) as file:
        file.extractall(folder)
    (inside,) = folder.iterdir()
    assert inside.name == archive.removesuffix(".zip")
    return inside


def test_students_get_a_folder_that_works_without_a_clone(site, tmp_path):
    folder = unpacked(site, handouts.STUDENT, tmp_path)
    own = [path for path in folder.rglob("*") if folder / "library" not in path.parents]
    kinds = {path.parent.name for path in own if path.suffix == ".py"}
    assert kinds == {"teaching", "exercises", "broken", "mistakes", "grading", "rubric", "sheets"}
    assert not [path for path in own if "solution" in path.name or "key" in path.name]
    commands = [
        line.split()
        for line in handouts.README.splitlines()
        if line.startswith("    python examples")
    ]
    assert len(commands) == 3
    (_, *grade), (_, *check), (_, *puzzle) = commands
    done = run(sys.executable, *grade, cwd=folder)
    assert done.returncode == 1, done.stderr
    assert "backward: 0 of 3" in done.stdout and "backward is not written yet" in done.stdout
    done = run(sys.executable, *check, cwd=folder)
    assert done.returncode == 0 and "the sign is wrong" in done.stdout, done.stderr
    done = run(sys.executable, *puzzle, cwd=folder)
    assert done.returncode == 0 and "not summed over axis=0?" in done.stdout, (
        done.stdout + done.stderr
    )


def test_an_archive_tells_how_to_install_what_the_page_tells():
    command = "pip install './library[examples]'"
    assert command in handouts.README and command in (PAGES / "index.md").read_text()
    assert handouts.README.count("pip install") == 1


@pytest.mark.parametrize("archive", [handouts.STUDENT, handouts.TEACHER])
def test_purenn_is_in_an_archive_and_installs(archive, site, tmp_path):
    folder = unpacked(site, archive, tmp_path / "unpacked")
    library, repository = folder / "library", TEACHING.parents[1]
    for path in (repository / "purenn").rglob("*.py"):
        assert (library / path.relative_to(repository)).read_bytes() == path.read_bytes()
    if archive == handouts.TEACHER:
        return  # the same files
    target = tmp_path / "installed"
    # The README's command, without the packages that are here already.
    command = ["pip", "install", "./library[examples]", "--no-deps", "--target", str(target)]
    done = run(sys.executable, "-m", *command, cwd=folder)
    assert done.returncode == 0, done.stderr
    says = run(sys.executable, "-c", "import purenn; print(purenn.__file__)", cwd=target)
    assert Path(says.stdout.strip()).is_relative_to(target), says.stderr


@pytest.mark.parametrize("name", mistakes.puzzles())
def test_a_puzzle_does_not_say_what_is_wrong_and_is_caught(name, tmp_path):
    original = sorted((TEACHING / "wild").glob("*.py"))[int(name[8:10]) - 1]
    path = tmp_path / name
    path.write_text(mistakes.puzzles()[name])
    says = original.read_text().split('"""')[1]
    assert "def fixed" not in path.read_text()
    assert not [line for line in says.splitlines() if line and line in path.read_text()]
    names = runpy.run_path(str(path))
    report = pn.check_gradients(names["forward"], names["backward"], *names["arguments"]())
    assert not report.ok
    right = runpy.run_path(str(original))
    assert str(report) == str(
        pn.check_gradients(right["forward"], right["backward"], *right["arguments"]())
    )
    entry = mistakes.solutions().partition(f"{name} is wild/{original.name}\n\n")[2]
    assert entry.startswith(f"    {says.splitlines()[0]}\n")


def test_students_get_the_files_to_fill_in_and_no_keys(site, tmp_path):
    sheets = sorted((unpacked(site, handouts.STUDENT, tmp_path) / "sheets").iterdir())
    assert len(sheets) == 2 * 30
    for path in sheets:
        exercise, _, seed = path.stem.rpartition("_")
        assert path.read_text() == student_file(TEACHING / "exercises", exercise, int(seed))


def test_the_teacher_gets_sheets_that_agree_with_their_keys(site, tmp_path):
    folder = unpacked(site, handouts.TEACHER, tmp_path)
    for part in ("exercises", "solutions", "broken", "wild"):
        names = {path.name for path in (folder / "examples/teaching" / part).iterdir()}
        assert names == {path.name for path in (TEACHING / part).glob("*.py")}
    sheets = sorted((folder / "sheets").iterdir())
    assert len(sheets) == 2 * (30 * 3 + 2)
    puzzles = folder / "examples/teaching/mistakes"
    assert {path.name for path in puzzles.iterdir()} == set(mistakes.puzzles())
    assert (folder / "mistakes_key.txt").read_text() == mistakes.solutions()
    seen = set()
    for path in (folder / "sheets").glob("*.py"):
        numbers = runpy.run_path(str(path))
        statement = parse(path.with_name(f"{path.stem}_sheet.html").read_text())
        assert f"Version {numbers['SEED']}" in statement.text()
        seen.add((numbers["EXERCISE"], np.asarray(numbers["X"]).tobytes(), str(numbers["W1"])))
        key = parse(path.with_name(f"{path.stem}_key.html").read_text())
        assert f"Version {numbers['SEED']}" in key.text() and "Key, for the teacher" in key.text()
        # The grader compiles in another way, and has to draw the same numbers.
        for name, value in drawn(numbers["EXERCISE"], numbers["SEED"]).items():
            assert numbers[name] == value, (path.name, name)
    assert len(seen) > 55  # 60 sheets, of which a pair may have the same numbers by chance
    filled = folder / "sheets/network_by_hand_7.py"
    solution = (TEACHING / "solutions/network_by_hand.py").read_text()
    written = "import numpy as np\n\n" + solution[solution.index("\ndef ") :]
    filled.write_text(filled.read_text().partition("\ndef ")[0] + "\n" + written)
    result = graded(filled, "network_by_hand", 7)
    assert result["passed"], result["parts"]


def test_a_printed_page_is_a_set_of_sheets(site, server, tab):
    tab.goto(f"{server}teaching/broken/")
    tab.evaluate("document.body.setAttribute('data-md-color-scheme', 'slate')")
    tab.evaluate(
        "document.querySelectorAll('details').forEach((e) => (e.open = true))"
    )  # as the theme
    tab.emulate_media(media="print")
    shown = tab.evaluate(
        """() => {
          const seen = (query) => [...document.querySelectorAll(query)]
            .filter((e) => e.checkVisibility()).length;
          return {
            navigation: seen(".md-header, .md-sidebar, .md-tabs, .md-footer, .sheets"),
            closed: seen("details"),
            code: seen(".highlight pre"),
            cut: [...document.querySelectorAll(".highlight pre code")]
              .filter((e) => e.checkVisibility() && e.scrollWidth > e.clientWidth + 1).length,
            breaks: [...document.querySelectorAll("h2")]
              .map((e) => getComputedStyle(e).breakBefore),
            ink: getComputedStyle(document.querySelector("article p")).color,
          };
        }"""
    )
    tab.emulate_media(media="screen")
    assert shown["navigation"] == shown["closed"] == shown["cut"] == 0
    assert shown["code"] >= len(BROKEN)
    assert shown["breaks"] == ["page"] * len(BROKEN)
    assert max(map(int, re.findall(r"\d+", shown["ink"])[:3])) < 60  # dark, from a dark screen


def test_the_button_prints(site, server, tab):
    tab.goto(f"{server}teaching/exercises/")
    tab.evaluate("() => { window.printed = 0; window.print = () => (window.printed += 1); }")
    tab.get_by_role("button", name="Print").click()
    assert tab.evaluate("window.printed") == 1


def test_the_same_texts_give_the_same_archive(tmp_path):
    for folder in "ab":
        (tmp_path / folder).mkdir()
        handouts.archive(tmp_path / folder / "x.zip", {"README.txt": handouts.README})
    assert (tmp_path / "a/x.zip").read_bytes() == (tmp_path / "b/x.zip").read_bytes()
