/*
 * host_key.c: keys of programs: two have the same one only where they do the same.
 *
 * A key is the SHA-256 of the compiled code, written out with the names and constants that its
 * instructions mean in the place of their indices, and without what says where in the text a thing
 * stood: line numbers, and so comments and layout. A function's docstring is a constant that no
 * instruction means; that of a module or a class is stored by two instructions at its very
 * beginning, which are left out: no jump leads into them, and one that led back over them would go
 * to where no statement begins. What APPS' harness reads in the text itself, comments or not, is
 * part of the key (host_run.c).
 *
 * Only steady programs have one (host_plain.c): plain ones, which have no way to a line number, a
 * docstring or their own text, and depend on nothing but their input. Nothing of a program is run:
 * one child compiles many. What this cannot tell for certain has no key and is run by itself.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "judge/host.h"

#include "base/hash.h"

#include <marshal.h>
#include <unistd.h>

#if PY_VERSION_HEX >= 0x030B0000 && PY_VERSION_HEX < 0x030C0000
#include <opcode.h>

enum { MAX_DEPTH = 64, EXACT = 2 /* the last format of marshal without references */ };

static void add_long(rn_buf *b, char kind, long long v)
{
    rn_buf_printf(b, "%c%lld;", kind, v);
}

static void add_sized(rn_buf *b, char kind, const void *data, Py_ssize_t len)
{
    add_long(b, kind, len);
    if (len) rn_buf_add(b, data, (size_t)len);
}

static bool add_text(rn_buf *b, PyObject *text)
{
    Py_ssize_t len;
    const char *s = PyUnicode_AsUTF8AndSize(text, &len);
    if (s) add_sized(b, 's', s, len);
    return s != NULL;
}

static bool add_marshalled(rn_buf *b, PyObject *v)
{
    PyObject *data = PyMarshal_WriteObjectToString(v, EXACT);
    if (data) add_sized(b, 'm', PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data));
    Py_XDECREF(data);
    return data != NULL;
}

static bool add_code(rn_buf *b, PyCodeObject *c, int depth);

static bool add_constant(rn_buf *b, PyObject *v, int depth)
{
    if (PyCode_Check(v)) return add_code(b, (PyCodeObject *)v, depth + 1);
    if (!PyFrozenSet_CheckExact(v)) return add_marshalled(b, v);
    /* In the order in which it is walked, which the order in the source may decide. */
    PyObject *it = PyObject_GetIter(v), *item;
    bool ok = it != NULL;
    add_long(b, 'z', PySet_GET_SIZE(v));
    while (ok && (item = PyIter_Next(it)) != NULL) {
        ok = add_marshalled(b, item);
        Py_DECREF(item);
    }
    Py_XDECREF(it);
    return ok && !PyErr_Occurred();
}

static bool is_name(PyCodeObject *c, unsigned index, const char *name)
{
    return (Py_ssize_t)index < PyTuple_GET_SIZE(c->co_names) &&
           PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(c->co_names, (Py_ssize_t)index),
                                            name) == 0;
}

/* Where the first statement of a module or class begins: behind what the compiler writes itself. */
static size_t first_statement(PyCodeObject *c, const uint8_t *p, size_t n)
{
    size_t i = 0;
    while (i < n && (p[i] == MAKE_CELL || p[i] == COPY_FREE_VARS))
        i += 2;
    if (i < n && p[i] == RESUME) i += 2;
    if (i + 8 < n && p[i] == LOAD_NAME && is_name(c, p[i + 1], "__name__") &&
        p[i + 2] == STORE_NAME && is_name(c, p[i + 3], "__module__") && p[i + 4] == LOAD_CONST &&
        p[i + 6] == STORE_NAME && is_name(c, p[i + 7], "__qualname__"))
        i += 8;
    if (i < n && p[i] == SETUP_ANNOTATIONS) i += 2;
    return i;
}

/* Whether the two instructions at `at` store a docstring. */
static bool stores_docstring(PyCodeObject *c, const uint8_t *p, size_t n, size_t at)
{
    return !(c->co_flags & CO_OPTIMIZED) && at + 3 < n && p[at] == LOAD_CONST &&
           (Py_ssize_t)p[at + 1] < PyTuple_GET_SIZE(c->co_consts) &&
           PyUnicode_CheckExact(PyTuple_GET_ITEM(c->co_consts, p[at + 1])) &&
           p[at + 2] == STORE_NAME && is_name(c, p[at + 3], "__doc__");
}

/* One instruction and what it means. */
static bool add_instruction(rn_buf *b, PyCodeObject *c, int op, unsigned arg, int depth)
{
    add_long(b, 'o', op);
    if (rn_plain_has_const(op)) {
        if ((Py_ssize_t)arg >= PyTuple_GET_SIZE(c->co_consts)) return false;
        return add_constant(b, PyTuple_GET_ITEM(c->co_consts, (Py_ssize_t)arg), depth);
    }
    if (!rn_plain_has_name(op)) {
        add_long(b, 'a', arg);
        return true;
    }
    const unsigned index = op == LOAD_GLOBAL ? arg >> 1 : arg;
    if (op == LOAD_GLOBAL) add_long(b, 'a', arg & 1);
    if ((Py_ssize_t)index >= PyTuple_GET_SIZE(c->co_names) || is_name(c, index, "__doc__"))
        return false;
    return add_text(b, PyTuple_GET_ITEM(c->co_names, (Py_ssize_t)index));
}

/* *skipped: units of code at its beginning that were left out. */
static bool add_instructions(rn_buf *b, PyCodeObject *c, int depth, unsigned *skipped)
{
    PyObject *bytes = PyCode_GetCode(c);
    if (!bytes) return false;
    const uint8_t *p = (const uint8_t *)PyBytes_AS_STRING(bytes);
    const size_t n = (size_t)PyBytes_GET_SIZE(bytes);
    const size_t first = first_statement(c, p, n);
    unsigned arg = 0;
    bool ok = true;
    for (size_t i = 0; ok && i + 1 < n; i += 2) {
        if (i == first && stores_docstring(c, p, n, i)) {
            *skipped = 2;
            i += 2;
            continue;
        }
        arg = arg << 8 | p[i + 1];
        if (p[i] == EXTENDED_ARG) {
            add_long(b, 'o', EXTENDED_ARG);
            continue;
        }
        ok = add_instruction(b, c, p[i], arg, depth);
        arg = 0;
    }
    Py_DECREF(bytes);
    return ok;
}

/* The table of handlers (Objects/exception_handling_notes.txt): for each the start of what it
 * guards, its length, where the handler begins, depth; from the highest six bits down, all but the
 * last byte of a number with bit 6. Places count from behind what was left out. */
static bool add_handlers(rn_buf *b, PyObject *table, unsigned skipped)
{
    const uint8_t *p = (const uint8_t *)PyBytes_AS_STRING(table);
    const size_t n = (size_t)PyBytes_GET_SIZE(table);
    unsigned number = 0;
    int field = 0;
    for (size_t i = 0; i < n; i++) {
        number = number << 6 | (p[i] & 63);
        if (p[i] & 64) continue;
        const bool place = field == 0 || field == 2;
        if (place && number < skipped) return false;
        add_long(b, 'h', number - (place ? skipped : 0));
        number = 0;
        field = (field + 1) % 4;
    }
    return field == 0;
}

static bool add_code(rn_buf *b, PyCodeObject *c, int depth)
{
    if (depth > MAX_DEPTH) return false;
    const int numbers[] = {c->co_argcount, c->co_posonlyargcount, c->co_kwonlyargcount,
                           c->co_stacksize, c->co_flags};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        add_long(b, 'n', numbers[i]);
    unsigned skipped = 0;
    return add_text(b, c->co_name) && add_text(b, c->co_qualname) &&
           add_marshalled(b, c->co_localsplusnames) && add_marshalled(b, c->co_localspluskinds) &&
           add_instructions(b, c, depth, &skipped) &&
           add_handlers(b, c->co_exceptiontable, skipped);
}

static bool key_of(rn_bytes program, rn_buf *scratch, char hex[RN_SHA256_HEX])
{
    uint8_t sha[RN_SHA256_BYTES];
    PyObject *code = rn_run_code(program);
    rn_buf_clear(scratch);
    add_long(scratch, 't', rn_run_text_says(program));
    const bool ok = code && rn_plain_steady(code) && add_code(scratch, (PyCodeObject *)code, 0) &&
                    rn_buf_ok(scratch);
    PyErr_Clear();
    Py_XDECREF(code);
    if (!ok) return false;
    rn_sha256_of(rn_buf_view(scratch), sha);
    rn_sha256_hex(sha, hex);
    return true;
}

#else /* another Python's instructions: nothing is certain */

static bool key_of(rn_bytes program, rn_buf *scratch, char hex[RN_SHA256_HEX])
{
    (void)program, (void)scratch, (void)hex;
    return false;
}

#endif

bool rn_key_all(const rn_judge_job *job, size_t from)
{
    rn_buf scratch = {0};
    for (size_t i = from; i < job->n_cases; i++) {
        char line[RN_SHA256_HEX + 1] = "-";
        if (!key_of(job->cases[i].input, &scratch, line)) line[0] = '-', line[1] = '\0';
        const size_t len = strlen(line);
        line[len] = '\n'; /* in the place of its NUL */
        if (write(1, line, len + 1) != (ssize_t)(len + 1)) return false;
    }
    rn_buf_free(&scratch);
    return true;
}
