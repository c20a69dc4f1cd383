/* until_print.c: see until_print.h. */
#include "cli/until_print.h"

enum { MOST_LISTED = 10 };

/* A number with a unit, "-" where it is not known. */
static void print_cell(double v, int width, const char *format)
{
    char text[32] = "-";
    if (isfinite(v)) snprintf(text, sizeof text, format, v);
    printf("  %*s", width, text);
}

static void print_costs(const rn_until_model *m, double n)
{
    print_cell(m->flop * n * 1e-12, 10, "%.4g");
    print_cell(m->seconds * n, 9, "%.4g");
    print_cell(m->usd * n, 9, "%.4g");
    putchar('\n');
}

static void print_models(const rn_until_summary *s)
{
    printf("%-28s  %8s  %11s  %8s  %8s  %10s  %9s  %9s\n", "model", "samples", "per problem",
           "recorded", "made now", "TFLOP", "s", "USD");
    for (size_t i = 0; i < s->n_models; i++) {
        const rn_until_model *m = &s->models[i];
        char range[48];
        snprintf(range, sizeof range, "%lld-%lld", (long long)m->least, (long long)m->most);
        printf("%-28.28s  %8lld  %11s  %8lld  %8lld", m->name, (long long)m->n_samples, range,
               (long long)m->n_recorded, (long long)m->n_made);
        print_costs(m, (double)m->n_samples);
    }
}

/* The leads of a crossover, budget by budget. */
static void print_points(const rn_until_summary *s)
{
    printf("\n%8s  %6s  %6s  %10s  %18s  %s\n", "budget", "k", "k", "difference", "interval",
           "ahead");
    for (size_t i = 0; i < s->n_points; i++) {
        const rn_until_point *p = &s->points[i];
        char at[48];
        snprintf(at, sizeof at, "[%+.1f, %+.1f]", 100 * p->lo, 100 * p->hi);
        printf("%7gx  %6lld  %6lld  %+10.1f  %18s  %s\n", p->budget, (long long)p->k[0],
               (long long)p->k[1], 100 * p->value, at,
               p->side > 0   ? s->models[0].name
               : p->side < 0 ? s->models[1].name
                             : "not known");
    }
}

static void print_plan(const rn_until_summary *s)
{
    printf("%-28s  %8s  %22s  %10s  %9s  %9s\n", "model", "recorded", "further samples", "TFLOP",
           "s", "USD");
    for (size_t i = 0; i < s->n_models; i++) {
        const rn_until_model *m = &s->models[i];
        char more[64];
        snprintf(more, sizeof more, "%lld [%lld, %lld]", (long long)m->n_more[1],
                 (long long)m->n_more[0], (long long)m->n_more[2]);
        printf("%-28.28s  %8lld  %22s", m->name, (long long)m->n_recorded, more);
        print_costs(m, (double)m->n_more[1]);
    }
    if (s->n_listed)
        printf("\n%-24s  %-28s  %8s  %8s  %8s\n", "problem", "model", "recorded", "passed",
               "further");
    for (size_t i = 0; i < s->n_listed && i < MOST_LISTED; i++) {
        const rn_until_problem *p = &s->problems[i];
        printf("%-24.24s  %-28.28s  %8lld  %8lld  %8.1f\n", p->task_id, s->models[p->model].name,
               (long long)p->n, (long long)p->c, p->n_more);
    }
    if (s->n_listed > MOST_LISTED)
        printf("and %zu more %s; --format json lists all\n", s->n_listed - MOST_LISTED,
               rn_plural((int64_t)s->n_listed - MOST_LISTED, "row", "rows"));
}

/* The figure is that of a report; the answer that is asked for is about these problems alone. */
static void print_recorded(const rn_until_summary *s)
{
    printf("As recorded (the figure of `ration report`):\n  %s\n", s->answer);
    if (s->answered)
        printf(
            "The recorded samples answer the question for these problems: none are missing.\n\n");
    else
        printf("An answer for these problems comes in %.0f %% of simulations.\n\n",
               100 * s->p_answered);
}

void rn_until_print(const rn_until_summary *s, bool plan)
{
    if (!s->answer) return;
    if (plan)
        print_recorded(s);
    else
        printf("%s %s\n\n", s->answered ? "Answered:" : "Not answered:", s->answer);
    if (plan)
        print_plan(s);
    else
        print_models(s);
    if (s->n_points > 1) print_points(s);
    if (plan)
        printf("\n%lld %s; intervals are over problems like these, as in the report "
               "(METRICS.md)\n",
               (long long)s->n_reported, rn_plural(s->n_reported, "problem", "problems"));
    else
        printf("\n%lld %s, %d %s; intervals are for these problems, with fresh samples "
               "(METRICS.md)\n",
               (long long)s->n_problems, rn_plural(s->n_problems, "problem", "problems"), s->rounds,
               rn_plural(s->rounds, "round", "rounds"));
    if (!plan && s->median_unbiased)
        printf("%s the median unbiased %s: sampling ended by what it saw,\n"
               "and the plain estimate of `ration report` may differ\n",
               s->n_points > 1 ? "differences are" : "the difference is",
               s->n_points > 1 ? "ones" : "one");
}
