"""How griffe, which reads the package for the reference pages, is told what it cannot see.

Griffe reads source text and runs nothing. An op is made by a call, `relu = _activation(_relu, …)`,
which it takes for an attribute without words; here it becomes a function with the signature and
the docstring of its forward, the call's first argument. A NamedTuple gets the signature of its
constructor. Annotations that say nothing are left out. Every public entry gets the line of links
that sitetools/entry_links.py writes, and layers and ops the code of sitetools/entry_code.py. What
becomes of the words of an entry is in sitetools/entry_words.py.
"""

from typing import Any

import griffe

from sitetools.entry_code import entry_code
from sitetools.entry_links import entry_links
from sitetools.entry_words import SECTION, before_sections, example_first, linked, with_colons
from sitetools.reference import page_of

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
            entry = defined(pkg, name)
            if entry.docstring is None:
                raise LookupError(f"{entry.path}: a public name needs a docstring")
            without_first_words(entry.members.get("__init__"))
            write_words(entry, {name, entry.name})
            add_links(name, entry)
            entry.docstring.value = example_first(entry.docstring.value)


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
    function.extra["purenn"]["parts"] = [forward.name, backward.name]
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


def defined(pkg: griffe.Module, name: str) -> Any:
    """The object that a public name leads to."""
    found = pkg[name]
    while isinstance(found, griffe.Alias):
        found = pkg[found.target_path.removeprefix(f"{pkg.name}.")]
    return found


def write_words(entry: Any, but: set[str]) -> None:
    """Links and titles in a docstring and, of a class, in its members'."""
    but = but | {parameter.name for parameter in getattr(entry, "parameters", ())}
    if isinstance(entry, griffe.Class):
        but |= {n for n, member in entry.members.items() if isinstance(member, griffe.Attribute)}
        for member in entry.members.values():
            write_words(member, but)
    if entry.docstring is not None:
        entry.docstring.value = with_colons(linked(entry.docstring.value, but))


def without_first_words(init: Any) -> None:
    """Leave out "Make a layer …", which on the page would follow the class's own sections."""
    if init is not None and init.docstring is not None:
        rest = init.docstring.value.partition("\n\n")[2]
        if SECTION.match(rest.partition("\n")[0]):
            init.docstring.value = rest


def add_links(name: str, entry: Any) -> None:
    """The entry's links and its code, after what its docstring says."""
    path = entry.relative_package_filepath.as_posix()
    added = entry_links(name, path, entry.lineno)
    if isinstance(entry, griffe.Function):
        inside = [f"{entry.name}.{part}" for part in ("forward", "backward")]
        code = entry_code(entry.module.path, entry.extra["purenn"].get("parts", inside))
        added += f"\n\n{code}" if code else ""
    entry.docstring.value = before_sections(entry.docstring.value, added)


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
