/* slurm.c: sbatch and squeue as child processes; see slurm.h. */
#include "run/slurm.h"

#include "base/file.h"
#include "run/process.h"

#include <sys/stat.h>
#include <unistd.h>
#include <wordexp.h>

enum { ANSWER_MS = 60000, MAX_JOBS_FILE = 1 << 20 };

int rn_slurm_script(const char *folder, const rn_batch_job *job, rn_err *err)
{
    rn_path path;
    rn_buf out = {0};
    /* exec: Slurm's signals must reach ration itself. */
    rn_buf_puts(&out, "#!/bin/sh\nexec ");
    rn_buf_word(&out, job->program);
    rn_buf_puts(&out, " batch --dir ");
    rn_buf_word(&out, folder);
    rn_buf_puts(&out, " --task $((SLURM_ARRAY_TASK_ID + ${1:-0}))\n");
    const char *name = rn_batch_path(folder, "script.sh", &path);
    int rc = rn_buf_ok(&out) ? rn_file_write_atomic(name, rn_buf_view(&out), err)
                             : rn_nomem(err, folder);
    if (!rc && chmod(name, 0755)) rc = rn_fail_errno(err, "%s", name);
    rn_buf_free(&out);
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

/* ---- options of sbatch ----------------------------------------------------------------------- */

/* FOLDER/slurm-JOB-INDEX.log as sbatch writes patterns: %% is a percent sign, and a backslash
 * anywhere would end all replacing. */
static const char *log_pattern(const char *folder, rn_arena *a)
{
    rn_buf out = {0};
    rn_buf_puts(&out, "--output=");
    for (const char *p = folder; *p; p++)
        rn_buf_puts(&out, *p == '%' ? "%%" : (const char[]){*p, '\0'});
    rn_buf_puts(&out, "/slurm-%A-%a.log");
    return rn_arena_take(a, &out);
}

/* What of sbatch's options batch decides, and what to do instead. */
static const struct {
    char letter;
    const char *name, *instead;
} own_options[] = {
    {'a', "array", "--tasks N says how many tasks there are"},
    {'W', "wait", "batch follows the job itself"},
    {'M', "clusters", "set SLURM_CLUSTERS, which squeue reads too"},
    {0, "wrap", "batch has a script of its own"},
    {0, "test-only", "--print shows script and command"},
};

static bool is_own_option(const char *word, size_t i)
{
    size_t n = strlen(own_options[i].name);
    if (word[1] != '-') return own_options[i].letter && word[1] == own_options[i].letter;
    return strncmp(word + 2, own_options[i].name, n) == 0 && (!word[n + 2] || word[n + 2] == '=');
}

static int check_extra(const char *extra, const wordexp_t *w, rn_err *err)
{
    bool value = false; /* a word without '-' may be the value of the one before */
    for (size_t i = 0; i < w->we_wordc; i++) {
        const char *word = w->we_wordv[i];
        if (word[0] != '-' && !value)
            return rn_fail(err, RN_EINVAL,
                           "--sbatch '%s': '%s' is no option, so sbatch would run it as the "
                           "script; write e.g. --sbatch '--partition=cpu --time=2:00:00'",
                           extra, word);
        for (size_t k = 0; word[0] == '-' && k < sizeof own_options / sizeof *own_options; k++)
            if (is_own_option(word, k))
                return rn_fail(err, RN_EINVAL, "--sbatch '%s': %s cannot be given there: %s", extra,
                               word, own_options[k].instead);
        value = word[0] == '-' && !strchr(word, '=') && (word[1] == '-' || !word[1] || !word[2]);
    }
    return 0;
}

static int split_extra(const char *extra, wordexp_t *w, rn_err *err)
{
    int bad = wordexp(extra, w, WRDE_NOCMD | WRDE_UNDEF);
    if (!bad) return 0;
    return rn_fail(err, RN_EINVAL, "--sbatch '%s': %s", extra,
                   bad == WRDE_BADVAL    ? "a variable in it is not set"
                   : bad == WRDE_NOSPACE ? "out of memory"
                                         : "quotes must be closed, and there must be no "
                                           ";|&<>() or commands outside of them");
}

int rn_slurm_check(const char *extra, rn_err *err)
{
    wordexp_t w = {0};
    int rc = extra ? split_extra(extra, &w, err) : 0;
    if (rc || !extra) return rc;
    rc = check_extra(extra, &w, err);
    wordfree(&w);
    return rc;
}

/* The words of sbatch's command line in `a`. What stands there wins over SBATCH_... variables,
 * which win over #SBATCH lines; the user's own words come last. */
static int build_words(const rn_slurm_submission *x, size_t n, rn_arena *a, words *out, rn_err *err)
{
    rn_buf array = {0};
    wordexp_t w = {0};
    int rc = x->extra ? split_extra(x->extra, &w, err) : 0;
    if (rc) return rc;
    put_array(&array, x->tasks, n);
    rn_vec_push(out, "sbatch");
    rn_vec_push(out, "--parsable");
    rn_vec_push(out, rn_arena_printf(a, "--array=%s", array.data ? array.data : ""));
    rn_vec_push(out, rn_arena_printf(a, "--job-name=ration-%s", x->stage));
    rn_vec_push(out, "--requeue");
    rn_vec_push(out, "--open-mode=append");
    /* A minute before the time limit, so that the last results travel home. */
    rn_vec_push(out, "--signal=B:TERM@60");
    rn_vec_push(out, log_pattern(x->folder, a));
    for (size_t i = 0; x->extra && i < w.we_wordc; i++)
        rn_vec_push(out, rn_arena_strdup(a, w.we_wordv[i]));
    rn_vec_push(out, rn_arena_printf(a, "%s/script.sh", x->folder));
    if (x->tasks[0]) rn_vec_push(out, rn_arena_printf(a, "%lld", (long long)x->tasks[0]));
    rn_vec_push(out, NULL);
    bool ok = rn_vec_ok(out) && rn_buf_ok(&array);
    for (size_t i = 0; ok && i + 1 < out->n; i++)
        ok = out->data[i] != NULL;
    if (x->extra) wordfree(&w);
    rn_buf_free(&array);
    return ok ? 0 : rn_nomem(err, "sbatch");
}

int rn_slurm_command(const rn_slurm_submission *x, rn_buf *out, rn_err *err)
{
    rn_arena a = {0};
    words w = {0};
    int rc = build_words(x, x->n, &a, &w, err);
    for (size_t i = 0; !rc && i + 1 < w.n; i++) {
        if (i) rn_buf_putc(out, ' ');
        rn_buf_word(out, w.data[i]);
    }
    rn_vec_free(&w);
    rn_arena_free(&a);
    return rc;
}

/* One line more in FOLDER/jobs, "ID FIRST": written before anything else is done with the id.
 * Index i of that array is task FIRST + i. */
static int keep_id(const char *folder, const char *id, int64_t first, rn_err *err)
{
    rn_path path;
    FILE *f = fopen(rn_batch_path(folder, "jobs", &path), "ae");
    int rc = 0;
    if (!f || fprintf(f, "%s %lld\n", id, (long long)first) < 0) rc = -1;
    if (f && fclose(f)) rc = -1;
    if (rc)
        rc = rn_fail_errno(err,
                           "%s/jobs cannot be written; job %s runs all the same ('scancel %s' "
                           "ends it)",
                           folder, id, id);
    return rc;
}

/* ---- submitting ------------------------------------------------------------------------------ */

/* sbatch's word for a controller that is full; it goes on trying for minutes. */
static const char no_room[] = "temporarily unable to accept job";
/* Not inherited by sbatch: it would wait for the job's end. */
static const char *const sbatch_without[] = {"SBATCH_WAIT", NULL};
/* Not inherited by squeue: they leave out jobs. */
static const char *const squeue_without[] = {"SQUEUE_*", NULL};

/* Slurm's words for a controller that did not answer in time, or at all. */
static bool is_silence(const char *said)
{
    static const char *const signs[] = {"Unable to contact",    "timed out",
                                        "Connection refused",   "Communication connection failure",
                                        "Zero Bytes were",      "standby mode",
                                        "Transport endpoint is"};
    for (size_t i = 0; said && i < sizeof signs / sizeof *signs; i++)
        if (strcasestr(said, signs[i])) return true;
    return false;
}

static int no_slurm(const char *command, rn_err *err)
{
    return rn_fail(err, RN_EUNSUPPORTED,
                   "there is no Slurm on this machine (no %s): submit from a login node, or share "
                   "the work by hand with --shard I/N (docs/CLUSTER.md)",
                   command);
}

static int try_submit(rn_slurm_submission *x, size_t n, rn_buf *said, int *code, rn_err *err)
{
    rn_arena a = {0};
    words w = {0};
    int rc = build_words(x, n, &a, &w, err);
    rn_process_call call = {.argv = w.data,
                            .without = sbatch_without,
                            .timeout_ms = ANSWER_MS,
                            .enough = no_room,
                            .said = said};
    if (!rc) rc = rn_process_run(&call, err);
    if (rc == RN_ENOTFOUND) rc = no_slurm("sbatch", err);
    *code = call.code;
    rn_vec_free(&w);
    rn_arena_free(&a);
    return rc;
}

/* The id in sbatch's answer, "1234" or "1234;cluster" on a line of its own among warnings. */
static bool find_id(const char *said, char *id, size_t size)
{
    for (const char *line = said; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        size_t n = strspn(line, "0123456789");
        if (!n || n >= size || !(line[n] == '\0' || line[n] == '\n' || line[n] == ';')) continue;
        snprintf(id, size, "%.*s", (int)n, line);
        return true;
    }
    return false;
}

int rn_slurm_submit(rn_slurm_submission *x, rn_err *err)
{
    rn_buf said = {0};
    int code = 1, rc = 0;
    size_t n = x->n;
    while ((rc = try_submit(x, n, &said, &code, err)) == 0 && code != 0 && n > 1 &&
           !is_silence(said.data))
        n /= 2; /* a limit on the size of an array, or on jobs at a time */
    const char *text = said.len ? said.data : "it gives no reason";
    if (rc == RN_ELIMIT || (!rc && code && is_silence(said.data)))
        rc = rn_fail(err, RN_ENET, "sbatch: %.200s", rc ? "no answer within a minute" : text);
    else if (!rc && code && strstr(text, no_room))
        rc = rn_fail(err, RN_EBUSY, "sbatch: %.300s", text);
    else if (!rc && code)
        rc =
            rn_fail(err, RN_EIO, "sbatch refuses: %.300s; change it with --sbatch 'OPTIONS'", text);
    else if (!rc && !find_id(said.data, x->id, sizeof x->id))
        rc = rn_fail(err, RN_EFORMAT, "sbatch answers without a job id: %.200s", text);
    if (!rc) rc = keep_id(x->folder, x->id, x->tasks[0], err);
    x->n_taken = rc ? 0 : n;
    rn_buf_free(&said);
    return rc;
}

/* ---- the queue ------------------------------------------------------------------------------- */

typedef struct sent_array {
    long long id, first; /* index i is task first + i */
} sent_array;
typedef RN_VEC(sent_array) sent_arrays;

/* The arrays of FOLDER/jobs, none when nothing was submitted, and their ids with commas between. */
static int read_jobs(const char *folder, sent_arrays *out, rn_buf *ids, rn_err *err)
{
    rn_path path;
    rn_buf text = {0};
    const char *name = rn_batch_path(folder, "jobs", &path);
    int rc = rn_file_exists(name) ? rn_file_read(name, MAX_JOBS_FILE, &text, err) : 0;
    char *next = rc ? NULL : text.data;
    for (char *line; next && (line = strsep(&next, "\n"));) {
        sent_array x = {0};
        if (sscanf(line, "%lld %lld", &x.id, &x.first) < 1) continue;
        rn_buf_printf(ids, "%s%lld", out->n ? "," : "", x.id);
        rn_vec_push(out, x);
    }
    if (!rc && !(rn_vec_ok(out) && rn_buf_ok(ids))) rc = rn_nomem(err, folder);
    rn_buf_free(&text);
    return rc;
}

/* Slurm's words for a job that is over. */
static bool is_over(const char *state)
{
    static const char *const states[] = {"COMPLETED",     "CANCELLED", "FAILED",    "TIMEOUT",
                                         "NODE_FAIL",     "PREEMPTED", "BOOT_FAIL", "DEADLINE",
                                         "OUT_OF_MEMORY", "REVOKED"};
    for (size_t i = 0; i < sizeof states / sizeof *states; i++)
        if (strcmp(state, states[i]) == 0) return true;
    return false;
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
    rn_slurm_task *t = &q->tasks[task];
    if (is_over(state)) {
        if (job < t->job) return; /* an array that it was in before */
        t->job = job;
        snprintf(t->ended, sizeof t->ended, "%.15s", state);
        return;
    }
    t->alive = true;
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

/* squeue's answer; RN_ENET when there is none, RN_EIO when it fails otherwise. */
static int ask(const char *const *argv, const rn_watch *watch, rn_buf *said, rn_err *err)
{
    rn_process_call call = {.argv = argv,
                            .without = squeue_without,
                            .timeout_ms = ANSWER_MS,
                            .watch = watch,
                            .said = said};
    int rc = rn_process_run(&call, err);
    if (rc == RN_ENOTFOUND) return no_slurm("squeue", err);
    if (rc) return rc == RN_ENOMEM || rc == RN_ECANCELLED ? rc : RN_ENET;
    if (call.code == 0) return 0;
    /* A job that ended a while ago is not known any more: nothing of it is alive. */
    bool unknown = strstr(said->data ? said->data : "", "Invalid job id");
    if (!unknown)
        return rn_fail(err, is_silence(said->data) ? RN_ENET : RN_EIO, "squeue: %.200s",
                       said->len ? said->data : "it gives no reason");
    rn_buf_clear(said);
    return 0;
}

/* The first task of an array that runs FOLDER/script.sh; false: it runs something else. */
static bool runs_script(const char *command, const char *folder, long long *first)
{
    static const char name[] = "/script.sh";
    size_t n = strlen(folder);
    if (strncmp(command, folder, n) != 0 || strncmp(command + n, name, sizeof name - 1) != 0)
        return false;
    const char *rest = command + n + sizeof name - 1;
    *first = 0;
    return *rest == '\0' || (*rest == ' ' && sscanf(rest, "%lld", first) == 1);
}

/* Adds to FOLDER/jobs what of this user's jobs runs its script and is not there. */
static int adopt(const char *folder, const sent_arrays *sent, const rn_watch *watch, rn_err *err)
{
    char user[24];
    rn_buf said = {0};
    RN_VEC(long long) added = {0}; /* each task that runs has a line of its own */
    snprintf(user, sizeof user, "%lu", (unsigned long)getuid());
    const char *const argv[] = {"squeue", "-h", "-u", user, "-o", "%F|%o", NULL};
    int rc = ask(argv, watch, &said, err);
    char *next = rc ? NULL : said.data;
    for (char *line; !rc && next && (line = strsep(&next, "\n"));) {
        char *command = strchr(line, '|');
        long long first;
        if (!command) continue;
        *command++ = '\0';
        if (!runs_script(command, folder, &first)) continue;
        bool known = false;
        for (size_t i = 0; i < sent->n; i++)
            known |= sent->data[i].id == atoll(line);
        for (size_t i = 0; i < added.n; i++)
            known |= added.data[i] == atoll(line);
        if (known) continue;
        rn_vec_push(&added, atoll(line));
        rc = keep_id(folder, line, first, err);
    }
    rn_vec_free(&added);
    rn_buf_free(&said);
    return rc;
}

int rn_slurm_look(const char *folder, rn_slurm_queue *q, rn_err *err)
{
    rn_buf ids = {0}, said = {0};
    sent_arrays sent = {0};
    memset(q->tasks, 0, (size_t)q->n_tasks * sizeof *q->tasks);
    q->n_running = q->n_waiting = q->n_held = 0;
    q->reason[0] = '\0';
    int rc = read_jobs(folder, &sent, &ids, err);
    if (!rc && q->adopt) {
        rc = adopt(folder, &sent, q->watch, err);
        q->adopt = rc != 0;
        /* No Slurm here, and nothing was submitted: tasks may run by hand. */
        if ((rc == RN_EIO || rc == RN_EUNSUPPORTED) && !sent.n) rc = 0;
        rn_buf_clear(&ids);
        sent.n = 0;
        if (!rc) rc = read_jobs(folder, &sent, &ids, err);
    }
    const char *const argv[] = {
        "squeue", "-h",          "-r", "-t", "all", "-j", ids.len ? ids.data : "",
        "-o",     "%K|%T|%F|%r", NULL};
    if (!rc && ids.len) rc = ask(argv, q->watch, &said, err);
    char *next = rc ? NULL : said.data;
    for (char *line; next && (line = strsep(&next, "\n"));)
        take_line(q, &sent, line);
    rn_vec_free(&sent);
    rn_buf_free(&ids);
    rn_buf_free(&said);
    return rc;
}
