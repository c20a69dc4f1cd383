/* trial.c: see trial.h. */
#include "run/trial.h"

#include "base/rng.h"
#include "run/program.h"
#include "stat/votes.h"

const int64_t rn_trial_cpu_ns = 100000000;
const rn_trial_plan rn_trial_examples = {
    .max_examples = 32, .n_mutants = 32, .n_pooled = 32, .n_borders = 16, .stdio = true};

/* Everything that the prompt of a problem shows of it. Where it begins a program and the question
 * stands apart (LeetCode), both. */
static void write_text(const rn_problem *p, rn_buf *out)
{
    const char *dot = p->entry_point ? strrchr(p->entry_point, '.') : NULL;
    const char *name = dot ? dot + 1 : p->entry_point;
    if (p->prompt) rn_buf_puts(out, p->prompt);
    if (p->instruct && name && !(p->prompt && strstr(p->prompt, name)))
        rn_buf_printf(out, "\n%s", p->instruct);
    if (p->starter_code && p->starter_code[0]) rn_buf_printf(out, "\n%s", p->starter_code);
    for (size_t i = 0; i < p->n_asserts; i++)
        rn_buf_printf(out, "\n%s", p->asserts[i]);
}

/* The calls that the tests make, to tell which examples they repeat: source of arguments, each
 * between line ends. */
static int list_tested(const rn_problem *p, const char *name, rn_arena *a, rn_buf *out, rn_err *err)
{
    rn_buf tests = {0};
    rn_example *found;
    size_t n;
    if (p->test) rn_buf_puts(&tests, p->test);
    for (size_t i = 0; i < p->n_asserts; i++)
        rn_buf_printf(&tests, "\n%s", p->asserts[i]);
    for (size_t i = 0; p->form == RN_FORM_CALL && i < p->n_cases; i++)
        rn_buf_printf(&tests, "\ncandidate(%.*s)",
                      (int)(p->cases[i].input.len > 2 ? p->cases[i].input.len - 2 : 0),
                      p->cases[i].input.data + 1); /* the array without its brackets */
    const char *const names[] = {"candidate", name};
    int rc = rn_buf_ok(&tests) ? 0 : rn_nomem(err, "tests");
    for (int i = 0; i < 2 && !rc && names[i]; i++) {
        rc = rn_examples_find(rn_buf_view(&tests), names[i], a, &found, &n, err);
        for (size_t k = 0; k < n && !rc; k++) {
            rn_buf_putc(out, '\n');
            rn_lit_write(found[k].args, out);
        }
    }
    rn_buf_putc(out, '\n');
    rn_buf_free(&tests);
    return rc;
}

static bool is_tested(rn_bytes tested, rn_bytes args)
{
    for (size_t at = rn_bytes_find(tested, args, 0); at != SIZE_MAX;
         at = rn_bytes_find(tested, args, at + 1))
        if (at > 0 && tested.data[at - 1] == '\n' && tested.data[at + args.len] == '\n')
            return true;
    return false;
}

static int describe_examples(const rn_problem *p, rn_arena *a, rn_trial *t, rn_err *err)
{
    rn_buf tested = {0};
    int rc = list_tested(p, t->in.name, a, &tested, err);
    t->known = rn_arena_array(a, t->in.n_examples + 1, sizeof *t->known);
    t->unseen = rn_arena_array(a, t->in.n_examples + 1, sizeof *t->unseen);
    t->cases = rn_arena_array(a, t->in.n + 1, sizeof *t->cases);
    if (!rc && (!t->known || !t->unseen || !t->cases || !rn_buf_ok(&tested)))
        rc = rn_nomem(err, "inputs");
    for (size_t i = 0; i < t->in.n && !rc; i++) {
        const rn_input *in = &t->in.list[i];
        t->cases[i] = (rn_judge_case){.input = in->args, .expected = in->expected};
        if (i >= t->in.n_examples || in->expected.len == 0) continue;
        t->known[i] = true;
        t->unseen[i] = !is_tested(rn_buf_view(&tested), in->args);
        t->n_known++;
        t->n_unseen += t->unseen[i];
    }
    rn_buf_free(&tested);
    return rc;
}

static rn_bytes trimmed(rn_bytes s)
{
    while (s.len && strchr(" \t\r\n", s.data[s.len - 1]))
        s.len--;
    return s;
}

/* Sample input and output blocks of a program that reads standard input. */
static int take_blocks(const rn_problem *p, rn_bytes text, const rn_trial_plan *plan, rn_arena *a,
                       rn_trial *t, rn_err *err)
{
    rn_sample_io *io;
    size_t n;
    int rc = rn_examples_stdin(text, a, &io, &n, err);
    if (rc) return rc;
    if (n > plan->max_examples) n = plan->max_examples;
    t->in.list = rn_arena_array(a, n + 1, sizeof *t->in.list);
    t->known = rn_arena_array(a, n + 1, sizeof *t->known);
    t->unseen = rn_arena_array(a, n + 1, sizeof *t->unseen);
    t->cases = rn_arena_array(a, n + 1, sizeof *t->cases);
    if (!t->in.list || !t->known || !t->unseen || !t->cases) return rn_nomem(err, "inputs");
    t->in.n = t->in.n_examples = n;
    t->n_known = (uint32_t)n;
    for (size_t i = 0; i < n; i++) {
        t->in.list[i] = (rn_input){.args = io[i].input, .expected = io[i].output};
        t->cases[i] = (rn_judge_case){.input = io[i].input, .expected = io[i].output};
        t->known[i] = t->unseen[i] = true;
        for (size_t k = 0; k < p->n_cases; k++)
            if (rn_bytes_equal(trimmed(p->cases[k].input), trimmed(io[i].input)))
                t->unseen[i] = false;
        t->n_unseen += t->unseen[i];
    }
    return 0;
}

int rn_trial_make(const rn_problem *p, const rn_trial_plan *plan, rn_arena *a, rn_trial *out,
                  rn_err *err)
{
    rn_buf text = {0};
    *out = (rn_trial){.in = {.list = NULL}};
    if (p->form == RN_FORM_STDIO && !plan->stdio) return 0;
    write_text(p, &text);
    rn_bytes kept = {rn_arena_dup(a, text.data ? text.data : "", text.len), text.len};
    int rc = rn_buf_ok(&text) && kept.data ? 0 : rn_nomem(err, "inputs");
    rn_buf_free(&text);
    if (p->form == RN_FORM_STDIO) return rc ? rc : take_blocks(p, kept, plan, a, out, err);
    const rn_inputs_ask ask = {.text = kept,
                               .name = p->entry_point,
                               .seed = plan->seed,
                               .stream = rn_rng_stream(p->task_id, strlen(p->task_id)),
                               .max_examples = plan->max_examples,
                               .n_mutants = plan->n_mutants,
                               .n_pooled = plan->n_pooled,
                               .n_borders = plan->n_borders,
                               .max_total = plan->max_total};
    if (!rc) rc = rn_inputs_make(&ask, a, &out->in, err);
    assert(rc || out->in.n <= RN_JUDGE_MAX_VALUES);
    return rc ? rc : describe_examples(p, a, out, err);
}

/* ---- running --------------------------------------------------------------------------------- */

typedef struct running {
    const rn_problem *p;
    const rn_trial *t;
    rn_trial_program *list; /* [n] */
    size_t n, sent;
    const rn_trial_io *io;
    rn_arena *a;
} running;

void rn_trial_job(const rn_problem *p, const rn_trial *t, rn_bytes program, rn_judge_job *job)
{
    *job = (rn_judge_job){.mode = RN_JUDGE_VALUES,
                          .compare = p->form == RN_FORM_CALL ? RN_COMPARE_APPS : RN_COMPARE_STRICT,
                          .program = program,
                          .entry = t->in.name,
                          .cases = t->cases,
                          .n_cases = t->in.n,
                          .limits = {.cpu_ns = rn_trial_cpu_ns}};
}

int rn_trial_take(const rn_trial *t, const rn_judge *judge, const rn_judge_result *r, rn_arena *a,
                  rn_trial_program *out, rn_err *err)
{
    out->cpu_ns = r->cpu_ns;
    out->wall_ns = r->wall_ns;
    if (r->verdict == RN_V_SANDBOX) return 0;
    rn_judge_value *v = rn_arena_array(a, t->in.n, sizeof *v);
    if (!v) return rn_nomem(err, "values");
    memcpy(v, rn_judge_values(judge), t->in.n * sizeof *v);
    out->values = v;
    out->known = true;
    return 0;
}

uint32_t rn_trial_right(const rn_trial *t, const rn_trial_program *x, bool unseen)
{
    uint32_t n = 0;
    for (size_t i = 0; x->known && i < t->in.n_examples; i++)
        n += t->known[i] && x->values[i].agrees && (!unseen || t->unseen[i]);
    return n;
}

static int next_job(void *user, rn_judge_job *job, uint64_t *tag, rn_err *err)
{
    (void)err;
    running *x = user;
    while (x->sent < x->n && x->list[x->sent].known)
        x->sent++;
    if (x->sent == x->n) return 0;
    rn_trial_job(x->p, x->t, x->list[x->sent].text, job);
    job->limits.cpu_ns = x->io->cpu_ns;
    *tag = x->sent++;
    return 1;
}

static int take_result(void *user, uint64_t tag, const rn_judge_result *r, rn_err *err)
{
    running *x = user;
    return rn_trial_take(x->t, x->io->judge, r, x->a, &x->list[tag], err);
}

/* Sample blocks, one job each: tag / in.n is the program, the rest the block. */
static int next_block(void *user, rn_judge_job *job, uint64_t *tag, rn_err *err)
{
    running *x = user;
    const size_t m = x->t->in.n;
    if (x->sent == x->n * m) return 0;
    *job =
        (rn_judge_job){.program = x->list[x->sent / m].text, .limits = {.cpu_ns = x->io->cpu_ns}};
    int rc = rn_tests_job(x->p, x->a, job, err); /* the set's comparison; then other cases */
    job->cases = &x->t->cases[x->sent % m];
    job->n_cases = 1;
    *tag = x->sent++;
    return rc ? rc : 1;
}

static int take_block(void *user, uint64_t tag, const rn_judge_result *r, rn_err *err)
{
    (void)err;
    running *x = user;
    const size_t m = x->t->in.n;
    rn_trial_program *p = &x->list[tag / m];
    rn_judge_value *v = (rn_judge_value *)(uintptr_t)p->values + tag % m;
    p->cpu_ns += r->cpu_ns;
    p->wall_ns += r->wall_ns;
    p->known &= r->verdict != RN_V_SANDBOX;
    *v = (rn_judge_value){.kind = RN_VALUE_NONE, .agrees = r->verdict == RN_V_PASSED};
    return 0;
}

static int open_blocks(running *x, rn_err *err)
{
    for (size_t i = 0; i < x->n; i++) {
        x->list[i].values = rn_arena_array(x->a, x->t->in.n, sizeof *x->list[i].values);
        x->list[i].known = x->list[i].values != NULL;
        if (!x->list[i].known) return rn_nomem(err, "values");
    }
    return 0;
}

static int tick(void *user, rn_err *err)
{
    return rn_watch_check(((running *)user)->io->watch, err);
}

int rn_trial_run(const rn_problem *p, const rn_trial *t, rn_trial_program *list, size_t n,
                 const rn_trial_io *io, rn_arena *a, rn_err *err)
{
    running x = {.p = p, .t = t, .list = list, .n = n, .io = io, .a = a};
    rn_pump pump = {
        .judge = io->judge, .next = next_job, .done = take_result, .tick = tick, .user = &x};
    if (p->form == RN_FORM_STDIO && t->in.n) {
        int rc = open_blocks(&x, err);
        if (rc) return rc;
        pump.next = next_block;
        pump.done = take_block;
    }
    return t->in.n ? rn_pump_run(&pump, err) : 0;
}

/* ---- votes ----------------------------------------------------------------------------------- */

typedef struct named {
    const rn_judge_value *v;
    size_t program;
} named;

static int by_digest(const void *a, const void *b)
{
    const named *x = a, *y = b;
    int d = memcmp(x->v->digest, y->v->digest, sizeof x->v->digest);
    return d ? d : (x->program > y->program) - (x->program < y->program);
}

/* Numbers the values on input i. list: scratch [n]; number: scratch [n]. */
static void number_values(const rn_trial_program *programs, size_t n, size_t i, size_t n_inputs,
                          named *list, uint32_t *number, uint16_t *value)
{
    size_t n_values = 0;
    for (size_t k = 0; k < n; k++) {
        value[k * n_inputs + i] = 0;
        number[k] = 0;
        if (programs[k].known && programs[k].values[i].kind == RN_VALUE_DATA)
            list[n_values++] = (named){&programs[k].values[i], k};
    }
    qsort(list, n_values, sizeof *list, by_digest);
    for (size_t k = 0, first = 0; k < n_values; k++) { /* each stands for its first program */
        if (memcmp(list[k].v->digest, list[first].v->digest, sizeof list->v->digest) != 0)
            first = k;
        number[list[k].program] = (uint32_t)list[first].program + 1;
    }
    uint16_t next = 0;
    for (size_t k = 0; k < n; k++) {
        if (number[k] == 0) continue;
        bool is_first = number[k] == k + 1;
        if (is_first && next == UINT16_MAX) continue; /* that many programs all differ: no vote */
        value[k * n_inputs + i] = is_first ? ++next : value[(number[k] - 1) * n_inputs + i];
    }
}

static int count_votes(const rn_trial *t, const rn_trial_program *list, size_t n, rn_arena *a,
                       rn_ballot *out, rn_err *err)
{
    named *scratch = rn_arena_array(a, n + 1, sizeof *scratch);
    uint32_t *number = rn_arena_array(a, n + 1, sizeof *number);
    out->value = rn_arena_array(a, n * t->in.n + 1, sizeof *out->value);
    out->right = rn_arena_array(a, n + 1, sizeof *out->right);
    out->unseen = rn_arena_array(a, n + 1, sizeof *out->unseen);
    if (!scratch || !number || !out->value || !out->right || !out->unseen)
        return rn_nomem(err, "votes");
    for (size_t i = 0; i < t->in.n; i++)
        number_values(list, n, i, t->in.n, scratch, number, out->value);
    for (size_t k = 0; k < n; k++) {
        out->right[k] = rn_trial_right(t, &list[k], false);
        out->unseen[k] = rn_trial_right(t, &list[k], true);
    }
    return 0;
}

int rn_trial_vote(const rn_trial *t, const rn_trial_program *list, size_t n, const size_t *program,
                  size_t n_samples, rn_arena *a, rn_ballot *out, rn_err *err)
{
    const size_t m = t->in.n;
    int rc = count_votes(t, list, n, a, out, err);
    uint16_t *value = rn_arena_array(a, n_samples * m + 1, sizeof *value);
    uint32_t *right = rn_arena_array(a, n_samples + 1, sizeof *right);
    uint8_t *cut = rn_arena_array(a, n_samples + 1, 1);
    uint8_t *pass = rn_arena_array(a, n_samples + 1, 1); /* zeros: the score does not ask */
    out->score = rn_arena_array(a, n_samples + 1, sizeof *out->score);
    if (!rc && (!value || !right || !cut || !pass || !out->score)) rc = rn_nomem(err, "votes");
    for (size_t i = 0; i < n_samples && !rc; i++) {
        const size_t at = program[i];
        cut[i] = at == SIZE_MAX;
        if (cut[i]) continue;
        if (m) memcpy(value + i * m, out->value + at * m, m * sizeof *value);
        right[i] = out->right[at];
    }
    const rn_votes votes = {.value = value,
                            .right = right,
                            .pass = pass,
                            .cut = cut,
                            .n = (int64_t)n_samples,
                            .n_inputs = m};
    return rc ? rc : rn_stat_votes_score(&votes, out->score, err);
}
