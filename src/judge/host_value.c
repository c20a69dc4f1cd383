/*
 * host_value.c: the value that a judged function returned, as a short name that is equal exactly
 * when the values are: a hash of its canonical text.
 *
 * Values are equal as Python's == finds them: 1, 1.0 and True are one number, sets and dictionaries
 * have no order, a list is no tuple. Beyond that, floats are compared by ten significant digits, so
 * that the order of a sum makes no difference, and NaN equals itself. As in host_json.c the real
 * content of built-in types (and of subclasses of them) is read, and no method of the program's is
 * called. What is no data (functions, iterators, objects), nested too deeply or too large has no
 * value here, only the name of its type.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "judge/host.h"

#include "base/rng.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { MAX_DEPTH = 100, MAX_TEXT = 1 << 20 };

typedef struct canon {
    rn_buf text;
    bool bad; /* no data, or over a limit */
} canon;

static void put(canon *c, PyObject *v, int depth);

static void put_text(canon *c, const void *data, size_t len)
{
    if (c->text.len + len > MAX_TEXT) c->bad = true;
    if (!c->bad) rn_buf_add(&c->text, data, len);
}

static void put_sized(canon *c, char kind, const void *data, size_t len)
{
    char head[32];
    int n = snprintf(head, sizeof head, "%c%zu:", kind, len);
    put_text(c, head, (size_t)n);
    put_text(c, data, len);
}

/* In base 16: time linear in the digits, and no limit on them. */
static void put_int(canon *c, PyObject *v)
{
    PyObject *text = PyNumber_ToBase(v, 16);
    Py_ssize_t len = 0;
    const char *s = text ? PyUnicode_AsUTF8AndSize(text, &len) : NULL;
    if (s)
        put_sized(c, 'i', s, (size_t)len);
    else
        c->bad = true;
    PyErr_Clear();
    Py_XDECREF(text);
}

static void put_real(canon *c, double x)
{
    char text[40];
    snprintf(text, sizeof text, "%.10g", x);
    double rounded = strtod(text, NULL);
    if (rounded == floor(rounded) && fabs(rounded) < 0x1p53) {
        PyObject *i = PyLong_FromDouble(rounded);
        if (i) put_int(c, i);
        Py_XDECREF(i);
        return;
    }
    if (isnan(x)) snprintf(text, sizeof text, "nan"); /* one of them, whatever its sign */
    put_sized(c, 'f', text, strlen(text));
}

static void put_str(canon *c, PyObject *v)
{
    PyObject *bytes = PyUnicode_AsEncodedString(v, "utf-8", "surrogatepass");
    if (bytes)
        put_sized(c, 's', PyBytes_AS_STRING(bytes), (size_t)PyBytes_GET_SIZE(bytes));
    else
        c->bad = true;
    PyErr_Clear();
    Py_XDECREF(bytes);
}

static void put_sequence(canon *c, PyObject *v, int depth)
{
    bool list = PyList_Check(v);
    put_text(c, list ? "[" : "(", 1);
    for (Py_ssize_t i = 0; !c->bad && i < Py_SIZE(v); i++)
        put(c, list ? PyList_GET_ITEM(v, i) : PyTuple_GET_ITEM(v, i), depth + 1);
    put_text(c, list ? "]" : ")", 1);
}

static int by_text(const void *a, const void *b)
{
    const rn_buf *x = a, *y = b;
    size_t n = x->len < y->len ? x->len : y->len;
    int d = n ? memcmp(x->data, y->data, n) : 0;
    return d ? d : (x->len > y->len) - (x->len < y->len);
}

/* The members in the order of their texts. */
static void put_sorted(canon *c, char kind, rn_buf *parts, size_t n)
{
    if (n) qsort(parts, n, sizeof *parts, by_text);
    put_text(c, &kind, 1);
    for (size_t i = 0; !c->bad && i < n; i++)
        put_text(c, parts[i].data, parts[i].len);
    put_text(c, "}", 1);
}

static void put_unordered(canon *c, PyObject *v, int depth)
{
    bool dict = PyDict_Check(v);
    size_t n = (size_t)(dict ? PyDict_GET_SIZE(v) : PySet_GET_SIZE(v)), i = 0;
    rn_buf *parts = n > MAX_TEXT ? NULL : calloc(n + 1, sizeof *parts);
    if (!parts) {
        c->bad = true;
        return;
    }
    PyObject *key, *value = NULL;
    Py_hash_t hash;
    Py_ssize_t pos = 0;
    size_t total = c->text.len;
    while (!c->bad && i < n &&
           (dict ? PyDict_Next(v, &pos, &key, &value) : _PySet_NextEntry(v, &pos, &key, &hash))) {
        canon one = {0};
        put(&one, key, depth + 1);
        if (dict) put(&one, value, depth + 1);
        total += one.text.len;
        c->bad = one.bad || !rn_buf_ok(&one.text) || total > MAX_TEXT;
        parts[i++] = one.text;
    }
    put_sorted(c, dict ? '{' : '<', parts, i);
    for (size_t k = 0; k < i; k++)
        rn_buf_free(&parts[k]);
    free(parts);
}

static void put(canon *c, PyObject *v, int depth)
{
    if (c->bad) return;
    if (depth > MAX_DEPTH)
        c->bad = true;
    else if (v == Py_None)
        put_text(c, "n", 1);
    else if (PyLong_Check(v))
        put_int(c, v);
    else if (PyFloat_Check(v))
        put_real(c, PyFloat_AS_DOUBLE(v));
    else if (PyUnicode_Check(v))
        put_str(c, v);
    else if (PyBytes_Check(v))
        put_sized(c, 'b', PyBytes_AS_STRING(v), (size_t)PyBytes_GET_SIZE(v));
    else if (PyList_Check(v) || PyTuple_Check(v))
        put_sequence(c, v, depth);
    else if (PyDict_Check(v) || PyAnySet_Check(v))
        put_unordered(c, v, depth);
    else if (PyComplex_Check(v)) {
        Py_complex z = ((PyComplexObject *)v)->cval;
        put_text(c, "c", 1);
        put_real(c, z.real);
        put_real(c, z.imag);
    } else
        c->bad = true;
}

static void name(rn_judge_value *out, rn_value_kind kind, rn_bytes text)
{
    /* The kind is part of the name; two passes of a 64-bit hash, the second without it. */
    uint64_t h[2] = {0, rn_rng_stream(text.data ? text.data : "", text.len)};
    rn_buf whole = {0};
    rn_buf_putc(&whole, (char)('0' + kind));
    if (text.len) rn_buf_add(&whole, text.data, text.len);
    if (rn_buf_ok(&whole)) h[0] = rn_rng_stream(whole.data, whole.len);
    rn_buf_free(&whole);
    *out = (rn_judge_value){.kind = (uint8_t)kind};
    memcpy(out->digest, h, sizeof out->digest);
}

void rn_value_name(rn_value_kind kind, const char *text, rn_judge_value *out)
{
    name(out, kind, rn_bytes_of(text));
}

void rn_value_of(void *value, rn_judge_value *out)
{
    canon c = {0};
    put(&c, value, 0);
    if (c.bad || !rn_buf_ok(&c.text))
        rn_value_name(RN_VALUE_OTHER, Py_TYPE((PyObject *)value)->tp_name, out);
    else
        name(out, RN_VALUE_DATA, rn_buf_view(&c.text));
    rn_buf_free(&c.text);
}

/* ---- literals -------------------------------------------------------------------------------- */

/* A case's input is a tuple of arguments, what is expected a value or a lambda that says whether
 * one is right. They are code, which could leave as much behind in the process as a program could:
 * a child that takes a further program compiles all of them first, and looks at that. */
static PyObject *compile(rn_bytes source)
{
    return rn_run_parse(source, "<input>", Py_eval_input, NULL);
}

void *rn_literal_value(rn_bytes source, void *compiled)
{
    PyObject *code = compiled ? compiled : compile(source);
    PyObject *globals = code ? rn_run_globals() : NULL;
    PyObject *math = globals ? PyImport_ImportModule("math") : NULL; /* "math.isclose(_, 1.5)" */
    if (math) PyDict_SetItemString(globals, "math", math);
    Py_XDECREF(math);
    PyObject *v = globals ? PyEval_EvalCode(code, globals, globals) : NULL;
    Py_XDECREF(globals);
    return v;
}

bool rn_literal_compile(const rn_judge_job *job, void **codes)
{
    const size_t n = job->n_cases;
    size_t n_found = 0;
    bool draw;
    void **found = calloc(2 * n + 1, sizeof *found);
    bool ok = found != NULL;
    for (size_t i = 0; ok && i < 2 * n; i++) {
        const rn_judge_case *c = &job->cases[i % n];
        if (i >= n && !c->expected.len) continue;
        codes[i] = compile(i < n ? c->input : c->expected);
        ok = codes[i] != NULL;
        found[n_found++] = codes[i];
    }
    ok = ok && rn_plain_tests_traceless(found, n_found, &draw) && !draw;
    PyErr_Clear();
    free(found);
    return ok;
}
