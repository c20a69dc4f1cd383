/*
 * fetch.h: the public problem sets from their homes into the data folder: downloaded once, checked
 * by hash and by reading them, put in place by a rename.
 */
#ifndef RN_TASK_FETCH_H
#define RN_TASK_FETCH_H

#include "task/task.h"

typedef struct rn_source {
    const char *name;    /* "humaneval", "mbpp", "mbpp-sanitized", "apps" */
    const char *url;     /* its public home */
    const char *file;    /* where it goes, relative to the data folder */
    const char *sha256;  /* of the published file; NULL: recorded in FILE.sha256 on first use */
    const char *content; /* rn_taskset.hash of set `check`; NULL: not known here */
    const char *check;   /* the set that must open from it, with all its problems */
    const char *size;    /* for people: "45 kB" */
    const char *later;   /* "b-v2 b-v3": sources of its set's later problems; NULL: none */
    int64_t max_bytes;
} rn_source;

const rn_source *rn_source_at(size_t i); /* NULL past the end; static */
/* Also by the name of a set that it brings ("apps-interview"). NULL if unknown. */
const rn_source *rn_source_find(const char *name);

typedef struct rn_fetch_opts {
    const char *data_dir; /* created when absent */
    const char *url;      /* instead of the public home; NULL */
    const char *from;     /* a local copy instead of a download; NULL */
    const char *sha256;   /* expected hash instead of the known or recorded one; NULL */
    bool again;           /* replace a file that is there */
    int retries;
    int (*progress)(void *user, int64_t done, int64_t total); /* as in download.h; NULL */
    void *user;
} rn_fetch_opts;

typedef struct rn_fetched {
    char path[4096];
    char sha256[65]; /* of the file */
    char hash[65];   /* of the set `check` */
    size_t n;        /* problems in it */
    bool already;    /* was there and is unchanged: nothing was downloaded */
    bool resumed;    /* an earlier, broken download was continued */
    bool recorded;   /* no hash was known: this one is recorded now */
} rn_fetched;

/* Brings one source. Nothing is put in place that does not pass every check; a file that is there
 * stays until its successor is whole. Errors as in download.h, and RN_EFORMAT for a wrong hash, for
 * a file that is no such set or has another number of problems, RN_EEXIST for a file that is there
 * but differs from its recorded hash. */
int rn_fetch(const rn_source *src, const rn_fetch_opts *opts, rn_fetched *out, rn_err *err);

#endif
