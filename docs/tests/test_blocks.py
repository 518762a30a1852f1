"""Every block of code on the pages is run: when the site is built, by .ci/run, or by a test."""

import ast
import doctest
import re
from dataclasses import dataclass
from pathlib import Path

import jax
import jax.numpy as jnp
import markdown
import numpy as np
import pytest

import purenn as pn

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "docs/pages"

RUN = ("python", "py", "pycon", "console", "bash")  # markdown-exec runs these, told to
COMMANDS = ("sh",)  # a reader types these; each must be typed somewhere by .ci/run or a test
# What the site's own fences make of their text, and what is not code. LaTeX is not: displayed
# equations are checked where they are fences called `equation`.
FENCES = ("equation", "source", "figure", "widget", "errors")
NOT_CODE = ("text", "latex", "html", "json")
# As pages are built: what indents a block must be known, or it would look like code.
EXTENSIONS = [
    "admonition",
    "attr_list",
    "def_list",
    "footnotes",
    "md_in_html",
    "tables",
    "pymdownx.details",
    "pymdownx.tabbed",
]


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    line: int
    language: str
    options: str
    text: str

    @property
    def executed(self) -> bool:
        """Whether markdown-exec is told to run it."""
        return bool(re.search(r"""\bexec=["']?(1|on|true|yes)\b""", self.options))


def blocks_of(page: str) -> tuple[list[Block], str]:
    """The fenced blocks of a page, however deep they are indented, and the page without them."""
    blocks, rest, fence, body, opened = [], [], None, [], (0, "", "")
    for number, line in enumerate(page.splitlines(), 1):
        if fence is None:
            start = re.match(r"^([ >\t]*)(`{3,}|~{3,})[ ]*(.*?)\s*$", line)
            if start and "`" not in start[3]:
                fence, body = start[2], []
                info = start[3].strip("{} ").lstrip(".")
                language, _, options = info.partition(" ")
                opened = (number, language, options)
                rest.append("")
            else:
                rest.append(line)
            continue
        rest.append("")
        if re.match(rf"^[ >\t]*{re.escape(fence[0])}{{{len(fence)},}}\s*$", line):
            blocks.append(Block(*opened, "\n".join(body)))
            fence = None
        else:
            body.append(line)
    if fence is not None:
        blocks.append(Block(*opened, "\n".join(body)))
    return blocks, "\n".join(rest)


def faults_of(page: str, typed: set[str]) -> list[str]:
    """The blocks of a page that nothing runs; `typed` are the commands that something does."""
    blocks, rest = blocks_of(page)
    faults = []
    for block in blocks:
        where = f"line {block.line}, {block.language or 'no language'}"
        if not block.language:
            faults.append(f"{where}: a fence names its language")
        elif block.language in RUN:
            if not block.executed:
                faults.append(f'{where}: not run; it needs exec="1"')
        elif block.language in COMMANDS:
            faults += [
                f"{where}: neither .ci/run nor a test runs {command!r}"
                for command in commands_of(block.text)
                if not any(is_run_by(plain(command), other) for other in typed)
            ]
        elif block.language not in FENCES + NOT_CODE:
            faults.append(f"{where}: a language that the table in this file does not know")
    html = markdown.markdown(rest, extensions=EXTENSIONS)
    for code in re.findall(r"<pre.*?</pre>", html, re.DOTALL):
        faults.append(f"a block by indentation, which nothing runs: {code[:80]!r}")
    return faults


def commands_of(text: str) -> list[str]:
    """The commands of a block, one per line or joined by &&, without comments."""
    lines = text.replace("\\\n", " ").splitlines()
    bare = [re.sub(r"(^|\s)#.*", "", line).strip() for line in lines]
    return [part.strip() for line in bare for part in line.split("&&") if part.strip()]


def plain(text: str) -> str:
    """A command without the place of its environment, and without being told to be quiet."""
    text = re.sub(r"[\"']?[^\s\"'`]*/bin/([a-z0-9]+)[\"']?", r"\1", text.replace("\\\n", " "))
    return " ".join(text.replace('"', "").replace("'", "").replace(" --quiet", "").split())


def is_run_by(command: str, other: str) -> bool:
    """Whether the other command is this one, or this one with more options."""
    return f"{other} ".startswith(f"{command} ")


def commands_run() -> set[str]:
    """Those of .ci/run, of the README's two commands, and those that a test has as a string."""
    texts = [(ROOT / ".ci/run").read_text()]
    texts += [b.text for b in blocks_of((ROOT / "README.md").read_text())[0] if b.language == "sh"]
    for file in [*ROOT.glob("tests/**/*.py"), *ROOT.glob("docs/tests/*.py")]:
        if file != Path(__file__):  # the planted ones below are not run
            texts += strings_of(file.read_text())
    return {plain(command) for text in texts for command in commands_of(text)}


def strings_of(source: str) -> list[str]:
    """The strings of a Python file that are not docstrings."""
    tree = ast.parse(source)
    docs = {id(n.value) for n in ast.walk(tree) if isinstance(n, ast.Expr)}
    constants = (n for n in ast.walk(tree) if isinstance(n, ast.Constant) and id(n) not in docs)
    return [n.value for n in constants if isinstance(n.value, str)]


def test_every_block_of_every_page_is_run(record_property):
    typed = commands_run()
    pages = sorted(PAGES.rglob("*.md"))
    assert pages
    faults = [
        f"{page.relative_to(ROOT)}: {fault}"
        for page in pages
        for fault in faults_of(page.read_text(), typed)
    ]
    count = sum(len(blocks_of(page.read_text())[0]) for page in pages)
    record_property("figure", f"{count} blocks, {len(faults)} not run")
    assert not faults, "\n".join(faults)


GOOD = """
# A page

```python exec="1" session="a"
x = {"a": 1}
```

??? success "Solution"
    Text.

    ```{ .py exec="on" }
    y
    ```

1.  A list

    ~~~~text
    ```python
    ~~~~

```sh
python3 -m venv .venv && .venv/bin/pip install -e '.[dev]'  # a comment
python a.py --model cnn
```
"""
TYPED = {"python3 -m venv .venv", "pip install -e .[dev]", "python a.py --model cnn --epochs 1"}
BAD = {
    "```python\nx\n```": "not run",
    '```python exec="0"\nx\n```': "not run",
    "- a list\n\n    ```pycon\n    >>> 1\n    ```": "not run",
    "> ```py\n> 1\n> ```": "not run",
    "```{.python}\nx\n```": "not run",
    "```\nx\n```": "names its language",
    "```yaml\nx: 1\n```": "does not know",
    "```sh\nrm -rf build\n```": "rm -rf build",
    "```sh\npython3 -m venv .venv \\\n    && pip uninstall x\n```": "pip uninstall x",
    "```sh\npython a.py --model c\n```": "--model c",
    "```sh\npython a.py --epochs 1\n```": "--epochs 1",
    "Text\n\n    x = 1\n": "indentation",
    "<pre>x = 1</pre>": "indentation",
    "```python\nx": "not run",
}


def test_a_good_page_passes():
    assert faults_of(GOOD, TYPED) == []
    assert [block.language for block in blocks_of(GOOD)[0]] == ["python", "py", "text", "sh"]


@pytest.mark.parametrize("bad", BAD)
def test_a_planted_block_is_found(bad):
    (fault,) = faults_of(GOOD + "\n" + bad, TYPED)
    assert BAD[bad] in fault


def examples_of(source: str, name: str) -> list[doctest.DocTest]:
    """The examples of every docstring of a module, those of attributes and ops included."""
    names = {"jax": jax, "jnp": jnp, "np": np, "pn": pn}
    parser = doctest.DocTestParser()
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            text = node.value.value
            if isinstance(text, str) and ">>>" in text:
                found.append(parser.get_doctest(text, dict(names), name, name, node.lineno - 1))
    return found


def faults_of_examples(tests: list[doctest.DocTest]) -> str:
    """What the examples print that they should not."""
    said = []
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
    for test in tests:
        runner.run(test, out=said.append)
    return "".join(said)


WITH_EXAMPLES = [
    path.relative_to(ROOT).as_posix()
    for path in sorted((ROOT / "purenn").rglob("*.py"))
    if ">>>" in path.read_text()
]


@pytest.mark.parametrize("path", WITH_EXAMPLES)
def test_the_examples_of_docstrings_are_true(path, record_property):
    tests = examples_of((ROOT / path).read_text(), path)
    assert tests, "a >>> that stands in no docstring"
    record_property("count of examples in docstrings run", sum(len(t.examples) for t in tests))
    said = faults_of_examples(tests)
    assert not said, said


def test_a_planted_example_is_found():
    good = 'def f():\n    """F.\n\n    >>> int(jnp.array([1, 2])[1])\n    2\n    """\n'
    bad = good.replace("    2\n", "    3\n")
    assert faults_of_examples(examples_of(good, "good")) == ""
    assert "Expected:\n    3" in faults_of_examples(examples_of(bad, "bad"))
    of_an_attribute = 'class A:\n    x = 1\n    """>>> 1 / 0\n    1\n    """\n'
    assert "ZeroDivisionError" in faults_of_examples(examples_of(of_an_attribute, "bad"))


def test_commands_are_found_where_they_are_run():
    commands = commands_run()
    assert "pip install -e .[dev]" in commands
    assert "python -m pytest" in commands
    assert is_run_by(
        "python examples/two_branches.py", plain('"$work/v/bin/python" examples/two_branches.py')
    )
    assert strings_of('"""A docstring: rm -r a"""\nrun("rm -r b")') == ["rm -r b"]
