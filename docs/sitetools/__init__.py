"""What the pages of the site are made with: Markdown fences, equations, figures, errors."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
for folder in ("tests", "examples"):  # the table of all layers and ops; the example's own code
    sys.path.append(str(ROOT / folder))
