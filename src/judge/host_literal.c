/*
 * host_literal.c: the literals of VALUES, in the child: a case's input, which is a tuple of
 * arguments, and what is expected, which is a value or a lambda that says whether one is right.
 *
 * They are code, which could leave as much behind in the process as a program could. A child that
 * takes a further program behind this one compiles all of them first, and looks at that.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "judge/host.h"

#include <stdlib.h>

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
