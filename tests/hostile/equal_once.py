# expect: forged
# Honest the second time, when the pass is confirmed: then the answer is wrong.
class Anything:
    def __eq__(self, other):
        return True


answers = [Anything(), Anything()]


def f(x):
    return answers.pop() if answers else None
