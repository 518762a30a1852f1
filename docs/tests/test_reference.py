"""Every public name has its place in the reference, and no other name has one."""

import dataclasses
import importlib
import inspect
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from html_page import Element, pages_of, parse
from sitetools.reference import page_of, types

import purenn

HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")


def public_names() -> dict[str, Any]:
    """Each name with its object: those of `purenn`, of its public modules, and methods."""
    found: dict[str, Any] = {}
    for name in purenn.__all__:
        value = getattr(purenn, name)
        if inspect.ismodule(value):
            found |= {f"purenn.{name}.{inner}": f for inner, f in functions_of(value).items()}
        else:
            found[f"purenn.{name}"] = value
            if inspect.isclass(value):
                found |= {f"purenn.{name}.{m}": f for m, f in methods_of(value).items()}
    return found


def functions_of(module: Any) -> dict[str, Any]:
    """The functions that a public module lists."""
    return {name: getattr(module, name) for name in module.__all__}


def methods_of(cls: type) -> dict[str, Any]:
    """Public methods and properties that the class defines itself, except for its fields."""
    return {
        name: value
        for name, value in vars(cls).items()
        if not name.startswith("_")
        and name not in fields_of(cls)
        and (inspect.isroutine(value) or isinstance(value, (property, classmethod, staticmethod)))
    }


def returned() -> dict[str, Any]:
    """The classes that public functions return or take, with an entry under their module's path."""
    names = [f"purenn.{name}" for name in page_of() if name.split(".")[-1] not in purenn.__all__]
    found = {n: resolved(n) for n in names if not n.startswith("purenn.initializers.")}
    methods = {f"{n}.{m}": f for n, cls in found.items() for m, f in methods_of(cls).items()}
    return found | methods


def fields_of(cls: type) -> list[str]:
    """Public fields of a NamedTuple, a dataclass, a `Layer` or an `Op`."""
    names = getattr(cls, "_fields", ())
    if cls in (purenn.Layer, purenn.Op):
        names = ["name", *inspect.get_annotations(cls)]
    if dataclasses.is_dataclass(cls):
        names = [field.name for field in dataclasses.fields(cls)]
    return [name for name in names if not name.startswith("_")]


def public_fields() -> dict[str, list[str]]:
    """The fields of each public class that has any."""
    classes = {n: v for n, v in public_names().items() if inspect.isclass(v)}
    return {name: fields for name, cls in classes.items() if (fields := fields_of(cls))}


def documented(root: Element) -> dict[str, Element]:
    """Ids of the page that are names of purenn, with the element that has them."""
    found = {e.get("id"): e for e in root.walk() if e.get("id").startswith("purenn.")}
    # mkdocstrings gives parameters ids of their own, `purenn.dense(units)`.
    return {name: e for name, e in found.items() if not name.endswith(")")}


def section_of(heading: Element) -> list[Element]:
    """What stands below a heading, up to the next one of its level; of its parent's children."""
    siblings = heading.parent.children if heading.parent else []
    below = siblings[[id(s) for s in siblings].index(id(heading)) + 1 :]
    section = []
    for element in below:
        if isinstance(element, Element):
            if element.tag in HEADINGS and element.tag <= heading.tag:
                break
            section.append(element)
    return section


def words_of(section: list[Element]) -> set[str]:
    """What is set as code on its own in a section, and the ids there: `params`."""
    found = set()
    for element in section:
        for inner in (element, *element.walk()):
            if inner.tag == "code":
                found.add(inner.text().strip())
            found.add(inner.get("id").split(".")[-1])
    return found


def missing(pages: dict[str, str], names: list[str], fields: dict[str, list[str]]) -> list[str]:
    """Names without a heading on exactly one page, and fields that their class's text leaves out.

    `pages` are the reference pages' paths and HTML."""
    trees = {page: parse(html) for page, html in pages.items()}
    headings = {page: with_headings(tree) for page, tree in trees.items()}
    count = Counter(name for found in headings.values() for name in found)
    faults = [f"{n} has {count[n]} headings in the reference" for n in names if count[n] != 1]
    for name, wanted in fields.items():
        for page, found in headings.items():
            if name in found:
                told = words_of(section_of(found[name]))
                faults += [f"{page}: {name}.{f} is not told" for f in wanted if f not in told]
    return faults


def with_headings(root: Element) -> dict[str, Element]:
    """The documented names whose id a heading has."""
    return {name: e for name, e in documented(root).items() if e.tag in HEADINGS}


def strangers(html: str, public: dict[str, Any], fields: dict[str, list[str]]) -> list[str]:
    """Names of purenn on a reference page that are not public.

    An id may be a public object's longer name, `purenn.layers.dense.dense`, or a module's that
    says what its public names have in common."""
    known = {
        *public,
        *types(),
        *returned(),
        *(f"{name}.{field}" for name, inner in fields.items() for field in inner),
    }
    objects = [id(value) for value in public.values()]
    faults = []
    for name in documented(parse(html)):
        if re.search(r"\._", name):
            faults.append(f"{name} is private")
        elif name not in known:
            value = resolved(name)
            if value is None:
                faults.append(f"{name}: there is no such name")
            elif id(value) not in objects and not inspect.ismodule(value):
                faults.append(f"{name} is not public")
    return faults


def resolved(name: str) -> Any:
    """The object of a dotted name, or nothing."""
    parts = name.split(".")
    for split in range(len(parts), 0, -1):
        try:
            value = importlib.import_module(".".join(parts[:split]))
        except ModuleNotFoundError:
            continue
        for part in parts[split:]:
            # In the class itself: a method looked up through the class is a new object each time.
            value = vars(value).get(part) if hasattr(value, "__dict__") else None
        return value
    return None


def reference_of(site: Path) -> dict[str, str]:
    """The pages of the reference."""
    return {p: (site / p).read_text() for p in pages_of(site) if p.startswith("reference/")}


def test_every_public_name_is_in_the_reference(site, record_property):
    pages = reference_of(site)
    assert pages, "the site has no reference/"
    names, fields = list(public_names()), public_fields()
    faults = missing(pages, names, fields)
    count = len(names) + sum(map(len, fields.values()))
    record_property("figure", f"{count} public names and fields, {len(faults)} without a place")
    assert not faults, "\n".join(faults)


def test_the_reference_has_no_private_name(site):
    faults = [
        f"{page}: {fault}"
        for page, html in reference_of(site).items()
        for fault in strangers(html, public_names(), public_fields())
    ]
    assert not faults, "\n".join(faults)


def test_every_class_that_is_returned_is_in_the_reference(site):
    classes = {name: cls for name, cls in returned().items() if inspect.isclass(cls)}
    assert {"Explanation", "History", "LayerExplanation", "LeafReport", "Notation", "Report"} == {
        cls.__name__ for cls in classes.values()
    }
    fields = {name: fields_of(cls) for name, cls in classes.items()}
    faults = missing(reference_of(site), list(classes), fields)
    assert not faults, "\n".join(faults)


def test_the_names_are_those_of_the_package():
    names = public_names()
    assert {"purenn.dense", "purenn.TrainState.create", "purenn.initializers.he_normal"} <= {*names}
    assert not [name for name in names if re.search(r"\._", name)]
    assert {"purenn.initializers.math", "purenn.initializers.Fn"}.isdisjoint(names)
    assert public_fields()["purenn.TrainState"] == ["params", "state", "opt_state", "key", "step"]
    assert {"purenn.Layer.forward", "purenn.Op.backward", "purenn.Layer.replace"} <= {*names}
    assert "functions" in public_fields()["purenn.Layer"]


GOOD = {
    "reference/layers/index.html": """<h1>Layers</h1>
    <h2 id="purenn.dense">dense</h2><a id="purenn.layers.dense.dense"></a><p>…</p>
    <div><h2 id="purenn.DenseParams">x</h2><div>
    <ul><li><code>w</code>: …</li></ul><h3 id="purenn.DenseParams.b">b</h3></div></div>""",
    "reference/index.html": "<h1>Reference</h1><p id='purenn.dense(units)'>",
}
NAMES, FIELDS = ["purenn.dense", "purenn.DenseParams"], {"purenn.DenseParams": ["w", "b"]}
LAYERS, INDEX = GOOD


def test_a_good_reference_passes():
    assert missing(GOOD, NAMES, FIELDS) == []
    for html in GOOD.values():
        assert strangers(html, public_names(), public_fields()) == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('<h2 id="purenn.dense">', "<h2>", "purenn.dense has 0"),
        ("<h2 id=", "<p id=", "purenn.dense has 0"),
        ("<h1>Layers", "<h1 id=purenn.dense>Layers", None),  # twice on a page is an id's fault
        ("<code>w</code>", "w", "purenn.DenseParams.w is not told"),
        ('<h3 id="purenn.DenseParams.b">', "<h3>", "purenn.DenseParams.b is not told"),
        ("<h3 id", "</div><h2>Next</h2><div><h3 id", "purenn.DenseParams.b is not told"),
    ],
)
def test_a_planted_gap_is_found(old, new, said):
    pages = {LAYERS: GOOD[LAYERS].replace(old, new), INDEX: GOOD[INDEX]}
    faults = missing(pages, NAMES, FIELDS)
    assert said in " ".join(faults) if said else faults == []


def test_a_name_on_two_pages_is_found():
    pages = GOOD | {INDEX: GOOD[INDEX] + "<h2 id=purenn.dense>"}
    assert missing(pages, NAMES, FIELDS) == ["purenn.dense has 2 headings in the reference"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("purenn.core.layer._without_cache", "is private"),
        ("purenn.core.layer.Notation", "is not public"),
        ("purenn.core.checks.prng_key", "is not public"),
        ("purenn.nothing", "no such name"),
        ("purenn.TrainState.nothing", "no such name"),
    ],
)
def test_a_planted_stranger_is_found(name, said):
    (fault,) = strangers(f"<h2 id='{name}'>x</h2>", public_names(), public_fields())
    assert said in fault
