/* tsan */
/* Row operations on every kernel set against double arithmetic, the thread pool, the choice of set.
 */
#include "test.h"
#include "test_kern.h"

#include "model/ops.h"
#include "model/pool.h"

#include <stdatomic.h>
#if defined(__x86_64__)
#include <errno.h>
#include <seccomp.h>
#include <sys/wait.h>
#endif

static const int64_t lengths[] = {1, 15, 16, 17, 64, 100, 131, 2048};
enum { N_LENGTHS = sizeof lengths / sizeof *lengths, MAX_N = 2048 };

#define FOR_EACH_SET(k)                       \
    for (int isa = 0; isa < RN_N_ISAS; isa++) \
        for (const rn_kern *k = rn_kern_get((rn_isa)isa); k; k = NULL)

static void norms(void **state)
{
    (void)state;
    float y[MAX_N];
    FOR_EACH_SET(k)
    for (int l = 0; l < N_LENGTHS; l++) {
        const int64_t n = lengths[l];
        float *x = test_floats(n, 1), *w = test_floats(n, 2), *b = test_floats(n, 3);
        double mean = 0, square = 0, var = 0;
        for (int64_t i = 0; i < n; i++) {
            mean += (double)x[i] / (double)n;
            square += (double)x[i] * (double)x[i] / (double)n;
        }
        for (int64_t i = 0; i < n; i++)
            var += ((double)x[i] - mean) * ((double)x[i] - mean) / (double)n;
        rn_rmsnorm(k, x, w, 1e-5f, n, y);
        for (int64_t i = 0; i < n; i++)
            assert_near((double)y[i], (double)x[i] * (double)w[i] / sqrt(square + 1e-5), 2e-5);
        rn_layernorm(k, x, w, b, 1e-5f, n, y);
        for (int64_t i = 0; i < n; i++)
            assert_near((double)y[i],
                        ((double)x[i] - mean) * (double)w[i] / sqrt(var + 1e-5) + (double)b[i],
                        n == 1 ? 1e-3 : 2e-5);
        free(x);
        free(w);
        free(b);
    }
}

static void elementwise(void **state)
{
    (void)state;
    FOR_EACH_SET(k)
    for (int l = 0; l < N_LENGTHS; l++) {
        const int64_t n = lengths[l];
        float *x = test_floats(n, 1), *u = test_floats(n, 2), *y = test_floats(n, 3);
        float *z = test_floats(n, 3);
        rn_add(k, x, n, y);
        for (int64_t i = 0; i < n; i++)
            assert_true(y[i] == z[i] + x[i]);
        rn_scale(k, 0.25f, n, y);
        for (int64_t i = 0; i < n; i++)
            assert_true(y[i] == (z[i] + x[i]) * 0.25f);
        rn_silu_mul(k, x, u, n, y);
        for (int64_t i = 0; i < n; i++) {
            const double g = (double)x[i], want = g / (1 + exp(-g)) * (double)u[i];
            assert_near((double)y[i], want, 1e-6 * fabs(want) + 1e-9);
        }
        rn_gelu(k, x, n, y);
        for (int64_t i = 0; i < n; i++) {
            const double v = (double)x[i];
            const double want = v / 2 * (1 + tanh(sqrt(2 / M_PI) * (v + 0.044715 * v * v * v)));
            assert_near((double)y[i], want, 2e-6 * fabs(v));
        }
        free(x);
        free(u);
        free(y);
        free(z);
    }
}

static void exponentials(void **state)
{
    (void)state;
    enum { N = 4000 };
    float x[N], y[N];
    for (int i = 0; i < N; i++)
        x[i] = (float)(-86 + 174.0 * i / N);
    FOR_EACH_SET(k)
    {
        rn_exp_row(k, x, 0, 1, N, y);
        double worst = 0, sum = 0;
        for (int i = 0; i < N; i++)
            worst = fmax(worst, fabs((double)y[i] / exp((double)x[i]) - 1));
        if (worst > 2e-7) fail_msg("%s: exp is off by %g", rn_isa_name(k->isa), worst);
        const float special[] = {0, -0.0f, -INFINITY, -1000, -90};
        float got[5];
        rn_exp_row(k, special, 0, 1, 5, got);
        assert_true(got[0] == 1 && got[1] == 1);
        assert_true(got[2] == 0 && got[3] == 0 && got[4] == 0);
        for (int i = 0; i < N; i++)
            sum += exp(((double)x[i] - 88) * 0.5);
        assert_near(rn_exp_row(k, x, 88, 0.5f, N, NULL) / sum, 1, 1e-6);
    }
}

static void maxima(void **state)
{
    (void)state;
    FOR_EACH_SET(k)
    for (int l = 0; l < N_LENGTHS; l++) {
        const int64_t n = lengths[l];
        float *x = test_floats(n, 9);
        for (int64_t at = 0; at < n; at += 7) {
            const float kept = x[at];
            x[at] = 1000;
            assert_true(rn_max_row(k, x, n) == 1000);
            assert_int_equal(rn_argmax(k, x, n), at);
            x[n - 1] = 1000;
            assert_int_equal(rn_argmax(k, x, n), at);
            x[n - 1] = 0;
            x[at] = kept;
        }
        x[n / 2] = NAN;
        assert_true(rn_argmax(k, x, n) < n);
        free(x);
    }
}

/* Tokens between two limits, first of a row, then of those, in place; and what they weigh. */
static void tokens_between(void **state)
{
    (void)state;
    enum { ROOM = MAX_N + 16 };
    static float l[ROOM], w[ROOM], few_l[ROOM], few_w[ROOM];
    static int32_t at[ROOM / 16], few_at[ROOM / 16];
    FOR_EACH_SET(k)
    for (int i = 0; i < N_LENGTHS; i++) {
        const int64_t n = lengths[i];
        float *x = test_floats(n, 5), *y = test_floats(n, 6);
        for (int64_t j = 0; j < n; j++)
            y[j] = fabsf(y[j]);
        x[n / 3] = -INFINITY;
        rn_tokens all = {.l = l, .w = w, .at = at}, few = {.l = few_l, .w = few_w, .at = few_at};
        rn_keep_between(k, y, 0.25f, INFINITY, &(rn_row){x, y, NULL, n}, &all);
        rn_keep_between(k, all.l, -0.5f, 0.5f, &(rn_row){all.l, all.w, all.at, all.n}, &few);
        rn_keep_between(k, few.w, 0.3f, 0.7f, &(rn_row){few.l, few.w, few.at, few.n}, &few);
        int64_t n_all = 0, n_few = 0;
        float least = INFINITY, most = -INFINITY;
        double mass = 0, count = 0;
        for (int64_t j = 0; j < n; j++) {
            const bool kept = y[j] > 0.25f && x[j] > -INFINITY;
            n_all += kept;
            if (!kept) continue;
            least = fminf(least, x[j]);
            most = fmaxf(most, x[j]);
            mass += x[j] > 0.1f ? (double)y[j] : 0;
            count += x[j] > 0.1f;
            n_few += x[j] > -0.5f && x[j] <= 0.5f && y[j] > 0.3f && y[j] <= 0.7f;
        }
        assert_int_equal(all.n % 16, 0);
        assert_true(all.least == least && all.most == most);
        assert_near(rn_mass_above(k, all.l, all.w, all.n, 0.1f), mass, 1e-6 * mass + 1e-30);
        assert_true(rn_mass_above(k, all.l, NULL, all.n, 0.1f) == count);
        for (int64_t j = 0; j < all.n; j++) {
            n_all -= all.l[j] > -INFINITY;
            if (all.l[j] == -INFINITY) assert_true(all.w[j] == 0);
        }
        for (int64_t j = 0; j < few.n; j++) {
            if (few.l[j] == -INFINITY) continue;
            const int64_t id = few.at[j / 16] + j % 16;
            assert_true(few.l[j] == x[id] && few.w[j] == y[id]);
            n_few--;
        }
        assert_int_equal(n_all, 0);
        assert_int_equal(n_few, 0);
        free(x);
        free(y);
    }
}

static void rotations(void **state)
{
    (void)state;
    float cs[8], halves[10], neighbours[10];
    const float factors[] = {1, 1, 2, 4};
    double freqs[4];
    for (int i = 0; i < 4; i++)
        freqs[i] = 0.5 * pow(10000, -i / 4.0) / (double)factors[i];
    rn_rope_table(5, freqs, 8, 1, cs);
    for (int i = 0; i < 4; i++) {
        const double angle = 2.5 * pow(10000, -i / 4.0) / (double)factors[i];
        assert_near((double)cs[2 * i], cos(angle), 1e-7);
        assert_near((double)cs[2 * i + 1], sin(angle), 1e-7);
    }
    for (int i = 0; i < 10; i++)
        halves[i] = neighbours[i] = (float)(i + 1);
    rn_rope(RN_ROPE_HALVES, cs, 8, 1, 10, halves);
    rn_rope(RN_ROPE_NEIGHBOURS, cs, 8, 1, 10, neighbours);
    assert_near((double)halves[1], (double)(2 * cs[2] - 6 * cs[3]), 1e-5);
    assert_near((double)halves[5], (double)(2 * cs[3] + 6 * cs[2]), 1e-5);
    assert_near((double)neighbours[2], (double)(3 * cs[2] - 4 * cs[3]), 1e-5);
    assert_near((double)neighbours[3], (double)(3 * cs[3] + 4 * cs[2]), 1e-5);
    assert_true(halves[8] == 9 && neighbours[9] == 10);
}

static void half_floats(void **state)
{
    (void)state;
    float x[] = {0,     -0.0f, 1,        -2.5f,  65504, 1e-5f,  6e-8f,
                 1e-9f, 0.1f,  3.14159f, -1e-6f, 2049,  100.03f};
    enum { N = sizeof x / sizeof *x };
    FOR_EACH_SET(k)
    {
        uint16_t h[N];
        k->to_half(x, N, h);
        for (int i = 0; i < N; i++)
            assert_int_equal(h[i], rn_f32_to_f16(x[i]));
    }
}

typedef struct counts {
    _Atomic int64_t calls;
    _Atomic int seen[5000];
    int64_t plain[RN_POOL_MAX];
} counts;

static void count(void *arg, int64_t begin, int64_t end, int thread)
{
    counts *c = arg;
    atomic_fetch_add(&c->calls, 1);
    c->plain[thread] += end - begin;
    for (int64_t i = begin; i < end; i++)
        atomic_fetch_add(&c->seen[i], 1);
}

static void pool_covers_every_item_once(void **state)
{
    (void)state;
    static const int threads[] = {1, 2, 3, 16};
    static const int64_t items[] = {0, 1, 7, 64, 5000}, grains[] = {1, 3, 64, 10000};
    rn_err err;
    for (size_t t = 0; t < sizeof threads / sizeof *threads; t++) {
        rn_pool *pool = NULL;
        assert_ok(rn_pool_new(threads[t], &pool, &err), &err);
        assert_int_equal(rn_pool_threads(pool), threads[t]);
        for (size_t i = 0; i < 20; i++) {
            counts *c = calloc(1, sizeof *c);
            const int64_t n = items[i % 5];
            rn_pool_for(pool, n, grains[i / 5], count, c);
            int64_t total = 0;
            for (int j = 0; j < RN_POOL_MAX; j++)
                total += c->plain[j];
            assert_int_equal(total, n);
            for (int64_t j = 0; j < 5000; j++)
                assert_int_equal(c->seen[j], j < n);
            free(c);
        }
        rn_pool_free(pool);
    }
    rn_pool *none = NULL;
    assert_int_equal(rn_pool_new(0, &none, &err), RN_EINVAL);
    assert_int_equal(rn_pool_new(257, &none, &err), RN_EINVAL);
    assert_contains(err.msg, "1 to 256");
    assert_null(none);
    assert_int_equal(rn_pool_threads(NULL), 1);
}

static void forced_set(void **state)
{
    (void)state;
    rn_isa isa = RN_N_ISAS;
    rn_err err;
    setenv("RATION_CPU", "scalar", 1);
    assert_ok(rn_isa_choose(&isa, &err), &err);
    assert_int_equal(isa, RN_ISA_SCALAR);
    setenv("RATION_CPU", "mmx", 1);
    assert_int_equal(rn_isa_choose(&isa, &err), RN_EINVAL);
    assert_contains(err.msg, "mmx");
    for (int i = 0; i < RN_N_ISAS; i++) {
        setenv("RATION_CPU", rn_isa_name((rn_isa)i), 1);
        const int rc = rn_isa_choose(&isa, &err);
        assert_int_equal(rc, rn_isa_available((rn_isa)i) ? 0 : RN_EUNSUPPORTED);
        assert_true((rn_kern_get((rn_isa)i) != NULL) == (rc == 0));
    }
    unsetenv("RATION_CPU");
    assert_ok(rn_isa_choose(&isa, &err), &err);
    assert_true(rn_isa_available(isa));
    assert_true(rn_cpu_count() >= 1);
    char name[64];
    rn_cpu_model(name, sizeof name);
    assert_true(strlen(name) > 0);
}

#if defined(__x86_64__)
/* In a process of its own, which the system refuses the use of AMX: exits with the number of the
 * set that is chosen, or 100. */
static int choose_without_amx(void)
{
    rn_isa isa = RN_N_ISAS;
    rn_err err;
    unsetenv("RATION_CPU");
    const bool chosen = rn_isa_choose(&isa, &err) == 0;
    setenv("RATION_CPU", "amx", 1);
    const bool refused = rn_isa_choose(&(rn_isa){0}, &err) == RN_EUNSUPPORTED &&
                         strstr(err.msg, "AMX-INT8") && !rn_kern_get(RN_ISA_AMX);
    const bool named = strcmp(rn_isa_with_bits("avx512"), "avx512") == 0;
    return chosen && refused && named ? (int)isa : 100;
}

static void without_permission_avx512_is_chosen(void **state)
{
    (void)state;
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
        const struct scmp_arg_cmp asks = {.op = SCMP_CMP_EQ, .datum_a = 0x1023}; /* of cpu.c */
        if (!filter ||
            seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(arch_prctl), 1, &asks) !=
                0 ||
            seccomp_load(filter) != 0)
            _exit(101);
        execl("/proc/self/exe", "test_kern_ops", "without-amx", (char *)NULL);
        _exit(102);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    rn_isa best = RN_ISA_AVX512;
    while (!rn_isa_available(best))
        best--;
    assert_int_equal(WEXITSTATUS(status), best);
}
#endif

static void sets_of_equal_bits(void **state)
{
    (void)state;
    assert_int_equal(rn_isa_bits(RN_ISA_AMX), RN_ISA_AVX512);
    assert_int_equal(rn_isa_bits(RN_ISA_AVX2), RN_ISA_AVX2);
    const char *best = rn_isa_available(RN_ISA_AMX) ? "amx" : "avx512";
    assert_true(strcmp(rn_isa_with_bits("scalar"), "scalar") == 0);
    assert_true(strcmp(rn_isa_with_bits("mmx"), "mmx") == 0);
    assert_true(strcmp(rn_isa_with_bits("avx512"), best) == 0);
}

int main(int argc, char **argv)
{
    (void)argc, (void)argv;
#if defined(__x86_64__)
    if (argc > 1 && strcmp(argv[1], "without-amx") == 0) return choose_without_amx();
#endif
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(norms),
        cmocka_unit_test(elementwise),
        cmocka_unit_test(exponentials),
        cmocka_unit_test(maxima),
        cmocka_unit_test(tokens_between),
        cmocka_unit_test(rotations),
        cmocka_unit_test(half_floats),
        cmocka_unit_test(pool_covers_every_item_once),
        cmocka_unit_test(forced_set),
#if defined(__x86_64__)
        cmocka_unit_test(without_permission_avx512_is_chosen),
#endif
        cmocka_unit_test(sets_of_equal_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
