/*
 * rank_combine.c: several rankers as one, from scores that are in the store. Two rules:
 *
 *   examples+nll         by the first, and where samples are equal in it, by the next. Nothing is
 *                        fitted and no verdict is read.
 *   logit:examples+nll   by a weighted sum, its weights a logistic regression of the run's verdicts
 *                        on its scores, fitted for each problem on others (stat/logit.h): a
 *                        problem's own verdicts have no say in the order of its samples.
 *
 * Of `examples` the number of examples passed counts, not the agreement behind it (logit: their
 * share among those of the problem): a score of a combination stands for itself, as those of
 * likelihood and verifier do, and rank-score@k is that of equation 4. For the same reason
 * consensus and tests, whose scores depend on the other samples, do not combine. The score of a
 * sample by the first rule is its place from below among those of its problem, equals together.
 */
#include "run/identity.h"
#include "run/rank_priv.h"
#include "stat/logit.h"
#include "stat/votes.h"

enum { MAX_PARTS = 4 };

typedef struct combine {
    char *names[MAX_PARTS]; /* [n_parts] as asked, in the one allocation `text` */
    char *text;
    int n_parts;
    bool fitted; /* by logistic regression */
    /* of the run at work */
    rn_arena arena;
    rn_store_cell *cells; /* [n_cells] */
    double *score[MAX_PARTS];
    double *weight; /* [n_cells, n_parts]: fitted, those of the sample's problem */
    size_t n_cells, at;
    int64_t ranker_id[MAX_PARTS];
    bool lower_is_better[MAX_PARTS], examples[MAX_PARTS];
    int n_named[MAX_PARTS]; /* rankers that the name fits */
} combine;

typedef struct place {
    int64_t sample_id;
    double by[MAX_PARTS]; /* highest is best */
    double sum;           /* fitted */
    int n_parts;
    bool fitted;
} place;

static const char logit[] = "logit:";

static bool combines(const char *name)
{
    return name[0] && strncmp(name, "consensus", 9) != 0 && strncmp(name, "tests", 5) != 0;
}

static int open_combination(rn_ranking *k, rn_err *err)
{
    combine *c = k->own = calloc(1, sizeof *c);
    if (!c || !(c->text = malloc(strlen(k->o->ranker) + 1))) return rn_nomem(err, NULL);
    strcpy(c->text, k->o->ranker);
    char *at = c->text;
    c->fitted = strncmp(at, logit, sizeof logit - 1) == 0;
    if (c->fitted) at += sizeof logit - 1;
    bool ok = true;
    for (char *plus = at; plus && ok; at = plus + 1) {
        plus = strchr(at, '+');
        if (plus) *plus = '\0';
        ok = c->n_parts < MAX_PARTS && combines(at);
        if (ok) c->names[c->n_parts++] = at;
        if (!plus) break;
    }
    if (!ok || c->n_parts < 2)
        return rn_fail(err, RN_EINVAL,
                       "'%s' is not two to four of examples, nll and verifier with a '+' between "
                       "them, e.g. examples+nll, logit:examples+nll, or examples+nll:NAME of the "
                       "ranking model",
                       k->o->ranker);
    const rn_ranker_identity r = {.by = c->fitted ? "logit" : "lexicographic",
                                  .agree = k->o->ranker};
    return rn_ranking_put_ranker(k, k->o->ranker, &r, err);
}

/* "nll" is every likelihood; "nll:my-7b" that of one model. */
static int note_ranker(void *user, const rn_store_ranker_row *row)
{
    combine *c = user;
    for (int i = 0; i < c->n_parts; i++) {
        const size_t n = strlen(c->names[i]);
        if (strncmp(row->name, c->names[i], n) != 0 || (row->name[n] && row->name[n] != ':'))
            continue;
        c->ranker_id[i] = row->ranker_id;
        c->lower_is_better[i] = row->lower_is_better;
        c->examples[i] = strcmp(row->name, "examples") == 0;
        c->n_named[i]++;
    }
    return 0;
}

static double share_passed(double n_passed, rn_bytes votes)
{
    const int known = rn_votes_at(votes, RN_VOTES_KNOWN);
    return known ? n_passed / known : 0;
}

static int load_part(combine *c, rn_ranking *k, int i, rn_err *err)
{
    rn_store_grouping g;
    if (!c->examples[i])
        return rn_store_scores(k->store, k->run->id, c->ranker_id[i], &c->arena, c->n_cells,
                               &c->score[i], err);
    int rc = rn_store_groups(k->store, k->run->id, c->ranker_id[i], &c->arena, c->n_cells, &g, err);
    c->score[i] = g.part;
    for (size_t j = 0; j < c->n_cells && !rc && c->fitted; j++)
        g.part[j] = isnan(g.part[j]) ? NAN : share_passed(g.part[j], g.votes[j]);
    return rc;
}

/* A sample with all scores and a verdict on what its program did. */
static bool tells(const combine *c, size_t cell)
{
    const int verdict = c->cells[cell].verdict;
    const char family = verdict < 0 ? 'S' : rn_verdict_family((rn_verdict)verdict);
    bool all = family == 'P' || family == 'L';
    for (int i = 0; i < c->n_parts; i++)
        all &= !isnan(c->score[i][cell]);
    return all;
}

/* The weights of each cell's problem; a problem without a verdict has those of the others. */
static int fit_weights(combine *c, rn_ranking *k, rn_err *err)
{
    const size_t n = c->n_cells, n_x = (size_t)c->n_parts;
    double *x = rn_arena_array(&c->arena, n * n_x + 1, sizeof *x);
    uint8_t *passed = rn_arena_array(&c->arena, n + 1, 1);
    uint32_t *problem = rn_arena_array(&c->arena, n + 1, sizeof *problem);
    uint32_t *of_cell = rn_arena_array(&c->arena, n + 1, sizeof *of_cell);
    c->weight = rn_arena_array(&c->arena, n * n_x + 1, sizeof *c->weight);
    if (!x || !passed || !problem || !of_cell || !c->weight)
        return rn_nomem(err, "combination of rankers");
    rn_logit_data d = {.x = x, .passed = passed, .problem = problem, .n_x = n_x};
    bool any = false; /* of the problem at work */
    for (size_t i = 0; i < n; i++) {
        if (i && c->cells[i].problem_id != c->cells[i - 1].problem_id) {
            d.n_problems += any;
            any = false;
        }
        of_cell[i] = (uint32_t)d.n_problems;
        if (!tells(c, i)) continue;
        any = true;
        for (size_t j = 0; j < n_x; j++)
            x[d.n * n_x + j] = c->score[j][i];
        passed[d.n] = c->cells[i].verdict == RN_V_PASSED;
        problem[d.n++] = of_cell[i];
    }
    d.n_problems += any;
    double *w = rn_arena_array(&c->arena, (d.n_problems + 1) * n_x, sizeof *w);
    if (!w) return rn_nomem(err, "combination of rankers");
    int rc = rn_logit_crossfit(&d, 0, w, err);
    if (rc) return rn_err_prefix(err, "run %lld", (long long)k->run->id);
    for (size_t i = 0; i < n; i++) {
        const size_t p = of_cell[i] < d.n_problems ? of_cell[i] : d.n_problems - 1;
        memcpy(&c->weight[i * n_x], &w[p * n_x], n_x * sizeof *w);
    }
    return 0;
}

static int begin_run(rn_ranking *k, rn_err *err)
{
    combine *c = k->own;
    rn_arena_free(&c->arena);
    c->at = c->n_cells = 0;
    memset(c->n_named, 0, sizeof c->n_named);
    int rc = rn_store_each_ranker(k->store, k->run->id, note_ranker, c, err);
    for (int i = 0; i < c->n_parts && !rc; i++)
        if (c->n_named[i] != 1)
            rc = rn_fail(err, RN_ENOTFOUND, "run %lld: %d rankers are called %s; %s",
                         (long long)k->run->id, c->n_named[i], c->names[i],
                         c->n_named[i] ? "name one by its model, e.g. nll:my-7b"
                                       : "score the samples with it first: ration rank --ranker");
    if (!rc) rc = rn_store_cells(k->store, k->run->id, 0, &c->arena, &c->cells, &c->n_cells, err);
    for (int i = 0; i < c->n_parts && !rc; i++)
        rc = load_part(c, k, i, err);
    return !rc && c->fitted ? fit_weights(c, k, err) : rc;
}

static int by_parts(const void *a, const void *b)
{
    const place *x = a, *y = b;
    if (x->fitted) return (x->sum > y->sum) - (x->sum < y->sum);
    for (int i = 0; i < x->n_parts; i++)
        if (x->by[i] != y->by[i]) return x->by[i] < y->by[i] ? -1 : 1;
    return 0;
}

/* Items come in the order of the cells. */
static bool find_place(combine *c, int64_t sample_id, place *out)
{
    while (c->at < c->n_cells && c->cells[c->at].sample_id != sample_id)
        c->at++;
    if (c->at == c->n_cells) return false;
    *out = (place){.sample_id = sample_id, .n_parts = c->n_parts, .fitted = c->fitted};
    for (int i = 0; i < c->n_parts; i++) {
        const double x = c->score[i][c->at];
        if (isnan(x)) return false;
        out->by[i] = c->lower_is_better[i] ? -x : x;
        if (c->fitted) out->sum += c->weight[c->at * (size_t)c->n_parts + (size_t)i] * x;
    }
    return true;
}

static int score_problem(rn_ranking *k, rn_err *err)
{
    combine *c = k->own;
    size_t n = 0;
    int rc = 0;
    place *list = rn_arena_array(&k->problem_arena, k->items.n, sizeof *list);
    if (!list) return rn_nomem(err, "scores");
    for (size_t i = 0; i < k->items.n; i++) {
        if (find_place(c, k->items.data[i].sample_id, &list[n]))
            n++;
        else
            k->out->n_unlikely++;
    }
    qsort(list, n, sizeof *list, by_parts);
    double rank = 0;
    for (size_t i = 0; i < n && !rc; i++) {
        rank += i == 0 || by_parts(&list[i - 1], &list[i]) != 0;
        /* What it cost stands with the parts. */
        const rn_store_score x = {.sample_id = list[i].sample_id,
                                  .ranker_id = k->ranker_id,
                                  .score = c->fitted ? list[i].sum : rank,
                                  .sum = NAN,
                                  .n_tok = -1,
                                  .wall_ns = -1,
                                  .flop = -1};
        rc = rn_ranking_put_score(k, &x, err);
    }
    return rc;
}

static void close_combination(rn_ranking *k)
{
    combine *c = k->own;
    if (!c) return;
    rn_arena_free(&c->arena);
    free(c->text);
    free(c);
}

const rn_ranker rn_rank_by_combination = {.name = "combination",
                                          .whole = true,
                                          .open = open_combination,
                                          .begin = begin_run,
                                          .score = score_problem,
                                          .close = close_combination};
