/* pump.c: see pump.h. */
#include "run/pump.h"

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
