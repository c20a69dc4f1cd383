/*
 * schema.c: the tables. docs/FORMATS.md explains each column with queries to copy.
 *
 * Layout: what is looked at often and in bulk (sample, verdict, score) is narrow; raw texts lie in
 * a table of their own, so that a report over a million samples reads some 50 MB and not the texts.
 * The unique index of `sample` is also its order for reading: (run, problem, idx).
 * NULL means unknown everywhere. Comments in the SQL stay in the file: `.schema` shows them.
 */
#include "store/schema.h"

#include "store/canon_priv.h"

static const char *const version_1[] = {
    "CREATE TABLE problem_set ("
    "  id INTEGER PRIMARY KEY,"
    "  name TEXT NOT NULL,"
    "  hash TEXT NOT NULL, -- SHA-256 of the content; '' when only ids are known\n"
    "  UNIQUE (name, hash)) STRICT",
    "CREATE TABLE problem ("
    "  id INTEGER PRIMARY KEY,"
    "  set_id INTEGER NOT NULL REFERENCES problem_set,"
    "  ord INTEGER NOT NULL, -- place in the set\n"
    "  task_id TEXT NOT NULL,"
    "  prompt TEXT, -- the problem's own text\n"
    "  prompt_tok INTEGER,"
    "  UNIQUE (set_id, task_id)) STRICT",
    "CREATE INDEX problem_order ON problem (set_id, ord)",
    "CREATE TABLE model ("
    "  id INTEGER PRIMARY KEY,"
    "  name TEXT NOT NULL,"
    "  file_sha TEXT NOT NULL, -- '' unknown\n"
    "  cost TEXT NOT NULL, -- the entry that prices it; '' unknown\n"
    "  UNIQUE (name, file_sha)) STRICT",
    "CREATE TABLE run ("
    "  id INTEGER PRIMARY KEY,"
    "  set_id INTEGER NOT NULL REFERENCES problem_set,"
    "  model_id INTEGER NOT NULL REFERENCES model,"
    "  kind TEXT NOT NULL, -- 'sample' or 'greedy'\n"
    "  preset TEXT NOT NULL, -- of the prompt; '' unknown\n"
    "  settings TEXT NOT NULL, -- JSON object in canonical form\n"
    "  UNIQUE (set_id, model_id, kind, preset, settings)) STRICT",
    "CREATE TABLE source ("
    "  id INTEGER PRIMARY KEY,"
    "  run_id INTEGER NOT NULL REFERENCES run,"
    "  sha TEXT NOT NULL, -- SHA-256 of the imported file's bytes; '' standard input\n"
    "  name TEXT NOT NULL, -- the file's name without folders\n"
    "  format TEXT NOT NULL,"
    "  done INTEGER NOT NULL, -- 1 when it was read to its end\n"
    "  UNIQUE (run_id, sha, name)) STRICT",
    "CREATE TABLE sample ("
    "  id INTEGER PRIMARY KEY,"
    "  run_id INTEGER NOT NULL REFERENCES run,"
    "  problem_id INTEGER NOT NULL REFERENCES problem,"
    "  idx INTEGER NOT NULL, -- 0-based within (run, problem)\n"
    "  source_id INTEGER REFERENCES source, -- NULL: generated here\n"
    "  text_bytes INTEGER NOT NULL,"
    "  prompt_tok INTEGER,"
    "  gen_tok INTEGER,"
    "  finish TEXT, -- 'stop' or 'length'\n"
    "  logprob REAL, -- sum over the generated tokens, natural logarithm\n"
    "  wall_ns INTEGER,"
    "  flop REAL,"
    "  UNIQUE (run_id, problem_id, idx)) STRICT",
    "CREATE TABLE sample_text ("
    "  sample_id INTEGER PRIMARY KEY REFERENCES sample,"
    "  text BLOB NOT NULL -- raw bytes of the model, kept for ever\n"
    ") STRICT",
    "CREATE TABLE protocol ("
    "  id INTEGER PRIMARY KEY,"
    "  json TEXT NOT NULL UNIQUE -- all that a verdict depends on, canonical\n"
    ") STRICT",
    "CREATE TABLE verdict_kind ("
    "  id INTEGER PRIMARY KEY,"
    "  name TEXT NOT NULL UNIQUE,"
    "  family TEXT NOT NULL -- P program, L limit, S sandbox: counts as missing\n"
    ") STRICT",
    "CREATE TABLE verdict ("
    "  sample_id INTEGER NOT NULL REFERENCES sample,"
    "  protocol_id INTEGER NOT NULL REFERENCES protocol,"
    "  kind_id INTEGER NOT NULL REFERENCES verdict_kind,"
    "  judged_ms INTEGER NOT NULL, -- Unix time; 0, -1: imported, gives way to verdicts of our "
    "own\n"
    "  n_tests INTEGER,"
    "  n_passed INTEGER,"
    "  failed_test INTEGER,"
    "  cpu_ns INTEGER,"
    "  wall_ns INTEGER,"
    "  peak_bytes INTEGER,"
    "  detail TEXT,"
    "  program_sha BLOB, -- SHA-256 of the program that was judged\n"
    "  PRIMARY KEY (sample_id, protocol_id)) STRICT, WITHOUT ROWID",
    "CREATE TABLE ranker ("
    "  id INTEGER PRIMARY KEY,"
    "  name TEXT NOT NULL,"
    "  json TEXT NOT NULL,"
    "  lower_is_better INTEGER NOT NULL,"
    "  UNIQUE (name, json)) STRICT",
    "CREATE TABLE score ("
    "  sample_id INTEGER NOT NULL REFERENCES sample,"
    "  ranker_id INTEGER NOT NULL REFERENCES ranker,"
    "  score REAL, -- what ranks; NULL: not a number\n"
    "  sum REAL, -- of log probabilities\n"
    "  n_tok INTEGER,"
    "  wall_ns INTEGER,"
    "  flop REAL,"
    "  PRIMARY KEY (sample_id, ranker_id)) STRICT, WITHOUT ROWID",
    "CREATE TABLE tally ("
    "  run_id INTEGER NOT NULL REFERENCES run,"
    "  problem_id INTEGER NOT NULL REFERENCES problem,"
    "  n INTEGER NOT NULL,"
    "  c INTEGER NOT NULL, -- of them passed\n"
    "  PRIMARY KEY (run_id, problem_id)) STRICT, WITHOUT ROWID",
    "CREATE TABLE curve ("
    "  run_id INTEGER NOT NULL REFERENCES run,"
    "  k INTEGER NOT NULL,"
    "  value REAL NOT NULL, -- pass@k as a fraction\n"
    "  PRIMARY KEY (run_id, k)) STRICT, WITHOUT ROWID",
    "CREATE TABLE profile ("
    "  model_id INTEGER NOT NULL REFERENCES model,"
    "  hardware TEXT NOT NULL,"
    "  s_per_sample REAL,"
    "  s_per_1000 REAL,"
    "  flop_per_sample REAL,"
    "  json TEXT NOT NULL,"
    "  PRIMARY KEY (model_id, hardware)) STRICT, WITHOUT ROWID",
    "CREATE TABLE command ("
    "  id INTEGER PRIMARY KEY,"
    "  name TEXT NOT NULL,"
    "  args TEXT NOT NULL, -- JSON array\n"
    "  version TEXT NOT NULL,"
    "  started_ms INTEGER NOT NULL,"
    "  ended_ms INTEGER, -- NULL: still running, or killed\n"
    "  status INTEGER) STRICT",
    "CREATE VIEW newest_verdict AS"
    "  SELECT v.sample_id, v.protocol_id, k.name AS verdict, k.family, v.judged_ms, v.n_tests,"
    "    v.n_passed, v.failed_test, v.cpu_ns, v.wall_ns, v.peak_bytes, v.detail"
    "  FROM verdict v JOIN verdict_kind k ON k.id = v.kind_id"
    "  WHERE NOT EXISTS (SELECT 1 FROM verdict w WHERE w.sample_id = v.sample_id"
    "    AND (w.judged_ms, w.protocol_id) > (v.judged_ms, v.protocol_id))",
    "CREATE VIEW outcome AS"
    "  SELECT r.id AS run_id, m.name AS model, t.name AS problem_set, r.kind, p.task_id, p.ord,"
    "    count(CASE WHEN v.family <> 'S' THEN 1 END) AS n,"
    "    count(CASE WHEN v.verdict = 'passed' THEN 1 END) AS c,"
    "    count(*) - count(CASE WHEN v.family <> 'S' THEN 1 END) AS missing"
    "  FROM run r JOIN model m ON m.id = r.model_id JOIN problem_set t ON t.id = r.set_id"
    "    JOIN problem p ON p.set_id = t.id"
    "    JOIN sample s ON s.run_id = r.id AND s.problem_id = p.id"
    "    LEFT JOIN newest_verdict v ON v.sample_id = s.id"
    "  GROUP BY r.id, p.id",
    NULL};

static const char *const version_2[] = {
    "ALTER TABLE score ADD COLUMN part REAL", /* what the score was made of; see FORMATS.md */
    "ALTER TABLE score ADD COLUMN grp INTEGER", "ALTER TABLE score ADD COLUMN cpu_ns INTEGER",
    "ALTER TABLE score ADD COLUMN n_runs INTEGER", NULL};

static const char *const version_3[] = {
    "ALTER TABLE command ADD COLUMN note TEXT", /* JSON: what it learned and spent at a server */
    NULL};

/* Identity apart from provenance: rows that are equal without it become one (canon_priv.h).
 *
 * Each table goes the same way: `made` holds what a row will be, `same` which row it joins, the
 * first of its kind. Of two verdicts of a sample the later one stays. Runs join only where no
 * sample, count or point of theirs says otherwise; else the later run is kept apart by a member
 * "apart" with its provenance, so that nothing is lost and nothing is mixed. */
#define JOINED(table) \
    "DELETE FROM " table " WHERE id IN (SELECT old FROM temp.same WHERE old <> new)"
#define FRESH "DROP TABLE IF EXISTS temp.made", "DROP TABLE IF EXISTS temp.same"
#define UNITED                                                                         \
    "(SELECT rn_unite(m.provenance) FROM temp.same e JOIN temp.made m ON m.id = e.old" \
    " WHERE e.new = "

#define SET_OF_PROTOCOL                                                                          \
    "ifnull((SELECT t.name FROM verdict v JOIN sample s ON s.id = v.sample_id JOIN run r"        \
    " ON r.id = s.run_id JOIN problem_set t ON t.id = r.set_id WHERE v.protocol_id = p.id LIMIT" \
    " 1), '')"

static const char *const version_4[] = {
    "ALTER TABLE run ADD COLUMN provenance TEXT NOT NULL DEFAULT '{}'",
    "ALTER TABLE protocol ADD COLUMN provenance TEXT NOT NULL DEFAULT '{}'",
    "ALTER TABLE ranker ADD COLUMN provenance TEXT NOT NULL DEFAULT '{}'",
    /* protocols */
    FRESH,
    "CREATE TEMP TABLE made AS SELECT p.id, rn_protocol(p.json, " SET_OF_PROTOCOL ") AS identity,"
    " rn_provenance(p.json) AS provenance FROM protocol p",
    "CREATE TEMP TABLE same AS SELECT id AS old, min(id) OVER (PARTITION BY identity) AS new"
    " FROM temp.made",
    "DELETE FROM verdict AS v WHERE EXISTS (SELECT 1 FROM temp.same a JOIN temp.same b"
    " ON b.new = a.new AND b.old <> a.old JOIN verdict w"
    " ON w.sample_id = v.sample_id AND w.protocol_id = b.old WHERE a.old = v.protocol_id"
    " AND (w.judged_ms, -w.protocol_id) > (v.judged_ms, -v.protocol_id))",
    "UPDATE verdict SET protocol_id = e.new FROM temp.same e"
    " WHERE e.old = protocol_id AND e.old <> e.new",
    JOINED("protocol"),
    "UPDATE OR IGNORE protocol SET json = (SELECT identity FROM temp.made m WHERE m.id ="
    " protocol.id), provenance = " UNITED "protocol.id)",
    /* rankers */
    FRESH,
    "CREATE TEMP TABLE made AS SELECT id, json_array(name, lower_is_better, rn_identity(json))"
    " AS key, rn_identity(json) AS identity, rn_provenance(json) AS provenance FROM ranker",
    "CREATE TEMP TABLE same AS SELECT id AS old, min(id) OVER (PARTITION BY key) AS new"
    " FROM temp.made",
    "DELETE FROM score AS c WHERE EXISTS (SELECT 1 FROM temp.same a JOIN temp.same b"
    " ON b.new = a.new AND b.old < a.old JOIN score d"
    " ON d.sample_id = c.sample_id AND d.ranker_id = b.old WHERE a.old = c.ranker_id)",
    "UPDATE score SET ranker_id = e.new FROM temp.same e"
    " WHERE e.old = ranker_id AND e.old <> e.new",
    JOINED("ranker"),
    "UPDATE OR IGNORE ranker SET json = (SELECT identity FROM temp.made m WHERE m.id = ranker.id),"
    " provenance = " UNITED "ranker.id)",
    /* runs */
    FRESH, "DROP TABLE IF EXISTS temp.pair", "DROP TABLE IF EXISTS temp.twin",
    "CREATE TEMP TABLE made AS SELECT id, json_array(set_id, model_id, kind, preset,"
    " rn_identity(settings)) AS key, rn_identity(settings) AS identity, rn_provenance(settings)"
    " AS provenance FROM run",
    /* of two runs of one identity, whether they contradict each other */
    "CREATE TEMP TABLE pair AS SELECT b.id AS old, max("
    " EXISTS (SELECT 1 FROM sample x JOIN sample y ON y.run_id = b.id AND y.problem_id ="
    "  x.problem_id AND y.idx = x.idx JOIN sample_text t ON t.sample_id = x.id JOIN sample_text u"
    "  ON u.sample_id = y.id WHERE x.run_id = a.id AND t.text <> u.text)"
    " OR EXISTS (SELECT 1 FROM tally x JOIN tally y ON y.run_id = b.id AND y.problem_id ="
    "  x.problem_id WHERE x.run_id = a.id AND (x.n, x.c) <> (y.n, y.c))"
    " OR EXISTS (SELECT 1 FROM curve x JOIN curve y ON y.run_id = b.id AND y.k = x.k"
    "  WHERE x.run_id = a.id AND x.value <> y.value)) AS apart"
    " FROM temp.made a JOIN temp.made b ON b.key = a.key AND b.id > a.id GROUP BY b.id",
    "UPDATE temp.made SET key = key || id, identity = rn_apart(identity, provenance)"
    " WHERE id IN (SELECT old FROM temp.pair WHERE apart)",
    "CREATE TEMP TABLE same AS SELECT id AS old, min(id) OVER (PARTITION BY key) AS new"
    " FROM temp.made",
    "CREATE TEMP TABLE twin AS SELECT * FROM (SELECT s.id AS old,"
    " min(s.id) OVER (PARTITION BY e.new, s.problem_id, s.idx) AS new FROM sample s"
    " JOIN temp.same e ON e.old = s.run_id"
    " WHERE e.new IN (SELECT new FROM temp.same WHERE old <> new)) WHERE old <> new",
    "INSERT INTO verdict SELECT t.new, v.protocol_id, v.kind_id, v.judged_ms, v.n_tests,"
    " v.n_passed, v.failed_test, v.cpu_ns, v.wall_ns, v.peak_bytes, v.detail, v.program_sha"
    " FROM temp.twin t JOIN verdict v ON v.sample_id = t.old WHERE true"
    " ON CONFLICT (sample_id, protocol_id) DO UPDATE SET kind_id = excluded.kind_id,"
    " judged_ms = excluded.judged_ms, n_tests = excluded.n_tests, n_passed = excluded.n_passed,"
    " failed_test = excluded.failed_test, cpu_ns = excluded.cpu_ns, wall_ns = excluded.wall_ns,"
    " peak_bytes = excluded.peak_bytes, detail = excluded.detail,"
    " program_sha = excluded.program_sha WHERE excluded.judged_ms > judged_ms",
    "INSERT OR IGNORE INTO score SELECT t.new, c.ranker_id, c.score, c.sum, c.n_tok, c.wall_ns,"
    " c.flop, c.part, c.grp, c.cpu_ns, c.n_runs FROM temp.twin t JOIN score c"
    " ON c.sample_id = t.old",
    "DELETE FROM verdict WHERE sample_id IN (SELECT old FROM temp.twin)",
    "DELETE FROM score WHERE sample_id IN (SELECT old FROM temp.twin)",
    "DELETE FROM sample_text WHERE sample_id IN (SELECT old FROM temp.twin)",
    "DELETE FROM sample WHERE id IN (SELECT old FROM temp.twin)",
    "UPDATE sample SET source_id = (SELECT min(f.id) FROM source f JOIN temp.same e"
    " ON e.old = f.run_id JOIN source g ON g.id = source_id JOIN temp.same d ON d.old = g.run_id"
    " WHERE e.new = d.new AND f.sha = g.sha AND f.name = g.name) WHERE source_id IS NOT NULL"
    " AND run_id IN (SELECT old FROM temp.same GROUP BY new HAVING count(*) > 1"
    " UNION SELECT old FROM temp.same WHERE old <> new)",
    "UPDATE sample SET run_id = e.new FROM temp.same e WHERE e.old = run_id AND e.old <> e.new",
    "DELETE FROM source AS f WHERE EXISTS (SELECT 1 FROM source g JOIN temp.same e"
    " ON e.old = f.run_id JOIN temp.same d ON d.old = g.run_id AND d.new = e.new"
    " WHERE g.sha = f.sha AND g.name = f.name AND g.id < f.id)",
    "UPDATE source SET run_id = e.new FROM temp.same e WHERE e.old = run_id AND e.old <> e.new",
    "UPDATE OR IGNORE tally SET run_id = e.new FROM temp.same e"
    " WHERE e.old = run_id AND e.old <> e.new",
    "UPDATE OR IGNORE curve SET run_id = e.new FROM temp.same e"
    " WHERE e.old = run_id AND e.old <> e.new",
    "DELETE FROM tally WHERE run_id IN (SELECT old FROM temp.same WHERE old <> new)",
    "DELETE FROM curve WHERE run_id IN (SELECT old FROM temp.same WHERE old <> new)", JOINED("run"),
    "UPDATE OR IGNORE run SET settings = (SELECT identity FROM temp.made m WHERE m.id = run.id),"
    " provenance = " UNITED "run.id)",
    FRESH, "DROP TABLE IF EXISTS temp.pair", "DROP TABLE IF EXISTS temp.twin",
    /* what is true of the file as a whole */
    "CREATE TABLE about ("
    "  name TEXT PRIMARY KEY, -- id: of this file; part_of, version, task: see split.h\n"
    "  value TEXT NOT NULL) STRICT, WITHOUT ROWID",
    "INSERT INTO about VALUES ('id', lower(hex(randomblob(16))))", NULL};

static const char *const version_5[] = {
    "ALTER TABLE score ADD COLUMN votes BLOB", /* values on each input; see FORMATS.md */
    NULL};

static const char *const version_6[] = {
    "ALTER TABLE problem_set ADD COLUMN path TEXT", /* of the file that it came from; absolute */
    NULL};

const rn_migration rn_store_migrations[] = {
    {version_1}, {version_2}, {version_3}, {version_4}, {version_5}, {version_6},
};
const int rn_store_version = sizeof rn_store_migrations / sizeof rn_store_migrations[0];

/* Statements that show an older file, by the first version that no longer needs them. Names of the
 * temporary schema come before those of the file. */
static const struct {
    int until;
    const char *sql;
} views[] = {
    {2, "CREATE TEMP VIEW score AS SELECT *, NULL AS part, NULL AS grp, NULL AS cpu_ns, NULL AS"
        " n_runs, NULL AS votes FROM main.score"},
    {3, "CREATE TEMP VIEW command AS SELECT *, NULL AS note FROM main.command"},
    {4, "CREATE TEMP TABLE run AS SELECT id, set_id, model_id, kind, preset,"
        " rn_identity(settings) AS settings, rn_provenance(settings) AS provenance FROM main.run;"
        "CREATE UNIQUE INDEX temp.run_id ON run (id);"
        "CREATE TEMP TABLE ranker AS SELECT id, name, rn_identity(json) AS json, lower_is_better,"
        " rn_provenance(json) AS provenance FROM main.ranker;"
        "CREATE UNIQUE INDEX temp.ranker_id ON ranker (id);"
        "CREATE TEMP TABLE protocol AS SELECT id, rn_protocol(json, " SET_OF_PROTOCOL ") AS json,"
        " rn_provenance(json) AS provenance FROM main.protocol p;"
        "CREATE UNIQUE INDEX temp.protocol_id ON protocol (id);"
        "CREATE TEMP TABLE about (name TEXT PRIMARY KEY, value TEXT)"},
    {5, "CREATE TEMP VIEW IF NOT EXISTS score AS SELECT *, NULL AS votes FROM main.score"},
    {6, "CREATE TEMP VIEW problem_set AS SELECT *, NULL AS path FROM main.problem_set"},
};

static int pragma_int(sqlite3 *db, const char *sql, int *out)
{
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(db, sql, -1, &st, NULL);
    if (rc) return rc;
    rc = sqlite3_step(st);
    if (rc == SQLITE_ROW) {
        *out = sqlite3_column_int(st, 0);
        rc = SQLITE_OK;
    }
    int end = sqlite3_finalize(st);
    return rc == SQLITE_OK ? end : rc;
}

int rn_schema_look(sqlite3 *db, rn_schema_state *state, int *version)
{
    int app = 0, user = 0, tables = 0;
    int rc = pragma_int(db, "PRAGMA application_id", &app);
    if (!rc) rc = pragma_int(db, "PRAGMA user_version", &user);
    if (!rc) rc = pragma_int(db, "SELECT count(*) FROM sqlite_master", &tables);
    if (rc) return rc;
    *version = user;
    if (app == RN_STORE_APPLICATION_ID)
        *state = user != 0 || tables > 0 ? RN_SCHEMA_OURS : RN_SCHEMA_EMPTY;
    else
        *state = app == 0 && user == 0 && tables == 0 ? RN_SCHEMA_EMPTY : RN_SCHEMA_FOREIGN;
    return SQLITE_OK;
}

/* ---- whether a schema is ours ---------------------------------------------------------------- */

/* SQL without comments and with single spaces, except in quotes: versions of SQLite keep a text
 * differently. */
static void put_plain(rn_buf *out, const char *sql)
{
    bool space = false;
    char quote = '\0';
    for (const char *p = sql; *p; p++) {
        while (!quote && p[0] == '-' && p[1] == '-')
            p += strcspn(p, "\n");
        if (*p == '\0') return;
        if (!quote && strchr(" \t\r\n", *p)) {
            space = true;
            continue;
        }
        if (space && out->len) rn_buf_putc(out, ' ');
        space = false;
        if (quote ? *p == quote : *p == '\'' || *p == '"') quote = quote ? '\0' : *p;
        rn_buf_putc(out, *p);
    }
}

/* What SQLite makes itself: indexes of constraints, statistics of ANALYZE. */
#define OF_OURS    "name NOT LIKE 'sqlite\\_autoindex\\_%' ESCAPE '\\'"
#define STATISTICS "sqlite_stat1 sqlite_stat4"

static int compare_one(sqlite3_stmt *theirs, sqlite3_stmt *ours, rn_buf *why)
{
    const char *type = (const char *)sqlite3_column_text(theirs, 0);
    const char *name = (const char *)sqlite3_column_text(theirs, 1);
    const char *sql = (const char *)sqlite3_column_text(theirs, 2);
    rn_buf a = {0}, b = {0};
    if (!type || !name || (strcmp(type, "table") == 0 && strstr(STATISTICS, name))) return 0;
    sqlite3_reset(ours);
    sqlite3_bind_text(ours, 1, type, -1, SQLITE_STATIC);
    sqlite3_bind_text(ours, 2, name, -1, SQLITE_STATIC);
    int rc = 0;
    if (sqlite3_step(ours) != SQLITE_ROW) {
        rn_buf_printf(why, "the %.20s '%.60s' is not ration's", type, name);
        rc = RN_EFORMAT;
    } else {
        put_plain(&a, sql ? sql : "");
        put_plain(&b, (const char *)sqlite3_column_text(ours, 0));
        if (!rn_buf_ok(&a) || !rn_buf_ok(&b)) rc = SQLITE_NOMEM;
        if (!rc && !rn_bytes_equal(rn_buf_view(&a), rn_buf_view(&b))) {
            rn_buf_printf(why, "the %.20s '%.60s' is not made as ration makes it", type, name);
            rc = RN_EFORMAT;
        }
    }
    rn_buf_free(&a);
    rn_buf_free(&b);
    return rc;
}

/* A file of the same version that nobody else wrote to, in memory. */
static int make_model(int version, sqlite3 **db)
{
    int rc = sqlite3_open_v2(":memory:", db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);
    if (!rc) rc = rn_identity_register(*db);
    return rc ? rc : rn_schema_migrate(*db, rn_store_migrations, version);
}

int rn_schema_compare(sqlite3 *db, int version, rn_buf *why)
{
    sqlite3 *model = NULL;
    sqlite3_stmt *theirs = NULL, *ours = NULL;
    int64_t n = 0, wanted = 0;
    int rc = make_model(version, &model);
    if (!rc)
        rc = sqlite3_prepare_v2(db, "SELECT type, name, sql FROM sqlite_master WHERE " OF_OURS, -1,
                                &theirs, NULL);
    if (!rc)
        rc = sqlite3_prepare_v2(
            model, "SELECT sql FROM sqlite_master WHERE type = ?1 AND name = ?2", -1, &ours, NULL);
    int step = SQLITE_DONE;
    while (!rc && (step = sqlite3_step(theirs)) == SQLITE_ROW) {
        rc = compare_one(theirs, ours, why);
        n += !rc && sqlite3_column_type(theirs, 1) == SQLITE_TEXT &&
             !strstr(STATISTICS, (const char *)sqlite3_column_text(theirs, 1));
    }
    if (!rc && step != SQLITE_DONE) rc = step;
    sqlite3_finalize(ours);
    ours = NULL;
    if (!rc)
        rc = sqlite3_prepare_v2(model, "SELECT count(*) FROM sqlite_master WHERE " OF_OURS, -1,
                                &ours, NULL);
    if (!rc && sqlite3_step(ours) == SQLITE_ROW) wanted = sqlite3_column_int64(ours, 0);
    if (!rc && n != wanted) {
        rn_buf_printf(why, "of its %lld tables, indexes and views there are %lld",
                      (long long)wanted, (long long)n);
        rc = RN_EFORMAT;
    }
    sqlite3_finalize(theirs);
    sqlite3_finalize(ours);
    sqlite3_close(model);
    return rc;
}

int rn_schema_view(sqlite3 *db, int version)
{
    int rc = SQLITE_OK;
    for (size_t i = 0; i < sizeof views / sizeof views[0] && !rc; i++)
        if (version < views[i].until) rc = sqlite3_exec(db, views[i].sql, NULL, NULL, NULL);
    return rc;
}

int rn_schema_migrate(sqlite3 *db, const rn_migration *table, int n)
{
    int rc = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    if (rc) return rc;
    int version = 0;
    rc = pragma_int(db, "PRAGMA user_version", &version);
    for (int i = version; i < n && !rc; i++)
        for (const char *const *sql = table[i].sql; *sql && !rc; sql++)
            rc = sqlite3_exec(db, *sql, NULL, NULL, NULL);
    if (!rc) {
        char sql[96];
        snprintf(sql, sizeof sql, "PRAGMA application_id = %d; PRAGMA user_version = %d",
                 RN_STORE_APPLICATION_ID, n);
        rc = sqlite3_exec(db, sql, NULL, NULL, NULL);
    }
    if (!rc) rc = sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
    if (rc) sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    return rc;
}
