/* target.c: see target.h; and rn_problem_open, which finds the problem. */
#include "run/target.h"

#include "base/file.h"
#include "base/hash.h"
#include "base/jout.h"
#include "run/expected.h"
#include "run/identity.h"
#include "run/program.h"

enum { MAX_FILE = 16 << 20 };

/* ---- the problem ----------------------------------------------------------------------------- */

/* A set of one problem in HumanEval's form from its parts. Tests that define no check() are
 * statements that run in the program's namespace. */
static int set_of_files(const rn_problem_source *from, rn_taskset **set, rn_err *err)
{
    rn_buf prompt = {0}, tests = {0}, json = {0};
    int rc = rn_file_read(from->prompt_file, MAX_FILE, &prompt, err);
    if (!rc && from->tests_file) rc = rn_file_read(from->tests_file, MAX_FILE, &tests, err);
    if (!rc) {
        if (!tests.data || !strstr(tests.data, "def check("))
            rn_buf_puts(&tests, "\n\ndef check(candidate):\n    pass\n");
        rn_buf_putc(&json, '{');
        rn_jout_text(&json, "task_id", from->entry);
        rn_jout_text(&json, "entry_point", from->entry);
        rn_jout_key(&json, "prompt");
        rn_buf_json(&json, rn_buf_view(&prompt));
        rn_jout_key(&json, "test");
        rn_buf_json(&json, rn_buf_view(&tests));
        rn_buf_putc(&json, '}');
        rc = rn_buf_ok(&json) ? rn_taskset_parse(rn_buf_view(&json), from->prompt_file, set, err)
                              : rn_nomem(err, NULL);
    }
    rn_buf_free(&prompt);
    rn_buf_free(&tests);
    rn_buf_free(&json);
    return rc;
}

/* What the problem's tests expect, where that is what the set's references return. */
static int expect(const rn_problem_source *from, rn_taskset *set, const rn_problem *p, rn_err *err)
{
    if (!p->calls || p->calls->expected) return 0;
    const rn_judge_settings *j = &from->judge;
    const rn_judge_opts o = {.jobs = j->jobs, .venv = j->venv, .allow_weak = j->allow_weak != 0};
    rn_judge *judge;
    int rc = rn_judge_open(&o, &judge, err);
    if (rc) return rc;
    rc = rn_expected_fill(set, judge, rn_data_dir(from->data_dir), true, &from->watch, err);
    rn_judge_close(judge);
    if (!rc && !p->calls->expected)
        rc = rn_fail(err, RN_ELIMIT, "%s: its reference fails, so that its tests expect nothing",
                     p->task_id);
    return rc;
}

int rn_problem_open(const rn_problem_source *from, rn_taskset **set, size_t *problem, rn_err *err)
{
    *problem = 0;
    *set = NULL;
    const bool own = from->prompt_file != NULL;
    if (!own && !from->set) return rn_fail(err, RN_EINVAL, "no problem: neither a set nor a file");
    if (own && !from->entry)
        return rn_fail(err, RN_EINVAL, "%s: which function is tested? its name is missing",
                       from->prompt_file);
    int rc = own ? set_of_files(from, set, err)
                 : rn_taskset_open(from->set, rn_data_dir(from->data_dir), set, err);
    if (rc) return rc;
    const rn_taskset *s = *set;
    const rn_problem *p = from->problem ? rn_taskset_find(s, from->problem) : s->problems;
    if (!from->problem && s->n != 1)
        rc = rn_fail(err, RN_EINVAL, "%s holds %zu problems; choose one with --problem, e.g. %s",
                     from->set, s->n, s->problems[0].task_id);
    else if (!p)
        rc = rn_fail(err, RN_ENOTFOUND, "%s holds no problem '%s'; its first is %s", from->set,
                     from->problem, s->problems[0].task_id);
    else
        rc = expect(from, *set, p, err);
    if (!rc) *problem = (size_t)(p - s->problems);
    if (rc) {
        rn_taskset_free(*set);
        *set = NULL;
    }
    return rc;
}

/* ---- opening --------------------------------------------------------------------------------- */

static int open_problem(rn_target *t, rn_err *err)
{
    const rn_solve_options *o = t->o;
    if (o->problem >= o->set->n)
        return rn_fail(err, RN_EINVAL, "the set %s has %zu problems, there is no number %zu",
                       o->set->name, o->set->n, o->problem);
    t->set = o->set;
    t->p = &o->set->problems[o->problem];
    bool untested = t->p->calls                     ? !t->p->calls->expected
                    : t->p->form == RN_FORM_ASSERTS ? t->p->n_asserts == 0
                    : t->p->form == RN_FORM_CHECK   ? !t->p->test || !t->p->test[0]
                                                    : t->p->n_cases == 0;
    if (untested && !o->no_tests)
        return rn_fail(err, RN_EINVAL,
                       "%s has no tests, so that nothing can show that a program is right; choose "
                       "by a ranker with --no-tests",
                       t->p->task_id);
    static const char *const chat[] = {[RN_FORM_CHECK] = "humaneval-chat",
                                       [RN_FORM_ASSERTS] = "mbpp-chat",
                                       [RN_FORM_STDIO] = "apps-chat",
                                       [RN_FORM_CALL] = "apps-chat"};
    t->completion = rn_preset_find(o->set->preset);
    t->chat = rn_preset_find(chat[t->p->form]);
    if (!t->completion)
        return rn_fail(err, RN_EINVAL, "no prompt preset is called '%s'", o->set->preset);
    snprintf(t->name, sizeof t->name, "%s", o->set->name);
    snprintf(t->hash, sizeof t->hash, "%s", o->set->hash);
    t->task_id = t->p->task_id;
    t->ord = (int64_t)o->problem;
    return 0;
}

static int open_folder(rn_target *t, rn_err *err)
{
    const rn_solve_options *o = t->o;
    if (!o->dir || !o->file || !o->marker || (!o->command && !o->no_tests))
        return rn_fail(err, RN_EINVAL,
                       "a working folder needs --in DIR, --file PATH, --at MARKER and --run "
                       "COMMAND");
    if (!rn_tree_path_ok(o->file))
        return rn_fail(
            err, RN_EINVAL,
            "'%s' is not the path of a file in %s; give it relative to the folder, without "
            "'..'",
            o->file, o->dir);
    rn_path path;
    int rc = rn_file_read(rn_path_make(&path, "%s/%s", o->dir, o->file), MAX_FILE, &t->file, err);
    if (!rc) rc = rn_marker_find(rn_buf_view(&t->file), o->file, o->marker, &t->marker, err);
    if (!rc) rc = rn_tree_pack(o->dir, 0, &t->tree, err);
    if (rc) return rc;
    /* Samples follow from the file and the marker; the rest of the folder decides verdicts only. */
    rn_sha256 *h = rn_sha256_new();
    if (!h) return rn_nomem(err, "download");
    rn_sha256_add(h, o->file, strlen(o->file) + 1);
    rn_sha256_add(h, o->marker, strlen(o->marker) + 1);
    rn_sha256_add(h, t->file.data, t->file.len);
    uint8_t digest[RN_SHA256_BYTES];
    rn_sha256_done(h, digest);
    rn_sha256_hex(digest, t->hash);
    rn_sha256_free(h);
    snprintf(t->name, sizeof t->name, "folder");
    t->task_id = o->file;
    return 0;
}

int rn_target_open(const rn_solve_options *o, rn_target *t, rn_err *err)
{
    *t = (rn_target){.o = o};
    int rc = o->set && o->dir
                 ? rn_fail(err, RN_EINVAL, "give a problem or a working folder (--in), not both")
             : o->set ? open_problem(t, err)
             : o->dir ? open_folder(t, err)
                      : rn_fail(err, RN_EINVAL, "nothing to solve: give a problem, or --in DIR");
    if (rc) rn_target_close(t);
    return rc;
}

void rn_target_close(rn_target *t)
{
    rn_buf_free(&t->file);
    rn_tree_free(t->tree);
    t->tree = NULL;
}

/* ---- asking ---------------------------------------------------------------------------------- */

int rn_target_prompt(const rn_target *t, bool chat, size_t max_bytes, rn_buf *out, rn_err *err)
{
    if (t->set) return rn_prompt_build(chat ? t->chat : t->completion, t->set, t->p, out, err);
    if (chat)
        rn_marker_message(&t->marker, t->o->file, max_bytes, out);
    else
        rn_marker_prompt(&t->marker, max_bytes, out);
    return 0;
}

const char *const *rn_target_stop(const rn_target *t)
{
    return t->set ? t->completion->stop : t->marker.stop;
}

const char *rn_target_preset(const rn_target *t, bool chat)
{
    if (t->set) return chat ? t->chat->name : t->completion->name;
    return chat ? "marker-chat" : "marker";
}

/* As for any run of solve. */
static rn_recipe recipe_of(const rn_target *t, bool chat)
{
    return rn_recipe_of(NULL, rn_target_preset(t, chat), "{\"asked\": \"by solve\"}");
}

/* ---- programs -------------------------------------------------------------------------------- */

int rn_target_program(const rn_target *t, bool chat, rn_bytes raw, rn_buf *out, bool *found,
                      rn_err *err)
{
    rn_buf code = {0};
    int rc = 0;
    if (t->set) {
        const rn_recipe r = recipe_of(t, chat);
        rc = rn_recipe_program(&r, t->p, raw, &code, out, found, err);
    } else {
        rn_marker_extract(&t->marker, chat, raw, &code, found);
        rn_marker_apply(&t->marker, rn_buf_view(&code), out);
    }
    bool ok = rn_buf_ok(&code) && rn_buf_ok(out);
    rn_buf_free(&code);
    return rc || ok ? rc : rn_nomem(err, "program");
}

void rn_target_nothing(const rn_target *t, rn_buf *out)
{
    if (!t->set)
        rn_marker_apply(&t->marker, (rn_bytes){0}, out);
    else if (t->p->form == RN_FORM_CHECK) /* the function is there and does nothing */
        rn_buf_printf(out, "%s\n    pass\n", t->p->prompt);
}

int rn_target_job(const rn_target *t, rn_bytes program, rn_arena *a, rn_judge_job *job, rn_err *err)
{
    *job = (rn_judge_job){.program = program};
    if (t->set) {
        if (t->o->judge.cpu_s <= 0) job->limits.cpu_ns = (int64_t)(rn_tests_cpu_s(t->p) * 1e9);
        return rn_tests_job(t->p, a, job, err);
    }
    rn_judge_case *c = rn_arena_array(a, 1, sizeof *c);
    if (!c) return rn_nomem(err, NULL);
    c->input = rn_bytes_of(t->o->command);
    job->mode = RN_JUDGE_COMMAND;
    job->entry = t->o->file;
    job->cases = c;
    job->n_cases = 1;
    return 0;
}

void rn_target_protocol(const rn_target *t, const rn_judge *j, bool chat, rn_buf *out)
{
    const rn_judge_settings *set = &t->o->judge;
    const rn_recipe r = recipe_of(t, chat);
    const bool script = t->set && rn_tests_are_script(t->p);
    const rn_protocol p = {.extractor = t->set ? r.extractor : RN_MARKER_EXTRACTOR,
                           .cpu_s = set->cpu_s > 0 ? set->cpu_s
                                    : !t->set      ? 0
                                    : script       ? 3
                                                   : 4,
                           .wall_s = set->wall_s,
                           .memory_bytes = set->memory_bytes,
                           .script = script,
                           .compare = t->set ? rn_tests_compare(t->p, false) : NULL,
                           .venv = set->venv,
                           .python = t->set ? rn_judge_python(j) : NULL,
                           .sandbox = rn_judge_level(j),
                           .command = t->set ? NULL : t->o->command,
                           .folder_sha = t->tree ? t->tree->sha : NULL};
    rn_protocol_write(&p, out);
}
