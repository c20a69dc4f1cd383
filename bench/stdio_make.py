#!/usr/bin/env python3
"""stdio_make.py PROBLEMS DIR: problems of the shape of APPS' stdin ones, 20 cases each, and 20 programs for each, which differ
in more than their comments: DIR/set.jsonl for both sides, DIR/samples.jsonl for ours, DIR/all_codes.json for APPS' script.
Of 20 programs 12 are right; the others are wrong in every case, in some, or fail."""
import json
import random
import sys

CASES, PROGRAMS = 20, 20
number, out = int(sys.argv[1]), sys.argv[2]

# (what a case's input is drawn from, a solution); @ is a number of the problem, # makes names of a program its own.
KINDS = [
    (lambda r: numbers(r, 40), "n# = int(input())\na# = list(map(int, input().split()))\nt# = 0\nfor x# in a#:\n    if x# % @ == 0:\n"
     "        t# += x#\nprint(t#)\n"),
    (lambda r: numbers(r, 40), "import sys\nd# = sys.stdin.read().split()\na# = sorted(map(int, d#[1:]), key=lambda v: (v % @, v))\n"
     "print(*a#)\n"),
    (lambda r: numbers(r, 60), "n# = int(input())\na# = [int(v) for v in input().split()]\nb# = 0\nc# = 0\nfor v in a#:\n"
     "    c# = max(v - @, c# + v - @)\n    b# = max(b#, c#)\nprint(b#)\n"),
    (lambda r: text(r), "from collections import Counter\ns# = input().strip()\nk# = Counter(s#)\n"
     "print(sum(1 for c in k# if k#[c] % @ < 2), len(k#))\n"),
    (lambda r: text(r), "s# = input().strip()\nr# = []\nfor c in s#:\n    if c == 'b' and r#:\n        r#.pop()\n    else:\n"
     "        r#.append(c)\nprint(''.join(r#)[:@] or '-')\n"),
    (lambda r: queries(r), "n#, q# = map(int, input().split())\na# = list(map(int, input().split()))\np# = [0]\nfor v in a#:\n"
     "    p#.append(p#[-1] + v * @)\nfor _ in range(q#):\n    l, h = map(int, input().split())\n    print(p#[h] - p#[l - 1])\n"),
    (lambda r: str(r.randint(20, 300)) + "\n", "n# = int(input())\nw# = [1] + [0] * n#\nfor c in (1, 2, 5, @ + 5):\n"
     "    for i in range(c, n# + 1):\n        w#[i] = (w#[i] + w#[i - c]) % 1000007\nprint(w#[n#])\n"),
    (lambda r: grid(r), "h#, w# = map(int, input().split())\ng# = [input() for _ in range(h#)]\nt# = 0\nfor i in range(h#):\n"
     "    for j in range(w#):\n        if g#[i][j] == '.' and (i + j) % @ == 0:\n            t# += 1\nprint(t#)\n"),
]


def numbers(r, most):
    n = r.randint(5, most)
    return "%d\n%s\n" % (n, " ".join(str(r.randint(-50, 1000)) for _ in range(n)))


def text(r):
    return "".join(r.choice("abcdefgh") for _ in range(r.randint(10, 80))) + "\n"


def queries(r):
    n, q = r.randint(5, 30), r.randint(3, 12)
    lines = ["%d %d" % (n, q), " ".join(str(r.randint(0, 99)) for _ in range(n))]
    for _ in range(q):
        low = r.randint(1, n)
        lines.append("%d %d" % (low, r.randint(low, n)))
    return "\n".join(lines) + "\n"


def grid(r):
    h, w = r.randint(3, 12), r.randint(3, 12)
    return "%d %d\n%s\n" % (h, w, "\n".join("".join(r.choice(".#") for _ in range(w)) for _ in range(h)))


def answer(source, given):
    """What the solution prints."""
    import io
    shown, lines = io.StringIO(), iter(given.split("\n"))
    keep = sys.stdin
    sys.stdin = io.StringIO(given)
    exec(source, {"input": lambda: next(lines), "print": lambda *a: print(*a, file=shown)})
    sys.stdin = keep
    return shown.getvalue()


def program(source, i):
    own = source.replace("#", str(i))
    if i < 12:
        return own
    if i < 15:
        return own.replace("print(", "print(1, ")
    if i < 18:
        return own + "\nif len(str(%d)) == 1:\n    raise ValueError(%d)\n" % (i % 3, i)
    return own.replace("= ", "= - ", 1) if "= int" in own[:12] else own.replace("print(", "print(0 or ", 1) + "print(%d)\n" % i


codes = {}
with open(out + "/set.jsonl", "w") as problems, open(out + "/samples.jsonl", "w") as samples:
    for p in range(number):
        r = random.Random(p)
        draw, source = KINDS[p % len(KINDS)]
        source = source.replace("@", str(2 + p // len(KINDS) % 7))
        inputs = [draw(r) for _ in range(CASES)]
        right = source.replace("#", "")
        tests = {"inputs": inputs, "outputs": [answer(right, given) for given in inputs]}
        problems.write(json.dumps({"problem_id": p, "question": "?", "difficulty": "introductory", "starter_code": "", "url": "",
                                   "input_output": json.dumps(tests), "solutions": json.dumps([right])}) + "\n")
        codes[str(p)] = [program(source, i) for i in range(PROGRAMS)]
        for code in codes[str(p)]:
            samples.write(json.dumps({"task_id": "APPS/%d" % p, "completion": code}) + "\n")
with open(out + "/all_codes.json", "w") as f:
    json.dump(codes, f)
