"""Wrong settings of the widgets graph, product and convolution: each is named in an error."""

from typing import Any

import pytest
from widgets_page import ALT, load, page_with

GRAPH = {"steps": ["L = x * x"], "values": {"x": 1}}
PRODUCT = {"x": [[1, 2]], "w": [[1], [2]]}
CONVOLUTION: dict[str, Any] = {}
WRONG = [
    ("graph", {"steps": []}, "`steps` is a list"),
    ("graph", {"steps": ["x + y"]}, "not of the form"),
    ("graph", {"steps": ["L = sin(x)"]}, "there is no function sin"),
    ("graph", {"steps": ["L = max(x)"]}, "max takes 2, got 1"),
    ("graph", {"steps": ["L = x ^ 3"]}, "the only power is ^2"),
    ("graph", {"steps": ["L = (x + 1"]}, "expected )"),
    ("graph", {"steps": ["L = x * w"]}, "no number for w"),
    ("graph", {"values": {"x": 1, "y": 2}}, "names y, which is not"),
    ("graph", {"steps": ["u = x + 1", "L = x * x"]}, "u is not used"),
    ("graph", {"seeds": {"x": 1, "L": 1}}, "x is used, so it has no seed"),
    ("graph", {"steps": ["L = x + 1", "L = x + 2"]}, "L is set after it was used, or twice"),
    ("graph", {"whole": ["M"]}, "`whole` names M"),
    ("graph", {"descend": {"leaves": ["L"], "rate": 1}}, "`descend` names L"),
    ("product", {"x": [1, 2]}, "`x` is a list of rows"),
    ("product", {"w": [[1, 2, 3]]}, "`w` is of shape (1, 3), not (2, 3)"),
    ("product", {"dz": [[1], [2]]}, "`dz` is of shape (2, 1), not (1, 1)"),
    ("product", {"b": [1, "2"]}, "`b` is of shape (1, 2), not (1, 1)"),
    ("product", {"x": [[1, "2"]]}, "`x` has an entry that is not a number"),
    ("product", {"product": "dq"}, "no product dq"),
    ("product", {"entry": [3, 0]}, "z has no entry [3,0]"),
    ("convolution", {"size": 9}, "`size` is one of 3, 4, 5, 6, 7, not 9"),
    ("convolution", {"stride": 3}, "`stride` is one of 1, 2, not 3"),
    ("convolution", {"padding": "VALID"}, "`padding` is one of 0, 1, SAME, not VALID"),
    ("convolution", {"mode": "db"}, "no mode db"),
    ("convolution", {"x": [[1, 2, 3]]}, "`x` is of shape (1, 3), not (1, 1)"),
    ("convolution", {"dz": [[1, 2], [3, 4]]}, "`dz` is of shape (2, 2), not (3, 3)"),
]
RIGHT = {"graph": GRAPH, "product": PRODUCT, "convolution": CONVOLUTION}


@pytest.fixture(scope="module")
def one_tab(browser: Any) -> Any:
    context = browser.new_context()
    yield context.new_page()
    context.close()


@pytest.mark.parametrize(
    ("name", "change", "message"), WRONG, ids=[f"{w[0]}: {w[2]}" for w in WRONG]
)
def test_wrong_settings_are_named(
    name: str, change: dict[str, Any], message: str, one_tab: Any, server: str, site: Any
) -> None:
    html = page_with(site, name, RIGHT[name] | change)
    with one_tab.expect_event("pageerror") as error:
        load(one_tab, server, html)
    assert message in str(error.value)
    assert one_tab.locator(".widget-body").inner_text() == ALT
    one_tab.unroute_all()
