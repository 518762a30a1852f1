"""The built site that the tests look at, a server that serves it, and a browser.

mkdocs build --strict --site-dir DIR
pytest docs/tests --site DIR [--screenshots DIR]
"""

import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from shutil import which
from typing import Any
from urllib.parse import urlsplit

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # the helpers beside the tests

from html_page import pages_of, parse
from quickly import compile_quickly
from visits import Visit, visit

compile_quickly()

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript",
    ".css": "text/css",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".woff2": "font/woff2",
    ".xml": "text/xml",
    ".txt": "text/plain; charset=utf-8",
    ".md": "text/markdown; charset=utf-8",
    ".ipynb": "application/json",
    ".wasm": "application/wasm",
    "": "application/octet-stream",
}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--site", type=Path, help="the built site: what mkdocs build --site-dir made")
    parser.addoption("--screenshots", type=Path, help="write pictures of the main pages here")


def built_site(config: pytest.Config) -> Path:
    """The folder, or what is wrong with it."""
    site = config.getoption("--site")
    if site is None:
        raise pytest.UsageError("these tests need a built site: pytest docs/tests --site DIR")
    if not (site / "index.html").is_file():
        raise pytest.UsageError(f"--site {site}: there is no index.html")
    return site.resolve()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test of `page` or of `opened` runs for each page of the site."""
    for name in {"page", "opened"} & set(metafunc.fixturenames):
        site = metafunc.config.getoption("--site")
        pages = pages_of(site) if site else []
        # Without a site: one test, that fails with the reason, where none would pass unseen.
        metafunc.parametrize(name, pages or [""], indirect=True, scope="session")


@pytest.fixture(scope="session")
def site(request: pytest.FixtureRequest) -> Path:
    return built_site(request.config)


@pytest.fixture(scope="session")
def page(request: pytest.FixtureRequest, site: Path) -> str:
    return request.param


class Handler(SimpleHTTPRequestHandler):
    """Serves the site below a path and nothing beside it, as hosts of project sites do."""

    extensions_map = TYPES
    protocol_version = "HTTP/1.1"

    def __init__(self, *arguments: Any, prefix: str, **keywords: Any) -> None:
        self.prefix = prefix
        super().__init__(*arguments, **keywords)

    def send_head(self) -> Any:
        if not self.path.startswith(self.prefix):
            self.send_error(404, f"outside of {self.prefix}")
            return None
        return super().send_head()

    def translate_path(self, path: str) -> str:
        return super().translate_path("/" + path.removeprefix(self.prefix))

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


class Server(ThreadingHTTPServer):
    """A browser that goes away in the middle of an answer is not an error."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def prefix_of_404(site: Path) -> str:
    """A host shows 404.html at any address, so that its links begin with the site's path."""
    for link in parse((site / "404.html").read_text()).walk("link"):
        if link.get("href").startswith("/") and "/assets/" in link.get("href"):
            return link.get("href").split("assets/")[0]
    return "/"


def prefix_of(site: Path) -> str:
    """The path the site is made for; any path will do if it says none."""
    for link in parse((site / "index.html").read_text()).walk("link"):
        if link.get("rel") == "canonical" and urlsplit(link.get("href")).path.strip("/"):
            return urlsplit(link.get("href")).path.rstrip("/") + "/"
    return "/purenn/"


@contextmanager
def serve(site: Path, prefix: str) -> Iterator[str]:
    httpd = Server(("127.0.0.1", 0), partial(Handler, directory=str(site), prefix=prefix))
    thread = threading.Thread(target=httpd.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{httpd.server_port}{prefix}"
    httpd.shutdown()
    httpd.server_close()
    thread.join()


@pytest.fixture(scope="session")
def server(site: Path) -> Iterator[str]:
    """The address of the site, `http://127.0.0.1:PORT/purenn/`."""
    with serve(site, prefix_of(site)) as address:
        yield address


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium that finds no host but this one."""
    from playwright.sync_api import sync_playwright

    path = which("chromium")
    if path is None:
        raise pytest.UsageError("these tests need chromium in PATH (Debian: apt install chromium)")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=path,
            args=[
                "--no-sandbox",
                "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
            ],
        )
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def tab(browser: Any) -> Iterator[Any]:
    """One tab for the pages that are looked at one after the other."""
    context = browser.new_context()
    yield context.new_page()
    context.close()


@pytest.fixture(scope="session")
def opened(request: pytest.FixtureRequest, site: Path, server: str, tab: Any) -> Visit:
    """All that was measured of one page, opened once for all tests of it."""
    screenshots = request.config.getoption("--screenshots")
    if request.param == "404.html":  # the one page that cannot be moved with the site
        with serve(site, prefix_of_404(site)) as address:
            return visit(tab, address, request.param, screenshots)
    return visit(tab, server, request.param, screenshots)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """The figures that tests measured: `record_property("figure", text)`, and sums of counts."""
    counts: Counter[str] = Counter()
    for report in [
        r for kind in ("passed", "failed") for r in terminalreporter.stats.get(kind, [])
    ]:
        for name, value in report.user_properties:
            if name == "figure":
                terminalreporter.write_line(f"{report.nodeid.split('::')[-1]}: {value}")
            elif name.startswith("count of "):
                counts[name.removeprefix("count of ")] += value
    for name, count in counts.items():
        terminalreporter.write_line(f"{count} {name}")
