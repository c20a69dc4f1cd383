/* slurm.c: sbatch and squeue as child processes; see slurm.h. */
#include "run/slurm.h"

#include "base/file.h"
#include "run/process.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <wordexp.h>

enum { ANSWER_MS = 60000, MAX_JOBS_FILE = 1 << 20 };

int rn_slurm_script(const char *folder, const rn_batch_job *job, rn_err *err)
{
    rn_buf out = {0}, path = {0};
    /* exec: Slurm's signals must reach ration itself. TERM comes a minute before the time limit,
     * so that the last results travel home. */
    rn_buf_printf(&out,
                  "#!/bin/sh\n"
                  "#SBATCH --job-name=ration-%s\n"
                  "#SBATCH --requeue\n"
                  "#SBATCH --open-mode=append\n"
                  "#SBATCH --signal=B:TERM@60\n"
                  "exec ",
                  job->args.data[0]);
    rn_buf_word(&out, job->program);
    rn_buf_puts(&out, " batch --dir ");
    rn_buf_word(&out, folder);
    rn_buf_puts(&out, " --task $((SLURM_ARRAY_TASK_ID + ${1:-0}))\n");
    const char *name = rn_batch_path(folder, "script.sh", &path);
    int rc = rn_buf_ok(&out) && name ? rn_file_write_atomic(name, rn_buf_view(&out), err)
                                     : rn_fail(err, RN_ENOMEM, "%s: out of memory", folder);
    if (!rc && chmod(name, 0755)) rc = rn_fail_errno(err, "%s", name);
    rn_buf_free(&out);
    rn_buf_free(&path);
    return rc;
}

/* "0-3,7": ranges of a list that rises, counted from its first, since Slurm limits the greatest
 * index of an array (MaxArraySize, 1001 by default); the script gets the first as its argument. */
static void put_array(rn_buf *out, const int64_t *tasks, size_t n)
{
    for (size_t i = 0; i < n;) {
        size_t last = i;
        while (last + 1 < n && tasks[last + 1] == tasks[last] + 1)
            last++;
        rn_buf_printf(out, "%s%lld", i ? "," : "", (long long)(tasks[i] - tasks[0]));
        if (last > i) rn_buf_printf(out, "-%lld", (long long)(tasks[last] - tasks[0]));
        i = last + 1;
    }
}

typedef RN_VEC(const char *) words;

/* The words of sbatch's command line in `a`. */
static int build_words(const char *folder, const char *extra, const int64_t *tasks, size_t n,
                       rn_arena *a, words *out, rn_err *err)
{
    rn_buf array = {0};
    wordexp_t w = {0};
    put_array(&array, tasks, n);
    int bad = extra ? wordexp(extra, &w, WRDE_NOCMD | WRDE_UNDEF) : 0;
    rn_vec_push(out, "sbatch");
    rn_vec_push(out, "--parsable");
    rn_vec_push(out, rn_arena_printf(a, "--array=%s", array.data ? array.data : ""));
    rn_vec_push(out, rn_arena_printf(a, "--output=%s/slurm-%%A-%%a.log", folder));
    for (size_t i = 0; !bad && i < w.we_wordc; i++)
        rn_vec_push(out, rn_arena_strdup(a, w.we_wordv[i]));
    rn_vec_push(out, rn_arena_printf(a, "%s/script.sh", folder));
    if (tasks[0]) rn_vec_push(out, rn_arena_printf(a, "%lld", (long long)tasks[0]));
    rn_vec_push(out, NULL);
    bool ok = rn_vec_ok(out) && rn_buf_ok(&array);
    for (size_t i = 0; ok && i + 1 < out->n; i++)
        ok = out->data[i] != NULL;
    if (extra && !bad) wordfree(&w);
    rn_buf_free(&array);
    if (bad)
        return rn_fail(err, RN_EINVAL,
                       "--sbatch '%s': not valid options: quotes must be closed, and there must be "
                       "no ;|&<>() or commands",
                       extra);
    return ok ? 0 : rn_fail(err, RN_ENOMEM, "sbatch: out of memory");
}

int rn_slurm_command(const char *folder, const char *extra, const int64_t *tasks, size_t n,
                     rn_buf *out, rn_err *err)
{
    rn_arena a = {0};
    words w = {0};
    int rc = build_words(folder, extra, tasks, n, &a, &w, err);
    for (size_t i = 0; !rc && i + 1 < w.n; i++) {
        if (i) rn_buf_putc(out, ' ');
        if (strpbrk(w.data[i], " \t\n'\"$`\\;|&<>()*?[]~#"))
            rn_buf_word(out, w.data[i]);
        else
            rn_buf_puts(out, w.data[i]);
    }
    rn_vec_free(&w);
    rn_arena_free(&a);
    return rc;
}

/* One line more in FOLDER/jobs, "ID FIRST": written before anything else is done with the id.
 * Index i of that array is task FIRST + i. */
static int keep_id(const char *folder, const char *id, int64_t first, rn_err *err)
{
    rn_buf path = {0};
    const char *name = rn_batch_path(folder, "jobs", &path);
    FILE *f = name ? fopen(name, "ae") : NULL;
    int rc = 0;
    if (!f || fprintf(f, "%s %lld\n", id, (long long)first) < 0) rc = -1;
    if (f && fclose(f)) rc = -1;
    if (rc)
        rc = rn_fail_errno(err,
                           "%s/jobs cannot be written; job %s runs all the same ('scancel %s' "
                           "ends it)",
                           folder, id, id);
    rn_buf_free(&path);
    return rc;
}

static int try_submit(rn_slurm_submission *x, size_t n, rn_buf *said, int *code, rn_err *err)
{
    rn_arena a = {0};
    words w = {0};
    int rc = build_words(x->folder, x->extra, x->tasks, n, &a, &w, err);
    rn_process_call call = {.argv = w.data, .timeout_ms = ANSWER_MS, .said = said};
    if (!rc) rc = rn_process_run(&call, err);
    if (rc == RN_ENOTFOUND)
        rc = rn_fail(err, RN_EUNSUPPORTED,
                     "there is no Slurm on this machine (no sbatch): submit from a login node, or "
                     "share the work by hand with --shard I/N (docs/CLUSTER.md)");
    *code = call.code;
    rn_vec_free(&w);
    rn_arena_free(&a);
    return rc;
}

int rn_slurm_submit(rn_slurm_submission *x, rn_err *err)
{
    rn_buf said = {0};
    int code = 1, rc = 0;
    size_t n = x->n;
    while ((rc = try_submit(x, n, &said, &code, err)) == 0 && code != 0 && n > 1)
        n /= 2; /* a limit on the size of an array, or on jobs at a time */
    if (!rc && code)
        rc = rn_fail(err, RN_EIO, "sbatch refuses: %.300s; change it with --sbatch 'OPTIONS'",
                     said.len ? said.data : "it gives no reason");
    /* "1234" or "1234;cluster", behind warnings */
    const char *last = said.len ? strrchr(said.data, '\n') : NULL;
    if (!rc) {
        snprintf(x->id, sizeof x->id, "%.*s",
                 (int)strspn(last ? last + 1 : said.data, "0123456789"),
                 last ? last + 1 : said.data);
        rc = x->id[0]
                 ? keep_id(x->folder, x->id, x->tasks[0], err)
                 : rn_fail(err, RN_EFORMAT, "sbatch answers without a job id: %.200s", said.data);
    }
    x->n_taken = rc ? 0 : n;
    rn_buf_free(&said);
    return rc;
}

typedef struct sent_array {
    long long id, first; /* index i is task first + i */
} sent_array;
typedef RN_VEC(sent_array) sent_arrays;

/* The arrays of FOLDER/jobs, none when nothing was submitted, and their ids with commas between. */
static int read_jobs(const char *folder, sent_arrays *out, rn_buf *ids, rn_err *err)
{
    rn_buf path = {0}, text = {0};
    const char *name = rn_batch_path(folder, "jobs", &path);
    int rc = !name                  ? rn_fail(err, RN_ENOMEM, "%s: out of memory", folder)
             : rn_file_exists(name) ? rn_file_read(name, MAX_JOBS_FILE, &text, err)
                                    : 0;
    char *next = rc ? NULL : text.data;
    for (char *line; next && (line = strsep(&next, "\n"));) {
        sent_array x = {0};
        if (sscanf(line, "%lld %lld", &x.id, &x.first) < 1) continue;
        rn_buf_printf(ids, "%s%lld", out->n ? "," : "", x.id);
        rn_vec_push(out, x);
    }
    if (!rc && !(rn_vec_ok(out) && rn_buf_ok(ids)))
        rc = rn_fail(err, RN_ENOMEM, "%s: out of memory", folder);
    rn_buf_free(&path);
    rn_buf_free(&text);
    return rc;
}

/* A line of squeue: "INDEX|STATE|JOB|REASON". */
static void take_line(rn_slurm_queue *q, const sent_arrays *sent, char *line)
{
    char state[32], reason[64];
    long long index, job;
    if (sscanf(line, "%lld|%31[^|]|%lld|%63[^|]", &index, state, &job, reason) != 4) return;
    long long task = index;
    for (size_t i = 0; i < sent->n; i++)
        if (sent->data[i].id == job) task = index + sent->data[i].first;
    if (task < 0 || task >= q->n_tasks) return;
    q->alive[task] = true;
    if (strcmp(state, "PENDING") == 0) {
        q->n_waiting++;
        snprintf(q->reason, sizeof q->reason, "%s", reason);
        /* "launch failed requeued held", "JobHeldUser": words differ by version. */
        if (strcasestr(reason, "held")) {
            q->n_held++;
            snprintf(q->held, sizeof q->held, "%lld_%lld", job, index);
            snprintf(q->held_reason, sizeof q->held_reason, "%s", reason);
        }
    } else {
        q->n_running++;
    }
}

int rn_slurm_look(const char *folder, rn_slurm_queue *q, rn_err *err)
{
    rn_buf ids = {0}, said = {0};
    sent_arrays sent = {0};
    memset(q->alive, 0, (size_t)q->n_tasks * sizeof *q->alive);
    q->n_running = q->n_waiting = q->n_held = 0;
    q->reason[0] = '\0';
    int rc = read_jobs(folder, &sent, &ids, err);
    const char *const argv[] = {"squeue", "-h",          "-r", "-j", ids.len ? ids.data : "",
                                "-o",     "%K|%T|%F|%r", NULL};
    rn_process_call call = {.argv = argv, .timeout_ms = ANSWER_MS, .said = &said};
    if (!rc && ids.len) rc = rn_process_run(&call, err);
    /* A job that ended a while ago is not known any more: nothing of it is alive. */
    if (!rc && call.code && !strstr(said.data ? said.data : "", "Invalid job id"))
        rc = rn_fail(err, RN_ENET, "squeue: %.200s", said.len ? said.data : "it gives no reason");
    else if (rc && rc != RN_ENOMEM)
        rc = RN_ENET;
    char *next = rc || call.code ? NULL : said.data;
    for (char *line; next && (line = strsep(&next, "\n"));)
        take_line(q, &sent, line);
    rn_vec_free(&sent);
    rn_buf_free(&ids);
    rn_buf_free(&said);
    return rc;
}
