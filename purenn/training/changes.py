"""What has changed between a run and the one that would go on with it, in a person's words."""

import re
from difflib import SequenceMatcher
from typing import Any, NamedTuple

from purenn.storage.errors import shown

WIDEST = 76  # of a value: what is longer is cut down to where it differs
AROUND = 16  # characters that stay around that
MOST = 5  # numbers or layers that are listed
MOST_NUMBERS = 64  # of a program that are kept
DIGEST = " with SHA-256 "  # after what an array is
Parts = list[tuple[str, str]]


class Setting(NamedTuple):
    """One thing that must be as it was for a run to be the same.

    Attributes:
        words: for a person. As a call, `adam(learning_rate=0.001, beta1=0.9)`, so that the argument
            which differs can be named; a model is `model(…)` of its layers.
        digest: of the compiled program, which decides. Where there is none, the words do.
        numbers: that the program holds, for what the words do not say.
    """

    words: str
    digest: str = ""
    numbers: tuple[str, ...] = ()

    @classmethod
    def read(cls, value: Any) -> "Setting":
        """One from a file that anyone may have made.

        Raises:
            ValueError or TypeError: it is nothing that a run writes.
        """
        words, digest, numbers = value
        lists = isinstance(value, list) and isinstance(numbers, list)
        texts = (words, digest, *numbers)
        if not lists or len(texts) > MOST_NUMBERS + 2 or {*map(type, texts)} != {str}:
            raise ValueError("no setting of a run")
        return cls(words, digest, tuple(numbers))

    def same(self, now: "Setting") -> bool:
        """Whether it is the same run, to the last bit."""
        return self.digest == now.digest if self.digest and now.digest else self.words == now.words

    def readable(self, now: "Setting") -> bool:
        """Whether a person sees what has changed, or only that something has."""
        return self[::2] != now[::2]

    def change(self, now: "Setting") -> str:
        """What has changed since."""
        if self.words != now.words:
            found = _arguments("", self.words, now.words)
            if any(re.search("_steps was ", line) for line in found):
                found.append("for more epochs, give the schedule that the run began with")
            return "; ".join(found)
        gone = [number for number in self.numbers if number not in now.numbers]
        come = [number for number in now.numbers if number not in self.numbers]
        if len(gone) == len(come) == 1:
            return f"a number in its compiled program was {shown(gone[0])}, is {shown(come[0])}"
        if gone or come:
            lists = (("gone", gone), ("new", come))
            said = [f"{_listed(numbers)} {word}" for word, numbers in lists if numbers]
            return f"of the numbers in its compiled program, {' and '.join(said)}"
        return (
            f"its compiled program has another SHA-256, {shown(self.digest)} before and "
            f"{now.digest} now, but the same names and numbers: an option that no name shows, a "
            f"function of your own or the version of a library has changed"
        )


def _listed(texts: list[str]) -> str:
    more = ", …" if len(texts) > MOST else ""
    verb = "is" if len(texts) == 1 else "are"
    return f"{', '.join(map(shown, texts[:MOST]))}{more} {verb}"


def _arguments(place: str, was: str, now: str) -> list[str]:
    """`learning_rate's decay_steps was 4290, is 8580`, for each argument that differs."""
    (name, old), (other, new) = _parts(was), _parts(now)
    if name == other == "model" and len(old) <= 4 * len(new) + 100:  # or it would take too long
        return _layers([part for _, part in old], [part for _, part in new])
    keys = [key for key, _ in old]
    if name == other and all(keys) and keys == [key for key, _ in new] != []:
        return [
            line
            for (key, before), (_, after) in zip(old, new, strict=True)
            if before != after
            for line in _arguments(f"{place}'s {key}" if place else key, before, after)
        ]
    (array, digest, _), (another, other, _) = (t.partition(DIGEST) for t in (was, now))
    if digest and array == another:
        return [f"{place} is {shown(array)} as before, with other numbers".strip()]
    before, after = _apart(array, another) if digest and other else _apart(was, now)
    return [f"{place} was {before}, is {after}".strip()]


def _layers(old: list[str], new: list[str]) -> list[str]:
    """`layer 3 was dropout(0.25), is dropout(0.2)`; layers that came or went move no others."""
    found = []
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    for _, i, i_end, j, j_end in matcher.get_opcodes():
        if old[i:i_end] == new[j:j_end]:
            continue
        while i < i_end and j < j_end:
            before, after = _apart(old[i], new[j])
            found.append(f"layer {i} was {before}, is {after}")
            i, j = i + 1, j + 1
        found += [f"layer {n}, {_cut(old[n])}, is gone" for n in range(i, i_end)]
        found += [f"layer {n}, {_cut(new[n])}, is new" for n in range(j, j_end)]
    return [*found[:MOST], *(["and more"] if len(found) > MOST else [])]


def _parts(text: str) -> tuple[str, Parts]:
    """A call's name and its arguments, each with its key or none."""
    name, bracket, inside = text.partition("(")
    if not bracket or not inside.endswith(")"):
        return text, []
    parts, depth, piece = [], 0, ""
    for character in inside[:-1]:
        depth += (character in "([{") - (character in ")]}")
        if depth < 0:  # f(x) + g(x)
            return text, []
        if character == "," and depth == 0:
            parts.append(piece)
            piece = ""
        else:
            piece += character
    if depth:
        return text, []
    found = []
    for part in filter(str.strip, (*parts, piece)):
        key, equals, value = part.strip().partition("=")
        found.append((key, value) if equals and key.isidentifier() else ("", part.strip()))
    return name, found


def _apart(was: str, now: str) -> tuple[str, str]:
    """Two texts fit to be printed; long ones are cut down to where they differ."""
    if max(len(was), len(now)) <= WIDEST:
        return shown(was), shown(now)
    pairs = enumerate(zip(was, now, strict=False))
    differs = next((i for i, (a, b) in pairs if a != b), min(len(was), len(now)))
    first = max(differs - AROUND, 0)
    return _cut(was, first), _cut(now, first)


def _cut(text: str, first: int = 0) -> str:
    """A part of a text, which may be a file's, fit to be printed."""
    last = first + WIDEST
    return shown(f"{'…' if first else ''}{text[first:last]}{'…' if last < len(text) else ''}")
