"""Ctrl-C at random times in `examples/mnist.py`: how long until the checkpoint, and the exit.

    python tests/robustness/ctrl_c.py --count 20 --seed 0

The example trains on MNIST, the dense network and the cnn by turns, in a process that is sent
SIGINT at a random time in its training or validation. Then once in every other phase: import,
compilation, the final report; and twice in a row, 20 ms apart. A run that was stopped must
resume with --resume.

Goal: stopped with a checkpoint within 0.5 s of the signal, at the median and at most; exit status
130. What Python and JAX take to shut down comes on top, and is printed beside it.
"""

import argparse
import itertools
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

EXAMPLES = Path(__file__).parents[2] / "examples"
# The data as the example has it; the cnn's epoch is shorter, for more of its validation.
RUNS = {
    "dense": ["--epochs", "9"],
    "cnn": ["--model", "cnn", "--epochs", "3", "--holdout", "50000"],
}
PHASES = ("import", "settings", "compilation", "training", "validation", "report")
QUIET = ["--no-progress", "--no-pictures", "--checkpoint-every", "1000"]


def child(arguments):
    """The example, with a line on stdout whenever a phase begins."""
    # In a shell's background job this script, and so the child, was started with SIGINT ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    mark("import")
    sys.path.insert(0, str(EXAMPLES))
    sys.argv[1:] = arguments
    import interrupts  # first, as the example does
    import mnist
    import mnist_advanced

    from purenn.training import checkpoints
    from purenn.training import fit as fit_module

    def marked(owner, name, before, after):
        original = getattr(owner, name)

        def call(*given, **options):
            mark(before)
            result = original(*given, **options)
            mark(after)
            return result

        setattr(owner, name, call)

    kept = checkpoints.Checkpoints
    marked(kept, "__enter__", "settings", "settings")
    marked(kept, "resumed", "settings", "compilation")
    marked(kept, "due", "training", "training")
    marked(kept, "write", "writing", "written")
    marked(fit_module, "evaluate_between", "validation", "training")
    marked(mnist, "report", "report", "end")
    interrupts.run(mnist_advanced.app)


def mark(phase):
    print("mark", phase, time.monotonic(), flush=True)  # a clock that both processes read


def marks(log):
    lines = log.read_text().splitlines(keepends=True)
    words = [line.split() for line in lines if line.startswith("mark ") and line.endswith("\n")]
    return [(phase, float(when)) for _, phase, when in words]


def start(model, folder, log, errors, *more):
    command = [sys.executable, __file__, "--child", *RUNS[model], *QUIET, "--output", str(folder)]
    with log.open("w") as out, errors.open("w") as err:
        return subprocess.Popen([*command, *more], stdout=out, stderr=err)


def spans(model):
    """How long each phase takes; training, until the second validation begins."""
    with tempfile.TemporaryDirectory() as name:
        log, errors = Path(name) / "log", Path(name) / "errors"
        start(model, Path(name) / "run", log, errors).wait()
        found = marks(log)
    lasts = {}
    for (phase, begun), (_, ended) in itertools.pairwise(found):
        lasts[phase] = max(lasts.get(phase, 0), ended - begun)
    begun = min(when for phase, when in found if phase == "training")
    lasts["training"] = [when for phase, when in found if phase == "validation"][1] - begun
    return lasts


def interrupted(model, phase, after, *, twice=False):
    """One run, stopped: phase, seconds to the checkpoint and to the exit, status, last words."""
    with tempfile.TemporaryDirectory() as name:
        folder, log, errors = Path(name) / "run", Path(name) / "log", Path(name) / "errors"
        process = start(model, folder, log, errors)
        while all(phase != found for found, _ in marks(log)):
            time.sleep(0.02)
            assert process.poll() is None, errors.read_text()
        time.sleep(after)
        sent = time.monotonic()
        process.send_signal(signal.SIGINT)
        if twice:
            time.sleep(0.02)
            process.send_signal(signal.SIGINT)
        status = process.wait()
        ended = time.monotonic() - sent
        found = marks(log)
        at = [phase for phase, when in found if when <= sent][-1]
        written = [when - sent for phase, when in found if phase == "written" and when > sent]
        said = (errors.read_text().strip().splitlines() or [""])[-1].replace(name, "…")
        checkpoints = sorted((folder / "checkpoints").glob("*.safetensors"))
        going_on = ""
        if checkpoints and not twice and phase != "report":
            process = start(model, folder, log, errors, "--resume")
            while all(found != "training" for found, _ in marks(log)) and process.poll() is None:
                time.sleep(0.02)
            process.kill()
            going_on = "resumes" if process.wait() == -signal.SIGKILL else "does not resume"
    return at, written[0] if written else None, ended, status, said, going_on


def line(model, phase, wrote, ended, status, said, going_on):
    wrote = "  none" if wrote is None else f"{wrote:6.2f}"
    text = f"{model:6}{phase:12}checkpoint {wrote}  exit {ended:6.2f}  status {status:4}"
    print(f"{text}  {going_on:8}{said[:90]}", flush=True)


def main():
    if sys.argv[1:2] == ["--child"]:
        child(sys.argv[2:])
        return 0
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--phases", nargs="*", default=["import", "settings", "compilation", "report"]
    )
    chosen = parser.parse_args()
    rng = random.Random(chosen.seed)
    lasts = {model: spans(model) for model in RUNS}
    for model in RUNS:
        print(model, {phase: round(seconds, 2) for phase, seconds in lasts[model].items()})
    stops, exits, good = [], [], 0
    for number in range(chosen.count):
        model = list(RUNS)[number % 2]
        phase = "validation" if number % 4 >= 2 else "training"
        came = interrupted(model, phase, rng.uniform(0, lasts[model][phase]))
        line(model, *came)
        _, wrote, ended, status, _, going_on = came
        good += wrote is not None and wrote < 0.5 and status == 130 and going_on == "resumes"
        stops += [wrote if wrote is not None else float("inf")]
        exits.append(ended)
    print("elsewhere:")
    for phase in chosen.phases:
        for model in RUNS:
            line(model, *interrupted(model, phase, rng.uniform(0, 0.7 * lasts[model][phase])))
    print("twice:")
    for model in RUNS:
        line(model, *interrupted(model, "training", rng.uniform(0, 1), twice=True))
    figures = [f"{f(times):.2f}" for times in (stops, exits) for f in (statistics.median, max)]
    print(
        f"ctrl_c: {good} of {chosen.count} stopped with a checkpoint within 0.5 s; until it is "
        f"written {figures[0]} s at the median, {figures[1]} at most; until the exit {figures[2]} "
        f"and {figures[3]}"
    )
    return 0 if good == chosen.count else 1


if __name__ == "__main__":
    sys.exit(main())
