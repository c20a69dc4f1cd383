"""The bundled family: Llama architecture (RMS norm, interleaved rotary positions, grouped queries, SwiGLU,
tied output) in PyTorch, and its sizes."""

import math

import torch
import torch.nn.functional as F
from torch import nn

SIZES = {  # name: layers, d_model, heads, kv heads, ffn
    "xs": (2, 64, 4, 2, 128),
    "s": (3, 128, 4, 2, 256),
    "m": (4, 192, 6, 3, 576),
    "l": (6, 320, 10, 5, 960),
}
VOCAB, CONTEXT, ROPE_BASE, EPS = 1024, 512, 10000.0, 1e-5


class Block(nn.Module):
    def __init__(self, d, heads, kv, ffn):
        super().__init__()
        self.heads, self.kv, self.hd = heads, kv, d // heads
        self.n1, self.n2 = nn.Parameter(torch.ones(d)), nn.Parameter(torch.ones(d))
        self.q, self.k = nn.Linear(d, heads * self.hd, bias=False), nn.Linear(d, kv * self.hd, bias=False)
        self.v, self.o = nn.Linear(d, kv * self.hd, bias=False), nn.Linear(heads * self.hd, d, bias=False)
        self.gate, self.up = nn.Linear(d, ffn, bias=False), nn.Linear(d, ffn, bias=False)
        self.down = nn.Linear(ffn, d, bias=False)

    def forward(self, x, cos, sin, mask):
        """x: [batch, time, d]; cos, sin: [1, time, 1, head_dim / 2]; mask: [time, time], added."""
        b, t, d = x.shape
        h = norm(x, self.n1)
        q = rope(self.q(h).view(b, t, self.heads, self.hd), cos, sin).transpose(1, 2)
        k = rope(self.k(h).view(b, t, self.kv, self.hd), cos, sin).transpose(1, 2)
        v = self.v(h).view(b, t, self.kv, self.hd).transpose(1, 2)
        if self.kv != self.heads:
            k = k.repeat_interleave(self.heads // self.kv, dim=1)
            v = v.repeat_interleave(self.heads // self.kv, dim=1)
        a = ((q @ k.transpose(-1, -2)).float() / math.sqrt(self.hd) + mask).softmax(-1)
        y = (a.to(v.dtype) @ v).transpose(1, 2).reshape(b, t, d)
        x = x + self.o(y)
        h = norm(x, self.n2)
        return x + self.down(F.silu(self.gate(h)) * self.up(h))


def norm(x, w):
    x = x.float()
    return x * torch.rsqrt((x * x).mean(-1, keepdim=True) + EPS) * w


def rope(x, cos, sin):
    """Rotates neighbouring pairs (2i, 2i+1), as GGUF's llama architecture expects."""
    a, b = x[..., 0::2].float(), x[..., 1::2].float()
    return torch.stack((a * cos - b * sin, a * sin + b * cos), -1).flatten(-2).to(x.dtype)


class Model(nn.Module):
    def __init__(self, size, vocab=VOCAB):
        super().__init__()
        layers, d, heads, kv, ffn = SIZES[size]
        self.emb = nn.Embedding(vocab, d)
        self.blocks = nn.ModuleList(Block(d, heads, kv, ffn) for _ in range(layers))
        self.norm = nn.Parameter(torch.ones(d))
        nn.init.normal_(self.emb.weight, std=0.02)
        for b in self.blocks:
            for m in (b.q, b.k, b.v, b.gate, b.up):
                nn.init.normal_(m.weight, std=1 / math.sqrt(d))
            for m in (b.o, b.down):
                nn.init.normal_(m.weight, std=1 / math.sqrt(m.weight.shape[1] * 2 * layers))
        hd = d // heads
        angle = torch.arange(CONTEXT).float()[:, None] * ROPE_BASE ** (-torch.arange(0, hd, 2).float() / hd)
        self.register_buffer("cos", angle.cos()[None, :, None, :], persistent=False)
        self.register_buffer("sin", angle.sin()[None, :, None, :], persistent=False)
        self.register_buffer("mask", torch.full((CONTEXT, CONTEXT), -1e9).triu(1), persistent=False)

    def forward(self, ids):
        """ids [batch, time] -> hidden states [batch, time, d], normed; logits are these times emb.T."""
        t = ids.shape[1]
        x = self.emb(ids)
        for b in self.blocks:
            x = b(x, self.cos[:, :t], self.sin[:, :t], self.mask[:t, :t])
        return norm(x, self.norm)

    def matrices(self):
        """The weights inside the blocks, for the optimizer of matrices."""
        return [p for b in self.blocks for p in b.parameters() if p.ndim == 2]

    def others(self):
        inside = {id(p) for p in self.matrices()}
        return [p for p in self.parameters() if id(p) not in inside]


def tensors(model):
    """GGUF name -> float32 array."""
    out = {"token_embd.weight": model.emb.weight, "output_norm.weight": model.norm}
    for i, b in enumerate(model.blocks):
        out.update({f"blk.{i}.{n}.weight": w for n, w in (
            ("attn_norm", b.n1), ("ffn_norm", b.n2), ("attn_q", b.q.weight), ("attn_k", b.k.weight),
            ("attn_v", b.v.weight), ("attn_output", b.o.weight), ("ffn_gate", b.gate.weight),
            ("ffn_up", b.up.weight), ("ffn_down", b.down.weight))})
    return {k: v.detach().float().cpu().numpy() for k, v in out.items()}


def gguf_config(size):
    layers, d, heads, kv, ffn = SIZES[size]
    return {"d_model": d, "n_layer": layers, "n_head": heads, "n_kv_head": kv, "d_ffn": ffn,
            "context": CONTEXT, "rope_base": ROPE_BASE, "eps": EPS}
