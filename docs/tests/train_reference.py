"""What the page that trains in the browser is compared with: the same steps, taken by purenn."""

import base64
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import purenn as pn

VALUES = (Path(__file__).parent / "train_values.js").read_text()
OPTIMIZERS = ("sgd", "momentum", "adam")
ACTIVATIONS = ("relu", "tanh", "sigmoid", "gelu", "silu", "identity")
USUAL = {"data": "circles", "noise": 0.1, "seed": 1, "hidden": [4, 3], "activation": "tanh"}
USUAL |= {"optimizer": "adam", "rate": 0.03, "batch": 1_000_000}


def array(text: str, shape: Any = (-1,)) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), "<f8").reshape(shape)


def model_of(spec: dict[str, Any]) -> pn.Layer:
    """The model as the page writes it in Python."""
    activation = getattr(pn, spec["activation"], lambda z: z)
    return pn.mlp(spec["hidden"], 10 if spec["data"] == "digits" else 1, activation=activation)


def loss_of(spec: dict[str, Any]) -> pn.Op:
    digits = spec["data"] == "digits"
    return pn.softmax_cross_entropy if digits else pn.sigmoid_binary_cross_entropy


def as_targets(spec: dict[str, Any], targets: list[int]) -> np.ndarray:
    """Class numbers of digits, or a column of zeros and ones."""
    return np.array(targets) if spec["data"] == "digits" else np.array(targets, float)[:, None]


def trained(tab: Any, folder: str, spec: dict[str, Any], steps: int) -> dict[str, Any]:
    """What the browser computes."""
    return tab.evaluate(VALUES, [folder, spec, steps])


def errors(spec: dict[str, Any], found: dict[str, Any]) -> dict[str, float]:
    """The largest |browser - purenn| of losses, gradients and weights, in float64."""
    with jax.enable_x64(True):
        return _errors(spec, found)


def _errors(spec: dict[str, Any], found: dict[str, Any]) -> dict[str, float]:
    model, loss = model_of(spec), loss_of(spec)
    optimizer = getattr(pn, spec["optimizer"])(spec["rate"])
    params = _tree(model, found["before"], found["shapes"])
    state = tuple(() for _ in params)
    opt_state = optimizer.init(params)
    worst = dict.fromkeys(("loss", "gradient", "weight", "held-out loss", "accuracy"), 0.0)

    @jax.jit
    def step(params: Any, opt_state: Any, x: Any, targets: Any) -> Any:
        (value, _), grads = pn.value_and_grad(model, loss)(params, state, x, targets)
        updates, opt_state = optimizer.update(grads, opt_state, params)
        return pn.apply_updates(params, updates), opt_state, value, grads

    for taken in found["steps"]:
        x = array(taken["x"], (-1, found["shapes"][0][0]))
        targets = as_targets(spec, taken["targets"])
        params, opt_state, value, grads = step(params, opt_state, x, targets)
        assert value.dtype == np.float64
        _note(worst, "loss", taken["loss"], value)
        mine = _tree(model, taken["grads"], found["shapes"])
        jax.tree.map(partial(_note, worst, "gradient"), mine, grads)
    mine = _tree(model, found["after"], found["shapes"])
    jax.tree.map(partial(_note, worst, "weight"), mine, params)
    x = array(found["heldX"], (-1, found["shapes"][0][0]))
    targets = as_targets(spec, found["heldTargets"])
    logits, _ = model.apply(params, state, x)
    _note(worst, "held-out loss", found["heldLoss"], loss(logits, targets))
    guess = logits.argmax(1) if spec["data"] == "digits" else logits > 0
    _note(worst, "accuracy", found["heldAccuracy"], np.mean(np.asarray(guess) == targets))
    return worst


def _note(worst: dict[str, float], name: str, mine: Any, right: Any) -> None:
    error = float(np.max(np.abs(np.asarray(mine) - np.asarray(right))))
    worst[name] = max(worst[name], error if np.isfinite(error) else np.inf)


def _tree(model: pn.Layer, layers: list[dict[str, str]], shapes: list[list[int]]) -> Any:
    """The page's list of (w, b) as the parameters of the model; activations have none."""
    pairs = iter(
        pn.DenseParams(jnp.array(array(layer["w"], shape)), jnp.array(array(layer["b"])))
        for layer, shape in zip(layers, shapes, strict=True)
    )
    return tuple(() if i % 2 else next(pairs) for i in range(2 * len(layers) - 1))
