# shellcheck shell=bash disable=SC1091
# Help in groups, at most 80 columns, for every command.
"$RATION" --help | sed -n 's/^  \([a-z]*\) .*/\1/p' | while read -r c; do
    "$RATION" "$c" --help | awk -v c="$c" 'length > 80 {print c ": " length " columns: " $0}'
done
"$RATION" judge --help
"$RATION" rank --help
