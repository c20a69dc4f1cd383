/*
 * until_arms.c: what a question is about (until_priv.h): its models, in the options or in the
 * store; what a sample of each costs; the k that its budget affords; the recorded outcomes.
 *
 * Outcomes of a problem are its judged samples in the order of their index, up to the first that is
 * not there or not judged yet: what a rule takes does not depend on the order in which samples
 * arrived. Samples that the sandbox failed on are missing and passed over.
 */
#include "run/until_priv.h"

enum { MAX_RUNS = 256, SLACK = 2 };

/* ---- models ---------------------------------------------------------------------------------- */

/* A run of samples; of several of one model and set the one with the most. */
typedef struct recorded_run {
    const char *model, *set, *cost;
    int64_t run_id, n_samples;
} recorded_run;

typedef struct runs {
    rn_until_work *w;
    const char *set; /* as the store calls it; NULL: the one that all models have */
    recorded_run v[MAX_RUNS];
    size_t n;
} runs;

static recorded_run *find_run(runs *x, const char *model, const char *set)
{
    for (size_t i = 0; i < x->n; i++)
        if (strcmp(x->v[i].model, model) == 0 && strcmp(x->v[i].set, set) == 0) return &x->v[i];
    return NULL;
}

static int note_run(void *user, const rn_store_run_row *r)
{
    runs *x = user;
    if (strcmp(r->kind, "sample") != 0 || r->n_samples == 0) return 0;
    if (x->set && strcmp(x->set, r->set_name) != 0) return 0;
    recorded_run *v = find_run(x, r->model_name, r->set_name);
    if (v && r->n_samples <= v->n_samples) return 0;
    if (!v && x->n == MAX_RUNS) return 0;
    if (!v) v = &x->v[x->n++];
    rn_arena *a = x->w->arena;
    *v = (recorded_run){.model = rn_arena_strdup(a, r->model_name),
                        .set = rn_arena_strdup(a, r->set_name),
                        .cost = rn_arena_strdup(a, r->model_cost ? r->model_cost : ""),
                        .run_id = r->run_id,
                        .n_samples = r->n_samples};
    return v->model && v->set && v->cost ? 0 : RN_ENOMEM;
}

/* The models that the question names. */
static int name_models(runs *x, const char *name[2], rn_err *err)
{
    const rn_until_work *w = x->w;
    const char *known[MAX_RUNS];
    size_t n = 0;
    for (size_t i = 0; i < x->n; i++) {
        size_t k = 0;
        while (k < n && strcmp(known[k], x->v[i].model) != 0)
            k++;
        if (k == n) known[n++] = x->v[i].model;
    }
    int rc = 0;
    for (size_t i = 0; !rc && i < w->n_arms; i++) {
        size_t at = 0;
        rc = rn_question_model(w->q.model[i], known, n, &at, err);
        if (!rc) name[i] = known[at];
    }
    return rc;
}

/* The one set that all of them have samples of. */
static int choose_set(runs *x, const char *const name[2], rn_err *err)
{
    const rn_until_work *w = x->w;
    const char *last = name[w->n_arms - 1], *path = rn_store_path(w->store);
    rn_buf sets = {0};
    size_t n = 0;
    for (size_t i = 0; i < x->n; i++) {
        if (strcmp(x->v[i].model, name[0]) != 0 || !find_run(x, last, x->v[i].set)) continue;
        x->set = x->v[i].set;
        rn_buf_printf(&sets, "%s%s", n++ ? ", " : "", x->set);
    }
    int rc = 0;
    if (n > 1)
        rc = rn_fail(err, RN_EINVAL, "%s: samples of %s%s%s are of %zu sets, %s; name one with -t",
                     path, name[0], w->n_arms > 1 ? " and " : "", w->n_arms > 1 ? last : "", n,
                     sets.data ? sets.data : "");
    else if (n == 0)
        rc = rn_fail(err, RN_ENOTFOUND, "%s: %s and %s have samples of no set in common", path,
                     name[0], last);
    rn_buf_free(&sets);
    return rc;
}

static int find_recorded(rn_until_work *w, rn_err *err)
{
    runs *x = calloc(1, sizeof *x);
    const char *name[2] = {NULL, NULL};
    if (!x) return rn_nomem(err, "question");
    x->w = w;
    int rc = 0;
    if (w->o->draw.set)
        rc = rn_store_name_of(w->store, RN_STORE_SET, w->o->draw.set, w->arena, &x->set, err);
    if (!rc) rc = rn_store_each_run(w->store, note_run, x, err);
    if (!rc && x->n == 0)
        rc = rn_fail(err, RN_ENOTFOUND, "%s holds no samples%s%s", rn_store_path(w->store),
                     x->set ? " of set " : "", x->set ? x->set : "");
    if (!rc) rc = name_models(x, name, err);
    if (!rc && !x->set) rc = choose_set(x, name, err);
    for (size_t i = 0; !rc && i < w->n_arms; i++) {
        const recorded_run *r = find_run(x, name[i], x->set);
        w->arms[i] = (rn_until_arm){.name = r->model, .cost_name = r->cost, .run_id = r->run_id};
    }
    free(x);
    return rc;
}

static int open_models(rn_until_work *w, rn_err *err)
{
    enum { MAX = 16 };
    const char *names[MAX];
    const size_t n = w->o->n_models;
    if (n > MAX) return rn_fail(err, RN_EINVAL, "more than %d models", MAX);
    for (size_t i = 0; i < n; i++) {
        char name[256];
        rn_source_name(&w->o->models[i], name, sizeof name);
        if (!(names[i] = rn_arena_strdup(w->arena, name))) return rn_nomem(err, "question");
    }
    for (size_t i = 0; i < w->n_arms; i++) {
        size_t at = 0;
        int rc = rn_question_model(w->q.model[i], names, n, &at, err);
        if (rc) return rc;
        rn_generate_options draw = w->o->draw;
        const int64_t most = draw.n ? draw.n : RN_SEQ_MAX_N;
        draw.model = w->o->models[at];
        draw.watch = w->o->watch;
        draw.watch.argc = 0;
        draw.n = most * SLACK + SLACK; /* room for samples that the sandbox fails on */
        rn_until_arm *a = &w->arms[i];
        *a = (rn_until_arm){.name = names[at], .n_max = most};
        a->cost_name = draw.model.cost ? draw.model.cost : "";
        rc = rn_portions_open(w->store, &draw, w->command_id, &a->portions, err);
        if (rc) return rc;
        a->run_id = rn_portions_summary(a->portions)->run_id;
    }
    return 0;
}

/* ---- what a sample costs --------------------------------------------------------------------- */

typedef struct recorded {
    double n_flop, flop, n_tok, prompt, gen;
} recorded;

static int add_recorded(void *user, const rn_store_sample_row *r)
{
    recorded *x = user;
    if (isfinite(r->x.flop)) x->n_flop++, x->flop += r->x.flop;
    if (r->x.prompt_tok < 0 || r->x.gen_tok < 0) return 0;
    x->n_tok++;
    x->prompt += (double)r->x.prompt_tok;
    x->gen += (double)r->x.gen_tok;
    return 0;
}

typedef struct timed {
    const char *model;
    const char *hardware; /* only there; NULL: anywhere */
    double seconds;
    rn_shape shape;
    bool has_shape;
} timed;

static int note_profile(void *user, const char *model, const rn_store_profile *p)
{
    timed *t = user;
    if (strcmp(model, t->model) != 0) return 0;
    if (p->s_per_sample > 0 && (!t->hardware || strcmp(t->hardware, p->hardware) == 0))
        t->seconds = p->s_per_sample;
    t->has_shape |= rn_shape_of_profile(p->json, &t->shape, NULL) == 0;
    return 0;
}

/* The entry that the user names for a model, by its name or words of it; NULL: none. */
static int named_entry(const rn_until_work *w, const rn_until_arm *a, const char **out, rn_err *err)
{
    *out = NULL;
    for (size_t i = 0; i < w->o->n_costs; i++) {
        const char *text = w->o->costs[i], *eq = strchr(text, '=');
        char word[128];
        size_t at;
        if (!eq && w->n_arms == 1) {
            *out = text;
            continue;
        }
        if (!eq || eq == text || eq - text >= (int)sizeof word || !eq[1])
            return rn_fail(err, RN_EINVAL, "--cost '%s': write MODEL=ENTRY", text);
        snprintf(word, sizeof word, "%.*s", (int)(eq - text), text);
        if (rn_question_model(word, &a->name, 1, &at, NULL) == 0) *out = eq + 1;
    }
    return 0;
}

static int price(rn_until_work *w, rn_until_arm *a, rn_err *err)
{
    const char *given;
    int rc = named_entry(w, a, &given, err);
    if (rc) return rc;
    const char *entry = given ? given : a->cost_name[0] ? a->cost_name : a->name;
    const rn_cost *c = rn_cost_find(w->book, entry);
    if (!c && given) return rn_fail(err, RN_ENOTFOUND, "the cost tables have no entry '%s'", given);
    recorded r = {0};
    timed t = {.model = a->name, .hardware = w->o->profile, .seconds = NAN};
    rc = rn_store_each_sample(w->store, &(rn_store_samples){.run_id = a->run_id}, add_recorded, &r,
                              err);
    if (!rc) rc = rn_store_each_profile(w->store, note_profile, &t, err);
    if (rc) return rc;
    a->flop = c ? rn_cost_flop(c) : NAN;
    const rn_shape *shape = a->portions   ? &rn_portions_model(a->portions)->shape
                            : t.has_shape ? &t.shape
                                          : NULL;
    if (isnan(a->flop) && shape && shape->n_layer > 0) a->flop = rn_flop_convention(shape, 128);
    if (isnan(a->flop) && r.n_flop > 0) a->flop = r.flop / r.n_flop;
    a->seconds = t.seconds;
    a->axis[RN_UNIT_SECOND] = (rn_kcost){.per_sample = t.seconds};
    const char *profile = w->o->profile ? w->o->profile : RN_COST_STUDY_PROFILE;
    rn_cost_curve curve;
    if (c && isnan(a->seconds) && rn_cost_profile(w->book, profile, c, &curve, NULL) == 0) {
        a->axis[RN_UNIT_SECOND] = curve;
        a->seconds = rn_stat_cost(&curve, 1000) / 1000;
    }
    const double prompt = r.n_tok > 0 ? r.prompt / r.n_tok : NAN,
                 gen = r.n_tok > 0 ? r.gen / r.n_tok : NAN,
                 first = isnan(a->seconds) ? NAN : rn_stat_cost(&a->axis[RN_UNIT_SECOND], 1);
    a->usd = c ? rn_cost_usd(c, 1, prompt, gen, first) : NAN;
    const double more = c ? rn_cost_usd(c, 2, prompt, gen, first + a->seconds) - a->usd : NAN;
    a->axis[RN_UNIT_FLOP] = (rn_kcost){.per_sample = a->flop};
    a->axis[RN_UNIT_USD] = (rn_kcost){.shared = a->usd - more, .per_sample = more};
    if (!c || !rn_cost_is_hourly(c)) return 0;
    const rn_kcost *time = &a->axis[RN_UNIT_SECOND];
    double *points = rn_arena_array(w->arena, time->n_points + 1, sizeof *points);
    if (!points) return rn_nomem(err, "question");
    a->axis[RN_UNIT_USD] = rn_cost_by_hour(c, time, points);
    return 0;
}

/* Samples of each model that a budget affords, in `each` of the unit per sample. */
static int afford(const rn_until_work *w, rn_unit unit, double amount, int64_t k[2], rn_err *err)
{
    static const char *const units[RN_N_UNITS] = {"FLOPs", "seconds", "dollars"};
    for (size_t i = 0; i < w->n_arms; i++) {
        const rn_until_arm *a = &w->arms[i];
        if (rn_stat_cost_check(&a->axis[unit], NULL))
            return rn_fail(err, RN_EINVAL,
                           "what a sample of %s costs in %s is not known: give --cost MODEL=ENTRY, "
                           "or ask at the same number of samples (at pass@10)",
                           a->name, units[unit]);
        k[i] = rn_stat_afford(&a->axis[unit], amount * (1 + 1e-9), RN_STAT_MAX_N);
        if (k[i] < 1)
            return rn_fail(err, RN_EINVAL,
                           "the budget buys no sample of %s: one takes %.3g times as much", a->name,
                           rn_stat_cost(&a->axis[unit], 1) / amount);
    }
    return 0;
}

static double cheaper(const rn_until_work *w)
{
    return fmin(w->arms[0].flop, w->arms[w->n_arms - 1].flop);
}

/* Budgets of a crossover: doublings up to the largest, down to the first that buys a sample of
 * each. */
static int crossover_points(rn_until_work *w, rn_err *err)
{
    double x[RN_ASK_POINTS], least = fmax(w->arms[0].flop, w->arms[1].flop) / cheaper(w);
    int64_t k[2];
    int rc = afford(w, RN_UNIT_FLOP, cheaper(w) * w->q.x, k, err);
    size_t n = 0;
    for (double at = w->q.x; !rc && n < RN_ASK_POINTS && at >= least * (1 - 1e-9); at /= 2)
        x[n++] = at;
    for (size_t i = 0; !rc && i < n; i++) {
        rc = afford(w, RN_UNIT_FLOP, cheaper(w) * x[n - 1 - i], k, err);
        w->ask.budgets[i] = x[n - 1 - i];
        for (size_t a = 0; a < 2; a++)
            w->ask.arms[a].ks[i] = k[a];
    }
    w->ask.n_points = n;
    return rc;
}

static int points(rn_until_work *w, rn_err *err)
{
    const rn_question *q = &w->q;
    int64_t k[2] = {q->k, q->k};
    int rc = 0;
    if (q->kind == RN_ASK_CROSS) return crossover_points(w, err);
    if (!q->k && q->x > 0)
        rc = afford(w, RN_UNIT_FLOP, q->x * cheaper(w), k, err);
    else if (!q->k)
        rc = afford(w, q->budget.unit, q->budget.amount, k, err);
    for (size_t a = 0; a < w->n_arms; a++)
        w->ask.arms[a].ks[0] = k[a];
    w->ask.n_points = 1;
    return rc;
}

/* ---- problems and outcomes ------------------------------------------------------------------- */

typedef struct cells {
    rn_arena arena;
    rn_store_cell *c;
    size_t n;
} cells;

static int problems_of_set(rn_until_work *w, rn_err *err)
{
    const rn_taskset *set = rn_portions_set(w->arms[0].portions);
    for (size_t a = 0; a < w->n_arms; a++) {
        rn_until_arm *arm = &w->arms[a];
        int64_t *id = rn_arena_array(w->arena, set->n + 1, sizeof *id);
        size_t *place = rn_arena_array(w->arena, set->n + 1, sizeof *place);
        arm->task_id = rn_arena_array(w->arena, set->n + 1, sizeof *arm->task_id);
        if (!id || !place || !arm->task_id) return rn_nomem(err, "question");
        w->n_problems = 0;
        for (size_t i = 0; i < set->n; i++) {
            if (!rn_portions_problem(arm->portions, i)) continue;
            id[w->n_problems] = rn_portions_problem(arm->portions, i);
            arm->task_id[w->n_problems] = set->problems[i].task_id;
            place[w->n_problems++] = i;
        }
        arm->problem_id = id;
        arm->place = place;
    }
    return 0;
}

static bool has_problem(const cells *x, int64_t id, size_t *from)
{
    for (size_t i = 0; i < x->n; i++) {
        size_t at = (*from + i) % x->n;
        if (x->c[at].problem_id != id) continue;
        *from = at;
        return true;
    }
    return false;
}

/* Problems that every model has samples of. */
static int problems_of_store(rn_until_work *w, const cells x[2], rn_err *err)
{
    int64_t *id = rn_arena_array(w->arena, x[0].n + 1, sizeof *id);
    if (!id) return rn_nomem(err, "question");
    size_t from = 0;
    for (size_t i = 0; i < x[0].n; i++) {
        const int64_t at = x[0].c[i].problem_id;
        if (w->n_problems && id[w->n_problems - 1] == at) continue;
        if (w->n_arms == 1 || has_problem(&x[1], at, &from)) id[w->n_problems++] = at;
    }
    for (size_t a = 0; a < w->n_arms; a++)
        w->arms[a].problem_id = id;
    if (w->n_problems) return 0;
    return rn_fail(err, RN_ENOTFOUND, "%s and %s have no problem in common", w->arms[0].name,
                   w->arms[w->n_arms - 1].name);
}

/* The outcomes in cells, which come by problem and index. */
static void take_cells(const rn_until_work *w, rn_until_arm *a, const cells *x)
{
    size_t i = 0;
    memset(a->n_known, 0, w->n_problems * sizeof *a->n_known);
    memset(a->n_skipped, 0, w->n_problems * sizeof *a->n_skipped);
    for (size_t at = 0; at < x->n;) {
        const int64_t id = x->c[at].problem_id;
        size_t tried = 0;
        while (tried < w->n_problems && a->problem_id[i] != id)
            i = (i + 1) % w->n_problems, tried++;
        const bool ours = tried < w->n_problems;
        bool open = ours;
        for (int32_t idx = 0; at < x->n && x->c[at].problem_id == id; at++, idx++) {
            const rn_store_cell *c = &x->c[at];
            open &= c->idx == idx && c->verdict >= 0 && (!ours || a->n_known[i] < a->n_max);
            if (!open) continue;
            if (rn_verdict_family((rn_verdict)c->verdict) == 'S')
                a->n_skipped[i]++;
            else
                a->pass[i * (size_t)a->n_max + (size_t)a->n_known[i]++] = c->verdict == RN_V_PASSED;
        }
    }
}

int rn_until_load(rn_until_work *w, rn_until_arm *a, rn_err *err)
{
    cells x = {0};
    int rc = rn_store_cells(w->store, a->run_id, 0, &x.arena, &x.c, &x.n, err);
    if (!rc) take_cells(w, a, &x);
    rn_arena_free(&x.arena);
    return rc;
}

/* Of a replay: the most that every problem has, so that the rule ends where the records do. */
static int64_t least_recorded(const rn_until_work *w, const rn_until_arm *a)
{
    int64_t least = RN_SEQ_MAX_N;
    for (size_t i = 0; i < w->n_problems; i++)
        if (a->n_known[i] < least) least = a->n_known[i];
    return least;
}

static int make_room(rn_until_work *w, rn_until_arm *a, rn_err *err)
{
    a->pass = rn_arena_array(w->arena, w->n_problems * (size_t)a->n_max + 1, 1);
    a->n_known = rn_arena_array(w->arena, w->n_problems + 1, sizeof *a->n_known);
    a->n_skipped = rn_arena_array(w->arena, w->n_problems + 1, sizeof *a->n_skipped);
    a->counts = rn_arena_array(w->arena, w->n_problems + 1, sizeof *a->counts);
    return a->pass && a->n_known && a->n_skipped && a->counts ? 0 : rn_nomem(err, "question");
}

static int note_problem(void *user, const rn_store_problem_row *r)
{
    rn_until_work *w = user;
    rn_until_arm *a = &w->arms[0];
    for (size_t i = 0; i < w->n_problems; i++)
        if (a->problem_id[i] == r->problem_id)
            return (a->task_id[i] = rn_arena_strdup(w->arena, r->x.task_id)) ? 0 : RN_ENOMEM;
    return 0;
}

static int note_names(void *user, const rn_store_run_row *r)
{
    rn_until_work *w = user;
    return r->run_id == w->arms[0].run_id
               ? rn_store_each_problem(w->store, r->set_id, note_problem, w, NULL)
               : 0;
}

static int recorded_problems(rn_until_work *w, rn_err *err)
{
    cells x[2] = {{.n = 0}};
    int rc = 0;
    for (size_t i = 0; !rc && i < w->n_arms; i++)
        rc = rn_store_cells(w->store, w->arms[i].run_id, 0, &x[i].arena, &x[i].c, &x[i].n, err);
    if (!rc) rc = problems_of_store(w, x, err);
    for (size_t i = 0; i < w->n_arms; i++)
        rn_arena_free(&x[i].arena);
    const char **ids = rn_arena_array(w->arena, w->n_problems + 1, sizeof *ids);
    if (!rc && !ids) rc = rn_nomem(err, "question");
    for (size_t i = 0; !rc && i < w->n_problems; i++)
        ids[i] = "";
    for (size_t i = 0; i < w->n_arms; i++)
        w->arms[i].task_id = ids;
    return rc ? rc : rn_store_each_run(w->store, note_names, w, err);
}

/* ---- all of it ------------------------------------------------------------------------------- */

static int read_costs(rn_until_work *w, rn_err *err)
{
    w->book = rn_cost_book_new();
    int rc = w->book ? 0 : rn_nomem(err, "question");
    for (size_t i = 0; !rc && i < w->o->n_cost_files; i++)
        rc = rn_cost_book_read(w->book, w->o->cost_files[i], err);
    return rc;
}

static int ask(rn_until_work *w, rn_err *err)
{
    w->ask.kind = w->q.kind;
    w->ask.n_arms = w->n_arms;
    w->ask.n_problems = w->n_problems;
    w->ask.half = w->q.half;
    w->ask.within = w->q.within;
    w->ask.level = w->o->level;
    int rc = points(w, err);
    for (size_t i = 0; i < w->n_arms; i++) {
        w->ask.arms[i].cost = w->n_arms == 2 && cheaper(w) > 0 ? w->arms[i].flop / cheaper(w) : 1;
        w->ask.arms[i].n_max = w->arms[i].n_max;
    }
    return rc ? rc : rn_inquiry_new(&w->ask, &w->inquiry, err);
}

int rn_until_open(rn_until_work *w, bool draws, rn_err *err)
{
    int rc = rn_question_parse(w->o->question, &w->q, err);
    w->n_arms = w->q.n_models;
    if (!rc) rc = read_costs(w, err);
    if (!rc) rc = draws ? open_models(w, err) : find_recorded(w, err);
    if (!rc && w->n_arms == 2 && w->arms[0].run_id == w->arms[1].run_id)
        rc = rn_fail(err, RN_EINVAL, "the question names %s twice", w->arms[0].name);
    if (!rc) rc = draws ? problems_of_set(w, err) : recorded_problems(w, err);
    for (size_t i = 0; !rc && i < w->n_arms; i++) {
        rn_until_arm *a = &w->arms[i];
        if (!draws) a->n_max = w->o->draw.n ? w->o->draw.n : RN_SEQ_MAX_N;
        rc = price(w, a, err);
        if (!rc) rc = make_room(w, a, err);
        if (!rc) rc = rn_until_load(w, a, err);
        if (rc || draws || w->o->draw.n || !w->o->dry_run) continue;
        a->n_max = least_recorded(w, a);
        if (a->n_max == 0)
            rc = rn_fail(err, RN_ENOTFOUND,
                         "%s has a problem without judged samples: run "
                         "`ration judge -s %s`",
                         a->name, rn_store_path(w->store));
        if (!rc) rc = rn_until_load(w, a, err);
    }
    return rc ? rc : ask(w, err);
}

void rn_until_close(rn_until_work *w)
{
    for (size_t i = 0; i < w->n_arms; i++)
        rn_portions_close(w->arms[i].portions);
    rn_inquiry_free(w->inquiry);
    rn_cost_book_free(w->book);
}

void rn_until_take(rn_until_work *w, size_t *n_short)
{
    *n_short = 0;
    for (size_t a = 0; a < w->n_arms; a++)
        for (size_t i = 0; i < w->n_problems; i++) {
            rn_until_arm *arm = &w->arms[a];
            rn_count *x = &arm->counts[i];
            for (;;) {
                const int64_t need = rn_inquiry_need(w->inquiry, a, *x);
                if (need <= x->n) break;
                if (need > arm->n_known[i]) {
                    ++*n_short;
                    break;
                }
                for (; x->n < need; x->n++)
                    x->c += arm->pass[i * (size_t)arm->n_max + (size_t)x->n];
            }
        }
}
