"""Writes a model of train.py as a GGUF file (version 3): metadata, tokenizer, Q8_0 matrices, F32 norms."""

import struct

import numpy as np

U32, F32, BOOL, STRING, ARRAY = 4, 6, 7, 8, 9
I32 = 5
TYPE_F32, TYPE_Q8_0 = 0, 8
ALIGN = 32


def _string(s):
    b = s.encode()
    return struct.pack("<Q", len(b)) + b


def _value(kind, v):
    if kind == STRING:
        return _string(v)
    return struct.pack({U32: "<I", F32: "<f", BOOL: "<?", I32: "<i"}[kind], v)


def _entry(key, kind, v, of=None):
    head = _string(key) + struct.pack("<I", kind)
    if kind != ARRAY:
        return head + _value(kind, v)
    return head + struct.pack("<IQ", of, len(v)) + b"".join(_value(of, x) for x in v)


def q8_0(w):
    """Blocks of 32: a half-precision scale, then 32 signed bytes. w: float32 [rows, cols]."""
    x = w.reshape(-1, 32).astype(np.float32)
    d = (np.abs(x).max(axis=1) / 127).astype(np.float16)
    inv = np.where(d > 0, 1 / np.maximum(d.astype(np.float32), 1e-30), 0)
    q = np.clip(np.rint(x * inv[:, None]), -127, 127).astype(np.int8)
    out = np.zeros(len(x), dtype=[("d", "<f2"), ("q", "i1", 32)])
    out["d"], out["q"] = d, q
    return out.tobytes()


def write(path, config, tokenizer, tensors, name, license_):
    """tensors: name -> float32 array; matrices [rows, cols] become Q8_0, vectors stay F32."""
    merges = [f"{a} {b}" for a, b in tokenizer.merges]
    kinds = [1] * (len(tokenizer.tokens) - 1) + [3]  # normal; control
    head_dim = config["d_model"] // config["n_head"]
    meta = [
        _entry("general.architecture", STRING, "llama"),
        _entry("general.name", STRING, name),
        _entry("general.license", STRING, license_),
        _entry("general.file_type", U32, 7),
        _entry("llama.vocab_size", U32, len(tokenizer.tokens)),
        _entry("llama.context_length", U32, config["context"]),
        _entry("llama.embedding_length", U32, config["d_model"]),
        _entry("llama.block_count", U32, config["n_layer"]),
        _entry("llama.feed_forward_length", U32, config["d_ffn"]),
        _entry("llama.attention.head_count", U32, config["n_head"]),
        _entry("llama.attention.head_count_kv", U32, config["n_kv_head"]),
        _entry("llama.rope.dimension_count", U32, head_dim),
        _entry("llama.rope.freq_base", F32, config["rope_base"]),
        _entry("llama.attention.layer_norm_rms_epsilon", F32, config["eps"]),
        _entry("tokenizer.ggml.model", STRING, "gpt2"),
        _entry("tokenizer.ggml.pre", STRING, "gpt-2"),
        _entry("tokenizer.ggml.tokens", ARRAY, tokenizer.tokens, STRING),
        _entry("tokenizer.ggml.token_type", ARRAY, kinds, I32),
        _entry("tokenizer.ggml.merges", ARRAY, merges, STRING),
        _entry("tokenizer.ggml.bos_token_id", U32, tokenizer.end),
        _entry("tokenizer.ggml.eos_token_id", U32, tokenizer.end),
        _entry("tokenizer.ggml.add_bos_token", BOOL, True),
    ]
    infos, blobs, offset = [], [], 0
    for key, w in tensors.items():
        matrix = w.ndim == 2
        data = q8_0(w) if matrix else w.astype("<f4").tobytes()
        dims = w.shape[::-1]
        infos.append(_string(key) + struct.pack("<I", len(dims)) + struct.pack(f"<{len(dims)}Q", *dims)
                     + struct.pack("<IQ", TYPE_Q8_0 if matrix else TYPE_F32, offset))
        data += b"\0" * (-len(data) % ALIGN)
        blobs.append(data)
        offset += len(data)
    head = struct.pack("<4sIQQ", b"GGUF", 3, len(infos), len(meta)) + b"".join(meta) + b"".join(infos)
    with open(path, "wb") as f:
        f.write(head + b"\0" * (-len(head) % ALIGN) + b"".join(blobs))
