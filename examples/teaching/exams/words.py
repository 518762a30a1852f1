"""The questions of an exam that are answered in a sentence, and what the answer has to say."""

from typing import NamedTuple


class Worded(NamedTuple):
    """A question in words, its points, and what earns them."""

    title: str
    asks: str
    points: int
    answer: str
    session: int


WORDED = (
    Worded(
        "A sum without an axis",
        "A student writes <code>db = np.sum(dz)</code> in the output layer of a classifier with "
        "softmax and cross-entropy. What is its value, and what does the bias learn?",
        2,
        "0, because each row of `dZ` sums to 0 (1 point). The bias never moves (1 point). The "
        "right derivative is the sum over the examples, <code>axis=0</code>.",
        4,
    ),
    Worded(
        "A square layer",
        "The weights of a square layer are updated with <code>dz.T @ x</code> in place of "
        "<code>x.T @ dz</code>. Why is there no error message, and what is wrong?",
        2,
        "The shapes match, because the layer is square (1 point). It is the transpose: the weight "
        "from input i to neuron j gets the derivative of the weight from j to i (1 point).",
        4,
    ),
    Worded(
        "Each example twice",
        "The loss is a mean over the batch. The batch contains each example twice. What happens to "
        "`dW`, and what would it mean if `dW` doubled?",
        2,
        "It stays the same (1 point). If it doubled, the division by the number of examples would "
        "be missing (1 point).",
        5,
    ),
    Worded(
        "What is kept",
        "The forward pass goes through a layer, a ReLU, a second layer, and softmax with "
        "cross-entropy. Which of its values does the backward pass need, and what for?",
        3,
        "The inputs of both layers, `X` and `A1`, for `dW1` and `dW2` (1 point). `Z1` or its sign, "
        "for the mask of ReLU (1 point). The probabilities `A2`, with the labels, for `dZ2` "
        "(1 point). The weights `W2`, for `dA1`, are parameters.",
        6,
    ),
    Worded(
        "Starting at zero",
        "All weights and biases of a network with a hidden layer of ReLU units start at 0. Which "
        "parameters does the first step of gradient descent change, and why only those?",
        2,
        "Only the output bias (1 point). The hidden units give 0, so `dW2` is 0, and `W2` is 0, so "
        "nothing comes back to the first layer (1 point).",
        8,
    ),
    Worded(
        "Columns of dX",
        "In training, a batch normalization returns a `dX` whose columns do not sum to 0. Why "
        "should they, and what was probably forgotten?",
        2,
        "A number added to a whole column changes no output (1 point). The path through the mean "
        "was forgotten (1 point).",
        9,
    ),
)
