/*
 * product.c: see product.h. Panels of 4 columns of each operand are packed side by side, [n_p, 4],
 * and a tile of 4 x 4 sums stays in registers over all p. The panels of y are packed in blocks that
 * fit a second-level cache. Two-lane vectors: every 64-bit machine has them, and lanes are
 * different (i, j), never parts of one sum.
 */
#include "stat/product.h"

enum { TILE = 4, BLOCK = 256 }; /* BLOCK is a multiple of TILE */

typedef double lanes __attribute__((vector_size(16)));

/* Columns from..from+3 of m into panel [n_p, 4]; columns past the end are 0. */
static void pack(const rn_operand *m, size_t from, const double *weight, size_t n_p, double *panel)
{
    for (size_t p = 0; p < n_p; p++) {
        double w = weight ? weight[p] : 1;
        for (size_t i = 0; i < TILE; i++) {
            size_t at = p * m->stride_p + (from + i) * m->stride_i;
            double v = 0;
            if (from + i < m->n) v = m->value ? m->value[at] : (double)m->count[at];
            panel[p * TILE + i] = w * v;
        }
    }
}

static void tile(const double *x, const double *y, size_t n_p, double sums[TILE][TILE])
{
    lanes lo[TILE] = {{0}}, hi[TILE] = {{0}};
    for (size_t p = 0; p < n_p; p++, x += TILE, y += TILE) {
        const lanes y_lo = {y[0], y[1]}, y_hi = {y[2], y[3]};
        for (int i = 0; i < TILE; i++) {
            const lanes xi = {x[i], x[i]};
            lo[i] += xi * y_lo;
            hi[i] += xi * y_hi;
        }
    }
    for (int i = 0; i < TILE; i++) {
        sums[i][0] = lo[i][0];
        sums[i][1] = lo[i][1];
        sums[i][2] = hi[i][0];
        sums[i][3] = hi[i][1];
    }
}

static size_t min_size(size_t a, size_t b)
{
    return a < b ? a : b;
}

int rn_stat_product(const rn_operand *x, const rn_operand *y, const double *weight, size_t n_p,
                    double *out, size_t ld, rn_err *err)
{
    double *x_panel = NULL, *y_panels = NULL;
    if (n_p <= SIZE_MAX / sizeof(double) / (BLOCK + TILE)) {
        x_panel = malloc((n_p + 1) * TILE * sizeof *x_panel);
        y_panels = malloc((n_p + 1) * BLOCK * sizeof *y_panels);
    }
    if (!x_panel || !y_panels) {
        free(x_panel);
        free(y_panels);
        return rn_nomem(err, "product");
    }
    for (size_t j0 = 0; j0 < y->n; j0 += BLOCK) {
        size_t j_end = min_size(j0 + BLOCK, y->n);
        for (size_t j = j0; j < j_end; j += TILE)
            pack(y, j, weight, n_p, y_panels + (j - j0) * n_p);
        for (size_t i = 0; i < x->n; i += TILE) {
            pack(x, i, NULL, n_p, x_panel);
            for (size_t j = j0; j < j_end; j += TILE) {
                double sums[TILE][TILE];
                tile(x_panel, y_panels + (j - j0) * n_p, n_p, sums);
                for (size_t a = 0; a < min_size(TILE, x->n - i); a++)
                    for (size_t b = 0; b < min_size(TILE, j_end - j); b++)
                        out[(i + a) * ld + j + b] = sums[a][b];
            }
        }
    }
    free(x_panel);
    free(y_panels);
    return 0;
}
