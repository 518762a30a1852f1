"""A small GPT in PyTorch, as nanoGPT has it: one product makes queries, keys, and values.

Its attention is `scaled_dot_product_attention`, on a CPU a flash kernel. Adam is the fused one.
"""

from typing import Any

import torch
from data import pieces
from gpts import GPTS, Gpt
from loops import Work
from tasks import Done, Task
from torch import nn
from torch.nn import functional


class Attention(nn.Module):
    """`CausalSelfAttention`."""

    def __init__(self, gpt: Gpt) -> None:
        super().__init__()
        self.heads = gpt.heads
        self.qkv = nn.Linear(gpt.width, 3 * gpt.width, bias=False)
        self.output = nn.Linear(gpt.width, gpt.width, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Mix the positions."""
        b, t, w = x.shape
        parts = self.qkv(x).split(w, dim=2)
        q, k, v = (a.view(b, t, self.heads, w // self.heads).transpose(1, 2) for a in parts)
        y = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.output(y.transpose(1, 2).contiguous().view(b, t, w))


class Block(nn.Module):
    """Attention and a hidden layer, each after a norm and beside a residual connection."""

    def __init__(self, gpt: Gpt) -> None:
        super().__init__()
        self.norm_1, self.norm_2 = norm(gpt), norm(gpt)
        self.attention = Attention(gpt)
        self.hidden = nn.Sequential(
            nn.Linear(gpt.width, 4 * gpt.width, bias=False),
            nn.ReLU() if gpt.micro else nn.GELU(approximate="tanh"),
            nn.Linear(4 * gpt.width, gpt.width, bias=False),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The sequence that the next block takes."""
        x = x + self.attention(self.norm_1(x))
        return x + self.hidden(self.norm_2(x))


def norm(gpt: Gpt) -> nn.Module:
    """Of the kind that the network has."""
    return (nn.RMSNorm if gpt.micro else nn.LayerNorm)(gpt.width, eps=1e-5)


class Network(nn.Module):
    """The whole GPT; its weights are drawn as GPT-2's."""

    def __init__(self, gpt: Gpt) -> None:
        super().__init__()
        self.micro = gpt.micro
        self.tokens = nn.Embedding(gpt.vocabulary, gpt.width)
        self.positions = nn.Embedding(gpt.length, gpt.width)
        self.norm = norm(gpt)
        self.blocks = nn.ModuleList([Block(gpt) for _ in range(gpt.layers)])
        self.head = nn.Linear(gpt.width, gpt.vocabulary, bias=False)
        for p in self.parameters():
            if p.dim() > 1:
                nn.init.normal_(p, std=0.02)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Logits."""
        x = self.tokens(tokens) + self.positions(torch.arange(tokens.shape[1]))
        x = self.norm(x) if self.micro else x
        for block in self.blocks:
            x = block(x)
        return self.head(x if self.micro else self.norm(x))


def _optimizer(model: Network, gpt: Gpt) -> torch.optim.Optimizer:
    """`configure_optimizers`: weights decay, gains and biases do not."""
    options = {"lr": gpt.rate, "betas": gpt.betas, "fused": True}
    if not gpt.decay:
        return torch.optim.Adam(model.parameters(), **options)
    weights = [p for p in model.parameters() if p.dim() > 1]
    others = [p for p in model.parameters() if p.dim() == 1]
    groups = [
        {"params": weights, "weight_decay": gpt.decay},
        {"params": others, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, **options)


def _train(task: Task, compiled: bool) -> Work:
    gpt = GPTS[task.gpt]
    x, y = (torch.from_numpy(a).long() for a in pieces(task))
    torch.manual_seed(0)
    model, start = Network(gpt), 0
    optimizer = _optimizer(model, gpt)

    def forward(x: Any, y: Any) -> Any:
        return functional.cross_entropy(model(x).view(-1, gpt.vocabulary), y.view(-1))

    if compiled:
        forward = torch.compile(forward)

    def work() -> Done:
        nonlocal start
        losses = []
        order = torch.randperm(len(x))[: task.steps * task.batch]
        for rows in order.split(task.batch):
            loss = forward(x[rows], y[rows])
            loss.backward()
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            losses.append(loss.detach())
        start += task.steps
        return Done(torch.stack(losses).numpy(), start - task.steps, task.steps)

    return work


def eager(task: Task) -> Work:
    """nanoGPT's loop."""
    return _train(task, compiled=False)


def compiled(task: Task) -> Work:
    """The same with model and loss through `torch.compile`."""
    return _train(task, compiled=True)
