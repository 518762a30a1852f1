"""The package's code as a page shows it: what to read its helpers as, and what to skip.

The package has to work in half precision, on several devices, and with wrong arguments. A page on
derivatives is about none of these, so below its code it says which names belong to them.
"""

import ast
import re

# What each helper is, in the letters that the pages use. docs/tests/test_reading.py evaluates both.
READINGS = {
    "product": ("product(x, w)", "x @ w"),
    "transposed_product": ("transposed_product(x, dz)", "x.T @ dz"),
    "per_feature": ("per_feature(b, x)", "b"),
    "wide": ("wide(x)", "x"),
    "stop_gradient": ("stop_gradient(x)", "x"),
    "once_all_known": ("once_all_known(x, dy)", "x, dy"),
}
# What does something other than the mathematics, and what it does.
SKIPPED = {
    "catch wrong arguments": (
        "check",
        "_check_classes",
        "check_update",
        "checks",
        "scalars",
        "reject_unless",
        "reject_rows_unless",
        "poison",
    ),
    "say where an error is": ("place", "inside"),
    "handle several devices": (
        "like",
        "sharding_of",
        "product_sharding",
        "rows_sharding",
        "rows_sharded_like",
        "reshard_like",
        "summed_like",
        "varying",
        "varying_together",
    ),
}
MACHINE = re.compile(r"XLA|barrier|shard|jax_debug_nans|bfloat16|as in gelu")


def without_machine(code: str) -> str:
    """Code without the comments that are about compilers and devices, as whole paragraphs."""
    kept: list[str] = []
    block: list[str] = []
    for line in [*code.splitlines(), ""]:
        if line.lstrip().startswith("#"):
            block.append(line)
            continue
        if not MACHINE.search("\n".join(block)):
            kept += block
        block = []
        before, sign, comment = line.partition("  # ")
        kept.append(before if sign and MACHINE.search(comment) else line)
    return "\n".join(kept[:-1])


def names_in(code: str) -> list[str]:
    """Functions that are called, modules they are called from, and names of arguments, in order."""
    found: dict[str, None] = {}
    calls = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call)]
    for call in sorted(calls, key=lambda call: (call.lineno, call.col_offset)):
        names = re.findall(r"\w+", ast.unparse(call.func)) if called(call) else []
        found |= dict.fromkeys([*names, *(word.arg for word in call.keywords if word.arg)])
    return list(found)


def called(call: ast.Call) -> bool:
    """Whether what is called has a name, `f` or `module.f`."""
    return isinstance(call.func, ast.Name | ast.Attribute) and "(" not in ast.unparse(call.func)


def reading(code: str) -> str:
    """A sentence or two with the names in this code that a learner need not know; or nothing."""
    names = names_in(code)
    same = [READINGS[name] for name in names if name in READINGS]
    told = []
    if same:
        told.append(f"Read {listed([f'`{call}` as `{plain}`' for call, plain in same])}.")
    skipped = []
    for reason, helpers in SKIPPED.items():
        found = [f"`{name}`" for name in names if name in helpers]
        if found:
            skipped.append(f"{listed(found)}, which {conjugated(reason, len(found))}")
    if skipped:
        told.append(f"You can skip {', '.join([*skipped[:-1], last(skipped)])}.")
    return " ".join(told)


def conjugated(reason: str, helpers: int) -> str:
    """What one helper does, or several: `catches wrong arguments`, or `catch` them."""
    verb, _, rest = reason.partition(" ")
    ending = "" if helpers > 1 else "es" if verb.endswith("ch") else "s"
    return f"{verb}{ending} {rest}"


def last(clauses: list[str]) -> str:
    """The last of some clauses, which ends a series of them."""
    return clauses[-1] if len(clauses) == 1 else f"and {clauses[-1]}"


def listed(items: list[str]) -> str:
    """`a`, `a and b`, or `a, b, and c`."""
    if len(items) < 3:
        return " and ".join(items)
    return f"{', '.join(items[:-1])}, and {items[-1]}"
