"""Byte-level byte-pair encoding in GPT-2's form, trained on our own text.

The split into words is GPT-2's pattern restricted to what it means on ASCII text. The vocabulary is the
256 byte symbols, the learned merges in order, and <|endoftext|> as the last id.
"""

import json
import re
from collections import Counter

SPLIT = re.compile(r"'s|'t|'re|'ve|'m|'ll|'d| ?[A-Za-z]+| ?[0-9]+| ?[^\sA-Za-z0-9]+|\s+(?!\S)|\s+")
END = "<|endoftext|>"


def byte_symbols():
    """GPT-2's printable stand-in for each byte."""
    keep = [*range(33, 127), *range(161, 173), *range(174, 256)]
    table, n = {}, 0
    for b in range(256):
        if b in keep:
            table[b] = chr(b)
        else:
            table[b] = chr(256 + n)
            n += 1
    return table


SYMBOL = byte_symbols()


class Tokenizer:
    def __init__(self, merges):
        self.merges = [tuple(m) for m in merges]
        self.rank = {m: i for i, m in enumerate(self.merges)}
        order = sorted(SYMBOL.values())
        self.tokens = order + ["".join(m) for m in self.merges] + [END]
        self.id = {t: i for i, t in enumerate(self.tokens)}
        self.end = self.id[END]
        self.cache = {}

    def _word(self, word):
        ids = self.cache.get(word)
        if ids is None:
            parts = [SYMBOL[b] for b in word.encode()]
            while len(parts) > 1:
                best = min(zip(parts, parts[1:]), key=lambda p: self.rank.get(p, 1 << 30))
                if best not in self.rank:
                    break
                out, i = [], 0
                while i < len(parts):
                    if i + 1 < len(parts) and (parts[i], parts[i + 1]) == best:
                        out.append(parts[i] + parts[i + 1])
                        i += 2
                    else:
                        out.append(parts[i])
                        i += 1
                parts = out
            ids = self.cache[word] = [self.id[p] for p in parts]
        return ids

    def encode(self, text):
        return [i for w in SPLIT.findall(text) for i in self._word(w)]

    def save(self, path):
        with open(path, "w", encoding="utf-8") as f:
            json.dump({"merges": self.merges}, f)

    @staticmethod
    def load(path):
        with open(path, encoding="utf-8") as f:
            return Tokenizer(json.load(f)["merges"])


def train(texts, vocab_size):
    """Learns vocab_size - 257 merges; ties go to the pair that sorts first."""
    words = Counter(w for t in texts for w in SPLIT.findall(t))
    split = {w: [SYMBOL[b] for b in w.encode()] for w in words}
    merges = []
    while len(merges) < vocab_size - 257:
        pairs = Counter()
        for w, n in words.items():
            for p in zip(split[w], split[w][1:]):
                pairs[p] += n
        if not pairs:
            break
        a, b = best = min(pairs, key=lambda p: (-pairs[p], p))
        merges.append(best)
        for w, parts in split.items():
            if a not in parts:
                continue
            out, i = [], 0
            while i < len(parts):
                if i + 1 < len(parts) and parts[i] == a and parts[i + 1] == b:
                    out.append(a + b)
                    i += 2
                else:
                    out.append(parts[i])
                    i += 1
            split[w] = out
    return Tokenizer(merges)
