"""Training in the browser: its numbers against purenn's, its file of digits, its presets."""

import re
import zlib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sitetools import train
from tabs import Tabs, planted
from train_reference import ACTIVATIONS, OPTIMIZERS, USUAL, array, errors, trained
from visits import DESKTOP

TOLERANCE = 1e-4
DIGITS = {"data": "digits", "hidden": [16, 8], "activation": "relu", "batch": 32}


@pytest.fixture(scope="module")
def folder(server: str) -> str:
    return f"{server}assets/train/"


@pytest.fixture(scope="module")
def tab(tabs: Tabs, server: str) -> Iterator[Any]:
    """A page of the site, to import the modules in."""
    with tabs.lent(DESKTOP) as tab:
        tab.goto(f"{server}404.html")
        yield tab


def check(tab: Any, folder: str, spec: dict[str, Any], steps: int, record: Any) -> None:
    worst = errors(spec, trained(tab, folder, spec, steps))
    assert max(worst.values()) < TOLERANCE, worst
    name = max(worst, key=worst.__getitem__)
    record("figure", f"worst of {steps} steps: {worst[name]:.1e}, {name}")


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_steps_on_points_are_purenn_s(
    activation: str, optimizer: str, tab: Any, folder: str, record_property: Any
) -> None:
    """20 steps, each on all training points."""
    rate = 0.03 if optimizer == "adam" else 0.3
    spec = USUAL | {"activation": activation, "optimizer": optimizer, "rate": rate}
    check(tab, folder, spec, 20, record_property)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_steps_on_digits_are_purenn_s(
    optimizer: str, tab: Any, folder: str, record_property: Any
) -> None:
    """10 steps on batches of 32."""
    rate = 0.003 if optimizer == "adam" else 0.1
    spec = USUAL | DIGITS | {"optimizer": optimizer, "rate": rate}
    check(tab, folder, spec, 10, record_property)


@pytest.mark.parametrize(
    "more",
    [
        {"hidden": []},
        {"hidden": [16, 16, 16, 16], "data": "spiral"},
        {"data": "xor", "batch": 32},
        {"data": "moons", "batch": 1, "noise": 0.5},
        {"data": "gaussians", "seed": 7, "rate": 3.0, "optimizer": "sgd"},
    ],
    ids=str,
)
def test_other_choices_are_purenn_s_too(
    more: dict[str, Any], tab: Any, folder: str, record_property: Any
) -> None:
    check(tab, folder, USUAL | more, 20, record_property)


MISTAKES = {
    "no mask of ReLU": ("activations.js", "a > 0 ? da : 0", "da"),
    "derivative of tanh": ("activations.js", "da * (1 - a * a)", "da * (1 - a)"),
    "derivative of sigmoid": ("activations.js", "da * a * (1 - a)", "da * a"),
    "derivative of silu": ("activations.js", "da * s * (1 + z * (1 - s))", "da * s"),
    "gelu without its cubic": ("activations.js", "3 * 0.044715 * clip(z) ** 2", "0"),
    "no 1/m": (
        "losses.js",
        "(logistic(value) - targets[i]) / z.rows",
        "logistic(value) - targets[i]",
    ),
    "no y": ("losses.js", "(j === targets[i] ? 1 : 0)", "0"),
    "bias that does not learn": ("mlp.js", "db[i % dz.cols] += dz.values[i]", "0"),
    "uphill": ("optimizers.js", "w[i] -= rate * g[i]", "w[i] += rate * g[i]"),
    "momentum without 1 - beta": ("optimizers.js", "+ (1 - BETA) * g[i]", "+ g[i]"),
    "adam without correction": ("optimizers.js", "v[i] / second", "v[i]"),
    "adam counts from 0": ("optimizers.js", "const t = step + 1", "const t = step + 2"),
}
SPECS = {
    "no mask of ReLU": {"activation": "relu"},
    "derivative of sigmoid": {"activation": "sigmoid"},
    "derivative of silu": {"activation": "silu"},
    "gelu without its cubic": {"activation": "gelu"},
    "no y": DIGITS,
    "uphill": {"optimizer": "sgd"},
    "momentum without 1 - beta": {"optimizer": "momentum"},
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_planted_mistake_is_found(mistake: str, tabs: Tabs, server: str, folder: str) -> None:
    file, right, wrong = MISTAKES[mistake]
    spec = USUAL | SPECS.get(mistake, {})
    with tabs.lent(DESKTOP) as tab:
        planted(tab, file, right, wrong)
        tab.goto(f"{server}404.html")
        worst = errors(spec, trained(tab, folder, spec, 4))
    assert max(worst.values()) > TOLERANCE, worst


def test_a_batch_is_of_other_examples_until_the_epoch_ends(tab: Any, folder: str) -> None:
    found = trained(tab, folder, USUAL | {"batch": 32}, 7)
    batches = [array(step["x"], (32, 2)) for step in found["steps"]]
    rows = {tuple(row) for batch in batches[:6] for row in batch}
    assert len(rows) == 6 * 32  # of 200: what fills no batch is left out
    assert {tuple(row) for row in batches[6]} != {tuple(row) for row in batches[0]}


def test_half_of_the_points_are_of_each_class(tab: Any, folder: str) -> None:
    for data in ("circles", "xor", "spiral", "gaussians", "moons"):
        found = trained(tab, folder, USUAL | {"data": data}, 1)
        assert sum(found["steps"][0]["targets"]) == 100
        x = array(found["steps"][0]["x"], (-1, 2))
        assert np.abs(x).max() < 3  # on the plane that is drawn


def test_the_file_of_digits_is_what_the_script_writes(site: Path, tmp_path: Path) -> None:
    """Compared before compression: other versions of zlib may compress in another way."""
    served = (site / "assets" / "train" / "digits.bin").read_bytes()
    train.write(tmp_path / "digits.bin")
    written = (tmp_path / "digits.bin").read_bytes()
    assert zlib.decompress(served) == zlib.decompress(written) == train.content()
    assert len(served) < 600_000


CURVE = """async ([folder, name, more, every, count]) => {
  const { presets } = await import(folder + "presets.js");
  const { createRun, pointsOf } = await import(folder + "run.js");
  const { loadDigits } = await import(folder + "digits.js");
  const { report } = await import(folder + "report.js");
  const spec = { ...presets.find((preset) => preset.name === name).spec, ...more };
  const run = createRun(spec, spec.data === "digits" ? await loadDigits() : pointsOf(spec));
  const found = [];
  for (let i = 0; i <= count; i++) {
    const { train, held, layers } = report(run, spec);
    found.push({ train, held, layers: layers.map(({ dwNorm, off }) => ({ dwNorm, off })) });
    for (let k = 0; k < every && i < count; k++) run.step();
  }
  return found;
}"""


@pytest.fixture
def curve(tab: Any, folder: str) -> Any:
    """What a preset comes to: `count` reports, `every` so many steps."""

    def of(name: str, every: int, count: int, **more: Any) -> list[dict[str, Any]]:
        return tab.evaluate(CURVE, [folder, name, more, every, count])

    return of


def test_presets_show_what_they_say(curve: Any) -> None:
    assert curve("First try", 300, 1)[-1]["held"]["accuracy"] > 0.97
    assert curve("No hidden layer", 300, 1)[-1]["train"]["accuracy"] < 0.75
    assert curve("One unit too few", 500, 2)[-1]["train"]["accuracy"] < 0.95
    assert curve("One unit too few", 500, 1, hidden=[3])[-1]["train"]["accuracy"] > 0.98
    assert curve("No activations", 300, 1)[-1]["train"]["accuracy"] < 0.75
    assert curve("No activations", 300, 1, activation="tanh")[-1]["train"]["accuracy"] > 0.97
    assert curve("The spiral", 500, 1)[-1]["held"]["accuracy"] > 0.95


def test_too_high_a_rate_jumps_and_a_tenth_of_it_learns(curve: Any) -> None:
    losses = [found["train"]["loss"] for found in curve("Rate too high", 10, 50)]
    assert sum(after > before for before, after in pairwise(losses)) > 15
    assert max(losses) > 2 * losses[0]
    assert losses[-1] > 0.3
    assert curve("Rate too high", 200, 1, rate=1)[-1]["train"]["loss"] < 0.1


def test_relus_die(curve: Any) -> None:
    before, after, later = curve("Dying ReLU", 30, 2)
    assert sum(layer["off"] or 0 for layer in before["layers"]) < 4
    assert after["layers"][1]["off"] == later["layers"][1]["off"] == 8
    assert later["layers"][0]["dwNorm"] == 0


def test_gradients_vanish(curve: Any) -> None:
    norms = [layer["dwNorm"] for layer in curve("Vanishing gradients", 1, 1)[-1]["layers"]]
    assert norms[0] < 0.1 * norms[-1]
    after = curve("Vanishing gradients", 500, 1)[-1]
    assert after["layers"][0]["dwNorm"] < 0.1 * after["layers"][-1]["dwNorm"]
    assert after["train"]["accuracy"] < 0.6


def test_the_noise_is_learned(curve: Any) -> None:
    found = curve("Learning the noise", 250, 8)
    held = [point["held"]["loss"] for point in found]
    assert found[-1]["train"]["loss"] < min(point["train"]["loss"] for point in found[:4])
    assert held[-1] > 1.5 * min(held)


def test_digits_are_read(curve: Any) -> None:
    assert curve("Digits", 150, 1)[-1]["held"]["accuracy"] > 0.87
    assert curve("Digits, no hidden layer", 150, 1)[-1]["held"]["accuracy"] > 0.8


def test_each_preset_has_a_test_here() -> None:
    names = re.findall(r'name: "(.*)"', (train.TARGET.parent / "presets.js").read_text())
    assert len(names) == 11
    assert all(Path(__file__).read_text().count(f'curve("{name}"') for name in names)
