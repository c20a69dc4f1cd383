/*
 * load.c: collecting problems, their order, duplicates and the hash.
 *
 * The hash is SHA-256 over "ration-set/1\n" and, for each problem in order and then each few-shot
 * example, every field that a prompt or a verdict depends on as a netstring ("5:hello,"), so that
 * no two contents have the same bytes. It knows nothing of files, compression or field order.
 */
#include "task/load_priv.h"

#include "base/hash.h"

int rn_load_bad(rn_json_at at, const char *key, rn_err *err, const char *fmt, ...)
{
    char what[256];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    if (at.line > 0)
        return rn_fail_at(err, RN_EFORMAT, at.line, -1, "%s: line %lld: field \"%s\" %s", at.path,
                          (long long)at.line, key, what);
    return rn_fail(err, RN_EFORMAT, "%s: field \"%s\" %s", at.path, key, what);
}

bool rn_load_wants(const rn_loader *l, int64_t number)
{
    const rn_set_spec *s = l->spec;
    return !s || (s->first_id == 0 && s->last_id == 0) ||
           (number >= s->first_id && number <= s->last_id);
}

bool rn_load_wants_shot(const rn_loader *l, int64_t number)
{
    /* MBPP's own convention also holds for a file that is opened by its path. */
    int64_t first = l->spec ? l->spec->shot_first : 2, last = l->spec ? l->spec->shot_last : 4;
    return number >= first && number <= last && last > 0;
}

static int copy_text(rn_loader *l, rn_bytes s, const char *key, rn_json_at at, const char **out,
                     rn_err *err)
{
    if (s.len && memchr(s.data, '\0', s.len))
        return rn_load_bad(at, key, err, "holds a NUL character");
    const char *copy = rn_arena_dup(&l->set->arena, s.data, s.len);
    if (!copy) return rn_nomem(err, at.path);
    *out = copy;
    return 0;
}

int rn_load_text(rn_loader *l, const json_t *rec, const char *key, rn_json_at at, const char **out,
                 rn_err *err)
{
    rn_bytes s;
    int rc = rn_json_bytes(rec, key, at, &s, err);
    return rc ? rc : copy_text(l, s, key, at, out, err);
}

int rn_load_text_opt(rn_loader *l, const json_t *rec, const char *key, rn_json_at at,
                     const char **out, rn_err *err)
{
    rn_bytes s = {.data = "", .len = 0};
    int rc = rn_json_bytes_opt(rec, key, at, &s, err);
    return rc ? rc : copy_text(l, s, key, at, out, err);
}

int rn_load_texts(rn_loader *l, const json_t *array, const char *what, rn_json_at at,
                  const char *const **out, size_t *n, rn_err *err)
{
    size_t count = json_array_size(array); /* 0 for NULL */
    const char **texts = rn_arena_array(&l->set->arena, count ? count : 1, sizeof *texts);
    if (!texts) return rn_nomem(err, at.path);
    for (size_t i = 0; i < count; i++) {
        const json_t *v = json_array_get(array, i);
        if (!json_is_string(v))
            return rn_load_bad(at, what, err, "has an entry (number %zu) that is not a string",
                               i + 1);
        rn_bytes s = {.data = json_string_value(v), .len = json_string_length(v)};
        int rc = copy_text(l, s, what, at, &texts[i], err);
        if (rc) return rc;
    }
    *out = texts;
    *n = count;
    return 0;
}

int rn_load_add(rn_loader *l, const rn_problem *p, rn_json_at at, rn_err *err)
{
    return rn_vec_push(&l->problems, ((rn_placed){*p, at.line})) ? 0 : rn_nomem(err, at.path);
}

int rn_load_add_shot(rn_loader *l, const rn_problem *p, rn_err *err)
{
    return rn_vec_push(&l->shots, *p) ? 0 : rn_nomem(err, NULL);
}

int rn_load_keep(rn_loader *l, rn_buf *b, rn_json_at at, rn_bytes *out, rn_err *err)
{
    const size_t len = b->len;
    *out = (rn_bytes){rn_arena_take(&l->set->arena, b), len};
    return out->data ? 0 : rn_nomem(err, at.path);
}

int rn_load_cases(rn_loader *l, const rn_case_vec *cases, rn_json_at at, rn_problem *p, rn_err *err)
{
    rn_case *v = rn_arena_array(&l->set->arena, cases->n + 1, sizeof *v);
    if (!v) return rn_nomem(err, at.path);
    if (cases->n) memcpy(v, cases->data, cases->n * sizeof *v);
    p->cases = v;
    p->n_cases = cases->n;
    return 0;
}

/* ---- order ----------------------------------------------------------------------------------- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

int rn_natural_cmp(const char *a, const char *b)
{
    const char *a0 = a, *b0 = b;
    while (*a && *b) {
        if (!is_digit(*a) || !is_digit(*b)) {
            if (*a != *b) return (unsigned char)*a < (unsigned char)*b ? -1 : 1;
            a++;
            b++;
            continue;
        }
        while (*a == '0')
            a++;
        while (*b == '0')
            b++;
        size_t na = strspn(a, "0123456789"), nb = strspn(b, "0123456789");
        if (na != nb) return na < nb ? -1 : 1;
        int c = strncmp(a, b, na);
        if (c) return c < 0 ? -1 : 1;
        a += na;
        b += nb;
    }
    if (*a || *b) return *a ? 1 : -1;
    return strcmp(a0, b0); /* "1" and "01": equal values, still two ids */
}

static int by_id(const void *a, const void *b)
{
    return rn_natural_cmp(((const rn_placed *)a)->p.task_id, ((const rn_placed *)b)->p.task_id);
}

static int shots_by_id(const void *a, const void *b)
{
    return rn_natural_cmp(((const rn_problem *)a)->task_id, ((const rn_problem *)b)->task_id);
}

static int order_problems(rn_loader *l, rn_problem *out, rn_err *err)
{
    rn_placed *all = l->problems.data;
    qsort(all, l->problems.n, sizeof *all, by_id);
    int rc = 0;
    for (size_t i = 0; i < l->problems.n && !rc; i++) {
        out[i] = all[i].p;
        if (i == 0 || strcmp(all[i - 1].p.task_id, all[i].p.task_id) != 0) continue;
        int64_t x = all[i - 1].line, y = all[i].line;
        int64_t first = x < y ? x : y, second = x < y ? y : x;
        rc = rn_fail_at(err, RN_EFORMAT, second, -1,
                        "%s: task_id \"%.80s\" is there twice (lines %lld and %lld); each problem "
                        "needs an id of its own",
                        l->set->path, all[i].p.task_id, (long long)first, (long long)second);
    }
    return rc;
}

/* ---- hash ------------------------------------------------------------------------------------ */

static void hash_field(rn_sha256 *h, rn_bytes s)
{
    char head[32];
    int n = snprintf(head, sizeof head, "%zu:", s.len);
    rn_sha256_add(h, head, (size_t)n);
    rn_sha256_add(h, s.data, s.len);
    rn_sha256_add(h, ",", 1);
}

static void hash_text(rn_sha256 *h, const char *s)
{
    hash_field(h, rn_bytes_of(s));
}

static void hash_count(rn_sha256 *h, size_t n)
{
    char s[32];
    snprintf(s, sizeof s, "%zu", n);
    hash_text(h, s);
}

static void hash_named(rn_sha256 *h, const char *name, const char *s)
{
    if (!s) return;
    hash_text(h, name);
    hash_text(h, s);
}

static void hash_problem(rn_sha256 *h, const rn_problem *p, bool with_references)
{
    static const char *const forms[] = {"check", "asserts", "stdio", "call"};
    char limit[32];
    snprintf(limit, sizeof limit, "%.9g", p->time_limit_s);
    hash_text(h, p->task_id);
    hash_text(h, forms[p->form]);
    hash_text(h, p->prompt);
    hash_text(h, p->entry_point);
    hash_text(h, p->test);
    hash_text(h, p->setup);
    hash_text(h, p->starter_code);
    hash_text(h, limit);
    hash_count(h, p->n_asserts);
    for (size_t i = 0; i < p->n_asserts; i++)
        hash_text(h, p->asserts[i]);
    hash_count(h, p->n_cases);
    for (size_t i = 0; i < p->n_cases; i++) {
        hash_field(h, p->cases[i].input);
        hash_field(h, p->cases[i].output);
    }
    if (with_references && p->n_references) hash_text(h, p->references[0]);
    /* Fields that older sets do not have are hashed where they are. */
    static const char *const rules[] = {"apps", "codecontests", "livecodebench", "taco"};
    if (p->rule != RN_RULE_APPS) hash_named(h, "rule", rules[p->rule]);
    hash_named(h, "suffix", p->suffix);
    hash_named(h, "instruct", p->instruct);
    hash_named(h, "language", p->language);
    hash_named(h, "before", p->before);
    if (p->self_run) hash_named(h, "self_run", "");
    if (p->calls) { /* what is expected follows from the reference */
        char text[64];
        snprintf(text, sizeof text, "%zu %.17g %d", p->calls->n_base, p->calls->atol,
                 (int)p->calls->oracle);
        hash_named(h, "calls", text);
        hash_named(h, "reference", p->references[0]);
    }
    for (size_t i = 0; i < p->n_stops; i++)
        hash_named(h, "stop", p->stops[i]);
}

int rn_load_hash(rn_taskset *set, rn_err *err)
{
    rn_sha256 *h = rn_sha256_new();
    if (!h) return rn_nomem(err, set->path);
    rn_sha256_add(h, "ration-set/1\n", 13);
    for (size_t i = 0; i < set->n; i++)
        hash_problem(h, &set->problems[i], false);
    hash_count(h, set->n_shots);
    for (size_t i = 0; i < set->n_shots; i++)
        hash_problem(h, &set->shots[i], true);
    uint8_t digest[RN_SHA256_BYTES];
    rn_sha256_done(h, digest);
    rn_sha256_free(h);
    rn_sha256_hex(digest, set->hash);
    return 0;
}

/* ---- the end --------------------------------------------------------------------------------- */

int rn_load_finish(rn_loader *l, rn_err *err)
{
    rn_taskset *set = l->set;
    const size_t n = l->problems.n, n_shots = l->shots.n;
    if (n == 0)
        return rn_fail(err, RN_EFORMAT, "%s holds no problem%s%s", set->path,
                       l->spec ? " of the set " : "", l->spec ? l->spec->name : "");
    rn_problem *problems = rn_arena_array(&set->arena, n, sizeof *problems);
    rn_problem *shots = rn_arena_array(&set->arena, n_shots + 1, sizeof *shots);
    if (!problems || !shots) return rn_nomem(err, set->path);
    int rc = order_problems(l, problems, err);
    if (rc) return rc;
    if (n_shots) {
        qsort(l->shots.data, n_shots, sizeof *shots, shots_by_id);
        memcpy(shots, l->shots.data, n_shots * sizeof *shots);
    }
    set->problems = problems;
    set->n = n;
    set->shots = shots;
    set->n_shots = n_shots;
    return rn_load_hash(set, err);
}

void rn_load_free(rn_loader *l)
{
    rn_vec_free(&l->problems);
    rn_vec_free(&l->shots);
}
