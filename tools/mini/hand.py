"""The hand-written part of `mini`: (function source with its docstring, inputs).

Each is a whole function; its examples and tests are computed from the inputs by make_mini.py. They
are close to the generated ones in vocabulary but do things that no single operation does.
"""

HAND = [
    ("easy", '''def larger(a: int, b: int) -> int:
    """Return the larger of the two numbers."""
    return a if a > b else b
''', [(1, 2), (5, 3), (0, 0), (-1, -4), (-3, 2), (10, 9), (7, 8)]),
    ("easy", '''def is_between(n: int, low: int, high: int) -> bool:
    """Return True if n is at least low and at most high, and False otherwise."""
    return low <= n <= high
''', [(3, 1, 5), (1, 1, 5), (5, 1, 5), (0, 1, 5), (6, 1, 5), (2, 3, 1), (-2, -3, -1)]),
    ("easy", '''def greet(name: str) -> str:
    """Put "hello " in front of the name and add "!" at the end."""
    return "hello " + name + "!"
''', [("bob",), ("",), ("Ann",), ("a b",), ("!",), ("x1",)]),
    ("easy", '''def last_or_zero(nums: list[int]) -> int:
    """Return the last number of the list, or 0 if the list is empty."""
    return nums[-1] if nums else 0
''', [([1, 2, 3],), ([],), ([7],), ([0, -1],), ([5, 5, 4],), ([9, 0],)]),
    ("easy", '''def same_length(a: str, b: str) -> bool:
    """Return whether the two texts have the same length."""
    return len(a) == len(b)
''', [("ab", "cd"), ("", ""), ("a", ""), ("abc", "ab"), ("xyz", "123"), ("one", "three")]),
    ("easy", '''def add_pair(nums: list[int]) -> int:
    """Return the sum of the first and the last number. The list has at least one element."""
    return nums[0] + nums[-1]
''', [([1, 2, 3],), ([4],), ([5, -5],), ([10, 0, 0, 7],), ([-1, 8, -2],), ([0, 3],)]),
    ("easy", '''def lookup(table: dict[str, int], name: str) -> int:
    """Return the value stored under name, or -1 if there is none."""
    return table.get(name, -1)
''', [({"a": 1}, "a"), ({"a": 1}, "b"), ({}, "x"), ({"x": 0, "y": 5}, "x"), ({"x": 0, "y": 5}, "y"), ({"k": -3}, "k")]),
    ("easy", '''def minutes(hours: int, rest: int) -> int:
    """Return how many minutes the given hours and the remaining minutes are together."""
    return hours * 60 + rest
''', [(1, 0), (0, 30), (2, 15), (10, 59), (0, 0), (24, 1)]),
    ("easy", '''def middle(text: str) -> str:
    """Remove the first and the last character."""
    return text[1:-1]
''', [("hello",), ("ab",), ("a",), ("",), ("xyz",), ("a b c",), ("[12]",)]),
    ("easy", '''def both_even(a: int, b: int) -> bool:
    """Return True if both numbers are even, and False otherwise."""
    return a % 2 == 0 and b % 2 == 0
''', [(2, 4), (2, 3), (3, 2), (3, 5), (0, 0), (-2, 6), (1, 8)]),
    ("medium", '''def gcd(a: int, b: int) -> int:
    """Return the greatest common divisor of two positive numbers."""
    while b:
        a, b = b, a % b
    return a
''', [(12, 8), (7, 3), (10, 10), (100, 75), (1, 9), (18, 27), (17, 51)]),
    ("medium", '''def factorial(n: int) -> int:
    """Return the product of all numbers from 1 to n; 1 for n = 0."""
    result = 1
    for i in range(1, n + 1):
        result *= i
    return result
''', [(0,), (1,), (2,), (3,), (5,), (7,), (10,)]),
    ("medium", '''def is_prime(n: int) -> bool:
    """Return whether n is a prime number."""
    if n < 2:
        return False
    for d in range(2, n):
        if n % d == 0:
            return False
    return True
''', [(1,), (2,), (3,), (4,), (9,), (17,), (0,), (25,), (29,), (-7,)]),
    ("medium", '''def divisors(n: int) -> list[int]:
    """Return all positive divisors of n in ascending order."""
    return [d for d in range(1, n + 1) if n % d == 0]
''', [(1,), (6,), (7,), (12,), (28,), (9,)]),
    ("medium", '''def fibonacci(n: int) -> int:
    """Return the n-th Fibonacci number, where the numbers for 0 and 1 are 0 and 1."""
    a, b = 0, 1
    for _ in range(n):
        a, b = b, a + b
    return a
''', [(0,), (1,), (2,), (3,), (7,), (10,), (15,)]),
    ("medium", '''def fizz(n: int) -> str:
    """Return "fizz" if n is divisible by 3, "buzz" if it is divisible by 5, "fizzbuzz" if by both,
    and the number as a string otherwise."""
    if n % 15 == 0:
        return "fizzbuzz"
    if n % 3 == 0:
        return "fizz"
    if n % 5 == 0:
        return "buzz"
    return str(n)
''', [(3,), (5,), (15,), (7,), (30,), (9,), (20,), (1,), (6,), (10,), (45,), (33,)]),
    ("medium", '''def common(a: list[int], b: list[int]) -> list[int]:
    """Return the numbers of the first list that also occur in the second, in the order of the first."""
    return [n for n in a if n in b]
''', [([1, 2, 3], [2, 3, 4]), ([], [1]), ([5, 5], [5]), ([1], []), ([3, 1, 2], [1, 2, 3]), ([9, 8], [7])]),
    ("medium", '''def interleave(a: str, b: str) -> str:
    """Take characters from the two texts in turn, starting with the first text. Stop at the end of
    the shorter one."""
    result = ""
    for x, y in zip(a, b):
        result += x + y
    return result
''', [("abc", "xyz"), ("", "a"), ("ab", "1"), ("hello", "world"), ("a", "b"), ("xy", "123")]),
    ("medium", '''def count_pairs(nums: list[int]) -> int:
    """Count the neighbouring pairs of equal numbers."""
    return sum(1 for a, b in zip(nums, nums[1:]) if a == b)
''', [([1, 1, 2],), ([],), ([3],), ([5, 5, 5],), ([1, 2, 1],), ([0, 0, 1, 1],), ([2, 3, 3, 2],)]),
    ("medium", '''def merge_max(a: dict[str, int], b: dict[str, int]) -> dict[str, int]:
    """Merge two dictionaries. Where both have a key, keep the larger value."""
    result = dict(a)
    for k, v in b.items():
        result[k] = max(result.get(k, v), v)
    return result
''', [({"a": 1}, {"a": 2}), ({"a": 3}, {"a": 2}), ({}, {"x": 1}), ({"x": 1}, {}), ({"a": 1, "b": 5}, {"b": 4, "c": 0}), ({"n": -2}, {"n": -1})]),
    ("medium", '''def swap_ends(nums: list[int]) -> list[int]:
    """Return a copy of the list with its first and last element exchanged. The list may be empty."""
    if len(nums) < 2:
        return list(nums)
    return [nums[-1]] + nums[1:-1] + [nums[0]]
''', [([1, 2, 3],), ([],), ([1],), ([1, 2],), ([4, 5, 6, 7],), ([0, 0, 9],)]),
    ("medium", '''def caesar(text: str) -> str:
    """Replace each lower case letter by the next one in the alphabet, and "z" by "a". Leave all other
    characters as they are."""
    result = ""
    for c in text:
        if "a" <= c <= "z":
            result += chr((ord(c) - 97 + 1) % 26 + 97)
        else:
            result += c
    return result
''', [("abc",), ("xyz",), ("",), ("a b!",), ("Zz",), ("hello 9",), ("y{`",)]),
    ("medium", '''def index_of(nums: list[int], target: int) -> int:
    """Return the position of the first number equal to target, or -1 if there is none."""
    for i, n in enumerate(nums):
        if n == target:
            return i
    return -1
''', [([1, 2, 3], 2), ([1, 2, 3], 4), ([], 1), ([5, 5], 5), ([0, 1, 2], 2), ([7], 7), ([3, 9, 9], 9)]),
    ("hard", '''def compress(text: str) -> str:
    """Replace each run of equal characters by the character followed by the length of the run."""
    result = ""
    i = 0
    while i < len(text):
        j = i
        while j < len(text) and text[j] == text[i]:
            j += 1
        result += text[i] + str(j - i)
        i = j
    return result
''', [("aaab",), ("",), ("abc",), ("aabbaa",), ("zzzzzzzzzzzz",), ("a",), ("xxy",)]),
    ("hard", '''def longest_run(nums: list[int]) -> int:
    """Return the length of the longest run of equal neighbouring numbers, or 0 for an empty list."""
    best = 0
    run = 0
    last = None
    for n in nums:
        run = run + 1 if n == last else 1
        last = n
        best = max(best, run)
    return best
''', [([1, 1, 2],), ([],), ([3],), ([5, 5, 5, 2, 2],), ([1, 2, 1],), ([0, 0, 1, 1, 1],), ([2, 2, 2, 2],)]),
    ("hard", '''def balanced(text: str) -> bool:
    """Return whether the parentheses in the text are balanced. Ignore all other characters."""
    depth = 0
    for c in text:
        if c == "(":
            depth += 1
        elif c == ")":
            depth -= 1
            if depth < 0:
                return False
    return depth == 0
''', [("()",), (")(",), ("",), ("(a(b)c)",), ("(()",), ("())",), ("x",), ("()()",), ("())(",)]),
    ("hard", '''def two_sum(nums: list[int], target: int) -> bool:
    """Return whether two different positions of the list hold numbers that add up to target."""
    for i in range(len(nums)):
        for j in range(i + 1, len(nums)):
            if nums[i] + nums[j] == target:
                return True
    return False
''', [([1, 2, 3], 5), ([1, 2, 3], 6), ([], 0), ([4], 8), ([4, 4], 8), ([0, -1, 1], 0), ([5, 1, 9], 14), ([2, 2], 2), ([3, 1], 6)]),
    ("hard", '''def roman(n: int) -> str:
    """Write n, which is between 1 and 99, as a Roman numeral."""
    result = ""
    for value, sign in [(90, "XC"), (50, "L"), (40, "XL"), (10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I")]:
        while n >= value:
            result += sign
            n -= value
    return result
''', [(1,), (4,), (9,), (14,), (40,), (49,), (90,), (99,), (58,), (66,), (5,), (50,), (10,)]),
    ("hard", '''def group_by_length(words: list[str]) -> dict[int, list[str]]:
    """Return a dictionary from each word length to the list of words of that length, in their order."""
    result = {}
    for w in words:
        result.setdefault(len(w), []).append(w)
    return result
''', [(["a", "bb", "c"],), ([],), (["one", "two", "three"],), ([""],), (["x", "x"],), (["ab", "a", "cd"],)]),
    ("hard", '''def transpose(rows: list[list[int]]) -> list[list[int]]:
    """Return the rows of numbers as columns. All rows have the same length."""
    return [list(column) for column in zip(*rows)]
''', [([[1, 2], [3, 4]],), ([],), ([[5]],), ([[1, 2, 3]],), ([[1], [2]],), ([[1, 2, 3], [4, 5, 6]],)]),
    ("hard", '''def collatz(n: int) -> int:
    """Count the steps until n, which is positive, becomes 1, where an even n is halved and an odd n
    becomes three times n plus 1."""
    steps = 0
    while n != 1:
        n = n // 2 if n % 2 == 0 else 3 * n + 1
        steps += 1
    return steps
''', [(1,), (2,), (3,), (6,), (7,), (8,), (27,)]),
    ("hard", '''def second_largest(nums: list[int]) -> int:
    """Return the second largest of the distinct numbers, or 0 if there are fewer than two."""
    distinct = sorted(set(nums))
    return distinct[-2] if len(distinct) > 1 else 0
''', [([1, 2, 3],), ([5, 5],), ([],), ([4],), ([9, 1, 9],), ([-1, -2],), ([2, 7, 7, 3],)]),
]
