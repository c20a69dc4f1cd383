/*
 * libraries.c: which of a set's problems this machine can judge: the Python modules that a problem
 * names (BigCodeBench's `libs`, and what its prompt and tests import) are asked for in the sandbox,
 * with the virtual environment of the call. Where one is not there, nothing can be learnt about a
 * program: its samples are missing_library, which is missing and judged again later, never failed.
 *
 * The language of a problem is asked for in the same way, by its version command.
 *
 * A module is looked for and not imported: an import of tensorflow takes seconds. One that is there
 * and broken shows in the reference solutions, which run next.
 */
#include "run/judge_priv.h"

#include "judge/lang.h"

/* Debian's package of a module, where it is not python3- and the module's name; "" where Debian 12
 * has none. */
static const struct {
    const char *module, *package;
} packages[] = {{"PIL", "python3-pil"},
                {"cv2", "python3-opencv"},
                {"pytz", "python3-tz"},
                {"faker", "python3-fake-factory"},
                {"flask_wtf", "python3-flaskext.wtf"},
                {"flask_login", "python3-flask-login"},
                {"flask_mail", "python3-flask-mail"},
                {"flask_restful", "python3-flask-restful"},
                {"Levenshtein", "python3-levenshtein"},
                {"mpl_toolkits", "python3-matplotlib"},
                {"Crypto", ""}, /* python3-pycryptodome calls its module Cryptodome */
                {"tensorflow", ""},
                {"keras", ""},
                {"librosa", ""},
                {"pytesseract", ""}};

typedef struct module {
    const char *name; /* the problems' */
    bool language;    /* not a module of Python: a language of lang.h */
    bool missing;
} module;

typedef struct probe {
    rn_work *w;
    RN_VEC(module) modules;
    size_t sent;
    rn_arena job;
} probe;

static module *find(const probe *x, const char *name, bool language)
{
    for (size_t i = 0; i < x->modules.n; i++)
        if (x->modules.data[i].language == language && strcmp(x->modules.data[i].name, name) == 0)
            return &x->modules.data[i];
    return NULL;
}

static void want(probe *x, const char *name, bool language)
{
    if (!find(x, name, language))
        (void)rn_vec_push(&x->modules, ((module){.name = name,
                                                 .language = language,
                                                 .missing = language && rn_lang_find(name) < 0}));
}

static int next_job(void *user, rn_judge_job *job, uint64_t *tag, rn_err *err)
{
    probe *x = user;
    while (x->sent < x->modules.n && x->modules.data[x->sent].missing)
        x->sent++; /* a language that ration does not know */
    if (x->sent == x->modules.n) return 0;
    rn_arena_free(&x->job);
    *tag = x->sent;
    if (x->modules.data[x->sent].language) {
        *job =
            (rn_judge_job){.mode = RN_JUDGE_VERSION, .language = x->modules.data[x->sent++].name};
        return 1;
    }
    rn_judge_case *c = rn_arena_array(&x->job, 1, sizeof *c);
    const char *test = rn_arena_printf(&x->job, "assert importlib.util.find_spec('%s') is not None",
                                       x->modules.data[x->sent].name);
    if (!c || !test) return rn_nomem(err, "libraries");
    c->input = rn_bytes_of(test);
    *job =
        (rn_judge_job){.program = rn_bytes_of("import importlib.util\n"), .cases = c, .n_cases = 1};
    x->sent++;
    return 1;
}

static int take_result(void *user, uint64_t tag, const rn_judge_result *r, rn_err *err)
{
    probe *x = user;
    x->modules.data[tag].missing = r->verdict != RN_V_PASSED;
    return rn_verdict_family(r->verdict) != 'S'
               ? 0
               : rn_fail(err, RN_ESANDBOX,
                         "asking for the module %s: %s; 'ration doctor' checks "
                         "the sandbox",
                         x->modules.data[tag].name, r->detail);
}

static int tick(void *user, rn_err *err)
{
    const probe *x = user;
    return rn_watch_check(&x->w->o->watch, err);
}

static void put_fix(rn_buf *b, const module *m)
{
    const char *package = NULL, *const name = m->name;
    const int at = m->language ? rn_lang_find(name) : -1;
    const rn_lang *lang = at < 0 ? NULL : rn_lang_at((size_t)at);
    if (m->language && !lang) rn_buf_puts(b, "'ration doctor' lists the languages that are run");
    if (lang) rn_buf_printf(b, "apt install %s", lang->package);
    if (m->language) return;
    for (size_t i = 0; i < sizeof packages / sizeof *packages && !package; i++)
        if (strcmp(packages[i].module, name) == 0) package = packages[i].package;
    if (package && !*package)
        rn_buf_puts(b, "Debian has no package of it: --venv DIR");
    else if (package)
        rn_buf_printf(b, "apt install %s, or --venv DIR", package);
    else
        rn_buf_printf(b, "apt install python3-%s, or --venv DIR", name);
}

static bool needs(const rn_problem *p, const module *m)
{
    if (m->language) return p->language && strcmp(p->language, m->name) == 0;
    for (size_t k = 0; k < p->n_libs; k++)
        if (strcmp(p->libs[k], m->name) == 0) return true;
    return false;
}

/* One line for each module that is not here, and the problems that want it. */
static void say_missing(const probe *x)
{
    enum { MAX_NAMED = 8 };
    const rn_taskset *set = x->w->tasks;
    for (size_t i = 0; i < x->modules.n; i++) {
        const module *m = &x->modules.data[i];
        if (!m->missing) continue;
        rn_buf b = {0};
        size_t n = 0;
        for (size_t k = 0; k < set->n; k++)
            if (x->w->chosen[k] && needs(&set->problems[k], m) && n++ < MAX_NAMED)
                rn_buf_printf(&b, "%s%s", n > 1 ? ", " : "", set->problems[k].task_id);
        if (n > MAX_NAMED) rn_buf_printf(&b, " and %zu more", n - MAX_NAMED);
        rn_buf_puts(&b, " cannot be judged and count as missing; ");
        put_fix(&b, m);
        if (rn_buf_ok(&b))
            rn_watch_note(&x->w->o->watch, "no %s %s here: %s",
                          m->language ? "compiler or interpreter of" : "Python module", m->name,
                          b.data);
        rn_buf_free(&b);
    }
}

/* What problem i lacks, joined, into w->lacks. */
static int mark(const probe *x, size_t i, rn_err *err)
{
    rn_work *w = x->w;
    rn_buf b = {0};
    for (size_t k = 0; k < x->modules.n; k++)
        if (x->modules.data[k].missing && needs(&w->tasks->problems[i], &x->modules.data[k]))
            rn_buf_printf(&b, "%s%s", b.len ? ", " : "", x->modules.data[k].name);
    if (b.len == 0) return 0;
    w->out->n_lacking++;
    w->lacks[i] = rn_arena_take(w->arena, &b);
    return w->lacks[i] ? 0 : rn_nomem(err, "libraries");
}

int rn_work_libraries(rn_work *w, rn_err *err)
{
    const size_t n = w->tasks->n;
    probe x = {.w = w};
    w->lacks = rn_arena_array(w->arena, n + 1, sizeof *w->lacks);
    if (!w->lacks) return rn_nomem(err, "libraries");
    if (w->n_due == 0 && w->o->near != 2) return 0;
    for (size_t i = 0; i < n; i++) {
        const rn_problem *p = &w->tasks->problems[i];
        if (w->chosen[i] && p->language) want(&x, p->language, true);
        for (size_t k = 0; w->chosen[i] && k < p->n_libs; k++)
            want(&x, p->libs[k], false);
    }
    rn_pump pump = {
        .judge = w->judge, .next = next_job, .done = take_result, .tick = tick, .user = &x};
    int rc = rn_vec_ok(&x.modules) ? 0 : rn_nomem(err, "libraries");
    if (!rc && x.modules.n) rc = rn_pump_run(&pump, err);
    for (size_t i = 0; !rc && i < n; i++)
        if (w->chosen[i]) rc = mark(&x, i, err);
    if (!rc) say_missing(&x);
    rn_vec_free(&x.modules);
    rn_arena_free(&x.job);
    return rc;
}
