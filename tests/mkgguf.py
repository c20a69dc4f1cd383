#!/usr/bin/python3
"""Writes small GGUF files for command-line tests and as seeds of the fuzz targets.

    tests/mkgguf.py KIND OUT     one file; KIND as below
    tests/mkgguf.py --all DIR    every kind

A writer of its own, independent of src/gguf/write.c, so that reader and writer cannot share an error.
The weights are a fixed pattern; the vocabulary has 256 bytes and a few merged tokens.
"""
import os
import struct
import sys

U32, I32, F32, BOOL, STR, ARRAY = 4, 5, 6, 7, 8, 9
BLOCK = {0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34),
         10: (256, 84), 11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210), 30: (1, 2)}
TYPES = {"f32": 0, "f16": 1, "q4_0": 2, "q4_1": 3, "q5_0": 6, "q5_1": 7, "q8_0": 8, "q2_k": 10,
         "q3_k": 11, "q4_k": 12, "q5_k": 13, "q6_k": 14, "bf16": 30}


def string(s):
    b = s if isinstance(s, bytes) else s.encode()
    return struct.pack("<Q", len(b)) + b


def scalar(t, v):
    if t == STR:
        return string(v)
    return struct.pack({U32: "<I", I32: "<i", F32: "<f", BOOL: "<?"}[t], v)


def kv(key, t, v):
    if isinstance(v, list):
        body = b"".join(scalar(t, x) for x in v)
        return string(key) + struct.pack("<IIQ", ARRAY, t, len(v)) + body
    return string(key) + struct.pack("<I", t) + scalar(t, v)


def gguf(kvs, tensors=(), version=3):
    """tensors: (name, shape with the row length first, type)"""
    infos, data = b"", b""
    for name, shape, t in tensors:
        block, size = BLOCK[t]
        n = 1
        for d in shape:
            n *= d
        data += b"\0" * (-len(data) % 32)
        infos += string(name) + struct.pack("<I", len(shape))
        infos += b"".join(struct.pack("<Q", d) for d in shape) + struct.pack("<IQ", t, len(data))
        if t == 0:
            data += b"".join(struct.pack("<f", (i * 7 % 13 - 6) / 32) for i in range(n))
        elif t in (1, 30):
            data += struct.pack("<H", 0x2C00 if t == 1 else 0x3D80) * n
        else:
            data += bytes((i % 16 for i in range(size))) * (n // block)
    head = b"GGUF" + struct.pack("<IQQ", version, len(tensors), len(kvs))
    out = head + b"".join(kv(*x) for x in kvs) + infos
    return out + b"\0" * (-len(out) % 32) + data


def letters():
    """The byte-level alphabet: byte -> character."""
    same = [b for b in range(256) if 33 <= b <= 126 or 161 <= b <= 172 or b >= 174]
    table, n = {b: chr(b) for b in same}, 256
    for b in range(256):
        if b not in table:
            table[b] = chr(n)
            n += 1
    return table


def spm():
    words = ["\u2581", "e", "h", "l", "o", "he", "ll", "hell", "hello", "\u2581hello", "\u2581\u2581"]
    tokens = ["<unk>", "<s>", "</s>"] + ["<0x%02X>" % b for b in range(256)] + words
    return [("tokenizer.ggml.model", STR, "llama"), ("tokenizer.ggml.tokens", STR, tokens),
            ("tokenizer.ggml.scores", F32, [0.0] * 259 + [-float(i) for i in range(len(words))]),
            ("tokenizer.ggml.token_type", I32, [2, 3, 3] + [6] * 256 + [1] * len(words)),
            ("tokenizer.ggml.bos_token_id", U32, 1), ("tokenizer.ggml.eos_token_id", U32, 2),
            ("tokenizer.ggml.unknown_token_id", U32, 0)]


def bpe(pre):
    table = letters()
    merges = ["h e", "l l", "he ll", "hell o", "\u0120 hello"]
    tokens = [table[b] for b in range(256)] + [m.replace(" ", "") for m in merges]
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    types = [1] * len(tokens) + [3] * len(special) + [4]
    tokens += special + ["<|user|>"]
    return [("tokenizer.ggml.model", STR, "gpt2"), ("tokenizer.ggml.pre", STR, pre),
            ("tokenizer.ggml.tokens", STR, tokens), ("tokenizer.ggml.token_type", I32, types),
            ("tokenizer.ggml.merges", STR, merges), ("tokenizer.ggml.bos_token_id", U32, 261),
            ("tokenizer.ggml.eos_token_id", U32, 261)]


def model(arch, vocab, t=0, extra=()):
    n_vocab = len(next(v for k, _, v in vocab if k.endswith(".tokens")))
    d, ffn, heads, kv_heads, layers = (256, 256, 8, 4, 2) if BLOCK[t][0] > 1 else (16, 32, 4, 2, 2)
    kvs = [("general.architecture", STR, arch), ("general.name", STR, "tiny " + arch),
           (arch + ".context_length", U32, 128), (arch + ".embedding_length", U32, d),
           (arch + ".block_count", U32, layers), (arch + ".feed_forward_length", U32, ffn),
           (arch + ".attention.head_count", U32, heads),
           (arch + ".attention.head_count_kv", U32, kv_heads),
           (arch + ".rope.freq_base", F32, 10000.0), (arch + ".rope.dimension_count", U32, d // heads),
           (arch + ".attention.layer_norm_rms_epsilon", F32, 1e-5)] + vocab + list(extra)
    tensors = [("token_embd.weight", (d, n_vocab), t)]
    for i in range(layers):
        b = "blk.%d." % i
        dkv = d // heads * kv_heads
        tensors += [(b + "attn_norm.weight", (d,), 0), (b + "attn_q.weight", (d, d), t),
                    (b + "attn_k.weight", (d, dkv), t), (b + "attn_v.weight", (d, dkv), t),
                    (b + "attn_output.weight", (d, d), t), (b + "ffn_norm.weight", (d,), 0),
                    (b + "ffn_gate.weight", (d, ffn), t), (b + "ffn_up.weight", (d, ffn), t),
                    (b + "ffn_down.weight", (ffn, d), t)]
        if arch == "qwen2":
            tensors += [(b + "attn_q.bias", (d,), 0), (b + "attn_k.bias", (dkv,), 0),
                        (b + "attn_v.bias", (dkv,), 0)]
    tensors += [("output_norm.weight", (d,), 0), ("output.weight", (d, n_vocab), t)]
    return gguf(kvs, tensors)


CHATML = "{% for m in messages %}{{'<|im_start|>' + m['role'] + '\\n' + m['content'] + '<|im_end|>'}}{% endfor %}"

KINDS = {
    "llama": lambda: model("llama", spm()),
    "qwen2": lambda: model("qwen2", bpe("qwen2"), extra=[("tokenizer.chat_template", STR, CHATML)]),
    "vocab": lambda: gguf([("general.architecture", STR, "llama")] + spm(), version=2),
    "template": lambda: gguf([("general.architecture", STR, "llama"),
                              ("tokenizer.chat_template", STR, "{{ who_knows }}")] + spm()),
    "split1": lambda: gguf([("general.architecture", STR, "llama"), ("split.count", U32, 2),
                            ("split.no", U32, 0)], [("a", (4,), 0)]),
    "split2": lambda: gguf([("split.count", U32, 2), ("split.no", U32, 1)], [("b", (4,), 0)]),
}
for _pre in ("llama-bpe", "qwen2", "deepseek-coder", "starcoder", "gpt-2"):
    KINDS["bpe-" + _pre] = lambda p=_pre: gguf([("general.architecture", STR, "llama")] + bpe(p))
for _name, _type in TYPES.items():
    KINDS["one-" + _name] = lambda t=_type: gguf([("general.architecture", STR, "llama")],
                                                 [("w", (256, 2), t), ("v", (256,), t)])

if __name__ == "__main__":
    if len(sys.argv) != 3 or (sys.argv[1] != "--all" and sys.argv[1] not in KINDS):
        sys.exit(__doc__ + "\nkinds: " + " ".join(KINDS))
    if sys.argv[1] == "--all":
        os.makedirs(sys.argv[2], exist_ok=True)
        jobs = [(k, os.path.join(sys.argv[2], k + ".gguf")) for k in KINDS]
    else:
        jobs = [(sys.argv[1], sys.argv[2])]
    for kind, path in jobs:
        with open(path, "wb") as f:
            f.write(KINDS[kind]())
