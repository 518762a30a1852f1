"""Wrong calls, as a new user makes them, and the words that each of them gets.

Every message is there in full, as a traceback ends with it: it names the layer or argument, what
was expected and what came. An error from inside a `serial` says where in the model, a line below.
"""

import functools
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import PartitionSpec as P
from table import bad_examples

import purenn as pn

KEY = jax.random.key(0)
X = jnp.ones((4, 3))
WHOLE = jnp.ones((4, 3), jnp.int32)
HALF = jnp.ones((4, 3), jnp.bfloat16)
LABELS = np.array([0, 1, 1, 0], np.int32)
IMAGES = jnp.ones((5, 4, 2, 3))
ROWS = jnp.full((4, 2), 0.5)
COLUMN = jnp.full((4, 1), 0.5)

DENSE, DROPOUT, NORM = pn.dense(2), pn.dropout(0.5), pn.batch_norm()
POOL = pn.max_pool((3, 2))
CONV = pn.conv2d(2)
KERNELS, _ = CONV.init(KEY, (4, 2, 3))
WB, _ = DENSE.init(KEY, (3,))
Y, _, CACHE = DENSE.forward(WB, (), X)
RELU_CACHE = pn.relu.forward(X)[1]
GAMMA_BETA, MEAN_VAR = NORM.init(KEY, (3,))
ROW_NORM = pn.layer_norm()
ROW_SCALE, _ = ROW_NORM.init(KEY, (3,))

MODEL = pn.serial(pn.dense(5), pn.relu, DENSE)
PARAMS, STATE = MODEL.init(KEY, (3,))
GRADS = jax.tree.map(jnp.ones_like, PARAMS)
LOSS, ADAM = pn.softmax_cross_entropy, pn.adam(1e-3)
TRAIN_STATE = pn.TrainState.create(MODEL, ADAM, KEY, (3,))
STEP = pn.train_step(MODEL, LOSS, ADAM)
BACKPROPAGATE = pn.value_and_grad(MODEL, LOSS)
EXPLAIN = partial(pn.explain, MODEL, LOSS)
RUN = partial(pn.training_run, MODEL, LOSS, ADAM, epochs=1)
FIT = partial(pn.fit, MODEL, LOSS, ADAM, epochs=1, key=KEY, progress=False)
EVALUATE = partial(pn.evaluate, MODEL, LOSS)
MESH = jax.make_mesh((2,), ("data",), devices=jax.devices()[:2])


class Frame:
    """What pandas, polars and xarray have."""

    shape = (4, 3)
    dtype = np.dtype(float)

    def to_numpy(self):
        raise AssertionError("the user decides")

    __array__ = to_numpy


class Sparse:
    """What SciPy's sparse matrices have."""

    shape = (4, 3)
    dtype = np.dtype(float)

    def toarray(self):
        raise AssertionError("the user decides")


class Tensor:
    """What PyTorch's tensors have."""

    shape = (4, 3)

    def detach(self):
        raise AssertionError("the user decides")

    __array__ = __dlpack__ = detach


for foreign, library in ((Frame, "pandas"), (Sparse, "scipy.sparse._csr"), (Tensor, "torch")):
    foreign.__module__ = library


def on_mesh(*axes):
    w_init = pn.initializers.sharded(pn.initializers.zeros, P(*axes))
    with jax.set_mesh(MESH):
        return pn.dense(3, w_init=w_init).init(KEY, (4,))


def train(layer, params, state=(), x=X):
    return layer.forward(params, state, x, train=True)


def mine(
    init=lambda key, in_shape: ((), ()),
    forward=lambda params, state, x, *, train=False, key=None: (x, state, x),
    backward=lambda params, cache, dy: ((), dy),
):
    """A user's own layer."""
    return pn.Layer(init, forward, backward, name="mine")


def asks_for_more(grads, opt_state, params=None, *, value):
    return grads, opt_state


class Wrong(NamedTuple):
    name: str  # the public name that is used wrongly
    call: Any
    message: str  # the last lines of the traceback


TABLE = """== dense
>>> pn.dense("10")
TypeError: dense: units must be a whole number, got '10'
>>> pn.dense(0)
ValueError: dense: units must be at least 1, got 0
>>> pn.dense(2.5)
TypeError: dense: units must be a whole number, got 2.5
>>> pn.dense(True)
TypeError: dense: units must be a whole number, got True
>>> DENSE.init(KEY, 784)
TypeError: dense(2): in_shape must be a tuple of whole numbers, the shape of one example without
    its batch axis, such as (784,); got 784
>>> DENSE.init(KEY, [784])
TypeError: dense(2): in_shape must be a tuple of whole numbers, the shape of one example without
    its batch axis, such as (784,); got [784]
>>> DENSE.init(KEY, (None, 784))
TypeError: dense(2): in_shape must be a tuple of whole numbers, the shape of one example without
    its batch axis, such as (784,); got (None, 784)
>>> DENSE.init(KEY, ())
ValueError: dense(2): an example has shape (), expected (..., features); for one feature per example
    pass x[:, None], whose in_shape is (1,)
>>> DENSE.init(0, (3,))
TypeError: dense(2): key must be one PRNG key, such as jax.random.key(0); got 0
>>> DENSE.init((3,), KEY)
TypeError: dense(2): in_shape must be a tuple of whole numbers, the shape of one example without
    its batch axis, such as (784,); got key<fry>()
>>> DENSE.init(jax.random.split(KEY, 3), (3,))
TypeError: dense(2): key must be one PRNG key, such as jax.random.key(0); got key<fry>(3,)
>>> DENSE.forward(WB, (), X[0])
ValueError: dense(2): x has shape (3,), expected a batch axis first and features last; for a single
    example pass x[None], and for 3 examples of one feature x[:, None]
>>> DENSE.forward(WB, (), X.tolist())
TypeError: dense(2): x must be an array, got a list of 4; convert it with jnp.array(x)
>>> DENSE.forward(WB, (), WHOLE)
TypeError: dense(2): x must be floating point, got int32(4, 3); convert it with
    x.astype(jnp.float32), or put rescale() first
>>> DENSE(WB, X)
TypeError: dense(2): a layer is not called: y, state = layer.apply(params, state, x)
>>> DENSE.apply(WB, X)
TypeError: dense(2): missing a required argument: 'x'; expected (params, state, x, train=…, key=…);
    state is what init returned second, () where there is none
>>> DENSE.forward(WB, (), np.array([1, None]))
TypeError: dense(2): x must be an array, got object(2,); convert numbers with x.astype(float)
>>> DENSE.forward(WB, (), np.ma.array(np.ones((4, 3)), mask=False))
TypeError: dense(2): x must be an array, got a masked array of float64(4, 3); fill its gaps with
    x.filled(…)
>>> DENSE.forward(WB, (), np.zeros(4, [("width", float), ("height", float)]))
TypeError: dense(2): x must be an array, got [('width', '<f8'), ('height', '<f8')](4,); pass its
    fields as columns of one array
>>> DENSE.forward(WB, (), np.array(["2026-01-01"], "M8[D]"))
TypeError: dense(2): x must be an array, got datetime64[D](1,)
>>> DENSE.forward(WB, (), Frame())
TypeError: dense(2): x must be an array, got a pandas.Frame of shape (4, 3); convert it with
    x.to_numpy()
>>> DENSE.forward(WB, (), Sparse())
TypeError: dense(2): x must be an array, got a scipy.Sparse of shape (4, 3); convert it with
    x.toarray()
>>> DENSE.forward(WB, (), Tensor())
TypeError: dense(2): x must be an array, got a torch.Tensor of shape (4, 3); convert it with
    np.asarray(x.detach().cpu())
>>> DENSE.forward(WB, (), [X, X])
TypeError: dense(2): x must be an array, got a list of 2; convert it with jnp.stack(x)
>>> DENSE.forward(WB, (), (X, X))
TypeError: dense(2): x must be an array, got a tuple of 2; a model takes one array; several inputs
    or outputs take a function of your own that calls layers, with by_hand and jax.grad
>>> DENSE.forward(WB, (), {"image": X})
TypeError: dense(2): x must be an array, got a dict; a model takes one array; several inputs or
    outputs take a function of your own that calls layers, with by_hand and jax.grad
>>> DENSE.forward(WB, (), X.astype(complex))
TypeError: dense(2): x must be a real array, got complex64(4, 3)
>>> DENSE.forward(WB, (), np.array(["a"]))
TypeError: dense(2): x must be an array, got <U1(1,); convert numbers with x.astype(float)
>>> DENSE.forward(WB, (), jnp.ones((4, 5)))
ValueError: dense(2): x has shape (4, 5), expected (..., 3), since
    w has shape (3, 2); a single example is passed as x[None]
>>> DENSE.forward(WB, (), HALF)
TypeError: dense(2): x is bfloat16 and params.w is float32; cast one of them to the other's dtype
>>> DENSE.forward(WB._replace(b=WB.b.astype(jnp.bfloat16)), (), X)
TypeError: dense(2): params.b is bfloat16 and params.w is float32; cast one of them to the other's
    dtype
>>> DENSE.forward(WB[:1], (), X)
TypeError: dense(2): params must be DenseParams(w, b), as init makes it; got a tuple of 1
>>> DENSE.forward((), WB, X)
TypeError: dense(2): params must be DenseParams(w, b), as init makes it; got ()
>>> DENSE.forward({"w": WB.w, "b": WB.b}, (), X)
TypeError: dense(2): params must be DenseParams(w, b), as init makes it; got a dict
>>> DENSE.forward(WB._replace(b=jnp.zeros(1)), (), X)
ValueError: dense(2): params.b has shape (1,), expected (2,)
>>> DENSE.forward(WB._replace(w=jnp.zeros((3, 7))), (), X)
ValueError: dense(2): params.w has shape (3, 7), expected (n_in, 2)
>>> DENSE.forward(WB._replace(w=None), (), X)
TypeError: dense(2): params.w must be an array, got None
>>> DENSE.forward(X)
TypeError: dense(2): missing a required argument: 'state'; expected (params, state, x, train=…,
    key=…); state is what init returned second, () where there is none
>>> DENSE.forward(WB, (), X, True)
TypeError: dense(2): too many positional arguments; expected (params, state, x, train=…, key=…)
>>> DENSE.forward(WB, (), X, training=True)
TypeError: dense(2): got an unexpected keyword argument 'training'; expected (params, state, x,
    train=…, key=…)
>>> DENSE.forward(WB, (), X, train=1)
TypeError: dense(2): train must be True or False (static under jit), got 1
>>> jax.jit(lambda t: DENSE.forward(WB, (), X, train=t))(True)
TypeError: dense(2): train must be True or False (static under jit), got bool()
>>> DENSE.backward(WB, CACHE, X)
ValueError: dense(2): dy must be like y, float32(4, 2), got float32(4, 3)
>>> DENSE.backward(WB, CACHE, Y.astype(jnp.bfloat16))
TypeError: dense(2): dy must be like y, float32(4, 2), got bfloat16(4, 2)
>>> DENSE.backward(WB, CACHE, Y.tolist())
TypeError: dense(2): dy must be an array, got a list of 4; convert it with jnp.array(dy)
>>> DENSE.backward(WB, Y, Y)
TypeError: dense(2): cache must be what forward returned last, got float32(4, 2)
>>> DENSE.backward(WB, RELU_CACHE, X)
ValueError: dense(2): cache comes from relu, expected what forward returned last
>>> DENSE.backward(WB._replace(w=jnp.ones((6, 2))), CACHE, Y)
ValueError: dense(2): x has shape (4, 3), expected (..., 6), since
    w has shape (6, 2); a single example is passed as x[None]
>>> DENSE.backward((), CACHE, Y)
TypeError: dense(2): params must be DenseParams(w, b), as init makes it; got ()

== initializers
>>> pn.dense(3, w_init=jnp.zeros).init(KEY, (2,))
TypeError: dense(3): w_init must be an initializer, init(key, shape, dtype) -> array; zeros takes a
    shape first, and no key; pass pn.initializers.zeros
in w_init of dense(3)
>>> pn.dense(3, w_init=jnp.full).init(KEY, (2,))
TypeError: dense(3): w_init must be an initializer, init(key, shape, dtype) -> array; full takes a
    shape first, and no key; pass one of pn.initializers
in w_init of dense(3)
>>> pn.initializers.sharded(0.1, P("data"))
TypeError: sharded: initializer must be a function, got 0.1
>>> pn.initializers.sharded(pn.initializers.zeros, "data")
TypeError: sharded: spec must be a jax.sharding.PartitionSpec, got 'data'
>>> on_mesh("model")
ValueError: sharded: spec is P('model',), expected axes of the mesh, ('data',)
in w_init of dense(3)
>>> on_mesh(None, "data")
ValueError: sharded: spec is P(None, 'data') and the array's shape (4, 3); expected 3
    to be a multiple of the 2 devices along data
in w_init of dense(3)
>>> on_mesh(None, None, "data")
ValueError: sharded: spec is P(None, None, 'data'), for an array of shape (4, 3)
in w_init of dense(3)
>>> pn.dense(3, w_init=pn.initializers.he_normal())
TypeError: he_normal is the initializer itself, init(key, shape, dtype); pass he_normal, not
    he_normal()
>>> pn.dense(3, w_init=0.1)
TypeError: dense: w_init must be a function, got 0.1
>>> pn.dense(3, w_init=jax.nn.initializers.he_normal).init(KEY, (4,))
TypeError: dense(3): w_init must be an initializer, init(key, shape, dtype) -> array; he_normal is
    a factory or takes other arguments: call it first, he_normal()
in w_init of dense(3)
>>> pn.dense(3, w_init=lambda key, shape: jnp.zeros(shape)).init(KEY, (4,))
TypeError: dense(3): w_init must be an initializer, init(key, shape, dtype) -> array; <lambda> is
    a factory or takes other arguments: call it first, <lambda>()
in w_init of dense(3)
>>> pn.dense(3, w_init=lambda key, shape, dtype: [[0.0]]).init(KEY, (4,))
TypeError: dense(3): w_init's result must be an array, got a list of 1; convert it with
    jnp.array(…)
in w_init of dense(3)
>>> pn.dense(3, w_init=lambda key, shape, dtype: jnp.zeros(shape, int)).init(KEY, (4,))
TypeError: dense(3): w_init's result must be floating point, got int32(4, 3); convert it with
    ….astype(jnp.float32)
in w_init of dense(3)
>>> pn.dense(3, w_init=lambda key, shape, dtype: jnp.zeros(shape[::-1])).init(KEY, (4,))
ValueError: dense(3): w_init returned shape (3, 4), expected (4, 3)
in w_init of dense(3)
>>> pn.dense(3, b_init=pn.initializers.he_normal).init(KEY, (4,))
ValueError: he_normal: shape must have two axes or more, (n_in, n_out), got (3,)
in b_init of dense(3)
>>> pn.initializers.zeros()
TypeError: zeros is the initializer itself, init(key, shape); pass zeros, not zeros()
>>> pn.initializers.he_normal(0, (3, 3))
TypeError: he_normal: key must be one PRNG key, such as jax.random.key(0); got 0
>>> pn.initializers.he_normal(KEY, 3)
TypeError: he_normal: shape must be a tuple, (n_in, n_out); got 3
>>> pn.initializers.he_normal(KEY, (3,))
ValueError: he_normal: shape must have two axes or more, (n_in, n_out), got (3,)

== dropout
>>> pn.dropout(1)
ValueError: dropout: expected 0 <= rate < 1, got 1
>>> pn.dropout(-0.1)
ValueError: dropout: expected 0 <= rate < 1, got -0.1
>>> pn.dropout("half")
TypeError: dropout: rate must be a number, got 'half'
>>> pn.dropout(X)
TypeError: dropout: rate must be a number, got float32(4, 3); vmap over it to try several
>>> train(DROPOUT, ())
ValueError: dropout(0.5): key is missing; with train=True pass key=jax.random.key(…)
>>> DROPOUT.forward((), (), X, train=True, key=0)
TypeError: dropout(0.5): key must be one PRNG key, such as jax.random.key(0); got 0
>>> DROPOUT.forward((), (), X, train=True, key=jax.random.split(KEY, 4))
TypeError: dropout(0.5): key must be one PRNG key, such as jax.random.key(0); got key<fry>(4,)
>>> DROPOUT.forward((), (), X, train=True, key=jnp.arange(2))
TypeError: dropout(0.5): key must be one PRNG key, such as jax.random.key(0); got int32(2,)
>>> DROPOUT.forward((), (), X[0])
ValueError: dropout(0.5): x has shape (3,), expected a batch axis first and features last; for a
    single example pass x[None], and for 3 examples of one feature x[:, None]
>>> DROPOUT.forward((), (), WHOLE)
TypeError: dropout(0.5): x must be floating point, got int32(4, 3); convert it with
    x.astype(jnp.float32), or put rescale() first

== conv2d
>>> pn.conv2d("32")
TypeError: conv2d: features must be a whole number, got '32'
>>> pn.conv2d(0)
ValueError: conv2d: features must be at least 1, got 0
>>> pn.conv2d(2, 0)
ValueError: conv2d: kernel must be at least 1, got 0
>>> pn.conv2d(2, (3, 0))
ValueError: conv2d: kernel[1] must be at least 1, got 0
>>> pn.conv2d(2, (3, 3, 3))
TypeError: conv2d: kernel must be a pair of whole numbers, (height, width), or one number for both;
    got (3, 3, 3)
>>> pn.conv2d(2, strides=(2,))
TypeError: conv2d: strides must be a pair of whole numbers, (height, width), or one number for both;
    got (2,)
>>> pn.conv2d(2, padding="full")
ValueError: conv2d: padding must be one of ('SAME', 'VALID'), got 'FULL'
>>> pn.conv2d(2, padding=-1)
ValueError: conv2d: padding must be at least 0, got -1
>>> pn.conv2d(2, padding=(1, 1))
TypeError: conv2d: padding must be "SAME", "VALID", one number for all sides, or ((top, bottom),
    (left, right)); got (1, 1)
>>> pn.conv2d(2, padding=((1, 1), (0, -1)))
ValueError: conv2d: padding[1] must be at least 0, got -1
>>> pn.conv2d(2, w_init=3)
TypeError: conv2d: w_init must be a function, got 3
>>> pn.conv2d(2, b_init=None)
TypeError: conv2d: b_init must be a function, got None
>>> CONV.init(KEY, (28, 28))
ValueError: conv2d(2, (3, 3)): in_shape is (28, 28), expected (height, width, channels); for gray
    images pass x[..., None]
>>> CONV.init(KEY, (784,))
ValueError: conv2d(2, (3, 3)): in_shape is (784,), expected (height, width, channels)
>>> pn.conv2d(2, (5, 5), padding="VALID").init(KEY, (4, 4, 3))
ValueError: conv2d(2, (5, 5), padding='VALID'): in_shape is (4, 4, 3), with its padding (4, 4)
    pixels; expected at least (5, 5), the kernel
>>> CONV.init(KEY, (4, 4, 0))
ValueError: conv2d(2, (3, 3)): in_shape is (4, 4, 0), expected lengths of at least 1
>>> pn.conv2d(2, w_init=jax.nn.initializers.he_normal).init(KEY, (4, 4, 3))
TypeError: conv2d(2, (3, 3)): w_init must be an initializer, init(key, shape, dtype) -> array;
    he_normal is a factory or takes other arguments: call it first, he_normal()
in w_init of conv2d(2, (3, 3))
>>> CONV.forward(KERNELS, (), IMAGES[0])
ValueError: conv2d(2, (3, 3)): x has shape (4, 2, 3), expected (batch, height, width, 3); for a
    single image pass x[None]
>>> CONV.forward(KERNELS, (), IMAGES[..., 0])
ValueError: conv2d(2, (3, 3)): x has shape (5, 4, 2), expected (batch, height, width, 3); for a
    single image pass x[None]
>>> CONV.forward(KERNELS, (), IMAGES[..., :1])
ValueError: conv2d(2, (3, 3)): x has shape (5, 4, 2, 1), expected (batch, height, width, 3), since w
    has shape (3, 3, 3, 2)
>>> CONV.forward(KERNELS, (), IMAGES.astype(jnp.uint8))
TypeError: conv2d(2, (3, 3)): x must be floating point, got uint8(5, 4, 2, 3); convert it with
    x.astype(jnp.float32), or put rescale() first
>>> CONV.forward(KERNELS, (), IMAGES.astype(jnp.bfloat16))
TypeError: conv2d(2, (3, 3)): x is bfloat16 and params.w is float32; cast one of them to the other's
    dtype
>>> CONV.forward(KERNELS._replace(w=KERNELS.w[0]), (), IMAGES)
ValueError: conv2d(2, (3, 3)): params.w has shape (3, 3, 2), expected (3, 3, c_in, 2)
>>> CONV.forward(KERNELS._replace(b=KERNELS.b[:1]), (), IMAGES)
ValueError: conv2d(2, (3, 3)): params.b has shape (1,), expected (2,)
>>> CONV.forward(KERNELS._replace(b=KERNELS.b.astype(jnp.bfloat16)), (), IMAGES)
TypeError: conv2d(2, (3, 3)): params.b is bfloat16 and params.w is float32; cast one of them to the
    other's dtype
>>> CONV.forward((), (), IMAGES)
TypeError: conv2d(2, (3, 3)): params must be Conv2dParams(w, b), as init makes it; got ()
>>> pn.conv2d(2, (3, 3), padding="VALID").forward(KERNELS, (), IMAGES[:, :, :2])
ValueError: conv2d(2, (3, 3), padding='VALID'): x has (4, 2) pixels, with its padding (4, 2) pixels;
    expected at least (3, 3), the kernel
>>> CONV.backward(KERNELS, CONV.forward(KERNELS, (), IMAGES)[2], IMAGES)
ValueError: conv2d(2, (3, 3)): dy must be like y, float32(5, 4, 2, 2), got float32(5, 4, 2, 3)

== max_pool
>>> pn.max_pool("2")
TypeError: max_pool: window must be a pair of whole numbers, (height, width), or one number for
    both; got '2'
>>> pn.max_pool(0)
ValueError: max_pool: window must be at least 1, got 0
>>> pn.max_pool([2, 2])
TypeError: max_pool: window must be a pair of whole numbers, (height, width), or one number for
    both; got a list of 2
>>> pn.max_pool((2, 2, 1))
TypeError: max_pool: window must be a pair of whole numbers, (height, width), or one number for
    both; got (2, 2, 1)
>>> pn.max_pool((2, 2.0))
TypeError: max_pool: window[1] must be a whole number, got 2.0
>>> pn.max_pool((0, 2))
ValueError: max_pool: window[0] must be at least 1, got 0
>>> pn.max_pool((2, 2), strides=1.0)
TypeError: max_pool: strides must be a pair of whole numbers, (height, width), or one number for
    both; got 1.0
>>> pn.max_pool((2, 2), strides=(1, 0))
ValueError: max_pool: strides[1] must be at least 1, got 0
>>> POOL.init(KEY, (28, 28))
ValueError: max_pool((3, 2)): in_shape is (28, 28), expected (height, width, channels); for gray
    images pass x[..., None]
>>> POOL.init(KEY, (2, 28, 1))
ValueError: max_pool((3, 2)): in_shape is (2, 28, 1), expected images of (3, 2) or larger
>>> POOL.forward((), (), IMAGES[0])
ValueError: max_pool((3, 2)): x has shape (4, 2, 3), expected (batch, height, width, channels);
    for a single image pass x[None], for gray ones x[..., None]
>>> POOL.forward((), (), X)
ValueError: max_pool((3, 2)): x has shape (4, 3), expected (batch, height, width, channels)
>>> POOL.forward((), (), IMAGES[:, :2])
ValueError: max_pool((3, 2)): x has shape (5, 2, 2, 3), expected images of (3, 2) or larger
>>> POOL.forward((), (), IMAGES.astype(jnp.uint8))
TypeError: max_pool((3, 2)): x must be floating point, got uint8(5, 4, 2, 3); convert it with
    x.astype(jnp.float32), or put rescale() first

== avg_pool
>>> pn.avg_pool(7.0)
TypeError: avg_pool: window must be a pair of whole numbers, (height, width), or one number for
    both; got 7.0
>>> pn.avg_pool((2, 2), strides=(-1, 1))
ValueError: avg_pool: strides[0] must be at least 1, got -1
>>> pn.avg_pool((3, 3), strides=(1, 2)).init(KEY, (2, 2, 1))
ValueError: avg_pool((3, 3), strides=(1, 2)): in_shape is (2, 2, 1), expected images of (3, 3) or
    larger
>>> pn.avg_pool().forward((), (), IMAGES[0])
ValueError: avg_pool((2, 2)): x has shape (4, 2, 3), expected (batch, height, width, channels);
    for a single image pass x[None], for gray ones x[..., None]

== batch_norm
>>> pn.batch_norm(momentum=1.5)
ValueError: batch_norm: expected 0 <= momentum < 1, got 1.5
>>> pn.batch_norm(momentum=1)
ValueError: batch_norm: expected 0 <= momentum < 1, got 1
>>> pn.batch_norm(epsilon=-1)
ValueError: batch_norm: expected 0 <= epsilon, got -1
>>> NORM.init(KEY, ())
ValueError: batch_norm: an example has shape (), expected (..., features); for one feature per
    example pass x[:, None], whose in_shape is (1,)
>>> train(NORM, GAMMA_BETA, MEAN_VAR, X[:1])
ValueError: batch_norm: training needs two values a channel or more, got x (1, 3)
>>> NORM.forward(GAMMA_BETA, MEAN_VAR, X[0])
ValueError: batch_norm: x has shape (3,), expected a batch axis first and features last; for a
    single example pass x[None], and for 3 examples of one feature x[:, None]
>>> NORM.forward(GAMMA_BETA, MEAN_VAR, WHOLE)
TypeError: batch_norm: x must be floating point, got int32(4, 3); convert it with
    x.astype(jnp.float32), or put rescale() first
>>> NORM.forward(GAMMA_BETA, MEAN_VAR, HALF)
TypeError: batch_norm: x is bfloat16 and params.gamma is float32; cast one of them to the other's
    dtype
>>> NORM.forward(GAMMA_BETA, MEAN_VAR, jnp.ones((4, 5)))
ValueError: batch_norm: x has shape (4, 5), expected (..., 3); a single example is passed as x[None]
>>> NORM.forward(MEAN_VAR, GAMMA_BETA, X)
TypeError: batch_norm: params must be BatchNormParams(gamma, beta), as init makes it; got a
    BatchNormState
>>> NORM.forward(GAMMA_BETA, (), X)
TypeError: batch_norm: state must be BatchNormState(mean, var), as init makes it; got ()
>>> NORM.forward(GAMMA_BETA._replace(beta=jnp.zeros(1)), MEAN_VAR, X)
ValueError: batch_norm: params.beta has shape (1,), expected (3,)
>>> NORM.forward(GAMMA_BETA, jax.tree.map(lambda a: a[:1], MEAN_VAR), X)
ValueError: batch_norm: state.mean has shape (1,), expected (3,)

== layer_norm
>>> pn.layer_norm(epsilon=-1)
ValueError: layer_norm: expected 0 <= epsilon, got -1
>>> ROW_NORM.init(KEY, ())
ValueError: layer_norm: an example has shape (), expected (..., features); for one feature per
    example pass x[:, None], whose in_shape is (1,)
>>> ROW_NORM.init(KEY, (4, 1))
ValueError: layer_norm: needs two features or more, got in_shape (4, 1)
>>> ROW_NORM.forward(jax.tree.map(lambda a: a[:1], ROW_SCALE), (), COLUMN)
ValueError: layer_norm: needs two features or more, got x (4, 1)
>>> ROW_NORM.forward(ROW_SCALE, (), X[0])
ValueError: layer_norm: x has shape (3,), expected a batch axis first and features last; for a
    single example pass x[None], and for 3 examples of one feature x[:, None]
>>> ROW_NORM.forward(ROW_SCALE, (), WHOLE)
TypeError: layer_norm: x must be floating point, got int32(4, 3); convert it with
    x.astype(jnp.float32), or put rescale() first
>>> ROW_NORM.forward(ROW_SCALE, (), HALF)
TypeError: layer_norm: x is bfloat16 and params.gamma is float32; cast one of them to the other's
    dtype
>>> ROW_NORM.forward(ROW_SCALE, (), jnp.ones((4, 5)))
ValueError: layer_norm: x has shape (4, 5), expected (..., 3); a single example is passed as x[None]
>>> ROW_NORM.forward(GAMMA_BETA, (), X)
TypeError: layer_norm: params must be LayerNormParams(gamma, beta), as init makes it; got a
    BatchNormParams
>>> ROW_NORM.forward(ROW_SCALE._replace(beta=jnp.zeros(1)), (), X)
ValueError: layer_norm: params.beta has shape (1,), expected (3,)

== recompute
>>> pn.recompute(3)
TypeError: recompute: layer must be a layer, an op or a function, got 3
>>> pn.recompute(pn.dropout)
TypeError: recompute: layer is the function dropout itself; call it: dropout(…)
>>> pn.recompute(DENSE).init(KEY, ())
ValueError: dense(2): an example has shape (), expected (..., features); for one feature per example
    pass x[:, None], whose in_shape is (1,)
in recompute(dense(2))
>>> train(pn.recompute(DROPOUT), ())
ValueError: dropout(0.5): key is missing; with train=True pass key=jax.random.key(…)
in recompute(dropout(0.5))
>>> pn.recompute(DENSE).forward(WB, (), WHOLE)
TypeError: recompute(dense(2)): x must be floating point, got int32(4, 3); convert it with
    x.astype(jnp.float32), or put rescale() first
>>> pn.recompute(DENSE).backward(WB, CACHE, Y)
ValueError: recompute(dense(2)): cache comes from dense(2), expected what forward returned last

== mixed_precision
>>> pn.mixed_precision(3)
TypeError: mixed_precision: layer must be a layer, an op or a function, got 3
>>> pn.mixed_precision(pn.mlp)
TypeError: mixed_precision: layer is the function mlp itself; call it: mlp(…)
>>> pn.mixed_precision(jnp.bfloat16, MODEL)
TypeError: mixed_precision: dtype must be float16, bfloat16, float32 or float64, such as
    jnp.bfloat16, got a Layer
>>> pn.mixed_precision(DENSE, 16)
TypeError: mixed_precision: dtype must be float16, bfloat16, float32 or float64, such as
    jnp.bfloat16, got 16
>>> pn.mixed_precision(DENSE, "bf16")
TypeError: mixed_precision: dtype must be float16, bfloat16, float32 or float64, such as
    jnp.bfloat16, got 'bf16'
>>> pn.mixed_precision(DENSE, jnp.int8)
TypeError: mixed_precision: dtype must be float16, bfloat16, float32 or float64, such as
    jnp.bfloat16, got int8
>>> pn.mixed_precision(DENSE, jnp.float8_e4m3fn)
TypeError: mixed_precision: dtype must be float16, bfloat16, float32 or float64, such as
    jnp.bfloat16, got float8_e4m3fn
>>> pn.mixed_precision(DENSE, None)
TypeError: mixed_precision: dtype must be float16, bfloat16, float32 or float64, such as
    jnp.bfloat16, got None
>>> pn.mixed_precision(DENSE).init(KEY, ())
ValueError: dense(2): an example has shape (), expected (..., features); for one feature per example
    pass x[:, None], whose in_shape is (1,)
in bfloat16 dense(2)
>>> pn.mixed_precision(DENSE).forward(WB, (), WHOLE)
TypeError: bfloat16 dense(2): x must be floating point, got int32(4, 3); convert it with
    x.astype(jnp.float32), or put rescale() first
>>> pn.mixed_precision(DENSE).apply(WB, (), X[0])
ValueError: dense(2): x has shape (3,), expected a batch axis first and features last; for a single
    example pass x[None], and for 3 examples of one feature x[:, None]
in bfloat16 dense(2)
>>> pn.mixed_precision(DENSE).backward(WB, CACHE, Y)
ValueError: bfloat16 dense(2): cache comes from dense(2), expected what forward returned last
>>> pn.mixed_precision(MODEL).forward(PARAMS, STATE, X[:, :2])
ValueError: dense(5): x has shape (4, 2), expected (..., 3), since w has shape (3, 5); a single
    example is passed as x[None]
in bfloat16 dense(5)
in part 0 of serial: bfloat16 dense(5)

== flatten
>>> pn.flatten().init(KEY, 784)
TypeError: flatten: in_shape must be a tuple of whole numbers, the shape of one example without
    its batch axis, such as (784,); got 784
>>> pn.flatten().forward((), (), jnp.float32(1))
ValueError: flatten: x is a scalar, expected a batch axis first
>>> pn.flatten().forward((), (), X.tolist())
TypeError: flatten: x must be an array, got a list of 4; convert it with jnp.array(x)

== rescale
>>> pn.rescale("1/255")
TypeError: rescale: scale must be a number, got '1/255'
>>> pn.rescale(float("inf"))
ValueError: rescale: expected scale finite, got inf
>>> pn.rescale(X)
TypeError: rescale: scale must be a number, got float32(4, 3); vmap over it to try several
>>> pn.rescale().forward((), (), [0, 255])
TypeError: rescale(0.003922): x must be an array, got a list of 2; convert it with jnp.array(x)

== serial
>>> pn.serial(pn.flatten, pn.dense(10))
TypeError: serial: part 0 is the function flatten itself; call it: flatten(…)
>>> pn.serial([pn.dense(3), pn.relu])
TypeError: serial: part 0 must be a layer, an op or a function, got a list of 2; serial(*layers)
    makes one layer of several
>>> pn.serial(pn.dense(3), "relu")
TypeError: serial: part 1 must be a layer, an op or a function, got 'relu'
>>> pn.serial(pn.dense(3), pn.relu(X))
TypeError: serial: part 1 must be a layer, an op or a function, got float32(4, 3)
>>> pn.serial(pn.dense(3), pn.mse)
TypeError: serial: part 1, mse, can't be called with x alone: missing a required argument:
    'targets'
>>> pn.serial(pn.dense(3), jnp.dot)
TypeError: serial: part 1, dot, can't be called with x alone: missing a required argument: 'b'
>>> pn.serial(pn.dense(3), partial(pn.leaky_relu, slope=0.1))
TypeError: serial: part 1, a partial leaky_relu, does not fit: got an unexpected keyword argument
    'slope'
>>> pn.serial(pn.dense(3), partial(pn.relu, X))
TypeError: serial: part 1, a partial relu, binds arrays, not options alone
>>> pn.serial(lambda x: (x, x)).init(KEY, (3,))
TypeError: <lambda>: must return one array, got a tuple of 2; a model takes one array; several
    inputs or outputs take a function of your own that calls layers, with by_hand and jax.grad
in part 0 of serial: <lambda>
>>> pn.serial(lambda x: x.sum()).init(KEY, (3,))
ValueError: <lambda>: turned a batch of shape (2, 3) into (); expected the batch axis to stay
    first
in part 0 of serial: <lambda>
>>> pn.serial(lambda x: x.T).init(KEY, (3,))
ValueError: <lambda>: turned a batch of shape (2, 3) into (3, 2); expected the batch axis to stay
    first
in part 0 of serial: <lambda>
>>> MODEL.init(KEY, (784.0,))
TypeError: serial(dense(5), relu, dense(2)): in_shape must be a tuple of whole numbers, the shape
    of one example without its batch axis, such as (784,); got (784.0,)
>>> MODEL.init(None, (3,))
TypeError: dense(5): key must be one PRNG key, such as jax.random.key(0); got None
in part 0 of serial: dense(5)
>>> MODEL.init(KEY, ())
ValueError: dense(5): an example has shape (), expected (..., features); for one feature per example
    pass x[:, None], whose in_shape is (1,)
in part 0 of serial: dense(5)
>>> MODEL.forward(PARAMS[:2], STATE, X)
ValueError: serial: params must be a tuple of 3, one entry a part, as init makes it; got a tuple
    of 2
>>> MODEL.forward(PARAMS[0], STATE, X)
ValueError: serial: params must be a tuple of 3, one entry a part, as init makes it; got a
    DenseParams
>>> MODEL.forward(PARAMS[::-1], STATE, X)
ValueError: dense(5): params.w has shape (5, 2), expected (n_in, 5)
in part 0 of serial: dense(5)
>>> MODEL.forward(STATE, PARAMS, X)
TypeError: dense(5): params must be DenseParams(w, b), as init makes it; got ()
in part 0 of serial: dense(5)
>>> MODEL.forward(PARAMS, (), X)
ValueError: serial: state must be a tuple of 3, one entry a part, as init makes it; got ()
>>> MODEL.forward(PARAMS, X, STATE)
TypeError: serial(dense(5), relu, dense(2)): x must be an array, got a tuple of 3
>>> MODEL.forward(PARAMS, STATE, X[0])
ValueError: dense(5): x has shape (3,), expected a batch axis first and features last; for a single
    example pass x[None], and for 3 examples of one feature x[:, None]
in part 0 of serial: dense(5)
>>> MODEL.forward(PARAMS, STATE, WHOLE)
TypeError: dense(5): x must be floating point, got int32(4, 3); convert it with
    x.astype(jnp.float32), or put rescale() first
in part 0 of serial: dense(5)
>>> MODEL.apply(PARAMS, STATE, X.tolist())
TypeError: serial(dense(5), relu, dense(2)): x must be an array, got a list of 4; convert it with
    jnp.array(x)
>>> MODEL.apply(PARAMS, STATE, X, key=0)
TypeError: serial: key must be one PRNG key, such as jax.random.key(0); got 0
>>> MODEL.apply(PARAMS, STATE, X, train="yes")
TypeError: dense(5): train must be True or False (static under jit), got 'yes'
in part 0 of serial: dense(5)
>>> train(pn.serial(DENSE, pn.serial(pn.relu, DROPOUT)), (WB, ((), ())), ((), ((), ())))
ValueError: dropout(0.5): key is missing; with train=True pass key=jax.random.key(…)
in part 1 of serial: dropout(0.5)
in part 1 of serial: serial(relu, dropout(0.5))
>>> MODEL.backward(PARAMS, CACHE, Y)
ValueError: serial(dense(5), relu, dense(2)): cache comes from dense(2), expected what forward
    returned last
>>> MODEL.backward(PARAMS[:2], MODEL.forward(PARAMS, STATE, X)[2], Y)
ValueError: serial: params must be a tuple of 3, one entry a part, as init makes it; got a tuple
    of 2

== residual
>>> pn.residual(pn.dense)
TypeError: residual: layer is the function dense itself; call it: dense(…)
>>> pn.residual(pn.mse)
TypeError: residual: layer, mse, can't be called with x alone: missing a required argument:
    'targets'
>>> pn.residual(3)
TypeError: residual: layer must be a layer, an op or a function, got 3
>>> pn.residual(pn.dense(5)).init(KEY, (3,))
ValueError: residual(dense(5)): the layer turns (3,) into (5,), expected the same
>>> pn.residual(DENSE).forward(WB, (), X)
ValueError: residual(dense(2)): layer(x) has shape (4, 2) and x (4, 3); expected the same shape
    (nothing is broadcast)
>>> pn.residual(DENSE).apply((), (), X)
TypeError: dense(2): params must be DenseParams(w, b), as init makes it; got ()
in residual(dense(2))
>>> pn.residual(pn.flatten()).forward((), (), WHOLE)
TypeError: residual(flatten): x must be floating point, got int32(4, 3); convert it with
    x.astype(jnp.float32), or put rescale() first

== mlp
>>> pn.mlp(128, 10)
TypeError: mlp: hidden must be a sequence of widths, (128,), got 128
>>> pn.mlp((0,), 10)
ValueError: dense: units must be at least 1, got 0
>>> pn.mlp((4,), "2")
TypeError: dense: units must be a whole number, got '2'
>>> pn.mlp((4,), 2, activation="relu")
TypeError: serial: part 1 must be a layer, an op or a function, got 'relu'
>>> pn.mlp((4,), 2, activation=pn.flatten)
TypeError: serial: part 1 is the function flatten itself; call it: flatten(…)

== relu
>>> pn.relu("x")
TypeError: relu: x must be an array, got 'x'
>>> pn.relu(PARAMS)
TypeError: relu: x must be an array, got a tuple of 3
>>> pn.relu(X, alpha=1)
TypeError: relu: got an unexpected keyword argument 'alpha'; expected (x)
>>> pn.relu.backward(pn.relu(X), X)
TypeError: relu: cache must be what forward returned last, got float32(4, 3)
>>> pn.relu.backward(pn.relu.forward(X), X)
TypeError: relu: cache must be what forward returned last, got a tuple of 2
>>> pn.relu.backward(CACHE, Y)
ValueError: relu: cache comes from dense(2), expected what forward returned last
>>> pn.relu.backward(RELU_CACHE, X[0])
ValueError: relu: dy must be like y, float32(4, 3), got float32(3,)
>>> pn.relu.backward(RELU_CACHE, HALF)
TypeError: relu: dy must be like y, float32(4, 3), got bfloat16(4, 3)
>>> pn.relu.backward(RELU_CACHE)
TypeError: relu: missing a required argument: 'dy'; expected (cache, dy)

== leaky_relu
>>> pn.leaky_relu(X, 0.3)
TypeError: leaky_relu: too many positional arguments; expected (x, negative_slope=…)
>>> pn.leaky_relu(X, slope=0.3)
TypeError: leaky_relu: got an unexpected keyword argument 'slope'; expected (x, negative_slope=…)
>>> pn.leaky_relu(X, negative_slope=X)
TypeError: leaky_relu: negative_slope must be a number, got float32(4, 3); vmap over it to try
    several
>>> pn.leaky_relu(X, negative_slope=float("nan"))
ValueError: leaky_relu: expected negative_slope finite, got nan

== softmax
>>> pn.softmax(jnp.float32(1))
ValueError: softmax: x has shape (), expected classes on the last axis
>>> pn.softmax(X[:, :0])
ValueError: softmax: x has shape (4, 0), expected classes on the last axis
>>> pn.softmax(X, axis=0)
TypeError: softmax: got an unexpected keyword argument 'axis'; expected (x)

== gelu
>>> pn.gelu(X, False)
TypeError: gelu: too many positional arguments; expected (x, approximate=…)
>>> pn.gelu(X, approximate=jnp.array(True))
TypeError: gelu: approximate must be True or False (static under jit), got bool()

== mse
>>> pn.mse(COLUMN, jnp.ones(4))
ValueError: mse: targets has shape (4,) and predictions (4, 1); expected the same shape (nothing is
    broadcast); pass targets[..., None]
>>> pn.mse(COLUMN)
TypeError: mse: missing a required argument: 'targets'; expected (predictions, targets)
>>> pn.mse(COLUMN, 0.5)
TypeError: mse: targets must be an array, got 0.5
>>> pn.mse(COLUMN, [0.5] * 4)
TypeError: mse: targets must be an array, got a list of 4; convert it with jnp.array(targets)
>>> pn.mse(COLUMN, HALF[:, :1])
TypeError: mse: targets is bfloat16 and predictions is float32; cast one of them to the other's
    dtype
>>> pn.mse(COLUMN, COLUMN.astype(complex))
TypeError: mse: targets must be a real array, got complex64(4, 1)
>>> pn.mse(LABELS, COLUMN)
TypeError: mse: predictions must be floating point, got int32(4,); convert it with
    predictions.astype(jnp.float32)
>>> pn.mse(X[:0], X[:0])
ValueError: mse: predictions is empty, shape (0, 3); its mean is none

== binary_cross_entropy
>>> pn.binary_cross_entropy(COLUMN + 3, COLUMN)
ValueError: binary_cross_entropy: probabilities must lie in 0 … 1 (logits go to
    sigmoid_binary_cross_entropy); got values from 3.5 to 3.5
>>> pn.binary_cross_entropy(COLUMN * jnp.nan, COLUMN)
ValueError: binary_cross_entropy: probabilities must lie in 0 … 1 (logits go to
    sigmoid_binary_cross_entropy); got values from nan to nan
>>> pn.binary_cross_entropy(COLUMN, COLUMN + 3)
ValueError: binary_cross_entropy: targets must lie in 0 … 1; got values from 3.5 to 3.5
>>> pn.binary_cross_entropy(X[:0], X[:0])
ValueError: binary_cross_entropy: probabilities is empty, shape (0, 3); its mean is none

== sigmoid_binary_cross_entropy
>>> pn.sigmoid_binary_cross_entropy(COLUMN[:, 0], 2 * LABELS - 1)
ValueError: sigmoid_binary_cross_entropy: targets must lie in 0 … 1; got values from -1 to 1
>>> pn.sigmoid_binary_cross_entropy(COLUMN, HALF[:, :1])
TypeError: sigmoid_binary_cross_entropy: targets is bfloat16 and logits is float32; cast one of
    them to the other's dtype
>>> pn.sigmoid_binary_cross_entropy(X[:0], X[:0])
ValueError: sigmoid_binary_cross_entropy: logits is empty, shape (0, 3); its mean is none

== categorical_cross_entropy
>>> pn.categorical_cross_entropy(ROWS * 5, LABELS)
ValueError: categorical_cross_entropy: probabilities must be at least 0, in rows that sum to one
    (logits go to softmax_cross_entropy); row 0 sums to 5 and has values from 2.5 to 2.5
>>> pn.categorical_cross_entropy(jnp.array([[0.5, 0.5], [1.5, -0.5]]), LABELS[:2])
ValueError: categorical_cross_entropy: probabilities must be at least 0, in rows that sum to one
    (logits go to softmax_cross_entropy); row 1 sums to 1 and has values from -0.5 to 1.5
>>> pn.categorical_cross_entropy(ROWS, LABELS + 1)
ValueError: categorical_cross_entropy: labels must be in 0 … 1; got values from 1 to 2
>>> pn.categorical_cross_entropy(ROWS, ROWS * 2)
ValueError: categorical_cross_entropy: rows of targets must be at least 0 and sum to one; row 0
    sums to 2 and has values from 1 to 1
>>> pn.categorical_cross_entropy(ROWS[0], LABELS)
ValueError: categorical_cross_entropy: probabilities must be (batch, classes) with at least one
    row and two classes, got shape (2,)

== softmax_cross_entropy
>>> LOSS(jnp.ones((4, 16, 28)), LABELS)
ValueError: softmax_cross_entropy: logits must be (batch, classes) with at least one row and two
    classes, got shape (4, 16, 28); put flatten() before the first dense layer for one row per
    example, or for one per place reshape logits to (-1, classes) and targets to (-1,)
>>> LOSS(ROWS, LABELS[:, None])
ValueError: softmax_cross_entropy: targets must be integers (4,) or rows that sum to one (4, 2), got
    int32(4, 1); pass targets[:, 0]
>>> LOSS(ROWS, LABELS.astype(np.float32))
ValueError: softmax_cross_entropy: targets must be integers (4,) or rows that sum to one (4, 2),
    got float32(4,)
>>> LOSS(ROWS, LABELS.tolist())
TypeError: softmax_cross_entropy: targets must be an array, got a list of 4; convert it with
    jnp.array(targets)
>>> LOSS(ROWS, LABELS[:3])
ValueError: softmax_cross_entropy: targets must be integers (4,) or rows that sum to one (4, 2),
    got int32(3,)
>>> LOSS(ROWS, LABELS - 1)
ValueError: softmax_cross_entropy: labels must be in 0 … 1; got values from -1 to 0
>>> pn.softmax_cross_entropy(ROWS, LABELS.astype(np.int64) + 2**32)
ValueError: softmax_cross_entropy: targets must fit into int32, got int64(4,) with values from
    4294967296 to 4294967297
>>> pn.softmax_cross_entropy(ROWS, LABELS.astype(str))
TypeError: softmax_cross_entropy: targets must be an array, got <U11(4,); convert numbers with
    targets.astype(float), or classes with np.unique(targets, return_inverse=True)[1]
>>> LOSS(ROWS, LABELS + 1)
ValueError: softmax_cross_entropy: labels must be in 0 … 1; got values from 1 to 2
>>> LOSS(ROWS, X / 3)
ValueError: softmax_cross_entropy: targets must be integers (4,) or rows that sum to one (4, 2),
    got float32(4, 3)
>>> LOSS(ROWS, ROWS * 2)
ValueError: softmax_cross_entropy: rows of targets must be at least 0 and sum to one; row 0 sums
    to 2 and has values from 1 to 1
>>> LOSS(ROWS, ROWS.astype(jnp.bfloat16))
TypeError: softmax_cross_entropy: targets is bfloat16 and logits is float32; cast one of them to
    the other's dtype
>>> LOSS(LABELS, ROWS)
TypeError: softmax_cross_entropy: logits must be floating point, got int32(4,); convert it with
    logits.astype(jnp.float32)
>>> LOSS(ROWS[0], LABELS)
ValueError: softmax_cross_entropy: logits must be (batch, classes) with at least one row and two
    classes, got shape (2,)
>>> LOSS(ROWS[:0], LABELS[:0])
ValueError: softmax_cross_entropy: logits must be (batch, classes) with at least one row and two
    classes, got shape (0, 2)
>>> LOSS(COLUMN, LABELS)
ValueError: softmax_cross_entropy: logits must be (batch, classes) with at least one row and two
    classes, got shape (4, 1)

== l2_penalty
>>> pn.l2_penalty(-1)
ValueError: l2_penalty: expected 0 <= strength, got -1
>>> pn.l2_penalty(PARAMS)
TypeError: l2_penalty: strength must be a number, got a tuple of 3
>>> pn.l2_penalty(0.1)({"w": 1.0})
TypeError: l2_penalty(0.1): params['w'] must be an array, got 1.0
>>> pn.l2_penalty(0.1)({"w": WHOLE})
TypeError: l2_penalty(0.1): params['w'] must be floating point, got int32(4, 3); convert it with
    params['w'].astype(jnp.float32)
>>> pn.l2_penalty(0.1)(PARAMS, STATE)
TypeError: l2_penalty(0.1): too many positional arguments; expected (params)

== momentum
>>> pn.momentum(0.1).update({"w": HALF}, pn.momentum(0.1).init({"w": X}), {"w": X})
TypeError: momentum: grads['w'] is bfloat16, expected the precision of params['w'], float32;
    mixed_precision keeps it
>>> pn.momentum(0.1, 1)
ValueError: momentum: expected 0 <= beta < 1, got 1
>>> pn.momentum(0.1, nesterov="yes")
TypeError: momentum: nesterov must be True or False (static under jit), got 'yes'

== adam
>>> pn.adam("fast")
TypeError: adam: learning_rate must be a number, got 'fast'
>>> pn.adam(-1)
ValueError: adam: expected 0 <= learning_rate, got -1
>>> pn.adam(1e-3, beta1=1)
ValueError: adam: expected 0 <= beta1 < 1, got 1
>>> pn.adam(1e-3, epsilon=-1)
ValueError: adam: expected 0 <= epsilon, got -1
>>> ADAM.update(GRADS, ADAM.init(PARAMS[:2]))
ValueError: adam: grads has [2].w, which m has not
>>> ADAM.update(GRADS, pn.sgd(0.1).init(PARAMS))
TypeError: adam: opt_state must be AdamState, what its init or update returned; got a SgdState

== adamw
>>> pn.adamw(1e-3, weight_decay=-1)
ValueError: adamw: expected 0 <= weight_decay, got -1
>>> pn.adamw(1e-3).update(GRADS, pn.adamw(1e-3).init(PARAMS))
ValueError: adamw: update needs params, which weight_decay shrinks

== apply_updates
>>> pn.apply_updates(PARAMS, GRADS[:2])
ValueError: apply_updates: params has [2].w, which updates has not
>>> pn.apply_updates(PARAMS, GRADS[::-1])
ValueError: apply_updates: updates[0].w has shape (5, 2), params[0].w (3, 5)
>>> pn.apply_updates({"w": X}, {"v": X})
ValueError: apply_updates: updates has ['v'] where params has ['w']
>>> pn.apply_updates({"w": X}, {"w": X[:1]})
ValueError: apply_updates: updates['w'] has shape (1, 3), params['w'] (4, 3)
>>> pn.apply_updates({"w": X}, {"w": WHOLE})
TypeError: apply_updates: updates['w'] must be floating point, got int32(4, 3); convert it with
    updates['w'].astype(jnp.float32)
>>> pn.apply_updates({"w": WHOLE}, {"w": X})
TypeError: apply_updates: params['w'] must be floating point, got int32(4, 3); convert it with
    params['w'].astype(jnp.float32)

== inverse_time_decay
>>> pn.inverse_time_decay("a", 1, 1)
TypeError: inverse_time_decay: initial must be a number, got 'a'
>>> pn.inverse_time_decay(0.1, -1, 10)
ValueError: inverse_time_decay: expected 0 <= decay_rate, got -1
>>> pn.inverse_time_decay(0.1, 1, 0)
ValueError: inverse_time_decay: steps_per_epoch must be at least 1, got 0

== exponential_decay
>>> pn.exponential_decay(X, 0.9, 1)
TypeError: exponential_decay: initial must be a number, got float32(4, 3); vmap over it to try
    several
>>> pn.exponential_decay(0.1, 0.9, 2.5)
TypeError: exponential_decay: decay_steps must be a whole number, got 2.5

== cosine_decay
>>> pn.cosine_decay(-1, 10)
ValueError: cosine_decay: expected 0 <= initial, got -1
>>> pn.cosine_decay(0.1, 10, "a")
TypeError: cosine_decay: final must be a number, got 'a'

== linear_warmup
>>> pn.linear_warmup(None, 10)
TypeError: linear_warmup: peak must be a number, got None
>>> pn.linear_warmup(0.1, 0)
ValueError: linear_warmup: warmup_steps must be at least 1, got 0

== by_hand
>>> pn.by_hand(5)
TypeError: by_hand: part must be a Layer or an Op, got 5; for a function and its derivative,
    by_hand(Op(forward=..., backward=...))
>>> pn.by_hand(lambda x: x)
TypeError: by_hand: part must be a Layer or an Op, got a function; for a function and its
    derivative, by_hand(Op(forward=..., backward=...))
>>> pn.by_hand(pn.dense)
TypeError: by_hand: part is the function dense itself; call it: dense(…)
>>> pn.by_hand(pn.relu)()
TypeError: relu: x is missing. Arrays go by position, relu(x); where a function is expected, pass
    relu itself, not relu()
>>> pn.by_hand(pn.relu)(WHOLE)
TypeError: relu: x must be floating point, got int32(4, 3); convert it with x.astype(jnp.float32),
    or put rescale() first
>>> pn.by_hand(LOSS)(ROWS, LABELS - 1)
ValueError: softmax_cross_entropy: labels must be in 0 … 1; got values from -1 to 0
>>> pn.by_hand(MODEL).apply(PARAMS, STATE, X[0])
ValueError: dense(5): x has shape (3,), expected a batch axis first and features last; for a single
    example pass x[None], and for 3 examples of one feature x[:, None]
in part 0 of serial: dense(5)
>>> pn.by_hand(MODEL).apply(PARAMS, STATE, X, key=0)
TypeError: serial: key must be one PRNG key, such as jax.random.key(0); got 0

== value_and_grad
>>> BACKPROPAGATE(PARAMS, X, LABELS)
TypeError: value_and_grad's function: missing a required argument: 'targets'; expected (params,
    state, x, targets, key=…, train=…); state is what init returned second, () where there is none
>>> pn.value_and_grad(None, LOSS)
TypeError: value_and_grad: model must be a layer, an op or a function, got None
>>> pn.value_and_grad(pn.mlp, LOSS)
TypeError: value_and_grad: model is the function mlp itself; call it: mlp(…)
>>> pn.value_and_grad(MODEL, "mse")
TypeError: value_and_grad: loss must be an op or a function, got 'mse'
>>> pn.value_and_grad(LOSS, MODEL)
TypeError: value_and_grad: model, softmax_cross_entropy, can't be called with x alone: missing a
    required argument: 'targets'
>>> pn.value_and_grad(MODEL, MODEL)
TypeError: value_and_grad: loss must be an op or a function, got serial(dense(5), relu, dense(2))
>>> pn.value_and_grad(MODEL, LOSS, penalty=0.1)
TypeError: value_and_grad: penalty must be an op or a function, got 0.1
>>> pn.value_and_grad(MODEL, LOSS, penalty=pn.l2_penalty)
TypeError: value_and_grad: penalty is the function l2_penalty itself; call it: l2_penalty(…)
>>> pn.value_and_grad(MODEL, pn.relu)(PARAMS, STATE, X, LABELS)
TypeError: relu: too many positional arguments; expected (x)
>>> pn.value_and_grad(MODEL, lambda y, t: y)(PARAMS, STATE, X, LABELS)
ValueError: <lambda>: must return a floating scalar, the mean over the batch; got float32(4, 2)
>>> pn.value_and_grad(MODEL, lambda y, t: (y.sum(), t))(PARAMS, STATE, X, LABELS)
TypeError: <lambda>: forward must return a jax.Array as y, got a tuple of 2
>>> pn.value_and_grad(MODEL, LOSS, penalty=lambda p: p[0].b)(PARAMS, STATE, X, LABELS)
ValueError: <lambda>: must return a floating scalar, the mean over the batch; got float32(5,)
>>> BACKPROPAGATE(PARAMS, STATE, X[0], LABELS)
ValueError: dense(5): x has shape (3,), expected a batch axis first and features last; for a single
    example pass x[None], and for 3 examples of one feature x[:, None]
in part 0 of serial: dense(5)
>>> BACKPROPAGATE(PARAMS, STATE, X, LABELS[:3])
ValueError: softmax_cross_entropy: targets must be integers (4,) or rows that sum to one (4, 2),
    got int32(3,)
>>> BACKPROPAGATE(STATE, PARAMS, X, LABELS)
TypeError: dense(5): params must be DenseParams(w, b), as init makes it; got ()
in part 0 of serial: dense(5)
>>> BACKPROPAGATE(PARAMS, STATE, X, LABELS, train=1)
TypeError: serial(dense(5), relu, dense(2)): train must be True or False (static under jit), got 1
>>> BACKPROPAGATE(PARAMS, STATE, X, LABELS, key=1)
TypeError: serial: key must be one PRNG key, such as jax.random.key(0); got 1

== check_gradients
>>> pn.check_gradients(5)
TypeError: check_gradients: pass a layer, an op and its arguments, or forward, backward, and their
    arguments; got 5
>>> pn.check_gradients(pn.dense, in_shape=(3,))
TypeError: check_gradients: subject is the function dense itself; call it: dense(…)
>>> pn.check_gradients(DENSE)
TypeError: check_gradients: in_shape is missing, the shape of one example
>>> pn.check_gradients(DENSE, in_shape=5)
TypeError: check_gradients: in_shape must be a tuple of whole numbers, the shape of one example
    without its batch axis, such as (784,); got 5
>>> pn.check_gradients(DENSE, 5)
TypeError: check_gradients: x must be an array, got 5
>>> pn.check_gradients(DENSE, X, X)
TypeError: check_gradients: a layer takes one argument, x; got 2
>>> pn.check_gradients(DENSE, in_shape=(3,), batch=0)
ValueError: check_gradients: batch must be at least 1, got 0
>>> pn.check_gradients(DENSE, in_shape=(3,), key=1)
TypeError: check_gradients: key must be one PRNG key, such as jax.random.key(0); got 1
>>> pn.check_gradients(pn.relu)
TypeError: check_gradients: pass relu's arguments after it
>>> pn.check_gradients(pn.relu, WHOLE)
TypeError: relu: x must be floating point, got int32(4, 3); convert it with x.astype(jnp.float32),
    or put rescale() first
>>> pn.check_gradients(jnp.sin, X)
TypeError: check_gradients: pass a layer, an op and its arguments, or forward, backward, and their
    arguments; got a PjitFunction without its backward
>>> pn.check_gradients(jnp.sin, lambda x, dy: None, WHOLE)
TypeError: check_gradients: none of the arguments is floating point, and backward returned no
    derivative of an integer one
>>> pn.check_gradients(jnp.sin, lambda x, dy: (dy, dy), X)
ValueError: check_gradients: backward returned 2 derivatives for 1 arguments
>>> pn.check_gradients(lambda x, w, b: x @ w + b, lambda x, w, b, dy: dy, X, ROWS)
TypeError: check_gradients: forward(x, w, b) takes 3 arguments, but is called with 2: those after
    backward
>>> pn.check_gradients(jnp.dot, lambda x, dy: dy, X, X.T)
TypeError: check_gradients: backward(x, dy) takes 2 arguments, but is called with 3: a, b, dy
    (forward's arguments, then dy)
>>> pn.check_gradients(lambda x, w: (x @ w, x), lambda x, w, dy: dy, X, X.T)
TypeError: check_gradients: backward(x, w, dy) takes 3 arguments, but is called with 2: cache, dy
    (forward returned a cache)
>>> pn.check_gradients(pn.mse, X)
TypeError: check_gradients: mse(predictions, targets) takes 2 arguments, but is called with 1: those
    after the op
>>> pn.check_gradients(pn.Op(lambda x: (x, x), lambda dy: dy, name="mine"), X)
TypeError: check_gradients: mine's backward(dy) takes 1 argument, but is called with 2: cache, dy
>>> pn.check_gradients(mine(backward=lambda cache, dy: dy), X)
TypeError: check_gradients: mine's backward(cache, dy) takes 2 arguments, but is called with 3:
    params, cache, dy
>>> pn.check_gradients(mine(forward=lambda params, state, x: x), X)
TypeError: check_gradients: mine's forward(params, state, x) is called with train=…, key=…: got an
    unexpected keyword argument 'train'
>>> pn.check_gradients(mine(init=lambda key: key), X)
TypeError: check_gradients: mine's init(key) takes 1 argument, but is called with 2: key, in_shape
>>> pn.check_gradients(jnp.sin, lambda x, dy: dy, X, batch=8)
TypeError: check_gradients: batch: only a layer takes them

== compare
>>> pn.compare([X], EXPLAIN(PARAMS, STATE, X, LABELS))
TypeError: compare: mine must be a dict of arrays, got list
>>> pn.compare({"Z1": X}, {"Z1": X})
TypeError: compare: explanation must be what explain returned, got dict
>>> pn.compare({}, EXPLAIN(PARAMS, STATE, X, LABELS))
ValueError: compare: mine is empty, expected a value to judge, such as {'dW1': …}
>>> pn.compare({1: X}, EXPLAIN(PARAMS, STATE, X, LABELS))
TypeError: compare: mine must have names as keys, got 1
>>> pn.compare({"dQ": X}, EXPLAIN(PARAMS, STATE, X, LABELS))
KeyError: compare: dQ is no value of this one; there are X, Z1, A1, Z2, A2, dZ2, dW2, db2,
    dA1, dZ1, dW1, db1

== explain
>>> EXPLAIN(PARAMS, X, LABELS)
TypeError: explain: missing a required argument: 'targets'; expected (model, loss, params, state, x,
    targets, penalty=…, key=…, train=…); state is what init returned second, () where there is none
>>> pn.explain(None, LOSS, PARAMS, STATE, X, LABELS)
TypeError: explain: model must be a layer, an op or a function, got None
>>> pn.explain(MODEL, None, PARAMS, STATE, X, LABELS)
TypeError: explain: loss must be an op or a function, got None
>>> EXPLAIN(PARAMS[:2], STATE, X, LABELS)
ValueError: serial(dense(5), relu, dense(2)): params must be a tuple of 3, one entry a part, as
    init makes it; got a tuple of 2
>>> EXPLAIN(PARAMS, (), X, LABELS)
ValueError: serial(dense(5), relu, dense(2)): state must be a tuple of 3, one entry a part, as
    init makes it; got ()
>>> EXPLAIN(PARAMS, STATE, X.tolist(), LABELS)
TypeError: explain: x must be an array, got a list of 4; convert it with jnp.array(x)
>>> EXPLAIN(PARAMS, STATE, X, LABELS[:3])
ValueError: softmax_cross_entropy: targets must be integers (4,) or rows that sum to one (4, 2),
    got int32(3,)
>>> EXPLAIN(PARAMS, STATE, X, LABELS, key=3)
TypeError: serial(dense(5), relu, dense(2)): key must be one PRNG key, such as jax.random.key(0);
    got 3
>>> EXPLAIN(PARAMS, STATE, X, LABELS)["dQ"]
KeyError: explanation: dQ is no value of this one; there are X, Z1, A1, Z2, A2, dZ2, dW2, db2,
    dA1, dZ1, dW1, db1

== summary
>>> pn.summary(None, (784,))
TypeError: summary: model must be a layer, an op or a function, got None
>>> pn.summary(pn.dense, (784,))
TypeError: summary: model is the function dense itself; call it: dense(…)
>>> pn.summary(MODEL, 784)
TypeError: summary: in_shape must be a tuple of whole numbers, the shape of one example without
    its batch axis, such as (784,); got 784
>>> pn.summary(pn.residual(MODEL), (3,))
ValueError: residual(serial(dense(5), relu, dense(2))): the layer turns (3,) into (2,), expected
    the same

== Layer
>>> pn.Layer(init=1, forward=len, backward=len)
TypeError: Layer: init must be a function, got 1
>>> pn.Layer(init=len, forward=len, backward=len, apply=3)
TypeError: Layer: apply must be a function, got 3
>>> pn.Layer(init=len, forward=len, backward=len, takes="floats")
ValueError: Layer: takes must be one of ('float', 'integer', 'any'), got 'floats'
>>> mine(init=lambda key, in_shape: ()).init(KEY, (3,))
TypeError: mine: init must return (params, state), got ()
>>> mine(init=lambda key: ((), ())).init(KEY, (3,))
TypeError: mine: <lambda> can't be called as (key, in_shape): too many positional arguments
>>> mine(forward=lambda params, x: x).forward((), (), X)
TypeError: mine: <lambda> can't be called as (params, state, x, train=…, key=…): too many
    positional arguments
>>> mine(forward=lambda params, state, x, train, key: (x, state)).forward((), (), X)
TypeError: mine: forward must return (y, state, cache), got a tuple of 2
>>> mine(forward=lambda params, state, x, train, key: ([1.0], state, ())).forward((), (), X)
TypeError: mine: forward must return a jax.Array as y, got a list of 1
>>> mine(forward=lambda params, state, x, train, key: (np.ones(3), state, ())).forward((), (), X)
TypeError: mine: forward must return a jax.Array as y, got ndarray
>>> mine(backward=lambda params, cache, dy: dy).backward((), mine().forward((), (), X)[2], X)
TypeError: mine: backward must return (dparams, dx), got float32(4, 3)
>>> mine(backward=lambda cache, dy: dy).backward((), mine().forward((), (), X)[2], X)
TypeError: mine: <lambda> can't be called as (params, cache, dy): too many positional arguments
>>> pn.value_and_grad(mine(backward=lambda params, x, dy: (dy.T, dy)), pn.mse)(X, (), X, X)
ValueError: mine.backward: dparams has shape (3, 4), params (4, 3)
>>> pn.serial(mine(forward=lambda params, state, x, train, key: (x, state))).init(KEY, (3,))
TypeError: mine: forward must return (y, state, cache), got a tuple of 2
in part 0 of serial: mine

== Op
>>> pn.Op(forward=len, backward=None)
TypeError: Op: backward must be a function, got None
>>> pn.Op(forward=len, backward=len, takes="integers")
ValueError: Op: takes must be one of ('float', 'tree'), got 'integers'
>>> pn.Op(lambda x: x, lambda cache, dy: dy)(X)
TypeError: op: forward must return (y, cache), got float32(4, 3)
>>> pn.Op(lambda x: ([1.0], x), lambda cache, dy: dy)(X)
TypeError: op: forward must return a jax.Array as y, got a list of 1
>>> pn.Op(lambda x: (x, x), lambda dy: dy).backward(pn.Op(lambda x: (x, x), len).forward(X)[1], X)
TypeError: op: <lambda> can't be called as (cache, dy): too many positional arguments

== Optimizer
>>> pn.train_step(MODEL, LOSS, pn.Optimizer(None, None))
TypeError: train_step: optimizer must have init and update, such as adam(1e-3), got an Optimizer
>>> pn.train_step(MODEL, LOSS, pn.Optimizer(len, asks_for_more))(TRAIN_STATE, X, LABELS)
TypeError: train_step: optimizer needs extra arguments (asks_for_more() missing 1 required
    keyword-only argument: 'value'); expected one whose update takes (grads, opt_state, params)
    alone
>>> pn.train_step(MODEL, LOSS, pn.Optimizer(len, lambda *_: 3))(TRAIN_STATE, X, LABELS)
TypeError: train_step: optimizer's update must return (updates, opt_state), got 3

== TrainState
>>> pn.TrainState.create(MODEL, pn.adam, KEY, (3,))
TypeError: TrainState.create: optimizer must have init and update, such as adam(1e-3), got a
    function; call it with a learning rate
>>> pn.TrainState.create(None, ADAM, KEY, (3,))
TypeError: TrainState.create: model must be a layer, an op or a function, got None
>>> pn.TrainState.create(MODEL, ADAM, 0, (3,))
TypeError: TrainState.create: key must be one PRNG key, such as jax.random.key(0); got 0
>>> pn.TrainState.create(MODEL, ADAM, KEY, 3)
TypeError: serial(dense(5), relu, dense(2)): in_shape must be a tuple of whole numbers, the shape
    of one example without its batch axis, such as (784,); got 3

== train_step
>>> STEP(TRAIN_STATE, X)
TypeError: train_step's function: missing a required argument: 'targets'; expected (train_state, x,
    targets)
>>> pn.train_step(MODEL, LOSS, pn.adam)
TypeError: train_step: optimizer must have init and update, such as adam(1e-3), got a function;
    call it with a learning rate
>>> pn.train_step(MODEL, LOSS, "adam")
TypeError: train_step: optimizer must have init and update, such as adam(1e-3), got 'adam'
>>> pn.train_step(MODEL, ADAM, LOSS)
TypeError: train_step: optimizer must have init and update, such as adam(1e-3), got an Op; call it
    with a learning rate
>>> STEP(PARAMS, X, LABELS)
TypeError: train_step: train_state must be a TrainState, as TrainState.create or a step makes it,
    got a tuple of 3
>>> STEP(STEP(TRAIN_STATE, X, LABELS), X, LABELS)
TypeError: train_step: train_state must be a TrainState, as TrainState.create or a step makes it,
    got a tuple of 2
>>> STEP(TRAIN_STATE._replace(key=0), X, LABELS)
TypeError: train_step: key must be one PRNG key, such as jax.random.key(0); got 0
>>> STEP(TRAIN_STATE._replace(opt_state=()), X, LABELS)
TypeError: adam: opt_state must be AdamState, what its init or update returned; got ()
>>> STEP(TRAIN_STATE, X, LABELS.astype(np.float32))
ValueError: softmax_cross_entropy: targets must be integers (4,) or rows that sum to one (4, 2),
    got float32(4,)

== training_run
>>> RUN(batch_size=4)(X, LABELS)
TypeError: training_run's function: missing a required argument: 'targets'; expected (key, x,
    targets)
>>> RUN(epochs=-1, batch_size=2)
ValueError: training_run: epochs must be at least 0, got -1
>>> RUN(epochs=1.5, batch_size=2)
TypeError: training_run: epochs must be a whole number, got 1.5
>>> RUN(batch_size=0)
ValueError: training_run: batch_size must be at least 1, got 0
>>> RUN(batch_size=8)(KEY, X, LABELS)
ValueError: training_run: batch_size is 8, but x holds 4 examples
>>> RUN(batch_size=2)(0, X, LABELS)
TypeError: TrainState.create: key must be one PRNG key, such as jax.random.key(0); got 0
>>> RUN(batch_size=2, blocks=1.5)
TypeError: training_run: blocks must be a whole number, got 1.5
>>> RUN(batch_size=4, blocks=3)(KEY, X, LABELS)
ValueError: training_run: batch_size is 4, expected a multiple of blocks, which is 3
>>> RUN(batch_size=2)(KEY, X, LABELS[:3])
ValueError: training_run: x holds 4 examples and targets 3; expected as many of both
>>> RUN(batch_size=2)(KEY, X.tolist(), LABELS)
TypeError: training_run: x must be an array, got a list of 4; convert it with jnp.array(x)

== fit
>>> FIT((X[:, 0], LABELS), batch_size=4)
ValueError: dense(5): an example has shape (), expected (..., features); for one feature per example
    pass x[:, None], whose in_shape is (1,)
in part 0 of serial: dense(5)
>>> FIT(((X, X), LABELS), batch_size=4)
TypeError: fit: x must be an array, got a tuple of 2; a model takes one array; several inputs or
    outputs take a function of your own that calls layers, with by_hand and jax.grad
>>> FIT((X, {"digit": LABELS, "writer": LABELS}), batch_size=4)
TypeError: fit: targets must be an array, got a dict; a model takes one array; several inputs or
    outputs take a function of your own that calls layers, with by_hand and jax.grad
>>> FIT((X.at[2, 1].set(jnp.nan), LABELS), batch_size=4, locate=True)
ValueError: fit: x[2] is nan at [1], and the loss of a batch with that example is nan; expected
    finite numbers, or a model and a loss that can handle it
>>> pn.fit(
    DENSE, pn.sigmoid_binary_cross_entropy, ADAM, (X, 2 * LABELS[:, None] * [1, 1]), epochs=1,
    batch_size=4, key=KEY)
ValueError: fit: targets[1] is 2 at [0], expected numbers in 0 … 1
>>> FIT(X, batch_size=2)
TypeError: fit: data must be (x, targets) or a function epoch -> iterable of batches, got
    float32(4, 3)
>>> FIT((X, LABELS, X), batch_size=2)
TypeError: fit: data must be (x, targets) or a function epoch -> iterable of batches, got a tuple
    of 3
>>> FIT((X, LABELS[:3]), batch_size=2)
ValueError: fit: x holds 4 examples and targets 3; expected as many of both
>>> FIT((X.tolist(), LABELS), batch_size=2)
TypeError: fit: x must be an array, got a list of 4; convert it with jnp.array(x)
>>> FIT((X[:0], LABELS[:0]), batch_size=2)
ValueError: fit: x holds no examples, shape (0, 3)
>>> FIT((X, LABELS))
TypeError: fit: batch_size is missing, which data in arrays needs
>>> FIT((X, LABELS), batch_size=0)
ValueError: fit: batch_size must be at least 1, got 0
>>> FIT((X, LABELS), batch_size=8)
ValueError: fit: batch_size is 8, but x holds 4 examples
>>> FIT((X, LABELS), batch_size=2, epochs=0)
ValueError: fit: epochs must be at least 1, got 0
>>> FIT((X, LABELS), batch_size=2, key=0)
TypeError: fit: key must be one PRNG key, such as jax.random.key(0); got 0
>>> FIT((X, LABELS + 1), batch_size=2)
ValueError: fit: targets[1] is 2, expected labels in 0 … 1 (2 of 4 are outside)
>>> FIT((X, LABELS), batch_size=2, validation=(X, LABELS - 1))
ValueError: fit: validation's targets[0] is -1, expected labels in 0 … 1 (2 of 4 are outside)
>>> FIT((X, LABELS), batch_size=2, validation=X)
TypeError: fit: validation must be (x, targets), got float32(4, 3)
>>> FIT((X, LABELS), batch_size=2, validation=0.2)
TypeError: fit: validation must be (x, targets), got 0.2
>>> FIT((X, LABELS), batch_size=2, train_state=PARAMS)
TypeError: fit: train_state must be a TrainState, as TrainState.create or a step makes it, got a
    tuple of 3
>>> FIT((X, LABELS), batch_size=2, penalty=0.1)
TypeError: fit: penalty must be an op or a function, got 0.1
>>> FIT((WHOLE, LABELS), batch_size=2)
TypeError: dense(5): x must be floating point, got int32(2, 3); convert it with
    x.astype(jnp.float32), or put rescale() first
in part 0 of serial: dense(5)
>>> FIT(lambda epoch: [])
ValueError: fit: data(0) gave no batch
>>> FIT(lambda epoch: 5)
TypeError: fit: data(0) must be an iterable of batches, got 5
>>> FIT(lambda epoch: [X])
TypeError: fit: data(0)'s first batch must be (x, targets), got float32(4, 3)
>>> FIT((X, LABELS), batch_size=2, checkpoints=3)
TypeError: fit: checkpoints must be a folder, got 3
>>> FIT((X, LABELS), batch_size=2, checkpoints="/dev/null")
ValueError: fit: checkpoints must be a folder that can be written to, got /dev/null: [Errno 17]
    File exists: '/dev/null'
>>> FIT((X, LABELS), batch_size=2, resume=True)
ValueError: fit: resume needs checkpoints, the folder to go on from
>>> FIT((X, LABELS), batch_size=2, resume="runs/mnist")
TypeError: fit: resume must be True or False (static under jit), got 'runs/mnist'
>>> FIT((X, LABELS), batch_size=2, checkpoint_every=-1)
ValueError: fit: expected 0 <= checkpoint_every, got -1
>>> FIT((X, LABELS), batch_size=2, checkpoint_every="1 minute")
TypeError: fit: checkpoint_every must be a number, got '1 minute'
>>> FIT((X, LABELS), batch_size=2, locate=1)
TypeError: fit: locate must be True or False (static under jit), got 1
>>> FIT(lambda epoch: [(X, LABELS - 1)])
ValueError: fit: targets[0] is -1, expected labels in 0 … 1 (2 of 4 are outside)
>>> FIT((X, LABELS), batch_size=2, mesh=2)
TypeError: fit: mesh must be a jax.sharding.Mesh, as jax.make_mesh makes it, got 2
>>> FIT((X, LABELS), batch_size=2, mesh=jax.make_mesh((2, 4), ("rows", "columns")))
ValueError: fit: mesh must have one axis, or one that is named 'data', for the batch to be spread
    over; got axes ('rows', 'columns')
>>> FIT((X, LABELS), batch_size=2, mesh=MESH)
ValueError: fit: batch_size is 2, expected a multiple of blocks, which is 8
>>> FIT((X, LABELS), batch_size=2, mesh=MESH, blocks=3)
ValueError: fit: blocks is 3, expected a multiple of the 2 devices along the mesh's axis 'data'
>>> FIT((X, LABELS), batch_size=2, blocks=0)
ValueError: fit: blocks must be at least 1, got 0
>>> FIT((X, LABELS), batch_size=3, blocks=2)
ValueError: fit: batch_size is 3, expected a multiple of blocks, which is 2
>>> FIT(lambda epoch: [(X, LABELS)], blocks=2)
TypeError: fit: blocks is for data in arrays; a function gives its own batches
>>> FIT(lambda epoch: [(X[:3], LABELS[:3])], mesh=MESH)
ValueError: fit: batch 1 of epoch 1 holds 3 examples, expected a multiple of the 2 devices along
    the mesh's axis 'data'
>>> pn.fit(MODEL, LOSS, pn.adam, (X, LABELS), epochs=1, batch_size=2, key=KEY)
TypeError: fit: optimizer must have init and update, such as adam(1e-3), got a function; call it
    with a learning rate

== evaluate
>>> EVALUATE(PARAMS, X, LABELS)
TypeError: evaluate: missing a required argument: 'targets'; expected (model, loss, params, state,
    x, targets, batch_size=…, mesh=…); state is what init returned second, () where there is none
>>> jax.vmap(lambda x: EVALUATE(PARAMS, STATE, x, LABELS))(X[None])
TypeError: evaluate: its arguments are traced, but it runs on the host; inside jit, vmap or grad
    call model.apply, the loss and accuracy
>>> pn.evaluate(MODEL, lambda y, t: y.mean(), PARAMS, STATE, X, LABELS + 2)
ValueError: evaluate: targets[0] is 2, expected labels in 0 … 1 (4 of 4 are outside); numbers that
    are not classes are passed as floats
>>> EVALUATE(PARAMS, STATE, X, LABELS, mesh=jax.devices())
TypeError: evaluate: mesh must be a jax.sharding.Mesh, as jax.make_mesh makes it, got a list of 8
>>> EVALUATE(PARAMS, STATE, X, LABELS, batch_size=0)
ValueError: evaluate: batch_size must be at least 1, got 0
>>> EVALUATE(PARAMS, STATE, X, LABELS[:3])
ValueError: evaluate: x holds 4 examples and targets 3; expected as many of both
>>> EVALUATE(PARAMS, STATE, X, LABELS + 1)
ValueError: evaluate: targets[1] is 2, expected labels in 0 … 1 (2 of 4 are outside)
>>> EVALUATE(PARAMS, STATE, X[:0], LABELS[:0])
ValueError: evaluate: x holds no examples, shape (0, 3)
>>> EVALUATE(STATE, PARAMS, X, LABELS)
TypeError: dense(5): params must be DenseParams(w, b), as init makes it; got ()
in part 0 of serial: dense(5)
>>> pn.evaluate(MODEL, lambda y, t: y, PARAMS, STATE, X, LABELS)
ValueError: <lambda>: must return a floating scalar, the mean over the batch; got float32(4, 2)

== accuracy
>>> pn.accuracy(ROWS, LABELS + 1)
ValueError: accuracy: labels must be in 0 … 1; got values from 1 to 2
>>> pn.accuracy(ROWS, 0 * ROWS)
ValueError: accuracy: rows of targets must be at least 0 and sum to one; row 0 sums to 0 and has
    values from 0 to 0
>>> pn.accuracy(ROWS, ROWS.at[1, 0].set(jnp.nan))
ValueError: accuracy: rows of targets must be at least 0 and sum to one; row 1 sums to nan and has
    values from nan to nan
>>> pn.accuracy(ROWS[0], LABELS)
ValueError: accuracy: logits must be (batch, classes) with at least one row and two classes, got
    shape (2,)
>>> pn.accuracy(LABELS, ROWS)
TypeError: accuracy: logits must be floating point, got int32(4,); convert it with
    logits.astype(jnp.float32)
>>> pn.accuracy(ROWS, LABELS[:3])
ValueError: accuracy: targets must be integers (4,) or rows that sum to one (4, 2), got int32(3,)
>>> pn.accuracy(ROWS, LABELS.astype(np.float32))
ValueError: accuracy: targets must be integers (4,) or rows that sum to one (4, 2), got float32(4,)
>>> pn.accuracy(ROWS.tolist(), LABELS)
TypeError: accuracy: logits must be an array, got a list of 4; convert it with jnp.array(logits)

== save
>>> pn.save(5, PARAMS)
TypeError: save: path must be a str or os.PathLike, got int
>>> pn.save(PARAMS, "file")
TypeError: save: path must be a str or os.PathLike, got tuple
>>> pn.save(b"file", PARAMS)
TypeError: save: path must be a str or os.PathLike, got bytes
>>> pn.save("a\\0b", PARAMS)
ValueError: save: path must be the name of a file, got 'a\\x00b'
>>> pn.save("/", PARAMS)
ValueError: save: /: expected the name of a file, got a folder or device
>>> pn.save("file", MODEL)
TypeError: save: tree must be an array, a PRNG key or a Python number, got Layer
>>> pn.save("file", {"model": "mlp", "params": PARAMS})
TypeError: save: tree['model'] must be an array, a PRNG key or a Python number, got str
>>> pn.save("file", TRAIN_STATE._replace(key=np.ma.ones(2)))
TypeError: save: tree.key must be an array, a PRNG key or a Python number, got MaskedArray
>>> pn.save("file", [X, np.array(["a"])])
TypeError: save: tree[1] is str32, a dtype that safetensors does not have
>>> pn.save("file", X.astype(jnp.int4))
TypeError: save: tree is int4, a dtype that safetensors does not have
>>> pn.save("file", {"examples": 2**63})
ValueError: save: tree['examples'] must fit 64 bits, got 0x8000000000000000
>>> pn.save("file", jax.eval_shape(lambda: PARAMS))
TypeError: save: tree[0].w must be an array, got a ShapeDtypeStruct

== load
>>> pn.load(5, PARAMS)
TypeError: load: path must be a str or os.PathLike, got int
>>> pn.load("/", PARAMS)
Damaged: load: /: expected a file, got a folder, pipe or device
>>> pn.load("file", MODEL)
TypeError: load: like must be an array, a PRNG key or a Python number, got Layer
>>> pn.load("file", jax.eval_shape)
TypeError: load: like must be an array, a PRNG key or a Python number, got function
>>> pn.load("file", {"w": jax.ShapeDtypeStruct((3,), np.float64)})
ValueError: load: like['w'] is float64, which JAX makes float32 unless jax_enable_x64 is set

== read_idx
>>> pn.read_idx(5)
TypeError: read_idx: path must be a str or os.PathLike, got int

== load_mnist
>>> pn.load_mnist(5)
TypeError: load_mnist: directory must be a str, os.PathLike or None, got int
"""


def rows(table):
    """The table above, one row a call; an indented line goes on with the line before."""
    name, call, message = "", "", []
    for line in [*table.replace("\n    ", " ").strip().splitlines(), "=="]:
        if message and line.startswith((">>>", "==")):
            yield Wrong(name, partial(eval, call, globals()), "\n".join(message))
            message = []
        if line.startswith("=="):
            name = line[3:]
        elif line.startswith(">>>"):
            call = line[4:]
        elif line:
            message.append(line)


# What every member of a family refuses alike.

OPS = [name for name in pn.__all__ if isinstance(getattr(pn, name), pn.Op)]
LOSSES = [name for name in OPS if "cross_entropy" in name or name == "mse"]
OPTIMIZERS = ("sgd", "momentum", "adam", "adamw")


def op_rows(name):
    op = getattr(pn, name)
    text = f"x is missing. Arrays go by position, {name}(x); where a function is expected, "
    yield op, f"TypeError: {name}: {text}pass {name} itself, not {name}()"
    if name not in LOSSES:
        text = "an array, got a list of 4; convert it with jnp.array(x)"
        yield partial(op, X.tolist()), f"TypeError: {name}: x must be {text}"
        text = "int32(4, 3); convert it with x.astype(jnp.float32), or put rescale() first"
        yield partial(op, WHOLE), f"TypeError: {name}: x must be floating point, got {text}"


def optimizer_rows(name):
    make = getattr(pn, name)
    sound = make(0.1)
    opt_state = sound.init(PARAMS)

    for rate, error, text in (
        ("fast", "TypeError", "learning_rate must be a number, got 'fast'"),
        (True, "TypeError", "learning_rate must be a number, got True"),
        (-0.1, "ValueError", "expected 0 <= learning_rate, got -0.1"),
        (X[0], "TypeError", "learning_rate must be a number, got float32(3,); vmap over it to "),
        (pn.cosine_decay, "TypeError", "learning_rate is the function cosine_decay itself; "),
    ):
        text += "try several" * text.endswith("over it to ")
        text += "call it: cosine_decay(…)" * text.endswith("itself; ")
        yield partial(make, rate), f"{error}: {name}: {text}"

    text = "must be floating point, got int32"
    remedy = "convert it with params['w'].astype(jnp.float32)"
    message = f"TypeError: {name}: params['w'] {text}(4, 3); {remedy}"
    yield partial(sound.init, {"w": WHOLE}), message

    def update(grads, opt_state, optimizer=sound):
        return partial(optimizer.update, grads, opt_state, PARAMS)

    message = f"ValueError: {name}: params has [2].w, which grads has not"
    yield update(GRADS[:2], opt_state), message
    message = f"ValueError: {name}: grads[0].w has shape (5, 2), params[0].w (3, 5)"
    yield update(GRADS[::-1], opt_state), message
    whole = jax.tree.map(lambda g: g.astype(jnp.int32), GRADS)
    remedy = "convert it with grads[0].w.astype(jnp.float32)"
    yield update(whole, opt_state), f"TypeError: {name}: grads[0].w {text}(3, 5); {remedy}"
    wanted = f"{type(opt_state).__name__}, what its init or update returned"
    message = f"TypeError: {name}: opt_state must be {wanted}; got a tuple of 3"
    yield update(GRADS, PARAMS), message
    message = f"ValueError: {name}: the schedule returned shape (3,), not a scalar"
    yield update(GRADS, opt_state, make(lambda step: X[0])), message
    message = f"TypeError: {name}: the schedule returned None, expected a scalar"
    yield update(GRADS, opt_state, make(lambda step: None)), message


ALL = [
    *rows(TABLE),
    *(Wrong(name, *row) for name in OPS for row in op_rows(name)),
    *(Wrong(name, *row) for name in OPTIMIZERS for row in optimizer_rows(name)),
]


@pytest.mark.parametrize("row", [pytest.param(row, id=row.name) for row in ALL])
def test_a_wrong_call_is_refused_in_words(row):
    with pytest.raises((TypeError, ValueError, KeyError)) as caught:
        row.call()
    error = caught.value
    # JAX adds a note of its own where it shortened the traceback.
    notes = [note for note in getattr(error, "__notes__", ()) if note.startswith("in ")]
    # The type by its name: jax's own errors are subclasses of these.
    assert "\n".join([f"{type(error).__name__}: {error.args[0]}", *notes]) == row.message


def test_every_public_name_has_a_row():
    # Tuples of values: nothing to misuse.
    records = {name for name in pn.__all__ if name.endswith(("Params", "State"))} - {"TrainState"}
    records.add("EpochRecord")
    assert set(pn.__all__) - records == {row.name for row in ALL}


# Losses: shapes that NumPy would broadcast.

BROADCAST = (
    ((4,), (4, 1)),
    ((4, 1), (4,)),
    ((4, 1), (1, 4)),
    ((4, 2), (2,)),
    ((4, 2), (4, 1)),
    ((4, 2), (1, 2)),
    ((4, 2), (4, 4, 2)),
    ((4, 2), ()),
    ((1, 2), (4, 2)),
)


@pytest.mark.parametrize(("shape", "other"), BROADCAST)
@pytest.mark.parametrize("name", LOSSES)
def test_losses_broadcast_nothing(name, shape, other):
    # Both directions, in targets of both kinds: 0 and 1 are labels, and probabilities too.
    predictions, targets = jnp.full(shape, 0.5), np.zeros(other)
    for kind in (np.float32, np.int32):
        with pytest.raises(ValueError, match=f"^{name}: .*shape|^{name}: targets must be"):
            getattr(pn, name)(predictions, targets.astype(kind))


# What can't be seen before a compiled program runs is NaN there, in the derivative too.

UNSEEN = (
    ("softmax_cross_entropy", ROWS, LABELS - 1),
    ("softmax_cross_entropy", ROWS, LABELS + 1),
    ("softmax_cross_entropy", ROWS, 2 * ROWS),
    ("categorical_cross_entropy", ROWS, LABELS - 1),
    ("categorical_cross_entropy", 2 * ROWS, LABELS),
    ("binary_cross_entropy", COLUMN + 1, COLUMN),
    ("sigmoid_binary_cross_entropy", COLUMN, COLUMN + 1),
)


@functools.cache
def compiled(name):
    op = getattr(pn, name)

    def both(predictions, targets):
        value, cache = op.forward(predictions, targets)
        return value, op.backward(cache, jnp.ones_like(value))

    return jax.jit(both)


@pytest.mark.parametrize(("name", "predictions", "targets"), UNSEEN)
def test_what_only_a_compiled_program_sees_is_nan(name, predictions, targets):
    value, derivative = compiled(name)(predictions, targets)
    assert np.isnan(value)
    bad = bad_examples(getattr(pn, name), predictions, targets)
    assert (np.isnan(derivative) == np.repeat(bad[:, None], predictions.shape[1], axis=1)).all()


def test_float64_is_not_mixed_with_float32(x64):
    x = np.ones((4, 3))  # NumPy's own default
    with pytest.raises(TypeError, match=r"dense\(2\): x is float64 and params.w is float32; cast"):
        DENSE.forward(WB, (), x)
