"""Every public entry says what it takes, what it returns and what it raises."""

import ast
import builtins
import inspect
import re
import textwrap
from functools import cache
from typing import Any

import pytest
from sitetools.reference import public

import purenn

SECTIONS = ("Args", "Attributes", "Returns", "Yields", "Raises", "Examples")
# What is raised for a wrong argument, a wrong file, or a run that diverges.
CHECKS = ("TypeError", "ValueError", "FloatingPointError", "OSError")


def entries() -> dict[str, Any]:
    """The function or class whose docstring each public name shows, and the public methods."""
    found: dict[str, Any] = {}
    for name, value in public().items():
        found[name] = value.functions.forward if isinstance(value, purenn.Op) else value
    for cls in (purenn.Layer, purenn.Op):
        for name, method in vars(cls).items():
            if inspect.isfunction(method) and not name.startswith("_"):
                found[f"{cls.__name__}.{name}"] = method
    found["TrainState.create"] = purenn.TrainState.create
    return found


def sections(text: str) -> dict[str, str]:
    """The text of each section of a docstring; long ones have several `Args: with a title`."""
    pieces = re.split(rf"^({'|'.join(SECTIONS)}):(?: .+)?$", text, flags=re.MULTILINE)
    found: dict[str, str] = {}
    for name, words in zip(pieces[1::2], pieces[2::2], strict=True):
        found[name] = found.get(name, "") + words
    return found


def parameters_of(entry: Any) -> list[str]:
    """The parameters that a caller gives."""
    given = [
        p for p in inspect.signature(entry).parameters.values() if p.name not in ("self", "cls")
    ]
    stars = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
    return [stars.get(p.kind, "") + p.name for p in given]


@cache
def raised_by(function: Any) -> frozenset[str]:
    """The exceptions that a function raises itself, and those that the functions it calls raise.

    The calls followed are those of the package's own functions, named in the source, the functions
    inside it included.
    """
    return frozenset(reached(function, set()))


def reached(function: Any, seen: set[Any]) -> set[str]:
    if function in seen:
        return set()
    seen.add(function)
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    names = {n.func.id for n in ast.walk(tree) if isinstance(n, ast.Call) and hasattr(n.func, "id")}
    dotted = {
        (n.func.value.id, n.func.attr)
        for n in ast.walk(tree)
        if isinstance(n, ast.Call)
        and isinstance(n.func, ast.Attribute)
        and isinstance(n.func.value, ast.Name)
    }
    found = {
        n.exc.func.id
        for n in ast.walk(tree)
        if isinstance(n, ast.Raise)
        and isinstance(n.exc, ast.Call)
        and hasattr(n.exc.func, "id")
        and hasattr(builtins, n.exc.func.id)
    }
    scope = function.__globals__
    called = [scope.get(name) for name in names]
    called += [getattr(scope.get(module), name, None) for module, name in dotted]
    for other in called:
        if inspect.isfunction(other) and other.__module__.startswith("purenn."):
            found |= reached(other, seen)
    return found


def faults(name: str, entry: Any, text: str) -> list[str]:
    """What the docstring of an entry leaves out."""
    found, told = [], sections(text)
    if not re.match(r"[A-Z].*[.:]( |$)", text.split("\n\n")[0].replace("\n", " ")):
        found.append("has no first sentence")
    if inspect.isclass(entry):
        return found
    if name in public() and "Examples" not in told:
        found.append("has no example")
    for parameter in parameters_of(entry):
        if not re.search(rf"^    {re.escape(parameter)}:", told.get("Args", ""), re.MULTILINE):
            found.append(f"does not say what {parameter} is")
    returns = inspect.signature(entry).return_annotation
    if returns is not None and not {"Returns", "Yields"} & told.keys():
        found.append("does not say what it returns")
    checks = set(raised_by(entry)) & set(CHECKS) if entry.__module__ != "purenn.core.op" else set()
    if name in public() and isinstance(public()[name], purenn.Op):
        checks.add("TypeError")  # every op rejects what is not a floating-point array
    if checks and "Raises" not in told:
        found.append(f"does not say that it raises {', '.join(sorted(checks))}")
    return found


@pytest.mark.parametrize("name", entries())
def test_a_public_docstring_is_complete(name):
    entry = entries()[name]
    assert faults(name, entry, inspect.getdoc(entry) or "") == []


@pytest.mark.parametrize(
    ("left_out", "said"),
    [
        ("units: the number", "does not say what units is"),
        ("Returns:", "does not say what it returns"),
        ("Raises:", "does not say that it raises TypeError"),
        ("Apply an affine map", "has no first sentence"),
        ("Examples:", "has no example"),
    ],
)
def test_what_is_left_out_is_found(left_out, said):
    text = inspect.getdoc(purenn.dense) or ""
    assert left_out in text
    assert said in " ".join(faults("dense", purenn.dense, text.replace(left_out, "…")))
