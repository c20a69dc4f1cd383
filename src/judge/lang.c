/*
 * lang.c: the table of languages; see lang.h.
 *
 * Commands run in /tmp/work of the sandbox, without network and /proc: `exe` is what a tool finds
 * that looks for itself there. They end in the program itself (exec), so that its
 * signals are seen. Optimisation is low: a program runs for milliseconds, its compiler for seconds.
 */
#include "judge/lang.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define GO_ENV                                                                                   \
    "export GOROOT=/usr/lib/go GOPATH=/usr/share/gocode GO111MODULE=off GOFLAGS= CGO_ENABLED=0 " \
    "GOCACHE=$PWD/cache GOTELEMETRY=off; "
#define JAVA_HOME  "/usr/lib/jvm/default-java/bin/"
#define JAVA       "/usr/lib/jvm/default-java/bin/"
#define JAVA_FLAGS "-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:-UsePerfData -Xshare:auto "
#define RUST_FLAGS "--edition 2021 --sysroot /usr -A warnings -C debuginfo=0 -L dependency=cache "

static const rn_lang languages[] = {
    {.name = "c",
     .aliases = ",",
     .file = "main.c",
     .compile = "gcc -O1 -w -o main main.c -lm",
     .run = "exec ./main",
     .version = "gcc --version",
     .package = "gcc"},
    {.name = "cpp",
     .aliases = ",c++,cxx,cc,",
     .file = "main.cpp",
     .compile = "lib=; grep -q openssl/ main.cpp && lib=-lcrypto; "
                "g++ -std=c++17 -O1 -w -o main main.cpp $lib",
     .run = "exec ./main",
     .version = "g++ --version",
     .package = "g++ libboost-dev libssl-dev",
     .libraries = "/usr/include/boost/any.hpp /usr/include/openssl/md5.h"},
    {.name = "go",
     .aliases = ",golang,go_test.go,",
     .file = "main_test.go",
     .compile = GO_ENV "if grep -q '\"testing\"' main_test.go; then go test -c -vet=off -o main "
                       "main_test.go; else mv main_test.go main.go; go build -o main main.go; fi",
     .run = "exec ./main",
     .version = GO_ENV "go version",
     .package = "golang-go golang-github-stretchr-testify-dev",
     .libraries = "/usr/share/gocode/src/github.com/stretchr/testify/assert",
     .prepare = GO_ENV
     "printf 'package main\\nimport (\"testing\"; \"github.com/stretchr/testify/assert\")\\n"
     "func TestX(t *testing.T) { assert.New(t).Equal(1, 1) }\\n' >main_test.go; "
     "go test -c -vet=off -o main main_test.go; "
     "printf 'package main\\nimport (\"fmt\";\"math\";\"sort\";\"strconv\";\"strings\";\"bufio\";"
     "\"os\")\\nfunc main() { fmt.Println(math.Pi, sort.Ints, strconv.Itoa(1), strings.ToUpper, "
     "bufio.NewReader(os.Stdin)) }\\n' >x.go; go build -o x x.go; true"},
    {.name = "java",
     .aliases = ",",
     .file = "Main.java",
     .compile =
         "awk '/class /{for(i=1;i<NF;i++) if($i==\"class\") c=$(i+1)} "
         "/static void main/{print c; exit}' Main.java | tr -d '{' >main.name; "
         "p=$(sed -n 's/^ *public *\\(final *\\)*class *\\([A-Za-z0-9_]*\\).*/\\2/p' Main.java | "
         "head -1); test \"${p:-Main}\" = Main || mv Main.java $p.java; " JAVA_HOME
         "javac -J-XX:TieredStopAtLevel=1 -J-XX:+UseSerialGC -J-XX:-UsePerfData "
         "-nowarn -proc:none -encoding UTF-8 ${p:-Main}.java",
     .run = "exec " JAVA "java -ea -Xss64m " JAVA_FLAGS "-cp . $(cat main.name)",
     .version = JAVA "java -version 2>&1",
     .package = "default-jdk-headless",
     .exe = JAVA "java"},
    {.name = "javascript",
     .aliases = ",js,node,nodejs,",
     .file = "main.js",
     .run = "exec node --stack-size=65000 --require ./assert.js main.js",
     .version = "node --version",
     .package = "nodejs"},
    {.name = "typescript",
     .aliases = ",ts,",
     .file = "main.ts",
     .compile = "tsc --target es2022 --module commonjs --lib es2022,dom --skipLibCheck "
                "main.ts || test -e main.js",
     .run = "exec node --stack-size=65000 --require ./assert.js main.js",
     .version = "tsc --version",
     .package = "node-typescript nodejs"},
    {.name = "rust",
     .aliases = ",rs,",
     .file = "main.rs",
     .compile = "t=; grep -q '#\\[test\\]' main.rs && t=--test; "
                "e=; for x in rand regex md5; do f=$(ls cache/lib$x-*.rlib 2>/dev/null | head -1); "
                "test -z \"$f\" || e=\"$e --extern $x=$f\"; done; "
                "rustc " RUST_FLAGS "$t $e -o main main.rs",
     .run = "export RUST_TEST_THREADS=1; exec ./main", /* by name: the end mark's test is last */
     .version = "rustc --version",
     .exe = "/usr/bin/rustc",
     .package = "rustc cargo librust-rand-dev librust-regex-dev librust-md5-dev "
                "librust-aho-corasick-dev librust-memchr-dev",
     .libraries = "/usr/share/cargo/registry/rand-[0-9]* /usr/share/cargo/registry/regex-[0-9]* "
                  "/usr/share/cargo/registry/md5-[0-9]*",
     .prepare =
         "mkdir -p src .cargo; : >src/lib.rs; "
         "printf '[package]\\nname = \"p\"\\nversion = \"0.1.0\"\\nedition = \"2021\"\\n"
         "[dependencies]\\nrand = \"*\"\\nregex = \"*\"\\nmd5 = \"*\"\\n' >Cargo.toml; "
         "printf '[source.crates-io]\\nreplace-with = \"d\"\\n[source.d]\\ndirectory = "
         "\"/usr/share/cargo/registry\"\\n' >.cargo/config.toml; "
         "export CARGO_HOME=$PWD/.cargo RUSTFLAGS='--sysroot /usr -C debuginfo=0'; "
         "cargo build --offline -q && mkdir cache && cp target/debug/deps/*.rlib cache/; true"},
    {.name = "lua",
     .aliases = ",",
     .file = "main.lua",
     .run = "exec lua5.4 main.lua",
     .version = "lua5.4 -v && lua5.4 -e 'require \"luaunit\"'",
     .package = "lua5.4 lua-unit"},
    {.name = "perl",
     .aliases = ",pl,",
     .file = "main.pl",
     .run = "exec perl main.pl",
     .version = "perl -MTest::Deep -e 'print \"perl $^V\\n\"'",
     .package = "perl libtest-deep-perl"},
    {.name = "php",
     .aliases = ",",
     .file = "main.php",
     .run = "exec php -d zend.assertions=1 -d assert.exception=1 main.php",
     .version = "php --version",
     .package = "php-cli"},
    {.name = "ruby",
     .aliases = ",rb,",
     .file = "main.rb",
     .run = "exec ruby main.rb",
     .version = "ruby -rtest/unit -e 'Test::Unit::AutoRunner.need_auto_run = false; puts "
                "RUBY_DESCRIPTION'",
     .package = "ruby ruby-test-unit"},
    {.name = "r",
     .aliases = ",",
     .file = "main.r",
     .run = "exec Rscript --vanilla main.r",
     .version = "Rscript --version 2>&1",
     .package = "r-base-core"},
    {.name = "julia",
     .aliases = ",jl,",
     .file = "main.jl",
     .run = "exec julia --startup-file=no main.jl",
     .version = "julia --version",
     .package = "julia (Debian 12 has none)"},
    {.name = "bash",
     .aliases = ",sh,shell,",
     .file = "main.sh",
     .run = "exec bash main.sh",
     .version = "bash --version",
     .package = "bash"},
    {.name = "csharp",
     .aliases = ",cs,c#,",
     .file = "main.cs",
     .compile = "mcs -nowarn:0162,0168,0219 -d:DEBUG -r:System.Numerics.dll -out:main.exe main.cs",
     .run = "export MONO_TRACE_LISTENER=Console.Error; mono main.exe 2>err; s=$?; cat err >&2; "
            "grep -q '^Fail' err && exit 1; exit $s", /* Debug.Assert only prints */
     .version = "mono --version",
     .package = "mono-mcs mono-runtime",
     .exe = "/usr/bin/mono"},
    {.name = "haskell",
     .aliases = ",hs,",
     .file = "main.hs",
     .compile = "ghc -v0 -O0 $(test -d /etc/ghc && echo -no-global-package-db -package-db "
                "/etc/ghc/package.conf.d) -o main main.hs",
     .run = "exec ./main",
     .version = "ghc --version",
     .package = "ghc",
     .exe = "/usr/lib/ghc/bin/ghc"},
    {.name = "ocaml",
     .aliases = ",ml,",
     .file = "main.ml",
     .compile = "ocamlc -w -a -o main unix.cma str.cma main.ml",
     .run = "exec ocamlrun main",
     .version = "ocamlc -version",
     .package = "ocaml-nox"},
};

const rn_lang *rn_lang_at(size_t i)
{
    return i < sizeof languages / sizeof *languages ? &languages[i] : NULL;
}

int rn_lang_find(const char *name)
{
    char between[64];
    if (!name || snprintf(between, sizeof between, ",%s,", name) >= (int)sizeof between) return -1;
    for (size_t i = 0; i < sizeof languages / sizeof *languages; i++)
        if (strcasecmp(languages[i].name, name) == 0 || strcasestr(languages[i].aliases, between))
            return (int)i;
    return -1;
}
