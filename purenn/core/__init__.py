"""What every part of purenn is made of: `Layer`, `Op`, and the checks of their arguments."""
