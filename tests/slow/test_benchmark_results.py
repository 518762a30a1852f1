"""The benchmarks' arithmetic, on made-up times, and the results that are kept."""

import sys

import machine
import matplotlib.image
import pytest
import ratios
import record
import report
import rows
import run
from record import Measured
from row import Contestant, Goal, Row
from tasks import Task

A, B, C = (Contestant(name, "module", "function") for name in ("purenn", "slow", "fast"))
ROW = Row(
    "row",
    "A row",
    "epoch",
    Task(hidden=(4,), inputs=5, batch=2, steps=10),
    (A, B._replace(times=2), C),
    (
        Goal("against all", ("slow", "fast"), must=2, aim=3, avx2=(2.5, 4)),
        Goal("to the slow one", ("slow",), must=0.4, aim=None, share=True),
        Goal("memory", ("fast",), must=0.7, aim=0.5, share=True, quantity="temporaries"),
    ),
    trains=True,
)
EPYC = {"processor": "AMD EPYC", "vectors": "AVX-512", "cores": "2", "date": "2026-01-02"}


def work(seconds, **more):
    blank = {"start": 0, "steps": 10, "loss": 1.0, "temporaries": None, "epochs": None, "note": ""}
    return {**blank, "seconds": seconds, **more}


def raced(*works, warm_up=1, failure=""):
    return {"failure": failure, "warm_up": warm_up, "works": list(works)}


@pytest.fixture
def measured():
    """Medians without the warm-up: purenn 2, slow 2 times 3, fast 5."""
    first = work(99.0)
    times = {"purenn": (1.0, 2.0, 9.0), "slow": (3.0, 3.0, 3.0), "fast": (4.0, 6.0, 5.0)}
    ran = {name: raced(first, *map(work, seconds)) for name, seconds in times.items()}
    for name, size in (("purenn", 60), ("fast", 100)):
        for each in ran[name]["works"]:
            each["temporaries"] = size
    return Measured(EPYC, 2e9, ran)


def test_ratios_and_verdicts(measured):
    found = ratios.verdicts(ROW, measured)
    assert [(v.best, round(v.ratio, 6), v.words) for v in found] == [
        ("fast", 2.5, "reached"),
        ("slow", 0.333333, "reached"),
        ("fast", 0.6, "reached"),
    ]
    measured.raced["fast"]["failure"] = "died"  # then the slow one is the best there is
    found = ratios.verdicts(ROW, measured)
    assert [(v.best, v.words) for v in found] == [("slow", "target reached"), ("slow", "reached")]


@pytest.mark.parametrize(
    ("vectors", "must", "words"),
    [("AVX-512", 2, "target reached"), ("AVX2", 2.5, "reached"), ("Neon", 2.5, "reached")],
)
def test_a_goal_is_that_of_the_processor(measured, vectors, must, words):
    measured.raced["fast"]["failure"] = "died"
    slower, to_slow = ratios.verdicts(ROW, measured._replace(machine={"vectors": vectors}))
    assert (slower.goal.must, slower.words) == (must, words)
    assert to_slow.goal == ROW.goals[1]  # the same on all


@pytest.mark.parametrize(
    ("share", "ratio", "words"),
    [
        (False, 1.99, "**not reached**"),
        (False, 2.0, "reached"),
        (False, 3.0, "target reached"),
        (True, 2.01, "**not reached**"),
        (True, 2.0, "reached"),
        (True, 1.0, "target reached"),
    ],
)
def test_a_goal_is_reached_at_its_mark(share, ratio, words):
    goal = Goal("", (), must=2, aim=1 if share else 3, share=share)
    assert ratios.Verdict(goal, "", ratio).words == words


def test_a_ratio_is_not_rounded_to_a_mark_that_it_misses():
    goal = Goal("", (), must=2, aim=3)
    shown = {ratio: ratios.Verdict(goal, "", ratio).shown for ratio in (1.99951, 2.00001, 41.76)}
    assert shown == {1.99951: "1.9995", 2.00001: "2", 41.76: "41.8"}


def test_spread_is_of_the_rounds_alone(measured):
    spreads = ratios.spreads(ROW, measured.raced)
    assert list(spreads) == ["purenn", "fast", "slow"]  # the fastest first
    assert spreads["purenn"] == ratios.Spread(2.0, 1.5, 5.5, 1.0, 9.0)
    assert measured.rounds == 3


def test_a_row_of_steps_divides_by_each_contestants_own_number():
    row = ROW._replace(unit="step")
    ran = {"purenn": raced(work(1.0), work(4.0, steps=40)), "fast": raced(work(1.0), work(4.0))}
    medians = {name: s.median for name, s in ratios.spreads(row, ran).items()}
    assert medians == {"purenn": 0.1, "fast": 0.4}


def test_the_peak_is_that_of_the_faster_of_the_two():
    size = rows.PEAK.task.batch
    ran = {"JAX": raced(work(1.0), work(size**3 / 1e9)), "NumPy": raced(work(1.0), work(1e9))}
    assert ratios.peak(ran) == pytest.approx(2e9)


def test_losses_are_compared_over_the_same_steps():
    ran = {
        "long": raced(*(work(1, start=10 * i, loss=1.0 - i / 10) for i in range(4))),
        "short": raced(*(work(1, start=4 * i, steps=4, loss=float(i)) for i in range(5))),
        "anew": raced(*(work(1, loss=0.5) for _ in range(3))),
        "dead": raced(failure="died"),
    }
    assert ratios.losses({name: ran[name] for name in ("long", "dead")}) == {"long": 0.7}
    # "short" has done 20 steps: 10 to 19 are in the second work of "long", and in its own last two.
    two = {name: ran[name] for name in ("long", "short")}
    assert ratios.losses(two) == {"long": 0.9, "short": 3.5}
    # "anew" never gets past 10: 0 to 9.
    assert ratios.losses(ran) == {"long": 1.0, "short": 1.0, "anew": 0.5}
    assert ratios.odd_losses({"a": 1.0, "b": 1.4, "c": 0.5, "d": 1.6}) == ["c"]
    assert ratios.odd_losses({}) == []


def test_the_table_shows_who_wins_and_who_did_not_run(measured):
    measured.raced["purenn"]["works"][1:] = [work(20.0, temporaries=80)]
    measured.raced["slow"]["failure"] = "no compiler"
    for name, epochs in (("purenn", (5,)), ("fast", (3, 4, 3))):
        for each, n in zip(measured.raced[name]["works"][1:], epochs, strict=True):
            each["epochs"] = n
    against, memory = report.goals({"EPYC": {"row": measured}}, (ROW,))[2:]
    assert against == "| against all | EPYC | 2× | 3× | 0.25× | fast | **not reached** |"
    memory_cells = "≤ 0.7× | ≤ 0.5× | 0.8× | fast | **not reached** |"
    assert memory == f"| memory (lower is better) | EPYC | {memory_cells}"
    page = report.details("EPYC", {"row": measured}, (ROW,))
    lines = page.splitlines()
    head = next(i for i, line in enumerate(lines) if line.startswith("| row | median"))
    assert lines[head].endswith("| epochs |")
    assert lines[head + 2].startswith("| **fast** | 5,000 | ")
    assert lines[head + 2].endswith("| 3 – 4 |")
    assert lines[head + 3].startswith("| purenn | 20,000 | ")
    assert lines[head + 3].endswith("| 5 |")
    assert "slow did not run: `no compiler`." in page
    assert "peak 2 GFLOP/s, rounds 3." in page


def test_a_table_says_what_differs_between_rows(measured):
    other = ROW._replace(name="other")
    later = measured._replace(machine={**EPYC, "date": "2026-03-04"}, peak=None, note="Alone.")
    found = {"row": measured, "other": later._replace(quick=True)}
    page = report.details("EPYC", found, (ROW, other))
    common, first, second = page.split("## A row")
    assert "Processor AMD EPYC, vectors AVX-512, cores 2, rounds 3." in common
    assert first.endswith("|\n\nDate 2026-01-02, peak 2 GFLOP/s.\n\n")
    assert second.endswith(f"|\n\nDate 2026-03-04.\n\nAlone.\n\n{report.QUICK}\n")
    page = report.overview({"AMD EPYC, AVX-512": found}, (ROW, other))
    assert "(amd-epyc-avx512/results.md) | 2 | 2 | 2 | 2026-01-02 – 2026-03-04 |" in page
    assert report.QUICK in page


def test_processors_stand_side_by_side(measured, tmp_path):
    avx2 = measured._replace(machine={**EPYC, "vectors": "AVX2"})
    for each in (measured, avx2):
        record.keep(tmp_path, "row", each)
    report.write(tmp_path, (ROW,))
    assert matplotlib.image.imread(tmp_path / "results.png")[..., :3].std() > 0.05
    page = (tmp_path / "results.md").read_text()
    lines = [line for line in page.splitlines() if line.startswith("| against all")]
    assert [line.split(" | ")[1:4] for line in lines] == [
        ["AMD EPYC, AVX2", "2.5×", "4×"],
        ["AMD EPYC, AVX-512", "2×", "3×"],
    ]
    for folder in ("amd-epyc-avx2", "amd-epyc-avx512"):
        assert "| **purenn** | 2,000 |" in (tmp_path / folder / "results.md").read_text()


def test_a_row_replaces_itself_alone(measured, tmp_path):
    for row in ("row", "other"):
        record.keep(tmp_path, row, measured)
    again = measured._replace(peak=3e9)
    record.keep(tmp_path, "row", again)
    record.keep(tmp_path, "row", measured._replace(machine={**EPYC, "vectors": "AVX2"}))
    found = record.read(tmp_path)["AMD EPYC, AVX-512"]
    assert found == {"row": again, "other": measured}
    assert list(record.read(tmp_path)) == ["AMD EPYC, AVX2", "AMD EPYC, AVX-512"]


def test_results_in_another_processors_folder_are_rejected(measured, tmp_path):
    record.keep(tmp_path, "row", measured)
    (tmp_path / "amd-epyc-avx512").rename(tmp_path / "intel-xeon-avx512")
    said = "intel-xeon-avx512.* holds rows of AMD EPYC, AVX-512: they belong in amd-epyc-avx512"
    with pytest.raises(ValueError, match=said):
        record.read(tmp_path)


def test_a_run_measures_the_rows_asked_for_into_its_processors_folder(monkeypatch, tmp_path):
    ran = []

    def race(row, rounds, warm_up):
        ran.append((row.name, rounds))
        works = [work(float(i)) for i in range(1, warm_up + rounds + 1)]
        return {c.name: raced(*works, warm_up=warm_up) for c in row.contestants}

    monkeypatch.setattr(run, "race", race)
    monkeypatch.setattr(machine, "describe", lambda: EPYC)
    monkeypatch.setattr(sys, "argv", f"run.py --rows shuffle --output {tmp_path}".split())
    run.main()
    assert ran == [("peak", 9), ("shuffle", 9)]
    assert list(record.read(tmp_path)["AMD EPYC, AVX-512"]) == ["shuffle"]


def test_a_quick_run_leaves_the_kept_results_alone(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["run.py", "--quick", "--output", str(report.KEPT)])
    with pytest.raises(SystemExit):
        run.main()
    assert "--output must be another folder" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "flags", "kind", "folder"),
    [
        ("AMD EPYC", "sse2 avx avx2", "AMD EPYC, AVX2", "amd-epyc-avx2"),
        (
            "Intel(R) Xeon(R) Processor @ 2.70GHz",
            "sse2 avx avx2 avx512f amx_tile",
            "Intel Xeon, AVX-512",
            "intel-xeon-avx512",
        ),
        (
            "AMD Ryzen 9 7950X 16-Core Processor",
            "avx2 avx512f",
            "AMD Ryzen 9 7950X, AVX-512",
            "amd-ryzen-9-7950x-avx512",
        ),
    ],
)
def test_a_processor_is_known_by_its_name_and_widest_vectors(name, flags, kind, folder):
    one = f"processor\t: 0\nmodel name\t: {name}\nflags\t\t: {flags}\n\n"
    described = machine.processor(one + one.replace("processor\t: 0", "processor\t: 1"))
    assert described["processor"] == name
    assert machine.kind(described) == kind
    assert machine.folder(kind) == folder


def test_this_machine_is_described():
    described = machine.describe()
    assert described["vectors"] in {*machine.VECTORS.values(), "unknown vectors"}
    assert described["purenn"] != "not installed"


def test_the_pages_are_those_of_the_kept_results():
    results = record.read(report.KEPT)
    assert (report.KEPT / "results.md").read_text() == report.overview(results)
    for kind, found in results.items():
        assert not any(measured.quick for measured in found.values())
        assert set(found) <= {row.name for row in rows.ROWS}
        page = (report.KEPT / machine.folder(kind) / "results.md").read_text()
        assert page == report.details(kind, found)


def test_every_goal_names_contestants_of_its_row():
    goals = [goal.name for row in rows.ROWS for goal in row.goals]
    assert len(set(goals)) == len(goals)
    for row in rows.ROWS:
        names = [c.name for c in row.contestants]
        assert len(set(names)) == len(names), row.name
        for goal in row.goals:
            assert {goal.ours, *goal.against} <= set(names), goal.name
