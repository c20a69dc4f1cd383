/* program.c: see program.h. */
#include "run/program.h"

#include "base/json.h"

rn_recipe rn_recipe_of(const char *given, const char *preset, const char *settings)
{
    rn_recipe r = {.preset = preset && preset[0] ? rn_preset_find(preset) : NULL};
    json_t *v = settings ? json_loads(settings, 0, NULL) : NULL;
    const char *name = given ? given : json_string_value(json_object_get(v, "extractor"));
    const char *asked = json_string_value(json_object_get(v, "asked")); /* by solve */
    if (!name && asked && (!r.preset || !r.preset->chat)) name = "auto";
    if (!name) name = r.preset ? r.preset->extractor : "raw/1";
    const char *present = rn_extractor_find(name); /* an older version's name asks for it */
    snprintf(r.extractor, sizeof r.extractor, "%s", present ? present : name);
    json_decref(v);
    return r;
}

int rn_recipe_program(const rn_recipe *r, const rn_problem *p, rn_bytes answer, rn_buf *code,
                      rn_buf *source, bool *found, rn_err *err)
{
    assert(r->extractor[0]);
    rn_extracted what = {0};
    rn_buf_clear(code);
    int rc = rn_extract(r->extractor, r->preset, p, answer, code, &what, err);
    if (!rc && !rn_buf_ok(code)) rc = rn_nomem(err, p->task_id);
    rn_problem bare = *p;
    if (r->uncalibrated && p->uncalibrated) bare.before = p->uncalibrated;
    if (!rc) rc = rn_program_build(&bare, rn_buf_view(code), &what, source, err);
    if (!rc && found) *found = what.found;
    return rc;
}

/* ---- tests ----------------------------------------------------------------------------------- */

bool rn_tests_are_script(const rn_problem *p)
{
    return !p->calls && (p->form == RN_FORM_CHECK || p->form == RN_FORM_ASSERTS);
}

double rn_tests_cpu_s(const rn_problem *p)
{
    if (p->calls) return 0; /* each call's own: calls_job */
    double official = rn_tests_are_script(p) ? 3 : 4;
    return p->time_limit_s > official ? p->time_limit_s : official;
}

const char *rn_tests_extent(const rn_problem *p)
{
    static const char *const words[] = {"inputs = [", "results = [", "assertion("};
    bool all = p->calls || (p->form == RN_FORM_ASSERTS && p->test);
    bool check = p->form == RN_FORM_CHECK && p->test && !p->language;
    for (size_t i = 0; check && i < sizeof words / sizeof words[0]; i++)
        check = strstr(p->test, words[i]) != NULL;
    return all || check ? "base+extra" : NULL;
}

const char *rn_tests_compare(const rn_problem *p, bool strict)
{
    static const char *const rules[] = {"apps", "codecontests", "livecodebench", "taco"};
    if (p->calls) return "evalplus";
    return strict ? "strict" : rules[p->rule];
}

static rn_judge_case *make_cases(const rn_problem *p, rn_arena *a, size_t *n)
{
    bool more = p->form == RN_FORM_ASSERTS && p->test; /* MBPP+: the asserts, then all inputs */
    *n = p->form == RN_FORM_CHECK     ? 1
         : p->form == RN_FORM_ASSERTS ? p->n_asserts + more
                                      : p->n_cases;
    rn_judge_case *c = rn_arena_array(a, *n + 1, sizeof *c);
    if (!c) return NULL;
    if (p->form == RN_FORM_CHECK) {
        bool calls = !p->language && *p->entry_point && !p->self_run;
        const char *text =
            calls ? rn_arena_printf(a, "%s\ncheck(%s)", p->test, p->entry_point) : p->test;
        if (!text) return NULL;
        c[0].input = rn_bytes_of(text);
        return c;
    }
    for (size_t i = 0; i < *n; i++) {
        if (p->form != RN_FORM_ASSERTS) {
            c[i] = (rn_judge_case){.input = p->cases[i].input, .expected = p->cases[i].output};
            continue;
        }
        bool setup = i == 0 && p->setup && p->setup[0];
        const char *test = i < p->n_asserts ? p->asserts[i] : p->test;
        const char *text = setup ? rn_arena_printf(a, "%s\n%s", p->setup, test) : test;
        if (!text) return NULL;
        c[i].input = rn_bytes_of(text);
    }
    return c;
}

static const double calls_most_s = 60; /* all calls of a problem together, as evalplus has it */

static int calls_job(const rn_problem *p, rn_arena *a, rn_judge_job *job, rn_err *err)
{
    static const rn_calls_oracle oracles[] = {RN_CALLS_PLAIN, RN_CALLS_HUMANEVAL, RN_CALLS_MBPP};
    const rn_call_value *want = p->calls->expected;
    job->mode = RN_JUDGE_CALLS;
    job->entry = p->entry_point;
    if (!want) return 0; /* no case: never a pass */
    rn_judge_case *c = rn_arena_array(a, p->n_cases + 1, sizeof *c);
    if (!c) return rn_nomem(err, p->task_id);
    double all_s = 0;
    for (size_t i = 0; i < p->n_cases; i++) {
        double s = RN_CALL_FACTOR * want[i].seconds;
        if (s < RN_CALL_FLOOR_S) s = RN_CALL_FLOOR_S;
        if (job->limits.cpu_ns) s = (double)job->limits.cpu_ns / 1e9;
        all_s += s;
        c[i] = (rn_judge_case){
            .input = p->cases[i].input, .expected = want[i].value, .cpu_ns = (int64_t)(s * 1e9)};
    }
    job->oracle = oracles[p->calls->oracle];
    job->atol = p->calls->atol;
    job->cases = c;
    job->n_cases = p->n_cases;
    job->n_first = p->calls->n_base;
    job->limits.cpu_ns =
        (int64_t)((all_s < calls_most_s ? all_s : calls_most_s) * 1e9) + 1000000000;
    return 0;
}

int rn_tests_job(const rn_problem *p, rn_arena *a, rn_judge_job *job, rn_err *err)
{
    if (p->calls) return calls_job(p, a, job, err);
    static const rn_compare rules[] = {RN_COMPARE_APPS, RN_COMPARE_CODECONTESTS,
                                       RN_COMPARE_LIVECODEBENCH, RN_COMPARE_TACO};
    if (job->compare == RN_COMPARE_APPS) job->compare = rules[p->rule]; /* its set's own */
    job->language = p->language;
    job->entry = p->entry_point;
    if (p->form == RN_FORM_CHECK && !p->language) job->given = rn_bytes_of(p->prompt);
    job->mode = p->form == RN_FORM_STDIO  ? RN_JUDGE_STDIO
                : p->form == RN_FORM_CALL ? RN_JUDGE_CALL
                                          : RN_JUDGE_SCRIPT;
    job->cases = make_cases(p, a, &job->n_cases);
    return job->cases ? 0 : rn_nomem(err, p->task_id);
}

/* ---- equal programs -------------------------------------------------------------------------- */

static size_t place_of(const rn_programs *s, const rn_program_key *k)
{
    uint64_t h;
    memcpy(&h, k->sha, sizeof h); /* a hash already */
    size_t at = (size_t)(h + k->group * 0x9e3779b97f4a7c15ULL) & (s->n_table - 1);
    for (; s->table[at]; at = (at + 1) & (s->n_table - 1)) {
        const rn_program_key *q = &s->keys.data[s->table[at] - 1];
        if (q->group == k->group && memcmp(q->sha, k->sha, sizeof k->sha) == 0) break;
    }
    return at;
}

/* Twice the table, at most half full. */
static bool grow(rn_programs *s)
{
    size_t n = s->n_table ? 2 * s->n_table : 256;
    uint32_t *table = calloc(n, sizeof *table);
    if (!table) return false;
    free(s->table);
    s->table = table;
    s->n_table = n;
    for (size_t i = 0; i < s->keys.n; i++)
        table[place_of(s, &s->keys.data[i])] = (uint32_t)(i + 1);
    return true;
}

size_t rn_programs_add(rn_programs *s, uint64_t group, const uint8_t sha[RN_SHA256_BYTES],
                       bool *is_new)
{
    rn_program_key k = {.group = group};
    memcpy(k.sha, sha, sizeof k.sha);
    if (2 * (s->keys.n + 1) > s->n_table && !grow(s)) return SIZE_MAX;
    size_t at = place_of(s, &k);
    *is_new = s->table[at] == 0;
    if (!*is_new) return s->table[at] - 1;
    if (!rn_vec_push(&s->keys, k)) return SIZE_MAX;
    s->table[at] = (uint32_t)s->keys.n;
    return s->keys.n - 1;
}

void rn_programs_clear(rn_programs *s)
{
    s->keys.n = 0;
    if (s->table) memset(s->table, 0, s->n_table * sizeof *s->table);
}

void rn_programs_free(rn_programs *s)
{
    rn_vec_free(&s->keys);
    free(s->table);
    *s = (rn_programs){0};
}

/* ---- the pump -------------------------------------------------------------------------------- */

enum { WAIT_MS = 200 };

static int submit_all(rn_pump *p, rn_err *err)
{
    for (;;) {
        if (!p->holds) {
            p->held = (rn_judge_job){0};
            int more = p->next(p->user, &p->held, &p->held_tag, err);
            if (more <= 0) return more;
            p->holds = true;
        }
        int rc = rn_judge_submit(p->judge, &p->held, p->held_tag, err);
        if (rc == RN_EBUSY) return 0;
        p->holds = false; /* also after an error: it would fail again */
        if (rc) return rc;
    }
}

int rn_pump_turn(rn_pump *p, int timeout_ms, rn_err *err)
{
    int rc = submit_all(p, err);
    while (!rc && rn_judge_pending(p->judge)) {
        uint64_t tag;
        rn_judge_result r;
        rc = rn_judge_wait(p->judge, timeout_ms, &tag, &r, err);
        if (rc <= 0) break;
        timeout_ms = 0;
        rc = p->done(p->user, tag, &r, err);
        if (!rc) rc = submit_all(p, err);
    }
    if (!rc && p->tick) rc = p->tick(p->user, err);
    return rc;
}

int rn_pump_run(rn_pump *p, rn_err *err)
{
    int rc;
    do
        rc = rn_pump_turn(p, WAIT_MS, err);
    while (!rc && (p->holds || rn_judge_pending(p->judge)));
    return rc;
}
