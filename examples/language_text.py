"""The text that `language.py` learns: characters as tokens, and what is held out of training."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import purenn as pn

FOLDER = Path(__file__).parent / "data" / "text"
END = "\n"  # before and after a name


class Vocabulary:
    """The characters of a text, numbered in the order of Unicode."""

    def __init__(self, characters: str) -> None:
        self.characters = "".join(sorted(set(characters)))
        self.codes = codes_of(self.characters)

    def __len__(self) -> int:
        return len(self.characters)

    def encode(self, text: str, name: str) -> Any:
        """Return the tokens, `(len(text),)`, of a text that the option `name` holds."""
        codes = codes_of(text)
        tokens = np.minimum(np.searchsorted(self.codes, codes), len(self) - 1)
        unknown = "".join(sorted({text[i] for i in np.flatnonzero(self.codes[tokens] != codes)}))
        if unknown:
            raise ValueError(
                f"{name} holds {unknown!r}, which the network has not learned; expected some of "
                f"its {len(self)} characters, {self.characters!r}"
            )
        return tokens.astype(np.int32)

    def decode(self, tokens: Any) -> str:
        """Return the text of tokens."""
        return "".join(self.characters[token] for token in np.asarray(tokens))


def codes_of(text: str) -> Any:
    return np.frombuffer(text.encode("utf-32-le"), np.uint32)


def read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"--text must be a file in UTF-8; {path} is not: {error}") from None


@dataclass(frozen=True)
class Book:
    """One long text. Each example is a part of it, and its targets are the characters after.

    Attributes:
        vocabulary: of the whole text.
        tokens: the text that is for training, `(characters,)`.
        held_out: `(x, targets)`, the text's last tenth, cut into sequences.
        length: of a sequence.
    """

    vocabulary: Vocabulary
    tokens: Any
    held_out: tuple[Any, Any]
    length: int

    @classmethod
    def of(cls, text: str, length: int) -> "Book":
        """Number the characters, and hold out the last tenth."""
        vocabulary, least = Vocabulary(text), 10 * (length + 1)
        if len(text) < least:
            raise ValueError(
                f"--text must have at least {least} characters, so that the held-out tenth has a "
                f"sequence of --length {length} and what follows it; got {len(text)}"
            )
        tokens = vocabulary.encode(text, "--text")
        tokens, held = np.split(tokens, [len(tokens) - len(tokens) // 10])
        whole = (len(held) - 1) // length * length
        cut = (held[:whole].reshape(-1, length), held[1 : whole + 1].reshape(-1, length))
        return cls(vocabulary, tokens, cut, length)

    def examples(self, rng: np.random.Generator, count: int) -> tuple[Any, Any]:
        """Draw `count` places of the text, and return `(x, targets)`, `(count, length)` each."""
        starts = rng.integers(len(self.tokens) - self.length, size=(count, 1))
        rows = self.tokens[starts + np.arange(self.length + 1)]
        return rows[:, :-1], rows[:, 1:]

    def sentence(self, most: int = 40) -> str:
        """Return the beginning of the first held-out paragraph, to look at."""
        text = self.vocabulary.decode(self.held_out[0][0])
        return (text.partition("\n\n")[2] or text)[:most]

    def describe(self) -> str:
        """Say how much there is."""
        held = self.held_out[0].size
        return f"training on {len(self.tokens):,} characters; {held:,} are held out"


@dataclass(frozen=True)
class Names:
    """A list of names. Each example is one of them, from its beginning to its end.

    Attributes:
        vocabulary: of all names, and `END`.
        known: all names.
        rows: those for training, between ends, `(names, length + 1)`; what follows is `END` too.
        held_out: `(x, targets)`, a tenth of the names.
        length: of a sequence, which a name and one end must fit into.
    """

    vocabulary: Vocabulary
    known: frozenset[str]
    rows: Any
    held_out: tuple[pn.Padded, Any]
    length: int

    @classmethod
    def of(cls, text: str, length: int) -> "Names":
        """Number the characters, and hold out a tenth of the names."""
        names = sorted(set(text.split(END)) - {""})
        if len(names) < 10:
            raise ValueError(
                f"--text must have at least 10 different names, one a line, so that a tenth can "
                f"be held out; got {len(names)}"
            )
        longest = max(names, key=len)
        if len(longest) >= length:
            raise ValueError(
                f"--length must be at least {len(longest) + 1}, for the name {longest} and its "
                f"end; got {length}"
            )
        vocabulary = Vocabulary(END + text)
        lines = [f"{END}{name}".ljust(length + 1, END) for name in names]
        rows = vocabulary.encode("".join(lines), "--text").reshape(-1, length + 1)
        rows = np.random.default_rng(0).permutation(rows)  # they are sorted
        rows, held = np.split(rows, [len(rows) - len(rows) // 10])
        return cls(vocabulary, frozenset(names), rows, padded(held), length)

    def examples(self, rng: np.random.Generator, count: int) -> tuple[pn.Padded, Any]:
        """Draw `count` names, and return `(x, targets)`."""
        return padded(self.rows[rng.integers(len(self.rows), size=count)])

    def sentence(self) -> str:
        """Return a held-out name and its ends, to look at."""
        (x, valid), _ = self.held_out
        longest = valid.sum(axis=1).argmax()
        return self.vocabulary.decode(x[longest][valid[longest]])

    def describe(self) -> str:
        """Say how much there is."""
        return f"training on {len(self.rows):,} names; {len(self.held_out[1]):,} are held out"


def padded(rows: Any) -> tuple[pn.Padded, Any]:
    """Return names, and what follows each character: the next one, or the end."""
    x, targets = rows[:, :-1], rows[:, 1:]
    valid = x != x[:, :1]
    valid[:, 0] = True  # the end before the name; those after it are padding
    return pn.Padded(x, valid), targets
