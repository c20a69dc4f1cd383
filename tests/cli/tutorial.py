#!/usr/bin/env python3
"""Runs the commands of a page and compares what they print with what the page shows below them.

    tutorial.py PAGE [--rewrite]

A job is a heading of level 2. Its ```sh blocks run one after the other in one shell, with standard error
joined to the output; a ```text block below one holds what it prints. Before both are compared, what varies
is masked: numbers before a unit of time or rate, versions, the sandbox's layers, ports, times of the
machine. A line `...` stands for any lines. `(exit status N)` is the last line where a block ends so.

Comments steer a block:  <!-- run: COMMANDS --> runs these instead (shorter, the same otherwise);
<!-- any numbers --> masks every number; <!-- needs: COMMAND --> leaves the block out, and says so, where
that fails; <!-- shows: WORDS --> asks only for these in the output. --rewrite writes what was printed into the page, except where `...` stands.
"""
import os
import re
import subprocess
import sys
import time

MASKS = [
    (r"\d[\d.]* (s|ms|tok/s|s per|s of wall-time|CPU seconds|GiB|MiB)\b", r"N \1"),
    (r"Python \d[\d.]*", "Python V"), (r"sandbox ns:.*|sandbox (seccomp|landlock|rlimit|none).*", "sandbox S"),
    (r"127\.0\.0\.1:\d+", "127.0.0.1:PORT"), (r"ration \d+\.\d+\.\d+\S*", "ration V"),
    (r"-{3,}", "---"), (r" +", " "),
]


def mask(text, any_numbers):
    for pattern, by in MASKS:
        text = re.sub(pattern, by, text)
    if any_numbers:
        text = re.sub(r"[-+]?\d[\d.,]*", "N", text)
    return [line.rstrip() for line in text.strip("\n").split("\n")]


def matches(want, got):
    if not want:
        return not got
    if want[0].strip() == "...":
        return any(matches(want[1:], got[i:]) for i in range(len(got) + 1))
    return bool(got) and want[0] == got[0] and matches(want[1:], got[1:])


class Shell:
    def __init__(self):
        self.p = subprocess.Popen(["bash"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def run(self, commands):
        self.p.stdin.write(f"{commands}\nprintf '\\n@@%d\\n' $?\n".encode())
        self.p.stdin.flush()
        out = b""
        while not re.search(rb"\n@@\d+\n$", out):
            part = os.read(self.p.stdout.fileno(), 65536)
            if not part:
                raise SystemExit(f"the shell ended in:\n{commands}\n{out.decode(errors='replace')}")
            out += part
        text, status = out.decode(errors="replace").rsplit("\n@@", 1)
        text = text.rstrip("\n").replace(os.getcwd(), "/tmp/ration-tutorial")
        text = text.replace(os.environ["RATION_BUILD"], "~/ration/build").replace(os.environ["TREE"], "~/ration")
        if int(status):
            text += f"\n(exit status {int(status)})"
        return text.strip("\n")


def main():
    page = sys.argv[1]
    rewrite = "--rewrite" in sys.argv
    lines = open(page).read().split("\n")
    shell, out, bad, notes, job, began = Shell(), [], 0, {}, "files", time.time()
    i = 0
    while i < len(lines):
        line = lines[i]
        out.append(line)
        i += 1
        if line.startswith("## "):
            job, began = line[3:], time.time()
        comment = re.match(r"<!-- (run|shows|needs|any numbers):? ?(.*?) ?-->$", line)
        if comment:
            notes[comment.group(1)] = comment.group(2)
        if line != "```sh":
            continue
        end = lines.index("```", i)
        commands = "\n".join(lines[i:end])
        out += lines[i:end + 1]
        i = end + 1
        if "needs" in notes and subprocess.run(["sh", "-c", notes["needs"]], capture_output=True).returncode:
            print(f"# {job}: left out, `{notes['needs']}` fails here")
            notes = {}
            continue
        got = shell.run(notes.get("run") or commands)
        print(f"# {job}: {time.time() - began:.1f} s after {commands.splitlines()[-1]}")
        at = i
        while at < len(lines) and lines[at] == "":
            at += 1
        if at < len(lines) and lines[at] == "```text":
            end = lines.index("```", at)
            want = "\n".join(lines[at + 1:end])
            numbers = "any numbers" in notes
            fine = notes["shows"] in got and "(exit status" not in got if "shows" in notes else \
                matches(mask(want, numbers), mask(got, numbers))
            if not fine:
                bad += 1
                print(f"--- {job}\n$ {commands}\n--- the page shows\n{want}\n--- it printed\n{got}\n---")
                if rewrite and "shows" not in notes and "..." not in want.split("\n"):
                    out += lines[i:at + 1] + got.split("\n") + ["```"]
                    i = end + 1
        elif "(exit status" in got:
            bad += 1
            print(f"--- {job}\n$ {commands}\n--- failed\n{got}\n---")
        notes = {}
    if rewrite:
        open(page, "w").write("\n".join(out))
    return 1 if bad and not rewrite else 0


sys.exit(main())
