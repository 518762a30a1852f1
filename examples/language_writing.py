"""How the networks of `language.py` write: one character after the other."""

from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any

import jax
import jax.numpy as jnp
import numpy as np
from converters import AtLeast1, Folder, NotNegative, at_least
from cyclopts import Parameter
from jax import Array, lax
from language_text import END, Vocabulary

import purenn as pn


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Sampling:
    """How the network writes."""

    names: Annotated[bool, Parameter(negative="")] = False
    """Names, one a line, instead of a text."""
    prompt: str | None = None
    """What to continue. [default: a new line]"""
    sample: AtLeast1 | None = None
    """How many characters to write; with --names, how many names. [default: 300; 20]"""
    temperature: NotNegative | None = None
    """Below 1, likely characters become likelier. At 0, the likeliest is always written.
    [default: 0.8; 1]"""
    top_k: AtLeast1 | None = None
    """Draw from so many of the likeliest characters. [default: all]"""
    seed: Annotated[int, at_least(0, below=2**32)] = 0
    """Determines the initial weights, the examples, the dropout, and the samples."""
    output: Folder | None = None
    """Folder for the results. A finished run in it is replaced when this run finishes.
    [default: runs/language; runs/names]"""


class Writer:
    """Samples one character after the other. Each is read once: the layers keep what was read.

    A longer text than the network has learned to look back on is written in pieces, each of which
    begins by reading the last half of such a length.

    Attributes:
        model: a network whose every output sees what came before alone.
        length: of the sequences that it has learned from.
        temperature: what the logits are divided by; at 0, the likeliest character is written.
        top_k: how many of the likeliest characters are drawn from; None for all.
    """

    def __init__(self, model: pn.Layer, length: int, temperature: float, top_k: int | None) -> None:
        self.model, self.length, self.temperature, self.top_k = model, length, temperature, top_k

    def write(self, learned: Any, key: Any, prompt: Any, count: int) -> Array:
        """Return `count` tokens that follow a prompt, `(tokens,)`, of any length."""
        seen = prompt if len(prompt) < self.length else prompt[-(self.length // 2) :]
        written = jnp.zeros(0, jnp.int32)
        while len(written) < count:
            key, of_piece = jax.random.split(key)
            seen, next_few = jnp.asarray(seen), min(count - len(written), self.length - len(seen))
            (piece,) = self.continued(*learned, of_piece, seen[None], next_few)
            written = jnp.concatenate([written, piece])
            seen = jnp.concatenate([seen, piece])[-(self.length // 2) :]
        return written

    @partial(jax.jit, static_argnames=("self", "count"))
    def continued(self, params: Any, state: Any, key: Any, tokens: Array, count: int) -> Array:
        """Continue several texts at once: `(texts, read)` to `(texts, count)`, pure."""
        texts, read = tokens.shape
        steps = pn.stepwise(self.model, batch=texts, length=read + count)
        state = steps.init(key, tokens.shape[1:])[1]
        logits, state = steps.apply(params, state, tokens)

        def one(carry: tuple[Array, Any], key: Any) -> tuple[tuple[Array, Any], Array]:
            logits, state = carry
            token = self.draw(key, logits)
            logits, state = steps.apply(params, state, token[:, None])
            return (logits[:, -1], state), token

        carry = logits[:, -1], state
        return lax.scan(one, carry, jax.random.split(key, count))[1].T

    def draw(self, key: Any, logits: Array) -> Array:
        """Draw one character of each row: `(texts, vocabulary)` to `(texts,)`."""
        if self.temperature == 0:
            return jnp.argmax(logits, axis=-1)
        if self.top_k is not None:
            least = lax.top_k(logits, self.top_k)[0][:, -1:]
            logits = jnp.where(logits < least, -jnp.inf, logits)
        return jax.random.categorical(key, logits / self.temperature)


def prompt_of(options: Sampling, vocabulary: Vocabulary, length: int) -> Any:
    """Return the tokens to begin with. A name begins with an end, and must fit into `length`."""
    prompt, characters = options.prompt, vocabulary.characters
    if prompt == "":
        raise ValueError("--prompt must hold a character; leave it out to begin anew, got ''")
    if options.top_k is not None and options.top_k > len(characters):
        raise ValueError(
            f"--top-k must be at most {len(characters)}, the characters there are, got "
            f"{options.top_k}"
        )
    if options.names:
        name, most = prompt or "", length - 2
        if END in name or len(name) > most:
            raise ValueError(
                f"--prompt must be the beginning of a name, at most {most} characters, got {name!r}"
            )
        return vocabulary.encode(END + name, "--prompt")
    return vocabulary.encode(prompt or (END if END in characters else characters[0]), "--prompt")


def sampled(
    options: Sampling, vocabulary: Vocabulary, writer: Writer, learned: Any, key: Any
) -> str:
    """Let the network write: a text that begins with the prompt, or names, one a line."""
    prompt = prompt_of(options, vocabulary, writer.length)
    if not options.names:
        written = writer.write(learned, key, prompt, options.sample)
        return vocabulary.decode(np.concatenate([prompt, written]))
    return "\n".join(invented(vocabulary, writer, learned, key, prompt, options.sample))


def invented(
    vocabulary: Vocabulary, writer: Writer, learned: Any, key: Any, prompt: Any, count: int
) -> list[str]:
    """Return so many names: what the network writes until the first end."""
    prompts = np.tile(prompt, (count, 1))
    written = writer.continued(*learned, key, prompts, writer.length - len(prompt))
    rows = np.concatenate([prompts, written], axis=1)[:, 1:]
    return [vocabulary.decode(row).split(END)[0] for row in rows]
