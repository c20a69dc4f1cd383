/*
 * fuzz_store.c: a file that a stranger calls an experiment. It is opened, walked, exported, digested
 * and merged; whatever it holds, that ends, with an error or without.
 * modules: base store
 */
#include "store/export.h"
#include "store/merge.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_RUNS = 8 };

static char file[64], merged[64];

static void remove_store(const char *path)
{
    static const char *const ends[] = {"", "-wal", "-shm", "-journal", ".lock"};
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        char name[96];
        snprintf(name, sizeof name, "%s%s", path, ends[i]);
        unlink(name);
    }
}

static void remove_files(void)
{
    remove_store(file);
    remove_store(merged);
}

static void prepare(void)
{
    static bool done;
    if (done) return;
    const char *dir = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    snprintf(file, sizeof file, "%s/fuzz-store-%ld.db", dir, (long)getpid());
    snprintf(merged, sizeof merged, "%s/fuzz-store-%ld-m.db", dir, (long)getpid());
    atexit(remove_files);
    done = true;
}

typedef struct found {
    int64_t runs[MAX_RUNS];
    size_t n;
} found;

static int note_run(void *user, const rn_store_run_row *r)
{
    found *f = user;
    if (strlen(r->settings) > 1000000) return 1;
    if (f->n < MAX_RUNS) f->runs[f->n++] = r->run_id;
    return 0;
}

static int pass_over_sample(void *user, const rn_store_sample_row *r)
{
    (void)user;
    return r->x.text.len > 100000000;
}

static int pass_over_pair(void *user, const rn_store_pair_row *r)
{
    (void)user;
    return strlen(r->task_id) > 1000000;
}

static int pass_over_text(void *user, const char *data, size_t len)
{
    (void)user;
    (void)data;
    return len > 1000000000;
}

static void look_at_run(rn_store *s, int64_t run)
{
    rn_arena a = {0};
    rn_store_cell *cells = NULL;
    rn_store_outcome *outcomes = NULL;
    rn_store_grouping groups;
    double *scores = NULL;
    size_t n = 0, n_outcomes = 0;
    const rn_store_samples all = {.run_id = run, .with_text = true},
                           unjudged = {.run_id = run, .unjudged_protocol = 1};
    rn_store_each_sample(s, &all, pass_over_sample, NULL, NULL);
    rn_store_each_sample(s, &unjudged, pass_over_sample, NULL, NULL);
    rn_store_each_pair(s, run, false, pass_over_pair, NULL, NULL);
    rn_store_outcomes(s, run, 0, &a, &outcomes, &n_outcomes, NULL);
    if (!rn_store_cells(s, run, 0, &a, &cells, &n, NULL)) {
        rn_store_scores(s, run, 1, &a, n, &scores, NULL);
        rn_store_groups(s, run, 1, &a, n, &groups, NULL);
    }
    for (int f = 0; f < RN_N_EXPORT_FORMATS; f++) {
        const rn_export_opts o = {
            .format = (rn_export_format)f, .run_ids = &run, .n_runs = 1, .write = pass_over_text};
        rn_export(s, &o, NULL, NULL);
    }
    rn_arena_free(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    prepare();
    remove_files();
    FILE *f = fopen(file, "wb");
    if (!f || fwrite(data, 1, size, f) != size || fclose(f)) abort();
    rn_store *s = NULL, *out = NULL;
    rn_err err = {0};
    char hex[65];
    found runs = {.n = 0};
    if (rn_store_open(file, RN_STORE_READ, &s, &err)) {
        if (!err.msg[0]) abort();
        return 0;
    }
    rn_store_each_run(s, note_run, &runs, NULL);
    for (size_t i = 0; i < runs.n; i++)
        look_at_run(s, runs.runs[i]);
    rn_store_digest(s, hex, NULL);
    rn_merge_stats st = {0};
    if (!rn_store_open(merged, RN_STORE_CREATE, &out, NULL))
        rn_merge(out, s, &(rn_merge_opts){0}, &st, NULL);
    rn_store_close(out);
    rn_store_close(s);
    if (!rn_store_open(file, RN_STORE_WRITE, &s, NULL)) rn_store_close(s);
    return 0;
}
