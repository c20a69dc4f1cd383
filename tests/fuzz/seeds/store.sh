#!/bin/sh
# Writes small stores into the folder $1: the one of ration 0.1.0, and the same with small pages, with a
# trigger, and cut.
set -eu
sql=$(cd "$(dirname "$0")/../../stores" && pwd)/v0.1.0.sql
cd "$1"
/usr/bin/python3 - "$sql" <<'END'
import sqlite3
import sys

text = open(sys.argv[1], encoding="utf-8").read()
trigger = "CREATE TRIGGER t AFTER INSERT ON run BEGIN SELECT 1; END;"
for name, before, after in (("old", "", ""), ("pages", "PRAGMA page_size = 512;", ""), ("trigger", "", trigger)):
    sqlite3.connect(name).executescript(before + text + after)
data = open("old", "rb").read()
open("cut", "wb").write(data[: len(data) // 2])
END
