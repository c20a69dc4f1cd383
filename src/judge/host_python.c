/*
 * host_python.c: starts the embedded interpreter once, with everything a judged program usually
 * imports already in place, so that a program costs a fork instead of a start.
 *
 * Isolated configuration: no environment, no user site, hash seed 0 (sets and dictionaries iterate
 * the same way in every run), UTF-8 mode, no byte code written. numpy is not imported: it doubles
 * the pages a fork copies, few programs want it, and they find it on sys.path.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "judge/host.h"

#include <malloc.h>
#include <signal.h>
#include <stdlib.h>

/* What HumanEval, MBPP and APPS programs import, most used first, and what those import in turn.
 * Every module here is also one whose tampering is noticed (host_forge.c). */
static const char *const preload[] = {
    "math",    "re",      "typing",    "collections", "itertools",       "functools",  "string",
    "random",  "copy",    "heapq",     "bisect",      "operator",        "datetime",   "hashlib",
    "json",    "sys",     "os",        "time",        "collections.abc", "statistics", "fractions",
    "decimal", "numbers", "threading", "io",          "contextlib",      "enum",       "abc",
    "types",   "cmath",   "traceback", "warnings",    "atexit",          "codecs",     "struct"};

static int fail_python(rn_err *err, const char *what)
{
    PyObject *type, *value, *tb;
    PyErr_Fetch(&type, &value, &tb);
    PyErr_NormalizeException(&type, &value, &tb);
    PyObject *text = value ? PyObject_Str(value) : NULL;
    int rc = rn_fail(err, RN_ESANDBOX, "%s: %s; is the python3 package of this system whole?", what,
                     text ? PyUnicode_AsUTF8(text) : "unknown error");
    Py_XDECREF(text);
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(tb);
    return rc;
}

/* Appends the site-packages folder of a virtual environment, .pth files included. */
static int add_site(const char *dir, rn_err *err)
{
    PyObject *site = PyImport_ImportModule("site");
    PyObject *r = site ? PyObject_CallMethod(site, "addsitedir", "s", dir) : NULL;
    int rc = r ? 0 : fail_python(err, dir);
    Py_XDECREF(r);
    Py_XDECREF(site);
    return rc;
}

int rn_python_move_site(const char *from, const char *to, rn_err *err)
{
    PyObject *path = PySys_GetObject("path"); /* borrowed */
    size_t len = strlen(from);
    for (Py_ssize_t i = 0; path && PyList_Check(path) && i < PyList_GET_SIZE(path); i++) {
        const char *s = PyUnicode_AsUTF8(PyList_GET_ITEM(path, i));
        if (!s || strncmp(s, from, len) != 0 || (s[len] && s[len] != '/')) continue;
        PyObject *moved = PyUnicode_FromFormat("%s%s", to, s + len);
        if (!moved) return fail_python(err, to);
        PyList_SetItem(path, i, moved); /* takes the reference */
    }
    PyErr_Clear();
    return 0;
}

static int start_interpreter(rn_err *err)
{
    PyPreConfig pre;
    PyPreConfig_InitIsolatedConfig(&pre);
    pre.utf8_mode = 1;
    PyStatus st = Py_PreInitialize(&pre);
    if (PyStatus_Exception(st))
        return rn_fail(err, RN_ESANDBOX, "Python does not start: %s", st.err_msg);
    PyConfig cfg;
    PyConfig_InitIsolatedConfig(&cfg);
    cfg.use_hash_seed = 1;
    cfg.hash_seed = 0;
    cfg.write_bytecode = 0;
    cfg.install_signal_handlers = 0;
    cfg.pathconfig_warnings = 0;
    st = PyConfig_SetString(&cfg, &cfg.program_name, L"/usr/bin/python3");
    if (!PyStatus_Exception(st)) st = Py_InitializeFromConfig(&cfg);
    PyConfig_Clear(&cfg);
    if (PyStatus_Exception(st))
        return rn_fail(err, RN_ESANDBOX, "Python does not start: %s", st.err_msg);
    return 0;
}

int rn_python_settle(rn_err *err)
{
    PyObject *gc = PyImport_ImportModule("gc");
    PyObject *r = gc ? PyObject_CallMethod(gc, "collect", NULL) : NULL;
    if (!r) return fail_python(err, "gc.collect");
    Py_DECREF(r);
    int rc = rn_forge_snapshot(err);
    if (rc) return rc;
    /* Out of the collector's sight: a child's collections touch, and so copy, none of these pages.
     */
    r = PyObject_CallMethod(gc, "freeze", NULL);
    if (!r) return fail_python(err, "gc.freeze");
    Py_DECREF(r);
    Py_DECREF(gc);
    return 0;
}

int rn_python_start(const char *site, char version[32], rn_err *err)
{
    /* What is freed is merged with its neighbours at once: kept apart in lists, it would be merged
     * by every child again, which copies those pages (80 a program). */
    mallopt(M_MXFAST, 0);
    /* Libraries that start threads of their own when imported would make forks unsafe. */
    setenv("OPENBLAS_NUM_THREADS", "1", 1);
    setenv("OMP_NUM_THREADS", "1", 1);
    setenv("MKL_NUM_THREADS", "1", 1);
    /* What the interpreter's own start would do; its handlers for other signals stay away. */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    int rc = start_interpreter(err);
    if (rc) return rc;
    snprintf(version, 32, "%d.%d.%d", PY_MAJOR_VERSION, PY_MINOR_VERSION, PY_MICRO_VERSION);
    sscanf(Py_GetVersion(), "%31s", version);
    rn_forge_hook();
    rc = rn_apart_compile(err);
    if (rc) return rc;
    if (site[0]) {
        rc = add_site(site, err);
        if (rc) return rc;
    }
    for (size_t i = 0; i < sizeof preload / sizeof *preload; i++) {
        PyObject *m = PyImport_ImportModule(preload[i]);
        if (!m) return fail_python(err, preload[i]);
        Py_DECREF(m);
    }
    /* A fixed state, so that a program that draws random numbers does the same in every run. */
    PyObject *random = PyImport_ImportModule("random");
    PyObject *r = random ? PyObject_CallMethod(random, "seed", "i", 0) : NULL;
    if (!r) return fail_python(err, "random.seed");
    Py_DECREF(r);
    Py_DECREF(random);
    rc = rn_apart_start(err);
    if (!rc) rc = rn_run_start(err);
    return rc ? rc : rn_python_settle(err);
}
