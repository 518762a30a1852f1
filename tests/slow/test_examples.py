"""The examples, run as a user runs them, but briefly."""

import csv
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import types
from pathlib import Path

import jax
import jax.numpy as jnp
import many_networks
import matplotlib.image
import mnist
import mnist_advanced
import mnist_pictures
import numpy as np
import processes
import pytest
import two_branches
import wide_mlp

import purenn as pn
from purenn.data.mnist import Mnist, Split

ROOT = Path(__file__).parents[2]
PICTURES = {"confusion.png", "curves.png", "mistakes.png", "weights.png"}
FILES = {"history.csv", "model.safetensors"}
SMALL = "--hidden 8 --epochs 2 --batch-size 250 --holdout 1000 --no-progress"


@pytest.fixture(autouse=True)
def one_device(monkeypatch):
    """As most users have; the tests' process has eight. test_processes.py runs it on several."""
    monkeypatch.setattr(jax, "device_count", lambda: 1)


@pytest.fixture(scope="module")
def all_images():
    return pn.load_mnist(mnist.Options.data)


@pytest.fixture
def few_images(all_images, monkeypatch):
    few = Mnist(*(Split(x[:n], y[:n]) for (x, y), n in zip(all_images, (2_000, 500), strict=True)))
    monkeypatch.setattr(pn, "load_mnist", lambda directory: few)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The command of the README, but one epoch: the process, and its folder."""
    folder = tmp_path_factory.mktemp("finished")
    command = [sys.executable, str(ROOT / "examples" / "mnist.py"), "--epochs", "1"]
    path = {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, **path}, capture_output=True, text=True
    )
    return done, folder / "runs" / "mnist"


def history(folder):
    with (folder / "history.csv").open() as file:
        return list(csv.DictReader(file))


def names(folder):
    return set(os.listdir(folder))


def parts(model):
    return ", ".join(part.name for part in model.parts)


def layers(model):
    """The names of all layers, whatever they are inside of."""
    return [model.name, *(layers(inner) for inner in (*model.parts, *model.inner))]


def test_mnist_as_a_command(finished, all_images):
    """What is printed, and what is in the folder afterwards."""
    done, folder = finished
    assert done.returncode == 0, done.stderr
    for words in ("device: ", "101,770", "on 55,000 images", "on 5,000 held-out images"):
        assert words in done.stdout
    assert re.search(r"loss 0\.\d+, accuracy 9\d\.\d+%", done.stderr)  # the bar
    last = done.stdout.splitlines()[-1]
    found = re.fullmatch(r"test accuracy ([\d.]+) %  test loss ([\d.]+)", last)
    assert found, last
    assert float(found[1]) > 90

    assert names(folder) == PICTURES | FILES  # no temporary folder, and no checkpoints
    (row,) = history(folder)
    assert list(row) == ["epoch", "loss", "validation loss", "accuracy", "seconds"]
    assert float(row["accuracy"]) > 0.9
    for name in PICTURES:
        picture = matplotlib.image.imread(folder / name)
        assert min(picture.shape[:2]) > 400, name
        assert picture[..., :3].std() > 0.05, name  # something is drawn
    # The file holds what was measured.
    model = mnist.build_model(mnist.Options())
    learned = pn.load(folder / "model.safetensors", model.init(jax.random.key(0), (28, 28)))
    _, accuracy = pn.evaluate(model, pn.softmax_cross_entropy, *learned, *all_images.test)
    assert f"{100 * accuracy:.2f}" == found[1]


@pytest.mark.usefixtures("quickly", "ctrl_c", "few_images")
def test_mnist_resumes_where_it_was_stopped(tmp_path, capsys, monkeypatch):
    def run(name, *more):
        quiet = [*SMALL.split(), "--no-pictures"]
        mnist.app([*quiet, "--output", str(tmp_path / name), *more])
        return (tmp_path / name / "model.safetensors").read_bytes()

    expected = run("uninterrupted")
    with monkeypatch.context() as patch:
        patch.setattr("purenn.training.fit.evaluate_between", press_ctrl_c)
        with pytest.raises(SystemExit) as stopped:
            run("stopped")
    assert stopped.value.code == 130
    says = r"checkpoint in .*/stopped/checkpoints is of epoch 1, step 4; --resume continues"
    assert re.search(says, capsys.readouterr().err)
    with pytest.raises(SystemExit, match="error: --output holds an unfinished run.*--resume"):
        run("stopped")
    assert run("stopped", "--resume") == expected
    assert names(tmp_path / "stopped") == FILES


def press_ctrl_c(*given, **named):
    signal.raise_signal(signal.SIGINT)


@pytest.mark.usefixtures("quickly", "few_images", "ctrl_c")
def test_mnist_replaces_a_finished_run_as_a_whole(finished, tmp_path, capsys, monkeypatch):
    folder = tmp_path / "run"
    shutil.copytree(finished[1], folder)
    (folder / "notes.txt").write_text("mine")
    trained = (folder / "model.safetensors").read_bytes()
    command = [*SMALL.split(), "--no-pictures", "--resume", "--output", str(folder)]

    # As long as the next run has not finished, the last one is there, all of it.
    for part in ("fit", "evaluate", "save"):
        with monkeypatch.context() as patch:
            patch.setattr(pn, part, press_ctrl_c)
            with pytest.raises(SystemExit):
                mnist.app(command)
        assert names(folder) - {"checkpoints"} == PICTURES | FILES | {"notes.txt"}
        assert (folder / "model.safetensors").read_bytes() == trained

    (folder / ".unfinished-killed").mkdir()  # by a run that was killed while it moved its files
    (folder / "checkpoints" / "another.pt").write_text("mine")
    capsys.readouterr()
    mnist.app(command)
    assert "replaces the finished run" in capsys.readouterr().out
    assert names(folder) == FILES | {"notes.txt", "checkpoints"}  # no pictures of the old run
    assert os.listdir(folder / "checkpoints") == ["another.pt"]
    assert (folder / "model.safetensors").read_bytes() != trained


@pytest.mark.usefixtures("ctrl_c")
def test_mnist_that_is_stopped_before_it_trains_promises_no_checkpoint(
    tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(pn, "load_mnist", press_ctrl_c)
    with pytest.raises(SystemExit) as stopped:
        mnist.app(["--output", str(tmp_path / "run")])
    assert stopped.value.code == 130
    assert capsys.readouterr().err == "\nstopped; there is no checkpoint yet\n"
    assert not (tmp_path / "run").exists()


PRESSES = """
import runpy, signal, sys

class Presses:
    def find_spec(self, name, *_):
        if name == "numpy":  # which the initialization of jaxlib imports
            signal.raise_signal(signal.SIGINT)

_, handler, script = sys.argv
signal.signal(signal.SIGINT, getattr(signal, handler))
sys.meta_path.insert(0, Presses())
sys.argv = [script, "--help"]
sys.path.insert(0, script.rpartition("/")[0])
runpy.run_path(script, run_name="__main__")
"""


@pytest.mark.parametrize(
    ("script", "handler", "status"),
    [
        ("mnist", "default_int_handler", -signal.SIGINT),  # as a shell expects it of Ctrl-C
        ("many_networks", "default_int_handler", -signal.SIGINT),
        ("two_branches", "default_int_handler", -signal.SIGINT),
        ("wide_mlp", "default_int_handler", -signal.SIGINT),
        ("language", "default_int_handler", -signal.SIGINT),
        ("mnist", "SIG_IGN", 0),
    ],
)
def test_ctrl_c_while_jaxlib_is_imported_ends_a_program_unless_ignored(script, handler, status):
    """An exception would be lost there, and leave jaxlib without NumPy: its first array crashes."""
    done = subprocess.run(
        [sys.executable, "-c", PRESSES, handler, str(ROOT / "examples" / f"{script}.py")],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (status, "")


@pytest.mark.usefixtures("quickly", "few_images")
def test_mnist_two_small_layers_on_all_images(tmp_path, capsys):
    options = "--hidden 16 16 --epochs 2 --batch-size 500 --holdout 0 --no-progress --no-pictures"
    mnist.app([*options.split(), "--output", str(tmp_path / "a" / "b")])
    out, err = capsys.readouterr()
    for words in ("13,002", "on 2,000 images", "on 2,000 training images"):
        assert words in out
    assert err == ""  # no bar
    assert names(tmp_path / "a" / "b") == FILES
    assert [row["epoch"] for row in history(tmp_path / "a" / "b")] == ["1", "2"]


@pytest.mark.usefixtures("quickly", "few_images")
def test_a_run_that_diverges_ends_with_one_line(tmp_path):
    options = "--no-hidden --learning-rate 1e38 --batch-size 500 --holdout 0 --no-progress"
    with pytest.raises(SystemExit, match="^error: fit: .*epoch 1, step .*learning rate.*$"):
        mnist.app([*options.split(), "--output", str(tmp_path)])
    assert names(tmp_path) == set()


@pytest.mark.usefixtures("quickly", "few_images")
def test_mnist_with_convolutions_sees_images_with_a_channel(tmp_path, capsys, monkeypatch):
    for other in ("curves", "confusion", "mistakes"):  # are as those of a dense network
        monkeypatch.setattr(mnist_pictures, other, lambda *given: None)
    options = "--model cnn --features 4 --hidden 8 --epochs 1 --batch-size 500 --holdout 500"
    mnist_advanced.app([*options.split(), "--no-progress", "--output", str(tmp_path)])
    out = capsys.readouterr().out
    assert re.search(r"conv2d\(4, \(3, 3\)\) .*\(28, 28, 4\) +40 ", out)
    picture = matplotlib.image.imread(tmp_path / "weights.png")
    assert picture[..., :3].std() > 0.05


@pytest.mark.parametrize(
    "options", [{}, {"model": "cnn"}, {"model": "resnet"}, {"hidden": (16, 16)}, {"hidden": ()}]
)
def test_the_advanced_defaults_are_those_of_mnist(options):
    plain, advanced = mnist.Options(**options), mnist_advanced.Options(**options)
    assert layers(mnist.build_model(plain)) == layers(mnist_advanced.build_model(advanced))


@pytest.mark.parametrize(
    ("options", "layers"),
    [
        ({"hidden": ()}, "flatten, dense(10)"),
        (
            {"model": "cnn", "features": (8,), "hidden": (4,)},
            "conv2d(8, (3, 3)), relu, max_pool((2, 2)), flatten, dropout(0.4), "
            "dense(4), relu, dropout(0.4), dense(10)",
        ),
        (
            {"model": "cnn", "hidden": (), "batch_norm": True, "dropout": 0.0},
            "conv2d(32, (3, 3)), batch_norm, relu, max_pool((2, 2)), "
            "conv2d(64, (3, 3)), batch_norm, relu, max_pool((2, 2)), flatten, dense(10)",
        ),
        (
            {"hidden": (8, 4), "activation": "tanh", "batch_norm": True, "dropout": 0.25},
            "flatten, dense(8), batch_norm, tanh, dropout(0.25), "
            "dense(4), batch_norm, tanh, dropout(0.25), dense(10)",
        ),
    ],
)
def test_mnist_model_is_what_the_options_say(options, layers):
    model = mnist_advanced.build_model(mnist_advanced.Options(**options))
    assert parts(model) == f"rescale(0.003922), {layers}"


@pytest.mark.usefixtures("quickly", "few_images")
def test_mnist_with_residual_blocks(tmp_path, capsys):
    """Two steps; every derivative is by hand."""
    options = "--model resnet --no-hidden --epochs 1 --batch-size 500 --holdout 1000"
    mnist.app([*options.split(), "--no-progress", "--no-pictures", "--output", str(tmp_path)])
    out = capsys.readouterr().out
    assert "77,754" in out
    assert "*" not in out  # summary's mark of what jax.vjp differentiates
    assert (tmp_path / "model.safetensors").exists()


def test_mnist_computes_in_the_precision_asked_for():
    model = mnist_advanced.build_model(mnist_advanced.Options(hidden=(), precision="bfloat16"))
    assert model.parts[-1].name == "bfloat16 dense(10)"


@pytest.mark.parametrize(
    ("options", "step", "rate"),
    [
        # 55,000 images in batches of 550: 100 steps an epoch
        ({"optimizer": "sgd", "decay": "none"}, 999, 0.5),
        ({"optimizer": "sgd", "learning_rate": 0.1, "epochs": 4}, 200, 0.05),
        ({"optimizer": "sgd", "epochs": 4}, 400, 0.0),
        ({"optimizer": "sgd", "decay": "inverse-time", "decay_rate": 0.5}, 250, 0.25),
        ({"optimizer": "sgd", "decay": "none", "warmup": 10}, 4, 0.25),
        ({"optimizer": "sgd", "epochs": 4, "warmup": 200}, 300, 0.25),
        ({"optimizer": "momentum", "decay": "none"}, 0, 0.05),  # a tenth: it is an average
        ({"optimizer": "adam", "decay": "none"}, 0, 0.003),
        ({"optimizer": "adamw", "decay": "none", "weight_decay": 10.0}, 0, 0.003 + 0.03),
    ],
)
def test_mnist_steps_are_what_the_options_say(options, step, rate):
    """The step of a weight of one with a gradient of one."""
    optimizer = mnist_advanced.build_optimizer(mnist_advanced.Options(batch_size=550, **options))
    one = jnp.ones((1, 1))
    opt_state = optimizer.init(one)._replace(step=jnp.int32(step))
    update, _ = optimizer.update(one, opt_state, one)
    np.testing.assert_allclose(-update, [[rate]], rtol=1e-5, atol=1e-7)


REJECTED = {
    mnist: [
        ("--epochs 0", ["--epochs", '"0"', ">= 1"]),
        ("--epochs 1.5", ["--epochs", "1.5"]),
        ("--hidden 16.7", ["--hidden", "16.7"]),
        ("--hidden 16 -3", ["--hidden", '"-3"']),
        ("--hidden 16 many", ["--hidden", "many"]),
        ("--hidden", ["--hidden", "at least 1"]),
        ("--learning-rate nan", ["--learning-rate", "nan"]),
        ("--learning-rate inf", ["--learning-rate", "inf"]),
        ("--seed 4294967296", ["--seed", "< 4294967296"]),
        ("--holdout 60000", ["--holdout", "< 60000"]),
        ("--model transformer", ["--model", "transformer", "cnn"]),
        ("--batch-norm", ["Unknown option", "--batch-norm"]),
        ("--batch-size 55001", ["--batch-size", "55000", "55001"]),
        ("--output gs://bucket/run", ["--output", "on this machine", "gs://bucket/run"]),
        ("--data /no/such", ["load_mnist", "/no/such"]),
    ],
    mnist_advanced: [
        ("--optimizer lion", ["--optimizer", "lion", "momentum"]),
        ("--dropout 1.5", ["--dropout", "1.5", "< 1"]),
        ("--features 0", ["--features", '"0"']),
        ("--weight-decay 0.1", ["--weight-decay", "adamw"]),
        ("--features 8", ["--features", "--model cnn"]),
        ("--decay-rate 0.5", ["--decay-rate", "inverse-time"]),
        ("--decay none --decay-rate 0.5", ["--decay-rate", "inverse-time"]),
        ("--no-hidden --dropout 0.2", ["--dropout", "hidden layer"]),
        ("--no-hidden --activation tanh", ["--activation", "hidden layer"]),
        ("--no-hidden --batch-norm", ["--batch-norm", "hidden layer"]),
        ("--warmup 5000 --epochs 1", ["--warmup", "429", "5000"]),
        ("--process 1", ["--process", "--processes, 1"]),
        ("--processes 2", ["--processes", "--coordinator"]),
        ("--patience 5", ["--patience", "--coordinator", "--cluster"]),
        ("--coordinator localhost:1", ["--coordinator", "--processes"]),
        ("--cluster --coordinator localhost:1 --processes 2", ["--cluster", "--coordinator"]),
        ("--cpu-devices 3", ["--batch-size", "multiple of 9, for 3 devices", "126"]),
        ("--cpu-devices 2 --blocks 3", ["--blocks", "2 devices", "3"]),
        ("--blocks 5", ["--batch-size", "--blocks, 5", "128"]),
        ("--data /no/such", ["load_mnist", "/no/such"]),
    ],
    many_networks: [
        ("--epochs 1.5", ["--epochs", "1.5"]),
        ("--output gs://bucket/x.png", ["on this machine", "gs://bucket"]),
        ("--output x.pgn", ["--output", ".png", "x.pgn"]),
        ("--data /no/such", ["load_mnist", "/no/such"]),
    ],
    wide_mlp: [
        ("--images 60001", ["--images", "60000"]),
        ("--images 127", ["--images", "128"]),
        ("--epochs 1.5", ["--epochs", "1.5"]),
        ("--mesh 3 1", ["--mesh", "divisor of 128", "3"]),
    ],
    two_branches: [
        ("--images 200.5", ["--images", "200.5"]),
        ("--data /no/such", ["load_mnist", "/no/such"]),
    ],
}


@pytest.mark.parametrize(
    ("example", "options", "words"),
    [(example, *case) for example, cases in REJECTED.items() for case in cases],
)
def test_bad_options_are_rejected(example, options, words, tmp_path, capsys, monkeypatch):
    """The message names the option, what was expected and what came. Nothing is written."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as rejection:
        example.app(options.split())
    said = message(rejection, capsys)
    assert [word for word in words if word not in said] == [], said
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("place", ["10.0.0.1", ":123", "host:", "host:0", "host:65536", "host:x"])
def test_a_coordinator_is_a_host_and_a_port(place, capsys):
    with pytest.raises(SystemExit, match=f"error: --coordinator must be HOST:PORT, got {place}$"):
        mnist_advanced.app(["--coordinator", place, "--processes", "2"])


def test_a_port_in_use_is_named():
    with socket.create_server(("", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(OSError, match=f"in use .*{port}"):
            processes.check(f"127.0.0.1:{port}", listens=True)
        processes.check(f"127.0.0.1:{port}", listens=False)


def test_a_batch_must_divide_among_six_devices(tmp_path, monkeypatch):
    monkeypatch.setattr(jax, "device_count", lambda: 6)  # as on a machine that has them
    with pytest.raises(SystemExit, match="multiple of 12, for 6 devices, got 128; .* 120"):
        mnist_advanced.app(["--output", str(tmp_path / "run")])
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("example", [mnist_advanced, many_networks])
def test_cpu_devices_are_rejected_where_they_would_not_be_used(example, tmp_path, monkeypatch):
    gpu = types.SimpleNamespace(platform="gpu")
    monkeypatch.setattr(jax, "devices", lambda: [gpu])
    monkeypatch.setattr(jax.config, "update", lambda name, value: None)
    with pytest.raises(SystemExit, match="--cpu-devices needs JAX_PLATFORMS=cpu set: .* gpu"):
        example.app(["--cpu-devices", "1", "--output", str(tmp_path / "run.png")])


def test_an_output_folder_that_is_a_file_is_rejected(tmp_path, capsys):
    file = tmp_path / "file"
    file.write_text("mine")
    with pytest.raises(SystemExit) as rejection:
        mnist.app(["--output", str(file)])
    assert "--output" in message(rejection, capsys)
    assert file.read_text() == "mine"


def message(rejection, capsys):
    """Return what the user reads, on one line. The exit code is a number, or the text itself."""
    assert rejection.value.code not in (None, 0)
    return re.sub(r"[│╭╮╰╯─\s]+", " ", f"{capsys.readouterr().err} {rejection.value.code}")


@pytest.mark.usefixtures("quickly", "few_images")
def test_many_networks_trains_every_key_and_rate_at_once(tmp_path, capsys):
    many_networks.app(["--keys", "2", "--epochs", "1", "--output", str(tmp_path / "a.png")])
    out = capsys.readouterr().out
    assert "training 8 networks, 1 epochs" in out
    rows = re.findall(r"^([\d.]+) +([\d.]+) +([\d.]+) +([\d.]+) +[\d.]+$", out, re.MULTILINE)
    assert [float(row[0]) for row in rows] == list(many_networks.RATES)
    assert all(float(worst) < float(best) for _, worst, _, best in rows)  # each key its own run
    assert max(float(best) for *_, best in rows) > 50
    assert matplotlib.image.imread(tmp_path / "a.png")[..., :3].std() > 0.05


def test_two_branches_trains_with_both_optimizers(all_images, capsys, monkeypatch):
    test = Split(all_images.test.x[:500], all_images.test.y[:500])
    monkeypatch.setattr(pn, "load_mnist", lambda directory: all_images._replace(test=test))
    # optax itself breaks under strict promotion
    with jax.numpy_dtype_promotion("standard"):
        two_branches.main(images=6_400)
    out = capsys.readouterr().out
    for name in ("purenn's adam", "optax's nadamw"):
        pattern = rf"{name}: loss ([\d.]+) at first, ([\d.]+) at last\n  test accuracy ([\d.]+)%"
        first, last, accuracy = map(float, re.search(pattern, out).groups())
        assert last < first / 2
        assert accuracy > 80


@pytest.mark.usefixtures("quickly")
def test_two_branches_derivative_is_that_of_the_plain_formula():
    """The tied weight gets its share from both branches: against JAX's own, written out."""

    def plain(params, pixels, digits):
        (w1, b1), (w2, b2) = params["encode"], params["classify"]
        hidden = jnp.maximum(pixels @ w1 + b1, 0)
        logits, drawing = hidden @ w2 + b2, hidden @ w1.T + params["draw bias"]
        chosen = jnp.take_along_axis(jax.nn.log_softmax(logits), digits[:, None], axis=1)
        pixel_loss = jax.nn.softplus(drawing) - pixels * drawing
        return -jnp.mean(chosen) + jnp.mean(pixel_loss)

    params = two_branches.init(jax.random.key(0))
    pixels = jax.random.uniform(jax.random.key(1), (4, 784))
    digits = jnp.array([3, 1, 4, 1])
    both = jax.jit(lambda *a: (jax.grad(two_branches.loss)(*a), jax.grad(plain)(*a)))
    mine, theirs = both(params, pixels, digits)
    worst = jax.tree.map(lambda a, b: float(jnp.abs(a - b).max()), mine, theirs)
    assert max(jax.tree.leaves(worst)) < 1e-6, worst
