"""What changed since a checkpoint was written, in words, and where the words come from."""

import time

import pytest

from purenn.training.changes import Setting

COSINE = "cosine_decay(initial=0.003, decay_steps=4290, final=0.0)"


def change(was, now):
    return Setting(was, "1").change(Setting(now, "2"))


@pytest.mark.parametrize(
    ("was", "now", "says"),
    [
        ("10", "12", "was 10, is 12"),
        ("mse", "huber(delta=1.0)", "was mse, is huber(delta=1.0)"),
        ("huber(delta=1.0)", "huber(delta=2.0)", "delta was 1.0, is 2.0"),
        ("f(a=1, b=2)", "f(a=1, c=2)", "was f(a=1, b=2), is f(a=1, c=2)"),
        ("f(a=(1, 2), b=[3, 4])", "f(a=(1, 2), b=[3, 5])", "b was [3, 4], is [3, 5]"),
        ("f(a=g(b=h(c=1)))", "f(a=g(b=h(c=2)))", "a's b's c was 1, is 2"),
        ("f(a=x == y)", "f(a=x == z)", "a was x == y, is x == z"),
        ("penalty(0.1)", "penalty(0.2)", "was penalty(0.1), is penalty(0.2)"),
        ("f(a) + g(b)", "f(a) + g(c)", "was f(a) + g(b), is f(a) + g(c)"),
        ("f(a(b)", "f(a(c)", "was f(a(b), is f(a(c)"),
        ("", "adam()", "was , is adam()"),
        (
            "f(x=float32[3] with SHA-256 ab)",
            "f(x=float32[3] with SHA-256 cd)",
            "x is float32[3] as before, with other numbers",
        ),
        (
            "f(x=float32[3] with SHA-256 ab)",
            "f(x=float32[4] with SHA-256 cd)",
            "x was float32[3], is float32[4]",
        ),
        ("model(a, b, c)", "model(a, c)", "layer 1, b, is gone"),
        ("model(a, c)", "model(a, b, c)", "layer 1, b, is new"),
        ("model(a, b, c)", "model(a, e, d)", "layer 1 was b, is e; layer 2 was c, is d"),
        ("model(a, b)", "model(d)", "layer 0 was a, is d; layer 1, b, is gone"),
        ("model(conv2d(8, (3, 3)), b)", "model(conv2d(8, (5, 5)), b)",
         "layer 0 was conv2d(8, (3, 3)), is conv2d(8, (5, 5))"),
        ("model()", "model(a)", "layer 0, a, is new"),
    ],
)  # fmt: skip
def test_what_differs_is_named(was, now, says):
    assert change(was, now) == says


def test_long_texts_are_cut_to_where_they_differ():
    long = ", ".join(f"dense({n})" for n in range(99))
    says = change(f"serial({long}, relu, end)", f"serial({long}, tanh, end)")
    assert says == "was …97), dense(98), relu, end), is …97), dense(98), tanh, end)"
    says = change(f"serial(relu, {long})", f"serial(tanh, {long})")
    assert says.startswith("was serial(relu, dense(0), ") and says.endswith("…")
    assert ", is serial(tanh, dense(0)" in says and len(says) < 180
    many = ", ".join("relu" for _ in range(20))
    assert change(f"model({many})", f"model({many.replace('relu', 'tanh')})").endswith("; and more")


def test_numbers_of_the_program_say_what_no_name_does():
    def said(was, now):
        return Setting("x", "1", was).change(Setting("x", "2", now))

    assert said(("1", "0.1"), ("1", "0.3")) == "a number in its compiled program was 0.1, is 0.3"
    assert said(("1",), ("1", "2")) == "of the numbers in its compiled program, 2 is new"
    gone = said(tuple("abcdefg"), ())
    assert gone == "of the numbers in its compiled program, a, b, c, d, e, … are gone"
    assert said(("1",), ("1",)).startswith(
        "its compiled program has another SHA-256, 1 before and 2"
    )


def test_the_digest_decides_where_there_is_one():
    assert Setting("a", "1").same(Setting("b", "1")) and not Setting("a", "1").same(
        Setting("a", "2")
    )
    assert Setting("a").same(Setting("a")) and not Setting("a").same(Setting("b"))
    assert not Setting("a", "1").same(Setting("b"))


def test_words_of_a_file_are_printed_harmlessly_and_soon():
    start = time.perf_counter()
    hostile = (
        "a\x1b[2Jb",
        "model(" + "a, " * 300_000 + "b)",
        "f(" * 100_000,
        ")" * 1000,
        "f(a=" * 9999,
    )
    for was in hostile:
        for now in ("model(a, b, c)", "f(a=1)", "f(a=f(a=1))"):
            says = change(was, now)
            assert says.isprintable() and len(says) < 400
    assert "\x1b" not in change("model(a\x1b, b)", "model(a, b)")
    assert time.perf_counter() - start < 10
