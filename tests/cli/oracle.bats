# oracle.bats: every number of report and plan on random stores against the definitions, in plain Python.

@test "report and plan are what METRICS.md defines, on random stores" {
    run /usr/bin/python3 "$BATS_TEST_DIRNAME/../oracle/check.py" "$RATION" 0 1 2 3 5 9
    echo "$output"
    [ "$status" -eq 0 ]
    [[ "$output" == *" numbers" ]]
}
