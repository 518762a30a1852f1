"""The whole site: python -m sitetools [SITE], by default into the folder `site`.

`mkdocs build --strict`, in as many processes as there are cores, then what is made from the built
pages: the notebooks, the programs of the how-to pages, the files to hand out and llms.txt.
"""

import sys
from pathlib import Path

from sitetools import ROOT, handouts, llms, notebooks, programs, search, share

# Not --quiet: it hides the warnings from --strict too.
MKDOCS = [sys.executable, "-m", "mkdocs", "build", "--strict"]


def main(arguments: list[str]) -> int:
    """Builds, and says what failed."""
    if len(arguments) > 1 or any(argument.startswith("-") for argument in arguments):
        print("python -m sitetools [SITE]: expected one folder, got", *arguments, file=sys.stderr)
        return 2
    site = Path(*arguments or [ROOT / "site"]).resolve()
    if status := share.build(MKDOCS, site):
        return status
    llms.write(site)
    search.write(site)
    written = notebooks.write(site)
    programs.write(site)
    pages = sum(1 for _ in site.rglob("*.html"))
    given = handouts.write(site)  # some of which are HTML, but no pages
    print(f"{site}: {pages} pages, {len(written)} notebooks, {len(given)} handouts, llms.txt")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
