/*
 * wire.h: messages between the library and its host processes, over one stream socket.
 *
 * Both ends are built together and run on one machine, so a message is a fixed struct in native
 * layout, then the variable bytes it announces. The magic number of `config` carries the library's
 * version: a host of another build is refused instead of misread.
 *
 *   library -> host   config, once; then jobs
 *   host -> library   hello, once; then one result per job, in order. A result may say that the job
 *                     is set aside; the library asks for the rest of it by its id, and that is a
 *                     job like others
 */
#ifndef RN_JUDGE_WIRE_H
#define RN_JUDGE_WIRE_H

#include "judge/job.h"

enum {
    RN_WIRE_MAGIC = 0x52414a0d, /* changes with every change of a struct here */
    RN_WIRE_MAX_JOB_BYTES = 1 << 30,
    RN_WIRE_PATH = 1024,
    RN_WIRE_TREE_FD = 4,
};

/* Layers that a test (RATION_JUDGE_WITHOUT=ns,userns,seccomp,landlock,cgroup) leaves out. */
enum {
    RN_WITHOUT_NS = 1,
    RN_WITHOUT_SECCOMP = 2,
    RN_WITHOUT_LANDLOCK = 4,
    RN_WITHOUT_CGROUP = 8,
    RN_WITHOUT_USERNS = 16,
};

typedef struct rn_wire_config {
    uint32_t magic;
    bool allow_weak;
    uint32_t without;             /* RN_WITHOUT_... */
    char venv[RN_WIRE_PATH];      /* site-packages folder to add; "" none */
    char cg_memory[RN_WIRE_PATH]; /* cgroup folders the host joins; "" none */
    char cg_pids[RN_WIRE_PATH];
    char cg_cpu[RN_WIRE_PATH];
    bool cg_v2;    /* the three are one folder of the unified hierarchy */
    bool has_tree; /* descriptor RN_WIRE_TREE_FD holds the packed working folder */
} rn_wire_config;

typedef struct rn_wire_hello {
    uint32_t magic;
    int32_t code; /* 0, or RN_E... with the reason in text */
    char level[160];
    bool by_user; /* processes are bounded by what the user has of them, strangers' too */
    char python[32];
    char text[400];
} rn_wire_hello;

/* Followed by `body_bytes`: entry, program, given, then per case its two lengths and its limit
 * (uint64_t) and its bytes. */
typedef struct rn_wire_job {
    uint32_t magic;
    int32_t mode, compare;
    int32_t language; /* index of lang.h's table; -1: Python */
    int32_t oracle;
    bool all_cases;
    bool may_wait; /* it may be set aside */
    bool go_on;    /* the rest of job `id`, which was; nothing follows */
    bool drop;     /* that is not wanted any more; there is no result */
    double atol;
    rn_judge_limits limits; /* every field set */
    uint64_t id;
    uint64_t body_bytes, entry_bytes, program_bytes, given_bytes, n_cases, n_first;
} rn_wire_job;

typedef struct rn_wire_result {
    uint32_t magic;
    bool aside;   /* no result yet: the job has been set aside */
    bool starved; /* the wall-clock limit was reached while waiting for a processor */
    uint64_t id;
    uint64_t text_bytes; /* RECORD, KEYS: of text behind this */
    rn_judge_result result;
    rn_judge_value values[RN_JUDGE_MAX_VALUES]; /* VALUES only */
} rn_wire_result;

/* How long a program may wait for a processor before it is judged again alone: far longer than it
 * takes to meet its limits on a machine with many jobs a core. */
static inline int64_t rn_wire_patience_ns(const rn_judge_limits *l)
{
    const int64_t usual = 5 * l->cpu_ns + INT64_C(5000000000);
    return 20 * (l->wall_ns > usual ? l->wall_ns : usual);
}

/* Appends the message for one job. */
void rn_wire_put_job(rn_buf *out, const rn_judge_job *job, const rn_judge_limits *limits,
                     uint64_t id);

/* Appends the message for the rest of a job that was set aside. */
void rn_wire_put_go_on(rn_buf *out, uint64_t id);
/* ... for its end. */
void rn_wire_put_drop(rn_buf *out, uint64_t id);
/* Appends a message of rn_wire_put_job that may be set aside, or not. */
void rn_wire_put_again(rn_buf *out, rn_bytes message, bool may_wait);

/* Points the parts of `job` into `body` (borrowed). *cases is allocated: the caller frees. A body
 * that contradicts its header is RN_EFORMAT. */
int rn_wire_get_job(const rn_wire_job *head, rn_bytes body, rn_judge_job *job,
                    rn_judge_case **cases, rn_err *err);

/* Whole messages on a blocking descriptor: 0, or RN_EIO at an error, RN_ETRUNCATED at the end. */
int rn_wire_read(int fd, void *data, size_t len);
int rn_wire_write(int fd, const void *data, size_t len);

/* How the detail of a sandbox failure begins when the program never ran: whatever follows, it is
 * not the program's doing. */
#define RN_NOT_STARTED "forking a judged program"

#endif
