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

@test "the public header includes no header of ours" {
    run grep -n '#include "' include/ration.h
    [ "$status" -eq 1 ]
}

@test "no source file is longer than 900 lines" {
    for f in $(git ls-files 'src/*.c' 'src/*.h' 2>/dev/null || ls src/*/*.c src/*/*.h); do
        n=$(wc -l <"$f")
        [ "$n" -le 900 ] || { echo "$f has $n lines"; false; }
    done
}
