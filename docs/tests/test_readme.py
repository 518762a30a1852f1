"""The README's Python runs as it stands, and prints what it says it prints."""

import re
from pathlib import Path

import jax
import mnist
import pytest

import purenn as pn

README = Path(__file__).parents[2] / "README.md"


@pytest.fixture
def in_a_clone(monkeypatch, tmp_path):
    (tmp_path / "examples").symlink_to(README.parent / "examples")
    monkeypatch.chdir(tmp_path)
    # What the first command leaves behind: its network, here with its initial parameters.
    (tmp_path / "runs" / "mnist").mkdir(parents=True)
    learned = mnist.build_model(mnist.Options()).init(jax.random.key(0), (28, 28))
    pn.save(tmp_path / "runs" / "mnist" / "model.safetensors", learned)


@pytest.mark.usefixtures("in_a_clone")
def test_every_block_runs_and_prints_what_stands_below_it(capsys):
    text = README.read_text().replace("epochs=5", "epochs=1").replace("60_000, 128", "1_280, 128")
    text = text.replace('"epochs": 2', '"epochs": 1').replace('"epochs": 5', '"epochs": 1')
    # A block of Python, and the output below it if there is one.
    blocks = re.findall(r"```python\n(.*?)```\n(?:\n```\n(.*?)```)?", text, re.DOTALL)
    assert len(blocks) == 10
    names = {}
    for code, expected in blocks:
        if code.startswith("def forward(params"):  # an extract of dense.py, not a program
            assert_in_dense(code)
            continue
        capsys.readouterr()
        exec(code, names)
        if expected:
            assert capsys.readouterr().out == expected
    assert names["accuracy"] > 0.9


def assert_in_dense(code):
    """The lines are those of the file, except for types, comments and checks."""
    source = (README.parent / "purenn/layers/dense.py").read_text()
    for line in code.splitlines():
        statement = line.split("#")[0].strip()
        if statement and not statement.startswith("def "):
            assert statement in source, statement
