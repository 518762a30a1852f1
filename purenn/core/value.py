"""The common base of `Layer` and `Op`: immutable, named, compared by identity."""

from typing import Any, NoReturn, Self


class Value:
    """An immutable object, compared and hashed by identity; `replace` creates another one.

    Attributes:
        name: the name in error messages, `summary`, and `explain`.
        first_name: the name that its functions use in their messages: the name before any
            `replace`.
    """

    name: str
    first_name: str

    def __init__(self, **attributes: Any) -> None:
        self.__dict__.update(attributes, first_name=attributes["name"])

    def _replace(self, given: dict[str, Any], changes: dict[str, Any]) -> Self:
        """Create a copy with the arguments of this object, except for `changes`."""
        if "forward" in changes:  # what calling it does is renewed with it
            given["apply"] = None
        if "apply" in changes:
            given["rule"] = None
        if "backward" in changes:
            given["by_jax"] = False
        other = type(self)(**{**given, **changes})
        other.__dict__["first_name"] = self.first_name
        return other

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise AttributeError(f"{self.name} is immutable; use .replace({name}=…)")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"{self.name} is immutable")

    def __repr__(self) -> str:
        return self.name

    def _repr_html_(self) -> str:
        """Return the table of formulas that a notebook shows."""
        from purenn.inspect.layer_table import layer_table  # which imports this module

        return layer_table(self)
