"""Small GPTs: the shapes of two programs that people know."""

from typing import NamedTuple


class Gpt(NamedTuple):
    """A network that predicts the next character.

    Embeddings of the token and of its position; `layers` blocks of causal attention and a hidden
    layer four times as wide, each after a norm and around it a residual connection; a linear layer
    to the logits. It has no biases but those of the layer norms, and shares no weights.

    Attributes:
        length: of a piece of text.
        micro: RMS norms, one before the blocks too and none after them, and relu; otherwise layer
            norms, the last one after the blocks, and gelu by tanh.
        rate: Adam's learning rate, and
        betas: its decay rates.
        decay: of the weights; 0 means plain Adam.
        text: the file in `examples/data/text`.
    """

    layers: int
    width: int
    heads: int
    length: int
    vocabulary: int
    text: str
    rate: float
    betas: tuple[float, float]
    decay: float = 0.0
    micro: bool = False

    def products(self, batch: int) -> list[tuple[int, int, int]]:
        """Of one forward pass, each as rows, what is summed over, columns; all scores count."""
        rows, t, w, d = batch * self.length, self.length, self.width, self.width // self.heads
        scores = [(rows * self.heads, d, t), (rows * self.heads, t, d)]
        block = [(rows, w, w)] * 4 + scores + [(rows, w, 4 * w), (rows, 4 * w, w)]
        return block * self.layers + [(rows, w, self.vocabulary)]


GPTS = {
    # What nanoGPT's readme has for a computer without a GPU, at a constant rate.
    "nanogpt": Gpt(4, 128, 4, 64, 65, "moby-dick.txt", 1e-3, (0.9, 0.99), decay=0.1),
    # Karpathy's microgpt of 200 lines; here the norms have gains.
    "microgpt": Gpt(1, 16, 4, 16, 27, "names.txt", 1e-2, (0.85, 0.99), micro=True),
}
