/*
 * host_many.c: STDIO: several cases of a program in one child.
 *
 * A child for each case is most of what a program costs that reads its standard input. One child
 * runs many cases where that changes nothing: the program is plain and steady (host_plain.c), so
 * that it has no way to the process but its names and its streams, and each case gets both anew.
 * The child finds out; if it is not so, nothing has been run yet, and each case gets its own child.
 *
 *   - The child has the inputs, the expected texts stay here; what it printed is one file, which is
 *     cut where the child said that cases ended.
 *   - Each case has the whole time limit, as alone. A case that the host ends for its time has met
 *     it; however else the child ends, the case that was under way is run again, alone.
 *   - What earlier cases made stays in memory: a child that holds much leaves the rest to another.
 *   - Without all_cases a child takes few cases at first: most wrong programs fail in one of them.
 */
#include "judge/host.h"

#include "judge/checker.h"

#include <stdlib.h>
#include <sys/mman.h>

enum { FEW = 4 };

/* What the library keeps from one case to the next, and a program could find: a word that spares a
 * child which finds the name in the code (host_plain.c), however the source spells it. */
static bool keeps_state(rn_bytes program)
{
    return rn_bytes_find(program, rn_bytes_of("random"), 0) != SIZE_MAX ||
           rn_bytes_find(program, rn_bytes_of("argv"), 0) != SIZE_MAX;
}

size_t rn_many_next(const rn_judge_job *job, size_t before)
{
    const bool may = job->mode == RN_JUDGE_STDIO && job->n_cases > 1 && before != 1;
    if (!may || keeps_state(job->program)) return 1;
    const size_t n = job->all_cases ? RN_MAX_MANY : before ? FEW * before : FEW;
    return n < RN_MAX_MANY ? n : RN_MAX_MANY;
}

/* The cases as the child gets them: inputs in memory that it inherits, and how long the expected
 * texts are. */
static rn_judge_case *lend_cases(const rn_judge_job *job, size_t from, size_t n, char **text,
                                 size_t *len)
{
    *len = 1;
    for (size_t i = 0; i < n; i++)
        *len += job->cases[from + i].input.len;
    rn_judge_case *cases = calloc(n, sizeof *cases);
    *text = mmap(NULL, *len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (!cases || *text == MAP_FAILED) {
        if (*text != MAP_FAILED) munmap(*text, *len);
        free(cases);
        return NULL;
    }
    char *at = *text;
    for (size_t i = 0; i < n; i++) {
        const rn_judge_case *c = &job->cases[from + i];
        if (c->input.len) memcpy(at, c->input.data, c->input.len);
        cases[i] = (rn_judge_case){.input = {.data = at, .len = c->input.len},
                                   .expected = {.len = c->expected.len}};
        at += c->input.len;
    }
    return cases;
}

/* The verdict of a case that ended by itself, having printed `got`. */
static int judge_case(const rn_judge_job *job, const rn_judge_case *c, rn_bytes got, rn_verdict *v,
                      rn_err *err)
{
    if ((int64_t)got.len >= job->limits.output_bytes + 4 * (int64_t)c->expected.len) {
        *v = RN_V_OUTPUT_LIMIT;
        return 0;
    }
    bool agrees = false;
    int rc = rn_compare_text(job->compare, got, c->expected, &agrees, err);
    if (!rc) *v = agrees ? RN_V_PASSED : RN_V_WRONG;
    return rc;
}

/* Cases that the child says it ended; fewer where it contradicts itself, or where its output met a
 * limit that may be that of all. */
static int take_ended(const rn_judge_job *job, size_t from, size_t n, const rn_outcome *o,
                      rn_many *m, int64_t *most_ns, rn_err *err)
{
    const rn_values *told = rn_watch_values();
    const int32_t at = told->at;
    const size_t n_ended = at < 0 ? 0 : (size_t)at < n ? (size_t)at : n;
    rn_bytes out;
    int rc = n_ended ? rn_watch_output(&out, err) : 0;
    size_t begin = 0;
    for (size_t i = 0; !rc && i < n_ended; i++, m->n_known++) {
        const rn_case_end *e = &told->ended[i];
        const bool ok = e->out_bytes >= (int64_t)begin && e->out_bytes <= (int64_t)out.len;
        if (!ok || e->verdict < 0 || e->verdict >= RN_N_VERDICTS) return 0;
        if (e->out_bytes >= o->output_limit) return 0;
        const size_t end = (size_t)e->out_bytes;
        m->v[i] = (rn_verdict)e->verdict;
        if (m->v[i] == RN_V_PASSED) {
            const rn_bytes got = {.data = end > begin ? out.data + begin : "", .len = end - begin};
            rc = judge_case(job, &job->cases[from + i], got, &m->v[i], err);
        } else if (!m->failed) {
            memcpy(m->detail, told->detail, sizeof m->detail);
            m->detail[sizeof m->detail - 1] = '\0';
        }
        m->failed |= m->v[i] != RN_V_PASSED;
        if (e->cpu_ns > *most_ns) *most_ns = e->cpu_ns;
        begin = end;
    }
    return rc;
}

int rn_many_run(rn_confine *c, const rn_judge_job *job, size_t from, size_t n, rn_many *m,
                rn_judge_result *r, rn_err *err)
{
    char *text;
    size_t len;
    rn_outcome o;
    rn_judge_job part = *job;
    memset(m, 0, sizeof *m);
    rn_judge_case *cases = lend_cases(job, from, n, &text, &len);
    if (!cases) return rn_fail(err, RN_ENOMEM, "cases of a program: out of memory");
    part.cases = cases;
    part.n_cases = n;
    part.limits.wall_ns *= (int64_t)n;
    int rc = rn_worker_run(c, &(rn_task){.job = &part, .many = true}, &o, err);
    munmap(text, len);
    int64_t most_ns = 0;
    rn_secret_heap(true); /* once for all cases: no child is made meanwhile */
    if (!rc) rc = take_ended(job, from, n, &o, m, &most_ns, err);
    rn_secret_heap(false);
    free(cases);
    if (rc) return rc;
    m->apart = !rn_plain_told() || !rn_plain_told_steady();
    /* Before judged code ran: a claim of the program's own has no room here. */
    if (o.have_record && o.record.verdict == RN_V_SYNTAX && m->n_known == 0 && !rn_plain_ran()) {
        m->v[m->n_known++] = RN_V_SYNTAX;
        m->failed = true;
        memcpy(m->detail, o.record.detail, sizeof m->detail);
    }
    /* Filling memory takes time, too: which limit that meets is told alone. */
    const bool ended =
        o.limit == RN_V_TIME_LIMIT && !o.have_record && o.peak_bytes < RN_MANY_BYTES / 4;
    if (ended && m->n_known < n && rn_watch_values()->at == (int32_t)m->n_known) {
        char detail[256] = "";
        m->v[m->n_known++] = rn_host_decide(&o, &part, detail);
        if (!m->failed) memcpy(m->detail, detail, sizeof detail);
        if (job->limits.cpu_ns > most_ns) most_ns = job->limits.cpu_ns;
    }
    r->cpu_ns += o.cpu_ns;
    r->wall_ns += o.wall_ns;
    if (most_ns > r->case_cpu_ns) r->case_cpu_ns = most_ns;
    if (o.peak_bytes > r->peak_bytes) r->peak_bytes = o.peak_bytes;
    return 0;
}
