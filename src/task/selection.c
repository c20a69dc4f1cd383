/*
 * selection.c: which problems of a set a command works on, for all commands alike (ration.h).
 *
 * A selection is places ("0-9,12,20-40/4", ids) and conditions ("difficulty=hard"), with commas
 * between them. Places are alternatives, so are conditions on the same trait; a problem is chosen
 * that has one of the places and meets each trait's conditions, and lies between the dates. A trait
 * that a set does not tell is an error: nothing would be chosen, and nobody would see why.
 */
#include "task/fetch.h"
#include "task/task.h"

enum { MAX_TERM = 256 };

/* ---- traits ---------------------------------------------------------------------------------- */

static const char *const traits[] = {"difficulty", "month",    "date",
                                     "platform",   "language", "library"};
enum { N_TRAITS = sizeof traits / sizeof *traits };

static int trait_of(const char *key, size_t len)
{
    for (int t = 0; t < N_TRAITS; t++)
        if (strlen(traits[t]) == len && strncmp(traits[t], key, len) == 0) return t;
    return -1;
}

/* The nth value of a trait, [*len]; NULL: it has no more. */
static const char *value_at(const rn_problem *p, int trait, size_t nth, size_t *len)
{
    const char *v = NULL;
    if (trait == 5) {
        v = nth < p->n_libs ? p->libs[nth] : NULL;
    } else if (nth == 0) {
        v = trait == 0    ? p->difficulty
            : trait <= 2  ? p->date
            : trait == 3  ? p->platform
            : p->language ? p->language
                          : "python";
    }
    *len = v ? strlen(v) : 0;
    const size_t most = trait == 1 ? 7 : trait == 2 ? 10 : *len; /* 2024-05, 2024-05-11 */
    if (*len > most) *len = most;
    return *len ? v : NULL;
}

static bool set_tells(const rn_taskset *set, int trait)
{
    size_t len;
    for (size_t i = 0; i < set->n; i++)
        if (value_at(&set->problems[i], trait, 0, &len)) return true;
    return false;
}

static int unknown_trait(const rn_taskset *set, const char *key, size_t len, rn_err *err)
{
    rn_buf b = {0};
    for (int t = 0; t < N_TRAITS; t++)
        if (set_tells(set, t)) rn_buf_printf(&b, "%s%s", b.len ? ", " : "", traits[t]);
    int rc = rn_fail(err, RN_EINVAL,
                     "the set %s does not record the %.*s of its problems; it records %s",
                     set->name, (int)len, key, rn_buf_ok(&b) && b.len ? b.data : "nothing");
    rn_buf_free(&b);
    return rc;
}

const char *rn_taskset_name(const rn_taskset *set)
{
    return set->name;
}

/* ---- terms ----------------------------------------------------------------------------------- */

typedef struct chooser {
    const rn_taskset *set;
    unsigned char *out;   /* [n] */
    unsigned char *place; /* [n] has one of the places */
    bool places;          /* any place was named */
    unsigned char *met;   /* [N_TRAITS, n] */
    bool asked[N_TRAITS];
} chooser;

/* "12", "3-9", "0-99/4"; false: it is nothing of the kind. */
static int take_range(chooser *c, const char *term, bool *is_range, rn_err *err)
{
    char *end;
    const char *p = term;
    *is_range = false;
    if (*p < '0' || *p > '9') return 0;
    unsigned long long a = strtoull(p, &end, 10), b = a, step = 1;
    bool ok = true;
    if (*end == '-') {
        p = end + 1;
        b = strtoull(p, &end, 10);
        ok = *p >= '0' && *p <= '9';
    }
    if (ok && *end == '/') {
        p = end + 1;
        step = strtoull(p, &end, 10);
        ok = *p >= '1' && *p <= '9';
    }
    if (*end) return 0; /* an id that begins with a digit, perhaps */
    *is_range = true;
    if (!ok || a > b)
        return rn_fail(err, RN_EINVAL,
                       "--problems '%s': write places in the set, e.g. 0-9,12 or 0-99/4, ids, or "
                       "e.g. difficulty=hard",
                       term);
    if (b >= c->set->n)
        return rn_fail(err, RN_EINVAL, "--problems '%s': %s has problems 0 to %zu", term,
                       c->set->name, c->set->n - 1);
    for (unsigned long long i = a; i <= b; i += step > b ? b + 1 : step)
        c->place[i] = 1;
    return 0;
}

static int take_condition(chooser *c, const char *key, size_t len, const char *value, rn_err *err)
{
    const int t = trait_of(key, len);
    if (t < 0 || !set_tells(c->set, t)) return unknown_trait(c->set, key, len, err);
    unsigned char *met = c->met + (size_t)t * c->set->n;
    size_t n = 0, vlen;
    c->asked[t] = true;
    for (size_t i = 0; i < c->set->n; i++) {
        const char *v;
        for (size_t k = 0; (v = value_at(&c->set->problems[i], t, k, &vlen)); k++)
            if (vlen == strlen(value) && strncasecmp(v, value, vlen) == 0) met[i] = 1, n++;
    }
    return n ? 0
             : rn_fail(err, RN_EINVAL, "no problem of %s has the %.*s '%s'", c->set->name, (int)len,
                       key, value);
}

static int take_term(chooser *c, const char *term, rn_err *err)
{
    const char *is = strchr(term, '=');
    bool range;
    if (is) return take_condition(c, term, (size_t)(is - term), is + 1, err);
    c->places = true;
    int rc = take_range(c, term, &range, err);
    if (rc || range) return rc;
    const rn_problem *p = rn_taskset_find(c->set, term);
    if (!p)
        return rn_fail(err, RN_EINVAL,
                       "--problems '%s': %s has no problem of that id; write places in the set, "
                       "e.g. 0-9,12 or 0-99/4, ids, or e.g. difficulty=hard",
                       term, c->set->name);
    c->place[p - c->set->problems] = 1;
    return 0;
}

static int take_terms(chooser *c, const char *text, rn_err *err)
{
    int rc = 0;
    for (const char *p = text; p && *p && !rc;) {
        char term[MAX_TERM];
        size_t n = strcspn(p, ",");
        if (n == 0 || n >= sizeof term)
            return rn_fail(err, RN_EINVAL, "--problems '%.100s': a term is empty or too long",
                           text);
        memcpy(term, p, n);
        term[n] = '\0';
        rc = take_term(c, term, err);
        p += n + (p[n] == ',');
    }
    return rc;
}

/* ---- dates ----------------------------------------------------------------------------------- */

/* "2024", "2024-05" or "2024-05-11". */
static int check_date(const char *option, const char *s, rn_err *err)
{
    static const char form[] = "dddd-dd-dd";
    size_t n = s ? strlen(s) : 10;
    bool ok = n == 4 || n == 7 || n == 10;
    for (size_t i = 0; s && ok && i < n; i++)
        ok = form[i] == 'd' ? s[i] >= '0' && s[i] <= '9' : s[i] == form[i];
    return ok ? 0
              : rn_fail(err, RN_EINVAL,
                        "--%s is a date such as 2024-05-01, or 2024-05, not '%.40s'", option, s);
}

/* Both ends belong to it: "--to 2024-05" takes all of May. */
static bool within(const rn_problem *p, const char *from, const char *to)
{
    if (!from && !to) return true;
    if (!p->date) return false;
    return (!from || strncmp(p->date, from, strlen(from)) >= 0) &&
           (!to || strncmp(p->date, to, strlen(to)) <= 0);
}

bool rn_selection_any(const rn_selection *s)
{
    return s->problems || s->from || s->to || s->difficulty;
}

int rn_selection_check(const rn_selection *s, rn_err *err)
{
    int rc = check_date("from", s->from, err);
    if (!rc) rc = check_date("to", s->to, err);
    if (!rc && s->from && s->to && strncmp(s->from, s->to, strlen(s->to)) > 0)
        rc = rn_fail(err, RN_EINVAL, "--from %s is later than --to %s", s->from, s->to);
    return rc;
}

/* The error of an empty selection: what there is, and for dates how far they reach. */
static int none_chosen(const rn_selection *s, const rn_taskset *set, rn_err *err)
{
    const char *first = NULL, *last = NULL;
    for (size_t i = 0; (s->from || s->to) && i < set->n; i++) {
        const char *date = set->problems[i].date;
        if (date && (!first || strcmp(date, first) < 0)) first = date;
        if (date && (!last || strcmp(date, last) > 0)) last = date;
    }
    if (!first)
        return rn_fail(err, RN_EINVAL, "no problem of %s is in this selection (%zu %s)", set->name,
                       set->n, rn_plural((int64_t)set->n, "problem", "problems"));
    const rn_source *src = rn_source_find(set->name);
    const bool is_later =
        src && src->later && s->from && strncmp(last, s->from, strlen(s->from)) < 0;
    return rn_fail(
        err, RN_EINVAL, "no problem of %s is in this selection (%zu %s, from %.10s to %.10s)%s%s",
        set->name, set->n, rn_plural((int64_t)set->n, "problem", "problems"), first, last,
        is_later ? "; for later ones: ration fetch " : "", is_later ? src->later : "");
}

int rn_select(const rn_selection *s, const rn_taskset *set, unsigned char *out, size_t *n_chosen,
              rn_err *err)
{
    const size_t n = set->n;
    chooser c = {.set = set, .out = out};
    rn_arena a = {0};
    c.place = rn_arena_array(&a, n + 1, 1);
    c.met = rn_arena_array(&a, N_TRAITS * n + 1, 1);
    int rc = c.place && c.met ? 0 : rn_nomem(err, "problems");
    if (!rc) rc = rn_selection_check(s, err);
    if (!rc) rc = take_terms(&c, s->problems, err);
    if (!rc && s->difficulty) rc = take_condition(&c, "difficulty", 10, s->difficulty, err);
    if (!rc && (s->from || s->to) && !set_tells(set, 2)) rc = unknown_trait(set, "date", 4, err);
    size_t count = 0;
    for (size_t i = 0; !rc && i < n; i++) {
        bool chosen = (!c.places || c.place[i]) && within(&set->problems[i], s->from, s->to);
        for (size_t t = 0; t < N_TRAITS; t++)
            chosen &= !c.asked[t] || c.met[t * n + i];
        out[i] = chosen;
        count += chosen;
    }
    if (!rc && count == 0) rc = none_chosen(s, set, err);
    if (!rc && n_chosen) *n_chosen = count;
    rn_arena_free(&a);
    return rc;
}

/* ---- for reports ----------------------------------------------------------------------------- */

/* All values of a trait, each behind a tab: "\tnumpy\tos"; "\t(none)" where it has none. */
static char *values_of(const rn_problem *p, int trait)
{
    rn_buf b = {0};
    size_t len;
    const char *v;
    for (size_t k = 0; (v = value_at(p, trait, k, &len)); k++) {
        rn_buf_putc(&b, '\t');
        rn_buf_add(&b, v, len);
    }
    if (b.len == 0) rn_buf_puts(&b, "\t(none)");
    char *s = rn_buf_take(&b);
    rn_buf_free(&b);
    return s;
}

int rn_problem_list_make(const rn_selection *s, const rn_taskset *set, const char *by,
                         rn_problem_list *out, rn_err *err)
{
    rn_problem_list x = {0};
    const int trait = by ? trait_of(by, strlen(by)) : -1;
    if (by && (trait < 0 || !set_tells(set, trait))) return unknown_trait(set, by, strlen(by), err);
    unsigned char *chosen = calloc(set->n + 1, 1);
    x.ids = calloc(set->n + 1, sizeof *x.ids);
    x.groups = calloc(set->n + 1, sizeof *x.groups);
    int rc = chosen && x.ids && x.groups ? 0 : rn_nomem(err, NULL);
    if (!rc) rc = rn_select(s, set, chosen, NULL, err);
    for (size_t i = 0; !rc && i < set->n; i++) {
        if (!chosen[i]) continue;
        x.ids[x.n] = strdup(set->problems[i].task_id);
        x.groups[x.n] = by ? values_of(&set->problems[i], trait) : strdup("");
        if (!x.ids[x.n] || !x.groups[x.n]) rc = rn_nomem(err, NULL);
        x.n++;
    }
    free(chosen);
    if (rc)
        rn_problem_list_free(&x);
    else
        *out = x;
    return rc;
}

void rn_problem_list_free(rn_problem_list *s)
{
    for (size_t i = 0; i < s->n; i++) {
        free(s->ids[i]);
        free(s->groups[i]);
    }
    free(s->ids);
    free(s->groups);
    *s = (rn_problem_list){0};
}
