"""Every link leads somewhere, and the site needs nothing that is not in it."""

import json
import posixpath
import re
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from html_page import Element, address_of, pages_of, parse

# Hosts that a page may send its reader to.
HOSTS = (
    "arxiv.org",
    "cdn.openai.com",
    "docs.jax.dev",
    "doi.org",
    "github.com",
    "jmlr.org",
    "optax.readthedocs.io",
    "proceedings.mlr.press",
    "squidfunk.github.io",
    "www.cs.toronto.edu",
)
# Relations of <link> that only name an address; what the others name, the browser fetches.
NAMING = {"canonical", "alternate", "license", "author", "next", "prev", "edit"}


def links_of(root: Element) -> list[tuple[Element, str]]:
    """Addresses that the page sends its reader to."""
    return [(a, a.get("href")) for a in root.walk("a", "area") if "href" in a.attributes]


def fetched_by(root: Element) -> list[tuple[Element, str]]:
    """Addresses that the browser fetches for the page."""
    found = []
    for element in root.walk():
        found += [(element, url) for n in ("src", "poster", "data") if (url := element.get(n))]
        for candidate in filter(str.strip, element.get("srcset").split(",")):
            found.append((element, candidate.split()[0]))
        if element.tag == "link" and not set(element.get("rel").split()) <= NAMING:
            found.append((element, element.get("href")))
        if element.tag in ("use", "image"):
            found.append((element, element.get("href") or element.get("xlink:href")))
        found += [(element, url) for url in addresses_in_css(element.get("style"))]
        if element.tag == "style":
            css = "".join(child for child in element.children if isinstance(child, str))
            found += [(element, url) for url in addresses_in_css(css)]
    return found


def addresses_in_css(css: str) -> list[str]:
    """What `url(…)` and `@import "…"` name."""
    named = re.findall(r"url\(\s*(?:\"([^\"]*)\"|'([^']*)'|([^\"')]*))\s*\)", css)
    imported = re.findall(r"@import\s+[\"']([^\"']+)", css)
    return ["".join(groups).strip() for groups in named] + imported


@cache
def ids_of(file: Path) -> frozenset[str]:
    """Where a fragment can point to in a page."""
    root = parse(file.read_text())
    anchors = {a.get("name") for a in root.walk("a") if a.get("name")}
    return frozenset(anchors | {e.get("id") for e in root.walk() if e.get("id")})


def fault_of_address(site: Path, page: str, address: str) -> str | None:
    """Why an address on the page leads to no file or place of the site, or nothing."""
    parts = urlsplit(address)
    if parts.scheme or parts.netloc:
        return "is not of this site"
    path = unquote(parts.path)
    if path.startswith("/"):
        if page != "404.html":  # it is shown at any address
            return "begins with /, so that the site could not lie below another path"
        path = path.removeprefix(urlsplit(address_of_site(site)).path or "/").lstrip("/")
    if path:
        path = posixpath.normpath(posixpath.join(posixpath.dirname(page), path)) + (
            "/" if path.split("/")[-1] in ("", ".", "..") else ""
        )
    else:
        path = page
    if path.startswith("../"):
        return "leaves the site"
    file = site / (path.removeprefix("./") + "index.html" if path.endswith("/") else path)
    if not file.is_file():
        return "leads to no file"
    fragment = unquote(parts.fragment)
    if fragment and file.suffix == ".html" and fragment not in ids_of(file):
        return f"there is no #{fragment} on that page"
    return None


def faults_of(site: Path, page: str, html: str) -> list[str]:
    """The links of a page that lead nowhere, and what it would fetch from elsewhere."""
    root = parse(html)
    faults = []
    for element, address in links_of(root):
        parts = urlsplit(address)
        if parts.scheme or parts.netloc:
            if parts.scheme != "https" or parts.hostname not in HOSTS:
                faults.append(f"{element} {address}: not https, or its host is not in HOSTS")
        elif fault := fault_of_address(site, page, address):
            faults.append(f"{element} {address}: {fault}")
    for element, address in fetched_by(root):
        if address.startswith("data:"):
            continue
        if fault := fault_of_address(site, page, address):
            faults.append(f"{element} {address}: {fault}")
    return faults


def faults_of_css(site: Path, file: Path) -> list[str]:
    """The same for a stylesheet."""
    name = file.relative_to(site).as_posix()
    faults = []
    for address in addresses_in_css(file.read_text()):
        fault = fault_of_address(site, name, address)
        if fault and not address.startswith(("data:", "#")):
            faults.append(f"{name}: {address}: {fault}")
    return faults


def faults_of_llms(site: Path, text: str) -> list[str]:
    """Links of llms.txt that lead nowhere, and pages that it leaves out."""
    base = address_of_site(site)
    faults, named = [], set()
    for address in re.findall(r"\]\(([^)\s]+)\)", text):
        local = address.removeprefix(base) if base else address
        if fault := fault_of_address(site, "index.html", local or "./"):
            faults.append(f"{address}: {fault}")
        path = urlsplit(local).path.removesuffix("index.html")
        if path.endswith(".md"):  # the page's Markdown, beside its folder
            path = path.removesuffix(".md").removesuffix("index")
        named.add(posixpath.normpath(path or "."))
    for page in pages_of(site):
        if page != "404.html" and posixpath.normpath(address_of(page) or ".") not in named:
            faults.append(f"{page} is not in llms.txt")
    return faults


@cache
def address_of_site(site: Path) -> str:
    """What the pages name as their own address, if they name one."""
    for link in parse((site / "index.html").read_text()).walk("link"):
        if link.get("rel") == "canonical":
            return link.get("href")
    return ""


def test_every_link_of_the_page_leads_somewhere(site, page):
    faults = faults_of(site, page, (site / page).read_text())
    assert not faults, "\n".join(faults)


def test_the_page_names_itself_and_its_neighbours_only(site, page):
    """`<link rel=canonical>` and its like."""
    base = address_of_site(site)
    for link in parse((site / page).read_text()).walk("link"):
        if set(link.get("rel").split()) <= NAMING:
            address = link.get("href")
            if base and address.startswith(base):
                fault = fault_of_address(site, "index.html", address.removeprefix(base) or "./")
            else:
                fault = fault_of_address(site, page, address)
            assert fault is None, f"{link} {address}: {fault}"


def test_stylesheets_fetch_from_the_site_only(site):
    files = sorted(site.rglob("*.css"))
    assert files
    faults = [fault for file in files for fault in faults_of_css(site, file)]
    assert not faults, "\n".join(faults)


def test_what_search_finds_is_there(site):
    index = json.loads((site / "search/search_index.json").read_text())
    places = {entry["location"] for entry in index["docs"]}
    assert places
    faults = [p for p in places if fault_of_address(site, "index.html", p or "./")]
    assert not faults, faults


def test_the_sitemap_names_pages_of_the_site(site):
    base = address_of_site(site)
    file = site / "sitemap.xml"
    places = re.findall(r"<loc>(.*?)</loc>", file.read_text()) if file.exists() else []
    assert bool(places) == bool(base), "with an address of the site there is a sitemap"
    for place in places:
        assert place.startswith(base)
        assert fault_of_address(site, "index.html", place.removeprefix(base) or "./") is None


def test_llms_txt_names_every_page(site):
    file = site / "llms.txt"
    assert file.is_file(), "there is no llms.txt"
    faults = faults_of_llms(site, file.read_text())
    assert not faults, "\n".join(faults)


@pytest.fixture
def small(tmp_path):
    """A site of two pages and a stylesheet."""
    (tmp_path / "course").mkdir()
    (tmp_path / "index.html").write_text("<h1 id=top>x</h1>")
    (tmp_path / "course/index.html").write_text("<h2 id='a b'>y</h2><a name=old></a>")
    (tmp_path / "site.css").write_text("")
    return tmp_path


GOOD = [
    "<a href=#top></a><a href='..'></a><a href=../../></a>",
    "<a href='../../course/#a%20b'></a><a href=../#old></a><a href='../index.html'></a>",
    "<a href=https://docs.jax.dev/abs/1></a><link rel=stylesheet href=../../site.css>",
    "<img src='data:image/png;base64,x'><p style='background: url(../../site.css)'>",
]
BAD = {
    "<a href=../no/></a>": "leads to no file",
    "<a href=../../course></a>": "leads to no file",
    "<a href=../../../x/></a>": "leaves the site",
    "<a href=/course/></a>": "begins with /",
    "<a href=../#none></a>": "there is no #none",
    "<a href=https://a.example/></a>": "not https",
    "<a href=http://docs.jax.dev/></a>": "not https",
    "<a href='javascript:f()'></a>": "not https",
    "<a href=//docs.jax.dev/></a>": "not https",
    "<script src=https://cdn.example/a.js></script>": "not of this site",
    "<script src=//cdn.example/a.js></script>": "not of this site",
    "<link rel=stylesheet href=https://fonts.example/a.css>": "not of this site",
    "<link rel=preconnect href=https://fonts.example>": "not of this site",
    "<img srcset='../../site.css 1x, ../b.png 2x'>": "leads to no file",
    "<p style='background: url(https://a.example/b.png)'>": "not of this site",
    "<style>@import 'https://a.example/b.css'</style>": "not of this site",
    '<style>@font-face { src: url("f.woff2") }</style>': "leads to no file",
    "<svg><use href=no.svg#a></use></svg>": "leads to no file",
}


def test_good_links_pass(small):
    assert faults_of(small, "course/dense/index.html", f"<h1 id=top>{''.join(GOOD[1:])}") == []
    (small / "course/dense").mkdir()
    (small / "course/dense/index.html").write_text("<h1 id=top>")
    assert faults_of(small, "course/dense/index.html", GOOD[0]) == []


@pytest.mark.parametrize("html", BAD)
def test_a_planted_link_is_found(small, html):
    (fault,) = faults_of(small, "course/dense/index.html", html)
    assert BAD[html] in fault


def test_planted_faults_of_css_and_llms_are_found(small):
    (small / "site.css").write_text("@font-face { src: url(https://f.example/a.woff2) }")
    assert "not of this site" in faults_of_css(small, small / "site.css")[0]
    good = "- [Home](./)\n- [Course](course/index.html)\n"
    assert faults_of_llms(small, good) == []
    (small / "index.md").write_text("# x")
    (small / "course.md").write_text("# y")
    assert faults_of_llms(small, "- [Home](index.md)\n- [Course](course.md)\n") == []
    assert "course/index.html is not" in faults_of_llms(small, "[Home](index.html)")[0]
    assert "leads to no file" in faults_of_llms(small, good + "[x](no/)")[0]
