/* api.c: the public calls of judging, on top of judge.h. */
#include "judge/judge.h"

#include <stdlib.h>

int rn_judge_start(const rn_judge_settings *settings, rn_judge **out, rn_err *err)
{
    static const rn_judge_settings defaults;
    const rn_judge_settings *s = settings ? settings : &defaults;
    if (s->cpu_s < 0 || s->wall_s < 0 || s->memory_bytes < 0)
        return rn_fail(err, RN_EINVAL, "limits of a judge must not be negative");
    rn_judge_opts o = {.jobs = s->jobs ? s->jobs : 1,
                       .limits = {.cpu_ns = (int64_t)(s->cpu_s * 1e9),
                                  .wall_ns = (int64_t)(s->wall_s * 1e9),
                                  .memory_bytes = s->memory_bytes},
                       .venv = s->venv,
                       .allow_weak = s->allow_weak != 0};
    return rn_judge_open(&o, out, err);
}

int rn_judge_run(rn_judge *j, const char *program, const char *const *tests, size_t n_tests,
                 rn_judgement *out, rn_err *err)
{
    if (rn_judge_pending(j))
        return rn_fail(err, RN_EBUSY, "other programs are queued on this judge");
    rn_judge_case *cases = calloc(n_tests + 1, sizeof *cases);
    if (!cases) return rn_fail(err, RN_ENOMEM, "judging %zu tests: out of memory", n_tests);
    for (size_t i = 0; i < n_tests; i++)
        cases[i].input = rn_bytes_of(tests[i]);
    rn_judge_job job = {.mode = RN_JUDGE_SCRIPT,
                        .program = rn_bytes_of(program),
                        .cases = cases,
                        .n_cases = n_tests};
    uint64_t tag;
    rn_judge_result r;
    int rc = rn_judge_submit(j, &job, 0, err);
    if (!rc) rc = rn_judge_wait(j, -1, &tag, &r, err);
    free(cases);
    if (rc < 0) return rc;
    *out = (rn_judgement){.verdict = r.verdict,
                          .n_tests = r.n_cases,
                          .n_run = r.n_run,
                          .n_passed = r.n_passed,
                          .cpu_s = (double)r.cpu_ns / 1e9,
                          .wall_s = (double)r.wall_ns / 1e9,
                          .peak_bytes = r.peak_bytes};
    memcpy(out->detail, r.detail, sizeof out->detail);
    return 0;
}
