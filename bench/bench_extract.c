/*
 * bench_extract.c: runs one extractor over a file of recorded answers and writes what it made of
 * them as JSON lines, for bench/extract.py to check with Python's own parser.
 *   bench_extract SET DATA_DIR FILE FIELD EXTRACTOR
 * FILE: JSON lines with task_id and FIELD (a text, or an array of texts).
 */
#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "task/prompt.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct totals {
    int64_t n, found, unterminated, thinking, bytes, ns;
} totals;

static void die(const rn_err *err)
{
    fprintf(stderr, "bench_extract: %s\n", err->msg);
    exit(3);
}

static void one(const rn_problem *p, const char *extractor, const json_t *text, totals *t)
{
    rn_err err = {0};
    rn_extracted what = {0};
    rn_buf code = {0}, program = {0}, row = {0};
    rn_bytes raw = {.data = json_string_value(text), .len = json_string_length(text)};
    int64_t start = rn_now_ns();
    if (rn_extract(extractor, NULL, p, raw, &code, &what, &err)) die(&err);
    t->ns += rn_now_ns() - start;
    if (rn_program_build(p, rn_buf_view(&code), &what, &program, &err)) die(&err);
    t->n++;
    t->bytes += (int64_t)raw.len;
    t->found += what.found;
    t->unterminated += what.unterminated;
    t->thinking += what.thinking;
    rn_buf_puts(&row, "{\"task_id\": ");
    rn_buf_json(&row, rn_bytes_of(p->task_id));
    rn_buf_printf(&row,
                  ", \"found\": %s, \"whole\": %s, \"program\": ", what.found ? "true" : "false",
                  what.whole ? "true" : "false");
    rn_buf_json(&row, rn_buf_view(&program));
    rn_buf_puts(&row, "}\n");
    fwrite(row.data, 1, row.len, stdout);
    rn_buf_free(&code);
    rn_buf_free(&program);
    rn_buf_free(&row);
}

/* The problem of a row: by task_id, or by the set's order where a row has none (CodeT). */
static const rn_problem *problem_of(const rn_taskset *set, const json_t *rec, int64_t line)
{
    const json_t *id = json_object_get(rec, "task_id");
    char number[32];
    if (json_is_string(id)) return rn_taskset_find(set, json_string_value(id));
    if (!json_is_integer(id)) return (size_t)line <= set->n ? &set->problems[line - 1] : NULL;
    snprintf(number, sizeof number, "%lld", (long long)json_integer_value(id));
    return rn_taskset_find(set, number);
}

int main(int argc, char **argv)
{
    rn_err err = {0};
    rn_taskset *set = NULL;
    rn_reader *r = NULL;
    rn_bytes line;
    totals t = {0};
    if (argc < 6) { /* bench/run.sh runs it through bench/extract.sh */
        fprintf(stderr, "see bench/extract.sh\n");
        return argc == 1 ? 0 : 2;
    }
    if (rn_taskset_open(argv[1], argv[2], &set, &err)) die(&err);
    if (rn_reader_open(argv[3], &r, &err)) die(&err);
    int rc;
    while ((rc = rn_reader_line(r, 1 << 28, &line, &err)) > 0) {
        json_t *rec = NULL;
        rn_json_at at = {.path = argv[3], .line = rn_reader_line_no(r)};
        if (rn_json_parse(line, at, &rec, &err)) die(&err);
        const rn_problem *p = problem_of(set, rec, at.line);
        const json_t *v = json_object_get(rec, argv[4]);
        if (p && json_is_string(v)) one(p, argv[5], v, &t);
        for (size_t i = 0; p && i < json_array_size(v); i++)
            one(p, argv[5], json_array_get(v, i), &t);
        json_decref(rec);
    }
    if (rc < 0) die(&err);
    fprintf(stderr,
            "%s %s: %lld answers, %lld with code, %lld unterminated, %lld in thought, %.1f MB/s\n",
            argv[3], argv[5], (long long)t.n, (long long)t.found, (long long)t.unterminated,
            (long long)t.thinking, t.ns ? (double)t.bytes * 1e3 / (double)t.ns : 0.0);
    rn_reader_close(r);
    rn_taskset_free(set);
    return 0;
}
