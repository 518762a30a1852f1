"""The same script in flax.linen, as its quick start has it. The argument is a folder."""

import sys

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import linen as nn
from flax.training.train_state import TrainState

x, y = (np.load(f"{sys.argv[1]}/{name}.npy") for name in "xy")


class Network(nn.Module):
    """784-128-10."""

    @nn.compact
    def __call__(self, x):
        """Logits."""
        x = nn.relu(nn.Dense(features=128)(x))
        return nn.Dense(features=10)(x)


def train_step(state, x, y):
    """Bytes go in here too: scaling all images before takes longer."""
    x = x.astype(jnp.float32) / 255

    def loss_fn(params):
        logits = state.apply_fn({"params": params}, x)
        return optax.softmax_cross_entropy_with_integer_labels(logits, y).mean()

    loss, grads = jax.value_and_grad(loss_fn)(state.params)
    return state.apply_gradients(grads=grads), loss


network = Network()
params = network.init(jax.random.key(0), jnp.ones((1, 784)))["params"]
state = TrainState.create(apply_fn=network.apply, params=params, tx=optax.adam(1e-3))
step = jax.jit(train_step, donate_argnums=0)
order = np.random.default_rng(0).permutation(len(x))
losses = []
for first in range(0, len(x) - 127, 128):
    rows = order[first : first + 128]
    state, loss = step(state, x[rows], y[rows])
    losses.append(loss)
print(np.mean(jax.device_get(losses)))
