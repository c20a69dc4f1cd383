"""parquet.py: writes Parquet files in plain Python, for tests of the reader in src/base/parquet*.c.

    parquet.py cases DIR     NAME.parquet beside NAME.jsonl, the rows that it holds, in every form that is read
    parquet.py seeds DIR     the same with few rows and without theirs, for tests/fuzz

A schema is a list of (name, type). Types: text, int32, int64, uint32, uint64, double, float, bool, date, ms, us; ("list", TYPE),
("struct", SCHEMA), ("required", TYPE); anything else may be None. `of` finds the schema of rows of JSON.
"""
import datetime, itertools, json, os, random, struct, sys, zlib

PHYSICAL = {"bool": 0, "int32": 1, "uint32": 1, "date": 1, "int64": 2, "uint64": 2, "ms": 2, "us": 2, "float": 4, "double": 5, "text": 6}
CONVERTED = {"text": 0, "date": 6, "ms": 9, "us": 10, "uint32": 13, "uint64": 14}
CODECS = {"none": 0, "snappy": 1, "gzip": 2, "zstd": 6}
PLAIN, RLE, DELTA, DELTA_LENGTH, DICTIONARY = 0, 3, 5, 6, 8


# ---- Thrift's compact form

def varint(n):
    out = b""
    while n > 127:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])


def zigzag(n):
    return varint((n << 1 ^ n >> 63) & (1 << 64) - 1)


def record(*fields):
    """Fields (id, value): an int, a bool, text, a list of values, or bytes of a record."""
    out, last = b"", 0
    for number, value in fields:
        if value is None:
            continue
        kind = (1 if value else 2) if isinstance(value, bool) else 6 if isinstance(value, int) else 8 if isinstance(value, str) else \
            9 if isinstance(value, list) else 12
        out += bytes([(number - last) << 4 | kind]) if number - last < 16 else bytes([kind]) + zigzag(number)
        last = number
        out += item(value)
    return out + b"\0"


def item(value):
    if isinstance(value, bool):
        return b""
    if isinstance(value, int):
        return zigzag(value)
    if isinstance(value, str):
        return varint(len(value.encode())) + value.encode()
    if isinstance(value, list):
        kind = 6 if isinstance(value[0], int) else 8 if isinstance(value[0], str) else 12
        head = bytes([len(value) << 4 | kind]) if len(value) < 15 else bytes([0xF0 | kind]) + varint(len(value))
        return head + b"".join(map(item, value))
    return value


# ---- the schema and its columns

class Node:
    def __init__(self, name, kind, level=0, rep=0, optional=True):
        self.name, self.optional, self.children, self.entries = name, optional, [], []
        if kind[0] == "required":
            self.optional, kind = False, kind[1]
        self.kind = kind if isinstance(kind, str) else kind[0]
        self.level, self.rep = level + self.optional, rep
        if self.kind == "struct":
            self.children = [Node(n, k, self.level, rep) for n, k in kind[1]]
        if self.kind == "list":
            self.rep += 1
            self.children = [Node("element", kind[1], self.level + 1, self.rep)]

    def leaves(self):
        return [leaf for c in self.children for leaf in c.leaves()] or [self]

    def path(self, before, legacy):
        here = before + [self.name]
        if self.kind == "list":
            here += ["array"] if legacy else ["list"]
        if not self.children:
            return [here]
        if self.kind == "list" and legacy:
            inner = self.children[0]
            return [here] if not inner.children else [p for c in inner.children for p in c.path(here, legacy)]
        return [p for c in self.children for p in c.path(here, legacy)]

    def nulls(self, rep, level):
        for leaf in self.leaves():
            leaf.entries.append((rep, level, None))

    def add(self, value, rep):
        if value is None and self.optional:
            return self.nulls(rep, self.level - 1)
        if self.kind == "struct":
            for c in self.children:
                c.add(value.get(c.name), rep)
        elif self.kind == "list":
            for i, v in enumerate(value):
                self.children[0].add(v, self.rep if i else rep)
            if not value:
                self.nulls(rep, self.level)
        else:
            self.entries.append((rep, self.level, value))

    def elements(self, o):
        """The schema's records, the list's repeated group between."""
        again = 1 if self.optional else 0
        if self.kind == "list":
            logical = None if o["converted"] else record((3, record()))
            head = record((3, again), (4, self.name), (5, 1), (6, 3), (10, logical))
            inner = self.children[0]
            if o["legacy"] and not inner.children: # a repeated value
                return [head, record((1, PHYSICAL[inner.kind]), (3, 2), (4, "array"), (6, CONVERTED.get(inner.kind)))]
            if o["legacy"]: # a repeated group with the element's fields
                return [head, record((3, 2), (4, "array"), (5, len(inner.children)))] + [e for c in inner.children for e in c.elements(o)]
            return [head, record((3, 2), (4, "list"), (5, 1))] + inner.elements(o)
        if self.children:
            return [record((3, again), (4, self.name), (5, len(self.children)))] + [e for c in self.children for e in c.elements(o)]
        unit = {"ms": 1, "us": 2}.get(self.kind)
        logical = record((1, record())) if self.kind == "text" else record((6, record())) if self.kind == "date" else \
            record((8, record((1, False), (2, record((unit, record())))))) if unit else None
        return [record((1, PHYSICAL[self.kind]), (3, again), (4, self.name), (6, CONVERTED.get(self.kind) if o["converted"] or not logical else None),
                       (10, None if o["converted"] else logical))]


# ---- values and pages

def hybrid(values, width):
    """Runs of equal numbers, and packed groups of eight between them."""
    out, i = b"", 0
    while i < len(values):
        n = len(list(itertools.takewhile(lambda v: v == values[i], values[i:])))
        if n >= 8:
            out += varint(n << 1) + values[i].to_bytes((width + 7) // 8, "little")
            i += n
            continue
        group = (values[i:i + 8] + [0] * 8)[:8]
        out += varint(1 << 1 | 1) + sum(v << k * width for k, v in enumerate(group)).to_bytes(width, "little")
        i += 8
    return out


def raw(kind, v):
    day = datetime.date(1970, 1, 1)
    if kind == "date":
        v = (datetime.date.fromisoformat(v) - day).days
    if kind in ("ms", "us"):
        seconds = int((datetime.datetime.fromisoformat(v) - datetime.datetime(1970, 1, 1)).total_seconds())
        v = seconds * (1000 if kind == "ms" else 1000000)
    return v


def plain(kind, values):
    if kind == "bool":
        return sum(bool(v) << k for k, v in enumerate(values)).to_bytes((len(values) + 7) // 8, "little")
    if kind == "text":
        return b"".join(struct.pack("<I", len(v.encode())) + v.encode() for v in values)
    code = {"float": "<f", "double": "<d", "uint32": "<I", "uint64": "<Q"}.get(kind, "<i" if PHYSICAL[kind] == 1 else "<q")
    return b"".join(struct.pack(code, raw(kind, v)) for v in values)


def delta(numbers):
    out = varint(128) + varint(4) + varint(len(numbers)) + zigzag(numbers[0] if numbers else 0)
    steps = [(b - a + 2**63) % 2**64 - 2**63 for a, b in zip(numbers, numbers[1:])] # as 64 bits wrap
    for i in range(0, len(steps), 128):
        block = steps[i:i + 128]
        low = min(block)
        minis = [[v - low for v in block[k:k + 32]] for k in range(0, 128, 32)]
        widths = [max([0] + m).bit_length() for m in minis]
        out += zigzag(low) + bytes(widths)
        for m, w in zip(minis, widths):
            if m:
                out += sum(v << k * w for k, v in enumerate(m)).to_bytes(4 * w, "little")
    return out


def pack(codec, data):
    if codec == "gzip":
        z = zlib.compressobj(wbits=31)
        return z.compress(data) + z.flush()
    if codec == "snappy": # literals alone
        parts = [data[i:i + 60] for i in range(0, len(data), 60)]
        return varint(len(data)) + b"".join(bytes([len(p) - 1 << 2]) + p for p in parts)
    if codec == "zstd": # blocks as they are
        parts = [data[i:i + 100000] for i in range(0, len(data), 100000)] or [b""]
        blocks = b"".join((len(p) << 3 | (i == len(parts) - 1)).to_bytes(3, "little") + p for i, p in enumerate(parts))
        return b"\x28\xb5\x2f\xfd\xa0" + struct.pack("<I", len(data)) + blocks
    return data


def levels(entries, at, most):
    return hybrid([e[at] for e in entries], most.bit_length()) if most else b""


def page(leaf, entries, words, o):
    values = [e[2] for e in entries if e[1] == leaf.level]
    if words is not None:
        width = max(1, len(words) - 1).bit_length()
        body, encoding = bytes([width]) + hybrid([words.index(v) for v in values], width), DICTIONARY
    elif o["delta"] and leaf.kind == "text":
        data = [v.encode() for v in values]
        body, encoding = delta([len(d) for d in data]) + b"".join(data), DELTA_LENGTH
    elif o["delta"] and leaf.kind in ("int32", "int64", "ms", "us", "date"):
        body, encoding = delta([raw(leaf.kind, v) for v in values]), DELTA
    elif o["delta"] and leaf.kind == "bool":
        runs = hybrid([int(v) for v in values], 1)
        body, encoding = struct.pack("<I", len(runs)) + runs, RLE
    else:
        body, encoding = plain(leaf.kind, values), PLAIN
    rep, level = levels(entries, 0, leaf.rep), levels(entries, 1, leaf.level)
    if o["version"] == 1:
        body = b"".join(struct.pack("<I", len(x)) + x for x in (rep, level) if x) + body
        packed = pack(o["codec"], body)
        statistics = record((5, "y" * 5000), (6, "x" * 5000)) if o["page_rows"] == 7 else None # headers may be long
        return record((1, 0), (2, len(body)), (3, len(packed)), (5, record((1, len(entries)), (2, encoding), (3, RLE), (4, RLE), (5, statistics)))) + packed
    packed = pack(o["codec"], body)
    head = record((1, len(entries)), (2, len(entries) - len(values)), (3, sum(e[0] == 0 for e in entries)), (4, encoding), (5, len(level)), (6, len(rep)),
                  (7, None if o["codec"] != "none" else False))
    return record((1, 3), (2, len(rep + level + body)), (3, len(rep + level + packed)), (8, head)) + rep + level + packed


def chunk(leaf, path, at, o):
    """A column of a row group at `at` of the file: its bytes and its description."""
    out, start, words = b"", at, None
    values = [e[2] for e in leaf.entries if e[1] == leaf.level]
    if o["dictionary"] and leaf.kind != "bool":
        words = list(dict.fromkeys(values))
        data = plain(leaf.kind, words)
        packed = pack(o["codec"], data)
        out += record((1, 2), (2, len(data)), (3, len(packed)), (7, record((1, len(words)), (2, PLAIN)))) + packed
    data_at = at + len(out)
    starts = [i for i, e in enumerate(leaf.entries) if e[0] == 0][::o["page_rows"]] + [len(leaf.entries)]
    for i, k in zip(starts, starts[1:]):
        out += page(leaf, leaf.entries[i:k], words, o)
    meta = record((1, PHYSICAL[leaf.kind]), (2, [PLAIN, RLE]), (3, path), (4, CODECS[o["codec"]]), (5, len(leaf.entries)), (6, len(out)), (7, len(out)),
                  (9, data_at), (11, start if words is not None else None))
    return out, record((2, start), (3, meta))


def write(path, rows, schema=None, **given):
    o = dict({"codec": "snappy", "version": 1, "dictionary": False, "delta": False, "page_rows": 1000, "group_rows": 1000, "legacy": False,
              "converted": True}, **given)
    fields = [Node(n, k) for n, k in schema or of(rows)]
    out, groups = b"PAR1", []
    for i in range(0, len(rows), o["group_rows"]):
        part = rows[i:i + o["group_rows"]]
        columns = []
        for f in fields:
            for leaf in f.leaves():
                leaf.entries = []
            for r in part:
                f.add(r.get(f.name), 0)
            for leaf, names in zip(f.leaves(), f.path([], o["legacy"])):
                data, meta = chunk(leaf, names, len(out), o)
                out += data
                columns.append(meta)
        groups.append(record((1, columns), (2, 1), (3, len(part))))
    root = record((4, "schema"), (5, len(fields)))
    footer = record((1, 1), (2, [root] + [e for f in fields for e in f.elements(o)]), (3, len(rows)), (4, groups), (6, "tests/parquet.py"))
    with open(path, "wb") as f:
        f.write(out + footer + struct.pack("<I", len(footer)) + b"PAR1")


def kind_of(values):
    values = [v for v in values if v is not None]
    if values and all(isinstance(v, bool) for v in values):
        return "bool"
    if values and len({type(v) for v in values}) == 1 and isinstance(values[0], (int, float)):
        return "double" if isinstance(values[0], float) else "int64"
    if values and all(isinstance(v, list) for v in values):
        return ("list", kind_of([x for v in values for x in v]))
    if values and all(isinstance(v, dict) for v in values):
        return ("struct", of(values))
    if any(not isinstance(v, str) for v in values):
        raise ValueError("a column of several types")
    return "text"


def of(rows):
    return [(name, kind_of([r.get(name) for r in rows])) for name in dict.fromkeys(k for r in rows for k in r)]


# ---- files for tests/test_parquet.c

WORDS = ["", "a", "two words", "z" * 300, "\u00e9\u4e16", "\"\\\n\t\x00", "def f():\n    return 1\n"]


def value(kind, rng, must=False):
    if kind[0] == "required":
        return value(kind[1], rng, True)
    if not must and rng.random() < 0.2:
        return None
    if kind[0] == "list":
        return [value(kind[1], rng) for _ in range(rng.choice((0, 1, 2, 9)))]
    if kind[0] == "struct":
        return {n: value(k, rng) for n, k in kind[1]}
    return {"text": lambda: rng.choice(WORDS), "int32": lambda: rng.randint(-2**31, 2**31 - 1), "int64": lambda: rng.choice((0, 7, -2**63, 2**63 - 1)),
            "uint32": lambda: rng.choice((0, 2**32 - 1)), "uint64": lambda: rng.choice((1, 2**62)), "double": lambda: rng.choice((0.1, -1e300, 3.0)),
            "float": lambda: rng.choice((0.5, -2.25)), "bool": lambda: rng.random() < 0.5,
            "date": lambda: str(datetime.date(1960, 1, 1) + datetime.timedelta(rng.randrange(40000))),
            "ms": lambda: (datetime.datetime(1960, 1, 1) + datetime.timedelta(seconds=rng.randrange(4 * 10**9))).isoformat(),
            "us": lambda: (datetime.datetime(1999, 1, 1) + datetime.timedelta(seconds=rng.randrange(10**9))).isoformat()}[kind]()


FLAT = [(k, k) for k in PHYSICAL] + [("must", ("required", "text")), ("number", ("required", "int64"))]
NESTED = [("id", "int64"), ("tests", ("struct", [("input", ("list", "text")), ("output", ("list", "text"))])), ("deep", ("list", ("list", ("list", "int32")))),
          ("calls", ("list", ("struct", [("name", "text"), ("args", ("list", "double")), ("at", ("struct", [("line", "int32")]))]))),
          ("whole", ("required", ("list", ("required", "text")))), ("last", "bool")]
# What older writers call a list: elements that may not be None.
LEGACY = [("names", ("list", ("required", "text"))), ("pairs", ("list", ("required", ("struct", [("a", "int32"), ("b", "text")])))), ("end", "text")]


def cases(folder, few=False):
    rng = random.Random(20)
    n = 0
    for schema in (FLAT, NESTED, LEGACY):
        for codec, version, extra in itertools.product(CODECS, (1, 2), ({}, {"dictionary": True}, {"delta": True})):
            rows = [{name: value(k, rng) for name, k in schema} for _ in range(4 if few else rng.choice((1, 40, 130)))]
            name = os.path.join(folder, "%02d-%s-v%d%s" % (n, codec, version, "".join("-" + k for k in extra)))
            write(name + ".parquet", rows, schema, codec=codec, version=version, page_rows=rng.choice((1, 7, 1000)), group_rows=rng.choice((3, 50, 1000)),
                  legacy=schema is LEGACY, converted=rng.random() < 0.5 or schema is LEGACY, **extra)
            if not few:
                with open(name + ".jsonl", "w") as f:
                    f.write("".join(json.dumps(r) + "\n" for r in rows))
            n += 1


if __name__ == "__main__":
    cases(sys.argv[2], sys.argv[1] == "seeds")
