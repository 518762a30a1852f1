"""The network of `examples/language.py` in PyTorch: its first losses, and how far it gets.

export PYTHONPATH=examples
python tests/benchmarks/language_in_pytorch.py losses    100 steps of both, from the same weights
python tests/benchmarks/language_in_pytorch.py train     15 minutes of PyTorch, the same recipe

It needs `pip install -e '.[benchmarks,examples]'`.
"""

import argparse
import math
import sys
import time
from itertools import islice
from typing import Any

import jax
import language
import numpy as np
import torch
from torch import nn
from torch.nn import functional

import purenn as pn

FIRST = 100  # steps whose losses are compared
BOUNDS = {"float32": 1e-4, "float64": 1e-10}


class Block(nn.Module):
    """Attention with rotary positions, then SwiGLU, each with an RMS norm and a residual."""

    def __init__(self, width: int, heads: int, length: int) -> None:
        super().__init__()
        self.heads, hidden = heads, 8 * width // 3
        self.norm1, self.norm2 = nn.RMSNorm(width, eps=1e-6), nn.RMSNorm(width, eps=1e-6)
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.o = nn.Linear(width, width, bias=False)
        self.gated = nn.Linear(width, 2 * hidden, bias=False)
        self.mix = nn.Linear(hidden, width, bias=False)
        half = width // heads // 2
        frequency = 10_000.0 ** (-torch.arange(half) / half)
        angle = torch.arange(length)[:, None] * frequency
        self.cos, self.sin = angle.cos(), angle.sin()

    def rotated(self, z: torch.Tensor) -> torch.Tensor:
        a, b = z.chunk(2, dim=-1)
        return torch.cat([a * self.cos - b * self.sin, a * self.sin + b * self.cos], dim=-1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        batch, time, width = x.shape
        qkv = self.qkv(self.norm1(x)).view(batch, time, 3, self.heads, -1)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        y = functional.scaled_dot_product_attention(
            self.rotated(q), self.rotated(k), v, is_causal=True
        )
        x = x + self.o(y.transpose(1, 2).reshape(batch, time, width))
        a, b = self.gated(self.norm2(x)).chunk(2, dim=-1)
        return x + self.mix(functional.silu(a) * b)


class Network(nn.Module):
    """The GPT of the example."""

    def __init__(self, options: Any, vocabulary: int) -> None:
        super().__init__()
        size = options.width, options.heads, options.length
        self.table = nn.Embedding(vocabulary, options.width)
        self.blocks = nn.ModuleList(Block(*size) for _ in range(options.depth))
        self.norm = nn.RMSNorm(options.width, eps=1e-6)
        self.head = nn.Linear(options.width, vocabulary, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.table(x)
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x))


def with_weights_of(network: Network, params: Any) -> Network:
    """Copy purenn's initial parameters, whose distributions are not PyTorch's."""
    table, *parts, (gamma,), head = jax.tree.map(
        lambda leaf: torch.tensor(np.asarray(leaf)), params
    )
    given = [(network.table, table.w), (network.norm, gamma), (network.head, head.w.T)]
    for block, (norm1, attends), (norm2, gated, mix) in zip(
        network.blocks, parts[::2], parts[1::2], strict=True
    ):
        width = len(norm1.gamma)
        qkv = [w.reshape(width, -1) for w in (attends.wq, attends.wk, attends.wv)]
        given += [
            (block.norm1, norm1.gamma),
            (block.qkv, torch.cat(qkv, dim=1).T),
            (block.o, attends.wo.reshape(-1, width).T),
            (block.norm2, norm2.gamma),
            (block.gated, torch.cat([gated.w, gated.v], dim=1).T),
            (block.mix, mix.w.T),
        ]
    with torch.no_grad():
        for module, weight in given:
            module.weight.copy_(weight)
    return network


def adamw(network: Network, rate: Any) -> tuple[torch.optim.Optimizer, Any]:
    """PyTorch's, fused, with the decay on weights alone, and a schedule."""
    decayed = [p for p in network.parameters() if p.ndim > 1]
    others = [p for p in network.parameters() if p.ndim < 2]
    groups = [{"params": decayed, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=1.0, betas=(0.9, 0.99), fused=True)
    return optimizer, torch.optim.lr_scheduler.LambdaLR(optimizer, rate)


def step(network: Any, optimizer: Any, schedule: Any, x: Any, y: Any) -> torch.Tensor:
    """Take one, in the order of PyTorch's quick start."""
    loss = functional.cross_entropy(network(x).flatten(0, 1), y.flatten())
    loss.backward()
    optimizer.step()
    schedule.step()
    optimizer.zero_grad()
    return loss.detach()


def begun(dtype: str = "float32") -> Any:
    """Return the options, the corpus, and purenn's model with its first state."""
    options = language.complete(language.Options())
    _, corpus = language.load(options)
    model = pn.as_dtype(language.build_model(options, len(corpus.vocabulary)), dtype)
    optimizer, key = language.build_optimizer(options), jax.random.key(options.seed)
    return options, corpus, model, pn.TrainState.create(model, optimizer, key, (options.length,))


def batches(corpus: Any, size: int, seed: int = 0) -> Any:
    """Yield random parts of the text, drawn as the example draws them."""
    rng = np.random.default_rng(seed)
    while True:
        yield corpus.examples(rng, size)


def losses(dtype: str) -> None:
    """Train both from the same weights on the same examples, and compare the losses."""
    with jax.enable_x64(dtype == "float64"):
        options, corpus, model, start = begun(dtype)
        given = list(islice(batches(corpus, options.batch_size), FIRST))
        optimizer, loss = language.build_optimizer(options), pn.softmax_cross_entropy
        run = pn.train(
            model, loss, optimizer, lambda _: iter(given), epochs=1, key=None, train_state=start
        )
        mine = np.concatenate([now.losses for now in run])
    torch.set_default_dtype(getattr(torch, dtype))
    network = with_weights_of(Network(options, len(corpus.vocabulary)), start.params)
    schedule = adamw(network, lambda i: options.learning_rate * min(1, (i + 1) / 200))
    tensors = [tuple(torch.from_numpy(z).long() for z in batch) for batch in given]
    theirs = np.array([step(network, *schedule, *batch).item() for batch in tensors])
    apart = np.abs(mine - theirs).max()
    print(f"{dtype}: loss {mine[0]:.6f} to {mine[-1]:.6f}, at most {apart:.1e} apart", flush=True)
    if not apart < BOUNDS[dtype]:
        sys.exit(f"expected less than {BOUNDS[dtype]}")


def train(minutes: float, compiled: bool) -> None:
    """Train PyTorch for so long. The learning rate follows the clock, so that all of it is used."""
    options, corpus, _, start = begun()
    network = with_weights_of(Network(options, len(corpus.vocabulary)), start.params)
    forward = torch.compile(network) if compiled else network
    given = batches(corpus, options.batch_size)
    if compiled:
        x, _ = next(given)
        forward(torch.from_numpy(x).long()).sum().backward()  # compiles
        network.zero_grad()
    started, most = time.perf_counter(), 60 * minutes

    def rate(i: int) -> float:
        share = min(1, (time.perf_counter() - started) / most)
        return options.learning_rate * min(1, (i + 1) / 200) * (1 + math.cos(math.pi * share)) / 2

    optimizer, schedule = adamw(network, rate)
    recent, steps = [], 0
    while time.perf_counter() - started < most:
        x, y = (torch.from_numpy(z).long() for z in next(given))
        recent.append(step(forward, optimizer, schedule, x, y))
        steps += 1
        if steps % 500 == 0:
            mean = float(torch.stack(recent).mean()) / math.log(2)
            print(f"step {steps}: {mean:.3f} bits per character", flush=True)
            recent = []
    seconds = time.perf_counter() - started
    x, y = (torch.from_numpy(z).long() for z in corpus.held_out)
    with torch.no_grad():
        parts = zip(x.split(64), y.split(64), strict=True)
        sums = [
            functional.cross_entropy(network(x).flatten(0, 1), y.flatten(), reduction="sum")
            for x, y in parts
        ]
    held = float(sum(sums)) / y.numel()
    print(
        f"{steps} steps in {seconds:.0f} s, {1e3 * seconds / steps:.1f} ms each; "
        f"held-out loss {held:.4f}, {held / math.log(2):.3f} bits per character"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("losses", "train"))
    parser.add_argument("--minutes", type=float, default=15)
    parser.add_argument("--compiled", action="store_true", help="with torch.compile")
    arguments = parser.parse_args()
    torch.set_float32_matmul_precision("highest")
    if arguments.what == "losses":
        for each in BOUNDS:
            losses(each)
    else:
        train(arguments.minutes, arguments.compiled)
