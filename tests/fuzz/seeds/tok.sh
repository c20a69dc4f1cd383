#!/bin/sh
# Vocabularies of every kind, and texts for the fixed ones, into the folder $1.
set -e
"$(dirname "$0")/../../mkgguf.py" --all "$1"
rm -f "$1"/one-*.gguf "$1"/split*.gguf
for kind in 0 1 2 3 4 5; do
    # shellcheck disable=SC2059
    printf "\\00$kind"'def hello(x):\n    """Hello  world, hello 1234 "\303\251\360\237\231\202 \342\226\201"""\n\treturn x<|im_end|><user></s>\377\r\n' >"$1/text$kind"
done
