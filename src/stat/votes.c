/*
 * votes.c: see votes.h.
 *
 * Samples that pass the same examples and give the same values are a kind: they stand or fall
 * together, and the pass rate of the kind takes the place of the single outcome (the same mean,
 * less noise). Along an order the tallies of the inputs only grow while the best number of examples
 * stays, so that a draw costs one row of tallies and, when it changed anything, one row of sums per
 * kind drawn.
 */
#include "stat/votes.h"

#include "base/rng.h"

/* Draws of a problem: enough orders that a set's error is below that of its problems by far. */
enum { DRAWS = 20000, MIN_ORDERS = 50, MAX_ORDERS = 1000, EVERY_K = 128 };

typedef struct kind {
    int64_t first, n, n_pass; /* its first sample, all its samples, those that pass */
    int64_t drawn;            /* of the order at work */
} kind;

typedef struct hall {
    rn_arena mem; /* of all arrays */
    const rn_votes *p;
    uint32_t *kind_of; /* [n] */
    kind *kinds;       /* [n_kinds] */
    size_t n_kinds, n_values;
    int64_t *order;  /* [n] the samples by place */
    int64_t *at;     /* [n] the place of each */
    uint32_t *tally; /* [n_inputs, n_values]: m_i by value */
    uint32_t *valid; /* [n_inputs]: v_i */
    double *weight;  /* [n_inputs]: v_i^4 */
    /* of the order at work */
    bool any;        /* a sample that can be chosen was drawn */
    uint32_t top;    /* most examples passed */
    uint32_t *there; /* [n_there] kinds drawn that pass that many */
    size_t n_there;
} hall;

static int check(const rn_votes *p, int64_t k_max, rn_err *err)
{
    if (k_max < 1 || k_max > p->n)
        return rn_fail(err, RN_EINVAL, "k = %" PRId64 " of n = %" PRId64 " ranked samples", k_max,
                       p->n);
    for (int64_t i = 0; i < p->n; i++)
        if (p->pass[i] > 1)
            return rn_fail(err, RN_EINVAL, "sample %" PRId64 ": pass is %d, must be 0 or 1", i,
                           p->pass[i]);
    return 0;
}

static const uint16_t *row(const rn_votes *p, int64_t i)
{
    return p->n_inputs ? &p->value[(size_t)i * p->n_inputs] : NULL;
}

static bool same_kind(const rn_votes *p, int64_t i, int64_t j)
{
    return p->right[i] == p->right[j] && p->cut[i] == p->cut[j] &&
           (p->n_inputs == 0 || memcmp(row(p, i), row(p, j), p->n_inputs * sizeof *p->value) == 0);
}

static void find_kinds(hall *h)
{
    const rn_votes *p = h->p;
    for (int64_t i = 0; i < p->n; i++) {
        size_t k = 0;
        while (k < h->n_kinds && !same_kind(p, h->kinds[k].first, i))
            k++;
        if (k == h->n_kinds) h->kinds[h->n_kinds++] = (kind){.first = i};
        h->kinds[k].n++;
        h->kinds[k].n_pass += p->pass[i];
        h->kind_of[i] = (uint32_t)k;
    }
    for (size_t i = 0; i < (size_t)p->n * p->n_inputs; i++)
        if (p->value[i] >= h->n_values) h->n_values = (size_t)p->value[i] + 1;
}

static int hall_open(hall *h, const rn_votes *p, rn_err *err)
{
    size_t n = (size_t)p->n;
    *h = (hall){.p = p, .n_values = 1};
    h->kind_of = rn_arena_array(&h->mem, n, sizeof *h->kind_of);
    h->kinds = rn_arena_array(&h->mem, n, sizeof *h->kinds);
    h->order = rn_arena_array(&h->mem, n, sizeof *h->order);
    h->at = rn_arena_array(&h->mem, n, sizeof *h->at);
    h->there = rn_arena_array(&h->mem, n, sizeof *h->there);
    h->valid = rn_arena_array(&h->mem, p->n_inputs + 1, sizeof *h->valid);
    h->weight = rn_arena_array(&h->mem, p->n_inputs + 1, sizeof *h->weight);
    bool ok = h->kind_of && h->kinds && h->order && h->at && h->there && h->valid && h->weight;
    if (ok) find_kinds(h);
    if (ok) h->tally = rn_arena_array(&h->mem, p->n_inputs * h->n_values + 1, sizeof *h->tally);
    if (ok && h->tally) return 0;
    rn_arena_free(&h->mem);
    return rn_nomem(err, "ranking");
}

/* Forgets the kinds that are counted. */
static void clear(hall *h)
{
    if (h->n_there && h->p->n_inputs) {
        memset(h->tally, 0, h->p->n_inputs * h->n_values * sizeof *h->tally);
        memset(h->valid, 0, h->p->n_inputs * sizeof *h->valid);
    }
    h->n_there = 0;
}

static void start(hall *h)
{
    clear(h);
    h->any = false;
    h->top = 0;
    for (size_t k = 0; k < h->n_kinds; k++)
        h->kinds[k].drawn = 0;
}

/* `times` samples of kind k are drawn. False when that changes nothing. */
static bool draw(hall *h, uint32_t k, int64_t times)
{
    const rn_votes *p = h->p;
    kind *x = &h->kinds[k];
    if (p->cut[x->first]) return false;
    uint32_t right = p->right[x->first];
    x->drawn += times;
    if (h->any && right < h->top) return false;
    if (!h->any || right > h->top) {
        clear(h);
        h->top = right;
        h->any = true;
    }
    if (x->drawn == times) h->there[h->n_there++] = k;
    const uint16_t *v = row(p, x->first);
    for (size_t i = 0; i < p->n_inputs; i++) {
        if (!v[i]) continue;
        h->tally[i * h->n_values + v[i]] += (uint32_t)times;
        h->valid[i] += (uint32_t)times;
    }
    return true;
}

static double agreement(const hall *h, uint32_t k)
{
    const rn_votes *p = h->p;
    const uint16_t *v = row(p, h->kinds[k].first);
    double sum = 0;
    for (size_t i = 0; i < p->n_inputs; i++)
        if (v[i]) sum += h->weight[i] * h->tally[i * h->n_values + v[i]];
    return sum;
}

static void weigh(hall *h)
{
    for (size_t i = 0; i < h->p->n_inputs; i++) {
        double v = h->valid[i];
        h->weight[i] = v * v * v * v; /* whole numbers: sums are exact up to 2^53 */
    }
}

/* The chance that the choice among what is drawn passes; 0 when nothing can be chosen. */
static double choose(hall *h)
{
    double best = -1, n = 0, passes = 0;
    weigh(h);
    for (size_t j = 0; j < h->n_there; j++) {
        const kind *x = &h->kinds[h->there[j]];
        double a = h->n_there > 1 ? agreement(h, h->there[j]) : 0;
        if (a > best) {
            best = a;
            n = passes = 0;
        }
        if (a < best) continue;
        n += (double)x->drawn;
        passes += (double)x->drawn * (double)x->n_pass / (double)x->n;
    }
    return n > 0 ? passes / n : 0;
}

/* A multiple of n, where that is small, so that each sample is first equally often: rank-score@1 is
 * then exact. */
static int64_t n_orders(int64_t n, int64_t k_max)
{
    int64_t orders = DRAWS / k_max;
    orders = orders < MIN_ORDERS ? MIN_ORDERS : orders > MAX_ORDERS ? MAX_ORDERS : orders;
    return n <= MAX_ORDERS ? (orders + n - 1) / n * n : orders;
}

/* The sample at place k of random order o. */
static int64_t next(hall *h, rn_rng *rng, int64_t o, int64_t k)
{
    const int64_t n = h->p->n;
    int64_t j = k + (int64_t)rn_rng_below(rng, (uint64_t)(n - k));
    if (k == 0 && n <= MAX_ORDERS) j = h->at[o % n];
    int64_t i = h->order[j], was = h->order[k];
    h->order[j] = was;
    h->order[k] = i;
    h->at[was] = j;
    h->at[i] = k;
    return i;
}

static void reset_order(hall *h)
{
    for (int64_t i = 0; i < h->p->n; i++)
        h->order[i] = h->at[i] = i;
}

/* Where the curve is computed behind k. */
static int64_t step_after(int64_t k, int64_t k_max)
{
    int64_t to = k < EVERY_K ? k + 1 : k + (k + EVERY_K - 1) / EVERY_K;
    return to < k_max ? to : k_max;
}

static void walk_orders(hall *h, int64_t k_max, rn_rng *rng, double *out)
{
    int64_t orders = n_orders(h->p->n, k_max);
    memset(out, 0, (size_t)k_max * sizeof *out);
    reset_order(h);
    for (int64_t o = 0; o < orders; o++) {
        bool changed = false;
        double now = 0;
        start(h);
        for (int64_t k = 0, at = 1; k < k_max; k++) {
            changed |= draw(h, h->kind_of[next(h, rng, o, k)], 1);
            if (k + 1 != at) continue;
            if (changed) now = choose(h);
            changed = false;
            out[k] += now;
            at = step_after(at, k_max);
        }
    }
    for (int64_t at = 1, last = 0;;) { /* means, linear between */
        out[at - 1] /= (double)orders;
        for (int64_t k = last + 1; last && k < at; k++) {
            double share = (double)(k - last) / (double)(at - last);
            out[k - 1] = out[last - 1] + share * (out[at - 1] - out[last - 1]);
        }
        if (at == k_max) break;
        last = at;
        at = step_after(at, k_max);
    }
}

int rn_stat_votes_curve(const rn_votes *p, int64_t k_max, uint64_t seed, uint64_t stream,
                        double *out, rn_err *err)
{
    int rc = check(p, k_max, err);
    if (rc) return rc;
    hall h;
    if ((rc = hall_open(&h, p, err))) return rc;
    rn_rng rng;
    rn_rng_init(&rng, seed, stream, 0);
    walk_orders(&h, k_max, &rng, out);
    rn_arena_free(&h.mem);
    return 0;
}

int rn_stat_votes_table(const rn_votes *problems, size_t n_rows, int64_t k_max, uint64_t seed,
                        double *table, rn_err *err)
{
    for (size_t i = 0; i < n_rows; i++) {
        int rc = rn_stat_votes_curve(&problems[i], k_max, seed, i, table + i * (size_t)k_max, err);
        if (rc) return rn_err_prefix(err, "problem %zu", i);
    }
    return 0;
}

int rn_stat_votes_score(const rn_votes *p, double *score, rn_err *err)
{
    const double below_one = 1 - 1e-9;
    hall h;
    if (p->n == 0) return 0;
    int rc = check(p, p->n, err);
    if (!rc) rc = hall_open(&h, p, err);
    if (rc) return rc;
    uint32_t most = 0;
    for (int64_t i = 0; i < p->n; i++)
        if (p->right[i] > most) most = p->right[i];
    memset(score, 0, (size_t)p->n * sizeof *score);
    for (uint32_t level = 0; level <= most; level++) { /* each level on its own */
        start(&h);
        for (size_t k = 0; k < h.n_kinds; k++)
            if (p->right[h.kinds[k].first] == level) draw(&h, (uint32_t)k, h.kinds[k].n);
        weigh(&h);
        double all = 0;
        for (size_t i = 0; i < p->n_inputs; i++)
            all += h.weight[i] * h.valid[i];
        for (int64_t i = 0; i < p->n; i++) {
            if (p->cut[i] || p->right[i] != level) continue;
            double share = all > 0 ? agreement(&h, h.kind_of[i]) / all : 0;
            assert(share <= 1);
            score[i] = level + below_one * share;
        }
    }
    rn_arena_free(&h.mem);
    return 0;
}

/* The samples that fail an example, as votes of their own, in arrays given: value [n, n_inputs],
 * right [n], flags [2, n]. n_right: of the others, how many pass the tests. */
static rn_votes unmet_of(const rn_votes *p, uint16_t *value, uint32_t *right, uint8_t *flags,
                         int64_t *n_right)
{
    rn_votes u = {.value = value,
                  .right = right,
                  .pass = flags,
                  .cut = flags + p->n,
                  .n_inputs = p->n_inputs};
    *n_right = 0;
    for (int64_t i = 0; i < p->n; i++) {
        if (p->n_known > 0 && !p->cut[i] && p->right[i] >= p->n_known) {
            *n_right += p->pass[i];
            continue;
        }
        if (p->n_inputs)
            memcpy(value + (size_t)u.n * p->n_inputs, row(p, i), p->n_inputs * sizeof *value);
        right[u.n] = p->right[i];
        flags[u.n] = p->pass[i];
        flags[p->n + u.n++] = p->cut[i];
    }
    return u;
}

int rn_stat_votes_stop(const rn_votes *p, int64_t k_max, uint64_t seed, uint64_t stream,
                       rn_votes_stop *out, rn_err *err)
{
    int rc = check(p, k_max, err);
    if (rc) return rc;
    const size_t n = (size_t)p->n;
    rn_arena mem = {0};
    uint16_t *value = rn_arena_array(&mem, n * p->n_inputs + 1, sizeof *value);
    uint32_t *right = rn_arena_array(&mem, n, sizeof *right);
    uint8_t *flags = rn_arena_array(&mem, 2 * n, 1);
    double *curve = rn_arena_array(&mem, (size_t)k_max, sizeof *curve);
    if (!value || !right || !flags || !curve) rc = rn_nomem(err, "ranking");
    int64_t n_right = 0;
    rn_votes u = {.n = 0};
    if (!rc) u = unmet_of(p, value, right, flags, &n_right);
    if (!rc && u.n)
        rc = rn_stat_votes_curve(&u, u.n < k_max ? u.n : k_max, seed, stream, curve, err);
    const int64_t m = p->n - u.n;
    double none = 1, draws = 0; /* none: no sample that passes all examples among the first k */
    for (int64_t k = 1; k <= k_max && !rc; k++) {
        draws += none;
        none *= u.n >= k ? (double)(u.n - k + 1) / (double)(p->n - k + 1) : 0;
        rn_votes_stop *at = &out[k - 1];
        *at = (rn_votes_stop){.draws = draws, .met = 1 - none};
        at->met_pass = m ? at->met * (double)n_right / (double)m : 0;
        at->pass = at->met_pass + none * curve[k - 1];
    }
    rn_arena_free(&mem);
    return rc;
}
