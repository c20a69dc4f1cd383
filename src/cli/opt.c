/* opt.c: option tables over getopt_long; help text; signals. See opt.h. */
#include "cli/opt.h"

#include "base/log.h"
#include "base/near.h"

#include <getopt.h>
#include <signal.h>
#include <time.h>

enum {
    MAX_OPTIONS = 64,
    FIRST_LONG = 256,
    HELP_COLUMN = 28,
    HELP_WIDTH = 80,
    SAME_WISH_NS = 1000000000
};

static volatile sig_atomic_t interrupted;

/* Who gets the next table instead of its command; NULL: nobody. */
static struct {
    void (*fn)(void *user, const rn_command *cmd, const rn_opt *table);
    void *user;
} visitor;

/* A second signal within a second of the first is the same wish: `timeout` sends one to the process
 * and one to its group. A later one ends the process at once. */
static void on_signal(int sig)
{
    static volatile int64_t first_ns;
    struct timespec t;
    int saved = errno;
    clock_gettime(CLOCK_MONOTONIC, &t);
    int64_t now = (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
    if (!interrupted) first_ns = now;
    interrupted = 1;
    if (now - first_ns > SAME_WISH_NS) {
        signal(sig, SIG_DFL);
        raise(sig);
    }
    errno = saved;
}

void rn_opt_catch_signals(void)
{
    /* A read of standard input goes on; poll returns, and loops ask rn_opt_should_stop. */
    struct sigaction sa = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigemptyset(&sa.sa_mask);
    sigaction(SIGINT, &sa, NULL);
    sigaction(SIGTERM, &sa, NULL);
}

int rn_opt_should_stop(void *user)
{
    (void)user;
    return interrupted;
}

/* ---- following a stage ----------------------------------------------------------------------- */

typedef struct following {
    const rn_command *cmd;
    rn_progress bar;
    bool shown;
} following;

static void on_progress(void *user, const rn_progress_step *step)
{
    following *f = user;
    if (f->shown && (!step || strcmp(step->what, f->bar.label) != 0)) {
        rn_progress_end(&f->bar);
        f->shown = false;
    }
    if (!step) return;
    if (!f->shown) {
        static char label[64]; /* outlives the step */
        snprintf(label, sizeof label, "%s", step->what);
        rn_progress_start(&f->bar, label, step->unit, step->total);
        f->shown = true;
    }
    f->bar.total = step->total;
    rn_progress_set(&f->bar, step->done, step->extra);
}

/* A line on stderr; a terminal gets it in lines of its width. */
static void print_line(const char *prefix, const char *text)
{
    rn_buf b = {0};
    rn_buf_puts(&b, prefix);
    if (isatty(STDERR_FILENO))
        rn_buf_wrapped(&b, text, 2, strlen(prefix));
    else
        rn_buf_puts(&b, text);
    if (rn_buf_ok(&b)) fprintf(stderr, "%s\n", b.data);
    rn_buf_free(&b);
}

void rn_opt_say(const rn_command *cmd, const char *fmt, ...)
{
    char prefix[64], text[2048];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    snprintf(prefix, sizeof prefix, "ration %s: ", cmd->name);
    print_line(prefix, text);
}

static void on_note(void *user, int is_warning, const char *line)
{
    following *f = user;
    if (f->shown) rn_progress_end(&f->bar);
    f->shown = false;
    if (is_warning)
        rn_opt_say(f->cmd, "%s", line);
    else
        print_line("", line);
}

rn_watch rn_opt_watch(const rn_command *cmd, int argc, char **argv)
{
    static following one;
    one = (following){.cmd = cmd};
    rn_opt_catch_signals();
    return (rn_watch){.should_stop = rn_opt_should_stop,
                      .on_progress = on_progress,
                      .on_note = on_note,
                      .user = &one,
                      .argc = argc,
                      .argv = argv};
}

int rn_opt_status(const rn_command *cmd, int rc, int incomplete, const rn_err *err)
{
    if (rc == RN_ECANCELLED) {
        fprintf(stderr, "ration %s: stopped; the same command continues\n", cmd->name);
        return RN_EXIT_MISSING;
    }
    return rc ? rn_opt_failure(cmd, err) : incomplete ? RN_EXIT_MISSING : RN_EXIT_DONE;
}

/* ---- options --------------------------------------------------------------------------------- */

/* Words of `text` in lines up to HELP_WIDTH, from column `at` on; further lines are indented. A
 * newline in the text ends a line where a blank or an empty line follows. */
static void print_wrapped(const char *text, int indent, int at)
{
    for (const char *p = text; *p;) {
        size_t n = strcspn(p, " \n");
        if (at > indent && at + 1 + (int)n > HELP_WIDTH) {
            printf("\n%*s", indent, "");
            at = indent;
        } else if (at > indent) {
            putchar(' ');
            at++;
        }
        printf("%.*s", (int)n, p);
        at += (int)n;
        p += n;
        if (*p == '\n' && p > text && p[-1] != '\n' && !strchr(" \n", p[1])) {
            p++; /* where the source was broken */
        } else if (*p == '\n') {
            printf("\n%*s", indent, "");
            at = indent;
            for (p++; *p == ' '; p++, at++)
                putchar(' ');
            indent = indent ? indent : 0;
        } else if (*p) {
            p++;
        }
    }
    putchar('\n');
}

static void print_option(const rn_opt *o)
{
    char left[96];
    int n = o->short_name ? snprintf(left, sizeof left, "  -%c, --%s", o->short_name, o->name)
                          : snprintf(left, sizeof left, "      --%s", o->name);
    if (o->metavar && n > 0 && (size_t)n < sizeof left)
        n += snprintf(left + n, sizeof left - (size_t)n, " %s", o->metavar);
    printf("%s", left);
    if (n >= HELP_COLUMN - 1)
        printf("\n%*s", HELP_COLUMN, "");
    else
        printf("%*s", HELP_COLUMN - n, "");
    print_wrapped(o->help, HELP_COLUMN, HELP_COLUMN);
}

static void print_help(const rn_command *cmd, const char *intro, const rn_opt *table)
{
    static const rn_opt help = {RN_OPT_T_FLAG, 'h', "help", NULL, "show this help", NULL};
    char usage[256];
    snprintf(usage, sizeof usage, "usage: ration %s %s", cmd->name, cmd->args);
    print_wrapped(usage, 4, 0);
    putchar('\n');
    print_wrapped(intro, 0, 0);
    printf("\noptions:\n");
    for (const rn_opt *o = table; o->type != RN_OPT_T_END; o++) {
        if (o->type == RN_OPT_T_GROUP)
            printf("\n%s:\n", o->help);
        else if (o->help)
            print_option(o);
    }
    putchar('\n');
    print_option(&help);
}

int rn_opt_print(rn_buf *text)
{
    const bool ok = rn_buf_ok(text);
    if (ok) fwrite(text->data, 1, text->len, stdout);
    rn_buf_free(text);
    fflush(stdout);
    return ok ? 0 : RN_ENOMEM;
}

static void print_error(const rn_command *cmd, const char *msg)
{
    rn_opt_say(cmd, "%s", msg);
}

int rn_opt_usage(const rn_command *cmd, const char *fmt, ...)
{
    char msg[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(msg, sizeof msg, fmt, ap);
    va_end(ap);
    print_error(cmd, msg);
    fprintf(stderr, "Try 'ration %s --help'.\n", cmd->name);
    return RN_EXIT_USAGE;
}

int rn_opt_failure(const rn_command *cmd, const rn_err *err)
{
    print_error(cmd, err->msg[0] ? err->msg : rn_err_text(err->code));
    return RN_EXIT_FAILURE;
}

int rn_opt_refused(const rn_command *cmd, const rn_err *err)
{
    const bool lacks = err->code == RN_ENOMEM || err->code == RN_ENOTFOUND;
    return lacks ? rn_opt_failure(cmd, err) : rn_opt_usage(cmd, "%s", err->msg);
}

/* 0 on success; else the exit status after a printed usage error. */
static int store_value(const rn_command *cmd, const rn_opt *o, const char *arg)
{
    char *end = NULL;
    errno = 0;
    switch (o->type) {
    case RN_OPT_T_FLAG: *(int *)o->dest = 1; return 0;
    case RN_OPT_T_STR: *(const char **)o->dest = arg; return 0;
    case RN_OPT_T_INT: {
        long long v = strtoll(arg, &end, 10);
        if (errno || end == arg || *end)
            return rn_opt_usage(cmd, "--%s needs a whole number, not '%s'", o->name, arg);
        *(int64_t *)o->dest = v;
        return 0;
    }
    case RN_OPT_T_REAL: {
        double v = strtod(arg, &end);
        if (errno || end == arg || *end || v != v)
            return rn_opt_usage(cmd, "--%s needs a number, not '%s'", o->name, arg);
        *(double *)o->dest = v;
        return 0;
    }
    case RN_OPT_T_LIST: {
        rn_opt_list *list = o->dest;
        if (list->n == (int)(sizeof list->v / sizeof list->v[0]))
            return rn_opt_usage(cmd, "--%s is given too often (at most %d times)", o->name,
                                list->n);
        list->v[list->n++] = arg;
        return 0;
    }
    case RN_OPT_T_GROUP:
    case RN_OPT_T_END: break;
    }
    return RN_EXIT_FAILURE;
}

void rn_opt_visit(const rn_command *cmd,
                  void (*fn)(void *user, const rn_command *cmd, const rn_opt *table), void *user)
{
    char name[] = "visit", *argv[] = {name, NULL};
    visitor.fn = fn;
    visitor.user = user;
    cmd->run(1, argv);
    visitor.fn = NULL;
}

/* A word that is no option of the table, with the one that it is nearest to. */
static int unknown_option(const rn_command *cmd, const rn_opt *table, const char *typed)
{
    const size_t dashes = strspn(typed, "-"), n = strcspn(typed + dashes, "=");
    char word[64];
    snprintf(word, sizeof word, "%.*s", (int)n, typed + dashes);
    rn_near near = {.typed = word};
    for (int i = 0; dashes == 2 && table[i].type != RN_OPT_T_END; i++)
        if (rn_opt_is_shown(&table[i])) rn_near_try(&near, table[i].name);
    return rn_opt_usage(cmd, "unknown option '%s'%s%s%s", typed,
                        near.best ? "; did you mean --" : "", near.best ? near.best : "",
                        near.best ? "?" : "");
}

int rn_opt_parse(const rn_command *cmd, const char *intro, const rn_opt *table, int argc,
                 char **argv, int *first)
{
    if (visitor.fn) {
        visitor.fn(visitor.user, cmd, table);
        return RN_EXIT_DONE;
    }
    struct option longs[MAX_OPTIONS + 2] = {0};
    char shorts[2 * MAX_OPTIONS + 4] = ":h";
    int n = 0;
    size_t ns = 2;
    for (; n < MAX_OPTIONS && table[n].type != RN_OPT_T_END; n++) {
        int has_arg = table[n].type == RN_OPT_T_FLAG ? no_argument : required_argument;
        /* A heading keeps its place in the table under a name that nobody can give. */
        const char *name = table[n].type == RN_OPT_T_GROUP ? "=" : table[n].name;
        longs[n] = (struct option){name, has_arg, NULL, FIRST_LONG + n};
        if (table[n].short_name) {
            shorts[ns++] = (char)table[n].short_name;
            if (has_arg == required_argument) shorts[ns++] = ':';
        }
    }
    shorts[ns] = '\0';
    longs[n] = (struct option){"help", no_argument, NULL, 'h'};

    opterr = 0;
    optind = 0; /* restart: glibc also resets its own state */
    for (;;) {
        int c = getopt_long(argc, argv, shorts, longs, NULL);
        if (c == -1) break;
        if (c == 'h') {
            print_help(cmd, intro, table);
            return RN_EXIT_DONE;
        }
        if (c == '?') return unknown_option(cmd, table, argv[optind - 1]);
        if (c == ':') return rn_opt_usage(cmd, "option '%s' needs a value", argv[optind - 1]);
        const rn_opt *o = NULL;
        for (int i = 0; i < n && !o; i++)
            if (c == FIRST_LONG + i || (table[i].short_name && c == table[i].short_name))
                o = &table[i];
        if (!o) return rn_opt_usage(cmd, "unknown option");
        int rc = store_value(cmd, o, optarg);
        if (rc) return rc;
    }
    *first = optind;
    return -1;
}

int rn_opt_format(const rn_command *cmd, const char *text, int *out)
{
    static const char *const names[] = {"table", "csv", "json"};
    *out = 0;
    for (int i = 0; text && i < 3; i++)
        if (strcmp(text, names[i]) == 0) {
            *out = i;
            return -1;
        }
    return text ? rn_opt_usage(cmd, "--format is table, csv or json, not '%s'", text) : -1;
}
