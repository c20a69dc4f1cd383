/*
 * rankscore.c: rank-score@k, eq. 4: sum_i w_i(k) pass_i, w_i(k) = C(n-i, k-1) / C(n, k).
 *
 * w_i(k) is the chance that the best-ranked of k random samples is the one at place i. It follows
 *   w_1 = k/n,   w_{i+1} = w_i (n-i-k+1)/(n-i)
 * with positive factors at most 1: nothing overflows, and an underflow is a weight that does not
 * count. What is still to come after place i weighs w_{i+1} (n-i)/k, so that the sum can end early.
 *
 * Ties: under a uniformly random order within a group of equal scores, the sample at any place of
 * the group passes with the group's mean; by linearity eq. 4 holds with that mean as pass_i.
 */
#include "stat/rankscore.h"

#define NEGLIGIBLE 1e-18

typedef struct scored {
    double score;
    uint8_t pass;
} scored;

static int by_score(const void *a, const void *b)
{
    double x = ((const scored *)a)->score, y = ((const scored *)b)->score;
    return (x > y) - (x < y);
}

static bool is_cut(const rn_ranked *r, int64_t i)
{
    return r->cut && r->cut[i];
}

int rn_stat_rank_order(const rn_ranked *r, bool lower_is_better, rn_cut cut, double *place,
                       int64_t *n_place, rn_err *err)
{
    if (r->n < 0) return rn_fail(err, RN_EINVAL, "n = %" PRId64 " samples", r->n);
    scored *list = malloc(((size_t)r->n + 1) * sizeof *list);
    if (!list) return rn_nomem(err, "ranking");

    int rc = 0;
    int64_t n_list = 0;
    for (int64_t i = 0; i < r->n && rc == 0; i++) {
        if (r->pass[i] > 1)
            rc = rn_fail(err, RN_EINVAL, "sample %" PRId64 ": pass is %d, must be 0 or 1", i,
                         r->pass[i]);
        else if (is_cut(r, i))
            continue; /* it may well have no score */
        else if (isnan(r->score[i]))
            rc = rn_fail(err, RN_EINVAL,
                         "sample %" PRId64 " has no score: score it, or mark it as left out", i);
        else
            list[n_list++] = (scored){lower_is_better ? r->score[i] : -r->score[i], r->pass[i]};
    }
    if (rc) goto out;
    if (n_list > 0) qsort(list, (size_t)n_list, sizeof *list, by_score);
    for (int64_t i = 0, end; i < n_list; i = end) {
        int64_t passes = 0;
        for (end = i; end < n_list && list[end].score == list[i].score; end++)
            passes += list[end].pass;
        for (int64_t j = i; j < end; j++)
            place[j] = (double)passes / (double)(end - i);
    }
    if (cut == RN_CUT_LAST) {
        for (int64_t j = n_list; j < r->n; j++)
            place[j] = 0;
        n_list = r->n;
    }
    *n_place = n_list;
out:
    free(list);
    return rc;
}

static int check_k(int64_t n, int64_t k, rn_err *err)
{
    if (k < 1) return rn_fail(err, RN_EINVAL, "k = %" PRId64 ": must be at least 1", k);
    if (k > n)
        return rn_fail(err, RN_EINVAL,
                       "k = %" PRId64 " is more than the n = %" PRId64
                       " ranked samples: rank-score@k needs n >= k",
                       k, n);
    return 0;
}

/* Places after `last` are all 0. */
static double score_at(const double *place, int64_t last, int64_t n, int64_t k)
{
    double w = (double)k / (double)n, sum = 0, lost = 0; /* Neumaier's sum */
    int64_t end = last < n - k + 1 ? last : n - k + 1;
    for (int64_t i = 1; i <= end; i++) {
        double term = w * place[i - 1], next = sum + term;
        lost += sum >= term ? (sum - next) + term : (term - next) + sum;
        sum = next;
        double rest = (double)(n - i);
        if (w * rest < NEGLIGIBLE * (double)k) break; /* w_{i+1} <= w_i bounds the rest */
        w *= (rest - (double)(k - 1)) / rest;
    }
    sum += lost;
    return sum < 1 ? sum : 1;
}

static int64_t last_place(const double *place, int64_t n)
{
    while (n > 0 && place[n - 1] == 0)
        n--;
    return n;
}

int rn_stat_rank_at(const double *place, int64_t n, int64_t k, double *out, rn_err *err)
{
    int rc = check_k(n, k, err);
    if (rc == 0) *out = score_at(place, last_place(place, n), n, k);
    return rc;
}

int rn_stat_rank_curve(const double *place, int64_t n, int64_t k_max, double *out, rn_err *err)
{
    int rc = check_k(n, k_max, err);
    if (rc) return rc;
    int64_t last = last_place(place, n);
    for (int64_t k = 1; k <= k_max; k++)
        out[k - 1] = score_at(place, last, n, k);
    return 0;
}

static int64_t n_places(const rn_ranked *r, rn_cut cut)
{
    int64_t n = r->n;
    for (int64_t i = 0; cut == RN_CUT_DROP && i < r->n; i++)
        n -= is_cut(r, i);
    return n;
}

int64_t rn_stat_rank_k_max(const rn_ranked *problems, size_t n_rows, rn_cut cut)
{
    int64_t min_n = 0;
    for (size_t i = 0; i < n_rows; i++) {
        int64_t n = n_places(&problems[i], cut);
        if (n > 0 && (min_n == 0 || n < min_n)) min_n = n;
    }
    return min_n == 1 ? 1 : min_n / 2;
}

int rn_stat_rank_table(const rn_ranked *problems, size_t n_rows, bool lower_is_better, rn_cut cut,
                       int64_t k_max, double *table, rn_err *err)
{
    if (k_max < 1) return rn_fail(err, RN_EINVAL, "k = %" PRId64 ": must be at least 1", k_max);
    int64_t max_n = 0;
    for (size_t i = 0; i < n_rows; i++)
        if (problems[i].n > max_n) max_n = problems[i].n;
    double *place = malloc(((size_t)max_n + 1) * sizeof *place);
    if (!place) return rn_nomem(err, "ranking");

    int rc = 0;
    for (size_t i = 0; i < n_rows && rc == 0; i++) {
        double *row = table + i * (size_t)k_max;
        int64_t n;
        rc = rn_stat_rank_order(&problems[i], lower_is_better, cut, place, &n, err);
        if (rc == 0 && n == 0) memset(row, 0, (size_t)k_max * sizeof *row);
        if (rc == 0 && n > 0) rc = rn_stat_rank_curve(place, n, k_max, row, err);
        if (rc) rn_err_prefix(err, "problem %zu", i);
    }
    free(place);
    return rc;
}

/* ---- ration.h -------------------------------------------------------------------------------- */

int rn_rank_score(const double *score, const uint8_t *pass, int64_t n, int64_t k, double *out,
                  rn_err *err)
{
    if (n < 1) return rn_fail(err, RN_EINVAL, "rank-score of %" PRId64 " samples", n);
    const rn_ranked r = {.score = score, .pass = pass, .n = n};
    double *place = malloc((size_t)n * sizeof *place);
    if (!place) return rn_nomem(err, "ranking");
    int64_t n_place;
    int rc = rn_stat_rank_order(&r, false, RN_CUT_LAST, place, &n_place, err);
    if (rc == 0) rc = rn_stat_rank_at(place, n_place, k, out, err);
    free(place);
    return rc;
}
