"""On a phone a table may become cards: a cell's label is its column's heading, with formulas."""

import html
import re

from tabs import PATIENCE
from visits import DESKTOP, PHONE, settle

# Of each table with a formula in its headings: the headings' words and formulas, the labels that a
# reader sees in its cells by column, and what is wrong with how these look.
LABELS = r"""() => {
    const words = (node) => {
        const copy = node.cloneNode(true);
        for (const formula of copy.querySelectorAll(".katex")) {
            formula.replaceWith(`\\(${formula.querySelector("annotation").textContent}\\)`);
        }
        return copy.textContent.replace(/\s+/g, " ").trim();
    };
    const seen = (cell) => {
        const { content: made, display } = getComputedStyle(cell, "::before");
        const label = cell.querySelector(":scope > .label");
        const shown = label?.checkVisibility() ? words(label) : "";
        return shown + (display === "none" || made === "none" ? "" : JSON.parse(made));
    };
    const tables = [...document.querySelectorAll(".md-typeset table:has(th .arithmatex)")];
    return tables.map((table) => {
        const cells = [...table.tBodies[0].rows].flatMap((row) => [...row.cells].slice(1))
            .filter((cell) => cell.hasChildNodes() && cell.checkVisibility());
        const labels = [...table.querySelectorAll("td > .label")];
        return {
            cards: table.classList.contains("cards"),
            brief: table.classList.contains("brief"),
            headings: [...table.tHead.rows[0].cells].map(words),
            labels: cells.map((cell) => [cell.cellIndex, seen(cell)]),
            wide: labels.filter((e) => e.scrollWidth > e.clientWidth).map(words),
            large: labels.filter((e) => e.offsetHeight > 6 * 20).map(words),
        };
    });
}"""


def headings_of(page):
    """The headings of each table that has a formula in them, as the page's file has them."""
    heads = re.findall(r"<thead>(.*?)</thead>", page.read_text(), re.DOTALL)
    found = [re.findall(r"<th\b[^>]*>(.*?)</th>", head, re.DOTALL) for head in heads]
    plain = [[html.unescape(re.sub("<[^>]+>", "", cell)).strip() for cell in row] for row in found]
    return [row for row in plain if any("\\(" in cell for cell in row)]


def test_the_labels_of_cards_keep_their_formulas(tabs, server, site):
    pages = {page: headings_of(page) for page in sorted(site.rglob("*.html"))}
    pages = {page: headings for page, headings in pages.items() if headings}
    commands, cards = set(), 0
    with tabs.lent(PHONE) as tab:
        for page, headings in pages.items():
            tab.goto(server + str(page.relative_to(site)), wait_until="load")
            settle(tab)
            tables = tab.evaluate(LABELS)
            assert [table["headings"] for table in tables] == headings, page
            for table in tables:
                cards += table["cards"]
                hidden = {1} if table["brief"] else set()
                wanted = [
                    "" if not table["cards"] or i in hidden else table["headings"][i]
                    for i, _ in table["labels"]
                ]
                assert [label for _, label in table["labels"]] == wanted, page
                assert not table["wide"] and not table["large"], page
                if table["cards"]:
                    commands |= set(re.findall(r"\\[a-z]+", " ".join(wanted)))
    assert cards >= 3
    assert {"\\ln", "\\top"} <= commands  # what had been lost


def test_a_wider_screen_has_no_labels(tabs, server):
    with tabs.lent(PHONE) as tab:
        tab.goto(server + "course/losses/", wait_until="load")
        settle(tab)
        label = ".md-typeset td > .label"
        tab.wait_for_selector(label, state="attached", timeout=PATIENCE)
        tab.set_viewport_size(DESKTOP)
        tab.wait_for_function(f"!document.querySelector({label!r})", timeout=PATIENCE)
