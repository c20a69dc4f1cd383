/*
 * from_store.c: what a report needs from a store: counts per problem, tokens, verdicts, scores,
 * greedy.
 *
 * Runs of the same set meet in one task; a greedy run becomes the star of the entrants of its
 * model. Samples are read in bulk without their texts, 48 bytes each.
 */
#include "report/report_priv.h"

#include "report/ruled.h"
#include "store/store.h"

enum { MAX_RUNS = 1000 };

typedef struct loader {
    rn_report *r;
    rn_store *s;
    const rn_report_filter *filter;
    RN_VEC(rn_store_run_row) runs; /* strings in the report's arena */
    rn_report_task *task;
    RN_VEC(int64_t) problem_ids; /* [task->n_problems], in the order of the set */
    RN_VEC(const char *) task_ids;
    const char *protocol;
    int n_protocols;
    int64_t tests;        /* which verdicts count: 0, RN_STORE_BASE_TESTS, RN_STORE_MORE_TESTS */
    rn_entrant *entrant;  /* that curve points go to */
    const uint8_t *first; /* of the cells of a run: those that all estimates but pass@k are from;
                             NULL: all */
    size_t cap_curve;
    rn_err *err;
} loader;

static int on_run(void *user, const rn_store_run_row *row)
{
    loader *l = user;
    if (!rn_report_wants(l->filter, row->set_name, row->model_name)) return 0;
    rn_arena *a = &l->r->arena;
    if (!rn_vec_push(&l->runs, *row)) return rn_nomem(l->err, "report");
    rn_store_run_row *to = &l->runs.data[l->runs.n - 1];
    const char **strings[] = {&to->set_name,   &to->set_hash, &to->model_name, &to->model_sha,
                              &to->model_cost, &to->kind,     &to->preset,     &to->settings};
    for (size_t i = 0; i < sizeof strings / sizeof strings[0]; i++)
        if (!(*strings[i] = rn_arena_strdup(a, *strings[i] ? *strings[i] : "")))
            return rn_nomem(l->err, "report");
    return 0;
}

/* Problems that are not selected are as if the set had them not. */
static bool is_selected(const loader *l, const char *task_id)
{
    const size_t n = l->filter ? l->filter->n_problems : 0;
    for (size_t i = 0; i < n; i++)
        if (strcmp(l->filter->problems[i], task_id) == 0) return true;
    return n == 0;
}

static bool selects(const loader *l)
{
    return l->filter && l->filter->n_problems > 0;
}

static int on_problem(void *user, const rn_store_problem_row *row)
{
    loader *l = user;
    if (!is_selected(l, row->x.task_id)) return 0;
    rn_vec_push(&l->problem_ids, row->problem_id);
    rn_vec_push(&l->task_ids, rn_arena_strdup(&l->r->arena, row->x.task_id));
    if (!rn_vec_ok(&l->problem_ids) || !rn_vec_ok(&l->task_ids)) return rn_nomem(l->err, "report");
    return l->task_ids.data[l->task->n_problems++] ? 0 : rn_nomem(l->err, "report");
}

/* Problems come in set order and so do the cells: the search starts where the last one ended. */
static size_t problem_index(const loader *l, int64_t problem_id, size_t from)
{
    size_t n = l->task->n_problems;
    for (size_t i = 0; i < n; i++) {
        size_t at = (from + i) % n;
        if (l->problem_ids.data[at] == problem_id) return at;
    }
    return SIZE_MAX;
}

static int on_protocol(void *user, int64_t protocol_id, const char *json, int64_t n_verdicts)
{
    loader *l = user;
    (void)protocol_id;
    (void)n_verdicts;
    l->n_protocols++;
    l->protocol = rn_arena_strdup(&l->r->arena, json); /* the newest comes last */
    return l->protocol ? 0 : rn_nomem(l->err, "report");
}

static void add_tokens(rn_tokens *t, const rn_store_cell *c)
{
    if (c->gen_tok < 0) return;
    double gen = c->gen_tok, g = c->gen_tok > 0 ? gen - 1 : 0;
    t->n_gen++;
    t->gen += gen;
    t->g += g;
    t->g2 += g * g;
    if (c->prompt_tok < 0) return;
    double prompt = c->prompt_tok;
    t->n_both++;
    t->prompt += prompt;
    t->prompt2 += prompt * prompt;
    t->gp += g * prompt;
}

static bool judged(const rn_store_cell *c)
{
    char family = c->verdict < 0 ? 'S' : rn_verdict_family((rn_verdict)c->verdict);
    return family == 'P' || family == 'L';
}

/* The place of the first of samples 0..k with the group of sample k, from 1: numbers of the store
 * are those of all samples, and not all need be judged. */
static uint32_t first_of_group(const rn_ranked *p, const size_t *taken, const uint32_t *of_cell,
                               int64_t k)
{
    int64_t j = 0;
    while (j < k && (p->cut[j] || of_cell[taken[j]] != of_cell[taken[k]]))
        j++;
    return (uint32_t)j + 1;
}

/* The groups of a ranker by agreement, beside the samples of `out`. taken: their cells; pass: where
 * those of the first problem begin. */
static int load_groups(loader *l, const rn_store_ranker_row *row, int64_t run_id, size_t n,
                       const size_t *taken, const uint8_t *pass, rn_ranking *out)
{
    rn_arena *a = &l->r->arena;
    rn_store_grouping of_cells;
    int rc = rn_store_groups(l->s, run_id, row->ranker_id, a, n, &of_cells, l->err);
    if (rc || !of_cells.any) return rc;
    rn_agreed *problems = rn_arena_array(a, l->task->n_problems, sizeof *problems);
    uint32_t *group = rn_arena_array(a, n, sizeof *group);
    double *weight = rn_arena_array(a, n, sizeof *weight);
    if (!problems || !group || !weight) return rn_nomem(l->err, "report");
    for (size_t i = 0; i < l->task->n_problems; i++) {
        const rn_ranked *p = &out->problems[i];
        if (p->n == 0) continue;
        size_t at = (size_t)(p->pass - pass);
        problems[i] = (rn_agreed){group + at, weight + at, p->pass, p->cut, p->n};
        for (int64_t k = 0; k < p->n; k++) {
            double w = of_cells.part[taken[at + (size_t)k]];
            group[at + (size_t)k] = first_of_group(p, taken + at, of_cells.group, k);
            weight[at + (size_t)k] = w > 0 && isfinite(w) ? w : 0;
        }
    }
    out->agreed = problems;
    return 0;
}

static bool is_examples(const rn_store_ranker_row *row)
{
    return strstr(row->json, "\"by\":\"examples\"") != NULL;
}

/* The votes of one problem's samples, which begin at `at`; `unseen`: only examples that no test
 * repeats count. */
static int load_problem_votes(loader *l, const rn_ranked *p, const rn_store_grouping *of_cells,
                              const size_t *taken, bool unseen, rn_votes *out, int64_t *n_examples)
{
    rn_arena *a = &l->r->arena;
    size_t n_inputs = 0, n = (size_t)p->n;
    for (size_t k = 0; k < n; k++) {
        size_t len = of_cells->votes[taken[k]].len / 2;
        if (len > RN_VOTES_HEAD + n_inputs) n_inputs = len - RN_VOTES_HEAD;
    }
    uint16_t *value = rn_arena_array(a, n * n_inputs + 1, sizeof *value);
    uint32_t *right = rn_arena_array(a, n, sizeof *right);
    if (!value || !right) return rn_nomem(l->err, "report");
    int64_t known = 0;
    for (size_t k = 0; k < n; k++) {
        rn_bytes votes = of_cells->votes[taken[k]];
        double part = of_cells->part[taken[k]];
        if (votes.len / 2 < RN_VOTES_HEAD) continue;
        right[k] = unseen      ? rn_votes_at(votes, RN_VOTES_RIGHT_UNSEEN)
                   : part >= 0 ? (uint32_t)part
                               : 0;
        known = rn_votes_at(votes, unseen ? RN_VOTES_UNSEEN : RN_VOTES_KNOWN);
        for (size_t i = RN_VOTES_HEAD; i < votes.len / 2; i++)
            value[k * n_inputs + i - RN_VOTES_HEAD] = rn_votes_at(votes, i);
    }
    *n_examples += known;
    *out = (rn_votes){value, right, p->pass, p->cut, p->n, n_inputs, (uint32_t)known};
    return 0;
}

/* The votes of the ranker `examples`, beside the samples of `out`; as load_groups. */
static int load_votes(loader *l, const rn_store_ranker_row *row, int64_t run_id, size_t n,
                      const size_t *taken, const uint8_t *pass, bool unseen, rn_ranking *out)
{
    rn_arena *a = &l->r->arena;
    rn_store_grouping of_cells;
    int rc = rn_store_groups(l->s, run_id, row->ranker_id, a, n, &of_cells, l->err);
    if (rc || !of_cells.any_votes) return rc;
    rn_votes *problems = rn_arena_array(a, l->task->n_problems, sizeof *problems);
    if (!problems) return rn_nomem(l->err, "report");
    for (size_t i = 0; i < l->task->n_problems && !rc; i++) {
        const rn_ranked *p = &out->problems[i];
        if (p->n)
            rc = load_problem_votes(l, p, &of_cells, taken + (p->pass - pass), unseen, &problems[i],
                                    &out->n_examples);
    }
    out->votes = problems;
    return rc;
}

/* One ranker's scores of a run, grouped by problem. Samples without a verdict count as in pass@k:
 * they are left out, or, under --missing fail, failed; those without a score are never chosen.
 * unseen: of the ranker `examples`, only what no test repeats. */
static int load_ranker(loader *l, rn_entrant *e, const rn_store_ranker_row *row, int64_t run_id,
                       const rn_store_cell *cells, size_t n, bool unseen, rn_ranking *out)
{
    rn_arena *a = &l->r->arena;
    size_t n_problems = l->task->n_problems;
    double *scores = NULL;
    int rc = rn_store_scores(l->s, run_id, row->ranker_id, a, n, &scores, l->err);
    if (rc) return rc;
    rn_ranked *problems = rn_arena_array(a, n_problems, sizeof *problems);
    double *score = rn_arena_array(a, n, sizeof *score);
    uint8_t *pass = rn_arena_array(a, n, 1), *cut = rn_arena_array(a, n, 1);
    size_t *taken = rn_arena_array(a, n, sizeof *taken);
    out->name = rn_arena_strdup(a, row->name);
    if (!problems || !score || !pass || !cut || !taken || !out->name)
        return rn_nomem(l->err, "report");
    size_t used = 0, at = 0, unscored = 0;
    for (size_t i = 0; i < n; i++) {
        const bool known = judged(&cells[i]), never = cells[i].cut || (!known && isnan(scores[i]));
        if (!known && l->r->opts.missing != RN_MISSING_FAIL) continue;
        if (l->first && !l->first[i]) continue;
        if (selects(l) && problem_index(l, cells[i].problem_id, at) == SIZE_MAX) continue;
        /* A sample that ran into the token limit is never chosen, whatever its score. */
        if (isnan(scores[i]) && !never) {
            unscored++;
            continue;
        }
        at = problem_index(l, cells[i].problem_id, at);
        if (at == SIZE_MAX) return rn_fail(l->err, RN_EINTERNAL, "a sample of no problem");
        rn_ranked *p = &problems[at];
        if (p->n == 0) {
            p->score = score + used;
            p->pass = pass + used;
            p->cut = cut + used;
        }
        score[used] = isnan(scores[i]) ? 0 : scores[i];
        pass[used] = cells[i].verdict == RN_V_PASSED;
        cut[used] = never;
        taken[used] = i;
        p->n++;
        used++;
        out->n_scored += !never;
    }
    out->problems = problems;
    out->n_drawn = (int64_t)used;
    out->lower_is_better = row->lower_is_better;
    if (strstr(row->json, "\"by\":\"consensus\"") || strstr(row->json, "\"by\":\"tests\""))
        rc = load_groups(l, row, run_id, n, taken, pass, out);
    if (is_examples(row)) rc = load_votes(l, row, run_id, n, taken, pass, unseen, out);
    if (unseen) out->name = "examples in no test";
    if (rc) return rc;
    rn_store_score_sums sums;
    rc = rn_store_score_cost(l->s, run_id, row->ranker_id, &sums, l->err);
    if (rc) return rc;
    out->n_recorded[RN_UNIT_FLOP] = sums.n_flop;
    out->recorded[RN_UNIT_FLOP] = sums.flop;
    out->n_recorded[RN_UNIT_SECOND] = sums.n_wall;
    out->recorded[RN_UNIT_SECOND] = sums.wall_s;
    out->n_judged = sums.n_cpu;
    out->n_runs = sums.n_runs;
    out->judge_cpu_s = sums.cpu_s;
    if (unscored == 0 || unseen) return 0;
    return rn_report_note(
        l->r, l->err, "%s: %zu judged %s no score of %s and %s left out of its ranking", e->model,
        unscored, rn_plural((int64_t)unscored, "sample has", "samples have"), row->name,
        rn_plural((int64_t)unscored, "is", "are"));
}

enum { MAX_RANKERS = 64 };

typedef struct ranker_list {
    rn_store_ranker_row row[MAX_RANKERS];
    rn_arena *arena;
    size_t n;
} ranker_list;

static int on_ranker(void *user, const rn_store_ranker_row *row)
{
    ranker_list *list = user;
    if (list->n == MAX_RANKERS) return 0;
    list->row[list->n] = *row;
    rn_store_ranker_row *to = &list->row[list->n++];
    to->name = rn_arena_strdup(list->arena, row->name);
    to->json = rn_arena_strdup(list->arena, row->json);
    return to->name && to->json ? 0 : RN_ENOMEM;
}

static int load_rankers(loader *l, rn_entrant *e, int64_t run_id, const rn_store_cell *cells,
                        size_t n)
{
    ranker_list list = {.arena = &l->r->arena};
    int rc = rn_store_each_ranker(l->s, run_id, on_ranker, &list, l->err);
    if (rc || list.n == 0) return rc;
    rn_ranking *rankings = rn_arena_array(&l->r->arena, 2 * list.n, sizeof *rankings);
    if (!rankings) return rn_nomem(l->err, "report");
    e->rankings = rankings;
    for (size_t i = 0; i < list.n && !rc; i++) {
        rn_ranking *x = &rankings[e->n_rankings++];
        rc = load_ranker(l, e, &list.row[i], run_id, cells, n, false, x);
        if (rc || !is_examples(&list.row[i])) continue;
        /* Beside it what the examples are worth that no test repeats, where there are both. */
        rn_ranking *y = &rankings[e->n_rankings];
        rc = load_ranker(l, e, &list.row[i], run_id, cells, n, true, y);
        x->n_unseen = y->n_unseen = y->n_examples;
        e->n_rankings += y->n_examples > 0 && y->n_examples < x->n_examples;
    }
    return rc;
}

/* The place of each cell in the task, UINT32_MAX where its problem is not selected. */
static int place_cells(const loader *l, const rn_store_run_row *run, const rn_store_cell *cells,
                       size_t n, uint32_t *place)
{
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        at = problem_index(l, cells[i].problem_id, at);
        if (at == SIZE_MAX && !selects(l))
            return rn_fail(l->err, RN_EFORMAT, "%s: a sample belongs to no problem of %s",
                           rn_store_path(l->s), run->set_name);
        place[i] = at == SIZE_MAX ? UINT32_MAX : (uint32_t)at;
        if (at == SIZE_MAX) at = 0;
    }
    return 0;
}

/* Counts per problem, tokens and verdicts from the samples. */
static int load_samples(loader *l, rn_entrant *e, const rn_store_run_row *run)
{
    rn_arena samples = {0};
    rn_store_cell *cells = NULL;
    size_t n = 0;
    int rc = rn_store_cells(l->s, run->run_id, l->tests, &samples, &cells, &n, l->err);
    rn_count *counts = rn_arena_array(&l->r->arena, l->task->n_problems + 1, sizeof *counts);
    uint32_t *place = rn_arena_array(&samples, n + 1, sizeof *place);
    uint8_t *first = rn_arena_array(&samples, n + 1, 1);
    if (!rc && (!counts || !place || !first)) rc = rn_nomem(l->err, "report");
    if (!rc) rc = place_cells(l, run, cells, n, place);
    const rn_run_cells all = {cells, place, n, run->settings};
    if (!rc) rc = rn_report_ruled(&l->r->arena, l->task, &all, e, first, l->err);
    l->first = e->base ? first : NULL;
    for (size_t i = 0; i < n && !rc; i++) {
        const rn_store_cell *c = &cells[i];
        const uint32_t at = place[i];
        if (at == UINT32_MAX) continue;
        if (c->verdict >= 0)
            e->verdicts[c->verdict]++;
        else
            e->n_unjudged++;
        if (judged(c))
            counts[at].n++;
        else
            counts[at].missing++;
        counts[at].c += c->verdict == RN_V_PASSED;
        if (l->first && !l->first[i]) continue; /* hard problems have more of them */
        add_tokens(&e->tokens, c);
        if (c->verdict == RN_V_PASSED) add_tokens(&e->tokens_passed, c);
    }
    if (!rc) rc = load_rankers(l, e, run->run_id, cells, n);
    l->first = NULL;
    rn_arena_free(&samples);
    if (rc) return rc;
    e->counts = counts;
    for (size_t i = 0; i < l->task->n_problems; i++)
        if (counts[i].n + counts[i].missing > e->n) e->n = counts[i].n + counts[i].missing;
    rc = rn_store_count_no_code(l->s, run->run_id, &e->n_no_code, l->err);
    if (rc) return rc;
    l->n_protocols = 0;
    l->protocol = "";
    rc = rn_store_each_protocol(l->s, run->run_id, l->tests, on_protocol, l, l->err);
    e->protocol = l->protocol;
    e->n_protocols = l->n_protocols;
    return rc;
}

/* Counts without text. */
static int load_counts(loader *l, rn_entrant *e, const rn_store_run_row *run)
{
    rn_store_outcome *rows = NULL;
    size_t n = 0, at = 0;
    int rc = rn_store_outcomes(l->s, run->run_id, l->tests, &l->r->arena, &rows, &n, l->err);
    if (rc) return rc;
    rn_count *counts = rn_arena_array(&l->r->arena, l->task->n_problems + 1, sizeof *counts);
    if (!counts) return rn_nomem(l->err, "report");
    for (size_t i = 0; i < n; i++) {
        if (!is_selected(l, rows[i].task_id)) continue;
        while (at < l->task->n_problems && strcmp(l->task_ids.data[at], rows[i].task_id) != 0)
            at++;
        if (at == l->task->n_problems)
            return rn_fail(l->err, RN_EFORMAT, "%s: counts for %s, which is not in %s",
                           rn_store_path(l->s), rows[i].task_id, run->set_name);
        counts[at] = (rn_count){rows[i].n, rows[i].c, rows[i].missing};
        if (rows[i].n > e->n) e->n = rows[i].n;
    }
    e->counts = counts;
    return 0;
}

static int on_curve(void *user, int64_t k, double value)
{
    loader *l = user;
    rn_entrant *e = l->entrant;
    if (e->n_published == l->cap_curve) return 0;
    ((int64_t *)e->published_k)[e->n_published] = k;
    ((double *)e->published)[e->n_published++] = value;
    if (k > e->n) e->n = k;
    return 0;
}

static int load_curve(loader *l, rn_entrant *e, const rn_store_run_row *run)
{
    l->cap_curve = (size_t)run->n_curve;
    e->published_k = rn_arena_array(&l->r->arena, l->cap_curve, sizeof(int64_t));
    e->published = rn_arena_array(&l->r->arena, l->cap_curve, sizeof(double));
    if (!e->published_k || !e->published) return rn_nomem(l->err, "report");
    l->entrant = e;
    return rn_store_each_curve(l->s, run->run_id, on_curve, l, l->err);
}

/* "7b", or "7b (run 3)" where the model has several sampled runs on this set. */
static const char *label(loader *l, size_t i)
{
    const rn_store_run_row *run = &l->runs.data[i];
    size_t same = 0;
    for (size_t j = 0; j < l->runs.n; j++) {
        const rn_store_run_row *other = &l->runs.data[j];
        same += other->set_id == run->set_id && strcmp(other->kind, "greedy") != 0 &&
                strcmp(other->model_name, run->model_name) == 0;
    }
    if (same < 2) return run->model_name;
    return rn_arena_printf(&l->r->arena, "%s (run %lld)", run->model_name, (long long)run->run_id);
}

static void set_run(rn_entrant *e, const rn_store_run_row *run)
{
    e->base_name = run->model_name;
    e->model_id = run->model_id;
    if (strcmp(run->kind, "greedy") != 0) e->run_id = run->run_id;
    e->cost_name = run->model_cost;
    e->preset = run->preset;
    e->settings = run->settings;
}

/* The outcomes of greedy answers by problem of the task, NAN where there is none. */
static double *solved_of(const loader *l, const rn_store_outcome *rows, size_t n)
{
    double *solved = rn_arena_array(&l->r->arena, l->task->n_problems + 1, sizeof *solved);
    for (size_t i = 0, at = 0; solved && i < l->task->n_problems; i++) {
        solved[i] = NAN;
        size_t k = 0;
        while (k < n && strcmp(rows[(at + k) % n].task_id, l->task_ids.data[i]) != 0)
            k++;
        if (k == n) continue;
        at = (at + k) % n; /* both are in the order of the set: found at once */
        if (rows[at].n) solved[i] = (double)rows[at].c / (double)rows[at].n;
    }
    return solved;
}

/* The share of problems that the greedy answers of a run solve, given to every entrant of its
 * model; an entrant of its own when the model has no other run. */
static int load_greedy(loader *l, const rn_store_run_row *run)
{
    rn_store_outcome *rows = NULL;
    size_t n = 0;
    int rc = rn_store_outcomes(l->s, run->run_id, l->tests, &l->r->arena, &rows, &n, l->err);
    if (rc) return rc;
    rn_greedy g = {.value = NAN, .lo = NAN, .hi = NAN};
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        if (rows[i].n == 0 || !is_selected(l, rows[i].task_id)) continue;
        g.n++;
        sum += (double)rows[i].c / (double)rows[i].n;
    }
    if (g.n == 0)
        return rn_report_note(l->r, l->err,
                              "%s on %s: no greedy answer has a verdict: run `ration judge -s %s`",
                              run->model_name, run->set_name, rn_store_path(l->s));
    g.value = sum / (double)g.n;
    rn_stat_wilson(g.value, (double)g.n, l->r->opts.level, &g.lo, &g.hi);
    double *solved = solved_of(l, rows, n);
    if (!solved) return rn_nomem(l->err, "report");
    bool found = false;
    size_t len = strlen(run->model_name);
    for (size_t i = 0; i < l->task->n_entrants; i++) {
        rn_entrant *e = &l->task->entrants[i];
        if (strncmp(e->model, run->model_name, len) != 0) continue;
        if (e->model[len] && strncmp(e->model + len, " (run ", 6) != 0) continue;
        e->greedy = g;
        e->solved = solved;
        e->greedy_run_id = run->run_id;
        found = true;
    }
    if (found) return 0;
    rn_entrant *e = rn_report_entrant_add(l->r, l->task, run->model_name);
    if (!e) return rn_nomem(l->err, "report");
    e->greedy = g;
    e->solved = solved;
    e->greedy_run_id = run->run_id;
    set_run(e, run);
    return 0;
}

static int load_run(loader *l, size_t i)
{
    const rn_store_run_row *run = &l->runs.data[i];
    const char *name = label(l, i);
    rn_entrant *e = name ? rn_report_entrant_add(l->r, l->task, name) : NULL;
    if (!e) return rn_nomem(l->err, "report");
    set_run(e, run);
    e->sampled = run->n_samples > 0;
    if (run->n_samples > 0) return load_samples(l, e, run);
    if (run->n_counts > 0) return load_counts(l, e, run);
    if (run->n_curve > 0) return load_curve(l, e, run);
    return rn_report_note(l->r, l->err, "%s on %s: the run has no samples yet", name,
                          run->set_name);
}

/* One task of the set: under `tests`, which its name says. */
static int load_task(loader *l, const rn_store_run_row *first, int64_t tests, const char *name)
{
    l->tests = tests;
    l->task = name ? rn_report_task_get(l->r, name, first->set_hash) : NULL;
    if (!l->task) return rn_nomem(l->err, "report");
    l->task->n_problems = l->problem_ids.n = l->task_ids.n = 0;
    l->task->set_id = first->set_id;
    l->task->set = rn_arena_strdup(&l->r->arena, first->set_name);
    l->task->store = rn_arena_strdup(&l->r->arena, rn_store_path(l->s));
    if (!l->task->store || !l->task->set) return rn_nomem(l->err, "report");
    int rc = rn_store_each_problem(l->s, first->set_id, on_problem, l, l->err);
    if (rc) return rc;
    const char **ids = rn_arena_array(&l->r->arena, l->task->n_problems + 1, sizeof *ids);
    if (!ids) return rn_nomem(l->err, "report");
    if (l->task->n_problems) memcpy(ids, l->task_ids.data, l->task->n_problems * sizeof *ids);
    l->task->task_ids = ids;
    for (size_t i = 0; i < l->runs.n && !rc; i++)
        if (l->runs.data[i].set_id == first->set_id && strcmp(l->runs.data[i].kind, "greedy") != 0)
            rc = load_run(l, i);
    for (size_t i = 0; i < l->runs.n && !rc; i++)
        if (l->runs.data[i].set_id == first->set_id && strcmp(l->runs.data[i].kind, "greedy") == 0)
            rc = load_greedy(l, &l->runs.data[i]);
    return rc;
}

/* Two tasks where samples were judged under the base tests and under more. */
static int load_set(loader *l, const rn_store_run_row *first)
{
    bool base = false, more = false;
    int rc = rn_store_tests(l->s, first->set_id, &base, &more, l->err);
    if (rc || !base || !more) return rc ? rc : load_task(l, first, 0, first->set_name);
    rn_arena *a = &l->r->arena;
    rc = load_task(l, first, RN_STORE_BASE_TESTS,
                   rn_arena_printf(a, "%s, base tests", first->set_name));
    return rc ? rc
              : load_task(l, first, RN_STORE_MORE_TESTS,
                          rn_arena_printf(a, "%s, base + extra tests", first->set_name));
}

static int on_profile(void *user, const char *model, const rn_store_profile *p)
{
    loader *l = user;
    rn_report *r = l->r;
    rn_shape shape;
    int rc = rn_shape_of_profile(p->json, &shape, l->err);
    if (!rc) rc = rn_cost_book_add_shape(r->book, model, &shape, "`ration profile`", l->err);
    if (rc && rc != RN_ENOTFOUND) return rc;
    rn_cost_curve t = {.per_sample = p->s_per_sample};
    if (!(t.per_sample > 0)) return 0;
    rn_measured *list = rn_report_grown(&r->arena, r->measured, r->n_measured, sizeof *list);
    if (!list) return rn_nomem(l->err, "report");
    r->measured = list;
    list[r->n_measured++] = (rn_measured){.model_id = p->model_id,
                                          .model = rn_arena_strdup(&r->arena, model),
                                          .hardware = rn_arena_strdup(&r->arena, p->hardware),
                                          .s_per_sample = p->s_per_sample};
    const rn_measured *m = &list[r->n_measured - 1];
    if (!m->model || !m->hardware) return rn_nomem(l->err, "report");
    return rn_cost_profile_add(l->r->book, p->hardware, p->hardware, model, &t, l->err);
}

/* The filter in the store's own words; a name that it does not have is refused. */
static int resolve(loader *l, const rn_report_filter *asked, rn_report_filter *out)
{
    rn_arena *a = &l->r->arena;
    const char **models = rn_arena_array(a, asked->n_models + 1, sizeof *models);
    if (!models) return rn_nomem(l->err, "report");
    int rc = 0;
    *out = *asked;
    out->models = models;
    if (asked->n_models) memcpy(models, asked->models, asked->n_models * sizeof *models);
    if (asked->loose) return 0;
    if (asked->task) rc = rn_store_name_of(l->s, RN_STORE_SET, asked->task, a, &out->task, l->err);
    for (size_t i = 0; i < asked->n_models && !rc; i++)
        rc = rn_store_name_of(l->s, RN_STORE_MODEL, asked->models[i], a, &models[i], l->err);
    return rc;
}

int rn_report_add_store(rn_report *r, const char *path, const rn_report_filter *filter, rn_err *err)
{
    rn_report_filter own;
    loader l = {.r = r, .err = err};
    int rc = rn_store_open(path, RN_STORE_READ, &l.s, err);
    if (rc) return rc;
    rc = rn_store_begin(l.s, err);
    if (!rc && filter) rc = resolve(&l, filter, &own);
    if (!rc && filter) l.filter = &own;
    if (!rc) rc = rn_store_each_run(l.s, on_run, &l, err);
    if (!rc && l.runs.n == 0)
        rc = rn_fail(err, RN_ENOTFOUND,
                     "%s holds no run%s; `ration generate` or `ration import` "
                     "make one",
                     path, filter && (filter->task || filter->n_models) ? " of these" : "");
    /* Everything is compared with everything: a stranger's store would keep that busy for hours. */
    if (!rc && l.runs.n > MAX_RUNS)
        rc =
            rn_fail(err, RN_ELIMIT,
                    "%s holds %zu runs of these, more than a report compares (%d): name the models "
                    "with -m, or a set with -t",
                    path, l.runs.n, MAX_RUNS);
    for (size_t i = 0; i < l.runs.n && !rc; i++) {
        bool first = true;
        for (size_t j = 0; j < i; j++)
            first &= l.runs.data[j].set_id != l.runs.data[i].set_id;
        if (first) rc = load_set(&l, &l.runs.data[i]);
    }
    if (!rc) rc = rn_store_each_profile(l.s, on_profile, &l, err);
    rn_store_rollback(l.s);
    rn_store_close(l.s);
    rn_vec_free(&l.runs);
    rn_vec_free(&l.problem_ids);
    rn_vec_free(&l.task_ids);
    return rc;
}
