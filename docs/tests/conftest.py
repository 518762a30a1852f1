"""The built site that the tests look at, a server that serves it, and a browser.

mkdocs build --strict --site-dir DIR
pytest docs/tests --site DIR [--screenshots DIR]
"""

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from shutil import which
from typing import Any
from urllib.parse import urlsplit

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # the helpers beside the tests

from html_page import pages_of, parse
from quickly import compile_quickly
from served import serve
from tabs import Tabs
from visits import Visit, visit

compile_quickly()


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


@pytest.fixture(scope="session")
def server(site: Path) -> Iterator[str]:
    """The address of the site, `http://127.0.0.1:PORT/purenn/`."""
    with serve(site, prefix_of(site)) as address:
        yield address


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium that finds no host but this one."""
    from playwright.sync_api import sync_playwright

    # The first lacks the windows of a desktop, and is about twice as fast.
    path = which("chromium-headless-shell") or which("chromium")
    if path is None:
        raise pytest.UsageError(
            "these tests need chromium-headless-shell or chromium in PATH"
            " (Debian: apt install chromium-headless-shell)"
        )
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
def tabs(browser: Any, server: str) -> Tabs:
    """Tabs for one test after the other."""
    return Tabs(browser, server)


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
