/* rank_run.h: a run whose samples are to be scored: its problem set, prompts and extractor. */
#ifndef RN_RUN_RANK_RUN_H
#define RN_RUN_RANK_RUN_H

#include "base/json.h"
#include "store/store.h"
#include "task/prompt.h"

/* What the command line says about all runs; NULL: the run's own. */
typedef struct rn_rank_source {
    const char *set, *data, *preset, *extractor;
} rn_rank_source;

typedef struct rn_rank_run {
    int64_t id;
    const char *set_name, *set_hash, *preset_name, *settings_text, *model_name, *model_sha;
    /* While it is open: */
    rn_taskset *set;
    json_t *settings;
    const rn_preset *preset; /* NULL: no known one */
    const char *extractor;
} rn_rank_run;

/* Copies a row of the store into `a`; NULL strings inside: memory is out. */
rn_rank_run rn_rank_run_of(const rn_store_run_row *row, rn_arena *a);
/* RN_EINVAL when the set is another version than the one that the run was made with. */
int rn_rank_run_open(rn_rank_run *r, const rn_rank_source *src, rn_err *err);
void rn_rank_run_close(rn_rank_run *r);

/* The problem that a sample answers; NULL with a message when the set has none of that id. */
const rn_problem *rn_rank_problem(const rn_rank_run *r, const rn_store_sample_row *x, rn_err *err);
/* Samples that ran into their token limit are never ranked. */
bool rn_rank_is_cut(const rn_store_sample_row *x);

/* The program that a judge would run for a sample's text; appends to *source. `code` is scratch. */
int rn_rank_program(const rn_rank_run *r, const rn_problem *p, rn_bytes text, rn_buf *code,
                    rn_buf *source, rn_err *err);

/* A list of n items with room for one more; realloc'ed. NULL: memory is out, the list stays. */
void *rn_rank_grown(void *list, size_t n, size_t *cap, size_t size);

#endif
