/*
 * digest.c: one number for the whole content.
 *
 * Each row becomes text that names its identity by content, never by id, and the digest is the sum
 * modulo 2^256 (as four 64-bit lanes) of the SHA-256 of all rows: equal for equal content whatever
 * the order of the rows. It finds differences between honest stores; it is no signature.
 * Left out: dates, measured times and memory (also those of profiles), the ledger, which file a
 * sample came from, and the provenance of runs, rankers and protocols. Of the words beside a
 * verdict of ours only "no code" is a fact: the others quote what a program printed (addresses,
 * temporary names) or what was measured, and differ from run to run. Imported words are data.
 */
#include "store/store_priv.h"

#include "base/hash.h"

enum { LANES = 4 };

/* One SELECT per table; every column goes into the row's text with its type and length. */
static const char *const queries[] = {
    "SELECT 'set', name, hash FROM problem_set",
    "SELECT 'problem', t.name, t.hash, p.task_id, p.ord, p.prompt, p.prompt_tok"
    " FROM problem p JOIN problem_set t ON t.id = p.set_id",
    "SELECT 'model', name, file_sha, cost FROM model",
    "SELECT 'run', key FROM temp.run_key",
    "SELECT 'sample', k.key, p.task_id, s.idx, s.prompt_tok, s.gen_tok, s.finish, s.logprob, "
    "s.flop,"
    " x.text FROM sample s JOIN temp.run_key k ON k.id = s.run_id JOIN problem p ON p.id ="
    " s.problem_id LEFT JOIN sample_text x ON x.sample_id = s.id",
    "SELECT 'verdict', k.key, p.task_id, s.idx, o.json, d.name, min(v.judged_ms, 1), v.n_tests,"
    " v.n_passed, v.failed_test, CASE WHEN v.judged_ms <= 0 OR v.detail = '" RN_NO_CODE
    "' THEN v.detail END, v.program_sha FROM verdict v"
    " JOIN sample s ON s.id = v.sample_id JOIN temp.run_key k ON k.id = s.run_id"
    " JOIN problem p ON p.id = s.problem_id JOIN protocol o ON o.id = v.protocol_id"
    " JOIN verdict_kind d ON d.id = v.kind_id",
    "SELECT 'ranker', name, json, lower_is_better FROM ranker",
    "SELECT 'score', k.key, p.task_id, s.idx, r.name, r.json, c.score, c.sum, c.n_tok, c.flop,"
    " c.part, c.grp"
    " FROM score c JOIN sample s ON s.id = c.sample_id JOIN temp.run_key k ON k.id = s.run_id"
    " JOIN problem p ON p.id = s.problem_id JOIN ranker r ON r.id = c.ranker_id",
    "SELECT 'votes', k.key, p.task_id, s.idx, r.name, r.json, c.votes FROM score c"
    " JOIN sample s ON s.id = c.sample_id JOIN temp.run_key k ON k.id = s.run_id"
    " JOIN problem p ON p.id = s.problem_id JOIN ranker r ON r.id = c.ranker_id"
    " WHERE c.votes IS NOT NULL",
    "SELECT 'count', k.key, p.task_id, c.n, c.c FROM tally c JOIN temp.run_key k ON k.id = c.run_id"
    " JOIN problem p ON p.id = c.problem_id",
    "SELECT 'curve', k.key, c.k, c.value FROM curve c JOIN temp.run_key k ON k.id = c.run_id",
    "SELECT 'profile', m.name, m.file_sha, p.hardware, p.flop_per_sample FROM profile p"
    " JOIN model m ON m.id = p.model_id",
};

/* A run's identity by content. Temporary tables can be made in a store that is open for reading. */
static const char make_run_key[] =
    "DROP TABLE IF EXISTS temp.run_key;"
    "CREATE TEMP TABLE run_key AS SELECT r.id AS id, json_array(t.name, t.hash, m.name, m.file_sha,"
    " r.kind, r.preset, r.settings) AS key FROM run r JOIN problem_set t ON t.id = r.set_id"
    " JOIN model m ON m.id = r.model_id;"
    "CREATE INDEX temp.run_key_id ON run_key (id)";

static void put_column(rn_sha256 *h, sqlite3_stmt *st, int i)
{
    int type = sqlite3_column_type(st, i);
    char tag[32];
    if (type == SQLITE_INTEGER || type == SQLITE_FLOAT) {
        /* A REAL column that holds a whole number comes back as FLOAT: no ambiguity to fear. */
        double x = sqlite3_column_double(st, i);
        int64_t v = sqlite3_column_int64(st, i);
        tag[0] = type == SQLITE_INTEGER ? 'i' : 'f';
        memcpy(tag + 1, type == SQLITE_INTEGER ? (const void *)&v : (const void *)&x, sizeof v);
        rn_sha256_add(h, tag, 1 + sizeof v);
        return;
    }
    const void *data = type == SQLITE_NULL ? NULL : sqlite3_column_blob(st, i);
    int64_t len = type == SQLITE_NULL ? -1 : sqlite3_column_bytes(st, i);
    tag[0] = 's';
    memcpy(tag + 1, &len, sizeof len);
    rn_sha256_add(h, tag, 1 + sizeof len);
    if (data && len > 0) rn_sha256_add(h, data, (size_t)len);
}

static int add_rows(rn_store *s, const char *sql, rn_sha256 *h, uint64_t sum[LANES], rn_err *err)
{
    rn_rows r;
    int rc = rn_rows_open(s, &r, err, sql, "");
    while (rn_rows_step(&r, &rc, err)) {
        uint64_t digest[LANES];
        uint8_t bytes[RN_SHA256_BYTES];
        for (int i = 0; i < sqlite3_column_count(r.st); i++)
            put_column(h, r.st, i);
        rn_sha256_done(h, bytes);
        memcpy(digest, bytes, sizeof digest);
        for (int i = 0; i < LANES; i++)
            sum[i] += digest[i];
    }
    return rn_rows_close(&r, rc);
}

int rn_store_digest(rn_store *s, char hex[65], rn_err *err)
{
    uint64_t sum[LANES] = {0};
    rn_sha256 *h = rn_sha256_new();
    if (!h) return rn_nomem(err, s->path);
    int rc = 0, sq = sqlite3_exec(s->db, make_run_key, NULL, NULL, NULL);
    if (sq) rc = rn_store_fail(s, sq, err, "cannot be read");
    for (size_t i = 0; i < sizeof queries / sizeof queries[0] && !rc; i++)
        rc = add_rows(s, queries[i], h, sum, err);
    rn_sha256_free(h);
    if (rc) return rc;
    uint8_t bytes[RN_SHA256_BYTES];
    memcpy(bytes, sum, sizeof bytes);
    rn_sha256_hex(bytes, hex);
    return 0;
}
