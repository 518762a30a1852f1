"""What a page says to who does not see it, as far as its source tells; test_browser.py measures
contrast, and the names of controls, in Chromium."""

from collections import Counter

import pytest
from html_page import Element, parse


def faults_of(html: str) -> list[str]:
    """All faults of a page."""
    root = parse(html)
    checks = (language, identities, headings, pictures, links, buttons, fields, tables, frames)
    return [fault for check in checks for fault in check(root)]


def language(root: Element) -> list[str]:
    """The page names its language, has a title, and can be enlarged."""
    html = next(root.walk("html"), Element("html"))
    faults = [] if html.get("lang") else ["html has no lang"]
    if not any(title.text().strip() for title in root.walk("title") if not inside(title, "svg")):
        faults.append("the page has no title")
    for meta in root.walk("meta"):
        if "user-scalable=no" in meta.get("content") or "maximum-scale" in meta.get("content"):
            faults.append("the page forbids enlarging")
    return faults


def identities(root: Element) -> list[str]:
    """An id stands once."""
    ids = Counter(e.get("id") for e in root.walk() if "id" in e.attributes)
    faults = [f"id {name!r} stands {n} times" for name, n in ids.items() if n > 1]
    for element in root.walk():
        for name in ("aria-labelledby", "aria-describedby", "aria-controls"):
            faults += [
                f"{element} {name}: there is no id {target!r}"
                for target in element.get(name).split()
                if target not in ids
            ]
    return faults


def headings(root: Element) -> list[str]:
    """One h1, which comes first; after it no level is left out; none is empty."""
    found = [h for h in root.walk("h1", "h2", "h3", "h4", "h5", "h6") if not hidden(h)]
    faults = [f"{heading} is empty" for heading in found if not name_of(heading)]
    levels = [int(heading.tag[1]) for heading in found]
    if levels.count(1) != 1:
        faults.append(f"the page has {levels.count(1)} h1")
    for heading, before, level in zip(found, [0, *levels], levels, strict=False):
        if level > before + 1:
            faults.append(f"h{level} after h{before}: {heading.text().strip()!r}")
    return faults


def pictures(root: Element) -> list[str]:
    """Pictures and drawings of the content have a text; drawings in controls are named there."""
    faults = []
    for image in root.walk("img"):
        if "alt" not in image.attributes:
            faults.append(f"{image} has no alt: {image.get('src')}")
        elif inside(image, "figure") and not image.get("alt").strip() and not hidden(image):
            faults.append(f"{image} is a figure with an empty alt: {image.get('src')}")
    for drawing in root.walk("svg"):
        control = inside(drawing, "a", "button", "label", "summary")
        icon = any("twemoji" in e.classes() for e in drawing.ancestors())
        if control or icon or hidden(drawing) or inside(drawing, "svg"):
            continue
        titles = [c for c in drawing.children if isinstance(c, Element) and c.tag == "title"]
        named = drawing.get("aria-label").strip() or any(t.text().strip() for t in titles)
        if drawing.get("role") != "img" or not named:
            faults.append(f'{drawing} has no role="img" with a text, and is not aria-hidden')
    for canvas in root.walk("canvas"):
        if not hidden(canvas) and not canvas.get("aria-label") and not canvas.text().strip():
            faults.append(f"{canvas} has no aria-label")
    return faults


def links(root: Element) -> list[str]:
    """A link says where it leads."""
    found = [a for a in root.walk("a") if "href" in a.attributes and not hidden(a)]
    vague = ("here", "click here", "this", "link", "this page")
    return [f"{a} has no text" for a in found if not name_of(a)] + [
        f"{a} says only {name_of(a)!r}" for a in found if name_of(a).lower() in vague
    ]


def buttons(root: Element) -> list[str]:
    """A button says what it does."""
    found = [b for b in root.walk("button", "summary") if not hidden(b)]
    return [f"{button} has no name" for button in found if not name_of(button)]


def fields(root: Element) -> list[str]:
    """A field has a label; the theme's own switches are `display: none`, worked by their labels."""
    labels = {label.get("for"): label for label in root.walk("label")}
    faults = []
    for element in root.walk("input", "select", "textarea"):
        kind = element.get("type")
        theme = element.classes() & {"md-toggle", "md-option"}
        if kind in ("hidden", "submit", "button", "reset") or theme or hidden(element):
            continue
        label = labels.get(element.get("id")) if element.get("id") else None
        label = label or next((e for e in element.ancestors() if e.tag == "label"), None)
        named = element.get("aria-label") or element.get("aria-labelledby") or element.get("title")
        if not named and not (label and name_of(label)):
            faults.append(f"{element} has no label")
    return faults


def tables(root: Element) -> list[str]:
    """A table has a head; tables that only number the lines of code have none."""
    return [
        f"{table} has no th: {table.text().split()[:5]}"
        for table in root.walk("table")
        if not any(True for _ in table.walk("th")) and "highlighttable" not in table.classes()
    ]


def frames(root: Element) -> list[str]:
    """A frame has a title."""
    return [f"{frame} has no title" for frame in root.walk("iframe") if not frame.get("title")]


def inside(element: Element, *tags: str) -> bool:
    """Whether one of the tags is around it."""
    return any(ancestor.tag in tags for ancestor in element.ancestors())


def hidden(element: Element) -> bool:
    """Whether screen readers are told to pass over it."""
    return any(
        e.get("aria-hidden") == "true" or "hidden" in e.attributes or e.tag == "template"
        for e in (element, *element.ancestors())
    )


def name_of(element: Element) -> str:
    """What a screen reader says: its label, or the texts in it, pictures' included."""
    if label := element.get("aria-label") or element.get("title"):
        return label.strip()
    texts = [element.text(), *(image.get("alt") for image in element.walk("img"))]
    texts += [svg.get("aria-label") for svg in element.walk("svg")]
    return " ".join(texts).strip().strip("#¶").strip()


def test_the_page_has_no_faults(site, page):
    faults = faults_of((site / page).read_text())
    assert not faults, "\n".join(faults)


GOOD = """<!doctype html><html lang="en"><head><title>t</title></head><body>
<h1 id="a">One</h1><h2>Two <a href="#a" title="Link to this">#</a></h2><h3>Three</h3><h2>Two</h2>
<figure><img src="a.png" alt="A slope"><svg role="img"><title>A bump</title></svg></figure>
<svg aria-hidden="true"><path d=""/></svg><a href="b/"><svg></svg> On</a>
<button aria-label="Clear"><svg></svg></button><canvas aria-label="Draw here"></canvas>
<label for="f">Rate</label><input id="f"><label>Digit <select></select></label>
<table><tr><th>x</th></tr></table></body></html>"""

PLANTED = {
    "<h4>Four</h4>": "h4 after h2",
    "<h1>Another</h1>": "2 h1",
    "<h3></h3>": "is empty",
    "<p id=a></p>": "stands 2 times",
    "<p aria-describedby=zz></p>": "no id 'zz'",
    "<img src=b.png>": "no alt",
    "<figure><img src=b.png alt=''></figure>": "empty alt",
    "<figure><svg></svg></figure>": "role",
    "<svg role=img></svg>": "role",
    "<svg aria-label=x></svg>": "role",
    "<canvas></canvas>": "aria-label",
    "<a href=c/></a>": "no text",
    "<a href=c/><img src=b.png alt=''></a>": "no text",
    "<a href=c/>here</a>": "says only",
    "<button><svg></svg></button>": "no name",
    "<details><summary></summary></details>": "no name",
    "<input>": "no label",
    "<label for=g></label><input id=g>": "no label",
    "<input type=range id=h>": "no label",
    "<textarea></textarea>": "no label",
    "<table><tr><td>x</td></tr></table>": "no th",
    "<iframe src=x></iframe>": "no title",
    "<meta name=viewport content='user-scalable=no'>": "enlarging",
}


def test_a_good_page_passes():
    assert faults_of(GOOD) == []


@pytest.mark.parametrize("html", PLANTED)
def test_a_planted_fault_is_found(html):
    (fault,) = faults_of(GOOD.replace("</body>", html + "</body>"))
    assert PLANTED[html] in fault


def test_a_bare_page_has_its_faults():
    assert set(faults_of("<html><body><p>x</p>")) == {
        "html has no lang",
        "the page has no title",
        "the page has 0 h1",
    }
