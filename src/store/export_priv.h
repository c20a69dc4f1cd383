/* export_priv.h: between export.c, which walks, and export_forms.c, which writes. */
#ifndef RN_STORE_EXPORT_PRIV_H
#define RN_STORE_EXPORT_PRIV_H

#include "store/export.h"
#include "store/store_priv.h"

typedef struct rn_exporter rn_exporter;

/* A sample with the verdict that was asked for; unknown: -1, NAN, "". */
typedef struct rn_export_row {
    int64_t idx, prompt_tok, gen_tok, wall_ns, text_bytes;
    const char *finish;
    double logprob, flop;
    rn_bytes text; /* the raw text, or the whole program where the form wants one */
    rn_bytes raw;
    int verdict;
    bool judged;    /* has a verdict that says something about the program */
    bool elsewhere; /* the verdict was imported, and `detail` are that harness' own words */
    int plus_verdict;
    int64_t n_tests, n_passed, failed_test, cpu_ns, judge_wall_ns, peak_bytes;
    const char *detail;
} rn_export_row;

typedef struct rn_export_form {
    bool whole; /* holds whole programs */
    bool texts; /* holds texts at all */
    bool needs_prompt;
    bool every_problem;            /* also problems without samples */
    const char *head, *end, *tail; /* before all, behind each problem, behind all; NULL: nothing */
    void (*problem)(rn_exporter *x, const rn_store_problem *p);
    void (*sample)(rn_exporter *x, const rn_store_problem *p, const rn_export_row *r);
    void (*problem_end)(rn_exporter *x); /* in place of `end` */
} rn_export_form;

extern const rn_export_form rn_export_forms[RN_N_EXPORT_FORMATS];

struct rn_exporter {
    rn_store *s;
    const rn_export_opts *opts;
    rn_export_stats *stats;
    rn_err *err;
    const rn_export_form *form;
    rn_buf out, program;
    rn_buf run_json, run_csv; /* the run's fields at the start of a flat row */
    int64_t run_id, set_id;
    bool found;
    bool first; /* no problem was written yet */
    int64_t n_in_problem, n_passed_in_problem;
};

/* A run's fields, without brackets, with a comma at the end. */
void rn_export_describe_run(const rn_store_run_row *r, rn_buf *json, rn_buf *csv);

#endif
