/*
 * opt.h: options of a command as a table, from which both parsing (getopt_long) and --help follow.
 *
 *     struct opts { const char *store; int64_t jobs; int recheck; } o = {.jobs = 0};
 *     const rn_opt table[] = {
 *         RN_OPT_STR('s', "store", &o.store, "FILE", "the experiment file"),
 *         RN_OPT_INT('j', "jobs", &o.jobs, "N", "programs at a time (default: cores)"),
 *         RN_OPT_FLAG(0, "recheck", &o.recheck, "judge again what has a verdict"),
 *         RN_OPT_END};
 */
#ifndef RN_CLI_OPT_H
#define RN_CLI_OPT_H

#include "base/term.h"

typedef enum {
    RN_OPT_T_END,
    RN_OPT_T_FLAG,
    RN_OPT_T_STR,
    RN_OPT_T_INT,
    RN_OPT_T_REAL,
    RN_OPT_T_LIST,
    RN_OPT_T_GROUP /* a heading of --help; `help` is its text */
} rn_opt_type;

/* Values of an option that may be given several times; borrowed from argv. */
typedef struct rn_opt_list {
    const char *v[64];
    int n;
} rn_opt_list;

typedef struct rn_opt {
    rn_opt_type type;
    int short_name;                    /* 0 if none */
    const char *name, *metavar, *help; /* help NULL: an old name, which works and is not shown */
    void *dest; /* int (a flag), const char *, int64_t, double or rn_opt_list, by type */
} rn_opt;

#define RN_OPT_ROW(type, s, name, meta, help, dest) \
    {                                               \
        RN_OPT_T_##type, s, name, meta, help, dest  \
    }
#define RN_OPT_FLAG(s, name, dest, help)       RN_OPT_ROW(FLAG, s, name, NULL, help, dest)
#define RN_OPT_STR(s, name, dest, meta, help)  RN_OPT_ROW(STR, s, name, meta, help, dest)
#define RN_OPT_INT(s, name, dest, meta, help)  RN_OPT_ROW(INT, s, name, meta, help, dest)
#define RN_OPT_REAL(s, name, dest, meta, help) RN_OPT_ROW(REAL, s, name, meta, help, dest)
#define RN_OPT_LIST(s, name, dest, meta, help) RN_OPT_ROW(LIST, s, name, meta, help, dest)
/* The rows that follow stand under this heading: "of models behind a server". */
#define RN_OPT_GROUP(title) RN_OPT_ROW(GROUP, 0, "", NULL, title, NULL)
/* Another name of an option, with the same destination, for those who know it by that. */
#define RN_OPT_ALIAS(name, dest)                                                   \
    {                                                                              \
        _Generic((dest), const char ** : RN_OPT_T_STR, int64_t * : RN_OPT_T_INT, \
                 double * : RN_OPT_T_REAL, int * : RN_OPT_T_FLAG,            \
                 rn_opt_list * : RN_OPT_T_LIST),                              \
            0, name, NULL, NULL, dest \
    }
/* Rows that --help and completion show. */
#define rn_opt_is_shown(o) ((o)->type != RN_OPT_T_GROUP && (o)->help)
#define RN_OPT_END                              \
    {                                           \
        RN_OPT_T_END, 0, NULL, NULL, NULL, NULL \
    }

/* A command: `ration NAME ...`. */
typedef struct rn_command {
    const char *name, *args, *summary; /* args: "[options] FILE..." */
    int (*run)(int argc, char **argv); /* argv[0] is the name; returns an exit status */
} rn_command;

/* Exit statuses of the command line (docs, design): 0 done; 1 something is missing; 2 usage;
 * 3 failure. */
enum { RN_EXIT_DONE = 0, RN_EXIT_MISSING = 1, RN_EXIT_USAGE = 2, RN_EXIT_FAILURE = 3 };

/* Parses options and moves operands to argv[*first .. argc-1]. `intro` is the paragraph under the
 * usage line of --help. Returns -1 to go on, or the exit status to end with (after --help: 0; after
 * a usage error, which it prints: 2). */
int rn_opt_parse(const rn_command *cmd, const char *intro, const rn_opt *table, int argc,
                 char **argv, int *first);

/* Calls fn with a command's option table instead of running it: every command parses its options
 * before it does anything else. */
void rn_opt_visit(const rn_command *cmd,
                  void (*fn)(void *user, const rn_command *cmd, const rn_opt *table), void *user);

/* Prints "ration NAME: message" on stderr, on a terminal in lines of its width. */
void rn_opt_say(const rn_command *cmd, const char *fmt, ...) RN_PRINTF(2, 3);
/* Prints "ration NAME: message" and a pointer to --help on stderr; returns RN_EXIT_USAGE. */
int rn_opt_usage(const rn_command *cmd, const char *fmt, ...) RN_PRINTF(2, 3);
/* Prints "ration NAME: message" on stderr; returns RN_EXIT_FAILURE. */
int rn_opt_failure(const rn_command *cmd, const rn_err *err);
/* What a check of options found: usage where they are wrong, a failure where the machine lacks what
 * they need (memory, a library). */
int rn_opt_refused(const rn_command *cmd, const rn_err *err);

/* Prints a text on stdout and frees it; RN_ENOMEM when memory was out in writing it. */
int rn_opt_print(rn_buf *text);

/* SIGINT and SIGTERM ask for the end, which rn_opt_should_stop tells; a second one ends the
 * process at once. */
void rn_opt_catch_signals(void);
int rn_opt_should_stop(void *user); /* user: ignored */

/* Catches signals, and follows a stage: a line of progress on a terminal, notes on standard error.
 * The command line goes into the store's list of commands. One at a time. */
rn_watch rn_opt_watch(const rn_command *cmd, int argc, char **argv);

/* The exit status of a stage, after a message if it failed or was stopped. */
int rn_opt_status(const rn_command *cmd, int rc, int incomplete, const rn_err *err);

/* "table", "csv" or "json" into 0, 1, 2; NULL is "table". -1, or the exit status. */
int rn_opt_format(const rn_command *cmd, const char *text, int *out);

#endif
