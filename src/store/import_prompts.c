/*
 * import_prompts.c: CodeT's rows have no ids, only prompts whose examples were taken out.
 *
 * With a map (JSONL of {task_id, prompt}) a prompt belongs to the id that it stands beside. Without
 * one it belongs to the problem of the set that shares its longest beginning, if that is one
 * problem only and the shared part includes the whole line of the last "def": two problems of
 * HumanEval have the same name twice, but not the same description.
 */
#include "store/import_priv.h"

static int by_text(const void *a, const void *b)
{
    const rn_import_prompt *x = a, *y = b;
    size_t n = x->len < y->len ? x->len : y->len;
    int c = memcmp(x->text, y->text, n);
    return c ? c : (x->len > y->len) - (x->len < y->len);
}

/* One row of the map into *out; the prompt is copied into the arena. */
static int map_row(rn_importer *im, const json_t *row, rn_json_at at, rn_import_prompt *out,
                   rn_err *err)
{
    rn_bytes id = {0}, prompt = {0};
    int rc = rn_json_bytes(row, "task_id", at, &id, err);
    if (!rc) rc = rn_json_bytes(row, "prompt", at, &prompt, err);
    if (rc) return rc;
    rn_import_entry *e = rn_idmap_find(&im->map, id);
    if (!e)
        return rn_fail_at(err, RN_ENOTFOUND, at.line, -1,
                          "%s: line %lld: unknown problem '%.80s' in set '%s'", at.path,
                          (long long)at.line, id.data, im->opts->set_name);
    *out = (rn_import_prompt){rn_arena_dup(&im->arena, prompt.data, prompt.len), prompt.len, e};
    return out->text ? 0 : rn_nomem(err, at.path);
}

static int load_map(rn_importer *im, rn_err *err)
{
    const char *path = im->opts->map;
    rn_reader *r = NULL;
    rn_bytes line;
    im->prompts = rn_arena_array(&im->arena, im->map.list.n, sizeof *im->prompts);
    if (!im->prompts) return rn_nomem(err, path);
    int rc = rn_reader_open(path, &r, err);
    while (!rc && (rc = rn_reader_line(r, RN_IMPORT_MAX_ROW, &line, err)) > 0) {
        rn_json_at at = {path, rn_reader_line_no(r)};
        json_t *row = NULL;
        if (im->n_prompts == im->map.list.n) {
            rc = rn_fail_at(err, RN_EFORMAT, at.line, -1,
                            "%s: line %lld: more rows than set '%s' has problems", path,
                            (long long)at.line, im->opts->set_name);
            break;
        }
        rc = rn_json_parse(line, at, &row, err);
        if (!rc) rc = map_row(im, row, at, &im->prompts[im->n_prompts], err);
        if (!rc) im->n_prompts++;
        json_decref(row);
    }
    rn_reader_close(r);
    if (rc) return rc;
    qsort(im->prompts, im->n_prompts, sizeof *im->prompts, by_text);
    for (size_t i = 1; i < im->n_prompts; i++)
        if (by_text(&im->prompts[i - 1], &im->prompts[i]) == 0)
            return rn_fail(err, RN_EFORMAT, "%s: %s and %s have the same prompt", path,
                           im->prompts[i - 1].entry->task_id, im->prompts[i].entry->task_id);
    return 0;
}

int rn_import_prompts_load(rn_importer *im, rn_err *err)
{
    if (im->map.list.n == 0 || !im->opts->problems)
        return rn_fail(err, RN_EINVAL,
                       "%s: CodeT's form has no ids: it needs a known problem set (-t)", im->path);
    if (im->opts->map) return load_map(im, err);
    im->prompts = rn_arena_array(&im->arena, im->map.list.n, sizeof *im->prompts);
    if (!im->prompts) return rn_nomem(err, im->path);
    for (size_t i = 0; i < im->map.list.n; i++) {
        rn_import_entry *e = im->map.list.data[i];
        if (e->prompt)
            im->prompts[im->n_prompts++] = (rn_import_prompt){e->prompt, strlen(e->prompt), e};
    }
    return 0;
}

/* Where the line of the last "def" at the start of a line ends; 0 without one. */
static size_t last_def_end(rn_bytes p)
{
    size_t end = 0;
    for (size_t at = 0; at < p.len;) {
        const char *nl = memchr(p.data + at, '\n', p.len - at);
        size_t next = nl ? (size_t)(nl - p.data) + 1 : p.len;
        if (rn_bytes_starts((rn_bytes){p.data + at, next - at}, "def ")) end = next;
        at = next;
    }
    return end;
}

static size_t common_length(rn_bytes a, const rn_import_prompt *b)
{
    size_t n = a.len < b->len ? a.len : b->len, i = 0;
    while (i < n && a.data[i] == b->text[i])
        i++;
    return i;
}

static int unmatched(const rn_importer *im, int64_t line, rn_err *err, const char *why)
{
    return rn_fail_at(err, RN_ENOTFOUND, line, -1,
                      "%s: line %lld: its prompt %s of set '%s'; give the ids with --map FILE "
                      "(JSONL of task_id and prompt)",
                      im->path, (long long)line, why, im->opts->set_name);
}

int rn_import_prompts_find(rn_importer *im, rn_bytes prompt, int64_t line, rn_import_entry **out,
                           rn_err *err)
{
    if (im->opts->map) {
        const rn_import_prompt key = {prompt.data, prompt.len, NULL};
        const rn_import_prompt *hit =
            bsearch(&key, im->prompts, im->n_prompts, sizeof *im->prompts, by_text);
        if (!hit) return unmatched(im, line, err, "is not in the map");
        *out = hit->entry;
        return 0;
    }
    size_t best = 0, second = 0, at = 0;
    for (size_t i = 0; i < im->n_prompts; i++) {
        size_t n = common_length(prompt, &im->prompts[i]);
        if (n > best) {
            second = best;
            best = n;
            at = i;
        } else if (n > second) {
            second = n;
        }
    }
    size_t need = last_def_end(prompt);
    if (need == 0 || best < need) return unmatched(im, line, err, "belongs to no problem");
    if (best == second) return unmatched(im, line, err, "fits several problems");
    *out = im->prompts[at].entry;
    return 0;
}
