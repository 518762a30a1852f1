"""The displayed equations that the package implements, each with its check.

A page has one module or several. Importing this package registers them all.
"""

import importlib
import pkgutil

from sitetools.equations.registry import EQUATIONS, Equation, worst

__all__ = ["EQUATIONS", "Equation", "worst"]

for _module in sorted(module.name for module in pkgutil.iter_modules(__path__)):
    importlib.import_module(f"{__name__}.{_module}")
