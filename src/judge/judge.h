/*
 * judge.h: runs Python programs against their tests, or a command in a copy of a working folder, in
 * a sandbox, and says what happened.
 * Knows nothing of models, problem sets or stores.
 */
#ifndef RN_JUDGE_JUDGE_H
#define RN_JUDGE_JUDGE_H

#include "base/buf.h"
#include "judge/tree.h"

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
    RN_JUDGE_RULES = 2, /* version of what verdicts mean: part of the protocol of each */
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

typedef struct rn_judge_opts {
    int jobs; /* programs at a time; 0: number of cores */
    rn_judge_limits limits;
    const char *venv;      /* virtual environment whose packages programs may import; NULL */
    const char *host_path; /* ration-judge-host; NULL: beside the program, then libexec */
    bool allow_weak;       /* run even without namespaces and Landlock */
    const rn_tree *tree;   /* the folder of COMMAND jobs; borrowed until rn_judge_close; NULL */
} rn_judge_opts;

/* Starts `jobs` host processes. RN_ESANDBOX when the needed layers cannot be had and allow_weak is
 * false; the message says which and the fix. */
int rn_judge_open(const rn_judge_opts *opts, rn_judge **out, rn_err *err);
/* rn_judge_close (ration.h) kills everything under way; no process is left. */

/* Queues a job (its bytes are copied). `tag` comes back with its result. RN_EBUSY when the queue is
 * full: call rn_judge_wait first. */
int rn_judge_submit(rn_judge *j, const rn_judge_job *job, uint64_t tag, rn_err *err);
/* 1 with a result; 0 when nothing finished within timeout_ms (-1: wait) or nothing is queued. */
int rn_judge_wait(rn_judge *j, int timeout_ms, uint64_t *tag, rn_judge_result *result, rn_err *err);
/* Of the VALUES job whose result came last: its outcomes [n_cases], borrowed until the next wait.
 * Its verdict says how the program itself fared: PASSED when every case was called, n_passed of
 * them with the expected value. */
const rn_judge_value *rn_judge_values(const rn_judge *j);
/* Of the RECORD job whose result came last: what it wrote; borrowed until the next wait. */
rn_bytes rn_judge_text(const rn_judge *j);
size_t rn_judge_pending(const rn_judge *j);

/* The sandbox level in a phrase that is stored with each verdict, e.g.
 * "ns:user,mnt,pid,net,ipc,uts seccomp landlock:3 cgroup:v1 rlimit". Borrowed. */
const char *rn_judge_level(const rn_judge *j);
const char *rn_judge_python(const rn_judge *j); /* "3.11.2"; borrowed */

#endif
