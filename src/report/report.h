/*
 * report.h: from recorded outcomes or published curves to curves, budgets and decisions.
 *
 * Three rooms. Load: rn_report_add_store, rn_report_add_published bring counts, rn_report_price
 * their costs. Compute: rn_report_compute and plans.h make curves, leaders and typed rows (rows.h)
 * of them. Render: views.h, render.h, page.h and figure.h write these and compute nothing.
 *
 * A task is a problem set; an entrant is one model on it with one way of sampling. Budgets are per
 * problem, in FLOPs, seconds or dollars (rn_unit). What cannot be computed is NAN, and `why` says
 * in a sentence what is missing and how to give it; nothing is guessed. All strings and arrays
 * belong to the report's arena and are borrowed until rn_report_free.
 */
#ifndef RN_REPORT_REPORT_H
#define RN_REPORT_REPORT_H

#include "cost/cost.h"
#include "report/rows.h"
#include "stat/agree.h"
#include "stat/votes.h"
#include "stat/boot.h"
#include "stat/budget.h"
#include "stat/extrapolate.h"
#include "stat/pass.h"
#include "stat/rankscore.h"

/* What a FLOPs budget counts. */
typedef enum rn_flop_basis {
    RN_FLOP_STUDY, /* per sample: one pass over 128 tokens */
    RN_FLOP_EXACT, /* prompt once, generated tokens at their true length */
} rn_flop_basis;

/* How often dollars by the token pay for the prompt. */
typedef enum rn_prompt_paid {
    RN_PROMPT_CACHED, /* with each sample, after the first at the cached price if there is one */
    RN_PROMPT_ONCE,   /* once per problem: all samples of one request */
    RN_PROMPT_EACH,   /* with each sample, at the full price */
} rn_prompt_paid;
#define RN_PROMPT_NAMES          \
    {                            \
        "cached", "once", "each" \
    }

typedef struct rn_report_opts {
    int64_t n_resamples; /* of the bootstrap over problems */
    uint64_t seed;       /* of the bootstrap */
    double level;        /* of the intervals, e.g. 0.95 */
    rn_missing missing;  /* what a sample without a verdict counts as */
    rn_flop_basis basis;
    bool interpolate;  /* published curves: between their points, linear in log k */
    const int64_t *ks; /* [n_ks], increasing; n_ks 0: powers of two and the last robust k */
    size_t n_ks;
    const double *budgets; /* [n_budgets], increasing, in samples of the cheapest model; 0: powers
                              of two */
    size_t n_budgets;
    bool untested;        /* stopping without tests is asked for */
    const char *fallback; /* the model of `untested` whose greedy answer stands in; NULL: the most
                             expensive */
    int64_t extrapolate;  /* pass@k beyond the samples up to this k; 0: no */
    double reach;         /* a score to reach, as a fraction; NAN: none */
    const char *profile;  /* wall-times; NULL: none */
    const char *compare_a, *compare_b; /* two models to put side by side; NULL: none */
    rn_prompt_paid prompt;
    double prompt_tok; /* mean prompt length where samples do not record theirs; NAN: unknown */
} rn_report_opts;

/* A point of a curve. `robust` is false above floor(n/2). */
typedef struct rn_point {
    int64_t k;
    double value, lo, hi;
    bool robust;
} rn_point;

/* Sums over the samples whose prompt and generated tokens are both known; g is the number of tokens
 * that are fed back, gen_tok - 1. */
typedef struct rn_tokens {
    int64_t n_gen, n_both; /* samples with generated tokens, with both */
    double gen, prompt;    /* sums over n_gen, n_both samples */
    double prompt2;        /* over n_both: of the squared prompt tokens */
    double g, g2;          /* over n_gen: of g, g^2 */
    double gp;             /* over n_both: of g * prompt tokens */
} rn_tokens;

typedef struct rn_greedy {
    int64_t n;            /* problems with a judged greedy answer; 0: none */
    double value, lo, hi; /* Wilson's interval */
} rn_greedy;

/* An entrant at a budget. k = 0: affords no sample. value NAN with k > 0: no robust estimate. */
typedef struct rn_cell {
    int64_t k;
    double value, lo, hi;
} rn_cell;

/* What ranking costs beside the samples themselves. */
typedef struct rn_rank_cost {
    bool known;
    double shared, per_sample; /* of a problem's prompt; of each sample drawn, in the mean */
    rn_kcost total;            /* k samples with their ranking; if the samples are priced too */
    const char *from, *why;    /* a phrase: where it is known from, or why it is not */
} rn_rank_cost;

/* A ranker at one budget of its axis. The bounds stand at the k of `unpaid`. */
typedef struct rn_rank_row {
    rn_cell paid, unpaid;   /* ranking charged; left out, as in the study */
    double random, perfect; /* choosing blindly; always a passing sample if there is one */
} rn_rank_row;

/* A ranker's scores of an entrant's samples, and rank-score@k from them. Samples cut by the token
 * limit are drawn and paid for, but neither scored nor ever chosen. */
typedef struct rn_ranking {
    const char *name;
    bool lower_is_better;
    const rn_ranked *problems; /* [task->n_problems]; n = 0: nothing scored */
    const rn_agreed *agreed;   /* the same samples with their groups, where scores come from the
                                  samples drawn; NULL: each score stands for itself */
    const rn_votes *votes;  /* the same samples with their votes: the ranker `examples`; or NULL */
    int64_t n_examples;     /* votes: examples that tell a value, all problems together */
    int64_t n_unseen;       /* those of them that no test repeats */
    size_t n_problems_used; /* problems in `points` */
    int64_t n_drawn, n_scored; /* samples in `problems`, those of them that are not cut */
    /* Of scores that tell what they cost: how many, and the sum, by RN_UNIT_FLOP, _TIME. */
    int64_t n_recorded[RN_N_UNITS];
    double recorded[RN_N_UNITS];
    int64_t n_judged, n_runs; /* scores that needed programs to run; executions, 0: none needed */
    double judge_cpu_s;       /* CPU seconds of these executions */
    rn_rank_cost cost[RN_N_UNITS];  /* RN_UNIT_FLOP, _TIME */
    const rn_point *points;         /* [n_points] */
    const double *random, *perfect; /* [n_points]: the bounds at the same k */
    size_t n_points;
    const rn_rank_row *rows[RN_N_UNITS]; /* at the budgets of task->axis; NULL: none */
} rn_ranking;

/* What a question left of a run (ruled.h): pass@1 .. pass@k of each problem, without bias. */
typedef struct rn_ruled {
    const char *question;
    const rn_count *counts; /* [task->n_problems]: what its rule took; n = 0: nothing */
    const double *rows;     /* [task->n_problems, k] */
    int64_t k, n_taken;     /* n_taken: sum of counts */
} rn_ruled;

typedef struct rn_entrant {
    const char *model;             /* as stored; unique within the task */
    const char *base_name;         /* the model's own name, without a run's number */
    int64_t model_id;              /* in the store; 0: published */
    int64_t run_id, greedy_run_id; /* in the store; 0: none */
    bool sampled;                  /* the store has its samples, not only counts */
    const char *cost_name;         /* entry that the store or the user names; "" none */
    const char *preset, *settings; /* "" unknown */
    const char *protocol;          /* newest: JSON of what the verdicts depend on; "" unknown */
    int n_protocols;               /* more than one: verdicts of several protocols meet */
    const rn_count *counts;        /* [task->n_problems]; NULL: published curve */
    /* Where a question decided how many samples a problem has: counts of the first samples of each
     * problem, the same number of all; else NULL, and NULL. */
    const rn_count *base;
    const rn_ruled *ruled;
    const int64_t *published_k; /* [n_published], increasing */
    const double *published;    /* [n_published], fractions */
    size_t n_published;
    int64_t n; /* most samples of a problem */
    rn_greedy greedy;
    const double
        *solved; /* [task->n_problems]: its greedy answers, NAN where there is none; NULL */
    rn_tokens tokens, tokens_passed; /* of all samples, of those that passed */
    int64_t verdicts[RN_N_VERDICTS], n_unjudged;
    int64_t n_no_code;    /* samples in which the extractor found no code; they failed */
    rn_ranking *rankings; /* [n_rankings] */
    size_t n_rankings;

    const rn_cost *cost;       /* borrowed from the book; NULL unknown */
    rn_kcost axis[RN_N_UNITS]; /* cost of k samples of one problem */
    bool priced[RN_N_UNITS];
    const char *why[RN_N_UNITS]; /* why not */
    bool measured;               /* seconds come from a profile in the store */
    double exact_shared, exact_sample,
        two_n; /* FLOPs: prompt, each sample, 2N on all tokens; NAN */

    rn_coverage cov;
    int64_t k_max;          /* last robust k */
    int64_t n_cols;         /* columns of `table`: k_max, or more where --k asks for it */
    const double *table;    /* [cov.n_used, n_cols]: pass@k per problem; NULL: published */
    const uint8_t *keep;    /* [n_problems]: its rows */
    const rn_count *eff;    /* [n_problems]: effective counts */
    const rn_point *points; /* [n_points] */
    size_t n_points;
    const rn_point *beyond; /* [n_beyond]: extrapolated, from the last robust k on */
    size_t n_beyond;
    rn_extra_about beyond_about;
} rn_entrant;

/* All entrants at one budget; `best` and `second` index the task's entrants, -1 none. */
typedef struct rn_budget_row {
    double budget, norm;           /* absolute; in samples of the cheapest entrant */
    const rn_cell *cells;          /* [n_entrants] */
    int best, second;              /* -1: nobody leads, or there is no other */
    double diff, diff_lo, diff_hi; /* best - second, paired by problem where possible */
    double p_lead; /* of best; published: 1 if no interpolation could change it, else
                                      NAN */
    bool complete; /* every entrant that affords a sample has an estimate; else nobody leads */
} rn_budget_row;

/* Two entrants' crossover on an axis, the cheaper one first. */
typedef struct rn_cross {
    int a, b;
    double from, to; /* budgets that were looked at: both afford a sample, both have estimates */
    rn_crossover at;
} rn_cross;

typedef struct rn_reach_row {
    int64_t k;                 /* 0: never within its robust curve */
    double k_lo, k_hi;         /* of the bootstrap; published: NAN */
    double budget[RN_N_UNITS]; /* cost of k; NAN unpriced */
    double best;               /* the highest value of the curve */
} rn_reach_row;

/* The best pair of generator and ranker at one budget, ranking charged, among the generators whose
 * samples cost less than the yardstick's. */
typedef struct rn_rank_best {
    double budget, norm;
    int entrant, ranking;   /* of the task, of the entrant; -1: no pair affords a ranked sample */
    rn_cell cell;           /* its rank-score with ranking charged */
    double below;           /* the yardstick's greedy score less the cell's */
    bool greedy_affordable; /* the budget buys one sample of the yardstick */
} rn_rank_best;

typedef struct rn_report_axis {
    bool any; /* at least one entrant is priced */
    int unit; /* the entrant whose sample is the unit of normalised budgets */
    const rn_budget_row *rows;
    size_t n_rows;
    const rn_cross *crossings;
    size_t n_crossings;
    int yardstick;              /* the dearest entrant that has a greedy answer; -1 none */
    const rn_rank_best *ranked; /* [n_ranked], at the budgets of rows; 0: nothing is ranked */
    size_t n_ranked;
} rn_report_axis;

/* What a comparison on one axis comes to: computed once (finding.c), shown alike by terminal, page,
 * demo and JSON. The budget is the first that buys a sample of every model and at which all have
 * estimates; else the last at which somebody leads. */
typedef struct rn_finding {
    bool any;
    const rn_budget_row *row; /* that budget */
    int winner, other;        /* entrants: the leader, or the better one of a tie; the second */
    bool all;                 /* the budget buys a sample of every priced model */
    /* Sentences, "" where there is nothing to say: who wins; the margin with its interval; how sure
     * that is; who leads at which budgets; what would make it surer; all but the last in one. */
    const char *wins, *margin, *p_lead, *budgets, *surer, *sentence;
    const char *ranked, *reach; /* without tests; what the score to reach costs */
} rn_finding;

typedef struct rn_report_task {
    const char *name, *hash;
    const char *source; /* where published tables come from; NULL: a store */
    const char *store;  /* path of the store that the runs are in; NULL: published */
    int64_t set_id;     /* in that store */
    const char *set;    /* the set's name there; `name` may add which tests */
    size_t n_problems;  /* 0: published only */
    const char *const *task_ids;
    rn_entrant *entrants;
    size_t n_entrants;
    const uint8_t *common; /* [n_problems]: problems that every sampled entrant has */
    size_t n_common;
    rn_boot *boot; /* over the common problems; NULL: published only */
    rn_report_axis axis[RN_N_UNITS];
    const rn_reach_row *reach; /* [n_entrants]; NULL unless asked for */
    const rn_finding *finding; /* [RN_N_UNITS]; NULL before rn_report_compute */
    int pair_a, pair_b;        /* the entrants that --compare names; -1 none */
    /* Typed rows, empty where there is nothing: the differences of the pair, by axis and, last,
     * by k; early stopping; one total budget; cascades of two, both on plan_axis; stopping without
     * tests. */
    rn_rows pairs[RN_N_UNITS + 1], stopping, reallocation, cascades, untested;
    rn_unit plan_axis; /* RN_N_UNITS: nobody is priced */
} rn_report_task;

/* A profile that `ration profile` left in the store. */
typedef struct rn_measured {
    int64_t model_id;
    const char *model, *hardware;
    double s_per_sample;
} rn_measured;

typedef struct rn_report {
    rn_arena arena;
    rn_report_opts opts;
    rn_report_task *tasks;
    size_t n_tasks;
    const char **notes; /* what is missing, one sentence each */
    size_t n_notes;
    /* " --cost-file p.txt --profile x": how another command prices the same; NULL: it cannot,
     * since the report is of chosen problems, or priced as only a report can. */
    const char *repriced;
    bool set_chosen;    /* the store may have other sets than those of `tasks` */
    rn_cost_book *book; /* owned */
    rn_measured *measured;
    size_t n_measured;
} rn_report;

rn_report *rn_report_new(const rn_report_opts *opts); /* NULL: out of memory; rn_report_free */
void rn_report_free(rn_report *r);
rn_report_opts rn_report_defaults(void);

/* Adds what a store holds: every run, or those of one set and of some models. Profiles in it are
 * known under their hardware's name. RN_ENOTFOUND when nothing is there. */
typedef struct rn_report_filter {
    const char *task;          /* set name; NULL: all */
    const char *const *models; /* [n_models]; 0: all */
    size_t n_models;
    bool loose;                  /* a name that the store lacks is none of it, not an error */
    const char *const *problems; /* [n_problems] ids; 0: all */
    size_t n_problems;
} rn_report_filter;
int rn_report_add_store(rn_report *r, const char *path, const rn_report_filter *filter,
                        rn_err *err);

/* Adds the published tables of a CSV file (data/published/hassid2024.csv; columns task, model, n,
 * k, pass; its head comment gives the source). `task` NULL: all of them. */
int rn_report_add_published(rn_report *r, const char *path, const rn_report_filter *filter,
                            rn_err *err);

/* Entry by entrant: the user's MODEL=ENTRY, then the store's, then the model's own name. `profile`
 * of the options gives seconds; where it names none, it becomes the hardware on which most of the
 * models were measured by a profile in the store. Fills cost, axis, priced, why. */
typedef struct rn_price_map {
    const char *model, *entry;
} rn_price_map;
int rn_report_price(rn_report *r, const rn_price_map *map, size_t n_map, rn_err *err);

/* Curves, budgets, leaders, crossovers, reach, early stopping, reallocation, cascades. */
int rn_report_compute(rn_report *r, rn_err *err);

/* What an output may be limited to; the first ones are the names of series. */
#define RN_REPORT_METRICS(X)           \
    X(PASS_K, "pass@k")                \
    X(PASS_FLOP, "pass_flops@f")       \
    X(PASS_TIME, "pass_time@t")        \
    X(PASS_USD, "pass_usd@u")          \
    X(RANK_K, "rank-score@k")          \
    X(RANK_FLOP, "rank-score_flops@f") \
    X(RANK_TIME, "rank-score_time@t")  \
    X(RANKERS, "rankers")              \
    X(REACH, "reach")                  \
    X(EXTRAPOLATED, "extrapolated@k")  \
    X(COMPARE, "compare")              \
    X(SAMPLES, "samples")              \
    X(COST, "cost")                    \
    X(STOPPING, "stopping")            \
    X(REALLOCATION, "reallocation")    \
    X(CASCADE, "cascade")              \
    X(UNTESTED, "untested")
#define RN_REPORT_METRIC_ENUM(name, text) RN_METRIC_##name,
typedef enum rn_metric { RN_REPORT_METRICS(RN_REPORT_METRIC_ENUM) RN_N_METRICS } rn_metric;
#undef RN_REPORT_METRIC_ENUM
const char *rn_report_metric_name(rn_metric m); /* static */
/* The set with this one added; false if there is no metric of that name. */
int rn_report_metric_add(uint32_t *set, const char *name, rn_err *err);
static inline bool rn_report_has(uint32_t set, rn_metric m)
{
    return set >> m & 1;
}
#define RN_METRICS_ALL ((UINT32_C(1) << RN_N_METRICS) - 1)

/* Appends pass@k by group of problems (o->by), in the options' format; ks [n_ks], 0: the usual. */
int rn_report_by_group(const rn_report *r, const rn_report_options *o, const int64_t *ks,
                       size_t n_ks, rn_buf *text, rn_err *err);

#endif
