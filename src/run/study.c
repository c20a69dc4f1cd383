/*
 * study.c: the settings of the study (study.h), and its experiment as a list of steps
 * (rn_study_plan). Beside them the names that options know.
 *
 * n is the study's for 7B (8B), 13B, 34B and 70B, so that each size costs about the same. A model
 * of another size takes the class that it is nearest to on a logarithmic scale; all below 9.5
 * billion weights are of the first.
 *
 * The problems of each set are the published counts (sets.c), so that a plan needs no data set.
 * Judging is taken as 0.021 s of CPU per sample, the mean over the
 * 49,692 WizardCoder answers of docs/REPRODUCE.md, programs that run into their limit included.
 * Scoring costs the FLOPs of generating, in one pass instead of token by token: its hours are an
 * upper bound.
 */
#include "run/study.h"

#include "cost/cost.h"
#include "cost/flop.h"
#include "task/prompt.h"
#include "task/task.h"
#include "store/store.h"
#include "gguf/gguf.h"
#include "model/arch.h"

#include <unistd.h>

/* ---- settings -------------------------------------------------------------------------------- */

static const rn_paper papers[] = {
    {"paper-humaneval", "humaneval", "paper-humaneval", {2000, 1000, 400, 200}},
    {"paper-mbpp", "mbpp", "paper-mbpp", {2000, 1000, 400, 200}},
    {"paper-apps-introductory", "apps-introductory", "paper-apps", {1000, 500, 200, 100}},
    {"paper-apps-interview", "apps-interview", "paper-apps", {1000, 500, 200, 100}},
    {"paper-apps-competition", "apps-competition", "paper-apps", {1000, 500, 200, 100}},
};

/* Weights below which a model is of the class: geometric means of 7 and 13, 13 and 34, 34 and 70
 * billion. */
static const double below[RN_PAPER_SIZES - 1] = {9.5e9, 21.0e9, 48.8e9};

const rn_paper *rn_paper_at(size_t i)
{
    return i < sizeof papers / sizeof papers[0] ? &papers[i] : NULL;
}

const rn_paper *rn_paper_find(const char *name)
{
    const rn_paper *p;
    for (size_t i = 0; name && (p = rn_paper_at(i)); i++)
        if (strcmp(p->name, name) == 0) return p;
    return NULL;
}

const char *rn_paper_prompt(const char *preset)
{
    const rn_paper *p = rn_paper_find(preset);
    return p ? p->prompt : preset;
}

int64_t rn_paper_n(const rn_paper *p, const rn_shape *shape)
{
    if (shape->n_layer <= 0) return 0;
    double weights = rn_shape_params(shape);
    size_t i = 0;
    while (i < RN_PAPER_SIZES - 1 && weights >= below[i])
        i++;
    return p->n[i];
}

/* ---- steps ----------------------------------------------------------------------------------- */

static const double judge_s = 0.021;

typedef struct sized {
    const char *option, *name;
    rn_shape shape;
    const rn_cost *cost;
    double s_per_sample; /* NAN unknown */
} sized;

typedef struct planner {
    rn_study *out;
    rn_arena *arena; /* of all strings, in out->own */
    RN_VEC(rn_study_step) steps;
    sized *models; /* [n] */
    size_t n;
    rn_err *err;
} planner;

static int64_t n_problems(const char *set)
{
    return (int64_t)rn_set_find(set)->n_expected;
}

/* ---- what is known of the models ------------------------------------------------------------- */

static int take_profile(void *user, const char *name, const rn_store_profile *p)
{
    planner *pl = user;
    for (size_t i = 0; i < pl->n; i++) {
        sized *m = &pl->models[i];
        if (strcmp(m->name, name) != 0) continue;
        if (isfinite(p->s_per_sample)) m->s_per_sample = p->s_per_sample;
        rn_shape shape;
        if (rn_shape_of_profile(p->json, &shape, NULL) == 0) m->shape = shape;
    }
    return 0;
}

static const char *name_of(rn_arena *a, const char *source)
{
    char name[256];
    rn_source_name(&(rn_model_source){.source = source}, name, sizeof name);
    return rn_arena_strdup(a, name);
}

/* Of a file that is here; a plan may be made where the file is not. */
static int shape_of_file(const char *path, rn_shape *shape, rn_err *err)
{
    rn_gguf *file = NULL;
    rn_hparams hp;
    if (rn_source_is_server(&(rn_model_source){.source = path}) || access(path, F_OK)) return 0;
    int rc = rn_gguf_open(path, &file, err);
    if (!rc) rc = rn_hparams_read(file, &hp, err);
    if (!rc) rn_hparams_shape(&hp, shape);
    rn_gguf_close(file);
    return rc;
}

static int size_models(planner *pl, const rn_study_options *o, rn_store *store, rn_cost_book *book)
{
    rn_arena *a = pl->arena;
    pl->n = o->n_models;
    pl->models = rn_arena_array(a, o->n_models, sizeof *pl->models);
    if (!pl->models) return rn_nomem(pl->err, "study");
    for (size_t i = 0; i < pl->n; i++) {
        sized *m = &pl->models[i];
        *m = (sized){.option = o->models[i], .name = name_of(a, o->models[i]), .s_per_sample = NAN};
        if (!m->name) return rn_nomem(pl->err, "study");
        m->cost = rn_cost_find(book, m->name);
        if (m->cost && m->cost->has_shape) m->shape = m->cost->shape;
        rn_cost_curve t;
        if (o->profile && m->cost && rn_cost_profile(book, o->profile, m->cost, &t, NULL) == 0 &&
            t.n_points == 0)
            m->s_per_sample = t.per_sample;
    }
    int rc = store ? rn_store_each_profile(store, take_profile, pl, pl->err) : 0;
    for (size_t i = 0; !rc && i < pl->n; i++) {
        sized *m = &pl->models[i];
        if (m->shape.n_layer <= 0) rc = shape_of_file(m->option, &m->shape, pl->err);
        if (!rc && m->shape.n_layer <= 0)
            rc = rn_fail(pl->err, RN_EINVAL,
                         "the study draws samples by the model's size, and that of %s is not "
                         "known: give its file, describe it in a --cost-file, or run 'ration "
                         "profile -m %s -s STORE' first",
                         m->name, m->option);
    }
    return rc;
}

/* ---- steps ----------------------------------------------------------------------------------- */

static int add_step(planner *pl, rn_study_step x, const char *const *args)
{
    rn_study *s = pl->out;
    size_t n = 0;
    while (args[n])
        n++;
    x.args = rn_arena_array(pl->arena, n + 1, sizeof *x.args);
    x.n_args = n;
    bool ok = x.args != NULL;
    for (size_t i = 0; ok && i < n; i++)
        ok = (x.args[i] = rn_arena_strdup(pl->arena, args[i])) != NULL;
    if (!ok || !rn_vec_push(&pl->steps, x)) return rn_nomem(pl->err, "study");
    bool judging = strcmp(x.stage, "judge") == 0;
    if (isfinite(x.hours)) *(judging ? &s->core_hours : &s->hours) += x.hours;
    if (isfinite(x.usd)) s->usd += x.usd;
    if (!isfinite(x.hours)) {
        s->n_unknown++;
        if (!s->missing) s->missing = x.args[2]; /* STAGE -m MODEL */
    }
    return 0;
}

static double usd_of(const sized *m, double hours)
{
    return m->cost ? m->cost->usd_per_hour * hours : NAN;
}

static int add_generate(planner *pl, const rn_paper *paper, const sized *m, bool greedy)
{
    int64_t n = greedy ? 1 : rn_paper_n(paper, &m->shape);
    int64_t total = n * n_problems(paper->set);
    double hours = m->s_per_sample * (double)total / 3600;
    char count[24];
    snprintf(count, sizeof count, "%lld", (long long)n);
    const char *const args[] = {"generate",
                                "-m",
                                m->option,
                                "--preset",
                                paper->name,
                                greedy ? "--greedy" : "-n",
                                greedy ? NULL : count,
                                NULL};
    return add_step(pl,
                    (rn_study_step){.stage = "generate",
                                    .set = paper->set,
                                    .model = m->name,
                                    .greedy = greedy,
                                    .n_samples = total,
                                    .hours = hours,
                                    .usd = usd_of(m, hours)},
                    args);
}

static int add_set(planner *pl, const rn_paper *paper, const sized *smallest)
{
    int64_t total = 0;
    int rc = 0;
    for (size_t i = 0; !rc && i < pl->n; i++) {
        const sized *m = &pl->models[i];
        rc = add_generate(pl, paper, m, false);
        if (!rc) rc = add_generate(pl, paper, m, true);
        total += (rn_paper_n(paper, &m->shape) + 1) * n_problems(paper->set);
    }
    const char *const judge[] = {"judge", "-t", paper->set, NULL};
    if (!rc)
        rc = add_step(pl,
                      (rn_study_step){.stage = "judge",
                                      .set = paper->set,
                                      .model = "",
                                      .n_samples = total,
                                      .hours = judge_s * (double)total / 3600,
                                      .usd = NAN},
                      judge);
    int64_t ranked = rn_paper_n(paper, &smallest->shape) * n_problems(paper->set);
    for (size_t i = 0; !rc && i < pl->n; i++) {
        const sized *m = &pl->models[i];
        double hours = m->s_per_sample * (double)ranked / 3600;
        const char *const rank[] = {"rank",     "-m",   m->option,      "-t",
                                    paper->set, "--of", smallest->name, NULL};
        rc = add_step(pl,
                      (rn_study_step){.stage = "rank",
                                      .set = paper->set,
                                      .model = m->name,
                                      .n_samples = ranked,
                                      .hours = hours,
                                      .usd = usd_of(m, hours)},
                      rank);
    }
    return rc;
}

static int plan_all(planner *pl, const rn_study_options *o, rn_store *store, rn_err *err)
{
    rn_cost_book *book = rn_cost_book_new();
    int rc = book ? 0 : rn_nomem(err, "cost tables");
    if (!rc && o->cost_file) rc = rn_cost_book_read(book, o->cost_file, err);
    if (!rc && o->n_models == 0)
        rc = rn_fail(err, RN_EINVAL, "the study needs models: -m MODEL, several times");
    if (!rc) rc = size_models(pl, o, store, book);
    const sized *smallest = pl->models;
    for (size_t i = 1; !rc && i < pl->n; i++)
        if (rn_shape_params(&pl->models[i].shape) < rn_shape_params(&smallest->shape))
            smallest = &pl->models[i];
    const rn_paper *paper;
    for (size_t i = 0; !rc && (paper = rn_paper_at(i)); i++)
        rc = add_set(pl, paper, smallest);
    const char *hardware = o->profile && book ? rn_cost_hardware(book, o->profile) : NULL;
    if (!rc && hardware && *hardware && !(pl->out->hardware = rn_arena_strdup(pl->arena, hardware)))
        rc = rn_nomem(err, "study");
    rn_cost_book_free(book);
    return rc;
}

int rn_study_plan(rn_store *s, const rn_study_options *o, rn_study *out, rn_err *err)
{
    *out = (rn_study){.own = calloc(1, sizeof(rn_arena))};
    planner pl = {.out = out, .arena = out->own, .err = err};
    int rc = out->own ? plan_all(&pl, o, s, err) : rn_nomem(err, "study");
    out->steps = pl.steps.data; /* freed with the summary */
    out->n_steps = pl.steps.n;
    if (rc) rn_study_free(out);
    return rc;
}

void rn_study_free(rn_study *out)
{
    rn_arena_free(out->own);
    free(out->own);
    free(out->steps);
    *out = (rn_study){0};
}

/* ---- names ----------------------------------------------------------------------------------- */

static void put(rn_buf *names, const char *name)
{
    if (names->len) rn_buf_putc(names, ' ');
    rn_buf_puts(names, name);
}

static void put_costs(rn_buf *names, bool profiles)
{
    rn_cost_book *b = rn_cost_book_new();
    if (!b) return;
    const rn_cost *c;
    const char *profile;
    for (size_t i = 0; profiles && (profile = rn_cost_profile_at(b, i)); i++)
        put(names, profile);
    for (size_t i = 0; !profiles && (c = rn_cost_at(b, i)); i++)
        put(names, c->name);
    rn_cost_book_free(b);
}

char *rn_known_names(const char *what)
{
    rn_buf names = {0};
    if (strcmp(what, "set") == 0) {
        for (size_t i = 0; rn_set_at(i); i++)
            put(&names, rn_set_at(i)->name);
    } else if (strcmp(what, "preset") == 0) {
        for (size_t i = 0; rn_preset_at(i); i++)
            put(&names, rn_preset_at(i)->name);
        for (size_t i = 0; rn_paper_at(i); i++)
            if (!rn_preset_find(rn_paper_at(i)->name)) put(&names, rn_paper_at(i)->name);
    } else if (strcmp(what, "extractor") == 0) {
        for (size_t i = 0; rn_extractor_at(i); i++)
            put(&names, rn_extractor_at(i));
    } else if (strcmp(what, "cost") == 0 || strcmp(what, "profile") == 0) {
        put_costs(&names, *what == 'p');
    }
    return names.len ? rn_buf_take(&names) : NULL;
}
