"""Text for people: symbols where they can be printed, and their spelling elsewhere."""

import re
import sys
import unicodedata

# The products are MATLAB's: * of matrices, .* element by element; (*) is a convolution.
SPELLINGS = {
    "·": "*", "⊙": ".*", "∗": "(*)", "×": "x", "ᵀ": ".T", "′": "'", "²": "^2", "\u0302": "hat",
    "√": "sqrt", "Σ": "sum", "γ": "gamma", "β": "beta", "σ": "sigma", "Φ": "Phi",
    "→": "->", "─": "-", "…": "...", "µ": "u",
}  # fmt: skip


def printable(text: str) -> str:
    """Spell out the symbols that standard output cannot encode now: γ1⊙X as gamma1.*X.

    If Python does not know the encoding (in a notebook, a doctest, or a `StringIO`), the text is
    returned unchanged, since any symbol can be shown there.
    """
    encoding = getattr(sys.stdout, "encoding", None)
    if text.isascii() or not isinstance(encoding, str):
        return text
    return re.sub(r"[^\x00-\x7f]", lambda found: _encodable(found[0], encoding), text)


def spelled(text: str) -> str:
    """Spell symbols with characters on a keyboard: gamma for γ, ' for ′."""
    return "".join(SPELLINGS.get(symbol, symbol) for symbol in text)


def _encodable(symbol: str, encoding: str) -> str:
    try:
        symbol.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return SPELLINGS.get(symbol) or symbol.encode("ascii", "backslashreplace").decode()
    return symbol


def literal(text: str) -> str:
    """Escape the braces of text that becomes part of a formula."""
    return text.replace("{", "{{").replace("}", "}}")


def cut(text: str, most: int) -> str:
    """Shorten text to a number of columns, and mark that it was cut."""
    mark = printable("…")
    if columns(text) <= most:
        return text
    while text and columns(text) > most - len(mark):
        text = text[:-1]
    return text + mark


def columns(text: str) -> int:
    """Count the columns that text takes on a screen: the hat of x̂ takes none, 漢 takes two."""
    wide = sum(unicodedata.east_asian_width(symbol) in "WF" for symbol in text)
    return len(text) + wide - sum(map(bool, map(unicodedata.combining, text)))


def padded(text: str, width: int) -> str:
    """Pad text with spaces to a width on the screen."""
    return text + " " * (width - columns(text))
