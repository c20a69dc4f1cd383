/*
 * pickle.c: a pickle is a program for a stack machine that can import and call anything. This is
 * the part of that machine that makes plain data: strings, numbers, None, booleans, lists, tuples
 * and dicts, of protocols 2 to 5 as pickle.dumps writes them, and the memo that names parts of
 * them. GLOBAL, REDUCE, BUILD, INST, OBJ, NEWOBJ, EXT and PERSID have no meaning here: they are
 * refused by name before anything comes of them.
 *
 * Values are numbers into one array. A list that holds itself, and a value that is named a million
 * times, cost no more than what is written, which is bounded in depth and bytes.
 */
#include "task/pickle.h"

enum { MAX_DEPTH = 16, MAX_VALUES = 1 << 24, MAX_BYTES = 1 << 30 };
/* What is named again and again may grow by this much: dumps names keys, not texts. */
enum { MAX_GROWTH = 64, SMALL_BYTES = 1 << 16 };

typedef enum { V_NONE, V_BOOL, V_INT, V_REAL, V_TEXT, V_LIST, V_DICT, V_MARK } kind;

typedef struct value {
    kind kind;
    int64_t whole;
    double real;
    rn_bytes text;         /* within the pickle */
    RN_VEC(uint32_t) item; /* LIST: values; DICT: key, value, key, ... */
} value;

typedef struct machine {
    rn_bytes s;
    size_t pos, op_at;
    RN_VEC(value) values;
    RN_VEC(uint32_t) stack;
    RN_VEC(uint32_t) memo; /* UINT32_MAX: nothing of that number */
    rn_err *err;
} machine;

static int bad(const machine *m, const char *what)
{
    return rn_fail(m->err, RN_EFORMAT, "holds a pickle that %s at byte %zu", what, m->op_at);
}

/* A little-endian number of n bytes. */
static int number(machine *m, size_t n, uint64_t *out)
{
    if (m->s.len - m->pos < n) return bad(m, "ends within an opcode");
    *out = 0;
    for (size_t i = 0; i < n; i++)
        *out |= (uint64_t)(unsigned char)m->s.data[m->pos + i] << (8 * i);
    m->pos += n;
    return 0;
}

static int push(machine *m, value v)
{
    if (m->values.n >= MAX_VALUES) return bad(m, "holds too many values");
    bool ok = rn_vec_push(&m->values, v) && rn_vec_push(&m->stack, (uint32_t)(m->values.n - 1));
    return ok ? 0 : rn_nomem(m->err, "pickle");
}

static int push_text(machine *m, size_t n_length)
{
    uint64_t n;
    int rc = number(m, n_length, &n);
    if (!rc && n > m->s.len - m->pos) rc = bad(m, "ends within a string");
    if (rc) return rc;
    value v = {.kind = V_TEXT, .text = {.data = m->s.data + m->pos, .len = (size_t)n}};
    m->pos += (size_t)n;
    return push(m, v);
}

static int push_whole(machine *m, size_t n_bytes, bool is_signed)
{
    uint64_t n;
    int rc = number(m, n_bytes, &n);
    return rc ? rc
              : push(m, (value){.kind = V_INT,
                                .whole = is_signed ? (int64_t)(int32_t)(uint32_t)n : (int64_t)n});
}

/* A double, most significant byte first. */
static int push_real(machine *m)
{
    uint64_t n, bits = 0;
    int rc = number(m, 8, &n);
    if (rc) return rc;
    for (int i = 0; i < 8; i++)
        bits = bits << 8 | (n >> (8 * i) & 0xFF);
    value v = {.kind = V_REAL};
    memcpy(&v.real, &bits, sizeof v.real);
    return push(m, v);
}

static int remember(machine *m, uint64_t at)
{
    if (m->stack.n == 0) return bad(m, "names what is not there");
    if (at > MAX_VALUES) return bad(m, "numbers its parts too high");
    while (m->memo.n <= at)
        if (!rn_vec_push(&m->memo, UINT32_MAX)) return rn_nomem(m->err, "pickle");
    m->memo.data[at] = m->stack.data[m->stack.n - 1];
    return 0;
}

static int recall(machine *m, size_t n_bytes)
{
    uint64_t at;
    int rc = number(m, n_bytes, &at);
    if (!rc && (at >= m->memo.n || m->memo.data[at] == UINT32_MAX))
        rc = bad(m, "asks for what it did not name");
    if (rc) return rc;
    return rn_vec_push(&m->stack, m->memo.data[at]) ? 0 : rn_nomem(m->err, "pickle");
}

/* The place behind the last mark; 0 with an error set when there is none. */
static size_t behind_mark(const machine *m)
{
    for (size_t i = m->stack.n; i > 0; i--)
        if (m->values.data[m->stack.data[i - 1]].kind == V_MARK) return i;
    return 0;
}

/* Moves what stands from `first` on into the container below it; `marked`: the mark goes, too. */
static int gather(machine *m, kind k, size_t first, bool marked)
{
    const size_t below = first - (size_t)marked;
    if (below == 0 || m->values.data[m->stack.data[below - 1]].kind != k)
        return bad(m, "fills what is not a container");
    value *to = &m->values.data[m->stack.data[below - 1]];
    if (k == V_DICT && (m->stack.n - first) % 2) return bad(m, "has a key without a value");
    for (size_t i = first; i < m->stack.n; i++) {
        if (k == V_DICT && (i - first) % 2 == 0 && m->values.data[m->stack.data[i]].kind != V_TEXT)
            return bad(m, "has a key that is not a string");
        if (!rn_vec_push(&to->item, m->stack.data[i])) return rn_nomem(m->err, "pickle");
    }
    m->stack.n = below;
    return 0;
}

/* A tuple of the n topmost values. */
static int tuple(machine *m, size_t n, bool marked)
{
    if (m->stack.n < n + (size_t)marked) return bad(m, "takes more than there is");
    value v = {.kind = V_LIST};
    for (size_t i = m->stack.n - n; i < m->stack.n; i++)
        (void)rn_vec_push(&v.item, m->stack.data[i]);
    m->stack.n -= n + (size_t)marked;
    int rc = rn_vec_ok(&v.item) ? push(m, v) : rn_nomem(m->err, "pickle");
    if (rc) rn_vec_free(&v.item);
    return rc;
}

static int refuse(const machine *m, unsigned char op)
{
    static const struct {
        unsigned char op;
        const char *name;
    } names[] = {{'c', "GLOBAL"},   {0x93, "STACK_GLOBAL"}, {'R', "REDUCE"},  {'b', "BUILD"},
                 {'i', "INST"},     {'o', "OBJ"},           {0x81, "NEWOBJ"}, {0x92, "NEWOBJ_EX"},
                 {0x82, "EXT1"},    {0x83, "EXT2"},         {0x84, "EXT4"},   {'P', "PERSID"},
                 {'Q', "BINPERSID"}};
    char what[96];
    const char *name = "no plain data of protocols 2 to 5";
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].op == op) name = names[i].name;
    snprintf(what, sizeof what, "asks for more than data, and is refused (opcode 0x%02X, %s)", op,
             name);
    return bad(m, what);
}

/* One opcode; 1: the end. */
static int step(machine *m)
{
    uint64_t n;
    m->op_at = m->pos;
    const unsigned char op = (unsigned char)m->s.data[m->pos++];
    const size_t top = m->stack.n;
    size_t mark;
    int rc;
    switch (op) {
    case 0x80: return number(m, 1, &n);                             /* PROTO */
    case 0x95: return number(m, 8, &n);                             /* FRAME */
    case 0x94: return remember(m, m->memo.n);                       /* MEMOIZE */
    case 'q': return (rc = number(m, 1, &n)) ? rc : remember(m, n); /* BINPUT */
    case 'r': return (rc = number(m, 4, &n)) ? rc : remember(m, n); /* LONG_BINPUT */
    case 'h': return recall(m, 1);                                  /* BINGET */
    case 'j': return recall(m, 4);                                  /* LONG_BINGET */
    case 0x8C: return push_text(m, 1);                              /* SHORT_BINUNICODE */
    case 'X': return push_text(m, 4);                               /* BINUNICODE */
    case 0x8D: return push_text(m, 8);                              /* BINUNICODE8 */
    case 'K': return push_whole(m, 1, false);                       /* BININT1 */
    case 'M': return push_whole(m, 2, false);                       /* BININT2 */
    case 'J': return push_whole(m, 4, true);                        /* BININT */
    case 'G': return push_real(m);                                  /* BINFLOAT */
    case 'N': return push(m, (value){.kind = V_NONE});
    case 0x88:
    case 0x89: return push(m, (value){.kind = V_BOOL, .whole = op == 0x88});
    case ']': return push(m, (value){.kind = V_LIST});
    case '}': return push(m, (value){.kind = V_DICT});
    case ')': return push(m, (value){.kind = V_LIST});
    case '(': return push(m, (value){.kind = V_MARK});
    case 'a':
        return top < 2 ? bad(m, "takes more than there is") : gather(m, V_LIST, top - 1, false);
    case 's':
        return top < 3 ? bad(m, "takes more than there is") : gather(m, V_DICT, top - 2, false);
    case 'e':
        return (mark = behind_mark(m)) ? gather(m, V_LIST, mark, true) : bad(m, "has no mark");
    case 'u':
        return (mark = behind_mark(m)) ? gather(m, V_DICT, mark, true) : bad(m, "has no mark");
    case 't': return (mark = behind_mark(m)) ? tuple(m, top - mark, true) : bad(m, "has no mark");
    case 0x85:
    case 0x86:
    case 0x87: return tuple(m, (size_t)(op - 0x84), false); /* TUPLE1 to TUPLE3 */
    case '.': return 1;
    default: return refuse(m, op);
    }
}

static int write_json(const machine *m, uint32_t at, int depth, rn_buf *out)
{
    const value *v = &m->values.data[at];
    if (depth > MAX_DEPTH) return bad(m, "holds itself, or is nested too deep, and ends");
    if (out->len > MAX_BYTES || out->len > MAX_GROWTH * m->s.len + SMALL_BYTES)
        return bad(m, "is too large, and ends");
    const char *const ends = v->kind == V_LIST ? "[]" : "{}";
    int rc = 0;
    switch (v->kind) {
    case V_NONE: rn_buf_puts(out, "null"); break;
    case V_BOOL: rn_buf_puts(out, v->whole ? "true" : "false"); break;
    case V_INT: rn_buf_printf(out, "%" PRId64, v->whole); break;
    case V_REAL: rn_buf_printf(out, "%.17g", v->real); break;
    case V_TEXT: rn_buf_json(out, v->text); break;
    case V_MARK: return bad(m, "ends at a mark");
    case V_LIST:
    case V_DICT:
        rn_buf_putc(out, ends[0]);
        for (size_t i = 0; i < v->item.n && !rc; i++) {
            if (i) rn_buf_putc(out, v->kind == V_DICT && i % 2 ? ':' : ',');
            rc = write_json(m, v->item.data[i], depth + 1, out);
        }
        rn_buf_putc(out, ends[1]);
    }
    return rc;
}

int rn_pickle_data(rn_bytes pickle, rn_buf *out, bool *is_text, rn_err *err)
{
    machine m = {.s = pickle, .err = err};
    int rc = 0;
    while (!rc && m.pos < pickle.len)
        rc = step(&m);
    if (rc == 0) rc = bad(&m, "does not end");
    if (rc == 1 && m.stack.n != 1) rc = bad(&m, "ends with more or less than one value");
    if (rc == 1) {
        const value *top = &m.values.data[m.stack.data[0]];
        *is_text = top->kind == V_TEXT;
        if (*is_text) rn_buf_add(out, top->text.data, top->text.len);
        rc = *is_text ? 0 : write_json(&m, m.stack.data[0], 0, out);
    }
    for (size_t i = 0; i < m.values.n; i++)
        rn_vec_free(&m.values.data[i].item);
    rn_vec_free(&m.values);
    rn_vec_free(&m.stack);
    rn_vec_free(&m.memo);
    return rc;
}
