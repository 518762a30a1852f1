"""PyTorch: the operations that rows about sequences measure alone."""

import loops
import numpy as np
import torch
from loops import Work
from tasks import Task
from torch.nn.functional import scaled_dot_product_attention


def attention(task: Task) -> Work:
    """On a CPU a flash kernel, forward and backward."""
    q, k, v, do = (torch.from_numpy(np.array(a)) for a in loops.heads(task))
    for a in (q, k, v):
        a.requires_grad_()

    def both() -> tuple[torch.Tensor, ...]:
        output = scaled_dot_product_attention(q, k, v, is_causal=True)
        return output, *torch.autograd.grad(output, (q, k, v), do)

    both()
    return loops.repeated(both)
