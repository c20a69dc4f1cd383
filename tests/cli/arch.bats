#!/usr/bin/env bats
# arch.bats: every architecture against exact logits (tests/golden/arch.py), the same samples in
# every batch, and metadata that must not be ignored.

setup() {
    load helpers
    /usr/bin/python3 -c "import numpy" 2>/dev/null || skip "numpy is not installed"
    in_tmpdir
}

teardown() {
    leave_tmpdir
}

arch() { /usr/bin/python3 "$BATS_TEST_DIRNAME/../golden/arch.py" "$@"; }

logits() { "$RATION" inspect --logits "$1.gguf" "$1.ids" "$1.out" >/dev/null; }

# error_of NAME [KEY=TYPE:VALUE]...: of a model with this metadata beside the exact logits without it
error_of() {
    arch make "$1" . "${@:2}" && logits "$1" && arch compare "$1.out" "$1.logits"
}

at_most() { awk -v x="$1" -v y="$2" 'BEGIN {exit !(x ~ /^[0-9]/ && x + 0 <= y + 0)}'; }

@test "arch: the logits of each are exact to float's precision" {
    arch list >names
    sed 's/.*/make & ./' names | arch each
    while read -r name; do logits "$name"; done <names
    sed 's/.*/compare &.out &.logits/' names | arch each | paste names - >errors
    cat errors
    [ "$(wc -l <errors)" -ge 18 ]
    while read -r name error; do at_most "$error" 1.5e-6; done <errors
}

@test "arch: experts, latent attention and long texts give the same samples in every batch" {
    make_set
    names="qwen3moe gpt-oss deepseek2 deepseek2-lite mistral3 phi3-long"
    printf 'make %s .\n' $names | arch each
    for name in $names; do
        for slots in 1 3 16; do
            "$RATION" generate -m $name.gguf -t tiny.jsonl -s $name-$slots.db -n 12 --max-tokens 24 \
                --slots $slots --threads 2 >/dev/null
            sql $name-$slots.db "SELECT problem_id, idx, logprob, hex(text) FROM sample s
                JOIN sample_text t ON t.sample_id = s.id ORDER BY 1, 2" >$name-$slots.txt
        done
        [ "$(wc -l <$name-1.txt)" = 48 ]
        cmp $name-1.txt $name-3.txt
        cmp $name-1.txt $name-16.txt
    done
}

@test "arch: metadata that would change the result is understood or refused by name" {
    # a factor without a type is linear; type none never scales
    arch make llama-linear .
    arch make llama . rope.scaling.factor=f32:4
    logits llama
    at_most "$(arch compare llama.out llama-linear.logits)" 1.5e-6
    at_most "$(error_of llama rope.scaling.type=str:none rope.scale_linear=f32:4)" 1.5e-6
    at_most "$(error_of llama rope.scaling.type=str:none rope.scaling.factor=f32:4)" 1.5e-6
    at_most "$(error_of llama attention.causal=bool:true vocab_size=u32:320 expert_count=u32:0)" 1.5e-6
    at_most "$(error_of llama attention.head_count_kv=u32s:2,2,2,2)" 1.5e-6
    cat >refused <<'END'
llama attention.causal=bool:false
llama attention.head_count_kv=u32s:2,2,2
llama attention.head_count_kv=u32s:2,2,2,1
llama feed_forward_length=u32s:96,96,96,96
llama rope.scaling.type=str:longrope
llama rope.scaling.yarn_log_multiplier=f32:0.1
llama expert_count=u32:4
llama logit_scale=f32:2
llama final_logit_softcapping=f32:30
llama attention.some_new_thing=u32:1
llama general.type=str:adapter
gemma3 attention.sliding_window_pattern=u32:2
gemma3 attention.sliding_window_pattern=bools:true,true,true,true,true,true,true
phi3 rope.scaling.type=str:dynamic
mistral3 expert_count=u32:8
mistral3 rope.scaling.yarn_log_multiplier=f32:-1
mistral3 attention.q_lora_rank=u32:8
deepseek2 expert_gating_func=u32:3
deepseek2 expert_gating_func=none
deepseek2 leading_dense_block_count=u32:9
deepseek2 attention.kv_lora_rank=none
deepseek2 attention.kv_lora_rank=u32:600
deepseek2 rope.scaling.yarn_log_multiplier=none
deepseek2-groups attention.temperature_length=none
phi3-long rope.scaling.original_context_length=none
END
    n=0
    while read -r name key; do
        mkdir $((n += 1))
        echo "make $name $n '$key'"
    done <refused | arch each
    n=0
    while read -r name key; do
        run "$RATION" inspect --logits "$((n += 1))/$name.gguf" "$n/$name.ids" out
        echo "$key: $output"
        [ "$status" -eq 3 ]
        [[ "$output" == *"${key%%=*}"* ]]
    done <refused
    # of what is not damaged but does not fit together, the numbers are named
    arch make deepseek2 . expert_group_count=u32:5
    run "$RATION" inspect --logits deepseek2.gguf deepseek2.ids out
    [ "$status" -eq 3 ]
    [[ "$output" == *"3 of 16 experts cannot be chosen from 2 of 5 groups"* ]]
    # the factors of a file without a type are LongRoPE's; a stated amplitude counts (1.5 is what
    # this file's contexts make)
    at_most "$(error_of phi3-long rope.scaling.type=none)" 1.5e-6
    at_most "$(error_of phi3-long rope.scaling.attn_factor=f32:1.5)" 1.5e-6
    at_most 1e-3 "$(error_of phi3-long rope.scaling.attn_factor=f32:1.2)"
    arch make llama . attention.sliding_window=u32:4 attention.sliding_window_pattern=bools:true,false,true,false
    run "$RATION" inspect --logits llama.gguf llama.ids out
    [ "$status" -eq 3 ]
    [[ "$output" == *"sliding_window_pattern"* ]]
    at_most "$(error_of gemma3 attention.sliding_window_pattern=u32:6)" 1.5e-6
}

@test "arch: ids that stand for no token are never sampled and have no probability" {
    make_set
    for quirk in "--rows 64" "--unused 50"; do
        # shellcheck disable=SC2086
        arch make llama . $quirk
        logits llama
        /usr/bin/python3 - "$quirk" <<'END'
import sys
import numpy as np
kind, n = sys.argv[1].split()
x = np.fromfile("llama.out", np.float32).reshape(40, -1)
y = np.fromfile("llama.logits", np.float32).reshape(40, -1)
dead = x[:, 320:] if kind == "--rows" else x[:, 320 - int(n):]
live = x.shape[1] - dead.shape[1]
assert dead.shape[1] == int(n) and (dead < -1e29).all()
assert np.abs(x[:, :live] - y[:, :live]).max() < 1e-4
END
        rm -f a.db
        "$RATION" generate -m llama.gguf -t tiny.jsonl -s a.db -n 8 --max-tokens 40 --temperature 3 \
            --top-p 1 >/dev/null
        # of the pieces a0 ... a60 the last 50 are unused; rows have no text at all
        [ "$(sql a.db "SELECT count(*) FROM sample_text WHERE text LIKE '%a5%'
            AND '$quirk' LIKE '--unused%'")" = 0 ]
        [ "$(sql a.db "SELECT count(*) FROM sample WHERE logprob > 0 OR logprob < -100000")" = 0 ]
    done
}

# A model whose chat template is TEMPLATE; NAME.gguf
with_template() { arch make llama . "tokenizer.chat_template=str:$1" && mv llama.gguf t.gguf; }

chat() { "$RATION" generate -m t.gguf -t tiny.jsonl -s t.db -n 1 --max-tokens 4 --problems 0 --chat auto "$@"; }

@test "arch: a chat template that nobody knows is rendered by jinja2, once, and recorded" {
    /usr/bin/python3 -c "import jinja2" 2>/dev/null || skip "python3-jinja2 is not installed"
    make_set
    # phi-4's marks, a macro, a filter, a variable with a default, trimmed text
    with_template "{%- macro part(role, text) -%}<|im_start|>{{ role }}<|im_sep|>{{ text }}<|im_end|>{%- endmacro -%}
{{ bos_token }}{% for m in messages %}{{ part(m['role'], m['content'] | trim) }}{% endfor %}
{%- if add_generation_prompt %}<|im_start|>assistant<|im_sep|>{% if thinking is defined and thinking is false %}<nothink>{% endif %}{% endif %}"
    run chat
    echo "$output"
    [ "$status" -eq 0 ]
    settings=$(sql t.db "SELECT settings FROM run")
    [[ "$settings" == *'"chat":"template"'* ]]
    [[ "$settings" == *'<s><|im_start|>user<|im_sep|>'*'<|im_end|><|im_start|>assistant<|im_sep|>"'* ]]
    run chat # the same run again
    [[ "$output" == *"(0 made now"* ]]
    run chat --chat-args '{"thinking": false}'
    [ "$status" -eq 0 ]
    [[ "$(sql t.db "SELECT settings FROM run WHERE id = 2")" == *'<|im_sep|><nothink>"'* ]]
    run "$RATION" rank -m t.gguf -s t.db -t tiny.jsonl --run 1
    [ "$status" -eq 0 ]
    run "$RATION" solve -m t.gguf -b 2s --max-tokens 4 -q --in-flight 1 tiny.jsonl --problem Tiny/0
    [ "$status" -le 1 ]
    # what a template refuses, and what it may not do
    with_template "{{ raise_exception('only with tools') }}"
    run chat
    [ "$status" -eq 3 ]
    [[ "$output" == *"only with tools"* ]]
    with_template "{{ messages.__class__.__mro__[1].__subclasses__() }}"
    run chat
    [ "$status" -eq 3 ]
    with_template "{% for i in range(99999999) %}{{ messages }}{% endfor %}"
    run chat
    [ "$status" -eq 3 ]
    with_template "no question"
    run chat
    [ "$status" -eq 3 ]
    [[ "$output" == *"shows a question nowhere"* ]]
}
