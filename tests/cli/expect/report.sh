# shellcheck shell=bash disable=SC1091
# The answer on one screen, and the curves behind it.
. "$EXPECT/common.bash"
make_samples >/dev/null
"$RATION" judge -s e.db -t t.jsonl >/dev/null
"$RATION" report -s e.db --resamples 100
"$RATION" report -s e.db --resamples 100 --metric pass@k --format csv
