"""A warning that points to the line of the caller's code."""

import os
import sys
import warnings

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep


def warn(text: str) -> None:
    """Warn with a RuntimeWarning that names the line that called purenn.

    If a warning cannot be shown, for instance because the terminal was closed, nothing happens, so
    a warning never ends a run. If the user has turned warnings into errors, it is raised.
    """
    frame, level = sys._getframe(), 1
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame, level = frame.f_back, level + 1
    try:
        warnings.warn(text, RuntimeWarning, stacklevel=level)
    except Warning:
        raise
    except Exception:  # Python ignores a full disk here, but not a closed stream
        pass
