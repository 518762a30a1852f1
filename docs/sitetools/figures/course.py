"""The figure of course/index.md."""

from sitetools.figures.marks import BLUE, FAINT, GREEN, INK, ORANGE, PURPLE, arrow, box, svg, text

ROAD = (  # the course's pages in order, and what each is about
    ("Hidden layer", BLUE),
    ("One neuron", BLUE),
    ("Graphs", BLUE),
    ("A layer", BLUE),
    ("Activations", GREEN),
    ("Losses", GREEN),
    ("Backpropagation", ORANGE),
    ("Any depth", ORANGE),
    ("Optimizers", ORANGE),
    ("Initialization", ORANGE),
    ("Regularization", PURPLE),
    ("Batch norm", PURPLE),
    ("Convolution", PURPLE),
    ("All of MNIST", PURPLE),
    ("Language", INK),
    ("Attention", INK),
    ("A transformer", INK),
    ("Through time", INK),
    ("Batch size", INK),
)
LEGEND = (
    (BLUE, "one step"),
    (GREEN, "two ends"),
    (ORANGE, "the loop"),
    (PURPLE, "the craft"),
    (INK, "sequences"),
)
COLUMNS, WIDTH, HEIGHT, GAP_X, GAP_Y = 3, 150, 44, 20, 26


def place(i: int) -> tuple[float, float]:
    """Left and top of a page's box: along a row, down, and back."""
    row, column = divmod(i, COLUMNS)
    if row % 2:
        column = COLUMNS - 1 - column
    return 6 + column * (WIDTH + GAP_X), 6 + row * (HEIGHT + GAP_Y)


def road() -> str:
    """The pages as boxes on one winding road."""
    parts = []
    for i in range(len(ROAD) - 1):
        (x1, y1), (x2, y2) = place(i), place(i + 1)
        if y1 == y2:
            way = 1 if x2 > x1 else -1
            start = x1 + WIDTH / 2 + way * WIDTH / 2
            middle = y1 + HEIGHT / 2
            parts.append(arrow(start, middle, start + way * GAP_X, middle))
        else:
            parts.append(arrow(x1 + WIDTH / 2, y1 + HEIGHT, x1 + WIDTH / 2, y2))
    for i, (title, colour) in enumerate(ROAD):
        x, y = place(i)
        parts.append(box(x, y, WIDTH, HEIGHT, colour=FAINT, fill=colour, opacity=0.2, corner=6))
        parts.append(text(x + WIDTH / 2, y + HEIGHT / 2, f"{i + 1}. {title}", size=15))
    rows = -(-len(ROAD) // COLUMNS)
    width = COLUMNS * WIDTH + (COLUMNS - 1) * GAP_X + 12
    bottom = 6 + rows * (HEIGHT + GAP_Y)
    for i, (colour, words) in enumerate(LEGEND):
        x = 6 + i * width / len(LEGEND)
        parts.append(box(x, bottom, 14, 14, colour=FAINT, fill=colour, opacity=0.35, corner=3))
        parts.append(text(x + 19, bottom + 7, words, anchor="start", size=14))
    return svg(width, bottom + 24, *parts)
