# expect: time_limit
x = 9 ** 9 ** 9 ** 9
