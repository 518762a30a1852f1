"""The tables of all public names and of the types in their signatures, from the package itself."""

import ast
import inspect
import re
from functools import cache
from typing import Any, TypeGuard

import purenn
from sitetools import ROOT

PAGES = ROOT / "docs" / "pages" / "reference"


def is_class(node: ast.stmt) -> TypeGuard[ast.ClassDef]:
    """Whether a statement defines a class."""
    return isinstance(node, ast.ClassDef)


@cache
def page_of() -> dict[str, str]:
    """The reference page of each documented name, `dense` or `initializers.zeros`."""
    found = {}
    for path in sorted(PAGES.glob("*.md")):
        for name in re.findall(r"^::: purenn\.([\w.]+)$", path.read_text(), re.MULTILINE):
            if name in found:
                raise LookupError(f"reference: {name} is on {found[name]} and on {path.name}")
            found[name] = path.name
    return found


def public() -> dict[str, Any]:
    """Every public name with its object, in alphabetical order."""
    found = {name: getattr(purenn, name) for name in purenn.__all__}
    initializers = found.pop("initializers")
    found |= {f"initializers.{n}": getattr(initializers, n) for n in initializers.__all__}
    return dict(sorted(found.items(), key=lambda pair: pair[0].lower()))


def every_name() -> str:
    """Markdown: each public name with the first line of its docstring, below a bar of letters."""
    pages, entries, letters = page_of(), [], []
    for name, value in public().items():
        if name not in pages:
            raise LookupError(f"reference: purenn.{name} has no page")
        documented = value.functions.forward if isinstance(value, purenn.Op) else value
        first = (inspect.getdoc(documented) or "").split("\n")[0]
        place = ""
        if name[0].upper() not in letters:
            letters.append(name[0].upper())
            place = f"[](){{ #names-{name[0].lower()} }}"
        entries.append(f"{place}[`{name}`][purenn.{name}]\n:   {first}\n")
    bar = " ".join(f"[{letter}](#names-{letter.lower()})" for letter in letters)
    names = "\n".join(entries)
    return f'{bar}\n{{: .letters }}\n\n<div class="names" markdown="1">\n\n{names}\n</div>'


def on_this_page(page: str) -> str:
    """Markdown: a line of links to the entries of a page, which a phone shows at the top."""
    names = [
        name
        for name, file in page_of().items()
        if file == page and not re.search(r"(?<!Train)(Params|State)$", name)
    ]
    links = " · ".join(f"[`{name.split('.')[-1]}`](#purenn.{name})" for name in names)
    return f"{links}\n{{: .on-this-page }}"


# What a signature may name besides public names and Python's own types.
TYPES = {
    "purenn/core/types.py": "purenn.core.types",
    "purenn/layers/padding.py": "purenn.layers.padding",
    "purenn/backprop/value_and_grad.py": "purenn.backprop.value_and_grad",
}
# Small classes whose docstrings say it all in a paragraph.
CLASSES = {
    "purenn/core/functions.py": ("LayerFunctions", "OpFunctions"),
    "purenn/core/notation.py": ("Apart", "Steps"),
    "purenn/data/mnist.py": ("Mnist",),
    "purenn/inspect/steps.py": ("StepValues",),
}
# Those of JAX, NumPy, and Python.
OTHERS = {
    "jax.Array": "An [array of JAX](https://docs.jax.dev/en/latest/_autosummary/jax.Array.html).",
    "jax.sharding.Mesh": "A grid of devices with named axes, as `jax.make_mesh` makes it; see "
    "[JAX's page on sharding](https://docs.jax.dev/en/latest/jax.sharding.html).",
    "jax.sharding.PartitionSpec": "The axis of the mesh along which each axis of an array is "
    "sharded; see [JAX's page on sharding](https://docs.jax.dev/en/latest/jax.sharding.html).",
    "jax.typing.DTypeLike": 'What stands for a dtype: `jnp.float32`, `"bfloat16"`.',
    "numpy.typing.NDArray": "A NumPy array.",
    "os.PathLike": "A path, such as a `pathlib.Path`.",
}


def types() -> dict[str, tuple[str, str]]:
    """The path of each type of the signatures, with its definition and its docstring."""
    found = {}
    for file, module in TYPES.items():
        text = (ROOT / file).read_text()
        body = ast.parse(text).body
        for node, after in zip(body, [*body[1:], None], strict=True):
            if isinstance(node, ast.AnnAssign) and ast.unparse(node.annotation) == "TypeAlias":
                if not isinstance(after, ast.Expr):
                    raise LookupError(f"{file}: the type {ast.unparse(node.target)} needs words")
                name = f"{module}.{ast.unparse(node.target)}"
                found[name] = (written(node.value), after.value.value)
            elif isinstance(node, ast.ClassDef) and "Protocol" in map(ast.unparse, node.bases):
                found[f"{module}.{node.name}"] = ("", ast.get_docstring(node) or "")
    for file, names in CLASSES.items():
        module = file.removesuffix(".py").replace("/", ".")
        classes = {n.name: n for n in ast.parse((ROOT / file).read_text()).body if is_class(n)}
        for name in names:
            words = (ast.get_docstring(classes[name]) or "").split("\n\n")[0]
            fields = [
                ast.unparse(n.target) for n in classes[name].body if isinstance(n, ast.AnnAssign)
            ]
            found[f"{module}.{name}"] = (f"{name}({', '.join(fields)})" if fields else "", words)
    return dict(sorted(found.items(), key=lambda pair: pair[0].split(".")[-1].lower()))


def written(node: ast.expr) -> str:
    """A type as a reader knows it: `Layer | Op` of `Union["Layer", "Op"]`."""
    if isinstance(node, ast.Subscript) and ast.unparse(node.value) == "Union":
        return " | ".join(map(written, node.slice.elts))
    return node.value if isinstance(node, ast.Constant) else ast.unparse(node)


def every_type() -> str:
    """Markdown: a row for each type, where the types in the signatures lead."""
    rows = ["| Type | What it is | In Python |", "|---|---|---|"]
    entries = [(path, words, definition) for path, (definition, words) in types().items()]
    entries += [(path, words, path) for path, words in OTHERS.items()]
    for path, words, definition in sorted(entries, key=lambda e: e[0].split(".")[-1].lower()):
        name = path.split(".")[-1]
        words = " ".join(words.split()).replace("|", r"\|")
        code = f"`{definition}`" if definition not in ("", "Any", "Array") else ""
        rows.append(f"| [](){{ #{path} }}`{name}` | {words} | {code} |")
    return "\n".join(rows)
