"""The changes between a run and the one that would resume it, in words."""

import re
from difflib import SequenceMatcher

from purenn.storage.errors import shown

ARROW = " → "  # between the layers of a model
DIGEST = ", SHA-256 "  # after what an array is

WIDEST = 76  # of a value: longer ones are shortened to where they differ
AROUND = 16  # characters that stay in front of that
MOST = 5  # layers that are listed

# Names of parts of the training step, whose digest decides whether it has changed.
NAMED = ("model", "loss", "penalty", "optimizer")


def changes(was: dict[str, str], now: dict[str, str]) -> dict[str, str]:
    """Describe the differences between two fingerprints that change the run.

    The device is left out, since it changes only the last bits. If one change causes another, only
    the cause is listed: for example, a different key gives a different initial state.

    Args:
        was: the stored fingerprint, whose text is not trusted.
        now: the fingerprint of this run.

    Returns:
        A description of each difference, safe to print; none if it is the same run.
    """
    found = {
        name: _words(name, was.get(name, ""), now[name])
        for name in now
        if was.get(name, "") != now[name] and name != "device"
    }
    hidden = {"data"} if "blocks" in found else set()
    if "train_step" not in found:
        hidden |= {*NAMED}
    elif found.keys() - {"train_step", "initial train_state"}:
        hidden.add("train_step")
    if found.keys() & {"key", "train_step"}:
        hidden.add("initial train_state")
    return {name: words for name, words in found.items() if name not in hidden}


def _words(name: str, was: str, now: str) -> str:
    if name == "train_step":
        return (
            f"the compiled program was {shown(was)}, is {now}, though all names are the same: an "
            f"option that no name shows, a number or an array in one of your own functions, or "
            f"a library has changed"
        )
    arrays, another = was.partition(DIGEST)[0], now.partition(DIGEST)[0]
    if arrays == another:
        decided = name == "initial train_state"
        reason = ", which the initializers or the given train_state decide" if decided else ""
        return f"{shown(arrays)} as before, with other numbers{reason}"
    if name == "model":
        old, new = was.split(ARROW), now.split(ARROW)
        if len(old) <= 4 * len(new) + 100:  # or it would take too long
            return "; ".join(_layers(old, new))
    return "; ".join(_arguments(was, now) or [_was_is("", arrays, another)])


def _arguments(was: str, now: str) -> list[str]:
    """List `decay_steps was 4290, is 8580` for each argument of a call; nothing for other texts."""
    old, new = (re.split(r"(\w+)=", text) for text in (was, now))
    if old[0::2][:1] + old[1::2] != new[0::2][:1] + new[1::2]:
        return []
    found = []
    for name, before, after in zip(old[1::2], old[2::2], new[2::2], strict=True):
        (was_value, was_rest), (value, rest) = _value(before), _value(after)
        if was_rest != rest:  # another call follows
            return []
        if was_value != value:
            found.append(_was_is(f"{name} ", was_value, value))
    if any("_steps was " in line for line in found):
        found.append("for more epochs, give the schedule that the run began with")
    return found


def _value(text: str) -> tuple[str, str]:
    """Return the value of an argument and the closing brackets that follow it."""
    end = len(text.rstrip(", ").removesuffix("("))
    depth = 0
    for i, character in enumerate(text[:end]):
        depth += (character == "(") - (character == ")")
        if depth < 0:
            end = i
            break
    return text[:end], text[end:]


def _layers(old: list[str], new: list[str]) -> list[str]:
    """List `layer 3 was dropout(0.25), is dropout(0.2)`; a new layer does not shift the others."""
    found = []
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    for kind, i, i_end, j, j_end in matcher.get_opcodes():
        if kind == "equal":
            continue
        both = min(i_end - i, j_end - j)
        found += [_was_is(f"layer {i + n} ", old[i + n], new[j + n]) for n in range(both)]
        found += [f"layer {n}, {_part(old[n])}, is gone" for n in range(i + both, i_end)]
        found += [f"layer {n}, {_part(new[n])}, is new" for n in range(j + both, j_end)]
    return [*found[:MOST], *(["and more"] if len(found) > MOST else [])]


def _was_is(place: str, was: str, now: str) -> str:
    """Show two texts, safe to print; long texts are cut to the place where they differ."""
    first = 0
    if max(len(was), len(now)) > WIDEST:
        pairs = enumerate(zip(was, now, strict=False))
        differs = next((i for i, (a, b) in pairs if a != b), min(len(was), len(now)))
        first = max(differs - AROUND, 0)
    return f"{place}was {_part(was, first)}, is {_part(now, first)}"


def _part(text: str, first: int = 0) -> str:
    last = first + WIDEST
    return shown(f"{'…' if first else ''}{text[first:last]}{'…' if last < len(text) else ''}")
