# page.bats: `ration report --html`: the page from stores with and without what it shows, in a
# browser (tests/page) and without one.

load helpers

setup_file() {
    cd "$BATS_FILE_TMPDIR" || exit 1
    /usr/bin/python3 "$BATS_TEST_DIRNAME/../page/store.py" "$RATION" .
}

setup() {
    [ -e /usr/share/javascript/chart.js/chart.min.js ] ||
        skip "Chart.js is not installed: apt install libjs-chart.js"
    cd "$BATS_FILE_TMPDIR" || exit 1
}

# The page and the JSON of a store with the same options; extra ones after the name.
page() {
    local name=$1
    shift
    "$RATION" report -s "$name.db" "$@" --html "$name.html" 2>"$name.err" || [ $? -eq 1 ]
    "$RATION" report -s "$name.db" "$@" --format json >"$name.json" || [ $? -eq 1 ]
}

@test "the page in a browser: numbers of the JSON, clicks, hostile texts, no network" {
    if ! command -v chromium >/dev/null || ! command -v chromedriver >/dev/null ||
        ! /usr/bin/python3 -c 'import selenium' 2>/dev/null; then
        skip "no browser: apt install chromium chromium-driver python3-selenium"
    fi
    page full --profile paper-8xa100 --reach 0.5
    page long --profile paper-8xa100
    page unjudged
    page single
    page unsolved
    page far --profile paper-8xa100 --extrapolate 200 --resamples 100 --all
    run /usr/bin/python3 "$BATS_TEST_DIRNAME/../page/test_page.py" .
    echo "$output"
    [ "$status" -eq 0 ]
}

@test "one file: both scripts, the data and a policy, Chart.js with its licence" {
    page full --profile paper-8xa100
    grep -q "Content-Security-Policy.*default-src 'none'; script-src 'sha256-.*'sha256-" full.html
    grep -q "Released under the MIT License" full.html
    [ "$(grep -o '<script' full.html | wc -l)" -eq "$(grep -o '</script>' full.html | wc -l)" ]
    ! grep -q 'window.pwned = 1; alert(1)</script>' full.html
    ! grep -Eq '(src|href)="?https?:' full.html
    [ "$(stat -c %s full.html)" -lt 1000000 ]
    page full --profile paper-8xa100
    cp full.html again.html
    page full --profile paper-8xa100
    cmp full.html again.html
}

@test "the data of the page is the JSON of the report" {
    page full --profile paper-8xa100
    /usr/bin/python3 - <<'PY'
import json, re
html = open("full.html", encoding="utf-8").read()
inside = re.search(r'<script type="application/json" id="report">(.*?)</script>', html, re.S)
assert json.loads(inside.group(1)) == json.load(open("full.json", encoding="utf-8"))
PY
}

@test "without Chart.js the message says what to install" {
    run "$RATION" report -s full.db --html x.html --chart-js nowhere.js
    [ "$status" -eq 3 ]
    [[ "$output" == *"nowhere.js is not there"*"apt install libjs-chart.js"* ]]
    [ ! -e x.html ]
    echo 'alert(1)</script>' >evil.js
    run "$RATION" report -s full.db --html x.html --chart-js evil.js
    [ "$status" -eq 3 ]
    [[ "$output" == *"evil.js holds </script"* ]]
}

@test "a page that cannot be written is said, and -f prints beside it" {
    run "$RATION" report -s full.db --html no/such/folder/x.html
    [ "$status" -eq 3 ]
    [[ "$output" == *"no/such/folder"* ]]
    run "$RATION" report -s full.db --html x.html
    [[ "$output" != *"pass@k, %"* ]]
    run "$RATION" report -s full.db --html x.html -f csv --metric pass@k
    [[ "$output" == *"metric,task,model"* ]]
}

@test "figures of rankings and of other ways to spend" {
    command -v gnuplot >/dev/null || skip "gnuplot is not installed: apt install gnuplot-nox"
    for figure in study rank rank-k rank-flops rank-time stopping reallocation cascade; do
        run "$RATION" report -s full.db --profile paper-8xa100 --plot "$figure.svg" --figure "$figure"
        echo "$figure: $status $output"
        [ "$status" -le 1 ]
        [ -s "$figure.svg" ]
        ! grep -q "<b>" "$figure.svg"
    done
    grep -q "perfect choice" rank.svg
    grep -q "nll:large" rank-time.svg
}
