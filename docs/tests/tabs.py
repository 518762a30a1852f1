"""Tabs that stay from test to test: to Chromium, a new one is more work than most pages."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

PATIENCE = 60_000  # ms until what does not come has failed; a busy machine is no fault


class Tabs:
    """Lends tabs, each as good as new: nothing open, stored or routed.

    The pointer needs no care: a page that has just been opened has nothing under it.
    """

    def __init__(self, browser: Any, server: str) -> None:
        self.browser, self.origin = browser, server[: server.index("/", len("http://"))]
        self.idle: dict[tuple[Any, ...], list[Any]] = {}

    @contextmanager
    def lent(self, viewport: dict[str, int], **kind: Any) -> Iterator[Any]:
        """A tab until the block ends; `kind` says what a context can be told, as has_touch."""
        idle = self.idle.setdefault(tuple(sorted(kind.items())), [])
        tab = idle.pop() if idle else self.browser.new_context(**kind).new_page()
        tab.set_default_timeout(PATIENCE)
        tab.set_viewport_size(viewport)
        try:
            yield tab
            tab.unroute_all(behavior="ignoreErrors")
            tab.evaluate("try { sessionStorage.clear() } catch {}")
            tab.goto("about:blank")
            self.forget(tab)
        except BaseException:
            tab.context.close()
            raise
        idle.append(tab)

    def forget(self, tab: Any) -> None:
        """Storage is emptied, and media are those of a new tab."""
        client = tab.context.new_cdp_session(tab)
        asked = {"origin": self.origin, "storageTypes": "cookies,local_storage"}
        client.send("Storage.clearDataForOrigin", asked)
        client.detach()
        tab.emulate_media(media="null", color_scheme="null")


def painted(tab: Any) -> None:
    """Two frames: what was asked for before the first has been painted."""
    tab.evaluate(
        "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
    )


def planted(tab: Any, file: str, right: str, wrong: str) -> None:
    """From now on the tab gets a script of the site with a mistake in it."""

    def plant(route: Any) -> None:
        response = route.fetch()
        assert response.text().count(right) == 1
        headers = response.headers | {"cache-control": "no-store"}  # or the next test gets it too
        body = response.text().replace(right, wrong)
        route.fulfill(response=response, headers=headers, body=body)

    tab.route(f"**/{file}", plant)


@contextmanager
def quiet(tab: Any) -> Iterator[None]:
    """Until the block ends, the page may not write to the console, fail, or miss a file."""
    faults: list[str] = []
    listeners = {
        "console": lambda message: faults.append(f"{message.type}: {message.text}"),
        "pageerror": lambda error: faults.append(f"error: {error}"),
        "requestfailed": lambda request: faults.append(f"failed: {request.url}"),
    }
    for event, listener in listeners.items():
        tab.on(event, listener)
    try:
        yield
        tab.evaluate("0")  # an answer comes after all that was said before it
    finally:
        for event, listener in listeners.items():
            tab.remove_listener(event, listener)
    assert not faults, "\n".join(faults)
