"""Where in a model an error was raised: `encoder / part 3: dense(10)`."""

from collections.abc import Iterable
from types import TracebackType
from typing import Any

from purenn.core.deleted import reject_deleted
from purenn.core.signatures import misfit, signature_of


class _Path(str):
    """The note of an error: `in ` and the path, from the outermost layer inward."""


def _extend(error: BaseException, outer: str, innermost: str = "") -> None:
    """Put `outer` before the path in an error's note, which starts with `innermost` if new."""
    notes = getattr(error, "__notes__", [])
    for i, note in enumerate(notes):
        if isinstance(note, _Path):
            notes[i] = _Path(f"in {outer}{note.removeprefix('in ')}")
            return
    if innermost:
        error.add_note(_Path(f"in {outer}{innermost}"))


class inside:  # noqa: N801
    """A context in a composite's functions, which notes the layer that raises an error.

    Args:
        name: the name of the layer.
        step: its place, if there are several layers: `part 3: `.
    """

    def __init__(self, name: str, step: str = "") -> None:
        self.name, self.step = name, step

    def __enter__(self) -> None: ...

    def __exit__(self, kind: Any, error: BaseException | None, trace: TracebackType | None) -> None:
        if isinstance(error, Exception):
            _extend(error, self.step, self.name)


class calling:  # noqa: N801
    """A context around a call of a plain function, whose errors use the current name of its layer.

    An error about a deleted array says which array it is; JAX's own error does not. An error about
    wrong arguments of an op says which arguments it takes; Python's own error names the plain
    function.

    Args:
        part: the layer or op.
        values: the arguments of the call.
        names: their names, unless they are those of the op's signature.
        options: the options of a call of an op.
    """

    def __init__(
        self, part: Any, values: Any, names: tuple[str, ...] = (), options: Iterable[str] = ()
    ) -> None:
        self.part, self.values, self.names, self.options = part, values, names, options

    def __enter__(self) -> None: ...

    def __exit__(self, kind: Any, error: BaseException | None, trace: TracebackType | None) -> None:
        if not isinstance(error, Exception):
            return
        name, first_name = self.part.name, self.part.first_name
        if isinstance(error, RuntimeError):
            signature = signature_of(self.part) if not self.names else None
            names = signature.parameters if signature else self.names or ("x",)
            reject_deleted(name, **dict(zip(names, self.values, strict=False)))
        if isinstance(error, TypeError) and not self.names:
            why = misfit(self.part, self.values, self.options)
            if why:
                call = str(self.part.__doc__).partition("\n")[0]
                raise TypeError(f"{name}: {why}; expected {call}") from None
        nested = any(isinstance(note, _Path) for note in getattr(error, "__notes__", ()))
        message = error.args[0] if error.args else None
        if nested:
            _extend(error, f"{name} / ")
        elif name != first_name and str(message).startswith(f"{first_name}: "):
            error.args = (f"{name}{str(message).removeprefix(first_name)}", *error.args[1:])
