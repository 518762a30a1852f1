"""What a notebook shows, as a real IPython kernel sends it to the page."""

import base64

import nbformat
import pytest
from nbclient import NotebookClient

CELLS = (
    """\
import jax
import numpy as np
import purenn as pn
x = np.linspace(-1, 1, 20, dtype=np.float32).reshape(4, 5)
data = x, np.arange(4, dtype=np.int32) % 3
model = pn.mlp((2,), 3)
params, state = model.init(jax.random.key(0), (5,))
_, history = pn.fit(
    model, pn.softmax_cross_entropy, pn.adam(0.1), data, epochs=2, batch_size=2,
    key=jax.random.key(0), validation=data, progress=False,
)""",
    "model",
    "pn.explain(model, pn.softmax_cross_entropy, params, state, *data)",
    "pn.check_gradients(model, in_shape=(5,))",
    "history",
    "history.plot()",
)


@pytest.fixture(scope="module")
def shown():
    """The data of what each cell shows, by media type."""
    cells = [nbformat.v4.new_code_cell(code) for code in CELLS]
    notebook = nbformat.v4.new_notebook(cells=cells)
    NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
    return [[output.get("data") for output in cell.outputs] for cell in notebook.cells]


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        (1, "dZ1 = dA1⊙(Z1&gt;0)"),
        (2, "BACKWARD"),
        (3, "derivative"),
        (4, "validation accuracy"),
    ],
)
def test_values_are_tables(shown, cell, words):
    (data,) = shown[cell]
    assert data["text/html"].startswith(("<table>", "<p>"))
    assert words in data["text/html"]
    assert data["text/plain"]


def test_a_history_draws_itself_in_one_call(shown):
    axes, data = shown[5]  # what `plot` returns, and the figure, once
    assert axes.keys() == {"text/plain"}
    assert base64.b64decode(data["image/png"]).startswith(b"\x89PNG")


def test_the_first_cell_shows_nothing(shown):
    assert shown[0] == []
