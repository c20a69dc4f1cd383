/*
 * opened.h: a model source (ration.h) that is open: a GGUF file with the options of its engine, or
 * a server's client; and what records say of either: name, hash, shape, cost entry, what was
 * spent.
 */
#ifndef RN_RUN_OPENED_H
#define RN_RUN_OPENED_H

#include "base/hash.h"
#include "cost/cost.h"
#include "model/engine.h"
#include "remote/remote.h"
#include "run/serve.h"
#include "run/stage.h"

typedef struct rn_opened {
    const rn_model_source *m; /* borrowed */
    const rn_watch *watch;    /* borrowed */
    char name[256];           /* in the store */
    char sha[RN_SHA256_HEX];  /* of rn_opened_hash; "" of a server */
    rn_shape shape;           /* n_layer 0: not known */
    /* of a file */
    const rn_gguf *file; /* header, borrowed from the model or own_file */
    const rn_tok *tok;   /* as file */
    rn_hparams hp;
    const rn_model *model; /* NULL: its weights are not read yet */
    rn_engine_opts engine; /* once they are; the two token counts are the caller's to fill in */
    rn_gguf *own_file;
    rn_tok *own_tok;
    rn_model *own_model;
    /* of a server */
    rn_remote *remote;
    int64_t
        asked_ns;    /* since when its first answers are awaited; 0: they are not, or it was said */
    rn_serve *serve; /* started for it; NULL */
    rn_buf served;   /* its source with the port */
    rn_cost_book *book;
    const rn_cost *entry; /* that prices it; NULL none */
} rn_opened;

/* Reads a file's header, or opens the client. api: of a server whose source names none. *out is
 * closed after a failure. */
int rn_opened_peek(const rn_model_source *m, const rn_watch *watch, rn_remote_api api,
                   rn_opened *out, rn_err *err);
int rn_opened_load(rn_opened *o, rn_err *err); /* a file's weights, once */
/* Both at once. */
int rn_opened_open(const rn_model_source *m, const rn_watch *watch, rn_remote_api api,
                   rn_opened *out, rn_err *err);
void rn_opened_close(rn_opened *o);
int rn_opened_hash(rn_opened *o, rn_err *err); /* fills sha, once */

/* A description of this machine for records: processor, cores, memory, kernel set. */
void rn_hardware(rn_isa isa, int n_threads, rn_buf *out);

int rn_parse_kv(const char *text, rn_kv_type *out, rn_err *err); /* NULL: f16 */
const char *rn_kv_name(rn_kv_type kv);

/* ---- what servers were asked ---------------------------------------------------------------- */

/* Dollars for all that was asked, discarded tokens too; NAN without prices. */
double rn_server_usd(const rn_cost *entry, const rn_remote_usage *u);
/* "URL: requests, tokens, what was lost, dollars" for people; NULL when nothing was asked or
 * memory is out; the caller frees. */
char *rn_server_summary(const rn_opened *o, const rn_remote_usage *u);
/* What was learned and spent, as the note of a command in the store. p may be NULL. */
int rn_server_put_note(const rn_opened *o, const rn_remote_usage *u, const rn_remote_probe *p,
                       rn_store *s, int64_t command_id, rn_err *err);
/* Appends {"honours_n": ..., ...}. */
void rn_server_probe_json(const rn_remote_probe *p, rn_buf *out);

#endif
