/*
 * trial.h: the distinct programs of a problem, run on inputs made from what its text shows, and
 * what they gave as votes (stat/votes.h). `rank` and `solve` choose by the same trial.
 */
#ifndef RN_RUN_TRIAL_H
#define RN_RUN_TRIAL_H

#include "judge/judge.h"
#include "rank/inputs.h"
#include "run/stage.h"
#include "task/task.h"

/* How many inputs of each sort; together at most RN_JUDGE_MAX_VALUES. */
typedef struct rn_trial_plan {
    size_t max_examples, n_mutants, n_pooled, n_borders, max_total;
    uint64_t seed;
    bool stdio; /* programs that read standard input run on the text's sample blocks, each a
                   process of its own; they have no votes, only examples passed */
} rn_trial_plan;
extern const rn_trial_plan rn_trial_examples; /* of the ranker `examples` */

/* What the programs are tried on. */
typedef struct rn_trial {
    rn_inputs in; /* n = 0: the text shows nothing to try them on */
    bool *known;  /* [in.n_examples]: the text tells the value */
    bool *unseen; /* [in.n_examples]: known, and no test of the problem calls it so */
    uint32_t n_known, n_unseen;
    rn_judge_case *cases; /* [in.n] */
} rn_trial;

/* All in `a`. The text is all that a prompt shows: question, starter code, asserts of MBPP. */
int rn_trial_make(const rn_problem *p, const rn_trial_plan *plan, rn_arena *a, rn_trial *out,
                  rn_err *err);

typedef struct rn_trial_program {
    rn_bytes text;                /* source; borrowed */
    bool known;                   /* out: it was tried; false: the sandbox failed */
    const rn_judge_value *values; /* out: [in.n] in the arena */
    int64_t cpu_ns, wall_ns;      /* out */
} rn_trial_program;

/* The parts of a trial, for who runs programs as they come: the job that tries one (it borrows text
 * and trial until it is done; CPU seconds of an input: rn_trial_cpu_ns), what it gave, and how many
 * examples that tell a value it passes. */
extern const int64_t rn_trial_cpu_ns;
void rn_trial_job(const rn_problem *p, const rn_trial *t, rn_bytes program, rn_judge_job *job);
int rn_trial_take(const rn_trial *t, const rn_judge *judge, const rn_judge_result *r, rn_arena *a,
                  rn_trial_program *out, rn_err *err);
uint32_t rn_trial_right(const rn_trial *t, const rn_trial_program *x, bool unseen);

typedef struct rn_trial_io {
    rn_judge *judge; /* borrowed */
    int64_t cpu_ns;  /* limit of one input; 0: the judge's */
    const rn_watch *watch;
} rn_trial_io;

/* Tries every program that is not known yet. RN_ECANCELLED when it is time to stop. */
int rn_trial_run(const rn_problem *p, const rn_trial *t, rn_trial_program *list, size_t n,
                 const rn_trial_io *io, rn_arena *a, rn_err *err);

/* The votes of programs, and the scores of the samples that they are of; all in an arena. */
typedef struct rn_ballot {
    uint16_t *value;  /* [n, in.n]: by input the number of the value in order of its first program,
                        0 for none */
    uint32_t *right;  /* [n]: examples passed */
    uint32_t *unseen; /* [n]: of them those that no test repeats */
    double *score;    /* [n_samples]: rn_stat_votes_score; 0: no vote */
} rn_ballot;

/* program [n_samples]: the place in the list of each sample's program; SIZE_MAX: it has no vote. */
int rn_trial_vote(const rn_trial *t, const rn_trial_program *list, size_t n, const size_t *program,
                  size_t n_samples, rn_arena *a, rn_ballot *out, rn_err *err);

#endif
