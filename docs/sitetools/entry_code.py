"""The code of each entry in the reference: the forward and the backward pass, folded.

A layer's are the functions `forward` and `backward` inside the function that makes it, and an op's
are the two functions that it is made of.
"""

from sitetools.sources import source_of, without_docstrings

LINES = 60  # of both together; longer code is left to the repository


def entry_code(module: str, names: list[str]) -> str:
    """Markdown: a folded block with these definitions, or nothing if they are not there or long."""
    try:
        found = [source_of(f"{module}:{name}") for name in names]
    except LookupError:
        return ""
    shown = "\n".join(without_docstrings(source.text) for source in found)
    if not found or len(shown.splitlines()) > LINES:
        return ""
    fence = "\n".join(f"    {module}:{name}" for name in names)
    return f'??? abstract "The code: forward and backward"\n\n    ```source\n{fence}\n    ```'
