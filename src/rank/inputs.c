/* inputs.c: see inputs.h. */
#include "rank/inputs.h"

enum {
    TRIES_PER_INPUT = 20,
    MAX_INPUT_BYTES = 4096,
    SCRATCH_BYTES = 1 << 20,
    MAX_BORDERS = 8 /* of one parameter */
};

/* Inputs while they are gathered. */
typedef struct gather {
    rn_arena *a;
    rn_arena scratch;
    rn_input *list; /* [cap] */
    size_t n, cap;
    rn_signature sig;
    const rn_example *ex; /* [n_ex]: of the text, or made from the annotations */
    size_t n_ex;
    rn_rng rng;
    rn_buf text;
    bool failed; /* memory is out */
} gather;

static rn_bytes kept(gather *g)
{
    rn_bytes s = {rn_arena_dup(g->a, g->text.data ? g->text.data : "", g->text.len), g->text.len};
    if (!s.data || !rn_buf_ok(&g->text)) g->failed = true;
    return s;
}

/* What an example says of the returned value, as source. */
static void write_expected(const rn_example *x, rn_buf *out)
{
    rn_buf_clear(out);
    bool plain = x->via.len == 0 && !x->either;
    if (!plain) rn_buf_puts(out, "lambda _: ");
    if (x->via.len) {
        bool truth = x->expected->kind == RN_LIT_BOOL && x->expected->i;
        rn_buf_printf(out, "(%.*s)%s", (int)x->via.len, x->via.data, truth ? "" : " == ");
        if (truth) return;
    } else if (x->either) {
        rn_buf_puts(out, "_ == (");
        rn_lit_write(x->expected, out);
        rn_buf_puts(out, ",) or _ == ");
    }
    rn_lit_write(x->expected, out);
}

/* True when it was new and small enough. x: the example that it is; NULL: it is made. */
static bool take(gather *g, const rn_lit *args, const rn_example *x)
{
    if (g->n == g->cap) return false;
    rn_buf_clear(&g->text);
    rn_lit_write(args, &g->text);
    if (g->text.len > MAX_INPUT_BYTES) return false;
    for (size_t i = 0; i < g->n; i++)
        if (rn_bytes_equal(g->list[i].args, rn_buf_view(&g->text))) return false;
    rn_input in = {.args = kept(g)};
    if (x && x->expected) {
        write_expected(x, &g->text);
        in.expected = kept(g);
    }
    g->list[g->n++] = in;
    return true;
}

static const rn_lit *tuple_of(gather *g, rn_arena *a, const rn_lit *const *v, size_t n)
{
    const rn_lit **item = rn_arena_array(a, n + 1, sizeof *item);
    rn_lit *t = rn_arena_alloc(a, sizeof *t);
    if (!item || !t) {
        g->failed = true;
        return NULL;
    }
    if (n) memcpy(item, v, n * sizeof *item);
    *t = (rn_lit){.kind = RN_LIT_TUPLE, .item = item, .n = n};
    return t;
}

static const rn_example *some_example(gather *g)
{
    return &g->ex[rn_rng_below(&g->rng, g->n_ex)];
}

/* An example's arguments with one to three changes; NULL: there is nothing to change. */
static const rn_lit *mutant(gather *g)
{
    const rn_lit *base = some_example(g)->args, *v[RN_MAX_PARAMS];
    if (base->n == 0 || base->n > RN_MAX_PARAMS) return NULL;
    memcpy(v, base->item, base->n * sizeof *v);
    uint64_t changes = 1 + rn_rng_below(&g->rng, 3);
    for (uint64_t c = 0; c < changes; c++) {
        size_t i = (size_t)rn_rng_below(&g->rng, base->n);
        const rn_lit *other = some_example(g)->args;
        bool cross = rn_rng_below(&g->rng, 4) == 0 && other->n == base->n;
        v[i] = cross ? other->item[i] : rn_lit_mutate(v[i], &g->rng, &g->scratch);
        if (!v[i]) g->failed = true;
        if (g->failed) return NULL;
    }
    return tuple_of(g, &g->scratch, v, base->n);
}

/* A value for argument i from all that is known of it. */
static const rn_lit *pooled_value(gather *g, size_t i)
{
    const rn_lit *args = some_example(g)->args;
    const rn_lit *v = i < args->n ? args->item[i] : NULL;
    uint64_t how = rn_rng_below(&g->rng, 4);
    if (how < 2 && v) return v;
    if (how == 2 && v) return rn_lit_mutate(v, &g->rng, &g->scratch);
    const rn_lit *border[MAX_BORDERS];
    size_t n =
        rn_param_borders(i < g->sig.n ? &g->sig.p[i] : NULL, v, &g->scratch, border, MAX_BORDERS);
    return n ? border[rn_rng_below(&g->rng, n)] : v;
}

static const rn_lit *pooled(gather *g)
{
    const rn_lit *base = some_example(g)->args, *v[RN_MAX_PARAMS];
    if (base->n == 0 || base->n > RN_MAX_PARAMS) return NULL;
    for (size_t i = 0; i < base->n; i++)
        if (!(v[i] = pooled_value(g, i))) return NULL;
    return tuple_of(g, &g->scratch, v, base->n);
}

typedef const rn_lit *make_fn(gather *g);

static void add_made(gather *g, size_t want, make_fn *make)
{
    size_t from = g->n;
    for (size_t t = 0; g->n < from + want && t < TRIES_PER_INPUT * want && !g->failed; t++) {
        const rn_lit *args = make(g);
        if (args) take(g, args, NULL);
        if (g->scratch.used_bytes > SCRATCH_BYTES) rn_arena_free(&g->scratch);
    }
}

/* The first example with one argument at a border of its type, argument by argument in turn. */
static void add_borders(gather *g, size_t want)
{
    const rn_lit *base = g->ex[0].args, *border[RN_MAX_PARAMS][MAX_BORDERS];
    size_t n[RN_MAX_PARAMS], from = g->n;
    if (base->n > RN_MAX_PARAMS) return;
    for (size_t i = 0; i < base->n; i++)
        n[i] = rn_param_borders(i < g->sig.n ? &g->sig.p[i] : NULL, base->item[i], &g->scratch,
                                border[i], MAX_BORDERS);
    for (size_t k = 0; k < MAX_BORDERS; k++)
        for (size_t i = 0; i < base->n && g->n < from + want; i++) {
            const rn_lit *v[RN_MAX_PARAMS], *args;
            memcpy(v, base->item, base->n * sizeof *v);
            if (k >= n[i]) continue;
            v[i] = border[i][k];
            if ((args = tuple_of(g, &g->scratch, v, base->n))) take(g, args, NULL);
        }
}

/* Stands in for examples: all parameters at borders of their types, as far as these are known. */
static void invent_examples(gather *g)
{
    const rn_lit *border[RN_MAX_PARAMS][MAX_BORDERS], *v[RN_MAX_PARAMS];
    size_t n[RN_MAX_PARAMS], most = 0, arity = g->sig.n_required ? g->sig.n_required : g->sig.n;
    if (!g->sig.found || g->sig.variadic || arity == 0) return;
    for (size_t i = 0; i < arity; i++) {
        n[i] = rn_param_borders(&g->sig.p[i], NULL, g->a, border[i], MAX_BORDERS);
        if (n[i] == 0) return;
        if (n[i] > most) most = n[i];
    }
    rn_example *ex = rn_arena_array(g->a, most, sizeof *ex);
    if (!ex) {
        g->failed = true;
        return;
    }
    for (size_t k = 0; k < most; k++) {
        for (size_t i = 0; i < arity; i++)
            v[i] = border[i][k % n[i]];
        if (!(ex[k].args = tuple_of(g, g->a, v, arity))) return;
    }
    g->ex = ex;
    g->n_ex = most;
}

int rn_inputs_make(const rn_inputs_ask *ask, rn_arena *a, rn_inputs *out, rn_err *err)
{
    const char *name = ask->name ? ask->name : rn_examples_entry(ask->text, a);
    rn_example *found;
    size_t n_found;
    int rc = rn_examples_find(ask->text, name, a, &found, &n_found, err);
    if (rc) return rc;
    gather g = {.a = a, .ex = found, .n_ex = n_found};
    const char *dot = name ? strrchr(name, '.') : NULL;
    rn_signature_find(ask->text, rn_bytes_of(dot ? dot + 1 : name), &g.sig);
    g.cap = ask->max_examples + ask->n_mutants + ask->n_pooled + ask->n_borders;
    if (ask->max_total && ask->max_total < g.cap) g.cap = ask->max_total;
    g.list = rn_arena_array(a, g.cap + 1, sizeof *g.list);
    if (!g.list) return rn_nomem(err, "inputs");
    for (size_t i = 0; i < n_found && g.n < ask->max_examples; i++)
        take(&g, found[i].args, &found[i]);
    size_t n_examples = g.n;
    if (n_found == 0) invent_examples(&g);
    rn_rng_init(&g.rng, ask->seed, ask->stream, 0);
    for (size_t i = 0; n_found == 0 && i < g.n_ex && g.n < ask->n_borders; i++)
        take(&g, g.ex[i].args, NULL);
    if (g.n_ex) add_made(&g, ask->n_mutants, mutant);
    if (g.n_ex) add_made(&g, ask->n_pooled, pooled);
    if (n_found) add_borders(&g, ask->n_borders);
    bool failed = g.failed || !rn_buf_ok(&g.text);
    rn_arena_free(&g.scratch);
    rn_buf_free(&g.text);
    if (failed) return rn_nomem(err, "inputs");
    *out = (rn_inputs){.list = g.list, .n = g.n, .n_examples = n_examples, .name = name};
    return 0;
}
