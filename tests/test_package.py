"""What the package is as a package: its names, words, files, imports and wheel."""

import ast
import importlib.metadata
import importlib.util
import inspect
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import purenn as pn

ROOT = Path(pn.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))

# fmt: off
PUBLIC = [
    "Layer", "Op", "Optimizer", "TrainState", "DenseParams", "BatchNormParams", "BatchNormState",
    "Conv2dParams", "EpochRecord", "LayerNormParams", "Padded", "Progress", "Tail",
    "Conv1dParams", "Conv2dTransposeParams", "GroupNormParams", "GruParams", "LstmParams",
    "dense", "conv2d", "max_pool", "avg_pool", "dropout", "batch_norm", "layer_norm", "flatten",
    "conv1d", "conv2d_transpose", "global_avg_pool", "group_norm",
    "EmbeddingParams", "embedding", "PositionEmbeddingParams", "position_embedding",
    "RmsNormParams", "tied_embedding", "rms_norm", "GatedDenseParams", "gated_dense",
    "gru", "lstm", "AttentionParams", "attention",
    "rescale", "serial", "residual", "parallel", "repeat", "recompute", "mixed_precision", "mlp",
    "stepwise",
    "relu", "leaky_relu", "sigmoid", "tanh", "softmax", "gelu", "silu", "softplus",
    "elu", "selu", "log_softmax", "huber", "mae",
    "mse", "binary_cross_entropy", "sigmoid_binary_cross_entropy",
    "categorical_cross_entropy", "softmax_cross_entropy", "l2_penalty",
    "initializers",
    "sgd", "momentum", "adam", "adamw", "rmsprop", "adagrad", "adamax", "apply_updates", "as_dtype",
    "chain", "clip_by_global_norm", "polynomial_decay", "piecewise_constant",
    "inverse_time_decay", "exponential_decay", "cosine_decay", "linear_warmup",
    "by_hand", "value_and_grad", "explain", "check_gradients", "compare", "summary",
    "train_step", "training_run", "fit", "train", "evaluate", "predict", "accuracy", "save", "load",
    "read_idx", "load_mnist",
]

INITIALIZERS = [
    "he_normal", "he_uniform", "glorot_normal", "glorot_uniform",
    "lecun_normal", "zeros", "ones", "sharded", "small_normal",
]
# fmt: on


def test_public_names_are_those_of_the_contract():
    assert sorted(pn.__all__) == sorted(PUBLIC)
    assert all(hasattr(pn, name) for name in PUBLIC)
    assert all(callable(getattr(pn.initializers, name)) for name in INITIALIZERS)


@pytest.mark.parametrize("name", [*PUBLIC, *(f"initializers.{name}" for name in INITIALIZERS)])
def test_every_public_name_says_what_it_is(name):
    value = pn
    for part in name.split("."):
        value = getattr(value, part)
    # Not inherited: a class without words of its own would borrow its base's, or a dataclass's
    # signature, and an op has the words of its forward.
    words = vars(value).get("__doc__") if isinstance(value, type) else value.__doc__
    assert words
    if isinstance(value, pn.Op):  # help does not show how an instance is called
        call, _, words = words.partition("\n\n")
        assert call.startswith(f"{name}(")
    assert not words.startswith(f"{name}(")
    assert words.strip().split("\n")[0].endswith((".", ":")) or "\n\n" in words


@pytest.mark.parametrize("path", FILES, ids=[str(path.relative_to(ROOT)) for path in FILES])
def test_files_are_short_and_use_each_other_by_public_names(path):
    text = path.read_text()
    assert text.count("\n") <= 300
    tree = ast.parse(text)
    assert ast.get_docstring(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0  # from where, in full
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        private = [n for n in names if re.search(r"(^|\.)_(?!_)", n)]
        assert not private


RUN = {"eval", "exec", "compile", "__import__", "system", "Popen", "run_path", "run_module"}
READ_TOO_MUCH = {"load", "fromfile", "memmap", "loadtxt", "genfromtxt"}  # of NumPy
MODULES = {"pickle", "marshal", "shelve", "subprocess", "ctypes", "runpy", "code"}


@pytest.mark.parametrize("path", FILES, ids=[str(path.relative_to(ROOT)) for path in FILES])
def test_nothing_that_a_file_holds_could_be_run_or_imported(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import | ast.ImportFrom):
            named = [getattr(node, "module", None), *(alias.name for alias in node.names)]
            assert not {str(name).split(".")[0] for name in named} & MODULES
        if isinstance(node, ast.Call):
            called = getattr(node.func, "attr", getattr(node.func, "id", None))
            assert called not in RUN | READ_TOO_MUCH
            if called == "import_module":  # by a name that stands here
                assert isinstance(node.args[0], ast.Constant)


def modules_after(statement):
    code = f"{statement}; import sys; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT.parent
    )
    return set(done.stdout.split())


def test_importing_purenn_brings_nothing_but_jax_numpy_and_the_standard_library():
    # What `import jax` alone brings, SciPy among it, is jax's own affair.
    new = modules_after("import purenn") - modules_after("import jax, jax.numpy")
    strangers = {name.split(".")[0] for name in new} - sys.stdlib_module_names
    assert strangers <= {"purenn", "jax", "jaxlib", "numpy"}
    # Heavy, and needed in a download alone.
    assert not new & {"urllib.request", "http.client", "tempfile"}


def test_the_package_says_that_it_is_typed():
    assert (ROOT / "py.typed").is_file()


def test_metadata():
    try:
        metadata = importlib.metadata.metadata("purenn")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("purenn is imported from its folder, not installed")
    assert re.fullmatch(r"\d+\.\d+\.\d+.*", pn.__version__)
    assert metadata["Version"] == pn.__version__


def test_the_wheel_holds_the_package_alone(tmp_path):
    missing = [name for name in ("build", "hatchling") if not importlib.util.find_spec(name)]
    if missing or not (ROOT.parent / "pyproject.toml").is_file():
        pytest.skip(f"to build a wheel takes the sources, and {', '.join(missing)}")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", tmp_path, "."],
        cwd=ROOT.parent,
        capture_output=True,
        check=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if not name.endswith("/")}
    metadata = {name for name in names if name.split("/")[0].endswith(".dist-info")}
    sources = {f"purenn/{path.relative_to(ROOT).as_posix()}" for path in FILES}
    assert names - metadata == sources | {"purenn/py.typed"}
    assert any(name.endswith("/licenses/LICENSE") for name in metadata)


def test_every_op_has_the_words_of_its_forward():
    ops = [getattr(pn, name) for name in PUBLIC if isinstance(getattr(pn, name), pn.Op)]
    assert len(ops) == 18
    for op in (*ops, pn.by_hand(pn.relu)):
        call, _, text = op.__doc__.partition("\n\n")
        assert call.startswith(f"{op.name}(") and text == inspect.getdoc(op.functions.forward)
        assert len(op.__doc__) > 40
