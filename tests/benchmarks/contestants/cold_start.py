"""A fresh process from its start to its end, seen from outside: the scripts in `cold_start`.

Nothing compiled is kept between two; the images lie in plain files, so that unpacking them is no
part of it. All byte code, installed or not, is written in the warm-up.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from data import images
from loops import Work
from tasks import Done, Task

SCRIPTS = Path(__file__).parents[1] / "cold_start"


def _fresh(task: Task, script: str) -> Work:
    folder = tempfile.TemporaryDirectory()
    for name, array in zip("xy", images(task), strict=True):
        np.save(Path(folder.name, name), array)
    command = [sys.executable, str(SCRIPTS / script), folder.name]
    environment = {
        **os.environ,
        "JAX_ENABLE_COMPILATION_CACHE": "false",
        "PYTHONPYCACHEPREFIX": f"{folder.name}/byte_code",
    }
    environment.pop("PYTHONDONTWRITEBYTECODE", None)

    def work() -> Done:
        assert folder  # there as long as the work
        printed = subprocess.check_output(command, env=environment, text=True)
        return Done(float(printed), 0, task.steps)

    return work


def purenn(task: Task) -> Work:
    """An epoch of `fit`."""
    return _fresh(task, "with_purenn.py")


def flax(task: Task) -> Work:
    """An epoch of the quick start's loop."""
    return _fresh(task, "with_flax.py")
