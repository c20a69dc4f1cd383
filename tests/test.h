/*
 * test.h: what every unit test includes: cmocka with its prerequisites, and shared helpers.
 *
 * A test that needs ../shared/data calls test_data(), which skips it with a message where the data
 * is absent, so that a fresh clone elsewhere passes.
 */
#ifndef RN_TEST_H
#define RN_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"

/* The path of a file under $RATION_DATA, in a static buffer; skips the test if it is absent. */
static inline const char *test_data(const char *name)
{
    static char path[4096];
    const char *dir = getenv("RATION_DATA");
    snprintf(path, sizeof path, "%s/%s", dir ? dir : "", name);
    if (!dir || access(path, R_OK) != 0) {
        print_message("skipped: %s is not in RATION_DATA\n", name);
        skip();
    }
    return path;
}

/* A fresh folder under $TMPDIR (or /tmp), in a static buffer; the caller removes it. */
static inline const char *test_tmpdir(void)
{
    static char dir[4096];
    const char *base = getenv("TMPDIR");
    snprintf(dir, sizeof dir, "%s/ration-test-XXXXXX", base ? base : "/tmp");
    if (!mkdtemp(dir)) fail_msg("mkdtemp %s failed", dir);
    return dir;
}

static inline void test_rmdir(const char *dir)
{
    char cmd[4200];
    snprintf(cmd, sizeof cmd, "rm -rf '%s'", dir);
    if (system(cmd) != 0) print_message("could not remove %s\n", dir);
}

/* The pids of a process' children, as the kernel writes them. */
static inline void test_children_of(long pid, char *text, size_t cap)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%ld/task/%ld/children", pid, pid);
    FILE *f = fopen(path, "re");
    const size_t n = f ? fread(text, 1, cap - 1, f) : 0;
    text[n] = '\0';
    if (f) fclose(f);
}

/* Fails with the error's message when rc is not 0. */
#define assert_ok(rc, err)                                              \
    do {                                                                \
        int rc_ = (rc);                                                 \
        if (rc_ != 0) fail_msg("%s: %s", rn_err_name(rc_), (err)->msg); \
    } while (0)

/* Fails unless |got - want| <= tol; prints both. */
#define assert_near(got, want, tol)                                                                \
    do {                                                                                           \
        double g_ = (got), w_ = (want), t_ = (tol);                                                \
        if (!(fabs(g_ - w_) <= t_)) fail_msg("%s: got %.17g, want %.17g +- %g", #got, g_, w_, t_); \
    } while (0)

/* Fails unless `text` contains `part`; prints both. */
#define assert_contains(text, part)                                                      \
    do {                                                                                 \
        if (!strstr(text, part)) fail_msg("\"%s\" does not contain \"%s\"", text, part); \
    } while (0)

#endif
