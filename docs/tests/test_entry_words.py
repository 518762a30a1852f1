"""In the reference, examples come early, and names of purenn are links."""

import inspect
from typing import Any

import pytest
from html_page import Element, parse
from sitetools.entry_words import before_sections, example_first, linked, names
from sitetools.reference import page_of
from test_reference import fields_of, reference_of, resolved, section_of, with_headings

import purenn


def own_words(name: str, entry: Any) -> set[str]:
    """Words that in an entry are its own: its name, its parameters, its fields and theirs."""
    found = {name, name.rpartition(".")[2]}
    functions = [entry.functions.forward if isinstance(entry, purenn.Op) else entry]
    if inspect.isclass(entry):
        found |= {*fields_of(entry), *vars(entry)}
        functions += [f for f in vars(entry).values() if inspect.isfunction(f)]
    for function in functions:
        found |= inspect.signature(function).parameters.keys()
    return found


def unlinked(section: list[Element], own: set[str]) -> list[str]:
    """Public names in the prose of an entry that lead nowhere."""
    found = []
    for element in section:
        for code in (e for e in (element, *element.walk()) if e.tag == "code"):
            inside = {e.tag for e in (*code.ancestors(), *code.walk())}  # of types, `a` is inside
            text = code.text().strip().removeprefix("pn.").removesuffix("()")
            if not inside & {"a", "pre", "h3", "h4"} and text in names() and text not in own:
                found.append(text)
    return found


def test_every_name_in_an_entry_is_a_link(site):
    faults, links = [], set()
    for page, html in reference_of(site).items():
        for name, heading in with_headings(parse(html)).items():
            short = name.removeprefix("purenn.")
            if short in page_of():
                section = section_of(heading)
                faults += [f"{page}: {name}: {n}" for n in unlinked(section, own(short, name))]
                links |= {(name, a.get("href")) for e in section for a in e.walk("a")}
    assert not faults, "\n".join(faults)
    assert ("purenn.fit", "#purenn.train") in links
    assert ("purenn.fit", "../backpropagation/#purenn.value_and_grad") in links


def own(short: str, name: str) -> set[str]:
    """`own_words` of a name on a page."""
    return own_words(short, resolved(name))


def test_a_name_without_a_link_is_found():
    html = "<h3 id='purenn.fit'>fit</h3><p>see <code>{}</code></p><pre><code>train</code></pre>"
    for word, found in {"train": ["train"], "fit": [], "epochs": [], "pn.adam": ["adam"]}.items():
        heading = with_headings(parse(html.format(word)))["purenn.fit"]
        assert unlinked(section_of(heading), own("fit", "purenn.fit")) == found
    html = html.replace("<code>{}</code>", "<a href='#'><code>train</code></a>")
    heading = with_headings(parse(html))["purenn.fit"]
    assert unlinked(section_of(heading), own("fit", "purenn.fit")) == []


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("see `train`.", "see [`train`][purenn.train]."),
        ("`pn.relu` or `relu()`", "[`pn.relu`][purenn.relu] or [`relu()`][purenn.relu]"),
        ("a `History`", "a [`History`][purenn.training.history.History]"),
        ("`initializers.ones`", "[`initializers.ones`][purenn.initializers.ones]"),
        ("the number `momentum`", "the number `momentum`"),
        ("`train=True` and `nothing`", "`train=True` and `nothing`"),
        ("[`train`][purenn.train]", "[`train`][purenn.train]"),
        ("Examples:\n    >>> '`train`'\n\nReturns:\n    `fit`", None),
        ("```\n`train`\n```\n`fit`", None),
    ],
)
def test_names_become_links(text, shown):
    expected = text.replace("`fit`", "[`fit`][purenn.fit]") if shown is None else shown
    assert linked(text, {"momentum"}) == expected


DOCSTRING = """Do it.

It is done.

Args: What you give
    x: a number.

Examples:
    >>> 1 + 1

    2
"""


def test_the_example_comes_after_the_first_paragraph():
    example = "Examples:\n    >>> 1 + 1\n\n    2\n\n"
    expected = "Do it.\n\n" + example + "It is done.\n\nArgs: What you give\n    x: a number."
    assert example_first(DOCSTRING) == expected
    assert example_first("Do it.\n\nIt is done.") == "Do it.\n\nIt is done."
    assert example_first("Do it.\n\nExamples:\n    >>> 1") == "Do it.\n\nExamples:\n    >>> 1"


def test_a_paragraph_goes_before_the_sections():
    assert "It is done.\n\nMore.\n\nArgs: What" in before_sections(DOCSTRING, "More.")
    assert before_sections("Do it.", "More.") == "Do it.\n\nMore.\n\n"


PLACES = """(id) => {
  const entry = document.getElementById(id).closest(".doc-object");
  const top = (selector) => entry.querySelector(selector).getBoundingClientRect().top;
  return [top(".doc-contents > .highlight"), top(":scope > .doc-signature")];
}"""


def test_only_a_long_signature_comes_after_its_example(tab, server):
    tab.goto(f"{server}reference/training/index.html")
    example, signature = tab.evaluate(PLACES, "purenn.fit")
    assert example < signature
    example, signature = tab.evaluate(PLACES, "purenn.accuracy")
    assert signature < example
