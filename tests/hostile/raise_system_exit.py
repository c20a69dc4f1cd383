# expect: exited
raise SystemExit(0)
