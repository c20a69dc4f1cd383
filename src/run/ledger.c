/* ledger.c: what a call of rn_solve hands back: rows, the reason in one line, JSON. */
#include "base/jout.h"
#include "run/solve_priv.h"

static const char *const unit_names[RN_N_UNITS] = {
    [RN_UNIT_FLOP] = "FLOP", [RN_UNIT_SECOND] = "s", [RN_UNIT_USD] = "USD"};

static const char *const outcome_names[] = {
    [RN_SOLVED] = "solved", [RN_CHOSEN] = "chosen", [RN_UNSOLVED] = "unsolved"};

/* ---- why ------------------------------------------------------------------------------------- */

/* The verdict that came most often among those that did not pass; RN_N_VERDICTS if there is none.
 * */
static rn_verdict most_frequent(const rn_solve_state *s, int64_t by[RN_N_VERDICTS], int64_t *n)
{
    memset(by, 0, RN_N_VERDICTS * sizeof *by);
    *n = 0;
    for (size_t i = 0; i < s->tries.n; i++) {
        if (!s->tries.data[i]->judged) continue;
        by[s->tries.data[i]->result.verdict]++;
        ++*n;
    }
    int best = RN_N_VERDICTS;
    for (int v = 0; v < RN_N_VERDICTS; v++)
        if (v != RN_V_PASSED && by[v] && (best == RN_N_VERDICTS || by[v] > by[best])) best = v;
    return (rn_verdict)best;
}

/* The detail that came most often with this verdict. */
static const rn_judge_result *typical(const rn_solve_state *s, rn_verdict v)
{
    const rn_judge_result *best = NULL;
    int most = 0;
    for (size_t i = 0; i < s->tries.n; i++) {
        const rn_try *t = s->tries.data[i];
        if (!t->judged || t->result.verdict != v) continue;
        int n = 0;
        for (size_t k = i; k < s->tries.n; k++)
            n += s->tries.data[k]->judged && s->tries.data[k]->result.verdict == v &&
                 strcmp(s->tries.data[k]->result.detail, t->result.detail) == 0;
        if (n <= most) continue;
        most = n;
        best = &t->result;
    }
    return best;
}

static void put_failures(const rn_solve_state *s, rn_buf *b)
{
    int64_t by[RN_N_VERDICTS], n;
    rn_verdict v = most_frequent(s, by, &n);
    if (v == RN_N_VERDICTS) return;
    const rn_judge_result *r = typical(s, v);
    rn_buf_printf(b, "; most often %s (%lld of %lld)", rn_verdict_name(v), (long long)by[v],
                  (long long)n);
    if (r && r->n_cases > 1 && r->failed_case >= 0)
        rn_buf_printf(b, " at test %d of %d", r->failed_case + 1, r->n_cases);
    if (r && r->detail[0]) rn_buf_printf(b, ": %s", r->detail);
}

static void put_why(const rn_solve_state *s, rn_buf *b)
{
    int64_t n = 0, judged = 0;
    for (size_t i = 0; i < s->tries.n; i++) {
        n++;
        judged += s->tries.data[i]->judged;
    }
    const char *name = s->winner ? s->arms[s->winner->arm].sampler->m.name : "";
    if (s->out->outcome == RN_SOLVED) {
        rn_buf_printf(b, "sample %lld of %s passes every test", (long long)s->winner->idx, name);
        return;
    }
    if (s->out->outcome == RN_CHOSEN) {
        rn_buf_printf(b, "NOT VERIFIED: sample %lld of %s, chosen from %lld by %s",
                      (long long)s->winner->idx, name, (long long)n, s->ranker);
        put_failures(s, b);
        return;
    }
    if (s->cancelled) rn_buf_puts(b, "stopped; ");
    if (n == 0 && s->first_death.code)
        rn_buf_printf(b, "no sample: %s", s->first_death.msg);
    else if (n == 0)
        rn_buf_puts(b, "no sample was finished within the budget");
    else if (s->o->no_tests)
        rn_buf_printf(b, "none of %lld %s can be used: no code in it, or cut by the token limit",
                      (long long)n, rn_plural(n, "sample", "samples"));
    else
        rn_buf_printf(b, "no sample passed, of %lld judged", (long long)judged);
    put_failures(s, b);
    if (s->all_alike)
        rn_buf_puts(b,
                    "; an empty place fails in the same way, so this ends early: does the command "
                    "test the code? --keep-going buys on");
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static void put_row(rn_buf *b, const rn_solve_row *r, const char *how)
{
    rn_jout_open(b, NULL, "{");
    rn_jout_text(b, "name", r->name);
    if (how) rn_jout_text(b, "asked", how);
    rn_jout_whole(b, "samples", r->n_samples);
    rn_jout_whole(b, "stored", r->n_stored);
    rn_jout_whole(b, "judged", r->n_judged);
    rn_jout_whole(b, "cancelled", r->n_cancelled);
    rn_jout_whole(b, "failed", r->n_failed);
    rn_jout_whole(b, "prompt_tok", r->prompt_tok);
    rn_jout_whole(b, "cached_tok", r->cached_tok);
    rn_jout_whole(b, "gen_tok", r->gen_tok);
    rn_jout_whole(b, "discarded_tok", r->discarded_tok);
    rn_jout_whole(b, "scored_tok", r->scored_tok);
    rn_jout_number(b, "flop", r->flop);
    rn_jout_number(b, "seconds", r->seconds);
    rn_jout_number(b, "usd", r->usd);
    rn_buf_putc(b, '}');
}

static double since_start(const rn_solve_state *s, int64_t ns)
{
    return ns ? (double)(ns - s->start_ns) * 1e-9 : NAN;
}

static void put_program(const rn_solve_state *s, rn_buf *b)
{
    if (!s->winner) return;
    char sha[RN_SHA256_HEX];
    rn_sha256_hex(s->winner->sha, sha);
    rn_jout_open(b, "program", "{");
    rn_jout_text(b, "model", s->arms[s->winner->arm].sampler->m.name);
    rn_jout_whole(b, "index", s->winner->idx);
    rn_jout_boolean(b, "stored", s->winner->stored);
    rn_jout_text(b, "sha256", sha);
    rn_jout_number(b, "last_token_s", since_start(s, s->winner->at_ns));
    rn_jout_number(b, "judged_s", since_start(s, s->winner->judged_ns));
    if (s->winner->at_ns)
        rn_jout_whole(b, "last_token_unix_us",
                      (s->start_unix_ns + s->winner->at_ns - s->start_ns) / 1000);
    rn_buf_putc(b, '}');
}

static void put_verdicts(const rn_solve_state *s, rn_buf *b)
{
    int64_t by[RN_N_VERDICTS], n;
    most_frequent(s, by, &n);
    rn_jout_open(b, "verdicts", "{");
    for (int v = 0; v < RN_N_VERDICTS; v++)
        if (by[v]) rn_jout_whole(b, rn_verdict_name((rn_verdict)v), by[v]);
    rn_buf_putc(b, '}');
}

static void put_json(const rn_solve_state *s, rn_buf *b)
{
    const rn_solve_result *r = s->out;
    rn_buf_putc(b, '{');
    rn_jout_text(b, "version", rn_version());
    rn_jout_text(b, "outcome", outcome_names[r->outcome]);
    rn_jout_text(b, "problem", s->target.task_id);
    rn_jout_text(b, "policy", rn_policy_name(s->policy_kind));
    rn_jout_text(b, "prior", s->o->learn_from ? s->o->learn_from : "default");
    rn_jout_text(b, "budget_unit", unit_names[s->budget.unit]);
    rn_jout_number(b, "budget", s->budget.amount);
    rn_jout_number(b, "spent", r->spent);
    rn_jout_number(b, "seconds", r->seconds);
    rn_jout_whole(b, "started_unix_us", s->start_unix_ns / 1000);
    rn_jout_number(b, "stopped_s", since_start(s, s->stopped_ns));
    rn_jout_boolean(b, "interrupted", s->cancelled);
    rn_jout_boolean(b, "passes_on_nothing", s->nothing_passes);
    if (s->ranker) {
        rn_jout_text(b, "ranker", s->ranker);
        rn_jout_number(b, "ranking_cpu_s", s->ranking_cpu_s);
    }
    put_program(s, b);
    put_verdicts(s, b);
    rn_jout_open(b, "models", "[");
    for (size_t i = 0; i < r->n_rows; i++)
        put_row(b, &r->rows[i], s->arms[i].sampler->how);
    rn_buf_putc(b, ']');
    rn_jout_text(b, "why", r->why);
    rn_jout_text(b, "warnings", r->warnings);
    rn_buf_putc(b, '}');
}

/* ---- all of it ------------------------------------------------------------------------------- */

static int take(rn_buf *b, char **out, rn_err *err)
{
    if (!b->data) rn_buf_puts(b, "");
    *out = rn_buf_ok(b) ? rn_buf_take(b) : NULL;
    rn_buf_free(b);
    return *out ? 0 : rn_nomem(err, "ledger");
}

int rn_ledger_fill(rn_solve_state *s, rn_err *err)
{
    rn_solve_result *r = s->out;
    r->n_rows = (size_t)s->n_arms;
    r->rows = calloc(r->n_rows + 1, sizeof *r->rows);
    if (!r->rows) return rn_nomem(err, "ledger");
    double sum = 0;
    for (size_t i = 0; i < r->n_rows; i++) {
        r->rows[i] = s->arms[i].row;
        r->rows[i].name = strdup(s->arms[i].sampler->m.name);
        if (!r->rows[i].name) return rn_nomem(err, "ledger");
        sum += s->budget.unit == RN_UNIT_FLOP ? r->rows[i].flop : r->rows[i].usd;
    }
    r->spent = s->budget.unit == RN_UNIT_SECOND ? r->seconds : sum;
    rn_buf b = {0};
    put_why(s, &b);
    int rc = take(&b, &r->why, err);
    if (!rc) rc = take(&s->warnings, &r->warnings, err);
    if (rc) return rc;
    put_json(s, &b);
    return take(&b, &r->ledger_json, err);
}

void rn_solve_result_free(rn_solve_result *r)
{
    if (!r) return;
    for (size_t i = 0; r->rows && i < r->n_rows; i++)
        free((char *)(uintptr_t)r->rows[i].name);
    free(r->rows);
    free(r->program);
    free(r->why);
    free(r->warnings);
    free(r->ledger_json);
    *r = (rn_solve_result){.model = -1};
}
