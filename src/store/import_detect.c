/*
 * import_detect.c: which form a file has, from its first bytes: the kind of JSON value and the
 * names of its first object's keys, or a CSV header. A form is a line of a table: the keys that it
 * needs and those that speak against it. Exactly one line must fit; otherwise the message says what
 * the file looks like.
 */
#include "store/import_priv.h"

enum { LOOK_BYTES = 256 * 1024, MAX_KEYS = 48 };

/* Keys of an object at depth 1; values are skipped by their strings and brackets. */
typedef struct keys {
    rn_bytes v[MAX_KEYS];
    size_t value[MAX_KEYS]; /* offset of each value, the length of the text if it is not seen */
    size_t n;
} keys;

static size_t skip_space(const char *p, size_t i, size_t n)
{
    while (i < n && (p[i] == ' ' || p[i] == '\n' || p[i] == '\r' || p[i] == '\t'))
        i++;
    return i;
}

/* The offset behind the closing quote of the string that starts at i. */
static size_t skip_string(const char *p, size_t i, size_t n)
{
    for (i++; i < n && p[i] != '"'; i++)
        if (p[i] == '\\') i++;
    return i < n ? i + 1 : n;
}

static size_t skip_value(const char *p, size_t i, size_t n)
{
    size_t depth = 0;
    while (i < n) {
        char c = p[i];
        if (c == '"') {
            i = skip_string(p, i, n);
            if (depth == 0) return i;
            continue;
        }
        if (depth == 0 && (c == ',' || c == '}')) return i;
        if (c == '{' || c == '[') depth++;
        i++;
        if ((c == '}' || c == ']') && --depth == 0) return i;
    }
    return n;
}

/* Of the object whose '{' is at `at`. */
static void read_keys(rn_bytes s, size_t at, keys *k)
{
    const char *p = s.data;
    size_t n = s.len, i = at + 1;
    k->n = 0;
    while (k->n < MAX_KEYS) {
        i = skip_space(p, i, n);
        if (i < n && p[i] == ',') i = skip_space(p, i + 1, n);
        if (i >= n || p[i] != '"') return;
        size_t start = i + 1;
        i = skip_string(p, i, n);
        if (i >= n) return;
        k->v[k->n] = (rn_bytes){p + start, i - 1 - start};
        i = skip_space(p, i, n);
        if (i >= n || p[i] != ':') return;
        i = skip_space(p, i + 1, n);
        k->value[k->n++] = i;
        i = skip_value(p, i, n);
    }
}

/* The place of a key; MAX_KEYS: it is not there. */
static size_t find_key(const keys *k, const char *name)
{
    for (size_t i = 0; i < k->n; i++)
        if (rn_bytes_equal(k->v[i], rn_bytes_of(name))) return i;
    return MAX_KEYS;
}

/* Alternatives are separated by '|'; `text`: only a string or a list of them counts. */
static bool has_one(rn_bytes s, const keys *k, const char *names, bool text)
{
    char name[32];
    while (*names) {
        size_t n = strcspn(names, "|");
        snprintf(name, sizeof name, "%.*s", (int)n, names);
        size_t at = find_key(k, name);
        char c = at < MAX_KEYS && k->value[at] < s.len ? s.data[k->value[at]] : '\0';
        if (at < MAX_KEYS && (!text || c == '\0' || c == '"' || c == '[')) return true;
        names += n + (names[n] == '|');
    }
    return false;
}

#define ID "task_id|question_id|problem_id|id"

/* Rows. all: keys that must be there; text: of which one must be there as a text. */
static const struct signature {
    rn_import_format form;
    const char *all[3], *text, *none;
} signatures[] = {
    {RN_IMPORT_HUMAN_EVAL, {ID}, "completion|completions", "stop_tokens"},
    {RN_IMPORT_EVALPLUS, {ID}, "solution|solutions", ""},
    {RN_IMPORT_GENERATION, {ID}, "generation|generations", ""},
    {RN_IMPORT_RESPONSE,
     {ID},
     "response|responses|output|outputs|answer|prediction|predictions",
     "custom_id|code_list"},
    {RN_IMPORT_RUNS, {ID, "runs"}, "", ""},
    {RN_IMPORT_COUNTS, {ID, "n", "c"}, "", ""},
    {RN_IMPORT_CODET, {"prompt", "samples"}, "", "task_id"},
    {RN_IMPORT_CURVE, {"k", "pass@k"}, "", ""},
    {RN_IMPORT_LIVECODEBENCH, {"question_id", "code_list"}, "", ""},
    {RN_IMPORT_LM_EVAL, {"doc", "resps"}, "", ""},
    {RN_IMPORT_OPENAI_BATCH, {"custom_id", "response|result|error"}, "", ""},
    {RN_IMPORT_OPENAI_BATCH, {"key", "response|error"}, "", "custom_id|" ID},
    {RN_IMPORT_MULTIPL_E, {"name", "completions"}, "", ID},
    {RN_IMPORT_MULTIPL_E_RESULTS, {"name", "results"}, "", ID},
    {RN_IMPORT_INSPECT, {"eval", "samples"}, "", ""},
    {RN_IMPORT_EVALPLUS_RESULTS, {"eval"}, "", "samples|plan|stats"},
};

static bool fits(rn_bytes s, const keys *k, const struct signature *g)
{
    for (size_t i = 0; i < 3 && g->all[i]; i++)
        if (!has_one(s, k, g->all[i], false)) return false;
    if (*g->text && !has_one(s, k, g->text, true)) return false;
    return !*g->none || !has_one(s, k, g->none, false);
}

/* An object of objects, by what the first of them holds. */
static rn_import_format of_keyed(rn_bytes s, const keys *k)
{
    keys inner;
    if (k->n == 0 || k->value[0] >= s.len || s.data[k->value[0]] != '{') return RN_IMPORT_AUTO;
    read_keys(s, k->value[0], &inner);
    if (find_key(&inner, "samples") < MAX_KEYS) return RN_IMPORT_RELEASE;
    return find_key(&inner, "prediction") < MAX_KEYS ? RN_IMPORT_OPENCOMPASS : RN_IMPORT_AUTO;
}

/* OpenCompass' results: scores, and "details" of each answer. */
static bool is_detailed(rn_bytes s, const keys *k)
{
    keys entries, inner = {.n = 0};
    const size_t at = find_key(k, "details");
    if (at == MAX_KEYS || k->value[at] >= s.len) return false;
    char open = s.data[k->value[at]];
    size_t first = skip_space(s.data, k->value[at] + 1, s.len);
    if (open == '[' && first < s.len && s.data[first] == '{') read_keys(s, first, &inner);
    if (open == '{') read_keys(s, k->value[at], &entries);
    for (size_t i = 0; open == '{' && i < entries.n && inner.n == 0; i++)
        if (entries.value[i] < s.len && s.data[entries.value[i]] == '{')
            read_keys(s, entries.value[i], &inner);
    return has_one(s, &inner, "completion|origin_prediction|origin|prediction", true);
}

/* Shares of problems solved, by themselves or within a task's name. */
static bool is_scores(rn_bytes s, const keys *k)
{
    static const char names[] =
        "pass@1|pass@10|pass@100|pass_at_k|pass_at_1|accuracy|results|scores";
    keys inner = {.n = 0};
    if (has_one(s, k, names, false)) return true;
    if (k->n && k->value[0] < s.len && s.data[k->value[0]] == '{')
        read_keys(s, k->value[0], &inner);
    return has_one(s, &inner, names, false);
}

/* What is known and is no samples. */
static const char *not_samples(rn_bytes s, const keys *k)
{
    if (has_one(s, k, "custom_id", false) && has_one(s, k, "body", false))
        return "requests of a batch; import the file of its answers";
    if (has_one(s, k, "eval", false) && has_one(s, k, "plan|stats", false))
        return "an inspect log without samples; write it with them, 'inspect log dump FILE'";
    if (has_one(s, k, "canonical_solution|test|tests|test_list|input_output|public_test_cases",
                false))
        return "a problem set without answers; name it with -t and import a file of samples";
    if (has_one(s, k, "task_id", false) &&
        has_one(s, k, "completion|solution|generation|response|output|answer|prediction", false))
        return "rows whose first answer is null or no text; write \"\" for an answer that is "
               "empty, "
               "and leave out rows that have none";
    if (is_scores(s, k))
        return "scores without samples; import the file that holds the answers (of LiveCodeBench "
               "*_eval_all.json)";
    return NULL;
}

static int unknown(const char *path, rn_bytes s, const keys *k, rn_err *err)
{
    const char *other = k->n ? not_samples(s, k) : NULL;
    if (other) return rn_fail(err, RN_EFORMAT, "%s: this is %s", path, other);
    rn_buf names = {0};
    rn_buf_puts(&names, "");
    for (size_t i = 0; i < k->n && i < 8; i++)
        rn_buf_printf(&names, "%s%.*s", i ? ", " : "", k->v[i].len > 40 ? 40 : (int)k->v[i].len,
                      k->v[i].data);
    int rc =
        k->n && rn_buf_ok(&names)
            ? rn_fail(err, RN_EFORMAT,
                      "%s: its form is not known; its first object has the keys %s. Name the "
                      "form with --format, or write rows {\"task_id\", \"completion\"}",
                      path, names.data)
            : rn_fail(err, RN_EFORMAT, "%s: its form is not known; name it with --format", path);
    rn_buf_free(&names);
    return rc;
}

/* A table by its columns, {"task_id": [...], ...}, as pandas and datasets write one. */
static bool is_columns(rn_bytes s, const keys *k)
{
    static const char *const names[] = {"task_id", "question_id", "problem_id"};
    if (has_one(s, k, "columns", false) && has_one(s, k, "data", false)) return true;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        size_t at = find_key(k, names[i]);
        if (at < MAX_KEYS && k->value[at] < s.len && strchr("[{", s.data[k->value[at]]))
            return true;
    }
    return false;
}

static int of_object(const char *path, rn_bytes s, size_t at, rn_import_format *out, rn_err *err)
{
    keys k;
    read_keys(s, at, &k);
    *out = RN_IMPORT_AUTO;
    if (is_columns(s, &k))
        return rn_fail(err, RN_EFORMAT,
                       "%s: this is a table by its columns; write its rows: in pandas "
                       "to_json(FILE, orient='records', lines=True)",
                       path);
    for (size_t i = 0; i < sizeof signatures / sizeof signatures[0]; i++) {
        if (!fits(s, &k, &signatures[i])) continue;
        if (*out != RN_IMPORT_AUTO)
            return rn_fail(err, RN_EFORMAT,
                           "%s: its rows fit two forms, %s and %s; say which with --format", path,
                           rn_import_format_name(*out), rn_import_format_name(signatures[i].form));
        *out = signatures[i].form;
    }
    if (*out == RN_IMPORT_AUTO && is_detailed(s, &k)) *out = RN_IMPORT_OPENCOMPASS;
    if (*out == RN_IMPORT_AUTO) *out = of_keyed(s, &k);
    return *out != RN_IMPORT_AUTO ? 0 : unknown(path, s, &k, err);
}

static bool header_has(rn_bytes line, const char *name)
{
    size_t n = strlen(name);
    for (size_t at = 0; (at = rn_bytes_find(line, rn_bytes_of(name), at)) != SIZE_MAX; at += n) {
        bool left = at == 0 || strchr(",; \"\t", line.data[at - 1]);
        bool right = at + n == line.len || strchr(",; \"\t\r", line.data[at + n]);
        if (left && right) return true;
    }
    return false;
}

/* What is no text in UTF-8. */
static const char *other_encoding(rn_bytes s)
{
    static const char utf16[] = "UTF-16; write it as UTF-8: iconv -f UTF-16 -t UTF-8 FILE > NEW";
    static const char utf32[] = "UTF-32; write it as UTF-8: iconv -f UTF-32 -t UTF-8 FILE > NEW";
    static const struct {
        const char *mark, *what;
    } packed[] = {
        {"\xfd"
         "7zXZ",
         "packed with xz; unpack it: xz -d FILE"},
        {"BZh", "packed with bzip2; unpack it: bunzip2 FILE"},
        {"7z\xbc\xaf", "a 7z archive; unpack it first"},
        {"SQLite format 3", "an SQLite database; a store of ration is read with 'ration merge'"},
        {"%PDF-", "a PDF, no samples"}};
    rn_bytes four = {.data = s.data, .len = s.len < 4 ? s.len : 4};
    if (rn_bytes_equal(four, (rn_bytes){"\xff\xfe\0\0", 4}) ||
        rn_bytes_equal(four, (rn_bytes){"\0\0\xfe\xff", 4}))
        return utf32;
    bool mark = rn_bytes_starts(s, "\xff\xfe") || rn_bytes_starts(s, "\xfe\xff");
    if (mark || (s.len > 3 && (s.data[0] == '\0' || s.data[1] == '\0'))) return utf16;
    for (size_t i = 0; i < sizeof packed / sizeof packed[0]; i++)
        if (rn_bytes_starts(s, packed[i].mark)) return packed[i].what;
    if (s.len > 262 && memcmp(s.data + 257, "ustar", 5) == 0)
        return "a tar archive; unpack it first: tar xf FILE";
    if (rn_bytes_starts(s, "PK\x03\x04"))
        return "a zip archive; unpack it first (an .eval log of inspect: 'inspect log dump FILE')";
    if (rn_bytes_starts(s, "version https://git-lfs"))
        return "a Git LFS pointer; fetch the file itself: git lfs pull";
    if (s.data[0] == '<') return "a web page or XML, no samples; download the file itself";
    if (rn_bytes_starts(s, "task_id,completion") || rn_bytes_starts(s, "task_id,solution"))
        return "CSV; write it as JSON lines first";
    if (s.data[0] == '\x80') return "a pickle, which only its own program should read";
    return NULL;
}

static int of_text(const char *path, rn_bytes s, rn_import_format *out, rn_err *err)
{
    const char *other = other_encoding(s);
    if (other) return rn_fail(err, RN_EFORMAT, "%s: this is %s", path, other);
    size_t i = skip_space(s.data, 0, s.len);
    if (i < s.len && s.data[i] == '[') {
        size_t first = skip_space(s.data, i + 1, s.len);
        if (first < s.len && s.data[first] == '{') return of_object(path, s, first, out, err);
        *out = RN_IMPORT_BIGCODE;
        return first < s.len && s.data[first] != '[' && s.data[first] != ']'
                   ? rn_fail(err, RN_EFORMAT,
                             "%s: an array of neither rows nor lists: nothing says which problem a "
                             "text belongs to; write rows {\"task_id\", \"completion\"}",
                             path)
                   : 0;
    }
    if (i < s.len && s.data[i] == '{') return of_object(path, s, i, out, err);
    if (i == s.len) return rn_fail(err, RN_EFORMAT, "%s holds nothing but empty lines", path);
    size_t end = rn_bytes_find(s, rn_bytes_of("\n"), i);
    rn_bytes line = {s.data + i, (end == SIZE_MAX ? s.len : end) - i};
    bool counts = header_has(line, "n") && header_has(line, "c"), curve = header_has(line, "k");
    keys none = {.n = 0};
    if (counts == curve) return unknown(path, s, &none, err);
    *out = counts ? RN_IMPORT_COUNTS : RN_IMPORT_CURVE;
    return 0;
}

int rn_import_detect(const char *path, rn_import_format *out, rn_err *err)
{
    rn_reader *r = NULL;
    rn_buf b = {0};
    if (rn_import_is_folder(path)) {
        *out = RN_IMPORT_EVALPLUS;
        return 0;
    }
    int rc = rn_reader_open(path, &r, err);
    while (!rc && b.len < LOOK_BYTES) {
        size_t n = 0;
        if (!rn_buf_reserve(&b, LOOK_BYTES - b.len)) {
            rc = rn_nomem(err, path);
            break;
        }
        /* A damaged end is for the reading proper to report: the beginning is enough here. */
        int got = rn_reader_read(r, b.data + b.len, LOOK_BYTES - b.len, &n, err);
        if (got < 0 && b.len == 0) rc = got;
        if (got <= 0) break;
        b.len += n;
    }
    rn_reader_close(r);
    if (!rc && b.len == 0) rc = rn_fail(err, RN_EFORMAT, "%s is empty", path);
    rn_import_format f = RN_IMPORT_AUTO;
    if (!rc) rc = of_text(path, rn_buf_view(&b), &f, err);
    if (!rc) *out = f;
    rn_buf_free(&b);
    return rc;
}
