/*
 * mat.c: see mat.h. Owns packed matrices, prepared activations and the loops over strips.
 *
 * A product is a loop over (block of rows of x, strip of W) that the threads share. For one strip,
 * slab after slab of RN_SLAB blocks (1024 columns) is brought into the form that tiles multiply,
 * 32 KiB that stay in the first-level cache, and used for every panel of x; sums wait in y between
 * slabs. A block of rows is as large as keeps its x in the second-level cache (X_BYTES, at most
 * MAX_ROWS), so that weights stream from memory once per block.
 */
#include "model/mat.h"
#include "model/pack.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum {
    ALIGN = 64,
    HUGE_PAGE = 2 << 20,
    X_BYTES = 640 << 10,
    MAX_ROWS = 128, /* of a block of rows */
    /* With more panels than this, unpacking nibbles once beats unpacking them in every tile. */
    DIRECT_PANELS = 1,
};

struct rn_mat {
    const rn_kern *kern;
    const rn_layout *layout;
    rn_qtype type;
    int64_t rows, cols, n_strips;
    size_t strip_bytes, quant_bytes;
    uint8_t *data;  /* [n_strips][strip_bytes] */
    uint8_t *owned; /* data of this one and of those stacked on it; NULL for these */
};

struct rn_act {
    const rn_kern *kern, *used;   /* made for; that of the last rn_act_set (rn_kern.few) */
    unsigned forms, set;          /* there is room for; that the last rn_act_set prepared */
    int64_t rows, cols, n_panels; /* of the last rn_act_set */
    uint8_t *q8; /* owned; rows before a panel * q8_row_bytes(cols) is where it starts */
    float *f32;  /* owned; as q8, in rows of cols */
};

static size_t q8_row_bytes(int64_t cols)
{
    return rn_xpanel_bytes((size_t)(cols / RN_BLOCK));
}

/* Large areas on huge pages where the system has them: streaming weights is bound by page walks
 * otherwise. NULL when memory is out. */
static void *alloc_aligned(size_t bytes)
{
    size_t align = bytes >= 2 * (size_t)HUGE_PAGE ? (size_t)HUGE_PAGE : (size_t)ALIGN;
    size_t rounded = (bytes + align - 1) / align * align;
    void *p = aligned_alloc(align, rounded);
    if (p && align == (size_t)HUGE_PAGE) (void)madvise(p, rounded, MADV_HUGEPAGE);
    return p;
}

/* ---- weights --------------------------------------------------------------------------------- */

size_t rn_mat_bytes(rn_qtype type, int64_t rows, int64_t cols)
{
    const rn_layout *l = rn_layout_of(type);
    if (!l || rows <= 0 || cols <= 0 || cols > INT32_MAX || rows > INT32_MAX) return 0;
    if (cols % rn_qtype_find((uint32_t)type)->block) return 0;
    size_t strip = rn_strip_bytes(l, cols), n = ((size_t)rows + RN_STRIP - 1) / RN_STRIP, bytes;
    if (__builtin_mul_overflow(strip, n, &bytes) || bytes > (size_t)INT64_MAX / 2) return 0;
    return bytes;
}

typedef struct pack_job {
    rn_mat *const *w;
    const uint8_t *file;
    size_t row_bytes;
} pack_job;

static void pack_strips(void *arg, int64_t begin, int64_t end, int thread)
{
    (void)thread;
    const pack_job *job = arg;
    for (int64_t i = begin; i < end; i++) {
        const int64_t k = i / job->w[0]->n_strips, s = i % job->w[0]->n_strips;
        const rn_mat *w = job->w[k];
        const int64_t left = w->rows - s * RN_STRIP;
        rn_pack_strip(w->type, w->kern->biased,
                      job->file + (size_t)(k * w->rows + s * RN_STRIP) * job->row_bytes,
                      job->row_bytes, left < RN_STRIP ? (int)left : RN_STRIP, w->cols,
                      w->data + (size_t)s * w->strip_bytes);
    }
}

int rn_mat_new_stack(const rn_kern *kern, const rn_stack *stack, rn_pool *pool, rn_mat **out,
                     rn_err *err)
{
    const rn_qtype type = stack->type;
    const int64_t n = stack->n, rows = stack->rows, cols = stack->cols;
    const rn_layout *l = rn_layout_of(type);
    const char *name = rn_qtype_name((uint32_t)type);
    if (!l)
        return rn_fail(err, RN_EUNSUPPORTED, "there is no kernel for weights of type %s",
                       name ? name : "unknown");
    const size_t bytes = rn_mat_bytes(type, rows, cols), each = (bytes + ALIGN - 1) / ALIGN * ALIGN;
    if (!bytes || n <= 0 || n > INT32_MAX || each > (size_t)(INT64_MAX / 2 / n))
        return rn_fail(
            err, RN_EINVAL,
            "a matrix of %lld x %lld %s weights: sizes are to be positive, below 2^31, and "
            "columns a multiple of %u",
            (long long)rows, (long long)cols, name, rn_qtype_find((uint32_t)type)->block);
    uint8_t *packed = alloc_aligned((size_t)n * each);
    bool ok = packed != NULL;
    for (int64_t i = 0; i < n; i++) {
        out[i] = malloc(sizeof **out);
        ok = ok && out[i];
        if (!ok) continue;
        *out[i] = (rn_mat){.kern = kern,
                           .layout = l,
                           .type = type,
                           .rows = rows,
                           .cols = cols,
                           .n_strips = (rows + RN_STRIP - 1) / RN_STRIP,
                           .strip_bytes = rn_strip_bytes(l, cols),
                           .quant_bytes = rn_strip_quant_bytes(l, cols),
                           .data = packed + (size_t)i * each,
                           .owned = i ? NULL : packed};
    }
    if (!ok) {
        for (int64_t i = 0; i < n; i++) {
            free(out[i]);
            out[i] = NULL;
        }
        free(packed);
        return rn_fail(err, RN_ENOMEM, "no memory for %zu bytes of weights", (size_t)n * each);
    }
    pack_job job = {out, stack->data, rn_quant_row_bytes(type, cols)};
    rn_pool_for(pool, n * out[0]->n_strips, 4, pack_strips, &job);
    return 0;
}

int rn_mat_new(const rn_kern *kern, rn_qtype type, const void *data, int64_t rows, int64_t cols,
               rn_pool *pool, rn_mat **out, rn_err *err)
{
    return rn_mat_new_stack(kern, &(rn_stack){type, data, 1, rows, cols}, pool, out, err);
}

void rn_mat_free(rn_mat *w)
{
    if (!w) return;
    free(w->owned);
    free(w);
}

int64_t rn_mat_rows(const rn_mat *w)
{
    return w->rows;
}
int64_t rn_mat_cols(const rn_mat *w)
{
    return w->cols;
}
unsigned rn_mat_form(const rn_mat *w)
{
    return w->layout->is_float ? RN_ACT_F32 : RN_ACT_Q8;
}

/* ---- activations ----------------------------------------------------------------------------- */

static size_t form_bytes(unsigned forms, unsigned form, int64_t rows, int64_t cols)
{
    if (!(forms & form)) return 0;
    int64_t padded = (cols + RN_BLOCK - 1) / RN_BLOCK * RN_BLOCK;
    return (size_t)rows * (form == RN_ACT_Q8 ? q8_row_bytes(padded) : (size_t)cols * sizeof(float));
}

size_t rn_act_bytes(const rn_kern *kern, int64_t max_rows, int64_t max_cols, unsigned forms)
{
    (void)kern;
    if (max_rows <= 0 || max_cols <= 0) return 0;
    return form_bytes(forms, RN_ACT_Q8, max_rows, max_cols) +
           form_bytes(forms, RN_ACT_F32, max_rows, max_cols);
}

int rn_act_new(const rn_kern *kern, int64_t max_rows, int64_t max_cols, unsigned forms,
               rn_act **out, rn_err *err)
{
    if (max_rows <= 0 || max_cols <= 0 || max_rows > INT32_MAX || max_cols > INT32_MAX)
        return rn_fail(err, RN_EINVAL, "activations of %lld x %lld; sizes are to be positive",
                       (long long)max_rows, (long long)max_cols);
    size_t q8 = form_bytes(forms, RN_ACT_Q8, max_rows, max_cols);
    size_t f32 = form_bytes(forms, RN_ACT_F32, max_rows, max_cols);
    rn_act *a = malloc(sizeof *a);
    if (a) *a = (rn_act){.kern = kern, .used = kern, .forms = forms};
    if (a && q8) a->q8 = alloc_aligned(q8);
    if (a && f32) a->f32 = alloc_aligned(f32);
    if (!a || (q8 && !a->q8) || (f32 && !a->f32)) {
        rn_act_free(a);
        return rn_fail(err, RN_ENOMEM, "no memory for %zu bytes of activations", q8 + f32);
    }
    *out = a;
    return 0;
}

void rn_act_free(rn_act *a)
{
    if (!a) return;
    free(a->q8);
    free(a->f32);
    free(a);
}

/* Panels differ by at most one row. */
static int64_t panel_start(const rn_act *a, int64_t panel)
{
    int64_t base = a->rows / a->n_panels, longer = a->rows % a->n_panels;
    return panel * base + (panel < longer ? panel : longer);
}

static int panel_rows(const rn_act *a, int64_t panel)
{
    return (int)(panel_start(a, panel + 1) - panel_start(a, panel));
}

static uint8_t *panel_q8(const rn_act *a, int64_t panel)
{
    return a->q8 + (size_t)panel_start(a, panel) * q8_row_bytes(a->cols);
}

static float *panel_f32(const rn_act *a, int64_t panel)
{
    return a->f32 + panel_start(a, panel) * a->cols;
}

typedef struct set_job {
    rn_act *a;
    const float *x;
    int64_t stride;
    unsigned forms;
} set_job;

static void set_panels(void *arg, int64_t begin, int64_t end, int thread)
{
    (void)thread;
    const set_job *job = arg;
    const rn_act *a = job->a;
    for (int64_t p = begin; p < end; p++) {
        const float *x = job->x + panel_start(a, p) * job->stride;
        int n = panel_rows(a, p);
        if (job->forms & RN_ACT_Q8) a->used->quantise(x, job->stride, n, a->cols, panel_q8(a, p));
        if (!(job->forms & RN_ACT_F32)) continue;
        float *f = panel_f32(a, p);
        for (int r = 0; r < n; r++)
            for (int64_t c = 0; c < a->cols; c++)
                f[c * n + r] = x[r * job->stride + c];
    }
}

/* How many rows there are, and so which kernels multiply them. */
static void deal_rows(rn_act *a, int64_t n_rows)
{
    const bool few = a->kern->few && ((a->set & RN_ACT_F32) || n_rows <= a->kern->few_rows);
    a->used = few ? a->kern->few : a->kern;
    a->rows = n_rows;
    a->n_panels = (n_rows + a->used->panel_rows - 1) / a->used->panel_rows;
}

void rn_act_set(rn_act *a, const float *x, int64_t x_stride, int64_t n_rows, int64_t n_cols,
                unsigned forms, rn_pool *pool)
{
    a->cols = n_cols;
    a->set = forms & a->forms;
    deal_rows(a, n_rows);
    set_job job = {a, x, x_stride, a->set};
    rn_pool_for(pool, a->n_panels, 1, set_panels, &job);
}

/* Rows [begin, end) of a by themselves. */
static rn_act group_of(const rn_act *a, int32_t begin, int32_t end)
{
    rn_act g = *a;
    if (g.q8) g.q8 += (size_t)begin * q8_row_bytes(a->cols);
    if (g.f32) g.f32 += begin * a->cols;
    deal_rows(&g, end - begin);
    return g;
}

typedef struct set_groups_job {
    set_job all;
    const int32_t *start;
} set_groups_job;

static void set_groups(void *arg, int64_t begin, int64_t end, int thread)
{
    const set_groups_job *job = arg;
    for (int64_t g = begin; g < end; g++) {
        rn_act a = group_of(job->all.a, job->start[g], job->start[g + 1]);
        set_job one = job->all;
        one.a = &a;
        one.x += job->start[g] * one.stride;
        set_panels(&one, 0, a.n_panels, thread);
    }
}

void rn_act_set_groups(rn_act *a, const float *x, int64_t x_stride, const int32_t *start,
                       int32_t n_groups, int64_t n_cols, unsigned forms, rn_pool *pool)
{
    a->cols = n_cols;
    a->set = forms & a->forms;
    set_groups_job job = {{a, x, x_stride, a->set}, start};
    rn_pool_for(pool, n_groups, 1, set_groups, &job);
}

/* ---- products -------------------------------------------------------------------------------- */

typedef struct mul_job {
    const rn_mul *muls;
    const rn_act *x;
    int n_muls;
    int64_t n_strips;     /* of all matrices */
    int64_t block_panels; /* panels of a block of rows */
} mul_job;

/* Rows [0, rows of panels p0 .. p1) of a strip's sums, [row][RN_STRIP]: side by side, because rows
 * of y are far apart, often by a power of two, and would fight for few cache sets. */
typedef float strip_sums[MAX_ROWS][RN_STRIP];

/* Asks for the next slab while this one is multiplied, in equal parts per panel and block. `next`:
 * where it starts, `bytes` long; NULL at the end. */
static void plan_ahead(rn_wslab *slab, const uint8_t *next, size_t bytes, int64_t n_panels)
{
    const size_t steps = (size_t)n_panels * (size_t)slab->n_blocks;
    slab->ahead = next ? next : slab->q;
    slab->ahead_step_bytes = next ? ((bytes + steps - 1) / steps + 63) / 64 * 64 : 0;
}

static void prefetch(const uint8_t *p, size_t bytes)
{
    for (size_t i = 0; i < bytes; i += 64)
        __builtin_prefetch(p + i, 0, 3);
}

/* Lines that a panel's results will be written to, asked for before it is multiplied. */
static void prefetch_results(const float *y, int64_t stride, int rows)
{
    for (int r = 0; r < rows; r++, y += stride)
        for (int i = 0; i < RN_STRIP; i += RN_LANES)
            __builtin_prefetch(y + i, 1, 3);
}

/* Panels [p0, p1) times strip s of an integer matrix; y [row][y_stride]. */
static void strip_q8(const rn_mat *w, int64_t s, const rn_act *x, int64_t p0, int64_t p1, float *y,
                     int64_t y_stride)
{
    _Alignas(ALIGN) strip_sums sums;
    _Alignas(ALIGN) uint8_t quants[RN_SLAB * RN_Q8_BYTES];
    _Alignas(ALIGN) float d[RN_SLAB * 2 * RN_STRIP], m[RN_SLAB * 2 * RN_STRIP];
    const rn_layout *l = w->layout;
    const rn_kern *kern = x->used;
    const uint8_t *strip = w->data + (size_t)s * w->strip_bytes;
    const uint8_t *next_strip = s + 1 < w->n_strips ? strip + w->strip_bytes : NULL;
    const int64_t n_blocks = w->cols / RN_BLOCK, first_row = panel_start(x, p0);
    const rn_xplane plane = rn_fold_plane(l->fold);
    const size_t side_bytes = rn_fold_halves(l->fold) ? 8 : 4; /* of a row and block */
    const bool direct =
        !kern->unpacks && (l->low_bits == 8 || (l->nibbles && p1 - p0 <= DIRECT_PANELS));

    for (int64_t b = 0; b < n_blocks; b += RN_SLAB) {
        const int n = (int)(n_blocks - b < RN_SLAB ? n_blocks - b : RN_SLAB);
        const uint8_t *packed = strip + (size_t)b * l->quant_bytes;
        rn_wslab slab = {.q = direct ? packed : quants,
                         .q_step_bytes = direct ? l->quant_bytes : (size_t)RN_Q8_BYTES,
                         .nibbles = direct && l->nibbles,
                         .fold = l->fold,
                         .d = d,
                         .m = m,
                         .n_blocks = n};
        const size_t bytes = (size_t)n * l->quant_bytes;
        const uint8_t *next = b + n < n_blocks ? packed + bytes : next_strip;
        /* One row is bound by memory, which is not to idle while scales are read. */
        const bool one_row = p1 - p0 == 1 && panel_rows(x, p0) == 1;
        const size_t first = next && one_row ? bytes / 4 / 64 * 64 : 0;
        plan_ahead(&slab, next ? next + first : NULL, bytes - first, p1 - p0);
        /* Scales lie behind the strip's quants, too few at a time for the processor to notice. */
        const int64_t next_b = b + n < n_blocks ? b + n : 0;
        const size_t scale_bytes =
            (size_t)RN_SLAB * RN_BLOCK / (size_t)l->scale_block * l->scale_bytes;
        if (next)
            prefetch((next_b ? strip : next) + w->quant_bytes +
                         (size_t)(next_b * RN_BLOCK / l->scale_block) * l->scale_bytes,
                     scale_bytes);
        prefetch(next, first);
        if (!direct) kern->unpack(w->type, packed, n, quants);
        kern->scales(w->type, strip + w->quant_bytes, b, n, d, m);
        for (int64_t p = p0; p < p1; p++) {
            const int rows = panel_rows(x, p);
            const uint8_t *panel = panel_q8(x, p), *xb = panel + (size_t)b * rn_xblock_bytes(rows);
            const uint8_t *side = panel + rn_xplane_at(plane, (size_t)(n_blocks * rows)) +
                                  (size_t)b * side_bytes * (size_t)rows;
            const int64_t row = panel_start(x, p) - first_row;
            const float *from = b ? sums[row] : NULL;
            if (b + n < n_blocks) {
                kern->tile(&slab, xb, side, rows, from, sums[row], RN_STRIP);
            } else {
                prefetch_results(y + row * y_stride, y_stride, rows);
                kern->tile(&slab, xb, side, rows, from, y + row * y_stride, y_stride);
            }
            slab.ahead += slab.ahead_step_bytes * (size_t)n;
        }
    }
}

static void strip_f32(const rn_mat *w, int64_t s, const rn_act *x, int64_t p0, int64_t p1, float *y,
                      int64_t y_stride)
{
    const uint8_t *strip = w->data + (size_t)s * w->strip_bytes;
    const int64_t first_row = panel_start(x, p0);
    for (int64_t p = p0; p < p1; p++)
        x->used->ftile(w->type, strip, panel_f32(x, p), w->cols, panel_rows(x, p),
                       y + (panel_start(x, p) - first_row) * y_stride, y_stride);
}

/* Strip s of one product for panels [p0, p1). A last strip of fewer rows goes through a buffer. */
static void multiply_strip(const rn_mul *mul, int64_t s, const rn_act *x, int64_t p0, int64_t p1)
{
    _Alignas(ALIGN) strip_sums whole;
    const rn_mat *w = mul->w;
    const int64_t left = w->rows - s * RN_STRIP, row0 = panel_start(x, p0);
    float *y = mul->y + row0 * mul->y_stride + s * RN_STRIP;
    const bool direct = left >= RN_STRIP;
    (w->layout->is_float ? strip_f32 : strip_q8)(w, s, x, p0, p1, direct ? y : whole[0],
                                                 direct ? mul->y_stride : RN_STRIP);
    if (direct) return;
    const int64_t n_rows = panel_start(x, p1) - row0;
    for (int64_t r = 0; r < n_rows; r++, y += mul->y_stride)
        memcpy(y, whole[r], (size_t)left * sizeof(float));
}

static void multiply(void *arg, int64_t begin, int64_t end, int thread)
{
    (void)thread;
    const mul_job *job = arg;
    const rn_kern *kern = job->x->used;
    if (kern->enter) kern->enter(panel_rows(job->x, 0));
    for (int64_t i = begin; i < end; i++) {
        int64_t s = i % job->n_strips, p0 = i / job->n_strips * job->block_panels;
        int64_t p1 = p0 + job->block_panels;
        if (p1 > job->x->n_panels) p1 = job->x->n_panels;
        int k = 0;
        while (s >= job->muls[k].w->n_strips)
            s -= job->muls[k++].w->n_strips;
        multiply_strip(&job->muls[k], s, job->x, p0, p1);
    }
    if (kern->leave) kern->leave();
}

static mul_job job_of(const rn_mul *muls, int n_muls, const rn_act *x)
{
    mul_job job = {.muls = muls, .x = x, .n_muls = n_muls};
    for (int i = 0; i < n_muls; i++)
        job.n_strips += muls[i].w->n_strips;
    /* What a product reads of a row: all but the planes of other folds. */
    const size_t row_bytes = muls[0].w->layout->is_float
                                 ? (size_t)x->cols * sizeof(float)
                                 : (size_t)(x->cols / RN_BLOCK) * (rn_xblock_bytes(1) + 4);
    const int64_t fit_rows = (int64_t)((size_t)X_BYTES / row_bytes);
    const int64_t fit = (fit_rows < MAX_ROWS ? fit_rows : MAX_ROWS) / x->used->panel_rows;
    const int64_t n_blocks = fit >= x->n_panels ? 1
                             : fit < 1          ? x->n_panels
                                                : (x->n_panels + fit - 1) / fit;
    job.block_panels = (x->n_panels + n_blocks - 1) / n_blocks;
    return job;
}

/* About 16 turns a thread: even at the end, and few enough to keep the counter quiet. */
static void share(rn_pool *pool, int64_t items, rn_pool_fn *fn, void *arg)
{
    const int64_t grain = items / (16 * (int64_t)rn_pool_threads(pool));
    rn_pool_for(pool, items, grain < 1 ? 1 : grain, fn, arg);
}

void rn_mat_mul(const rn_mul *jobs, int n_jobs, const rn_act *x, rn_pool *pool)
{
    if (x->rows <= 0 || n_jobs <= 0) return;
    mul_job job = job_of(jobs, n_jobs, x);
    share(pool, job.n_strips * ((x->n_panels + job.block_panels - 1) / job.block_panels), multiply,
          &job);
}

typedef struct mul_groups_job {
    const rn_mul *muls;
    const rn_act *x;
    const int32_t *start;
    int each;
    int64_t n_strips; /* of a group */
} mul_groups_job;

static void multiply_groups(void *arg, int64_t begin, int64_t end, int thread)
{
    const mul_groups_job *all = arg;
    const int64_t n = all->n_strips;
    for (int64_t i = begin, next; i < end; i = next) { /* as many strips as are of one group */
        const int64_t g = i / n;
        next = (g + 1) * n < end ? (g + 1) * n : end;
        const rn_act x = group_of(all->x, all->start[g], all->start[g + 1]);
        mul_job job = job_of(all->muls + g * all->each, all->each, &x);
        for (int64_t p = 0, at = i - g * n; p < x.n_panels; p += job.block_panels, at += n)
            multiply(&job, at, at + next - i, thread);
    }
}

void rn_mat_mul_groups(const rn_mul *jobs, int each, const int32_t *start, int32_t n_groups,
                       const rn_act *x, rn_pool *pool)
{
    mul_groups_job all = {.muls = jobs, .x = x, .start = start, .each = each};
    for (int i = 0; i < each; i++)
        all.n_strips += jobs[i].w->n_strips;
    share(pool, all.n_strips * n_groups, multiply_groups, &all);
}
