/*
 * host.h: the parts of ration-judge-host, the small single-threaded process that forks judged
 * programs. It is the only process that links libpython.
 *
 * Theory of operation
 *  1. The host starts Python and imports the usual modules (host_python.c), then confines itself:
 *     namespaces, a read-only view of the system, one small tmpfs (host_confine.c).
 *  2. Per program (SCRIPT, VALUES) or case (CALL; STDIO, where host_many.c does not take several)
 *     it clones one child into a fresh pid namespace (host_watch.c). The child drops what is left:
 *     capabilities, Landlock, rlimits, seccomp (host_filter.c), and runs the source (host_run.c).
 *  3. The child's C code writes its record into a page shared with the host, under a secret of this
 *     run, as its last act. The host looks at the page only when the child, as init of its pid
 *     namespace, is dead, and with it every process it ever made.
 *     A program that leaves no trace in its process lets the child take another (host_worker.c).
 *  4. The host decides the verdict from the record, the way the child died, and its own clocks.
 *
 * Nothing here depends on the judged interpreter's cooperation: limits are the host's own.
 */
#ifndef RN_JUDGE_HOST_H
#define RN_JUDGE_HOST_H

#include "judge/judge.h"
#include "judge/wire.h"

#include <sys/types.h>

/* How a child runs its program (host_confirm.c). */
typedef enum rn_how {
    RN_RUN_FIRST,         /* as the official harness would */
    RN_RUN_AGAIN,         /* once more, and what was changed of the library counts */
    RN_RUN_ALTERED,       /* SCRIPT: with assertion `altered` altered; -1: none */
    RN_RUN_APART,         /* SCRIPT, CALL: tests and program in processes apart */
    RN_RUN_APART_ALTERED, /* SCRIPT: the same with all that can be altered */
} rn_how;

/* What a child does of a program in another language (host_lang.c). */
typedef enum rn_stage {
    RN_STAGE_PYTHON,
    RN_STAGE_PREPARE,
    RN_STAGE_COMPILE,
    RN_STAGE_RUN
} rn_stage;

/* What one child does. */
typedef struct rn_task {
    const rn_judge_job *job;
    size_t case_no; /* STDIO, CALL: which case this child runs; VALUES: the first one */
    bool many;      /* STDIO: all cases, one after the other (host_many.c) */
    rn_how how;
    int altered;
    rn_stage stage; /* what is done of a program in another language */
    bool keep;      /* in the working folder as the last child left it */
    bool stays;     /* the child may take a further program (host_worker.c) */
    /* Where a run is kept that is set aside, to be finished later; NULL: it runs to its end */
    struct rn_aside **aside;
    int64_t n_others; /* tasks of the child's user when it began, where nothing else bounds them */
} rn_task;

/* ---- confinement of the host (host_confine.c) ------------------------------------------------ */

typedef struct rn_confine {
    bool pid_ns; /* clone children with CLONE_NEWPID */
    bool user_ns;
    bool drop_uid;   /* children change to `nobody` themselves: root without a user namespace */
    bool other_ns;   /* own network, ipc and uts namespaces */
    bool root_view;  /* own mount namespace with a read-only root */
    bool tmpfs;      /* /tmp is a private tmpfs of this host */
    bool roomy;      /* it has room for copies of a working folder and what is built in them */
    unsigned n_work; /* how often it was made */
    bool seccomp;
    bool counts_forks; /* nothing else bounds a program's tasks but the user's (host_forks.c) */
    int landlock;      /* ABI version; 0 none */
    int landlock_fd;   /* ruleset; -1 none */
    bool cg_memory, cg_pids, cg_cpu, cg_v2;
    int proc_fd; /* the outer /proc, for the host's own measurements; -1 none */
    /* Files of the host's own cgroup, in which every child is born; -1 none. */
    int cg_cpu_fd, cg_oom_fd, cg_pids_fd; /* usage, counts of limits met */
    int cg_full_fd;                       /* how often the memory limit was met */
    int cg_memory_max_fd, cg_pids_max_fd; /* the limits, written when a job's differ */
    char level[160];
    char work_dir[64];    /* the programs' working folder */
    const char *base_dir; /* what holds it where it is on disk; NULL */
} rn_confine;

/* Where the packages of a virtual environment lie in the read-only view. */
#define RN_VIEW_SITE "/venv"

/* Confines this process. `site` (may be "") stays visible. Weaker layers are used where one cannot
 * be had; RN_ESANDBOX when neither namespaces nor seccomp work and !allow_weak. */
int rn_confine_enter(const rn_wire_config *cfg, rn_confine *c, rn_err *err);
/* Makes the working folder empty again if the last program touched it, and as large as the next one
 * needs it. RN_ESANDBOX if it cannot. */
int rn_confine_clean(rn_confine *c, bool roomy, rn_err *err);
/* What stands in for /proc in the view: nothing (exe NULL) or a folder whose self/exe says so. */
int rn_confine_proc(const rn_confine *c, const char *exe, rn_err *err);
void rn_confine_leave(rn_confine *c); /* removes a working folder that is on disk */

/* ---- confinement of a child (host_filter.c) -------------------------------------------------- */

/* Builds the system-call filter and the Landlock ruleset once. */
void rn_filter_prepare(rn_confine *c, const rn_wire_config *cfg);
/* Builds the Landlock ruleset anew, after the working folder was mounted anew. */
void rn_filter_renew(rn_confine *c);
/* In the child, before any judged code: closes every other descriptor, drops capabilities, sets
 * rlimits, Landlock, seccomp. 0, or the number of the step that failed. *listener: where calls are
 * announced and wait for an answer: those of socket() of a COMMAND (-1: they are refused at once),
 * forks of what rn_filter_counts. */
int rn_filter_enter(const rn_confine *c, const rn_task *task, int *listener);
/* The kernel's own limit of processor time, far behind ours. */
int64_t rn_filter_cpu_seconds(const rn_judge_limits *l);

/* Whether the task's forks are announced to the host. */
bool rn_filter_counts(const rn_confine *c, const rn_task *task);

/* ---- forks that are announced (host_forks.c) ------------------------------------------------- */

bool rn_forks_kernel(void); /* whether this kernel has what it takes */
/* In the child: hands the listening end over and closes it. */
bool rn_forks_give(int sock, int listener);
/* read() of one byte; the listening end that came with it replaces *listener. */
ssize_t rn_forks_take(int sock, char *word, int *listener);
/* Answers the call that waits, a fork or a command's socket(): lets it happen or refuses it
 * (EACCES). Its first argument; -1: the caller is gone. */
int64_t rn_forks_answer(int listener, bool allow);

/* Named semaphores and shared memory lie there from now on (host_shm.c). Borrowed. */
void rn_shm_folder(const char *dir);

/* ---- memory that children share (host_pages.c) ----------------------------------------------- */

/* Once all is loaded and confined: what a fork copies and what children write to costs them few
 * page faults. */
void rn_pages_settle(const rn_confine *c);

/* ---- Python (host_python.c) ------------------------------------------------------------------ */

int rn_python_start(const char *site, char version[32], rn_err *err);
/* sys.path entries at or below `from` lie at `to` from now on. */
int rn_python_move_site(const char *from, const char *to, rn_err *err);
/* After all imports: collects garbage, takes rn_forge_snapshot, and freezes what there is. */
int rn_python_settle(rn_err *err);

/* ---- warm copies (host_warm.c) and the loop they share with the host (host.c) ---------------- */

/* Runs the job in a copy of this host that has the large package imported which `program` imports.
 * RN_ENOTFOUND: none fits, run it here. RN_ECANCELLED: the library is gone. */
int rn_warm_run(const rn_confine *c, const rn_wire_job *head, rn_bytes body, rn_bytes program,
                int library_fd, rn_wire_result *out);
/* Serves jobs from the socket until it closes. */
void rn_host_serve(int fd);

/* ---- what a child tells ---------------------------------------------------------------------- */

enum { RN_NONCE_BYTES = 16 };

/* The page shared by host and child. The child fills the fields and copies the secret last. */
typedef struct rn_record {
    volatile uint8_t nonce[RN_NONCE_BYTES]; /* whole record valid */
    volatile int32_t setup_failed;          /* step of rn_filter_enter that failed, 0 none */
    int32_t verdict, n_run, n_passed, failed_case;
    bool doubt;      /* SCRIPT, CALL: a plain program did what none should be able to */
    bool clean_exit; /* STDIO: the program ended by itself, its output is complete */
    /* Of a child that stays: what this program used, and all of them. */
    int64_t cpu_ns, all_cpu_ns, peak_bytes;
    char detail[256];
    char output[RN_JUDGE_OUTPUT]; /* COMMAND: the last lines */
} rn_record;

/* ---- one child under watch (host_watch.c) ---------------------------------------------------- */

typedef struct rn_outcome {
    bool have_record; /* *record is authentic */
    rn_record record;
    int status;       /* of wait4 */
    rn_verdict limit; /* the limit the host enforced; RN_N_VERDICTS none */
    bool starved;
    bool fork_denied; /* the processes limit was met */
    bool oom;         /* the memory limit was met */
    bool stayed;      /* the child lives and waits for a further program */
    bool declined;    /* the child did not run this one */
    int64_t cpu_ns, wall_ns, peak_bytes, output_bytes;
    int64_t
        waited_ns; /* what it slept or blocked by its own choice; counts against cpu_ns' limit */
    int64_t output_limit; /* of output_bytes */
} rn_outcome;

/* Before Python starts. */
int rn_watch_start(int library_fd, rn_err *err);
/* Changes what the host's own processes take of its cgroup's limits. */
void rn_watch_overhead(int64_t bytes, int processes);
int64_t rn_watch_processes(void); /* how many those are */
/* In a copy of the host: whose disappearance ends a run. */
void rn_watch_library(int fd);
/* Clones a child for the task, waits for its end, fills *o. RN_ESANDBOX: the sandbox failed, try
 * again. RN_ECANCELLED: the library is gone. */
int rn_watch_run(rn_confine *c, const rn_task *task, rn_outcome *o, rn_err *err);
/* The child that stayed behind an earlier program: whether one is there that this task can be given
 * to, and giving it. RN_ENOTFOUND: it is to be run in a child of its own. */
bool rn_watch_has_worker(rn_confine *c, const rn_task *task);
int rn_watch_turn(rn_confine *c, const rn_task *task, rn_outcome *o, rn_err *err);
void rn_watch_lost(void); /* in a copy of the host */
/* Kills and waits for everything below this process. */
void rn_watch_bury(const rn_confine *c);
/* What rn_watch_run returns when a program has run for RN_ASIDE_NS and stands still now: its rest
 * is *task->aside. Only a steady program (host_plain.c) of one process that holds little memory,
 * whose tests have no clock, is set aside: nothing that they can see tells them so. */
enum { RN_SET_ASIDE = 1, RN_MAX_ASIDE = 256 };
#define RN_ASIDE_NS INT64_C(500000000)
typedef struct rn_aside rn_aside;
/* Goes on with it, as rn_watch_run does; takes it. */
int rn_watch_go_on(rn_confine *c, rn_aside *a, rn_outcome *o, rn_err *err);
/* Ends it; takes it. */
void rn_watch_drop(rn_confine *c, rn_aside *a);
/* In a process that must not be able to write a record: gives up the page and its secret. */
void rn_watch_forget(void);
/* How the cases of a child ended that runs several: a page that the host shares with the child; the
 * child fills it case by case, so that what came before its end is known. A program that finds the
 * page can write there what it could as well return or print. */
enum { RN_MAX_MANY = 64 };
typedef struct rn_case_end {
    int32_t verdict;   /* PASSED: it ended by itself */
    int64_t cpu_ns;    /* that it took */
    int64_t out_bytes; /* on the standard output until its end, those of earlier cases included */
} rn_case_end;
typedef struct rn_values {
    volatile int32_t at; /* the case that is under way or, at the end, n; -1: the program itself */
    rn_judge_value v[RN_JUDGE_MAX_VALUES];
    rn_case_end ended[RN_MAX_MANY]; /* STDIO */
    char detail[256];               /* STDIO: of the first case that raised */
} rn_values;
rn_values *rn_watch_values(void); /* static; `at` is -1 when a run begins */
/* In the child: case i begins, case i had this outcome. Nothing in a fork of the judged program. */
void rn_watch_value_begin(size_t i);
void rn_watch_value_end(size_t i, const rn_judge_value *v);
void rn_watch_case_end(size_t i, const rn_case_end *e, const char *detail);

/* ---- standard streams (host_stream.c) -------------------------------------------------------- */

typedef struct rn_streams {
    int child_fd; /* what the child writes that nobody compares */
    int poll_fd;  /* where the host reads that; -1 at its end */
} rn_streams;

/* Before Python starts: descriptors 0, 1 and 2 are files of memory, nothing of the caller's. */
int rn_stream_start(rn_err *err);
/* New streams for one run; closed by rn_stream_close. */
int rn_stream_open(const rn_task *task, rn_streams *s, rn_err *err);
void rn_stream_close(rn_streams *s);
/* In the child, before it is confined: takes the streams over. */
bool rn_stream_enter(const rn_task *task, const rn_streams *s);
/* Reads and drops what is there; false when the program has printed far too much. */
bool rn_stream_drain(const rn_task *task, rn_streams *s);
/* How long a file or, STDIO, the standard output may become: what is expected gives room. */
int64_t rn_stream_allowed(const rn_task *task);
/* STDIO, RECORD: bytes of standard output; else 0. */
int64_t rn_stream_printed(const rn_task *task);
/* The streams of a run that stands still, but for the files of memory of STDIO; and back. */
typedef struct rn_streams_kept {
    int drain_fd;
    int64_t n_dropped;
    int files[2]; /* of STDIO, where they are kept, too; -1 */
} rn_streams_kept;
rn_streams_kept rn_stream_keep(void);
void rn_stream_go_on(rn_streams_kept k);
/* The streams of a child that stays, between two programs; for the next one; closed. */
bool rn_stream_stay(const rn_task *task, rn_streams_kept *k);
bool rn_stream_turn(const rn_streams_kept *k, rn_streams *s);
void rn_stream_end(rn_streams_kept *k);
/* The child's standard output after rn_watch_run; borrowed until the next run. */
int rn_watch_output(rn_bytes *out, rn_err *err);

/* ---- what a run uses (host_usage.c) ---------------------------------------------------------- */

typedef struct rn_usage {
    int64_t elapsed_ns;
    int64_t cpu_ns;       /* of the whole tree, dead processes included */
    int64_t waited_ns;    /* no thread of the tree was ready: it slept or blocked */
    int64_t delay_ns;     /* ready without a processor, summed over the tree */
    int64_t disk_ns;      /* waiting for a disk */
    int64_t growth_ns;    /* what new memory or processes took at most, while they grow; else 0 */
    int64_t memory_bytes; /* -1: the kernel counts it */
    int64_t most_bytes;   /* in memory at any look so far, shared pages included */
    int n_tasks;
    bool ready;   /* a thread runs or waits for a processor now */
    bool demoted; /* one of them lowered its own priority: its delay is its own choice */
    bool held;    /* set by the caller: a fork waits for the host, which is no choice of its own */
} rn_usage;

void rn_usage_begin(const rn_confine *c); /* before a run's child is cloned */
int64_t rn_usage_page_ns(void); /* what the first touch of a page costs here; measured once */
void rn_usage_of(const rn_confine *c, pid_t child); /* after */
/* Instead of both, for a further program of a child, which had used before_ns. */
void rn_usage_turn(const rn_confine *c, pid_t child, int64_t before_ns);
/* Beyond memory_limit memory is measured exactly. */
void rn_usage_look(const rn_confine *c, int64_t memory_limit, rn_usage *u);
int rn_usage_tasks(const rn_confine *c); /* that live now */
/* Of a tree that stands still from now on; NULL: memory is out. Later goes on with it, takes it and
 * tells for how long it stood. */
typedef struct rn_usage_kept rn_usage_kept;
rn_usage_kept *rn_usage_keep(const rn_confine *c);
int64_t rn_usage_go_on(const rn_confine *c, rn_usage_kept *k);
int64_t rn_usage_private_bytes(const rn_confine *c, pid_t pid); /* that it shares with nobody */
int64_t rn_usage_count_user(const rn_confine *c, uid_t uid);    /* tasks of a user, strangers too */
/* Without a pid namespace: kills what a dead child left. False when nothing was left. */
bool rn_usage_kill_all(const rn_confine *c);
/* The text of a small file of the kernel, `path` below `dir` or the open `fd`; "" at an error. */
void rn_usage_read(int dir, const char *path, int fd, char *buf, size_t cap);
int64_t rn_usage_number(const char *text, const char *key); /* the number behind key; 0 */

/* ---- in the child (host_run.c) --------------------------------------------------------------- */

/* In the host, after the imports: what APPS' programs find bound is found once. */
int rn_run_start(rn_err *err);
/* Runs the task and fills *record, which is private to the child. Returns only when judged code is
 * done. */
void rn_run_task(const rn_task *task, rn_record *record);

/* ---- commands (host_command.c) --------------------------------------------------------------- */

/* Steps of a child's start beyond those of rn_filter_enter. */
enum { RN_STEP_COPY = 100, RN_STEP_START };

/* A shell command under init, which is the caller. */
typedef struct rn_shell {
    const char *text;
    int listener; /* where refused calls of socket() wait for an answer; -1 none */
    bool streams; /* its input and output are the caller's descriptors 0 and 1 */
    int64_t output_limit;
} rn_shell;

/* Runs it to its end; *status as of wait. 0, or the step that failed. *within is false when it
 * printed more than it may and goes on. Its output but for that of `streams` is then here: */
int rn_command_shell(const rn_shell *s, int *status, bool *within);
/* The last `cap - 1` bytes of it as text: whole lines where there are any, no control characters,
 * valid UTF-8. */
void rn_command_tail(char *out, size_t cap);
bool rn_command_printed(const char *text); /* whether its last 64 KiB hold the text */
/* Takes the copy's folder, in which commands run, for their HOME and TMPDIR. */
bool rn_command_home(void);
/* The limit that the output of a failed command tells of; RN_N_VERDICTS if none. */
rn_verdict rn_command_limit(const char *output);

/* ---- other languages (host_lang.c) ----------------------------------------------------------- */

/* Compiles and runs the job's program. RN_ESANDBOX: try again. */
int rn_lang_judge(rn_confine *c, const rn_judge_job *job, rn_wire_result *out, rn_err *err);
/* In the child: the task's stage to its end. 0 with *r filled, or the step that failed. */
int rn_lang_child(const rn_task *task, rn_record *r);
/* What follows from a child's end, and a case's output against what is expected (host.c). */
rn_verdict rn_host_decide(const rn_outcome *o, const rn_judge_job *job, char detail[256]);
void rn_host_add_usage(rn_judge_result *r, const rn_outcome *o);
int rn_host_judge_output(const rn_judge_job *job, size_t i, rn_verdict *v, rn_err *err);
int rn_host_judge_text(const rn_judge_job *job, const rn_judge_case *c, rn_bytes got, rn_verdict *v,
                       rn_err *err);

/* In the host, before it is confined: takes the packed working folder over from `fd`. */
int rn_command_start(int fd, rn_err *err);
/* In the child: runs the task's command in a copy of the folder to its end. 0 with *r filled, or
 * the step that failed. */
int rn_command_run(const rn_task *task, int listener, rn_record *r);

/* The parts of a run that other files need, too. New references, NULL with a Python exception. */
void *rn_run_code(rn_bytes program);                         /* its code, as it is run */
void *rn_run_compile(const rn_judge_job *job);               /* SCRIPT: the program's code */
void *rn_run_names(const rn_task *task, void *code);         /* runs it; dict of its names */
void *rn_run_arguments(const rn_judge_job *job, rn_bytes c); /* CALL: a case's input */
/* The code of a text; start: Py_file_input or Py_eval_input, flags: PyCompilerFlags or NULL. */
void *rn_run_parse(rn_bytes source, const char *name, int start, void *flags);
void *rn_run_globals(void); /* a namespace that holds nothing but the language */
/* What counts of a program's text beside its code: a number. */
int rn_run_text_says(rn_bytes program);

/* Between two programs of a child: writes out what the first one printed; takes what it made out of
 * the collector's sight, and sets the library's generator of random numbers back. False: the child
 * must end. */
bool rn_run_flush(void);
bool rn_run_settle(void);
bool rn_run_settle_start(void); /* in the host; false: a module of the library is not here */
void rn_run_draws(bool draws);  /* the tests of the program that runs draw random numbers */
void rn_run_freeze(void);       /* takes all objects out of the collector's sight */
/* module.name; a new reference, or NULL without an exception. */
void *rn_run_attribute(const char *module, const char *name);

/* ---- several programs in one child (host_worker.c) ------------------------------------------- */

enum {
    RN_TURN_FD = 3,
    RN_TURN_DONE = 'd',
    RN_TURN_DECLINED = 'n',
    RN_TURN_NEXT = 'o',
    RN_TURN_FORKS = 'f' /* with the end at which its forks are announced */
};

/* rn_secret_run, in the child that stayed, if one did and takes the program. */
int rn_worker_run(rn_confine *c, const rn_task *task, rn_outcome *o, rn_err *err);
/* In the host: whether the next fork inherits the memory of orders; new memory for them. */
bool rn_worker_room(bool lend);
void rn_worker_renew(void);
void rn_worker_lost(void); /* in a copy of the host: the child that stayed is not its own */
void rn_worker_seal(const uint8_t nonce[RN_NONCE_BYTES]); /* of the order's run */

/* In the child. */
void rn_worker_begin(bool may_stay);
bool rn_worker_stays(void);
bool rn_worker_follows(void); /* another program was run here before */
/* Before a program is run. False: it is not to be run here. */
bool rn_worker_takes(bool traceless);
void rn_worker_wipe(void); /* overwrites the tests of an order */
/* Behind it. well: it passed, failed or raised, as programs do. */
void rn_worker_ended(bool well);
bool rn_worker_declined(void);
void rn_worker_used(rn_record *r);
/* Waits for the next program; false: the child is to end. */
bool rn_worker_next(rn_task *task, uint8_t nonce[RN_NONCE_BYTES]);

/* ---- who could cheat (host_plain.c) ---------------------------------------------------------- */

/* `names`: what plain_names() of host_alter.py returns. */
int rn_plain_start(void *names, rn_err *err);
/* In the host, before and after a run: whether the child found its program plain, and the code of
 * the tests that it left; borrowed until the next run. */
void rn_plain_reset(void);
bool rn_plain_told(void);
bool rn_plain_told_steady(void);
bool rn_plain_told_patient(void);
bool rn_plain_ran(void); /* judged code has run: what the record says may be the program's words */
void rn_plain_restore(void); /* of a run that was set aside: all that it must be for that */
rn_bytes rn_plain_tests(void);
/* In the child, before judged code runs; then it must close. */
void rn_plain_tell(bool plain, bool steady, bool patient);
void rn_plain_leave(rn_bytes tests);
void rn_plain_hold(bool hold); /* closing does not give the page up: nothing can reach it */
void rn_plain_close(void);
typedef struct rn_plain_found {
    bool steady;    /* see rn_plain_steady */
    bool traceless; /* and it leaves nothing in its process that another program could find, */
    bool streams;   /* but for the standard streams */
    bool keeps;     /* what it does to random numbers or sys.argv its next case would find */
} rn_plain_found;
/* True if the compiled program could not forge a pass of these tests. `tests`: all their code
 * objects, [n_tests]. */
bool rn_plain_code(void *code, void *const *tests, size_t n_tests, const char *entry,
                   rn_plain_found *found);
/* True if tests leave nothing of the kind but, *draw, the library's generator of random numbers in
 * another state. `codes`: those of the cases, [n]. */
bool rn_plain_tests_traceless(void *const *codes, size_t n, bool *draw);

/* True if a plain program depends on nothing but its code and its input: neither on clocks and the
 * system's random numbers nor on docstrings and the places of objects in memory. */
bool rn_plain_steady(void *code);
/* True if tests have no clock either, so that their program may stand still meanwhile. */
bool rn_plain_patient(void *const *tests, size_t n_tests);
/* Whether instructions of this number carry an index of a name, of a constant. */
bool rn_plain_has_name(int op);
bool rn_plain_has_const(int op);

/* ---- programs that are the same (host_key.c) ------------------------------------------------- */

/* In the child: KEYS: writes the lines of the programs from case `from` on. */
bool rn_key_all(const rn_judge_job *job, size_t from);

/* ---- what a program changed (host_forge.c) --------------------------------------------------- */

void rn_forge_hook(void);           /* in the host, before the imports */
int rn_forge_snapshot(rn_err *err); /* in the host, after them */
/* In the child, before judged code: from here on new types are the program's. */
void rn_forge_begin(void);
/* In the child. NULL, or what was changed of the language or the library (static text); `deep`:
 * inside the library's classes and functions, too. */
const char *rn_forge_tampered(bool deep);
/* In the child: whether anything of that changed at all, or a type was made. */
bool rn_forge_touched(void);
/* True if the program made a type with operators or other special methods that no plain one has. */
bool rn_forge_operators(void);

/* ---- tests and program in processes apart (host_apart.c) ------------------------------------- */

/* In the host, before the imports: what a compilation leaves of holes in the heap they fill, so
 * that children write to, and so copy, fewer pages. */
int rn_apart_compile(rn_err *err);
int rn_apart_start(rn_err *err); /* in the host, after the imports */
/* A function of those sources. Takes args; a new reference or NULL with a Python exception. */
void *rn_apart_call(const char *name, void *args);
/* In the child: does the task, how >= RN_RUN_APART, and fills *record: PASSED; FORGED; WRONG: the
 * tests fail; EXCEPTION: they fail, which shows nothing. n_run: alterable assertions, n_passed:
 * whether the tests use functions of the program other than the one under test. */
void rn_apart_run(const rn_task *task, rn_record *record);
/* The program's code where it compiles only together with the tests, if those are the last
 * statements of the whole, unchanged; NULL if not. A new reference. */
void *rn_apart_split(const rn_judge_job *job);
/* codes[n_cases]: the tests' code, assertion k altered; new references. `program`: its code. */
bool rn_apart_alter(const rn_judge_job *job, int k, void *program, void **codes);

/* ---- the tests' code (host_tests.c) ---------------------------------------------------------- */

enum {
    RN_TESTS_BYTES = 65532
}; /* of marshalled code at most; longer ones are compiled each time */

/* Around a run: lends the code of the tests to the child, in `room` [RN_TESTS_BYTES] of its memory
 * that judged code does not get; keeps what the child compiled. */
void rn_tests_lend(const rn_task *task, char *room);
void rn_tests_keep(const rn_task *task);
void rn_tests_lost(void); /* in a copy of the host, which did not inherit them */
typedef struct rn_tests_lent {
    rn_bytes code; /* empty: none */
    uint64_t id;   /* of these tests */
} rn_tests_lent;
rn_tests_lent rn_tests_now(void);    /* what is lent */
void rn_tests_take(rn_tests_lent l); /* in the child that stays: with its next program */
/* In the child. codes[n_cases]: new references. False: they are to be compiled. */
bool rn_tests_load(size_t n_cases, void **codes);
void rn_tests_leave(size_t n_cases, void *const *codes);

/* ---- confirming a pass (host_confirm.c) ------------------------------------------------------ */

typedef rn_verdict (*rn_decide)(const rn_outcome *o, const rn_judge_job *job, char detail[256]);
typedef struct rn_claim {
    rn_confine *c;
    const rn_judge_job *job;
    size_t case_no;
    int64_t wall_ns; /* what the run took that passed */
    rn_decide decide;
    bool steady; /* the program can tell one run from another by nothing but its input */
} rn_claim;
/* In the host, after a pass that the program could have forged. *v is RN_V_PASSED before; it and
 * `detail` change if the pass is none. */
int rn_confirm_pass(const rn_claim *c, rn_verdict *v, char detail[256], rn_err *err);

/* Room for a job of `len` bytes in memory that children get only where they must; NULL: none. */
char *rn_secret_room(size_t len);
/* Moves program and entry of a job that lies there to where every child sees them. */
bool rn_secret_open(rn_judge_job *job);
/* The memory of a job that is set aside, NULL when there is no room; and back. */
typedef struct rn_secret_kept rn_secret_kept;
rn_secret_kept *rn_secret_keep_job(void);
void rn_secret_go_on(rn_secret_kept *k);
/* rn_watch_run, with the tests in the child's memory if its task needs them. */
int rn_secret_run(rn_confine *c, const rn_task *task, rn_outcome *o, rn_err *err);
void rn_secret_keep(void); /* in a child that has the tests: its forks do not get them */
void rn_secret_wipe(void); /* in a child: overwrites their text */
void rn_secret_lost(void); /* in a copy of the host, which did not inherit that memory */
/* Around code that handles expected output on the host's heap: nothing of it stays there. */
void rn_secret_heap(bool begin);

/* ---- several cases in one child (host_many.c) ------------------------------------------------ */

typedef struct rn_many {
    size_t n_known; /* cases that have a verdict, from the first on; what follows is run alone */
    rn_verdict v[RN_MAX_MANY];
    bool failed;      /* one of them is not PASSED; */
    char detail[256]; /* of the first */
    bool apart;       /* the program is none of those whose cases may share a child */
} rn_many;
#define RN_MANY_BYTES \
    (INT64_C(256) << 20) /* a child that has taken so much takes no further case */
/* How many cases the next child takes after one that took `before`, 0 at first; 1: each its own. */
size_t rn_many_next(const rn_judge_job *job, size_t before);
/* Runs cases [from, from + n), n <= RN_MAX_MANY, in one child; what it used is added to *r. */
int rn_many_run(rn_confine *c, const rn_judge_job *job, size_t from, size_t n, rn_many *m,
                rn_judge_result *r, rn_err *err);

/* ---- values (host_value.c) ------------------------------------------------------------------- */

/* The outcome that a returned value (PyObject *) is. */
void rn_value_of(void *value, rn_judge_value *out);
/* An outcome that has only a name: an exception's type, a limit. */
void rn_value_name(rn_value_kind kind, const char *text, rn_judge_value *out);

/* The value, in a namespace of its own, where names of the program mean nothing: a new reference,
 * NULL with a Python exception. `code`: of rn_literal_compile, or NULL. */
void *rn_literal_value(rn_bytes source, void *code);
/* In a child that stays: compiles the inputs of all cases, then what is expected, into codes[2 *
 * n_cases], new references. Whether they leave no trace; not if one does not compile. */
bool rn_literal_compile(const rn_judge_job *job, void **codes);

/* ---- tests that are calls (host_calls.c) ----------------------------------------------------- */

/* A value, the arguments of a call as a tuple: new references, NULL with a Python exception. */
void *rn_calls_value(rn_bytes text);
void *rn_calls_arguments(rn_bytes text);
/* CALLS: whether the problem has a rule of its own, which looks at the arguments, too. */
bool rn_calls_special(const rn_judge_job *job);
/* CALLS: whether the value agrees with the expected one; *atol is the job's at first, and is kept
 * from one case to the next. What is asked of `got` may be code of the program. `args`: where there
 * is a rule, none that the program had in its hands. */
bool rn_calls_agree(const rn_judge_job *job, void *args, void *got, void *want, double *atol);
/* RECORD: calls f with all cases and writes what comes back to the standard output. */
bool rn_calls_record(const rn_judge_job *job, void *f);

/* ---- JSON and return values (host_json.c) ---------------------------------------------------- */

/* A new reference, or NULL with a Python exception. Integers keep every digit. */
void *rn_hostjson_parse(rn_bytes text);
/* Whether a function's return value equals the expected JSON value under the job's rules. */
bool rn_hostjson_agrees(void *got, rn_bytes expected, rn_compare rules);

#endif
