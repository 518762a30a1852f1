"""Wrong calls, as a new user makes them, and what each of them gets.

A row has the words that matter of the error's message: the layer or argument, what came and what to
do; `...` stands for the rest. Where in a model it was is a note, and is there in full. Bad targets
have a file of their own, `test_bad_labels.py`.
"""

import re
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import PartitionSpec as P

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
SEQUENCES = jnp.ones((5, 6, 3))
VALID = np.arange(6) < np.array([[6], [1], [3], [2], [5]])
CONV_1D = pn.conv1d(2)
GRU, LSTM = pn.gru(2), pn.lstm(2)
UP = pn.conv2d_transpose(2, strides=2)
KERNELS, _ = CONV.init(KEY, (4, 2, 3))
KERNELS_1D, _ = CONV_1D.init(KEY, (6, 3))
OF_GRU, OF_LSTM = GRU.init(KEY, (6, 3))[0], LSTM.init(KEY, (6, 3))[0]
KERNELS_UP, _ = UP.init(KEY, (4, 2, 3))
WB, _ = DENSE.init(KEY, (3,))
Y, _, CACHE = DENSE.forward(WB, (), X)
RELU_CACHE = pn.relu.forward(X)[1]
GAMMA_BETA, MEAN_VAR = NORM.init(KEY, (3,))
ROW_NORM = pn.layer_norm()
ROW_SCALE, _ = ROW_NORM.init(KEY, (3,))
RMS_NORM = pn.rms_norm()
RMS_SCALE, _ = RMS_NORM.init(KEY, (3,))
ATTENTION = pn.attention(1)
HEADS, _ = ATTENTION.init(KEY, (3, 4))
READER = pn.stepwise(pn.attention(1, causal=True), batch=1, length=8)
GATED = pn.gated_dense(2)
GATES, _ = GATED.init(KEY, (3,))
TOKENS = jnp.array([[0, 4], [3, 1]])
EMBEDDING = pn.embedding(5, 3)
VECTORS, _ = EMBEDDING.init(KEY, (2,))
TIED = pn.tied_embedding(5, 3)
TIED_PARAMS, _ = TIED.init(KEY, (2,))
POSITIONS = pn.position_embedding(4)
PLACES, _ = POSITIONS.init(KEY, (4, 3))
GROUP_NORM = pn.group_norm(3)
GROUP_SCALE, _ = GROUP_NORM.init(KEY, (4, 2, 3))

MODEL = pn.serial(pn.dense(5), pn.relu, DENSE)
PARAMS, STATE = MODEL.init(KEY, (3,))
GRADS = jax.tree.map(jnp.ones_like, PARAMS)
LOSS, ADAM = pn.softmax_cross_entropy, pn.adam(1e-3)
CLIP = pn.clip_by_global_norm(1.0)
TRAIN_STATE = pn.TrainState.create(MODEL, ADAM, KEY, (3,))
STEP = pn.train_step(MODEL, LOSS, ADAM)
BACKPROPAGATE = pn.value_and_grad(MODEL, LOSS)
EXPLAIN = partial(pn.explain, MODEL, LOSS)
RUN = partial(pn.training_run, MODEL, LOSS, ADAM, epochs=1)
FIT = partial(pn.fit, MODEL, LOSS, ADAM, epochs=1, key=KEY, progress=False)
TRAIN = partial(pn.train, MODEL, LOSS, ADAM, epochs=1, key=KEY)
EVALUATE, PREDICT = partial(pn.evaluate, MODEL, LOSS), partial(pn.predict, MODEL)
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


def asks_inside(grads, opt_state, params=None, **extra):  # like a chain of optax's
    return asks_for_more(grads, opt_state, params, **extra)


class Wrong(NamedTuple):
    name: str  # the public name that is used wrongly
    call: Any
    error: str  # its type, the layer or argument, and words of the message, ... between them
    notes: list[str]  # where in a model it was


TABLE = """== dense
>>> pn.dense("10")  # TypeError: dense: units ... got '10'
>>> pn.dense(0)  # ValueError: dense: units ... got 0
>>> pn.dense(2.5)  # TypeError: dense: units ... got 2.5
>>> pn.dense(True)  # TypeError: dense: units ... got True
>>> DENSE.init(KEY, 784)  # TypeError: dense(2): in_shape ... got 784
>>> DENSE.init(KEY, [784])  # TypeError: dense(2): in_shape ... got [784]
>>> DENSE.init(KEY, (None, 784))  # TypeError: dense(2): in_shape ... got (None, 784)
>>> DENSE.init(KEY, ())  # ValueError: dense(2): an ... in_shape is (1,)
>>> DENSE.init(0, (3,))  # TypeError: dense(2): key ... got 0
>>> DENSE.init((3,), KEY)  # TypeError: dense(2): in_shape ... got key<fry>()
>>> DENSE.init(jax.random.split(KEY, 3), (3,))  # TypeError: dense(2): key ... got key<fry>(3,)
>>> DENSE.forward(WB, (), X[0])  # ValueError: dense(2): x ... feature x[:, None]
>>> DENSE.forward(WB, (), X.tolist())  # TypeError: dense(2): x ... convert it with jnp.array(x)
>>> DENSE.forward(WB, (), WHOLE)  # TypeError: dense(2): x ... put rescale() first
>>> DENSE(WB, X)  # TypeError: dense(2): a layer is not called ... layer.apply(params, state, x)
>>> DENSE.apply(WB, X)  # TypeError: Layer.apply() missing 1 required positional argument: 'x'
>>> DENSE.forward(WB, (), np.array([1, None]))
  # TypeError: dense(2): x ... numbers with x.astype(float)
>>> DENSE.forward(WB, (), np.ma.array(np.ones((4, 3)), mask=False))
  # TypeError: dense(2): x ... fill its gaps with x.filled(…)
>>> DENSE.forward(WB, (), np.zeros(4, [("width", float), ("height", float)]))
  # TypeError: dense(2): x ... of one array
>>> DENSE.forward(WB, (), np.array(["2026-01-01"], "M8[D]"))
  # TypeError: dense(2): x ... got datetime64[D](1,)
>>> DENSE.forward(WB, (), Frame())  # TypeError: dense(2): x ... convert it with x.to_numpy()
>>> DENSE.forward(WB, (), Sparse())  # TypeError: dense(2): x ... convert it with x.toarray()
>>> DENSE.forward(WB, (), Tensor())
  # TypeError: dense(2): x ... it with np.asarray(x.detach().cpu())
>>> DENSE.forward(WB, (), [X, X])  # TypeError: dense(2): x ... convert it with jnp.stack(x)
>>> DENSE.forward(WB, (), (X, X))  # TypeError: dense(2): x ... by_hand and jax.grad
>>> DENSE.forward(WB, (), {"image": X})  # TypeError: dense(2): x ... by_hand and jax.grad
>>> DENSE.forward(WB, (), X.astype(complex))  # TypeError: dense(2): x ... got complex64(4, 3)
>>> DENSE.forward(WB, (), np.array(["a"]))
  # TypeError: dense(2): x ... numbers with x.astype(float)
>>> DENSE.forward(WB, (), jnp.ones((4, 5)))  # ValueError: dense(2): x ... passed as x[None]
>>> DENSE.forward(WB, (), HALF)  # TypeError: dense(2): x ... the other's dtype
>>> DENSE.forward(WB._replace(b=WB.b.astype(jnp.bfloat16)), (), X)
  # TypeError: dense(2): params.b ... the other's dtype
>>> DENSE.forward(WB[:1], (), X)  # TypeError: dense(2): params ... got a tuple of 1
>>> DENSE.forward((), WB, X)  # TypeError: dense(2): params ... got ()
>>> DENSE.forward({"w": WB.w, "b": WB.b}, (), X)  # TypeError: dense(2): params ... got a dict
>>> DENSE.forward(WB._replace(b=jnp.zeros(1)), (), X)
  # ValueError: dense(2): params.b has shape (1,), expected (2,)
>>> DENSE.forward(WB._replace(w=jnp.zeros((3, 7))), (), X)
  # ValueError: dense(2): params.w has shape (3, 7), expected (n_in, 2)
>>> DENSE.forward(WB._replace(w=None), (), X)  # TypeError: dense(2): params.w ... got None
>>> DENSE.forward(X)
  # TypeError: Layer.forward() missing 2 required positional arguments: 'state' and 'x'
>>> DENSE.forward(WB, (), X, True)
  # TypeError: Layer.forward() takes 4 positional arguments but 5 were given
>>> DENSE.forward(WB, (), X, training=True)
  # TypeError: Layer.forward() got an unexpected keyword argument 'training'
>>> DENSE.forward(WB, (), X, train=1)  # TypeError: dense(2): train ... got 1
>>> jax.jit(lambda t: DENSE.forward(WB, (), X, train=t))(True)
  # TypeError: dense(2): train ... got bool()
>>> DENSE.backward(WB, CACHE, X)  # ValueError: dense(2): dy ... got float32(4, 3)
>>> DENSE.backward(WB, CACHE, Y.astype(jnp.bfloat16))
  # TypeError: dense(2): dy ... got bfloat16(4, 2)
>>> DENSE.backward(WB, CACHE, Y.tolist())
  # TypeError: dense(2): dy ... convert it with jnp.array(dy)
>>> DENSE.backward(WB, Y, Y)  # TypeError: dense(2): cache ... got float32(4, 2)
>>> DENSE.backward(WB, RELU_CACHE, X)  # ValueError: dense(2): cache ... forward returned last
>>> DENSE.backward(WB._replace(w=jnp.ones((6, 2))), CACHE, Y)
  # ValueError: dense(2): x ... passed as x[None]
>>> DENSE.backward((), CACHE, Y)  # TypeError: dense(2): params ... got ()

== initializers
>>> pn.dense(3, w_init=jnp.zeros).init(KEY, (2,))
  # TypeError: dense(3): w_init ... key; pass pn.initializers.zeros | in dense(3) / w_init
>>> pn.dense(3, w_init=jnp.full).init(KEY, (2,))
  # TypeError: dense(3): w_init ... one of pn.initializers | in dense(3) / w_init
>>> pn.initializers.sharded(0.1, P("data"))  # TypeError: sharded: initializer ... got 0.1
>>> pn.initializers.sharded(pn.initializers.zeros, "data")
  # TypeError: sharded: spec ... got 'data'
>>> on_mesh("model")  # ValueError: sharded: spec ... the mesh, ('data',) | in dense(3) / w_init
>>> on_mesh(None, "data")  # ValueError: sharded: spec ... devices along data | in dense(3) / w_init
>>> on_mesh(None, None, "data")  # ValueError: sharded: spec ... shape (4, 3) | in dense(3) / w_init
>>> pn.dense(3, w_init=pn.initializers.he_normal())
  # TypeError: he_normal is ... pass he_normal, not he_normal()
>>> pn.dense(3, w_init=0.1)  # TypeError: dense: w_init ... got 0.1
>>> pn.dense(3, w_init=jax.nn.initializers.he_normal).init(KEY, (4,))
  # TypeError: dense(3): w_init ... it first, he_normal(…) | in dense(3) / w_init
>>> pn.dense(3, w_init=lambda key, shape: jnp.zeros(shape)).init(KEY, (4,))
  # TypeError: dense(3): w_init ... many positional arguments | in dense(3) / w_init
>>> pn.dense(3, w_init=lambda key, shape, dtype: [[0.0]]).init(KEY, (4,))
  # TypeError: dense(3): w_init's ... convert it with jnp.array(…) | in dense(3) / w_init
>>> pn.dense(3, w_init=lambda key, shape, dtype: jnp.zeros(shape, int)).init(KEY, (4,))
  # TypeError: dense(3): w_init's ... it with ….astype(jnp.float32) | in dense(3) / w_init
>>> pn.dense(3, w_init=lambda key, shape, dtype: jnp.zeros(shape[::-1])).init(KEY, (4,))
  # ValueError: dense(3): w_init returned shape (3, 4), expected (4, 3) | in dense(3) / w_init
>>> pn.dense(3, b_init=pn.initializers.he_normal).init(KEY, (4,))
  # ValueError: he_normal: shape ... got (3,) | in dense(3) / b_init
>>> pn.initializers.zeros()
  # TypeError: zeros is the initializer itself, init(key, shape); pass zeros, not zeros()
>>> pn.initializers.he_normal(0, (3, 3))  # TypeError: he_normal: key ... got 0
>>> pn.initializers.he_normal(KEY, 3)  # TypeError: he_normal: shape ... got 3
>>> pn.initializers.he_normal(KEY, (3,))  # ValueError: he_normal: shape ... got (3,)

== dropout
>>> pn.dropout(1)  # ValueError: dropout: expected 0 <= rate ... got 1
>>> pn.dropout(-0.1)  # ValueError: dropout: expected 0 <= rate ... got -0.1
>>> pn.dropout("half")  # TypeError: dropout: rate ... got 'half'
>>> pn.dropout(X)  # TypeError: dropout: rate ... vmap over it to try several
>>> train(DROPOUT, ())  # ValueError: dropout(0.5): key ... train=True pass key=jax.random.key(…)
>>> DROPOUT.forward((), (), X, train=True, key=0)  # TypeError: dropout(0.5): key ... got 0
>>> DROPOUT.forward((), (), X, train=True, key=jax.random.split(KEY, 4))
  # TypeError: dropout(0.5): key ... got key<fry>(4,)
>>> DROPOUT.forward((), (), X, train=True, key=jnp.arange(2))
  # TypeError: dropout(0.5): key ... got int32(2,)
>>> DROPOUT.forward((), (), X[0])  # ValueError: dropout(0.5): x ... feature x[:, None]
>>> DROPOUT.forward((), (), WHOLE)  # TypeError: dropout(0.5): x ... put rescale() first

== conv2d
>>> pn.conv2d("32")  # TypeError: conv2d: features ... got '32'
>>> pn.conv2d(0)  # ValueError: conv2d: features ... got 0
>>> pn.conv2d(2, 0)  # ValueError: conv2d: kernel ... got 0
>>> pn.conv2d(2, (3, 0))  # ValueError: conv2d: kernel[1] ... got 0
>>> pn.conv2d(2, (3, 3, 3))  # TypeError: conv2d: kernel ... got (3, 3, 3)
>>> pn.conv2d(2, strides=(2,))  # TypeError: conv2d: strides ... got (2,)
>>> pn.conv2d(2, padding="full")  # ValueError: conv2d: padding ... got 'FULL'
>>> pn.conv2d(2, padding=-1)  # ValueError: conv2d: padding ... got -1
>>> pn.conv2d(2, padding=(1, 1))  # TypeError: conv2d: padding ... got (1, 1)
>>> pn.conv2d(2, padding=((1, 1), (0, -1)))  # ValueError: conv2d: padding[1] ... got -1
>>> pn.conv2d(2, w_init=3)  # TypeError: conv2d: w_init ... got 3
>>> pn.conv2d(2, b_init=0)  # TypeError: conv2d: b_init ... got 0
>>> CONV.init(KEY, (28, 28))  # ValueError: conv2d(2, (3, 3)): in_shape ... pass x[..., None]
>>> CONV.init(KEY, (784,))  # ValueError: conv2d(2, (3, 3)): in_shape ... (height, width, channels)
>>> pn.conv2d(2, (5, 5), padding="VALID").init(KEY, (4, 4, 3))
  # ValueError: conv2d(2, (5, 5), padding='VALID'): in_shape ... 5), the kernel
>>> CONV.init(KEY, (4, 4, 0))  # ValueError: conv2d(2, (3, 3)): in_shape ... at least 1
>>> pn.conv2d(2, w_init=jax.nn.initializers.he_normal).init(KEY, (4, 4, 3))
  # TypeError: conv2d(2, (3, 3)): w_init ... it first, he_normal(…) | in conv2d(2, (3, 3)) / w_init
>>> CONV.forward(KERNELS, (), IMAGES[0])  # ValueError: conv2d(2, (3, 3)): x ... image pass x[None]
>>> CONV.forward(KERNELS, (), IMAGES[..., 0])
  # ValueError: conv2d(2, (3, 3)): x ... image pass x[None]
>>> CONV.forward(KERNELS, (), IMAGES[..., :1])  # ValueError: conv2d(2, (3, 3)): x ... 3, 3, 2)
>>> CONV.forward(KERNELS, (), IMAGES.astype(jnp.uint8))
  # TypeError: conv2d(2, (3, 3)): x ... put rescale() first
>>> CONV.forward(KERNELS, (), IMAGES.astype(jnp.bfloat16))
  # TypeError: conv2d(2, (3, 3)): x ... the other's dtype
>>> CONV.forward(KERNELS._replace(w=KERNELS.w[0]), (), IMAGES)
  # ValueError: conv2d(2, (3, 3)): params.w ... 3, c_in, 2)
>>> CONV.forward(KERNELS._replace(b=KERNELS.b[:1]), (), IMAGES)
  # ValueError: conv2d(2, (3, 3)): params.b has shape (1,), expected (2,)
>>> CONV.forward(KERNELS._replace(b=KERNELS.b.astype(jnp.bfloat16)), (), IMAGES)
  # TypeError: conv2d(2, (3, 3)): params.b ... the other's dtype
>>> CONV.forward((), (), IMAGES)  # TypeError: conv2d(2, (3, 3)): params ... got ()
>>> pn.conv2d(2, (3, 3), padding="VALID").forward(KERNELS, (), IMAGES[:, :, :2])
  # ValueError: conv2d(2, (3, 3), padding='VALID'): x ... 3), the kernel
>>> CONV.backward(KERNELS, CONV.forward(KERNELS, (), IMAGES)[2], IMAGES)
  # ValueError: conv2d(2, (3, 3)): dy ... got float32(5, 4, 2, 3)
>>> pn.conv2d(2, dilation=0)  # ValueError: conv2d: dilation ... got 0
>>> pn.conv2d(2, dilation=(2, 1.5))  # TypeError: conv2d: dilation[1] ... got 1.5
>>> pn.conv2d(2, groups="depthwise")  # TypeError: conv2d: groups ... got 'depthwise'
>>> pn.conv2d(2, groups=0)  # ValueError: conv2d: groups ... got 0
>>> pn.conv2d(4, groups=3)  # ValueError: conv2d: expected features ... into groups=3, got 4
>>> pn.conv2d(2, groups=2).init(KEY, (4, 2, 3))
  # ValueError: conv2d(2, (3, 3), groups=2): in_shape is (4, 2, 3), ... into groups=2
>>> pn.conv2d(2, groups=2).forward(KERNELS, (), IMAGES)
  # ValueError: conv2d(2, (3, 3), groups=2): x has shape (5, 4, 2, 3), ... shape (3, 3, 3, 2)
>>> pn.conv2d(2, padding="VALID", dilation=(2, 1)).init(KEY, (4, 4, 3))
  # ValueError: conv2d(2, (3, 3), padding='VALID', dilation=(2, 1)): ... with dilation=(2, 1)

== conv1d
>>> pn.conv1d(2.0)  # TypeError: conv1d: features ... got 2.0
>>> pn.conv1d(2, (3,))  # TypeError: conv1d: kernel ... got (3,)
>>> pn.conv1d(2, strides=0)  # ValueError: conv1d: strides ... got 0
>>> pn.conv1d(2, dilation=-1)  # ValueError: conv1d: dilation ... got -1
>>> pn.conv1d(3, groups=2)  # ValueError: conv1d: expected features ... into groups=2, got 3
>>> pn.conv1d(2, padding="causal")  # ValueError: conv1d: padding ... got 'CAUSAL'
>>> pn.conv1d(2, padding=[1, 1, 1])  # TypeError: conv1d: padding ... got a list of 3
>>> pn.conv1d(2, padding=(1, -1))  # ValueError: conv1d: padding[1] ... got -1
>>> pn.conv1d(2, b_init=0)  # TypeError: conv1d: b_init ... got 0
>>> CONV_1D.init(KEY, (6,))  # ValueError: conv1d(2, 3): in_shape is (6,), ... at least 1
>>> CONV_1D.init(KEY, (0, 3))  # ValueError: conv1d(2, 3): in_shape is (0, 3), ... at least 1
>>> pn.conv1d(2, groups=2).init(KEY, (6, 3))
  # ValueError: conv1d(2, 3, groups=2): in_shape is (6, 3), ... into groups=2
>>> pn.conv1d(2, padding="VALID", dilation=3).init(KEY, (6, 3))
  # ValueError: conv1d(2, 3, padding='VALID', dilation=3): ... at least 7, ... with dilation=3
>>> CONV_1D.forward(KERNELS_1D, (), SEQUENCES[0])  # ValueError: conv1d(2, 3): x ... pass x[None]
>>> CONV_1D.forward(KERNELS_1D, (), IMAGES)  # ValueError: conv1d(2, 3): x ... has shape (3, 3, 2)
>>> CONV_1D.forward(KERNELS_1D, (), SEQUENCES.astype(jnp.bfloat16))
  # TypeError: conv1d(2, 3): x ... the other's dtype
>>> CONV_1D.forward(KERNELS, (), SEQUENCES)  # TypeError: conv1d(2, 3): params ... a Conv2dParams
>>> pn.conv1d(2, padding="VALID").forward(KERNELS_1D, (), SEQUENCES[:, :2])
  # ValueError: conv1d(2, 3, padding='VALID'): x ... 2 steps; expected at least 3, the kernel

== gru
>>> pn.gru(2.0)  # TypeError: gru: units ... got 2.0
>>> pn.gru(0)  # ValueError: gru: units ... got 0
>>> pn.gru(2, w_init=0)  # TypeError: gru: w_init ... got 0
>>> pn.gru(2, u_init=None)  # TypeError: gru: u_init ... got None
>>> pn.gru(2, b_init=0)  # TypeError: gru: b_init ... got 0
>>> GRU.init(KEY, (6,))  # ValueError: gru(2): in_shape is (6,), ... both at least 1
>>> GRU.init(KEY, (6, 0))  # ValueError: gru(2): in_shape is (6, 0), ... at least 1
>>> pn.gru(2, u_init=jnp.ones).init(KEY, (6, 3))
  # TypeError: gru(2): u_init ... takes a shape first
  # in gru(2) / u_init
>>> GRU.forward(OF_GRU, (), SEQUENCES[0])  # ValueError: gru(2): x ... pass x[None]
>>> GRU.forward(OF_GRU, (), SEQUENCES[..., :2])
  # ValueError: gru(2): x has shape (5, 6, 2), expected (batch, time, 3), since w has shape (3, 6)
>>> GRU.forward(OF_GRU, (), SEQUENCES.astype(jnp.bfloat16))  # TypeError: gru(2): x ... dtype
>>> GRU.forward(OF_LSTM, (), SEQUENCES)  # TypeError: gru(2): params ... got a LstmParams
>>> GRU.forward(OF_GRU._replace(c=None), (), SEQUENCES)  # TypeError: gru(2): params.c ... got None
>>> GRU.forward(OF_GRU._replace(u=OF_GRU.w), (), SEQUENCES)
  # ValueError: gru(2): params.u has shape (3, 6), expected (2, 6)
>>> GRU.forward(OF_GRU._replace(u=OF_GRU.u.astype(jnp.bfloat16)), (), SEQUENCES)
  # TypeError: gru(2): params.u is bfloat16 and params.w is float32

== lstm
>>> pn.lstm(2.0)  # TypeError: lstm: units ... got 2.0
>>> pn.lstm(0)  # ValueError: lstm: units ... got 0
>>> pn.lstm(2, w_init=0)  # TypeError: lstm: w_init ... got 0
>>> pn.lstm(2, u_init=None)  # TypeError: lstm: u_init ... got None
>>> pn.lstm(2, b_init=0)  # TypeError: lstm: b_init ... got 0
>>> LSTM.init(KEY, (6,))  # ValueError: lstm(2): in_shape is (6,), ... both at least 1
>>> LSTM.init(KEY, (0, 3))  # ValueError: lstm(2): in_shape is (0, 3), ... at least 1
>>> LSTM.forward(OF_LSTM, (), SEQUENCES[0])  # ValueError: lstm(2): x ... pass x[None]
>>> LSTM.forward(OF_LSTM, (), SEQUENCES[..., :2])
  # ValueError: lstm(2): x has shape (5, 6, 2), expected (batch, time, 3), since w has shape (3, 8)
>>> LSTM.forward(OF_LSTM, (), SEQUENCES.astype(jnp.bfloat16))  # TypeError: lstm(2): x ... dtype
>>> LSTM.forward(OF_LSTM, (), SEQUENCES.astype(int))  # TypeError: lstm(2): x ... floating point
>>> LSTM.forward(OF_GRU, (), SEQUENCES)  # TypeError: lstm(2): params ... got a GruParams
>>> pn.lstm(2, b_init=None).forward(OF_LSTM, (), SEQUENCES)
  # TypeError: lstm(2): params.b must be None
>>> pn.lstm(3).forward(OF_LSTM, (), SEQUENCES)
  # ValueError: lstm(3): params.w has shape (3, 8), expected (features, 12)

== conv2d_transpose
>>> pn.conv2d_transpose(0)  # ValueError: conv2d_transpose: features ... got 0
>>> pn.conv2d_transpose(2, "3")  # TypeError: conv2d_transpose: kernel ... got '3'
>>> pn.conv2d_transpose(2, strides=(2, 2, 2))  # TypeError: conv2d_transpose: strides ... (2, 2, 2)
>>> pn.conv2d_transpose(2, padding=None)  # TypeError: conv2d_transpose: padding ... got None
>>> pn.conv2d_transpose(2, w_init=0)  # TypeError: conv2d_transpose: w_init ... got 0
>>> pn.conv2d_transpose(2, padding=2).init(KEY, (2, 3, 1))
  # ValueError: conv2d_transpose(2, (3, 3), padding=((2, 2), (2, 2))): in_shape ... least (1, 1)
>>> UP.init(KEY, (28, 28))
  # ValueError: conv2d_transpose(2, (3, 3), strides=(2, 2)): in_shape ... pass x[..., None]
>>> UP.forward(KERNELS_UP, (), IMAGES[0])
  # ValueError: conv2d_transpose(2, (3, 3), strides=(2, 2)): x ... image pass x[None]
>>> UP.forward(KERNELS_UP, (), IMAGES[..., :2])
  # ValueError: conv2d_transpose(2, (3, 3), strides=(2, 2)): x ... w has shape (3, 3, 3, 2)
>>> UP.forward(KERNELS, (), IMAGES)
  # TypeError: conv2d_transpose(2, (3, 3), strides=(2, 2)): params ... got a Conv2dParams
>>> UP.forward(KERNELS_UP._replace(b=KERNELS_UP.b.astype(jnp.bfloat16)), (), IMAGES)
  # TypeError: conv2d_transpose(2, (3, 3), strides=(2, 2)): params.b ... the other's dtype

== max_pool
>>> pn.max_pool("2")  # TypeError: max_pool: window ... got '2'
>>> pn.max_pool(0)  # ValueError: max_pool: window ... got 0
>>> pn.max_pool([2, 2])  # TypeError: max_pool: window ... got a list of 2
>>> pn.max_pool((2, 2, 1))  # TypeError: max_pool: window ... got (2, 2, 1)
>>> pn.max_pool((2, 2.0))  # TypeError: max_pool: window[1] ... got 2.0
>>> pn.max_pool((0, 2))  # ValueError: max_pool: window[0] ... got 0
>>> pn.max_pool((2, 2), strides=1.0)  # TypeError: max_pool: strides ... got 1.0
>>> pn.max_pool((2, 2), strides=(1, 0))  # ValueError: max_pool: strides[1] ... got 0
>>> POOL.init(KEY, (28, 28))  # ValueError: max_pool((3, 2)): in_shape ... pass x[..., None]
>>> POOL.init(KEY, (2, 28, 1))  # ValueError: max_pool((3, 2)): in_shape ... 2) or larger
>>> POOL.forward((), (), IMAGES[0])  # ValueError: max_pool((3, 2)): x ... ones x[..., None]
>>> POOL.forward((), (), X)  # ValueError: max_pool((3, 2)): x ... height, width, channels)
>>> POOL.forward((), (), IMAGES[:, :2])  # ValueError: max_pool((3, 2)): x ... 2) or larger
>>> POOL.forward((), (), IMAGES.astype(jnp.uint8))
  # TypeError: max_pool((3, 2)): x ... put rescale() first

== avg_pool
>>> pn.avg_pool(7.0)  # TypeError: avg_pool: window ... got 7.0
>>> pn.avg_pool((2, 2), strides=(-1, 1))  # ValueError: avg_pool: strides[0] ... got -1
>>> pn.avg_pool((3, 3), strides=(1, 2)).init(KEY, (2, 2, 1))
  # ValueError: avg_pool((3, 3), strides=(1, 2)): in_shape ... 3) or larger
>>> pn.avg_pool().forward((), (), IMAGES[0])
  # ValueError: avg_pool((2, 2)): x ... ones x[..., None]
>>> pn.max_pool(3, padding="full")  # ValueError: max_pool: padding ... got 'FULL'
>>> pn.max_pool(3, padding=(1, 1))  # TypeError: max_pool: padding ... got (1, 1)
>>> pn.max_pool((2, 3), padding=2)  # ValueError: max_pool: padding[0] ... in the image
>>> pn.avg_pool(3, padding=((1, 1), (0, 3)))  # ValueError: avg_pool: padding[1] ... in the image
>>> pn.avg_pool(4, padding=((1, 0), (0, 0))).init(KEY, (2, 4, 1))
  # ValueError: avg_pool((4, 4), padding=((1, 0), (0, 0))): in_shape ... padding, ... 4) or larger

== global_avg_pool
>>> pn.global_avg_pool().init(KEY, (3,))  # ValueError: global_avg_pool: in_shape ... an image
>>> pn.global_avg_pool().init(KEY, (0, 3))  # ValueError: global_avg_pool: in_shape ... at least 1
>>> pn.global_avg_pool().forward((), (), X)  # ValueError: global_avg_pool: x ... an image
>>> pn.global_avg_pool().forward((), (), IMAGES.astype(jnp.uint8))
  # TypeError: global_avg_pool: x ... put rescale() first

== group_norm
>>> pn.group_norm(2.0)  # TypeError: group_norm: groups ... got 2.0
>>> pn.group_norm(0)  # ValueError: group_norm: groups ... got 0
>>> pn.group_norm(2, epsilon=-1)  # ValueError: group_norm: expected 0 <= epsilon, ... got -1
>>> pn.group_norm(2).init(KEY, (4, 2, 3))
  # ValueError: group_norm(2): in_shape is (4, 2, 3), ... into groups=2, got 3
>>> GROUP_NORM.init(KEY, (3,))  # ValueError: group_norm(3): needs ... got in_shape (3,)
>>> GROUP_NORM.init(KEY, ())  # ValueError: group_norm(3): an ... in_shape is (1,)
>>> GROUP_NORM.forward(GROUP_SCALE, (), X)  # ValueError: group_norm(3): needs ... got x (4, 3)
>>> GROUP_NORM.forward(GROUP_SCALE, (), IMAGES[..., :2])  # ValueError: group_norm(3): x ... 3)
>>> GROUP_NORM.forward(ROW_SCALE, (), IMAGES)
  # TypeError: group_norm(3): params ... got a LayerNormParams
>>> GROUP_NORM.forward(GROUP_SCALE, (), IMAGES.astype(jnp.bfloat16))
  # TypeError: group_norm(3): x ... the other's dtype

== rms_norm
>>> pn.rms_norm(epsilon=-1)  # ValueError: rms_norm: expected 0 <= epsilon, ... got -1
>>> pn.rms_norm(epsilon="small")  # TypeError: rms_norm: epsilon ... got 'small'
>>> RMS_NORM.init(KEY, ())  # ValueError: rms_norm: an ... in_shape is (1,)
>>> RMS_NORM.forward(RMS_SCALE, (), X[0])  # ValueError: rms_norm: x ... feature x[:, None]
>>> RMS_NORM.forward(RMS_SCALE, (), X[:, :2])  # ValueError: rms_norm: x ... expected (..., 3)
>>> RMS_NORM.forward(ROW_SCALE, (), X)  # TypeError: rms_norm: params ... got a LayerNormParams
>>> RMS_NORM.forward(RMS_SCALE, (), HALF)  # TypeError: rms_norm: x ... the other's dtype
>>> RMS_NORM.forward(RMS_SCALE, (), WHOLE)  # TypeError: rms_norm: x ... put rescale() first

== attention
>>> pn.attention(2.0)  # TypeError: attention: heads ... got 2.0
>>> pn.attention(0)  # ValueError: attention: heads ... got 0
>>> pn.attention(4, kv_heads=3)  # ValueError: attention: kv_heads is 3, ... divisor of heads, 4
>>> pn.attention(4, kv_heads=True)  # TypeError: attention: kv_heads ... got True
>>> pn.attention(2, head_features=0)  # ValueError: attention: head_features ... got 0
>>> pn.attention(2, causal=1)  # TypeError: attention: causal ... got 1
>>> pn.attention(2, rotary="halves")  # TypeError: attention: rotary ... got 'halves'
>>> pn.attention(2, w_init=0.02)  # TypeError: attention: w_init ... got 0.02
>>> pn.attention(2, b_init=0)  # TypeError: attention: b_init ... got 0
>>> pn.attention(2).init(KEY, (3,))
  # ValueError: attention(2): in_shape is (3,), expected (time, features), both at least 1
>>> pn.attention(2).init(KEY, (0, 4))
  # ValueError: attention(2): in_shape is (0, 4), ... both at least 1
>>> ATTENTION.apply(HEADS, (), jnp.ones((2, 0, 4)))
  # ValueError: attention(1): x has shape (2, 0, 4), expected (batch, time, features)
>>> pn.attention(2).init(KEY, (4, 3))
  # ValueError: attention(2): in_shape is (4, 3), whose 3 features ... not divide
>>> pn.attention(2, rotary=True).init(KEY, (4, 6))
  # ValueError: attention(2, rotary): rotary ... got 3 features per head, expected an even number
>>> ATTENTION.apply(HEADS, (), X)
  # ValueError: attention(1): x has shape (4, 3), ... for a single sequence pass x[None]
>>> ATTENTION.apply(HEADS, (), SEQUENCES)
  # ValueError: attention(1): x ... expected (..., 4), since wq has shape (4, 1, 4)
>>> ATTENTION.apply(HEADS, (), jnp.ones((2, 3, 4), jnp.bfloat16))
  # TypeError: attention(1): x ... the other's dtype
>>> ATTENTION.apply(WB, (), X)  # TypeError: attention(1): params ... got a DenseParams
>>> pn.stepwise(ATTENTION, batch=1, length=4)
  # TypeError: attention(1): can't be read piece by piece, ... causal=True

== gated_dense
>>> pn.gated_dense(2.5)  # TypeError: gated_dense: units ... got 2.5
>>> pn.gated_dense(0)  # ValueError: gated_dense: units ... got 0
>>> pn.gated_dense(2, activation="silu")  # TypeError: gated_dense: activation ... got 'silu'
>>> pn.gated_dense(2, activation=pn.dense(2))  # TypeError: gated_dense: activation ... got dense(2)
>>> pn.gated_dense(2, activation=pn.mse)
  # TypeError: gated_dense: activation, mse, ... called with x alone: ... 'targets'
>>> pn.gated_dense(2, activation=pn.relu())
  # TypeError: relu: x is missing. ... not relu()
>>> pn.gated_dense(2, b_init=0)  # TypeError: gated_dense: b_init ... got 0
>>> pn.gated_dense(2, w_init=None)  # TypeError: gated_dense: w_init ... got None
>>> GATED.init(KEY, ())  # ValueError: gated_dense(2): an ... in_shape is (1,)
>>> GATED.forward(GATES, (), X[0])  # ValueError: gated_dense(2): x ... feature x[:, None]
>>> GATED.forward(GATES, (), X[:, :2])
  # ValueError: gated_dense(2): x ... (3, 2); a single example is passed as x[None]
>>> GATED.forward(GATES, (), HALF)  # TypeError: gated_dense(2): x ... the other's dtype
>>> GATED.forward(WB, (), X)  # TypeError: gated_dense(2): params ... got a DenseParams
>>> GATED.forward(GATES._replace(v=GATES.v[:2]), (), X)
  # ValueError: gated_dense(2): params.v has shape (2, 2), expected (3, 2)
>>> GATED.forward(GATES._replace(v=GATES.v.astype(jnp.bfloat16)), (), X)
  # TypeError: gated_dense(2): params.v ... the other's dtype
>>> GATED.forward(GATES._replace(b=jnp.ones(2)), (), X)
  # TypeError: gated_dense(2): params.b must be None, ... got float32(2,)
>>> pn.gated_dense(2, activation=lambda a: a[:, :1]).forward(GATES, (), X)
  # ValueError: gated_dense(2, activation=<lambda>): activation(a) ... (nothing is broadcast)

== embedding
>>> pn.embedding(5.0, 3)  # TypeError: embedding: vocabulary ... got 5.0
>>> pn.embedding(0, 3)  # ValueError: embedding: vocabulary ... got 0
>>> pn.embedding("abc", 3)  # TypeError: embedding: vocabulary ... got 'abc'
>>> pn.embedding(5, 0)  # ValueError: embedding: features ... got 0
>>> pn.embedding(5, 3, w_init=0.02)  # TypeError: embedding: w_init ... got 0.02
>>> pn.embedding(5, 3, w_init=pn.initializers.small_normal())
  # TypeError: small_normal is the initializer itself, ... pass small_normal, not small_normal()
>>> EMBEDDING.apply(VECTORS, (), X)
  # TypeError: embedding(5, 3): x must be integers, got float32(4, 3); ... x.astype(jnp.int32)
>>> EMBEDDING.apply(VECTORS, (), X > 0)
  # TypeError: embedding(5, 3): x must be integers, got bool(4, 3); ... x.astype(jnp.int32)
>>> EMBEDDING.apply(VECTORS, (), [[0, 1]])  # TypeError: embedding(5, 3): x ... with jnp.array(x)
>>> EMBEDDING.apply(VECTORS, (), jnp.array(1))  # ValueError: embedding(5, 3): x ... pass x[None]
>>> EMBEDDING.apply(VECTORS, (), TOKENS.at[1, 0].set(-1))
  # ValueError: embedding(5, 3): x[1, 0] is -1, expected tokens in 0 … 4 (1 of 4 are outside)
>>> EMBEDDING.apply(WB, (), TOKENS)  # TypeError: embedding(5, 3): params ... got a DenseParams
>>> EMBEDDING.apply(VECTORS._replace(w=VECTORS.w.T), (), TOKENS)
  # ValueError: embedding(5, 3): params.w has shape (3, 5), expected (5, 3)

== tied_embedding
>>> pn.tied_embedding(0, 3)  # ValueError: tied_embedding: vocabulary ... got 0
>>> pn.tied_embedding(5, "3")  # TypeError: tied_embedding: features ... got '3'
>>> pn.tied_embedding(5, 3, w_init=1)  # TypeError: tied_embedding: w_init ... got 1
>>> pn.tied_embedding(5, 3, pn.tanh, 7)  # TypeError: tied_embedding: layer 1 ... got 7
>>> pn.tied_embedding(5, 3, pn.dense(4)).init(KEY, (2,))
  # ValueError: tied_embedding(5, 3): the layers return shape (2, 4), expected (..., 3), ... too
>>> TIED.apply(TIED_PARAMS, ((),), X)
  # TypeError: tied_embedding(5, 3): x must be integers, ... x.astype(jnp.int32)
>>> TIED.backward((), TIED.forward(TIED_PARAMS, ((),), TOKENS)[2], jnp.ones((2, 2, 5)))
  # TypeError: tied_embedding(5, 3): params must be a tuple, as init makes it; got ()
>>> TIED.backward((WB,), TIED.forward(TIED_PARAMS, ((),), TOKENS)[2], jnp.ones((2, 2, 5)))
  # TypeError: tied_embedding(5, 3): params[0] must be EmbeddingParams(w), ... got a DenseParams

== position_embedding
>>> pn.position_embedding(2.0)  # TypeError: position_embedding: length ... got 2.0
>>> pn.position_embedding(0)  # ValueError: position_embedding: length ... got 0
>>> pn.position_embedding(4, w_init=0)  # TypeError: position_embedding: w_init ... got 0
>>> POSITIONS.init(KEY, (3,))
  # ValueError: position_embedding(4): in_shape is (3,), expected (time, features)
>>> POSITIONS.init(KEY, (5, 3))
  # ValueError: position_embedding(4): in_shape is (5, 3), 5 positions; expected at most 4
>>> POSITIONS.apply(PLACES, (), SEQUENCES)
  # ValueError: position_embedding(4): x has shape (5, 6, 3), 6 positions; expected at most 4
>>> POSITIONS.apply(PLACES, (), X)  # ValueError: position_embedding(4): x ... pass x[None]
>>> POSITIONS.apply(PLACES, (), SEQUENCES[:, :4, :2])
  # ValueError: position_embedding(4): x has shape (5, 4, 2), expected (..., 3)
>>> POSITIONS.apply(PLACES, (), SEQUENCES[:, :4].astype(jnp.bfloat16))
  # TypeError: position_embedding(4): x ... the other's dtype
>>> POSITIONS.apply(VECTORS, (), SEQUENCES)
  # TypeError: position_embedding(4): params ... got an EmbeddingParams

== batch_norm
>>> pn.batch_norm(momentum=1.5)  # ValueError: batch_norm: expected 0 <= momentum ... got 1.5
>>> pn.batch_norm(momentum=1)  # ValueError: batch_norm: expected 0 <= momentum ... got 1
>>> pn.batch_norm(epsilon=-1)  # ValueError: batch_norm: expected 0 <= epsilon, ... got -1
>>> NORM.init(KEY, ())  # ValueError: batch_norm: an ... in_shape is (1,)
>>> train(NORM, GAMMA_BETA, MEAN_VAR, X[:1])  # ValueError: batch_norm: training ... got x (1, 3)
>>> NORM.forward(GAMMA_BETA, MEAN_VAR, X[0])  # ValueError: batch_norm: x ... feature x[:, None]
>>> NORM.forward(GAMMA_BETA, MEAN_VAR, WHOLE)  # TypeError: batch_norm: x ... put rescale() first
>>> NORM.forward(GAMMA_BETA, MEAN_VAR, HALF)  # TypeError: batch_norm: x ... the other's dtype
>>> NORM.forward(GAMMA_BETA, MEAN_VAR, jnp.ones((4, 5)))
  # ValueError: batch_norm: x ... passed as x[None]
>>> NORM.forward(MEAN_VAR, GAMMA_BETA, X)  # TypeError: batch_norm: params ... got a BatchNormState
>>> NORM.forward(GAMMA_BETA, (), X)  # TypeError: batch_norm: state ... got ()
>>> NORM.forward(GAMMA_BETA._replace(beta=jnp.zeros(1)), MEAN_VAR, X)
  # ValueError: batch_norm: params.beta has shape (1,), expected (3,)
>>> NORM.forward(GAMMA_BETA, jax.tree.map(lambda a: a[:1], MEAN_VAR), X)
  # ValueError: batch_norm: state.mean has shape (1,), expected (3,)

== layer_norm
>>> pn.layer_norm(epsilon=-1)  # ValueError: layer_norm: expected 0 <= epsilon, ... got -1
>>> ROW_NORM.init(KEY, ())  # ValueError: layer_norm: an ... in_shape is (1,)
>>> ROW_NORM.init(KEY, (4, 1))  # ValueError: layer_norm: needs ... got in_shape (4, 1)
>>> ROW_NORM.forward(jax.tree.map(lambda a: a[:1], ROW_SCALE), (), COLUMN)
  # ValueError: layer_norm: needs ... got x (4, 1)
>>> ROW_NORM.forward(ROW_SCALE, (), X[0])  # ValueError: layer_norm: x ... feature x[:, None]
>>> ROW_NORM.forward(ROW_SCALE, (), WHOLE)  # TypeError: layer_norm: x ... put rescale() first
>>> ROW_NORM.forward(ROW_SCALE, (), HALF)  # TypeError: layer_norm: x ... the other's dtype
>>> ROW_NORM.forward(ROW_SCALE, (), jnp.ones((4, 5)))
  # ValueError: layer_norm: x ... passed as x[None]
>>> ROW_NORM.forward(GAMMA_BETA, (), X)  # TypeError: layer_norm: params ... got a BatchNormParams
>>> ROW_NORM.forward(ROW_SCALE._replace(beta=jnp.zeros(1)), (), X)
  # ValueError: layer_norm: params.beta has shape (1,), expected (3,)

== recompute
>>> pn.recompute(3)  # TypeError: recompute: layer ... got 3
>>> pn.recompute(pn.dropout)  # TypeError: recompute: layer ... call it: dropout(…)
>>> pn.recompute(DENSE).init(KEY, ())
  # ValueError: dense(2): an ... in_shape is (1,) | in recompute / dense(2)
>>> train(pn.recompute(DROPOUT), ())
  # ValueError: dropout(0.5): key ... train=True pass key=jax.random.key(…)
  # in recompute / dropout(0.5)
>>> pn.recompute(DENSE).forward(WB, (), WHOLE)  # TypeError: recompute: x ... put rescale() first
>>> pn.recompute(DENSE).backward(WB, CACHE, Y)
  # ValueError: recompute: cache ... forward returned last

== mixed_precision
>>> pn.mixed_precision(3)  # TypeError: mixed_precision: layer ... got 3
>>> pn.mixed_precision(pn.mlp)  # TypeError: mixed_precision: layer ... call it: mlp(…)
>>> pn.mixed_precision(jnp.bfloat16, MODEL)  # TypeError: mixed_precision: dtype ... got a Layer
>>> pn.mixed_precision(DENSE, 16)  # TypeError: mixed_precision: dtype ... got 16
>>> pn.mixed_precision(DENSE, "bf16")  # TypeError: mixed_precision: dtype ... got 'bf16'
>>> pn.mixed_precision(DENSE, jnp.int8)  # TypeError: mixed_precision: dtype ... got int8
>>> pn.mixed_precision(DENSE, jnp.float8_e4m3fn)
  # TypeError: mixed_precision: dtype ... got float8_e4m3fn
>>> pn.mixed_precision(DENSE, None)  # TypeError: mixed_precision: dtype ... got None
>>> pn.mixed_precision(DENSE).init(KEY, ())  # ValueError: dense(2): an ... in_shape is (1,)
>>> pn.mixed_precision(DENSE).forward(WB, (), WHOLE)
  # TypeError: bfloat16 dense(2): x ... put rescale() first
>>> pn.mixed_precision(DENSE).apply(WB, (), X[0])  # ValueError: dense(2): x ... feature x[:, None]
>>> pn.mixed_precision(DENSE).backward(WB, CACHE, Y)
  # ValueError: bfloat16 dense(2): cache ... forward returned last
>>> pn.mixed_precision(MODEL).forward(PARAMS, STATE, X[:, :2])
  # ValueError: dense(5): x ... passed as x[None] | in serial / part 0: bfloat16 dense(5)

== as_dtype
>>> pn.as_dtype(3, jnp.float32)  # TypeError: as_dtype: layer ... got 3
>>> pn.as_dtype(DENSE, jnp.int8)  # TypeError: as_dtype: dtype ... got int8
>>> pn.as_dtype(DENSE, float)  # ValueError: as_dtype: dtype is float64 ... jax_enable_x64

== Padded
>>> DENSE.forward(WB, (), pn.Padded(SEQUENCES, VALID * 1))
  # TypeError: dense(2): x.valid must be bool, True at each position of a sequence, got int64(5, 6)
>>> DENSE.forward(WB, (), pn.Padded(SEQUENCES, VALID[:, :4]))
  # ValueError: dense(2): x.x has shape (5, 6, 3) and x.valid (5, 4); expected (batch, time, ...)
>>> DENSE.forward(WB, (), pn.Padded(SEQUENCES, VALID[..., None]))
  # ValueError: dense(2): x.x has shape (5, 6, 3) and x.valid (5, 6, 1); expected
>>> DENSE.forward(WB, (), pn.Padded(SEQUENCES[..., 0], VALID))
  # ValueError: dense(2): x.x has shape (5, 6), expected (batch, time, features) ... x[..., None]
>>> DENSE.forward(WB, (), pn.Padded(SEQUENCES, None))
  # TypeError: dense(2): x.valid must be an array, got None
>>> DENSE.forward(WB, (), pn.Padded([1.0], VALID))
  # TypeError: dense(2): x.x must be an array, got a list of 1
>>> DENSE.forward(WB, (), pn.Padded(jnp.ones((5, 6, 3), int), VALID))
  # TypeError: dense(2): x.x must be floating point, got int32(5, 6, 3)
>>> pn.value_and_grad(DENSE, lambda y, t: jnp.mean(y))(WB, (), pn.Padded(SEQUENCES, VALID), 0)
  # TypeError: <lambda>: the model's output is Padded, and <lambda> takes no weights
>>> pn.value_and_grad(DENSE, LOSS)(WB, (), pn.Padded(SEQUENCES, 0 * VALID > 0), 0 * VALID)
  # ValueError: softmax_cross_entropy: weights must have a finite sum above 0
>>> pn.value_and_grad(DENSE, LOSS)(WB, (), pn.Padded(SEQUENCES, VALID), (0 * VALID, COLUMN))
  # ValueError: softmax_cross_entropy: weights has shape (4, 1) and logits (5, 6, 2); expected one
>>> pn.fit(DENSE, LOSS, ADAM, pn.Padded(SEQUENCES, VALID), epochs=1, batch_size=5, key=KEY)
  # TypeError: fit: data must be (x, targets) ... got a Padded, which may be the x
>>> FIT((pn.Padded(SEQUENCES, VALID * 1), 0 * VALID), batch_size=5)
  # TypeError: fit: x.valid must be bool, True at each position of a sequence, got int64(5, 6)
>>> FIT((pn.Padded(SEQUENCES, VALID), VALID * 2), batch_size=5)
  # ValueError: fit: targets[0, 0] is 2, expected labels in 0 … 1
>>> FIT((pn.Padded(SEQUENCES, VALID), VALID[:4] * 1), batch_size=5)
  # ValueError: fit: x holds 5 examples and targets 4
>>> EVALUATE(PARAMS, STATE, pn.Padded(SEQUENCES, 0 * VALID > 0), 0 * VALID)
  # ValueError: evaluate: no position of x is valid
>>> EVALUATE(PARAMS, STATE, pn.Padded(SEQUENCES, VALID), (0 * VALID, 1.0 - VALID))
  # ValueError: evaluate: targets[1], the weights, are all 0 where x is valid
>>> PREDICT(PARAMS, STATE, pn.Padded(SEQUENCES, VALID[:2]))
  # ValueError: predict: x.x has shape (5, 6, 3) and x.valid (2, 6); expected
>>> pn.relu(pn.Padded(SEQUENCES, VALID))
  # TypeError: relu: x must be an array, got a Padded; pass x.x
>>> pn.mse(pn.Padded(SEQUENCES, VALID), SEQUENCES)
  # TypeError: mse: predictions must ... pass predictions.x, and predictions.valid as the weights
>>> pn.batch_norm().apply(GAMMA_BETA, MEAN_VAR, pn.Padded(SEQUENCES, VALID))
  # TypeError: batch_norm: x is Padded, but the output of batch_norm at a position may
>>> pn.group_norm(1).apply((), (), pn.Padded(SEQUENCES, VALID))
  # TypeError: group_norm(1): x is Padded, but ... padding would count
>>> pn.flatten().apply((), (), pn.Padded(SEQUENCES, VALID))
  # TypeError: flatten: x is Padded, but ... padding would count
>>> CONV_1D.apply(KERNELS_1D, (), pn.Padded(SEQUENCES, VALID))
  # TypeError: conv1d(2, 3): x is Padded, but ... padding would count
>>> POOL.apply((), (), pn.Padded(SEQUENCES, VALID))
  # TypeError: max_pool((3, 2)): x is Padded, but ... padding would count
>>> pn.residual(jnp.sin).apply((), (), pn.Padded(SEQUENCES, VALID))
  # TypeError: sin: x is Padded, but ... pass serial(sin).replace(padded="ignores")
  # in residual / sin

== stepwise
>>> pn.stepwise(3, batch=1, length=8)
  # TypeError: stepwise: model must be a layer, an op or a function, got 3
>>> pn.stepwise(DENSE, batch=0, length=8)  # ValueError: stepwise: batch ... got 0
>>> pn.stepwise(DENSE, batch=1, length=8.0)  # TypeError: stepwise: length ... got 8.0
>>> READER.apply(HEADS, READER.init(KEY, (4, 4))[1], jnp.ones((1, 9, 4)))
  # ValueError: attention(1, causal): x has shape (1, 9, 4), 9 positions; expected at most 8, the
>>> pn.stepwise(ATTENTION, batch=1, length=8)
  # TypeError: attention(1): can't be read piece by piece ... attention(…, causal=True) can
>>> pn.stepwise(pn.position_embedding(4), batch=1, length=8)
  # ValueError: position_embedding(4): stepwise's length is 8, expected at most 4
>>> pn.stepwise(pn.batch_norm(), batch=1, length=8)
  # TypeError: stepwise: batch_norm can't be read piece by piece ... may depend on others
>>> pn.stepwise(pn.serial(DENSE, jnp.sin), batch=1, length=8)
  # TypeError: stepwise: sin ... may mix positions ... pass serial(sin).replace(padded="ignores")
  # in serial / part 1: sin
>>> pn.stepwise(DENSE, batch=1, length=8).apply(WB, (), SEQUENCES)
  # ValueError: dense(2): x has shape (5, 6, 3), expected (1, time, ...), since ... a batch of 1
>>> pn.stepwise(DENSE, batch=5, length=8).apply(WB, (), pn.Padded(SEQUENCES, VALID))
  # TypeError: dense(2): x is Padded, but ... reads sequences piece by piece
>>> pn.stepwise(DENSE, batch=4, length=8).backward(WB, CACHE, Y)
  # TypeError: dense(2): ... it has no backward pass; take that of the model

== flatten
>>> pn.flatten().init(KEY, 784)  # TypeError: flatten: in_shape ... got 784
>>> pn.flatten().forward((), (), jnp.float32(1))
  # ValueError: flatten: x is a scalar, expected a batch axis first
>>> pn.flatten().forward((), (), X.tolist())
  # TypeError: flatten: x ... convert it with jnp.array(x)

== rescale
>>> pn.rescale("1/255")  # TypeError: rescale: scale ... got '1/255'
>>> pn.rescale(float("inf"))  # ValueError: rescale: expected scale finite, got inf
>>> pn.rescale(X)  # TypeError: rescale: scale ... vmap over it to try several
>>> pn.rescale(dtype=jnp.uint8)  # TypeError: rescale: dtype ... got uint8
>>> pn.rescale().forward((), (), [0, 255])
  # TypeError: rescale(0.003922): x ... convert it with jnp.array(x)

== serial
>>> pn.serial(pn.flatten, pn.dense(10))  # TypeError: serial: part 0 ... call it: flatten(…)
>>> pn.serial([pn.dense(3), pn.relu])  # TypeError: serial: part 0 ... layer of several
>>> pn.serial(pn.dense(3), "relu")  # TypeError: serial: part 1 ... got 'relu'
>>> pn.serial(pn.dense(3), pn.relu(X))  # TypeError: serial: part 1 ... got float32(4, 3)
>>> pn.serial(pn.dense(3), pn.mse)  # TypeError: serial: part 1 ... required argument: 'targets'
>>> pn.serial(pn.dense(3), jnp.dot)  # TypeError: serial: part 1 ... required argument: 'b'
>>> pn.serial(pn.dense(3), partial(pn.leaky_relu, slope=0.1))
  # TypeError: serial: part 1 ... no option slope
>>> pn.serial(pn.dense(3), partial(pn.relu, X))  # TypeError: serial: part 1 ... not options alone
>>> pn.serial(lambda x: (x, x)).init(KEY, (3,))
  # TypeError: <lambda>: must ... by_hand and jax.grad | in serial / part 0: <lambda>
>>> pn.serial(lambda x: x.sum()).init(KEY, (3,))
  # ValueError: <lambda>: turned ... to stay first | in serial / part 0: <lambda>
>>> pn.serial(lambda x: x.T).init(KEY, (3,))
  # ValueError: <lambda>: turned ... to stay first | in serial / part 0: <lambda>
>>> MODEL.init(KEY, (784.0,))  # TypeError: serial: in_shape ... got (784.0,)
>>> MODEL.init(None, (3,))  # TypeError: dense(5): key ... got None | in serial / part 0: dense(5)
>>> MODEL.init(KEY, ())
  # ValueError: dense(5): an ... in_shape is (1,) | in serial / part 0: dense(5)
>>> MODEL.forward(PARAMS[:2], STATE, X)  # ValueError: serial: params ... got a tuple of 2
>>> MODEL.forward(PARAMS[0], STATE, X)  # ValueError: serial: params ... got a DenseParams
>>> MODEL.forward(PARAMS[::-1], STATE, X)
  # ValueError: dense(5): params.w has shape (5, 2), expected (n_in, 5)
  # in serial / part 0: dense(5)
>>> MODEL.forward(STATE, PARAMS, X)
  # TypeError: dense(5): params ... got () | in serial / part 0: dense(5)
>>> MODEL.forward(PARAMS, (), X)  # ValueError: serial: state ... got ()
>>> MODEL.forward(PARAMS, X, STATE)  # TypeError: serial: x ... got a tuple of 3
>>> MODEL.forward(PARAMS, STATE, X[0])
  # ValueError: dense(5): x ... feature x[:, None] | in serial / part 0: dense(5)
>>> MODEL.forward(PARAMS, STATE, WHOLE)
  # TypeError: dense(5): x ... put rescale() first | in serial / part 0: dense(5)
>>> MODEL.apply(PARAMS, STATE, X.tolist())  # TypeError: serial: x ... convert it with jnp.array(x)
>>> MODEL.apply(PARAMS, STATE, X, key=0)  # TypeError: serial: key ... got 0
>>> MODEL.apply(PARAMS, STATE, X, train="yes")  # TypeError: serial: train ... got 'yes'
>>> train(pn.serial(DENSE, pn.serial(pn.relu, DROPOUT)), (WB, ((), ())), ((), ((), ())))
  # ValueError: dropout(0.5): key ... train=True pass key=jax.random.key(…)
  # in serial / part 1: serial / part 1: dropout(0.5)
>>> MODEL.backward(PARAMS, CACHE, Y)  # ValueError: serial: cache ... forward returned last
>>> MODEL.backward(PARAMS[:2], MODEL.forward(PARAMS, STATE, X)[2], Y)
  # ValueError: serial: params ... got a tuple of 2

== residual
>>> pn.residual(pn.dense)  # TypeError: residual: layer ... call it: dense(…)
>>> pn.residual(pn.mse)  # TypeError: residual: layer ... required argument: 'targets'
>>> pn.residual(3)  # TypeError: residual: layer ... got 3
>>> pn.residual(pn.dense(5)).init(KEY, (3,))
  # ValueError: residual: dense(5) turns (3,) into (5,), expected the same
>>> pn.residual(DENSE).forward(WB, (), X)
  # ValueError: residual: layer(x) ... (nothing is broadcast)
>>> pn.residual(DENSE).apply((), (), X)
  # TypeError: dense(2): params ... got () | in residual / dense(2)
>>> pn.residual(pn.flatten()).forward((), (), WHOLE)
  # TypeError: residual: x ... put rescale() first
>>> pn.residual(DENSE, pn.dense(2))
  # TypeError: residual() takes 1 positional argument but 2 were given
>>> pn.residual(DENSE, projection=pn.dense)  # TypeError: residual: projection ... call it: dense(…)
>>> pn.residual(DENSE, projection=pn.dense(5)).init(KEY, (3,))
  # ValueError: residual: layer, dense(2), turns (3,) into (2,), and projection, dense(5), into (5,)
>>> pn.residual(DENSE, projection=DENSE).apply(WB, (), X)
  # ValueError: residual: state ... got ()
>>> pn.residual(DENSE, projection=DENSE).apply((WB, ()), ((), ()), X)
  # TypeError: dense(2): params ... got () | in residual / projection: dense(2)
>>> pn.residual(DENSE, projection=lambda x: x[..., :1]).apply((WB, ()), ((), ()), X)
  # ValueError: residual: layer, dense(2), turns (4, 3) into (4, 2), and projection, <lambda>, into

== parallel
>>> pn.parallel()  # ValueError: parallel: expected at least one layer, got none
>>> pn.parallel(pn.relu, 3)  # TypeError: parallel: layer 1 ... got 3
>>> pn.parallel(pn.relu, pn.flatten)  # TypeError: parallel: layer 1 ... call it: flatten(…)
>>> pn.parallel([pn.relu, DENSE])  # TypeError: parallel: layer 0 ... serial(*layers) makes one
>>> pn.parallel(pn.relu, combine="mean")  # ValueError: parallel: combine ... got 'mean'
>>> pn.parallel(DENSE, pn.serial()).init(KEY, (3,))
  # ValueError: parallel: layer 0, dense(2), turns (3,) into (2,), and layer 1, serial, into (3,)
>>> pn.parallel(pn.flatten(), pn.relu, combine="concat").init(KEY, (2, 3))
  # ValueError: parallel: layer 0, flatten, turns ... expected the same shape, except for the last
>>> pn.parallel(lambda x: x.sum(1), combine="concat").init(KEY, (3,))
  # ValueError: parallel: layer 0, <lambda>, turns (3,) into () ... except for the last axis
>>> pn.parallel(DENSE, DENSE).init(0, (3,))  # TypeError: parallel: key ... got 0
>>> pn.parallel(DENSE, DENSE).apply((WB,), ((), ()), X)
  # ValueError: parallel: params ... got a tuple of 1
>>> pn.parallel(DENSE, DENSE).apply((WB, ()), ((), ()), X)
  # TypeError: dense(2): params ... got () | in parallel / layer 1: dense(2)
>>> pn.parallel(pn.relu, DENSE).forward(((), WB), ((), ()), X)
  # ValueError: parallel: layer 0, relu, ... (4, 3), and layer 1, dense(2), into (4, 2)
>>> pn.parallel(pn.relu, lambda x: x.astype(jnp.int32)).apply(((), ()), ((), ()), X)
  # TypeError: parallel: the output of layer 1 is int32 and that of layer 0 is float32
>>> pn.parallel(pn.relu, pn.tanh).apply(((), ()), ((), ()), WHOLE)
  # TypeError: parallel: x ... put rescale() first

== repeat
>>> pn.repeat(3, 2)  # TypeError: repeat: layer ... got 3
>>> pn.repeat(pn.batch_norm, 2)  # TypeError: repeat: layer ... call it: batch_norm(…)
>>> pn.repeat(DENSE)  # TypeError: repeat() missing 1 required positional argument: 'times'
>>> pn.repeat(DENSE, 0)  # ValueError: repeat: times ... got 0
>>> pn.repeat(DENSE, 2.0)  # TypeError: repeat: times ... got 2.0
>>> pn.repeat(DENSE, 2).init(KEY, (3,))
  # ValueError: repeat: dense(2) turns (3,) into (2,), expected the same
>>> pn.repeat(DENSE, 2).init(KEY, ())
  # ValueError: dense(2): an ... in_shape is (1,) | in repeat / dense(2)
>>> pn.repeat(DENSE, 2).init(0, (3,))  # TypeError: repeat: key ... got 0
>>> pn.repeat(pn.dense(3), 2).apply(pn.dense(3).init(KEY, (3,))[0], (), X)
  # ValueError: repeat: params.w is float32(3, 3), expected a first axis of 2
>>> pn.repeat(pn.dense(3), 2).apply((pn.dense(3).init(KEY, (3,))[0],) * 2, (), X)
  # ValueError: repeat: params[0].w is float32(3, 3), expected a first axis of 2
>>> pn.repeat(pn.dense(3), 2).apply(pn.repeat(pn.dense(3), 3).init(KEY, (3,))[0], (), X)
  # ValueError: repeat: params.w is float32(3, 3, 3), expected a first axis of 2
>>> pn.repeat(pn.dense(3), 2).apply((), (), X)
  # TypeError: dense(3): params ... got () | in repeat / dense(3)
>>> pn.repeat(NORM, 2).apply(pn.repeat(NORM, 2).init(KEY, (3,))[0], MEAN_VAR, X)
  # ValueError: repeat: state.mean is float32(3,), expected a first axis of 2
>>> pn.repeat(lambda x: x[:, :1], 2).apply((), (), X)
  # ValueError: repeat: layer(x) ... (nothing is broadcast)
>>> pn.repeat(lambda x: x.astype(jnp.bfloat16), 2).apply((), (), X)
  # TypeError: repeat: layer(x) is bfloat16 and x is float32
>>> train(pn.repeat(DROPOUT, 2), ())
  # ValueError: dropout(0.5): key ... train=True pass key=jax.random.key(…)
  # in repeat / dropout(0.5)
>>> pn.repeat(pn.relu, 2).forward((), (), X, key=0)  # TypeError: repeat: key ... got 0
>>> pn.repeat(pn.relu, 2).forward((), (), WHOLE)  # TypeError: repeat: x ... put rescale() first
>>> pn.repeat(pn.relu, 2).backward((), CACHE, Y)
  # ValueError: repeat: cache ... forward returned last

== mlp
>>> pn.mlp(128, 10)  # TypeError: mlp: hidden ... got 128
>>> pn.mlp((0,), 10)  # ValueError: dense: units ... got 0
>>> pn.mlp((4,), "2")  # TypeError: dense: units ... got '2'
>>> pn.mlp((4,), 2, activation="relu")  # TypeError: serial: part 1 ... got 'relu'
>>> pn.mlp((4,), 2, activation=pn.flatten)  # TypeError: serial: part 1 ... call it: flatten(…)

== relu
>>> pn.relu("x")  # TypeError: relu: x ... got 'x'
>>> pn.relu(PARAMS)  # TypeError: relu: x ... got a tuple of 3
>>> pn.relu(X, alpha=1)
  # TypeError: relu: got an unexpected keyword argument 'alpha'; expected relu(x)
>>> pn.relu.backward(pn.relu(X), X)  # TypeError: relu: cache ... got float32(4, 3)
>>> pn.relu.backward(pn.relu.forward(X), X)  # TypeError: relu: cache ... got a tuple of 2
>>> pn.relu.backward(CACHE, Y)  # ValueError: relu: cache ... forward returned last
>>> pn.relu.backward(RELU_CACHE, X[0])  # ValueError: relu: dy ... got float32(3,)
>>> pn.relu.backward(RELU_CACHE, HALF)  # TypeError: relu: dy ... got bfloat16(4, 3)
>>> pn.relu.backward(RELU_CACHE)
  # TypeError: Op.backward() missing 1 required positional argument: 'dy'

== leaky_relu
>>> pn.leaky_relu(X, 0.3)
  # TypeError: leaky_relu: too many ... expected leaky_relu(x, *, negative_slope=0.01)
>>> pn.leaky_relu(X, slope=0.3)
  # TypeError: leaky_relu: got an unexpected keyword argument 'slope'; expected leaky_relu(x, *
>>> pn.leaky_relu(X, negative_slope=X)
  # TypeError: leaky_relu: negative_slope ... vmap over it to try several
>>> pn.leaky_relu(X, negative_slope=float("nan"))
  # ValueError: leaky_relu: expected negative_slope finite, got nan

== softmax
>>> pn.softmax(jnp.float32(1))
  # ValueError: softmax: x has shape (), expected classes on the last axis
>>> pn.softmax(X[:, :0])  # ValueError: softmax: x ... the last axis
>>> pn.softmax.forward(X, axis=0)  # TypeError: softmax: got an unexpected ... expected softmax(x)

== log_softmax
>>> pn.log_softmax(X[:, :0])  # ValueError: log_softmax: x ... the last axis

== elu
>>> pn.elu(X, alpha=-1)  # ValueError: elu: expected 0 <= alpha, ... got -1

== gelu
>>> pn.gelu(X, False)  # TypeError: gelu: too many ... expected gelu(x, *, approximate=True)
>>> pn.gelu(X, approximate=jnp.array(True))  # TypeError: gelu: approximate ... got bool()

== mse
>>> pn.mse(COLUMN, jnp.ones(4))  # ValueError: mse: targets ... pass targets[..., None]
>>> pn.mse(COLUMN)
  # TypeError: mse: missing ... 'targets'; expected mse(predictions, targets, weights=None)
>>> pn.mse(COLUMN, 0.5)  # TypeError: mse: targets ... got 0.5
>>> pn.mse(COLUMN, [0.5] * 4)  # TypeError: mse: targets ... it with jnp.array(targets)
>>> pn.mse(COLUMN, COLUMN, X[:3, 0])
  # ValueError: mse: weights ... one weight per example, (4,), or one per element, (4, 1)
>>> pn.mse(COLUMN, HALF[:, :1])  # TypeError: mse: targets ... the other's dtype
>>> pn.mse(COLUMN, COLUMN.astype(complex))  # TypeError: mse: targets ... got complex64(4, 1)
>>> pn.mse(LABELS, COLUMN)
  # TypeError: mse: predictions ... it with predictions.astype(jnp.float32)
>>> pn.mse(X[:0], X[:0])  # ValueError: mse: predictions ... has no mean

== binary_cross_entropy
>>> pn.binary_cross_entropy(COLUMN + 3, COLUMN)
  # ValueError: binary_cross_entropy: probabilities ... got values from 3.5 to 3.5
>>> pn.binary_cross_entropy(COLUMN * jnp.nan, COLUMN)
  # ValueError: binary_cross_entropy: probabilities ... got values from nan to nan
>>> pn.binary_cross_entropy(COLUMN, COLUMN + 3)
  # ValueError: binary_cross_entropy: targets ... got values from 3.5 to 3.5
>>> pn.binary_cross_entropy(X[:0], X[:0])
  # ValueError: binary_cross_entropy: probabilities ... has no mean

== sigmoid_binary_cross_entropy
>>> pn.sigmoid_binary_cross_entropy(COLUMN[:, 0], 2 * LABELS - 1)
  # ValueError: sigmoid_binary_cross_entropy: targets ... got values from -1 to 1
>>> pn.sigmoid_binary_cross_entropy(COLUMN, HALF[:, :1])
  # TypeError: sigmoid_binary_cross_entropy: targets ... the other's dtype
>>> pn.sigmoid_binary_cross_entropy(X[:0], X[:0])
  # ValueError: sigmoid_binary_cross_entropy: logits ... has no mean

== categorical_cross_entropy
>>> pn.categorical_cross_entropy(ROWS * 5, LABELS)
  # ValueError: categorical_cross_entropy: probabilities ... 2.5 to 2.5
>>> pn.categorical_cross_entropy(jnp.array([[0.5, 0.5], [1.5, -0.5]]), LABELS[:2])
  # ValueError: categorical_cross_entropy: probabilities ... -0.5 to 1.5
>>> pn.categorical_cross_entropy(ROWS, ROWS * 2)
  # ValueError: categorical_cross_entropy: rows ... 1 to 1
>>> pn.categorical_cross_entropy(ROWS[0], LABELS)
  # ValueError: categorical_cross_entropy: probabilities ... got shape (2,)

== softmax_cross_entropy
>>> LOSS(ROWS, (LABELS, LABELS))
  # TypeError: softmax_cross_entropy: targets ... pass them one after the other
>>> LOSS(jnp.ones((4, 16, 28)), LABELS)
  # ValueError: softmax_cross_entropy: targets ... put flatten() before the first dense layer
>>> LOSS(jnp.ones((4, 5, 2)), jnp.ones((4, 5, 1), int))
  # ValueError: softmax_cross_entropy: targets ... pass targets[..., 0]
>>> LOSS(ROWS, LABELS, COLUMN)
  # ValueError: softmax_cross_entropy: weights ... pass weights[..., 0]
>>> LOSS(ROWS, LABELS, -COLUMN[:, 0])
  # ValueError: softmax_cross_entropy: weights ... at least 0; got values from -0.5 to -0.5
>>> LOSS(ROWS, LABELS, LABELS * 0)  # ValueError: softmax_cross_entropy: weights ... sum above 0
>>> LOSS(ROWS, LABELS, HALF[:, 0])
  # TypeError: softmax_cross_entropy: weights is bfloat16 ... the other's dtype
>>> LOSS(ROWS, LABELS, [1, 1, 1, 1])
  # TypeError: softmax_cross_entropy: weights ... it with jnp.array(weights)
>>> LOSS(ROWS, LABELS, label_smoothing=1)
  # ValueError: softmax_cross_entropy: expected 0 <= label_smoothing < 1, got 1
>>> LOSS(ROWS, LABELS[:, None])  # ValueError: softmax_cross_entropy: targets ... pass targets[:, 0]
>>> LOSS(ROWS, LABELS.tolist())
  # TypeError: softmax_cross_entropy: targets ... it with jnp.array(targets)
>>> pn.softmax_cross_entropy(ROWS, LABELS.astype(str))
  # TypeError: softmax_cross_entropy: targets ... return_inverse=True)[1]
>>> LOSS(ROWS, ROWS.astype(jnp.bfloat16))
  # TypeError: softmax_cross_entropy: targets ... the other's dtype
>>> LOSS(LABELS, ROWS)
  # TypeError: softmax_cross_entropy: logits ... it with logits.astype(jnp.float32)
>>> LOSS(ROWS[0], LABELS)  # ValueError: softmax_cross_entropy: logits ... got shape (2,)
>>> LOSS(ROWS[:0], LABELS[:0])  # ValueError: softmax_cross_entropy: logits ... got shape (0, 2)
>>> LOSS(COLUMN, LABELS)  # ValueError: softmax_cross_entropy: logits ... got shape (4, 1)

== mae
>>> pn.mae(COLUMN, COLUMN[:, 0])  # ValueError: mae: targets ... pass targets[..., None]

== huber
>>> pn.huber(COLUMN, COLUMN, delta=0)  # ValueError: huber: expected delta > 0, got 0
>>> pn.huber(COLUMN, COLUMN, delta="1")  # TypeError: huber: delta ... got '1'

== l2_penalty
>>> pn.l2_penalty(-1)  # ValueError: l2_penalty: expected 0 <= strength, ... got -1
>>> pn.l2_penalty(PARAMS)  # TypeError: l2_penalty: strength ... got a tuple of 3
>>> pn.l2_penalty(0.1)({"w": 1.0})  # TypeError: l2_penalty(0.1): params['w'] ... got 1.0
>>> pn.l2_penalty(0.1)({"w": WHOLE})
  # TypeError: l2_penalty(0.1): params['w'] ... it with params['w'].astype(jnp.float32)
>>> pn.l2_penalty(0.1)(PARAMS, STATE)
  # TypeError: l2_penalty(0.1): too many ... expected l2_penalty(0.1)(params)

== momentum
>>> pn.momentum(0.1).update({"w": HALF}, pn.momentum(0.1).init({"w": X}), {"w": X})
  # TypeError: momentum: grads['w'] ... mixed_precision keeps it
>>> pn.momentum(0.1, 1)  # ValueError: momentum: expected 0 <= beta ... got 1
>>> pn.momentum(0.1, nesterov="yes")  # TypeError: momentum: nesterov ... got 'yes'

== adam
>>> pn.adam("fast")  # TypeError: adam: learning_rate ... got 'fast'
>>> pn.adam(-1)  # ValueError: adam: expected 0 <= learning_rate, ... got -1
>>> pn.adam(1e-3, beta1=1)  # ValueError: adam: expected 0 <= beta1 ... got 1
>>> pn.adam(1e-3, epsilon=-1)  # ValueError: adam: expected 0 <= epsilon, ... got -1
>>> ADAM.update(GRADS, ADAM.init(PARAMS[:2]))
  # ValueError: adam: grads has [2].w, which m does not have
>>> ADAM.update(GRADS, pn.sgd(0.1).init(PARAMS))  # TypeError: adam: opt_state ... got a SgdState

== adamw
>>> pn.adamw(1e-3, weight_decay=-1)  # ValueError: adamw: expected 0 <= weight_decay, ... got -1
>>> pn.adamw(1e-3).update(GRADS, pn.adamw(1e-3).init(PARAMS))
  # ValueError: adamw: update needs params, which weight_decay shrinks

== rmsprop
>>> pn.rmsprop(1e-3, 1)  # ValueError: rmsprop: expected 0 <= decay ... got 1
>>> pn.rmsprop(1e-3, epsilon=-1)  # ValueError: rmsprop: expected 0 <= epsilon, ... got -1
>>> pn.rmsprop(1e-3, momentum=True)  # TypeError: rmsprop: momentum ... got True
>>> pn.rmsprop(1e-3, momentum=0.9).update(GRADS, pn.rmsprop(1e-3).init(PARAMS))
  # ValueError: rmsprop: grads has [0].w, which velocity does not have

== adagrad
>>> pn.adagrad(1e-3, -1)  # ValueError: adagrad: expected 0 <= initial_accumulator_value, got -1
>>> pn.adagrad(1e-3, epsilon="a")  # TypeError: adagrad: epsilon ... got 'a'
>>> pn.adagrad(1e-3, momentum=1)  # ValueError: adagrad: expected 0 <= momentum ... got 1

== adamax
>>> pn.adamax(1e-3, beta1=1)  # ValueError: adamax: expected 0 <= beta1 ... got 1
>>> pn.adamax(1e-3, beta2=-1)  # ValueError: adamax: expected 0 <= beta2 ... got -1
>>> pn.adamax(1e-3, epsilon=-1)  # ValueError: adamax: expected 0 <= epsilon, ... got -1

== clip_by_global_norm
>>> pn.clip_by_global_norm(-1)
  # ValueError: clip_by_global_norm: expected 0 <= max_norm, ... got -1
>>> pn.clip_by_global_norm(GRADS)  # TypeError: clip_by_global_norm: max_norm ... got a tuple of 3
>>> CLIP.update({"w": WHOLE}, CLIP.init({"w": WHOLE}))
  # TypeError: clip_by_global_norm: grads['w'] ... int32(4, 3) ... astype
>>> CLIP.update(GRADS, ADAM.init(PARAMS))
  # TypeError: clip_by_global_norm: opt_state ... ClipState ... got an AdamState
>>> CLIP.update(GRADS, CLIP.init(PARAMS), PARAMS[:2])
  # ValueError: clip_by_global_norm: grads has [2].w, which params does not have

== chain
>>> pn.chain()  # TypeError: chain: expected at least one transformation, such as adam(1e-3)
>>> pn.chain([CLIP, ADAM])
  # TypeError: chain: transformations[0] must have init and update, ... got a list of 2
>>> pn.chain(CLIP, pn.adam)
  # TypeError: chain: transformations[1] must ... call it with a learning rate
>>> pn.chain(pn.clip_by_global_norm, ADAM)
  # TypeError: chain: transformations[0] must ... call it with a norm
>>> pn.chain(ADAM, CLIP, pn.sgd(0.1))
  # ValueError: chain: expected one optimizer ... got adam( ... and sgd(learning_rate=0.1)
>>> pn.chain(pn.chain(CLIP, ADAM), pn.sgd(0.1))
  # ValueError: chain: expected one optimizer ... got adam( ... and sgd(learning_rate=0.1)
>>> pn.chain(CLIP, ADAM).update(GRADS, ADAM.init(PARAMS))
  # TypeError: chain: opt_state must be the tuple of 2 ... got an AdamState
>>> pn.chain(CLIP, ADAM).update(GRADS, (CLIP.init(PARAMS),))
  # TypeError: chain: opt_state must be the tuple of 2 ... got a tuple of 1

== apply_updates
>>> pn.apply_updates(PARAMS, GRADS[:2])
  # ValueError: apply_updates: params has [2].w, which updates does not have
>>> pn.apply_updates(PARAMS, GRADS[::-1])
  # ValueError: apply_updates: updates[0].w has shape (5, 2), params[0].w (3, 5)
>>> pn.apply_updates({"w": X}, {"v": X})
  # ValueError: apply_updates: updates has ['v'] where params has ['w']
>>> pn.apply_updates({"w": X}, {"w": X[:1]})
  # ValueError: apply_updates: updates['w'] has shape (1, 3), params['w'] (4, 3)
>>> pn.apply_updates({"w": X}, {"w": WHOLE})
  # TypeError: apply_updates: updates['w'] ... it with updates['w'].astype(jnp.float32)
>>> pn.apply_updates({"w": WHOLE}, {"w": X})
  # TypeError: apply_updates: params['w'] ... it with params['w'].astype(jnp.float32)

== inverse_time_decay
>>> pn.inverse_time_decay("a", 1, 1)  # TypeError: inverse_time_decay: initial ... got 'a'
>>> pn.inverse_time_decay(0.1, -1, 10)
  # ValueError: inverse_time_decay: expected 0 <= decay_rate, ... got -1
>>> pn.inverse_time_decay(0.1, 1, 0)  # ValueError: inverse_time_decay: steps_per_epoch ... got 0

== exponential_decay
>>> pn.exponential_decay(X, 0.9, 1)
  # TypeError: exponential_decay: initial ... vmap over it to try several
>>> pn.exponential_decay(0.1, 0.9, 2.5)  # TypeError: exponential_decay: decay_steps ... got 2.5

== cosine_decay
>>> pn.cosine_decay(-1, 10)  # ValueError: cosine_decay: expected 0 <= initial, ... got -1
>>> pn.cosine_decay(0.1, 10, "a")  # TypeError: cosine_decay: final ... got 'a'

== polynomial_decay
>>> pn.polynomial_decay(0.1, 0)  # ValueError: polynomial_decay: decay_steps ... got 0
>>> pn.polynomial_decay(0.1, 9, -1)  # ValueError: polynomial_decay: expected 0 <= final ... got -1
>>> pn.polynomial_decay(0.1, 9, power=-1)
  # ValueError: polynomial_decay: expected 0 <= power ... got -1

== piecewise_constant
>>> pn.piecewise_constant(100, (0.1, 0.2))
  # TypeError: piecewise_constant: boundaries must be a sequence of numbers, got 100
>>> pn.piecewise_constant((100,), 0.1)  # TypeError: piecewise_constant: values ... got 0.1
>>> pn.piecewise_constant((100,), (0.1,))
  # ValueError: piecewise_constant: expected one ... got 1 values and 1 boundaries
>>> pn.piecewise_constant((9, 8), (1, 2, 3))
  # ValueError: piecewise_constant: boundaries[1] must be more than boundaries[0], 9, got 8
>>> pn.piecewise_constant((0.5,), (1, 2))  # TypeError: piecewise_constant: boundaries[0] ... 0.5
>>> pn.piecewise_constant((9,), ("a", 2))  # TypeError: piecewise_constant: values[0] ... got 'a'
>>> pn.piecewise_constant((9,), (1, -2))
  # ValueError: piecewise_constant: expected 0 <= values[1], got -2

== linear_warmup
>>> pn.linear_warmup(None, 10)  # TypeError: linear_warmup: peak ... got None
>>> pn.linear_warmup(0.1, 0)  # ValueError: linear_warmup: warmup_steps ... got 0

== by_hand
>>> pn.by_hand(5)  # TypeError: by_hand: part ... by_hand(Op(forward=..., backward=...))
>>> pn.by_hand(lambda x: x)  # TypeError: by_hand: part ... by_hand(Op(forward=..., backward=...))
>>> pn.by_hand(pn.dense)  # TypeError: by_hand: part ... call it: dense(…)
>>> pn.by_hand(pn.relu)(X, X)  # TypeError: relu: too many ... expected relu(x)
>>> pn.by_hand(pn.relu)()  # TypeError: relu: x ... itself, not relu()
>>> pn.by_hand(pn.relu)(WHOLE)  # TypeError: relu: x ... put rescale() first
>>> pn.by_hand(MODEL).apply(PARAMS, STATE, X[0])
  # ValueError: dense(5): x ... feature x[:, None] | in serial / part 0: dense(5)
>>> pn.by_hand(MODEL).apply(PARAMS, STATE, X, key=0)  # TypeError: serial: key ... got 0

== value_and_grad
>>> BACKPROPAGATE(PARAMS, X, LABELS)
  # TypeError: value_and_grad.<locals>.backpropagate() missing ... argument: 'targets'
>>> pn.value_and_grad(None, LOSS)  # TypeError: value_and_grad: model ... got None
>>> pn.value_and_grad(pn.mlp, LOSS)  # TypeError: value_and_grad: model ... call it: mlp(…)
>>> pn.value_and_grad(MODEL, "mse")  # TypeError: value_and_grad: loss ... got 'mse'
>>> pn.value_and_grad(LOSS, MODEL)
  # TypeError: value_and_grad: model ... required argument: 'targets'
>>> pn.value_and_grad(MODEL, pn.accuracy)
  # TypeError: value_and_grad: loss is accuracy, a metric ... such as softmax_cross_entropy
>>> pn.value_and_grad(MODEL, pn.evaluate)
  # TypeError: value_and_grad: loss is the function evaluate, not a layer or an op
>>> pn.value_and_grad(MODEL, MODEL)  # TypeError: value_and_grad: loss ... got serial
>>> pn.value_and_grad(MODEL, LOSS, penalty=0.1)  # TypeError: value_and_grad: penalty ... got 0.1
>>> pn.value_and_grad(MODEL, LOSS, penalty=pn.l2_penalty)
  # TypeError: value_and_grad: penalty ... call it: l2_penalty(…)
>>> pn.value_and_grad(MODEL, pn.relu)(PARAMS, STATE, X, LABELS)
  # TypeError: relu: targets is one array, so the loss is called ... too many positional arguments
>>> pn.value_and_grad(MODEL, lambda y, t: y)(PARAMS, STATE, X, LABELS)
  # ValueError: <lambda>: must ... got float32(4, 2)
>>> pn.value_and_grad(MODEL, lambda y, t: (y.sum(), t))(PARAMS, STATE, X, LABELS)
  # TypeError: <lambda>: forward ... got a tuple of 2
>>> pn.value_and_grad(MODEL, LOSS, penalty=lambda p: p[0].b)(PARAMS, STATE, X, LABELS)
  # ValueError: <lambda>: must ... got float32(5,)
>>> BACKPROPAGATE(PARAMS, STATE, X[0], LABELS)
  # ValueError: dense(5): x ... feature x[:, None] | in serial / part 0: dense(5)
>>> BACKPROPAGATE(STATE, PARAMS, X, LABELS)
  # TypeError: dense(5): params ... got () | in serial / part 0: dense(5)
>>> BACKPROPAGATE(PARAMS, STATE, X, LABELS, train=1)  # TypeError: serial: train ... got 1
>>> BACKPROPAGATE(PARAMS, STATE, X, LABELS, key=1)  # TypeError: serial: key ... got 1

== check_gradients
>>> pn.check_gradients(5)  # TypeError: check_gradients: pass ... got 5
>>> pn.check_gradients(pn.dense, in_shape=(3,))
  # TypeError: check_gradients: subject ... call it: dense(…)
>>> pn.check_gradients(DENSE)
  # TypeError: check_gradients: in_shape is missing, the shape of one example
>>> pn.check_gradients(DENSE, in_shape=5)  # TypeError: check_gradients: in_shape ... got 5
>>> pn.check_gradients(DENSE, 5)  # TypeError: check_gradients: x ... got 5
>>> pn.check_gradients(DENSE, X, X)  # TypeError: check_gradients: a layer takes one ... got 2
>>> pn.check_gradients(DENSE, in_shape=(3,), batch=0)
  # ValueError: check_gradients: batch ... got 0
>>> pn.check_gradients(DENSE, in_shape=(3,), key=1)  # TypeError: check_gradients: key ... got 1
>>> pn.check_gradients(pn.relu)  # TypeError: check_gradients: pass relu's arguments after it
>>> pn.check_gradients(pn.relu, WHOLE)  # TypeError: relu: x ... put rescale() first
>>> pn.check_gradients(jnp.sin, X)
  # TypeError: check_gradients: pass ... got a PjitFunction without its backward
>>> pn.check_gradients(jnp.sin, lambda x, dy: None, WHOLE)
  # TypeError: check_gradients: none ... an integer one
>>> pn.check_gradients(jnp.sin, lambda x, dy: (dy, dy), X)
  # ValueError: check_gradients: backward returned 2 derivatives for 1 arguments
>>> pn.check_gradients(lambda x, w, b: x @ w + b, lambda x, w, b, dy: dy, X, ROWS)
  # TypeError: check_gradients: forward(x ... those after backward
>>> pn.check_gradients(jnp.dot, lambda x, dy: dy, X, X.T)
  # TypeError: check_gradients: backward(x ... arguments, then dy)
>>> pn.check_gradients(lambda x, w: (x @ w, x), lambda x, w, dy: dy, X, X.T)
  # TypeError: check_gradients: backward(x ... returned a cache)
>>> pn.check_gradients(pn.mse, X)  # TypeError: check_gradients: mse(predictions ... after the op
>>> pn.check_gradients(pn.Op(lambda x: (x, x), lambda dy: dy, name="mine"), X)
  # TypeError: mine: backward ... many positional arguments
>>> pn.check_gradients(mine(backward=lambda cache, dy: dy), X)
  # TypeError: mine: backward ... many positional arguments
>>> pn.check_gradients(mine(forward=lambda params, state, x: x), X)
  # TypeError: mine: forward ... keyword argument 'train'
>>> pn.check_gradients(mine(init=lambda key: key), X)
  # TypeError: mine: init ... many positional arguments
>>> pn.check_gradients(jnp.sin, lambda x, dy: dy, X, batch=8)
  # TypeError: check_gradients: batch: only a layer takes them

== compare
>>> pn.compare([X], EXPLAIN(PARAMS, STATE, X, LABELS))  # TypeError: compare: mine ... got list
>>> pn.compare({"Z1": X}, {"Z1": X})  # TypeError: compare: explanation ... got dict
>>> pn.compare({}, EXPLAIN(PARAMS, STATE, X, LABELS))  # ValueError: compare: mine ... as {'dW1': …}
>>> pn.compare({1: X}, EXPLAIN(PARAMS, STATE, X, LABELS))  # TypeError: compare: mine ... got 1
>>> pn.compare({"dQ": X}, EXPLAIN(PARAMS, STATE, X, LABELS))
  # KeyError: compare: dQ ... dZ1, dW1, db1

== explain
>>> EXPLAIN(PARAMS, X, LABELS)
  # TypeError: explain() missing 1 required positional argument: 'targets'
>>> pn.explain(None, LOSS, PARAMS, STATE, X, LABELS)  # TypeError: explain: model ... got None
>>> pn.explain(MODEL, None, PARAMS, STATE, X, LABELS)  # TypeError: explain: loss ... got None
>>> EXPLAIN(PARAMS[:2], STATE, X, LABELS)  # ValueError: serial: params ... got a tuple of 2
>>> EXPLAIN(PARAMS, (), X, LABELS)  # ValueError: serial: state ... got ()
>>> EXPLAIN(PARAMS, STATE, X.tolist(), LABELS)
  # TypeError: explain: x ... convert it with jnp.array(x)
>>> EXPLAIN(PARAMS, STATE, X, LABELS, key=3)  # TypeError: serial: key ... got 3
>>> EXPLAIN(PARAMS, STATE, X, LABELS)["dQ"]  # KeyError: explanation: dQ ... dZ1, dW1, db1

== summary
>>> pn.summary(None, (784,))  # TypeError: summary: model ... got None
>>> pn.summary(pn.dense, (784,))  # TypeError: summary: model ... call it: dense(…)
>>> pn.summary(MODEL, 784)  # TypeError: summary: in_shape ... got 784
>>> pn.summary(pn.residual(MODEL), (3,))
  # ValueError: residual: serial turns (3,) into (2,), expected the same
>>> pn.summary(MODEL, (784,), time="yes")  # TypeError: summary: time ... got 'yes'
>>> pn.summary(MODEL, (784,), time=1)  # TypeError: summary: time ... got 1
>>> pn.summary(MODEL, (784,), time=True, batch_size=2.0)
  # TypeError: summary: batch_size ... got 2.0
>>> pn.summary(MODEL, (784,), batch_size=0)  # ValueError: summary: batch_size ... got 0
>>> jax.jit(lambda x: pn.summary(MODEL, (784,), time=True))(X)
  # TypeError: summary: time ... jit
>>> pn.summary(partial(jnp.argmax, axis=-1), (3,), time=True)
  # TypeError: summary: time ... output is int32(128,), expected floating point

== Layer
>>> pn.Layer(init=1, forward=len, backward=len)  # TypeError: Layer: init ... got 1
>>> DENSE.replace(apply=3)  # TypeError: Layer: apply ... got 3
>>> DENSE.replace(takes="floats")  # ValueError: Layer: takes ... got 'floats'
>>> mine(init=lambda key, in_shape: ()).init(KEY, (3,))  # TypeError: mine: init ... got ()
>>> mine(init=lambda key: ((), ()))
  # TypeError: mine: init must take (key, in_shape) ... too many positional arguments
>>> mine(forward=lambda params, x: x)
  # TypeError: mine: forward must take (params, state, x, train=…, key=…)
>>> mine(forward=lambda params, state, x, train, key: (x, state)).forward((), (), X)
  # TypeError: mine: forward ... got a tuple of 2
>>> mine(forward=lambda params, state, x, train, key: ([1.0], state, ())).forward((), (), X)
  # TypeError: mine: forward ... got a list of 1
>>> mine(forward=lambda params, state, x, train, key: (np.ones(3), state, ())).forward((), (), X)
  # TypeError: mine: forward ... got ndarray
>>> mine(backward=lambda params, cache, dy: dy).backward((), mine().forward((), (), X)[2], X)
  # TypeError: mine: backward ... got float32(4, 3)
>>> mine(backward=lambda cache, dy: dy)  # TypeError: mine: backward must take (params, cache, dy)
>>> pn.value_and_grad(mine(backward=lambda params, x, dy: (dy.T, dy)), pn.mse)(X, (), X, X)
  # ValueError: mine.backward: dparams has shape (3, 4), params (4, 3)
>>> pn.serial(mine(forward=lambda params, state, x, train, key: (x, state))).init(KEY, (3,))
  # TypeError: mine: forward ... got a tuple of 2 | in serial / part 0: mine

== Op
>>> pn.Op(forward=len, backward=None)  # TypeError: Op: backward ... got None
>>> pn.relu.replace(takes="integers")  # ValueError: Op: takes ... got 'integers'
>>> pn.Op(lambda x: x, lambda cache, dy: dy)(X)  # TypeError: op: forward ... got float32(4, 3)
>>> pn.Op(lambda x: ([1.0], x), lambda cache, dy: dy)(X)
  # TypeError: op: forward ... got a list of 1
>>> pn.Op(lambda x: (x, x), lambda dy: dy)  # TypeError: op: backward must take (cache, dy)

== Optimizer
>>> pn.train_step(MODEL, LOSS, pn.Optimizer(None, None))
  # TypeError: train_step: optimizer ... got an Optimizer
>>> pn.train_step(MODEL, LOSS, pn.Optimizer(len, asks_for_more))(TRAIN_STATE, X, LABELS)
  # TypeError: train_step: optimizer ... no extra arguments ... 'value'
>>> pn.train_step(MODEL, LOSS, pn.Optimizer(len, asks_inside))(TRAIN_STATE, X, LABELS)
  # TypeError: train_step: optimizer ... no extra arguments ... 'value'; pass ... your own
>>> pn.train_step(MODEL, LOSS, pn.Optimizer(len, lambda *_: 3))(TRAIN_STATE, X, LABELS)
  # TypeError: train_step: optimizer's ... got 3

== TrainState
>>> pn.TrainState.create(MODEL, pn.adam, KEY, (3,))
  # TypeError: TrainState.create: optimizer ... call it with a learning rate
>>> pn.TrainState.create(None, ADAM, KEY, (3,))  # TypeError: TrainState.create: model ... got None
>>> pn.TrainState.create(MODEL, ADAM, 0, (3,))  # TypeError: TrainState.create: key ... got 0
>>> pn.TrainState.create(MODEL, ADAM, KEY, 3)  # TypeError: serial: in_shape ... got 3

== Tail
>>> pn.Tail(0)  # ValueError: Tail: rows must be at least 1, got 0
>>> pn.Tail(2.5)  # TypeError: Tail: rows ... got 2.5
>>> pn.Tail(2, parts=0)  # ValueError: Tail: parts must be at least 1, got 0
>>> pn.value_and_grad(MODEL, LOSS, tail=2)
  # TypeError: value_and_grad: tail must be a Tail, such as Tail(rows=512), got 2
>>> pn.train_step(MODEL, LOSS, ADAM, tail=pn.Tail(2, parts=9))
  # ValueError: value_and_grad: tail has parts=9, but model, serial, has ... parts
>>> FIT((X, LABELS), batch_size=4, tail=(2, 1))  # TypeError: fit: tail ... got (2, 1)
>>> pn.value_and_grad(pn.dense(2), LOSS, tail=pn.Tail(2, parts=1))
  # ValueError: value_and_grad: tail has parts=1, but model, dense(2), is not a serial
>>> pn.value_and_grad(MODEL, LOSS, tail=pn.Tail(2))(PARAMS, STATE, X, LABELS[:3])
  # ValueError: softmax_cross_entropy: targets must be arrays of 4 examples ... got int32(3,)
>>> pn.value_and_grad(MODEL, LOSS, tail=pn.Tail(2))(PARAMS, STATE, X[:0], LABELS[:0])
  # ValueError: serial: x has shape (0, 3), expected at least one example
>>> pn.value_and_grad(NORM, pn.mse, tail=pn.Tail(2))(*NORM.init(KEY, (3,)), X, X)
  # ValueError: batch_norm: changes its state, so it can't be in the tail

== train_step
>>> STEP(TRAIN_STATE, X)
  # TypeError: make_step.<locals>.step() missing 1 required positional argument: 'targets'
>>> pn.train_step(MODEL, LOSS, pn.adam)
  # TypeError: train_step: optimizer ... call it with a learning rate
>>> pn.train_step(MODEL, LOSS, pn.chain(CLIP))
  # ValueError: train_step: optimizer is chain(clip_by_global_norm(max_norm=1.0)), which takes no
>>> pn.train_step(MODEL, LOSS, "adam")  # TypeError: train_step: optimizer ... got 'adam'
>>> pn.train_step(MODEL, ADAM, LOSS)
  # TypeError: train_step: optimizer ... call it with a learning rate
>>> STEP(PARAMS, X, LABELS)  # TypeError: train_step: train_state ... got a tuple of 3
>>> STEP(STEP(TRAIN_STATE, X, LABELS), X, LABELS)
  # TypeError: train_step: train_state ... got a tuple of 2
>>> STEP(TRAIN_STATE._replace(key=0), X, LABELS)  # TypeError: train_step: key ... got 0
>>> STEP(TRAIN_STATE._replace(opt_state=()), X, LABELS)  # TypeError: adam: opt_state ... got ()

== training_run
>>> RUN(batch_size=4)(X, LABELS)
  # TypeError: training_run.<locals>.run() missing 1 required positional argument: 'targets'
>>> RUN(epochs=-1, batch_size=2)  # ValueError: training_run: epochs ... got -1
>>> RUN(epochs=1.5, batch_size=2)  # TypeError: training_run: epochs ... got 1.5
>>> RUN(batch_size=0)  # ValueError: training_run: batch_size ... got 0
>>> RUN(batch_size=8)(KEY, X, LABELS)
  # ValueError: training_run: batch_size is 8, but x holds 4 examples
>>> RUN(batch_size=2)(0, X, LABELS)  # TypeError: TrainState.create: key ... got 0
>>> RUN(batch_size=2, blocks=1.5)  # TypeError: training_run: blocks ... got 1.5
>>> RUN(batch_size=4, blocks=3)(KEY, X, LABELS)
  # ValueError: training_run: batch_size ... which is 3
>>> RUN(batch_size=2)(KEY, X, LABELS[:3])
  # ValueError: training_run: x ... expected as many of both
>>> RUN(batch_size=2)(KEY, X.tolist(), LABELS)
  # TypeError: training_run: x ... convert it with jnp.array(x)

== fit
>>> FIT((X[:, 0], LABELS), batch_size=4)
  # ValueError: dense(5): an ... in_shape is (1,) | in serial / part 0: dense(5)
>>> FIT(((X, X), LABELS), batch_size=4)  # TypeError: fit: x ... by_hand and jax.grad
>>> FIT((X, [LABELS, LABELS]), batch_size=4)
  # TypeError: fit: targets ... jnp.stack(targets), or with tuple(targets) if a loss takes each
>>> FIT((X, (LABELS, 0 * LABELS)), batch_size=4)
  # ValueError: fit: targets[1], the weights, are all 0
>>> FIT((X, LABELS), batch_size=4, validation=(X, (LABELS, 0 * LABELS)))
  # ValueError: fit: validation's targets[1], the weights, are all 0
>>> FIT((X, {"digit": LABELS, "writer": LABELS}), batch_size=4)
  # TypeError: fit: targets ... by_hand and jax.grad
>>> FIT((X.at[2, 1].set(jnp.nan), LABELS), batch_size=4, locate=True)
  # ValueError: fit: x[2] ... can handle it
>>> pn.fit( DENSE, pn.sigmoid_binary_cross_entropy, ADAM, (X, 2 * LABELS[:, None] * [1, 1]),
...     epochs=1, batch_size=4, key=KEY)
  # ValueError: fit: targets[1] is 2 at [0], expected numbers in 0 … 1
>>> FIT(X, batch_size=2)  # TypeError: fit: data ... got float32(4, 3)
>>> FIT((X, LABELS, X), batch_size=2)
  # TypeError: fit: data ... got a tuple of 3; several arrays ... (x, (targets, weights))
>>> FIT((X, (LABELS, X, X)), batch_size=2)
  # TypeError: softmax_cross_entropy: targets is a tuple of 3 ... too many positional arguments
>>> FIT((X, (LABELS, LABELS[:3])), batch_size=2)
  # ValueError: fit: x holds 4 examples and targets[1] 3; expected as many of both
>>> FIT((X, (LABELS, -X[:, 0])), batch_size=2)
  # ValueError: fit: targets[1][0] is ... expected finite weights of at least 0
>>> FIT((X, ()), batch_size=2)  # ValueError: fit: targets is an empty tuple ... one array
>>> FIT((X, LABELS[:3]), batch_size=2)  # ValueError: fit: x ... expected as many of both
>>> FIT((X.tolist(), LABELS), batch_size=2)  # TypeError: fit: x ... convert it with jnp.array(x)
>>> FIT((X[:0], LABELS[:0]), batch_size=2)  # ValueError: fit: x holds no examples, shape (0, 3)
>>> FIT((X, LABELS))  # TypeError: fit: batch_size is missing, which data in arrays needs
>>> FIT((X, LABELS), batch_size=0)  # ValueError: fit: batch_size ... got 0
>>> FIT((X, LABELS), batch_size=8)  # ValueError: fit: batch_size is 8, but x holds 4 examples
>>> FIT((X, LABELS), batch_size=2, epochs=0)  # ValueError: fit: epochs ... got 0
>>> FIT((X, LABELS), batch_size=2, key=0)  # TypeError: fit: key ... got 0
>>> FIT((X, LABELS + 1), batch_size=2)  # ValueError: fit: targets[1] ... 4 are outside)
>>> FIT((X, LABELS), batch_size=2, validation=(X, LABELS - 1))
  # ValueError: fit: validation's ... 4 are outside)
>>> FIT((X, LABELS), batch_size=2, validation=X)  # TypeError: fit: validation ... got float32(4, 3)
>>> FIT((X, LABELS), batch_size=2, validation=0.2)  # TypeError: fit: validation ... got 0.2
>>> FIT((X, LABELS), batch_size=2, train_state=PARAMS)
  # TypeError: fit: train_state ... got a tuple of 3
>>> FIT((X, LABELS), batch_size=2, penalty=0.1)  # TypeError: fit: penalty ... got 0.1
>>> FIT((WHOLE, LABELS), batch_size=2)
  # TypeError: dense(5): x ... put rescale() first | in serial / part 0: dense(5)
>>> FIT(lambda epoch: [])  # ValueError: fit: data(0) gave no batch
>>> FIT(lambda epoch: 5)  # TypeError: fit: data(0) ... got 5
>>> FIT(lambda epoch: [X])  # TypeError: fit: data(0)'s ... got float32(4, 3)
>>> FIT((X, LABELS), batch_size=2, checkpoints=3)  # TypeError: fit: checkpoints ... got 3
>>> FIT((X, LABELS), batch_size=2, checkpoints="/dev/null")
  # ValueError: fit: checkpoints ... [Errno 17] File exists: '/dev/null'
>>> FIT((X, LABELS), batch_size=2, resume=True)
  # ValueError: fit: resume needs checkpoints, the folder to resume from
>>> FIT((X, LABELS), batch_size=2, resume="runs/mnist")
  # TypeError: fit: resume ... got 'runs/mnist'
>>> FIT((X, LABELS), batch_size=2, checkpoint_every=-1)
  # ValueError: fit: expected 0 <= checkpoint_every, ... got -1
>>> FIT((X, LABELS), batch_size=2, checkpoint_every="1 minute")
  # TypeError: fit: checkpoint_every ... got '1 minute'
>>> FIT((X, LABELS), batch_size=2, locate=1)  # TypeError: fit: locate ... got 1
>>> FIT(lambda epoch: [(X, LABELS - 1)])  # ValueError: fit: targets[0] ... 4 are outside)
>>> FIT((X, LABELS), batch_size=2, mesh=2)  # TypeError: fit: mesh ... got 2
>>> FIT((X, LABELS), batch_size=2, mesh=jax.make_mesh((2, 4), ("rows", "columns")))
  # ValueError: fit: mesh ... got axes ('rows', 'columns')
>>> FIT((X, LABELS), batch_size=2, mesh=MESH)  # ValueError: fit: batch_size ... which is 8
>>> FIT((X, LABELS), batch_size=2, mesh=MESH, blocks=3)
  # ValueError: fit: blocks ... mesh's axis 'data'
>>> FIT((X, LABELS), batch_size=2, blocks=0)  # ValueError: fit: blocks ... got 0
>>> FIT((X, LABELS), batch_size=3, blocks=2)  # ValueError: fit: batch_size ... which is 2
>>> FIT(lambda epoch: [(X, LABELS)], blocks=2)  # TypeError: fit: blocks ... its own batches
>>> FIT(lambda epoch: [(X[:3], LABELS[:3])], mesh=MESH)
  # ValueError: fit: batch ... mesh's axis 'data'
>>> pn.fit(MODEL, LOSS, pn.adam, (X, LABELS), epochs=1, batch_size=2, key=KEY)
  # TypeError: fit: optimizer ... call it with a learning rate

== train
>>> TRAIN((X, LABELS))  # TypeError: train: batch_size ... data in arrays needs
>>> TRAIN((X, LABELS), batch_size=0)  # ValueError: train: batch_size ... got 0
>>> TRAIN((X, LABELS), batch_size=2, chunk=0)  # ValueError: train: chunk ... got 0
>>> TRAIN((X, LABELS), batch_size=2, epochs=0)  # ValueError: train: epochs ... got 0
>>> TRAIN((X, LABELS[:3]), batch_size=2)  # ValueError: train: x ... expected as many of both
>>> TRAIN(X, batch_size=2)  # TypeError: train: data ... got float32(4, 3)
>>> TRAIN((X, LABELS), batch_size=2, mesh=2)  # TypeError: train: mesh ... got 2

== predict
>>> PREDICT(PARAMS, X)  # TypeError: predict() missing 1 required positional argument: 'x'
>>> PREDICT(PARAMS, STATE, X, batch_size=0)  # ValueError: predict: batch_size ... got 0
>>> PREDICT(PARAMS, STATE, X[:0])  # ValueError: predict: x holds no examples
>>> PREDICT(PARAMS, STATE, X.tolist())  # TypeError: predict: x ... convert it with jnp.array(x)
>>> PREDICT(PARAMS, STATE, X[0])
  # ValueError: dense(5): x ... x[None] | in serial / part 0: dense(5)
>>> PREDICT(PARAMS, STATE, X, mesh=2)  # TypeError: predict: mesh ... got 2
>>> jax.vmap(lambda x: PREDICT(PARAMS, STATE, x))(X[None])  # TypeError: predict: ... traced

== evaluate
>>> EVALUATE(PARAMS, X, LABELS)
  # TypeError: evaluate() missing 1 required positional argument: 'targets'
>>> jax.vmap(lambda x: EVALUATE(PARAMS, STATE, x, LABELS))(X[None])
  # TypeError: evaluate: its arguments are traced ... call model.apply
>>> pn.evaluate(MODEL, lambda y, t: y.mean(), PARAMS, STATE, X, LABELS + 2)
  # ValueError: evaluate: targets[0] ... passed as floats
>>> EVALUATE(PARAMS, STATE, X, LABELS, mesh=jax.devices())
  # TypeError: evaluate: mesh ... got a list of 8
>>> EVALUATE(PARAMS, STATE, X, LABELS, batch_size=0)  # ValueError: evaluate: batch_size ... got 0
>>> EVALUATE(PARAMS, STATE, X, LABELS[:3])  # ValueError: evaluate: x ... expected as many of both
>>> EVALUATE(PARAMS, STATE, X, LABELS + 1)  # ValueError: evaluate: targets[1] ... 4 are outside)
>>> EVALUATE(PARAMS, STATE, X[:0], LABELS[:0])
  # ValueError: evaluate: x holds no examples, shape (0, 3)
>>> EVALUATE(STATE, PARAMS, X, LABELS)
  # TypeError: dense(5): params ... got () | in serial / part 0: dense(5)
>>> pn.evaluate(MODEL, lambda y, t: y, PARAMS, STATE, X, LABELS)
  # ValueError: <lambda>: must ... got float32(4, 2)

== accuracy
>>> pn.accuracy(ROWS, LABELS + 1)  # ValueError: accuracy: labels ... got values from 1 to 2
>>> pn.accuracy(ROWS, 0 * ROWS)  # ValueError: accuracy: rows ... 0 to 0
>>> pn.accuracy(ROWS, ROWS.at[1, 0].set(jnp.nan))  # ValueError: accuracy: rows ... nan to nan
>>> pn.accuracy(ROWS[0], LABELS)  # ValueError: accuracy: logits ... got shape (2,)
>>> pn.accuracy(LABELS, ROWS)  # TypeError: accuracy: logits ... it with logits.astype(jnp.float32)
>>> pn.accuracy(ROWS, LABELS[:3])  # ValueError: accuracy: targets ... got int32(3,)
>>> pn.accuracy(ROWS, LABELS.astype(np.float32))
  # ValueError: accuracy: targets ... got float32(4,)
>>> pn.accuracy(ROWS.tolist(), LABELS)  # TypeError: accuracy: logits ... it with jnp.array(logits)

== save
>>> pn.save(5, PARAMS)  # TypeError: save: path ... got int
>>> pn.save(PARAMS, "file")  # TypeError: save: path ... got tuple
>>> pn.save(b"file", PARAMS)  # TypeError: save: path ... got bytes
>>> pn.save("a\\0b", PARAMS)  # ValueError: save: path ... got 'a\\x00b'
>>> pn.save("/", PARAMS)  # ValueError: save: /: ... got a folder or device
>>> pn.save("file", MODEL)  # TypeError: save: tree ... got Layer
>>> pn.save("file", {"model": "mlp", "params": PARAMS})
  # TypeError: save: tree['model'] ... got str
>>> pn.save("file", TRAIN_STATE._replace(key=np.ma.ones(2)))
  # TypeError: save: tree.key ... got MaskedArray
>>> pn.save("file", [X, np.array(["a"])])  # TypeError: save: tree[1] ... does not have
>>> pn.save("file", X.astype(jnp.int4))  # TypeError: save: tree ... does not have
>>> pn.save("file", {"examples": 2**63})
  # ValueError: save: tree['examples'] ... got 0x8000000000000000
>>> pn.save("file", jax.eval_shape(lambda: PARAMS))
  # TypeError: save: tree[0].w ... got a ShapeDtypeStruct

== load
>>> pn.load(5, PARAMS)  # TypeError: load: path ... got int
>>> pn.load("/", PARAMS)  # IsADirectoryError: load: /: Is a directory
>>> pn.load("file", MODEL)  # TypeError: load: like ... got Layer
>>> pn.load("file", jax.eval_shape)  # TypeError: load: like ... got function
>>> pn.load("file", {"w": jax.ShapeDtypeStruct((3,), np.float64)})
  # ValueError: load: like['w'] ... jax_enable_x64 is set

== read_idx
>>> pn.read_idx(5)  # TypeError: read_idx: path ... got int

== load_mnist
>>> pn.load_mnist(5)  # TypeError: load_mnist: directory ... got int
"""


def rows(table):
    """Read the table: a call after >>>, which may go on in the next line, and comments."""
    for section in table.strip().removeprefix("== ").split("\n\n== "):
        name, _, text = section.partition("\n")
        for row in text.replace("\n...  ", "").removeprefix(">>> ").split("\n>>> "):
            call, *words = re.split(r"\s+# ", row)
            error, *notes = [part for line in words for part in line.split(" | ")]
            yield Wrong(name, partial(eval, call, globals()), error, notes)


# What every member of a family rejects alike.

OPS = [name for name in pn.__all__ if isinstance(getattr(pn, name), pn.Op)]
LOSSES = [name for name in OPS if "cross_entropy" in name or name in ("mse", "mae", "huber")]
OPTIMIZERS = ("sgd", "momentum", "adam", "adamw", "rmsprop", "adagrad", "adamax")


def op_rows(name):
    op = getattr(pn, name)
    yield op, f"TypeError: {name}: x is missing ... pass {name} itself, not {name}()"
    if name not in LOSSES:
        yield partial(op, X.tolist()), f"TypeError: {name}: x ... convert it with jnp.array(x)"
        yield partial(op, WHOLE), f"TypeError: {name}: x ... int32(4, 3) ... rescale()"


def optimizer_rows(name):
    make = getattr(pn, name)
    good = make(0.1)
    opt_state = good.init(PARAMS)

    def update(grads, opt_state=opt_state, optimizer=good):
        return partial(optimizer.update, grads, opt_state, PARAMS)

    integers = jax.tree.map(lambda g: g.astype(jnp.int32), GRADS)
    calls = {
        "TypeError: learning_rate ... got 'fast'": partial(make, "fast"),
        "TypeError: learning_rate ... got True": partial(make, True),
        "ValueError: expected 0 <= learning_rate, got -0.1": partial(make, -0.1),
        "TypeError: learning_rate ... float32(3,); vmap over it": partial(make, X[0]),
        "TypeError: learning_rate ... call it: cosine_decay": partial(make, pn.cosine_decay),
        "TypeError: params['w'] ... int32(4, 3) ... astype": partial(good.init, {"w": WHOLE}),
        "ValueError: params has [2].w, which grads does not have": update(GRADS[:2]),
        "ValueError: grads[0].w has shape (5, 2), params[0].w (3, 5)": update(GRADS[::-1]),
        "TypeError: grads[0].w ... int32(3, 5) ... astype": update(integers),
        f"TypeError: opt_state ... {type(opt_state).__name__} ... a tuple of 3": update(
            GRADS, PARAMS
        ),
        "ValueError: the schedule ... (3,)": update(GRADS, optimizer=make(lambda step: X[0])),
        "TypeError: the schedule ... None": update(GRADS, optimizer=make(lambda step: None)),
    }
    for message, call in calls.items():
        kind, _, words = message.partition(": ")
        yield call, f"{kind}: {name}: {words}"


ALL = [
    *rows(TABLE),
    *(Wrong(name, *row, []) for name in OPS for row in op_rows(name)),
    *(Wrong(name, *row, []) for name in OPTIMIZERS for row in optimizer_rows(name)),
]


@pytest.mark.parametrize("row", [pytest.param(row, id=row.name) for row in ALL])
def test_a_wrong_call_is_rejected_in_words(row):
    with pytest.raises((TypeError, ValueError, KeyError, OSError)) as caught:
        row.call()
    error = caught.value
    # The type by its name: jax's own errors are subclasses of these.
    message = f"{type(error).__name__}: {error.args[0] if len(error.args) == 1 else error}"
    pattern = ".*".join(map(re.escape, row.error.split(" ... ")))
    assert re.match(pattern, message), message
    # JAX adds a note of its own where it shortened the traceback.
    assert [note for note in getattr(error, "__notes__", ()) if note.startswith("in ")] == row.notes


def test_every_public_name_has_a_row():
    # Tuples of values: nothing to misuse.
    records = {name for name in pn.__all__ if name.endswith(("Params", "State"))} - {"TrainState"}
    records |= {"EpochRecord", "Progress"}
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


def test_float64_is_not_mixed_with_float32(x64):
    x = np.ones((4, 3))  # NumPy's own default
    with pytest.raises(TypeError, match=r"dense\(2\): x is float64 and params.w is float32; cast"):
        DENSE.forward(WB, (), x)
