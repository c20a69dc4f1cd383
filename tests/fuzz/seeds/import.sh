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
one results 005 '{"date": "x", "eval": {"Tiny/0": [{"solution": "a", "base_status": "pass", "plus_status": "fail"}], "Tiny/1": {"base": [["success", []]], "plus": [["failed", [1]]]}}}'
one bigcode 006 '[["a", "b"], [], ["c"]]'
one codet 007 '{"prompt": "def f(x):\\n    \\"\\"\\"two\\n", "samples": ["a", ""]}\n'
one release 010 '{"Tiny/0": {"task_id": "Tiny/0", "prompt": "p", "samples": [{"pass_at_1": 100.0, "generation": "g"}]}}'
one runs 011 '{"task_id": "Tiny/0", "total": 1, "runs": [{"result": "Pass", "seconds": 1.5, "code": "x"}]}\n'
one counts 021 'task_id,n,c\nTiny/0,10,3\n"1", 2, 2\n{"task_id": "Tiny/2", "n": 4, "c": 0}\n'
one curve 022 'k,pass@k\n1,28.2%%\n10,0.5\n{"k": 3, "pass@k": 0.4}\n'
one generation 003 '[{"task_id": 0, "generation": ["a", "b"]}, {"id": "Tiny/1", "generation": "\\ud800 x"}]'
one response 004 '\xef\xbb\xbf{\n"id": "Tiny/0",\n"response": "a", "logprob": NaN}\n{"id": "Tiny/1", "answer": "b"}'
one livecodebench 012 '[{"question_id": "Tiny/0", "code_list": ["a", "b"], "graded_list": [true, false]}]'
one lm_eval 013 '{"doc_id": 2, "doc": {"q": 1}, "resps": [["a", "b"]], "filter": "x"}\n{"doc": {"task_id": "Tiny/0"}, "resps": ["c"], "pass@1": 1.0}\n'
one batch 014 '{"custom_id": "Tiny/0#1", "response": {"status_code": 200, "body": {"choices": [{"message": {"content": [{"text": "a"}]}}], "usage": {"completion_tokens": 5}}}}\n{"custom_id": "Tiny/1", "result": {"message": {"content": [{"text": "b"}]}}}\n'
one opencompass 015 '{"0": {"prediction": "a", "gold": "Tiny/1"}, "2": {"prediction": ["b", "c"]}}'
one inspect 016 '{"version": 2, "eval": {}, "samples": [{"id": "Tiny/0", "output": {"choices": [{"message": {"content": "a"}, "stop_reason": "stop"}]}, "scores": {"s": {"value": "C"}}}]}'
one multipl_e 017 '{"name": "Tiny_2_g", "language": "py", "completions": ["a"]}'
one multipl_e_results 020 '{"name": "Tiny_2_g", "results": [{"program": "a", "status": "OK"}]}'
