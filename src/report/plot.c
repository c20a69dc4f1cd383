/*
 * plot.c: panels as a gnuplot script, and gnuplot as a child process.
 *
 * The script is complete: numbers as data blocks, text in single quotes, so that neither a shell
 * nor a name in the user's data can be taken for a command. gnuplot reads it from an anonymous
 * file, writes drawing and complaints into two others: no pipe can fill up. It starts without the
 * user's own gnuplot settings, so that a figure is the same everywhere.
 */
#include "report/plot.h"

#include "base/file.h"

#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { PANEL_WIDTH = 460, PANEL_HEIGHT = 360 };

/* Of the page's light theme, data/page/page.css. */
static const char *const colours[RN_PLOT_N_COLOURS] = {"#0069b4", "#c8500a", "#00805a", "#a8508a",
                                                       "#8a6d00", "#2b8fbf", "#7a5230", "#444466"};

/* A terminal by file ending: its name and options, and units in which it measures a pixel. */
typedef struct terminal {
    const char *ending, *options;
    double per_pixel;
} terminal;

static const terminal terminals[] = {
    {".svg", "svg enhanced background rgb 'white' font 'Helvetica,13' size %g,%g", 1},
    {".pdf", "pdfcairo enhanced font 'Helvetica,10' size %gin,%gin", 1.0 / 110},
    {".png",
     "pngcairo enhanced font 'Helvetica,13' fontscale 1.6 linewidth 2 pointscale 1.8 size %g,%g",
     2},
};

static const terminal *terminal_of(const char *path)
{
    size_t len = strlen(path);
    for (size_t i = 0; i < sizeof terminals / sizeof terminals[0]; i++) {
        size_t n = strlen(terminals[i].ending);
        if (len > n && strcmp(path + len - n, terminals[i].ending) == 0) return &terminals[i];
    }
    return NULL;
}

bool rn_plot_knows(const char *path)
{
    return terminal_of(path) != NULL;
}

/* A string of gnuplot. Only a quote has a meaning in single quotes; an apostrophe stands for it,
 * because gnuplot does not take a doubled one at the start. */
static void quote(rn_buf *out, const char *s)
{
    size_t left = strlen(s);
    rn_buf_putc(out, '\'');
    while (left > 0) {
        size_t n = rn_utf8_len(s, left);
        if (n == 0)
            rn_buf_puts(out, "\xef\xbf\xbd");
        else if ((unsigned char)*s < 0x20 || *s == 0x7f)
            rn_buf_putc(out, ' ');
        else if (*s == '\'')
            rn_buf_puts(out, "\xe2\x80\x99");
        else
            rn_buf_add(out, s, n);
        s += n ? n : 1;
        left -= n ? n : 1;
    }
    rn_buf_putc(out, '\'');
}

static bool shown(const rn_plot_panel *p, const rn_plot_series *s, size_t i)
{
    return isfinite(s->x[i]) && isfinite(s->y[i]) && (!p->log_x || s->x[i] > 0);
}

static size_t n_shown(const rn_plot_panel *p, const rn_plot_series *s)
{
    size_t n = 0;
    for (size_t i = 0; i < s->n; i++)
        n += shown(p, s, i);
    return n;
}

/* x, y and the band, which has no width where it is not known. */
static void put_data(const rn_plot_panel *p, const rn_plot_series *s, size_t name, rn_buf *out)
{
    double scale = p->percent ? 100 : 1;
    rn_buf_printf(out, "$d%zu << EOD\n", name);
    for (size_t i = 0; i < s->n; i++) {
        if (!shown(p, s, i)) continue;
        double lo = s->lo && isfinite(s->lo[i]) ? s->lo[i] : s->y[i];
        double hi = s->hi && isfinite(s->hi[i]) ? s->hi[i] : s->y[i];
        rn_buf_printf(out, "%.10g %.10g %.10g %.10g\n", s->x[i], scale * s->y[i], scale * lo,
                      scale * hi);
    }
    rn_buf_puts(out, "EOD\n");
}

static void put_style(const rn_plot_series *s, rn_buf *out)
{
    const char *rgb = s->colour < 0 ? "#777777" : colours[s->colour % RN_PLOT_N_COLOURS];
    switch (s->style) {
    case RN_PLOT_LINE: rn_buf_printf(out, "with lines lw 2 lc rgb '%s'", rgb); break;
    case RN_PLOT_DASHED: rn_buf_printf(out, "with lines lw 1.6 dt (12,6) lc rgb '%s'", rgb); break;
    case RN_PLOT_DOTTED: rn_buf_printf(out, "with lines lw 1.6 dt (3,5) lc rgb '%s'", rgb); break;
    case RN_PLOT_STEPS: rn_buf_printf(out, "with steps lw 2 lc rgb '%s'", rgb); break;
    case RN_PLOT_POINTS: rn_buf_printf(out, "with points pt 7 ps 0.7 lc rgb '%s'", rgb); break;
    case RN_PLOT_STARS:
        rn_buf_printf(out, "with points pt 3 ps 1.3 lw 1.6 lc rgb '%s'", rgb);
        break;
    }
}

/* The box around everything that a panel shows. */
typedef struct extent {
    double x0, x1, y0, y1;
} extent;

static extent extent_of(const rn_plot_panel *p)
{
    extent e = {INFINITY, -INFINITY, INFINITY, -INFINITY};
    for (size_t i = 0; i < p->n_series; i++)
        for (size_t j = 0; j < p->series[i].n; j++) {
            const rn_plot_series *s = &p->series[i];
            if (!shown(p, s, j)) continue;
            e.x0 = fmin(e.x0, s->x[j]);
            e.x1 = fmax(e.x1, s->x[j]);
            /* fmin and fmax pass over what is not known. */
            e.y0 = fmin(e.y0, s->lo ? fmin(s->y[j], s->lo[j]) : s->y[j]);
            e.y1 = fmax(e.y1, s->hi ? fmax(s->y[j], s->hi[j]) : s->y[j]);
        }
    return e;
}

/* Ticks at powers of two, a few of them. */
static void put_doublings(const extent *e, rn_buf *out)
{
    double factor = e->x1 / e->x0 > 200 ? 4 : 2;
    rn_buf_puts(out, "set xtics (");
    for (double v = 1; v <= e->x1; v *= factor)
        rn_buf_printf(out, v > 1 ? ",%.0f" : "%.0f", v);
    rn_buf_puts(out, ")\n");
}

static void put_x(const rn_plot_panel *p, const extent *e, const extent *f, rn_buf *out)
{
    /* Small numbers read better as they are than as powers of ten. */
    bool plain = e->x0 >= 0.001 && e->x1 < 100000;
    rn_buf_puts(out, p->log_x ? "set logscale x 10\n" : "unset logscale x\n");
    rn_buf_puts(out, plain || !p->log_x ? "set format x '%g'\n" : "set format x '10^{%T}'\n");
    if (p->log_x)
        rn_buf_printf(out, "set xrange [%.10g:%.10g]\n", f->x0, f->x1);
    else
        rn_buf_puts(out, "set xrange [*:*]\n");
    if (p->log_x && p->doublings)
        put_doublings(e, out);
    else
        rn_buf_puts(out, "set xtics autofreq\n");
}

/* What the axes show of a panel: y in steps of ten per cent, at least twenty. */
static extent frame_of(const rn_plot_panel *p, const extent *e)
{
    extent f = *e;
    if (p->log_x) {
        double room = e->x1 > e->x0 ? pow(e->x1 / e->x0, 0.04) : 1.5;
        f.x0 /= room;
        f.x1 *= room;
    }
    if (!p->percent) return f;
    f.y0 = fmax(0, floor(10 * e->y0 - 1e-9) / 10);
    f.y1 = fmin(1, ceil(10 * e->y1 + 1e-9) / 10);
    if (f.y1 - f.y0 < 0.2) f.y0 = fmax(0, f.y1 - 0.2);
    f.y1 = fmax(f.y1, f.y0 + 0.2);
    return f;
}

static void put_y(const rn_plot_panel *p, const extent *f, rn_buf *out)
{
    if (p->percent)
        rn_buf_printf(out, "set yrange [%g:%g]\n", 100 * f->y0, 100 * f->y1);
    else
        rn_buf_puts(out, "set yrange [*:*]\n");
}

/* From 0 to 1 across the frame. */
static double across(const rn_plot_panel *p, const extent *f, double x)
{
    return p->log_x ? log(x / f->x0) / log(f->x1 / f->x0) : (x - f->x0) / (f->x1 - f->x0);
}

/* How much of the curves lies in a box of the frame, in steps along them. */
static size_t hits(const rn_plot_panel *p, const extent *f, const extent *box)
{
    enum { STEPS = 8 };
    size_t n = 0;
    for (size_t i = 0; i < p->n_series; i++) {
        const rn_plot_series *s = &p->series[i];
        double x_last = NAN, y_last = NAN;
        for (size_t j = 0; j < s->n; j++) {
            if (!shown(p, s, j)) continue;
            double x = across(p, f, s->x[j]), y = (s->y[j] - f->y0) / (f->y1 - f->y0);
            if (isnan(x_last)) {
                x_last = x;
                y_last = y;
            }
            for (int k = 1; k <= STEPS; k++) {
                double at_x = x_last + (x - x_last) * k / STEPS;
                double at_y = y_last + (y - y_last) * k / STEPS;
                n += at_x >= box->x0 && at_x <= box->x1 && at_y >= box->y0 && at_y <= box->y1;
            }
            x_last = x;
            y_last = y;
        }
    }
    return n;
}

/* The legend goes where the least of the curves is, bottom right where it does not matter. */
static void put_legend(const rn_plot_panel *p, const extent *f, rn_buf *out)
{
    static const char *const across_names[] = {"right", "left", "center"};
    static const char *const up_names[] = {"bottom", "top", "center"};
    /* Shares of the room beside the box. */
    static const double room_left[] = {1, 0, 0.5}, room_below[] = {0, 1, 0.5};
    double width = 0, height = 0;
    for (size_t i = 0; i < p->n_series; i++) {
        if (!p->series[i].label || !n_shown(p, &p->series[i])) continue;
        width = fmax(width, 0.16 + 0.02 * (double)strlen(p->series[i].label));
        height += 0.075;
    }
    if (!p->legend || height == 0) {
        rn_buf_puts(out, "unset key\n");
        return;
    }
    width = fmin(width, 0.9);
    height = fmin(height + 0.03, 0.9);
    size_t least = SIZE_MAX, best_x = 0, best_y = 0;
    for (size_t y = 0; y < 3; y++)
        for (size_t x = 0; x < 3; x++) {
            double left = (1 - width) * room_left[x], low = (1 - height) * room_below[y];
            const extent box = {left, left + width, low, low + height};
            size_t n = hits(p, f, &box);
            if (n >= least) continue;
            least = n;
            best_x = x;
            best_y = y;
        }
    rn_buf_printf(out, "set key %s %s Left reverse samplen 2 spacing 1.1\n", up_names[best_y],
                  across_names[best_x]);
}

static void put_words(const rn_plot_panel *p, rn_buf *out)
{
    const struct {
        const char *set, *text;
    } texts[] = {{"title", p->title}, {"xlabel", p->x_label}, {"ylabel", p->y_label}};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        rn_buf_printf(out, "set %s ", texts[i].set);
        quote(out, texts[i].text ? texts[i].text : "");
        rn_buf_puts(out, " noenhanced\n");
    }
}

/* *name is the number of the panel's first data block, and then that of the next panel's. */
static void put_panel(const rn_plot_panel *p, size_t *name, rn_buf *out)
{
    const extent box = extent_of(p);
    put_words(p, out);
    size_t first = *name, n_plots = 0;
    for (size_t i = 0; i < p->n_series; i++)
        if (n_shown(p, &p->series[i])) put_data(p, &p->series[i], first + i, out);
    *name += p->n_series;
    if (!(box.x0 <= box.x1)) {
        /* gnuplot refuses a panel without a point; an empty frame says more than no figure. */
        rn_buf_puts(out, "unset logscale x\nset xtics autofreq\nset format x '%g'\nset label 1 'no "
                         "data' at graph 0.5,0.5 center\n"
                         "plot [1:10] [0:1] -1 notitle\nunset label 1\n");
        return;
    }
    const extent frame = frame_of(p, &box);
    put_x(p, &box, &frame, out);
    put_y(p, &frame, out);
    put_legend(p, &frame, out);
    rn_buf_puts(out, "plot ");
    for (size_t i = 0; i < p->n_series; i++) {
        const rn_plot_series *s = &p->series[i];
        if (!s->lo || !s->hi || n_shown(p, s) < 2) continue;
        const char *rgb = s->colour < 0 ? "#777777" : colours[s->colour % RN_PLOT_N_COLOURS];
        rn_buf_printf(out,
                      "%s$d%zu using 1:3:4 with filledcurves fs transparent solid 0.15 noborder fc "
                      "rgb '%s' notitle",
                      n_plots++ ? ", " : "", first + i, rgb);
    }
    for (size_t i = 0; i < p->n_series; i++) {
        const rn_plot_series *s = &p->series[i];
        if (!n_shown(p, s)) continue;
        rn_buf_printf(out, "%s$d%zu using 1:2 ", n_plots++ ? ", " : "", first + i);
        put_style(s, out);
        if (s->label) {
            rn_buf_puts(out, " title ");
            quote(out, s->label);
            rn_buf_puts(out, " noenhanced");
        } else {
            rn_buf_puts(out, " notitle");
        }
    }
    rn_buf_putc(out, '\n');
}

static void put_script(const terminal *term, const rn_plot_panel *panels, size_t n,
                       size_t n_columns, rn_buf *out)
{
    size_t rows = (n + n_columns - 1) / n_columns;
    size_t columns = n < n_columns ? n : n_columns;
    double alone = n == 1 ? 1.3 : 1;
    rn_buf_puts(out, "set encoding utf8\nset terminal ");
    rn_buf_printf(out, term->options, alone * PANEL_WIDTH * (double)columns * term->per_pixel,
                  alone * PANEL_HEIGHT * (double)rows * term->per_pixel);
    rn_buf_puts(out, "\nset border 3 lc rgb '#555555'\nset tics nomirror\nset grid lc rgb "
                     "'#dddddd' lw 1 dt solid\n");
    rn_buf_printf(out, "set multiplot layout %zu,%zu\n", rows, columns);
    size_t name = 0;
    for (size_t i = 0; i < n; i++)
        put_panel(&panels[i], &name, out);
    rn_buf_puts(out, "unset multiplot\nunset output\n");
}

/* All of an anonymous file; negative: cannot be read. */
static int slurp(int fd, rn_buf *out)
{
    char chunk[1 << 16];
    ssize_t n;
    for (off_t at = 0; (n = pread(fd, chunk, sizeof chunk, at)) > 0; at += n)
        rn_buf_add(out, chunk, (size_t)n);
    return n < 0 ? -1 : 0;
}

/* Starts gnuplot with these three files and waits for its end; *status is that of waitpid. */
static int run_child(const int fd[3], int *status, rn_err *err)
{
    char *const argv[] = {(char[]){"gnuplot"}, (char[]){"-d"}, NULL};
    posix_spawn_file_actions_t files;
    pid_t pid = 0;
    int bad = posix_spawn_file_actions_init(&files);
    if (bad) return rn_fail(err, RN_EIO, "cannot start gnuplot: %s", strerror(bad));
    for (int i = 0; i < 3 && !bad; i++)
        bad = posix_spawn_file_actions_adddup2(&files, fd[i], i);
    if (!bad) bad = posix_spawnp(&pid, argv[0], &files, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&files);
    if (bad == ENOENT)
        return rn_fail(err, RN_EUNSUPPORTED,
                       "gnuplot draws the figures and is not installed: apt install gnuplot-nox");
    if (bad) return rn_fail(err, RN_EIO, "cannot start gnuplot: %s", strerror(bad));
    while (waitpid(pid, status, 0) < 0)
        if (errno != EINTR) return rn_fail_errno(err, "gnuplot is lost");
    return 0;
}

/* Runs the script; *drawing gets what gnuplot wrote. */
static int run_gnuplot(rn_bytes script, rn_buf *drawing, rn_err *err)
{
    static const char *const names[3] = {"script", "drawing", "messages"};
    int fd[3] = {-1, -1, -1}, status = 0, rc = 0;
    rn_buf said = {0};
    for (int i = 0; i < 3 && !rc; i++)
        if ((fd[i] = memfd_create(names[i], MFD_CLOEXEC)) < 0)
            rc = rn_fail_errno(err, "cannot start gnuplot");
    if (!rc && (write(fd[0], script.data, script.len) != (ssize_t)script.len ||
                lseek(fd[0], 0, SEEK_SET) != 0))
        rc = rn_fail_errno(err, "cannot hand the figure to gnuplot");
    if (!rc) rc = run_child(fd, &status, err);
    if (!rc && (slurp(fd[1], drawing) || slurp(fd[2], &said)))
        rc = rn_fail_errno(err, "cannot read what gnuplot drew");
    if (!rc && (!rn_buf_ok(drawing) || !rn_buf_ok(&said))) rc = rn_nomem(err, "figure");
    if (!rc && (!WIFEXITED(status) || WEXITSTATUS(status) || drawing->len == 0))
        rc = rn_fail(err, RN_EIO, "gnuplot failed: %.300s",
                     said.len ? said.data : "it gives no reason");
    for (int i = 0; i < 3; i++)
        if (fd[i] >= 0) close(fd[i]);
    rn_buf_free(&said);
    return rc;
}

int rn_plot_write(const char *path, const rn_plot_panel *panels, size_t n, size_t n_columns,
                  rn_err *err)
{
    const terminal *term = terminal_of(path);
    if (!term)
        return rn_fail(err, RN_EINVAL, "%s: a figure's name ends in .svg, .pdf or .png", path);
    if (n == 0 || n_columns == 0) return rn_fail(err, RN_EINVAL, "%s: nothing to draw", path);
    rn_buf script = {0}, drawing = {0};
    put_script(term, panels, n, n_columns, &script);
    int rc = rn_buf_ok(&script) ? run_gnuplot(rn_buf_view(&script), &drawing, err)
                                : rn_nomem(err, "figure");
    if (!rc) rc = rn_file_write_atomic(path, rn_buf_view(&drawing), err);
    rn_buf_free(&drawing);
    rn_buf_free(&script);
    return rc;
}
