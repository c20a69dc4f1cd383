/* test_judge.h: a judge for the tests of one file, JUDGE_JOBS programs at a time (1 unless defined),
 * and one job run to its end. */
#ifndef RN_TEST_JUDGE_H
#define RN_TEST_JUDGE_H

#include "test.h"

#include "judge/judge.h"

#ifndef JUDGE_JOBS
#define JUDGE_JOBS 1
#endif

static rn_judge *judge;

static int open_judge(void **state)
{
    (void)state;
    rn_err err;
    if (rn_judge_open(&(rn_judge_opts){.jobs = JUDGE_JOBS}, &judge, &err) == 0) return 0;
    print_error("%s\n", err.msg);
    return -1;
}

static int close_judge(void **state)
{
    (void)state;
    rn_judge_close(judge);
    return 0;
}

static inline rn_judge_result run_job(rn_judge *j, const rn_judge_job *job)
{
    rn_err err;
    uint64_t tag = 0;
    rn_judge_result r;
    assert_ok(rn_judge_submit(j, job, 42, &err), &err);
    int rc = rn_judge_wait(j, -1, &tag, &r, &err);
    if (rc != 1) fail_msg("wait: %d %s", rc, err.msg);
    assert_int_equal(tag, 42);
    return r;
}

#endif
