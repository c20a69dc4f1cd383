/*
 * parquet_meta.c: a Parquet file's footer and the headers of its pages, in Thrift's compact form.
 *
 * Fields are told by number; those that are not needed are passed over whatever their type.
 */
#include "base/parquet_priv.h"

enum { MAX_DEPTH = 32, MAX_LEVEL = 15, MAX_NODES = 10000 };

const char rn_pq_cut[] = "it ends within a record of its own description";
static const char malformed[] = "its description is not valid Thrift";

/* ---- Thrift's compact form ------------------------------------------------------------------- */

enum { T_STOP, T_TRUE, T_FALSE, T_BYTE, T_I16, T_I32, T_I64, T_DOUBLE, T_BINARY, T_LIST, T_SET };
enum { T_MAP = 11, T_STRUCT = 12 };

typedef struct thrift {
    rn_bytes s;
    size_t pos;
    const char *why; /* the first fault; reads give 0 from then on */
} thrift;

static void fault(thrift *t, const char *why)
{
    if (!t->why) t->why = why;
}

static uint8_t get_byte(thrift *t)
{
    if (!t->why && t->pos >= t->s.len) fault(t, rn_pq_cut);
    return t->why ? 0 : (uint8_t)t->s.data[t->pos++];
}

static uint64_t get_varint(thrift *t)
{
    uint64_t v = 0;
    for (int shift = 0; shift < 70; shift += 7) {
        uint8_t b = get_byte(t);
        if (shift < 64) v |= (uint64_t)(b & 0x7F) << shift;
        if (!(b & 0x80)) return v;
    }
    fault(t, malformed);
    return 0;
}

static int64_t get_int(thrift *t)
{
    uint64_t v = get_varint(t);
    return (int64_t)(v >> 1 ^ (~(v & 1) + 1));
}

static rn_bytes get_bytes(thrift *t)
{
    uint64_t n = get_varint(t);
    if (!t->why && n > t->s.len - t->pos) fault(t, rn_pq_cut);
    if (t->why) return (rn_bytes){.data = "", .len = 0};
    rn_bytes v = {.data = t->s.data + t->pos, .len = (size_t)n};
    t->pos += (size_t)n;
    return v;
}

/* The next field of a struct; false at its end. */
static bool get_field(thrift *t, int64_t *id, int *type)
{
    uint8_t b = get_byte(t);
    *type = b & 15;
    if (t->why || *type == T_STOP) return false;
    *id = b >> 4 ? *id + (b >> 4) : get_int(t);
    return !t->why;
}

/* A list's length and the type of its elements, each of at least a byte. */
static uint64_t get_list(thrift *t, int *type)
{
    uint8_t b = get_byte(t);
    uint64_t n = b >> 4 == 15 ? get_varint(t) : b >> 4;
    *type = b & 15;
    if (!t->why && n > t->s.len - t->pos) fault(t, rn_pq_cut);
    return t->why ? 0 : n;
}

static void skip(thrift *t, int type, int depth);

static void skip_map(thrift *t, int depth)
{
    uint64_t n = get_varint(t);
    if (n == 0 || t->why) return;
    uint8_t types = get_byte(t);
    for (uint64_t i = 0; i < n && !t->why; i++) {
        skip(t, types >> 4, depth);
        skip(t, types & 15, depth);
    }
}

/* As an element of a list a boolean has a byte of its own. */
static void skip_element(thrift *t, int type, int depth)
{
    if (type == T_TRUE || type == T_FALSE)
        (void)get_byte(t);
    else
        skip(t, type, depth);
}

static void skip(thrift *t, int type, int depth)
{
    int64_t id = 0;
    int inner;
    if (depth > MAX_DEPTH) fault(t, malformed);
    if (t->why) return;
    switch (type) {
    case T_TRUE:
    case T_FALSE: return;
    case T_BYTE: (void)get_byte(t); return;
    case T_I16:
    case T_I32:
    case T_I64: (void)get_varint(t); return;
    case T_DOUBLE:
        for (int i = 0; i < 8; i++)
            (void)get_byte(t);
        return;
    case T_BINARY: (void)get_bytes(t); return;
    case T_LIST:
    case T_SET:
        for (uint64_t n = get_list(t, &inner); n > 0 && !t->why; n--)
            skip_element(t, inner, depth + 1);
        return;
    case T_MAP: skip_map(t, depth + 1); return;
    case T_STRUCT:
        while (get_field(t, &id, &inner))
            skip(t, inner, depth + 1);
        return;
    default: fault(t, malformed);
    }
}

/* An integer field; of another type it is a fault. */
static int64_t int_field(thrift *t, int type)
{
    if (type < T_I16 || type > T_I64) fault(t, malformed);
    return t->why ? 0 : get_int(t);
}

/* ---- schema ---------------------------------------------------------------------------------- */

typedef struct element {
    rn_pq_node node;
    int64_t n_children;
    bool is_list; /* it says so */
} element;

/* TimestampType: only its unit matters. */
static rn_pq_show timestamp_unit(thrift *t)
{
    static const rn_pq_show units[] = {PQ_UNREAD, PQ_MILLI, PQ_MICRO, PQ_NANO};
    rn_pq_show show = PQ_UNREAD;
    int64_t id = 0, unit = 0;
    int type, inner;
    while (get_field(t, &id, &type)) {
        if (id != 2 || type != T_STRUCT) {
            skip(t, type, 2);
            continue;
        }
        for (unit = 0; get_field(t, &unit, &inner);) {
            if (unit >= 1 && unit <= 3) show = units[unit];
            skip(t, inner, 3);
        }
    }
    return show;
}

/* IntType: signed or not. */
static rn_pq_show integer_sign(thrift *t)
{
    rn_pq_show show = PQ_AS_IS;
    int64_t id = 0;
    int type;
    while (get_field(t, &id, &type)) {
        if (id == 2 && type == T_FALSE) show = PQ_UNSIGNED;
        skip(t, type, 2);
    }
    return show;
}

static void logical_type(thrift *t, element *e)
{
    int64_t id = 0;
    int type;
    while (get_field(t, &id, &type)) {
        bool is_struct = type == T_STRUCT;
        if (is_struct && id == 8)
            e->node.show = timestamp_unit(t);
        else if (is_struct && id == 10)
            e->node.show = integer_sign(t);
        else
            skip(t, type, 1);
        if (id == 3) e->is_list = true;
        if (id == 6) e->node.show = PQ_DATE;
        if (id == 5 || id == 7 || id == 13 || id >= 15) e->node.show = PQ_UNREAD;
    }
}

/* Older files say by one number what logical_type says. */
static void converted_type(int64_t kind, element *e)
{
    if (kind == 3) e->is_list = true;
    if (kind == 5 || kind == 7 || kind == 8 || kind >= 20) e->node.show = PQ_UNREAD;
    if (kind == 6) e->node.show = PQ_DATE;
    if (kind == 9) e->node.show = PQ_MILLI;
    if (kind == 10) e->node.show = PQ_MICRO;
    if (kind >= 11 && kind <= 14) e->node.show = PQ_UNSIGNED;
}

static void get_element(thrift *t, element *e)
{
    int64_t id = 0, physical = PQ_GROUP, repetition = 0;
    int type;
    while (get_field(t, &id, &type)) {
        switch (id) {
        case 1: physical = int_field(t, type); break;
        case 3: repetition = int_field(t, type); break;
        case 4:
            if (type != T_BINARY) fault(t, malformed);
            e->node.name = get_bytes(t);
            break;
        case 5: e->n_children = int_field(t, type); break;
        case 6: converted_type(int_field(t, type), e); break;
        case 10:
            if (type != T_STRUCT) fault(t, malformed);
            logical_type(t, e);
            break;
        default: skip(t, type, 0);
        }
    }
    if (physical < 0 || physical > PQ_GROUP || repetition < 0 || repetition > 2)
        fault(t, malformed);
    if (t->why) return;
    if ((physical == PQ_GROUP) != (e->n_children > 0) || e->n_children < 0)
        fault(t, "its schema has a field that is neither a group nor a value");
    e->node.type = (int)physical;
    e->node.optional = repetition == 1;
    e->node.repeated = repetition == 2;
    if (physical == PQ_INT96 || physical == PQ_FIXED) e->node.show = PQ_UNREAD;
}

/* Levels, columns and ends, from the flat list of fields. */
static const char *place(const element *e, rn_pq_meta *m, size_t *next, rn_pq_node *parent,
                         int depth)
{
    static const char shape[] = "its schema is no tree of fields";
    if (*next >= m->n_nodes || depth > MAX_DEPTH) return shape;
    const size_t at = (*next)++;
    rn_pq_node *n = &m->nodes[at];
    *n = e[at].node;
    n->leaf = m->n_columns;
    n->def = (parent ? parent->def : 0) + (parent && (n->optional || n->repeated));
    n->rep = (parent ? parent->rep : 0) + (parent && n->repeated);
    if (n->def > MAX_LEVEL) return "its schema is nested too deeply";
    if (n->type != PQ_GROUP) {
        m->n_columns++;
    } else {
        for (int64_t i = 0; i < e[at].n_children; i++) {
            const char *why = place(e, m, next, n, depth + 1);
            if (why) return why;
        }
        const rn_pq_node *only = n + 1;
        n->list = e[at].is_list && e[at].n_children == 1 && only->repeated && !n->repeated;
    }
    n->end = *next;
    n->n_leaves = m->n_columns - n->leaf;
    return NULL;
}

static void get_schema(thrift *t, rn_pq_meta *m)
{
    int type;
    uint64_t n = get_list(t, &type);
    if (t->why) return;
    if (type != T_STRUCT || n < 2 || n > MAX_NODES) {
        fault(t, "its schema has no field, or too many");
        return;
    }
    element *e = rn_arena_array(&m->arena, (size_t)n, sizeof *e);
    m->nodes = rn_arena_array(&m->arena, (size_t)n, sizeof *m->nodes);
    m->n_nodes = (size_t)n;
    if (!e || !m->nodes) {
        fault(t, rn_pq_nomem);
        return;
    }
    for (uint64_t i = 0; i < n && !t->why; i++)
        get_element(t, &e[i]);
    size_t next = 0;
    const char *why = t->why ? NULL : place(e, m, &next, NULL, 0);
    if (!why && !t->why && next != m->n_nodes) why = "its schema is no tree of fields";
    if (why) fault(t, why);
}

/* ---- row groups ------------------------------------------------------------------------------ */

typedef struct column_meta {
    int64_t type, codec, n_values, bytes, data, dictionary;
} column_meta;

static void get_column_meta(thrift *t, column_meta *c)
{
    int64_t id = 0;
    int type;
    while (get_field(t, &id, &type)) {
        int64_t *to = id == 1    ? &c->type
                      : id == 4  ? &c->codec
                      : id == 5  ? &c->n_values
                      : id == 7  ? &c->bytes
                      : id == 9  ? &c->data
                      : id == 11 ? &c->dictionary
                                 : NULL;
        if (to)
            *to = int_field(t, type);
        else
            skip(t, type, 2);
    }
}

static void get_chunk(thrift *t, const rn_pq_node *leaf, int64_t file_bytes, rn_pq_chunk *out)
{
    column_meta c = {.type = -1, .data = -1};
    int64_t id = 0;
    int type;
    while (get_field(t, &id, &type)) {
        if (id == 1) fault(t, "it keeps columns in other files, which are not read");
        if (id == 3 && type == T_STRUCT)
            get_column_meta(t, &c);
        else
            skip(t, type, 1);
    }
    if (t->why) return;
    const bool words = c.dictionary > 0 && c.dictionary < c.data;
    const int64_t start = words ? c.dictionary : c.data;
    if (c.type != leaf->type || c.n_values < 0 || start < 4 || start > file_bytes || c.bytes < 0 ||
        c.bytes > file_bytes - start || c.codec < 0 || c.codec > 7)
        fault(t, "its columns are not where its description has them");
    *out = (rn_pq_chunk){
        .start = start, .end = start + c.bytes, .n_values = c.n_values, .codec = (int)c.codec};
}

static const rn_pq_node *leaf_after(const rn_pq_node *n)
{
    do
        n++;
    while (n->type == PQ_GROUP);
    return n;
}

static void get_chunks(thrift *t, rn_pq_meta *m, int64_t file_bytes, rn_pq_group *g)
{
    int type;
    uint64_t n = get_list(t, &type);
    if (t->why) return;
    if (type != T_STRUCT || n != m->n_columns || g->chunks) {
        fault(t, "a group of its rows has other columns than its schema");
        return;
    }
    g->chunks = rn_arena_array(&m->arena, (size_t)n, sizeof *g->chunks);
    if (!g->chunks) fault(t, rn_pq_nomem);
    const rn_pq_node *leaf = m->nodes;
    for (uint64_t i = 0; i < n && !t->why; i++) {
        leaf = leaf_after(leaf);
        get_chunk(t, leaf, file_bytes, &g->chunks[i]);
    }
}

static void get_group(thrift *t, rn_pq_meta *m, int64_t file_bytes, rn_pq_group *g)
{
    int64_t id = 0;
    int type;
    while (get_field(t, &id, &type)) {
        if (id == 1 && type == T_LIST)
            get_chunks(t, m, file_bytes, g);
        else if (id == 3)
            g->n_rows = int_field(t, type);
        else
            skip(t, type, 1);
    }
    if (!t->why && (!g->chunks || g->n_rows < 0)) fault(t, malformed);
}

static void get_groups(thrift *t, rn_pq_meta *m, int64_t file_bytes)
{
    int type;
    uint64_t n = get_list(t, &type);
    if (t->why) return;
    if (n && type != T_STRUCT) fault(t, malformed);
    if (!m->nodes) fault(t, "its rows come before its schema");
    if (m->groups) fault(t, malformed);
    m->groups = rn_arena_array(&m->arena, (size_t)n + 1, sizeof *m->groups);
    m->n_groups = (size_t)n;
    if (!m->groups) fault(t, rn_pq_nomem);
    for (uint64_t i = 0; i < n && !t->why; i++)
        get_group(t, m, file_bytes, &m->groups[i]);
}

const char *rn_pq_read_footer(rn_bytes footer, int64_t file_bytes, rn_pq_meta *out)
{
    thrift t = {.s = footer};
    int64_t id = 0;
    int type;
    *out = (rn_pq_meta){0};
    while (get_field(&t, &id, &type)) {
        if (id == 2 && type == T_LIST && !out->nodes)
            get_schema(&t, out);
        else if (id == 4 && type == T_LIST)
            get_groups(&t, out, file_bytes);
        else if (id == 8)
            fault(&t, "it is encrypted");
        else
            skip(&t, type, 0);
    }
    if (!t.why && !out->nodes) fault(&t, "it has no schema");
    return t.why;
}

/* ---- pages ----------------------------------------------------------------------------------- */

/* Fields of the three kinds of page headers, by number. */
static void get_page_part(thrift *t, int64_t part, rn_pq_page *p)
{
    int64_t id = 0;
    int type;
    while (get_field(t, &id, &type)) {
        int64_t *to = NULL;
        if (id == 1) to = &p->n_values;
        if (part == 5 && id == 3) to = &p->def_encoding;
        if (part == 5 && id == 4) to = &p->rep_encoding;
        if (id == (part == 8 ? 4 : 2)) to = &p->encoding;
        if (part == 8 && id == 5) to = &p->def_bytes;
        if (part == 8 && id == 6) to = &p->rep_bytes;
        if (part == 8 && id == 7) p->is_packed = type == T_TRUE;
        if (to)
            *to = int_field(t, type);
        else
            skip(t, type, 1);
    }
}

const char *rn_pq_read_page(rn_bytes s, rn_pq_page *out)
{
    thrift t = {.s = s};
    int64_t id = 0;
    int type;
    *out = (rn_pq_page){.type = -1,
                        .size = -1,
                        .packed = -1,
                        .n_values = -1,
                        .def_encoding = 3,
                        .rep_encoding = 3,
                        .is_packed = true};
    while (get_field(&t, &id, &type)) {
        int64_t *to = id == 1 ? &out->type : id == 2 ? &out->size : id == 3 ? &out->packed : NULL;
        if (to)
            *to = int_field(&t, type);
        else if ((id == 5 || id == 7 || id == 8) && type == T_STRUCT)
            get_page_part(&t, id, out);
        else
            skip(&t, type, 0);
    }
    if (t.why) return t.why;
    out->header_bytes = t.pos;
    bool bad = out->size < 0 || out->packed < 0 || out->def_bytes < 0 || out->rep_bytes < 0 ||
               (out->type != PQ_INDEX_PAGE && out->n_values < 0);
    return bad ? malformed : NULL;
}
