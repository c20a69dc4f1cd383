/*
 * import_priv.h: between import.c, which knows runs, indices and rows that go wrong, and the
 * readers of the forms (import_rows.c, import_json.c, import_table.c), which know what a file
 * looks like.
 */
#ifndef RN_STORE_IMPORT_PRIV_H
#define RN_STORE_IMPORT_PRIV_H

#include "base/file.h"
#include "base/json.h"
#include "store/idmap.h"
#include "store/import.h"
#include "store/jstream.h"

enum { RN_IMPORT_MAX_ROW = 1 << 30 }; /* bytes of JSON that one row or sample may have */

/* A prompt as a file spells it and the problem that it belongs to. */
typedef struct rn_import_prompt {
    const char *text;
    size_t len;
    rn_import_entry *entry;
} rn_import_prompt;

typedef struct rn_importer {
    rn_store *s;
    const rn_import_opts *opts;
    rn_import_stats *stats;
    rn_import_format format; /* of the file that is being read */
    const char *path;        /* of it, for messages */
    int64_t set_id, model_id, run_id, source_id;
    int64_t last_run_id; /* of the file before, 0 none */
    int64_t protocol_id; /* of verdicts that come with samples; 0: not made yet */
    int64_t plus_protocol_id;
    int64_t file_no;           /* 1-based */
    rn_idmap map;              /* task ids of the set */
    rn_import_prompt *prompts; /* CODET: [n_prompts], in `arena`; sorted when from a map */
    size_t n_prompts;
    rn_arena arena;
    size_t place;    /* BIGCODE: of the next list */
    char filter[64]; /* LM_EVAL: the filter whose rows are read; "" not seen yet */
    bool surrogates; /* the row at hand has marks for lone surrogates (rn_import_parse) */
    rn_buf unmarked; /* a text without them */
} rn_importer;

/* One sample as a form gives it. */
typedef struct rn_import_row {
    rn_bytes text;
    int64_t prompt_tok, gen_tok; /* -1 unknown */
    const char *finish;          /* "" unknown */
    double logprob;              /* NAN unknown */
    int64_t wall_ns;             /* -1 unknown */
    int verdict;                 /* rn_verdict, -1 none */
    int plus_verdict;            /* EVALPLUS: with the extra tests; -1 none */
    const char *detail;
} rn_import_row;

/* rn_json_parse_python; rn_import_sample turns marks back: a text fails as it did in Python. */
int rn_import_parse(rn_importer *im, rn_bytes raw, int64_t line, json_t **out, rn_err *err);

/* All unknown. */
rn_import_row rn_import_row_new(rn_bytes text);

/* The problem of an id as a file spells it. RN_ENOTFOUND names file and line. */
int rn_import_find(rn_importer *im, rn_bytes task_id, int64_t line, rn_import_entry **out,
                   rn_err *err);
/* The next sample of that problem. Ticks, counts and reports progress. */
int rn_import_sample(rn_importer *im, rn_import_entry *p, const rn_import_row *row, int64_t line,
                     rn_err *err);
/* The verdict of a sample that is stored already, for results without texts. */
int rn_import_verdict(rn_importer *im, rn_import_entry *p, int64_t idx, const rn_import_row *row,
                      int64_t line, rn_err *err);
/* What becomes of a row that failed with rc: 0 when it is left out (skip_bad), else rc. */
int rn_import_bad(rn_importer *im, int rc, rn_err *err);
/* After a row of a table: commits in time, reports progress. */
int rn_import_tick(rn_importer *im, rn_err *err);

/* The readers. */
int rn_import_rows(rn_importer *im, rn_reader *r, rn_err *err); /* a row per line, or an array */
int rn_import_release(rn_importer *im, rn_reader *r, rn_err *err);
int rn_import_bigcode(rn_importer *im, rn_reader *r, rn_err *err);
int rn_import_results(rn_importer *im, rn_reader *r, rn_err *err);
bool rn_import_is_folder(const char *path);
int rn_import_folder(rn_importer *im, rn_err *err); /* im->path is one */
int rn_import_opencompass(rn_importer *im, rn_reader *r, rn_err *err);
int rn_import_inspect(rn_importer *im, rn_reader *r, rn_err *err);
int rn_import_csv(rn_importer *im, rn_js *js, rn_err *err); /* for rn_import_rows */

/* Rows of a table, from either form. */
int rn_import_count(rn_importer *im, rn_bytes id, int64_t n, int64_t c, int64_t line, rn_err *err);
int rn_import_point(rn_importer *im, int64_t k, double value, int64_t line, rn_err *err);

/* Results without texts belong to the run of the samples' file: the one before it in this call, or
 * the only run of this model on this set. */
int rn_import_samples_run(rn_importer *im, rn_err *err);
/* The problem in place i of the set. */
int rn_import_place(rn_importer *im, int64_t i, int64_t line, rn_import_entry **out, rn_err *err);
/* A text that is a string, or a list of strings and of objects with a "text". The result may lie in
 * *joined, which is cleared first. False: neither. */
bool rn_import_text(const json_t *v, rn_buf *joined, rn_bytes *out);
/* Verdicts in evalplus' and BigCodeBench's words, two generations of them: of the base tests, and
 * of all; either may be NULL. */
void rn_import_statuses(rn_import_row *x, const json_t *base, const json_t *plus);
/* "stop" or "length" for the words of servers and harnesses; another one word as it is; else "". */
const char *rn_import_finish(const char *reason);

/* CODET: reads the map or takes the set's prompts; finds the problem that a prompt belongs to. */
int rn_import_prompts_load(rn_importer *im, rn_err *err);
int rn_import_prompts_find(rn_importer *im, rn_bytes prompt, int64_t line, rn_import_entry **out,
                           rn_err *err);

#endif
