/*
 * parquet_page.c: the pages of one column, unpacked one at a time, and the values in them.
 *
 * A page holds repetition levels, definition levels, and the values that are not null. Each is read
 * as it is asked for; nothing is allocated by a count that the file states.
 */
#include "base/late.h"
#include "base/parquet_priv.h"

#include <snappy-c.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

enum { MAX_PAGE_BYTES = 1 << 29, MAX_HEADER_BYTES = 1 << 24, FIRST_HEADER_BYTES = 4096 };
enum { PLAIN, PLAIN_DICTIONARY = 2, RLE, DELTA_BINARY = 5, DELTA_LENGTH, RLE_DICTIONARY = 8 };

const char rn_pq_nomem[] = "out of memory";
static const char short_page[] = "a page has fewer values than it says";
static const char bad_page[] = "a page is damaged";

static uint64_t little(const char *s, size_t n)
{
    uint64_t v = 0;
    for (size_t i = 0; i < n; i++)
        v |= (uint64_t)(uint8_t)s[i] << 8 * i;
    return v;
}

/* `width` bits (0 to 64) from bit number `bit` of s on, which has them. */
static uint64_t bits(rn_bytes s, uint64_t bit, int width)
{
    uint64_t v = 0;
    int have = 0;
    while (have < width) {
        const int skip = (int)(bit % 8), take = width - have < 8 - skip ? width - have : 8 - skip;
        const uint64_t byte = (uint8_t)s.data[bit / 8], part = byte >> skip & ((1u << take) - 1);
        v |= part << have;
        have += take;
        bit += (uint64_t)take;
    }
    return v;
}

static bool get_varint(rn_bytes s, size_t *pos, uint64_t *out)
{
    *out = 0;
    for (int shift = 0; shift < 64 && *pos < s.len; shift += 7) {
        const uint8_t b = (uint8_t)s.data[(*pos)++];
        *out |= (uint64_t)(b & 0x7F) << shift;
        if (!(b & 0x80)) return true;
    }
    return false;
}

/* ---- runs ------------------------------------------------------------------------------------ */

static bool next_run(rn_pq_runs *r)
{
    uint64_t head;
    if (!get_varint(r->s, &r->pos, &head) || head < 2) return false;
    r->packed = head & 1;
    const size_t room = r->s.len - r->pos;
    if (r->packed) {
        if (head >> 1 > UINT32_MAX) return false;
        const uint64_t bytes = (head >> 1) * (uint64_t)r->width;
        r->left = (head >> 1) * 8;
        r->bit = (uint64_t)r->pos * 8;
        /* The last bytes of the last run may be left out where no value needs them. */
        r->pos += bytes < room ? (size_t)bytes : room;
        r->to = (uint64_t)r->pos * 8;
        return true;
    }
    const size_t bytes = (size_t)(r->width + 7) / 8;
    if (bytes > room) return false;
    r->left = head >> 1;
    r->value = (uint32_t)little(r->s.data + r->pos, bytes);
    r->pos += bytes;
    return true;
}

static bool get_run(rn_pq_runs *r, uint32_t *out)
{
    if (r->left == 0 && !next_run(r)) return false;
    r->left--;
    *out = r->value;
    if (!r->packed) return true;
    if (r->to - r->bit < (uint64_t)r->width) return false;
    *out = (uint32_t)bits(r->s, r->bit, r->width);
    r->bit += (uint64_t)r->width;
    return true;
}

/* ---- differences ----------------------------------------------------------------------------- */

static uint64_t unzigzag(uint64_t v)
{
    return v >> 1 ^ (~(v & 1) + 1);
}

static bool begin_delta(rn_pq_delta *d, rn_bytes s)
{
    uint64_t first;
    *d = (rn_pq_delta){.s = s, .first = true};
    if (!get_varint(s, &d->pos, &d->per_block) || !get_varint(s, &d->pos, &d->n_mini) ||
        !get_varint(s, &d->pos, &d->left) || !get_varint(s, &d->pos, &first))
        return false;
    if (d->n_mini == 0 || d->n_mini > 4096 || d->per_block > 1 << 20 ||
        d->per_block % d->n_mini != 0)
        return false;
    d->per_mini = d->per_block / d->n_mini;
    d->mini = d->n_mini;
    d->last = unzigzag(first);
    return d->per_mini > 0 && d->per_mini % 8 == 0;
}

/* The next miniblock, with the head of its block where it is the first; its place is d->bit. */
static bool next_mini(rn_pq_delta *d)
{
    if (d->mini == d->n_mini) {
        uint64_t min;
        if (!get_varint(d->s, &d->pos, &min) || d->n_mini > d->s.len - d->pos) return false;
        d->min = unzigzag(min);
        d->widths = d->pos;
        d->pos += (size_t)d->n_mini;
        d->mini = 0;
    }
    const uint64_t width = (uint8_t)d->s.data[d->widths + d->mini++];
    const uint64_t bytes = d->per_mini / 8 * width;
    if (width > 64 || bytes > d->s.len - d->pos) return false;
    d->bit = (uint64_t)d->pos * 8;
    d->pos += (size_t)bytes;
    d->in_mini = d->per_mini;
    return true;
}

static bool get_delta(rn_pq_delta *d, int64_t *out)
{
    if (d->left == 0) return false;
    d->left--;
    if (!d->first) {
        if (d->in_mini == 0 && !next_mini(d)) return false;
        const int width = (uint8_t)d->s.data[d->widths + d->mini - 1];
        d->in_mini--;
        d->last += d->min + bits(d->s, d->bit, width);
        d->bit += (uint64_t)width;
    }
    d->first = false;
    *out = (int64_t)d->last;
    return true;
}

/* Where the differences end: a walk over the miniblocks alone. */
static bool delta_end(const rn_pq_delta *from, size_t *end)
{
    rn_pq_delta d = *from;
    uint64_t left = d.left ? d.left - 1 : 0;
    while (left > 0) {
        if (!next_mini(&d)) return false;
        left -= left < d.per_mini ? left : d.per_mini;
    }
    *end = d.pos;
    return true;
}

/* ---- unpacking ------------------------------------------------------------------------------- */

static const char *unpack_gzip(rn_bytes in, char *out, size_t size)
{
    z_stream z = {.next_in = (Bytef *)(uintptr_t)in.data,
                  .avail_in = (uInt)in.len,
                  .next_out = (Bytef *)out,
                  .avail_out = (uInt)size};
    if (inflateInit2(&z, 15 + 32) != Z_OK) return rn_pq_nomem;
    const int rc = inflate(&z, Z_FINISH);
    inflateEnd(&z);
    return rc == Z_STREAM_END && z.avail_out == 0 ? NULL : bad_page;
}

/* Appends `size` bytes to *out. */
static const char *unpack(int codec, rn_bytes in, size_t size, rn_buf *out)
{
    static const char *const names[] = {
        [3] = "its pages are packed with LZO, which is not read; write it anew with Zstandard",
        [4] = "its pages are packed with Brotli, which is not read; write it anew with Zstandard",
        [5] = "its pages are packed with LZ4, which is not read; write it anew with Zstandard",
        [7] = "its pages are packed with LZ4, which is not read; write it anew with Zstandard"};
    if (!rn_buf_reserve(out, size)) return rn_pq_nomem;
    char *to = out->data + out->len;
    const char *why = NULL;
    size_t n = size;
    switch (codec) {
    case 0:
        if (in.len != size) return bad_page;
        if (size) memcpy(to, in.data, size);
        break;
    case 1:
        if (!rn_late_snappy())
            why = "its pages are packed with Snappy, and libsnappy.so.1 cannot be loaded: install "
                  "it (apt install libsnappy1v5)";
        else if (snappy_uncompress(in.data, in.len, to, &n) != SNAPPY_OK || n != size)
            why = bad_page;
        break;
    case 2: why = unpack_gzip(in, to, size); break;
    case 6:
        if (ZSTD_decompress(to, size, in.data, in.len) != size) why = bad_page;
        break;
    default: return names[codec];
    }
    if (!why) out->len += size;
    return why;
}

/* ---- pages ----------------------------------------------------------------------------------- */

static const char *read_at(const rn_pq_column *c, int64_t at, size_t n, rn_buf *out)
{
    rn_buf_clear(out);
    if (!rn_buf_reserve(out, n)) return rn_pq_nomem;
    while (out->len < n) {
        ssize_t got = pread(c->fd, out->data + out->len, n - out->len, at + (int64_t)out->len);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return got ? "it cannot be read" : "it became shorter while it was read";
        out->len += (size_t)got;
    }
    return NULL;
}

/* The header at c->at; headers hold statistics of any length. */
static const char *read_header(rn_pq_column *c, rn_pq_page *p)
{
    const char *why = rn_pq_cut;
    for (int64_t n = FIRST_HEADER_BYTES; why == rn_pq_cut && n <= MAX_HEADER_BYTES; n *= 16) {
        const int64_t room = c->end - c->at;
        why = read_at(c, c->at, (size_t)(n < room ? n : room), &c->packed);
        if (!why) why = rn_pq_read_page(rn_buf_view(&c->packed), p);
        if (n >= room) break;
    }
    return why;
}

/* Levels before the values of a page: up to `most`, in s from *pos on. */
static const char *begin_levels(rn_bytes s, size_t *pos, int most, int64_t encoding,
                                rn_pq_runs *out)
{
    *out = (rn_pq_runs){0};
    if (most == 0) return NULL;
    if (encoding != RLE) return "its levels are bit-packed, an old form that is not read";
    if (s.len - *pos < 4) return bad_page;
    const uint64_t n = little(s.data + *pos, 4);
    if (n > s.len - *pos - 4) return bad_page;
    out->s = (rn_bytes){s.data + *pos + 4, (size_t)n};
    for (out->width = 1; most >> out->width; out->width++)
        ;
    *pos += 4 + (size_t)n;
    return NULL;
}

static const char *begin_values(rn_pq_column *c)
{
    const int type = c->node->type;
    size_t end = 0;
    c->pos = 0;
    switch (c->encoding) {
    case PLAIN: return NULL;
    case PLAIN_DICTIONARY:
    case RLE_DICTIONARY:
        if (!c->words) return "a page refers to a dictionary that is not there";
        if (c->values.len == 0) return NULL; /* only nulls */
        c->index = (rn_pq_runs){.s = {c->values.data + 1, c->values.len - 1},
                                .width = (uint8_t)c->values.data[0]};
        return c->index.width <= 32 ? NULL : bad_page;
    case RLE:
        if (type != PQ_BOOL) break;
        return begin_levels(c->values, &c->pos, 1, RLE, &c->index);
    case DELTA_BINARY:
        if (type != PQ_INT32 && type != PQ_INT64) break;
        return begin_delta(&c->delta, c->values) ? NULL : bad_page;
    case DELTA_LENGTH:
        if (type != PQ_BYTES) break;
        if (!begin_delta(&c->delta, c->values) || !delta_end(&c->delta, &end)) return bad_page;
        c->pos = end;
        return NULL;
    default: break;
    }
    return "its values are in an encoding that is not read; write it anew with plain pages";
}

/* Where the dictionary's values begin: they are PLAIN, one behind the other. */
static const char *read_dictionary(rn_pq_column *c, const rn_pq_page *p)
{
    static const size_t sizes[] = {
        [PQ_INT32] = 4, [PQ_INT64] = 8, [PQ_FLOAT] = 4, [PQ_DOUBLE] = 8, [PQ_BYTES] = 4};
    const size_t size = c->node->type <= PQ_BYTES ? sizes[c->node->type] : 0;
    const rn_bytes s = rn_buf_view(&c->dictionary);
    if (c->words || !size || (p->encoding != PLAIN && p->encoding != PLAIN_DICTIONARY) ||
        (uint64_t)p->n_values > s.len / size)
        return bad_page;
    c->words = malloc(((size_t)p->n_values + 1) * sizeof *c->words);
    if (!c->words) return rn_pq_nomem;
    size_t at = 0;
    for (c->n_words = 0; c->n_words < (size_t)p->n_values; c->n_words++) {
        c->words[c->n_words] = at;
        if (s.len - at < size) return bad_page;
        const uint64_t more = c->node->type == PQ_BYTES ? little(s.data + at, 4) : 0;
        at += size;
        if (more > s.len - at) return bad_page;
        at += (size_t)more;
    }
    return NULL;
}

/* Levels that stand before the packed part, as in version 2. */
static const char *begin_page_v2(rn_pq_column *c, const rn_pq_page *p, rn_bytes file)
{
    const rn_bytes levels = {file.data, (size_t)(p->rep_bytes + p->def_bytes)};
    const size_t size = (size_t)p->size - levels.len;
    const rn_bytes rest = {file.data + levels.len, file.len - levels.len};
    rn_buf_add(&c->page, levels.data, levels.len);
    const char *why = p->is_packed && rest.len ? unpack(c->codec, rest, size, &c->page)
                                               : unpack(0, rest, size, &c->page);
    if (why) return why;
    if (!rn_buf_ok(&c->page)) return rn_pq_nomem;
    const rn_bytes s = rn_buf_view(&c->page);
    const int most[] = {c->node->rep, c->node->def};
    const size_t n[] = {(size_t)p->rep_bytes, (size_t)p->def_bytes};
    rn_pq_runs *const to[] = {&c->rep, &c->def};
    size_t pos = 0;
    for (int i = 0; i < 2; i++) {
        *to[i] = (rn_pq_runs){.s = {s.data + pos, n[i]}};
        while (most[i] >> to[i]->width)
            to[i]->width++;
        pos += n[i];
    }
    c->values = (rn_bytes){s.data + pos, s.len - pos};
    return NULL;
}

static const char *begin_page(rn_pq_column *c, const rn_pq_page *p, rn_bytes file)
{
    rn_buf_clear(&c->page);
    const char *why = NULL;
    if (p->type == PQ_DATA_PAGE_V2) {
        if (p->rep_bytes + p->def_bytes > p->size ||
            p->rep_bytes + p->def_bytes > (int64_t)file.len)
            return bad_page;
        why = begin_page_v2(c, p, file);
    } else {
        size_t pos = 0;
        why = unpack(c->codec, file, (size_t)p->size, &c->page);
        const rn_bytes s = rn_buf_view(&c->page);
        if (!why) why = begin_levels(s, &pos, c->node->rep, p->rep_encoding, &c->rep);
        if (!why) why = begin_levels(s, &pos, c->node->def, p->def_encoding, &c->def);
        if (!why) c->values = (rn_bytes){s.data + pos, s.len - pos};
    }
    if (why) return why;
    if (p->n_values > c->left) return "it has more values than it says";
    c->left -= p->n_values;
    c->in_page = p->n_values;
    c->encoding = p->encoding;
    return begin_values(c);
}

static const char *next_page(rn_pq_column *c)
{
    rn_pq_page p;
    const char *why = read_header(c, &p);
    if (why) return why;
    const int64_t at = c->at + (int64_t)p.header_bytes;
    if (p.packed > c->end - at || p.size > MAX_PAGE_BYTES || p.packed > MAX_PAGE_BYTES)
        return p.packed > c->end - at ? "a page is cut" : "a page is larger than 512 MiB";
    c->at = at + p.packed;
    why = read_at(c, at, (size_t)p.packed, &c->packed);
    if (why) return why;
    const rn_bytes file = {c->packed.data ? c->packed.data : "", c->packed.len};
    switch (p.type) {
    case PQ_INDEX_PAGE: return NULL;
    case PQ_DICTIONARY_PAGE:
        why = unpack(c->codec, file, (size_t)p.size, &c->dictionary);
        return why ? why : read_dictionary(c, &p);
    case PQ_DATA_PAGE:
    case PQ_DATA_PAGE_V2: return begin_page(c, &p, file);
    default: return "a page is of no known kind";
    }
}

/* ---- entries --------------------------------------------------------------------------------- */

/* A plain value at s[*pos]. */
static const char *plain_value(int type, rn_bytes s, size_t *pos, rn_pq_value *out)
{
    const size_t size = type == PQ_INT32 || type == PQ_FLOAT || type == PQ_BYTES ? 4 : 8;
    if (*pos > s.len || s.len - *pos < size) return short_page;
    const uint64_t v = little(s.data + *pos, size);
    const uint32_t v32 = (uint32_t)v;
    float f;
    *pos += size;
    switch (type) {
    case PQ_INT32: out->i = (int32_t)v32; break;
    case PQ_FLOAT:
        memcpy(&f, &v32, sizeof f);
        out->d = (double)f;
        break;
    case PQ_DOUBLE: memcpy(&out->d, &v, sizeof out->d); break;
    case PQ_BYTES:
        if (v > s.len - *pos) return bad_page;
        out->s = (rn_bytes){s.data + *pos, (size_t)v};
        *pos += (size_t)v;
        break;
    default: out->i = (int64_t)v;
    }
    return NULL;
}

static const char *dictionary_value(rn_pq_column *c)
{
    uint32_t word;
    if (!get_run(&c->index, &word)) return short_page;
    if (word >= c->n_words) return "a page refers to a word that its dictionary does not have";
    size_t pos = c->words[word];
    return plain_value(c->node->type, rn_buf_view(&c->dictionary), &pos, &c->cur);
}

static const char *bool_value(rn_pq_column *c)
{
    uint32_t v = 0;
    if (c->encoding == RLE) {
        if (!get_run(&c->index, &v)) return short_page;
    } else {
        if (c->pos / 8 >= c->values.len) return short_page;
        v = (uint32_t)bits(c->values, c->pos++, 1);
    }
    c->cur.i = v;
    return NULL;
}

static const char *get_value(rn_pq_column *c)
{
    if (c->encoding == PLAIN_DICTIONARY || c->encoding == RLE_DICTIONARY)
        return dictionary_value(c);
    if (c->node->type == PQ_BOOL) return bool_value(c);
    if (c->encoding == PLAIN) return plain_value(c->node->type, c->values, &c->pos, &c->cur);
    if (!get_delta(&c->delta, &c->cur.i)) return short_page;
    if (c->encoding == DELTA_BINARY) {
        if (c->node->type == PQ_INT32) c->cur.i = (int32_t)(uint32_t)(uint64_t)c->cur.i;
        return NULL;
    }
    if (c->cur.i < 0 || (uint64_t)c->cur.i > c->values.len - c->pos) return bad_page;
    c->cur.s = (rn_bytes){c->values.data + c->pos, (size_t)c->cur.i};
    c->pos += (size_t)c->cur.i;
    return NULL;
}

const char *rn_pq_peek(rn_pq_column *c, bool *more)
{
    uint32_t rep = 0, def = 0;
    *more = c->have;
    if (c->have) return NULL;
    while (c->in_page == 0) {
        if (c->left == 0) return NULL;
        const char *why = c->at >= c->end ? "it has fewer values than it says" : next_page(c);
        if (why) return why;
    }
    c->in_page--;
    if (c->node->rep && !get_run(&c->rep, &rep)) return short_page;
    if (c->node->def && !get_run(&c->def, &def)) return short_page;
    if (rep > (uint32_t)c->node->rep || def > (uint32_t)c->node->def) return bad_page;
    c->cur_rep = (int)rep;
    c->cur_def = (int)def;
    c->have = *more = true;
    return c->cur_def == c->node->def ? get_value(c) : NULL;
}

void rn_pq_begin(rn_pq_column *c, const rn_pq_chunk *chunk)
{
    free(c->words);
    c->words = NULL;
    c->n_words = 0;
    rn_buf_clear(&c->dictionary);
    c->at = chunk->start;
    c->end = chunk->end;
    c->left = chunk->n_values;
    c->codec = chunk->codec;
    c->in_page = 0;
    c->have = false;
}

void rn_pq_end(rn_pq_column *c)
{
    free(c->words);
    rn_buf_free(&c->packed);
    rn_buf_free(&c->page);
    rn_buf_free(&c->dictionary);
    *c = (rn_pq_column){0};
}
