"""The line of links of each entry in the reference: derivation, measured error, extremes, source.

Where a name is derived is read from the pages: at the first equation whose id begins with it. Where
the others are explained is in the table `EXPLAINED`.
"""

import re
from functools import cache
from typing import NamedTuple

from sitetools.pages import PAGES, Fence, all_pages, parts, title_of

# Names without an equation of their own: a page, or the name whose place is theirs too.
EXPLAINED = {
    "BatchNormState": "batch_norm",
    "EpochRecord": "howto/training-loop.md",
    "Layer": "howto/own-layer.md",
    "Op": "howto/own-layer.md",
    "Optimizer": "course/optimizers.md",
    "Padded": "howto/sequences.md",
    "Progress": "howto/training-loop.md",
    "Tail": "howto/large-batches.md",
    "TrainState": "course/mnist.md",
    "accuracy": "course/mnist.md",
    "apply_updates": "course/optimizers.md",
    "as_dtype": "howto/mixed-precision.md",
    "by_hand": "course/depth.md",
    "chain": "course/optimizers.md",
    "check_gradients": "howto/own-layer.md",
    "clip_by_global_norm": "course/batch-size.md#clipping-by-the-global-norm",
    "compare": "teaching/grading.md",
    "core.notation.Notation": "howto/own-layer.md#its-line-in-summary",
    "evaluate": "course/mnist.md",
    "explain": "course/backpropagation.md",
    "fit": "course/mnist.md",
    "flatten": "course/convolution.md",
    "initializers.ones": "batch_norm",
    "initializers.sharded": "howto/devices-in-depth.md",
    "initializers.small_normal": "embedding",
    "initializers.zeros": "course/initialization.md",
    "inspect.explanation.Explanation": "course/backpropagation.md",
    "inspect.explanation.LayerExplanation": "course/backpropagation.md",
    "inspect.report.LeafReport": "howto/own-layer.md",
    "inspect.report.Report": "howto/own-layer.md",
    "load": "howto/checkpoints.md",
    "load_mnist": "course/mnist.md",
    "mixed_precision": "howto/mixed-precision.md",
    "mlp": "course/depth.md",
    "position_embedding": "embedding",
    "predict": "course/mnist.md",
    "read_idx": "course/mnist.md",
    "recompute": "howto/large-batches.md",
    "rescale": "course/mnist.md",
    "save": "howto/checkpoints.md",
    "serial": "course/depth.md",
    "stepwise": "howto/sequences.md",
    "summary": "howto/time.md",
    "train": "howto/training-loop.md",
    "train_step": "course/mnist.md",
    "training.history.History": "howto/training-loop.md",
    "training_run": "course/mnist.md",
    "value_and_grad": "course/backpropagation.md",
}


# Guides that an entry links to besides.
GUIDES = {
    "adamw": ("howto/optax.md",),
    "attention": ("howto/sequences.md",),
    "batch_norm": ("howto/batch-norm-state.md",),
    "check_gradients": ("teaching/grading.md",),
    "conv2d": ("howto/cnn.md",),
    "cosine_decay": ("howto/cnn.md",),
    "dropout": ("howto/dropout-keys.md",),
    "fit": ("howto/data.md", "howto/checkpoints.md", "howto/devices.md"),
    "gru": ("howto/sequences.md",),
    "lstm": ("howto/sequences.md",),
    "predict": ("howto/checkpoints.md",),
    "train": ("howto/data.md",),
    "training_run": ("howto/ensembles.md",),
}

HEADING = re.compile(r"^(#{1,3}) +(.+?)(?: *\{.*\})?$", re.MULTILINE)


class Place(NamedTuple):
    """A place on a page."""

    address: str  # "course/layer.md#eq-dense.dw"
    title: str  # of the page, and of its section


@cache
def equations() -> dict[str, Place]:
    """Where each equation is, in the order of the pages."""
    found = {}
    for path in all_pages():
        page, title, section = path.relative_to(PAGES).as_posix(), "", ""
        for part in parts(path.read_text()):
            if isinstance(part, Fence):
                if part.language == "equation":
                    name = part.options["id"]
                    found[name] = Place(f"{page}#eq-{name}", titled(title, section))
                continue
            for level, words in HEADING.findall(part.text):
                title, section = (words, "") if level == "#" else (title, words)
    return found


def titled(title: str, section: str) -> str:
    """`A layer › Backward`."""
    return f"{title} › {section}" if section else title


def derivation(name: str) -> Place:
    """Where a public name is derived or explained."""
    if name.endswith("Params"):  # those of `Conv2dParams` are derived where `conv2d` is
        name = re.sub(r"(?<!^)(?=[A-Z])", "_", name.removesuffix("Params")).lower()
    address = EXPLAINED.get(name, "")
    if address.endswith(".md") or "#" in address:
        return Place(address, title_of(PAGES / address.split("#")[0]))
    if address:
        return derivation(address)
    short = name.removeprefix("initializers.")
    for equation, place in equations().items():
        if equation == short or equation.startswith(f"{short}."):
            return place
    raise LookupError(f"reference: purenn.{name} has no equation, and no page in EXPLAINED")


def is_derived(name: str, place: Place) -> bool:
    """Whether a name's equations are derived at its place; those of optimizers define them."""
    its_own = name not in EXPLAINED and not name[0].isupper()  # a class has no equations
    return its_own and not place.address.startswith("course/optimizers.md")


@cache
def measured_names() -> frozenset[str]:
    """The names that the page of errors has a row for."""
    from sitetools.all_errors import names  # it imports JAX

    return names()


@cache
def extreme_names() -> dict[str, str]:
    """The heading on the page of extreme values that each name is below."""
    found: dict[str, str] = {}
    heading = ""
    for line in (PAGES / "extremes.md").read_text().splitlines():
        if line.startswith("## "):
            given = re.search(r"\{ #([\w-]+) \}", line)
            heading = given[1] if given else line[3:].lower().replace(" ", "-")
        elif line.startswith("| x |"):
            found |= dict.fromkeys(line[2:-2].split(" | ")[1:], heading)
        elif match := re.match(r"\| (\w+) \| (?:one|all) element", line):
            found[match[1]] = heading
    return found


def entry_links(name: str, path: str, line: int) -> str:
    """Markdown: the links of one entry, for a page in reference/."""
    place = derivation(name)
    word = "Derived" if is_derived(name, place) else "Explained"
    links = [f"{word} in [{place.title}](../{place.address})"]
    links += [f"[{title_of(PAGES / guide)}](../{guide})" for guide in GUIDES.get(name, ())]
    if name in measured_names():
        links.append(f"[measured error](../errors.md#{name})")
    if name in extreme_names():
        links.append(f"[extreme values](../extremes.md#{extreme_names()[name]})")
    links.append(f"source: [`{path}`, line {line}](source:{path}#L{line})")
    return " · ".join(links) + "\n{: .entry-links }"
