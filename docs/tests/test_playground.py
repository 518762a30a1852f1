"""The playground: its numbers against purenn's, its preprocessing against MNIST, and its page."""

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from playground_reference import NETWORKS, TEST, name_of, params_of, purenn_values
from sitetools import ROOT, playground
from tabs import Tabs, planted
from visits import DESKTOP

import purenn as pn

TOLERANCE = 1e-4
RATE = 0.1
DIGITS = 100

EVALUATE = (Path(__file__).parent / "playground_values.js").read_text()

PREPROCESS = (Path(__file__).parent / "playground_drawings.js").read_text()


def as_text(values: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(values).tobytes()).decode()


@pytest.fixture(scope="module")
def address(server: str) -> str:
    return f"{server}404.html"


@pytest.fixture(scope="module")
def folder(server: str) -> str:
    return f"{server}assets/playground/"


@pytest.fixture(scope="module")
def modules(tabs: Tabs, address: str) -> Iterator[Any]:
    """A page of the site, to import the modules in."""
    with tabs.lent(DESKTOP) as tab:
        tab.goto(address)
        yield tab


@pytest.fixture(scope="module")
def exported(site: Path) -> dict[tuple[int, ...], Any]:
    """The parameters as the site serves them."""
    return {hidden: params_of(site, hidden) for hidden in NETWORKS}


def errors(
    tab: Any, folder: str, params: Any, hidden: tuple[int, ...], x: np.ndarray, y: np.ndarray
) -> dict[str, float]:
    """The largest |browser - purenn| of each value on one batch."""
    asked = [folder, name_of(hidden), as_text(x), y.tolist(), RATE]
    found = tab.evaluate(EVALUATE, asked)
    right = jax.tree.map(np.asarray, purenn_values(hidden, params, x, y, RATE))
    assert found.keys() == right.keys()
    worst = {}
    for name, text in found.items():
        mine = np.frombuffer(base64.b64decode(text), "<f4").astype(np.float64)
        assert mine.size == right[name].size, name
        worst[name] = float(np.max(np.abs(mine - right[name].ravel().astype(np.float64))))
    return worst


@pytest.mark.parametrize("hidden", NETWORKS, ids=name_of)
def test_forward_backward_and_a_step_agree_with_purenn(
    hidden: tuple[int, ...], modules: Any, folder: str, exported: Any, record_property: Any
) -> None:
    worst: dict[str, float] = {}
    batches = [slice(i, i + 1) for i in range(DIGITS)] + [slice(0, DIGITS)]
    for batch in batches:
        found = errors(modules, folder, exported[hidden], hidden, TEST.x[batch], TEST.y[batch])
        worst = {name: max(error, worst.get(name, 0)) for name, error in found.items()}
    assert max(worst.values()) < TOLERANCE, worst
    name = max(worst, key=worst.__getitem__)
    record_property(
        "figure", f"worst of {DIGITS} digits and their batch: {worst[name]:.1e}, {name}"
    )


MISTAKES = {
    "no mask of ReLU": ("z.values[i] > 0 ? value : 0", "value"),
    "mask that lets 0 through": ("z.values[i] > 0 ? value : 0", "z.values[i] >= -1 ? value : 0"),
    "no y": ("dz.values[i * z.cols + target] -= 1", "0"),
    "no 1/m": ("dz.values[i] /= z.rows", "0"),
    "uphill": ("value - rate * dw", "value + rate * dw"),
    "bias that does not learn": ("value - rate * db[i]", "value"),
    "bias of another unit": ("+= b[i % z.cols]", "+= b[(i + 1) % z.cols]"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_planted_mistake_is_found(
    mistake: str, tabs: Tabs, address: str, folder: str, exported: Any
) -> None:
    right, wrong = MISTAKES[mistake]
    hidden = NETWORKS[1]
    with tabs.lent(DESKTOP) as tab:
        planted(tab, "network.js", right, wrong)
        tab.goto(address)
        worst = errors(tab, folder, exported[hidden], hidden, TEST.x[:8], TEST.y[:8])
    assert max(worst.values()) > TOLERANCE


def test_the_manifest_tells_the_truth(site: Path, exported: Any) -> None:
    manifest = json.loads((site / "assets" / "playground" / "manifest.json").read_text())
    readme = (ROOT / "README.md").read_text()
    assert [network["name"] for network in manifest["networks"]] == [name_of(h) for h in NETWORKS]
    for hidden, network in zip(NETWORKS, manifest["networks"], strict=True):
        written = (site / "assets" / "playground" / network["file"]).read_bytes()
        found = playground.describe(hidden, written, TEST)
        for name, tolerance in (("test_accuracy", 2e-4), ("test_loss", 1e-5)):
            assert found.pop(name) == pytest.approx(network[name], abs=tolerance)
        assert found.items() <= network.items()
        options = network["command"].removeprefix("python examples/mnist.py ")
        options = options.removesuffix(" --seed 0")
        row = re.search(
            rf"\| {network['name']} \| `{re.escape(options)}` \|.*\(([\d.]+) to ([\d.]+)\)", readme
        )
        assert row, f"README has no result of {network['command']}"
        low, high = map(float, row.groups())
        assert low <= round(100 * network["test_accuracy"], 2) <= high
    for digits in (manifest["unsure"], manifest["digits"]):
        pixels = np.frombuffer(
            (site / "assets" / "playground" / digits["file"]).read_bytes(), np.uint8
        )
        np.testing.assert_array_equal(pixels.reshape(-1, 28, 28), TEST.x[digits["indices"]])
        assert digits["labels"] == TEST.y[digits["indices"]].tolist()
    assert sorted(digits["labels"]) == sorted([*range(10)] * playground.OF_EACH_CLASS)


def test_the_export_writes_what_is_on_the_site(site: Path, tmp_path: Path, exported: Any) -> None:
    """From files as the example leaves them to the same bytes."""
    runs = []
    for hidden, params in exported.items():
        run = tmp_path / name_of(hidden)
        run.mkdir()
        pn.save(run / "model.safetensors", (params, tuple(() for _ in params)))
        epochs = 20 if "--epochs 20" in playground.COMMANDS[hidden] else 10
        (run / "history.csv").write_text("epoch,loss\n" + "1,0\n" * epochs)
        runs.append(run)
    target = tmp_path / "target"
    target.mkdir()
    playground.export(runs, target)
    for path in sorted(target.iterdir()):
        if path.suffix == ".bin":
            assert path.read_bytes() == (site / "assets" / "playground" / path.name).read_bytes()
    assert sum(path.stat().st_size for path in target.iterdir()) < 600_000
    (runs[0] / "history.csv").write_text("epoch,loss\n1,0\n")
    with pytest.raises(ValueError, match="1 epochs"):
        playground.read(runs[0])


def preprocess(
    tab: Any, folder: str, drawings: Any, factor: int = 1, moves: Any = None
) -> list[Any]:
    moves = [(0, 0)] * len(drawings) if moves is None else moves
    asked = [
        [as_text(d.astype(np.uint8)), d.shape[1], d.shape[0], factor, *move]
        for d, move in zip(drawings, moves, strict=True)
    ]
    found = tab.evaluate(PREPROCESS, [folder, asked])
    return [None if p is None else np.array(p, float).reshape(28, 28) for p in found]


def center(image: np.ndarray) -> tuple[float, float]:
    """Row and column of the center of mass, pixel i reaching from i to i + 1."""
    at = np.arange(28) + 0.5
    return float(image.sum(1) @ at / image.sum()), float(image.sum(0) @ at / image.sum())


def box(image: np.ndarray) -> tuple[int, int]:
    rows, columns = np.nonzero(image.sum(1))[0], np.nonzero(image.sum(0))[0]
    return int(np.ptp(rows)) + 1, int(np.ptp(columns)) + 1


def test_drawings_are_fitted_and_centered(modules: Any, folder: str) -> None:
    rows, columns = np.mgrid[:300, :300]
    slanted = (np.abs(rows + 2 * columns - 450) < 30) & (rows > 40) & (rows < 190)
    disc = (rows - 60) ** 2 + (columns - 220) ** 2 < 50**2
    bar = (rows > 10) & (rows < 290) & (columns > 280) & (columns < 290)
    lopsided = (rows > 250) | ((rows > 200) & (columns < 40))
    dot = (rows == 17) & (columns == 250)
    drawings = {
        "slanted": slanted,
        "disc": disc,
        "bar": bar,
        "lopsided": lopsided,
        "dot": dot,
        "tall canvas": disc[:, 150:],
    }
    found = preprocess(modules, folder, [255 * d for d in drawings.values()])
    sizes = {}
    for name, image in zip(drawings, found, strict=True):
        assert image.max() <= 255
        sizes[name] = box(image)
        assert max(sizes[name]) == 20, name
        # MNIST's own centers of mass all lie in pixel 14, from 14 to 15.
        assert all(abs(c - 14.5) <= 1 for c in center(image)), name
    assert sizes["disc"] == sizes["dot"] == sizes["tall canvas"] == (20, 20)
    assert sizes["bar"] == (20, 1)
    assert preprocess(modules, folder, [np.zeros((300, 300))]) == [None]
    # Gray edges: the disc keeps its area, which no choice of whole pixels does.
    assert found[1].sum() / 255 == pytest.approx(np.pi * 10**2, rel=0.02)


def test_ink_far_from_the_middle_is_not_lost(modules: Any, folder: str) -> None:
    """A heavy end and a long thin tail: the center of mass alone would push the tail out."""
    drawing = np.zeros((200, 200))
    drawing[:, :10] = 255
    drawing[100:102, :] = 255
    (image,) = preprocess(modules, folder, [drawing])
    assert box(image)[1] == 20
    assert image.sum() == pytest.approx(drawing.sum() / 100, rel=0.01)


def test_test_digits_come_back_as_they_were(
    modules: Any, folder: str, exported: Any, record_property: Any
) -> None:
    """Ten times as large and elsewhere on a canvas, then prepared again."""
    images = TEST.x[:200]
    moves = np.random.default_rng(0).integers(0, 120, (len(images), 2)).tolist()
    found = np.array(preprocess(modules, folder, images, 10, moves))
    flat, again = images.reshape(200, -1).astype(float), found.reshape(200, -1)
    correlations = [np.corrcoef(a, b)[0, 1] for a, b in zip(flat, again, strict=True)]
    kept = {}
    for hidden, params in exported.items():
        model = playground.model_of(hidden)
        state = tuple(() for _ in params)
        before, _ = model.apply(params, state, images)
        after, _ = model.apply(params, state, found.astype(np.uint8))
        kept[name_of(hidden)] = float(np.mean(np.argmax(before, 1) == np.argmax(after, 1)))
    record_property("figure", f"smallest correlation {min(correlations):.4f}, kept {kept}")
    assert min(correlations) > 0.999
    assert min(kept.values()) >= 0.97


def test_where_mnist_has_its_centres_of_mass() -> None:
    """What preprocess.js says of the 10,000 test images."""
    at, images = np.arange(28) + 0.5, TEST.x.astype(float)
    mass = images.sum((1, 2))
    for axis in (1, 2):
        centers = images.sum(axis) @ at / mass
        assert centers.min() >= 14
        assert centers.max() < 15
