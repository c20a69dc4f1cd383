/* profile.h: what the files of `ration profile` share: what was measured, here or of a server. */
#ifndef RN_RUN_PROFILE_H
#define RN_RUN_PROFILE_H

#include "base/json.h"
#include "run/local_model.h"
#include "run/server_model.h"

enum { RN_PROFILE_POINTS = 13 }; /* 1, 2, 4, ... 4096 in flight */

typedef struct rn_profile_opts {
    rn_model_opts model;
    rn_server_opts server;
    const char *store, *name, *cost, *format;
    int64_t prompt, gen;
} rn_profile_opts;

typedef struct rn_profile_point {
    int32_t batch;
    double step_s, s_per_1000; /* step_s: for one token of each */
} rn_profile_point;

typedef struct rn_profile {
    rn_profile_point points[RN_PROFILE_POINTS];
    int n, best;
    double prompt_s, flop; /* flop NAN unknown */
    int n_threads;
    rn_shape shape; /* n_layer 0: not known */
    rn_buf hardware;
    bool server; /* then: */
    rn_remote_probe probe;
    rn_buf spent; /* a line for people */
} rn_profile;

/* Adds a point and keeps `best` at the one that is cheapest. */
void rn_profile_add(rn_profile *p, int32_t batch, double step_s, double s_per_1000);

/* Measures a model file on this machine. */
int rn_profile_file(const rn_profile_opts *o, rn_profile *p, rn_err *err);
/* Measures a model behind a server: see profile_server.c. */
int rn_profile_server(const rn_profile_opts *o, rn_profile *p, rn_err *err);
/* As JSON; a new reference, NULL when memory is out. */
json_t *rn_profile_json(const rn_profile_opts *o, const rn_profile *p);
/* Keeps it in the store o->store. */
int rn_profile_store(const rn_profile_opts *o, const rn_profile *p, rn_err *err);

#endif
