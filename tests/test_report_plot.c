/* test_report_plot.c: figures come out in each form, whatever their text holds. */
#include "test.h"

#include "base/file.h"
#include "report/plot.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char dir[] = "/tmp/ration-plot-XXXXXX";

static int set_up(void **state)
{
    (void)state;
    return mkdtemp(dir) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    return rmdir(dir);
}

/* Two panels with every style, a band, holes, and text that means something to gnuplot and SVG. */
static int draw(const char *path, rn_err *err)
{
    static const double x[] = {1, 2, 4, 8}, y[] = {0.25, 0.5, NAN, 0.75};
    static const double lo[] = {0.2, 0.4, NAN, NAN}, hi[] = {0.3, 0.6, NAN, NAN};
    static const double zero[] = {0, 2, 4, 8};
    rn_plot_series s[RN_PLOT_STARS + 2] = {0};
    for (int i = 0; i <= RN_PLOT_STARS; i++)
        s[i] = (rn_plot_series){.label = "it's `$(touch x)` </text><script>\n\xff{/Symbol b}^2_@",
                                .x = x,
                                .y = y,
                                .lo = i ? NULL : lo,
                                .hi = i ? NULL : hi,
                                .n = 4,
                                .colour = i - 1,
                                .style = (rn_plot_style)i};
    s[RN_PLOT_STARS + 1] = (rn_plot_series){.x = zero, .y = x, .n = 4, .colour = 99};
    const rn_plot_panel panels[] = {
        {"'; system('touch x')", "FLOPs", "score", true, true, true, true, s, RN_PLOT_STARS + 2},
        {"nothing", NULL, NULL, false, false, false, false, NULL, 0},
        {"nothing on a log axis", NULL, NULL, true, true, true, true, NULL, 0},
    };
    return rn_plot_write(path, panels, 3, 2, err);
}

static void forms(void **state)
{
    (void)state;
    static const struct {
        const char *ending, *magic;
    } rows[] = {{"svg", "<?xml"}, {"pdf", "%PDF-"}, {"png", "\x89PNG"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char path[64];
        rn_err err = {0};
        rn_buf text = {0};
        snprintf(path, sizeof path, "%s/a b'c.%s", dir, rows[i].ending);
        assert_true(rn_plot_knows(path));
        int rc = draw(path, &err);
        if (rc == RN_EUNSUPPORTED) {
            print_message("%s\n", err.msg);
            skip();
        }
        if (rc) fail_msg("%s", err.msg);
        assert_int_equal(rn_file_read(path, 1 << 24, &text, &err), 0);
        assert_true(rn_bytes_starts(rn_buf_view(&text), rows[i].magic));
        if (i == 0) {
            assert_int_equal(rn_bytes_find(rn_buf_view(&text), rn_bytes_of("<script"), 0),
                             SIZE_MAX);
            assert_int_not_equal(rn_bytes_find(rn_buf_view(&text), rn_bytes_of("touch x"), 0),
                                 SIZE_MAX);
        }
        rn_buf_free(&text);
        assert_int_equal(unlink(path), 0);
    }
    assert_int_not_equal(access("x", F_OK), 0);
}

static void refusals(void **state)
{
    (void)state;
    static const char *const paths[] = {"a.gif", "svg", ".svg", "", "a.svg.gz"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        rn_err err = {0};
        assert_false(rn_plot_knows(paths[i]));
        assert_int_equal(draw(paths[i], &err), RN_EINVAL);
        assert_non_null(strstr(err.msg, ".svg, .pdf or .png"));
    }
    rn_err err = {0};
    assert_int_equal(rn_plot_write("a.svg", NULL, 0, 1, &err), RN_EINVAL);
    int rc = draw("/nowhere/at/all.svg", &err);
    assert_true(rc == RN_ENOTFOUND || rc == RN_EIO || rc == RN_EUNSUPPORTED);
}

static void without_gnuplot(void **state)
{
    (void)state;
    char path[64];
    const char *had = getenv("PATH");
    char *copy = strdup(had ? had : "");
    assert_non_null(copy);
    setenv("PATH", dir, 1);
    rn_err err = {0};
    snprintf(path, sizeof path, "%s/a.svg", dir);
    int rc = draw(path, &err);
    setenv("PATH", copy, 1);
    free(copy);
    assert_int_equal(rc, RN_EUNSUPPORTED);
    assert_non_null(strstr(err.msg, "apt install gnuplot-nox"));
    assert_int_not_equal(access(path, F_OK), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forms),
        cmocka_unit_test(refusals),
        cmocka_unit_test(without_gnuplot),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
