/*
 * host_calls.c: tests that are calls of one function in one process, as evalplus runs them: the
 * program once, then the entry point with each case's arguments, what it returns compared with what
 * the reference returned. And that reference's run, which writes down what comes back.
 *
 * Arguments and values are typed JSON (docs/FORMATS.md), read here in C before the program runs.
 * The comparison is evalplus': ==, else within atol where one is given or, from the first float
 * that is expected on, 1e-6; and the rules of single problems (host_plus.py).
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "judge/host.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/vec.h"

#include <stdlib.h>
#include <unistd.h>

enum { MAX_DEPTH = 200, MANY_DIGITS = 4000, LARGE_BYTES = 1 << 14 };

typedef struct digest {
    uint8_t sha[RN_SHA256_BYTES];
} digest;

static const char digest_name[] = "digest"; /* of a capsule that stands for a large value */

/* ---- typed JSON to values -------------------------------------------------------------------- */

static PyObject *typed(PyObject *v);

/* Each entry of a list, in place; a new reference to it, or NULL. Takes `list`. */
static PyObject *typed_entries(PyObject *list)
{
    for (Py_ssize_t i = 0; PyList_Check(list) && i < PyList_GET_SIZE(list); i++) {
        PyObject *v = typed(Py_NewRef(PyList_GET_ITEM(list, i)));
        if (!v || PyList_SetItem(list, i, v)) {
            Py_DECREF(list);
            return NULL;
        }
    }
    return list;
}

static PyObject *dict_of(PyObject *list)
{
    PyObject *d = PyDict_New();
    for (Py_ssize_t i = 0; d && i + 1 < PyList_GET_SIZE(list); i += 2)
        if (PyDict_SetItem(d, PyList_GET_ITEM(list, i), PyList_GET_ITEM(list, i + 1))) Py_CLEAR(d);
    return d;
}

/* From text, or complex from its two parts. */
static PyObject *number_of(char tag, PyObject *v)
{
    if (tag == 'x') return PyObject_CallFunction((PyObject *)&PyLong_Type, "Oi", v, 16);
    if (tag == 'f') return PyObject_CallOneArg((PyObject *)&PyFloat_Type, v);
    if (!PyList_Check(v)) return PyObject_CallOneArg((PyObject *)&PyComplex_Type, v);
    Py_complex c = {0};
    if (PyList_GET_SIZE(v) != 2) return NULL;
    c.real = PyFloat_AsDouble(PyList_GET_ITEM(v, 0));
    c.imag = PyFloat_AsDouble(PyList_GET_ITEM(v, 1));
    return PyErr_Occurred() ? NULL : PyComplex_FromCComplex(c);
}

static PyObject *bytes_of(PyObject *hex)
{
    return PyObject_CallMethod((PyObject *)&PyBytes_Type, "fromhex", "O", hex);
}

/* A value with a tag: {"t": [...]}. */
static PyObject *tagged(PyObject *d)
{
    PyObject *key, *content, *v = NULL;
    Py_ssize_t pos = 0;
    if (PyDict_GET_SIZE(d) != 1 || !PyDict_Next(d, &pos, &key, &content) ||
        PyUnicode_GET_LENGTH(key) != 1) {
        PyErr_SetString(PyExc_ValueError, "an object that is not a tagged value");
        return NULL;
    }
    const char tag = (char)PyUnicode_READ_CHAR(key, 0);
    content = typed_entries(Py_NewRef(content));
    if (!content) return NULL;
    const bool list = PyList_Check(content);
    if (strchr("xfc", tag))
        v = number_of(tag, content);
    else if (tag == 'b')
        v = bytes_of(content);
    else if (list && tag == 't')
        v = PyList_AsTuple(content);
    else if (list && tag == 's')
        v = PySet_New(content);
    else if (list && tag == 'z')
        v = PyFrozenSet_New(content);
    else if (list && tag == 'd')
        v = dict_of(content);
    if (!v && !PyErr_Occurred()) PyErr_SetString(PyExc_ValueError, "an unknown tag of a value");
    Py_DECREF(content);
    return v;
}

/* Takes v. */
static PyObject *typed(PyObject *v)
{
    if (!v || PyList_Check(v)) return v ? typed_entries(v) : NULL;
    if (!PyDict_Check(v)) return v;
    PyObject *made = tagged(v);
    Py_DECREF(v);
    return made;
}

/* {"h": "..."}: a value that is known by its digest alone, at the top. */
static PyObject *digest_of_text(rn_bytes text)
{
    const size_t n = 2 * RN_SHA256_BYTES;
    char *hex = text.len == n + 8 ? malloc(n + 1) : NULL;
    if (!hex) return PyErr_NoMemory();
    memcpy(hex, text.data + 6, n);
    hex[n] = '\0';
    return PyCapsule_New(hex, digest_name, NULL);
}

void *rn_calls_value(rn_bytes text)
{
    if (rn_bytes_starts(text, "{\"h\":\"")) return digest_of_text(text);
    return typed(rn_hostjson_parse(text));
}

void *rn_calls_arguments(rn_bytes text)
{
    PyObject *list = rn_calls_value(text);
    if (list && !PyList_Check(list)) {
        PyErr_SetString(PyExc_ValueError, "arguments that are not an array");
        Py_CLEAR(list);
    }
    PyObject *tuple = list ? PyList_AsTuple(list) : NULL;
    Py_XDECREF(list);
    return tuple;
}

/* ---- values to typed JSON -------------------------------------------------------------------- */

static bool put(rn_buf *b, PyObject *v, int depth);

static bool put_items(rn_buf *b, const char *open, PyObject *items, const char *close, int depth)
{
    PyObject *it = PyObject_GetIter(items), *x;
    bool ok = it != NULL;
    rn_buf_puts(b, open);
    for (int n = 0; ok && (x = PyIter_Next(it)) != NULL; n++) {
        if (n) rn_buf_putc(b, ',');
        ok = put(b, x, depth + 1);
        Py_DECREF(x);
    }
    Py_XDECREF(it);
    rn_buf_puts(b, close);
    return ok && !PyErr_Occurred();
}

static bool put_dict(rn_buf *b, PyObject *d, int depth)
{
    PyObject *key, *value;
    Py_ssize_t pos = 0;
    rn_buf_puts(b, "{\"d\":[");
    for (int n = 0; PyDict_Next(d, &pos, &key, &value); n++) {
        if (n) rn_buf_putc(b, ',');
        if (!put(b, key, depth + 1)) return false;
        rn_buf_putc(b, ',');
        if (!put(b, value, depth + 1)) return false;
    }
    rn_buf_puts(b, "]}");
    return true;
}

static bool put_real(rn_buf *b, double x)
{
    char *text =
        x != x || x - x != 0 ? NULL : PyOS_double_to_string(x, 'r', 0, Py_DTSF_ADD_DOT_0, NULL);
    rn_buf_puts(b, text ? text : x != x ? "NaN" : x > 0 ? "Infinity" : "-Infinity");
    PyMem_Free(text);
    return true;
}

/* In base 10 for eyes; long ones in base 16, which Python puts no limit on. */
static bool put_int(rn_buf *b, PyObject *v)
{
    const bool large = _PyLong_NumBits(v) > 3 * MANY_DIGITS;
    PyObject *text = PyNumber_ToBase(v, large ? 16 : 10);
    const char *s = text ? PyUnicode_AsUTF8(text) : NULL;
    if (s) rn_buf_printf(b, large ? "{\"x\":\"%s\"}" : "%s", s);
    Py_XDECREF(text);
    return s != NULL;
}

static bool put_str(rn_buf *b, PyObject *v)
{
    Py_ssize_t len = 0;
    const char *s = PyUnicode_AsUTF8AndSize(v, &len);
    if (s) rn_buf_json(b, (rn_bytes){.data = s, .len = (size_t)len});
    return s != NULL; /* a lone surrogate: not kept */
}

static bool put_bytes(rn_buf *b, PyObject *v)
{
    PyObject *hex = PyObject_CallMethod(v, "hex", NULL);
    const char *s = hex ? PyUnicode_AsUTF8(hex) : NULL;
    if (s) rn_buf_printf(b, "{\"b\":\"%s\"}", s);
    Py_XDECREF(hex);
    return s != NULL;
}

static bool put(rn_buf *b, PyObject *v, int depth)
{
    if (depth > MAX_DEPTH) return false;
    if (v == Py_None || PyBool_Check(v)) {
        rn_buf_puts(b, v == Py_None ? "null" : v == Py_True ? "true" : "false");
        return true;
    }
    if (PyLong_CheckExact(v)) return put_int(b, v);
    if (PyFloat_CheckExact(v)) return put_real(b, PyFloat_AS_DOUBLE(v));
    if (PyUnicode_CheckExact(v)) return put_str(b, v);
    if (PyList_CheckExact(v)) return put_items(b, "[", v, "]", depth);
    if (PyTuple_CheckExact(v)) return put_items(b, "{\"t\":[", v, "]}", depth);
    if (PySet_CheckExact(v)) return put_items(b, "{\"s\":[", v, "]}", depth);
    if (PyFrozenSet_CheckExact(v)) return put_items(b, "{\"z\":[", v, "]}", depth);
    /* Counters and the like: they equal a dictionary of the same content. */
    if (PyDict_Check(v)) return put_dict(b, v, depth);
    if (PyBytes_CheckExact(v)) return put_bytes(b, v);
    if (!PyComplex_CheckExact(v)) return false;
    const Py_complex c = ((PyComplexObject *)v)->cval;
    rn_buf_puts(b, "{\"c\":[");
    put_real(b, c.real);
    rn_buf_putc(b, ',');
    put_real(b, c.imag);
    rn_buf_puts(b, "]}");
    return true;
}

/* ---- values by their digest ------------------------------------------------------------------ */

/* Values are large and their parts small: these are collected. */
typedef struct sink {
    rn_sha256 *h;
    size_t n;
    char part[1024];
} sink;

static bool hash_value(sink *h, PyObject *v, int depth);

static void flush(sink *h)
{
    rn_sha256_add(h->h, h->part, h->n);
    h->n = 0;
}

static void hash_bytes(sink *h, const void *data, size_t len)
{
    if (len > sizeof h->part - h->n) flush(h);
    if (len > sizeof h->part) {
        rn_sha256_add(h->h, data, len);
        return;
    }
    if (len) memcpy(h->part + h->n, data, len);
    h->n += len;
}

static void finish(sink *h, uint8_t out[RN_SHA256_BYTES])
{
    flush(h);
    rn_sha256_done(h->h, out);
}

/* The digits of v before `end`; where they begin. */
static char *digits(unsigned long long v, unsigned base, char *end)
{
    do
        *--end = "0123456789abcdef"[v % base];
    while (v /= base);
    return end;
}

static void hash_sized(sink *h, char kind, const void *data, size_t len)
{
    char head[32], *const end = head + sizeof head;
    head[sizeof head - 1] = ':';
    char *begin = digits(len, 10, end - 1);
    *--begin = kind;
    hash_bytes(h, begin, (size_t)(end - begin));
    hash_bytes(h, data, len);
}

static bool hash_int(sink *h, PyObject *v)
{
    int overflow = 0;
    const long long small = PyLong_AsLongLongAndOverflow(v, &overflow);
    char text[32], *const end = text + sizeof text;
    if (!overflow) {
        const char *begin = digits((unsigned long long)small, 16, end);
        hash_sized(h, 'i', begin, (size_t)(end - begin));
        return true;
    }
    PyObject *hex = PyNumber_ToBase(v, 16);
    const char *s = hex ? PyUnicode_AsUTF8(hex) : NULL;
    if (s) hash_sized(h, 'I', s, strlen(s));
    Py_XDECREF(hex);
    return s != NULL;
}

static bool hash_real(sink *h, double x)
{
    PyObject *whole = x - x == 0 && x == (double)(long long)x ? PyLong_FromDouble(x) : NULL;
    const bool ok = !whole || hash_int(h, whole); /* 1.0 == 1 */
    if (!whole) hash_sized(h, 'f', &x, sizeof x);
    Py_XDECREF(whole);
    return ok && x == x; /* NaN equals nothing */
}

static int by_bytes(const void *a, const void *b)
{
    return memcmp(a, b, RN_SHA256_BYTES);
}

/* Sets and dictionaries: the digests of their members, sorted. */
static bool hash_unordered(sink *h, PyObject *v, int depth)
{
    const bool dict = PyDict_Check(v);
    PyObject *it = PyObject_GetIter(v), *key;
    RN_VEC(digest) members = {0};
    bool ok = it != NULL;
    while (ok && (key = PyIter_Next(it)) != NULL) {
        sink one = {.h = rn_sha256_new()};
        PyObject *value = dict ? PyDict_GetItemWithError(v, key) : NULL;
        ok = one.h && hash_value(&one, key, depth + 1) &&
             (!dict || (value && hash_value(&one, value, depth + 1)));
        ok = ok && rn_vec_room(&members, 1);
        if (ok) finish(&one, members.data[members.n++].sha);
        rn_sha256_free(one.h);
        Py_DECREF(key);
    }
    Py_XDECREF(it);
    if (ok && members.n) qsort(members.data, members.n, sizeof *members.data, by_bytes);
    hash_sized(h, dict ? 'd' : 's', members.data, members.n * sizeof *members.data);
    rn_vec_free(&members);
    return ok;
}

/* Equal values have equal digests, as Python's == finds them. False: no data. */
static bool hash_value(sink *h, PyObject *v, int depth)
{
    Py_ssize_t n = 0;
    if (depth > MAX_DEPTH) return false;
    if (v == Py_None) {
        hash_bytes(h, "n", 1);
        return true;
    }
    if (PyLong_Check(v)) return hash_int(h, v);
    if (PyFloat_Check(v)) return hash_real(h, PyFloat_AS_DOUBLE(v));
    if (PyUnicode_Check(v)) {
        const char *s = PyUnicode_AsUTF8AndSize(v, &n);
        if (s) hash_sized(h, 't', s, (size_t)n);
        return s != NULL;
    }
    if (PyBytes_Check(v)) {
        hash_sized(h, 'b', PyBytes_AS_STRING(v), (size_t)PyBytes_GET_SIZE(v));
        return true;
    }
    if (PyDict_Check(v) || PyAnySet_Check(v)) return hash_unordered(h, v, depth);
    if (!PyList_Check(v) && !PyTuple_Check(v)) return false;
    n = PySequence_Fast_GET_SIZE(v);
    hash_sized(h, PyList_Check(v) ? '[' : '(', &n, sizeof n);
    for (Py_ssize_t i = 0; i < n; i++)
        if (!hash_value(h, PySequence_Fast_GET_ITEM(v, i), depth + 1)) return false;
    return true;
}

static bool digest_of(PyObject *v, char hex[2 * RN_SHA256_BYTES + 1])
{
    sink h = {.h = rn_sha256_new()};
    uint8_t sha[RN_SHA256_BYTES];
    const bool ok = h.h && hash_value(&h, v, 0);
    PyErr_Clear();
    if (ok) finish(&h, sha);
    rn_sha256_free(h.h);
    if (ok) rn_sha256_hex(sha, hex);
    return ok;
}

/* Whether the value's text has about `bytes` or more. */
static bool is_large(PyObject *v, Py_ssize_t bytes)
{
    static Py_ssize_t left;
    if (bytes > 0) left = bytes;
    left -= PyUnicode_Check(v) ? PyUnicode_GET_LENGTH(v)
            : PyLong_Check(v)  ? (Py_ssize_t)(_PyLong_NumBits(v) / 3 + 1)
                               : 4;
    if (PyDict_Check(v)) {
        PyObject *key, *value;
        for (Py_ssize_t pos = 0; left > 0 && PyDict_Next(v, &pos, &key, &value);)
            if (is_large(key, 0) || is_large(value, 0)) break;
    } else if (PyAnySet_Check(v)) {
        left -= 8 * PySet_GET_SIZE(v);
    } else if (PyList_Check(v) || PyTuple_Check(v)) {
        for (Py_ssize_t i = 0; left > 0 && i < PySequence_Fast_GET_SIZE(v); i++)
            if (is_large(PySequence_Fast_GET_ITEM(v, i), 0)) break;
    }
    return left <= 0;
}

/* ---- the comparison -------------------------------------------------------------------------- */

static bool is_floats(PyObject *v)
{
    if (PyFloat_Check(v)) return true;
    if (!PyList_Check(v) && !PyTuple_Check(v)) return false;
    const Py_ssize_t n = PySequence_Fast_GET_SIZE(v);
    for (Py_ssize_t i = 0; i < n; i++)
        if (!PyFloat_Check(PySequence_Fast_GET_ITEM(v, i))) return false;
    return n > 0;
}

static bool truth(PyObject *v)
{
    const bool yes = v && PyObject_IsTrue(v) == 1;
    PyErr_Clear();
    Py_XDECREF(v);
    return yes;
}

bool rn_calls_special(const rn_judge_job *job)
{
    return job->oracle != RN_CALLS_PLAIN &&
           truth(
               rn_apart_call("plus_special", Py_BuildValue("(iz)", (int)job->oracle, job->entry)));
}

bool rn_calls_agree(const rn_judge_job *job, void *args, void *got, void *want, double *atol)
{
    PyObject *out = got, *exp = want;
    bool equal;
    if (PyCapsule_IsValid(exp, digest_name)) {
        char hex[2 * RN_SHA256_BYTES + 1];
        return digest_of(out, hex) && strcmp(hex, PyCapsule_GetPointer(exp, digest_name)) == 0;
    }
    if (rn_calls_special(job)) {
        PyObject *v =
            rn_apart_call("plus_equal", Py_BuildValue("(izOOOd)", (int)job->oracle, job->entry,
                                                      (PyObject *)args, out, exp, *atol));
        if (v == Py_None) return true;
        if (!v) {
            PyErr_Clear();
            return false;
        }
        equal = truth(v);
        if (job->oracle == RN_CALLS_HUMANEVAL) return equal;
    } else {
        PyObject *v = PyObject_RichCompare(out, exp, Py_EQ);
        int yes = v ? PyObject_IsTrue(v) : -1;
        Py_XDECREF(v);
        if (yes < 0) { /* its == failed */
            PyErr_Clear();
            return false;
        }
        equal = yes;
    }
    if (*atol == 0 && is_floats(exp)) *atol = 1e-6;
    if (equal || *atol == 0) return equal;
    return truth(rn_apart_call("plus_close", Py_BuildValue("(OOd)", out, exp, *atol)));
}

/* ---- a reference's run ----------------------------------------------------------------------- */

/* Large values by their digest, where only == is asked of them. */
static bool put_value(const rn_judge_job *job, PyObject *v, rn_buf *out)
{
    const bool special = rn_calls_special(job);
    char hex[2 * RN_SHA256_BYTES + 1];
    const size_t mark = out->len;
    const bool whole = special || job->atol > 0 || is_floats(v) || !is_large(v, LARGE_BYTES);
    if (whole && (!put(out, v, 0) || PyErr_Occurred())) return false;
    if (whole) return true;
    out->len = mark;
    if (!digest_of(v, hex)) return put(out, v, 0);
    rn_buf_printf(out, "{\"h\":\"%s\"}", hex);
    return true;
}

/* One line a case: SECONDS, a tab, the value; or "!", a tab, why there is none. */
static void put_outcome(const rn_judge_job *job, PyObject *got, double seconds, rn_buf *out)
{
    PyObject *kept =
        got ? rn_apart_call("plus_kept", Py_BuildValue("(izO)", (int)job->oracle, job->entry, got))
            : NULL;
    const size_t mark = out->len;
    rn_buf_printf(out, "%.9f\t", seconds);
    if (!kept || !put_value(job, kept, out)) {
        PyObject *type, *value, *tb;
        PyErr_Fetch(&type, &value, &tb);
        PyObject *text = value ? PyObject_Str(value) : NULL;
        const char *s = text ? PyUnicode_AsUTF8(text) : NULL;
        out->len = mark;
        if (got)
            rn_buf_printf(out, "!\ta value of type %s cannot be kept", Py_TYPE(got)->tp_name);
        else
            rn_buf_printf(out, "!\t%s%s%.150s", type ? ((PyTypeObject *)type)->tp_name : "failed",
                          s ? ": " : "", s ? s : "");
        for (char *c = out->data + mark; c && *c; c++)
            if (*c == '\n' || (*c == '\t' && c > out->data + mark + 1)) *c = ' ';
        PyErr_Clear();
    }
    rn_buf_putc(out, '\n');
    Py_XDECREF(kept);
}

bool rn_calls_record(const rn_judge_job *job, void *f)
{
    rn_buf out = {0};
    PySys_SetObject("stdout", Py_None); /* what it prints is no value */
    for (size_t i = 0; i < job->n_cases; i++) {
        PyObject *args = rn_calls_arguments(job->cases[i].input);
        const int64_t begin = rn_now_ns();
        PyObject *got = args ? PyObject_CallObject(f, args) : NULL;
        put_outcome(job, got, (double)(rn_now_ns() - begin) / 1e9, &out);
        Py_XDECREF(got);
        Py_XDECREF(args);
    }
    bool ok = rn_buf_ok(&out);
    for (size_t at = 0; ok && at < out.len;) {
        ssize_t n = write(1, out.data + at, out.len - at);
        ok = n > 0;
        at += ok ? (size_t)n : 0;
    }
    rn_buf_free(&out);
    return ok;
}
