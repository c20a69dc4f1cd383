/*
 * rank_consensus.c: see rank_consensus.h.
 *
 * Problem by problem: its samples become programs as for judging, equal ones once; each program is
 * called on the problem's inputs in the sandbox; then the groups are counted. What an execution
 * cost is divided among the samples that share the program.
 */
#include "run/rank_consensus.h"

#include "base/hash.h"
#include "base/vec.h"
#include "rank/layout.h"
#include "run/stage.h"
#include "run/trial.h"
#include "stat/votes.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { N_INPUTS = 32, MEMORY_BYTES = 512 << 20 };
/* CPU seconds of one input. Consensus keeps the value of 0.1.0, which names its scores. */
static const double default_cpu_s = 0.1, consensus_cpu_s = 0.5;

/* A distinct program of the problem at work: texts that differ in layout alone are one. */
typedef struct distinct {
    uint8_t sha[RN_SHA256_BYTES]; /* of its layout key */
    int64_t n_samples;
} distinct;

typedef struct member {
    int64_t sample_id;
    uint32_t program;
} member;

struct rn_consensus {
    rn_consensus_opts o;
    rn_agree agree;
    rn_trial_plan plan;
    rn_store *store;
    rn_judge *judge;
    int64_t ranker_id;
    /* of the run at work */
    rn_rank_run *run;
    bool *due; /* [run->set->n] problems with a sample without a score */
    rn_consensus_counts *counts;
    rn_progress progress;
    /* of the problem at work */
    const rn_problem *problem;
    rn_arena arena;
    RN_VEC(distinct) programs;
    RN_VEC(rn_trial_program) tried; /* the same programs, as they are tried */
    RN_VEC(member) members;
    rn_trial trial; /* in the arena */
    rn_buf code, source, key;
    rn_err *err; /* of the walk */
};

/* ---- opening --------------------------------------------------------------------------------- */

const char *rn_consensus_check(const rn_consensus_opts *o)
{
    rn_agree agree;
    if (o->agree && rn_agree_parse(o->agree, &agree, NULL)) return "--agree is mbr or codet";
    if (o->inputs < 0 || o->inputs > RN_JUDGE_MAX_VALUES) return "--inputs is 1 to 128";
    if (o->cpu_s < 0 || o->cpu_s > 3600) return "--cpu-limit is a number of seconds up to 3600";
    if (o->jobs < 0 || o->jobs > 256) return "--jobs is 1 to 256";
    if (o->extractor && !rn_extractor_find(o->extractor))
        return "unknown extractor; 'man ration-judge' lists them";
    return NULL;
}

/* Everything that the scores depend on. "reader": the version of what finds examples and makes inputs
 * from them; consensus does not name it, so that what 0.1.0 scored is not scored again. */
static json_t *describe(const rn_consensus *c)
{
    enum { READER = 2 };
    json_t *j =
        json_pack("{s:s, s:I, s:f, s:I, s:s}", "by", c->o.examples ? "examples" : "consensus",
                  "seed", (json_int_t)c->o.seed, "cpu_s", c->o.cpu_s, "memory_mib",
                  (json_int_t)(MEMORY_BYTES >> 20), "python", rn_judge_python(c->judge));
    if (!j) return NULL;
    if (c->o.examples) {
        const rn_trial_plan *p = &c->plan;
        json_object_set_new(j, "reader", json_integer(READER));
        json_object_set_new(j, "inputs",
                            json_pack("[I, I, I, I]", (json_int_t)p->max_examples,
                                      (json_int_t)p->n_mutants, (json_int_t)p->n_pooled,
                                      (json_int_t)p->n_borders));
    } else {
        bool codet = c->agree == RN_AGREE_CODET;
        json_object_set_new(j, "agree", json_string(rn_agree_name(c->agree)));
        json_object_set_new(j, "examples", json_string(codet ? "inputs and values" : "inputs"));
        json_object_set_new(j, "inputs", json_integer((json_int_t)c->o.inputs));
    }
    json_object_set_new(j, "version", json_string(rn_version()));
    if (c->o.extractor) json_object_set_new(j, "extractor", json_string(c->o.extractor));
    return j;
}

static int put_ranker(rn_consensus *c, rn_err *err)
{
    json_t *j = describe(c);
    char *text = j ? json_dumps(j, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    json_decref(j);
    if (!text) return rn_fail(err, RN_ENOMEM, "out of memory for the ranker's record");
    /* The values that examples tell are tests of a kind: the name says when they were used. */
    const char *name = c->o.examples                ? "examples"
                       : c->agree == RN_AGREE_CODET ? "consensus:codet+examples"
                                                    : "consensus:mbr";
    int rc = rn_store_put_ranker(c->store, name, text, false, &c->ranker_id, err);
    free(text);
    return rc;
}

int rn_consensus_open(const rn_consensus_opts *o, rn_store *store, rn_consensus **out, rn_err *err)
{
    rn_consensus *c = calloc(1, sizeof *c);
    if (!c) return rn_fail(err, RN_ENOMEM, "out of memory");
    c->o = *o;
    c->store = store;
    if (!c->o.inputs) c->o.inputs = N_INPUTS;
    c->plan = rn_trial_examples;
    if (!o->examples)
        c->plan = (rn_trial_plan){.max_examples = (size_t)c->o.inputs,
                                  .n_mutants = (size_t)c->o.inputs,
                                  .max_total = (size_t)c->o.inputs};
    c->plan.seed = (uint64_t)c->o.seed;
    if (!(c->o.cpu_s > 0)) c->o.cpu_s = o->examples ? default_cpu_s : consensus_cpu_s;
    int rc = rn_agree_parse(o->agree ? o->agree : "mbr", &c->agree, err);
    rn_judge_opts jo = {
        .jobs = (int)o->jobs,
        .allow_weak = o->allow_weak,
        .limits = {.cpu_ns = (int64_t)(c->o.cpu_s * 1e9), .memory_bytes = MEMORY_BYTES}};
    if (!rc) rc = rn_judge_open(&jo, &c->judge, err);
    if (!rc) rc = put_ranker(c, err);
    if (rc) {
        rn_consensus_close(c);
        return rc;
    }
    *out = c;
    return 0;
}

void rn_consensus_close(rn_consensus *c)
{
    if (!c) return;
    rn_judge_close(c->judge);
    rn_arena_free(&c->arena);
    rn_vec_free(&c->programs);
    rn_vec_free(&c->tried);
    rn_vec_free(&c->members);
    rn_buf_free(&c->code);
    rn_buf_free(&c->source);
    rn_buf_free(&c->key);
    free(c);
}

/* ---- one problem ----------------------------------------------------------------------------- */

/* The number of this program among the problem's, SIZE_MAX when memory is out. */
static size_t program_of(rn_consensus *c, rn_bytes text)
{
    distinct p = {.n_samples = 0};
    rn_buf_clear(&c->key);
    rn_layout_key(text, &c->key);
    rn_sha256_of(rn_buf_view(&c->key), p.sha);
    for (size_t i = 0; i < c->programs.n; i++)
        if (memcmp(c->programs.data[i].sha, p.sha, sizeof p.sha) == 0) return i;
    rn_trial_program tried = {
        .text = {rn_arena_dup(&c->arena, text.data ? text.data : "", text.len), text.len}};
    if (!tried.text.data || !rn_buf_ok(&c->key)) return SIZE_MAX;
    rn_vec_push(&c->programs, p);
    rn_vec_push(&c->tried, tried);
    return rn_vec_ok(&c->programs) && rn_vec_ok(&c->tried) ? c->programs.n - 1 : SIZE_MAX;
}

static bool interrupted(void *user)
{
    (void)user;
    return rn_interrupted != 0;
}

static int execute(rn_consensus *c, rn_err *err)
{
    const rn_trial_io io = {.should_stop = interrupted};
    int rc = rn_trial_run(c->judge, c->problem, &c->trial, c->tried.data, c->tried.n, &io,
                          &c->arena, err);
    for (size_t i = 0; i < c->tried.n && !rc; i++) {
        c->counts->n_runs++;
        c->counts->cpu_s += (double)c->tried.data[i].cpu_ns * 1e-9;
        c->counts->wall_s += (double)c->tried.data[i].wall_ns * 1e-9;
    }
    return rc;
}

/* Whether anything is known of a program: those that the sandbox failed on have no vote. */
static bool has_vote(const rn_consensus *c, size_t program)
{
    return c->tried.data[program].known || c->trial.in.n == 0;
}

/* What all scores of a program share. */
static rn_store_parts parts_of(const rn_consensus *c, size_t program, bool *paid)
{
    const rn_trial_program *p = &c->tried.data[program];
    bool first = c->trial.in.n > 0 && !paid[program];
    paid[program] = true;
    return (rn_store_parts){
        .part = NAN, .cpu_ns = p->cpu_ns / c->programs.data[program].n_samples, .n_runs = first};
}

static int put_score(rn_consensus *c, size_t at, double score, const rn_store_parts *parts,
                     rn_err *err)
{
    const member *m = &c->members.data[at];
    const rn_store_score x = {.sample_id = m->sample_id,
                              .ranker_id = c->ranker_id,
                              .score = score,
                              .sum = NAN,
                              .n_tok = -1,
                              .wall_ns = c->tried.data[m->program].wall_ns /
                                         c->programs.data[m->program].n_samples,
                              .flop = 0,
                              .parts = parts};
    c->counts->n_scored++;
    return rn_store_put_score(c->store, &x, err);
}

/* ---- consensus: groups of equal outcomes ------------------------------------------------------ */

/* The problem's programs as voters. */
static rn_voter *make_voters(const rn_consensus *c)
{
    rn_voter *v = calloc(c->programs.n + 1, sizeof *v);
    size_t n_inputs = c->trial.in.n;
    for (size_t i = 0; v && i < c->programs.n; i++) {
        v[i].n_samples = has_vote(c, i) ? c->programs.data[i].n_samples : 0;
        rn_judge_value *values = (rn_judge_value *)(uintptr_t)c->tried.data[i].values;
        if (!values) continue;
        for (size_t k = 0; k < n_inputs; k++) {
            v[i].has_value |= values[k].kind == RN_VALUE_DATA;
            v[i].n_right += values[k].agrees;
            values[k].agrees = 0; /* no part of the outcome */
        }
        v[i].outcomes = (rn_bytes){(const char *)values, n_inputs * sizeof *values};
    }
    return v;
}

static int score_groups(rn_consensus *c, bool *paid, rn_err *err)
{
    rn_voter *v = make_voters(c);
    if (!v) return rn_fail(err, RN_ENOMEM, "out of memory for groups");
    int rc = rn_consensus_score(v, c->programs.n, c->agree, c->trial.n_known > 0, err);
    for (size_t i = 0; i < c->members.n && !rc; i++) {
        size_t at = c->members.data[i].program;
        if (!has_vote(c, at)) {
            c->counts->n_failed++;
            continue;
        }
        rn_store_parts parts = parts_of(c, at, paid);
        parts.part = v[at].weight;
        parts.group = v[at].group;
        rc = put_score(c, i, v[at].score, &parts, err);
    }
    free(v);
    return rc;
}

/* ---- examples: votes by input ----------------------------------------------------------------- */

/* The votes of a problem's programs and samples, all in the arena. */
typedef struct ballot {
    uint16_t *value; /* [n_programs, n_inputs] */
    uint32_t *right, *unseen;
    uint16_t *rows; /* [n_samples, n_inputs] */
    uint32_t *of_row;
    uint8_t *flags; /* zeros */
    size_t *member; /* [n_samples] */
    double *score;
    uint16_t *blob; /* what is stored of one sample */
    size_t n;
} ballot;

static bool make_ballot(rn_consensus *c, ballot *b)
{
    size_t m = c->trial.in.n, np = c->programs.n, ns = c->members.n;
    rn_arena *a = &c->arena;
    *b = (ballot){.value = rn_arena_array(a, np * m + 1, sizeof *b->value),
                  .right = rn_arena_array(a, np, sizeof *b->right),
                  .unseen = rn_arena_array(a, np, sizeof *b->unseen),
                  .rows = rn_arena_array(a, ns * m + 1, sizeof *b->rows),
                  .of_row = rn_arena_array(a, ns, sizeof *b->of_row),
                  .flags = rn_arena_array(a, ns, 1),
                  .member = rn_arena_array(a, ns, sizeof *b->member),
                  .score = rn_arena_array(a, ns, sizeof *b->score),
                  .blob = rn_arena_array(a, RN_VOTES_HEAD + m, sizeof *b->blob)};
    return b->value && b->right && b->unseen && b->rows && b->of_row && b->flags && b->member &&
           b->score && b->blob;
}

static int put_ballot(rn_consensus *c, ballot *b, bool *paid, rn_err *err)
{
    size_t m = c->trial.in.n;
    int rc = 0;
    for (size_t i = 0; i < b->n && !rc; i++) {
        size_t at = c->members.data[b->member[i]].program;
        rn_store_parts parts = parts_of(c, at, paid);
        parts.part = b->right[at];
        b->blob[RN_VOTES_KNOWN] = (uint16_t)c->trial.n_known;
        b->blob[RN_VOTES_UNSEEN] = (uint16_t)c->trial.n_unseen;
        b->blob[RN_VOTES_RIGHT_UNSEEN] = (uint16_t)b->unseen[at];
        if (m) memcpy(b->blob + RN_VOTES_HEAD, b->value + at * m, m * sizeof *b->blob);
        parts.votes = (rn_bytes){(const char *)b->blob, (RN_VOTES_HEAD + m) * sizeof *b->blob};
        rc = put_score(c, b->member[i], b->score[i], &parts, err);
    }
    return rc;
}

static int score_votes(rn_consensus *c, bool *paid, rn_err *err)
{
    size_t m = c->trial.in.n;
    ballot b;
    if (!make_ballot(c, &b)) return rn_fail(err, RN_ENOMEM, "out of memory for votes");
    int rc =
        rn_trial_votes(&c->trial, c->tried.data, c->programs.n, b.value, b.right, b.unseen, err);
    for (size_t i = 0; i < c->members.n && !rc; i++) {
        size_t at = c->members.data[i].program;
        if (!has_vote(c, at)) {
            c->counts->n_failed++;
            continue;
        }
        if (m) memcpy(b.rows + b.n * m, b.value + at * m, m * sizeof *b.rows);
        b.of_row[b.n] = b.right[at];
        b.member[b.n++] = i;
    }
    const rn_votes votes = {.value = b.rows,
                            .right = b.of_row,
                            .pass = b.flags,
                            .cut = b.flags,
                            .n = (int64_t)b.n,
                            .n_inputs = m};
    if (!rc) rc = rn_stat_votes_score(&votes, b.score, err);
    c->counts->n_examples += c->trial.n_known;
    c->counts->n_unseen += c->trial.n_unseen;
    return rc ? rc : put_ballot(c, &b, paid, err);
}

static void forget_problem(rn_consensus *c)
{
    rn_arena_free(&c->arena);
    c->programs.n = c->tried.n = c->members.n = 0;
    c->problem = NULL;
}

/* Scores what was collected of one problem. */
static int score_problem(rn_consensus *c, rn_err *err)
{
    if (c->members.n == 0) return 0;
    bool *paid = calloc(c->programs.n + 1, sizeof *paid);
    int rc = paid ? 0 : rn_fail(err, RN_ENOMEM, "out of memory for scores");
    if (!rc) rc = rn_trial_make(c->problem, &c->plan, &c->arena, &c->trial, err);
    if (!rc) rc = execute(c, err);
    if (!rc) rc = c->o.examples ? score_votes(c, paid, err) : score_groups(c, paid, err);
    free(paid);
    if (rc) return rc;
    c->counts->n_problems++;
    c->counts->n_blind += c->trial.in.n == 0;
    forget_problem(c);
    rn_progress_set(&c->progress, c->counts->n_scored, NULL);
    if (rn_interrupted) return rn_fail(err, RN_ECANCELLED, "stopped");
    return rn_store_tick(c->store, err);
}

/* ---- one run --------------------------------------------------------------------------------- */

static int note_due(void *user, const rn_store_sample_row *r)
{
    rn_consensus *c = user;
    if (rn_rank_is_cut(r)) {
        c->counts->n_cut++;
        return 0;
    }
    const rn_problem *p = rn_rank_problem(c->run, r, c->err);
    if (!p) return RN_EINVAL;
    c->due[p - c->run->set->problems] = true;
    return 0;
}

static int count_due(void *user, const rn_store_sample_row *r)
{
    rn_consensus *c = user;
    const rn_problem *p = rn_rank_problem(c->run, r, c->err);
    if (!p) return RN_EINVAL;
    c->progress.total += c->due[p - c->run->set->problems] && !rn_rank_is_cut(r);
    return 0;
}

static int collect(void *user, const rn_store_sample_row *r)
{
    rn_consensus *c = user;
    const rn_problem *p = rn_rank_problem(c->run, r, c->err);
    if (!p) return RN_EINVAL;
    if (rn_rank_is_cut(r) || !c->due[p - c->run->set->problems]) return 0;
    int rc = c->problem && c->problem != p ? score_problem(c, c->err) : 0;
    if (rc) return rc;
    c->problem = p;
    rn_buf_clear(&c->source);
    rc = rn_rank_program(c->run, p, r->x.text, &c->code, &c->source, c->err);
    if (rc) return rc;
    size_t at = program_of(c, rn_buf_view(&c->source));
    if (at != SIZE_MAX) c->programs.data[at].n_samples++;
    rn_vec_push(&c->members, ((member){.sample_id = r->sample_id, .program = (uint32_t)at}));
    if (at == SIZE_MAX || !rn_vec_ok(&c->members))
        return rn_fail(c->err, RN_ENOMEM, "out of memory for programs");
    return 0;
}

int rn_consensus_run(rn_consensus *c, rn_rank_run *run, rn_consensus_counts *n, rn_err *err)
{
    char label[64];
    snprintf(label, sizeof label, "%s, run %lld", c->o.examples ? "examples" : "consensus",
             (long long)run->id);
    c->run = run;
    c->counts = n;
    c->err = err;
    c->due = calloc(run->set->n + 1, sizeof *c->due);
    int rc = c->due ? 0 : rn_fail(err, RN_ENOMEM, "out of memory for problems");
    if (!rc) rc = rn_store_each_unscored(c->store, run->id, c->ranker_id, false, note_due, c, err);
    rn_progress_start(&c->progress, label, "samples", n->n_scored);
    if (!rc) rc = rn_store_each_sample(c->store, run->id, 0, false, count_due, c, err);
    if (!rc) rc = rn_store_each_sample(c->store, run->id, 0, true, collect, c, err);
    if (!rc) rc = score_problem(c, err);
    rn_progress_end(&c->progress);
    forget_problem(c);
    free(c->due);
    c->due = NULL;
    return rc;
}
