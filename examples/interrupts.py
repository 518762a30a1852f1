"""Ctrl-C while a program is still importing: a script imports this before JAX, and calls `run`.

When `import jax` loads jaxlib, its C++ code calls Python, for example to import NumPy. A
KeyboardInterrupt there is printed and forgotten, or crashes the process, at once or at the first
array. Nothing can be lost yet: until `run` is called, Ctrl-C ends the process without an exception.
"""

import signal
from collections.abc import Callable

BEFORE = signal.getsignal(signal.SIGINT)
if BEFORE is signal.default_int_handler:  # where SIGINT is ignored, it stays ignored
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def run(program: Callable[[], object]) -> None:
    """Run the program, with Python's usual handling of Ctrl-C."""
    if BEFORE is signal.default_int_handler:
        signal.signal(signal.SIGINT, BEFORE)
    program()
