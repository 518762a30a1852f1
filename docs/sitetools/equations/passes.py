"""Both passes of a layer out of the package, which the equations are compared with."""


def passes(layer, params, x, dy, state=()):
    """Return `y`, `dparams`, and `dx`."""
    y, _, cache = layer.forward(params, state, x)
    return y, *layer.backward(params, cache, dy)
