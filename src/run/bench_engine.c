/*
 * bench_engine.c: speed of prefill, of sampling with several samples in flight, and of scoring, for
 * a model file or for random weights of any shape (rn_bench_engine of ration.h).
 *
 * What is timed is what `generate` and `rank` do, samplers and likelihoods included; only end
 * tokens are passed over, so that every sample has the stated length. Shares are of what this
 * machine was measured to do at most: 2 operations per weight and row against integer dot products
 * from registers, the weights' bytes once per pass against reading memory.
 */
#include "base/clock.h"
#include "base/file.h"
#include "model/memory.h"
#include "model/peak.h"
#include "model/random.h"
#include "run/opened.h"
#include "run/stage.h"

#include <sys/resource.h>

enum { MAX_COUNTS = 16 };

typedef struct speed {
    int64_t n;    /* samples in flight */
    double tok_s; /* new tokens per second, all samples together; the best of the repeats */
} speed;

typedef struct results {
    double prefill_tok_s, score_tok_s, peak_ops, peak_bytes, load_s;
    speed speeds[MAX_COUNTS];
    int n_speeds;
    int n_threads;
    size_t rss_bytes;
} results;

/* ---- options --------------------------------------------------------------------------------- */

/* Comma-separated positive numbers; the count, or 0 if malformed. */
static int parse_list(const char *text, int64_t *out, int max)
{
    int n = 0;
    for (const char *p = text; n < max; p++) {
        char *end;
        errno = 0;
        long long v = strtoll(p, &end, 10);
        if (errno || !isdigit((unsigned char)*p) || v < 1 || v > INT32_MAX) return 0;
        out[n++] = v;
        if (*end == '\0') return n;
        if (*end != ',') return 0;
        p = end;
    }
    return 0;
}

static int parse_shape(const rn_bench_options *o, rn_random_spec *spec, rn_err *err)
{
    int64_t v[8] = {0};
    const int given = parse_list(o->shape, v, 8);
    if (given != 6 && given != 8)
        return rn_fail(err, RN_EINVAL,
                       "--shape '%s': give layers,width,ffn,heads,kv-heads,vocabulary, e.g. "
                       "22,2048,5632,32,4,32000, and for a mixture experts and how many a token "
                       "uses, e.g. 24,1024,512,16,4,32000,64,8",
                       o->shape);
    *spec = (rn_random_spec){.n_layer = (int32_t)v[0],
                             .d_model = (int32_t)v[1],
                             .d_ff = (int32_t)v[2],
                             .n_head = (int32_t)v[3],
                             .n_kv_head = (int32_t)v[4],
                             .n_vocab = (int32_t)v[5],
                             .n_expert = (int32_t)v[6],
                             .n_used = (int32_t)v[7],
                             .n_ctx = 8192,
                             .seed = 1};
    if (!rn_qtype_parse(o->type, &spec->type))
        return rn_fail(err, RN_EINVAL, "--type '%s' is not a weight type; e.g. q8_0, q4_0, q4_k",
                       o->type);
    return 0;
}

static int save_image(const rn_random_spec *spec, const char *path, rn_err *err)
{
    void *data;
    size_t bytes;
    int rc = rn_random_gguf(spec, &data, &bytes, err);
    if (rc) return rc;
    rc = rn_file_write_atomic(path, (rn_bytes){data, bytes}, err);
    rn_memory_give(data, bytes);
    return rc;
}

/* ---- one measurement ------------------------------------------------------------------------- */

typedef struct feed {
    const rn_watch *watch;
    rn_job job;
    bool given;
} feed;

static int give_job(void *user, rn_job *job, rn_err *err)
{
    (void)err;
    feed *f = user;
    if (f->given) return 0;
    f->given = true;
    *job = f->job;
    return 1;
}

static int take_sample(void *user, const rn_job *job, const rn_result *r, rn_err *err)
{
    (void)job, (void)r;
    return rn_watch_stops(((feed *)user)->watch) ? rn_fail(err, RN_ECANCELLED, "stopped") : 0;
}

/* Ids that any vocabulary has, not all alike. */
static void fill_ids(const rn_model *m, int32_t *ids, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        ids[i] = (int32_t)((i * 7919 + 13) % m->hp.n_vocab);
}

static int open_engine(const rn_model *m, const rn_bench_options *o, size_t budget, int64_t slots,
                       int64_t new_tok, rn_engine **out, rn_err *err)
{
    rn_engine_opts eo = {.n_threads = o->model.threads,
                         .memory_bytes = budget,
                         .n_slots = (int32_t)slots,
                         .max_prompt_tok = o->prompt_tok,
                         .max_new_tok = new_tok};
    int rc = rn_parse_kv(o->model.kv, &eo.kv, err);
    if (rc) return rc;
    if ((rc = rn_engine_open(m, &eo, out, err))) return rc;
    if (rn_engine_plan_of(*out)->n_full == slots) return 0;
    rc = rn_fail(err, RN_ELIMIT, "%lld samples of %lld tokens do not fit: only %d do",
                 (long long)slots, (long long)new_tok, rn_engine_plan_of(*out)->n_full);
    rn_engine_close(*out);
    return rc;
}

static int time_samples(const rn_model *m, const rn_bench_options *o, size_t budget, int64_t n,
                        results *res, rn_err *err)
{
    rn_engine *e;
    int rc = open_engine(m, o, budget, n, o->gen_tok + 1, &e, err);
    if (rc) return rc;
    res->n_threads = rn_engine_plan_of(e)->n_threads;
    rn_arena a = {0};
    int32_t *prompt = rn_arena_array(&a, (size_t)o->prompt_tok, sizeof *prompt);
    uint32_t *idx = rn_arena_array(&a, (size_t)n, sizeof *idx);
    speed *sp = &res->speeds[res->n_speeds++];
    *sp = (speed){.n = n};
    if (!prompt || !idx) rc = rn_nomem(err, "benchmark");
    if (!rc) fill_ids(m, prompt, o->prompt_tok);
    for (uint32_t i = 0; !rc && i < n; i++)
        idx[i] = i;
    rn_sampling s;
    rn_sampling_init(&s);
    s.max_tok = o->gen_tok + 1; /* the first comes with the prompt */
    for (int64_t k = 0; !rc && k < o->repeat; k++) {
        feed f = {.watch = &o->watch,
                  .job = {.prompt = prompt,
                          .n_prompt = (int32_t)o->prompt_tok,
                          .to_limit = true,
                          .idx = idx,
                          .n = n,
                          .sampling = &s}};
        rn_engine_io io = {.next = give_job, .done = take_sample, .user = &f};
        int64_t t0 = rn_now_ns();
        rc = rn_engine_run(e, &io, err);
        const rn_engine_stats *st = rn_engine_stats_of(e);
        double decode_s = (double)(rn_now_ns() - t0 - st->prefill_ns) * 1e-9;
        double prefill = (double)o->prompt_tok / ((double)st->prefill_ns * 1e-9);
        if (rc) break;
        if ((double)(n * o->gen_tok) / decode_s > sp->tok_s)
            sp->tok_s = (double)(n * o->gen_tok) / decode_s;
        if (prefill > res->prefill_tok_s) res->prefill_tok_s = prefill;
    }
    rn_arena_free(&a);
    rn_engine_close(e);
    return rc;
}

static int time_scoring(const rn_model *m, const rn_bench_options *o, size_t budget, results *res,
                        rn_err *err)
{
    rn_engine *e;
    int rc = open_engine(m, o, budget, o->texts, o->text_tok, &e, err);
    if (rc) return rc;
    rn_arena a = {0};
    int32_t *ids = rn_arena_array(&a, (size_t)(o->prompt_tok + o->text_tok), sizeof *ids);
    rn_score *texts = rn_arena_array(&a, (size_t)o->texts, sizeof *texts);
    if (!ids || !texts) rc = rn_nomem(err, "benchmark");
    if (!rc) fill_ids(m, ids, o->prompt_tok + o->text_tok);
    for (int64_t i = 0; !rc && i < o->texts; i++)
        texts[i] = (rn_score){.tok = ids + o->prompt_tok, .n_tok = (int32_t)o->text_tok};
    for (int64_t k = 0; !rc && k < o->repeat; k++) {
        int64_t t0 = rn_now_ns();
        rc = rn_engine_score(e, ids, (int32_t)o->prompt_tok, texts, o->texts, NULL, err);
        double s = (double)(rn_now_ns() - t0 - rn_engine_stats_of(e)->prefill_ns) * 1e-9;
        double rate = (double)(o->texts * o->text_tok) / s;
        if (!rc && rate > res->score_tok_s) res->score_tok_s = rate;
    }
    rn_arena_free(&a);
    rn_engine_close(e);
    return rc;
}

static int measure_peaks(const rn_model *m, const rn_bench_options *o, results *res, rn_err *err)
{
    rn_pool *pool;
    int rc = rn_pool_new(o->model.threads ? o->model.threads : rn_cpu_count(), &pool, err);
    if (rc) return rc;
    res->peak_ops = rn_peak_int8_ops(m->kern, pool, 0.5);
    rc = rn_peak_read_bytes(m->kern, pool, 0.5, &res->peak_bytes, err);
    rn_pool_free(pool);
    return rc;
}

/* ---- results --------------------------------------------------------------------------------- */

/* Operations per row of a pass: 2 per weight of the layers and the output head. */
static double row_ops(const rn_model *m)
{
    rn_shape s;
    rn_model_shape(m, &s);
    return rn_flop_sample(&s, 1, 2) - 4.0 * (double)(s.n_layer * s.n_head * s.head_dim) * 2;
}

static void put_table(const rn_model *m, const rn_bench_options *o, const results *r, rn_buf *out)
{
    rn_buf hw = {0};
    rn_hardware(m->isa, r->n_threads, &hw);
    rn_buf_printf(out, "%s\n", hw.data ? hw.data : "");
    rn_buf_free(&hw);
    rn_buf_printf(out, "integer peak %.3g Tera-operations/s (%s), memory %.1f GB/s\n",
                  r->peak_ops * 1e-12, m->kern->peak_name, r->peak_bytes * 1e-9);
    rn_buf_printf(
        out,
        "weights %.0f MiB in memory, file %.0f MiB, loaded in %.2f s, at most %.0f MiB resident\n",
        rn_mib(m->weight_bytes), rn_mib((size_t)rn_gguf_file_bytes(m->file)), r->load_s,
        rn_mib(r->rss_bytes));
    double per_row = row_ops(m);
    rn_buf_printf(out, "%-22s %10s %10s %12s\n", "", "tok/s", "integer", "bandwidth");
    rn_buf_printf(out, "prefill %-14lld %10.1f %9.1f%%\n", (long long)o->prompt_tok,
                  r->prefill_tok_s, 100 * r->prefill_tok_s * per_row / r->peak_ops);
    for (int i = 0; i < r->n_speeds; i++) {
        const speed *s = &r->speeds[i];
        rn_buf_printf(out, "samples %-14lld %10.1f %9.1f%% %11.1f%%\n", (long long)s->n, s->tok_s,
                      100 * s->tok_s * per_row / r->peak_ops,
                      100 * s->tok_s / (double)s->n * (double)m->weight_bytes / r->peak_bytes);
    }
    if (o->texts)
        rn_buf_printf(out, "score %lldx%-13lld %10.1f %9.1f%%\n", (long long)o->texts,
                      (long long)o->text_tok, r->score_tok_s,
                      100 * r->score_tok_s * per_row / r->peak_ops);
}

static void put_json(const rn_model *m, const rn_bench_options *o, const results *r, rn_buf *out)
{
    double per_row = row_ops(m);
    rn_buf hw = {0};
    rn_hardware(m->isa, r->n_threads, &hw);
    json_t *samples = json_array();
    for (int i = 0; i < r->n_speeds; i++) {
        const speed *s = &r->speeds[i];
        json_array_append_new(
            samples,
            json_pack("{s:I, s:f, s:f, s:f}", "samples", (json_int_t)s->n, "tok_s", s->tok_s,
                      "integer_share", s->tok_s * per_row / r->peak_ops, "bandwidth_share",
                      s->tok_s / (double)s->n * (double)m->weight_bytes / r->peak_bytes));
    }
    json_t *j = json_pack(
        "{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:f, s:f, s:f, s:f, s:f, s:o}", "hardware",
        hw.data ? hw.data : "", "kernels", rn_isa_name(m->isa), "peak_instruction",
        m->kern->peak_name, "prompt", (json_int_t)o->prompt_tok, "gen", (json_int_t)o->gen_tok,
        "weight_bytes", (json_int_t)m->weight_bytes, "file_bytes",
        (json_int_t)rn_gguf_file_bytes(m->file), "rss_bytes", (json_int_t)r->rss_bytes, "load_s",
        r->load_s, "peak_int8_ops", r->peak_ops, "peak_read_bytes", r->peak_bytes, "prefill_tok_s",
        r->prefill_tok_s, "score_tok_s", r->score_tok_s, "batches", samples);
    char *text = j ? json_dumps(j, JSON_INDENT(1)) : NULL;
    rn_buf_printf(out, "%s\n", text ? text : "{}");
    free(text);
    json_decref(j);
    rn_buf_free(&hw);
}

/* ---- ration.h -------------------------------------------------------------------------------- */

static int open_model(const rn_bench_options *o, rn_model **m, size_t *budget, rn_err *err)
{
    const rn_model_source *src = &o->model;
    if (src->source) {
        int rc = rn_model_open(src->source, src->threads, src->memory_bytes, m, err);
        if (!rc && src->memory_bytes > (*m)->weight_bytes)
            *budget = src->memory_bytes - (*m)->weight_bytes;
        return rc;
    }
    rn_random_spec spec;
    int rc = parse_shape(o, &spec, err);
    if (!rc && o->save) rc = save_image(&spec, o->save, err);
    return rc ? rc : rn_random_model(&spec, src->threads, m, err);
}

static int measure(const rn_model *m, const rn_bench_options *o, const int64_t *counts,
                   int n_counts, size_t budget, results *res, rn_err *err)
{
    int rc = measure_peaks(m, o, res, err);
    for (int i = 0; !rc && i < n_counts; i++)
        rc = time_samples(m, o, budget, counts[i], res, err);
    if (!rc && o->texts) rc = time_scoring(m, o, budget, res, err);
    struct rusage ru;
    getrusage(RUSAGE_SELF, &ru);
    res->rss_bytes = (size_t)ru.ru_maxrss * 1024;
    return rc;
}

void rn_bench_options_init(rn_bench_options *o)
{
    *o = (rn_bench_options){.shape = "22,2048,5632,32,4,32000",
                            .type = "q8_0",
                            .samples = "1,16,64",
                            .prompt_tok = 128,
                            .gen_tok = 64,
                            .text_tok = 128,
                            .repeat = 1};
}

int rn_bench_options_check(const rn_bench_options *o, rn_err *err)
{
    int64_t counts[MAX_COUNTS];
    if (parse_list(o->samples, counts, MAX_COUNTS) == 0)
        return rn_fail(err, RN_EINVAL, "--samples '%s': give up to %d numbers, e.g. 1,16,64",
                       o->samples, MAX_COUNTS);
    if (o->prompt_tok < 1 || o->gen_tok < 1 || o->texts < 0 || o->text_tok < 2 || o->repeat < 1 ||
        o->texts > RN_ENGINE_MAX_SLOTS)
        return rn_fail(err, RN_EINVAL, "counts of tokens, texts and repeats are positive numbers");
    if (o->format && strcmp(o->format, "json") != 0 && strcmp(o->format, "table") != 0)
        return rn_fail(err, RN_EINVAL, "--format is table or json, not '%s'", o->format);
    rn_model_source m = o->model;
    if (!m.source) m.source = "random";
    return rn_model_source_check(&m, err);
}

int rn_bench_engine(const rn_bench_options *o, char **text, rn_err *err)
{
    int64_t counts[MAX_COUNTS];
    rn_model *m = NULL;
    size_t budget = 0;
    results res = {0};
    rn_buf out = {0};
    int rc = rn_bench_options_check(o, err);
    if (!rc) rc = open_model(o, &m, &budget, err);
    if (rc) return rc;
    res.load_s = (double)m->load_ns * 1e-9;
    rc = measure(m, o, counts, parse_list(o->samples, counts, MAX_COUNTS), budget, &res, err);
    if (!rc) {
        (o->format && strcmp(o->format, "json") == 0 ? put_json : put_table)(m, o, &res, &out);
        *text = rn_buf_take(&out);
        if (!*text) rc = rn_nomem(err, "benchmark");
    }
    rn_buf_free(&out);
    rn_model_close(m);
    return rc;
}
