/*
 * bench_kern: speed of the kernels on this machine, as shares of its measured peaks.
 *   bench_kern [THREADS [TYPE...]]
 * One line per weight type, shape and number of rows: GB/s of packed weights, share of the memory
 * bandwidth, tera-operations per second, share of the integer peak; then attention and the parts
 * between products. Times are medians; with one thread of its CPU time, so that a busy machine
 * shows little, else of the wall clock.
 */
#include "base/clock.h"
#include "base/rng.h"
#include "model/attn.h"
#include "model/mat.h"
#include "model/ops.h"
#include "model/peak.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const rn_kern *kern;
static rn_pool *pool;
static double peak_ops, peak_bytes;

static void check(int rc, const rn_err *err)
{
    if (rc == 0) return;
    fprintf(stderr, "bench_kern: %s\n", err->msg);
    exit(3);
}

static int64_t now_ns(void)
{
    return rn_clock_ns(rn_pool_threads(pool) == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC);
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static float *random_floats(int64_t n)
{
    float *x = malloc((size_t)n * sizeof *x);
    rn_rng r;
    rn_rng_init(&r, 1, 0, 0);
    for (int64_t i = 0; x && i < n; i++)
        x[i] = (float)(rn_rng_unit(&r) - 0.5);
    return x;
}

/* Median seconds of fn over at least 0.25 s. */
static double median_s(void (*fn)(void *), void *arg)
{
    enum { MAX = 400 };
    static double times[MAX];
    int n = 0;
    fn(arg);
    const int64_t start = now_ns();
    while (n < MAX && (n < 3 || now_ns() - start < 250000000)) {
        const int64_t t = now_ns();
        fn(arg);
        times[n++] = (double)(now_ns() - t) * 1e-9;
    }
    qsort(times, (size_t)n, sizeof *times, by_value);
    return times[n / 2];
}

typedef struct product {
    rn_mat *w;
    rn_act *act;
    float *y;
} product;

static void multiply(void *arg)
{
    const product *p = arg;
    rn_mat_mul(&(rn_mul){p->w, p->y, rn_mat_rows(p->w)}, 1, p->act, pool);
}

/* Weights much larger than the caches: rows x cols of about 64 M weights. */
static void bench_type(rn_qtype type, int64_t cols)
{
    const int64_t rows = (64 << 20) / cols / 32 * 32;
    const size_t bytes = rn_quant_row_bytes(type, cols) * (size_t)rows;
    uint8_t *file = malloc(bytes);
    rn_err err;
    product p = {0};
    for (size_t i = 0; file && i < bytes; i++)
        file[i] = (uint8_t)(i * 2654435761u >> 13 & 0x2F); /* small F16 scales, finite floats */
    const int64_t t = now_ns();
    check(rn_mat_new(kern, type, file, rows, cols, pool, &p.w, &err), &err);
    const double pack_s = (double)(now_ns() - t) * 1e-9;
    free(file);
    enum { MAX_ROWS = 512 };
    float *x = random_floats(MAX_ROWS * cols);
    p.y = malloc((size_t)(MAX_ROWS * rows) * sizeof *p.y);
    check(rn_act_new(kern, MAX_ROWS, cols, rn_mat_form(p.w), &p.act, &err), &err);
    const double packed = (double)rn_mat_bytes(type, rows, cols);
    printf("%-5s %5lld columns, packing %.2f GB/s\n", rn_qtype_name(type), (long long)cols,
           (double)bytes / pack_s * 1e-9);
    static const int64_t counts[] = {1, 2, 4, 16, 64, 128, 512};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        if (type <= RN_Q_F16 && counts[i] > 128) break;
        rn_act_set(p.act, x, cols, counts[i], cols, rn_mat_form(p.w), pool);
        const double s = median_s(multiply, &p);
        const double ops = 2.0 * (double)(rows * cols * counts[i]) / s;
        printf("  %4lld rows  %6.1f GB/s %4.0f %%   %6.3f Tera-op/s %4.0f %%\n",
               (long long)counts[i], packed / s * 1e-9, 100 * packed / s / peak_bytes, ops * 1e-12,
               100 * ops / peak_ops);
    }
    fflush(stdout);
    free(x);
    free(p.y);
    rn_act_free(p.act);
    rn_mat_free(p.w);
}

/* ---- attention ------------------------------------------------------------------------------- */

enum { HEADS = 32, KV_HEADS = 4, HD = 64, PREFIX = 128, OWN = 64, SAMPLES = 64 };

typedef struct attention {
    rn_attn a;
    rn_attn_seq seqs[SAMPLES];
    int n_seqs;
    float *q, *out;
} attention;

static void attend(void *arg)
{
    attention *t = arg;
    t->a.q = t->q, t->a.out = t->out, t->a.q_stride = t->a.out_stride = HEADS * HD;
    rn_attn_run(kern, &t->a, t->seqs, t->n_seqs, pool);
}

static rn_kv new_cache(const rn_kv_form *form, int n)
{
    const int n_pages = (n + RN_PAGE - 1) / RN_PAGE;
    char **pages = calloc((size_t)n_pages + 1, sizeof *pages);
    for (int p = 0; p < n_pages; p++)
        pages[p] = aligned_alloc(64, rn_kv_head_bytes(form) * KV_HEADS);
    rn_kv kv = {.pages = pages};
    float *x = random_floats(KV_HEADS * HD);
    for (int p = 0; p < n; p++)
        rn_kv_store(kern, form, kv, p, x, x);
    free(x);
    return kv;
}

static void free_cache(rn_kv kv)
{
    for (char *const *p = kv.pages; *p; p++)
        free(*p);
    free((void *)(uintptr_t)kv.pages);
}

static void bench_attention(void)
{
    static const char *const names[] = {"F16", "F32", "Q8", "Q4"};
    attention t = {.q = random_floats(SAMPLES * 4 * HEADS * HD),
                   .out = malloc(SAMPLES * 4 * HEADS * HD * sizeof(float))};
    for (rn_kv_type type = RN_KV_F16; type < RN_N_KV_TYPES; type++) {
        const rn_kv_form form = {type, KV_HEADS, HD, HD, false};
        t.a = (rn_attn){.kv = form, .n_heads = HEADS, .scale = 0.125f};
        const rn_kv prefix = new_cache(&form, PREFIX);
        for (int i = 0; i < SAMPLES; i++)
            t.seqs[i] = (rn_attn_seq){prefix, new_cache(&form, OWN), PREFIX, OWN / 2, i, 1};
        static const int counts[] = {1, 16, 64};
        for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
            t.n_seqs = counts[i];
            const double s = median_s(attend, &t);
            const double flop = 4.0 * HEADS * HD * (PREFIX + OWN / 2 + 1) * counts[i];
            printf("attention, cache %-3s prefix %d, own %d: %2d samples %8.1f us %7.1f GFLOP/s\n",
                   names[type], PREFIX, OWN / 2, counts[i], s * 1e6, flop / s * 1e-9);
        }
        t.n_seqs = 1;
        const rn_attn_seq kept = t.seqs[0];
        t.seqs[0] = (rn_attn_seq){.own = new_cache(&form, 128), .n_rows = 128};
        const double s = median_s(attend, &t);
        printf("attention, cache %-3s prefill of 128: %8.1f us %7.1f GFLOP/s\n", names[type],
               s * 1e6, 4.0 * HEADS * HD * 64.5 * 128 / s * 1e-9);
        free_cache(t.seqs[0].own);
        t.seqs[0] = kept;
        for (int i = 0; i < SAMPLES; i++)
            free_cache(t.seqs[i].own);
        free_cache(prefix);
    }
    free(t.q);
    free(t.out);
}

/* ---- between the products -------------------------------------------------------------------- */

typedef struct rows {
    float *x, *y;
    rn_act *act;
    int64_t n_rows, n;
} rows;

static void set(void *arg)
{
    const rows *r = arg;
    rn_act_set(r->act, r->x, r->n, r->n_rows, r->n, RN_ACT_Q8, pool);
}
static void norm(void *arg)
{
    const rows *r = arg;
    for (int64_t i = 0; i < r->n_rows; i++)
        rn_rmsnorm(kern, r->x + i * r->n, r->x, 1e-5f, r->n, r->y + i * r->n);
}
static void silu(void *arg)
{
    const rows *r = arg;
    for (int64_t i = 0; i < r->n_rows; i++)
        rn_silu_mul(kern, r->x + i * r->n, r->x, r->n, r->y + i * r->n);
}
static void expsum(void *arg)
{
    const rows *r = arg;
    for (int64_t i = 0; i < r->n_rows; i++)
        r->y[i] = (float)rn_exp_row(kern, r->x + i * r->n, 1, 1, r->n, NULL);
}
static void most(void *arg)
{
    const rows *r = arg;
    for (int64_t i = 0; i < r->n_rows; i++)
        r->y[i] = rn_max_row(kern, r->x + i * r->n, r->n);
}

static void bench_rows(void)
{
    static const struct {
        const char *name;
        void (*fn)(void *);
        int64_t n;
    } cases[] = {{"quantise (all threads)", set, 2048},   {"quantise (all threads)", set, 5632},
                 {"rmsnorm (one thread)", norm, 2048},    {"silu_mul (one thread)", silu, 5632},
                 {"sum_exp (one thread)", expsum, 32000}, {"max_row (one thread)", most, 32000}};
    rows r = {
        .x = random_floats(64 * 32000), .y = malloc(64 * 32000 * sizeof(float)), .n_rows = 64};
    rn_err err;
    check(rn_act_new(kern, 64, 32000, RN_ACT_Q8, &r.act, &err), &err);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        r.n = cases[i].n;
        printf("%-24s 64 x %5lld: %8.1f us\n", cases[i].name, (long long)r.n,
               median_s(cases[i].fn, &r) * 1e6);
    }
    rn_act_free(r.act);
    free(r.x);
    free(r.y);
}

int main(int argc, char **argv)
{
    rn_err err;
    rn_isa isa;
    check(rn_isa_choose(&isa, &err), &err);
    kern = rn_kern_get(isa);
    check(rn_pool_new(argc > 1 ? atoi(argv[1]) : rn_cpu_count(), &pool, &err), &err);
    peak_ops = rn_peak_int8_ops(kern, pool, 0.5);
    check(rn_peak_read_bytes(kern, pool, 0.5, &peak_bytes, &err), &err);
    char cpu[128];
    rn_cpu_model(cpu, sizeof cpu);
    printf("%s, %s, %d threads: %.3f Tera-op/s int8 (%s), %.1f GB/s\n", cpu, rn_isa_name(isa),
           rn_pool_threads(pool), peak_ops * 1e-12, kern->peak_name, peak_bytes * 1e-9);
    static const char *const all[] = {"Q8_0", "Q4_0", "Q4_K"};
    const int n = argc > 2 ? argc - 2 : 3;
    for (int i = 0; i < n; i++) {
        rn_qtype type;
        const char *name = argc > 2 ? argv[2 + i] : all[i];
        if (!rn_qtype_parse(name, &type)) {
            fprintf(stderr, "bench_kern: %s is not a weight type\n", name);
            return 2;
        }
        bench_type(type, 2048);
        if (argc <= 2) bench_type(type, 5632);
    }
    bench_attention();
    bench_rows();
    rn_pool_free(pool);
    return 0;
}
