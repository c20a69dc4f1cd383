/*
 * gguf.c: opening and checking GGUF files. See gguf.h for the format and what holds afterwards.
 *
 * All reading of the header goes through a cursor with a sticky error: after the first failure each
 * read returns zeros and the caller looks once, at the end of a record. Counts are compared with
 * the bytes that are left before anything is allocated for them.
 */
#include "gguf/gguf.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    MAX_DIMS = 4,
    MAX_KEY = 65535,       /* the format's own limit */
    MAX_TENSOR_NAME = 255, /* ggml: 63 */
    DEFAULT_ALIGNMENT = 32,
    MIN_ALIGNMENT = 8,
    MAX_ALIGNMENT = 1 << 20,
    MAX_PARTS = 4096,
    MIN_KV_BYTES = 8 + 1 + 4 + 1,             /* key length, a key of one byte, type, a value */
    MIN_TENSOR_BYTES = 8 + 1 + 4 + 8 + 4 + 8, /* name, dimensions, one size, type, offset */
};

typedef struct part {
    const uint8_t *base;
    size_t size;
    bool mapped; /* munmap at closing */
} part;

struct rn_gguf {
    rn_arena mem; /* everything but the parts and `tensors` */
    char *path;
    uint32_t version;
    part *parts;
    int n_parts;
    rn_gguf_kv *kvs; /* of the first part */
    size_t n_kv;
    const rn_gguf_kv **kv_by_key;
    rn_tensor *tensors; /* of all parts; malloc */
    size_t n_tensors;
    const rn_tensor **tensor_by_name;
};

/* ---- cursor ---------------------------------------------------------------------------------- */

typedef struct cursor {
    const uint8_t *data;
    size_t size, pos;
    const char *path;
    int rc; /* 0, or the first failure; reads return zeros from then on */
    rn_err *err;
} cursor;

#define FAIL(c, code, fmt, ...)                                             \
    ((c)->rc ? (c)->rc                                                      \
             : ((c)->rc = rn_fail_at((c)->err, code, -1, (int64_t)(c)->pos, \
                                     "%s: " fmt " (byte %zu)", (c)->path, __VA_ARGS__, (c)->pos)))

static size_t left(const cursor *c)
{
    return c->size - c->pos;
}

static const uint8_t *take(cursor *c, size_t n, const char *what)
{
    if (c->rc) return NULL;
    if (n > left(c)) {
        FAIL(c, RN_ETRUNCATED, "the file ends inside %s; it is incomplete, get it again", what);
        return NULL;
    }
    const uint8_t *p = c->data + c->pos;
    c->pos += n;
    return p;
}

static uint32_t take_u32(cursor *c, const char *what)
{
    uint32_t v = 0;
    const uint8_t *p = take(c, sizeof v, what);
    if (p) memcpy(&v, p, sizeof v);
    return v;
}

static uint64_t take_u64(cursor *c, const char *what)
{
    uint64_t v = 0;
    const uint8_t *p = take(c, sizeof v, what);
    if (p) memcpy(&v, p, sizeof v);
    return v;
}

static rn_bytes take_string(cursor *c, const char *what)
{
    uint64_t len = take_u64(c, what);
    if (!c->rc && len > left(c)) {
        FAIL(c, RN_ETRUNCATED, "%s claims %llu bytes, %zu are left; the file is damaged", what,
             (unsigned long long)len, left(c));
        return (rn_bytes){0};
    }
    const uint8_t *p = take(c, (size_t)len, what);
    return (rn_bytes){.data = (const char *)p, .len = p ? (size_t)len : 0};
}

/* A count of records that take at least min_bytes each: refused before memory is taken for it. */
static uint64_t checked_count(cursor *c, uint64_t n, size_t min_bytes, const char *what)
{
    if (c->rc || n <= left(c) / min_bytes) return c->rc ? 0 : n;
    FAIL(c, RN_ETRUNCATED, "%llu %s cannot fit in the %zu bytes that are left; the file is damaged",
         (unsigned long long)n, what, left(c));
    return 0;
}

static void *alloc(cursor *c, rn_arena *mem, size_t n, size_t size)
{
    if (c->rc) return NULL;
    void *p = rn_arena_array(mem, n ? n : 1, size);
    if (!p) FAIL(c, RN_ENOMEM, "out of memory for %zu records", n);
    return p;
}

/* Names in messages: cut, since a hostile one may be long. */
static int shown(rn_bytes s)
{
    return s.len < 64 ? (int)s.len : 64;
}

/* ---- metadata -------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    uint8_t bytes;
} types[RN_G_N_TYPES] = {
    [RN_G_U8] = {"u8", 1},       [RN_G_I8] = {"i8", 1},     [RN_G_U16] = {"u16", 2},
    [RN_G_I16] = {"i16", 2},     [RN_G_U32] = {"u32", 4},   [RN_G_I32] = {"i32", 4},
    [RN_G_F32] = {"f32", 4},     [RN_G_BOOL] = {"bool", 1}, [RN_G_STR] = {"string", 0},
    [RN_G_ARRAY] = {"array", 0}, [RN_G_U64] = {"u64", 8},   [RN_G_I64] = {"i64", 8},
    [RN_G_F64] = {"f64", 8},
};

const char *rn_gguf_type_name(rn_gguf_type t)
{
    return (unsigned)t < RN_G_N_TYPES ? types[t].name : "unknown";
}

static rn_gguf_type take_type(cursor *c, rn_bytes key)
{
    uint32_t t = take_u32(c, "a metadata type");
    if (c->rc || t < RN_G_N_TYPES) return (rn_gguf_type)t;
    FAIL(c, RN_EFORMAT, "the metadata key '%.*s' has the unknown type %u; the file is damaged",
         shown(key), key.data, t);
    return RN_G_U8;
}

static void take_bools(cursor *c, const rn_gguf_kv *kv)
{
    for (uint64_t i = 0; i < kv->n && !c->rc; i++)
        if (kv->raw[i] > 1)
            FAIL(c, RN_EFORMAT, "the metadata key '%.*s' holds %u where true or false belongs",
                 shown(kv->key), kv->key.data, kv->raw[i]);
}

static void take_kv(cursor *c, rn_arena *mem, rn_gguf_kv *kv)
{
    kv->key = take_string(c, "a metadata key");
    if (c->rc) return;
    if (kv->key.len == 0 || kv->key.len > MAX_KEY || memchr(kv->key.data, 0, kv->key.len)) {
        FAIL(c, RN_EFORMAT, "a metadata key of %zu bytes is empty, too long or holds a NUL",
             kv->key.len);
        return;
    }
    kv->type = kv->elem = take_type(c, kv->key);
    kv->n = 1;
    if (kv->type == RN_G_ARRAY) {
        kv->elem = take_type(c, kv->key);
        kv->n = take_u64(c, "the length of a metadata array");
        if (!c->rc && kv->elem == RN_G_ARRAY)
            FAIL(c, RN_EUNSUPPORTED, "the metadata key '%.*s' is an array of arrays",
                 shown(kv->key), kv->key.data);
        size_t min_bytes = kv->elem == RN_G_STR ? 8 : types[kv->elem].bytes;
        if (!c->rc) kv->n = checked_count(c, kv->n, min_bytes, "array elements");
    }
    if (c->rc) return;
    if (kv->elem != RN_G_STR) {
        kv->raw = take(c, (size_t)kv->n * types[kv->elem].bytes, "a metadata value");
        if (kv->elem == RN_G_BOOL) take_bools(c, kv);
        return;
    }
    rn_bytes *strs = alloc(c, mem, (size_t)kv->n, sizeof *strs);
    for (uint64_t i = 0; i < kv->n && !c->rc; i++)
        strs[i] = take_string(c, "a metadata string");
    kv->strs = strs;
}

static int compare_bytes(rn_bytes a, rn_bytes b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int order = n ? memcmp(a.data, b.data, n) : 0;
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

static int by_key(const void *a, const void *b)
{
    const rn_gguf_kv *const *x = a, *const *y = b;
    return compare_bytes((*x)->key, (*y)->key);
}

static const rn_gguf_kv **index_kvs(cursor *c, rn_arena *mem, const rn_gguf_kv *kvs, size_t n)
{
    const rn_gguf_kv **index = alloc(c, mem, n, sizeof *index);
    if (!index) return NULL;
    for (size_t i = 0; i < n; i++)
        index[i] = &kvs[i];
    qsort(index, n, sizeof *index, by_key);
    for (size_t i = 1; i < n; i++)
        if (rn_bytes_equal(index[i]->key, index[i - 1]->key)) {
            FAIL(c, RN_EFORMAT, "the metadata key '%.*s' occurs twice; the file is damaged",
                 shown(index[i]->key), index[i]->key.data);
            return NULL;
        }
    return index;
}

static const rn_gguf_kv *find_kv(const rn_gguf_kv *const *index, size_t n, const char *key)
{
    rn_bytes want = rn_bytes_of(key);
    for (size_t lo = 0, hi = n; lo < hi;) {
        size_t mid = lo + (hi - lo) / 2;
        int order = compare_bytes(index[mid]->key, want);
        if (order == 0) return index[mid];
        if (order < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return NULL;
}

/* ---- tensor table ---------------------------------------------------------------------------- */

static int tensor_shape(cursor *c, rn_tensor *t)
{
    t->n_dims = (int)take_u32(c, "a tensor's rank");
    if (!c->rc && (t->n_dims < 1 || t->n_dims > MAX_DIMS))
        return FAIL(c, RN_EFORMAT, "the tensor '%s' has %u dimensions, 1 to 4 are possible",
                    t->name, (unsigned)t->n_dims);
    t->ne[0] = t->ne[1] = t->ne[2] = t->ne[3] = 1;
    int64_t total = 1;
    for (int d = 0; d < t->n_dims && !c->rc; d++) {
        uint64_t ne = take_u64(c, "a tensor's shape");
        if (c->rc) break;
        if (ne == 0) return FAIL(c, RN_EFORMAT, "the tensor '%s' has a dimension of 0", t->name);
        if (ne > INT64_MAX || __builtin_mul_overflow(total, (int64_t)ne, &total))
            return FAIL(c, RN_EFORMAT, "the tensor '%s' has more weights than can be counted",
                        t->name);
        t->ne[d] = (int64_t)ne;
    }
    return c->rc;
}

static int tensor_type(cursor *c, rn_tensor *t)
{
    uint32_t id = take_u32(c, "a tensor's type");
    if (c->rc) return c->rc;
    const rn_qtype_info *info = rn_qtype_find(id);
    if (!info) {
        const char *name = rn_qtype_name(id);
        char number[32];
        snprintf(number, sizeof number, "number %u", id);
        return FAIL(c, RN_EUNSUPPORTED,
                    "the tensor '%s' has the type %s, which is not supported; supported are F32, "
                    "F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, Q2_K to Q6_K, IQ4_NL, IQ4_XS, MXFP4, "
                    "TQ1_0, TQ2_0",
                    t->name, name ? name : number);
    }
    t->type = (rn_qtype)id;
    if (t->ne[0] % info->block)
        return FAIL(c, RN_EFORMAT,
                    "the tensor '%s' has rows of %lld weights, no multiple of %u as %s "
                    "needs",
                    t->name, (long long)t->ne[0], info->block, info->name);
    /* In blocks: the product of the sizes fits in 63 bits, times at most 210 bytes it may not. */
    int64_t blocks = t->ne[0] / info->block * t->ne[1] * t->ne[2] * t->ne[3];
    if (__builtin_mul_overflow(blocks, info->bytes, &t->bytes))
        return FAIL(c, RN_EFORMAT, "the tensor '%s' is larger than any file", t->name);
    return 0;
}

/* Reads one record; *offset is relative to the data section, unchecked. */
static void take_tensor(cursor *c, rn_arena *mem, rn_tensor *t, uint64_t *offset)
{
    rn_bytes name = take_string(c, "a tensor's name");
    if (c->rc) return;
    if (name.len == 0 || name.len > MAX_TENSOR_NAME || memchr(name.data, 0, name.len)) {
        FAIL(c, RN_EFORMAT, "a tensor name of %zu bytes is empty, longer than %d or holds a NUL",
             name.len, MAX_TENSOR_NAME);
        return;
    }
    t->name = rn_arena_dup(mem, name.data, name.len);
    if (!t->name) {
        FAIL(c, RN_ENOMEM, "out of memory for the name of a tensor (%zu bytes)", name.len);
        return;
    }
    if (tensor_shape(c, t) || tensor_type(c, t)) return;
    *offset = take_u64(c, "a tensor's offset");
}

static int by_data(const void *a, const void *b)
{
    const rn_tensor *const *x = a, *const *y = b;
    uintptr_t p = (uintptr_t)(*x)->data, q = (uintptr_t)(*y)->data;
    return (p > q) - (p < q);
}

/* Places the tensors, whose offsets stand in `offsets`, in the data section that begins at `start`.
 */
static void place_tensors(cursor *c, rn_arena *mem, rn_tensor *ts, const uint64_t *offsets,
                          size_t n, size_t start, size_t alignment)
{
    const rn_tensor **order = alloc(c, mem, n, sizeof *order);
    for (size_t i = 0; i < n && !c->rc; i++) {
        size_t room = start <= c->size ? c->size - start : 0;
        if (offsets[i] % alignment)
            FAIL(c, RN_EFORMAT,
                 "the tensor '%s' lies at offset %llu, no multiple of the alignment %zu",
                 ts[i].name, (unsigned long long)offsets[i], alignment);
        else if (offsets[i] > room || ts[i].bytes > room - (size_t)offsets[i])
            FAIL(
                c, RN_ETRUNCATED,
                "the tensor '%s' needs %zu bytes at offset %llu, the file holds %zu bytes of data; "
                "it is incomplete, get it again",
                ts[i].name, ts[i].bytes, (unsigned long long)offsets[i], room);
        else
            ts[i].data = c->data + start + offsets[i];
        if (order) order[i] = &ts[i];
    }
    if (c->rc) return;
    qsort(order, n, sizeof *order, by_data);
    for (size_t i = 1; i < n; i++) {
        const rn_tensor *a = order[i - 1], *b = order[i];
        if ((uintptr_t)b->data - (uintptr_t)a->data >= a->bytes) continue;
        FAIL(c, RN_EFORMAT, "the tensors '%s' and '%s' overlap; the file is damaged", a->name,
             b->name);
        return;
    }
}

static int by_name(const void *a, const void *b)
{
    const rn_tensor *const *x = a, *const *y = b;
    return strcmp((*x)->name, (*y)->name);
}

static int index_tensors(rn_gguf *g, rn_err *err)
{
    g->tensor_by_name = rn_arena_array(&g->mem, g->n_tensors + 1, sizeof *g->tensor_by_name);
    if (!g->tensor_by_name) return rn_nomem(err, g->path);
    for (size_t i = 0; i < g->n_tensors; i++)
        g->tensor_by_name[i] = &g->tensors[i];
    qsort(g->tensor_by_name, g->n_tensors, sizeof *g->tensor_by_name, by_name);
    for (size_t i = 1; i < g->n_tensors; i++) {
        const char *name = g->tensor_by_name[i]->name;
        if (strcmp(name, g->tensor_by_name[i - 1]->name) == 0)
            return rn_fail(err, RN_EFORMAT, "%s: the tensor '%s' occurs twice; the file is damaged",
                           g->path, name);
    }
    return 0;
}

/* ---- one file -------------------------------------------------------------------------------- */

/* What a file that is no GGUF looks like, with the fix; NULL if nothing known. */
static const char *looks_like(const uint8_t *p, size_t n)
{
    static const struct {
        const char *magic;
        uint8_t len;
        const char *text;
    } known[] = {
        {"version https://git-lfs", 23,
         "a git-lfs pointer: fetch the file itself with 'git lfs pull'"},
        {"<!", 2, "a web page: the download went wrong, get the file itself"},
        {"<html", 5, "a web page: the download went wrong, get the file itself"},
        {"FUGG", 4, "a GGUF file with swapped bytes: convert the model on a little-endian machine"},
        {"tjgg", 4, "a GGJT file of before 2023-08: convert the original model to GGUF again"},
        {"fmgg", 4, "a GGMF file of before 2023-08: convert the original model to GGUF again"},
        {"lmgg", 4, "a GGML file of before 2023-08: convert the original model to GGUF again"},
        {"PK\3\4", 4, "a zip archive, perhaps a PyTorch checkpoint: convert it to GGUF first"},
        {"\x80\2", 2, "a Python pickle: convert the model to GGUF first"},
        {"\x1f\x8b", 2, "gzip data: unpack it first"},
        {"\x28\xb5\x2f\xfd", 4, "zstd data: unpack it first"},
        {"{", 1, "JSON text, not a model file"},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (n >= known[i].len && memcmp(p, known[i].magic, known[i].len) == 0) return known[i].text;
    uint64_t header = 0;
    if (n > 9) memcpy(&header, p, sizeof header);
    if (n > 9 && p[8] == '{' && header < ((uint64_t)1 << 32))
        return "a safetensors file: convert the model to GGUF first";
    return NULL;
}

static int check_magic(cursor *c)
{
    if (c->size == 0) return FAIL(c, RN_ETRUNCATED, "the file is %s", "empty");
    if (c->size < 4 || memcmp(c->data, "GGUF", 4) != 0) {
        const char *what = looks_like(c->data, c->size);
        return FAIL(c, RN_EFORMAT, "not a GGUF file; it looks like %s",
                    what ? what : "something else: its first bytes are not 'GGUF'");
    }
    c->pos = 4;
    return 0;
}

static uint32_t take_version(cursor *c)
{
    uint32_t version = take_u32(c, "the header");
    if (c->rc) return 0;
    if (version == 2 || version == 3) return version;
    if (version != 0 && (version & 0xFFFFu) == 0)
        FAIL(c, RN_EUNSUPPORTED,
             "the file is big-endian (version %u with swapped bytes); convert it to little-endian",
             __builtin_bswap32(version));
    else if (version == 1)
        FAIL(c, RN_EUNSUPPORTED,
             "GGUF version %u is not read, only 2 and 3; convert the model again", version);
    else
        FAIL(c, RN_EUNSUPPORTED, "GGUF version %u is not known, only 2 and 3 are", version);
    return 0;
}

static size_t alignment_of(cursor *c, const rn_gguf_kv *kv)
{
    if (!kv) return DEFAULT_ALIGNMENT;
    int64_t a = kv->type == RN_G_U32 || kv->type == RN_G_I32 || kv->type == RN_G_U64
                    ? rn_gguf_int_at(kv, 0)
                    : 0;
    if (a >= MIN_ALIGNMENT && a <= MAX_ALIGNMENT && (a & (a - 1)) == 0) return (size_t)a;
    FAIL(c, RN_EFORMAT, "general.alignment (%s, %lld) is not a power of two from %d to %d",
         rn_gguf_type_name(kv->type), (long long)a, MIN_ALIGNMENT, MAX_ALIGNMENT);
    return DEFAULT_ALIGNMENT;
}

/* The header of one part. */
typedef struct header {
    uint32_t version;
    rn_gguf_kv *kvs;
    const rn_gguf_kv **kv_by_key;
    size_t n_kv, n_tensors;
} header;

/* Parses a whole file and appends its tensors to g. */
static int parse_part(rn_gguf *g, int index, const char *path, header *h, rn_err *err)
{
    const part *p = &g->parts[index];
    cursor c = {.data = p->base, .size = p->size, .path = path, .err = err};
    if (check_magic(&c)) return c.rc;
    h->version = take_version(&c);
    uint64_t n_tensors = take_u64(&c, "the header");
    uint64_t n_kv = take_u64(&c, "the header");
    h->n_kv = (size_t)checked_count(&c, n_kv, MIN_KV_BYTES, "metadata keys");
    h->kvs = alloc(&c, &g->mem, h->n_kv, sizeof *h->kvs);
    for (size_t i = 0; i < h->n_kv && !c.rc; i++)
        take_kv(&c, &g->mem, &h->kvs[i]);
    if (c.rc) return c.rc;
    h->kv_by_key = index_kvs(&c, &g->mem, h->kvs, h->n_kv);
    if (c.rc) return c.rc;
    size_t alignment = alignment_of(&c, find_kv(h->kv_by_key, h->n_kv, "general.alignment"));

    h->n_tensors = (size_t)checked_count(&c, n_tensors, MIN_TENSOR_BYTES, "tensors");
    uint64_t *offsets = alloc(&c, &g->mem, h->n_tensors, sizeof *offsets);
    if (c.rc) return c.rc;
    size_t total = g->n_tensors + h->n_tensors;
    rn_tensor *ts = realloc(g->tensors, (total ? total : 1) * sizeof *ts);
    if (!ts) return FAIL(&c, RN_ENOMEM, "out of memory for %zu tensors", total);
    g->tensors = ts;
    ts += g->n_tensors;
    memset(ts, 0, h->n_tensors * sizeof *ts);
    for (size_t i = 0; i < h->n_tensors && !c.rc; i++) {
        take_tensor(&c, &g->mem, &ts[i], &offsets[i]);
        ts[i].part = index;
    }
    if (c.rc) return c.rc;
    size_t start = (c.pos + alignment - 1) / alignment * alignment;
    place_tensors(&c, &g->mem, ts, offsets, h->n_tensors, start, alignment);
    g->n_tensors = total;
    return c.rc;
}

static int map_file(const char *path, part *p, rn_err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO must not block */
    if (fd < 0) return rn_fail_errno(err, "cannot open %s", path);
    struct stat st;
    int rc = 0;
    if (fstat(fd, &st))
        rc = rn_fail_errno(err, "cannot read %s", path);
    else if (!S_ISREG(st.st_mode))
        rc = rn_fail(err, RN_EINVAL, "%s is not a regular file", path);
    else if (st.st_size == 0)
        rc = rn_fail(err, RN_ETRUNCATED, "%s: the file is empty; get it again", path);
    else if ((uintmax_t)st.st_size > SIZE_MAX / 2)
        rc = rn_fail(err, RN_ELIMIT, "%s is too large for this machine's addresses", path);
    if (!rc) {
        void *base = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
        if (base == MAP_FAILED)
            rc = rn_fail_errno(err, "cannot map %s", path);
        else
            *p = (part){.base = base, .size = (size_t)st.st_size, .mapped = true};
    }
    close(fd);
    return rc;
}

/* ---- split models ---------------------------------------------------------------------------- */

/* An unsigned split.* value; `fallback` when absent, -1 when it is no whole number. */
static int64_t split_value(const header *h, const char *key, int64_t fallback)
{
    const rn_gguf_kv *kv = find_kv(h->kv_by_key, h->n_kv, key);
    if (!kv) return fallback;
    bool number = kv->type <= RN_G_I32 || kv->type == RN_G_U64 || kv->type == RN_G_I64;
    int64_t v = number ? rn_gguf_int_at(kv, 0) : -1;
    return v < 0 ? -1 : v;
}

/* "DIR/NAME-00001-of-00003.gguf" gives the length of "DIR/NAME"; 0 if it does not look so. */
static size_t split_prefix(const char *path, int64_t n_parts)
{
    char suffix[40];
    int n = snprintf(suffix, sizeof suffix, "-00001-of-%05lld.gguf", (long long)n_parts);
    size_t len = strlen(path);
    if (n < 0 || len <= (size_t)n || strcmp(path + len - (size_t)n, suffix) != 0) return 0;
    return len - (size_t)n;
}

static int open_other_parts(rn_gguf *g, int64_t n_parts, rn_err *err)
{
    size_t prefix = split_prefix(g->path, n_parts);
    if (!prefix)
        return rn_fail(
            err, RN_EINVAL,
            "%s is the first of %lld parts, but its name does not end in "
            "-00001-of-%05lld.gguf, so that the others cannot be found; rename the parts",
            g->path, (long long)n_parts, (long long)n_parts);
    part *parts = realloc(g->parts, (size_t)n_parts * sizeof *parts);
    if (!parts) return rn_nomem(err, g->path);
    g->parts = parts;
    for (int i = 1; i < (int)n_parts; i++) {
        char *path = rn_arena_printf(&g->mem, "%.*s-%05d-of-%05d.gguf", (int)prefix, g->path, i + 1,
                                     (int)n_parts);
        if (!path) return rn_nomem(err, g->path);
        int rc = map_file(path, &g->parts[i], err);
        if (rc == RN_ENOTFOUND)
            return rn_fail(err, rc,
                           "%s is missing: the model has %d parts, put them into one folder", path,
                           (int)n_parts);
        if (rc) return rc;
        g->n_parts = i + 1;
        header h = {0};
        rc = parse_part(g, i, path, &h, err);
        if (rc) return rc;
        int64_t no = split_value(&h, "split.no", -1), count = split_value(&h, "split.count", -1);
        if (no != i || count != n_parts)
            return rn_fail(err, RN_EFORMAT,
                           "%s says it is part %lld of %lld, part %d of %d belongs here", path,
                           (long long)no + 1, (long long)count, i + 1, (int)n_parts);
    }
    return 0;
}

/* Looks at split.* of the first file and opens the rest. */
static int open_split(rn_gguf *g, const header *h, rn_err *err)
{
    int64_t n_parts = split_value(h, "split.count", 1), no = split_value(h, "split.no", 0);
    int64_t n_tensors = split_value(h, "split.tensors.count", -1);
    if (n_parts == 0) n_parts = 1; /* written by some tools for a whole file */
    if (n_parts < 0 || n_parts > MAX_PARTS || no < 0 || no >= n_parts)
        return rn_fail(err, RN_EFORMAT,
                       "%s: split.no and split.count are not a part and count from 1 to %d",
                       g->path, MAX_PARTS);
    if (no != 0)
        return rn_fail(err, RN_EINVAL,
                       "%s is part %lld of %lld of a split model; open the first part", g->path,
                       (long long)no + 1, (long long)n_parts);
    if (n_parts > 1 && !g->parts[0].mapped)
        return rn_fail(err, RN_EUNSUPPORTED, "%s: a split model cannot be opened from memory",
                       g->path);
    if (n_parts > 1) {
        int rc = open_other_parts(g, n_parts, err);
        if (rc) return rc;
    }
    if (n_tensors >= 0 && n_parts > 1 && (size_t)n_tensors != g->n_tensors)
        return rn_fail(err, RN_EFORMAT,
                       "%s: the parts hold %zu tensors, split.tensors.count is %lld", g->path,
                       g->n_tensors, (long long)n_tensors);
    return 0;
}

/* ---- opening and closing --------------------------------------------------------------------- */

void rn_gguf_close(rn_gguf *g)
{
    if (!g) return;
    for (int i = 0; i < g->n_parts; i++)
        if (g->parts[i].mapped) munmap((void *)(uintptr_t)g->parts[i].base, g->parts[i].size);
    free(g->parts);
    free(g->tensors);
    rn_arena_free(&g->mem);
    free(g);
}

/* Takes over *first, the mapping or memory of the (first) file. */
static int open_parts(const char *path, part first, rn_gguf **out, rn_err *err)
{
    rn_gguf *g = calloc(1, sizeof *g);
    part *parts = malloc(sizeof *parts);
    if (!g || !parts) {
        if (first.mapped) munmap((void *)(uintptr_t)first.base, first.size);
        free(g);
        free(parts);
        return rn_nomem(err, path);
    }
    parts[0] = first;
    g->parts = parts;
    g->n_parts = 1;
    g->path = rn_arena_strdup(&g->mem, path);
    header h = {0};
    int rc = g->path ? 0 : rn_nomem(err, path);
    if (!rc) rc = parse_part(g, 0, path, &h, err);
    if (!rc) rc = open_split(g, &h, err);
    if (!rc) rc = index_tensors(g, err);
    if (rc) {
        rn_gguf_close(g);
        return rc;
    }
    g->version = h.version;
    g->kvs = h.kvs;
    g->n_kv = h.n_kv;
    g->kv_by_key = h.kv_by_key;
    *out = g;
    return 0;
}

int rn_gguf_open(const char *path, rn_gguf **out, rn_err *err)
{
    part first = {0};
    int rc = map_file(path, &first, err);
    return rc ? rc : open_parts(path, first, out, err);
}

int rn_gguf_open_memory(const void *data, size_t len, const char *name, rn_gguf **out, rn_err *err)
{
    if ((uintptr_t)data % MIN_ALIGNMENT)
        return rn_fail(err, RN_EINVAL, "%s: the memory is not aligned to %d bytes", name,
                       MIN_ALIGNMENT);
    return open_parts(name, (part){.base = data, .size = len}, out, err);
}

const char *rn_gguf_path(const rn_gguf *g)
{
    return g->path;
}
uint32_t rn_gguf_version(const rn_gguf *g)
{
    return g->version;
}
int rn_gguf_n_parts(const rn_gguf *g)
{
    return g->n_parts;
}

uint64_t rn_gguf_file_bytes(const rn_gguf *g)
{
    uint64_t sum = 0;
    for (int i = 0; i < g->n_parts; i++)
        sum += g->parts[i].size;
    return sum;
}

/* ---- lookup ---------------------------------------------------------------------------------- */

size_t rn_gguf_n_tensors(const rn_gguf *g)
{
    return g->n_tensors;
}
const rn_tensor *rn_gguf_tensor_at(const rn_gguf *g, size_t i)
{
    return &g->tensors[i];
}

const rn_tensor *rn_gguf_tensor(const rn_gguf *g, const char *name)
{
    for (size_t lo = 0, hi = g->n_tensors; lo < hi;) {
        size_t mid = lo + (hi - lo) / 2;
        int order = strcmp(g->tensor_by_name[mid]->name, name);
        if (order == 0) return g->tensor_by_name[mid];
        if (order < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return NULL;
}

void rn_gguf_forget(const rn_gguf *g, const rn_tensor *t)
{
    if (!g->parts[t->part].mapped) return;
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t from = ((uintptr_t)t->data + page - 1) / page * page; /* whole pages of t alone */
    uintptr_t to = ((uintptr_t)t->data + t->bytes) / page * page;
    if (to > from)
        madvise((void *)from, to - from, MADV_DONTNEED); /* advice: failure is harmless */
}

size_t rn_gguf_n_kv(const rn_gguf *g)
{
    return g->n_kv;
}
bool rn_gguf_is_one(const char *const *list, const char *name)
{
    while (*list && strcmp(*list, name) != 0)
        list++;
    return *list != NULL;
}

const rn_gguf_kv *rn_gguf_kv_at(const rn_gguf *g, size_t i)
{
    return &g->kvs[i];
}

const rn_gguf_kv *rn_gguf_find(const rn_gguf *g, const char *key)
{
    return find_kv(g->kv_by_key, g->n_kv, key);
}
