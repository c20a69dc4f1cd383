/* question.c: see question.h. */
#include "run/question.h"

#include "base/near.h"

static int not_a_question(const char *text, const char *why, rn_err *err)
{
    return rn_fail(err, RN_EINVAL,
                   "'%.80s' is not a question: %s; write 'pass@10 +-1', 'small>large at 8x', "
                   "'small - large at 20TFLOP +-2' or 'crossover small,large up to 16x'",
                   text, why);
}

static const char *skip_spaces(const char *p)
{
    return p + strspn(p, " \t");
}

/* Copies [from, to) without spaces at its ends; false: empty or too long. */
static bool take_name(const char *from, const char *to, char out[128])
{
    while (from < to && isspace((unsigned char)*from))
        from++;
    while (to > from && isspace((unsigned char)to[-1]))
        to--;
    if (to == from || to - from >= 128) return false;
    snprintf(out, 128, "%.*s", (int)(to - from), from);
    return true;
}

/* A number at *p, which moves behind it. */
static bool take_number(const char **p, double *out)
{
    char *end;
    *out = strtod(*p, &end);
    bool ok = end != *p && isfinite(*out) && *out > 0;
    *p = end;
    return ok;
}

/* "pass@K" at *p. */
static bool take_pass(const char **p, int64_t *k)
{
    if (strncmp(*p, "pass@", 5) != 0) return false;
    char *end;
    *k = strtoll(*p + 5, &end, 10);
    bool ok = end != *p + 5 && *k > 0;
    *p = end;
    return ok;
}

/* "+-X", with a word for points behind it, to the end of the text. */
static bool take_half(const char *p, double *half)
{
    static const char *const signs[] = {"+-", "+/-", "\xc2\xb1", "to within", "within"};
    p = skip_spaces(p);
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
        size_t n = strlen(signs[i]);
        if (strncmp(p, signs[i], n) != 0) continue;
        p = skip_spaces(p + n);
        if (!take_number(&p, half)) return false;
        *half /= 100;
        p = skip_spaces(p);
        static const char *const units[] = {"%", "points", "point", "pp"};
        for (size_t u = 0; u < sizeof units / sizeof *units; u++)
            if (strcmp(p, units[u]) == 0) return *half < 1;
        return *p == '\0' && *half < 1;
    }
    return false;
}

/* A budget up to the end or to "+-": what follows is at *p. */
static int take_budget(const char *text, const char **p, rn_question *q, rn_err *err)
{
    const char *at = skip_spaces(*p), *end = at + strcspn(at, " \t");
    char word[128];
    *p = end;
    if (take_pass(&at, &q->k)) return at == end ? 0 : not_a_question(text, "what is its k?", err);
    if (!take_name(at, end, word)) return not_a_question(text, "it names no budget", err);
    const char *number = word;
    double x;
    if (take_number(&number, &x) && strcmp(number, "x") == 0) {
        q->x = x;
        return 0;
    }
    return rn_budget_parse(word, &q->budget, err);
}

static int parse_two(const char *text, const char *mark, size_t len, rn_question *q, rn_err *err)
{
    const char *at = strstr(mark + len, " at ");
    q->n_models = 2;
    q->kind = *mark == '>' ? RN_ASK_LEAD : RN_ASK_DIFF;
    if (!at) return not_a_question(text, "it names no budget (at 8x)", err);
    if (!take_name(text, mark, q->model[0]) || !take_name(mark + len, at, q->model[1]))
        return not_a_question(text, "it needs two models", err);
    const char *p = at + 4;
    int rc = take_budget(text, &p, q, err);
    p = skip_spaces(p);
    if (rc) return rc;
    if (q->kind == RN_ASK_LEAD)
        return *p ? not_a_question(text, "what follows the budget?", err) : 0;
    return take_half(p, &q->half) ? 0 : not_a_question(text, "how narrow? (+-2)", err);
}

static int parse_crossover(const char *text, rn_question *q, rn_err *err)
{
    const char *from = text + strlen("crossover"), *comma = strchr(from, ',');
    q->kind = RN_ASK_CROSS;
    q->n_models = 2;
    q->x = 16;
    q->within = 4;
    if (!comma) return not_a_question(text, "it needs two models with a comma", err);
    const char *p = skip_spaces(comma + 1);
    const char *end = p + strcspn(p, " \t");
    if (!take_name(from, comma, q->model[0]) || !take_name(p, end, q->model[1]))
        return not_a_question(text, "it needs two models", err);
    for (p = skip_spaces(end); *p; p = skip_spaces(p)) {
        double *to = NULL;
        if (strncmp(p, "up to ", 6) == 0)
            to = &q->x, p += 6;
        else if (strncmp(p, "within ", 7) == 0)
            to = &q->within, p += 7;
        p = skip_spaces(p);
        if (!to || !take_number(&p, to) || *p != 'x')
            return not_a_question(text, "after the models: up to 16x, within 4x", err);
        p++;
    }
    return q->within > 1 ? 0 : not_a_question(text, "within less than 1x", err);
}

int rn_question_parse(const char *text, rn_question *out, rn_err *err)
{
    rn_question q = {0};
    int rc;
    text = skip_spaces(text);
    const char *more = strchr(text, '>'), *less = strstr(text, " - ");
    const char *pass = strstr(text, "pass@");
    if (strncmp(text, "crossover ", 10) == 0) {
        rc = parse_crossover(text, &q, err);
    } else if (more) {
        rc = parse_two(text, more, 1, &q, err);
    } else if (less) {
        rc = parse_two(text, less, 3, &q, err);
    } else if (pass) {
        q.n_models = 1;
        if (pass > text && !take_name(text, pass, q.model[0]))
            rc = not_a_question(text, "what model?", err);
        else if (!take_pass(&pass, &q.k))
            rc = not_a_question(text, "what is its k?", err);
        else
            rc = take_half(pass, &q.half) ? 0 : not_a_question(text, "how narrow? (+-1)", err);
    } else if (strstr(text, "rank-score@")) {
        rc = rn_fail(err, RN_EUNSUPPORTED,
                     "questions are about pass@k: a rank-score by agreement depends on all samples "
                     "drawn, and has no unbiased estimate under this rule");
    } else {
        rc = not_a_question(text, "it says neither pass@K nor two models", err);
    }
    if (!rc) *out = q;
    return rc;
}

/* Whether `word` stands in the name, with neither letter nor digit before or behind it. */
static bool holds_word(const char *name, const char *word)
{
    const size_t n = strlen(word);
    for (const char *p = name; *p; p++) {
        if (strncasecmp(p, word, n) != 0) continue;
        bool before = p > name && isalnum((unsigned char)p[-1]);
        if (!before && !isalnum((unsigned char)p[n])) return true;
    }
    return false;
}

int rn_question_model(const char *word, const char *const *names, size_t n, size_t *at, rn_err *err)
{
    size_t found = 0;
    char hint[RN_NEAR_HINT];
    rn_buf known = {0};
    for (size_t i = 0; i < n; i++) {
        if (strcmp(names[i], word) == 0) {
            *at = i;
            rn_buf_free(&known);
            return 0;
        }
        rn_buf_printf(&known, "%s%s", i ? ", " : "", names[i]);
        if (*word ? holds_word(names[i], word) : n == 1) *at = i, found++;
    }
    int rc = 0;
    if (found != 1)
        rc = rn_fail(err, RN_ENOTFOUND, "%s%s%s: there %s %.200s",
                     !*word  ? "the question names no model"
                     : found ? "more than one model is called "
                             : "no model is called ",
                     word, *word && !found ? rn_near_hint(word, known.data, hint) : "",
                     n == 1 ? "is" : "are", known.data ? known.data : "none");
    rn_buf_free(&known);
    return rc;
}
