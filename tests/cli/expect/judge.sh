# shellcheck shell=bash disable=SC1091
# Verdicts of known samples; a second time nothing is run.
. "$EXPECT/common.bash"
make_samples
"$RATION" judge -s e.db -t t.jsonl | stable
"$RATION" judge -s e.db -t t.jsonl | stable
"$RATION" judge -s e.db -t t.jsonl --format csv
