#!/usr/bin/python3
"""Small random models of each architecture and their exact logits, the yardstick of src/model.

    arch.py make NAME FOLDER [KEY=TYPE:VALUE]... [--rows N] [--unused N]
                                  FOLDER/NAME.gguf, NAME.ids (int32), NAME.logits (float32); further
                                  metadata of the architecture (its name is put before KEY; TYPE:
                                  u32, f32, bool, str, u32s, bools), N rows more than there are
                                  tokens, the last N tokens of the type "unused"
    arch.py compare A B           the relative error ||a - b|| / ||b|| of two files of logits
    arch.py list                  the names

The forward pass is written here once more, plainly, in double precision and from the models' own
definitions (transformers: modeling_<name>.py), so that no mistake of the C code can repeat itself.
Weights are float32; all that a name adds to the common decoder stands in its row of MODELS.
"""
import math
import struct
import sys

import numpy as np

D, FF, LAYERS, HEADS, KV, HD, VOCAB, POSITIONS = 64, 96, 4, 4, 2, 32, 320, 40
U32, I32, F32, BOOL, STR, ARR = 4, 5, 6, 7, 8, 9

# qkv_bias, out_bias: biases; qk_norm; halves: rotation of (i, i + n/2); act: of the gate
COMMON = dict(qkv_bias=False, out_bias=False, qk_norm=False, halves=True, act="silu", fused_qkv=False,
              fused_ffn=False, post_norms=False, sinks=False, experts=0, used=0, ffn_bias=False,
              window=0, period=0, local_base=0, n_rot=HD, base=10000.0, embd=1.0, residual=1.0,
              attn=None, logit=1.0, scaling=None, tied=False, keys={})
MODELS = {
    "llama": dict(arch="llama", halves=False),
    "llama-linear": dict(arch="llama", halves=False, scaling=("linear", 4.0)),
    "llama-yarn": dict(arch="llama", halves=False, scaling=("yarn", 4.0, 16)),
    "qwen2-yarn": dict(arch="qwen2", qkv_bias=True, scaling=("yarn", 8.0, 12), base=1e6),
    "qwen3": dict(arch="qwen3", qk_norm=True),
    "qwen3moe": dict(arch="qwen3moe", qk_norm=True, experts=8, used=3),
    "gpt-oss": dict(arch="gpt-oss", qkv_bias=True, out_bias=True, ffn_bias=True, sinks=True, act="oai",
                    experts=6, used=2, window=7, period=2, scaling=("yarn", 32.0, 16), base=150000.0),
    "gemma3": dict(arch="gemma3", qk_norm=True, act="gelu", post_norms=True, window=6, period=6,
                   local_base=10000.0, base=1e6, embd=math.sqrt(D), tied=True,
                   scaling=("linear", 8.0), layers=7),
    "phi3": dict(arch="phi3", fused_qkv=True, fused_ffn=True, n_rot=24),
    "glm4": dict(arch="glm4", halves=False, fused_ffn=True, post_norms=True, qkv_bias=True, n_rot=16),
    "granite": dict(arch="granite", halves=False, embd=12.0, residual=0.22, attn=0.015625, logit=8.0),
}


def settings(name):
    m = dict(COMMON, layers=LAYERS)
    m.update(MODELS[name])
    return m


# ---- weights --------------------------------------------------------------------------------------

def weights(m):
    """{tensor: float32 array [..., out, in]} in file order."""
    rng = np.random.default_rng(sum(m["arch"].encode()))
    w = {}

    def mat(key, *shape):
        w[key] = (rng.standard_normal(shape) / math.sqrt(shape[-1])).astype(np.float32)

    def vec(key, n, mean=1.0):
        w[key] = (mean + 0.1 * rng.standard_normal(n)).astype(np.float32)

    mat("token_embd.weight", VOCAB, D)
    vec("output_norm.weight", D)
    if not m["tied"]:
        mat("output.weight", VOCAB, D)
    nq, nkv = HEADS * HD, KV * HD
    for i in range(m["layers"]):
        b = "blk.%d." % i
        vec(b + "attn_norm.weight", D)
        vec(b + ("post_attention_norm" if m["arch"] == "gpt-oss" else "ffn_norm") + ".weight", D)
        if m["post_norms"]:
            vec(b + "post_attention_norm.weight", D)
            vec(b + "post_ffw_norm.weight", D)
        if m["fused_qkv"]:
            mat(b + "attn_qkv.weight", nq + 2 * nkv, D)
        else:
            mat(b + "attn_q.weight", nq, D)
            mat(b + "attn_k.weight", nkv, D)
            mat(b + "attn_v.weight", nkv, D)
        mat(b + "attn_output.weight", D, nq)
        if m["qkv_bias"]:
            vec(b + "attn_q.bias", nq, 0)
            vec(b + "attn_k.bias", nkv, 0)
            vec(b + "attn_v.bias", nkv, 0)
        if m["out_bias"]:
            vec(b + "attn_output.bias", D, 0)
        if m["qk_norm"]:
            vec(b + "attn_q_norm.weight", HD)
            vec(b + "attn_k_norm.weight", HD)
        if m["sinks"]:
            vec(b + "attn_sinks.weight", HEADS, 0.5)
        if m["experts"]:
            n = m["experts"]
            mat(b + "ffn_gate_inp.weight", n, D)
            mat(b + "ffn_gate_exps.weight", n, FF, D)
            mat(b + "ffn_up_exps.weight", n, FF, D)
            mat(b + "ffn_down_exps.weight", n, D, FF)
            if m["ffn_bias"]:
                vec(b + "ffn_gate_inp.bias", n, 0)
                for part, size in (("gate", FF), ("up", FF), ("down", D)):
                    w[b + "ffn_%s_exps.bias" % part] = (0.1 * rng.standard_normal((n, size))).astype(
                        np.float32)
        elif m["fused_ffn"]:
            mat(b + "ffn_up.weight", 2 * FF, D)
            mat(b + "ffn_down.weight", D, FF)
        else:
            mat(b + "ffn_gate.weight", FF, D)
            mat(b + "ffn_up.weight", FF, D)
            mat(b + "ffn_down.weight", D, FF)
    return w


# ---- the file -------------------------------------------------------------------------------------

def string(s):
    s = s.encode() if isinstance(s, str) else s
    return struct.pack("<Q", len(s)) + s


def value(kind, v):
    if kind == STR:
        return string(v)
    if kind == ARR:
        return struct.pack("<IQ", v[0], len(v[1])) + b"".join(value(v[0], x) for x in v[1])
    return struct.pack({U32: "<I", I32: "<i", F32: "<f", BOOL: "<?"}[kind], v)


def metadata(m, more=(), unused=0):
    a = m["arch"] + "."
    pieces = ["<unk>", "<s>", "</s>"] + ["<0x%02X>" % i for i in range(256)]
    pieces += ["a%d" % i for i in range(VOCAB - len(pieces))]
    kinds = [2, 3, 3] + [6] * 256 + [1] * (VOCAB - 259)
    if unused:
        kinds[-unused:] = [5] * unused
    kv = [("general.architecture", STR, m["arch"]),
          (a + "context_length", U32, 512), (a + "embedding_length", U32, D),
          (a + "block_count", U32, m["layers"]), (a + "feed_forward_length", U32, FF),
          (a + "attention.head_count", U32, HEADS), (a + "attention.head_count_kv", U32, KV),
          (a + "attention.key_length", U32, HD), (a + "attention.value_length", U32, HD),
          (a + "attention.layer_norm_rms_epsilon", F32, 1e-5), (a + "rope.freq_base", F32, m["base"]),
          (a + "rope.dimension_count", U32, m["n_rot"])]
    if m["window"]:
        kv.append((a + "attention.sliding_window", U32, m["window"]))
    if m["experts"]:
        kv += [(a + "expert_count", U32, m["experts"]), (a + "expert_used_count", U32, m["used"]),
               (a + "expert_feed_forward_length", U32, FF)]
    if m["scaling"]:
        kv += [(a + "rope.scaling.type", STR, m["scaling"][0]),
               (a + "rope.scaling.factor", F32, m["scaling"][1])]
        if m["scaling"][0] == "yarn":
            kv.append((a + "rope.scaling.original_context_length", U32, m["scaling"][2]))
    if m["arch"] == "granite":
        kv += [(a + "embedding_scale", F32, m["embd"]), (a + "residual_scale", F32, m["residual"]),
               (a + "attention.scale", F32, m["attn"]), (a + "logit_scale", F32, m["logit"])]
    for text in more:
        key, _, rest = text.partition("=")
        kind, _, v = rest.partition(":")
        key = key if key.startswith("tokenizer") else a + key
        one = {"u32": (U32, int), "f32": (F32, float), "str": (STR, str),
               "bool": (BOOL, lambda x: x == "true")}
        kv = [row for row in kv if row[0] != key]
        if kind.endswith("s"):
            k, read = one[kind[:-1]]
            kv.append((key, ARR, (k, [read(x) for x in v.split(",")])))
        else:
            k, read = one[kind]
            kv.append((key, k, read(v)))
    return kv + [("tokenizer.ggml.model", STR, "llama"), ("tokenizer.ggml.tokens", ARR, (STR, pieces)),
                 ("tokenizer.ggml.scores", ARR, (F32, [-float(i) for i in range(VOCAB)])),
                 ("tokenizer.ggml.token_type", ARR, (I32, kinds)),
                 ("tokenizer.ggml.bos_token_id", U32, 1), ("tokenizer.ggml.eos_token_id", U32, 2),
                 ("tokenizer.ggml.unknown_token_id", U32, 0)]


def write(path, w, kv):
    out = b"GGUF" + struct.pack("<IQQ", 3, len(w), len(kv))
    for key, kind, v in kv:
        out += string(key) + struct.pack("<I", kind) + value(kind, v)
    data = b""
    for key, x in w.items():
        data += b"\0" * (-len(data) % 32)
        shape = x.shape[::-1]
        out += string(key) + struct.pack("<I", len(shape))
        out += b"".join(struct.pack("<Q", n) for n in shape) + struct.pack("<IQ", 0, len(data))
        data += x.tobytes()
    with open(path, "wb") as f:
        f.write(out + b"\0" * (-len(out) % 32) + data)


# ---- the forward pass -----------------------------------------------------------------------------

def rms(x, w):
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + np.float64(np.float32(1e-5))) * w


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def gated(m, g, u):
    if m["act"] == "silu":
        return g * sigmoid(g) * u
    if m["act"] == "gelu":
        return 0.5 * g * (1 + np.tanh(math.sqrt(2 / math.pi) * (g + 0.044715 * g ** 3))) * u
    g, u = np.minimum(g, 7), np.clip(u, -7, 7)  # gpt-oss
    return g * sigmoid(1.702 * g) * (u + 1)


def frequencies(m, local):
    """(radians a position of each pair, amplitude)."""
    n = m["n_rot"]
    i = np.arange(0, n, 2)
    if local and m["local_base"]:
        return m["local_base"] ** (-i / n), 1.0
    freq = np.float64(np.float32(m["base"])) ** (-i / n)
    if not m["scaling"]:
        return freq, 1.0
    factor = m["scaling"][1]
    if m["scaling"][0] == "linear":
        return freq / factor, 1.0

    def dimension(turns):  # that turns so often within the original context
        return n * math.log(m["scaling"][2] / (turns * 2 * math.pi)) / (2 * math.log(m["base"]))
    low, high = max(math.floor(dimension(32)), 0), min(math.ceil(dimension(1)), n - 1)
    ramp = np.clip((np.arange(n // 2) - low) / max(0.001, high - low), 0, 1)
    return freq / factor * ramp + freq * (1 - ramp), 1 + 0.1 * math.log(factor)


def rotate(m, x, local):
    """x [positions, heads, HD]."""
    freq, amp = frequencies(m, local)
    angle = np.arange(len(x))[:, None] * freq
    c, s = amp * np.cos(angle)[:, None, :], amp * np.sin(angle)[:, None, :]
    n, y = m["n_rot"], x.copy()
    a, b = (x[..., :n // 2], x[..., n // 2:n]) if m["halves"] else (x[..., 0:n:2], x[..., 1:n:2])
    u, v = a * c - b * s, a * s + b * c
    if m["halves"]:
        y[..., :n // 2], y[..., n // 2:n] = u, v
    else:
        y[..., 0:n:2], y[..., 1:n:2] = u, v
    return y


def attention(m, w, b, h, i):
    nq, nkv, n = HEADS * HD, KV * HD, len(h)
    if m["fused_qkv"]:
        q, k, v = np.split(h @ w[b + "attn_qkv.weight"].T, [nq, nq + nkv], axis=1)
    else:
        q, k, v = (h @ w[b + "attn_%s.weight" % p].T for p in "qkv")
    if m["qkv_bias"]:
        q, k, v = q + w[b + "attn_q.bias"], k + w[b + "attn_k.bias"], v + w[b + "attn_v.bias"]
    q, k, v = q.reshape(n, HEADS, HD), k.reshape(n, KV, HD), v.reshape(n, KV, HD)
    if m["qk_norm"]:
        q, k = rms(q, w[b + "attn_q_norm.weight"]), rms(k, w[b + "attn_k_norm.weight"])
    local = m["window"] and (not m["period"] or i % m["period"] != m["period"] - 1)
    q, k = rotate(m, q, local), rotate(m, k, local)
    t = np.arange(n)
    seen = t[None, :] <= t[:, None]
    if local:
        seen &= t[:, None] - t[None, :] < m["window"]
    scale = np.float64(np.float32(m["attn"])) if m["attn"] else 1 / math.sqrt(HD)
    out = np.empty((n, HEADS, HD))
    for head in range(HEADS):
        at = head // (HEADS // KV)
        s = np.where(seen, q[:, head] @ k[:, at].T * scale, -np.inf)
        if m["sinks"]:
            s = np.concatenate([s, np.full((n, 1), w[b + "attn_sinks.weight"][head])], 1)
        p = np.exp(s - s.max(1, keepdims=True))
        p /= p.sum(1, keepdims=True)
        out[:, head] = p[:, :n] @ v[:, at]
    out = out.reshape(n, nq) @ w[b + "attn_output.weight"].T
    return out + w[b + "attn_output.bias"] if m["out_bias"] else out


def feed_forward(m, w, b, h):
    if not m["experts"]:
        if m["fused_ffn"]:
            g, u = np.split(h @ w[b + "ffn_up.weight"].T, 2, axis=1)
        else:
            g, u = h @ w[b + "ffn_gate.weight"].T, h @ w[b + "ffn_up.weight"].T
        return gated(m, g, u) @ w[b + "ffn_down.weight"].T
    scores = h @ w[b + "ffn_gate_inp.weight"].T
    bias = m["ffn_bias"]
    if bias:
        scores = scores + w[b + "ffn_gate_inp.bias"]
    out = np.zeros_like(h)
    for r, s in enumerate(scores):
        best = np.argsort(-s, kind="stable")[:m["used"]]
        p = np.exp(s[best] - s[best].max())
        for e, weight in zip(best, p / p.sum()):
            part = {k: w[b + "ffn_%s_exps.weight" % k][e] for k in ("gate", "up", "down")}
            zero = {"gate": 0, "up": 0, "down": 0}
            add = {k: w[b + "ffn_%s_exps.bias" % k][e] for k in part} if bias else zero
            y = gated(m, part["gate"] @ h[r] + add["gate"], part["up"] @ h[r] + add["up"])
            out[r] += weight * (part["down"] @ y + add["down"])
    return out


def logits(m, w, ids):
    w = {k: v.astype(np.float64) for k, v in w.items()}
    x = w["token_embd.weight"][ids] * m["embd"]
    norm2 = "post_attention_norm" if m["arch"] == "gpt-oss" else "ffn_norm"
    for i in range(m["layers"]):
        b = "blk.%d." % i
        y = attention(m, w, b, rms(x, w[b + "attn_norm.weight"]), i)
        if m["post_norms"]:
            y = rms(y, w[b + "post_attention_norm.weight"])
        x = x + m["residual"] * y
        y = feed_forward(m, w, b, rms(x, w[b + norm2 + ".weight"]))
        if m["post_norms"]:
            y = rms(y, w[b + "post_ffw_norm.weight"])
        x = x + m["residual"] * y
    head = w["token_embd.weight" if m["tied"] else "output.weight"]
    return rms(x, w["output_norm.weight"]) @ head.T / m["logit"]


# ---- the command ----------------------------------------------------------------------------------

def main(argv):
    if argv[1] == "list":
        print("\n".join(MODELS))
    elif argv[1] == "compare":
        a, b = (np.fromfile(p, np.float32).astype(np.float64) for p in argv[2:4])
        print("%.3g" % (np.linalg.norm(a - b) / np.linalg.norm(b)))
    else:
        name, to = argv[2], argv[3] + "/" + argv[2]
        m = settings(name)
        w = weights(m)
        more, options = [], {"--rows": 0, "--unused": 0}
        rest = iter(argv[4:])
        for x in rest:
            if x in options:
                options[x] = int(next(rest))
            else:
                more.append(x)
        if options["--rows"]:
            for key in ("token_embd.weight", "output.weight"):
                w[key] = np.concatenate([w[key], w[key][-options["--rows"]:]])
        ids = np.random.default_rng(7).integers(3, VOCAB, POSITIONS).astype(np.int32)
        write(to + ".gguf", w, metadata(m, more, options["--unused"]))
        ids.tofile(to + ".ids")
        logits(m, w, ids).astype(np.float32).tofile(to + ".logits")


if __name__ == "__main__":
    main(sys.argv)
