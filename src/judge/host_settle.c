/*
 * host_settle.c: between two programs of one child (host_worker.c): what the library keeps of the
 * first one, and could give to the second, is forgotten, and nothing of it is released, because a
 * destructor is judged code.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "judge/host.h"

static PyObject *freeze, *seed;    /* gc.freeze, random.seed */
static PyObject *purge, *cleanups; /* re.purge, typing._cleanups */
static bool drew;                  /* the tests draw random numbers */

void *rn_run_attribute(const char *module, const char *name)
{
    PyObject *m = PyImport_ImportModule(module);
    PyObject *a = m ? PyObject_GetAttrString(m, name) : NULL;
    Py_XDECREF(m);
    PyErr_Clear();
    return a;
}

bool rn_run_flush(void)
{
    PyObject *out = PySys_GetObject("stdout");
    PyObject *v = out ? PyObject_CallMethod(out, "flush", NULL) : NULL;
    PyErr_Clear();
    Py_XDECREF(v);
    return v != NULL;
}

static int keep_alive(PyObject *o, void *arg)
{
    (void)arg;
    Py_INCREF(o);
    return 0;
}

/* Empties what the library keeps of patterns and of types in brackets: what is found there need
 * not be what would be made (List[Union[int, str]] is found as List[Union[str, int]]), and what
 * falls out of it when it is full may end in judged code. Nothing is released here. */
static bool forget_cached(void)
{
    const Py_ssize_t n = cleanups && PyList_Check(cleanups) ? PyList_GET_SIZE(cleanups) : 0;
    for (Py_ssize_t i = 0; i < n; i++) {
        PyObject *clear = PyList_GET_ITEM(cleanups, i);
        PyObject *cache = PyCFunction_Check(clear) ? PyCFunction_GET_SELF(clear) : NULL;
        if (!cache || !Py_TYPE(cache)->tp_traverse) return false;
        Py_TYPE(cache)->tp_traverse(cache, keep_alive, NULL);
        PyObject *v = PyObject_CallNoArgs(clear);
        Py_XDECREF(v);
        if (!v) return false;
    }
    PyObject *v = PyObject_CallNoArgs(purge);
    Py_XDECREF(v);
    return v != NULL;
}

/* The collector would run judged code here, in the next program's time. */
bool rn_run_settle(void)
{
    const int collects = PyGC_Disable();
    PyObject *v = drew ? PyObject_CallFunction(seed, "i", 0) : Py_NewRef(Py_None);
    PyObject *done = v && forget_cached() ? PyObject_CallNoArgs(freeze) : NULL;
    drew = false;
    Py_XDECREF(v);
    Py_XDECREF(done);
    if (collects) PyGC_Enable();
    return done != NULL;
}

bool rn_run_settle_start(void)
{
    freeze = rn_run_attribute("gc", "freeze");
    seed = rn_run_attribute("random", "seed");
    purge = rn_run_attribute("re", "purge");
    cleanups = rn_run_attribute("typing", "_cleanups");
    return freeze && seed && purge && forget_cached();
}

void rn_run_draws(bool draws)
{
    drew = draws;
}

void rn_run_freeze(void)
{
    PyObject *v = PyObject_CallNoArgs(freeze);
    Py_XDECREF(v);
    PyErr_Clear();
}
