/*
 * cmocka.h: the few calls of cmocka that the kernel tests use, for tools/neon-check.sh, where the
 * library does not exist: a foreign architecture under an emulator. A failure ends the program.
 */
#ifndef RN_NEON_CMOCKA_H
#define RN_NEON_CMOCKA_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct CMUnitTest {
    const char *name;
    void (*run)(void **state);
};

#define cmocka_unit_test(f) \
    {                       \
#f, f               \
    }
#define print_message(...) printf(__VA_ARGS__)
#define skip()             exit(0)
#define fail_msg(...)                                 \
    do {                                              \
        printf("FAILED %s:%d: ", __FILE__, __LINE__); \
        printf(__VA_ARGS__);                          \
        printf("\n");                                 \
        exit(1);                                      \
    } while (0)
#define assert_true(c)                     \
    do {                                   \
        if (!(c)) fail_msg("not: %s", #c); \
    } while (0)
#define assert_null(p) assert_true((p) == NULL)
#define assert_int_equal(a, b)                                            \
    do {                                                                  \
        long long a_ = (long long)(a), b_ = (long long)(b);               \
        if (a_ != b_) fail_msg("%s: %lld, not %s: %lld", #a, a_, #b, b_); \
    } while (0)
#define assert_memory_equal(a, b, n) assert_true(memcmp(a, b, n) == 0)
#define assert_string_equal(a, b)    assert_true(strcmp(a, b) == 0)

#define cmocka_run_group_tests(tests, setup, teardown) \
    run_tests(tests, sizeof(tests) / sizeof *(tests))

static inline int run_tests(const struct CMUnitTest *tests, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        tests[i].run(NULL);
        printf("ok %s\n", tests[i].name);
        fflush(stdout);
    }
    return 0;
}

#endif
