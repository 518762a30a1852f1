"""Ctrl-C while a program is still importing. A script imports this before JAX, and is run by `run`.

When `import jax` loads jaxlib, its C++ calls Python, to import NumPy among other things. A
KeyboardInterrupt there is printed and forgotten, or crashes the process, then or at the first
array. Nothing can be lost yet, so until `run` the signal ends the process, without an exception.
"""

import signal
from collections.abc import Callable

BEFORE = signal.getsignal(signal.SIGINT)
if BEFORE is signal.default_int_handler:  # where SIGINT is ignored, it stays ignored
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def run(program: Callable[[], object]) -> None:
    """Run the program, with Ctrl-C as Python has it."""
    if BEFORE is signal.default_int_handler:
        signal.signal(signal.SIGINT, BEFORE)
    program()
