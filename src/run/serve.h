/*
 * serve.h: a model's server that lives as long as the command that needs it (`--serve`), on the
 * node where that runs: started, waited for, started again when it dies, ended with its whole
 * process group. Its output is kept in a log.
 */
#ifndef RN_RUN_SERVE_H
#define RN_RUN_SERVE_H

#include "base/base.h"

typedef struct rn_serve_opts {
    const char *command; /* for a shell; every "{port}" becomes a free port of this machine */
    const char *model;   /* URL#NAME of -m; "{port}" in it likewise */
    const char *log;     /* its output is appended here; NULL: "serve-PID.log" */
    int n_restarts;      /* after that many deaths it is given up */
    double wait_s;       /* until it answers, each time: weights take minutes to load */
    bool (*should_stop)(void *user); /* while waiting; NULL */
    void *user;
} rn_serve_opts;

typedef struct rn_serve rn_serve;

/* Starts it and waits until GET URL/models is answered. *model (cleared first) is the model with
 * its port. RN_ENET: it ended, or does not answer; the message has the end of its log.
 * RN_ECANCELLED: should_stop. rn_serve_close. */
int rn_serve_open(const rn_serve_opts *o, rn_serve **out, rn_buf *model, rn_err *err);
/* 0 while it lives or is being started again; RN_ENET when it is given up. From any thread. */
int rn_serve_check(rn_serve *s, rn_err *err);
void rn_serve_close(rn_serve *s); /* NULL accepted */

#endif
