# expect: memory_limit
keep = []
while True:
    keep.append(bytearray(b"x" * (1 << 24)))
