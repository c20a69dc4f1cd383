/*
 * book_read.c: reads a cost file; the format is in cost.h.
 *
 * The file is small and a person's: a line that is not understood is an error that names it, never
 * skipped. Lines are checked one by one, a model's shape as a whole where its section ends.
 */
#include "cost/amount.h"
#include "cost/book.h"

#include "base/file.h"

enum { MAX_FILE = 1 << 20, MAX_LINE = 4096, MAX_POINTS = 256, MAX_ALIASES = 32 };

typedef struct parser {
    rn_cost_book *book;
    const char *path;
    int64_t line_no, section_line;
    rn_cost *model;      /* of the current [model] section */
    const char *profile; /* of the current [profile] section */
    bool any_shape;      /* a shape key was seen in this section */
} parser;

static int bad(const parser *p, rn_err *err, const char *fmt, ...) RN_PRINTF(3, 4);
static int bad(const parser *p, rn_err *err, const char *fmt, ...)
{
    char what[256];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    return rn_fail_at(err, RN_EFORMAT, p->line_no, -1, "%s: line %lld: %s", p->path,
                      (long long)p->line_no, what);
}

static char *trim(char *s)
{
    while (*s == ' ' || *s == '\t')
        s++;
    size_t n = strlen(s);
    while (n > 0 && (s[n - 1] == ' ' || s[n - 1] == '\t'))
        s[--n] = '\0';
    return s;
}

/* A number >= 0 at *s; moves *s behind it and the blanks after it. */
static bool number(char **s, double *out)
{
    char *end;
    errno = 0;
    double v = strtod(*s, &end);
    if (end == *s || errno || !isfinite(v) || v < 0) return false;
    *s = end + strspn(end, " \t");
    *out = v;
    return true;
}

static int whole_number(const parser *p, const char *key, char *value, int64_t *out, rn_err *err)
{
    double v;
    if (!number(&value, &v) || *value || v != floor(v) || v < 1 || v > INT32_MAX)
        return bad(p, err, "%s needs a whole number from 1 to %d", key, INT32_MAX);
    *out = (int64_t)v;
    return 0;
}

static int yes_no(const parser *p, const char *key, const char *value, int *out, rn_err *err)
{
    if (strcmp(value, "yes") != 0 && strcmp(value, "no") != 0)
        return bad(p, err, "%s needs yes or no, not '%.60s'", key, value);
    *out = strcmp(value, "yes") == 0;
    return 0;
}

static int add_aliases(const parser *p, char *value, rn_err *err)
{
    const char *list[MAX_ALIASES];
    size_t n = 0;
    for (char *a; (a = strsep(&value, ",")) != NULL;) {
        a = trim(a);
        if (!*a) return bad(p, err, "an alias is empty");
        if (n == MAX_ALIASES) return bad(p, err, "more than %d aliases", MAX_ALIASES);
        if (!(list[n++] = rn_arena_strdup(&p->book->arena, a))) return rn_nomem(err, p->path);
    }
    rn_cost *m = p->model;
    const char **all = rn_arena_array(&p->book->arena, m->n_aliases + n, sizeof(char *));
    if (!all) return rn_nomem(err, p->path);
    if (m->n_aliases) memcpy(all, m->aliases, m->n_aliases * sizeof(char *));
    memcpy(all + m->n_aliases, list, n * sizeof(char *));
    m->aliases = all;
    m->n_aliases += n;
    return 0;
}

static int model_key(parser *p, const char *key, char *value, rn_err *err)
{
    rn_cost *m = p->model;
    const struct {
        const char *key;
        int64_t *dest;
    } whole[] = {{"layers", &m->shape.n_layer},     {"d_model", &m->shape.d_model},
                 {"d_ffn", &m->shape.d_ffn},        {"heads", &m->shape.n_head},
                 {"kv_heads", &m->shape.n_kv_head}, {"head_dim", &m->shape.head_dim},
                 {"vocab", &m->shape.vocab}};
    for (size_t i = 0; i < sizeof whole / sizeof whole[0]; i++) {
        if (strcmp(key, whole[i].key) != 0) continue;
        p->any_shape = true;
        return whole_number(p, key, value, whole[i].dest, err);
    }
    if (strcmp(key, "gated") == 0) return yes_no(p, key, value, &m->shape.gated_ffn, err);
    if (strcmp(key, "tied") == 0) return yes_no(p, key, value, &m->shape.tied_head, err);
    if (strcmp(key, "alias") == 0) return add_aliases(p, value, err);

    const struct {
        const char *key;
        double *dest;
    } real[] = {{"flop_per_sample", &m->flop_per_sample},
                {"usd_per_1m_input", &m->usd_per_1m_input},
                {"usd_per_1m_cached", &m->usd_per_1m_cached},
                {"usd_per_1m_output", &m->usd_per_1m_output},
                {"usd_per_1m_tokens", &m->usd_per_1m_input},
                {"usd_per_sample", &m->usd_per_sample},
                {"usd_per_hour", &m->usd_per_hour}};
    for (size_t i = 0; i < sizeof real / sizeof real[0]; i++) {
        if (strcmp(key, real[i].key) != 0) continue;
        double v;
        rn_budget amount; /* "1.69 TFLOP" is the same as 1.69e12 */
        if (real[i].dest == &m->flop_per_sample && rn_budget_parse(value, &amount, NULL) == 0 &&
            amount.unit == RN_UNIT_FLOP) {
            *real[i].dest = amount.amount;
            return 0;
        }
        if (!number(&value, &v) || *value) return bad(p, err, "%s needs a number >= 0", key);
        if (real[i].dest == &m->flop_per_sample && v <= 0)
            return bad(p, err, "flop_per_sample must be above 0");
        *real[i].dest = v;
        if (strcmp(key, "usd_per_1m_tokens") == 0)
            m->usd_per_1m_output = v; /* one price for both */
        return 0;
    }
    return bad(p, err, "unknown key '%.60s' in a [model] section", key);
}

/* "1:4.0 16:9.5": k a whole number, both rising. */
static int read_points(const parser *p, char *value, int64_t *k, double *s, size_t *n, rn_err *err)
{
    while (*value) {
        double at, seconds;
        if (*n == MAX_POINTS) return bad(p, err, "more than %d measured points", MAX_POINTS);
        if (!number(&value, &at) || *value++ != ':' || !number(&value, &seconds))
            return bad(p, err, "measured points are written k:seconds, e.g. 1:4.0 16:9.5");
        if (at < 1 || at > INT32_MAX || at != floor(at) || seconds <= 0 ||
            (*n && (at <= (double)k[*n - 1] || seconds <= s[*n - 1])))
            return bad(p, err, "k (whole, from 1) and seconds must rise from point to point");
        k[*n] = (int64_t)at;
        s[(*n)++] = seconds;
    }
    return 0;
}

static int profile_key(const parser *p, const char *key, char *value, rn_err *err)
{
    if (strcmp(key, "hardware") == 0)
        return rn_cost_profile_add(p->book, p->profile, value, NULL, NULL, err);
    int64_t k[MAX_POINTS];
    double s[MAX_POINTS];
    rn_cost_curve t = {.k = k, .cost = s};
    if (strchr(value, ':')) {
        int rc = read_points(p, value, k, s, &t.n_points, err);
        if (rc) return rc;
    } else {
        double first, second = -1;
        bool ok = number(&value, &first);
        if (ok && *value == '+') {
            value++;
            value += strspn(value, " \t");
            ok = number(&value, &second);
        }
        t.shared = second >= 0 ? first : 0;
        t.per_sample = second >= 0 ? second : first;
        if (!ok || *value || t.per_sample <= 0)
            return bad(p, err, "'%.60s' needs SECONDS, FIXED + SECONDS or k:SECONDS ...", key);
    }
    return rn_cost_profile_add(p->book, p->profile, NULL, key, &t, err);
}

/* Fills the shape's defaults and checks it; a section without shape keys is left as it is. */
static int end_section(parser *p, rn_err *err)
{
    if (!p->model || !p->any_shape) return 0;
    rn_shape *s = &p->model->shape;
    if (s->n_kv_head == 0) s->n_kv_head = s->n_head;
    if (s->head_dim == 0 && s->n_head > 0 && s->d_model % s->n_head == 0)
        s->head_dim = s->d_model / s->n_head;
    rn_err why = {0};
    if (rn_shape_check(s, &why))
        return rn_fail_at(err, RN_EFORMAT, p->section_line, -1,
                          "%s: line %lld: the shape of %s is not complete or not possible: %s",
                          p->path, (long long)p->section_line, p->model->name, why.msg);
    p->model->has_shape = true;
    return 0;
}

static int begin_section(parser *p, char *s, rn_err *err)
{
    int rc = end_section(p, err);
    if (rc) return rc;
    p->model = NULL;
    p->profile = NULL;
    p->any_shape = false;
    p->section_line = p->line_no;
    size_t n = strlen(s);
    if (s[n - 1] != ']') return bad(p, err, "the section is not closed by ]");
    s[n - 1] = '\0';
    s = trim(s + 1);
    bool model = strncmp(s, "model ", 6) == 0, profile = strncmp(s, "profile ", 8) == 0;
    if (!model && !profile)
        return bad(p, err, "sections are [model NAME] and [profile NAME], not [%.60s]", s);
    char *name = trim(s + (model ? 6 : 8));
    if (!*name || strlen(name) > 100) return bad(p, err, "a name of 1 to 100 bytes is needed");
    if (profile) {
        p->profile = rn_arena_strdup(&p->book->arena, name);
        if (!p->profile) return rn_nomem(err, p->path);
        return rn_cost_profile_add(p->book, name, NULL, NULL, NULL, err);
    }
    p->model = rn_cost_book_add(p->book, name);
    if (!p->model) return rn_nomem(err, p->path);
    if (!p->model->has_shape) p->model->shape.gated_ffn = 1;
    p->model->source = rn_arena_strdup(&p->book->arena, p->path);
    return p->model->source ? 0 : rn_nomem(err, p->path);
}

static int read_line(parser *p, rn_bytes text, rn_err *err)
{
    char line[MAX_LINE + 1];
    if (text.len > MAX_LINE) return bad(p, err, "longer than %d bytes", MAX_LINE);
    if (text.len && memchr(text.data, '\0', text.len)) return bad(p, err, "holds a NUL byte");
    if (!rn_utf8_valid(text, NULL)) return bad(p, err, "not valid UTF-8");
    if (text.len) memcpy(line, text.data, text.len);
    line[text.len] = '\0';
    char *hash = strchr(line, '#');
    if (hash) *hash = '\0';
    char *s = trim(line);
    if (!*s) return 0;
    if (*s == '[') return begin_section(p, s, err);

    char *eq = strchr(s, '=');
    if (!eq) return bad(p, err, "'key = value' is needed");
    *eq = '\0';
    char *key = trim(s), *value = trim(eq + 1);
    if (!*key || !*value) return bad(p, err, "the %s is empty", *key ? "value" : "key");
    if (p->model) return model_key(p, key, value, err);
    if (p->profile) return profile_key(p, key, value, err);
    return bad(p, err, "'%.60s' stands before the first [model NAME] or [profile NAME]", key);
}

int rn_cost_book_parse(rn_cost_book *b, rn_bytes text, const char *path, rn_err *err)
{
    parser p = {.book = b, .path = path};
    for (size_t at = 0; at < text.len;) {
        const char *nl = memchr(text.data + at, '\n', text.len - at);
        size_t len = (nl ? (size_t)(nl - text.data) : text.len) - at;
        rn_bytes line = {.data = text.data + at, .len = len};
        if (len && line.data[len - 1] == '\r') line.len--;
        p.line_no++;
        int rc = read_line(&p, line, err);
        if (rc) return rc;
        at += len + 1;
    }
    return end_section(&p, err);
}

int rn_cost_book_read(rn_cost_book *b, const char *path, rn_err *err)
{
    rn_buf text = {0};
    int rc = rn_file_read(path, MAX_FILE, &text, err);
    if (rc == 0) rc = rn_cost_book_parse(b, rn_buf_view(&text), path, err);
    rn_buf_free(&text);
    return rc;
}
