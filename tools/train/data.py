"""From the corpus to batches: tokenizer, rows of token ids with a weight for each, batches of like length.

A row is <bos> prompt body <eos>, prompt and body encoded apart as the sampler does; weights: 1 for the
body's tokens and the end, PROMPT_WEIGHT for the prompt's. A row of the verifier is <bos> function question
answer, and only the answer counts (VERIFY_WEIGHT).
"""

import json
import os
import random

import numpy as np

import bpe
from model import VOCAB

QUESTION, ANSWERS = "\n\n# Is the function above correct?", (" no", " yes")  # as data/verifier asks
PROMPT_WEIGHT, VERIFY_WEIGHT = 0.1, 4.0
BPE_TEXTS = 30000


def prepare(corpus, cache):
    """(tokenizer, ids uint16, kinds uint8, starts int64): made once. kind: 0 prompt, 1 body, 2 answer, 3 none."""
    if not os.path.exists(cache + ".npz"):
        with open(corpus, encoding="utf-8") as f:
            rows = [json.loads(line) for line in f]
        tok = bpe.train([p + b + QUESTION + ANSWERS[1] + ANSWERS[0] * (v is False) if v is not None else p + b
                         for p, b, v in rows[:BPE_TEXTS]], VOCAB)
        ids, kinds, starts = [], [], [0]
        for prompt, body, verdict in rows:
            if verdict is None:
                a, b = tok.encode(prompt), tok.encode(body)
                row, kind = [tok.end, *a, *b, tok.end], [3] + [0] * len(a) + [1] * (len(b) + 1)
            else:
                a, b = tok.encode(prompt + body + QUESTION), tok.encode(ANSWERS[verdict])
                row, kind = [tok.end, *a, *b], [3] * (1 + len(a)) + [2] * len(b)
            ids += row
            kinds += kind
            starts.append(len(ids))
        tok.save(cache + ".json")
        np.savez(cache + ".npz", ids=np.array(ids, np.uint16), kinds=np.array(kinds, np.uint8), starts=np.array(starts))
    z = np.load(cache + ".npz")
    return bpe.Tokenizer.load(cache + ".json"), z["ids"], z["kinds"], z["starts"]


WEIGHT = np.array([PROMPT_WEIGHT, 1.0, VERIFY_WEIGHT, 0.0], np.float32)


def batches(ids, kinds, starts, tokens, longest, seed):
    """Endless (inputs, targets, weights), int64, int64, float32 [rows, time]: about `tokens` in each. Rows of
    like length are put together out of pools of 4,096 rows; an epoch sees every row once."""
    n, epoch = len(starts) - 1, 0
    while True:
        rng = random.Random(seed * 1000003 + epoch)
        order = list(range(n))
        rng.shuffle(order)
        for at in range(0, n, 4096):
            pool = sorted((i for i in order[at:at + 4096] if starts[i + 1] - starts[i] <= longest),
                          key=lambda i: starts[i + 1] - starts[i])
            groups, group = [], []
            for i in pool:
                if group and (len(group) + 1) * (starts[i + 1] - starts[i]) > tokens:
                    groups.append(group)
                    group = []
                group.append(i)
            groups.append(group)
            rng.shuffle(groups)
            for g in groups:
                width = max(starts[i + 1] - starts[i] for i in g)
                x = np.zeros((len(g), width), np.int64)
                w = np.zeros((len(g), width), np.float32)
                for r, i in enumerate(g):
                    a, b = starts[i], starts[i + 1]
                    x[r, :b - a] = ids[a:b]
                    w[r, :b - a] = WEIGHT[kinds[a:b]]
                yield x[:, :-1], x[:, 1:], w[:, 1:]
        epoch += 1
