/*
 * host_json.c: JSON text to Python values and the comparison of a function's return value with the
 * expected one, both in C. Python's json module belongs to the judged program; this does not.
 *
 * The comparison looks at the real content of built-in types (and of subclasses of them). A value
 * of another type is asked itself; where the program could have made that type, the pass is
 * confirmed in another process, with a copy of the value (host_confirm.c).
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "judge/host.h"

#include <math.h>

enum { MAX_DEPTH = 200 };

typedef struct cursor {
    const char *p, *end;
    int depth;
} cursor;

static PyObject *parse_value(cursor *c);

static PyObject *bad(const char *what)
{
    PyErr_Format(PyExc_ValueError, "test case is not JSON: %s", what);
    return NULL;
}

static void skip_blanks(cursor *c)
{
    while (c->p < c->end && (*c->p == ' ' || *c->p == '\t' || *c->p == '\n' || *c->p == '\r'))
        c->p++;
}

static bool accept(cursor *c, char ch)
{
    skip_blanks(c);
    if (c->p == c->end || *c->p != ch) return false;
    c->p++;
    return true;
}

/* Four hexadecimal digits; -1 if they are not. */
static long parse_hex4(cursor *c)
{
    if (c->end - c->p < 4) return -1;
    long v = 0;
    for (int i = 0; i < 4; i++) {
        char ch = *c->p++;
        int d = ch >= '0' && ch <= '9'   ? ch - '0'
                : ch >= 'a' && ch <= 'f' ? ch - 'a' + 10
                : ch >= 'A' && ch <= 'F' ? ch - 'A' + 10
                                         : -1;
        if (d < 0) return -1;
        v = v * 16 + d;
    }
    return v;
}

static void put_utf8(rn_buf *b, long u)
{
    if (u < 0x80) {
        rn_buf_putc(b, (char)u);
    } else if (u < 0x800) {
        rn_buf_putc(b, (char)(0xc0 | u >> 6));
        rn_buf_putc(b, (char)(0x80 | (u & 63)));
    } else if (u < 0x10000) {
        rn_buf_putc(b, (char)(0xe0 | u >> 12));
        rn_buf_putc(b, (char)(0x80 | (u >> 6 & 63)));
        rn_buf_putc(b, (char)(0x80 | (u & 63)));
    } else {
        rn_buf_putc(b, (char)(0xf0 | u >> 18));
        rn_buf_putc(b, (char)(0x80 | (u >> 12 & 63)));
        rn_buf_putc(b, (char)(0x80 | (u >> 6 & 63)));
        rn_buf_putc(b, (char)(0x80 | (u & 63)));
    }
}

/* After the backslash. Lone surrogates are kept ("surrogatepass"), as Python's json does. */
static bool parse_escape(cursor *c, rn_buf *b)
{
    if (c->p == c->end) return false;
    char ch = *c->p++;
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    const char *at = ch ? strchr(from, ch) : NULL;
    if (at) {
        rn_buf_putc(b, to[at - from]);
        return true;
    }
    if (ch != 'u') return false;
    long u = parse_hex4(c);
    if (u < 0) return false;
    if (u >= 0xd800 && u < 0xdc00 && c->end - c->p >= 6 && c->p[0] == '\\' && c->p[1] == 'u') {
        cursor ahead = {.p = c->p + 2, .end = c->end};
        long low = parse_hex4(&ahead);
        if (low >= 0xdc00 && low < 0xe000) {
            u = 0x10000 + ((u - 0xd800) << 10) + (low - 0xdc00);
            c->p = ahead.p;
        }
    }
    put_utf8(b, u);
    return true;
}

static PyObject *parse_string(cursor *c)
{
    rn_buf b = {0};
    bool ok = true;
    while (ok) {
        if (c->p == c->end) {
            ok = false;
            break;
        }
        char ch = *c->p++;
        if (ch == '"') break;
        if (ch == '\\')
            ok = parse_escape(c, &b);
        else
            rn_buf_putc(&b, ch);
    }
    PyObject *s = NULL;
    if (!ok || !rn_buf_ok(&b))
        bad("string");
    else
        s = PyUnicode_DecodeUTF8(b.data ? b.data : "", (Py_ssize_t)b.len, "surrogatepass");
    rn_buf_free(&b);
    return s;
}

static PyObject *parse_number(cursor *c)
{
    char text[64];
    const char *start = c->p;
    bool real = false;
    while (c->p < c->end && strchr("+-0123456789.eE", *c->p) && *c->p) {
        if (*c->p == '.' || *c->p == 'e' || *c->p == 'E') real = true;
        c->p++;
    }
    size_t len = (size_t)(c->p - start);
    char *copy = len < sizeof text ? text : PyMem_Malloc(len + 1);
    if (len == 0 || !copy) return len ? PyErr_NoMemory() : bad("unexpected character");
    memcpy(copy, start, len);
    copy[len] = '\0';
    PyObject *v = NULL;
    if (real) {
        double d = PyOS_string_to_double(copy, NULL, NULL);
        if (!(d == -1.0 && PyErr_Occurred())) v = PyFloat_FromDouble(d);
    } else {
        v = PyLong_FromString(copy, NULL, 10);
    }
    if (copy != text) PyMem_Free(copy);
    return v;
}

static PyObject *parse_array(cursor *c)
{
    PyObject *list = PyList_New(0);
    if (!list || accept(c, ']')) return list;
    do {
        PyObject *v = parse_value(c);
        int rc = v ? PyList_Append(list, v) : -1;
        Py_XDECREF(v);
        if (rc) {
            Py_DECREF(list);
            return NULL;
        }
    } while (accept(c, ','));
    if (accept(c, ']')) return list;
    Py_DECREF(list);
    return bad("array");
}

static PyObject *parse_object(cursor *c)
{
    PyObject *dict = PyDict_New();
    if (!dict || accept(c, '}')) return dict;
    do {
        PyObject *key = accept(c, '"') ? parse_string(c) : NULL;
        PyObject *v = key && accept(c, ':') ? parse_value(c) : NULL;
        int rc = v ? PyDict_SetItem(dict, key, v) : -1;
        Py_XDECREF(key);
        Py_XDECREF(v);
        if (rc) {
            Py_DECREF(dict);
            return PyErr_Occurred() ? NULL : bad("object");
        }
    } while (accept(c, ','));
    if (accept(c, '}')) return dict;
    Py_DECREF(dict);
    return bad("object");
}

static PyObject *parse_word(cursor *c)
{
    static const struct {
        const char *word;
        int value;
    } words[] = {{"true", 0}, {"false", 1},    {"null", 2},
                 {"NaN", 3},  {"Infinity", 4}, {"-Infinity", 5}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t len = strlen(words[i].word);
        if ((size_t)(c->end - c->p) < len || memcmp(c->p, words[i].word, len) != 0) continue;
        c->p += len;
        switch (words[i].value) {
        case 0: return Py_NewRef(Py_True);
        case 1: return Py_NewRef(Py_False);
        case 2: return Py_NewRef(Py_None);
        case 3: return PyFloat_FromDouble((double)NAN);
        case 4: return PyFloat_FromDouble((double)INFINITY);
        default: return PyFloat_FromDouble(-(double)INFINITY);
        }
    }
    return NULL;
}

static PyObject *parse_value(cursor *c)
{
    if (c->depth >= MAX_DEPTH) return bad("nested too deeply");
    skip_blanks(c);
    PyObject *word = parse_word(c);
    if (word || PyErr_Occurred()) return word;
    c->depth++;
    PyObject *v = accept(c, '[')   ? parse_array(c)
                  : accept(c, '{') ? parse_object(c)
                  : accept(c, '"') ? parse_string(c)
                                   : parse_number(c);
    c->depth--;
    return v;
}

void *rn_hostjson_parse(rn_bytes text)
{
    cursor c = {.p = text.data, .end = text.data + text.len};
    PyObject *v = text.len ? parse_value(&c) : bad("empty");
    skip_blanks(&c);
    if (!v || c.p == c.end) return v;
    Py_DECREF(v);
    return bad("text after the value");
}

/* ---- comparison ------------------------------------------------------------------------------ */

typedef struct rules {
    bool tuples; /* a tuple inside `got` equals a list of the same content */
} rules;

static bool same(PyObject *got, PyObject *want, const rules *r, int depth);

static bool is_number(PyObject *v)
{
    return PyLong_Check(v) || PyFloat_Check(v);
}

static bool same_sequence(PyObject *got, PyObject *want, const rules *r, int depth)
{
    Py_ssize_t n = PyList_GET_SIZE(want);
    if (Py_SIZE(got) != n) return false;
    for (Py_ssize_t i = 0; i < n; i++) {
        PyObject *g = PyList_Check(got) ? PyList_GET_ITEM(got, i) : PyTuple_GET_ITEM(got, i);
        if (!same(g, PyList_GET_ITEM(want, i), r, depth + 1)) return false;
    }
    return true;
}

static bool same_dict(PyObject *got, PyObject *want, const rules *r, int depth)
{
    if (PyDict_GET_SIZE(got) != PyDict_GET_SIZE(want)) return false;
    PyObject *key, *w;
    for (Py_ssize_t pos = 0; PyDict_Next(want, &pos, &key, &w);) {
        PyObject *g = PyDict_GetItemWithError(got, key);
        PyErr_Clear();
        if (!g || !same(g, w, r, depth + 1)) return false;
    }
    return true;
}

/* A value of a type that C does not know (numpy's numbers, the program's own). */
static bool same_foreign(PyObject *got, PyObject *want)
{
    PyObject *eq = PyObject_RichCompare(got, want, Py_EQ);
    int yes = eq ? PyObject_IsTrue(eq) : 0;
    Py_XDECREF(eq);
    PyErr_Clear();
    return yes == 1;
}

/* `want` comes from rn_hostjson_parse: exact built-in types only. */
static bool same(PyObject *got, PyObject *want, const rules *r, int depth)
{
    if (depth > MAX_DEPTH) return false;
    if (got == want) return !PyFloat_Check(want) || !isnan(PyFloat_AS_DOUBLE(want));
    if (PyList_Check(got) || (r->tuples && PyTuple_Check(got)))
        return PyList_Check(want) && same_sequence(got, want, r, depth);
    if (PyDict_Check(got)) return PyDict_Check(want) && same_dict(got, want, r, depth);
    if (PyUnicode_Check(got)) return PyUnicode_Check(want) && PyUnicode_Compare(got, want) == 0;
    if (is_number(got)) {
        if (!is_number(want)) return false;
        PyTypeObject *t = PyLong_Check(got) ? &PyLong_Type : &PyFloat_Type;
        PyObject *eq = t->tp_richcompare(got, want, Py_EQ);
        if (eq == Py_NotImplemented && PyFloat_Check(want)) {
            Py_DECREF(eq);
            eq = PyFloat_Type.tp_richcompare(want, got, Py_EQ);
        }
        bool yes = eq == Py_True;
        Py_XDECREF(eq);
        PyErr_Clear();
        return yes;
    }
    if (got == Py_None || PyTuple_Check(got) || PyBytes_Check(got) || PyAnySet_Check(got))
        return false;
    return same_foreign(got, want);
}

/* {"1": x} with the keys made integers, as APPS' checker does; a new reference, NULL if a key is no
 * integer. */
static PyObject *int_keys(PyObject *dict)
{
    PyObject *out = PyDict_New(), *key, *v;
    for (Py_ssize_t pos = 0; out && PyDict_Next(dict, &pos, &key, &v);) {
        PyObject *k = PyLong_FromUnicodeObject(key, 10);
        if (!k || PyDict_SetItem(out, k, v)) Py_CLEAR(out);
        Py_XDECREF(k);
    }
    PyErr_Clear();
    return out;
}

/* APPS: a dictionary becomes a list of one dictionary with integer keys, where that is possible. */
static PyObject *apps_expected(PyObject *want)
{
    PyObject *dict = PyDict_Check(want) ? want : NULL;
    if (!dict && PyList_Check(want) && PyList_GET_SIZE(want) > 0 &&
        PyDict_Check(PyList_GET_ITEM(want, 0)))
        dict = PyList_GET_ITEM(want, 0);
    PyObject *ints = dict ? int_keys(dict) : NULL;
    PyObject *list = ints ? Py_BuildValue("[O]", ints) : NULL;
    Py_XDECREF(ints);
    PyErr_Clear();
    return list ? list : Py_NewRef(want);
}

static bool agrees_apps(PyObject *got, PyObject *want)
{
    const rules plain = {0}, tuples = {.tuples = true};
    PyObject *w = apps_expected(want);
    PyObject *list = PyTuple_Check(got) ? PySequence_List(got) : Py_NewRef(got);
    PyObject *first = PyList_Check(w) && PyList_GET_SIZE(w) > 0 ? PyList_GET_ITEM(w, 0) : NULL;
    bool yes = list && (same(list, w, &plain, 0) || (first && same(list, first, &plain, 0)));
    if (!yes && list && first && PyList_Check(list) && PyList_GET_SIZE(list) > 0 &&
        PyTuple_Check(PyList_GET_ITEM(list, 0)))
        yes = same(list, first, &tuples, 0);
    PyErr_Clear();
    Py_XDECREF(list);
    Py_XDECREF(w);
    return yes;
}

bool rn_hostjson_agrees(void *got, rn_bytes expected, rn_compare cmp)
{
    PyObject *want = rn_hostjson_parse(expected);
    if (!want) {
        PyErr_Clear();
        return false;
    }
    bool yes;
    if (cmp == RN_COMPARE_APPS || cmp == RN_COMPARE_TACO) {
        yes = agrees_apps(got, want);
    } else if (cmp == RN_COMPARE_LIVECODEBENCH) { /* a tuple counts as the list of its items */
        const rules plain = {0};
        PyObject *list = PyTuple_Check(got) ? PySequence_List(got) : Py_NewRef(got);
        yes = list && same(list, want, &plain, 0);
        PyErr_Clear();
        Py_XDECREF(list);
    } else {
        const rules strict = {.tuples = true};
        yes = same(got, want, &strict, 0) || (PyList_Check(want) && PyList_GET_SIZE(want) == 1 &&
                                              same(got, PyList_GET_ITEM(want, 0), &strict, 0));
    }
    Py_DECREF(want);
    return yes;
}
