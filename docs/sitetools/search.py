"""The search, mended after the site is built: `python -m sitetools.search SITE`.

In the worker, sitetools/search_query.js and search_excerpt.js come first. The rest is about the
index.

Formulas become plain text, and only the beginnings of long listings are kept. Two fields count more
than a title and are never shown: `name` holds the name of an entry of the reference, and `keywords`
the other words that people search for. They are apart, since a match in a field of few words counts
more: `dense`, which has many other words, has to come before `gated_dense`.
Entries whose name is in others, as `adam` is in `adamax`, come before these.
"""

import html
import json
import re
import sys
from pathlib import Path
from typing import Any

from sitetools.plain_math import plain
from sitetools.search_words import WORDS

# TeX cannot be read in a result. A formula of several lines would fill one.
MATH = re.compile(r"<code>.*?</code>|\\\[(.*?)\\\]|\\\((.*?)\\\)", re.DOTALL)
LINE = 60
# The folded note of each equation, whose words are the same everywhere.
CHECKED = re.compile(r"✓\s*Checked:.*?The test is <code>[^<]*</code>\.</p>", re.DOTALL)
BEGINNING = [Path(__file__).with_name(f"search_{name}.js") for name in ("query", "excerpt")]
LISTING = re.compile(r"<pre.*?</pre>", re.DOTALL)
SHORT = 200  # letters of a listing that are kept: of a signature, of an example
SPACE = re.compile(r"\s*\n\s*|\s{2,}")
HIDDEN = {"boost": 20_000.0}  # the theme's worker reads any field; a title has 1000
TIMES = {
    "howto/own-layer/": 2,  # the search leaves out "own", so that "own layer" is "layer"
    "howto/fine-tuning/": 2,
    "howto/data/": 1.5,
    "howto/large-batches/#accumulate-gradients": 2.5,
    "errors/": 1.3,  # the page counts less than others, because it names every rule
    "reference/norms/#purenn.dropout": 1.4,
    "reference/composing/#purenn.Layer": 3.2,
    "reference/backpropagation/#purenn.value_and_grad": 3.4,  # a word of many keywords
    "reference/losses/#purenn.softmax_cross_entropy": 1.4,  # the usual one of the cross-entropies
    "reference/activations/#purenn.softmax": 1.5,  # which is in its name
}
# They have no name of their own here: "layer norm" asks for the layer, not for `LayerNormParams`.
CLASS = re.compile(r"#purenn\.\w+(?<!Train)(Params|State)$")
FIRST = 1.4  # times the score of a name that is in other names


def firsts(names: set[str]) -> set[str]:
    """Names that are in others: `adam` in `adamax`, `dense` in `gated_dense`.

    `dense` is a whole word of both, and `adam` begins both.
    """
    return {a for a in names for b in names - {a} if a.lower() in b.lower()}


def hidden(location: str) -> dict[str, str]:
    """What a place is searched by: the name of an entry, and its other words."""
    name = location.partition("#purenn.")[2]
    if name and CLASS.search(location):
        return {}
    last = name.rpartition(".")[2]  # of `training.history.History`
    fields = {"name": last, "keywords": WORDS.get(name or location, "")}
    return {field: words for field, words in fields.items() if words}


def shorter(text: str) -> str:
    """A section's text with formulas in plain text, and only the beginnings of its listings."""
    text = LISTING.sub(lambda match: beginning(match[0]), CHECKED.sub("", text))
    text = MATH.sub(in_plain_text, text)
    return SPACE.sub(lambda match: "\n" if "\n" in match[0] else " ", text).strip()


def in_plain_text(match: re.Match[str]) -> str:
    """A formula, or three dots for a long one on lines of its own; code as it is."""
    display, inline = match.groups()
    if match[0].startswith("<code>"):
        return match[0]
    text = plain(html.unescape(display or inline))
    return html.escape(text, quote=False) if inline or len(text) <= LINE else "…"


def beginning(listing: str) -> str:
    """The first lines of `<pre><code>…</code></pre>`."""
    code = re.sub(r"</?(pre|code)[^>]*>", "", listing)
    if len(code) > SHORT:
        code = code[:SHORT].rpartition("\n")[0] or code[:SHORT].rpartition(" ")[0]
    return f"<pre><code>{code}</code></pre>"


def mended(index: dict[str, Any]) -> dict[str, Any]:
    """The index with those changes."""
    places = {d["location"] for d in index["docs"]}
    names = {place.partition("#purenn.")[2] for place in places} - {""}
    unknown = WORDS.keys() - names - places
    if unknown:
        raise LookupError(f"search: {min(unknown)} is not in the index")
    first = firsts({name for name in names if not CLASS.search(f"#purenn.{name}")})
    docs = []
    for doc in index["docs"]:
        place = doc["location"]
        doc = doc | {"text": shorter(doc["text"])} | hidden(place)
        boost = doc.get("boost", 1)
        if place.partition("#purenn.")[2] in first:
            boost *= FIRST
        for folder, times in TIMES.items():
            boost *= times if matches(place, folder) else 1
        docs.append(doc | {"boost": boost})
    config = index["config"]
    fields = config["fields"] | {"name": HIDDEN, "keywords": HIDDEN}
    return index | {"config": config | {"fields": fields}, "docs": docs}


def matches(place: str, folder: str) -> bool:
    """Whether a place is in a folder, or the entry itself: not `Layer.forward`, which is below."""
    return place == folder if "#" in folder else place.startswith(folder)


def small(script: str) -> str:
    """A script without its comments and the spaces that its lines begin with."""
    return "".join(
        re.sub(r"(^|\s+)// .*", "", line).strip() + "\n" for line in script.splitlines()
    ).lstrip()


def write(site: Path) -> None:
    """Mend the index and the worker of a built site."""
    path = site / "search" / "search_index.json"
    index = json.loads(path.read_text())
    path.write_text(json.dumps(mended(index), ensure_ascii=False, separators=(",", ":")))
    (worker,) = (site / "assets" / "javascripts" / "workers").glob("search.*.js")
    first, code = "".join(small(path.read_text()) for path in BEGINNING), worker.read_text()
    worker.write_text(first + code.removeprefix(first))


if __name__ == "__main__":
    write(Path(sys.argv[1]))
