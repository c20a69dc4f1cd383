/*
 * gguf.h: GGUF model files, versions 2 and 3, mapped read-only and checked once at opening.
 *
 * A file is: magic "GGUF", version u32, n_tensors u64, n_kv u64, the metadata (key, type, value),
 * the tensor table (name, shape, type, offset), padding to general.alignment (32), the tensors'
 * data.
 *
 * After a successful open every one of these holds, so that users need not check again:
 *  - each string and array lies inside the file; keys and tensor names are unique and hold no NUL;
 *  - each tensor has 1-4 dimensions, none of them 0, a type of quant.h, rows of whole blocks, data
 *    inside its file, aligned to at least 8 bytes, and no byte shared with another tensor.
 * What the numbers mean (whether a model makes sense) is for the model to check. Memory taken
 * beyond the mapping is at most about six times the size of metadata and tensor table.
 *
 * A model split into NAME-00001-of-0000N.gguf ... is opened by its first part; the others are
 * looked for beside it, and all tensors appear in one table. A file that another process shortens
 * while it is mapped ends this process by SIGBUS, as with every mapped file.
 */
#ifndef RN_GGUF_GGUF_H
#define RN_GGUF_GGUF_H

#include "gguf/quant.h"

typedef struct rn_gguf rn_gguf;

/* Opens `path`. RN_EFORMAT or RN_ETRUNCATED with the byte offset for a damaged file,
 * RN_EUNSUPPORTED for a version, byte order or tensor type that is not read, RN_ENOTFOUND for a
 * missing part. */
int rn_gguf_open(const char *path, rn_gguf **out, rn_err *err); /* rn_gguf_close */
/* The same from memory, which stays the caller's and is borrowed until rn_gguf_close; aligned to 8
 * bytes. `name` stands for the path in messages. Split models are refused. */
int rn_gguf_open_memory(const void *data, size_t len, const char *name, rn_gguf **out, rn_err *err);
void rn_gguf_close(rn_gguf *g); /* NULL accepted */

const char *rn_gguf_path(const rn_gguf *g); /* borrowed */
uint32_t rn_gguf_version(const rn_gguf *g);
int rn_gguf_n_parts(const rn_gguf *g);         /* files the model is split into; 1 usually */
uint64_t rn_gguf_file_bytes(const rn_gguf *g); /* all parts together */

/* ---- tensors --------------------------------------------------------------------------------- */

typedef struct rn_tensor {
    const char *name; /* borrowed until rn_gguf_close */
    rn_qtype type;
    int n_dims;       /* 1-4 */
    int64_t ne[4];    /* ne[0] weights lie side by side (the input side of a matrix), ne[1] rows;
                         1 beyond n_dims */
    const void *data; /* [ne[3], ne[2], ne[1], ne[0]], mapped read-only */
    size_t bytes;
    int part; /* which file of a split model, from 0 */
} rn_tensor;

size_t rn_gguf_n_tensors(const rn_gguf *g);
const rn_tensor *rn_gguf_tensor_at(const rn_gguf *g, size_t i);      /* in file order */
const rn_tensor *rn_gguf_tensor(const rn_gguf *g, const char *name); /* NULL if absent */
/* Tells the system that the tensor's pages need not stay in memory (it was repacked); reading them
 * later is allowed and fetches them again. */
void rn_gguf_forget(const rn_gguf *g, const rn_tensor *t);

/* ---- metadata -------------------------------------------------------------------------------- */

typedef enum rn_gguf_type {
    RN_G_U8,
    RN_G_I8,
    RN_G_U16,
    RN_G_I16,
    RN_G_U32,
    RN_G_I32,
    RN_G_F32,
    RN_G_BOOL,
    RN_G_STR,
    RN_G_ARRAY,
    RN_G_U64,
    RN_G_I64,
    RN_G_F64,
    RN_G_N_TYPES
} rn_gguf_type;

typedef struct rn_gguf_kv {
    rn_bytes key;
    rn_gguf_type type;
    rn_gguf_type elem;    /* element type of an array; == type otherwise */
    uint64_t n;           /* elements; 1 unless an array */
    const uint8_t *raw;   /* numbers and bools, unaligned */
    const rn_bytes *strs; /* [n] strings, may hold NUL */
} rn_gguf_kv;

const char *rn_gguf_type_name(rn_gguf_type t); /* "u32", "array" */
size_t rn_gguf_n_kv(const rn_gguf *g);
const rn_gguf_kv *rn_gguf_kv_at(const rn_gguf *g, size_t i);       /* in file order */
const rn_gguf_kv *rn_gguf_find(const rn_gguf *g, const char *key); /* NULL if absent */
/* Whether the name of a key is one of these, which end with NULL. */
bool rn_gguf_is_one(const char *const *list, const char *name);

/* Element i < n of a number or bool, or of an array of them. Reals are cut towards zero by _int and
 * saturate; u64 above INT64_MAX saturates. 0 for strings. */
int64_t rn_gguf_int_at(const rn_gguf_kv *kv, uint64_t i);
double rn_gguf_real_at(const rn_gguf_kv *kv, uint64_t i);

/* Single values by key. Any integer type that holds the value will do; f32 also takes f64 and
 * integers, and refuses NaN and infinity. Absent: RN_ENOTFOUND; wrong type or out of range:
 * RN_EFORMAT naming file, key and type. The _opt forms leave *out alone when the key is absent. */
int rn_gguf_u32(const rn_gguf *g, const char *key, uint32_t *out, rn_err *err);
int rn_gguf_u32_opt(const rn_gguf *g, const char *key, uint32_t *out, rn_err *err);
int rn_gguf_f32(const rn_gguf *g, const char *key, float *out, rn_err *err);
int rn_gguf_f32_opt(const rn_gguf *g, const char *key, float *out, rn_err *err);
int rn_gguf_bool_opt(const rn_gguf *g, const char *key, bool *out, rn_err *err);
int rn_gguf_str(const rn_gguf *g, const char *key, rn_bytes *out, rn_err *err);
int rn_gguf_str_opt(const rn_gguf *g, const char *key, rn_bytes *out, rn_err *err);
/* An array whose elements are strings (RN_G_STR), any integers (RN_G_I32), or any reals or integers
 * (RN_G_F32). *out is NULL after _opt when the key is absent. */
int rn_gguf_array(const rn_gguf *g, const char *key, rn_gguf_type elem, const rn_gguf_kv **out,
                  rn_err *err);
int rn_gguf_array_opt(const rn_gguf *g, const char *key, rn_gguf_type elem, const rn_gguf_kv **out,
                      rn_err *err);

#endif
