"""Muon: momentum whose update is made nearly orthogonal by five Newton-Schulz steps (K. Jordan, 2024);
coefficients and the scale sqrt(max(1, rows / columns)) as published. For the matrices inside the
blocks."""

import torch

COEFFICIENTS = (3.4445, -4.7750, 2.0315)


def orthogonal(g):
    """g [rows, cols] with its singular values brought near 1."""
    a, b, c = COEFFICIENTS
    x = g.T if g.shape[0] > g.shape[1] else g
    x = (x / (x.norm() + 1e-7)).bfloat16()  # as published
    for _ in range(5):
        s = x @ x.T
        x = a * x + (b * s + c * (s @ s)) @ x
    return (x.T if g.shape[0] > g.shape[1] else x).float()


class Muon(torch.optim.Optimizer):
    def __init__(self, params, lr, momentum=0.95, weight_decay=0.0):
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if "m" not in state:
                    state["m"] = torch.zeros_like(p)
                m = state["m"].mul_(group["momentum"]).add_(p.grad)
                update = orthogonal(p.grad.add(m, alpha=group["momentum"]))  # Nesterov
                scale = max(1.0, p.shape[0] / p.shape[1]) ** 0.5
                p.mul_(1 - group["lr"] * group["weight_decay"]).add_(update, alpha=-group["lr"] * scale)
