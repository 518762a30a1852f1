"""The foundations of purenn: `Layer`, `Op`, and the checks of their arguments."""
