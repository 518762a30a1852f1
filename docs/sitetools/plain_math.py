"""Formulas as a line of plain text, `y = γx̂ + β`, for results of the search, which show no TeX."""

import re

SYMBOLS = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ϵ", "eta": "η",
    "theta": "θ", "kappa": "κ", "lambda": "λ", "mu": "μ", "pi": "π", "sigma": "σ", "tau": "τ",
    "varphi": "φ", "Phi": "Φ", "ell": "ℓ", "partial": "∂", "top": "ᵀ",
    "sum": "∑", "prod": "∏", "int": "∫", "infty": "∞", "dots": "…", "ldots": "…", "cdots": "…",
    "\\": "; ", "{": "{", "}": "}", "%": "%", "_": "_",
}  # fmt: skip
BETWEEN = {
    "cdot": "·", "odot": "⊙", "times": "×", "leftarrow": "←", "to": "→", "longrightarrow": "⟶",
    "le": "≤", "ge": "≥", "ne": "≠", "approx": "≈", "pm": "±", "in": "∈",
}  # fmt: skip
# No space comes after the first three or before the others.
OPEN = {"lvert": "|", "lVert": "‖", "lfloor": "⌊"}
CLOSE = {"rvert": "|", "rVert": "‖", "rfloor": "⌋"}
GLUE = "\0"
SPACES = {",", ";", ":", " ", "quad", "qquad"}
NOTHING = {"!", "left", "right", "big", "Big", "bigl", "bigr", "Bigl", "Bigr", "textstyle"}
ABOVE = {"hat": "\u0302", "bar": "\u0304", "overline": "\u0304", "tilde": "\u0303"}
RAISED = dict(zip("0123456789+-=()nihtkl⊤ᵀ'", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿⁱʰᵗᵏˡᵀᵀ'", strict=True))
LOWERED = dict(
    zip("0123456789+-=()aehijklmnoprstuvx", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ", strict=True)
)
TOKEN = re.compile(r"\\[A-Za-z]+|\\.|\s+|.", re.DOTALL)


def plain(tex: str) -> str:
    r"""Write a formula in Unicode: `\frac{1}{m} x^\top dz` becomes `1/m xᵀ dz`."""
    text = read(TOKEN.findall(tex)[::-1], None)
    return re.sub(r" ([;,.)])", r"\1", spaced(text).replace("( ", "("))


def spaced(text: str) -> str:
    """Single spaces, and none where there is glue."""
    return re.sub(r"\s+", " ", re.sub(rf"\s*{GLUE}\s*", "", text)).strip()


def read(tokens: list[str], end: str | None) -> str:
    """Everything up to a closing brace; the tokens are in reverse order."""
    text = ""
    while tokens:
        if tokens[-1] == end:
            tokens.pop()
            break
        text += item(tokens)
    return text


def item(tokens: list[str]) -> str:
    """The next symbol or group with what belongs to it."""
    while len(tokens) > 1 and tokens[-1].isspace() and tokens[-2] in "^_":
        tokens.pop()
    token = tokens.pop()
    if token == "{":
        return read(tokens, "}")
    if token == "^":
        return script(argument(tokens), RAISED, "^")
    if token == "_":
        return script(argument(tokens), LOWERED, "_")
    if token == "&":  # of `\\begin{cases}`, or before the sign at which lines are aligned
        follows = next((t for t in tokens[::-1] if not t.isspace()), "")
        return "" if follows == "=" or follows[1:] in BETWEEN else GLUE + ", "
    if token.startswith("\\") and len(token) > 1:
        return command(token[1:], tokens)
    return " " if token.isspace() else token


def argument(tokens: list[str]) -> str:
    """The next symbol or group, without spaces around it."""
    while tokens and tokens[-1].isspace():
        tokens.pop()
    return item(tokens).strip() if tokens else ""


def command(name: str, tokens: list[str]) -> str:
    """What a command stands for, with its arguments."""
    if name in SYMBOLS:
        return SYMBOLS[name]
    if name in BETWEEN:
        return f" {BETWEEN[name]} "
    if name in OPEN or name in CLOSE:
        return OPEN[name] + GLUE if name in OPEN else GLUE + CLOSE[name]
    if name in SPACES:
        return " "
    if name in NOTHING:
        return ""
    if name in ABOVE:
        text = argument(tokens)
        return text + ABOVE[name] if len(text) == 1 else text
    if name in ("begin", "end"):
        argument(tokens)
        return " "
    if name in ("frac", "tfrac", "dfrac"):
        return f"{in_brackets(argument(tokens))}/{in_brackets(argument(tokens))} "
    if name == "sqrt":
        return f"√{in_brackets(argument(tokens))}"
    if name == "underset":
        argument(tokens)
        return argument(tokens)
    if name == "underbrace":
        text = argument(tokens)
        if tokens and tokens[-1] == "_":
            tokens.pop()
            argument(tokens)
        return text
    if name in ("mathrm", "mathbb", "operatorname", "text"):
        return argument(tokens)
    follows = tokens[-1][1:] if tokens and tokens[-1].startswith("\\") else "left"
    return name + ("" if follows in NOTHING else " ")  # a function: `tanh β`


def in_brackets(text: str) -> str:
    """A part of a fraction or a root, in brackets if it has several."""
    text = spaced(text)
    return f"({text})" if re.search(r"[ +/·-]", text) else text


def script(text: str, letters: dict[str, str], mark: str) -> str:
    """A superscript or a subscript, as small letters if there are such."""
    if text and set(text) <= letters.keys():
        return "".join(letters[letter] for letter in text)
    return mark + (text if len(text) < 2 or mark == "_" else in_brackets(text))
