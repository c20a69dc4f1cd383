/*
 * load_evalplus.c: HumanEval+ and MBPP+ in evalplus' own form.
 *
 *   {"task_id", "prompt", "entry_point", "canonical_solution", "base_input", "plus_input", "atol",
 *    "contract", "assertion"}
 *
 * A case is a call: base_input and plus_input are arrays of arrays of arguments. What is expected
 * is what the canonical solution returns, which src/run/expected.c has from a run in the sandbox;
 * until then the outputs are empty. `contract` says which inputs are valid and serves to make them;
 * `assertion` repeats the base inputs. Neither is part of evalplus' own judging, nor of this.
 *
 * Values are typed JSON (docs/FORMATS.md): JSON, and {"t": [...]} for a tuple, {"s": ...} for a
 * set, {"d": [key, value, ...]} for a dictionary, {"c": [re, im]} for a complex number. MBPP+'s
 * file holds lists where its functions take tuples, sets or complex numbers: which, is known by the
 * problem's number (`shapes`). Integers have more digits than 64 bits, so that the record is cut
 * from its own text (jsonraw.h).
 */
#include "task/jsonraw.h"
#include "task/load_priv.h"

/* ---- the shape of MBPP+'s arguments ---------------------------------------------------------- */

/* One letter an argument, the last one for all that follow:
 *   .  as it is          t  a tuple                 l  a list of tuples     n  a tuple of tuples
 *   d  tuples all down   s  a list of sets ([]: {}) v  a dictionary of tuples
 *   f  a float           c  a complex number */
static const struct shape {
    int number;
    const char *letters;
} shapes[] = {
    {2, "t"},    {63, "l"},   {64, "l"},   {70, "l"},   {75, "l."},  {94, "l"},  {106, ".t"},
    {115, "s"},  {116, "t"},  {120, "l"},  {124, "fc"}, {132, "t"},  {143, "t"}, {222, "t"},
    {237, "l"},  {250, "t."}, {252, "c"},  {259, "n"},  {261, "t"},  {272, "l"}, {273, "t"},
    {278, "n"},  {299, "l"},  {307, "t."}, {394, "t"},  {399, "t"},  {400, "l"}, {401, "n"},
    {405, "t."}, {409, "l"},  {413, "l."}, {417, "l"},  {421, "t"},  {424, "t"}, {429, "t"},
    {438, "l"},  {444, "l."}, {445, "n"},  {446, "t."}, {470, "t"},  {473, "l"}, {560, "t"},
    {579, "t"},  {580, "d"},  {596, "t"},  {614, "l"},  {615, "d"},  {616, "t"}, {617, "t."},
    {630, "t"},  {720, "t."}, {722, "v."}, {726, "t"},  {740, "t"},  {744, "t"}, {750, ".t"},
    {753, "l."}, {763, "t."}, {780, "l"},  {791, "d"},  {808, "t."}, {809, "t"}};

static bool is_mbpp(const char *task_id)
{
    return strncmp(task_id, "Mbpp/", 5) == 0;
}

static const char *letters_of(const char *task_id)
{
    int number = is_mbpp(task_id) ? atoi(task_id + 5) : -1;
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++)
        if (shapes[i].number == number) return shapes[i].letters;
    return ".";
}

/* ---- typed JSON ------------------------------------------------------------------------------ */

static int put_typed(rn_bytes value, char letter, rn_buf *out, rn_err *err);

/* `letter`: of each entry; `dict`: entries are keys and values. */
static int put_entries(rn_bytes value, char letter, rn_buf *out, rn_err *err)
{
    rn_bytes key, entry;
    size_t pos = 0;
    int rc, n = 0;
    while ((rc = rn_jsonraw_next(value, &pos, &key, &entry, err)) > 0) {
        if (n++) rn_buf_putc(out, ',');
        if (key.len) {
            rn_jsonraw_canonical(key, out);
            rn_buf_putc(out, ',');
        }
        if ((rc = put_typed(entry, letter, out, err)) != 0) return rc;
    }
    return rc;
}

static int put_tagged(const char *tag, rn_bytes value, char letter, rn_buf *out, rn_err *err)
{
    rn_buf_printf(out, "%s[", tag);
    int rc = put_entries(value, letter, out, err);
    rn_buf_puts(out, *tag ? "]}" : "]");
    return rc;
}

/* The text of a number, which may be in quotes: "(1+2j)" stays text for the host to read. */
static void put_number(char letter, rn_bytes value, rn_buf *out)
{
    rn_buf_puts(out, letter == 'f' ? "{\"f\":" : "{\"c\":");
    if (rn_jsonraw_is(value, '"')) {
        rn_jsonraw_canonical(value, out);
    } else {
        rn_buf_putc(out, '"');
        rn_buf_add(out, value.data, value.len);
        rn_buf_putc(out, '"');
    }
    rn_buf_putc(out, '}');
}

static bool is_empty(rn_bytes value)
{
    rn_bytes key, entry;
    size_t pos = 0;
    rn_err ignored;
    return rn_jsonraw_next(value, &pos, &key, &entry, &ignored) == 0;
}

static int put_typed(rn_bytes value, char letter, rn_buf *out, rn_err *err)
{
    if (letter == 'f' || letter == 'c') {
        put_number(letter, value, out);
        return 0;
    }
    if (rn_jsonraw_is(value, '{'))
        return put_tagged("{\"d\":", value, letter == 'v' ? 't' : '.', out, err);
    if (!rn_jsonraw_is(value, '[')) {
        rn_jsonraw_canonical(value, out);
        return 0;
    }
    switch (letter) {
    case 't': return put_tagged("{\"t\":", value, '.', out, err);
    case 'l': return put_tagged("", value, 't', out, err);
    case 'n': return put_tagged("{\"t\":", value, 't', out, err);
    case 'd': return put_tagged("{\"t\":", value, 'd', out, err);
    case 's': return put_tagged("", value, 'S', out, err); /* each entry is a set */
    case 'S': return put_tagged(is_empty(value) ? "{\"d\":" : "{\"s\":", value, '.', out, err);
    default: return put_tagged("", value, '.', out, err);
    }
}

/* The arguments of one call: an array. */
static int put_arguments(rn_bytes value, const char *letters, rn_buf *out, rn_err *err)
{
    rn_bytes key, entry;
    size_t pos = 0;
    int rc, n = 0;
    rn_buf_putc(out, '[');
    while ((rc = rn_jsonraw_next(value, &pos, &key, &entry, err)) > 0) {
        if (n++) rn_buf_putc(out, ',');
        if ((rc = put_typed(entry, *letters, out, err)) != 0) return rc;
        if (letters[1]) letters++;
    }
    rn_buf_putc(out, ']');
    return rc;
}

/* ---- cases ----------------------------------------------------------------------------------- */

static int count_entries(rn_bytes array, size_t *n, rn_err *err)
{
    rn_bytes key, entry;
    size_t pos = 0;
    int rc;
    for (*n = 0; (rc = rn_jsonraw_next(array, &pos, &key, &entry, err)) > 0;)
        ++*n;
    return rc;
}

/* Fills cases[0..] from an array of arrays. */
static int read_cases(rn_loader *l, rn_bytes array, const char *letters, rn_case *cases,
                      rn_json_at at, rn_err *err)
{
    rn_bytes key, entry;
    rn_buf b = {0};
    size_t pos = 0;
    int rc;
    while ((rc = rn_jsonraw_next(array, &pos, &key, &entry, err)) > 0) {
        rn_buf_clear(&b);
        if (!rn_jsonraw_is(entry, '['))
            rc = rn_load_bad(at, "base_input or plus_input", err,
                             "has an input that is not an array of arguments");
        else
            rc = put_arguments(entry, letters, &b, err);
        char *copy = !rc && rn_buf_ok(&b) ? rn_arena_dup(&l->set->arena, b.data, b.len) : NULL;
        if (!rc && !copy) rc = rn_nomem(err, at.path);
        if (rc) break;
        *cases++ =
            (rn_case){.input = {.data = copy, .len = b.len}, .output = {.data = "", .len = 0}};
    }
    rn_buf_free(&b);
    return rc;
}

static int fill_cases(rn_loader *l, rn_problem *p, rn_bytes base, rn_bytes plus, rn_json_at at,
                      rn_err *err)
{
    size_t n_base = 0, n_plus = 0;
    if (!rn_jsonraw_is(base, '[')) return rn_load_bad(at, "base_input", err, "is not an array");
    /* MBPP+ of 2023 has {} where a problem has no extra inputs. */
    if (rn_jsonraw_is(plus, '{') && is_empty(plus)) plus = rn_bytes_of("[]");
    if (!rn_jsonraw_is(plus, '[')) return rn_load_bad(at, "plus_input", err, "is not an array");
    int rc = count_entries(base, &n_base, err);
    if (!rc) rc = count_entries(plus, &n_plus, err);
    if (rc) return rc;
    if (n_base == 0) return rn_load_bad(at, "base_input", err, "is empty, a problem needs tests");
    rn_case *cases = rn_arena_array(&l->set->arena, n_base + n_plus, sizeof *cases);
    rn_calls *calls = rn_arena_array(&l->set->arena, 1, sizeof *calls);
    if (!cases || !calls) return rn_nomem(err, at.path);
    *calls = *p->calls;
    calls->n_base = n_base;
    p->calls = calls;
    p->cases = cases;
    p->n_cases = n_base + n_plus;
    const char *letters = letters_of(p->task_id);
    rc = read_cases(l, base, letters, cases, at, err);
    return rc ? rc : read_cases(l, plus, letters, cases + n_base, at, err);
}

/* ---- the record ------------------------------------------------------------------------------ */

/* The record without its inputs, which come as text. */
static int split_record(rn_bytes line, rn_json_at at, json_t **rec, rn_bytes *base, rn_bytes *plus,
                        rn_err *err)
{
    rn_buf rest = {0};
    rn_bytes whole, key, entry;
    size_t pos = 0;
    int rc = rn_jsonraw_value(line, &pos, &whole, err), n = 0;
    pos = 0;
    rn_buf_putc(&rest, '{');
    while (!rc && (rc = rn_jsonraw_next(whole, &pos, &key, &entry, err)) > 0) {
        bool is_base = rn_bytes_equal(key, rn_bytes_of("\"base_input\""));
        rc = 0;
        if (is_base || rn_bytes_equal(key, rn_bytes_of("\"plus_input\""))) {
            *(is_base ? base : plus) = entry;
            continue;
        }
        if (n++) rn_buf_putc(&rest, ',');
        rn_buf_add(&rest, key.data, key.len);
        rn_buf_putc(&rest, ':');
        rn_buf_add(&rest, entry.data, entry.len);
    }
    rn_buf_putc(&rest, '}');
    if (rc) rc = rn_err_prefix(err, "%s: line %lld", at.path, (long long)at.line);
    if (!rc && !rn_buf_ok(&rest)) rc = rn_nomem(err, at.path);
    if (!rc) rc = rn_json_parse(rn_buf_view(&rest), at, rec, err);
    rn_buf_free(&rest);
    return rc;
}

int rn_load_evalplus_line(rn_loader *l, rn_bytes line, rn_json_at at, rn_err *err)
{
    rn_problem p = {.form = RN_FORM_CHECK, .setup = "", .starter_code = ""};
    rn_calls calls = {0};
    rn_bytes base = {0}, plus = {0};
    json_t *rec = NULL;
    const char *solution = "";
    int rc = split_record(line, at, &rec, &base, &plus, err);
    if (!rc) rc = rn_load_text(l, rec, "task_id", at, &p.task_id, err);
    if (!rc) rc = rn_load_text(l, rec, "prompt", at, &p.prompt, err);
    if (!rc) rc = rn_load_entry_point(l, rec, at, &p.entry_point, err);
    if (!rc) rc = rn_load_text(l, rec, "canonical_solution", at, &solution, err);
    if (!rc) rc = rn_json_real_opt(rec, "atol", at, &calls.atol, err);
    json_decref(rec);
    if (rc) return rc;
    if (!*p.task_id) return rn_load_bad(at, "task_id", err, "is empty");
    if (!*solution)
        return rn_load_bad(at, "canonical_solution", err,
                           "is empty, and what the inputs should give follows from it");
    if (!(calls.atol >= 0)) return rn_load_bad(at, "atol", err, "is negative");
    calls.oracle = is_mbpp(p.task_id)                          ? RN_ORACLE_MBPP
                   : strncmp(p.task_id, "HumanEval/", 10) == 0 ? RN_ORACLE_HUMANEVAL
                                                               : RN_ORACLE_NONE;
    p.calls = &calls;
    rc = rn_load_reference(l, solution, at, &p, err);
    if (!rc) rc = fill_cases(l, &p, base, plus, at, err);
    return rc ? rc : rn_load_add(l, &p, at, err);
}

/* Of a file that is one array. */
int rn_load_evalplus(rn_loader *l, const json_t *rec, rn_json_at at, rn_err *err)
{
    char *text = json_dumps(rec, JSON_COMPACT);
    if (!text) return rn_nomem(err, at.path);
    int rc = rn_load_evalplus_line(l, rn_bytes_of(text), at, err);
    free(text);
    return rc;
}

/* ---- what is expected ------------------------------------------------------------------------ */

int rn_calls_expect(rn_taskset *set, const rn_problem *p, const rn_call_value *values, rn_err *err)
{
    rn_call_value *copy = rn_arena_array(&set->arena, p->n_cases, sizeof *copy);
    if (!copy) return rn_nomem(err, p->task_id);
    for (size_t i = 0; i < p->n_cases; i++) {
        char *text = rn_arena_dup(&set->arena, values[i].value.data, values[i].value.len);
        if (!text) return rn_nomem(err, p->task_id);
        copy[i] = (rn_call_value){.value = {.data = text, .len = values[i].value.len},
                                  .seconds = values[i].seconds};
    }
    p->calls->expected = copy;
    return 0;
}
