/*
 * host_forge.c: notices programs that make tests hold by bending what the tests stand on.
 *
 *  - Built-in functions, built-in types and the modules that tests use: each of their dictionaries
 *    carries a version tag that every change renews (PyDictObject.ma_version_tag), so that a patch
 * is seen even when it was undone. sys.modules must still name the same modules.
 *  - Types made by the program are counted by a hook in type.__new__. Where one overrides
 * operators, a pass is confirmed by running the tests again while every value that the program
 * returns to test code is probed: something that equals two different random numbers equals
 * anything.
 *  - Tracing and profiling hooks can skip lines of a test, and sys._getframe leads to the constants
 * of the test that called; their use is remembered (audit hook).
 *
 * All of it costs an honest program nothing but some thirty comparisons of integers.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <frameobject.h>

#include "judge/host.h"

#include <sys/random.h>

enum { MAX_DICTS = 256, MAX_MODULES = 4096, MAX_TYPES = 1 << 16, MAX_DEPTH = 5, MAX_ITEMS = 2000 };

typedef struct watched_dict {
    PyDictObject *dict;
    PyObject *copy; /* its content when tag was read */
    uint64_t tag;
    bool grows; /* names may be added */
    const char *what;
} watched_dict;

static watched_dict dicts[MAX_DICTS];
static size_t n_dicts;
static PyObject *module_names[MAX_MODULES], *module_objects[MAX_MODULES];
static size_t n_modules;

static PyTypeObject *own_types[MAX_TYPES]; /* strong references: addresses are not used again */
static size_t n_own_types, n_own_seen;
static bool recording;
static const char *audited;
static newfunc type_new_original;
static PyTypeObject *operators; /* a type that overrides every operator of interest */

static PyObject *type_new_hook(PyTypeObject *meta, PyObject *args, PyObject *kwds)
{
    PyObject *t = type_new_original(meta, args, kwds);
    if (!t || !recording || !PyType_Check(t)) return t;
    n_own_seen++;
    if (n_own_types < MAX_TYPES) {
        Py_INCREF(t);
        own_types[n_own_types++] = (PyTypeObject *)t;
    }
    return t;
}

/* Whether the running Python code came from a file of the library, as opposed to the program. */
static bool library_code(void)
{
    PyFrameObject *f = PyEval_GetFrame(); /* borrowed */
    if (!f) return true;
    PyCodeObject *c = PyFrame_GetCode(f);
    const char *name = PyUnicode_AsUTF8(c->co_filename);
    bool yes = name && (name[0] == '/' || strncmp(name, "<frozen", 7) == 0);
    PyErr_Clear();
    Py_DECREF(c);
    return yes;
}

static int audit_hook(const char *event, PyObject *args, void *user)
{
    (void)args;
    (void)user;
    if (!recording || strncmp(event, "sys.", 4) != 0) return 0;
    if (strcmp(event, "sys.settrace") == 0) audited = "tracing was set (sys.settrace)";
    if (strcmp(event, "sys.setprofile") == 0) audited = "profiling was set (sys.setprofile)";
    if (strcmp(event, "sys._getframe") == 0 && !audited && !library_code())
        audited = "the callers' frames were looked at (sys._getframe)";
    return 0;
}

void rn_forge_hook(void)
{
    type_new_original = PyType_Type.tp_new;
    PyType_Type.tp_new = type_new_hook;
    PySys_AddAuditHook(audit_hook, NULL);
}

static void watch(PyObject *dict, bool grows, const char *what)
{
    if (!dict || !PyDict_Check(dict) || n_dicts == MAX_DICTS) return;
    PyDictObject *d = (PyDictObject *)dict;
    dicts[n_dicts++] = (watched_dict){.dict = d,
                                      .copy = PyDict_Copy(dict),
                                      .tag = d->ma_version_tag,
                                      .grows = grows,
                                      .what = what};
}

static bool was_bent(const watched_dict *w)
{
    if (w->dict->ma_version_tag == w->tag) return false;
    PyObject *now = (PyObject *)w->dict, *key, *value;
    if (!w->grows || !w->copy || PyDict_GET_SIZE(now) <= PyDict_GET_SIZE(w->copy)) return true;
    for (Py_ssize_t pos = 0; PyDict_Next(w->copy, &pos, &key, &value);)
        if (PyDict_GetItemWithError(now, key) != value) return true;
    return false;
}

static const char *const watched_modules[] = {
    "math",      "cmath",     "re",     "typing",     "collections", "collections.abc",
    "itertools", "functools", "string", "random",     "copy",        "heapq",
    "bisect",    "operator",  "json",   "statistics", "fractions",   "decimal",
    "numbers",   "datetime"};

static const char operators_source[] = "class Operators:\n"
                                       "    def __eq__(self, o): pass\n"
                                       "    def __sub__(self, o): pass\n"
                                       "    def __abs__(self): pass\n"
                                       "    def __float__(self): pass\n"
                                       "    def __len__(self): pass\n"
                                       "    def __contains__(self, o): pass\n"
                                       "    def __iter__(self): pass\n"
                                       "    def __getitem__(self, o): pass\n"
                                       "    def __bool__(self): pass\n"
                                       "    def __round__(self, n=0): pass\n";

static int make_operators(rn_err *err)
{
    PyObject *g = PyDict_New();
    PyObject *r = g ? PyRun_String(operators_source, Py_file_input, g, g) : NULL;
    operators = r ? (PyTypeObject *)PyDict_GetItemString(g, "Operators") : NULL;
    Py_XINCREF(operators);
    Py_XDECREF(r);
    Py_XDECREF(g);
    return operators ? 0 : rn_fail(err, RN_EINTERNAL, "probe type cannot be made");
}

int rn_forge_snapshot(rn_err *err)
{
    n_dicts = n_modules =
        0; /* what a former snapshot holds stays alive; it is taken twice at most */
    int rc = make_operators(err);
    if (rc) return rc;
    PyObject *builtins = PyEval_GetBuiltins();
    watch(builtins, true, "a built-in function was replaced");
    PyObject *key, *value;
    for (Py_ssize_t pos = 0; PyDict_Next(builtins, &pos, &key, &value);)
        if (PyType_Check(value))
            watch(((PyTypeObject *)value)->tp_dict, false, "a built-in type was changed");
    watch(PyFunction_Type.tp_dict, false, "a built-in type was changed");
    watch(PyGen_Type.tp_dict, false, "a built-in type was changed");
    PyObject *modules = PyImport_GetModuleDict();
    for (size_t i = 0; i < sizeof watched_modules / sizeof *watched_modules; i++) {
        PyObject *m = PyDict_GetItemString(modules, watched_modules[i]);
        if (m) watch(PyModule_GetDict(m), true, "a standard module was changed");
    }
    for (Py_ssize_t pos = 0; PyDict_Next(modules, &pos, &key, &value);) {
        if (n_modules == MAX_MODULES) break;
        Py_INCREF(key);
        Py_INCREF(value);
        module_names[n_modules] = key;
        module_objects[n_modules++] = value;
    }
    return 0;
}

void rn_forge_begin(void)
{
    recording = true;
}

const char *rn_forge_tampered(void)
{
    if (audited) return audited;
    for (size_t i = 0; i < n_dicts; i++)
        if (was_bent(&dicts[i])) return dicts[i].what;
    PyObject *modules = PyImport_GetModuleDict();
    for (size_t i = 0; i < n_modules; i++)
        if (PyDict_GetItemWithError(modules, module_names[i]) != module_objects[i])
            return "an entry of sys.modules was replaced";
    return NULL;
}

/* True if t's slot runs Python code: such slots are the same C function in every type. */
static bool overrides_operators(const PyTypeObject *t)
{
    const PyTypeObject *o = operators;
    if (t->tp_richcompare == o->tp_richcompare || t->tp_iter == o->tp_iter) return true;
    const PyNumberMethods *n = t->tp_as_number, *on = o->tp_as_number;
    if (n && (n->nb_subtract == on->nb_subtract || n->nb_absolute == on->nb_absolute ||
              n->nb_float == on->nb_float || n->nb_bool == on->nb_bool))
        return true;
    const PySequenceMethods *s = t->tp_as_sequence, *os = o->tp_as_sequence;
    return s && (s->sq_contains == os->sq_contains || s->sq_length == os->sq_length ||
                 s->sq_item == os->sq_item);
}

bool rn_forge_suspicious(void)
{
    if (n_own_seen > n_own_types) return true;
    for (size_t i = 0; i < n_own_types; i++)
        if (overrides_operators(own_types[i])) return true;
    return false;
}

bool rn_forge_own_type(void *value)
{
    const PyTypeObject *t = Py_TYPE((PyObject *)value);
    for (size_t i = 0; i < n_own_types; i++)
        if (own_types[i] == t) return true;
    return false;
}

/* 1 if `a OP b` holds; 0 if not or if it raises. */
static int holds(PyObject *a, PyObject *b, int op)
{
    PyObject *r = PyObject_RichCompare(a, b, op);
    int yes = r ? PyObject_IsTrue(r) : 0;
    Py_XDECREF(r);
    PyErr_Clear();
    return yes == 1;
}

/* 1 if `a != b` can be told and is false. */
static int denies_difference(PyObject *a, PyObject *b)
{
    PyObject *r = PyObject_RichCompare(a, b, Py_NE);
    int yes = r ? PyObject_IsTrue(r) : -1;
    Py_XDECREF(r);
    PyErr_Clear();
    return yes == 0;
}

/* 1 if abs(a - b) < 1e-3 holds. */
static int near(PyObject *a, PyObject *b)
{
    PyObject *d = PyNumber_Subtract(a, b);
    PyObject *m = d ? PyNumber_Absolute(d) : NULL;
    PyObject *eps = PyFloat_FromDouble(1e-3);
    int yes = m && eps ? holds(m, eps, Py_LT) : 0;
    Py_XDECREF(d);
    Py_XDECREF(m);
    Py_XDECREF(eps);
    PyErr_Clear();
    return yes;
}

static PyObject *random_number(void)
{
    uint64_t r = 0;
    if (getrandom(&r, sizeof r, 0) != (ssize_t)sizeof r) r = (uint64_t)(uintptr_t)&r;
    return PyLong_FromUnsignedLongLong(r >> 8 | 1u << 20);
}

static const char *probe(PyObject *v)
{
    PyObject *a = random_number(), *b = random_number();
    PyObject *text = a ? PyObject_Str(a) : NULL;
    PyObject *list = b ? Py_BuildValue("[O]", b) : NULL;
    PyObject *tuple = b ? Py_BuildValue("(O)", b) : NULL;
    PyObject *real = a ? PyFloat_FromDouble(PyLong_AsDouble(a) + 0.5) : NULL;
    PyObject *dict = b ? Py_BuildValue("{O:O}", b, b) : NULL;
    const char *found = NULL;
    PyObject *const sentinels[] = {a, b, text, list, tuple, real, dict, Py_None};
    for (size_t i = 0; i < sizeof sentinels / sizeof *sentinels; i++)
        if (sentinels[i] && holds(v, sentinels[i], Py_EQ))
            found = "a returned object claims to equal anything";
    if (!found && holds(v, Py_True, Py_EQ) && holds(v, Py_False, Py_EQ))
        found = "a returned object claims to equal both True and False";
    if (!found && a && b && denies_difference(v, a) && denies_difference(v, b))
        found = "a returned object claims to differ from nothing";
    if (!found && a && b && ((near(v, a) && near(v, b)) || (near(a, v) && near(b, v))))
        found = "a returned object claims to be close to any number";
    if (!found && a && holds(v, a, Py_LT) && holds(v, a, Py_GT))
        found = "a returned object claims to be less and greater than a number";
    PyErr_Clear();
    Py_XDECREF(a);
    Py_XDECREF(b);
    Py_XDECREF(text);
    Py_XDECREF(list);
    Py_XDECREF(tuple);
    Py_XDECREF(real);
    Py_XDECREF(dict);
    return found;
}

static const char *search(PyObject *v, int depth, int *budget)
{
    if (depth > MAX_DEPTH || (*budget)-- <= 0) return NULL;
    const char *found = rn_forge_own_type(v) ? probe(v) : NULL;
    if (found) return found;
    if (PyList_Check(v) || PyTuple_Check(v)) {
        for (Py_ssize_t i = 0; !found && i < Py_SIZE(v); i++)
            found = search(PyList_Check(v) ? PyList_GET_ITEM(v, i) : PyTuple_GET_ITEM(v, i),
                           depth + 1, budget);
        return found;
    }
    if (PyDict_Check(v)) {
        PyObject *key, *item;
        for (Py_ssize_t pos = 0; !found && PyDict_Next(v, &pos, &key, &item);) {
            found = search(key, depth + 1, budget);
            if (!found) found = search(item, depth + 1, budget);
        }
        return found;
    }
    if (!PyAnySet_Check(v)) return NULL;
    PyObject *item;
    Py_hash_t hash;
    for (Py_ssize_t pos = 0; !found && _PySet_NextEntry(v, &pos, &item, &hash);)
        found = search(item, depth + 1, budget);
    return found;
}

const char *rn_forge_agreeable(void *value)
{
    int budget = MAX_ITEMS;
    return search(value, 0, &budget);
}

static void *const *test_codes;
static size_t n_test_codes;
static const char *watch_found;

static bool is_test_frame(PyFrameObject *f)
{
    PyCodeObject *c = PyFrame_GetCode(f);
    bool yes = false;
    for (size_t i = 0; !yes && i < n_test_codes; i++)
        yes = test_codes[i] == (void *)c;
    Py_DECREF(c);
    return yes;
}

static int on_profile(PyObject *self, PyFrameObject *frame, int event, PyObject *value)
{
    (void)self;
    if (event != PyTrace_RETURN || !value || watch_found) return 0;
    PyFrameObject *back = PyFrame_GetBack(frame);
    if (back && is_test_frame(back) && !is_test_frame(frame))
        watch_found = rn_forge_agreeable(value);
    Py_XDECREF(back);
    return 0;
}

void rn_forge_watch_begin(void *const *codes, size_t n)
{
    test_codes = codes;
    n_test_codes = n;
    watch_found = NULL;
    recording = false; /* our own use of the profiler is none of the program's */
    PyEval_SetProfile(on_profile, NULL);
    recording = true;
}

const char *rn_forge_watch_end(void)
{
    PyEval_SetProfile(NULL, NULL);
    return watch_found;
}
