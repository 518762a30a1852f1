"""The page where a transformer writes: its numbers against purenn's, its sampling, its weights."""

import base64
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jax
import language as example
import language_reference
import numpy as np
import pytest
from language_runs import write_json
from sitetools import language
from tabs import Tabs, planted
from visits import DESKTOP

import purenn as pn

TOLERANCE = 1e-4
RATE = 0.03

EVALUATE = (Path(__file__).parent / "language_values.js").read_text()

# Network, text, and the positions whose next character counts in the loss.
TEXTS = {
    "one position": ("moby-dick", "The ship? Great God, where is the ship?", [15]),
    "every position": ("moby-dick", "Call me Ishmael.", None),
    "a full window": ("moby-dick", "the whale " * 6 + "sank.", [0, 63]),
    "every letter of a name": ("names", "\nconstantia\n", None),
}


@pytest.fixture(scope="module")
def folder(server: str) -> str:
    return f"{server}assets/language/"


@pytest.fixture(scope="module")
def modules(tabs: Tabs, server: str) -> Iterator[Any]:
    """A page of the site, to import the modules in."""
    with tabs.lent(DESKTOP) as tab:
        tab.goto(server + "404.html")
        yield tab


@pytest.fixture(scope="module")
def networks(site: Path) -> dict[str, Any]:
    return language_reference.networks(site)


@cache
def asked_and_right(site: Path, text: str) -> tuple[list[Any], dict[str, Any]]:
    """What the page is asked, and purenn's answer."""
    name, characters, counted = TEXTS[text]
    network = language_reference.networks(site)[name]
    tokens = language_reference.tokens_of(network, characters).tolist()
    x, following = tokens[:-1], tokens[1:]
    counted = range(len(x)) if counted is None else counted
    targets = [following[p] if p in counted else None for p in range(len(x))]
    params = language_reference.params_of(site, network)
    asked = [name, x, targets, RATE]
    return asked, language_reference.purenn_values(network, params, x, targets, RATE)


def errors(tab: Any, folder: str, site: Path, text: str) -> dict[str, float]:
    """The largest difference of each value from purenn's, relative where its largest is above 1."""
    asked, right = asked_and_right(site, text)
    found = tab.evaluate(EVALUATE, [folder, *asked])
    assert found.keys() == right.keys()
    worst = {}
    for value, packed in found.items():
        mine = np.frombuffer(base64.b64decode(packed), "<f4").astype(np.float64)
        theirs = right[value].ravel().astype(np.float64)
        assert mine.size == theirs.size, value
        finite = np.isfinite(theirs)
        difference = np.abs(mine[finite] - theirs[finite])
        worst[value] = float(np.max(difference) / max(1, np.max(np.abs(theirs[finite]))))
        if not np.array_equal(mine[~finite], theirs[~finite]):  # the masked scores, -inf
            worst[value] = np.inf
    return worst


@pytest.mark.parametrize("text", TEXTS)
def test_every_number_is_purenns(
    text: str, modules: Any, folder: str, site: Path, record_property: Any
) -> None:
    worst = errors(modules, folder, site, text)
    name = max(worst, key=worst.__getitem__)
    record_property("figure", f"{len(worst)} values, the worst {worst[name]:.1e}, {name}")
    assert worst[name] < TOLERANCE, worst
    # What is compared is large enough for a mistake to be seen.
    assert {"1.1 head 0 dS", "2.1 da", "grad 0 w", "grad 3 1 wk", "after 6 w"} <= worst.keys()


MISTAKES = {
    "the softmax's mean left out": ("attend.js", "(dweights[j] - D.values[t])", "dweights[j]"),
    "a later key is seen": ("attend.js", "fill(-Infinity, t + 1)", "fill(-Infinity, t + 2)"),
    "dK without its transpose": (
        "attend.js",
        "scaled(transposedProduct(dS, Q))",
        "scaled(product(dS, Q))",
    ),
    "no turning back": ("attention.js", "dQ: rotary.backward(dQr)", "dQ: dQr"),
    "values forgotten in dx": ("attention.js", ", productTransposed(dv, wv)]", "]"),
    "the residual's sum": ("combine.js", "dx: sum(dy, dx), inner", "dx, inner"),
    "the norm as a constant": ("rms-norm.js", "(value - hat[j] * mean)", "value"),
    "gamma twice": (
        "rms-norm.js",
        "gamma.values[j] * value);\n      const mean",
        "gamma.values[j] ** 2 * value);\n      const mean",
    ),
    "the gate's derivative": ("gated-dense.js", "(1 + a * (1 - sigmoid(a)))", "1"),
    "a repeated character's last place": ("embedding.js", "(to[j] += value)", "(to[j] = value)"),
    "the mean over all positions": ("softmax-cross-entropy.js", "/= found.length", "/= z.rows"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_planted_mistake_is_found(
    mistake: str, tabs: Tabs, server: str, folder: str, site: Path
) -> None:
    file, right, wrong = MISTAKES[mistake]
    with tabs.lent(DESKTOP) as tab:
        planted(tab, file, right, wrong)
        tab.goto(server + "404.html")
        worst = errors(tab, folder, site, "one position")
    assert max(worst.values()) > TOLERANCE


SAMPLE = """async ([folder, logits, temperature, drawn]) => {
  const { distribution, draw } = await import(folder + "sampling.js");
  const probabilities = distribution(Float64Array.from(logits), temperature);
  const counts = new Array(logits.length).fill(0);
  // Evenly spread numbers from 0 to 1 in place of random ones.
  for (let i = 0; i < drawn; i++) counts[draw(probabilities, (i + 0.5) / drawn)] += 1;
  return { probabilities: [...probabilities], counts };
}"""


@pytest.mark.parametrize("temperature", [0, 0.05, 0.6, 1, 2])
def test_characters_are_drawn_with_the_temperature(
    temperature: float, modules: Any, folder: str
) -> None:
    logits = np.array([1.0, -2.0, 30.0, 29.5, 28.0, 29.5])
    asked = [folder, logits.tolist(), temperature, 20_000]
    found = modules.evaluate(SAMPLE, asked)
    if temperature == 0:
        right = np.eye(6)[2]
    else:
        right = np.asarray(jax.nn.softmax(logits / temperature), np.float64)
    np.testing.assert_allclose(found["probabilities"], right, atol=1e-6)
    np.testing.assert_allclose(np.array(found["counts"]) / 20_000, right, atol=1e-4)


def test_halves_are_read_as_they_were_written(modules: Any, folder: str) -> None:
    """All 65,536 of them: infinities, NaN, the smallest ones."""
    halves = np.arange(2**16, dtype="<u2").view("<f2")
    read = modules.evaluate(
        """async (folder) => {
          const { fromHalves } = await import(folder + "assets.js");
          const numbers = fromHalves(Uint16Array.from({ length: 65536 }, (_, i) => i).buffer);
          return Array.from(numbers, String);
        }""",
        folder,
    )
    np.testing.assert_array_equal(np.array(read, float), halves.astype(float))


def test_the_manifest_tells_the_truth(site: Path, networks: Any) -> None:
    assert [network["names"] for network in networks.values()] == [False, True]
    for network in networks.values():
        written = (site / "assets" / "language" / network["file"]).read_bytes()
        assert len(written) < 250_000
        found = language.describe(network["names"], network["characters"], written)
        found = json.loads(json.dumps(found))
        for name in ("held_out_loss", "bits_per_character"):
            assert found.pop(name) == pytest.approx(network[name], abs=2e-4)
        assert found.items() <= network.items()
    book, names = (example.load(language.options_of(n))[1] for n in (False, True))
    assert networks["names"]["opening"] in names.known
    assert set(networks["moby-dick"]["opening"]) <= set(book.vocabulary.characters)


def test_the_export_writes_what_is_on_the_site(site: Path, networks: Any, tmp_path: Path) -> None:
    """From files as the example leaves them to the same bytes."""
    runs = []
    for name, network in networks.items():
        options = language.options_of(network["names"])
        runs.append(tmp_path / name)
        runs[-1].mkdir()
        model = language.model_of(options, network["characters"])
        state = model.init(jax.random.key(0), (options.length,))[1]
        params = language_reference.params_of(site, network)
        pn.save(runs[-1] / "model.safetensors", (params, state))
        described = {name: getattr(options, name) for name in example.NETWORK}
        write_json(runs[-1] / "network.json", described | {"characters": network["characters"]})
        (runs[-1] / "history.csv").write_text("epoch,loss\n" + "1,0\n" * options.epochs)
    target = tmp_path / "target"
    target.mkdir()
    language.export(runs, target)
    for path in target.glob("*.bin"):
        assert path.read_bytes() == (site / "assets" / "language" / path.name).read_bytes()
    (runs[0] / "history.csv").write_text("epoch,loss\n1,0\n")
    with pytest.raises(ValueError, match="1 epochs"):
        language.read(runs[0])
