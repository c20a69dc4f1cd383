/* batch.c: making a job of what a stage has to do, and taking up one that is there; see batch.h. */
#include "run/batch.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "model/cpu.h"
#include "run/process.h"
#include "run/slurm.h"
#include "store/split.h"

#include <dirent.h>
#include <unistd.h>

enum { DEFAULT_TASKS = 16 };

static const char *const stages[] = {"generate", "judge", "rank"};
/* Options that batch gives to the stage itself. */
static const char *const own_options[] = {"-s", "--store", "--shard", "--units", "--todo"};

int rn_batch_options_check(const rn_batch_options *o, rn_err *err)
{
    bool known = false;
    for (size_t i = 0; i < sizeof stages / sizeof *stages && o->n_args; i++)
        known |= strcmp(o->args[0], stages[i]) == 0;
    if (!known)
        return rn_fail(err, RN_EINVAL,
                       "batch runs generate, judge or rank: 'ration batch -s FILE "
                       "-- judge'");
    for (size_t i = 1; i < o->n_args; i++)
        for (size_t k = 0; k < sizeof own_options / sizeof *own_options; k++) {
            size_t n = strlen(own_options[k]);
            if (strncmp(o->args[i], own_options[k], n) == 0 &&
                (own_options[k][1] != '-' || !o->args[i][n] || o->args[i][n] == '='))
                return rn_fail(err, RN_EINVAL,
                               "%s is given before '--': batch sets it for each task",
                               own_options[k]);
        }
    if (o->n_tasks < 0 || o->n_tasks > RN_BATCH_MAX_TASKS || o->n_nodes < 0 ||
        o->n_nodes > RN_BATCH_MAX_TASKS)
        return rn_fail(err, RN_EINVAL, "--tasks is %d and --nodes %d; give 1 to %d", o->n_tasks,
                       o->n_nodes, RN_BATCH_MAX_TASKS);
    if (o->every_s < 1 || o->every_s > 60)
        return rn_fail(err, RN_EINVAL, "--every is %d; results travel every 1 to 60 seconds",
                       o->every_s);
    if (o->n_tries < 1 || o->n_tries > 100)
        return rn_fail(err, RN_EINVAL, "--tries is %d; give 1 to 100", o->n_tries);
    return rn_slurm_check(o->sbatch, err);
}

int64_t rn_batch_rows(const rn_batch_job *job, const rn_store_rows *rows)
{
    const char *stage = job->args.data[0];
    return strcmp(stage, "generate") == 0 ? rows->n_samples
           : strcmp(stage, "judge") == 0  ? rows->n_verdicts
                                          : rows->n_scores;
}

/* ---- folders --------------------------------------------------------------------------------- */

/* The absolute path of the store and of the folder; the folder is made. */
typedef struct places {
    char store[PATH_MAX], dir[PATH_MAX], cwd[PATH_MAX];
} places;

static int find_places(const rn_batch_options *o, bool make, places *p, rn_err *err)
{
    char name[PATH_MAX];
    int n = o->dir ? snprintf(name, sizeof name, "%s", o->dir)
                   : snprintf(name, sizeof name, "%s.batch", o->store);
    if (n < 0 || (size_t)n + 32 > sizeof name)
        return rn_fail(err, RN_EINVAL, "%s: the name is too long", o->store);
    if (make) {
        int rc = rn_dir_make(name, err);
        if (rc) return rc;
    }
    if (!realpath(name, p->dir)) {
        if (errno == ENOENT)
            return rn_fail(err, RN_ENOTFOUND,
                           "%s: there is no job; 'ration batch -s %s -- STAGE ...' makes one", name,
                           o->store ? o->store : "FILE");
        return rn_fail_errno(err, "%s", name);
    }
    if (!getcwd(p->cwd, sizeof p->cwd)) return rn_fail_errno(err, "the current folder");
    /* A store that generate is about to make has no path yet. */
    if (o->store && !realpath(o->store, p->store)) {
        if (errno != ENOENT) return rn_fail_errno(err, "%s", o->store);
        p->store[0] = '\0';
    }
    return 0;
}

static bool is_ours(const char *name)
{
    size_t digits = strspn(name, "0123456789");
    static const char *const whole[] = {"job.json", "script.sh", "jobs", "todo", "finished"};
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++)
        if (strcmp(name, whole[i]) == 0) return true;
    return (digits >= 4 && name[digits] == '.') || strncmp(name, "slurm-", 6) == 0 ||
           strncmp(name, "node-", 5) == 0;
}

/* Removes what a job left; with `keep_logs` only the parts, which are large. */
static int clear(const char *dir, bool keep_logs, rn_err *err)
{
    DIR *d = opendir(dir);
    if (!d) return rn_fail_errno(err, "%s", dir);
    rn_path path;
    int rc = 0;
    for (struct dirent *e; !rc && (e = readdir(d));) {
        size_t n = strlen(e->d_name);
        if (!is_ours(e->d_name)) continue;
        if (keep_logs && (n < 3 || strcmp(e->d_name + n - 3, ".db") != 0)) continue;
        if (unlink(rn_batch_path(dir, e->d_name, &path))) rc = rn_fail_errno(err, "%s", path.s);
    }
    closedir(d);
    return rc;
}

static int check_at_rest(const places *p, int64_t n_tasks, const rn_watch *watch, rn_err *err)
{
    rn_err why = {0};
    rn_slurm_queue q = {.watch = watch, .n_tasks = n_tasks, .adopt = true};
    q.tasks = calloc((size_t)n_tasks, sizeof *q.tasks);
    int rc = q.tasks ? rn_slurm_look(p->dir, &q, &why) : rn_nomem(err, "queue");
    free(q.tasks);
    if (rc == RN_ENET)
        return rn_fail(err, RN_EBUSY,
                       "%s holds a job, and Slurm does not answer whether it still runs; try again",
                       p->dir);
    if (!rc && q.n_running + q.n_waiting > 0)
        return rn_fail(err, RN_EBUSY,
                       "%s: a job is still at work (%lld running, %lld waiting): follow it "
                       "with 'ration batch -s %s --attach', or end it with scancel",
                       p->dir, (long long)q.n_running, (long long)q.n_waiting, p->store);
    if (rc && err && why.code) *err = why;
    return rc;
}

static bool has_results(const char *dir, int64_t n_tasks)
{
    rn_path path;
    bool any = false;
    for (int64_t i = 0; i < n_tasks && !any; i++)
        any = rn_file_exists(rn_task_path(dir, i, "out.db", &path));
    return any;
}

/* What an earlier job of the folder brought goes into the store; nothing of it is thrown away. */
static int take_results(const places *p, const rn_batch_job *job, rn_store *whole,
                        const rn_watch *watch, rn_err *err)
{
    int64_t n_left = 0;
    if (!has_results(p->dir, job->n_tasks)) return 0;
    if (!whole)
        return rn_fail(err, RN_EEXIST,
                       "%s holds results of a job of %s, which is not there any more: put it back, "
                       "or give another folder with --dir",
                       p->dir, job->store);
    if (strcmp(job->store, p->store) != 0)
        return rn_fail(err, RN_EEXIST,
                       "%s holds a job of another store, %s; give another with --dir", p->dir,
                       job->store);
    int rc = rn_batch_collect(p->dir, job, whole, &n_left, watch, err);
    if (rc || !n_left) return rc;
    return rn_fail(err, RN_EEXIST,
                   "%s holds results of %lld %s that %s does not take (see above); give another "
                   "folder with --dir, or remove this one",
                   p->dir, (long long)n_left, rn_plural(n_left, "task", "tasks"), p->store);
}

/* An earlier job of the folder: what it brought is merged, and nothing of it may still run. */
static int end_earlier(const places *p, rn_store *whole, const rn_watch *watch, rn_err *err)
{
    rn_batch_job job;
    rn_err why = {0};
    int rc = rn_batch_job_read(p->dir, &job, &why);
    if (rc == RN_ENOTFOUND) return 0;
    if (rc) {
        if (err) *err = why;
        return rn_err_prefix(err, "the folder holds a job that cannot be read; give another with "
                                  "--dir");
    }
    rc = check_at_rest(p, job.n_tasks, watch, err);
    if (!rc) rc = take_results(p, &job, whole, watch, err);
    rn_batch_job_free(&job);
    return rc ? rc : clear(p->dir, false, err);
}

/* ---- what is missing ------------------------------------------------------------------------- */

/* Asks the stage itself, in a process of its own, since it opens the store as its own. */
static int ask_stage(const rn_batch_options *o, const places *p, rn_units *todo, rn_err *err)
{
    rn_words w = {0};
    rn_path path;
    rn_buf said = {0};
    const char *file = rn_batch_path(p->dir, "todo", &path);
    rn_vec_push(&w, o->program);
    for (size_t i = 0; i < o->n_args; i++)
        rn_vec_push(&w, o->args[i]);
    const char *const tail[] = {"-s", o->store, "--todo", file, NULL};
    for (size_t i = 0; i < sizeof tail / sizeof *tail; i++)
        rn_vec_push(&w, tail[i]);
    rn_process_call call = {
        .argv = w.data, .timeout_ms = INT_MAX / 2, .watch = &o->watch, .said = &said};
    int rc = rn_vec_ok(&w) ? rn_process_run(&call, err) : rn_nomem(err, "what is missing");
    if (!rc && call.code)
        rc = rn_fail(err, call.code == 2 ? RN_EINVAL : RN_EIO, "%.400s",
                     said.len ? said.data : "the stage cannot say what is missing");
    if (!rc) rc = rn_units_read(file, todo, err);
    rn_vec_free(&w);
    rn_buf_free(&said);
    return rc;
}

/* The part of task i; none where the run of a unit is not known yet. */
static int write_part(const rn_batch_job *job, int64_t i, const rn_units *u, const char *path,
                      rn_store *whole, rn_err *err)
{
    RN_VEC(rn_split_pick) picks = {0};
    char name[64];
    bool known = true;
    snprintf(name, sizeof name, "%s/%lld", job->id, (long long)i);
    for (size_t k = 0; k < u->v.n; k++) {
        const rn_unit *x = &u->v.data[k];
        known &= x->run_id > 0;
        rn_vec_push(&picks, ((rn_split_pick){x->run_id, x->problem_id, x->from, x->to}));
    }
    /* generate makes the texts; judge and rank need them. */
    const rn_split_opts o = {.picks = picks.data,
                             .n_picks = picks.n,
                             .texts = strcmp(job->args.data[0], "generate") != 0,
                             .task = name};
    int rc = 0;
    if (!rn_vec_ok(&picks))
        rc = rn_nomem(err, "part of a task");
    else if (known)
        rc = rn_split(whole, path, &o, NULL, err);
    rn_vec_free(&picks);
    return rc;
}

static int write_task(const places *p, const rn_batch_job *job, int64_t i, const rn_units *u,
                      rn_store *whole, rn_err *err)
{
    rn_path path;
    int rc = rn_units_write(u, rn_task_path(p->dir, i, "units", &path), err);
    return rc ? rc : write_part(job, i, u, rn_task_path(p->dir, i, "in.db", &path), whole, err);
}

static void name_job(rn_batch_job *job, const char *store)
{
    char text[PATH_MAX + 64], hex[RN_SHA256_HEX];
    snprintf(text, sizeof text, "%s %ld %lld", store, (long)getpid(),
             (long long)rn_clock_ns(CLOCK_REALTIME));
    rn_sha256_hex_of(rn_bytes_of(text), hex);
    snprintf(job->id, sizeof job->id, "%.16s", hex);
}

static int choose_tasks(const rn_batch_options *o, const rn_units *todo)
{
    if (o->n_tasks || !o->n_nodes) return o->n_tasks ? o->n_tasks : DEFAULT_TASKS;
    size_t n = (size_t)o->n_nodes * rn_units_rounds(rn_units_seconds(todo), (size_t)o->n_nodes);
    return n < RN_BATCH_MAX_TASKS ? (int)n : RN_BATCH_MAX_TASKS;
}

/* Divides the units and writes all files of the job; job.json last. */
static int make_job(const rn_batch_options *o, const places *p, const rn_units *todo,
                    rn_store *whole, rn_batch_job *job, rn_err *err)
{
    rn_isa isa;
    int rc = rn_isa_choose(&isa, err);
    if (rc) return rc;
    size_t n_tasks = (size_t)choose_tasks(o, todo);
    size_t n_nodes = o->n_nodes ? (size_t)o->n_nodes : n_tasks;
    *job = (rn_batch_job){.version = rn_version(),
                          .store = p->store,
                          .program = o->program,
                          .cwd = p->cwd,
                          .kernels = rn_isa_name(rn_isa_bits(isa)),
                          .sbatch = o->sbatch ? o->sbatch : "",
                          .n_tasks = (int64_t)n_tasks,
                          .n_tries = o->n_tries,
                          .every_s = o->every_s};
    for (size_t i = 0; i < todo->v.n; i++)
        job->n_rows += todo->v.data[i].n;
    for (size_t i = 0; i < o->n_args; i++)
        rn_vec_push(&job->args, o->args[i]);
    rn_units *tasks = calloc(n_tasks, sizeof *tasks);
    rc = tasks && rn_vec_ok(&job->args) ? 0 : rn_nomem(err, "job");
    name_job(job, p->store);
    if (!rc) rc = rn_units_balance(todo, n_tasks, n_nodes, tasks, err);
    /* Fewer pieces than tasks: the empty ones are the last. */
    while (!rc && job->n_tasks > 1 && tasks[job->n_tasks - 1].v.n == 0)
        job->n_tasks--;
    for (int64_t i = 0; !rc && i < job->n_tasks; i++)
        rc = write_task(p, job, i, &tasks[i], whole, err);
    if (!rc) rc = rn_batch_job_write(p->dir, job, err);
    if (!rc) rc = rn_slurm_script(p->dir, job, err);
    for (size_t i = 0; tasks && i < n_tasks; i++)
        rn_units_free(&tasks[i]);
    free(tasks);
    return rc;
}

/* Of all tasks; *numbers is the caller's to free. */
typedef RN_VEC(int64_t) task_numbers;
static rn_slurm_submission submission_of(const rn_batch_options *o, const places *p,
                                         const rn_batch_job *job, task_numbers *numbers)
{
    for (int64_t i = 0; i < job->n_tasks; i++)
        rn_vec_push(numbers, i);
    return (rn_slurm_submission){.folder = p->dir,
                                 .extra = o->sbatch,
                                 .stage = job->args.data[0],
                                 .tasks = numbers->data,
                                 .n = numbers->n};
}

static int print_job(const rn_batch_options *o, const places *p, const rn_batch_job *job,
                     rn_buf *out, rn_err *err)
{
    rn_path path;
    rn_buf script = {0};
    task_numbers tasks = {0};
    const char *name = rn_batch_path(p->dir, "script.sh", &path);
    const rn_slurm_submission x = submission_of(o, p, job, &tasks);
    int rc =
        rn_vec_ok(&tasks) ? rn_file_read(name, 1 << 20, &script, err) : rn_nomem(err, "script");
    if (!rc) {
        rn_buf_printf(out, "# %s\n", name);
        rn_buf_add(out, script.data, script.len);
        rn_buf_putc(out, '\n');
        rc = rn_slurm_command(&x, out, err);
        rn_buf_puts(out, "\nration batch -s ");
        rn_buf_word(out, o->store);
        rn_buf_puts(out, " --dir ");
        rn_buf_word(out, p->dir);
        rn_buf_puts(out, " --attach\n");
    }
    if (!rc && !rn_buf_ok(out)) rc = rn_nomem(err, "script");
    rn_vec_free(&tasks);
    rn_buf_free(&script);
    return rc;
}

/* Submits everything once and does not wait. */
static int submit_only(const rn_batch_options *o, const places *p, const rn_batch_job *job,
                       rn_batch_summary *out, rn_err *err)
{
    task_numbers tasks = {0};
    rn_slurm_submission x = submission_of(o, p, job, &tasks);
    int rc = rn_vec_ok(&tasks) ? rn_slurm_submit(&x, err) : rn_nomem(err, "list of tasks");
    out->submitted = rc == 0;
    if (!rc)
        rn_watch_note(&o->watch, "job %s: %zu of %zu %s submitted%s", x.id, x.n_taken, x.n,
                      rn_plural((int64_t)x.n, "task", "tasks"),
                      x.n_taken < x.n ? "; --attach submits the rest" : "");
    rn_vec_free(&tasks);
    return rc;
}

/* ---- the two ways in ------------------------------------------------------------------------- */

void rn_batch_options_init(rn_batch_options *o)
{
    *o = (rn_batch_options){.n_tries = 3, .every_s = 30};
}

void rn_batch_summary_free(rn_batch_summary *out)
{
    free(out->script);
    *out = (rn_batch_summary){0};
}

/* Follows the job; when all of it is there, the parts go and the logs stay. */
static int follow(const rn_batch_options *o, const places *p, const rn_batch_job *job,
                  rn_store *whole, rn_batch_summary *out, rn_err *err)
{
    const rn_batch_course c = {.folder = p->dir,
                               .sbatch = o->sbatch ? o->sbatch : job->sbatch,
                               .job = job,
                               .whole = whole,
                               .watch = &o->watch};
    int rc = rn_batch_follow(&c, out, err);
    if (rc || out->n_failed) return rc;
    rn_path path;
    rc = clear(p->dir, true, err);
    return rc ? rc
              : rn_file_write_atomic(rn_batch_path(p->dir, "finished", &path), (rn_bytes){0}, err);
}

static int run_job(const rn_batch_options *o, const places *p, const rn_batch_job *job,
                   rn_store *whole, rn_batch_summary *out, rn_err *err)
{
    out->n_tasks = job->n_tasks;
    if (o->no_wait) return submit_only(o, p, job, out, err);
    if (!o->print) return follow(o, p, job, whole, out, err);
    rn_buf script = {0};
    int rc = print_job(o, p, job, &script, err);
    if (!rc) out->script = rn_buf_take(&script);
    rn_buf_free(&script);
    return rc;
}

/* Under the store's lock: what is missing becomes a job. */
static int submit(const rn_batch_options *o, places *p, const rn_units *todo, rn_batch_summary *out,
                  rn_err *err)
{
    rn_store *whole = NULL;
    rn_batch_job job = {0};
    int rc = rn_store_open(o->store, RN_STORE_WRITE, &whole, err);
    if (!rc && !realpath(o->store, p->store)) rc = rn_fail_errno(err, "%s", o->store);
    if (!rc && todo->v.n == 0) {
        rn_watch_note(&o->watch, "nothing is missing");
    } else if (!rc) {
        rc = make_job(o, p, todo, whole, &job, err);
        if (!rc)
            rn_watch_note(&o->watch, "%lld %s missing, about %.3g s of work, as %lld %s in %s",
                          (long long)job.n_rows, rn_plural(job.n_rows, "result is", "results are"),
                          rn_units_seconds(todo), (long long)job.n_tasks,
                          rn_plural(job.n_tasks, "task", "tasks"), p->dir);
        if (!rc) rc = run_job(o, p, &job, whole, out, err);
    }
    rn_store_close(whole);
    rn_vec_free(&job.args);
    return rc;
}

int rn_batch_submit(const rn_batch_options *o, rn_batch_summary *out, rn_err *err)
{
    places p = {0};
    rn_store *whole = NULL;
    rn_units todo = {0};
    *out = (rn_batch_summary){0};
    int rc = rn_batch_options_check(o, err);
    if (!rc) rc = find_places(o, true, &p, err);
    /* What an earlier job brought is not asked for again. */
    if (!rc && p.store[0]) rc = rn_store_open(o->store, RN_STORE_WRITE, &whole, err);
    if (!rc) rc = end_earlier(&p, whole, &o->watch, err);
    rn_store_close(whole); /* the stage opens it for its own list */
    if (!rc) rc = ask_stage(o, &p, &todo, err);
    if (!rc) rc = submit(o, &p, &todo, out, err);
    rn_units_free(&todo);
    return rc;
}

int rn_batch_attach(const rn_batch_options *o, rn_batch_summary *out, rn_err *err)
{
    places p = {0};
    rn_store *whole = NULL;
    rn_batch_job job = {0};
    *out = (rn_batch_summary){0};
    int rc = rn_slurm_check(o->sbatch, err);
    if (!rc) rc = find_places(o, false, &p, err);
    if (!rc) rc = rn_batch_job_read(p.dir, &job, err);
    if (!rc && o->n_tries) job.n_tries = o->n_tries;
    if (!rc && strcmp(job.version, rn_version()) != 0)
        rc = rn_fail(err, RN_EVERSION, "the job in %s was made by ration %s, this is %s", p.dir,
                     job.version, rn_version());
    if (!rc && strcmp(job.store, p.store) != 0)
        rc = rn_fail(err, RN_EINVAL, "the job in %s is of another store, %s", p.dir, job.store);
    rn_path path;
    const bool over = !rc && rn_file_exists(rn_batch_path(p.dir, "finished", &path));
    out->n_tasks = job.n_tasks;
    if (over) rn_watch_note(&o->watch, "the job in %s is done", p.dir);
    if (!rc && !over) rc = rn_store_open(o->store, RN_STORE_WRITE, &whole, err);
    if (!rc && !over) rc = follow(o, &p, &job, whole, out, err);
    rn_store_close(whole);
    rn_batch_job_free(&job);
    return rc;
}
