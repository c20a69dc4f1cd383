/*
 * inspect.c: what a model file holds, and checks against other programs: the token ids of files,
 * the logits of given ids (ration.h).
 *
 * What the file says is gathered once as facts (key, label, value) and rows of tensors, types and
 * metadata; three writers show them as text, CSV or JSON. Nothing here refuses a file that can be
 * opened: a tokenizer or template that is not supported is a fact like others.
 */
#include "base/file.h"
#include "cost/flop.h"
#include "model/chat.h"
#include "model/engine.h"

enum {
    MAX_FACTS = 48,
    SHOWN_ELEMENTS = 8, /* of metadata arrays */
    SHOWN_BYTES = 100,  /* of metadata strings in tables */
    MAX_TEXT = 1 << 30, /* bytes of a file to tokenize */
    MAX_IDS = 1 << 24,
    LABEL_WIDTH = 18,
};

/* One line of the overview. `text` is JSON when `number`, else plain text. */
typedef struct fact {
    const char *key, *label, *text;
    bool number;
} fact;

typedef struct type_count {
    uint64_t n_tensors, n_weights, n_bytes;
} type_count;

typedef struct inspection {
    const rn_gguf *g;
    rn_arena mem;
    fact facts[MAX_FACTS];
    size_t n_facts;
    type_count types[RN_Q_END];
    uint64_t n_weights;
} inspection;

/* ---- gathering ------------------------------------------------------------------------------- */

static void add_text(inspection *u, const char *key, const char *label, rn_bytes text)
{
    if (u->n_facts == MAX_FACTS) return;
    const char *copy = rn_arena_dup(&u->mem, text.data, text.len);
    u->facts[u->n_facts++] = (fact){.key = key, .label = label, .text = copy ? copy : ""};
}

static void add_number(inspection *u, const char *key, const char *label, const char *fmt, ...)
    RN_PRINTF(4, 5);
static void add_number(inspection *u, const char *key, const char *label, const char *fmt, ...)
{
    char text[64];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    add_text(u, key, label, rn_bytes_of(text));
    u->facts[u->n_facts - 1].number = true;
}

/* How much of a string of the file printf may show. */
static int shown(rn_bytes s)
{
    return s.len < SHOWN_BYTES ? (int)s.len : SHOWN_BYTES;
}

/* "ARCH.rest" of the file's architecture, in the arena. */
static const char *arch_key(inspection *u, const char *rest)
{
    rn_bytes arch = {0};
    if (rn_gguf_str_opt(u->g, "general.architecture", &arch, NULL)) return rest;
    const char *key =
        rn_arena_printf(&u->mem, "%.*s.%s", shown(arch), arch.len ? arch.data : "", rest);
    return key ? key : rest;
}

/* A whole number of the architecture; the largest element where it is an array of one for each
 * layer; `fallback` where it is absent or no number. */
static int64_t arch_int(inspection *u, const char *rest, int64_t fallback)
{
    const rn_gguf_kv *kv = rn_gguf_find(u->g, arch_key(u, rest));
    if (!kv || kv->elem == RN_G_STR || kv->n == 0) return fallback;
    int64_t most = rn_gguf_int_at(kv, 0);
    for (uint64_t i = 1; i < kv->n; i++)
        if (rn_gguf_int_at(kv, i) > most) most = rn_gguf_int_at(kv, i);
    return most;
}

static void count_types(inspection *u)
{
    for (size_t i = 0; i < rn_gguf_n_tensors(u->g); i++) {
        const rn_tensor *t = rn_gguf_tensor_at(u->g, i);
        uint64_t n = (uint64_t)(t->ne[0] * t->ne[1] * t->ne[2] * t->ne[3]);
        u->types[t->type].n_tensors++;
        u->types[t->type].n_weights += n;
        u->types[t->type].n_bytes += t->bytes;
        u->n_weights += n;
    }
}

/* The shape in the words of ration.h, of an architecture that is not known or a bare vocabulary as
 * far as the usual keys tell it; false where the file lacks a part of it. */
static bool read_shape(inspection *u, int64_t vocab, rn_shape *s)
{
    rn_hparams h;
    if (rn_hparams_read(u->g, &h, NULL) == 0) {
        rn_hparams_shape(&h, s);
        s->tied_head = !rn_gguf_tensor(u->g, "output.weight");
        return true;
    }
    int64_t heads = arch_int(u, "attention.head_count", 0), d = arch_int(u, "embedding_length", 0);
    *s = (rn_shape){
        .n_layer = arch_int(u, "block_count", 0),
        .d_model = d,
        .d_ffn = arch_int(u, "feed_forward_length", 0),
        .n_head = heads,
        .n_kv_head = arch_int(u, "attention.head_count_kv", heads),
        .head_dim = arch_int(u, "attention.key_length", heads > 0 ? d / heads : 0),
        .vocab = vocab,
        .gated_ffn = rn_gguf_n_tensors(u->g) == 0 || rn_gguf_tensor(u->g, "blk.0.ffn_gate.weight"),
        .tied_head = rn_gguf_n_tensors(u->g) > 0 && !rn_gguf_tensor(u->g, "output.weight"),
    };
    return rn_shape_check(s, NULL) == 0;
}

static void add_shape(inspection *u)
{
    const rn_tensor *embd = rn_gguf_tensor(u->g, "token_embd.weight");
    const rn_gguf_kv *tokens = rn_gguf_find(u->g, "tokenizer.ggml.tokens");
    int64_t vocab = embd ? embd->ne[1] : tokens ? (int64_t)tokens->n : arch_int(u, "vocab_size", 0);
    rn_shape s;
    if (!read_shape(u, vocab, &s)) {
        add_text(u, "shape", "shape", rn_bytes_of("incomplete: the file is not a language model"));
        return;
    }
    add_number(u, "n_layer", "layers", "%" PRId64, s.n_layer);
    add_number(u, "d_model", "width", "%" PRId64, s.d_model);
    add_number(u, "d_ffn", "feed-forward", "%" PRId64, s.d_ffn);
    add_number(u, "n_head", "heads", "%" PRId64, s.n_head);
    add_number(u, "n_kv_head", "kv heads", "%" PRId64, s.n_kv_head);
    add_number(u, "head_dim", "head dimension", "%" PRId64, s.head_dim);
    add_number(u, "vocab", "vocabulary", "%" PRId64, s.vocab);
    int64_t context = arch_int(u, "context_length", 0);
    if (context > 0) add_number(u, "n_ctx", "context", "%" PRId64, context);
    add_number(u, "tied_head", "tied output", "%s", s.tied_head ? "true" : "false");
    add_number(u, "flop_per_tok", "FLOPs per token", "%.0f", rn_flop_pass(&s, 0, 1, 1));
    add_number(u, "flop_128_tok", "FLOPs, 128 tokens", "%.0f",
               rn_flop_convention(&s, RN_FLOP_STUDY_TOK));
}

static void add_id(inspection *u, const rn_tok *t, const char *key, const char *label, int32_t id)
{
    if (id < 0) return;
    rn_bytes text = rn_tok_text(t, id);
    const char *value =
        rn_arena_printf(&u->mem, "%d %.*s", id, shown(text), text.len ? text.data : "");
    if (value) add_text(u, key, label, rn_bytes_of(value));
}

static void add_tokenizer(inspection *u)
{
    rn_err err;
    rn_tok *t = NULL;
    if (!rn_gguf_find(u->g, "tokenizer.ggml.model")) {
        add_text(u, "tokenizer", "tokenizer", rn_bytes_of("none in this file"));
        return;
    }
    if (rn_tok_new(u->g, &t, &err)) {
        add_text(u, "tokenizer", "tokenizer", rn_bytes_of(err.msg));
        return;
    }
    const char *pre = rn_tok_pre(t);
    const char *name = rn_arena_printf(&u->mem, "%s%s%s", rn_tok_model(t), *pre ? ", " : "", pre);
    add_text(u, "tokenizer", "tokenizer", rn_bytes_of(name ? name : ""));
    add_number(u, "n_tokens", "tokens", "%" PRId32, rn_tok_n_vocab(t));
    add_id(u, t, "bos", "begin of text", rn_tok_bos(t));
    add_number(u, "add_bos", "added before text", "%s", rn_tok_adds_bos(t) ? "true" : "false");
    rn_buf ends = {0};
    for (int32_t id = 0; id < rn_tok_n_vocab(t); id++) {
        if (!rn_tok_is_end(t, id)) continue;
        rn_bytes text = rn_tok_text(t, id);
        rn_buf_printf(&ends, "%s%d %.*s", ends.len ? ", " : "", id, shown(text),
                      text.len ? text.data : "");
    }
    add_text(u, "ends", "end tokens", rn_buf_ok(&ends) ? rn_buf_view(&ends) : (rn_bytes){0});
    rn_buf_free(&ends);
    rn_tok_free(t);
}

static void add_chat(inspection *u)
{
    rn_chat chat;
    rn_bytes system = {0};
    rn_err err;
    if (rn_chat_detect(u->g, &chat, &system, &err)) {
        add_text(u, "chat", "chat format", rn_bytes_of("unknown template"));
        return;
    }
    add_text(u, "chat", "chat format", rn_bytes_of(rn_chat_name(chat)));
    if (system.len) add_text(u, "chat_system", "default system", system);
}

static void gather(inspection *u)
{
    rn_bytes text = {0};
    add_text(u, "file", "file", rn_bytes_of(rn_gguf_path(u->g)));
    add_number(u, "file_bytes", "bytes", "%" PRIu64, rn_gguf_file_bytes(u->g));
    add_number(u, "gguf_version", "GGUF version", "%" PRIu32, rn_gguf_version(u->g));
    if (rn_gguf_n_parts(u->g) > 1) add_number(u, "n_parts", "parts", "%d", rn_gguf_n_parts(u->g));
    if (rn_gguf_str_opt(u->g, "general.name", &text, NULL) == 0 && text.len)
        add_text(u, "name", "name", text);
    text = rn_bytes_of("not given");
    (void)rn_gguf_str_opt(u->g, "general.architecture", &text, NULL);
    add_text(u, "arch", "architecture", text);
    count_types(u);
    add_number(u, "n_tensors", "tensors", "%zu", rn_gguf_n_tensors(u->g));
    add_number(u, "n_params", "parameters", "%" PRIu64, u->n_weights);
    add_shape(u);
    add_tokenizer(u);
    add_chat(u);
}

/* ---- values of the metadata ------------------------------------------------------------------ */

/* The shortest digits that give the number back. NaN and infinity have no JSON: they become
 * strings. */
static void put_real(rn_buf *b, double v, bool single)
{
    char text[40];
    bool back = false;
    for (int digits = 1; digits <= 17 && !back; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, v);
        double r = strtod(text, NULL);
        back = single ? (float)r == (float)v : r == v;
    }
    const char *quote = v - v == 0 ? "" : "\"";
    rn_buf_printf(b, "%s%s%s", quote, text, quote);
}

/* A number, string or bool as JSON. */
static void put_element(rn_buf *b, const rn_gguf_kv *kv, uint64_t i)
{
    if (kv->elem == RN_G_STR) {
        rn_buf_json(b, kv->strs[i]);
    } else if (kv->elem == RN_G_BOOL) {
        rn_buf_puts(b, rn_gguf_int_at(kv, i) ? "true" : "false");
    } else if (kv->elem == RN_G_F32 || kv->elem == RN_G_F64) {
        put_real(b, rn_gguf_real_at(kv, i), kv->elem == RN_G_F32);
    } else if (kv->elem == RN_G_U64) {
        uint64_t v;
        memcpy(&v, kv->raw + 8 * i, sizeof v);
        rn_buf_printf(b, "%" PRIu64, v);
    } else {
        rn_buf_printf(b, "%" PRId64, rn_gguf_int_at(kv, i));
    }
}

/* The value as JSON; of arrays the first elements. */
static void put_value(rn_buf *b, const rn_gguf_kv *kv)
{
    if (kv->type != RN_G_ARRAY) {
        put_element(b, kv, 0);
        return;
    }
    rn_buf_putc(b, '[');
    for (uint64_t i = 0; i < kv->n && i < SHOWN_ELEMENTS; i++) {
        if (i) rn_buf_puts(b, ", ");
        put_element(b, kv, i);
    }
    rn_buf_putc(b, ']');
}

static void put_type(rn_buf *b, const rn_gguf_kv *kv)
{
    if (kv->type == RN_G_ARRAY)
        rn_buf_printf(b, "%s[%" PRIu64 "]", rn_gguf_type_name(kv->elem), kv->n);
    else
        rn_buf_puts(b, rn_gguf_type_name(kv->type));
}

static void put_shape(rn_buf *b, const rn_tensor *t, const char *between)
{
    for (int d = 0; d < t->n_dims; d++)
        rn_buf_printf(b, "%s%" PRId64, d ? between : "", t->ne[d]);
}

/* Text of the file for a terminal: JSON's escapes without the quotes, cut at a whole character. */
static void put_plain(rn_buf *b, rn_bytes text, size_t max)
{
    rn_buf quoted = {0};
    rn_buf_json(&quoted, text);
    if (!rn_buf_ok(&quoted) || quoted.len < 2) {
        b->failed = true;
        return;
    }
    size_t len = quoted.len - 2;
    bool cut = max && len > max;
    if (cut)
        for (len = max; len > 0 && ((uint8_t)quoted.data[1 + len] & 0xC0) == 0x80;)
            len--;
    rn_buf_add(b, quoted.data + 1, len);
    if (cut) rn_buf_puts(b, "...");
    rn_buf_free(&quoted);
}

/* ---- as a table ------------------------------------------------------------------------------ */

static void table(const inspection *u, const rn_inspect_options *o, rn_buf *b)
{
    for (size_t i = 0; i < u->n_facts; i++) {
        rn_buf_printf(b, "%-*s ", LABEL_WIDTH, u->facts[i].label);
        put_plain(b, rn_bytes_of(u->facts[i].text), 0);
        rn_buf_putc(b, '\n');
    }
    for (uint32_t t = 0; t < RN_Q_END; t++) {
        const type_count *c = &u->types[t];
        if (c->n_tensors == 0) continue;
        rn_buf_printf(b, "%-*s %" PRIu64 " tensors, %" PRIu64 " weights, %" PRIu64 " bytes\n",
                      LABEL_WIDTH, rn_qtype_name(t), c->n_tensors, c->n_weights, c->n_bytes);
    }
    for (size_t i = 0; o->meta && i < rn_gguf_n_kv(u->g); i++) {
        const rn_gguf_kv *kv = rn_gguf_kv_at(u->g, i);
        rn_buf value = {0};
        put_value(&value, kv);
        rn_buf_puts(b, i ? "" : "\n");
        put_plain(b, kv->key, 0);
        rn_buf_puts(b, " (");
        put_type(b, kv);
        rn_buf_puts(b, ") ");
        if (kv->type == RN_G_STR)
            put_plain(b, kv->strs[0], SHOWN_BYTES);
        else
            rn_buf_add(b, value.data, value.len);
        rn_buf_puts(b, kv->type == RN_G_ARRAY && kv->n > SHOWN_ELEMENTS ? " ...\n" : "\n");
        rn_buf_free(&value);
    }
    for (size_t i = 0; o->tensors && i < rn_gguf_n_tensors(u->g); i++) {
        const rn_tensor *t = rn_gguf_tensor_at(u->g, i);
        rn_buf_printf(b, "%s%-5s %12zu  ", i ? "" : "\n", rn_qtype_name(t->type), t->bytes);
        put_plain(b, rn_bytes_of(t->name), 0);
        rn_buf_puts(b, " [");
        put_shape(b, t, ", ");
        rn_buf_puts(b, "]\n");
    }
}

/* ---- as CSV ---------------------------------------------------------------------------------- */

static void put_csv(rn_buf *b, rn_bytes text, char after)
{
    rn_buf_csv(b, text);
    rn_buf_putc(b, after);
}

/* kind,key,type,value: one row for each fact, type, metadata key and tensor. */
static void csv(const inspection *u, const rn_inspect_options *o, rn_buf *b)
{
    rn_buf value = {0};
    rn_buf_puts(b, "kind,key,type,value\n");
    for (size_t i = 0; i < u->n_facts; i++) {
        rn_buf_printf(b, "fact,%s,,", u->facts[i].key);
        put_csv(b, rn_bytes_of(u->facts[i].text), '\n');
    }
    for (uint32_t t = 0; t < RN_Q_END; t++)
        if (u->types[t].n_tensors)
            rn_buf_printf(b, "weights,%s,,%" PRIu64 "\n", rn_qtype_name(t), u->types[t].n_weights);
    for (size_t i = 0; o->meta && i < rn_gguf_n_kv(u->g); i++) {
        const rn_gguf_kv *kv = rn_gguf_kv_at(u->g, i);
        rn_buf_clear(&value);
        put_value(&value, kv);
        rn_buf_puts(b, "metadata,");
        put_csv(b, kv->key, ',');
        put_type(b, kv);
        rn_buf_putc(b, ',');
        put_csv(b, kv->type == RN_G_STR ? kv->strs[0] : rn_buf_view(&value), '\n');
    }
    for (size_t i = 0; o->tensors && i < rn_gguf_n_tensors(u->g); i++) {
        const rn_tensor *t = rn_gguf_tensor_at(u->g, i);
        rn_buf_puts(b, "tensor,");
        put_csv(b, rn_bytes_of(t->name), ',');
        rn_buf_printf(b, "%s,", rn_qtype_name(t->type));
        put_shape(b, t, "x");
        rn_buf_putc(b, '\n');
    }
    b->failed = b->failed || value.failed;
    rn_buf_free(&value);
}

/* ---- as JSON --------------------------------------------------------------------------------- */

static void json(const inspection *u, const rn_inspect_options *o, rn_buf *b)
{
    rn_buf_puts(b, "{");
    for (size_t i = 0; i < u->n_facts; i++) {
        rn_buf_printf(b, "%s\"%s\": ", i ? ", " : "", u->facts[i].key);
        if (u->facts[i].number)
            rn_buf_puts(b, u->facts[i].text);
        else
            rn_buf_json(b, rn_bytes_of(u->facts[i].text));
    }
    rn_buf_puts(b, ", \"types\": {");
    bool first = true;
    for (uint32_t t = 0; t < RN_Q_END; t++) {
        const type_count *c = &u->types[t];
        if (c->n_tensors == 0) continue;
        rn_buf_printf(b,
                      "%s\"%s\": {\"tensors\": %" PRIu64 ", \"weights\": %" PRIu64
                      ", \"bytes\": %" PRIu64 "}",
                      first ? "" : ", ", rn_qtype_name(t), c->n_tensors, c->n_weights, c->n_bytes);
        first = false;
    }
    rn_buf_puts(b, "}");
    if (o->meta) rn_buf_puts(b, ", \"metadata\": [");
    for (size_t i = 0; o->meta && i < rn_gguf_n_kv(u->g); i++) {
        const rn_gguf_kv *kv = rn_gguf_kv_at(u->g, i);
        rn_buf_puts(b, i ? ", {\"key\": " : "{\"key\": ");
        rn_buf_json(b, kv->key);
        rn_buf_puts(b, ", \"type\": \"");
        put_type(b, kv);
        rn_buf_puts(b, "\", \"value\": ");
        put_value(b, kv);
        rn_buf_puts(b, "}");
    }
    if (o->meta) rn_buf_puts(b, "]");
    if (o->tensors) rn_buf_puts(b, ", \"tensors\": [");
    for (size_t i = 0; o->tensors && i < rn_gguf_n_tensors(u->g); i++) {
        const rn_tensor *t = rn_gguf_tensor_at(u->g, i);
        rn_buf_puts(b, i ? ", {\"name\": " : "{\"name\": ");
        rn_buf_json(b, rn_bytes_of(t->name));
        rn_buf_printf(b, ", \"type\": \"%s\", \"bytes\": %zu, \"shape\": [", rn_qtype_name(t->type),
                      t->bytes);
        put_shape(b, t, ", ");
        rn_buf_puts(b, "]}");
    }
    if (o->tensors) rn_buf_puts(b, "]");
    rn_buf_puts(b, "}\n");
}

/* Takes the text of a buffer over, which is freed either way. */
static int take_text(rn_buf *b, const char *path, char **text, rn_err *err)
{
    char *taken = rn_buf_take(b);
    rn_buf_free(b);
    if (!taken) return rn_nomem(err, path);
    *text = taken;
    return 0;
}

int rn_inspect(const rn_inspect_options *o, char **text, rn_err *err)
{
    rn_gguf *g = NULL;
    int rc = rn_gguf_open(o->path, &g, err);
    if (rc) return rc;
    inspection u = {.g = g};
    rn_buf b = {0};
    gather(&u);
    if (o->format && strcmp(o->format, "json") == 0)
        json(&u, o, &b);
    else if (o->format && strcmp(o->format, "csv") == 0)
        csv(&u, o, &b);
    else
        table(&u, o, &b);
    rc = take_text(&b, o->path, text, err);
    rn_arena_free(&u.mem);
    rn_gguf_close(g);
    return rc;
}

/* ---- ids and logits --------------------------------------------------------------- */

int rn_inspect_tokens(const char *path, const char *const *files, size_t n, char **text,
                      rn_err *err)
{
    rn_gguf *g = NULL;
    rn_tok *t = NULL;
    rn_buf file = {0}, out = {0};
    rn_ids ids = {0};
    int rc = rn_gguf_open(path, &g, err);
    if (!rc) rc = rn_tok_new(g, &t, err);
    for (size_t i = 0; i < n && !rc; i++) {
        ids.n = 0;
        rc = rn_file_read(files[i], MAX_TEXT, &file, err);
        if (!rc && (rc = rn_tok_encode(t, rn_buf_view(&file), 0, &ids, err)))
            rn_err_prefix(err, "%s", files[i]);
        for (size_t k = 0; !rc && k < ids.n; k++)
            rn_buf_printf(&out, "%s%d", k ? " " : "", ids.v[k]);
        rn_buf_putc(&out, '\n');
    }
    if (!rc) rc = take_text(&out, path, text, err);
    rn_tok_free(t);
    rn_buf_free(&file);
    rn_buf_free(&out);
    rn_ids_free(&ids);
    rn_gguf_close(g);
    return rc;
}

int rn_inspect_logits(const char *path, const char *ids_path, const char *out_path, rn_err *err)
{
    rn_model *model = NULL;
    rn_engine *engine = NULL;
    rn_buf ids = {0};
    int rc = rn_model_load(path, NULL, &model, err);
    if (!rc) rc = rn_file_read(ids_path, MAX_IDS * sizeof(int32_t), &ids, err);
    if (!rc && (ids.len == 0 || ids.len % sizeof(int32_t)))
        rc = rn_fail(err, RN_EFORMAT, "%s: %zu bytes are not one or more int32 token ids", ids_path,
                     ids.len);
    const int32_t n = (int32_t)(ids.len / sizeof(int32_t));
    const rn_engine_opts opts = {
        .n_slots = 1, .kv = RN_KV_F32, .max_prompt_tok = n, .max_new_tok = 1};
    if (!rc) rc = rn_engine_open(model, &opts, &engine, err);
    const size_t n_out = rc ? 0 : (size_t)n * (size_t)model->hp.n_vocab;
    float *out = malloc((n_out + 1) * sizeof *out);
    if (!rc && !out) rc = rn_nomem(err, "logits");
    if (!rc &&
        (rc = rn_engine_logits(engine, (const int32_t *)(const void *)ids.data, n, out, err)))
        rn_err_prefix(err, "%s", ids_path);
    const rn_bytes bytes = {.data = (const char *)out, .len = n_out * sizeof *out};
    if (!rc) rc = rn_file_write_atomic(out_path, bytes, err);
    free(out);
    rn_buf_free(&ids);
    rn_engine_close(engine);
    rn_model_close(model);
    return rc;
}
