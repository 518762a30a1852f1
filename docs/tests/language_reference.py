"""What the numbers of the writing page are compared with: purenn's, on the site's parameters."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from language_text import Vocabulary
from sitetools import language

import purenn as pn


def networks(site: Path) -> dict[str, Any]:
    """What the site's manifest says, by name."""
    text = (site / "assets" / "language" / "manifest.json").read_text(encoding="utf-8")
    return {network["name"]: network for network in json.loads(text)["networks"]}


def params_of(site: Path, network: Any) -> Any:
    """The parameters as the site serves them."""
    options = language.options_of(network["names"])
    like, _ = language.empty(options, network["characters"])
    written = (site / "assets" / "language" / network["file"]).read_bytes()
    return language.from_bytes(written, like)


def tokens_of(network: Any, text: str) -> Any:
    return Vocabulary(network["characters"]).encode(text, "text")


def purenn_values(
    network: Any, params: Any, tokens: Any, targets: list[int | None], rate: float
) -> dict[str, Any]:
    """Every number of the forward and backward pass and of a step, by the names of the page.

    Where only some positions count, the others are left out after the network, and JAX derives
    that.
    """
    options = language.options_of(network["names"])
    model = language.model_of(options, network["characters"])
    counted = np.array([p for p, target in enumerate(targets) if target is not None])
    y = jnp.array([[target for target in targets if target is not None]])
    chosen = pn.serial(*model.parts, lambda z: z[:, counted])
    x = jnp.asarray(tokens)[None]
    _, state = language.empty(options, network["characters"])
    found = values(chosen, (*params, ()), (*state, ()), x, y, rate)
    return {name: np.asarray(value) for name, value in found.items()}


@partial(jax.jit, static_argnums=0)
def values(chosen: pn.Layer, params: Any, state: Any, x: Any, y: Any, rate: float) -> Any:
    e = pn.explain(chosen, pn.softmax_cross_entropy, params, state, x, y)
    run = pn.value_and_grad(chosen, pn.softmax_cross_entropy)
    (value, _), grads = run(params, state, x, y)
    after = jax.tree.map(lambda p, g: p - rate * g, params, grads)
    layers = list(e)[:-1]
    found = {"loss": value, "next loss": run(after, state, x, y)[0][0]}
    found |= {"z": layers[-1].y, "dz": layers[-1].dy}
    found |= leaves("grad", grads[:-1]) | leaves("after", after[:-1])
    found |= parts("", layers)
    return found


def parts(path: str, layers: Any) -> dict[str, Any]:
    """What `explain` says of layers and of those inside."""
    found = {}
    for i, layer in enumerate(layers):
        at = f"{path}{i}"
        found |= {f"{at} y": layer.y, f"{at} dy": layer.dy}
        if layer.dx is not None:
            found[f"{at} dx"] = layer.dx
        for inner in layer.inner:
            found |= parts(f"{at}.", inner)
        for symbol in layer.steps:
            value = layer.steps[symbol]
            heads = value.ndim == 4
            pieces = (
                {f" head {h}": value[:, h] for h in range(value.shape[1])} if heads else {"": value}
            )
            found |= {f"{at}{head} {symbol}": piece for head, piece in pieces.items()}
    return found


def leaves(path: str, part: Any) -> dict[str, Any]:
    """The arrays of parameters, by the names of the page."""
    if not isinstance(part, tuple):
        return {path: part} if part is not None else {}
    names = getattr(part, "_fields", range(len(part)))
    found = {}
    for name, inside in zip(names, part, strict=True):
        found |= leaves(f"{path} {name}", inside)
    return found
