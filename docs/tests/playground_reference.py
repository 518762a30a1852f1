"""What the playground's numbers are compared with: purenn's, on the parameters of the site."""

from functools import partial
from pathlib import Path
from typing import Any

import jax
from sitetools import playground

import purenn as pn

NETWORKS = list(playground.COMMANDS)
_, TEST = pn.load_mnist(playground.DATA)


def name_of(hidden: tuple[int, ...]) -> str:
    return "-".join(str(n) for n in (784, *hidden, 10))


def params_of(site: Path, hidden: tuple[int, ...]) -> Any:
    """The parameters as the site serves them."""
    path = site / "assets" / "playground" / f"{name_of(hidden)}.bin"
    return playground.from_bytes(path.read_bytes(), hidden)


@partial(jax.jit, static_argnums=0)
def purenn_values(
    hidden: tuple[int, ...], params: Any, x: Any, targets: Any, rate: float
) -> dict[str, Any]:
    """Every number of the forward and backward pass and of a step, by the page's names."""
    model = playground.model_of(hidden)
    state = tuple(() for _ in params)
    e = pn.explain(model, pn.softmax_cross_entropy, params, state, x, targets)
    run = pn.value_and_grad(model, pn.softmax_cross_entropy)
    (value, _), grads = run(params, state, x, targets)
    after = jax.tree.map(lambda p, g: p - rate * g, params, grads)
    found = {"loss": value, "next_loss": run(after, state, x, targets)[0][0]}
    layers = [i for i, part in enumerate(params) if part]
    for n, i in enumerate(layers, 1):
        found[f"Z{n}"], found[f"dZ{n}"] = e[i].y, e[i].dy
        found[f"A{n}"] = e[i + 1].y if i + 1 < len(e) else e.end.probabilities
        found[f"dW{n}"], found[f"db{n}"] = grads[i].w, grads[i].b
        found[f"W{n} after"], found[f"b{n} after"] = after[i].w, after[i].b
        if n > 1:
            found[f"dA{n - 1}"] = e[i].dx
    return found
