#!/usr/bin/python3
"""Small random models of each architecture and their exact logits, the yardstick of src/model.

    arch.py make NAME FOLDER [KEY=TYPE:VALUE]... [--rows N] [--unused N]
                                  FOLDER/NAME.gguf, NAME.ids (int32), NAME.logits (float32); further
                                  metadata of the architecture (its name is put before KEY; TYPE:
                                  u32, f32, bool, str, u32s, bools; KEY=none: without it), N rows
                                  more than there are tokens, the last N tokens of the type "unused"
    arch.py compare A B           the relative error ||a - b|| / ||b|| of two files of logits
    arch.py list                  the names
    arch.py each                  every line of standard input as the arguments of one of these

The forward pass is written here once more, plainly, in double precision and from the models' own
definitions (transformers: modeling_<name>.py), so that no mistake of the C code can repeat itself.
Weights are float32; all that a name adds to the common decoder stands in its row of MODELS.
"""
import math
import shlex
import struct
import sys

import numpy as np

D, FF, LAYERS, HEADS, KV, HD, VOCAB, POSITIONS, CONTEXT, TEMPER = 64, 96, 4, 4, 2, 32, 320, 40, 512, 9
U32, I32, F32, BOOL, STR, ARR = 4, 5, 6, 7, 8, 9

# qkv_bias, out_bias: biases; qk_norm; halves: rotation of (i, i + n/2); act: of the gate; latent:
# attention by one vector a position, (its rank, that of queries or 0, elements of a head's query
# before the rotated ones, of its value, in one tensor as older files have it); router: (sigmoid or
# softmax, weights divided by their sum, multiplied, groups, of them used, experts of every row,
# leading layers without experts)
COMMON = dict(qkv_bias=False, out_bias=False, qk_norm=False, halves=True, act="silu", fused_qkv=False,
              fused_ffn=False, post_norms=False, sinks=False, experts=0, used=0, ffn_bias=False,
              window=0, period=0, local_base=0, n_rot=HD, base=10000.0, embd=1.0, residual=1.0,
              attn=None, logit=1.0, scaling=None, tied=False, latent=None, router=None, temper=0.0,
              log_mul=None)
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
    "phi3-long": dict(arch="phi3", fused_qkv=True, fused_ffn=True, scaling=("longrope", 0, 16)),
    "phi3-short": dict(arch="phi3", fused_qkv=True, fused_ffn=True, scaling=("longrope", 0, 64)),
    "mistral3": dict(arch="mistral3", halves=False, scaling=("yarn", 16.0, 12), log_mul=1.0,
                     temper=0.1, base=1e6),
    "mistral3-grown": dict(arch="mistral3", halves=False, scaling=("yarn", 16.0, 12), log_mul=0.5),
    "deepseek2": dict(arch="deepseek2", halves=False, latent=(48, 40, 24, 20, False), n_rot=16,
                      experts=16, used=3, router=("sigmoid", True, 2.5, 4, 2, 1, 1),
                      scaling=("yarn", 40.0, 12), log_mul=0.1),
    "deepseek2-lite": dict(arch="deepseek2", halves=False, latent=(32, 0, 20, 24, True), n_rot=12,
                           experts=8, used=2, router=("softmax", False, 1.5, 1, 1, 2, 2),
                           scaling=("yarn", 40.0, 12), log_mul=0.0707),
    "deepseek2-groups": dict(arch="deepseek2", halves=False, latent=(48, 40, 24, 20, False),
                             n_rot=16, experts=16, used=4, temper=0.2,
                             router=("softmax", True, 0.0, 4, 2, 0, 0)),
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
        if m["latent"]:
            latent_weights(m, w, b, mat, vec)
        elif m["fused_qkv"]:
            mat(b + "attn_qkv.weight", nq + 2 * nkv, D)
        else:
            mat(b + "attn_q.weight", nq, D)
            mat(b + "attn_k.weight", nkv, D)
            mat(b + "attn_v.weight", nkv, D)
        mat(b + "attn_output.weight", D, HEADS * m["latent"][3] if m["latent"] else nq)
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
        shared, dense = m["router"][5:7] if m["router"] else (0, 0)
        if m["experts"] and i >= dense:
            n = m["experts"]
            mat(b + "ffn_gate_inp.weight", n, D)
            mat(b + "ffn_gate_exps.weight", n, FF, D)
            mat(b + "ffn_up_exps.weight", n, FF, D)
            mat(b + "ffn_down_exps.weight", n, D, FF)
            if shared:
                mat(b + "ffn_gate_shexp.weight", shared * FF, D)
                mat(b + "ffn_up_shexp.weight", shared * FF, D)
                mat(b + "ffn_down_shexp.weight", D, shared * FF)
            if m["router"] and m["router"][0] == "sigmoid":
                vec(b + "exp_probs_b.bias", n, 0)
            if m["ffn_bias"]:
                vec(b + "ffn_gate_inp.bias", n, 0)
                for part, size in (("gate", FF), ("up", FF), ("down", D)):
                    w[b + "ffn_%s_exps.bias" % part] = (0.1 * rng.standard_normal((n, size))).astype(
                        np.float32)
        elif m["fused_ffn"]:
            mat(b + "ffn_up.weight", 2 * FF, D)
            mat(b + "ffn_down.weight", D, FF)
        else:
            ff = dense_width(m)
            mat(b + "ffn_gate.weight", ff, D)
            mat(b + "ffn_up.weight", ff, D)
            mat(b + "ffn_down.weight", D, ff)
    if m["scaling"] and m["scaling"][0] == "longrope":
        for part in ("long", "short"):
            w["rope_factors_%s.weight" % part] = rng.uniform(1, 6, m["n_rot"] // 2).astype(np.float32)
    return w


def dense_width(m):
    return 2 * FF if m["router"] else FF


def latent_weights(m, w, b, mat, vec):
    rank, q_rank, nope, out, old = m["latent"]
    nq = HEADS * (nope + m["n_rot"])
    if q_rank:
        mat(b + "attn_q_a.weight", q_rank, D)
        vec(b + "attn_q_a_norm.weight", q_rank)
        mat(b + "attn_q_b.weight", nq, q_rank)
    else:
        mat(b + "attn_q.weight", nq, D)
    mat(b + "attn_kv_a_mqa.weight", rank + m["n_rot"], D)
    vec(b + "attn_kv_a_norm.weight", rank)
    mat(b + "attn_kv_b.weight", HEADS * (nope + out), rank)
    if not old:  # a head's part for keys, turned, and that for values
        kv = w.pop(b + "attn_kv_b.weight").reshape(HEADS, nope + out, rank)
        w[b + "attn_k_b.weight"] = np.ascontiguousarray(kv[:, :nope].transpose(0, 2, 1))
        w[b + "attn_v_b.weight"] = np.ascontiguousarray(kv[:, nope:])


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
          (a + "context_length", U32, CONTEXT), (a + "embedding_length", U32, D),
          (a + "block_count", U32, m["layers"]), (a + "feed_forward_length", U32, dense_width(m)),
          (a + "attention.head_count", U32, HEADS),
          (a + "attention.layer_norm_rms_epsilon", F32, 1e-5), (a + "rope.freq_base", F32, m["base"]),
          (a + "rope.dimension_count", U32, m["n_rot"])]
    if m["latent"]:
        rank, q_rank, nope, out, old = m["latent"]
        kv += [(a + "attention.kv_lora_rank", U32, rank),
               (a + "attention.head_count_kv", U32, HEADS if old else 1),
               (a + "attention.key_length", U32, nope + m["n_rot"] if old else rank + m["n_rot"]),
               (a + "attention.value_length", U32, out if old else rank)]
        if q_rank:
            kv.append((a + "attention.q_lora_rank", U32, q_rank))
        if not old:
            kv += [(a + "attention.key_length_mla", U32, nope + m["n_rot"]),
                   (a + "attention.value_length_mla", U32, out)]
    else:
        kv += [(a + "attention.head_count_kv", U32, KV), (a + "attention.key_length", U32, HD),
               (a + "attention.value_length", U32, HD)]
    if m["window"]:
        kv.append((a + "attention.sliding_window", U32, m["window"]))
    if m["experts"]:
        kv += [(a + "expert_count", U32, m["experts"]), (a + "expert_used_count", U32, m["used"]),
               (a + "expert_feed_forward_length", U32, FF)]
    if m["router"]:
        gate, norm, scale, groups, used_groups, shared, dense = m["router"]
        kv += [(a + "expert_gating_func", U32, 2 if gate == "sigmoid" else 1),
               (a + "expert_weights_norm", BOOL, norm), (a + "expert_weights_scale", F32, scale),
               (a + "expert_group_count", U32, groups),
               (a + "expert_group_used_count", U32, used_groups),
               (a + "expert_shared_count", U32, shared),
               (a + "leading_dense_block_count", U32, dense)]
    if m["scaling"]:
        kv.append((a + "rope.scaling.type", STR, m["scaling"][0]))
        if m["scaling"][1]:
            kv.append((a + "rope.scaling.factor", F32, m["scaling"][1]))
        if m["scaling"][0] != "linear":
            kv.append((a + "rope.scaling.original_context_length", U32, m["scaling"][2]))
    if m["log_mul"] is not None:
        kv.append((a + "rope.scaling.yarn_log_multiplier", F32, m["log_mul"]))
    if m["temper"]:
        kv.append((a + "attention.temperature_scale", F32, m["temper"]))
        if not m["scaling"]:
            kv.append((a + "attention.temperature_length", U32, TEMPER))
    if m["arch"] == "granite":
        kv += [(a + "embedding_scale", F32, m["embd"]), (a + "residual_scale", F32, m["residual"]),
               (a + "attention.scale", F32, m["attn"]), (a + "logit_scale", F32, m["logit"])]
    for text in more:
        key, _, rest = text.partition("=")
        kind, _, v = rest.partition(":")
        key = key if key.startswith(("tokenizer", "general")) else a + key
        one = {"u32": (U32, int), "f32": (F32, float), "str": (STR, str),
               "bool": (BOOL, lambda x: x == "true")}
        kv = [row for row in kv if row[0] != key]
        if kind == "none":
            continue
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


def frequencies(m, w, local):
    """(radians a position of each pair, amplitude)."""
    n = m["n_rot"]
    i = np.arange(0, n, 2)
    if local and m["local_base"]:
        return m["local_base"] ** (-i / n), 1.0
    freq = np.float64(np.float32(m["base"])) ** (-i / n)
    if not m["scaling"]:
        return freq, 1.0
    factor = m["scaling"][1]
    if m["scaling"][0] == "longrope":
        original = m["scaling"][2]
        part = "long" if POSITIONS > original else "short"
        return (freq / w["rope_factors_%s.weight" % part],
                math.sqrt(1 + math.log(CONTEXT / original) / math.log(original)))
    if m["scaling"][0] == "linear":
        return freq / factor, 1.0

    def dimension(turns):  # that turns so often within the original context
        return n * math.log(m["scaling"][2] / (turns * 2 * math.pi)) / (2 * math.log(m["base"]))
    low, high = max(math.floor(dimension(32)), 0), min(math.ceil(dimension(1)), n - 1)
    ramp = np.clip((np.arange(n // 2) - low) / max(0.001, high - low), 0, 1)
    # latent attention has it on the score; else a second amplitude takes it back
    amp = 1 + 0.1 * math.log(factor)
    second = 1 + 0.1 * (m["log_mul"] or 0) * math.log(factor)
    return freq / factor * ramp + freq * (1 - ramp), 1.0 if m["latent"] else amp / second


def rotate(m, w, x, local):
    """x [positions, heads, n_rot or more]."""
    freq, amp = frequencies(m, w, local)
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


def temper(m, n):
    """What queries grow by, [positions, 1, 1]."""
    if not m["temper"]:
        return 1
    step = m["scaling"][2] if m["scaling"] else TEMPER
    return 1 + m["temper"] * np.log(1 + np.arange(n) // step)[:, None, None]


def latent_attention(m, w, b, h):
    """Each head's keys and values made in full, as the definition has it."""
    rank, q_rank, nope, out, old = m["latent"]
    n, rot = len(h), m["n_rot"]
    if q_rank:
        q = rms(h @ w[b + "attn_q_a.weight"].T, w[b + "attn_q_a_norm.weight"])
        q = q @ w[b + "attn_q_b.weight"].T
    else:
        q = h @ w[b + "attn_q.weight"].T
    q = q.reshape(n, HEADS, nope + rot)
    c = h @ w[b + "attn_kv_a_mqa.weight"].T
    turned = rotate(m, w, c[:, None, rank:], False)
    c = rms(c[:, :rank], w[b + "attn_kv_a_norm.weight"])
    if old:
        kv = w[b + "attn_kv_b.weight"].reshape(HEADS, nope + out, rank)
    else:
        kv = np.concatenate([w[b + "attn_k_b.weight"].transpose(0, 2, 1), w[b + "attn_v_b.weight"]],
                            axis=1)
    kv = np.einsum("nr,her->nhe", c, kv)
    k = np.concatenate([kv[..., :nope], np.repeat(turned, HEADS, axis=1)], axis=2)
    q = np.concatenate([q[..., :nope], rotate(m, w, q[..., nope:], False)], axis=2) * temper(m, n)
    scale = 1 / math.sqrt(nope + rot)
    if m["scaling"]:
        mscale = 1 + 0.1 * (m["log_mul"] / 0.1) * math.log(m["scaling"][1])
        scale *= mscale ** 2
    s = np.einsum("ihe,jhe->hij", q, k) * scale
    s = np.where(np.tril(np.ones((n, n), bool)), s, -np.inf)
    p = np.exp(s - s.max(2, keepdims=True))
    p /= p.sum(2, keepdims=True)
    y = np.einsum("hij,jhe->ihe", p, kv[..., nope:]).reshape(n, HEADS * out)
    return y @ w[b + "attn_output.weight"].T


def attention(m, w, b, h, i):
    if m["latent"]:
        return latent_attention(m, w, b, h)
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
    q, k = rotate(m, w, q, local) * temper(m, n), rotate(m, w, k, local)
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


def route(m, s, favour):
    """(experts, weights) of one row by a router that the file states."""
    gate, norm, scale, groups, used_groups = m["router"][:5]
    p = sigmoid(s) if gate == "sigmoid" else np.exp(s - s.max()) / np.exp(s - s.max()).sum()
    pick = p + favour
    if groups > 1:
        each = np.sort(pick.reshape(groups, -1), axis=1)
        worth = each[:, -2:].sum(1) if gate == "sigmoid" else each[:, -1]
        out = np.argsort(-worth, kind="stable")[used_groups:]
        pick = pick.reshape(groups, -1).copy()
        pick[out] = -np.inf
        pick = pick.reshape(-1)
    best = np.argsort(-pick, kind="stable")[:m["used"]]
    weight = p[best] / p[best].sum() if norm else p[best]
    return best, weight * (scale or 1)


def feed_forward(m, w, b, h):
    if b + "ffn_gate_inp.weight" not in w:
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
    if b + "ffn_gate_shexp.weight" in w:
        g, u = (h @ w[b + "ffn_%s_shexp.weight" % k].T for k in ("gate", "up"))
        out = gated(m, g, u) @ w[b + "ffn_down_shexp.weight"].T
    for r, s in enumerate(scores):
        if m["router"]:
            best, p = route(m, s, w.get(b + "exp_probs_b.bias", 0))
        else:
            best = np.argsort(-s, kind="stable")[:m["used"]]
            p = np.exp(s[best] - s[best].max())
            p /= p.sum()
        for e, weight in zip(best, p):
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
    elif argv[1] == "each":
        for line in sys.stdin:
            main(argv[:1] + shlex.split(line))
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
