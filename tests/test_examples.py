"""The examples, run as a user runs them, but briefly."""

import csv
import os
import re
import shutil
import signal
import subprocess
import sys
import types
from pathlib import Path

import jax
import jax.numpy as jnp
import many_networks
import matplotlib.image
import mnist
import numpy as np
import pytest
import two_branches
import wide_mlp

import purenn as pn
from purenn.data.mnist import Mnist, Split

ROOT = Path(__file__).parent.parent


@pytest.fixture(autouse=True)
def one_device(monkeypatch):
    """As most users have; the tests' process has eight. test_processes.py runs it on several."""
    monkeypatch.setattr(jax, "device_count", lambda: 1)


def history(folder):
    with (folder / "history.csv").open() as file:
        return list(csv.DictReader(file))


def few_images(monkeypatch):
    images = pn.load_mnist(mnist.HERE / "data" / "mnist")
    few = Mnist(*(Split(x[:2_000], y[:2_000]) for x, y in images))
    monkeypatch.setattr(pn, "load_mnist", lambda directory: few)


def test_mnist_as_a_command(tmp_path):
    """The defaults, one epoch: what is printed, and what is in the folder afterwards."""
    command = [sys.executable, str(ROOT / "examples" / "mnist.py"), "--epochs", "1"]
    path = {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, cwd=tmp_path, env={**os.environ, **path}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "device: " in done.stdout
    assert "101,770" in done.stdout
    assert "on 5,000 held-out images" in done.stdout
    assert re.search(r"loss 0\.\d+, accuracy 9\d\.\d+%", done.stderr)  # the bar
    last = done.stdout.splitlines()[-1]
    found = re.fullmatch(r"test accuracy ([\d.]+) %  test loss ([\d.]+)", last)
    assert found, last
    assert float(found[1]) > 90

    folder = tmp_path / "runs" / "mnist"
    pictures = ["confusion.png", "curves.png", "mistakes.png", "weights.png"]
    names = sorted([*pictures, "history.csv", "model.safetensors"])
    assert sorted(os.listdir(folder)) == names  # no temporary folder, and no checkpoints
    (row,) = history(folder)
    assert list(row) == ["epoch", "loss", "validation loss", "accuracy", "seconds"]
    assert float(row["accuracy"]) > 0.9
    for name in pictures:
        picture = matplotlib.image.imread(folder / name)
        assert min(picture.shape[:2]) > 400, name
        assert picture[..., :3].std() > 0.05, name  # something is drawn
    # The file holds what was measured.
    model = mnist.build_model(mnist.Options())
    learned = pn.load(folder / "model.safetensors", model.init(jax.random.key(0), (28, 28)))
    _, test = pn.load_mnist(mnist.Options.data)
    _, accuracy = pn.evaluate(model, pn.softmax_cross_entropy, *learned, *test)
    assert f"{100 * accuracy:.2f}" == found[1]


@pytest.mark.usefixtures("quickly", "ctrl_c")
def test_mnist_goes_on_where_it_was_stopped(tmp_path, capsys, monkeypatch):
    few_images(monkeypatch)
    options = "--hidden 8 --epochs 2 --batch-size 50 --holdout 1000 --no-progress --no-pictures"
    command = [*options.split(), "--output"]
    mnist.app([*command, str(tmp_path / "whole")])

    def pressed(*given, **named):
        signal.raise_signal(signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr("purenn.training.run.evaluate", pressed)
        with pytest.raises(SystemExit) as stopped:
            mnist.app([*command, str(tmp_path / "stopped")])
    assert stopped.value.code == 130
    says = (
        r"fit: stopped; the last checkpoint in .*/stopped/checkpoints is of epoch 1, step 20; --res"
    )
    assert re.search(says, capsys.readouterr().err)
    with pytest.raises(
        SystemExit, match=r"error: --output holds a run that was not finished, .*--res"
    ):
        mnist.app([*command, str(tmp_path / "stopped")])
    mnist.app([*command, str(tmp_path / "stopped"), "--resume"])
    one, other = (
        (tmp_path / run / "model.safetensors").read_bytes() for run in ("whole", "stopped")
    )
    assert one == other
    assert sorted(os.listdir(tmp_path / "stopped")) == ["history.csv", "model.safetensors"]


@pytest.mark.usefixtures("quickly")
def test_mnist_replaces_a_finished_run_as_a_whole(tmp_path, capsys, monkeypatch):
    few_images(monkeypatch)
    folder = tmp_path / "run"
    options = "--hidden 8 --epochs 1 --batch-size 50 --holdout 1000 --no-progress"
    mnist.app([*options.split(), "--output", str(folder)])
    pictures = {path.name for path in folder.glob("*.png")}
    assert len(pictures) == 4
    (folder / "notes.txt").write_text("mine")
    trained = (folder / "model.safetensors").read_bytes()

    # As long as the next run has not finished, the last one is there, whole.
    def pressed(*given, **named):
        raise KeyboardInterrupt

    for part in ("fit", "evaluate", "save"):
        with monkeypatch.context() as patch:
            patch.setattr(pn, part, pressed)
            with pytest.raises(SystemExit):
                mnist.app([*options.split(), "--seed", "1", "--output", str(folder)])
        assert pictures < {path.name for path in folder.iterdir()}
        assert (folder / "model.safetensors").read_bytes() == trained
        shutil.rmtree(folder / "checkpoints", ignore_errors=True)

    (folder / ".unfinished-killed").mkdir()  # by a run that was killed while it moved its files
    (folder / "checkpoints").mkdir()
    (folder / "checkpoints" / "another.pt").write_text("mine")
    mnist.app([*options.split(), "--seed", "1", "--no-pictures", "--output", str(folder)])
    written = ["checkpoints", "history.csv", "model.safetensors", "notes.txt"]
    assert sorted(os.listdir(folder)) == written
    assert os.listdir(folder / "checkpoints") == ["another.pt"]
    assert (folder / "model.safetensors").read_bytes() != trained
    assert "replaces the finished run" in capsys.readouterr().out


@pytest.mark.usefixtures("ctrl_c")
def test_mnist_that_is_stopped_before_it_trains_promises_no_checkpoint(
    tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(pn, "load_mnist", lambda directory: signal.raise_signal(signal.SIGINT))
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


@pytest.mark.usefixtures("quickly")
def test_mnist_two_small_layers_on_all_images(tmp_path, capsys):
    options = "--hidden 16 16 --epochs 2 --batch-size 1000 --holdout 0 --no-progress --no-pictures"
    mnist.app([*options.split(), "--output", str(tmp_path / "a" / "b")])
    out, err = capsys.readouterr()
    assert "13,002" in out
    assert "60,000 images; accuracy meanwhile: on the first 10,000 training images" in out
    assert err == ""  # no bar
    assert sorted(os.listdir(tmp_path / "a" / "b")) == ["history.csv", "model.safetensors"]
    assert [row["epoch"] for row in history(tmp_path / "a" / "b")] == ["1", "2"]


@pytest.mark.usefixtures("quickly")
def test_mnist_with_convolutions_sees_images_with_a_channel(tmp_path, capsys, monkeypatch):
    few_images(monkeypatch)
    options = "--model cnn --features 4 --hidden 8 --epochs 1 --batch-size 500 --holdout 500"
    mnist.app([*options.split(), "--no-progress", "--output", str(tmp_path)])
    out = capsys.readouterr().out
    assert re.search(r"conv2d\(4, \(3, 3\)\) .*\(28, 28, 4\) +40 ", out)
    picture = matplotlib.image.imread(tmp_path / "weights.png")
    assert picture[..., :3].std() > 0.05


@pytest.mark.parametrize(
    ("options", "names"),
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
def test_mnist_model_is_what_the_options_say(options, names):
    model = mnist.build_model(mnist.Options(**options))
    assert model.name == f"serial(rescale(0.003922), {names})"


def test_mnist_computes_in_the_precision_asked_for():
    model = mnist.build_model(mnist.Options(hidden=(), precision="bfloat16"))
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
    optimizer = mnist.build_optimizer(mnist.Options(batch_size=550, **options))
    one = jnp.ones((1, 1))
    opt_state = optimizer.init(one)._replace(step=jnp.int32(step))
    update, _ = optimizer.update(one, opt_state, one)
    np.testing.assert_allclose(-update, [[rate]], rtol=1e-5, atol=1e-7)


@pytest.mark.usefixtures("quickly")
@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("--epochs 0", ["--epochs", '"0"', ">= 1"]),
        ("--epochs 1.5", ["--epochs", "1.5"]),
        ("--hidden 16.7", ["--hidden", "16.7"]),
        ("--hidden 16 -3", ["--hidden", '"-3"', ">= 1"]),
        ("--hidden 16 many", ["--hidden", '"many"', "int"]),
        ("--hidden", ["--hidden", "at least 1", "Got 0"]),
        ("--dropout 1.5", ["--dropout", '"1.5"', "< 1"]),
        ("--learning-rate nan", ["--learning-rate", '"nan"']),
        ("--holdout 60000", ["--holdout", '"60000"', "< 60000"]),
        ("--optimizer lion", ["--optimizer", '"lion"', '"momentum"']),
        ("--model transformer", ["--model", '"transformer"', '"cnn"']),
        ("--features 0", ["--features", '"0"', ">= 1"]),
        ("--layers 3", ["Unknown option", "--layers"]),
        ("--batch-size 55001", ["--batch-size must be at most 55000", "got 55001"]),
        ("--weight-decay 0.1", ["--weight-decay needs --optimizer adamw, got adam"]),
        ("--features 8", ["--features needs --model cnn, got dense"]),
        ("--decay-rate 0.5", ["--decay-rate needs --decay inverse-time, got cosine"]),
        ("--decay none --decay-rate 0.5", ["--decay-rate needs --decay inverse-time, got none"]),
        ("--no-hidden --dropout 0.2", ["--dropout needs a hidden layer or --model cnn"]),
        ("--no-hidden --activation tanh", ["--activation needs a hidden layer or --model cnn"]),
        ("--no-hidden --batch-norm", ["--batch-norm needs a hidden layer or --model cnn"]),
        ("--warmup 5000 --epochs 1", ["--warmup must be below the run's 429 steps, got 5000"]),
        ("--process 1", ["--process must be below --processes, 1, got 1"]),
        ("--patience 5", ["--patience needs --coordinator or --cluster"]),
        ("--coordinator localhost:1", ["--coordinator needs --processes"]),
        (
            "--cpu-devices 3",
            ["--batch-size must be a multiple of 9, for 3 devices", "128", "such as 126"],
        ),
        ("--cpu-devices 2 --blocks 3", ["--blocks must be a multiple of the 2 devices, got 3"]),
        ("--blocks 5", ["--batch-size must be a multiple of --blocks, 5, got 128"]),
        (
            "--output gs://bucket/run",
            ["--output must be a path on this machine", "gs://bucket/run"],
        ),
        ("--data /no/such", ["--data must be a folder", "or download", "in /no/such"]),
        (
            "--no-hidden --optimizer sgd --learning-rate 1e38 --batch-size 5000 --no-progress",
            ["loss is", "epoch 1, step", "learning rate"],
        ),
    ],
)
def test_mnist_refuses(options, words, tmp_path, capsys):
    """A line that names the option, what was expected and what came; and nothing is written."""
    folder = tmp_path / "folder"
    given = [] if "--output" in options else ["--output", str(folder)]
    with pytest.raises(SystemExit) as refusal:
        mnist.app([*options.split(), *given])
    said = message(refusal, capsys)
    assert [word for word in words if word not in said] == [], said
    assert not folder.exists() or not os.listdir(folder)


def test_mnist_refuses_a_batch_that_six_devices_cannot_share(tmp_path, monkeypatch):
    monkeypatch.setattr(jax, "device_count", lambda: 6)  # as a machine with so many has them
    says = "error: --batch-size must be a multiple of 12, for 6 devices, got 128; .* such as 120"
    with pytest.raises(SystemExit, match=says):
        mnist.app(["--output", str(tmp_path / "run")])
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("example", [mnist, many_networks])
def test_cpu_devices_are_refused_where_they_would_not_be_used(example, tmp_path, monkeypatch):
    gpu = types.SimpleNamespace(platform="gpu")
    monkeypatch.setattr(jax, "devices", lambda: [gpu])
    monkeypatch.setattr(jax.config, "update", lambda name, value: None)
    with pytest.raises(
        SystemExit, match="error: --cpu-devices needs JAX_PLATFORMS=cpu set: .* gpu"
    ):
        example.app(["--cpu-devices", "1", "--output", str(tmp_path / "run.png")])


@pytest.mark.parametrize(
    ("app", "options", "words"),
    [
        (many_networks.app, "--epochs 1.5", ["--epochs", "'1.5'"]),
        (
            many_networks.app,
            "--output gs://bucket/x.png",
            ["a path on this machine", "gs://bucket"],
        ),
        (
            many_networks.app,
            "--output x.pgn",
            ["must be the name of a .png file", "x.pgn"],
        ),
        (many_networks.app, "--data /no/such", ["error: load_mnist", "/no/such"]),
        (wide_mlp.app, "--images 60001", ["--images", "<= 60000"]),
        (wide_mlp.app, "--images 127", ["--images", ">= 128"]),
        (wide_mlp.app, "--epochs 1.5", ["--epochs", "1.5"]),
        (wide_mlp.app, "--mesh 3 1", ["--mesh must begin with a divisor of 128, got 3"]),
        (two_branches.app, "--images 200.5", ["--images", "200.5"]),
        (two_branches.app, "--data /no/such", ["error: load_mnist", "/no/such"]),
    ],
)
def test_the_other_examples_refuse(app, options, words, capsys):
    """What would be rounded, cut or put elsewhere in silence, or fail after the training."""
    with pytest.raises(SystemExit) as refusal:
        app(options.split())
    said = message(refusal, capsys)
    assert [word for word in words if word not in said] == [], said


def test_mnist_refuses_an_output_folder_that_is_a_file(tmp_path, capsys):
    file = tmp_path / "file"
    file.write_text("mine")
    with pytest.raises(SystemExit) as refusal:
        mnist.app(["--output", str(file)])
    said = message(refusal, capsys)
    assert "--output must be a folder that can be written to" in said
    assert str(file) in said
    assert file.read_text() == "mine"


def message(refusal, capsys):
    """What the user reads, on one line; the exit code is a number, or the text itself."""
    assert refusal.value.code not in (None, 0)
    return re.sub(r"[│╭╮╰╯─\s]+", " ", f"{capsys.readouterr().err} {refusal.value.code}")


@pytest.mark.usefixtures("quickly")
def test_many_networks_trains_every_key_and_rate_at_once(tmp_path, capsys, monkeypatch):
    few_images(monkeypatch)
    many_networks.app(["--keys", "2", "--epochs", "1", "--output", str(tmp_path / "a.png")])
    out = capsys.readouterr().out
    assert "training 8 networks, 1 epochs" in out
    rows = re.findall(r"^([\d.]+) +([\d.]+) +([\d.]+) +([\d.]+) +[\d.]+$", out, re.MULTILINE)
    assert [float(row[0]) for row in rows] == list(many_networks.RATES)
    assert all(float(worst) < float(best) for _, worst, _, best in rows)  # each key its own run
    assert max(float(best) for *_, best in rows) > 50
    assert matplotlib.image.imread(tmp_path / "a.png")[..., :3].std() > 0.05


def test_two_branches_trains_with_both_optimizers(capsys):
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
