/* test_dir.h: a folder for the tests of one file: group set-up, tear-down, and paths in it. */
#ifndef RN_TEST_DIR_H
#define RN_TEST_DIR_H

#include "test.h"

static char dir[4096];

static int make_dir(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "%s", test_tmpdir());
    return 0;
}

static int drop_dir(void **state)
{
    (void)state;
    test_rmdir(dir);
    return 0;
}

/* A path in the test's folder, one of four static buffers. */
static inline const char *in_dir(const char *name)
{
    static char path[4][4200];
    static int next;
    next = (next + 1) % 4;
    snprintf(path[next], sizeof path[next], "%s/%s", dir, name);
    return path[next];
}

static inline void write_text(const char *path, const char *text)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
}

#endif
