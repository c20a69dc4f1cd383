/*
 * program.h: from a model's raw answer to what the judge runs: the extractor that holds for a run,
 * the program, the tests as a job, equal programs as one, and the pump that brings all of it
 * through the judge.
 *
 * The one rule for the extractor, wherever a program is made: the one that was asked for, else
 * that of the run's settings, else that of its preset, else raw/1. Runs of `ration solve` have no
 * preset that anybody chose: an answer of theirs may be a message with fences, which auto tells.
 */
#ifndef RN_RUN_PROGRAM_H
#define RN_RUN_PROGRAM_H

#include "base/hash.h"
#include "judge/judge.h"
#include "store/store.h"
#include "task/prompt.h"

/* How the answers of a run become programs. */
typedef struct rn_recipe {
    const rn_preset *preset; /* whose stop strings hold; NULL: those of the problem's form */
    char extractor[64];      /* never empty */
    bool uncalibrated;       /* what a problem's calibration puts first is left out */
} rn_recipe;

/* given: what the user named, or NULL. preset, settings: of the run; settings is a JSON object. */
rn_recipe rn_recipe_of(const char *given, const char *preset, const char *settings);

/* Appends the source that the judge runs before the tests. `code` is scratch, and holds the code
 * alone afterwards. *found (may be NULL): the answer holds code. */
int rn_recipe_program(const rn_recipe *r, const rn_problem *p, rn_bytes answer, rn_buf *code,
                      rn_buf *source, bool *found, rn_err *err);

/* Fills mode, entry and cases of *job for problem p; what they point to is in `a`, or the
 * problem's own. RN_ENOMEM. */
int rn_tests_job(const rn_problem *p, rn_arena *a, rn_judge_job *job, rn_err *err);

/* Each call's limit of evalplus' forms: what the reference took, times the first; at least the
 * second. */
#define RN_CALL_FACTOR  4.0
#define RN_CALL_FLOOR_S 4.0

/* The official CPU limit in seconds: 3 a program for HumanEval and MBPP, 4 a case for APPS, more
 * where the problem itself states more; 0 for evalplus' calls, each of which has its own. */
double rn_tests_cpu_s(const rn_problem *p);
/* Whether the tests are statements in one program, which the CPU limit holds for as a whole. */
bool rn_tests_are_script(const rn_problem *p);

/* "base+extra" where a set's own tests and evalplus' extra ones are judged together; else NULL. */
const char *rn_tests_extent(const rn_problem *p);
/* How outputs of cases are compared, as protocols name it. */
const char *rn_tests_compare(const rn_problem *p, bool strict);

/* ---- equal programs -------------------------------------------------------------------------- */

typedef struct rn_program_key {
    uint8_t sha[RN_SHA256_BYTES];
    uint64_t group; /* programs of different groups (problems) are never the same */
} rn_program_key;

/* Distinct programs in the order in which they came: an index for each, by hash. */
typedef struct rn_programs {
    RN_VEC(rn_program_key) keys;
    uint32_t *table; /* [n_table], a power of two: index + 1; 0 empty */
    size_t n_table;
} rn_programs;

/* The index of this program, *is_new if it was not there; SIZE_MAX when memory is out. */
size_t rn_programs_add(rn_programs *s, uint64_t group, const uint8_t sha[RN_SHA256_BYTES],
                       bool *is_new);
void rn_programs_clear(rn_programs *s); /* keeps its memory */
void rn_programs_free(rn_programs *s);

/* ---- the pump -------------------------------------------------------------------------------- */

/* Programs into the judge, results out: the one loop that submits until the judge is busy and waits
 * for what comes back. Who has more to run when a result is known (a further reference, a program
 * that was put off) gives it out at the next call of `next`. */
typedef struct rn_pump {
    rn_judge *judge; /* borrowed */
    /* Fills *job, whose bytes stay until the next call, and *tag: 1. Nothing to run now: 0. */
    int (*next)(void *user, rn_judge_job *job, uint64_t *tag, rn_err *err);
    /* A result; rn_judge_values are its own. 0, or an error that ends the pump. */
    int (*done)(void *user, uint64_t tag, const rn_judge_result *r, rn_err *err);
    /* After each turn, at least every 200 ms; NULL: nothing. An error ends the pump. */
    int (*tick)(void *user, rn_err *err);
    void *user;
    /* of the pump */
    rn_judge_job held; /* given out by `next`, while the judge was busy */
    uint64_t held_tag;
    bool holds;
} rn_pump;

/* Submits what fits, waits up to timeout_ms for a result and takes all that are there. */
int rn_pump_turn(rn_pump *p, int timeout_ms, rn_err *err);
/* Turns until nothing is left to run and everything has come back. */
int rn_pump_run(rn_pump *p, rn_err *err);

/* A result as it is stored, but for whose it is and under which protocol; detail is borrowed. */
static inline rn_store_verdict rn_verdict_row(const rn_judge_result *r)
{
    return (rn_store_verdict){.verdict = r->verdict,
                              .n_tests = r->n_cases,
                              .n_passed = r->n_passed,
                              .failed_test = r->failed_case,
                              .cpu_ns = r->cpu_ns,
                              .wall_ns = r->wall_ns,
                              .peak_bytes = r->peak_bytes,
                              .detail = r->detail};
}

#endif
