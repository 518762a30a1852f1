"""Language: train a small GPT on Moby Dick, one character after the other, and let it write.

python examples/language.py                          a transformer: about 12 minutes on two cores
python examples/language.py --model lstm             a recurrent network; or gru
python examples/language.py --text mine.txt          a text of yours, in UTF-8
python examples/language.py --names                  invent first names, in under a minute
python examples/language.py --resume                 continue a run that was stopped or killed
python examples/language.py write --prompt "Ahab "   let the trained network write
python examples/language.py --help                   every option

A sample is printed after each epoch. The trained parameters, the training history, and the pictures
are written to runs/language, or runs/names. Ctrl-C stops a run; it continues with the last epoch
that was finished.
"""

if __name__ == "__main__":
    import interrupts  # before JAX

import hashlib
import math
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal

import jax
import language_pictures
import language_runs
import numpy as np
import run_folder
from converters import AtLeast1, File, Fraction, NotNegative, at_least
from cyclopts import App, Parameter
from language_models import attention_weights, gpt, recurrent
from language_text import END, FOLDER, Book, Names, Vocabulary, read
from language_writing import Sampling, Writer, invented, prompt_of, sampled
from tqdm import tqdm

import purenn as pn

# What None stands for: for a text, and with --names.
DEFAULTS: dict[str, tuple[Any, Any]] = {
    "text": (FOLDER / "moby-dick.txt", FOLDER / "names.txt"),
    "output": (Path("runs/language"), Path("runs/names")),
    "sample": (300, 20),
    "temperature": (0.8, 1.0),
    "depth": (4, 2),
    "width": (128, 64),
    "heads": (4, 4),
    "length": (256, 16),
    "learning_rate": (0.003, 0.003),
    "batch_size": (4, 32),
    "epochs": (30, 8),
    "steps": (400, 250),
}
# What decides which network it is.
NETWORK = ("model", "names", "depth", "width", "heads", "length", "dropout")
WATCHED = 30_000  # held-out characters, on which the loss is measured after each epoch


@Parameter(name="*")  # --depth, not --options.depth
@dataclass(frozen=True, kw_only=True)
class Options(Sampling):
    """The command line, parsed."""

    model: Literal["gpt", "gru", "lstm"] = "gpt"
    """gpt: attention and gated dense layers. gru, lstm: recurrent layers."""
    text: File | None = None
    """The text, in UTF-8; its last tenth is held out. [default: Moby Dick; first names]"""
    depth: AtLeast1 | None = None
    """Blocks of a gpt, or recurrent layers. [default: 4; with --names 2]"""
    width: AtLeast1 | None = None
    """Features of each position. [default: 128; 64]"""
    heads: AtLeast1 | None = None
    """Heads of a gpt's attention, a divisor of the width. [default: 4]"""
    length: Annotated[int, at_least(2)] | None = None
    """Characters of a sequence: how far back the network learns to look. [default: 256; 16]"""
    dropout: Fraction = 0.0
    """Probability of zeroing what a layer of a block computed, in training."""

    optimizer: Literal["adamw", "adam", "rmsprop", "momentum", "sgd"] = "adamw"
    """How gradients become updates. adamw has a weight decay of 0.1."""
    learning_rate: NotNegative | None = None
    """The highest, after 200 steps of warmup, or a tenth of the run. It then decreases to 0 along
    half a cosine. [default: 0.003]"""
    batch_size: AtLeast1 | None = None
    """Sequences per step. [default: 4; 32]"""
    epochs: AtLeast1 | None = None
    """How often to measure, write a sample, and keep a checkpoint. [default: 30; 8]"""
    steps: AtLeast1 | None = None
    """Steps per epoch, each on sequences from anywhere in the text. [default: 400; 250]"""

    resume: Annotated[bool, Parameter(negative="")] = False
    """Continue the unfinished run in the output folder, if there is one."""
    progress: bool = True
    """Show a progress bar, with the loss and the bits per character."""
    pictures: bool = True
    """Draw the curves and, of a gpt, the attention."""


def complete(options: Any) -> Any:
    """Put the defaults where nothing was asked for."""
    missing = {name for name, value in vars(options).items() if value is None}
    defaults = {name: DEFAULTS[name][options.names] for name in missing & set(DEFAULTS)}
    return replace(options, **defaults)


def settings(options: Options, text: str) -> dict[str, Any]:
    """Return what the trained network depends on, as it goes into a JSON file."""
    aside = {*Sampling.__dataclass_fields__, "resume", "progress", "pictures"} - {"names", "seed"}
    kept = {name: value for name, value in asdict(options).items() if name not in aside}
    return kept | {"text": hashlib.sha256(text.encode()).hexdigest()}


def build_model(options: Any, vocabulary: int) -> pn.Layer:
    """Build the network, from tokens to the logits of the character after each."""
    size = options.depth, options.width
    if options.model == "gpt":
        return gpt(vocabulary, *size, options.heads, options.dropout)
    return recurrent(getattr(pn, options.model), vocabulary, *size, options.dropout)


def build_optimizer(options: Options) -> pn.Optimizer:
    steps = options.epochs * options.steps
    warmup = max(1, min(200, steps // 10))
    decay = pn.cosine_decay(options.learning_rate, max(1, steps - warmup))
    rate = pn.linear_warmup(decay, warmup)
    if options.optimizer == "adamw":
        return pn.adamw(rate, beta2=0.99, weight_decay=0.1)
    return getattr(pn, options.optimizer)(rate)


def check(options: Options, given: Options) -> None:
    """Reject options that contradict each other, and what was given without an effect."""
    width, heads = options.width, options.heads
    if options.model != "gpt":
        if given.heads is not None:
            raise ValueError(f"--heads needs --model gpt, got {options.model}")
    elif width % (2 * heads):
        raise ValueError(
            f"--width must be a multiple of {2 * heads}, so that each of --heads {heads} has an "
            f"even number of features, got {width}"
        )


def load(options: Options) -> tuple[str, Book | Names]:
    text = read(options.text)
    return text, (Names if options.names else Book).of(text, options.length)


def bits(loss: float) -> float:
    return loss / math.log(2)


def train(
    options: Options, text: str, corpus: Book | Names, model: pn.Layer
) -> tuple[pn.TrainState, list[pn.EpochRecord]]:
    """Train, with a bar, and after each epoch the held-out loss, a sample, and a checkpoint."""
    loss, optimizer = pn.softmax_cross_entropy, build_optimizer(options)
    key, steps = jax.random.key(options.seed), options.steps
    train_state = pn.TrainState.create(model, optimizer, key, (options.length,))
    kept = language_runs.Checkpoint(options.output, settings(options, text), options.epochs)
    train_state, history = kept.begin(train_state, resume=options.resume)
    writer = Writer(model, options.length, options.temperature, options.top_k)
    every = max(1, corpus.held_out[1].size // WATCHED)
    watched = jax.tree.map(lambda rows: rows[::every], corpus.held_out)

    total, done = options.epochs * steps, len(history) * steps
    bar = tqdm(
        total=total, initial=done, unit="step", dynamic_ncols=True, disable=not options.progress
    )
    with bar:
        for epoch in range(len(history) + 1, options.epochs + 1):
            rng = np.random.default_rng([options.seed, epoch])
            data = corpus.examples(rng, steps * options.batch_size)
            bar.set_description(f"epoch {epoch}/{options.epochs}")
            started, losses = time.perf_counter(), []
            for now in pn.train(
                model,
                loss,
                optimizer,
                data,
                epochs=1,
                batch_size=options.batch_size,
                key=None,
                train_state=train_state,
                locate=True,
            ):
                losses += now.losses.tolist()
                mean = float(np.mean(losses))
                bar.set_postfix_str(f"loss {mean:.4f}, {bits(mean):.3f} bits per character")
                bar.update(now.losses.size)
            seconds, train_state = time.perf_counter() - started, now.train_state
            learned = train_state.params, train_state.state
            scores = pn.evaluate(model, loss, *learned, *watched, batch_size=64)
            history.append(pn.EpochRecord(epoch, mean, seconds, *scores))
            kept.write(train_state, history)
            sample = sampled(
                options, corpus.vocabulary, writer, learned, jax.random.fold_in(key, epoch)
            )
            bar.write(
                f"\nafter epoch {epoch}: {bits(mean):.3f} bits per character, "
                f"{bits(scores[0]):.3f} held out\n{sample}"
            )
    return train_state, history


def report(
    options: Options, corpus: Book | Names, model: pn.Layer, learned: Any, history: Any
) -> None:
    """Measure how good the network is, and write what it learned."""
    # All that was held out; after each epoch it was a part, to save time.
    loss, _ = pn.evaluate(
        model, pn.softmax_cross_entropy, *learned, *corpus.held_out, batch_size=64
    )
    vocabulary = corpus.vocabulary
    network = {name: getattr(options, name) for name in NETWORK}
    with run_folder.replaced_results(options.output) as folder:
        pn.save(folder / "model.safetensors", learned)
        described = {**network, "characters": vocabulary.characters}
        language_runs.write_json(folder / "network.json", described)
        run_folder.write_history(folder / "history.csv", history)
        if options.pictures:
            language_pictures.curves(folder / "curves.png", history, options.steps)
            if options.model == "gpt":
                block, sentence = options.depth // 2, corpus.sentence()
                weights = attention_weights(
                    model, *learned, vocabulary.encode(sentence, "--text"), block
                )
                language_pictures.attention(folder / "attention.png", weights, sentence, block)
    if options.names:
        writer = Writer(model, options.length, options.temperature, options.top_k)
        begin = vocabulary.encode(END, "--text")
        many = invented(vocabulary, writer, learned, jax.random.key(options.seed), begin, 1_000)
        new = sum(name not in corpus.known for name in many)
        print(f"\nof 1,000 invented names, {new} are not in the list")
    print(f"\nheld-out loss {loss:.4f}  {bits(loss):.3f} bits per character")


app = App(name="language.py", version_flags=[], result_action="return_value")


@app.default
def main(options: Options | None = None) -> None:
    """Train a network on a text, character by character, and let it write."""
    given = options or Options()
    options = complete(given)
    with run_folder.brief_errors(options.output):
        check(options, given)
        text, corpus = load(options)
        prompt_of(options, corpus.vocabulary, options.length)
        model = build_model(options, len(corpus.vocabulary))
        run_folder.prepare(options.output, resume=options.resume)
        print(f"device: {jax.devices()[0]}\n\n{pn.summary(model, (options.length,))}\n")
        print(corpus.describe())
        train_state, history = train(options, text, corpus, model)
        report(options, corpus, model, (train_state.params, train_state.state), history)
        run_folder.remove_checkpoints(options.output)


@app.command
def write(options: Sampling | None = None) -> None:
    """Let a network write that was trained before."""
    given = options or Sampling()
    output = complete(given).output
    with run_folder.brief_errors(output):
        described = output / "network.json"
        if not described.exists():
            raise ValueError(f"--output must hold a finished run, got {output}")
        network = language_runs.read_json(described)
        trained = Options(**{name: network[name] for name in NETWORK})
        options = complete(replace(given, names=trained.names))
        vocabulary = Vocabulary(network["characters"])
        model = build_model(trained, len(vocabulary))
        key, in_shape = jax.random.key(options.seed), (trained.length,)
        like = jax.eval_shape(lambda key: model.init(key, in_shape), key)
        learned = pn.load(output / "model.safetensors", like)
        writer = Writer(model, trained.length, options.temperature, options.top_k)
        print(sampled(options, vocabulary, writer, learned, key))


if __name__ == "__main__":
    interrupts.run(app)
