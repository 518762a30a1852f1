"""The playground on a phone: what is folded, what stays in view, what a finger hits."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playground_tab import FINGERS, opened, read, settle
from tabs import Tabs
from visits import PHONE


@pytest.fixture
def phone(tabs: Tabs, server: str) -> Iterator[Any]:
    yield from opened(tabs, server, PHONE, **FINGERS)


def test_on_a_phone_a_thumbnail_stays_while_the_rest_moves(phone: Any) -> None:
    """With the stages, in one row; so the network and what is said of it are seen together."""
    box = "document.querySelector('{}').getBoundingClientRect()"
    net = phone.evaluate(box.format("#pg-net"))
    assert net["top"] < 540, "below the pad, the question, and the stages"
    assert not phone.is_visible("#pg-thumb")
    phone.evaluate("top => scrollTo({ top, behavior: 'instant' })", net["top"] - 120)
    phone.wait_for_selector("#pg-thumb")
    settle(phone)
    header = phone.evaluate(box.format(".md-header") + ".bottom")
    stage = phone.evaluate(box.format("#pg-scrubber"))
    assert header - 1 <= stage["top"] and stage["bottom"] < 0.17 * 844
    assert stage["bottom"] <= phone.evaluate(box.format("#pg-net") + ".top")
    assert phone.evaluate(box.format("#pg-words") + ".bottom") < 844
    assert phone.inner_text("#pg-thumb") == "7"
    dark = "data.filter((value, i) => i % 4 === 3 && value > 128).length"
    assert read(phone, "#pg-thumb canvas", dark) > 50
    phone.tap("#pg-thumb")
    settle(phone)
    assert header <= phone.evaluate(box.format("#pg-pad") + ".top") < header + 30
    assert phone.evaluate("document.elementFromPoint(60, 120).id") == "pg-pad"
    assert phone.get_attribute("#pg-thumb", "aria-expanded") == "true"
    phone.tap("#pg-thumb")
    settle(phone)
    assert phone.evaluate(box.format("#pg-pad") + ".bottom") < header


def test_on_a_phone_the_ten_labels_are_folded(phone: Any) -> None:
    assert not phone.is_visible("#pg-labels")
    assert phone.inner_text("#pg-no") == "No, it is a 9"
    phone.tap("#pg-no")
    phone.locator("#pg-labels span").nth(4).tap()
    settle(phone)
    assert phone.inner_text("#pg-no") == "No, it is a 4"
    assert "A2[4]" in phone.inner_text("#pg-formula")
    assert not phone.is_visible("#pg-labels")


def test_gradients_are_high_enough_for_a_finger(phone: Any) -> None:
    phone.evaluate("document.querySelector('#pg-details').open = true")
    settle(phone)
    figure = phone.locator("#pg-backward figure").filter(
        has=phone.locator("figcaption b", has_text=re.compile("^dW2$"))
    )
    assert figure.locator("canvas").bounding_box()["height"] >= 80
