"""What a run of the tests leaves behind: nothing."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_cache_of_compiled_programs_is_deleted(tmp_path):
    ours = ("PURENN_TESTS_CACHE", "PYTEST_XDIST_WORKER")  # those of the tests that run this one
    env = {name: value for name, value in os.environ.items() if name not in ours}
    command = [sys.executable, "-m", "pytest", "-q", "-n", "1", "tests/test_describe.py"]
    done = subprocess.run(
        command, cwd=ROOT, env=env | {"TMPDIR": str(tmp_path)}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout
    assert not list(tmp_path.glob("purenn-tests-*"))
