/*
 * import_priv.h: between import.c, which knows runs, indices and rows that go wrong, and the
 * readers of the forms (import_jsonl.c, import_json.c, import_table.c), which know what a file
 * looks like.
 */
#ifndef RN_STORE_IMPORT_PRIV_H
#define RN_STORE_IMPORT_PRIV_H

#include "base/file.h"
#include "base/json.h"
#include "store/idmap.h"
#include "store/import.h"

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
    int64_t set_id, run_id, source_id;
    int64_t protocol_id; /* of verdicts that come with samples; 0: not made yet */
    int64_t plus_protocol_id;
    int64_t file_no;           /* 1-based */
    rn_idmap map;              /* task ids of the set */
    rn_import_prompt *prompts; /* CODET: [n_prompts], in `arena`; sorted when from a map */
    size_t n_prompts;
    rn_arena arena;
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
int rn_import_lines(rn_importer *im, rn_reader *r, rn_err *err);
int rn_import_release(rn_importer *im, rn_reader *r, rn_err *err);
int rn_import_bigcode(rn_importer *im, rn_reader *r, rn_err *err);
int rn_import_results(rn_importer *im, rn_reader *r, rn_err *err);
int rn_import_table(rn_importer *im, rn_reader *r, rn_err *err);

/* CODET: reads the map or takes the set's prompts; finds the problem that a prompt belongs to. */
int rn_import_prompts_load(rn_importer *im, rn_err *err);
int rn_import_prompts_find(rn_importer *im, rn_bytes prompt, int64_t line, rn_import_entry **out,
                           rn_err *err);

#endif
