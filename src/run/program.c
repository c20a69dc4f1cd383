/* program.c: see program.h. */
#include "run/program.h"

double rn_tests_cpu_s(const rn_problem *p)
{
    double official = p->form == RN_FORM_CHECK || p->form == RN_FORM_ASSERTS ? 3 : 4;
    return p->time_limit_s > official ? p->time_limit_s : official;
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
        bool calls = !p->language && *p->entry_point;
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

int rn_tests_job(const rn_problem *p, rn_arena *a, rn_judge_job *job, rn_err *err)
{
    static const rn_compare rules[] = {RN_COMPARE_APPS, RN_COMPARE_CODECONTESTS,
                                       RN_COMPARE_LIVECODEBENCH};
    if (job->compare == RN_COMPARE_APPS) job->compare = rules[p->rule]; /* its set's own */
    job->language = p->language;
    job->entry = p->entry_point;
    job->mode = p->form == RN_FORM_STDIO  ? RN_JUDGE_STDIO
                : p->form == RN_FORM_CALL ? RN_JUDGE_CALL
                                          : RN_JUDGE_SCRIPT;
    job->cases = make_cases(p, a, &job->n_cases);
    return job->cases ? 0 : rn_fail(err, RN_ENOMEM, "%s: out of memory", p->task_id);
}
