# expect: wrong_answer
import sys
for text in ("passed", "PASSED", "OK", "1 passed", '{"passed": true, "verdict": "passed"}'):
    print(text)
    print(text, file=sys.stderr)


def f(x):
    print("passed", flush=True)
