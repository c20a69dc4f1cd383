/*
 * price_models.c: gives each entrant what k of its samples cost on every axis, or says what is
 * missing.
 *
 * FLOPs are the study's 128-token convention, or, on request, exact: the prompt once, then the mean
 * over the samples of what each adds. rn_flop_sample is quadratic in the generated tokens, so three
 * sums over the samples give that mean exactly. Dollars are linear in k where tokens are priced,
 * and follow the seconds where hours are.
 */
#include "report/report_priv.h"

#include "base/near.h"

static const char *mapped(const rn_price_map *map, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(map[i].model, name) == 0) return map[i].entry;
    return NULL;
}

/* "code-llama-7b, llama-3-8b, ..." */
static void list_entries(const rn_cost_book *b, rn_buf *out)
{
    const rn_cost *c;
    for (size_t i = 0; (c = rn_cost_at(b, i)) != NULL; i++)
        rn_buf_printf(out, "%s%s", i ? ", " : "", c->name);
}

static int find_entry(const rn_report *r, rn_entrant *e, const rn_price_map *map, size_t n_map,
                      const char **why, rn_err *err)
{
    *why = NULL;
    const char *asked = mapped(map, n_map, e->model);
    const char *name = asked ? asked : *e->cost_name ? e->cost_name : e->model;
    e->cost = rn_cost_find(r->book, name);
    if (e->cost) return 0;
    *why = "no cost entry: give --cost MODEL=ENTRY";
    if (!asked) return 0;
    rn_buf known = {0};
    list_entries(r->book, &known);
    return rn_near_fail(err, RN_ENOTFOUND, "there is no cost entry", asked, "; known: ", &known);
}

/* One note for all models without an entry. */
static int note_unpriced(rn_report *r, rn_err *err)
{
    rn_buf models = {0}, known = {0};
    for (size_t i = 0; i < r->n_tasks; i++)
        for (size_t j = 0; j < r->tasks[i].n_entrants; j++) {
            const char *name = r->tasks[i].entrants[j].model;
            bool seen = models.data && strstr(models.data, name) != NULL;
            if (!r->tasks[i].entrants[j].cost && !seen)
                rn_buf_printf(&models, "%s%s", models.len ? ", " : "", name);
        }
    list_entries(r->book, &known);
    int rc = !rn_buf_ok(&models) || !rn_buf_ok(&known) ? rn_nomem(err, "report") : 0;
    if (!rc && models.len)
        rc = rn_report_note(r, err,
                            "no cost entry for %s: give --cost MODEL=ENTRY (known: %s), describe "
                            "them in a --cost-file, or run `ration profile -m FILE.gguf -s STORE`",
                            models.data, known.data);
    rn_buf_free(&known);
    rn_buf_free(&models);
    return rc;
}

double rn_report_mean_prompt(const rn_report *r, const rn_entrant *e)
{
    return e->tokens.n_both ? e->tokens.prompt / (double)e->tokens.n_both : r->opts.prompt_tok;
}

double rn_report_exact_prompt(const rn_shape *s, const rn_tokens *t, double prompt_tok)
{
    double n = (double)t->n_both, mean = t->n_both ? t->prompt / n : prompt_tok;
    double mean_square = t->n_both ? t->prompt2 / n : mean * mean;
    double heads = (double)(s->n_head * s->head_dim) * (double)s->n_layer;
    return 2 * mean * rn_shape_layer_weights(s) + 2 * rn_shape_head_weights(s) +
           4 * heads * (mean_square + mean) / 2;
}

double rn_report_exact_sample(const rn_shape *s, const rn_tokens *t, double prompt_tok)
{
    double n = (double)t->n_gen;
    double g = t->g / n, g2 = t->g2 / n;
    /* Where some samples do not tell their prompt, the mean prompt stands for all. */
    double gp = t->n_both == t->n_gen ? t->gp / n : g * prompt_tok;
    double linear = rn_shape_layer_weights(s) + rn_shape_head_weights(s);
    double heads = (double)(s->n_head * s->head_dim) * (double)s->n_layer;
    return 2 * g * linear + 4 * heads * (gp + (g2 + g) / 2);
}

static void price_flop(rn_report *r, rn_entrant *e)
{
    double prompt = rn_report_mean_prompt(r, e);
    if (e->cost->has_shape && e->tokens.n_gen && !isnan(prompt)) {
        const rn_shape *s = &e->cost->shape;
        e->exact_shared = rn_report_exact_prompt(s, &e->tokens, prompt);
        e->exact_sample = rn_report_exact_sample(s, &e->tokens, prompt);
        e->two_n = rn_flop_2n(s, 1) * (prompt + e->tokens.gen / (double)e->tokens.n_gen);
    }
    double per_sample = rn_cost_flop(e->cost);
    if (r->opts.basis == RN_FLOP_STUDY) {
        e->priced[RN_UNIT_FLOP] = !isnan(per_sample);
        e->axis[RN_UNIT_FLOP] = (rn_kcost){.per_sample = per_sample};
        if (isnan(per_sample))
            e->why[RN_UNIT_FLOP] = "its cost entry has neither a shape nor flop_per_sample";
        return;
    }
    e->priced[RN_UNIT_FLOP] = !isnan(e->exact_sample);
    e->axis[RN_UNIT_FLOP] = (rn_kcost){.shared = e->exact_shared, .per_sample = e->exact_sample};
    if (e->priced[RN_UNIT_FLOP]) return;
    e->why[RN_UNIT_FLOP] =
        !e->cost->has_shape ? "its cost entry has no shape"
        : !e->tokens.n_gen
            ? "its samples have no token counts"
            : "its samples do not record the prompt's length: give --prompt-tokens N";
}

/* What was measured of the entrant's model on this hardware: of the very model, else of one of its
 * name; NULL: nothing. */
static const rn_measured *find_measured(const rn_report *r, const rn_entrant *e,
                                        const char *hardware)
{
    const rn_measured *found = NULL;
    for (size_t i = 0; i < r->n_measured && e->model_id; i++) {
        const rn_measured *m = &r->measured[i];
        if (strcmp(m->hardware, hardware) != 0) continue;
        if (m->model_id == e->model_id) return m;
        if (strcmp(m->model, e->base_name) == 0) found = m;
    }
    return found;
}

/* The hardware of the store's profiles that knows most entrants, the first of equals; times of
 * different machines are not put side by side. NULL: none knows any. */
static const char *best_hardware(const rn_report *r)
{
    const char *best = NULL;
    size_t best_n = 0;
    for (size_t m = 0; m < r->n_measured; m++) {
        size_t n = 0;
        for (size_t i = 0; i < r->n_tasks; i++)
            for (size_t j = 0; j < r->tasks[i].n_entrants; j++)
                n += find_measured(r, &r->tasks[i].entrants[j], r->measured[m].hardware) != NULL;
        if (n <= best_n) continue;
        best_n = n;
        best = r->measured[m].hardware;
    }
    return best;
}

static int price_time(rn_report *r, rn_entrant *e, rn_err *err)
{
    if (!r->opts.profile) {
        e->why[RN_UNIT_SECOND] = "no wall-times: give --profile NAME, e.g. " RN_COST_STUDY_PROFILE
                                 ", or measure them with `ration profile -s`";
        return 0;
    }
    const rn_measured *m = find_measured(r, e, r->opts.profile);
    e->measured = m != NULL;
    if (m) {
        e->priced[RN_UNIT_SECOND] = true;
        e->why[RN_UNIT_SECOND] = NULL;
        e->axis[RN_UNIT_SECOND] = (rn_kcost){.per_sample = m->s_per_sample};
        return 0;
    }
    if (!e->cost) return 0;
    rn_cost_curve t;
    rn_err why = {0};
    int rc = rn_cost_profile(r->book, r->opts.profile, e->cost, &t, &why);
    if (rc && !rn_cost_hardware(r->book, r->opts.profile)) return rn_fail(err, rc, "%s", why.msg);
    if (rc) {
        e->why[RN_UNIT_SECOND] = rn_arena_strdup(&r->arena, why.msg);
        return e->why[RN_UNIT_SECOND] ? 0 : rn_nomem(err, "report");
    }
    e->priced[RN_UNIT_SECOND] = true;
    e->axis[RN_UNIT_SECOND] = t;
    return 0;
}

static int price_usd(rn_report *r, rn_entrant *e, rn_err *err)
{
    const rn_cost *c = e->cost;
    bool by_token = !isnan(c->usd_per_1m_input) && !isnan(c->usd_per_1m_output);
    if (!by_token && isnan(c->usd_per_hour) && isnan(c->usd_per_sample)) {
        e->why[RN_UNIT_USD] = rn_arena_printf(
            &r->arena,
            "its cost entry has no prices: write `[model %s]` and below it `usd_per_1m_tokens = "
            "PRICE` (or usd_per_sample, usd_per_hour) into a file, and give that with --cost-file",
            c->name);
        return e->why[RN_UNIT_USD] ? 0 : rn_nomem(err, "report");
    }
    rn_kcost *axis = &e->axis[RN_UNIT_USD];
    if (!isnan(c->usd_per_sample)) {
        *axis = (rn_kcost){.per_sample = c->usd_per_sample};
    } else if (by_token) {
        double prompt = rn_report_mean_prompt(r, e);
        if (!e->tokens.n_gen || isnan(prompt)) {
            e->why[RN_UNIT_USD] =
                "its samples do not record their tokens; the prompt's length can be given by "
                "--prompt-tokens N";
            return 0;
        }
        double gen = e->tokens.gen / (double)e->tokens.n_gen;
        const double one = rn_cost_usd(c, 1, prompt, gen, NAN),
                     two = rn_cost_usd(c, 2, prompt, gen, NAN);
        const double own = gen * c->usd_per_1m_output * 1e-6; /* without the prompt */
        if (r->opts.prompt == RN_PROMPT_EACH)
            *axis = (rn_kcost){.per_sample = one};
        else if (r->opts.prompt == RN_PROMPT_ONCE)
            *axis = (rn_kcost){.shared = one - own, .per_sample = own};
        else
            *axis = (rn_kcost){.shared = 2 * one - two, .per_sample = two - one};
    } else {
        const rn_kcost *time = &e->axis[RN_UNIT_SECOND];
        if (!e->priced[RN_UNIT_SECOND]) {
            e->why[RN_UNIT_USD] = "priced by the hour, but without wall-times: give --profile NAME";
            return 0;
        }
        double *cost = rn_arena_array(&r->arena, time->n_points + 1, sizeof *cost);
        if (!cost) return rn_nomem(err, "report");
        *axis = rn_cost_by_hour(c, time, cost);
    }
    /* A cached price above the input price would make the first sample cheaper than the rest. */
    e->priced[RN_UNIT_USD] = rn_stat_cost_check(axis, NULL) == 0;
    if (!e->priced[RN_UNIT_USD])
        e->why[RN_UNIT_USD] =
            "its prices make samples free, or cached tokens more expensive than new ones";
    return 0;
}

static int price_entrant(rn_report *r, rn_entrant *e, const rn_price_map *map, size_t n_map,
                         rn_err *err)
{
    const char *why;
    int rc = find_entry(r, e, map, n_map, &why, err);
    if (rc) return rc;
    for (int a = 0; a < RN_N_UNITS; a++) {
        e->priced[a] = false;
        e->why[a] = why;
    }
    rc = price_time(r, e, err);
    if (rc || !e->cost) return rc;
    price_flop(r, e);
    return price_usd(r, e, err);
}

/* ---- what ranking adds ----------------------------------------------------------------------- */

/* Scoring is one parallel pass over prompt and sample under the ranker's model, for each sample
 * that is drawn and not cut by the token limit. What the scores themselves record comes first;
 * else the ranker's cost entry gives FLOPs: 128 tokens per scored sample, or, on request, the
 * samples' own tokens with the prompt once. Seconds that nobody measured stay unknown: a profile
 * times sampling, which scoring is much faster than. */

const char *rn_report_ranker_model(const rn_ranking *k)
{
    const char *colon = strchr(k->name, ':');
    return colon && colon[1] ? colon + 1 : k->name;
}

/* The user's word for the ranker or its model, then a priced model of that name, then the book. */
static int find_ranker_entry(const rn_report *r, const rn_ranking *k, const rn_price_map *map,
                             size_t n_map, const rn_cost **entry, rn_err *err)
{
    const char *model = rn_report_ranker_model(k);
    const char *asked = mapped(map, n_map, k->name);
    if (!asked) asked = mapped(map, n_map, model);
    *entry = rn_cost_find(r->book, asked ? asked : model);
    if (asked && !*entry)
        return rn_fail(err, RN_ENOTFOUND, "there is no cost entry '%s' for the ranker %s", asked,
                       k->name);
    if (asked) return 0;
    for (size_t i = 0; i < r->n_tasks; i++)
        for (size_t j = 0; j < r->tasks[i].n_entrants; j++) {
            const rn_entrant *e = &r->tasks[i].entrants[j];
            if (e->cost && strcmp(e->base_name, model) == 0) *entry = e->cost;
        }
    return 0;
}

/* Of k samples with their ranking. A table gets a point at k = 1, so that the ranking of a batch
 * that is not full is charged for the samples that are in it. */
static int add_up(rn_report *r, const rn_kcost *samples, rn_rank_cost *c, rn_err *err)
{
    c->total = *samples;
    c->total.shared += c->shared;
    c->total.per_sample += c->per_sample;
    if (samples->n_points == 0) return 0;
    size_t more = samples->k[0] > 1;
    size_t n = samples->n_points + more;
    int64_t *k = rn_arena_array(&r->arena, n, sizeof *k);
    double *cost = rn_arena_array(&r->arena, n, sizeof *cost);
    if (!k || !cost) return rn_nomem(err, "report");
    for (size_t i = 0; i < n; i++) {
        k[i] = i < more ? 1 : samples->k[i - more];
        cost[i] =
            (i < more ? samples->cost[0] : samples->cost[i - more]) + c->per_sample * (double)k[i];
    }
    c->total.k = k;
    c->total.cost = cost;
    c->total.n_points = n;
    return 0;
}

/* FLOPs of scoring one sample by the ranker's entry. */
static int by_entry(rn_report *r, const rn_entrant *e, const rn_cost *entry, rn_rank_cost *c,
                    rn_err *err)
{
    double prompt = rn_report_mean_prompt(r, e);
    if (r->opts.basis == RN_FLOP_STUDY) {
        c->per_sample = rn_cost_flop(entry);
        if (isnan(c->per_sample)) c->why = "the ranker's cost entry has no shape";
    } else if (!entry->has_shape) {
        c->why = "the ranker's cost entry has no shape";
    } else if (e->tokens.n_gen == 0 || isnan(prompt)) {
        c->why = "the samples do not record their tokens";
    } else {
        c->shared = rn_report_exact_prompt(&entry->shape, &e->tokens, prompt);
        c->per_sample = rn_report_exact_sample(&entry->shape, &e->tokens, prompt);
    }
    if (c->why) return 0;
    c->known = true;
    c->from = rn_arena_printf(&r->arena, "%s, %s", entry->name,
                              r->opts.basis == RN_FLOP_STUDY
                                  ? "one pass over 128 tokens per scored sample"
                                  : "one pass over prompt and samples, the prompt once");
    return c->from ? 0 : rn_nomem(err, "report");
}

static int price_ranking(rn_report *r, const rn_entrant *e, rn_ranking *k, const rn_cost *entry,
                         rn_err *err)
{
    double share = k->n_drawn ? (double)k->n_scored / (double)k->n_drawn : 0;
    for (int a = RN_UNIT_FLOP; a <= RN_UNIT_SECOND; a++) {
        rn_rank_cost *c = &k->cost[a];
        int rc = 0;
        *c = (rn_rank_cost){0};
        if (k->n_recorded[a]) {
            c->known = true;
            c->per_sample = k->recorded[a] / (double)k->n_recorded[a];
            c->from = a == RN_UNIT_FLOP ? "recorded with the scores"
                                        : "recorded with the scores, on the machine that scored";
        } else if (a == RN_UNIT_SECOND) {
            c->why = "the scores do not record their seconds; `ration rank` does";
        } else if (!entry) {
            c->why = "the scores do not record their FLOPs and the ranker has no cost entry: give "
                     "--cost RANKER=ENTRY";
        } else {
            rc = by_entry(r, e, entry, c, err);
        }
        if (rc) return rc;
        if (!c->known) continue;
        c->per_sample *= share; /* cut samples are drawn, not scored */
        if (e->priced[a] && (rc = add_up(r, &e->axis[a], c, err))) return rc;
    }
    return 0;
}

static int price_rankings(rn_report *r, const rn_price_map *map, size_t n_map, rn_err *err)
{
    for (size_t i = 0; i < r->n_tasks; i++)
        for (size_t j = 0; j < r->tasks[i].n_entrants; j++) {
            rn_entrant *e = &r->tasks[i].entrants[j];
            for (size_t m = 0; m < e->n_rankings; m++) {
                const rn_cost *entry;
                int rc = find_ranker_entry(r, &e->rankings[m], map, n_map, &entry, err);
                if (!rc) rc = price_ranking(r, e, &e->rankings[m], entry, err);
                if (rc) return rc;
            }
        }
    return 0;
}

/* ---- all of it ------------------------------------------------------------------------------- */

/* Whether a name of the user's map is the entrant's or that of one of its rankers. */
static bool is_named(const rn_entrant *e, const char *name)
{
    bool yes = strcmp(e->model, name) == 0;
    for (size_t i = 0; i < e->n_rankings; i++)
        yes |= strcmp(e->rankings[i].name, name) == 0 ||
               strcmp(rn_report_ranker_model(&e->rankings[i]), name) == 0;
    return yes;
}

/* A profile that was asked for is one of the book's or one that `ration profile` measured. */
static int check_profile(const rn_report *r, rn_err *err)
{
    bool known = !r->opts.profile || rn_cost_hardware(r->book, r->opts.profile);
    for (size_t i = 0; i < r->n_measured && !known; i++)
        known = strcmp(r->measured[i].hardware, r->opts.profile) == 0;
    if (known) return 0;
    rn_buf names = {0};
    const char *name;
    for (size_t i = 0; (name = rn_cost_profile_at(r->book, i)); i++)
        rn_buf_printf(&names, "%s%s", i ? ", " : "", name);
    return rn_near_fail(err, RN_ENOTFOUND, "there is no profile", r->opts.profile,
                        "; known: ", &names);
}

int rn_report_price(rn_report *r, const rn_price_map *map, size_t n_map, rn_err *err)
{
    int rc = check_profile(r, err);
    if (rc) return rc;
    for (size_t m = 0; m < n_map; m++) {
        bool used = false;
        for (size_t i = 0; i < r->n_tasks; i++)
            for (size_t j = 0; j < r->tasks[i].n_entrants; j++)
                used |= is_named(&r->tasks[i].entrants[j], map[m].model);
        if (!used)
            return rn_fail(err, RN_ENOTFOUND, "--cost %s=%s: there is no model '%s' here",
                           map[m].model, map[m].entry, map[m].model);
    }
    if (!r->opts.profile) r->opts.profile = best_hardware(r);
    for (size_t i = 0; i < r->n_tasks; i++)
        for (size_t j = 0; j < r->tasks[i].n_entrants; j++) {
            rc = price_entrant(r, &r->tasks[i].entrants[j], map, n_map, err);
            if (rc) return rc;
        }
    rc = price_rankings(r, map, n_map, err);
    return rc ? rc : note_unpriced(r, err);
}
