/*
 * rank_consensus.c: the rankers `examples`, `consensus` and `tests`: scores by what executed
 * programs give.
 *
 * Samples become programs as for judging, those that differ in layout alone once; each program is
 * called on the problem's inputs in the sandbox (trial.h); then votes or groups are counted. What
 * an execution cost is divided among the samples that share the program. A score depends on all
 * samples of its problem.
 */
#include "run/identity.h"
#include "run/rank_priv.h"
#include "run/test_writer.h"
#include "run/trial.h"

#include "rank/consensus.h"
#include "rank/layout.h"
#include "stat/votes.h"

enum { N_INPUTS = 32, MEMORY_BYTES = 512 << 20 };
/* CPU seconds of one input. Consensus keeps the value of 0.1.0, which names its scores. */
static const double examples_cpu_s = 0.1, consensus_cpu_s = 0.5;

typedef struct consensus {
    bool examples;
    rn_agree rule;
    rn_trial_plan plan;
    rn_judge *judge;
    rn_test_writer *writer; /* of `tests`; NULL */
    rn_programs distinct;   /* of the problem at work, by layout key */
    rn_buf key;
} consensus;

/* The problem at work. Arrays are in its arena. */
typedef struct trial {
    rn_trial t;
    rn_trial_program *tried; /* [n] */
    int64_t *n_samples;      /* [n] */
    bool *paid;              /* [n] a score carries what running it cost */
    size_t n;
    size_t *program; /* [items.n] of each sample */
} trial;

/* ---- opening --------------------------------------------------------------------------------- */

static int open_judge(rn_ranking *k, double cpu_s, rn_err *err)
{
    const rn_rank_options *o = k->o;
    consensus *c = k->own;
    const rn_judge_opts jo = {
        .jobs = o->jobs,
        .allow_weak = o->allow_weak != 0,
        .limits = {.cpu_ns = (int64_t)(cpu_s * 1e9), .memory_bytes = MEMORY_BYTES}};
    return rn_judge_open(&jo, &c->judge, err);
}

static consensus *make(rn_ranking *k, rn_err *err)
{
    k->own = calloc(1, sizeof(consensus));
    if (!k->own) rn_nomem(err, NULL);
    return k->own;
}

static int open_consensus(rn_ranking *k, rn_err *err)
{
    const rn_rank_options *o = k->o;
    const int64_t inputs = o->inputs ? o->inputs : N_INPUTS;
    const double cpu_s = o->cpu_s > 0 ? o->cpu_s : consensus_cpu_s;
    consensus *c = make(k, err);
    if (!c) return RN_ENOMEM;
    c->plan = (rn_trial_plan){.max_examples = (size_t)inputs,
                              .n_mutants = (size_t)inputs,
                              .max_total = (size_t)inputs,
                              .seed = (uint64_t)o->seed};
    int rc = rn_agree_parse(o->agree ? o->agree : "mbr", &c->rule, err);
    if (!rc) rc = open_judge(k, cpu_s, err);
    if (rc) return rc;
    const bool codet = c->rule == RN_AGREE_CODET;
    const rn_ranker_identity r = {.by = "consensus",
                                  .agree = rn_agree_name(c->rule),
                                  .examples = codet ? "inputs and values" : "inputs",
                                  .inputs = {inputs},
                                  .n_inputs = 1,
                                  .seed = o->seed,
                                  .cpu_s = cpu_s,
                                  .memory_mib = MEMORY_BYTES >> 20,
                                  .python = rn_judge_python(c->judge),
                                  .extractor = o->extractor};
    /* The values that examples tell are tests of a kind: the name says when they were used. */
    const char *name = codet ? "consensus:codet+examples" : "consensus:mbr";
    return rn_ranking_put_ranker(k, name, &r, err);
}

static int open_examples(rn_ranking *k, rn_err *err)
{
    enum { READER = 3 }; /* the version of what finds examples and makes inputs from them */
    const rn_rank_options *o = k->o;
    const double cpu_s = o->cpu_s > 0 ? o->cpu_s : examples_cpu_s;
    consensus *c = make(k, err);
    if (!c) return RN_ENOMEM;
    c->examples = true;
    c->plan = rn_trial_examples;
    c->plan.seed = (uint64_t)o->seed;
    int rc = open_judge(k, cpu_s, err);
    if (rc) return rc;
    const rn_trial_plan *p = &c->plan;
    const rn_ranker_identity r = {.by = "examples",
                                  .reader = READER,
                                  .inputs = {(int64_t)p->max_examples, (int64_t)p->n_mutants,
                                             (int64_t)p->n_pooled, (int64_t)p->n_borders},
                                  .n_inputs = 4,
                                  .seed = o->seed,
                                  .cpu_s = cpu_s,
                                  .memory_mib = MEMORY_BYTES >> 20,
                                  .python = rn_judge_python(c->judge),
                                  .extractor = o->extractor};
    return rn_ranking_put_ranker(k, "examples", &r, err);
}

/* CodeT: groups that pass the same of a model's tests, by samples times tests passed. */
static int open_tests(rn_ranking *k, rn_err *err)
{
    const rn_rank_options *o = k->o;
    const double cpu_s = o->cpu_s > 0 ? o->cpu_s : examples_cpu_s;
    consensus *c = make(k, err);
    if (!c) return RN_ENOMEM;
    c->rule = RN_AGREE_CODET;
    rn_ranker_identity r = {.by = "tests",
                            .agree = "samples times tests",
                            .inputs = {o->inputs ? o->inputs : RN_TESTS_ANSWERS},
                            .n_inputs = 1,
                            .seed = o->seed,
                            .cpu_s = cpu_s,
                            .memory_mib = MEMORY_BYTES >> 20,
                            .extractor = o->extractor};
    int rc = rn_test_writer_open(k, &c->writer, &r, err);
    if (!rc) rc = open_judge(k, cpu_s, err);
    if (rc) return rc;
    r.python = rn_judge_python(c->judge);
    char name[400];
    snprintf(name, sizeof name, "tests:%s", rn_test_writer_model(c->writer));
    return rn_ranking_put_ranker(k, name, &r, err);
}

static int begin_tests(rn_ranking *k, rn_err *err)
{
    return rn_test_writer_begin(((consensus *)k->own)->writer, k, err);
}

/* ---- one problem ----------------------------------------------------------------------------- */

/* The distinct programs of the items. */
static int list_programs(rn_ranking *k, trial *x, rn_err *err)
{
    consensus *c = k->own;
    rn_arena *a = &k->problem_arena;
    rn_programs_clear(&c->distinct);
    for (size_t i = 0; i < k->items.n; i++) {
        uint8_t sha[RN_SHA256_BYTES];
        bool is_new;
        rn_buf_clear(&k->source);
        rn_buf_clear(&c->key);
        int rc = rn_recipe_program(&k->recipe, k->problem, k->items.data[i].text, &k->code,
                                   &k->source, NULL, err);
        if (rc) return rc;
        rn_bytes text = rn_buf_view(&k->source);
        rn_layout_key(text, &c->key);
        rn_sha256_of(rn_buf_view(&c->key), sha);
        size_t at = rn_programs_add(&c->distinct, 0, sha, &is_new);
        if (at == SIZE_MAX || !rn_buf_ok(&c->key)) return rn_nomem(err, "programs");
        x->program[i] = at;
        x->n_samples[at]++;
        if (!is_new) continue;
        x->n++;
        rn_bytes kept = {rn_arena_dup(a, text.data ? text.data : "", text.len), text.len};
        if (!kept.data) return rn_nomem(err, "programs");
        x->tried[at].text = kept;
    }
    return 0;
}

/* Whether anything is known of a program: those that the sandbox failed on have no vote. */
static bool has_vote(const trial *x, size_t program)
{
    return x->tried[program].known || x->t.in.n == 0;
}

/* Puts the score of an item; *parts gets what running its program cost. */
static int put_score(rn_ranking *k, trial *x, size_t item, double score, rn_store_parts *parts,
                     rn_err *err)
{
    const size_t at = x->program[item];
    const bool asked = ((const consensus *)k->own)->writer != NULL;
    parts->cpu_ns = x->tried[at].cpu_ns / x->n_samples[at];
    parts->n_runs = x->t.in.n > 0 && !x->paid[at];
    x->paid[at] = true;
    const rn_store_score s = {.sample_id = k->items.data[item].sample_id,
                              .ranker_id = k->ranker_id,
                              .score = score,
                              .sum = NAN,
                              .n_tok = -1,
                              /* What a model's tests cost is not known here: nor is the sum. */
                              .wall_ns = asked ? -1 : x->tried[at].wall_ns / x->n_samples[at],
                              .flop = asked ? -1 : 0,
                              .parts = parts};
    return rn_ranking_put_score(k, &s, err);
}

/* ---- consensus: groups of equal outcomes ---------------------------------------------------- */

/* What a program gives, as bytes: values, or which tests of a model it passes. */
static rn_bytes outcomes_of(rn_judge_value *values, size_t n, bool tests)
{
    if (!tests) {
        for (size_t j = 0; j < n; j++)
            values[j].agrees = 0; /* no part of the outcome */
        return (rn_bytes){(const char *)values, n * sizeof *values};
    }
    char *passed = (char *)values; /* the values themselves are needed no more */
    for (size_t j = 0; j < n; j++)
        passed[j] = values[j].agrees != 0;
    return (rn_bytes){passed, n};
}

/* The problem's programs as voters. */
static rn_voter *make_voters(rn_ranking *k, const trial *x)
{
    const size_t n_inputs = x->t.in.n;
    rn_voter *v = rn_arena_array(&k->problem_arena, x->n + 1, sizeof *v);
    for (size_t i = 0; v && i < x->n; i++) {
        v[i].n_samples = has_vote(x, i) ? x->n_samples[i] : 0;
        rn_judge_value *values = (rn_judge_value *)(uintptr_t)x->tried[i].values;
        if (!values) continue;
        for (size_t j = 0; j < n_inputs; j++) {
            v[i].has_value |= values[j].kind == RN_VALUE_DATA;
            v[i].n_right += values[j].agrees;
        }
        v[i].outcomes = outcomes_of(values, n_inputs, ((const consensus *)k->own)->writer != NULL);
    }
    return v;
}

static int score_groups(rn_ranking *k, trial *x, rn_err *err)
{
    const consensus *c = k->own;
    rn_voter *v = make_voters(k, x);
    if (!v) return rn_nomem(err, "groups");
    int rc = rn_consensus_score(v, x->n, c->rule, x->t.n_known > 0, err);
    if (c->writer) k->out->n_examples += x->t.n_known;
    for (size_t i = 0; i < k->items.n && !rc; i++) {
        size_t at = x->program[i];
        if (!has_vote(x, at)) {
            k->out->n_failed++;
            continue;
        }
        rn_store_parts parts = {.part = v[at].weight, .group = v[at].group};
        rc = put_score(k, x, i, v[at].score, &parts, err);
    }
    return rc;
}

/* ---- examples: votes by input --------------------------------------------------------------- */

/* blob: the arena's, for what is stored of one sample. */
static int put_vote(rn_ranking *k, trial *x, const rn_ballot *b, size_t item, uint16_t *blob,
                    rn_err *err)
{
    const size_t m = x->t.in.n, at = x->program[item];
    blob[RN_VOTES_KNOWN] = (uint16_t)x->t.n_known;
    blob[RN_VOTES_UNSEEN] = (uint16_t)x->t.n_unseen;
    blob[RN_VOTES_RIGHT_UNSEEN] = (uint16_t)b->unseen[at];
    if (m) memcpy(blob + RN_VOTES_HEAD, b->value + at * m, m * sizeof *blob);
    rn_store_parts parts = {.part = b->right[at],
                            .votes = {(const char *)blob, (RN_VOTES_HEAD + m) * sizeof *blob}};
    return put_score(k, x, item, b->score[item], &parts, err);
}

static int score_votes(rn_ranking *k, trial *x, rn_err *err)
{
    const size_t n = k->items.n;
    rn_arena *a = &k->problem_arena;
    size_t *voter = rn_arena_array(a, n, sizeof *voter);
    uint16_t *blob = rn_arena_array(a, RN_VOTES_HEAD + x->t.in.n, sizeof *blob);
    rn_ballot b;
    if (!voter || !blob) return rn_nomem(err, "votes");
    for (size_t i = 0; i < n; i++) {
        voter[i] = has_vote(x, x->program[i]) ? x->program[i] : SIZE_MAX;
        k->out->n_failed += voter[i] == SIZE_MAX;
    }
    int rc = rn_trial_vote(&x->t, x->tried, x->n, voter, n, a, &b, err);
    for (size_t i = 0; i < n && !rc; i++)
        if (voter[i] != SIZE_MAX) rc = put_vote(k, x, &b, i, blob, err);
    k->out->n_examples += x->t.n_known;
    k->out->n_unseen += x->t.n_unseen;
    return rc;
}

/* ---- both ------------------------------------------------------------------------------------ */

static int try_programs(rn_ranking *k, trial *x, rn_err *err)
{
    const consensus *c = k->own;
    rn_rank_summary *out = k->out;
    const rn_trial_io io = {.judge = c->judge, .watch = &k->o->watch};
    rn_arena *a = &k->problem_arena;
    int rc = c->writer ? rn_test_writer_trial(c->writer, k, a, &x->t, err)
                       : rn_trial_make(k->problem, &c->plan, a, &x->t, err);
    if (!rc) rc = rn_trial_run(k->problem, &x->t, x->tried, x->n, &io, &k->problem_arena, err);
    for (size_t i = 0; i < x->n && !rc; i++) {
        out->n_programs++;
        out->cpu_s += (double)x->tried[i].cpu_ns * 1e-9;
        out->wall_s += (double)x->tried[i].wall_ns * 1e-9;
    }
    return rc;
}

static int score_problem(rn_ranking *k, rn_err *err)
{
    const consensus *c = k->own;
    const size_t n = k->items.n;
    rn_arena *a = &k->problem_arena;
    trial x = {.tried = rn_arena_array(a, n, sizeof *x.tried),
               .n_samples = rn_arena_array(a, n, sizeof *x.n_samples),
               .paid = rn_arena_array(a, n, sizeof *x.paid),
               .program = rn_arena_array(a, n, sizeof *x.program)};
    if (!x.tried || !x.n_samples || !x.paid || !x.program) return rn_nomem(err, "programs");
    int rc = list_programs(k, &x, err);
    if (!rc) rc = try_programs(k, &x, err);
    if (!rc) rc = c->examples ? score_votes(k, &x, err) : score_groups(k, &x, err);
    if (rc) return rc;
    k->out->n_problems++;
    k->out->n_blind += x.t.in.n == 0;
    return 0;
}

static void close_consensus(rn_ranking *k)
{
    consensus *c = k->own;
    if (!c) return;
    rn_test_writer_close(c->writer);
    rn_judge_close(c->judge);
    rn_programs_free(&c->distinct);
    rn_buf_free(&c->key);
    free(c);
}

const rn_ranker rn_rank_by_consensus = {.name = "consensus",
                                        .whole = true,
                                        .open = open_consensus,
                                        .score = score_problem,
                                        .close = close_consensus};
const rn_ranker rn_rank_by_examples = {.name = "examples",
                                       .whole = true,
                                       .open = open_examples,
                                       .score = score_problem,
                                       .close = close_consensus};
const rn_ranker rn_rank_by_tests = {.name = "tests",
                                    .asks = true,
                                    .whole = true,
                                    .open = open_tests,
                                    .begin = begin_tests,
                                    .score = score_problem,
                                    .close = close_consensus};
