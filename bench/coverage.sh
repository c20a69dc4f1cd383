#!/bin/sh
# Coverage and bias of report's estimates by simulation: bench/coverage.sh BUILD
exec /usr/bin/python3 "$(dirname "$0")/coverage.py" "$1/ration" 300
