/*
 * rank_consensus.c: see rank_consensus.h.
 *
 * Problem by problem: its samples become programs as for judging, equal ones once; each program is
 * called on the problem's inputs in the sandbox; then the groups are counted. What an execution
 * cost is divided among the samples that share the program.
 */
#include "run/rank_consensus.h"

#include "base/hash.h"
#include "run/stage.h"
#include "rank/examples.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { N_INPUTS = 32, MEMORY_BYTES = 512 << 20 };
static const double default_cpu_s = 0.5;

/* A distinct program of the problem at work. */
typedef struct program {
    rn_bytes text; /* in the problem's arena */
    uint8_t sha[RN_SHA256_BYTES];
    int64_t n_samples;
    bool known;             /* it has outcomes: the sandbox did not fail */
    rn_judge_value *values; /* [n_inputs] in the arena */
    int64_t cpu_ns, wall_ns;
} program;

typedef struct member {
    int64_t sample_id;
    uint32_t program;
} member;

struct rn_consensus {
    rn_consensus_opts o;
    rn_agree agree;
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
    program *programs; /* [n_programs] */
    size_t n_programs, cap_programs;
    member *members; /* [n_members] */
    size_t n_members, cap_members;
    rn_input *inputs; /* [n_inputs], in the arena */
    size_t n_inputs;
    rn_buf code, source;
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

static int put_ranker(rn_consensus *c, rn_err *err)
{
    bool codet = c->agree == RN_AGREE_CODET;
    json_t *j =
        json_pack("{s:s, s:s, s:s, s:I, s:I, s:f, s:I, s:s, s:s}", "by", "consensus", "agree",
                  rn_agree_name(c->agree), "examples", codet ? "inputs and values" : "inputs",
                  "inputs", (json_int_t)c->o.inputs, "seed", (json_int_t)c->o.seed, "cpu_s",
                  c->o.cpu_s, "memory_mib", (json_int_t)(MEMORY_BYTES >> 20), "python",
                  rn_judge_python(c->judge), "version", rn_version());
    if (j && c->o.extractor) json_object_set_new(j, "extractor", json_string(c->o.extractor));
    char *text = j ? json_dumps(j, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    json_decref(j);
    if (!text) return rn_fail(err, RN_ENOMEM, "out of memory for the ranker's record");
    /* The values that examples tell are tests of a kind: the name says when they were used. */
    const char *name = codet ? "consensus:codet+examples" : "consensus:mbr";
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
    if (!(c->o.cpu_s > 0)) c->o.cpu_s = default_cpu_s;
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
    free(c->programs);
    free(c->members);
    rn_buf_free(&c->code);
    rn_buf_free(&c->source);
    free(c);
}

/* ---- one problem ----------------------------------------------------------------------------- */

/* The number of this program among the problem's, SIZE_MAX when memory is out. */
static size_t program_of(rn_consensus *c, rn_bytes text)
{
    uint8_t sha[RN_SHA256_BYTES];
    rn_sha256_of(text, sha);
    for (size_t i = 0; i < c->n_programs; i++)
        if (memcmp(c->programs[i].sha, sha, sizeof sha) == 0) return i;
    program *list = rn_rank_grown(c->programs, c->n_programs, &c->cap_programs, sizeof *list);
    char *copy = rn_arena_dup(&c->arena, text.data ? text.data : "", text.len);
    if (list) c->programs = list;
    if (!list || !copy) return SIZE_MAX;
    program *p = &list[c->n_programs];
    *p = (program){.text = {copy, text.len}};
    memcpy(p->sha, sha, sizeof sha);
    return c->n_programs++;
}

static int take_result(rn_consensus *c, uint64_t tag, const rn_judge_result *r, rn_err *err)
{
    program *p = &c->programs[tag];
    p->cpu_ns = r->cpu_ns;
    p->wall_ns = r->wall_ns;
    c->counts->n_runs++;
    c->counts->cpu_s += (double)r->cpu_ns * 1e-9;
    c->counts->wall_s += (double)r->wall_ns * 1e-9;
    if (r->verdict == RN_V_SANDBOX) return 0;
    p->known = true;
    p->values = rn_arena_array(&c->arena, c->n_inputs, sizeof *p->values);
    if (!p->values) return rn_fail(err, RN_ENOMEM, "out of memory for values");
    memcpy(p->values, rn_judge_values(c->judge), c->n_inputs * sizeof *p->values);
    return 0;
}

static int execute(rn_consensus *c, rn_err *err)
{
    rn_judge_case cases[RN_JUDGE_MAX_VALUES];
    for (size_t i = 0; i < c->n_inputs; i++)
        cases[i] = (rn_judge_case){.input = c->inputs[i].args, .expected = c->inputs[i].expected};
    size_t sent = 0, done = 0;
    while (done < c->n_programs) {
        if (rn_interrupted) return rn_fail(err, RN_ECANCELLED, "stopped");
        int rc = 0;
        while (sent < c->n_programs && !rc) {
            rn_judge_job job = {.mode = RN_JUDGE_VALUES,
                                .compare = c->problem->form == RN_FORM_CALL ? RN_COMPARE_APPS
                                                                            : RN_COMPARE_STRICT,
                                .program = c->programs[sent].text,
                                .entry = c->problem->entry_point,
                                .cases = cases,
                                .n_cases = c->n_inputs};
            rc = rn_judge_submit(c->judge, &job, sent, err);
            if (!rc) sent++;
        }
        if (rc && rc != RN_EBUSY) return rc;
        uint64_t tag;
        rn_judge_result r;
        int got = rn_judge_wait(c->judge, 200, &tag, &r, err);
        if (got < 0) return got;
        if (got == 0) continue;
        done++;
        if ((rc = take_result(c, tag, &r, err))) return rc;
    }
    return 0;
}

/* The problem's programs as voters; those that the sandbox failed on have no vote. */
static rn_voter *make_voters(const rn_consensus *c, bool *has_values)
{
    rn_voter *v = calloc(c->n_programs + 1, sizeof *v);
    for (size_t i = 0; v && i < c->n_programs; i++) {
        const program *p = &c->programs[i];
        v[i].n_samples = p->known || c->n_inputs == 0 ? p->n_samples : 0;
        if (!p->values) continue;
        v[i].outcomes = (rn_bytes){(const char *)p->values, 0};
        for (size_t k = 0; k < c->n_inputs; k++) {
            v[i].has_value |= p->values[k].kind == RN_VALUE_DATA;
            v[i].n_right += p->values[k].agrees;
            p->values[k].agrees = 0; /* no part of the outcome */
        }
        v[i].outcomes.len = c->n_inputs * sizeof *p->values;
    }
    *has_values = false;
    for (size_t k = 0; k < c->n_inputs; k++)
        *has_values |= c->inputs[k].expected.len > 0;
    return v;
}

static int put_scores(rn_consensus *c, const rn_voter *v, rn_err *err)
{
    bool *paid = calloc(c->n_programs + 1, sizeof *paid);
    int rc = paid ? 0 : rn_fail(err, RN_ENOMEM, "out of memory for scores");
    for (size_t i = 0; i < c->n_members && !rc; i++) {
        uint32_t at = c->members[i].program;
        const program *p = &c->programs[at];
        if (v[at].n_samples == 0) {
            c->counts->n_failed++;
            continue;
        }
        rn_store_parts parts = {.part = v[at].weight,
                                .group = v[at].group,
                                .cpu_ns = p->cpu_ns / p->n_samples,
                                .n_runs = c->n_inputs && !paid[at]};
        rn_store_score x = {.sample_id = c->members[i].sample_id,
                            .ranker_id = c->ranker_id,
                            .score = v[at].score,
                            .sum = NAN,
                            .n_tok = -1,
                            .wall_ns = p->wall_ns / p->n_samples,
                            .flop = 0,
                            .parts = &parts};
        paid[at] = true;
        c->counts->n_scored++;
        rc = rn_store_put_score(c->store, &x, err);
    }
    free(paid);
    return rc;
}

static void forget_problem(rn_consensus *c)
{
    rn_arena_free(&c->arena);
    c->n_programs = c->n_members = 0;
    c->problem = NULL;
}

/* Scores what was collected of one problem. */
static int score_problem(rn_consensus *c, rn_err *err)
{
    if (c->n_members == 0) return 0;
    const rn_problem *p = c->problem;
    size_t n_examples = 0;
    c->n_inputs = 0;
    int rc = 0;
    if (p->entry_point)
        rc = rn_inputs_make(rn_bytes_of(p->prompt), p->entry_point, (uint64_t)c->o.seed,
                            rn_rng_stream(p->task_id, strlen(p->task_id)), (size_t)c->o.inputs,
                            &c->arena, &c->inputs, &c->n_inputs, &n_examples, err);
    if (!rc && c->n_inputs) rc = execute(c, err);
    bool has_values = false;
    rn_voter *v = rc ? NULL : make_voters(c, &has_values);
    if (!rc && !v) rc = rn_fail(err, RN_ENOMEM, "out of memory for groups");
    if (!rc) rc = rn_consensus_score(v, c->n_programs, c->agree, has_values, err);
    if (!rc) rc = put_scores(c, v, err);
    free(v);
    if (rc) return rc;
    c->counts->n_problems++;
    c->counts->n_blind += c->n_inputs == 0;
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
    member *list = rn_rank_grown(c->members, c->n_members, &c->cap_members, sizeof *list);
    if (list) c->members = list;
    if (at == SIZE_MAX || !list) return rn_fail(c->err, RN_ENOMEM, "out of memory for programs");
    c->programs[at].n_samples++;
    list[c->n_members++] = (member){.sample_id = r->sample_id, .program = (uint32_t)at};
    return 0;
}

int rn_consensus_run(rn_consensus *c, rn_rank_run *run, rn_consensus_counts *n, rn_err *err)
{
    char label[64];
    snprintf(label, sizeof label, "consensus, run %lld", (long long)run->id);
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
