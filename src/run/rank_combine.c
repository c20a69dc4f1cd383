/*
 * rank_combine.c: two rankers as one, "examples+nll": by the first, and where two samples are equal
 * in it, by the second. From scores that are in the store; nothing is fitted and no verdict is
 * read, so that the combination cannot learn from the tests that judge it.
 *
 * Of `examples` the number of examples passed counts, not the agreement behind it: a score of
 * a combination stands for itself, as those of likelihood and verifier do, and rank-score@k is that
 * of equation 4. For the same reason consensus and tests, whose scores depend on the other samples,
 * do not combine. The score of a sample is its place from below among those of its problem, equals
 * together.
 */
#include "run/identity.h"
#include "run/rank_priv.h"

#include <math.h>
#include <stdlib.h>

enum { N_PARTS = 2 };

typedef struct combine {
    char *names[N_PARTS]; /* as asked, in the one allocation `text` */
    char *text;
    /* of the run at work */
    rn_arena arena;
    rn_store_cell *cells; /* [n_cells] */
    double *score[N_PARTS];
    size_t n_cells, at;
    int64_t ranker_id[N_PARTS];
    bool lower_is_better[N_PARTS], examples[N_PARTS];
    int n_named[N_PARTS]; /* rankers that the name fits */
} combine;

typedef struct place {
    int64_t sample_id;
    double by[N_PARTS]; /* highest is best */
} place;

static int open_combination(rn_ranking *k, rn_err *err)
{
    combine *c = k->own = calloc(1, sizeof *c);
    if (!c || !(c->text = malloc(strlen(k->o->ranker) + 1)))
        return rn_fail(err, RN_ENOMEM, "out of memory");
    strcpy(c->text, k->o->ranker);
    c->names[0] = c->text;
    char *plus = strchr(c->text, '+');
    *plus = '\0';
    c->names[1] = plus + 1;
    for (int i = 0; i < N_PARTS; i++)
        if (!strncmp(c->names[i], "consensus", 9) || !strncmp(c->names[i], "tests", 5) ||
            !c->names[i][0] || strchr(c->names[i], '+'))
            return rn_fail(err, RN_EINVAL,
                           "'%s' is not two of examples, nll and verifier with a '+' between them, "
                           "e.g. examples+nll, or examples+nll:NAME of the ranking model",
                           k->o->ranker);
    const rn_ranker_identity r = {.by = "lexicographic", .agree = k->o->ranker};
    return rn_ranking_put_ranker(k, k->o->ranker, &r, err);
}

/* "nll" is every likelihood; "nll:my-7b" that of one model. */
static int note_ranker(void *user, const rn_store_ranker_row *row)
{
    combine *c = user;
    for (int i = 0; i < N_PARTS; i++) {
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

static int load_part(combine *c, rn_ranking *k, int i, rn_err *err)
{
    rn_store_grouping g;
    if (!c->examples[i])
        return rn_store_scores(k->store, k->run->id, c->ranker_id[i], &c->arena, c->n_cells,
                               &c->score[i], err);
    int rc = rn_store_groups(k->store, k->run->id, c->ranker_id[i], &c->arena, c->n_cells, &g, err);
    c->score[i] = g.part;
    return rc;
}

static int begin_run(rn_ranking *k, rn_err *err)
{
    combine *c = k->own;
    rn_arena_free(&c->arena);
    c->at = c->n_cells = 0;
    memset(c->n_named, 0, sizeof c->n_named);
    int rc = rn_store_each_ranker(k->store, k->run->id, note_ranker, c, err);
    for (int i = 0; i < N_PARTS && !rc; i++)
        if (c->n_named[i] != 1)
            rc = rn_fail(err, RN_ENOTFOUND, "run %lld: %d rankers are called %s; %s",
                         (long long)k->run->id, c->n_named[i], c->names[i],
                         c->n_named[i] ? "name one by its model, e.g. nll:my-7b"
                                       : "score the samples with it first: ration rank --ranker");
    if (!rc) rc = rn_store_cells(k->store, k->run->id, 0, &c->arena, &c->cells, &c->n_cells, err);
    for (int i = 0; i < N_PARTS && !rc; i++)
        rc = load_part(c, k, i, err);
    return rc;
}

static int by_parts(const void *a, const void *b)
{
    const place *x = a, *y = b;
    for (int i = 0; i < N_PARTS; i++)
        if (x->by[i] != y->by[i]) return x->by[i] < y->by[i] ? -1 : 1;
    return 0;
}

/* Items come in the order of the cells. */
static bool find_place(combine *c, int64_t sample_id, place *out)
{
    while (c->at < c->n_cells && c->cells[c->at].sample_id != sample_id)
        c->at++;
    if (c->at == c->n_cells) return false;
    out->sample_id = sample_id;
    for (int i = 0; i < N_PARTS; i++) {
        const double x = c->score[i][c->at];
        if (isnan(x)) return false;
        out->by[i] = c->lower_is_better[i] ? -x : x;
    }
    return true;
}

static int score_problem(rn_ranking *k, rn_err *err)
{
    combine *c = k->own;
    size_t n = 0;
    int rc = 0;
    place *list = rn_arena_array(&k->problem_arena, k->items.n, sizeof *list);
    if (!list) return rn_fail(err, RN_ENOMEM, "out of memory for scores");
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
                                  .score = rank,
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
