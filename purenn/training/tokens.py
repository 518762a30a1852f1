"""Checks on the host for tokens outside a model's vocabulary."""

from typing import Any

import jax
from jax import Array

from purenn.core import checks
from purenn.core.inputs import vocabulary_of
from purenn.core.layer import Layer
from purenn.core.padded import array_of
from purenn.distributed.processes import to_host
from purenn.layers.tokens import bad_token


def check_tokens(where: str, model: Layer, x: Any, name: str = "x") -> None:
    """Reject the first token outside the vocabulary of a model, by its index in the data."""
    if wrong := wrong_token(model, x, name):
        raise ValueError(f"{where}: {wrong}")


def wrong_token(model: Layer, x: Any, name: str = "x") -> str:
    """Describe the first token outside the vocabulary; return an empty string if there is none."""
    vocabulary, tokens = vocabulary_of(model), array_of(x)
    if vocabulary is None or tokens.size == 0 or checks.is_float(tokens):
        return ""  # the layer itself rejects floats
    elsewhere = isinstance(tokens, Array) and not tokens.is_fully_addressable
    if elsewhere and int(tokens.min()) >= 0 and int(tokens.max()) < vocabulary:
        return ""  # arrays of several processes are gathered only if there is an error
    return bad_token(name, jax.tree.map(to_host, x), vocabulary)
