"""The operations that `mini` problems and the training text are composed of.

An operation turns a value of one type into a value of another. It carries

  tag      a word for function names
  tin/tout types: "int", "str", "bool", "ints" (list of int), "strs" (list of str), "dict" (str -> int)
  kind     how its code is written:
             expr    `code` is an expression over {x}
             map     `code` is the new element over {e}; container stays (ints, strs, str, dict values)
             filter  `code` is the condition on {e} under which an element stays
             fold    `code` is an expression over {x}; `loop` is (initial value, update) over {a}, {e}
  do       phrases in the imperative ("keep only the even numbers")
  ret      phrases that end a sentence after "return" ("the sum of the numbers"); None: only `do`
  params   for each placeholder the values it may take
"""

from dataclasses import dataclass, field

SMALL = [2, 3, 4, 5, 6, 7, 8, 9, 10]
COUNT = [1, 2, 3, 4]
BOUND = [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20]
LETTER = list("abcdeiklmnoprst")
AFFIX = ["a", "x", "!", "?", "-", "_end", "s", "ing"]
SEPARATOR = ["-", ",", " ", "_", "/", "+"]


@dataclass(frozen=True)
class Op:
    tag: str
    tin: str
    tout: str
    kind: str
    code: str
    do: tuple
    ret: tuple = None
    params: dict = field(default_factory=dict, hash=False)
    loop: tuple = None


def op(tag, types, kind, code, do, ret=None, loop=None, **params):
    tin, tout = types.split(">")
    as_tuple = lambda v: None if v is None else (v,) if isinstance(v, str) else tuple(v)
    return Op(tag, tin, tout, kind, code, as_tuple(do), as_tuple(ret), params, loop)


OPS = [
    # int -> int
    op("plus", "int>int", "expr", "{x} + {k}", ["add {k}", "add {k} to it", "increase it by {k}"], k=SMALL),
    op("minus", "int>int", "expr", "{x} - {k}", ["subtract {k}", "take away {k}", "decrease it by {k}"], k=SMALL),
    op("times", "int>int", "expr", "{x} * {k}", ["multiply it by {k}", "multiply by {k}"], k=SMALL),
    op("squared", "int>int", "expr", "{x} ** 2", ["square it", "take its square"], ["the square of the number"]),
    op("abs", "int>int", "expr", "abs({x})", ["take its absolute value", "drop its sign"], ["the absolute value"]),
    op("negated", "int>int", "expr", "-{x}", ["negate it", "flip its sign"]),
    op("div", "int>int", "expr", "{x} // {k}", ["divide it by {k}, rounding down", "floor divide it by {k}"], k=SMALL),
    op("mod", "int>int", "expr", "{x} % {k}", ["take the remainder after division by {k}", "reduce it modulo {k}"],
       ["the remainder after division by {k}"], k=SMALL),
    op("digit_sum", "int>int", "expr", "sum(int(d) for d in str(abs({x})))", ["add up its digits", "take the sum of its digits"],
       ["the sum of its digits", "the sum of the digits"]),
    op("digit_count", "int>int", "expr", "len(str(abs({x})))", ["count its digits"], ["the number of digits", "how many digits it has"]),
    op("top_digit", "int>int", "expr", "max(int(d) for d in str(abs({x})))", ["take its largest digit"], ["the largest digit"]),
    op("at_least", "int>int", "expr", "max({x}, {k})", ["raise it to at least {k}", "replace it by {k} if it is smaller than {k}"], k=BOUND),
    op("at_most", "int>int", "expr", "min({x}, {k})", ["limit it to at most {k}", "replace it by {k} if it is larger than {k}"], k=BOUND),
    op("last_digit", "int>int", "expr", "abs({x}) % 10", ["take its last digit"], ["the last digit"]),
    # int -> bool
    op("is_even", "int>bool", "expr", "{x} % 2 == 0", ["check whether it is even"], ["True if it is even, and False otherwise", "whether it is even"]),
    op("is_odd", "int>bool", "expr", "{x} % 2 != 0", ["check whether it is odd"], ["whether it is odd", "True if it is odd, and False otherwise"]),
    op("above", "int>bool", "expr", "{x} > {k}", ["check whether it is greater than {k}"], ["whether it is greater than {k}"], k=BOUND),
    op("below", "int>bool", "expr", "{x} < {k}", ["check whether it is less than {k}"], ["whether it is less than {k}"], k=BOUND),
    op("divisible", "int>bool", "expr", "{x} % {k} == 0", ["check whether it is divisible by {k}"], ["whether it is divisible by {k}"], k=SMALL[1:]),
    # int -> ints, str
    op("digits", "int>ints", "expr", "[int(d) for d in str(abs({x}))]", ["list its digits", "split it into its digits"], ["the list of its digits"]),
    op("text", "int>str", "expr", "str({x})", ["convert it to a string", "write it as a string"], ["it as a string"]),
    # ints -> ints
    op("evens", "ints>ints", "filter", "{e} % 2 == 0", ["keep only the even numbers", "remove all odd numbers"], ["the even numbers of the list"]),
    op("odds", "ints>ints", "filter", "{e} % 2 != 0", ["keep only the odd numbers", "remove all even numbers"], ["the odd numbers of the list"]),
    op("positives", "ints>ints", "filter", "{e} > 0", ["keep only the positive numbers"], ["the positive numbers of the list"]),
    op("negatives", "ints>ints", "filter", "{e} < 0", ["keep only the negative numbers"], ["the negative numbers of the list"]),
    op("over", "ints>ints", "filter", "{e} > {k}", ["keep only the numbers greater than {k}", "keep the numbers above {k}"],
       ["the numbers greater than {k}"], k=BOUND[1:]),
    op("under", "ints>ints", "filter", "{e} < {k}", ["keep only the numbers less than {k}", "keep the numbers below {k}"],
       ["the numbers less than {k}"], k=BOUND[1:]),
    op("multiples", "ints>ints", "filter", "{e} % {k} == 0", ["keep only the multiples of {k}", "keep only the numbers divisible by {k}"],
       ["the multiples of {k} in the list"], k=SMALL[1:]),
    op("without", "ints>ints", "filter", "{e} != {k}", ["remove every {k}", "drop all numbers equal to {k}"], k=BOUND),
    op("each_plus", "ints>ints", "map", "{e} + {k}", ["add {k} to each number", "increase every number by {k}"], k=SMALL),
    op("each_minus", "ints>ints", "map", "{e} - {k}", ["subtract {k} from each number", "decrease every number by {k}"], k=SMALL),
    op("each_times", "ints>ints", "map", "{e} * {k}", ["multiply each number by {k}", "multiply every number by {k}"], k=SMALL),
    op("squares", "ints>ints", "map", "{e} ** 2", ["square each number", "square every number"], ["the squares of the numbers"]),
    op("abs_each", "ints>ints", "map", "abs({e})", ["take the absolute value of each number"], ["the absolute values of the numbers"]),
    op("negate_each", "ints>ints", "map", "-{e}", ["negate each number", "flip the sign of every number"]),
    op("each_mod", "ints>ints", "map", "{e} % {k}", ["replace each number by its remainder modulo {k}", "take every number modulo {k}"], k=SMALL),
    op("halves", "ints>ints", "map", "{e} // 2", ["halve each number, rounding down"]),
    op("clip_low", "ints>ints", "map", "max({e}, {k})", ["raise every number to at least {k}"], k=BOUND),
    op("clip_high", "ints>ints", "map", "min({e}, {k})", ["limit every number to at most {k}"], k=BOUND),
    op("sorted", "ints>ints", "expr", "sorted({x})", ["sort the numbers in ascending order", "sort the list from smallest to largest"],
       ["the numbers in ascending order"]),
    op("sorted_down", "ints>ints", "expr", "sorted({x}, reverse=True)", ["sort the numbers in descending order", "sort the list from largest to smallest"],
       ["the numbers in descending order"]),
    op("reversed", "ints>ints", "expr", "{x}[::-1]", ["reverse the list", "reverse the order of the list"], ["the list in reverse order"]),
    op("unique", "ints>ints", "expr", "list(dict.fromkeys({x}))", ["remove duplicates, keeping the first of each", "drop repeated numbers, keeping the first of each"]),
    op("first", "ints>ints", "expr", "{x}[:{k}]", ["keep only the first {k} elements", "take the first {k} elements"], k=COUNT),
    op("last", "ints>ints", "expr", "{x}[-{k}:]", ["keep only the last {k} elements", "take the last {k} elements"], k=COUNT),
    op("skip", "ints>ints", "expr", "{x}[{k}:]", ["drop the first {k} elements", "skip the first {k} elements"], k=COUNT),
    op("alternate", "ints>ints", "expr", "{x}[::2]", ["keep every second element, starting with the first"]),
    op("running", "ints>ints", "expr", "[sum({x}[:i + 1]) for i in range(len({x}))]", ["replace the list by its running sums", "compute the running sums"],
       ["the running sums of the list"]),
    op("gaps", "ints>ints", "expr", "[b - a for a, b in zip({x}, {x}[1:])]", ["take the differences of neighbouring elements, each minus the one before"]),
    op("append", "ints>ints", "expr", "{x} + [{k}]", ["append {k} to the list", "add {k} at the end of the list"], k=BOUND),
    op("top", "ints>ints", "expr", "sorted({x}, reverse=True)[:{k}]", ["take the {k} largest numbers, largest first"], k=COUNT[1:]),
    # ints -> int
    op("sum", "ints>int", "fold", "sum({x})", ["add up the numbers", "take the sum"], ["the sum of the numbers", "their sum"], ("0", "{a} += {e}")),
    op("product", "ints>int", "fold", "math.prod({x})", ["multiply the numbers together"], ["the product of the numbers"], ("1", "{a} *= {e}")),
    op("count", "ints>int", "fold", "len({x})", ["count the numbers"], ["how many numbers there are", "the number of elements"], ("0", "{a} += 1")),
    op("max", "ints>int", "expr", "max({x}, default=0)", ["take the largest number, or 0 if there is none"],
       ["the largest number, or 0 if there is none", "the maximum, or 0 if the list is empty"]),
    op("min", "ints>int", "expr", "min({x}, default=0)", ["take the smallest number, or 0 if there is none"],
       ["the smallest number, or 0 if there is none", "the minimum, or 0 if the list is empty"]),
    op("spread", "ints>int", "expr", "max({x}, default=0) - min({x}, default=0)", ["take the difference between the largest and the smallest number"],
       ["the difference between the largest and the smallest number, or 0 for an empty list"]),
    op("distinct", "ints>int", "expr", "len(set({x}))", ["count the distinct numbers"], ["how many distinct numbers there are", "the number of distinct values"]),
    op("count_of", "ints>int", "expr", "{x}.count({k})", ["count how often {k} occurs"], ["how often {k} occurs"], k=BOUND[:8]),
    op("count_over", "ints>int", "fold", "sum(1 for n in {x} if n > {k})", ["count the numbers greater than {k}"], ["how many numbers are greater than {k}"],
       ("0", "{a} += {e} > {k}"), k=BOUND[1:]),
    op("even_count", "ints>int", "fold", "sum(1 for n in {x} if n % 2 == 0)", ["count the even numbers"], ["how many of the numbers are even"],
       ("0", "{a} += {e} % 2 == 0")),
    op("square_sum", "ints>int", "fold", "sum(n ** 2 for n in {x})", ["add up the squares of the numbers"], ["the sum of the squares"],
       ("0", "{a} += {e} ** 2")),
    # ints -> bool, str, strs, dict
    op("all_even", "ints>bool", "expr", "all(n % 2 == 0 for n in {x})", ["check whether all numbers are even"], ["whether all numbers are even"]),
    op("any_negative", "ints>bool", "expr", "any(n < 0 for n in {x})", ["check whether any number is negative"], ["whether any number is negative"]),
    op("any_over", "ints>bool", "expr", "any(n > {k} for n in {x})", ["check whether any number is greater than {k}"],
       ["whether any number is greater than {k}"], k=BOUND),
    op("has", "ints>bool", "expr", "{k} in {x}", ["check whether {k} is in the list"], ["whether {k} is in the list", "True if the list contains {k}"], k=BOUND),
    op("is_sorted", "ints>bool", "expr", "{x} == sorted({x})", ["check whether the list is in ascending order"], ["whether the list is in ascending order"]),
    op("all_distinct", "ints>bool", "expr", "len({x}) == len(set({x}))", ["check whether all numbers are distinct"], ["whether all numbers are distinct"]),
    op("join_nums", "ints>str", "expr", '"{s}".join(str(n) for n in {x})', ['join the numbers with "{s}"'],
       ['the numbers joined with "{s}"'], s=SEPARATOR),
    op("texts", "ints>strs", "expr", "[str(n) for n in {x}]", ["convert each number to a string"], ["the numbers as strings"]),
    # str -> str
    op("upper", "str>str", "expr", "{x}.upper()", ["convert it to upper case", "change it to upper case"], ["the text in upper case"]),
    op("lower", "str>str", "expr", "{x}.lower()", ["convert it to lower case", "change it to lower case"], ["the text in lower case"]),
    op("swapcase", "str>str", "expr", "{x}.swapcase()", ["swap the case of every letter"], ["the text with the case of every letter swapped"]),
    op("backwards", "str>str", "expr", "{x}[::-1]", ["reverse the string", "reverse the text"], ["the text reversed", "the reversed string"]),
    op("no_vowels", "str>str", "filter", '{e} not in "aeiouAEIOU"', ["remove all vowels", "drop the vowels"], ["the text without its vowels"]),
    op("only_vowels", "str>str", "filter", '{e} in "aeiouAEIOU"', ["keep only the vowels"], ["the vowels of the text"]),
    op("letters", "str>str", "filter", "{e}.isalpha()", ["keep only the letters", "remove everything that is not a letter"], ["the letters of the text"]),
    op("no_digits", "str>str", "filter", "not {e}.isdigit()", ["remove all digits", "drop the digits"], ["the text without digits"]),
    op("no_letter", "str>str", "filter", '{e} != "{c}"', ['remove every "{c}"', 'drop all "{c}" characters'], c=LETTER),
    op("no_spaces", "str>str", "expr", '{x}.replace(" ", "")', ["remove all spaces", "drop the spaces"], ["the text without spaces"]),
    op("replace", "str>str", "expr", '{x}.replace("{c}", "{d}")', ['replace every "{c}" by "{d}"', 'change each "{c}" to "{d}"'],
       c=LETTER, d=["*", "x", "#", "z"]),
    op("title", "str>str", "expr", '" ".join(w.capitalize() for w in {x}.split())', ["capitalize each word, with single spaces between them"]),
    op("head", "str>str", "expr", "{x}[:{k}]", ["keep only the first {k} characters", "take the first {k} characters"], ["the first {k} characters"], k=COUNT),
    op("tail", "str>str", "expr", "{x}[-{k}:]", ["keep only the last {k} characters", "take the last {k} characters"], ["the last {k} characters"], k=COUNT),
    op("cut", "str>str", "expr", "{x}[{k}:]", ["drop the first {k} characters", "remove the first {k} characters"], k=COUNT),
    op("doubled", "str>str", "map", "{e} * 2", ["double every character", "repeat every character twice"]),
    op("every_second", "str>str", "expr", "{x}[::2]", ["keep every second character, starting with the first"]),
    op("suffix", "str>str", "expr", '{x} + "{s}"', ['append "{s}"', 'add "{s}" at the end'], s=AFFIX),
    op("prefix", "str>str", "expr", '"{s}" + {x}', ['put "{s}" in front', 'add "{s}" at the beginning'], s=AFFIX),
    op("sort_chars", "str>str", "expr", '"".join(sorted({x}))', ["sort its characters"], ["the characters in sorted order"]),
    op("unique_chars", "str>str", "expr", '"".join(dict.fromkeys({x}))', ["remove repeated characters, keeping the first of each"]),
    op("twice", "str>str", "expr", "{x} * {k}", ["repeat it {k} times"], k=[2, 3, 4]),
    # str -> int, bool, strs, dict
    op("length", "str>int", "fold", "len({x})", ["take its length"], ["the length of the text", "how many characters there are"], ("0", "{a} += 1")),
    op("vowel_count", "str>int", "fold", 'sum(1 for c in {x} if c in "aeiouAEIOU")', ["count the vowels"], ["how many vowels there are", "the number of vowels"],
       ("0", '{a} += {e} in "aeiouAEIOU"')),
    op("letter_count", "str>int", "expr", '{x}.count("{c}")', ['count how often "{c}" occurs'], ['how often "{c}" occurs', 'the number of "{c}" characters'], c=LETTER),
    op("word_count", "str>int", "expr", "len({x}.split())", ["count the words"], ["how many words there are", "the number of words"]),
    op("upper_count", "str>int", "fold", "sum(1 for c in {x} if c.isupper())", ["count the upper case letters"], ["the number of upper case letters"],
       ("0", "{a} += {e}.isupper()")),
    op("digit_total", "str>int", "fold", "sum(int(c) for c in {x} if c.isdigit())", ["add up all digits that occur in it"], ["the sum of all digits in the text"],
       ("0", "{a} += int({e}) if {e}.isdigit() else 0")),
    op("char_kinds", "str>int", "expr", "len(set({x}))", ["count the distinct characters"], ["how many distinct characters there are"]),
    op("palindrome", "str>bool", "expr", "{x} == {x}[::-1]", ["check whether it reads the same backwards"], ["whether it reads the same backwards", "whether it is a palindrome"]),
    op("begins", "str>bool", "expr", '{x}.startswith("{c}")', ['check whether it starts with "{c}"'], ['whether it starts with "{c}"'], c=LETTER),
    op("ends", "str>bool", "expr", '{x}.endswith("{c}")', ['check whether it ends with "{c}"'], ['whether it ends with "{c}"'], c=LETTER),
    op("contains", "str>bool", "expr", '"{c}" in {x}', ['check whether it contains "{c}"'], ['whether it contains "{c}"'], c=LETTER),
    op("has_digit", "str>bool", "expr", "any(c.isdigit() for c in {x})", ["check whether it contains a digit"], ["whether it contains a digit"]),
    op("words", "str>strs", "expr", "{x}.split()", ["split it into words", "split the text into its words"], ["the list of words"]),
    op("chars", "str>strs", "expr", "list({x})", ["split it into characters"], ["the list of its characters"]),
    op("char_counts", "str>dict", "expr", "{{c: {x}.count(c) for c in {x}}}", ["count how often each character occurs"],
       ["a dictionary from each character to how often it occurs"]),
    # strs -> strs
    op("upper_each", "strs>strs", "map", "{e}.upper()", ["convert each word to upper case"], ["the words in upper case"]),
    op("lower_each", "strs>strs", "map", "{e}.lower()", ["convert each word to lower case"], ["the words in lower case"]),
    op("reverse_each", "strs>strs", "map", "{e}[::-1]", ["reverse each word", "reverse every word"], ["the words, each reversed"]),
    op("head_each", "strs>strs", "map", "{e}[:{k}]", ["shorten each word to its first {k} characters"], k=COUNT),
    op("suffix_each", "strs>strs", "map", '{e} + "{s}"', ['append "{s}" to each word', 'add "{s}" to the end of every word'], s=AFFIX),
    op("longer", "strs>strs", "filter", "len({e}) > {k}", ["keep only the words longer than {k} characters"], ["the words longer than {k} characters"], k=COUNT + [5]),
    op("shorter", "strs>strs", "filter", "len({e}) < {k}", ["keep only the words shorter than {k} characters"], ["the words shorter than {k} characters"], k=[3, 4, 5, 6]),
    op("starting", "strs>strs", "filter", '{e}.startswith("{c}")', ['keep only the words that start with "{c}"'], ['the words that start with "{c}"'], c=LETTER),
    op("with_letter", "strs>strs", "filter", '"{c}" in {e}', ['keep only the words that contain "{c}"'], ['the words that contain "{c}"'], c=LETTER),
    op("without_letter", "strs>strs", "filter", '"{c}" not in {e}', ['remove the words that contain "{c}"'], ['the words that do not contain "{c}"'], c=LETTER),
    op("sort_words", "strs>strs", "expr", "sorted({x})", ["sort the words alphabetically"], ["the words in alphabetical order"]),
    op("by_length", "strs>strs", "expr", "sorted({x}, key=len)", ["sort the words by length, shortest first"], ["the words sorted by length, shortest first"]),
    op("reverse_words", "strs>strs", "expr", "{x}[::-1]", ["reverse the order of the words"], ["the words in reverse order"]),
    op("unique_words", "strs>strs", "expr", "list(dict.fromkeys({x}))", ["remove duplicate words, keeping the first of each"]),
    op("first_words", "strs>strs", "expr", "{x}[:{k}]", ["keep only the first {k} words", "take the first {k} words"], k=COUNT),
    op("last_words", "strs>strs", "expr", "{x}[-{k}:]", ["keep only the last {k} words", "take the last {k} words"], k=COUNT),
    # strs -> others
    op("how_many", "strs>int", "fold", "len({x})", ["count the words"], ["how many words there are", "the number of words"], ("0", "{a} += 1")),
    op("total_length", "strs>int", "fold", "sum(len(w) for w in {x})", ["add up the lengths of the words"], ["the total length of the words"],
       ("0", "{a} += len({e})")),
    op("max_length", "strs>int", "expr", "max((len(w) for w in {x}), default=0)", ["take the length of the longest word, or 0 if there is none"],
       ["the length of the longest word, or 0 if there is none"]),
    op("count_longer", "strs>int", "fold", "sum(1 for w in {x} if len(w) > {k})", ["count the words longer than {k} characters"],
       ["how many words are longer than {k} characters"], ("0", "{a} += len({e}) > {k}"), k=COUNT),
    op("join", "strs>str", "expr", '"{s}".join({x})', ['join the words with "{s}"'], ['the words joined with "{s}"'], s=SEPARATOR),
    op("glue", "strs>str", "expr", '"".join({x})', ["join the words without anything between them"], ["the words joined without anything between them"]),
    op("initials", "strs>str", "expr", '"".join(w[:1] for w in {x})', ["join the first letters of the words"], ["the first letters of the words as one string"]),
    op("longest", "strs>str", "expr", 'max({x}, key=len, default="")', ["take the first of the longest words, or an empty string if there is none"],
       ["the first of the longest words, or an empty string if there is none"]),
    op("shortest", "strs>str", "expr", 'min({x}, key=len, default="")', ["take the first of the shortest words, or an empty string if there is none"],
       ["the first of the shortest words, or an empty string if there is none"]),
    op("lengths", "strs>ints", "expr", "[len(w) for w in {x}]", ["replace each word by its length", "take the length of each word"], ["the lengths of the words"]),
    op("length_map", "strs>dict", "expr", "{{w: len(w) for w in {x}}}", ["map each word to its length"], ["a dictionary from each word to its length"]),
    op("tally", "strs>dict", "expr", "{{w: {x}.count(w) for w in {x}}}", ["count how often each word occurs"], ["a dictionary from each word to how often it occurs"]),
    # dict -> others
    op("keys", "dict>strs", "expr", "sorted({x})", ["take the keys in alphabetical order"], ["the keys in alphabetical order", "the sorted list of keys"]),
    op("values", "dict>ints", "expr", "list({x}.values())", ["take the values"], ["the list of values"]),
    op("entries", "dict>int", "expr", "len({x})", ["count the entries"], ["how many entries there are"]),
    op("value_sum", "dict>int", "expr", "sum({x}.values())", ["add up the values"], ["the sum of the values"]),
    op("best_value", "dict>int", "expr", "max({x}.values(), default=0)", ["take the largest value, or 0 if there is none"],
       ["the largest value, or 0 if the dictionary is empty"]),
    op("best_key", "dict>str", "expr", 'max({x}, key={x}.get, default="")', ["take the first key with the largest value, or an empty string if there is none"],
       ["the first key with the largest value, or an empty string if there is none"]),
    op("values_over", "dict>dict", "filter", "{e} > {k}", ["keep only the entries with a value greater than {k}"], ["the entries with a value greater than {k}"], k=BOUND),
    op("values_under", "dict>dict", "filter", "{e} < {k}", ["keep only the entries with a value less than {k}"], ["the entries with a value less than {k}"], k=BOUND[2:]),
    op("even_values", "dict>dict", "filter", "{e} % 2 == 0", ["keep only the entries with an even value"], ["the entries with an even value"]),
    op("values_times", "dict>dict", "map", "{e} * {k}", ["multiply each value by {k}"], k=SMALL),
    op("values_plus", "dict>dict", "map", "{e} + {k}", ["add {k} to each value"], k=SMALL),
]

TYPES = {"int": "int", "str": "str", "bool": "bool", "ints": "list[int]", "strs": "list[str]", "dict": "dict[str, int]"}
