"""languages.py RATION [LANGUAGE...]: a problem in MultiPL-E's form of each language that is here, with a program that passes, one that fails, one that
hangs and one that leaves with status 0 before the tests are over. Prints what is not as it should be. Used by sets.bats."""
import json, os, shutil, subprocess, sys

# language: (tools, head, right, wrong, endless, early, tests); the tests are those of MultiPL-E's translations.
LANGUAGES = {
    "cpp": ("g++", "#include<assert.h>\n#include<bits/stdc++.h>\nlong f(long x) {\n", "    return x*x;\n}\n", "    return x+x;\n}\n", "    for(;;);\n}\n",
            "    exit(0);\n}\n", "int main() {\n    auto candidate = f;\n    assert(candidate((3)) == (9));\n}\n"),
    "c": ("gcc", "#include <assert.h>\n#include <stdlib.h>\nlong f(long x) {\n", "    return x*x;\n}\n", "    return x+x;\n}\n", "    for(;;);\n}\n",
          "    exit(0);\n}\n", "int main(void) {\n    assert(f(3) == 9);\n    return 0;\n}\n"),
    "go_test.go": ("go", "package f_test\n\nimport (\n    \"testing\"\n    \"fmt\"\n)\n\nfunc f(x int) int {\n", "    return x*x\n}\n", "    return x+x\n}\n",
                   "    for {}\n}\n", "    panic(\"\")\n}\n",
                   "func TestF(t *testing.T) {\n  candidate := f\n  if fmt.Sprintf(\"%v\", candidate(3)) != \"9\" {\n    t.Errorf(\"expected 9\")\n  }\n}\n"),
    "java": ("javac", "import java.util.*;\nclass Problem {\n    public static long f(long x) {\n", "        return x*x;\n    }\n", "        return x+x;\n    }\n",
             "        for(;;);\n    }\n", "        System.exit(0); return 0;\n    }\n",
             "    public static void main(String[] args) {\n    assert(f((3l)) == (9l));\n    }\n\n}\n"),
    "js": ("node", "function f(x){\n", "  return x*x;\n}\n", "  return x+x;\n}\n", "  for(;;);\n}\n", "  process.exit(0);\n}\n",
           "const assert = require('node:assert');\n\n\nfunction test() {\n  let candidate = f;\n  assert.deepEqual(candidate(3),9);\n}\n\ntest();"),
    "ts": ("tsc", "function f(x: number): number {\n", "  return x*x;\n}\n", "  return x+x;\n}\n", "  for(;;);\n}\n", "  process.exit(0);\n}\n",
           "declare var require: any;\nconst assert = require('node:assert');\n\nfunction test() {\n  let candidate = f;\n"
           "  assert.deepEqual(candidate(3),9);\n}\n\ntest();"),
    "rs": ("/usr/bin/rustc", "fn f(x: isize) -> isize {\n", "    x*x\n}\n", "    x+x\n}\n", "    loop {}\n}\n", "    std::process::exit(0)\n}\n",
           "fn main() {\n    let candidate = f;\n    assert_eq!(candidate(3), 9);\n}\n"),
    "rust": ("/usr/bin/rustc", "fn main() {}\nfn f(x: i32) -> i32 {\n", "    x*x\n}\n", "    x+x\n}\n", "    loop {}\n}\n", "    std::process::exit(0)\n}\n",
             "#[cfg(test)]\nmod tests {\n    use super::*;\n    #[test]\n    fn test_f() {\n        assert_eq!(f(3), 9);\n    }\n}\n"),
    "lua": ("lua5.4", "local function f(x)\n", "    return x*x\nend\n", "    return x+x\nend\n", "    while true do end\nend\n", "    os.exit(0)\nend\n",
            "lu = require('luaunit')\n\nfunction test_humaneval()\nlocal candidate = f\n    lu.assertEquals(candidate(3), 9)\nend\n\n"
            "os.exit(lu.LuaUnit.run())"),
    "pl": ("perl", "sub f {\n    my($x) = @_;\n", "    return $x*$x;\n}\n", "    return $x+$x;\n}\n", "    while(1){}\n}\n", "    exit(0);\n}\n",
           "use Test::Deep;\n\n\nsub testhumaneval {\n    my $candidate = \\&f;\n        if(eq_deeply($candidate->(3),9)) {\n        print \"ok!\" }else{\n"
           "        exit 1;\n        }\n}\n\ntesthumaneval();"),
    "php": ("php", "<?php\nfunction f($x) {\n", "    return $x*$x;\n}\n", "    return $x+$x;\n}\n", "    while(true);\n}\n", "    exit(0);\n}\n",
            "function candidate(...$args) {\n    return f(...$args);\n}\n\nfunction test(): void {\n    if (candidate(3) !== 9) {"
            " throw new Exception(\"Test failed!\"); }\n}\n\ntest();"),
    "rb": ("ruby", "def f(x)\n", "  x*x\nend\n", "  x+x\nend\n", "  loop {}\nend\n", "  exit 0\nend\n",
           "require 'test/unit'\nclass TestHumanEval < Test::Unit::TestCase\n  def test_f\n    candidate = method(:f)\n"
           "    assert_equal(9, candidate.call(3))\n  end\nend\n"),
    "r": ("Rscript", "f <- function(x) {\n", "    x*x\n}\n", "    x+x\n}\n", "    while (TRUE) {}\n}\n", "    quit(status=0)\n}\n",
          "test_humaneval <- function() {\ncandidate <- f\n    if(!identical(candidate(3), 9)){quit('no', 1)}\n}\ntest_humaneval()"),
    "sh": ("bash", "#!/bin/bash\nf() {\n", "    echo $(($1*$1))\n", "    echo $(($1+$1))\n", "    while true; do :; done\n", "    echo 9\n}\nexit 0\n:() {\n",
           "}\n\ncandidate() {\n    f \"$@\"\n}\n\nset -e\nrun_test() {\n    [[ $(candidate \"3\") = \"9\" ]]\n}\n\nrun_test\n"),
    "cs": ("mcs", "using System;\nusing System.Diagnostics;\nclass Problem {\n    public static long F(long x) {\n", "        return x*x;\n    }\n",
           "        return x+x;\n    }\n", "        for(;;);\n    }\n", "        Environment.Exit(0); return 0;\n    }\n",
           "    public static void Main(string[] args) {\n    Debug.Assert(F((3L)) == (9L));\n    }\n\n}\n"),
    "hs": ("ghc", "import System.Exit\nimport System.IO.Unsafe\nf :: Int -> Int\nf x =", "  x*x\n", "  x+x\n", "  let g n = g (n+1) in g x\n",
           "  error \"\"\n", "\nmain :: IO ()\nmain = do\n    let candidate = f\n    if candidate 3 == 9 then putStrLn \"ok\" else error \"Test failed\"\n"),
    "ml": ("ocamlc", "let f (x : int) : int =\n", "  x*x\n", "  x+x\n", "  while true do () done; 0\n", "  exit 0\n",
           ";;\nlet assertions =\n  let candidate = f in\n    assert ((candidate 3) = 9);\n()\n"),
}

ration, bad = os.path.abspath(sys.argv[1]), 0
for language, (tool, head, right, wrong, endless, early, tests) in LANGUAGES.items():
    if not shutil.which(tool) or (sys.argv[2:] and language not in sys.argv[2:]):
        continue
    if language == "rust":  # HumanEval-X
        problem = {"task_id": "Rust/0", "prompt": "/* Squares. */\n", "declaration": head.replace("fn main() {}\n", ""), "test": tests}
        name = "Rust/0"
    else:
        name = "HumanEval_0_f"
        problem = {"name": name, "language": language, "prompt": head, "tests": tests, "stop_tokens": []}
    with open("l.jsonl", "w") as f:
        f.write(json.dumps(problem) + "\n")
    with open("a.jsonl", "w") as f:
        f.writelines(json.dumps({"task_id": name, "completion": t}) + "\n" for t in (right, wrong, endless, early))
    store = language + ".db"
    subprocess.run([ration, "import", "-s", store, "-t", "l.jsonl", "--model", "m", "a.jsonl"], stdout=subprocess.DEVNULL, check=True)
    said = subprocess.run([ration, "judge", "-s", store, "-t", "l.jsonl", "-j", "1", "--cpu-limit", "2"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True).stdout
    rows = subprocess.run([ration, "export", "-s", store, "--format", "jsonl"], stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()
    got = [json.loads(r)["verdict"] for r in rows]
    if got == ["missing_library"] * 4 and "no compiler or interpreter of" in said:
        continue  # a part of it is not here
    failed = ("wrong_answer", "exception")
    # Go and Haskell have no early end that a continuation could reach.
    early_ends = failed if language in ("go_test.go", "hs") else ("exited", "exception")
    if not (len(got) == 4 and got[0] == "passed" and got[1] in failed and got[2] == "time_limit" and got[3] in early_ends):
        bad += 1
        print(language, got, [json.loads(r).get("detail") for r in rows], said, flush=True)
print("%d languages are wrong" % bad)
sys.exit(bad > 0)
