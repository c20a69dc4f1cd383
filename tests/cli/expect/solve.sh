# shellcheck shell=bash disable=SC1091
# A stored pass costs nothing: the program and the reason.
. "$EXPECT/common.bash"
make_samples >/dev/null
"$RATION" solve -m none.gguf --budget 1s t.jsonl --problem T/0
"$RATION" solve --budget 1s t.jsonl
"$RATION" solve -m x.gguf t.jsonl
