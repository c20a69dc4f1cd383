/* rank_run.c: see rank_run.h. */
#include "run/rank_run.h"

#include "run/stage.h"
#include "cost/paper.h"

#include <stdlib.h>

rn_rank_run rn_rank_run_of(const rn_store_run_row *row, rn_arena *a)
{
    return (rn_rank_run){.id = row->run_id,
                         .set_name = rn_arena_strdup(a, row->set_name),
                         .set_hash = rn_arena_strdup(a, row->set_hash),
                         .preset_name = rn_arena_strdup(a, row->preset),
                         .settings_text = rn_arena_strdup(a, row->settings),
                         .model_name = rn_arena_strdup(a, row->model_name),
                         .model_sha = rn_arena_strdup(a, row->model_sha)};
}

int rn_rank_run_open(rn_rank_run *r, const rn_rank_source *src, rn_err *err)
{
    if (!r->set_name || !r->set_hash || !r->preset_name || !r->settings_text || !r->model_name ||
        !r->model_sha)
        return rn_fail(err, RN_ENOMEM, "out of memory for a run");
    int rc =
        rn_taskset_open(src->set ? src->set : r->set_name, rn_data_dir(src->data), &r->set, err);
    if (rc) return rn_err_prefix(err, "run %lld", (long long)r->id);
    if (r->set_hash[0] && strcmp(r->set_hash, r->set->hash) != 0)
        return rn_fail(
            err, RN_EINVAL,
            "run %lld was made with another version of %s (hash %.12s, here %.12s); name the "
            "right file with -t",
            (long long)r->id, r->set_name, r->set_hash, r->set->hash);
    r->preset = rn_preset_find(src->preset         ? rn_paper_prompt(src->preset)
                               : r->preset_name[0] ? r->preset_name
                                                   : r->set->preset);
    rc = rn_json_parse(rn_bytes_of(r->settings_text), (rn_json_at){"settings", 0}, &r->settings,
                       err);
    if (rc) return rc;
    r->extractor = src->extractor;
    if (!r->extractor) r->extractor = json_string_value(json_object_get(r->settings, "extractor"));
    /* Imported samples have no preset of their own: their text is taken as it is. */
    if (!r->extractor)
        r->extractor = r->preset && r->preset_name[0] ? r->preset->extractor : "raw/1";
    const char *present = rn_extractor_find(r->extractor);
    if (present) r->extractor = present;
    return 0;
}

void rn_rank_run_close(rn_rank_run *r)
{
    json_decref(r->settings);
    rn_taskset_free(r->set);
    r->settings = NULL;
    r->set = NULL;
}

const rn_problem *rn_rank_problem(const rn_rank_run *r, const rn_store_sample_row *x, rn_err *err)
{
    const rn_problem *p = rn_taskset_find(r->set, x->task_id);
    if (!p) rn_fail(err, RN_EINVAL, "problem %s is not in %s", x->task_id, r->set->name);
    return p;
}

bool rn_rank_is_cut(const rn_store_sample_row *x)
{
    return strcmp(x->x.finish, "length") == 0;
}

int rn_rank_program(const rn_rank_run *r, const rn_problem *p, rn_bytes text, rn_buf *code,
                    rn_buf *source, rn_err *err)
{
    rn_extracted what;
    rn_buf_clear(code);
    int rc =
        rn_extract(r->extractor, r->preset_name[0] ? r->preset : NULL, p, text, code, &what, err);
    return rc ? rc : rn_program_build(p, rn_buf_view(code), &what, source, err);
}

void *rn_rank_grown(void *list, size_t n, size_t *cap, size_t size)
{
    if (n < *cap) return list;
    size_t more = *cap ? 2 * *cap : 256;
    void *p = realloc(list, more * size);
    if (p) *cap = more;
    return p;
}
