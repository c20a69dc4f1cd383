/*
 * units.c: lists of units, their files, how they are balanced, and the share of one process.
 *
 * Balancing divides by index, since nothing is known about single samples: a long unit becomes
 * pieces of at most 1/32 of the mean task and 1/4 of the shortest, so that the last piece that a
 * task gets makes it a few percent too long. That is what is expected; what comes differs, since a
 * few programs that run into their time limit take most of the time and nobody knows them before;
 * small pieces spread them where they belong to one problem (HumanEval/155: a quarter of CodeGen's
 * time). So where nodes work off several tasks each, in order, these get shorter: 1/2 of the work,
 * 1/4, 1/8, 1/8 ("factoring", Hummel, Schonberg, Flynn 1992). A node that had bad luck with the
 * long one is late for the short ones, and others take them.
 */
#include "run/units.h"

#include "base/file.h"
#include "base/jout.h"
#include "base/json.h"

enum { PIECES_PER_TASK = 32, PIECES_OF_SHORTEST = 4, MAX_ROUNDS = 5, MAX_LINE = 1 << 20 };
/* Seconds that the shortest task has to take: a task takes some 2 s to start (scheduling, copying
 * its part, a warm interpreter), which is work that nobody asked for. */
static const double shortest_s = 10;

/* ---- lists ----------------------------------------------------------------------------------- */

void rn_units_free(rn_units *u)
{
    if (!u) return;
    rn_vec_free(&u->v);
    rn_arena_free(&u->arena);
}

int rn_units_add(rn_units *u, const rn_unit *x, rn_err *err)
{
    assert(x->from < x->to && x->n > 0);
    rn_unit copy = *x;
    copy.task_id = rn_arena_strdup(&u->arena, x->task_id);
    if (copy.task_id && rn_vec_push(&u->v, copy)) return 0;
    return rn_nomem(err, "list of units");
}

double rn_units_seconds(const rn_units *u)
{
    double s = 0;
    for (size_t i = 0; i < u->v.n; i++)
        s += u->v.data[i].seconds;
    return s;
}

int rn_units_write(const rn_units *u, const char *path, rn_err *err)
{
    rn_buf out = {0};
    for (size_t i = 0; i < u->v.n; i++) {
        const rn_unit *x = &u->v.data[i];
        rn_buf_putc(&out, '{');
        rn_jout_whole(&out, "run", x->run_id);
        rn_jout_whole(&out, "problem", x->problem_id);
        rn_jout_text(&out, "task_id", x->task_id);
        rn_jout_whole(&out, "from", x->from);
        rn_jout_whole(&out, "to", x->to);
        rn_jout_whole(&out, "n", x->n);
        rn_jout_number(&out, "seconds", x->seconds);
        rn_jout_boolean(&out, "whole", x->whole);
        rn_buf_puts(&out, "}\n");
    }
    int rc =
        rn_buf_ok(&out) ? rn_file_write_atomic(path, rn_buf_view(&out), err) : rn_nomem(err, path);
    rn_buf_free(&out);
    return rc;
}

static int read_unit(rn_bytes line, rn_json_at at, rn_units *out, rn_err *err)
{
    json_t *v = NULL;
    rn_bytes id = {0};
    rn_unit x = {.seconds = 0};
    int rc = rn_json_parse(line, at, &v, err);
    if (!rc) rc = rn_json_bytes(v, "task_id", at, &id, err);
    if (!rc) rc = rn_json_int(v, "from", at, &x.from, err);
    if (!rc) rc = rn_json_int(v, "to", at, &x.to, err);
    x.n = x.to - x.from;
    if (!rc) rc = rn_json_int_opt(v, "run", at, &x.run_id, err);
    if (!rc) rc = rn_json_int_opt(v, "problem", at, &x.problem_id, err);
    if (!rc) rc = rn_json_int_opt(v, "n", at, &x.n, err);
    if (!rc) rc = rn_json_real_opt(v, "seconds", at, &x.seconds, err);
    if (!rc) x.whole = json_is_true(json_object_get(v, "whole"));
    if (!rc && (x.from < 0 || x.from >= x.to || x.n < 1 || x.n > x.to - x.from ||
                !(x.seconds >= 0) || memchr(id.data, '\0', id.len)))
        rc = rn_fail_at(err, RN_EFORMAT, at.line, -1,
                        "%s: line %lld: not a valid unit: 0 <= from < to, 0 < n <= to - from and "
                        "seconds >= 0 are needed",
                        at.path, (long long)at.line);
    x.task_id = id.data;
    if (!rc) rc = rn_units_add(out, &x, err);
    json_decref(v);
    return rc;
}

int rn_units_read(const char *path, rn_units *out, rn_err *err)
{
    rn_reader *r = NULL;
    rn_bytes line;
    int rc = rn_reader_open(path, &r, err), more = 0;
    while (!rc && (more = rn_reader_line(r, MAX_LINE, &line, err)) > 0)
        if (line.len) rc = read_unit(line, (rn_json_at){path, rn_reader_line_no(r)}, out, err);
    rn_reader_close(r);
    return rc ? rc : more;
}

/* ---- balance --------------------------------------------------------------------------------- */

/* The i-th of `pieces` equal parts of x by index. */
static rn_unit piece_of(const rn_unit *x, int64_t i, int64_t pieces)
{
    rn_unit p = *x;
    int64_t len = x->to - x->from;
    p.from = x->from + len * i / pieces;
    p.to = x->from + len * (i + 1) / pieces;
    p.n = x->n * (i + 1) / pieces - x->n * i / pieces;
    p.seconds = x->seconds * (double)p.n / (double)x->n;
    return p;
}

static int64_t n_pieces(const rn_unit *x, double most_s)
{
    int64_t len = x->to - x->from;
    if (x->whole || most_s <= 0 || x->seconds <= most_s) return 1;
    double want = x->seconds / most_s;
    int64_t n = want < (double)len ? (int64_t)want + 1 : len;
    return n < x->n ? n : x->n; /* every piece has something to do */
}

static int divide(const rn_units *u, double most_s, rn_units *out, rn_err *err)
{
    for (size_t i = 0; i < u->v.n; i++) {
        int64_t n = n_pieces(&u->v.data[i], most_s);
        for (int64_t k = 0; k < n; k++) {
            rn_unit p = piece_of(&u->v.data[i], k, n);
            int rc = rn_units_add(out, &p, err);
            if (rc) return rc;
        }
    }
    return 0;
}

/* Longest first; units of equal time by run, problem and index, so that the order is one. */
static int by_time(const void *a, const void *b)
{
    const rn_unit *x = a, *y = b;
    if (x->seconds != y->seconds) return x->seconds < y->seconds ? 1 : -1;
    if (x->run_id != y->run_id) return x->run_id < y->run_id ? -1 : 1;
    int c = strcmp(x->task_id, y->task_id);
    return c ? c : (x->from > y->from) - (x->from < y->from);
}

typedef struct load {
    double seconds, most; /* so far; that it should get */
    size_t task;
} load;

/* Whether a is further from what it should get than b. */
static bool emptier(const load *a, const load *b)
{
    double x = a->most - a->seconds, y = b->most - b->seconds;
    return x != y ? x > y : a->task < b->task;
}

/* Restores the heap below i: the emptiest task is at the top. */
static void sift(load *h, size_t n, size_t i)
{
    for (;;) {
        size_t top = i, l = 2 * i + 1, r = l + 1;
        if (l < n && emptier(&h[l], &h[top])) top = l;
        if (r < n && emptier(&h[r], &h[top])) top = r;
        if (top == i) return;
        load t = h[i];
        h[i] = h[top];
        h[top] = t;
        i = top;
    }
}

size_t rn_units_rounds(double seconds, size_t n_nodes)
{
    size_t n = 1;
    double next = seconds / (double)n_nodes / 2; /* the shortest task with one round more */
    for (; n < MAX_ROUNDS && next >= shortest_s; next /= 2)
        n++;
    return n;
}

/* What every task should get, longest first; returns the least. Tasks start in the order of their
 * numbers, n_nodes at a time: a round. */
static double set_targets(load *h, size_t n_tasks, size_t n_nodes, double seconds)
{
    size_t n_rounds = (n_tasks + n_nodes - 1) / n_nodes;
    double sum = 0, least = seconds;
    for (size_t i = 0; i < n_tasks; i++) {
        size_t round = i / n_nodes;
        if (round + 1 == n_rounds && round) round--; /* the last two are equal */
        h[i] = (load){.task = i, .most = ldexp(1, -(int)round)};
        sum += h[i].most;
    }
    for (size_t i = 0; i < n_tasks; i++) {
        h[i].most *= seconds / sum;
        least = fmin(least, h[i].most);
    }
    return least;
}

int rn_units_balance(const rn_units *u, size_t n_tasks, size_t n_nodes, rn_units *tasks,
                     rn_err *err)
{
    assert(n_tasks > 0 && n_nodes > 0);
    rn_units pieces = {0};
    load *heap = calloc(n_tasks, sizeof *heap); /* [n_tasks] */
    int rc = heap ? 0 : rn_nomem(err, "balance of tasks");
    double all = rn_units_seconds(u);
    if (!rc) {
        double least = set_targets(heap, n_tasks, n_nodes, all); /* falls, so it is a heap */
        rc = divide(u, fmin(all / (double)(PIECES_PER_TASK * n_tasks), least / PIECES_OF_SHORTEST),
                    &pieces, err);
    }
    if (!rc && pieces.v.n) qsort(pieces.v.data, pieces.v.n, sizeof *pieces.v.data, by_time);
    for (size_t i = 0; !rc && i < pieces.v.n; i++) {
        rc = rn_units_add(&tasks[heap[0].task], &pieces.v.data[i], err);
        /* A unit of unknown time still counts a little, or one task would get all of them. */
        heap[0].seconds += pieces.v.data[i].seconds + 1e-9;
        sift(heap, n_tasks, 0);
    }
    free(heap);
    rn_units_free(&pieces);
    return rc;
}

/* ---- the share of one process ---------------------------------------------------------------- */

struct rn_share {
    int64_t i, n; /* shard i of n; n 0: by units */
    rn_units units;
};

static bool env_number(const char *name, int64_t *out)
{
    const char *s = getenv(name);
    char *end;
    if (!s || !*s) return false;
    *out = strtoll(s, &end, 10);
    return *end == '\0' && *out >= 0;
}

/* The index, from 0, and the size of the array job that this process belongs to; size 0: the
 * scheduler does not say. */
static bool from_scheduler(int64_t *i, int64_t *n)
{
    int64_t first = 0;
    *n = 0;
    if (env_number("SLURM_ARRAY_TASK_ID", i)) {
        if (env_number("SLURM_ARRAY_TASK_MIN", &first)) *i -= first;
        env_number("SLURM_ARRAY_TASK_COUNT", n);
        return true;
    }
    if (env_number("JOB_COMPLETION_INDEX", i)) return true; /* Kubernetes, from 0 */
    if (env_number("PBS_ARRAY_INDEX", i)) return true;      /* as given to -J: from 0 */
    if (env_number("LSB_JOBINDEX", i) && *i > 0) {          /* LSF counts from 1 */
        --*i;
        return true;
    }
    return false;
}

static int parse_shard(const char *text, int64_t *i, int64_t *n, rn_err *err)
{
    char *end;
    if (strncmp(text, "auto", 4) == 0 && (text[4] == '\0' || text[4] == '/')) {
        if (!from_scheduler(i, n))
            return rn_fail(err, RN_EINVAL,
                           "--shard %s: this process is not part of an array job (none of "
                           "SLURM_ARRAY_TASK_ID, JOB_COMPLETION_INDEX, PBS_ARRAY_INDEX, "
                           "LSB_JOBINDEX is set); write --shard I/N",
                           text);
        if (text[4] == '/') {
            *n = strtoll(text + 5, &end, 10);
            if (end == text + 5 || *end) *n = 0;
        }
        if (*n > 0 && *i < *n) return 0;
        return rn_fail(
            err, RN_EINVAL,
            "--shard %s: the scheduler gives index %lld, and the number of shards is %s; "
            "write --shard auto/N with N above the index",
            text, (long long)*i, *n > 0 ? "smaller" : "not known");
    }
    *i = strtoll(text, &end, 10);
    bool ok = end != text && *end == '/' && *text != '-' && *text != '+';
    if (ok) {
        const char *second = end + 1;
        *n = strtoll(second, &end, 10);
        ok = end != second && *end == '\0' && *n > 0 && *i < *n;
    }
    return ok ? 0
              : rn_fail(err, RN_EINVAL,
                        "--shard '%s': write I/N with I from 0 to N-1, e.g. 0/4 to 3/4, or auto",
                        text);
}

static int by_problem(const void *a, const void *b)
{
    const rn_unit *x = a, *y = b;
    int c = strcmp(x->task_id, y->task_id);
    return c ? c : (x->from > y->from) - (x->from < y->from);
}

int rn_share_check(const rn_share_options *o, rn_err *err)
{
    int64_t i, n;
    if (o->shard && o->units)
        return rn_fail(err, RN_EINVAL, "--shard and --units exclude each other");
    return o->shard ? parse_shard(o->shard, &i, &n, err) : 0;
}

int rn_share_open(const rn_share_options *o, rn_share **out, rn_err *err)
{
    *out = NULL;
    if (!o->shard && !o->units) return 0;
    int bad = rn_share_check(o, err);
    if (bad) return bad;
    rn_share *s = calloc(1, sizeof *s);
    if (!s) return rn_nomem(err, "share of the work");
    int rc = o->shard ? parse_shard(o->shard, &s->i, &s->n, err)
                      : rn_units_read(o->units, &s->units, err);
    if (!rc && s->units.v.n)
        qsort(s->units.v.data, s->units.v.n, sizeof *s->units.v.data, by_problem);
    if (rc)
        rn_share_close(s);
    else
        *out = s;
    return rc;
}

void rn_share_close(rn_share *s)
{
    if (!s) return;
    rn_units_free(&s->units);
    free(s);
}

/* A set with few problems for that many shards is divided within its problems too: index i of a
 * problem is in block i mod n_blocks, so that neither n nor what is there already matters. */
static bool in_shard(const rn_share *s, const rn_share_problem *p, int64_t idx)
{
    int64_t n_blocks = 1, n_problems = (int64_t)p->n_problems;
    if (!p->whole && n_problems > 0 && n_problems < 4 * s->n)
        n_blocks = (4 * s->n + n_problems - 1) / n_problems;
    return ((int64_t)p->place * n_blocks + idx % n_blocks) % s->n == s->i;
}

bool rn_share_has(const rn_share *s, const rn_share_problem *p, int64_t idx)
{
    if (!s) return true;
    if (s->n) return in_shard(s, p, idx);
    size_t lo = 0, hi = s->units.v.n; /* the first unit of the problem */
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (strcmp(s->units.v.data[mid].task_id, p->task_id) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    for (; lo < s->units.v.n && strcmp(s->units.v.data[lo].task_id, p->task_id) == 0; lo++)
        if (idx >= s->units.v.data[lo].from && idx < s->units.v.data[lo].to) return true;
    return false;
}
