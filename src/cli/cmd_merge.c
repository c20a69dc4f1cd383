/* cmd_merge.c: `ration merge`: shards of an experiment into one file. */
#include "cli/commands.h"

#include "base/log.h"
#include "store/merge.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>

static const char intro[] = "Adds the content of experiment files to FILE (-s), which is made if "
                            "it is not there: runs that\n"
                            "were sampled, judged or scored on several machines become one. What "
                            "several hold is kept once.\n"
                            "Where they differ, FILE keeps what it has and the difference is "
                            "reported. Inputs stay as they\n"
                            "are; an interrupted merge is run again. Without inputs, FILE is "
                            "brought up to date and checked.";

enum { MAX_SHOWN = 10 };

typedef struct session {
    rn_progress progress;
    int64_t n_shown;
} session;

static void on_conflict(void *user, const char *text)
{
    session *u = user;
    if (++u->n_shown <= MAX_SHOWN) fprintf(stderr, "ration merge: conflict: %s\n", text);
    if (u->n_shown == MAX_SHOWN + 1)
        fprintf(stderr, "ration merge: further ones are only counted\n");
}

static int on_progress(void *user, int64_t n)
{
    session *u = user;
    if (n % 64 == 0) rn_progress_set(&u->progress, n, NULL);
    return rn_opt_should_stop(NULL);
}

static bool same_file(const char *a, const char *b)
{
    struct stat x, y;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static int merge_one(rn_store *out, const char *path, session *u, rn_merge_stats *st, rn_err *err)
{
    const rn_merge_opts opts = {on_conflict, on_progress, u};
    rn_store *in = NULL;
    if (same_file(rn_store_path(out), path))
        return rn_fail(err, RN_EINVAL, "%s: a file cannot be merged into itself", path);
    int rc = rn_store_open(path, RN_STORE_READ, &in, err);
    /* One unchanging view of an input that may still be written to. */
    if (!rc) rc = rn_store_begin(in, err);
    if (!rc) rc = rn_merge(out, in, &opts, st, err);
    rn_store_close(in);
    return rc;
}

int rn_cmd_merge(int argc, char **argv)
{
    const rn_command *cmd = rn_command_find("merge");
    const char *store = NULL;
    const rn_opt table[] = {
        RN_OPT_STR('s', "store", &store, "FILE", "the experiment file to add to"), RN_OPT_END};
    int first;
    int rc = rn_opt_parse(cmd, intro, table, argc, argv, &first);
    if (rc >= 0) return rc;
    if (!store) return rn_opt_usage(cmd, "the experiment file is missing: -s FILE");

    rn_opt_catch_signals();
    rn_err err = {0};
    rn_store *out = NULL;
    rn_merge_stats st = {0};
    session u = {0};
    int64_t command_id = 0;
    rc = rn_store_open(store, first < argc ? RN_STORE_CREATE : RN_STORE_WRITE, &out, &err);
    if (rc) return rn_opt_failure(cmd, &err);
    rc = rn_store_log_begin(out, cmd->name, argc, argv, &command_id, &err);
    rn_progress_start(&u.progress, "merge", "samples", 0);
    for (int i = first; i < argc && !rc; i++)
        rc = merge_one(out, argv[i], &u, &st, &err);
    rn_progress_end(&u.progress);
    if (!rc && first == argc) rc = rn_store_check(out, &err);
    int status = rc ? RN_EXIT_FAILURE : st.n_conflicts ? RN_EXIT_MISSING : RN_EXIT_DONE;
    if (rc == RN_ECANCELLED) status = RN_EXIT_MISSING;
    rn_store_log_end(out, command_id, status, NULL);
    rn_store_close(out);
    if (first < argc)
        printf("%s: %" PRId64 " samples added, %" PRId64 " were there already, %" PRId64
               " verdicts, %" PRId64 " scores; %" PRId64 " conflicts\n",
               store, st.n_samples, st.n_present, st.n_verdicts, st.n_scores, st.n_conflicts);
    else if (!rc)
        printf("%s: up to date, no damage found\n", store);
    if (rc) rn_opt_failure(cmd, &err);
    return status;
}
