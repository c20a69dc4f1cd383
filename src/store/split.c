/*
 * split.c: parts of a store. See split.h.
 *
 * The part is made by SQL alone: the whole is attached to the part's own handle, read-only, and
 * rows are copied table by table with their ids.
 */
#include "store/split.h"

#include "base/file.h"
#include "store/store_priv.h"

#include <fcntl.h>
#include <unistd.h>

int rn_store_about(rn_store *s, const char *name, rn_buf *out, rn_err *err)
{
    rn_buf_clear(out);
    rn_buf_puts(out, "");
    int rc = rn_sql_row(s, err, "SELECT value FROM about WHERE name = ?1", "t>s", name, out);
    return rc < 0 ? rc : rn_buf_ok(out) ? 0 : rn_nomem(err, s->path);
}

/* ---- making ---------------------------------------------------------------------------------- */

#define RUNS "(SELECT run_id FROM temp.pick)"

static const char *const copies[] = {
    "INSERT INTO main.problem_set SELECT * FROM src.problem_set WHERE id IN"
    " (SELECT set_id FROM src.run WHERE id IN " RUNS ")",
    "INSERT INTO main.problem SELECT id, set_id, ord, task_id, CASE WHEN id IN (SELECT problem_id"
    " FROM temp.pick) THEN prompt END, prompt_tok FROM src.problem WHERE set_id IN"
    " (SELECT id FROM main.problem_set)",
    "INSERT INTO main.model SELECT * FROM src.model WHERE id IN"
    " (SELECT model_id FROM src.run WHERE id IN " RUNS ")",
    "INSERT INTO main.run SELECT * FROM src.run WHERE id IN " RUNS,
    "INSERT INTO main.source SELECT * FROM src.source WHERE run_id IN " RUNS,
    "INSERT INTO main.protocol SELECT * FROM src.protocol",
    "INSERT INTO main.ranker SELECT * FROM src.ranker",
    "DELETE FROM main.verdict_kind",
    "INSERT INTO main.verdict_kind SELECT * FROM src.verdict_kind",
    "INSERT INTO main.sample SELECT s.* FROM temp.pick p CROSS JOIN src.sample s ON s.run_id ="
    " p.run_id AND s.problem_id = p.problem_id AND s.idx >= p.first_idx AND s.idx < p.end_idx"
    " ORDER BY s.id",
    "INSERT INTO main.about SELECT 'part_of', value FROM src.about WHERE name = 'id'",
};
static const char *const copies_with_texts[] = {
    "INSERT INTO main.sample_text SELECT x.* FROM main.sample s CROSS JOIN src.sample_text x"
    " ON x.sample_id = s.id",
    "INSERT INTO main.verdict SELECT v.* FROM main.sample s CROSS JOIN src.verdict v"
    " ON v.sample_id = s.id",
    "INSERT INTO main.score SELECT c.* FROM main.sample s CROSS JOIN src.score c"
    " ON c.sample_id = s.id",
};

static int run_all(rn_store *part, const char *const *sql, size_t n, rn_err *err)
{
    int rc = 0;
    for (size_t i = 0; i < n && !rc; i++)
        rc = rn_sql_run(part, err, sql[i], "");
    return rc;
}

static int put_picks(rn_store *part, const rn_split_opts *o, rn_err *err)
{
    int rc = rn_sql_run(part, err,
                        "CREATE TEMP TABLE pick (run_id INTEGER, problem_id INTEGER, first_idx"
                        " INTEGER, end_idx INTEGER)",
                        "");
    for (size_t i = 0; i < o->n_picks && !rc; i++)
        rc = rn_sql_run(part, err, "INSERT INTO temp.pick VALUES (?1, ?2, ?3, ?4)", "iiii",
                        o->picks[i].run_id, o->picks[i].problem_id, o->picks[i].first_idx,
                        o->picks[i].end_idx);
    return rc;
}

static int put_about(rn_store *part, const char *name, const char *value, rn_err *err)
{
    return rn_sql_run(part, err, "INSERT INTO about (name, value) VALUES (?1, ?2)", "tt", name,
                      value);
}

/* Between begin and commit of the part. */
static int fill(rn_store *part, const rn_split_opts *o, int64_t *n_samples, rn_err *err)
{
    int rc = put_picks(part, o, err);
    if (!rc) rc = run_all(part, copies, sizeof copies / sizeof copies[0], err);
    if (!rc && o->texts)
        rc = run_all(part, copies_with_texts,
                     sizeof copies_with_texts / sizeof copies_with_texts[0], err);
    if (!rc) rc = put_about(part, "version", rn_version(), err);
    if (!rc && o->task) rc = put_about(part, "task", o->task, err);
    if (!rc) rc = rn_sql_row(part, err, "SELECT count(*) FROM sample", ">i", n_samples);
    return rc < 0 ? rc : 0;
}

static int make_part(rn_store *s, const char *path, const rn_split_opts *o, int64_t *n_samples,
                     rn_err *err)
{
    rn_store *part = NULL;
    int rc = rn_store_open(path, RN_STORE_CREATE, &part, err);
    if (rc) return rc;
    sqlite3_limit(part->db, SQLITE_LIMIT_ATTACHED, 1);
    rc = rn_sql_run(part, err, "ATTACH ?1 AS src", "t", s->path);
    if (!rc) rc = rn_store_begin(part, err);
    if (!rc) rc = fill(part, o, n_samples, err);
    if (!rc) rc = rn_store_commit(part, err);
    rn_store_rollback(part);
    if (!rc) rc = rn_sql_run(part, err, "DETACH src", "");
    if (!rc) rc = rn_sql_run(part, err, "PRAGMA journal_mode = DELETE", "");
    rn_store_close(part);
    return rc;
}

int rn_split(rn_store *s, const char *path, const rn_split_opts *o, int64_t *n_samples, rn_err *err)
{
    int64_t n = 0;
    rn_buf made = {0};
    if (o->n_picks == 0)
        return rn_fail(err, RN_EINVAL, "%s: a part needs a problem of a run", path);
    if (rn_store_in_tx(s))
        return rn_fail(err, RN_EINVAL, "%s: it is split outside of transactions", s->path);
    rn_buf_printf(&made, "%s.making", path);
    if (!rn_buf_ok(&made)) return rn_nomem(err, s->path);
    unlink(made.data); /* of a split that was killed */
    int rc = make_part(s, made.data, o, &n, err);
    if (!rc && rename(made.data, path))
        rc = rn_fail_errno(err, "%s: the part cannot get its name", path);
    if (rc) unlink(made.data);
    rn_buf_free(&made);
    if (!rc && n_samples) *n_samples = n;
    return rc;
}

/* ---- snapshots ------------------------------------------------------------------------------- */

static int sync_and_rename(const char *from, const char *to, rn_err *err)
{
    int fd = open(from, O_RDONLY | O_CLOEXEC);
    int bad = fd < 0 || fsync(fd) != 0;
    if (fd >= 0) close(fd);
    return bad || rename(from, to) ? rn_fail_errno(err, "%s cannot be written", to) : 0;
}

int rn_store_snapshot(const char *from, const char *to, rn_err *err)
{
    rn_store *s = NULL;
    rn_path name;
    const char *tmp = rn_path_make(&name, "%s.tmp", to);
    int rc = 0;
    if (unlink(tmp) && errno != ENOENT) rc = rn_fail_errno(err, "%s cannot be replaced", tmp);
    if (!rc) rc = rn_store_open(from, RN_STORE_READ, &s, err);
    if (!rc) sqlite3_limit(s->db, SQLITE_LIMIT_ATTACHED, 1); /* VACUUM attaches its target */
    if (!rc) rc = rn_sql_run(s, err, "VACUUM INTO ?1", "t", tmp);
    rn_store_close(s);
    if (!rc) rc = sync_and_rename(tmp, to, err);
    if (rc) unlink(tmp);
    return rc;
}

int rn_store_count_rows(rn_store *s, rn_store_rows *out, rn_err *err)
{
    int got = rn_sql_row(s, err,
                         "SELECT (SELECT count(*) FROM sample), (SELECT count(*) FROM verdict), "
                         "(SELECT count(*) FROM score)",
                         ">iii", &out->n_samples, &out->n_verdicts, &out->n_scores);
    return got < 0 ? got : 0;
}

/* ---- checking -------------------------------------------------------------------------------- */

static int check_sets(rn_store *out, rn_store *in, rn_err *err)
{
    rn_rows r;
    int rc = rn_rows_open(in, &r, err, "SELECT name, hash FROM problem_set", "");
    while (rn_rows_step(&r, &rc, err)) {
        const char *name, *hash;
        int64_t n = 0;
        rn_rows_get(&r, "tt", &name, &hash);
        rc = rn_sql_row(out, err, "SELECT count(*) FROM problem_set WHERE name = ?1 AND hash = ?2",
                        "tt>i", name, hash, &n);
        if (rc >= 0)
            rc = n > 0 ? 0
                       : rn_fail(err, RN_EINVAL,
                                 "%s: its set %s has the hash %.12s, which %s does not know: the "
                                 "task read "
                                 "another problem set",
                                 in->path, name, *hash ? hash : "unknown", out->path);
    }
    return rn_rows_close(&r, rc);
}

static int check_runs(rn_store *out, rn_store *in, rn_err *err)
{
    rn_rows r;
    int rc = rn_rows_open(in, &r, err,
                          "SELECT t.name, t.hash, m.name, m.file_sha, r.kind, r.preset, r.settings"
                          " FROM run r JOIN problem_set t ON t.id = r.set_id JOIN model m"
                          " ON m.id = r.model_id",
                          "");
    while (rn_rows_step(&r, &rc, err)) {
        const char *set, *hash, *model, *sha, *kind, *preset, *settings;
        int64_t n = 0;
        rn_rows_get(&r, "ttttttt", &set, &hash, &model, &sha, &kind, &preset, &settings);
        rc = rn_sql_row(
            out, err,
            "SELECT count(*) FROM run r JOIN problem_set t ON t.id = r.set_id JOIN model"
            " m ON m.id = r.model_id WHERE t.name = ?1 AND t.hash IN (?2, '') AND m.name = ?3"
            " AND m.file_sha = ?4 AND r.kind = ?5 AND r.preset = ?6 AND r.settings = ?7",
            "ttttttt>i", set, hash, model, sha, kind, preset, settings, &n);
        if (rc >= 0)
            rc = n > 0
                     ? 0
                     : rn_fail(err, RN_EINVAL,
                               "%s: its run of %s on %s has settings that no run of %s has: %.200s",
                               in->path, model, set, out->path, settings);
    }
    return rn_rows_close(&r, rc);
}

int rn_split_check(rn_store *out, rn_store *in, rn_err *err)
{
    rn_buf id = {0}, part_of = {0}, version = {0};
    int rc = rn_store_about(out, "id", &id, err);
    if (!rc) rc = rn_store_about(in, "part_of", &part_of, err);
    if (!rc) rc = rn_store_about(in, "version", &version, err);
    bool part = !rc && part_of.len > 0;
    if (part && strcmp(part_of.data, id.data) != 0)
        rc = rn_fail(err, RN_EINVAL, "%s is a part of another store (%.8s), not of %s (%.8s)",
                     in->path, part_of.data, out->path, id.data);
    else if (part && strcmp(version.data, rn_version()) != 0)
        rc =
            rn_fail(err, RN_EVERSION,
                    "%s is a part that ration %s made, and this is %s; merge it with that version, "
                    "or submit its task again",
                    in->path, version.data, rn_version());
    if (!rc && part) rc = check_sets(out, in, err);
    if (!rc && part) rc = check_runs(out, in, err);
    rn_buf_free(&id);
    rn_buf_free(&part_of);
    rn_buf_free(&version);
    return rc;
}
