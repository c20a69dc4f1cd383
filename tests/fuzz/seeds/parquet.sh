#!/bin/sh
# Writes small Parquet files of every form into the folder $1.
set -eu
cd "$(dirname "$0")/../../.."
/usr/bin/python3 tests/parquet.py seeds "$1"
