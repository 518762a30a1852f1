"""What a notebook shows of a layer, an op, an explanation, a report and a history."""

import sys
from html.parser import HTMLParser

import jax
import numpy as np
import pytest
from table import ROWS, LayerRow

import purenn as pn
from purenn.inspect.page import lines_of
from purenn.training.history import History

X = np.linspace(-1, 1, 40, dtype=np.float32).reshape(8, 5)
LABELS = np.arange(8, dtype=np.int32) % 3


class Table(HTMLParser):
    """The rows of a table as lists of text; tags that are not closed are an error."""

    def __init__(self, html):
        super().__init__()
        self.rows, self.open, self.paragraphs = [], [], []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        if tag == "br":
            return
        self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")
        elif tag == "p":
            self.paragraphs.append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1] == "p":
            self.paragraphs[-1] += data
        else:
            self.rows[-1][-1] += data


def shown(value):
    return Table(value._repr_html_())


def test_a_layer_shows_the_formulas_of_its_parts_forward_and_backward():
    model = pn.serial(pn.dense(3), pn.relu, pn.residual(pn.dense(3, b_init=None)), lambda x: x)
    table = shown(model)
    assert table.rows == [
        ["layer", "forward", "backward"],
        ["dense(3)", "Z1 = X·W1 + b1", "dW1 = Xᵀ·dZ1; db1 = Σ rows dZ1; dX = dZ1·W1ᵀ"],
        ["relu", "A1 = relu(Z1)", "dZ1 = dA1⊙(Z1>0)"],
        ["residual", "R1 = A1 + Z1.1", "dA1 = dR1 + dA1′′"],
        ["· dense(3)", "Z1.1 = A1·W1.1", "dW1.1 = A1ᵀ·dZ1.1; dA1′′ = dZ1.1·W1.1ᵀ"],
        ["<lambda>*", "A1′ = <lambda>(R1)", ""],
    ]
    assert "not derived by hand" in table.paragraphs[0]


def test_an_op_shows_its_formulas_with_its_options():
    assert shown(pn.leaky_relu).rows[1] == [
        "leaky_relu",
        "y = leaky_relu(x)",
        "dx = dy⊙(1 where x>0, else 0.01)",
    ]
    assert shown(pn.softmax_cross_entropy).rows[1][1:] == ["A = softmax(x)", "dx = (A-Y)/m"]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_every_layer_and_op_has_a_table_without_open_braces(row):
    table = shown(row.layer if isinstance(row, LayerRow) else row.op)
    assert len(table.rows) > 1
    assert not any("{" in cell for cells in table.rows for cell in cells)


def explanation():
    model = pn.mlp((4,), 3)
    params, state = model.init(jax.random.key(0), (5,))
    return pn.explain(model, pn.softmax_cross_entropy, params, state, X, LABELS)


def test_an_explanation_shows_each_line_of_its_page():
    e = explanation()
    table = shown(e)
    cells = [row for row in table.rows[1:] if len(row) == 4]
    assert [row[0] for row in cells] == [line.symbol for line in lines_of(e)]
    text = " ".join(f"{e!r}".split())
    for symbol, formula, shape, value in cells:
        assert f"{symbol} = {formula}" in text or not formula
        assert shape in text
        assert value.split(" (")[0] in text
    assert [row[0] for row in table.rows if len(row) == 1] == [
        "FORWARD",
        "BACKWARD (the texts' dZ is m times these)",
    ]
    assert table.paragraphs[0] == f"{e!r}".splitlines()[0]
    assert table.paragraphs[1] == f"{e!r}".splitlines()[-1]


def test_explanations_of_several_models_in_one_say_so():
    e = jax.tree.map(lambda a: np.stack([a, a]), explanation())
    assert shown(e).paragraphs == [repr(e)]


def test_a_report_shows_what_is_wrong_with_each_derivative():
    def backward(x, w, dy):
        return dy @ w.T, -x.T @ dy

    rng = np.random.default_rng(0)
    report = pn.check_gradients(lambda x, w: x @ w, backward, *rng.normal(size=(2, 3, 3)))
    table = shown(report)
    assert table.paragraphs[0] == "FAIL  1 of 2"
    assert [row[:2] for row in table.rows[1:]] == [
        ["dx", "ok"],
        ["dw", "yours = -1 × referee everywhere: the sign is wrong"],
    ]
    assert float(table.rows[2][2]) == pytest.approx(2)


def history(validation):
    data = (X, LABELS)
    return pn.fit(
        pn.dense(3), pn.softmax_cross_entropy, pn.sgd(0.1), data, epochs=3, batch_size=4,
        key=jax.random.key(0), progress=False, validation=data if validation else None,
    )[1]  # fmt: skip


def test_a_history_is_a_list_and_shows_the_columns_that_it_has():
    found = history(validation=True)
    assert isinstance(found, list)
    assert all(isinstance(record, pn.EpochRecord) for record in found)
    table = shown(found)
    head = ["epoch", "loss", "seconds", "validation loss", "validation accuracy"]
    assert table.rows[0] == head
    assert [row[0] for row in table.rows[1:]] == ["1", "2", "3"]
    assert float(table.rows[3][1]) == pytest.approx(found[-1].loss, rel=1e-3)
    assert shown(history(validation=False)).rows[0] == head[:3]
    assert shown(History()).rows == [head]


def test_a_history_draws_its_curves():
    pytest.importorskip("matplotlib").use("agg")
    found = history(validation=True)
    loss, accuracy = found.plot()
    curves = {line.get_label(): line.get_xydata().tolist() for line in loss.lines}
    assert curves["training"] == [[r.epoch, r.loss] for r in found]
    assert curves["validation"] == [[r.epoch, r.validation_loss] for r in found]
    assert accuracy.lines[0].get_xydata()[:, 1].tolist() == [r.validation_accuracy for r in found]
    (alone,) = history(validation=False).plot()
    assert len(alone.lines) == 1


def test_a_history_that_cannot_be_drawn_says_why(monkeypatch):
    with pytest.raises(ValueError, match="expected at least one epoch, got none"):
        History().plot()
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r"pip install -e '\.\[plots\]'"):
        history(validation=False).plot()
