/*
 * job.h: what the judge is asked and what it answers, as judge.h takes and gives it and wire.h
 * carries it to the hosts.
 */
#ifndef RN_JUDGE_JOB_H
#define RN_JUDGE_JOB_H

#include "base/buf.h"

typedef enum rn_judge_mode {
    RN_JUDGE_SCRIPT,  /* tests are statements, run one after the other in the program's namespace */
    RN_JUDGE_STDIO,   /* each case: the program run anew with `input` on standard input */
    RN_JUDGE_CALL,    /* each case: `entry` called with the JSON array `input` as arguments */
    RN_JUDGE_COMMAND, /* one case: the shell command `input`, run in a private copy of the judge's
                         tree in which the file `entry` holds `program`; `entry` NULL: the tree as
                         it is. Exit status 0 is a pass. */
    RN_JUDGE_VALUES,  /* each case: `entry` called with the Python tuple `input`, nothing judged:
                        rn_judge_values tells what came back. All cases run in one process, one
                        after the other; after a case that ends it a new one goes on behind it */
    RN_JUDGE_CALLS,  /* each case: `entry` called with the typed JSON array `input` as arguments, in
                         one process; the value must agree with the typed JSON `expected`
                         (docs/FORMATS.md). The first n_first cases run first, in a process of their
                         own: failed_case >= n_first says that they hold */
    RN_JUDGE_RECORD, /* CALLS of a reference: rn_judge_text is a line for each case, the seconds
                        that it took, a tab and its value; or "!", a tab and why there is none */
    RN_JUDGE_KEYS,   /* each case: a program, `input`, of which nothing is run: rn_judge_text is a
                         line for each, 64 hexadecimal digits that are the same for programs that do
                         the same wherever they run and whatever their comments, layout and
                         docstrings are; or "-" where that is not certain */
    RN_JUDGE_VERSION, /* no case is looked at: what `language` is here, in the result's output */
} rn_judge_mode;

/* VALUES: what one call came to. Two outcomes are the same exactly when kind and digest are. */
typedef enum rn_value_kind {
    RN_VALUE_NONE,   /* not called: the program itself failed */
    RN_VALUE_DATA,   /* numbers, strings, containers of them: digest of the value */
    RN_VALUE_OTHER,  /* a function, iterator, object; too large or too deep: digest of its type */
    RN_VALUE_RAISED, /* digest of the exception's type */
    RN_VALUE_ENDED,  /* the process ended: exit, crash */
    RN_VALUE_LIMIT,  /* it was ended at a limit: digest of which */
    RN_N_VALUE_KINDS
} rn_value_kind;

typedef struct rn_judge_value {
    uint8_t kind;   /* rn_value_kind */
    uint8_t agrees; /* 1: DATA that the case's `expected` holds for */
    uint8_t digest[16];
} rn_judge_value;

enum { RN_JUDGE_MAX_VALUES = 128 }; /* cases of a VALUES job */

/* How STDIO and CALL outputs are compared; docs/FORMATS.md gives each rule. Names imported before
 * the program and the form of arguments do not depend on it, but for VALUES, where STRICT has
 * neither. */
typedef enum rn_compare {
    RN_COMPARE_APPS,
    RN_COMPARE_STRICT,
    RN_COMPARE_CODECONTESTS,
    RN_COMPARE_LIVECODEBENCH,
    RN_COMPARE_TACO
} rn_compare;

/* CALLS: whose rules hold for single entry points. */
typedef enum rn_calls_oracle { RN_CALLS_PLAIN, RN_CALLS_HUMANEVAL, RN_CALLS_MBPP } rn_calls_oracle;

typedef struct rn_judge_case {
    rn_bytes input;    /* SCRIPT: the test's source; VALUES: source of a tuple of literals */
    rn_bytes expected; /* SCRIPT: empty; VALUES: source of a literal, which the value must equal,
                          or of a function of it, "lambda _: ..."; empty: unknown */
    int64_t cpu_ns;    /* CALLS: the limit of this case, within that of all; 0: none of its own */
} rn_judge_case;

/* 0 in a field means the default of the judge's options. */
typedef struct rn_judge_limits {
    int64_t cpu_ns;  /* processor time and time spent sleeping or blocking, of the whole tree: per
                        program (SCRIPT, COMMAND: 60 s) or per case (STDIO, CALL, VALUES; all cases
                        of VALUES together: 20 times as much) */
    int64_t wall_ns; /* backstop; default: a generous multiple of cpu_ns */
    int64_t memory_bytes; /* default 4 GiB */
    int64_t output_bytes; /* default 1 MiB; COMMAND: 64 MiB */
    int64_t processes;    /* default 64 */
} rn_judge_limits;

typedef struct rn_judge_job {
    rn_judge_mode mode;
    rn_compare compare;
    rn_bytes program;     /* source; may be anything at all */
    const char *language; /* SCRIPT, STDIO: a name of lang.h, `program` and then the cases'
                                   inputs (SCRIPT) are one source; NULL or "python": Python */
    const char *entry;    /* CALL, VALUES: function or Solution method; COMMAND: a path */
    rn_bytes given;       /* SCRIPT: the problem's own source, its prompt: functions in it that
                                   tests call are these, not what the program made of them */
    const rn_judge_case *cases; /* [n_cases]; SCRIPT: e.g. HumanEval's test + "\ncheck(f)" */
    size_t n_cases, n_first;
    rn_calls_oracle oracle; /* CALLS, RECORD */
    double atol;            /* CALLS: of numbers; 0: equal, floats within 1e-6 */
    rn_judge_limits limits;
    bool all_cases; /* go on after the first failure */
} rn_judge_job;

enum {
    RN_JUDGE_OUTPUT = 1024,
    RN_JUDGE_RULES = 4, /* version of what verdicts mean: part of the protocol of each */
};

typedef struct rn_judge_result {
    rn_verdict verdict;
    int32_t n_run, n_passed, n_cases;
    int32_t failed_case;     /* 0-based first failure; -1 if none */
    int64_t cpu_ns, wall_ns; /* of the whole program, all cases */
    int64_t case_cpu_ns;     /* of the longest case, sleep included: what limits.cpu_ns bounds */
    int64_t peak_bytes;      /* resident, whole tree; -1 unknown */
    int32_t n_retries;       /* after sandbox failures */
    bool confirmed;          /* the pass was put to further proof, held or not */
    char detail[256];        /* e.g. "IndexError: list index out of range" */
    char output[RN_JUDGE_OUTPUT]; /* COMMAND, VERSION: the last lines printed; else empty */
} rn_judge_result;

#endif
