"""What the house rules ask of src, counted: `python3 tools/house.py [--check]`.

Rules: functions of at most 8 parameters (6 in the public header), no .c file under 60 lines except
tables, no basename twice, private headers end in _priv.h, comments within 100 columns, no circle of
files inside src/report, and a command line that includes only ration.h, its own headers and base.
--check exits with 1 when a rule is broken; without it the table is printed all the same.
"""

import collections
import os
import re
import sys

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
MAX_PARAMS, MAX_PUBLIC = 8, 6
# A table or a kernel of one instruction set: short by nature.
SHORT = re.compile(r"/(kern(_\w+)?|.*_table)\.c$")


def sources(*folders):
    for folder in folders:
        for base, _, names in os.walk(os.path.join(ROOT, folder)):
            for name in sorted(names):
                if name.endswith((".c", ".h")):
                    yield os.path.relpath(os.path.join(base, name), ROOT)


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as f:
        return f.read()


def bare(text):
    """The code without comments and strings, so that commas in them do not count."""
    text = re.sub(r"/\*.*?\*/|//[^\n]*", " ", text, flags=re.S)
    return re.sub(r'"(\\.|[^"\\])*"', '""', text)


def n_params(args):
    depth, n = 0, 1
    for c in args:
        depth += (c == "(") - (c == ")")
        n += c == "," and depth == 0
    return 0 if args.strip() in ("", "void") else n


def functions(path):
    """(name, parameters) of each function that is declared or defined at file level."""
    text = re.sub(r"^\s*#(.*\\\n)*.*$", "", bare(read(path)), flags=re.M)
    head = re.compile(r"^(?!typedef|return|else)[A-Za-z_][\w\s\*]*?\b(\w+)\(((?:[^()]|\([^()]*\))*)\)"
                      r"\s*(?:RN_PRINTF\([^)]*\)\s*)?[;{]", re.M)
    for m in head.finditer(text):
        yield m.group(1), n_params(m.group(2))


def circles(folder):
    """Files of a folder that include each other in a circle: headers by #include of their own .c."""
    stem = lambda p: os.path.splitext(os.path.basename(p))[0].removesuffix("_priv")
    deps = collections.defaultdict(set)
    for path in sources(folder):
        for inc in re.findall(r'#include "%s/(\w+)\.h"' % os.path.basename(folder), read(path)):
            if inc != stem(path):
                deps[stem(path)].add(inc)
    index, low, stack, found = {}, {}, [], []

    def visit(v):
        index[v] = low[v] = len(index)
        stack.append(v)
        for w in deps.get(v, ()):
            if w not in index:
                visit(w)
                low[v] = min(low[v], low[w])
            elif w in stack:
                low[v] = min(low[v], index[w])
        if low[v] == index[v]:
            group = []
            while True:
                group.append(stack.pop())
                if group[-1] == v:
                    break
            if len(group) > 1:
                found.append(sorted(group))

    for v in list(deps):
        if v not in index:
            visit(v)
    return found


def main():
    paths = list(sources("src", "include"))
    bad = []
    lines = collections.Counter()
    comments = collections.Counter()
    wide = 0
    for path in paths:
        text = read(path)
        module = path.split("/")[1] if path.startswith("src/") else "include"
        lines[module] += text.count("\n")
        comments[module] += sum(m.group().count("\n") + 1
                                for m in re.finditer(r"/\*.*?\*/", text, flags=re.S))
        seen = set()
        for name, n in functions(path):
            if name in seen:
                continue
            seen.add(name)
            wide += n > MAX_PUBLIC
            limit = MAX_PUBLIC if path.startswith("include/") else MAX_PARAMS
            if n > limit:
                bad.append(f"{path}: {name} has {n} parameters (at most {limit})")
        if path.endswith(".c") and text.count("\n") < 60 and not SHORT.search(path):
            bad.append(f"{path}: {text.count(chr(10))} lines; under 60, merge it with its neighbour")
        if re.search(r"(_impl|inside|internal)\.h$", path):
            bad.append(f"{path}: a private header ends in _priv.h")
        for i, line in enumerate(text.split("\n"), 1):
            if len(line) > 100:
                bad.append(f"{path}:{i}: {len(line)} columns")
    names = collections.Counter(os.path.basename(p) for p in paths)
    bad += [f"{n}: {c} files have this name" for n, c in sorted(names.items()) if c > 1]
    for module in sorted(m for m in lines if m != "include"):
        bad += [f"src/{module}: a circle of {len(c)} files: {' '.join(c)}"
                for c in circles(f"src/{module}")]
    for path in sources("src/cli"):
        bad += [f"{path}: includes {inc}, which the command line must not see"
                for inc in re.findall(r'#include "((?!cli/|base/|ration\.h)[\w/]+\.h)"', read(path))]
    print("module     lines  comments")
    for module in sorted(lines):
        print(f"{module:9} {lines[module]:6} {100 * comments[module] // max(lines[module], 1):7} %")
    print(f"{'all':9} {sum(lines.values()):6} {100 * sum(comments.values()) // sum(lines.values()):7} %")
    print(f"functions over {MAX_PUBLIC} parameters: {wide}")
    for line in bad:
        print(line)
    print(f"{len(bad)} places break a rule")
    return 1 if bad and "--check" in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
