"""What is printed for a person can be printed anywhere: on Windows, in a pipe, in plain ASCII."""

import ast
import contextlib
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

import purenn as pn
from purenn.core.text import SPELLINGS, columns, cut, padded, printable, spelled

EVERYTHING = """
import sys
import jax, jax.numpy as jnp, numpy as np
from functools import partial
import purenn as pn

block = pn.residual(pn.serial(pn.conv2d(2), pn.batch_norm()))
model = pn.serial(
    pn.conv2d(2), block, pn.max_pool(), pn.flatten(), pn.dense(4), pn.layer_norm(), pn.gelu,
    pn.dense(4), partial(pn.leaky_relu, negative_slope=0.1), pn.dropout(0.5), pn.tanh, pn.softmax,
    pn.dense(4), lambda x: x, pn.dense(2),
)
print(pn.summary(model, (4, 4, 1)))

def explained(x):
    params, state = model.init(jax.random.key(0), (4, 4, 1))
    targets = jnp.zeros(3, jnp.int32)
    return pn.explain(
        model, pn.softmax_cross_entropy, params, state, x, targets, key=jax.random.key(0)
    )

print(jax.eval_shape(explained, jnp.ones((3, 4, 4, 1))))
small = pn.serial(pn.batch_norm(), pn.residual(pn.dense(1)))
params, state = jax.jit(lambda: small.init(jax.random.key(0), (1,)))()
explain = jax.jit(pn.explain, static_argnums=(0, 1))
x = np.array([[0.5], [1.0]], np.float32)
explanation = explain(small, pn.mse, params, state, x, np.ones_like(x))
print(explanation)
print(repr(explanation))
print(pn.compare({"dgamma": 3 * explanation["dgamma"], "dN": explanation["dN"]}, explanation))
try:
    explanation["dQ"]
except KeyError as error:
    print(error)
"""


def printed(encoding, **environment):
    """What a program prints whose standard output takes nothing but an encoding."""
    run = subprocess.run(
        [sys.executable, "-c", EVERYTHING],
        env={**os.environ, "PYTHONUTF8": "0", **environment},
        capture_output=True,
        timeout=120,
    )
    assert run.returncode == 0, run.stderr.decode("ascii", "replace")
    return run.stdout.decode(encoding)


@pytest.mark.parametrize(
    ("encoding", "environment", "lines"),
    [
        (
            "ascii",
            {"LC_ALL": "C", "PYTHONIOENCODING": "ascii:strict"},
            ["R1 = Z1 + N1.1", "N1.1 = gamma1.1.*norm(Z1.1) + beta1.1", "Z2 = F1*W2 + b2",
             "dW2 = F1.T*dZ2", "db2 = sum rows dZ2", "dZ1 = dR1 + dZ1'",
             "dN2 = dA2.*(Phi(N2) + N2.*Phi'(N2))", "dD3 = dA3'.*(1-A3'^2)", "P1 = max 2x2(R1)",
             " 2.641 -> .763", "-----", "dgamma yours = 3 x referee everywhere", "dgamma, dbeta"],
        ),
        (
            "cp1252",
            {"PYTHONIOENCODING": "cp1252:strict"},
            ["N1.1 = gamma1.1.*norm(Z1.1) + beta1.1", "Z2 = F1·W2 + b2", "P1 = max 2×2(R1)",
             "dgamma yours = 3 × referee everywhere"],
        ),
    ],
)  # fmt: skip
def test_everything_prints_where_symbols_can_not_be_encoded(encoding, environment, lines):
    text = printed(encoding, **environment)
    for line in lines:
        assert line in text, (line, text)
    table = text.partition("* not derived by hand")[0].splitlines()
    assert len({len(line) for line in table}) == 1  # columns line up, however long a letter is


class Stream(io.StringIO):
    """A standard output that says of itself that it has an encoding."""

    encoding = None


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        (None, "γ·x̂² 漢 …"),
        ("utf-8", "γ·x̂² 漢 …"),
        ("utf-16", "γ·x̂² 漢 …"),
        ("cp1252", "gamma·xhat² \\u6f22 …"),
        ("iso8859-7", "γ·xhat² \\u6f22 ..."),
        ("ascii", "gamma*xhat^2 \\u6f22 ..."),
        ("no such encoding", "gamma*xhat^2 \\u6f22 ..."),
    ],
)
def test_each_symbol_is_spelled_out_where_the_stream_lacks_it(encoding, text, monkeypatch):
    stream = Stream()
    stream.encoding = encoding
    monkeypatch.setattr(sys, "stdout", stream)
    assert printable("γ·x̂² 漢 …") == text
    monkeypatch.setattr(sys, "stdout", None)  # of a program without a window for it
    assert printable("γ·x̂² 漢 …") == "γ·x̂² 漢 …"


def test_a_summary_is_a_plain_str_that_fits_the_stream_of_its_time():
    model = pn.serial(pn.layer_norm(), pn.gelu)
    whole = pn.summary(model, (3,))
    assert type(whole) is str and "N = γ⊙rownorm(X) + β " in whole and "───" in whole
    with contextlib.redirect_stdout(Stream()) as stream:
        stream.encoding = "ascii"
        text = pn.summary(model, (3,))
    assert type(text) is str and text.isascii() and "N = gamma.*rownorm(X) + beta " in text


def test_text_is_measured_and_cut_in_columns():
    assert [columns(text) for text in ("", "γ1", "x̂", "漢")] == [0, 2, 1, 2]
    assert padded("x̂", 3) == "x̂  " and padded("abc", 2) == "abc"
    assert [cut("abcdef", n) for n in (6, 5, 1)] == ["abcdef", "abcd…", "…"]
    assert cut("漢漢漢", 4) == "漢…"


def test_every_symbol_that_purenn_prints_has_a_spelling():
    found = set()
    for path in Path(pn.__file__).parent.rglob("*.py"):
        tree = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
        documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
        first = (node.body[0] for node in tree if isinstance(node, documented) and node.body)
        documentation = {id(line.value) for line in first if isinstance(line, ast.Expr)}
        for node in tree:
            text = node.value if isinstance(node, ast.Constant) else None
            if isinstance(text, str) and id(node) not in documentation:
                found |= {symbol for symbol in text if not symbol.isascii()}
    assert found == set(SPELLINGS) and all(spelled(symbol).isascii() for symbol in found)
