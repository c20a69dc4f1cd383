#!/bin/sh
# Writes one seed per form (first byte) into the folder $1; the second byte is ' ', no options but 32.
set -eu
cd "$1"
one() { # NAME FORM-NUMBER-OCTAL TEXT
    # shellcheck disable=SC2059 # the octal escape is the format
    printf "\\$2 " >"$1"
    printf '%b' "$3" >>"$1"
}
one auto 000 '{"task_id": "Tiny/0", "completion": "x"}\n'
one human_eval 001 '{"task_id": 0, "completion": "a", "generated_tokens": 3, "finish_reason": "stop", "logprob": -1.5, "passed": false, "result": "failed: x"}\n{"task_id": "Tiny/1", "completion": ""}\n'
one evalplus 002 '{"task_id": "tiny/2", "solution": "def g(x): pass"}\n'
one results 003 '{"date": "x", "eval": {"Tiny/0": [{"solution": "a", "base_status": "pass", "plus_status": "fail"}], "Tiny/1": {"base": [["success", []]], "plus": [["failed", [1]]]}}}'
one bigcode 004 '[["a", "b"], [], ["c"]]'
one codet 005 '{"prompt": "def f(x):\\n    \\"\\"\\"two\\n", "samples": ["a", ""]}\n'
one release 006 '{"Tiny/0": {"task_id": "Tiny/0", "prompt": "p", "samples": [{"pass_at_1": 100.0, "generation": "g"}]}}'
one runs 007 '{"task_id": "Tiny/0", "total": 1, "runs": [{"result": "Pass", "seconds": 1.5, "code": "x"}]}\n'
one counts 010 'task_id,n,c\nTiny/0,10,3\n"1", 2, 2\n{"task_id": "Tiny/2", "n": 4, "c": 0}\n'
one curve 011 'k,pass@k\n1,28.2%%\n10,0.5\n{"k": 3, "pass@k": 0.4}\n'
