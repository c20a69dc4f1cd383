/* report_opts.c: see report_opts.h. */
#include "cli/report_opts.h"

int rn_opt_choose(const rn_command *cmd, const char *name, const char *value,
                  const char *const *choices, int n, int *out)
{
    for (int i = 0; i < n; i++)
        if (strcmp(value, choices[i]) == 0) {
            *out = i;
            return -1;
        }
    return rn_opt_usage(cmd, "--%s cannot be '%s'", name, value);
}

int rn_opt_pair(const rn_command *cmd, const char *name, const char *text, char mark,
                rn_arena *arena, const char **a, const char **b)
{
    char *copy = rn_arena_strdup(arena, text);
    char *at = copy ? strchr(copy, mark) : NULL;
    if (!at || at == copy || !at[1])
        return rn_opt_usage(cmd, "--%s needs two names with '%c' between them, not '%s'", name,
                            mark, text);
    *at = '\0';
    *a = copy;
    *b = at + 1;
    return -1;
}

int rn_report_args_read(const rn_command *cmd, const rn_report_args *a, rn_report_request *q)
{
    static const char *const missing[] = {"drop", "fail", "refuse"};
    static const char *const flops[] = {"study", "exact"};
    if (a->resamples < 2 || a->resamples > 1000000)
        return rn_opt_usage(cmd, "--resamples must be from 2 to 1000000");
    if (!(a->confidence > 0 && a->confidence < 1))
        return rn_opt_usage(cmd, "--confidence must be between 0 and 1, e.g. 0.95");
    if (!isnan(a->prompt_tok) && !(a->prompt_tok >= 1 && a->prompt_tok <= 1e9))
        return rn_opt_usage(cmd, "--prompt-tokens must be a number from 1");
    static const char *const paid[] = RN_PROMPT_NAMES;
    int policy = 0, basis = 0, prompt = 0;
    int rc = rn_opt_choose(cmd, "missing", a->missing, missing, 3, &policy);
    if (rc < 0) rc = rn_opt_choose(cmd, "flops", a->flops, flops, 2, &basis);
    if (rc < 0) rc = rn_opt_choose(cmd, "prompt", a->prompt, paid, 3, &prompt);
    for (int i = 0; i < a->costs.n && rc < 0; i++) {
        rn_price_map *p = &q->prices[q->n_prices++];
        rc = rn_opt_pair(cmd, "cost", a->costs.v[i], '=', &q->arena, &p->model, &p->entry);
    }
    rn_report_opts *r = &q->report;
    r->n_resamples = a->resamples;
    r->seed = (uint64_t)a->seed;
    r->level = a->confidence;
    r->prompt_tok = a->prompt_tok;
    r->profile = a->profile;
    r->missing = (rn_missing)policy;
    r->basis = (rn_flop_basis)basis;
    r->prompt = (rn_prompt_paid)prompt;
    return rc;
}

void rn_report_request_free(rn_report_request *q)
{
    rn_arena_free(&q->arena);
}

rn_report_filter rn_report_args_filter(const rn_report_args *a)
{
    return (rn_report_filter){
        .task = a->task, .models = a->models.v, .n_models = (size_t)a->models.n};
}

int rn_report_args_load(const rn_report_args *a, rn_report *r, rn_err *err)
{
    int rc = 0;
    for (int i = 0; i < a->cost_files.n && !rc; i++)
        rc = rn_cost_book_read(r->book, a->cost_files.v[i], err);
    const rn_report_filter filter = rn_report_args_filter(a);
    if (!rc && a->store) rc = rn_report_add_store(r, a->store, &filter, err);
    return rc;
}

bool rn_report_incomplete(const rn_report *r)
{
    bool some = r->n_notes > 0;
    for (size_t i = 0; i < r->n_tasks; i++)
        for (size_t j = 0; j < r->tasks[i].n_entrants; j++)
            some |= r->tasks[i].entrants[j].cov.n_missing > 0 || !r->tasks[i].entrants[j].cost;
    return some;
}
