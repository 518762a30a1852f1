"""What changed since a checkpoint was written, in words."""

import time

import pytest

from purenn.training.changes import ARROW, NAMED, changes

COSINE = "cosine_decay(initial=0.003, decay_steps=4290, final=0.0)"
NAMES = (*NAMED, "train_step", "batch_size", "blocks", "data", "key", "initial train_state")
RUN = dict.fromkeys(("jax", "device", *NAMES), "a")


def change(name, was, now):
    """The words for one name, whose change has changed the program too."""
    found = changes(RUN | {"train_step": "1", name: was}, RUN | {"train_step": "2", name: now})
    assert list(found) == [name]
    return found[name]


@pytest.mark.parametrize(
    ("name", "was", "now", "says"),
    [
        ("batch_size", "10", "12", "was 10, is 12"),
        ("loss", "mse", "huber(delta=1.0)", "was mse, is huber(delta=1.0)"),
        ("loss", "huber(delta=1.0)", "huber(delta=2.0)", "delta was 1.0, is 2.0"),
        ("optimizer", "f(a=1, b=2)", "f(a=1, c=2)", "was f(a=1, b=2), is f(a=1, c=2)"),
        ("optimizer", "f(a=[3, 4], b=(1, 2))", "f(a=[3, 5], b=(1, 3))",
         "a was [3, 4], is [3, 5]; b was (1, 2), is (1, 3)"),
        ("optimizer", "f(a=g(b=h(c=1)), d=2)", "f(a=g(b=h(c=3)), d=4)",
         "c was 1, is 3; d was 2, is 4"),
        ("optimizer", "f(a=g(b=1))", "f(a=h(b=1))", "a was g, is h"),
        ("optimizer", "chain(f(a=1), g(b=2))", "chain(f(a=3), g(b=2))", "a was 1, is 3"),
        ("optimizer", "chain(f(a=1), g(b=2))", "chain(f(a=1), h(b=2))",
         "was chain(f(a=1), g(b=2)), is chain(f(a=1), h(b=2))"),
        ("penalty", "penalty(0.1)", "penalty(0.2)", "was penalty(0.1), is penalty(0.2)"),
        ("optimizer", "", "adam()", "was , is adam()"),
        ("data", "x: f[3], SHA-256 ab", "x: f[3], SHA-256 cd",
         "x: f[3] as before, with other numbers"),
        ("data", "x: f[3], SHA-256 ab", "x: f[4], SHA-256 cd", "was x: f[3], is x: f[4]"),
        ("model", "a → b → c", "a → c", "layer 1, b, is gone"),
        ("model", "a → c", "a → b → c", "layer 1, b, is new"),
        ("model", "a → b → c", "a → e → d", "layer 1 was b, is e; layer 2 was c, is d"),
        ("model", "a → b", "d", "layer 0 was a, is d; layer 1, b, is gone"),
        ("model", "dense(4) → dropout(0.25)", "dense(4) → dropout(0.2)",
         "layer 1 was dropout(0.25), is dropout(0.2)"),
        ("optimizer", COSINE, COSINE.replace("4290", "8580"), "decay_steps was 4290, is 8580; "
         "for more epochs, give the schedule that the run began with"),
    ],
)  # fmt: skip
def test_what_differs_is_named(name, was, now, says):
    assert change(name, was, now) == says


def test_long_texts_are_shortened_to_where_they_differ():
    long = ", ".join(f"dense({n})" for n in range(99))
    says = change("loss", f"serial({long}, relu, end)", f"serial({long}, tanh, end)")
    assert says == "was …97), dense(98), relu, end), is …97), dense(98), tanh, end)"
    says = change("loss", f"serial(relu, {long})", f"serial(tanh, {long})")
    assert says.startswith("was serial(relu, dense(0), ") and says.endswith("…")
    assert ", is serial(tanh, dense(0)" in says and len(says) < 180
    relus, tanhs = ARROW.join(["relu"] * 20), ARROW.join(["tanh"] * 20)
    assert change("model", relus, tanhs).endswith("; and more")


def test_the_program_decides_about_its_parts_and_a_cause_hides_its_effects():
    def changed(*names):
        return set(changes(RUN, RUN | dict.fromkeys(names, "b")))

    assert changed(*NAMED, "device") == set()  # other names for the same program
    for part in NAMED:
        assert changed(part, "train_step", "initial train_state") == {part}
    assert changed("train_step", "initial train_state") == {"train_step"}
    assert changed("key", "initial train_state") == {"key"}
    assert changed("blocks", "data", "train_step") == {"blocks"}
    assert changed("jax", "train_step") == {"jax"}
    assert changed("initial train_state", "data") == {"initial train_state", "data"}
    assert "jax" in changes({}, RUN)  # a fingerprint without it is another one


def test_words_of_a_file_are_printed_harmlessly_and_soon():
    start = time.perf_counter()
    hostile = ("a\x1b[2Jb", "a → " * 300_000, "f(" * 100_000, "a=" * 99_999, "x, SHA-256 " * 9999)
    for was in hostile:
        for name, now in (("model", "a → b → c"), ("loss", "f(a=1)"), ("data", "x, SHA-256 a")):
            says = change(name, was, now)
            assert says.isprintable() and len(says) < 400
    assert time.perf_counter() - start < 10
