"""What the tests of the teaching files share: where the files are, and the grader to call."""

import json
import os
import subprocess
import sys
from pathlib import Path

import jax
import pytest

ROOT = Path(__file__).parent.parent.parent
TEACHING = ROOT / "examples" / "teaching"
PAGES = ROOT / "docs" / "pages" / "teaching"
sys.path.insert(0, str(TEACHING))

from grading.rubric import rubric  # noqa: E402
from grading.worker import grade_here  # noqa: E402

WILD = sorted(path.stem for path in (TEACHING / "wild").glob("*.py"))
BROKEN = sorted(path.stem for path in (TEACHING / "broken").glob("*.py"))
AXIS, MISSING_M = "a sum without axis=0?", "the 1/m is missing (m = "  # of a report


@pytest.fixture(autouse=True)
def quickly():
    """As in the grader's process: the programs run once, and compiling is most of the time."""
    before = jax.config.read("jax_disable_most_optimizations")
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", before)


def graded(path, exercise, seed=0):
    result = grade_here(path, exercise, seed)
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    assert result["total"] == sum(len(part.checks) for part in rubric(exercise).PARTS) > 0
    return result


def run(*command, **options):
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    env = {**os.environ, "PYTHONPATH": path}
    env["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{env['PATH']}"
    return subprocess.run(command, env=env, capture_output=True, text=True, **options)
