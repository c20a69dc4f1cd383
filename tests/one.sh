#!/bin/sh
# Runs one test file as TAP; see run.sh.
case $1 in
*.bats) exec bats --tap "$1" ;;
*) CMOCKA_MESSAGE_OUTPUT=TAP exec "$1" ;;
esac
