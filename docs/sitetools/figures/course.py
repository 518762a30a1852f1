"""The figure of course/index.md."""

from sitetools.figures.marks import FAINT, INK, box, line, svg, text

ROAD = (  # the parts of the course, and the pages of each in order
    ("One step", ("Hidden layer", "One neuron", "In purenn", "Graphs", "A layer")),
    ("Two ends", ("Activations", "Jacobians", "Losses")),
    ("The loop", ("Backpropagation", "Any depth", "Optimizers", "Initialization")),
    ("The craft", ("Regularization", "Batch norm", "Convolution", "All of MNIST")),
    ("Sequences", ("Language", "Attention", "A transformer", "Through time", "Batch size")),
)
COLUMNS, WIDTH, HEIGHT, GAP = 3, 150, 40, 10
HEAD, SPACE = 30, 18  # above the boxes of a part, and below them


def road() -> str:
    """The pages as numbered boxes, each part under its name."""
    parts = []
    whole = COLUMNS * WIDTH + (COLUMNS - 1) * GAP + 2
    top, number = 0, 0
    for i, (name, titles) in enumerate(ROAD):
        if i:
            parts.append(line(1, top, whole - 1, top, color=FAINT))
        parts.append(text(1, top + HEAD / 2 + 2, name, size=15, anchor="start"))
        for k, title in enumerate(titles):
            number += 1
            row, column = divmod(k, COLUMNS)
            x, y = 1 + column * (WIDTH + GAP), top + HEAD + row * (HEIGHT + GAP)
            parts.append(box(x, y, WIDTH, HEIGHT, color=FAINT, fill=INK, opacity=0.04, corner=6))
            parts.append(text(x + WIDTH / 2, y + HEIGHT / 2, f"{number}. {title}", size=14))
        rows = -(-len(titles) // COLUMNS)
        top += HEAD + rows * (HEIGHT + GAP) - GAP + SPACE
    return svg(whole, top - SPACE + 2, *parts)
