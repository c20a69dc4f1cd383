# includes.bats: dependencies between the modules point one way (docs/ARCHITECTURE.md).

cd "$BATS_TEST_DIRNAME/../.." || exit 1

# What each folder of src/ may include besides itself and base.
allowed() {
    case $1 in
    base) echo "" ;;
    gguf | task | judge | remote | cost | stat | store) echo "base" ;;
    model) echo "base gguf" ;;
    rank) echo "base gguf model remote" ;;
    report) echo "base cost stat store" ;;
    run) echo "base gguf model remote task judge rank cost stat store report" ;;
    cli) ls src ;;
    *) return 1 ;;
    esac
}

@test "includes follow the order of the modules" {
    bad=
    for dir in src/*/; do
        module=${dir#src/}
        module=${module%/}
        may=$(allowed "$module") || { echo "src/$module is not in the list"; false; }
        for other in $(ls src); do
            [ "$other" = "$module" ] && continue
            case " $(echo $may) " in *" $other "*) continue ;; esac
            hits=$(grep -n "#include \"$other/" "$dir"*.c "$dir"*.h 2>/dev/null || true)
            [ -z "$hits" ] || bad="$bad$hits
"
        done
    done
    echo "$bad"
    [ -z "$bad" ]
}

@test "the command line sees ration.h, its own headers and base" {
    bad=
    for f in src/cli/*.c src/cli/*.h; do
        hits=$(grep -n '#include "' "$f" | grep -v '"cli/\|"base/\|"ration.h"' || true)
        [ -z "$hits" ] || bad="$bad$f: $hits
"
    done
    echo "$bad"
    [ -z "$bad" ]
}

@test "the public header includes its own parts alone, and compiles as C and as C++" {
    for f in $(grep -ho '#include ".*"' include/ration.h include/ration/*.h | sed 's/.*"\(.*\)"/\1/'); do
        [ -e "include/ration/${f#ration/}" ] || { echo "$f is not a part"; false; }
    done
    for f in include/ration.h include/ration/*.h; do
        cc -std=c17 -Wall -Wextra -Wpedantic -Werror -fsyntax-only -x c "$f"
        ! command -v c++ >/dev/null || c++ -Wall -Wextra -Werror -fsyntax-only -x c++ "$f"
    done
}

@test "no source file is longer than 900 lines" {
    bad=$(wc -l src/*/*.[ch] src/*/*.py include/*.h include/*/*.h tests/*.[ch] bench/*.c tools/*.py 2>/dev/null |
        awk '$1 > 900 && $2 != "total"')
    echo "$bad"
    [ -z "$bad" ]
}
