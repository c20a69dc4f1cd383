/*
 * solve.c: one problem, models and a budget: the loop that buys, takes, judges and ends.
 *
 * One thread runs the loop and owns policy, store and judge; each model samples in a thread of its
 * own (sampler.h), each judged program runs in a process of its own. So sampling, extraction and
 * judging overlap. A turn of the loop:
 *   take   finished samples: to the store, to a program, to the judge (equal programs once)
 *   buy    what the policy says, as long as the arms have places and the judge keeps up
 *   wait   for a verdict or a sample
 * It ends at the first pass, when nothing more can be bought and everything bought is judged, at
 * the deadline of a budget in seconds (what is sampled by then is still judged), or when a
 * callback says so. Then everything in flight is dropped, waited for, and accounted.
 *
 * First of all the tests run on a program that does nothing, beside the first samples: tests that
 * pass on it show nothing, and a command that is not found need not be paid for.
 */
#include "run/solve_priv.h"

#include "base/clock.h"

enum {
    POLL_MS = 5,
    IDLE_MS = 20,
    NOTHING_MS = 20,
    DEFAULT_SECONDS_WIDTH = 8,
    DEFAULT_WIDTH = 2,
    MAX_WIDTH = 256,
    LARGEST_CONTEXT = 48 << 10, /* bytes */
    SMALLEST_CONTEXT = 256
};

static const uint64_t nothing_tag = UINT64_MAX;

void rn_solve_warn(rn_solve_state *s, const char *fmt, ...)
{
    char text[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (s->warnings.len && strstr(s->warnings.data, text)) return; /* once is enough */
    rn_buf_printf(&s->warnings, "%s%s", s->warnings.len ? "\n" : "", text);
}

static rn_solve_sample sample_of(const rn_try *t)
{
    return (rn_solve_sample){.model = t->arm,
                             .index = t->idx,
                             .stored = t->stored,
                             .text = t->text.data ? t->text.data : "",
                             .len = t->text.len,
                             .finish = t->finish,
                             .prompt_tok = t->prompt_tok,
                             .gen_tok = t->gen_tok,
                             .judged = t->judged,
                             .verdict = t->result.verdict,
                             .detail = t->result.detail};
}

/* ---- tries ----------------------------------------------------------------------------------- */

static void free_try(rn_try *t)
{
    if (!t) return;
    rn_buf_free(&t->text);
    rn_buf_free(&t->program);
    free(t);
}

int rn_solve_add(rn_solve_state *s, rn_try *t, rn_err *err)
{
    if (!rn_vec_push(&s->tries, t)) {
        free_try(t);
        return rn_nomem(err, "samples");
    }
    if (!rn_buf_ok(&t->text)) return rn_nomem(err, "sample");
    int rc = rn_target_program(&s->target, s->arms[t->arm].sampler->chat, rn_buf_view(&t->text),
                               &t->program, &t->found, err);
    if (!rc) rn_sha256_of(rn_buf_view(&t->program), t->sha);
    return rc;
}

/* In seconds a sample's cost is the time that went by since the last one was charged, so that all
 * of them together are the time of the run, however many were side by side. */
static double charge(rn_solve_state *s, const rn_try *t)
{
    if (s->budget.unit != RN_UNIT_SECOND) return isfinite(t->cost) ? t->cost : 0;
    int64_t now = rn_now_ns(), gone = now - s->charged_ns;
    s->charged_ns = now;
    return (double)gone * 1e-9;
}

/* What is known of a try is all that will be known of it. */
static int resolve(rn_solve_state *s, rn_try *t, rn_err *err)
{
    rn_slot_arm *x = &s->arms[t->arm];
    t->state = RN_TRY_DONE;
    t->judged_ns = rn_now_ns();
    bool missing = t->judged ? t->result.verdict == RN_V_SANDBOX : t->tried && !t->trial.known;
    bool passed = t->judged ? t->result.verdict == RN_V_PASSED
                            : s->o->no_tests && !s->winner && rn_stop_at(s, t);
    if (passed && !s->winner) s->winner = t;
    if (t->arm == s->fallback) {
        rn_policy_spend(s->policy, charge(s, t));
    } else if (t->flying) {
        double cost = charge(s, t);
        if (missing)
            rn_policy_lose(s->policy, t->arm, cost);
        else
            rn_policy_observe(s->policy, t->arm, passed, cost);
    } else if (!passed && !missing && t->stored) {
        rn_policy_known(s->policy, t->arm, 1);
    }
    t->flying = false;
    if (!t->judged) return 0;
    x->row.n_judged++;
    int rc = rn_keep_verdict(s, t, err);
    if (missing)
        rn_solve_warn(s, "a sample of %s has no verdict: %s", x->sampler->m.name, t->result.detail);
    rn_solve_sample told = sample_of(t);
    if (!rc && s->o->on_verdict && s->o->on_verdict(s->o->user, &told)) s->cancelled = true;
    return rc;
}

/* An equal program that was judged, or is being judged. */
static const rn_try *equal_try(const rn_solve_state *s, const rn_try *t)
{
    for (size_t i = 0; i < s->tries.n; i++) {
        const rn_try *u = s->tries.data[i];
        bool known = u->state == RN_TRY_JUDGING ||
                     (u->state == RN_TRY_DONE &&
                      (u->trial.known || (u->judged && u->result.verdict != RN_V_SANDBOX)));
        if (u != t && known && memcmp(u->sha, t->sha, sizeof t->sha) == 0) return u;
    }
    return NULL;
}

/* What is known without running it: 1. An equal program is being judged: 0, its verdict will be
 * this one's. -1: it is to be run. */
static int known_already(rn_solve_state *s, rn_try *t)
{
    if (s->o->no_tests && !rn_stop_tries(s, t)) return 1;
    const rn_try *same = t->judged ? NULL : equal_try(s, t);
    if (same && same->state == RN_TRY_JUDGING) return 0;
    if (s->o->no_tests && same) t->trial = same->trial;
    if (s->o->no_tests) return same ? 1 : -1;
    if (same) t->result = same->result;
    t->copied = same != NULL;
    if (!same && !t->found && !s->target.set) {
        t->result = (rn_judge_result){.verdict = RN_V_SYNTAX,
                                      .n_cases = 1,
                                      .failed_case = -1,
                                      .peak_bytes = -1,
                                      .detail = RN_NO_CODE};
        t->copied = true;
    }
    t->judged |= t->copied;
    return t->judged ? 1 : -1;
}

/* The next program for the judge; what needs none is resolved on the way. First of all comes the
 * one that does nothing. */
static int next_job(void *user, rn_judge_job *job, uint64_t *tag, rn_err *err)
{
    rn_solve_state *s = user;
    rn_arena_free(&s->job);
    if (!s->nothing_given && !s->o->no_tests) {
        s->nothing_given = true;
        *tag = nothing_tag;
        rn_target_nothing(&s->target, &s->nothing);
        int rc = rn_buf_ok(&s->nothing)
                     ? rn_target_job(&s->target, rn_buf_view(&s->nothing), &s->job, job, err)
                     : rn_nomem(err, NULL);
        return rc ? rc : 1;
    }
    for (size_t i = 0; !s->winner && i < s->tries.n; i++) {
        rn_try *t = s->tries.data[i];
        int known = t->state == RN_TRY_NEW ? known_already(s, t) : 0;
        int rc = known > 0 ? resolve(s, t, err) : 0;
        if (!rc && known < 0) {
            if (s->stops)
                rn_stop_job(s, t, job);
            else
                rc = rn_target_job(&s->target, rn_buf_view(&t->program), &s->job, job, err);
            t->state = RN_TRY_JUDGING;
            s->n_judging++;
            *tag = i;
            return rc ? rc : 1;
        }
        if (rc) return rc;
    }
    return 0;
}

/* ---- what samplers tell ------------------------------------------------------------------- */

static void lose_flying(rn_solve_state *s, int arm)
{
    for (; s->arms[arm].generating > 0; s->arms[arm].generating--)
        rn_policy_lose(s->policy, arm, 0);
}

/* Tokens that were paid for on the way to a sample, or to none. In the budget's unit; 0 unknown. */
static double pay_lost(rn_solve_state *s, const rn_event *e)
{
    rn_slot_arm *x = &s->arms[e->sampler];
    if (e->lost_prompt_tok + e->lost_gen_tok == 0) return 0;
    const rn_usage u = {
        .first = true, .prompt_tok = e->lost_prompt_tok, .gen_tok = e->lost_gen_tok};
    double usd = rn_price_of(&x->price, RN_UNIT_USD, &u);
    double flop = rn_price_of(&x->price, RN_UNIT_FLOP, &u);
    x->row.discarded_tok += e->lost_gen_tok;
    if (isfinite(usd)) x->row.usd += usd;
    if (isfinite(flop)) x->row.flop += flop;
    double cost = s->budget.unit == RN_UNIT_USD ? usd : s->budget.unit == RN_UNIT_FLOP ? flop : 0;
    return isfinite(cost) ? cost : 0;
}

static void take_failure(rn_solve_state *s, const rn_event *e)
{
    rn_slot_arm *x = &s->arms[e->sampler];
    double lost = pay_lost(s, e);
    x->row.n_failed += e->n;
    if (e->n > 0 && x->generating > 0) {
        x->generating--;
        const rn_try none = {.cost = lost};
        if (e->sampler == s->fallback)
            rn_policy_spend(s->policy, charge(s, &none));
        else
            rn_policy_lose(s->policy, e->sampler, charge(s, &none));
    }
    if (!s->first_death.code) s->first_death = e->err;
    if (e->kind != RN_EV_DEAD || x->dead) {
        if (!x->dead) rn_solve_warn(s, "%s: %s", x->sampler->m.name, e->err.msg);
        return;
    }
    rn_solve_warn(s, "%s is used no more: %s", x->sampler->m.name, e->err.msg);
    x->dead = true;
    rn_policy_close_arm(s->policy, e->sampler);
    rn_sampler_cancel(x->sampler);
    lose_flying(s, e->sampler);
}

/* What the policy expects a sample of an arm to cost, where it is no longer `before`; small changes
 * are not worth a new plan, and a cascade keeps its order. */
static void tell_price(rn_solve_state *s, int arm, double before)
{
    double shared, each;
    rn_price_expect(&s->arms[arm].price, s->budget.unit, &shared, &each);
    if (s->policy_kind == RN_POLICY_CASCADE || !(each > 0) || !isfinite(shared)) return;
    if (fabs(each - before) > 0.1 * before)
        rn_policy_reprice(s->policy, arm, fmax(shared, 0), each);
}

/* Prices follow the samples. The first one of an arm says, too, how far off the guesses for the
 * others were: beside a price that is known a wild guess would keep them from ever being asked. */
static void reprice(rn_solve_state *s, int arm, const rn_usage *u)
{
    rn_price *p = &s->arms[arm].price;
    const bool first = p->n < 2;
    const double guess = p->seconds;
    double shared, each;
    rn_price_expect(p, s->budget.unit, &shared, &each);
    rn_price_learn(p, u);
    tell_price(s, arm, each);
    for (int i = 0; first && p->n >= 2 && i < s->n_arms; i++) {
        rn_price *x = &s->arms[i].price;
        if (x->n >= 2) continue;
        rn_price_expect(x, s->budget.unit, &shared, &each);
        rn_price_follow(x, p, guess);
        tell_price(s, i, each);
    }
}

/* What a sample used; what a server does not report is charged at its most, so that a budget ends:
 * a token has at least a byte, and no answer is longer than was asked for. */
static rn_usage usage_of(rn_solve_state *s, const rn_event *e)
{
    const rn_slot_arm *x = &s->arms[e->sampler];
    const rn_sampler *a = x->sampler;
    const bool remote = a->m.remote != NULL;
    rn_usage u = {.first = !x->paid_prompt,
                  .prompt_tok = e->prompt_tok,
                  .cached_tok = e->cached_tok,
                  .gen_tok = e->gen_tok,
                  .seconds = (double)e->wall_ns * 1e-9 / (remote ? s->width : 1)};
    if (remote && s->budget.unit != RN_UNIT_SECOND && (u.prompt_tok < 0 || u.gen_tok < 0))
        rn_solve_warn(s,
                      "%s does not report its tokens: a sample is charged as %lld of the prompt "
                      "and %lld generated, at most",
                      a->m.name, (long long)x->prompt.len, (long long)a->sampling.max_tok);
    if (u.prompt_tok < 0)
        u.prompt_tok =
            remote ? (int64_t)x->prompt.len : (int64_t)(x->price.prompt_tok / x->price.n);
    if (u.gen_tok < 0 && remote) u.gen_tok = a->sampling.max_tok;
    return u;
}

static int take_sample(rn_solve_state *s, rn_event *e, rn_err *err)
{
    rn_slot_arm *x = &s->arms[e->sampler];
    rn_try *t = calloc(1, sizeof *t);
    if (!t) return rn_nomem(err, "sample");
    const rn_usage u = usage_of(s, e);
    x->paid_prompt = true;
    double flop = rn_price_of(&x->price, RN_UNIT_FLOP, &u);
    t->arm = e->sampler;
    t->idx = e->idx;
    t->finish = e->finish;
    t->prompt_tok = e->prompt_tok;
    t->gen_tok = e->gen_tok;
    t->logprob = e->logprob;
    t->at_ns = e->at_ns;
    t->score = NAN;
    t->cost = rn_price_of(&x->price, s->budget.unit, &u) + pay_lost(s, e);
    t->text = e->text;
    e->text = (rn_buf){0};
    t->flying = x->generating > 0 && e->sampler != s->fallback;
    if (x->generating > 0) x->generating--;
    rn_solve_row *row = &x->row;
    row->n_samples++;
    row->prompt_tok += u.first || x->sampler->m.remote ? u.prompt_tok : 0;
    row->cached_tok += e->cached_tok > 0 ? e->cached_tok : 0;
    row->gen_tok += u.gen_tok > 0 ? u.gen_tok : 0;
    row->flop += flop;
    row->usd += rn_price_of(&x->price, RN_UNIT_USD, &u);
    reprice(s, e->sampler, &u);
    int rc = rn_solve_add(s, t, err);
    if (!rc) rc = rn_keep_sample(s, t, e->wall_ns, flop, err);
    if (rc) return rc;
    rn_solve_sample told = sample_of(t);
    if (s->o->on_sample && s->o->on_sample(s->o->user, &told)) s->cancelled = true;
    return 0;
}

static int take_events(rn_solve_state *s, int timeout_ms, rn_err *err)
{
    int rc = 0;
    for (rn_event *e; !rc && (e = rn_inbox_take(&s->inbox, timeout_ms)); timeout_ms = 0) {
        if (e->kind == RN_EV_SAMPLE)
            rc = take_sample(s, e, err);
        else if (e->kind == RN_EV_FAILED || e->kind == RN_EV_CUT || e->kind == RN_EV_DEAD)
            take_failure(s, e);
        else if (e->kind == RN_EV_TERMS)
            rn_solve_warn(s, "%s: the server decides %s, which it does not take",
                          s->arms[e->sampler].sampler->m.name, e->text.data);
        rn_event_free(e);
    }
    return rc;
}

/* ---- buying ---------------------------------------------------------------------------------- */

/* Whether a purchase could begin now. */
static bool has_place(rn_solve_state *s)
{
    int64_t unjudged = (int64_t)s->n_judging;
    for (int i = 0; i < s->n_arms; i++) {
        const rn_slot_arm *x = &s->arms[i];
        /* What a server's sample costs is a guess before the first one; money is not guessed. */
        bool guessed = x->sampler->m.remote && s->budget.unit == RN_UNIT_USD && x->price.n < 2;
        if (x->generating >= (guessed ? 1 : s->width)) return false;
    }
    for (size_t i = 0; i < s->tries.n; i++)
        unjudged += s->tries.data[i]->state == RN_TRY_NEW;
    return unjudged < 2 * s->width;
}

/* Nothing could stop the others where there is a fallback and no example: it alone is asked. */
static bool may_buy(const rn_solve_state *s)
{
    return !s->closing && (s->fallback < 0 || s->stops);
}

static int buy(rn_solve_state *s, rn_err *err)
{
    while (may_buy(s) && has_place(s)) {
        int arm;
        int rc = rn_policy_next(s->policy, &arm, err);
        if (rc || arm < 0) return rc;
        rc = rn_sampler_buy(s->arms[arm].sampler, 1, err);
        if (rc) return rc;
        s->arms[arm].generating++;
    }
    return 0;
}

/* ---- judging --------------------------------------------------------------------------------- */

static int take_nothing(rn_solve_state *s, const rn_judge_result *r, rn_err *err)
{
    s->nothing_result = *r;
    bool command = s->target.set == NULL;
    if (r->verdict == RN_V_PASSED) {
        s->nothing_passes = true;
        rn_solve_warn(s, command ? "the command exits with 0 although the marker's place is empty: "
                                   "a pass says nothing about the code there"
                                 : "the tests pass on a function that does nothing: a pass says "
                                   "little");
    }
    if (!command) return 0;
    if (r->verdict == RN_V_EXCEPTION)
        return rn_fail(err, RN_ENOTFOUND,
                       "the command cannot be run in the sandbox, which holds /usr, /bin, /lib and "
                       "a copy of the folder: %s",
                       r->detail);
    if (strstr(r->detail, "asked for the network"))
        rn_solve_warn(s, "the command asks for the network, which the sandbox refuses: %s",
                      r->detail);
    return 0;
}

static int take_result(void *user, uint64_t tag, const rn_judge_result *r, rn_err *err)
{
    rn_solve_state *s = user;
    if (tag == nothing_tag) {
        s->nothing_known = true;
        return take_nothing(s, r, err);
    }
    rn_try *t = s->tries.data[tag];
    s->n_judging--;
    if (s->stops) {
        int rc = rn_stop_take(s, t, r, err);
        return rc ? rc : resolve(s, t, err);
    }
    t->result = *r;
    t->judged = true;
    return resolve(s, t, err);
}

/* Python's start takes longer than a small model's first sample: it begins first of all. */
static void *start_judge(void *user)
{
    rn_solve_state *s = user;
    const rn_judge_settings *j = &s->o->judge;
    rn_judge_opts o = {.jobs = j->jobs ? j->jobs : 1,
                       .limits = {.cpu_ns = (int64_t)(j->cpu_s * 1e9),
                                  .wall_ns = (int64_t)(j->wall_s * 1e9),
                                  .memory_bytes = j->memory_bytes},
                       .venv = j->venv,
                       .allow_weak = j->allow_weak != 0,
                       .tree = s->target.tree};
    (void)rn_judge_open(&o, &s->opened, &s->open_err);
    return NULL;
}

static void join_opener(rn_solve_state *s)
{
    if (!s->opening) return;
    pthread_join(s->opener, NULL);
    s->opening = false;
}

/* Programs are run as they come: on tests, or on the examples that may stop. */
static bool runs_programs(const rn_solve_state *s)
{
    return !s->o->no_tests || s->stops;
}

static int open_judge(rn_solve_state *s, rn_err *err)
{
    join_opener(s);
    s->judge = s->opened;
    s->opened = NULL;
    if (!s->judge) {
        if (err) *err = s->open_err;
        return s->open_err.code;
    }
    s->pump = (rn_pump){.judge = s->judge, .next = next_job, .done = take_result, .user = s};
    return s->stops ? 0 : rn_keep_protocols(s, err);
}

/* Programs to the judge, verdicts back; waits up to POLL_MS for the first. */
static int judge_turn(rn_solve_state *s, rn_err *err)
{
    if (s->judge) return rn_pump_turn(&s->pump, POLL_MS, err);
    rn_judge_job none;
    uint64_t tag;
    return runs_programs(s) ? 0 : next_job(s, &none, &tag, err);
}

/* ---- the loop -------------------------------------------------------------------------------- */

static bool all_done(const rn_solve_state *s)
{
    if (s->n_judging) return false;
    for (int i = 0; i < s->n_arms; i++)
        if (s->arms[i].generating) return false;
    for (size_t i = 0; i < s->tries.n; i++)
        if (s->tries.data[i]->state != RN_TRY_DONE) return false;
    return true;
}

/* A deadline ends sampling; judging of what is there goes on. */
static int check_deadline(rn_solve_state *s, rn_err *err)
{
    if (s->closing || s->budget.unit != RN_UNIT_SECOND) return 0;
    if ((double)(rn_now_ns() - s->start_ns) * 1e-9 < s->budget.amount) return 0;
    s->closing = true;
    for (int i = 0; i < s->n_arms; i++)
        rn_sampler_cancel(s->arms[i].sampler);
    for (int i = 0; i < s->n_arms; i++) {
        rn_sampler_stop(s->arms[i].sampler);
        s->arms[i].generating = 0;
    }
    return take_events(s, 0, err);
}

static bool any_remote(const rn_solve_state *s)
{
    for (int i = 0; i < s->n_arms; i++)
        if (s->arms[i].sampler->m.remote) return true;
    return false;
}

static int loop(rn_solve_state *s, rn_err *err)
{
    bool stored_first = s->tries.n > 0;
    /* A server's answer takes longer than the judge's start; a small local model would meanwhile
     * write samples that nobody needs. */
    int rc = !runs_programs(s) || any_remote(s) ? 0 : open_judge(s, err);
    if (rc) return rc;
    for (;;) {
        /* Stored samples without a verdict are judged before anything is paid for. */
        if (!stored_first) rc = buy(s, err);
        if (!rc && !s->judge && runs_programs(s)) rc = open_judge(s, err);
        if (!rc) rc = check_deadline(s, err);
        if (!rc) rc = judge_turn(s, err);
        if (rc || s->winner) return rc;
        bool done = all_done(s);
        if (done && stored_first) {
            stored_first = false;
            continue;
        }
        if (s->o->should_stop && s->o->should_stop(s->o->user)) s->cancelled = true;
        rn_alike_look(s);
        if (s->cancelled || s->all_alike) return 0;
        bool judging = s->judge && rn_judge_pending(s->judge);
        if (done) {
            int arm = -1; /* what is in flight no more may have left room */
            if (may_buy(s)) rc = rn_policy_next(s->policy, &arm, err);
            if (!rc && arm < 0) {
                if ((rc = rn_stop_ask(s, err)) <= 0) return rc;
                rc = 0;
            } else if (!rc && !(rc = rn_sampler_buy(s->arms[arm].sampler, 1, err))) {
                s->arms[arm].generating++;
            }
            if (rc) return rc;
        }
        rc = take_events(s, judging ? 0 : IDLE_MS, err);
        if (rc) return rc;
    }
}

/* The run on nothing began before the one that passed; if it is not over by now it gets as long as
 * that one took, so that a pass that says nothing is told from one that does. */
static int await_nothing(rn_solve_state *s, rn_err *err)
{
    if (!s->judge || s->nothing_known || s->cancelled || s->o->no_tests) return 0;
    int64_t until = rn_now_ns() +
                    (s->winner ? s->winner->result.wall_ns + NOTHING_MS * 1000000 : INT64_MAX / 2);
    while (!s->nothing_known && rn_judge_pending(s->judge)) {
        uint64_t tag;
        rn_judge_result r;
        if (s->o->should_stop && s->o->should_stop(s->o->user)) return 0;
        int64_t left = until - rn_now_ns();
        if (left <= 0) return 0;
        int rc = rn_judge_wait(s->judge, left > 20000000 ? 20 : 1, &tag, &r, err);
        if (rc < 0) return rc;
        if (rc == 0 || tag != nothing_tag) continue;
        s->nothing_known = true;
        return take_nothing(s, &r, err);
    }
    return 0;
}

/* ---- beginning ------------------------------------------------------------------------------- */

static int check_options(const rn_solve_options *o, rn_solve_state *s, rn_err *err)
{
    if (o->n_models < 1 || o->n_models > RN_PRIOR_MAX_ARM)
        return rn_fail(err, RN_EINVAL, "%zu models; give 1 to %d", o->n_models, RN_PRIOR_MAX_ARM);
    if (!o->budget)
        return rn_fail(err, RN_EINVAL,
                       "give a budget: seconds (60s), FLOPs (200TFLOP) or money (0.05USD)");
    int rc = rn_budget_parse(o->budget, &s->budget, err);
    if (rc) return rc;
    if (!rn_policy_parse(o->policy ? o->policy : "adaptive", &s->policy_kind))
        return rn_fail(err, RN_EINVAL,
                       "no policy '%s'; there are adaptive, small-only, large-only, cascade",
                       o->policy);
    if (o->in_flight < 0 || o->in_flight > MAX_WIDTH)
        return rn_fail(err, RN_EINVAL, "%d samples in flight; give 1 to %d", o->in_flight,
                       MAX_WIDTH);
    s->width = o->in_flight                       ? o->in_flight
               : s->budget.unit == RN_UNIT_SECOND ? DEFAULT_SECONDS_WIDTH
                                                  : DEFAULT_WIDTH;
    return rn_stop_check(s, err);
}

/* The prompt, of a file with as much context as leaves room for an answer. */
static int build_prompt(rn_solve_state *s, rn_slot_arm *x, rn_err *err)
{
    const rn_sampler *a = x->sampler;
    const int64_t n_ctx = a->m.hp.n_ctx;
    int64_t room = n_ctx - a->sampling.max_tok, n_tok;
    if (room < n_ctx / 2) room = n_ctx / 2;
    size_t before = SIZE_MAX;
    for (size_t max = LARGEST_CONTEXT;; max /= 2) {
        rn_buf_clear(&x->prompt);
        int rc = rn_target_prompt(&s->target, a->chat, max, &x->prompt, err);
        if (!rc && !rn_buf_ok(&x->prompt)) rc = rn_nomem(err, "prompt");
        if (!rc) rc = rn_sampler_count(x->sampler, rn_buf_view(&x->prompt), &n_tok, err);
        if (rc || n_tok <= room) return rc;
        if (max <= SMALLEST_CONTEXT || (x->prompt.len == before && before < max)) return 0;
        before = x->prompt.len;
    }
}

static int open_arms(rn_solve_state *s, rn_err *err)
{
    const rn_solve_options *o = s->o;
    for (size_t i = 0; i < o->n_models; i++) {
        const rn_sampler_opts so = {.model = &o->models[i],
                                    .watch = &s->watch,
                                    .index = (int)i,
                                    .width = s->width,
                                    .chat = o->models[i].chat,
                                    .inbox = &s->inbox,
                                    .turn = &s->turn};
        rn_slot_arm *x = &s->arms[i];
        int rc = rn_sampler_open(&so, &x->sampler, err);
        if (rc) return rc;
        s->n_arms++;
        if (o->sampling) x->sampler->sampling = *o->sampling;
        x->sampler->sampling.stop = x->sampler->chat ? NULL : rn_target_stop(&s->target);
        if (o->fallback && strcmp(x->sampler->m.name, o->fallback) == 0) {
            s->fallback = (int)i;
            x->sampler->sampling.temperature = 0;
        }
        if (o->store) rc = rn_opened_hash(&x->sampler->m, err);
        if (!rc) rc = build_prompt(s, x, err);
        if (rc) return rc;
        for (size_t k = 0; k < i; k++)
            if (strcmp(s->arms[k].sampler->m.name, x->sampler->m.name) == 0)
                return rn_fail(err, RN_EINVAL,
                               "two models are called %s; give each a name of its own",
                               x->sampler->m.name);
    }
    if (o->fallback && s->fallback < 0)
        return rn_fail(err, RN_EINVAL, "no model is called %s, as the fallback is", o->fallback);
    return 0;
}

static int make_policy(rn_solve_state *s, rn_err *err)
{
    rn_policy_arm arms[RN_PRIOR_MAX_ARM];
    double cost[RN_PRIOR_MAX_ARM];
    const int first = s->fallback == 0 ? 1 : 0;
    int cheapest = first, dearest = first;
    double budget;
    for (int i = 0; i < s->n_arms; i++) {
        rn_slot_arm *x = &s->arms[i];
        int rc = rn_price_init(&x->price, x->sampler, s->book, s->budget.unit, i, err);
        if (rc) return rc;
        rn_policy_arm *p = &arms[i];
        rn_price_expect(&x->price, s->budget.unit, &p->shared, &p->per_sample);
        p->shared = fmax(p->shared, 0);
        if (s->o->no_tests) /* a candidate is read by the ranker, too */
            p->per_sample +=
                rn_price_score(&x->price, s->budget.unit, (int64_t)(x->price.gen_tok / x->price.n));
        if (!(p->per_sample > 0)) p->per_sample = 1e-9;
        p->limit = x->sampler->n_wanted ? x->sampler->n_wanted : 1;
        cost[i] = p->per_sample;
        if (i < first || i == s->fallback) continue;
        if (cost[i] < cost[cheapest]) cheapest = i;
        if (cost[i] > cost[dearest]) dearest = i;
    }
    int rc = 0;
    if (s->budget.unit != RN_UNIT_SECOND) /* time is only guessed before the first sample */
        rc = rn_budget_check(&s->budget, arms[cheapest].shared + arms[cheapest].per_sample,
                             s->arms[cheapest].sampler->m.name, err);
    if (!rc) rc = rn_learn_prior(s, cost, err);
    if (!rc) rc = rn_stop_reserve(s, arms, &budget, err);
    const rn_policy_spec spec = {.kind = s->policy_kind, .arms = arms, .budget = rc ? 1 : budget};
    if (!rc) rc = rn_policy_new(&spec, s->prior, &s->policy, err);
    for (int i = 0; !rc && i < s->n_arms; i++) {
        /* Prices that are learnt on the way must not change which model is meant. */
        bool out = (s->policy_kind == RN_POLICY_SMALL_ONLY && i != cheapest) ||
                   (s->policy_kind == RN_POLICY_LARGE_ONLY && i != dearest) ||
                   s->arms[i].sampler->n_wanted == 0 || i == s->fallback;
        if (out) rn_policy_close_arm(s->policy, i);
    }
    return rc;
}

static int begin(rn_solve_state *s, rn_err *err)
{
    int rc = check_options(s->o, s, err);
    if (!rc) rc = rn_target_open(s->o, &s->target, err);
    if (!rc && s->o->no_tests) rc = rn_stop_open(s, err);
    if (rc) return rc;
    if (runs_programs(s)) {
        if (pthread_create(&s->opener, NULL, start_judge, s) != 0)
            return rn_fail_errno(err, "a thread for the judge");
        s->opening = true;
    }
    if ((rc = open_arms(s, err))) return rc;
    s->book = rn_cost_book_new();
    if (!s->book) return rn_nomem(err, "cost tables");
    const char *read = NULL;
    for (size_t i = 0; i < s->o->n_models; i++) {
        const char *file = s->o->models[i].cost_file;
        if (!file || (read && strcmp(file, read) == 0)) continue;
        if ((rc = rn_cost_book_read(s->book, file, err))) return rc;
        read = file;
    }
    rc = rn_keep_open(s, err);
    if (!rc) rc = rn_keep_load(s, err);
    if (!rc) rc = make_policy(s, err);
    return rc;
}

/* ---- ending ---------------------------------------------------------------------------------- */

/* Drops what is in flight, takes what arrived meanwhile, and adds what was paid for nothing. */
static void stop_all(rn_solve_state *s)
{
    rn_judge_close(s->judge);
    s->judge = NULL;
    for (int i = 0; i < s->n_arms; i++)
        rn_sampler_stop(s->arms[i].sampler);
    (void)take_events(s, 0, NULL);
    for (int i = 0; i < s->n_arms; i++) {
        rn_slot_arm *x = &s->arms[i];
        const rn_sampler_rest *rest = &x->sampler->rest;
        if (rest->trouble.code && !s->first_death.code) s->first_death = rest->trouble;
        x->row.n_cancelled = rest->n_cancelled;
        x->row.discarded_tok += rest->gen_tok;
        x->row.seconds += rest->seconds;
        if (rest->n_cancelled == 0) continue;
        const rn_usage u = {.first = !x->paid_prompt,
                            .prompt_tok = (int64_t)(x->price.prompt_tok / x->price.n),
                            .gen_tok = rest->gen_tok / rest->n_cancelled,
                            .seconds = 0};
        double n = (double)rest->n_cancelled;
        x->row.usd += n * rn_price_of(&x->price, RN_UNIT_USD, &u);
        x->row.flop +=
            x->sampler->m.remote ? n * rn_price_of(&x->price, RN_UNIT_FLOP, &u) : rest->flop;
        const rn_usage prompt = {.first = true, .prompt_tok = u.prompt_tok};
        if (!x->sampler->m.remote && !x->paid_prompt)
            x->row.flop += rn_price_of(&x->price, RN_UNIT_FLOP, &prompt);
    }
    s->stopped_ns = rn_now_ns();
}

static int hand_out(rn_solve_state *s, rn_err *err)
{
    rn_solve_result *r = s->out;
    r->outcome = s->winner && s->winner->judged && s->winner->result.verdict == RN_V_PASSED
                     ? RN_SOLVED
                 : s->winner ? RN_CHOSEN
                             : RN_UNSOLVED;
    if (s->winner) {
        r->model = s->winner->arm;
        r->index = s->winner->idx;
        r->program_len = s->winner->program.len;
        r->program = rn_buf_take(&s->winner->program);
        if (!r->program) return rn_nomem(err, "program");
    }
    r->seconds = (double)(rn_now_ns() - s->start_ns) * 1e-9;
    return rn_ledger_fill(s, err);
}

static void free_all(rn_solve_state *s)
{
    join_opener(s);
    rn_judge_close(s->opened);
    rn_judge_close(s->judge);
    for (int i = 0; i < s->n_arms; i++) {
        rn_sampler_close(s->arms[i].sampler);
        rn_buf_free(&s->arms[i].prompt);
    }
    for (size_t i = 0; i < s->tries.n; i++)
        free_try(s->tries.data[i]);
    rn_vec_free(&s->tries);
    rn_arena_free(&s->job);
    rn_arena_free(&s->trial_arena);
    rn_buf_free(&s->nothing);
    rn_policy_free(s->policy);
    rn_prior_free(s->prior);
    rn_cost_book_free(s->book);
    rn_target_close(&s->target);
    rn_inbox_free(&s->inbox);
    rn_buf_free(&s->warnings);
}

/* Every model is gone, and nothing was found. */
static bool all_dead(const rn_solve_state *s)
{
    for (int i = 0; i < s->n_arms; i++)
        if (!s->arms[i].dead) return false;
    return s->tries.n == 0;
}

int rn_solve(const rn_solve_options *options, rn_solve_result *out, rn_err *err)
{
    *out = (rn_solve_result){.outcome = RN_UNSOLVED, .model = -1};
    rn_solve_state *s = calloc(1, sizeof *s);
    if (!s) return rn_nomem(err, NULL);
    s->o = options;
    s->fallback = -1;
    s->out = out;
    s->watch = (rn_watch){.should_stop = options->should_stop,
                          .user = options->user,
                          .argc = options->argc,
                          .argv = options->argv};
    s->start_ns = s->charged_ns = rn_now_ns();
    s->start_unix_ns = rn_clock_ns(CLOCK_REALTIME);
    rn_inbox_init(&s->inbox);
    rn_turn_init(&s->turn);
    int64_t command = 0;
    int rc = options->store ? rn_watch_log_begin(&s->watch, options->store, &command, err) : 0;
    if (!rc) rc = begin(s, err);
    if (!rc) {
        rc = loop(s, err);
        for (int i = 0; i < s->n_arms; i++)
            rn_sampler_cancel(s->arms[i].sampler);
        if (!rc) rc = await_nothing(s, err);
        stop_all(s);
    }
    if (!rc && !s->winner && all_dead(s)) {
        rc = s->first_death.code;
        if (err) *err = s->first_death;
    }
    bool choose = options->no_tests || options->accept_unverified;
    if (!rc && !s->winner && choose && !s->cancelled) rc = rn_choose(s, err);
    if (rc == RN_ECANCELLED) s->cancelled = true;
    if (!rc || rc == RN_ECANCELLED) {
        int rc2 = hand_out(s, err);
        rc = rc2 ? rc2 : s->cancelled ? rn_fail(err, RN_ECANCELLED, "stopped") : 0;
    }
    rn_watch_log_end(options->store, command, rc, !out->program);
    if (rc && rc != RN_ECANCELLED) rn_solve_result_free(out);
    free_all(s);
    free(s);
    return rc;
}
