/*
 * book.c: the built-in entries, and finding entries and profiles by name.
 *
 * Shapes are those of the published checkpoints. The wall-times are Table 1 of Hassid et al. 2024
 * (arXiv 2404.00725): seconds for about 1,000 samples on 8 A100 GPUs at the best batch size of each
 * model. The study gives none for Llama-3.
 */
#include "cost/book.h"

#define RN_STUDY_SOURCE "arXiv 2404.00725"

static const char *const code_llama_7b[] = {"codellama/CodeLlama-7b-hf", "code-llama-7b-base"};
static const char *const code_llama_13b[] = {"codellama/CodeLlama-13b-hf", "code-llama-13b-base"};
static const char *const code_llama_34b[] = {"codellama/CodeLlama-34b-hf", "code-llama-34b-base"};
static const char *const code_llama_70b[] = {"codellama/CodeLlama-70b-hf", "code-llama-70b-base"};
static const char *const llama_3_8b[] = {"meta-llama/Meta-Llama-3-8B", "llama3-8b"};
static const char *const llama_3_70b[] = {"meta-llama/Meta-Llama-3-70B", "llama3-70b"};

static const struct {
    const char *name;
    const char *const *aliases;
    rn_shape shape; /* layers, d_model, d_ffn, heads, kv heads, head_dim, vocabulary, gated, tied */
    double s_per_1000; /* 0: not published */
} builtin[] = {
    {"code-llama-7b", code_llama_7b, {32, 4096, 11008, 32, 32, 128, 32016, 1, 0, 0}, 395},
    {"code-llama-13b", code_llama_13b, {40, 5120, 13824, 40, 40, 128, 32016, 1, 0, 0}, 667},
    {"code-llama-34b", code_llama_34b, {48, 8192, 22016, 64, 8, 128, 32000, 1, 0, 0}, 2994},
    {"code-llama-70b", code_llama_70b, {80, 8192, 28672, 64, 8, 128, 32016, 1, 0, 0}, 5605},
    {"llama-3-8b", llama_3_8b, {32, 4096, 14336, 32, 8, 128, 128256, 1, 0, 0}, 0},
    {"llama-3-70b", llama_3_70b, {80, 8192, 28672, 64, 8, 128, 128256, 1, 0, 0}, 0},
};

enum { N_BUILTIN = sizeof builtin / sizeof builtin[0], N_ALIASES = 2, N_CANONICAL = 128 };

/* Writes the form in which names are compared: the part after the last '/', lower case, without
 * "-_. " and a final "hf" or "gguf". Two digits that a separator parts stay parted by '-'. */
static void canonical(const char *name, char out[N_CANONICAL])
{
    const char *slash = strrchr(name, '/');
    if (slash && slash[1]) name = slash + 1;
    size_t n = 0;
    bool parted = false;
    for (; *name && n + 2 < N_CANONICAL; name++) {
        unsigned char c = (unsigned char)*name;
        if (c == '-' || c == '_' || c == '.' || c == ' ') {
            parted = true;
            continue;
        }
        if (parted && n > 0 && isdigit(c) && isdigit((unsigned char)out[n - 1])) out[n++] = '-';
        parted = false;
        out[n++] = (char)tolower(c);
    }
    out[n] = '\0';
    static const char *const endings[] = {"gguf", "hf"};
    for (size_t i = 0; i < 2; i++) {
        size_t len = strlen(endings[i]);
        if (n > len && strcmp(out + n - len, endings[i]) == 0) out[n -= len] = '\0';
    }
}

static bool same_name(const char *a, const char *b)
{
    char ca[N_CANONICAL], cb[N_CANONICAL];
    canonical(a, ca);
    canonical(b, cb);
    return strcmp(ca, cb) == 0;
}

rn_cost *rn_cost_book_add(rn_cost_book *b, const char *name)
{
    for (size_t i = 0; i < b->n_models; i++)
        if (same_name(b->models[i]->name, name)) return b->models[i];
    if (b->n_models == b->cap_models) {
        size_t cap = b->cap_models ? 2 * b->cap_models : 16;
        rn_cost **models = rn_arena_array(&b->arena, cap, sizeof(rn_cost *));
        if (!models) return NULL;
        if (b->n_models) memcpy(models, b->models, b->n_models * sizeof(rn_cost *));
        b->models = models;
        b->cap_models = cap;
    }
    rn_cost *c = rn_arena_alloc(&b->arena, sizeof *c);
    if (!c) return NULL;
    *c = (rn_cost){.name = rn_arena_strdup(&b->arena, name),
                   .flop_per_sample = NAN,
                   .usd_per_1m_input = NAN,
                   .usd_per_1m_cached = NAN,
                   .usd_per_1m_output = NAN,
                   .usd_per_sample = NAN,
                   .usd_per_hour = NAN,
                   .source = ""};
    if (!c->name) return NULL;
    b->models[b->n_models++] = c;
    return c;
}

static rn_cost_hw *find_profile(const rn_cost_book *b, const char *name)
{
    for (rn_cost_hw *p = b->profiles; p; p = p->next)
        if (same_name(p->name, name)) return p;
    return NULL;
}

static rn_cost_row *find_row(const rn_cost_hw *p, const char *model)
{
    for (rn_cost_row *r = p->rows; r; r = r->next)
        if (same_name(r->model, model)) return r;
    return NULL;
}

int rn_cost_profile_add(rn_cost_book *b, const char *profile, const char *hardware,
                        const char *model, const rn_cost_curve *time, rn_err *err)
{
    rn_cost_hw *p = find_profile(b, profile);
    if (!p) {
        p = rn_arena_alloc(&b->arena, sizeof *p);
        if (!p || !(p->name = rn_arena_strdup(&b->arena, profile))) goto nomem;
        p->hardware = "";
        rn_cost_hw **end = &b->profiles;
        while (*end)
            end = &(*end)->next;
        *end = p;
    }
    if (hardware && !(p->hardware = rn_arena_strdup(&b->arena, hardware))) goto nomem;
    if (!model) return 0;

    rn_cost_curve copy = *time;
    if (time->n_points) {
        int64_t *k = rn_arena_array(&b->arena, time->n_points, sizeof *k);
        double *seconds = rn_arena_array(&b->arena, time->n_points, sizeof *seconds);
        if (!k || !seconds) goto nomem;
        memcpy(k, time->k, time->n_points * sizeof *k);
        memcpy(seconds, time->cost, time->n_points * sizeof *seconds);
        copy.k = k;
        copy.cost = seconds;
    }
    rn_cost_row *r = find_row(p, model);
    if (!r) {
        r = rn_arena_alloc(&b->arena, sizeof *r);
        if (!r || !(r->model = rn_arena_strdup(&b->arena, model))) goto nomem;
        r->next = p->rows;
        p->rows = r;
    }
    r->time = copy;
    return 0;
nomem:
    return rn_nomem(err, profile);
}

rn_cost_book *rn_cost_book_new(void)
{
    rn_cost_book *b = calloc(1, sizeof *b);
    if (!b) return NULL;
    for (size_t i = 0; i < N_BUILTIN; i++) {
        rn_cost *c = rn_cost_book_add(b, builtin[i].name);
        rn_cost_curve t = {.per_sample = builtin[i].s_per_1000 / 1000};
        if (!c || (t.per_sample > 0 &&
                   rn_cost_profile_add(b, RN_COST_STUDY_PROFILE, "8 x A100, best batch size",
                                       builtin[i].name, &t, NULL))) {
            rn_cost_book_free(b);
            return NULL;
        }
        c->aliases = builtin[i].aliases;
        c->n_aliases = N_ALIASES;
        c->shape = builtin[i].shape;
        c->has_shape = true;
        c->source = RN_STUDY_SOURCE;
    }
    return b;
}

void rn_cost_book_free(rn_cost_book *b)
{
    if (!b) return;
    rn_arena_free(&b->arena);
    free(b);
}

const rn_cost *rn_cost_find(const rn_cost_book *b, const char *name)
{
    if (!name || !*name) return NULL;
    for (size_t i = 0; i < b->n_models; i++)
        if (same_name(b->models[i]->name, name)) return b->models[i];
    for (size_t i = 0; i < b->n_models; i++)
        for (size_t a = 0; a < b->models[i]->n_aliases; a++)
            if (same_name(b->models[i]->aliases[a], name)) return b->models[i];
    return NULL;
}

const rn_cost *rn_cost_at(const rn_cost_book *b, size_t i)
{
    return i < b->n_models ? b->models[i] : NULL;
}

const char *rn_cost_hardware(const rn_cost_book *b, const char *profile)
{
    const rn_cost_hw *p = find_profile(b, profile);
    return p ? p->hardware : NULL;
}

const char *rn_cost_profile_at(const rn_cost_book *b, size_t i)
{
    const rn_cost_hw *p = b->profiles;
    while (p && i-- > 0)
        p = p->next;
    return p ? p->name : NULL;
}

int rn_cost_profile(const rn_cost_book *b, const char *profile, const rn_cost *model,
                    rn_cost_curve *out, rn_err *err)
{
    const rn_cost_hw *p = find_profile(b, profile);
    if (!p) {
        rn_buf known = {0};
        for (const rn_cost_hw *q = b->profiles; q; q = q->next)
            rn_buf_printf(&known, "%s%s", known.len ? ", " : "", q->name);
        int rc = rn_fail(err, RN_ENOTFOUND, "there is no profile '%s'; known: %s", profile,
                         known.data ? known.data : "none");
        rn_buf_free(&known);
        return rc;
    }
    const rn_cost_row *r = find_row(p, model->name);
    for (size_t i = 0; i < model->n_aliases && !r; i++)
        r = find_row(p, model->aliases[i]);
    if (!r)
        return rn_fail(err, RN_ENOTFOUND,
                       "profile %s has no wall-time of %s; give it in a cost file: "
                       "[profile %s] %s = SECONDS",
                       p->name, model->name, p->name, model->name);
    *out = r->time;
    return 0;
}

double rn_cost_flop(const rn_cost *c)
{
    if (!isnan(c->flop_per_sample)) return c->flop_per_sample;
    return c->has_shape ? rn_flop_convention(&c->shape, RN_FLOP_STUDY_TOK) : NAN;
}

bool rn_cost_is_hourly(const rn_cost *c)
{
    return isnan(c->usd_per_sample) && (isnan(c->usd_per_1m_input) || isnan(c->usd_per_1m_output));
}

rn_cost_curve rn_cost_by_hour(const rn_cost *c, const rn_cost_curve *time, double *cost)
{
    const double per_s = c->usd_per_hour / 3600;
    for (size_t i = 0; i < time->n_points; i++)
        cost[i] = per_s * time->cost[i];
    return (rn_cost_curve){.shared = per_s * time->shared,
                           .per_sample = per_s * time->per_sample,
                           .k = time->k,
                           .cost = cost,
                           .n_points = time->n_points};
}

double rn_cost_usd(const rn_cost *c, double k, double prompt_tok, double gen_tok, double seconds)
{
    if (!isnan(c->usd_per_sample)) return k * c->usd_per_sample;
    if (!isnan(c->usd_per_1m_input) && !isnan(c->usd_per_1m_output)) {
        double cached = isnan(c->usd_per_1m_cached) ? c->usd_per_1m_input : c->usd_per_1m_cached;
        double again = k > 1 ? k - 1 : 0;
        return (prompt_tok * ((k > 0 ? 1 : 0) * c->usd_per_1m_input + again * cached) +
                k * gen_tok * c->usd_per_1m_output) *
               1e-6;
    }
    return c->usd_per_hour / 3600 * seconds;
}
