"""Where in a model an error was raised: `encoder / part 3: dense(10)`."""

from collections.abc import Iterable
from types import TracebackType
from typing import Any

from purenn.core.deleted import reject_deleted
from purenn.core.signatures import misfit, signature_of


class _Path(str):
    """The note that an error carries: `in ` and the path, from the outside in."""


def _extend(error: BaseException, outer: str, innermost: str = "") -> None:
    """Put `outer` before the path in an error's note; without a note, begin it at `innermost`."""
    notes = getattr(error, "__notes__", [])
    for i, note in enumerate(notes):
        if isinstance(note, _Path):
            notes[i] = _Path(f"in {outer}{note.removeprefix('in ')}")
            return
    if innermost:
        error.add_note(_Path(f"in {outer}{innermost}"))


class inside:  # noqa: N801
    """Within a composite's functions: note which of its layers an error comes from.

    Args:
        name: of the layer.
        step: which one it is, where there are several: `part 3: `.
    """

    def __init__(self, name: str, step: str = "") -> None:
        self.name, self.step = name, step

    def __enter__(self) -> None: ...

    def __exit__(self, kind: Any, error: BaseException | None, trace: TracebackType | None) -> None:
        if isinstance(error, Exception):
            _extend(error, self.step, self.name)


class calling:  # noqa: N801
    """Around a call of a plain function: errors name the layer or op as it is named now.

    An error about an array that was deleted says which one; JAX's own does not. One about arguments
    that an op does not take says which ones it takes; Python's names the plain function.

    Args:
        part: the layer or op.
        values: the arguments of the call.
        names: their names, unless they are those of the op's own signature.
        options: what an op was called with besides.
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
