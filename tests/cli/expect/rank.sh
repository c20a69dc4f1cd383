# shellcheck shell=bash disable=SC1091
# Samples that do the same agree with each other.
. "$EXPECT/common.bash"
make_samples >/dev/null
"$RATION" rank --ranker consensus -s e.db -t t.jsonl | stable
"$RATION" rank --ranker consensus -s e.db -t t.jsonl | stable
