"""How griffe, which reads the package for the reference pages, is told what it cannot see.

Griffe reads source text and runs nothing. An op is made by a call, `relu = _activation(_relu, …)`,
which it takes for an attribute without words; here it becomes a function with the signature and
the docstring of its forward, the call's first argument. A NamedTuple gets the signature of its
constructor. Annotations that say nothing are left out. Every public entry gets the line of links
that sitetools/entry_links.py writes.
"""

from typing import Any

import griffe

from sitetools.entry_links import entry_links
from sitetools.reference import page_of

SECTIONS = ("Args:", "Attributes:", "Returns:", "Yields:", "Raises:", "Examples:")
PLAIN = {"Any": None, "Fn": "Callable"}


class Ops(griffe.Extension):
    """Ops as functions, constructors of NamedTuples, plain annotations."""

    def on_package(self, *, pkg: griffe.Module, **keywords: Any) -> None:
        """Rewrite the whole package, once it is read."""
        for module in modules(pkg):
            for name, member in list(module.members.items()):
                if isinstance(member, griffe.Attribute):
                    parts = parts_of(pkg, module, member)
                    if parts is not None:
                        module.set_member(name, op_as_function(member, *parts))
                elif isinstance(member, griffe.Class):
                    write_plainly(*member.members.values())
                    if any(str(base) == "NamedTuple" for base in member.bases):
                        member.set_member("__init__", constructor(member))
                elif isinstance(member, griffe.Function):
                    write_plainly(member)
        for name in page_of():
            add_links(name, defined(pkg, name))


def modules(module: griffe.Module) -> list[griffe.Module]:
    """A module and those below it."""
    below = [inner for child in module.modules.values() for inner in modules(child)]
    return [module, *below]


def parts_of(
    pkg: griffe.Module, module: griffe.Module, attribute: griffe.Attribute
) -> tuple[griffe.Function, griffe.Function] | None:
    """Forward and backward of an op: the first arguments of a call that makes an `Op`."""
    call = attribute.value
    if not isinstance(call, griffe.ExprCall) or len(call.arguments) < 2:
        return None
    maker = module.members.get(str(call.function))
    if isinstance(maker, griffe.Alias) and maker.target_path.startswith(f"{pkg.name}."):
        maker = pkg[maker.target_path.removeprefix(f"{pkg.name}.")]
    makes_op = isinstance(maker, griffe.Function) and str(maker.returns).startswith("Op[")
    if str(call.function) != "Op" and not makes_op:
        return None
    forward, backward = (module.members.get(str(part)) for part in call.arguments[:2])
    if not isinstance(forward, griffe.Function) or not isinstance(backward, griffe.Function):
        raise LookupError(f"{attribute.path}: its forward and backward are not in its module")
    return forward, backward


def op_as_function(
    op: griffe.Attribute, forward: griffe.Function, backward: griffe.Function
) -> griffe.Function:
    """The op as a reader calls it: its forward without the cache. The source shown is of both."""
    if forward.docstring is None:
        raise LookupError(f"{forward.path}: an op's forward needs a docstring")
    parameters = [
        griffe.Parameter(p.name, annotation=p.annotation, kind=p.kind, default=p.default)
        for p in forward.parameters
    ]
    function = griffe.Function(
        op.name,
        parameters=griffe.Parameters(*parameters),
        returns="Array",
        lineno=forward.lineno,
        endlineno=backward.endlineno,
        parent=op.parent,
    )
    function.labels = {"op"}
    read = forward.docstring
    function.docstring = griffe.Docstring(
        with_parts(op.name, read.value, parameters),
        lineno=read.lineno,
        parent=function,
        parser=read.parser,
        parser_options=read.parser_options,
    )
    write_plainly(function)
    return function


def with_parts(name: str, text: str, parameters: list[griffe.Parameter]) -> str:
    """A docstring that says, before its sections, how the op's two parts are called."""
    arrays = [p.name for p in parameters if p.kind is not griffe.ParameterKind.keyword_only]
    return before_sections(
        text,
        f"`{name}.forward({', '.join(arrays)})` returns `(y, cache)`, and "
        f"`{name}.backward(cache, dy)` the derivative with respect to `{arrays[0]}`.",
    )


def before_sections(text: str, paragraph: str) -> str:
    """A docstring with a paragraph more before its sections."""
    lines = text.splitlines()
    first = next((i for i, line in enumerate(lines) if line in SECTIONS), len(lines))
    before, after = "\n".join(lines[:first]).rstrip(), "\n".join(lines[first:])
    return f"{before}\n\n{paragraph}\n\n{after}"


def defined(pkg: griffe.Module, name: str) -> Any:
    """The object that a public name leads to."""
    found = pkg[name]
    while isinstance(found, griffe.Alias):
        found = pkg[found.target_path.removeprefix(f"{pkg.name}.")]
    return found


def add_links(name: str, entry: Any) -> None:
    """The entry's links, after what its docstring says."""
    if entry.docstring is None:
        raise LookupError(f"{entry.path}: a public name needs a docstring")
    path = entry.relative_package_filepath.as_posix()
    entry.docstring.value = before_sections(
        entry.docstring.value, entry_links(name, path, entry.lineno)
    )


def constructor(class_: griffe.Class) -> griffe.Function:
    """`__init__` of a NamedTuple, from its fields."""
    kind = griffe.ParameterKind.positional_or_keyword
    fields = [
        griffe.Parameter(name, annotation=member.annotation, kind=kind, default=member.value)
        for name, member in class_.members.items()
        if isinstance(member, griffe.Attribute) and "property" not in member.labels
    ]
    self = griffe.Parameter("self", kind=kind)
    parameters = griffe.Parameters(self, *fields)
    return griffe.Function("__init__", parameters=parameters, parent=class_)


def write_plainly(*members: Any) -> None:
    """Annotations as the pages show them."""
    for member in members:
        if isinstance(member, griffe.Function):
            member.returns = plain(member.returns)
            for parameter in member.parameters:
                parameter.annotation = plain(parameter.annotation)
        elif isinstance(member, griffe.Attribute):
            member.annotation = plain(member.annotation)


def plain(annotation: Any) -> Any:
    """No `Any`, which says nothing; what a function takes and returns stands in words below."""
    if str(annotation) in PLAIN:
        return PLAIN[str(annotation)]
    if str(annotation).startswith(("Callable[", "Fn")):
        return "Callable | None" if str(annotation).endswith("| None") else "Callable"
    return annotation
