/*
 * identity.h: the one writer of the JSON that names a run, a ranker or a protocol in a store. Equal
 * content is the same run, ranker or protocol (store.h compares in canonical form); "source",
 * "version", "ration" and a server's URL are provenance, which the store keeps beside it.
 */
#ifndef RN_RUN_IDENTITY_H
#define RN_RUN_IDENTITY_H

#include "remote/remote.h"
#include "base/base.h"

/* ---- protocols: everything that a verdict depends on ---------------------------------------- */

typedef struct rn_protocol {
    const char *extractor;
    double cpu_s;                                  /* per program or case */
    double calibrate, floor_s;                     /* instead of cpu_s; 0: not */
    double wall_s;                                 /* 0: follows from the CPU limit */
    int64_t memory_bytes, output_bytes, processes; /* 0: the judge's defaults */
    bool script;                                   /* statements in one program, else cases */
    const char *compare;                           /* of cases */
    const char *tests; /* which of them, where a set has extra ones; NULL */
    bool all_tests;
    bool uncalibrated; /* BigCodeBench's code prompt left out */
    const char *venv, *python, *sandbox;
    const char *command, *folder_sha; /* a working folder's, instead of tests; NULL */
} rn_protocol;

void rn_protocol_write(const rn_protocol *p, rn_buf *out);

/* ---- runs: everything that a sample depends on, beside set, model, kind and preset ---------- */

typedef struct rn_run_identity {
    const char *source;             /* provenance: "ration generate", "ration solve" */
    const char *until;              /* provenance: the rule of sampling (rule.h); NULL */
    const rn_sampling *sampling;    /* its stop strings only with `chat` */
    bool greedy;                    /* neither seed nor top-p matter */
    const char *prompts_sha;        /* of all prompts of a set */
    const char *chat;               /* how they are wrapped: "none", "chatml", "server" */
    rn_bytes system;                /* that goes before them; empty: none */
    const char *prompt_sha, *asked; /* solve: of the one prompt; how it is asked */
    bool infill;                    /* in the model's own form of gaps (infill.h) */
    const char *kv, *kernels;       /* a file's; NULL */
    const rn_remote *remote;        /* a server's, once it is settled; NULL */
    bool of_server;                 /* solve: no top-k and min-p, which a server may not take */
    const char *body;               /* solve: further fields of each request, as JSON; NULL */
} rn_run_identity;

void rn_run_identity_write(const rn_run_identity *r, rn_buf *out);

/* ---- rankers ------------------------------------------------------------------------------ */

/* Members that are NULL are left out; numbers are those of a ranker that executes programs. */
typedef struct rn_ranker_identity {
    const char *by; /* "nll", "verifier", "consensus" */
    const char *model_sha, *kernels, *kv;
    const char *server, *server_model, *scoring, *body;
    const char *template, *template_sha, *generator;
    const char *agree, *examples, *python, *extractor;
    int64_t reader;    /* 0: none */
    int64_t inputs[4]; /* [n_inputs] of each sort */
    int n_inputs;      /* 0: executes no programs, and what follows is left out */
    int64_t seed, memory_mib;
    double cpu_s;
} rn_ranker_identity;

void rn_ranker_identity_write(const rn_ranker_identity *r, rn_buf *out);

#endif
