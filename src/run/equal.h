/*
 * equal.h: programs of a batch that do the same although their texts differ: in comments, layout
 * and docstrings. One of them stands for all.
 *
 * Whose texts differ in nothing else is read here (rank/layout.h), which says only who is worth
 * asking about. Whether they do the same is found by the judge's hosts from the compiled code
 * (RN_JUDGE_KEYS), and where that is not certain each is run by itself. So a verdict does not
 * depend on whether programs were compared.
 */
#ifndef RN_RUN_EQUAL_H
#define RN_RUN_EQUAL_H

#include "run/program.h"

typedef struct rn_equal_program {
    rn_bytes text;  /* borrowed until rn_equals_clear */
    uint32_t group; /* of programs that are alike: index of the first */
    uint32_t next;  /* further one of the group; UINT32_MAX: none */
    uint32_t twin;  /* further one that this stands for; UINT32_MAX: none */
    uint32_t n;     /* of a group's first: its programs without an answer yet */
    bool asked, known, has_key, stood_for;
    uint8_t key[RN_SHA256_BYTES];
} rn_equal_program;

typedef struct rn_equals {
    RN_VEC(rn_equal_program) all;
    rn_programs layouts;
    RN_VEC(uint32_t) ask, firsts; /* whose keys are asked for, in this order; by layout */
    size_t n_asked;
    rn_judge_case *cases; /* of the job given out last */
    rn_buf layout;
} rn_equals;

enum { RN_EQUALS_TAG_BIT = 63 }; /* set in the tags of rn_equals_job, in no other */

/* Whether tests in this text leave it open how a program's text looks: none of their words can lead
 * to comments, docstrings or line numbers. NULL: true. */
bool rn_equals_blind(const char *tests);

/* The next program; `alone`: it is not to be compared. False when memory is out. */
bool rn_equals_add(rn_equals *e, uint64_t group, rn_bytes text, bool alone);
/* After the last one. False when memory is out. */
bool rn_equals_ready(rn_equals *e);
void rn_equals_clear(rn_equals *e); /* keeps its memory */
void rn_equals_free(rn_equals *e);

/* Fills a job that has to be run before program `at` and those behind it can be told apart: true.
 * Its bytes stay until the next call. */
bool rn_equals_job(rn_equals *e, size_t at, rn_judge_job *job, uint64_t *tag);
/* Its result. */
void rn_equals_take(rn_equals *e, uint64_t tag, const rn_judge_result *r, rn_bytes text);

typedef enum rn_equals_state { RN_EQUALS_WAIT, RN_EQUALS_RUN, RN_EQUALS_STOOD_FOR } rn_equals_state;
/* What becomes of program i, asked in rising order. After RN_EQUALS_RUN its twins are known: the
 * list that begins at all.data[i].twin. */
rn_equals_state rn_equals_settle(rn_equals *e, size_t i);

#endif
