# common.bash: what the scripts of expect/ share. Four problems and samples of two models, known by hand.

# Sandbox, Python, times and hashes differ from machine to machine.
stable() {
    sed -e 's/Python [0-9.]*; sandbox .*/Python V; sandbox S/' -e 's/[0-9.]* CPU seconds/N CPU seconds/' \
        -e 's/[0-9.]* s of wall-time/N s of wall-time/' -e 's/hash [0-9a-f]*/hash H/'
}

make_samples() {
    local i
    for i in 0 1 2 3; do
        printf '{"task_id": "T/%d", "prompt": "def f%d(x):\\n", "entry_point": "f%d", "canonical_solution": "    return x + %d\\n", "test": "def check(f):\\n    assert f(1) == %d\\n"}\n' \
            $i $i $i $i $((i + 1))
        printf '{"task_id": "T/%d", "completion": "    return x + %d\\n"}\n' $i $i >>good.jsonl
        printf '{"task_id": "T/%d", "completion": "    return x +\\n"}\n' $i >>good.jsonl
        printf '{"task_id": "T/%d", "completion": "    return x + 1\\n"}\n' $i >>small.jsonl
        printf '{"task_id": "T/%d", "completion": "    raise ValueError\\n"}\n' $i >>small.jsonl
    done >t.jsonl
    "$RATION" import -s e.db -t t.jsonl --model large good.jsonl
    "$RATION" import -s e.db -t t.jsonl --model small small.jsonl
}
