"""`l2_penalty`: weight decay as a term of the loss."""

import jax
import jax.numpy as jnp
from jax import Array

from purenn.core import checks, scalars
from purenn.core.op import Op
from purenn.core.precision import in_dtype, wide
from purenn.core.types import Params, Scalar
from purenn.core.weights import are_weights


def l2_penalty(strength: Scalar) -> Op[[Params]]:
    r"""Create an L2 penalty on the weights: $L = \tfrac{\lambda}{2} \sum w^2$.

    $$dw = \lambda\, w\, dL$$

    Only weights are penalized. purenn's parameter classes declare which of their fields are
    weights, such as `w` of `DenseParams`, stacked or not; biases, gamma, and beta are not. In any
    other tree, such as a tuple or a dict of your own layer, every leaf with two or more axes counts
    as a weight. This includes a bias stacked by `repeat`, which has two axes. To prevent this, use
    a NamedTuple whose class names the weights: `weights = ("w",)`, or `()` for none.

    In texts that write $(\lambda / 2m) \sum W^2$, `strength` is λ/m. With `adam`, the gradient of
    this term is scaled like any other, so the penalty is not weight decay; use `adamw` for that.
    Squares overflow: in float32, the value is infinite for weights above about 1e19.

    Args:
        strength: $\lambda$, at least 0: a number or a traced scalar.

    Returns:
        An op that maps a pytree of parameters to a scalar. Pass it as `penalty` to `fit`, `train`,
        `train_step`, or `value_and_grad`.

    Raises:
        TypeError: if `strength` is not a number; or, when the op is called, the parameters are not
            floating-point arrays.
        ValueError: if `strength` is below 0.

    Examples:
        >>> import jax.numpy as jnp
        >>> import purenn as pn
        >>> params = pn.DenseParams(w=jnp.array([[3.0, 4.0]]), b=jnp.array([7.0, 7.0]))
        >>> print(pn.l2_penalty(0.1)(params))  # 0.05 (9 + 16), and nothing for b
        1.25
    """
    strength = scalars.number("l2_penalty", "strength", strength, least=0)
    name = f"l2_penalty({scalars.shown(strength)})"

    def forward(params: Params) -> tuple[Array, Params]:
        params = checks.float_tree(name, "params", params)
        pairs = zip(jax.tree.leaves(params), jax.tree.leaves(are_weights(params)), strict=True)
        weights = [wide(leaf) for leaf, is_weight in pairs if is_weight]
        total = jnp.asarray(sum((jnp.sum(w * w) for w in weights), start=0.0))
        return in_dtype(strength, total.dtype) / 2 * total, params

    def backward(params: Params, dy: Array) -> Params:
        def leaf(w: Array, is_weight: bool) -> Array:
            if not is_weight:
                return jnp.zeros_like(w)
            wide_w = wide(w)
            factor = in_dtype(strength, wide_w.dtype)
            return (factor * wide_w * dy.astype(wide_w.dtype)).astype(w.dtype)

        return jax.tree.map(leaf, params, are_weights(params))

    return Op(forward, backward, name=name, takes="tree")
