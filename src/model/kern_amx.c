/*
 * kern_amx.c: products of many rows with AMX: 8-bit tiles of 16 rows of 64 bytes. All else, and
 * products of few rows, are those of avx512, whose packed weights, activations and bits these are.
 *
 * A block of packed weights (kern.h) is what a tile of weights wants, four bytes of each of 16 rows
 * side by side: two tiles of 8 quads. Rows of activations of a panel are the other factor, so that
 * one instruction makes the exact sums of a block of 32 columns for 16 weight rows and a whole
 * panel. Each block has its own scales: its sums go through a ring in the first-level cache to the
 * vector unit, which adds them up as tile_body.h does, with the same operations in the same order.
 * LAG steps lie between the two, because sums take some 100 cycles from the tile to where a load
 * finds them; meanwhile both units work.
 *
 * What bounds it (measured on Sapphire Rapids): for some 300 cycles after any tile instruction the
 * processor multiplies and converts 512-bit vectors on one port instead of two; additions keep
 * both. So sums are not converted: a tile of sums starts at the bits of MAGIC = 3 * 2^22, a float
 * whose last place is 1, and as a float is then MAGIC + sum, from which one subtraction takes MAGIC
 * off: exact, as |sum| < 2^20. That leaves a multiplication, a multiply-add and a subtraction for
 * every 16 sums where avx512 has eleven operations.
 *
 * Weights are signed here: unpacking takes the 128 off that avx512 wants added.
 */
#define RN_SIMD_AVX512
#include "model/kern_table.h"
#include "model/simd.h"

enum {
    PANEL = 16,
    FEW_ROWS = 24, /* so many are as fast without tiles (measured) */
    OUT = 2,       /* steps that sums stay in their tile */
    LAG = 3,       /* steps to when they are added */
    RING = 4,      /* a power of two > LAG - OUT */
    NEAR = 3,      /* blocks of activations fetched ahead */
    MACS_PER_TILE = 16 * 16 * 64,
};

/* ---- what a thread's tiles are --------------------------------------------------------------- */

/* Tiles: 0 to 3 sums, in turn; activations and weights of a block; the same of half a block. The
 * instructions take literals only. */
#define T_X  4
#define T_W  5
#define T_HX 6
#define T_HW 7

/* Operand of ldtilecfg, as Intel's manual has it. */
typedef struct tile_config {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
} tile_config;
_Static_assert(sizeof(tile_config) == 64, "ldtilecfg reads 64 bytes");

/* What p points to is in memory: gcc 12's instructions do not tell it that they read there. */
static void settle(const void *p)
{
    __asm__ volatile("" : : "r"(p) : "memory");
}

static void shape(tile_config *c, int tile, int rows, int row_bytes)
{
    c->rows[tile] = (uint8_t)rows;
    c->row_bytes[tile] = (uint16_t)row_bytes;
}

static void enter(int rows)
{
    _Alignas(64) tile_config c = {.palette = 1};
    for (int t = 0; t < 4; t++)
        shape(&c, t, rows, 64);
    shape(&c, T_X, rows, 32);
    shape(&c, T_W, 8, 64);
    shape(&c, T_HX, rows, 16);
    shape(&c, T_HW, 4, 64);
    settle(&c);
    _tile_loadconfig(&c);
}

/* A thread without tiles has no tile state that the system saves. */
static void leave(void)
{
    _tile_release();
}

/* ---- weights to signed bytes ----------------------------------------------------------------- */

/* The matrix over GF(2) that puts bits [from, from + n) of a byte at bit `to`; with `extend` the
 * last of them is repeated up to bit 7. Row i, which makes bit i, is byte 7 - i. */
RN_INLINE vb bits_matrix(int from, int n, int to, bool extend)
{
    const uint64_t identity = 0x0102040810204080, every = 0x0101010101010101;
    uint64_t m = (identity & ~(uint64_t)0 << (64 - 8 * n)) << from >> 8 * to;
    if (extend && n + to < 8)
        m |= every << (from + n - 1) & (((uint64_t)1 << 8 * (8 - n - to)) - 1);
    return _mm512_set1_epi64((int64_t)m);
}

/* As unpack_bits of pack_body.h. Where something is subtracted it is half the range of the code:
 * its highest bit, turned over and repeated. */
RN_KERNEL void unpack_signed(const uint8_t *q, int n_blocks, uint8_t *out, const int low_bits,
                             const int high_bits, const bool has_min)
{
    const int per_byte = 8 / low_bits, bits = low_bits + high_bits;
    const size_t low_bytes = (size_t)(128 * 8 / per_byte);
    const vb turn = vb_set1((uint8_t)(has_min ? 0 : 0xFF << (bits - 1)));
    for (int b = 0; b < n_blocks; b++) {
        const uint8_t *high = q + low_bytes;
        RN_UNROLL for (int j = 0; j < RN_QUADS; j++) RN_UNROLL for (int m = 0; m < 2; m++)
        {
            const vb l = vb_load(q + 128 * (j / per_byte) + 64 * m);
            const vb take =
                bits_matrix(j % per_byte * low_bits, low_bits, 0, !high_bits && !has_min);
            vb v = _mm512_gf2p8affine_epi64_epi8(l, take, 0);
            vb v2 = _mm512_setzero_si512();
            if (high_bits) {
                const int per = 8 / high_bits;
                const vb h = vb_load(high + 128 * (j / per) + 64 * m);
                const vb put = bits_matrix(j % per * high_bits, high_bits, low_bits, !has_min);
                v2 = _mm512_gf2p8affine_epi64_epi8(h, put, 0);
            }
            if (!high_bits && has_min)
                vb_store(out + 128 * j + 64 * m, v);
            else /* v ^ v2 ^ turn */
                vb_store(out + 128 * j + 64 * m, _mm512_ternarylogic_epi64(v, v2, turn, 0x96));
        }
        q = high + 128 * high_bits;
        out += RN_Q8_BYTES;
    }
}

static void unpack_bytes(const uint8_t *q, int n_blocks, uint8_t *out)
{
    const vb top = vb_set1(0x80);
    for (int i = 0; i < n_blocks * RN_Q8_BYTES; i += 64)
        vb_store(out + i, _mm512_xor_si512(vb_load(q + i), top));
}

static void unpack(rn_qtype type, const uint8_t *q, int n_blocks, uint8_t *out)
{
    switch (type) {
    case RN_Q_Q8_0:
    case RN_Q_IQ4_NL:
    case RN_Q_IQ4_XS:
    case RN_Q_MXFP4: unpack_bytes(q, n_blocks, out); return;
    case RN_Q_Q4_0: unpack_signed(q, n_blocks, out, 4, 0, false); return;
    case RN_Q_Q4_1:
    case RN_Q_Q4_K: unpack_signed(q, n_blocks, out, 4, 0, true); return;
    case RN_Q_Q5_0: unpack_signed(q, n_blocks, out, 4, 1, false); return;
    case RN_Q_Q5_1:
    case RN_Q_Q5_K: unpack_signed(q, n_blocks, out, 4, 1, true); return;
    case RN_Q_Q6_K: unpack_signed(q, n_blocks, out, 4, 2, false); return;
    case RN_Q_Q3_K: unpack_signed(q, n_blocks, out, 2, 1, false); return;
    case RN_Q_TQ1_0:
    case RN_Q_TQ2_0:
    case RN_Q_Q2_K: unpack_signed(q, n_blocks, out, 2, 0, true); return;
    default: return;
    }
}

/* ---- products -------------------------------------------------------------------------------- */

/* Vector m of a strip's slab times a panel is a chain of steps, one per scale: a block, or half of
 * one. Both vectors follow each other in one run of steps, so that the pipe is filled once. */
typedef struct place { /* of a step */
    const uint8_t *q, *x;
    int step; /* of its vector */
} place;

typedef float step_sums[PANEL][RN_LANES]; /* MAGIC + sum */

#define MAGIC 0x1.8p23F

static const _Alignas(64) float magic[RN_LANES] = {MAGIC, MAGIC, MAGIC, MAGIC, MAGIC, MAGIC,
                                                   MAGIC, MAGIC, MAGIC, MAGIC, MAGIC, MAGIC,
                                                   MAGIC, MAGIC, MAGIC, MAGIC};

/* Keeps gcc from working out 16 addresses ahead, in registers that it has not got. */
#define AS_IT_IS(pointer) __asm__("" : "+r"(pointer))

RN_INLINE void next_place(place *at, const rn_wslab *w, size_t x_step, bool halves,
                          const uint8_t *x, int per_vector)
{
    if (++at->step == per_vector) {
        *at = (place){w->q + 64, x, 0};
    } else if (halves && at->step % 2) {
        at->q += 512;
        at->x += 16;
    } else {
        at->q += w->q_step_bytes - (halves ? 512 : 0);
        at->x += x_step - (halves ? 16 : 0);
    }
}

/* Makes the sums of a step in tile T. */
#define START_STEP(T, at, halves)           \
    do {                                    \
        _tile_loadd(T, magic, 0);           \
        if (halves) {                       \
            _tile_loadd(T_HX, (at).x, 32);  \
            _tile_loadd(T_HW, (at).q, 128); \
            _tile_dpbssd(T, T_HX, T_HW);    \
        } else {                            \
            _tile_loadd(T_X, (at).x, 32);   \
            _tile_loadd(T_W, (at).q, 128);  \
            _tile_dpbssd(T, T_X, T_W);      \
        }                                   \
    } while (0)

/* As the end of tile_quads of tile_body.h, for one vector: sums of a step; dx, side: [n]. */
RN_INLINE void fold_step(vf acc[PANEL], const int n, const bool has_min, const float *sums,
                         const float *d, const float *min, const float *dx, const float *side)
{
    const vf dw = vf_load(d), off = vf_set1(-MAGIC);
    AS_IT_IS(sums);
    AS_IT_IS(dx);
    RN_UNROLL for (int r = 0; r < n; r++) acc[r] =
        vf_fma(vf_add(off, vf_load(sums + r * RN_LANES)), vf_mul(dw, vf_set1(dx[r])), acc[r]);
    if (!has_min) return;
    const vf mw = vf_load(min);
    AS_IT_IS(side);
    RN_UNROLL for (int r = 0; r < n; r++) acc[r] = vf_fma(mw, vf_set1(side[r]), acc[r]);
}

/* OUT steps ago the tile was OLD. */
#define RN_STEP(T, OLD)                                              \
    do {                                                             \
        if (t >= OUT && t < total + OUT) _tile_stored(OLD, old, 64); \
        if (t < total) START_STEP(T, at, halves);                    \
    } while (0)

RN_KERNEL void tile_n(const rn_wslab *w, const uint8_t *x, const uint8_t *side0, const int n,
                      const rn_fold fold, const float *from, float *y, int64_t stride)
{
    const bool has_min = fold == RN_FOLD_DM || fold == RN_FOLD_DM_16;
    const bool halves = rn_fold_halves(fold);
    const size_t x_step = rn_xblock_bytes(n);
    const int per_vector = w->n_blocks * (halves ? 2 : 1), total = 2 * per_vector;
    _Alignas(64) step_sums ring[RING];
    vf acc[PANEL];
    RN_UNROLL for (int r = 0; r < n; r++) acc[r] = from ? vf_load(from + r * RN_STRIP) : vf_set1(0);

    place at = {w->q, x, 0}; /* of the step that starts */
    const uint8_t *ahead = w->ahead;
    const float *d = w->d, *min = w->m; /* of the step that is added */
    const uint8_t *dx = x + rn_xblock_d(n), *side = side0;
    /* Step t starts, t - OUT leaves its tile, t - LAG is added. */
    for (int t = 0; t < total + LAG; t++) {
        float *old = ring[(t + RING - OUT) % RING][0];
        AS_IT_IS(old);
        switch (t % 4) {
        case 0: RN_STEP(0, 2); break;
        case 1: RN_STEP(1, 3); break;
        case 2: RN_STEP(2, 0); break;
        default: RN_STEP(3, 1); break;
        }
        if (t < per_vector && (!halves || t % 2 == 0))
            for (size_t i = 0; i < x_step; i += 64)
                __builtin_prefetch(at.x + NEAR * x_step + i, 0, 3);
        next_place(&at, w, x_step, halves, x, per_vector);
        if (t < LAG) continue;
        const int u = t - LAG;
        if (u == per_vector) { /* the second vector begins */
            RN_UNROLL for (int r = 0; r < n; r++)
            {
                vf_store(y + r * stride, acc[r]);
                acc[r] = from ? vf_load(from + r * RN_STRIP + 16) : vf_set1(0);
            }
            d = w->d + 16, min = w->m + 16;
            dx = x + rn_xblock_d(n), side = side0;
        }
        if (u < w->n_blocks) {
            for (size_t i = 0; i < w->ahead_step_bytes; i += 64)
                __builtin_prefetch(ahead + i, 0, 2);
            ahead += w->ahead_step_bytes;
        }
        fold_step(acc, n, has_min, ring[u % RING][0], d, min, (const float *)(const void *)dx,
                  (const float *)(const void *)side);
        d += RN_STRIP, min += RN_STRIP, side += 4 * n;
        if (!halves || (u - (u < per_vector ? 0 : per_vector)) % 2) dx += x_step;
    }
    RN_UNROLL for (int r = 0; r < n; r++) vf_store(y + r * stride + 16, acc[r]);
}

/* With more than FEW_ROWS rows panels have at least 11. */
#if RN_COMPACT
#define RN_TILE_BODY(fold) tile_n(w, x, side, n, fold, from, y, stride)
#else
#define RN_TILE_CASE(rows, fold)                         \
    case rows:                                           \
        tile_n(w, x, side, rows, fold, from, y, stride); \
        return;
#define RN_TILE_BODY(fold)     \
    switch (n) {               \
        RN_TILE_CASE(11, fold) \
        RN_TILE_CASE(12, fold) \
        RN_TILE_CASE(13, fold) \
        RN_TILE_CASE(14, fold) \
        RN_TILE_CASE(15, fold) \
        RN_TILE_CASE(16, fold) \
    default: return;           \
    }
#endif

#define RN_TILE_FUNCTION(name, fold)                                                  \
    static void name(const rn_wslab *w, const uint8_t *x, const uint8_t *side, int n, \
                     const float *from, float *y, int64_t stride)                     \
    {                                                                                 \
        RN_TILE_BODY(fold);                                                           \
    }
RN_TILE_FUNCTION(tile_d, RN_FOLD_D)
RN_TILE_FUNCTION(tile_dm, RN_FOLD_DM)
RN_TILE_FUNCTION(tile_d_16, RN_FOLD_D_16)
RN_TILE_FUNCTION(tile_dm_16, RN_FOLD_DM_16)

static void tile(const rn_wslab *w, const uint8_t *x, const uint8_t *side, int n, const float *from,
                 float *y, int64_t stride)
{
    switch (w->fold) {
    case RN_FOLD_D: tile_d(w, x, side, n, from, y, stride); return;
    case RN_FOLD_DM: tile_dm(w, x, side, n, from, y, stride); return;
    case RN_FOLD_D_16: tile_d_16(w, x, side, n, from, y, stride); return;
    case RN_FOLD_DM_16: tile_dm_16(w, x, side, n, from, y, stride); return;
    case RN_N_FOLDS: return;
    }
}

/* ---- what the machine can do at most (peak.h) ------------------------------------------------ */

/* Whole tiles, four sums in turn, so that each has its 52 cycles. */
static uint32_t peak_dots(int64_t n)
{
    _Alignas(64) tile_config c = {.palette = 1};
    _Alignas(64) uint8_t bytes[16 * 64];
    uint32_t all = 0;
    for (int t = 0; t < 8; t++)
        shape(&c, t, 16, 64);
    memset(bytes, 1, sizeof bytes);
    settle(bytes);
    settle(&c);
    _tile_loadconfig(&c);
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    _tile_loadd(4, bytes, 64);
    _tile_loadd(5, bytes, 64);
    _tile_loadd(6, bytes, 64);
    _tile_loadd(7, bytes, 64);
    for (int64_t i = 0; i < n; i += 4) {
        _tile_dpbssd(0, 4, 6);
        _tile_dpbssd(1, 4, 7);
        _tile_dpbssd(2, 5, 6);
        _tile_dpbssd(3, 5, 7);
    }
    _tile_stored(0, bytes, 64);
    memcpy(&all, bytes, sizeof all);
    _tile_release();
    return all;
}

void rn_kern_amx_fill(rn_kern *out)
{
    *out = rn_kern_avx512;
    out->isa = RN_ISA_AMX;
    out->panel_rows = PANEL;
    out->unpacks = true;
    out->few = &rn_kern_avx512;
    out->few_rows = FEW_ROWS;
    out->enter = enter;
    out->leave = leave;
    out->unpack = unpack;
    out->tile = tile;
    out->peak_dots = peak_dots;
    out->peak_macs = MACS_PER_TILE;
    out->peak_name = "tdpbssd";
}
