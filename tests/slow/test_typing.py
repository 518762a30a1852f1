"""A type checker, and so an editor, sees the arguments of ops, losses and layers."""

from pathlib import Path

from mypy import api

SAMPLE = """
import purenn as pn
reveal_type(pn.relu)
reveal_type(pn.leaky_relu)
reveal_type(pn.mse)
reveal_type(pn.by_hand(pn.mse))
reveal_type(pn.by_hand(pn.dense(2)))
reveal_type(pn.relu.replace(name="mine"))
reveal_type(pn.dense(2).apply)
pn.relu(1, 2, 3)
pn.dense(units=2, w_init=3)
"""


def test_a_type_checker_sees_the_arguments(tmp_path):
    (tmp_path / "sample.py").write_text(SAMPLE)
    # The repository's own cache: where mypy has run before, this takes a second and not nine.
    config = str(Path(__file__).parents[2] / "pyproject.toml")
    out, _, _ = api.run([str(tmp_path / "sample.py"), "--config-file", config])
    revealed = [line.partition("is ")[2] for line in out.splitlines() if "Revealed" in line]
    array = "jax._src.basearray.Array"
    relu, leaky, mse, by_hand, layer, replaced, apply = revealed
    assert relu == replaced == f'"purenn.core.op.Op[[x: {array}]]"'
    assert f"x: {array}, *, negative_slope: float" in leaky
    assert f"predictions: {array}, targets: " in mse
    assert by_hand == mse and layer == '"purenn.core.layer.Layer"'
    assert "train: bool" in apply and "key: " in apply
    errors = [line for line in out.splitlines() if ": error:" in line]
    assert "Too many arguments" in errors[0]
    assert any('"w_init" to "dense"' in line for line in errors)
