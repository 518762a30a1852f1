"""`examples/language.py`: its networks against plain JAX, and the program as a user runs it."""

import csv
import os
import re
import signal

import jax
import jax.numpy as jnp
import language
import matplotlib.image
import numpy as np
import pytest
from jax import lax
from language_models import attention_weights
from language_text import FOLDER, Book, Names, read
from language_writing import Writer

import purenn as pn

STEPS = 100
TINY = language.complete(
    language.Options(
        depth=2,
        width=16,
        heads=2,
        length=12,
        batch_size=3,
        epochs=1,
        steps=STEPS,
        learning_rate=0.01,
    )
)


@pytest.fixture(scope="module")
def book():
    return Book.of(read(FOLDER / "moby-dick.txt")[:20_000], TINY.length)


def plain_loss(params, x, targets):
    """The mean loss of `gpt` as textbooks have it, for the parameters that purenn made."""
    table, *blocks, (gamma,), head = params

    def normalized(h, gamma):
        return gamma * h / jnp.sqrt(jnp.mean(h**2, axis=-1, keepdims=True) + 1e-6)

    def rotated(z):  # (batch, heads, time, features): pairs of features as complex numbers
        half, time = z.shape[-1] // 2, jnp.arange(z.shape[-2], dtype=z.dtype)
        angle = time[:, None] * 10_000.0 ** (-jnp.arange(half, dtype=z.dtype) / half)
        pairs = lax.complex(z[..., :half], z[..., half:]) * jnp.exp(lax.complex(0.0 * angle, angle))
        return jnp.concatenate([pairs.real, pairs.imag], axis=-1)

    h = table.w[x]
    causal = jnp.tri(x.shape[1], dtype=bool)
    for (norm, attends), (second_norm, gated, mix) in zip(blocks[::2], blocks[1::2], strict=True):
        z = normalized(h, norm.gamma)
        weights = attends.wq, attends.wk, attends.wv
        q, k, v = (jnp.einsum("btf,fhd->bhtd", z, w) for w in weights)
        scores = jnp.einsum("bhtd,bhsd->bhts", rotated(q), rotated(k)) / q.shape[-1] ** 0.5
        shares = jax.nn.softmax(jnp.where(causal, scores, -jnp.inf))
        h = h + jnp.einsum("bhts,bhsd,hdf->btf", shares, v, attends.wo)
        z = normalized(h, second_norm.gamma)
        h = h + (jax.nn.silu(z @ gated.w) * (z @ gated.v)) @ mix.w
    logits = normalized(h, gamma) @ head.w
    right = jnp.take_along_axis(jax.nn.log_softmax(logits), targets[..., None], axis=-1)
    return -jnp.mean(right)


def plain_losses(params, batches):
    """Train as `language.py` does, with `jax.grad` and AdamW as its paper has it."""
    warmup, rest, dtype = 10, STEPS - 10, params[0].w.dtype

    def step(carry, batch):
        params, m, v, i = carry
        value, grads = jax.value_and_grad(plain_loss)(params, *batch)
        cosine = (1 + jnp.cos(jnp.pi * jnp.maximum(i - warmup, 0) / rest)) / 2
        rate = 0.01 * jnp.minimum((i + 1) / warmup, 1) * cosine
        m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, grads)
        v = jax.tree.map(lambda v, g: 0.99 * v + 0.01 * g**2, v, grads)

        def new(p, m, v):
            direction = m / (1 - 0.9 ** (i + 1)) / (jnp.sqrt(v / (1 - 0.99 ** (i + 1))) + 1e-8)
            return p - rate * (direction + (0.1 * p if p.ndim > 1 else 0))

        return (jax.tree.map(new, params, m, v), m, v, i + 1), value

    zeros = jax.tree.map(jnp.zeros_like, params)
    return jax.jit(lambda *carry: lax.scan(step, carry, batches)[1])(
        params, zeros, zeros, jnp.zeros((), dtype)
    )


@pytest.mark.parametrize(("dtype", "bound"), [("float64", 1e-10), ("float32", 1e-4)])
def test_the_first_losses_are_those_of_plain_jax(book, dtype, bound, x64):
    model = pn.as_dtype(language.build_model(TINY, len(book.vocabulary)), dtype)
    optimizer, loss = language.build_optimizer(TINY), pn.softmax_cross_entropy
    x, y = book.examples(np.random.default_rng(0), STEPS * TINY.batch_size)
    batches = [z.reshape(STEPS, TINY.batch_size, -1) for z in (x, y)]
    start = pn.TrainState.create(model, optimizer, jax.random.key(0), (TINY.length,))
    run = pn.train(
        model,
        loss,
        optimizer,
        lambda _: zip(*batches, strict=True),
        epochs=1,
        key=None,
        train_state=start,
    )
    mine = np.concatenate([now.losses for now in run])
    theirs = np.asarray(plain_losses(start.params, batches))
    assert mine[0] == pytest.approx(np.log(len(book.vocabulary)), rel=0.05)
    assert mine[-10:].mean() < 0.8 * mine[0]
    assert np.abs(mine / theirs - 1).max() < bound


@pytest.fixture(scope="module")
def learned(book):
    model = language.build_model(TINY, len(book.vocabulary))
    return model, *model.init(jax.random.key(1), (TINY.length,))


def test_what_is_written_is_what_the_whole_network_finds_likeliest(book, learned):
    """Read piece by piece, and beyond the length: there a new piece reads the last half again."""
    model, *parts = learned
    prompt, key = book.held_out[0][0][:5], jax.random.key(2)
    greedy = Writer(model, TINY.length, temperature=0, top_k=None)
    written = np.asarray(greedy.write(parts, key, prompt, 15))
    tokens, begins, half = [*prompt.tolist()], 0, TINY.length // 2
    apply = jax.jit(model.apply)
    while len(tokens) < 20:
        if len(tokens) - begins == TINY.length:
            begins = len(tokens) - half
        seen = tokens[begins:]
        later = [0] * (TINY.length - len(seen))  # no position sees a later one
        logits, _ = apply(*parts, jnp.array([seen + later]))
        tokens.append(int(jnp.argmax(logits[0, len(seen) - 1])))
    np.testing.assert_array_equal(written, tokens[5:])
    first_of_one = Writer(model, TINY.length, temperature=1, top_k=1)
    np.testing.assert_array_equal(first_of_one.write(parts, key, prompt, 15), written)
    # A prompt that is too long counts with its end.
    long = book.held_out[0][:2].ravel()
    np.testing.assert_array_equal(
        greedy.write(parts, key, long, 4), greedy.write(parts, key, long[-half:], 4)
    )


def test_characters_are_drawn_as_often_as_they_are_likely():
    logits = jnp.tile(jnp.log(jnp.array([0.1, 0.2, 0.3, 0.4])), (20_000, 1))
    for temperature, top_k, expected in (
        (1.0, None, [0.1, 0.2, 0.3, 0.4]),
        (1.0, 2, [0, 0, 3 / 7, 4 / 7]),
        (0.5, None, [1 / 30, 4 / 30, 9 / 30, 16 / 30]),
    ):
        writer = Writer(pn.serial(), 4, temperature, top_k)
        counts = np.bincount(writer.draw(jax.random.key(0), logits), minlength=4)
        np.testing.assert_allclose(counts / 20_000, expected, atol=0.015)


def test_the_weights_that_are_drawn_are_those_of_the_layer(book, learned):
    model, params, state = learned
    tokens, block = book.held_out[0][0], 1
    weights = attention_weights(model, params, state, tokens, block)
    assert weights.shape == (TINY.heads, TINY.length, TINY.length)
    np.testing.assert_allclose(weights.sum(axis=-1), 1, rtol=1e-5)
    assert np.all(np.triu(weights, 1) == 0)
    before, its_params, its_state = 1 + 2 * block, params[1 + 2 * block], state[1 + 2 * block]
    x, _ = pn.serial(*model.parts[:before]).apply(
        params[:before], state[:before], jnp.asarray(tokens)[None]
    )
    after, _ = model.parts[before].apply(its_params, its_state, x)
    norm, attends = its_params
    z, _ = pn.rms_norm().apply(norm, (), x)
    values = jnp.einsum("tf,fhd->htd", z[0], attends.wv)
    found = jnp.einsum("hts,hsd,hdf->tf", weights, values, attends.wo)
    np.testing.assert_allclose(found, (after - x)[0], rtol=1e-4, atol=1e-5)


def test_a_book_is_cut_into_what_is_for_training_and_its_last_tenth(book, rng):
    text = read(FOLDER / "moby-dick.txt")[:20_000]
    x, targets = book.examples(rng, 50)
    assert x.shape == targets.shape == (50, TINY.length)
    np.testing.assert_array_equal(x[:, 1:], targets[:, :-1])
    for row in np.column_stack([x, targets[:, -1]]):
        assert book.vocabulary.decode(row) in text[:18_000]
    x, targets = (book.vocabulary.decode(z.ravel()) for z in book.held_out)
    assert text[18_000:].startswith(x[:1000])
    assert targets[:-1] == x[1:]


def test_names_count_to_their_first_end():
    names = Names.of("\n".join(["jo", "maryanne", *map(chr, range(ord("a"), ord("s")))]), 9)
    assert len(names.rows) + len(names.held_out[1]) == 20
    for held_or_not in (names.held_out, names.examples(np.random.default_rng(0), 200)):
        (x, valid), targets = held_or_not
        for row, follows, counts in zip(x, targets, valid, strict=True):
            name = names.vocabulary.decode(row).strip("\n")
            assert name in names.known
            assert names.vocabulary.decode(follows[counts]) == name + "\n"


TEXT = "--steps 4 --epochs 2 --batch-size 4 --depth 1 --width 16 --heads 2 --length 12 --sample 30"
NAMES = "--names --steps 4 --epochs 2 --batch-size 4 --depth 1 --width 8 --heads 2 --sample 5"
FILES = {"model.safetensors", "history.csv", "network.json"}
PICTURES = {"curves.png", "attention.png"}


def run(options, folder):
    language.app([*options.split(), "--output", str(folder)])


def test_a_run_on_a_text(tmp_path, capsys):
    """What is printed, what is in the folder afterwards, and how the network goes on writing."""
    run(TEXT, tmp_path)
    out, err = capsys.readouterr()
    for words in ("on 1,071,286 characters", "attention(2", "after epoch 2: "):
        assert words in out
    assert re.search(r"epoch 2/2: .*8/8 .*loss \d\.\d+, \d\.\d+ bits per character", err)
    last = out.splitlines()[-1]
    found = re.fullmatch(r"held-out loss ([\d.]+)  ([\d.]+) bits per character", last)
    assert found, last
    assert set(os.listdir(tmp_path)) == PICTURES | FILES  # no checkpoints
    with (tmp_path / "history.csv").open() as file:
        assert [row["epoch"] for row in csv.DictReader(file)] == ["1", "2"]
    for name in PICTURES:
        picture = matplotlib.image.imread(tmp_path / name)
        assert min(picture.shape[:2]) > 400, name
        assert picture[..., :3].std() > 0.05, name  # something is drawn
    # The file holds what was measured.
    book = Book.of(read(FOLDER / "moby-dick.txt"), 12)
    options = language.Options(depth=1, width=16, heads=2, length=12)
    model = language.build_model(options, len(book.vocabulary))
    learned = pn.load(tmp_path / "model.safetensors", model.init(jax.random.key(0), (12,)))
    loss, _ = pn.evaluate(model, pn.softmax_cross_entropy, *learned, *book.held_out)
    assert f"{loss:.3f}" == f"{float(found[1]):.3f}"
    for prompt in ("A", "Call me Ishmael, a prompt of more than its length"):
        language.app(["write", "--output", str(tmp_path), "--prompt", prompt, "--sample", "20"])
        out = capsys.readouterr().out
        assert out.startswith(prompt)
        assert len(out) == len(prompt) + 20 + 1


def press_ctrl_c(*given, **named):
    signal.raise_signal(signal.SIGINT)


@pytest.mark.usefixtures("ctrl_c")
@pytest.mark.parametrize(
    ("options", "part"), [(TEXT + " --dropout 0.1", "train"), (NAMES, "evaluate")]
)
def test_a_run_that_was_stopped_resumes_bit_for_bit(options, part, tmp_path, capsys, monkeypatch):
    """Stopped in the second epoch, while it trains or is evaluated."""
    quiet = f"{options} --no-progress --no-pictures"

    def result(name, more=""):
        run(f"{quiet} {more}", tmp_path / name)
        return (tmp_path / name / "model.safetensors").read_bytes()

    expected = result("whole")
    calls, real = [], getattr(pn, part)

    def second(*given, **named):
        calls.append(1)
        return press_ctrl_c() if len(calls) == 2 else real(*given, **named)

    with monkeypatch.context() as patch:
        patch.setattr(pn, part, second)
        with pytest.raises(SystemExit) as stopped:
            result(part)
    assert stopped.value.code == 130
    assert "stopped; --resume continues the run" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="error: --output holds an unfinished run.*--resume"):
        result(part)
    with pytest.raises(SystemExit, match="--resume .* --learning-rate 0.003, .*, got .* 0.5;"):
        result(part, "--resume --learning-rate 0.5")
    assert result(part, "--resume") == expected
    assert set(os.listdir(tmp_path / part)) == FILES


def test_names_are_invented(tmp_path, capsys):
    run(f"{NAMES} --no-progress", tmp_path)
    out = capsys.readouterr().out
    assert "on 7,563 names; 840 are held out" in out
    assert int(re.search(r"of 1,000 invented names, (\d+) are not in the list", out)[1]) > 500
    run("write --prompt mar", tmp_path)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 20
    assert all(line.startswith("mar") and len(line) < 16 for line in lines)


@pytest.mark.parametrize(("model", "options"), [("gru", TEXT), ("lstm", NAMES)])
def test_recurrent_networks_train_and_write(model, options, tmp_path, capsys):
    run(options.replace("--heads 2", f"--model {model} --no-progress"), tmp_path)
    assert f"{model}(" in capsys.readouterr().out
    assert set(os.listdir(tmp_path)) == FILES | {"curves.png"}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("--width 30", ["--width", "multiple of 8", "--heads 4", "got 30"]),
        ("--model gru --heads 4", ["--heads", "--model gpt", "gru"]),
        ("--model rnn", ["--model", "rnn", "lstm"]),
        ("--length 1", ["--length", '"1"', ">= 2"]),
        ("--depth 1.5", ["--depth", "1.5"]),
        ("--temperature -1", ["--temperature", "-1", ">= 0"]),
        ("--top-k 84", ["--top-k", "83", "84"]),
        ("--prompt é@", ["--prompt", "'@é'", "83 characters"]),
        ("--prompt ''", ["--prompt", "leave it out"]),
        ("--text /no/such", ["--text", "/no/such"]),
        ("--text short.txt", ["--text", "at least 2570", "--length 256", "got 100"]),
        ("--text latin.txt", ["--text", "UTF-8", "latin.txt"]),
        ("--names --text short.txt", ["--text", "10 different names", "got 1"]),
        ("--names --length 13", ["--length", "at least 14", "christophorus", "13"]),
        ("--names --prompt abcdefghijklmno", ["--prompt", "at most 14", "abcdefghijklmno"]),
        ("--names --prompt Ann", ["--prompt", "'A'", "27 characters"]),
        ("write", ["--output", "finished run", "runs/language"]),
    ],
)
def test_bad_options_are_rejected(options, words, tmp_path, capsys, monkeypatch):
    """The message names the option, what was expected and what came. Nothing is written."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "short.txt").write_text("a" * 100)
    (tmp_path / "latin.txt").write_bytes("né".encode("latin-1"))
    with pytest.raises(SystemExit) as rejection:
        language.app([option.replace("''", "") for option in options.split()])
    assert rejection.value.code not in (None, 0)
    said = re.sub(r"[│╭╮╰╯─\s]+", " ", f"{capsys.readouterr().err} {rejection.value.code}")
    assert [word for word in words if word not in said] == [], said
    assert {p.name for p in tmp_path.rglob("*") if p.is_file()} == {"short.txt", "latin.txt"}
