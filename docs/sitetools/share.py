"""Builds the site in several processes: each runs the pages that no other has claimed yet.

Almost all of the time goes into the blocks of code, the figures, and the checks of the pages, one
after the other. Each process builds the whole site, but for the pages that another one has claimed
it makes a draft, for their headings and links alone, and does not write it. `build` puts together
what they have written. MkDocs calls the functions named `on_…` with `docs/share.yml`.
"""

import functools
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path
from typing import Any, ClassVar, TypeVar
from urllib.parse import quote

from sitetools import ROOT, draft

CLAIMS = "PURENN_SITE_CLAIMS"  # the folder of the claimed pages, an empty file for each
CONFIG = ROOT / "docs/share.yml"
INDEX = Path("search/search_index.json")
# Programs are compiled once for all processes, however small they are.
CACHED = {
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
}
T = TypeVar("T")
MOST = 4  # processes; each one makes the drafts and the reference again


def build(command: Sequence[str], site: Path, processes: int = 0, config: Path = CONFIG) -> int:
    """Run an `mkdocs build` in several processes at once, by default one per core.

    Args:
        command: the build, without a configuration and a folder.
        site: the folder for the site, which is replaced.
        processes: how many.
        config: a configuration with this file among its hooks.

    Returns:
        The exit status of the first one that fails, which ends the others, or 0.
    """
    processes = processes or min(os.cpu_count() or 1, MOST)
    with tempfile.TemporaryDirectory() as folder:
        claims = Path(folder, "claims")
        claims.mkdir()
        env = {**CACHED, "JAX_COMPILATION_CACHE_DIR": f"{folder}/programs"}
        env |= {**os.environ, CLAIMS: str(claims)}
        sites = [Path(folder, f"site-{number}") for number in range(processes)]
        running = [
            subprocess.Popen(
                [*command, "--config-file", str(config), "--site-dir", str(part)],
                cwd=ROOT,
                env=env,
            )
            for part in sites
        ]
        try:
            status = first_failure(running)
        finally:
            for process in running:
                process.kill()
                process.wait()
        if status == 0:
            put_together(sites, site)
    return status


def first_failure(running: Sequence["subprocess.Popen[bytes]"]) -> int:
    """Wait until all have ended well or one has not."""
    while True:
        statuses = [process.poll() for process in running]
        if failed := [status for status in statuses if status]:
            return failed[0]
        if None not in statuses:
            return 0
        time.sleep(0.2)


def put_together(parts: Sequence[Path], site: Path) -> None:
    """Copy all parts into one folder; the index for the search has the entries of all."""
    shutil.rmtree(site, ignore_errors=True)
    indexes = [json.loads((part / INDEX).read_text()) for part in parts]
    for part in parts:
        shutil.copytree(part, site, dirs_exist_ok=True)
    entries = [entry for index in indexes for entry in index["docs"]]
    merged = {**indexes[0], "docs": sorted(entries, key=lambda entry: entry["location"])}
    (site / INDEX).write_text(json.dumps(merged, separators=(",", ":")))


def once(name: str, compute: Callable[[], T]) -> T:
    """Compute what several pages show; the processes of one build share it.

    Args:
        name: what it is.
        compute: a function of nothing whose result JSON can hold.
    """
    if CLAIMS not in os.environ:
        return compute()
    path = Path(os.environ[CLAIMS], f"{quote(name, safe='')}.json")
    if path.exists():
        return json.loads(path.read_text())
    result = compute()
    whole = path.with_suffix(f".{os.getpid()}")  # another process never reads a part of it
    whole.write_text(json.dumps(result))
    whole.replace(path)
    return result


class Pages:
    """The pages that this process has claimed, and the one that it is at."""

    claimed: ClassVar[set[str]] = set()
    at: ClassVar[str] = ""


def on_config(config: Any) -> None:
    """Leave out what computes something, and the reference's text, on pages of other processes."""
    if CLAIMS not in os.environ:
        raise SystemExit("docs/share.yml: expected to be built by python -m sitetools")
    for fence in config.mdx_configs["pymdownx.superfences"]["custom_fences"]:
        if fence["name"] in draft.DRAFTS:
            # Links lead to equations, too.
            other = draft.equation if fence["name"] == "equation" else nothing
            fence["format"] = own_or_other(fence["format"], other)
    handler = config.plugins["mkdocstrings"].get_handler("python")
    handler.render = own_or_other(handler.render, functools.partial(heading_alone, handler))


def own_or_other(own: Any, other: Any) -> Any:
    """Choose by whose page it is."""

    @functools.wraps(own)  # whose signature mkdocstrings looks at
    def format_part(*arguments: Any, **keywords: Any) -> Any:
        formatter = own if Pages.at in Pages.claimed else other
        return formatter(*arguments, **keywords)

    return format_part


def nothing(*_: Any, **__: Any) -> str:
    """Stand in for a fence that no link leads to."""
    return ""


def heading_alone(handler: Any, data: Any, options: Any, locale: str | None = None) -> str:
    """Make an entry of the reference without its text; mkdocstrings registers its names."""
    return str(handler.do_heading(escape(data.name), options.heading_level, id=data.path))


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Claim the page, unless another process has; then it is not searched here."""
    Pages.at = page.file.src_uri
    name = Pages.at.replace("/", "--")
    try:
        Path(os.environ[CLAIMS], name).touch(exist_ok=False)
        Pages.claimed.add(Pages.at)
    except FileExistsError:
        page.meta["search"] = {"exclude": True}
    return markdown


def on_post_page(output: str, page: Any, **_: Any) -> str:
    """Write only the pages of this process: an empty one is not written."""
    return output if page.file.src_uri in Pages.claimed else ""
