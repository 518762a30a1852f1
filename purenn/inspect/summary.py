"""`summary`: a table of the layers of a model."""

from purenn.core import checks, scalars
from purenn.core.adapt import as_layer
from purenn.core.types import ModelLike, Shape
from purenn.inspect.chain import Symbolist
from purenn.inspect.rows import Row, rows_of
from purenn.inspect.sizes import sized_chain
from purenn.inspect.table import table
from purenn.inspect.time_table import time_table
from purenn.inspect.timing import timing


def summary(model: ModelLike, in_shape: Shape, *, time: bool = False, batch_size: int = 128) -> str:
    """Summarize a model as a table: formula, output shape, parameters, and FLOPs of each layer.

    The layers inside a `residual`, `parallel`, or `recompute` are indented below it. The outer
    layer's line shows only what it adds to their numbers, so each column adds up to its total.
    Below a `repeat` is the first of its layers, and the line of the `repeat` accounts for the
    others. If you name a `serial`, as in `layer.replace(name="encoder")`, its parts show their
    path: `encoder / part 3: dense(10)`. A star marks plain functions, whose derivatives come from
    `jax.vjp`.

    FLOPs are the operations in one example's forward pass in evaluation, counted from the shapes:

    - `dense`: 2 · n_in · units for the weights (a product and a sum each), and units for the
      biases;
    - `conv2d`: the same at each position, 2 · kh · kw · c_in / groups · features + features,
      including padding; `conv1d` likewise; `conv2d_transpose`: 2 · kh · kw · features for each
      value of its input, and 1 for each bias that is added;
    - elementwise operations, `tanh` as well as `relu`: 1 for each output value;
    - `softmax`: 3 for each value; `batch_norm` and `rms_norm`: 4; `layer_norm` and `group_norm`: 7;
    - `gated_dense`: two dense layers and the activation, and 1 for each product; `embedding`: 0;
      `position_embedding`: 1 for each value; `tied_embedding`: 2 · features for each score, in
      addition to the layers inside;
    - `attention`: 2 for each weight and position, and 4 · head_features + 4 for each score of each
      head; `causal` has about half of the scores;
    - `gru` and `lstm`: for each step and unit, 2 · (features + units) for each gate, 1 for each
      bias, and 8 or 9 for the gates and the state;
    - `max_pool` and `avg_pool`: 1 for each cell of each window; `global_avg_pool`: 1 for each cell;
    - `flatten` and `dropout`: 0;
    - `residual`: 1 for each value of the sum, in addition to the layers inside; `parallel`: 1 for
      each sum or product, 0 for "concat"; `repeat`: all of its layers except for the first;
    - plain functions, and your own layers and ops: 1 for each output value, unless you set the
      number with `Layer(..., flops=...)`.

    The symbols are those of `explain`; the layers inside layer 1 have the numbers 1.1, 1.2, and so
    on. A symbol that standard output cannot encode is spelled out.

    With `time=True`, the layers are run. Instead of formulas and parameters, the table then shows
    how long each layer's forward and backward passes take in a training step.

    - Each layer is compiled separately and runs in a compiled loop, as in `fit`, on the output of
      the previous layer, with random parameters, examples (or tokens), and dy. The time is the
      median of five loops. Equal layers are measured only once. The loss and the optimizer are not
      measured.
    - A training step does not need the derivative with respect to the data. The first layer with
      parameters therefore skips dx, and the layers before it skip their backward passes; the table
      shows a dash for them. In a model without parameters, every layer computes its dx.
    - If a layer contains others, its line shows how much longer it takes than they do separately.
      This is 0 if XLA saves more time by fusing them than the layer adds. Each column therefore
      adds up to its total, and the share is a fraction of the total of both.
    - For GFLOP/s, the FLOPs of the forward pass are counted a second time for dx and a third time
      for the derivatives with respect to the parameters, as for a product, provided the step
      computes them. Operations that `recompute` repeats are not counted again.
    - The last line shows the time that the whole model's forward and backward passes take as one
      program. It may be less than the total, since XLA fuses consecutive layers.

    Args:
        model: a layer.
        in_shape: the shape of one example, without the batch axis.
        time: whether to measure the layers, on JAX's default device.
        batch_size: the number of examples in the batch for the measurement.

    Returns:
        The table as text, at most 100 columns wide; long names are shortened. Nothing is computed
        unless `time` is True.

    Raises:
        TypeError: if an argument has the wrong type; or `time` is True while JAX is tracing, as
            under `jit`, or for a model whose outputs are integers, which have no backward pass.
        ValueError: if `batch_size` is below 1.

    Examples:
        >>> import purenn as pn
        >>> print(pn.summary(pn.mlp((16,), 10), in_shape=(784,)))
        layer      formula          shape  params   FLOPs
        ─────────────────────────────────────────────────
        dense(16)  Z1 = X·W1 + b1   (16,)  12,560  25,104
        relu       A1 = relu(Z1)    (16,)       0      16
        dense(10)  Z2 = A1·W2 + b2  (10,)     170     330
        ─────────────────────────────────────────────────
        total                              12,730  25,450
    """
    model = as_layer("summary", "model", model)
    in_shape = checks.shape_tuple("summary", in_shape)
    checks.flag("summary", "time", time)
    batch_size = scalars.count("summary", "batch_size", batch_size)
    links = sized_chain(model, in_shape)
    rows = rows_of(links, Symbolist().name(links))
    if time:
        lines = time_table(rows, timing(model, links, batch_size), batch_size)
    else:
        lines = _size_table(rows)
    if any(row.name.endswith("*") for row in rows):
        lines.append("* not derived by hand: jax.vjp differentiates this part")
    return "\n".join(lines)


def _size_table(rows: list[Row]) -> list[str]:
    head = ("layer", "formula", "shape", "params", "FLOPs")
    cells = [
        (row.name, row.formula, str(row.shape), f"{row.params:,}", f"{row.flops:,}") for row in rows
    ]
    params, flops = sum(row.params for row in rows), sum(row.flops for row in rows)
    return table([head, *cells, ("total", "", "", f"{params:,}", f"{flops:,}")], formulas=True)
