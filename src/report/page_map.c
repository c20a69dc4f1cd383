/*
 * page_map.c: problems, counts and chosen texts as JSON, bounded in size whatever the store holds.
 *
 * Which texts: of each problem and model the first sample of each verdict, and the greedy answer.
 * Picks come in rounds: passed samples, greedy answers, then one round for each further verdict of
 * a cell. A round that does not fit into what is left of SAMPLES_BYTES is thinned evenly: of the
 * problems every second, every third, ... is kept, so that the ones with texts lie all over the
 * set. A text is cut at TEXT_BYTES, at a whole character; prompts are cut at the largest length, up
 * to TEXT_BYTES, with which all of them take PROMPTS_BYTES. The page says what was left out.
 */
#include "report/render.h"

#include "base/jout.h"
#include "store/store.h"

enum {
    TEXT_BYTES = 4000,
    PROMPTS_BYTES = 700 * 1000,
    SAMPLES_BYTES = 2300 * 1000, /* with everything around the texts */
    PICK_BYTES = 130,            /* about what a pick takes beside its text */
    N_KINDS = RN_N_VERDICTS + 1, /* and none */
    ROUND_GREEDY = 1,
    N_ROUNDS = N_KINDS + 1,
};

/* A sample whose text goes into the page, if there is room. */
typedef struct pick {
    size_t problem; /* its place in the task */
    int64_t sample_id;
    int32_t idx, gen_tok, text_bytes;
    int16_t verdict; /* -1 none */
    uint8_t round;
    bool greedy, cut;
} pick;

typedef RN_VEC(pick) pick_list;

/* One task at work. */
typedef struct mapper {
    const rn_report_task *task;
    rn_store *s;
    int64_t *problem_ids; /* [n_problems] of the report's problems */
    char **prompts;       /* [n_problems], in `arena`; NULL unknown */
    size_t n_problems;
    pick_list *picks;  /* [n_entrants] */
    int64_t n_samples; /* that picks are from */
    rn_arena arena;
    rn_err *err;
} mapper;

static int on_problem(void *user, const rn_store_problem_row *row)
{
    mapper *m = user;
    if (m->n_problems == m->task->n_problems) return 0; /* added since the report was made */
    m->problem_ids[m->n_problems] = row->problem_id;
    m->prompts[m->n_problems] = rn_arena_strdup(&m->arena, row->x.prompt);
    if (row->x.prompt && !m->prompts[m->n_problems]) return rn_nomem(m->err, "page");
    m->n_problems++;
    return 0;
}

/* The first of each verdict among the n cells of one problem. */
static int pick_cells(mapper *m, pick_list *list, size_t problem, const rn_store_cell *cells,
                      size_t n, bool greedy)
{
    const rn_store_cell *first[N_KINDS] = {0};
    for (size_t i = 0; i < n; i++) {
        int kind = cells[i].verdict < 0 ? RN_N_VERDICTS : cells[i].verdict;
        if (!first[kind]) first[kind] = &cells[i];
    }
    int rc = 0;
    uint8_t round = greedy ? ROUND_GREEDY : first[RN_V_PASSED] ? 0 : ROUND_GREEDY + 1;
    for (int kind = 0; kind < N_KINDS && !rc; kind++) {
        const rn_store_cell *c = first[kind];
        if (!c) continue;
        const pick p = {.problem = problem,
                        .sample_id = c->sample_id,
                        .idx = c->idx,
                        .gen_tok = c->gen_tok,
                        .text_bytes = c->text_bytes,
                        .verdict = c->verdict,
                        .round = round,
                        .greedy = greedy,
                        .cut = c->cut};
        rc = rn_vec_push(list, p) ? 0 : rn_nomem(m->err, "page");
        if (greedy) break;
        round = round == 0 ? ROUND_GREEDY + 1 : (uint8_t)(round + 1);
    }
    return rc;
}

/* Cells come problem by problem in the order of the set. */
static int pick_run(mapper *m, pick_list *list, int64_t run_id, bool greedy)
{
    rn_arena arena = {0};
    rn_store_cell *cells = NULL;
    size_t n = 0, problem = 0;
    int rc = rn_store_cells(m->s, run_id, 0, &arena, &cells, &n, m->err);
    for (size_t i = 0; i < n && !rc;) {
        size_t end = i + 1;
        while (end < n && cells[end].problem_id == cells[i].problem_id)
            end++;
        while (problem < m->n_problems && m->problem_ids[problem] != cells[i].problem_id)
            problem++;
        if (problem == m->n_problems) break;
        rc = pick_cells(m, list, problem, &cells[i], end - i, greedy);
        i = end;
    }
    m->n_samples += (int64_t)n;
    rn_arena_free(&arena);
    return rc;
}

static size_t pick_cost(const pick *p)
{
    size_t text = p->text_bytes < TEXT_BYTES ? (size_t)p->text_bytes : TEXT_BYTES;
    return text + text / 8 + PICK_BYTES; /* line ends and quotes take two bytes */
}

/* By round: every how many problems a text is kept; 0: none. */
static void thin(const mapper *m, size_t *left, size_t every[N_ROUNDS])
{
    for (int round = 0; round < N_ROUNDS; round++) {
        size_t cost = 0, longest = 0;
        for (size_t e = 0; e < m->task->n_entrants; e++)
            for (size_t i = 0; i < m->picks[e].n; i++) {
                const pick *p = &m->picks[e].data[i];
                if (p->round != round) continue;
                cost += pick_cost(p);
                if (pick_cost(p) > longest) longest = pick_cost(p);
            }
        every[round] = *left > longest ? 1 + cost / *left : 0;
        *left -= cost < *left ? cost : *left;
    }
}

/* `text` as a JSON string of at most TEXT_BYTES bytes of it. */
static void put_cut(rn_buf *out, const char *key, rn_bytes text, size_t cap)
{
    if (text.len > cap) {
        text.len = cap;
        while (text.len && ((unsigned char)text.data[text.len] & 0xc0) == 0x80)
            text.len--;
    }
    rn_jout_key(out, key);
    rn_buf_json(out, text);
}

typedef struct detail {
    rn_buf *out;
    bool found;
} detail;

static int on_verdict(void *user, const rn_store_verdict_row *row)
{
    enum { SOME = 240 };
    detail *d = user;
    if (d->found) return 0;
    d->found = true;
    size_t len = strlen(row->x.detail);
    if (len) put_cut(d->out, "detail", (rn_bytes){row->x.detail, len}, SOME);
    if (row->x.n_tests >= 0) rn_jout_whole(d->out, "tests", row->x.n_tests);
    if (row->x.n_passed >= 0) rn_jout_whole(d->out, "tests_passed", row->x.n_passed);
    if (row->x.cpu_ns >= 0) rn_jout_number(d->out, "cpu_s", (double)row->x.cpu_ns / 1e9);
    return 0;
}

/* What the text takes in the page, where '<' becomes six bytes. */
static size_t page_bytes(const char *s, size_t len)
{
    size_t n = len;
    for (size_t i = 0; i < len; i++)
        n += s[i] == '<' ? 5 : 0;
    return n;
}

/* Appends the pick unless it is larger than *room. */
static int put_pick(mapper *m, const pick *p, size_t *room, int64_t *n_texts, rn_buf *out)
{
    rn_buf text = {0}, item = {0};
    detail d = {.out = &item};
    int rc = rn_store_sample_text(m->s, p->sample_id, &text, m->err);
    rn_buf_putc(&item, '{');
    rn_jout_whole(&item, "problem", (int64_t)p->problem);
    rn_jout_whole(&item, "idx", p->idx);
    if (p->greedy) rn_jout_boolean(&item, "greedy", true);
    rn_jout_text(&item, "verdict", p->verdict < 0 ? NULL : rn_verdict_name((rn_verdict)p->verdict));
    if (!rc) rc = rn_store_each_verdict(m->s, p->sample_id, on_verdict, &d, m->err);
    if (p->gen_tok >= 0) rn_jout_whole(&item, "tokens", p->gen_tok);
    if (p->cut) rn_jout_boolean(&item, "length", true);
    rn_jout_whole(&item, "bytes", (int64_t)text.len);
    put_cut(&item, "text", rn_buf_view(&text), TEXT_BYTES);
    rn_buf_putc(&item, '}');
    if (!rc && (!rn_buf_ok(&item) || !rn_buf_ok(&text))) rc = rn_nomem(m->err, "page");
    size_t takes = page_bytes(item.data ? item.data : "", item.len) + 2;
    if (!rc && takes <= *room) {
        *room -= takes;
        ++*n_texts;
        rn_jout_item(out);
        rn_buf_putc(out, '\n');
        rn_buf_add(out, item.data, item.len);
    }
    rn_buf_free(&item);
    rn_buf_free(&text);
    return rc;
}

/* What raw text takes in the page at most: line ends and quotes two bytes, others six. */
static size_t escaped_bytes(const char *s, size_t len)
{
    size_t n = len;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)s[i];
        n += c == '\n' || c == '"' || c == '\\' ? 1 : c == '<' || c < 0x20 || c == 0x7f ? 5 : 0;
    }
    return n;
}

/* The largest length, up to TEXT_BYTES, to which all prompts together take at most `room`. */
static size_t prompt_cap(const mapper *m, size_t room)
{
    size_t low = 0, high = TEXT_BYTES;
    while (low < high) {
        size_t middle = (low + high + 1) / 2, sum = 0;
        for (size_t i = 0; i < m->n_problems; i++) {
            if (!m->prompts[i]) continue;
            size_t len = strlen(m->prompts[i]);
            sum += escaped_bytes(m->prompts[i], len < middle ? len : middle);
        }
        if (sum <= room)
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}

static void put_problems(const mapper *m, size_t room, rn_buf *out)
{
    size_t cap = prompt_cap(m, room);
    rn_jout_open(out, "problems", "[");
    for (size_t i = 0; i < m->task->n_problems; i++) {
        rn_jout_open(out, NULL, "\n{");
        rn_jout_text(out, "id", m->task->task_ids[i]);
        if (i < m->n_problems && m->prompts[i]) {
            rn_bytes prompt = rn_bytes_of(m->prompts[i]);
            put_cut(out, "prompt", prompt, cap);
            if (prompt.len > cap) rn_jout_whole(out, "bytes", (int64_t)prompt.len);
        }
        rn_buf_putc(out, '}');
    }
    rn_buf_putc(out, ']');
}

static void put_counts(const rn_report_task *t, const rn_count *counts, rn_buf *out)
{
    static const char *const names[] = {"n", "c", "missing"};
    for (int field = 0; field < 3; field++) {
        rn_jout_open(out, names[field], "[");
        for (size_t i = 0; i < t->n_problems; i++) {
            int64_t v = field == 0 ? counts[i].n : field == 1 ? counts[i].c : counts[i].missing;
            rn_buf_printf(out, i ? ",%lld" : "%lld", (long long)v);
        }
        rn_buf_putc(out, ']');
    }
}

/* Round by round, so that a bound that is met early leaves out the least wanted. */
static int put_samples(mapper *m, size_t e, const size_t every[N_ROUNDS], size_t *room,
                       int64_t *n_texts, rn_buf *out)
{
    const pick_list *list = &m->picks[e];
    int rc = 0;
    rn_jout_open(out, "samples", "[");
    for (int round = 0; round < N_ROUNDS; round++)
        for (size_t i = 0; i < list->n && every[round] && !rc; i++) {
            const pick *p = &list->data[i];
            if (p->round == round && p->problem % every[round] == 0)
                rc = put_pick(m, p, room, n_texts, out);
        }
    rn_buf_putc(out, ']');
    return rc;
}

static int put_entrants(mapper *m, size_t share, rn_buf *out)
{
    const rn_report_task *t = m->task;
    size_t every[N_ROUNDS], left = share, room = share + share / 8;

    int64_t n_texts = 0;
    int rc = 0;
    thin(m, &left, every);
    rn_jout_open(out, "models", "[");
    for (size_t e = 0; e < t->n_entrants && !rc; e++) {
        const rn_entrant *x = &t->entrants[e];

        if (!x->counts && !x->greedy_run_id) continue;
        rn_jout_open(out, NULL, "\n{");
        rn_jout_text(out, "model", x->model);
        if (x->counts) put_counts(t, x->counts, out);
        /* Texts full of escapes take more than thin() counted: no model takes another's share. */
        size_t own = room / (t->n_entrants - e), before = own;
        rc = put_samples(m, e, every, &own, &n_texts, out);
        room -= before - own;
        rn_buf_putc(out, '}');
    }
    rn_buf_putc(out, ']');
    rn_jout_whole(out, "texts", n_texts);
    rn_jout_whole(out, "of", m->n_samples);
    rn_jout_whole(out, "text_bytes", TEXT_BYTES);
    return rc;
}

static int open_task(mapper *m)
{
    const rn_report_task *t = m->task;
    m->problem_ids = rn_arena_array(&m->arena, t->n_problems + 1, sizeof *m->problem_ids);
    m->prompts = rn_arena_array(&m->arena, t->n_problems + 1, sizeof *m->prompts);
    m->picks = rn_arena_array(&m->arena, t->n_entrants + 1, sizeof *m->picks);
    if (!m->problem_ids || !m->prompts || !m->picks) return rn_nomem(m->err, "page");
    int rc = rn_store_open(t->store, RN_STORE_READ, &m->s, m->err);
    if (!rc) rc = rn_store_begin(m->s, m->err);
    if (!rc) rc = rn_store_each_problem(m->s, t->set_id, on_problem, m, m->err);
    for (size_t e = 0; e < t->n_entrants && !rc; e++) {
        const rn_entrant *x = &t->entrants[e];
        if (x->run_id) rc = pick_run(m, &m->picks[e], x->run_id, false);
        if (!rc && x->greedy_run_id) rc = pick_run(m, &m->picks[e], x->greedy_run_id, true);
    }
    return rc;
}

static void close_task(mapper *m)
{
    for (size_t e = 0; m->picks && e < m->task->n_entrants; e++)
        rn_vec_free(&m->picks[e]);
    if (m->s) rn_store_rollback(m->s);
    rn_store_close(m->s);
    rn_arena_free(&m->arena);
}

int rn_html_map(const rn_report *r, rn_buf *out, rn_err *err)
{
    size_t n_stored = 0;
    int rc = 0;
    for (size_t i = 0; i < r->n_tasks; i++)
        n_stored += r->tasks[i].store != NULL;
    rn_buf_puts(out, "{\"tasks\":[");
    for (size_t i = 0; i < r->n_tasks && !rc; i++) {
        mapper m = {.task = &r->tasks[i], .err = err};
        if (!m.task->store) continue;
        rc = open_task(&m);
        if (!rc) {
            rn_jout_open(out, NULL, "\n{");
            rn_jout_text(out, "task", m.task->name);
            rn_jout_text(out, "hash", m.task->hash);
            put_problems(&m, PROMPTS_BYTES / n_stored, out);
            rc = put_entrants(&m, SAMPLES_BYTES / n_stored, out);
            rn_buf_putc(out, '}');
        }
        close_task(&m);
    }
    rn_buf_puts(out, "]}");
    return rc ? rc : rn_buf_ok(out) ? 0 : rn_nomem(err, "page");
}
