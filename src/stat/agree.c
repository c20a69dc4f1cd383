/*
 * agree.c: see agree.h. One order of the samples gives the choice at every k in O(k_max): adding a
 * sample raises the score of its group alone, so that the groups that are best are either joined by
 * it, replaced by it, or stay.
 */
#include "stat/agree.h"

#include "base/rng.h"

/* Draws of a problem: enough orders that a set's error is below that of its problems by far. */
enum { DRAWS = 100000, MIN_ORDERS = 100, MAX_ORDERS = 4000 };

typedef struct tally {
    int64_t n, n_pass; /* of the whole group */
    int64_t drawn;     /* of the order at work */
} tally;

/* The groups that are best so far. */
typedef struct best {
    double score;
    double n, passes; /* samples drawn of them, and the passes to expect among these */
} best;

static int check(const rn_agreed *p, int64_t k_max, rn_err *err)
{
    if (k_max < 1 || k_max > p->n)
        return rn_fail(err, RN_EINVAL, "k = %" PRId64 " of n = %" PRId64 " ranked samples", k_max,
                       p->n);
    for (int64_t i = 0; i < p->n; i++) {
        if (p->pass[i] > 1)
            return rn_fail(err, RN_EINVAL, "sample %" PRId64 ": pass is %d, must be 0 or 1", i,
                           p->pass[i]);
        if (p->cut[i]) continue;
        if (p->group[i] < 1 || p->group[i] > p->n)
            return rn_fail(err, RN_EINVAL, "sample %" PRId64 ": no group %" PRIu32, i, p->group[i]);
        if (!(p->weight[i] >= 0) || isinf(p->weight[i]))
            return rn_fail(err, RN_EINVAL, "sample %" PRId64 ": weight %g", i, p->weight[i]);
    }
    return 0;
}

static void add(const rn_agreed *p, int64_t i, tally *groups, best *b)
{
    if (p->cut[i]) return;
    tally *g = &groups[p->group[i] - 1];
    double rate = (double)g->n_pass / (double)g->n;
    if (p->weight[i] == 0) { /* chosen only where nobody has a score */
        if (b->score > 0) return;
        b->n += 1;
        b->passes += rate;
        return;
    }
    double drawn = (double)++g->drawn, score = drawn * p->weight[i];
    if (score > b->score) *b = (best){.score = score};
    if (score < b->score) return;
    b->n += drawn;
    b->passes += drawn * rate;
}

static int64_t n_orders(int64_t k_max)
{
    int64_t n = DRAWS / k_max;
    return n < MIN_ORDERS ? MIN_ORDERS : n > MAX_ORDERS ? MAX_ORDERS : n;
}

static void walk_orders(const rn_agreed *p, int64_t k_max, rn_rng *rng, tally *groups,
                        int64_t *order, double *out)
{
    int64_t orders = n_orders(k_max);
    for (int64_t i = 0; i < p->n; i++)
        order[i] = i;
    for (int64_t o = 0; o < orders; o++) {
        best b = {0};
        for (int64_t k = 0; k < k_max; k++) {
            int64_t j = k + (int64_t)rn_rng_below(rng, (uint64_t)(p->n - k)), i = order[j];
            order[j] = order[k];
            order[k] = i;
            add(p, i, groups, &b);
            if (b.n > 0) out[k] += b.passes / b.n;
        }
        for (int64_t k = 0; k < k_max; k++)
            if (!p->cut[order[k]]) groups[p->group[order[k]] - 1].drawn = 0;
    }
    for (int64_t k = 0; k < k_max; k++)
        out[k] /= (double)orders;
}

int rn_stat_agree_curve(const rn_agreed *p, int64_t k_max, uint64_t seed, uint64_t stream,
                        double *out, rn_err *err)
{
    int rc = check(p, k_max, err);
    if (rc) return rc;
    tally *groups = calloc((size_t)p->n, sizeof *groups);
    int64_t *order = malloc((size_t)p->n * sizeof *order);
    if (!groups || !order) {
        rc = rn_nomem(err, "ranking");
    } else {
        rn_rng rng;
        rn_rng_init(&rng, seed, stream, 0);
        memset(out, 0, (size_t)k_max * sizeof *out);
        for (int64_t i = 0; i < p->n; i++) {
            if (p->cut[i]) continue;
            groups[p->group[i] - 1].n++;
            groups[p->group[i] - 1].n_pass += p->pass[i];
        }
        walk_orders(p, k_max, &rng, groups, order, out);
    }
    free(groups);
    free(order);
    return rc;
}

int rn_stat_agree_table(const rn_agreed *problems, size_t n_rows, int64_t k_max, uint64_t seed,
                        double *table, rn_err *err)
{
    for (size_t i = 0; i < n_rows; i++) {
        int rc = rn_stat_agree_curve(&problems[i], k_max, seed, i, table + i * (size_t)k_max, err);
        if (rc) return rn_err_prefix(err, "problem %zu", i);
    }
    return 0;
}
