#!/bin/sh
# Small GGUF files of every kind into the folder $1.
exec "$(dirname "$0")/../../mkgguf.py" --all "$1"
