"""The source of a function with one place changed, as if by mistake."""

import ast
import inspect
import textwrap
from types import CellType, FunctionType

FLIPPED = {
    ast.Lt: ast.GtE,
    ast.LtE: ast.Gt,
    ast.Gt: ast.LtE,
    ast.GtE: ast.Lt,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
}


def is_call(node, *functions):
    return isinstance(node, ast.Call) and ast.unparse(node.func) in functions


def replacements(node, parent):
    """What one place of the source can be mistaken for."""
    match node:
        case ast.BinOp(a, ast.Add(), b):
            yield from (a, b, ast.BinOp(a, ast.Sub(), b))
        case ast.BinOp(a, ast.Sub(), b):
            yield from (a, ast.UnaryOp(ast.USub(), b), ast.BinOp(a, ast.Add(), b))
        case ast.BinOp(a, ast.Mult(), b):
            yield from (a, b, ast.BinOp(a, ast.Div(), b))
        case ast.BinOp(a, ast.Div(), b):
            yield from (a, ast.BinOp(a, ast.Mult(), b))
        case ast.BinOp(a, ast.MatMult(), b):
            yield ast.BinOp(b, ast.MatMult(), a)
        case ast.BinOp(a, ast.Pow(), _):
            yield a
        case ast.UnaryOp(ast.USub(), a):
            yield a
        case ast.Attribute(a, "T"):
            yield a
        case ast.Compare(a, [op], [b]) if type(op) in FLIPPED:
            yield ast.Compare(a, [FLIPPED[type(op)]()], [b])
        case ast.Constant(bool()):
            yield ast.Constant(not node.value)
        case ast.Constant(int() | float() as number):
            place = isinstance(parent, (ast.keyword, ast.Subscript))
            yield ast.Constant(number + 1 if place else number * 1.01 or 0.01)
    if is_call(node, "jnp.where"):
        condition, a, b = node.args
        yield ast.Call(node.func, [condition, b, a], [])
    if is_call(node, "jnp.sum", "jnp.mean"):
        kept = [k for k in node.keywords if k.arg != "axis"]
        if len(node.args) > 1 or len(kept) < len(node.keywords):
            yield ast.Call(node.func, node.args[:1], kept)
        other = {"sum": "mean", "mean": "sum"}[node.func.attr]
        yield ast.Call(ast.Attribute(node.func.value, other, ast.Load()), node.args, node.keywords)


def mutants(backward):
    """(what was changed, the changed function), one place of the source at a time."""
    plain = inspect.unwrap(backward)
    tree = ast.parse(textwrap.dedent(inspect.getsource(plain)))
    (function,) = tree.body
    outside = inspect.getclosurevars(plain).nonlocals
    for parent in [node for part in function.body for node in ast.walk(part)]:
        for field, value in ast.iter_fields(parent):
            if field in ("annotation", "returns"):
                continue
            places = value if isinstance(value, list) else [value]
            for i, node in enumerate(places):
                for new in replacements(node, parent):
                    name = f"{plain.__name__.strip('_')}: {ast.unparse(node)} → {ast.unparse(new)}"
                    put(parent, field, i, new)
                    mutant = compiled(tree, function.name, plain.__globals__, outside)
                    yield name, wrapped_again(backward, plain, mutant)
                    put(parent, field, i, node)


def wrapped_again(wrapper, plain, mutant):
    """The mutant in the place of a plain function that another one calls, if there is one."""
    if wrapper is plain or not isinstance(wrapper, FunctionType):  # jax.jit's has no variables
        return mutant
    cells = tuple(
        CellType(mutant) if cell.cell_contents is plain else cell for cell in wrapper.__closure__
    )
    return FunctionType(wrapper.__code__, wrapper.__globals__, wrapper.__name__, closure=cells)


def put(parent, field, i, node):
    if isinstance(getattr(parent, field), list):
        getattr(parent, field)[i] = node
    else:
        setattr(parent, field, node)


def compiled(tree, name, module, outside):
    """The function as its module would have made it, with the same variables around it."""
    body = textwrap.indent(ast.unparse(tree), "    ")
    source = f"def make({', '.join(outside)}):\n{body}\n    return {name}"
    made = {}
    exec(source, module, made)
    return made["make"](**outside)
