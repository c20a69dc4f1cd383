/* opt.c: option tables over getopt_long; help text; signals. See opt.h. */
#include "cli/opt.h"

#include "run/stage.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAX_OPTIONS = 64, FIRST_LONG = 256, HELP_COLUMN = 30, SAME_WISH_NS = 1000000000 };

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
    if (!rn_interrupted) first_ns = now;
    rn_interrupted = 1;
    if (now - first_ns > SAME_WISH_NS) {
        signal(sig, SIG_DFL);
        raise(sig);
    }
    errno = saved;
}

void rn_opt_catch_signals(void)
{
    /* A read of standard input goes on; poll returns, and loops look at rn_interrupted. */
    struct sigaction sa = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigemptyset(&sa.sa_mask);
    sigaction(SIGINT, &sa, NULL);
    sigaction(SIGTERM, &sa, NULL);
}

static void print_help(const rn_command *cmd, const char *intro, const rn_opt *table)
{
    printf("usage: ration %s %s\n\n%s\n\noptions:\n", cmd->name, cmd->args, intro);
    for (const rn_opt *o = table;; o++) {
        bool end = o->type == RN_OPT_T_END;
        const char *name = end ? "help" : o->name;
        const char *help = end ? "show this help" : o->help;
        int short_name = end ? 'h' : o->short_name;
        char left[96];
        int n = short_name ? snprintf(left, sizeof left, "  -%c, --%s", short_name, name)
                           : snprintf(left, sizeof left, "      --%s", name);
        if (!end && o->metavar && n > 0 && (size_t)n < sizeof left)
            snprintf(left + n, sizeof left - (size_t)n, " %s", o->metavar);
        if (strlen(left) >= HELP_COLUMN - 1)
            printf("%s\n%*s%s\n", left, HELP_COLUMN, "", help);
        else
            printf("%-*s%s\n", HELP_COLUMN, left, help);
        if (end) break;
    }
}

static void print_error(const rn_command *cmd, const char *msg)
{
    fprintf(stderr, "ration %s: %s\n", cmd->name, msg);
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

/* 0 on success; else the exit status after a printed usage error. */
static int store_value(const rn_command *cmd, const rn_opt *o, const char *arg)
{
    char *end = NULL;
    errno = 0;
    switch (o->type) {
    case RN_OPT_T_FLAG: *(bool *)o->dest = true; return 0;
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
        longs[n] = (struct option){table[n].name, has_arg, NULL, FIRST_LONG + n};
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
        if (c == '?') return rn_opt_usage(cmd, "unknown option '%s'", argv[optind - 1]);
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
