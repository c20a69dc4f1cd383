/*
 * host_forge.c: what a program changed of what tests stand on, as far as one process can tell.
 *
 *  - Built-in functions, built-in types and the modules that tests use: each of their dictionaries
 *    carries a version tag that every change renews (PyDictObject.ma_version_tag), so that a patch
 *    is seen even when it was undone. sys.modules must still name the same modules.
 *  - Types made by the program are recorded by a hook in type.__new__.
 *
 * It is the second look at programs that their code calls plain (host_plain.c): either finding
 * makes their pass one that is confirmed. And it is the last resort of a confirmation, where
 * nothing else can tell. All of it costs an honest program some thirty comparisons of integers.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "judge/host.h"

enum { MAX_DICTS = 2048, MAX_FUNCTIONS = 4096, MAX_MODULES = 4096, MAX_TYPES = 1 << 16 };

typedef struct watched_dict {
    PyDictObject *dict;
    PyObject *copy; /* its content when tag was read */
    uint64_t tag;
    bool grows; /* names may be added */
    const char *what;
} watched_dict;

static watched_dict dicts[MAX_DICTS];
static size_t n_dicts, n_quick; /* of these every pass asks; of the others a confirmation */

static struct {
    PyFunctionObject *f;
    PyObject *code, *defaults, *kwdefaults;
} functions[MAX_FUNCTIONS];
static size_t n_functions;
static PyObject *module_names[MAX_MODULES], *module_objects[MAX_MODULES];
static size_t n_modules;
static uint64_t modules_tag; /* of sys.modules */

static PyTypeObject *own_types[MAX_TYPES]; /* strong references: addresses are not used again */
static size_t n_own_types, n_own_seen;
static bool recording;
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

void rn_forge_hook(void)
{
    type_new_original = PyType_Type.tp_new;
    PyType_Type.tp_new = type_new_hook;
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

/* The functions of a module or a class, and the classes of a module. */
static void watch_inside(PyObject *names, int depth)
{
    PyObject *key, *value;
    for (Py_ssize_t pos = 0; names && PyDict_Next(names, &pos, &key, &value);) {
        if (PyFunction_Check(value) && n_functions < MAX_FUNCTIONS) {
            PyFunctionObject *f = (PyFunctionObject *)Py_NewRef(value);
            functions[n_functions].f = f;
            functions[n_functions].code = Py_XNewRef(f->func_code);
            functions[n_functions].defaults = Py_XNewRef(f->func_defaults);
            functions[n_functions++].kwdefaults = Py_XNewRef(f->func_kwdefaults);
        } else if (PyType_Check(value) && depth == 0) {
            watch(((PyTypeObject *)value)->tp_dict, false, "a class of the library was changed");
            watch_inside(((PyTypeObject *)value)->tp_dict, 1);
        }
    }
}

/* The table of re's flags: it keeps every combination that a program makes. */
static void watch_flags(PyObject *re)
{
    PyObject *flags = re ? PyObject_GetAttrString(re, "RegexFlag") : NULL;
    PyObject *table = flags ? PyObject_GetAttrString(flags, "_value2member_map_") : NULL;
    PyErr_Clear();
    if (table) watch(table, true, "the library's flags were changed");
    Py_XDECREF(flags);
    Py_XDECREF(table); /* the class has it */
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
    "math",      "cmath",     "re",        "typing",     "collections", "collections.abc",
    "itertools", "functools", "string",    "random",     "copy",        "heapq",
    "bisect",    "operator",  "json",      "statistics", "fractions",   "decimal",
    "numbers",   "datetime",  "__future__"};

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
    /* What a former snapshot holds stays alive; it is taken twice at most. */
    n_dicts = n_functions = n_modules = 0;
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
    n_quick = n_dicts;
    watch_flags(PyDict_GetItemString(modules, "re"));
    for (size_t i = 0; i < sizeof watched_modules / sizeof *watched_modules; i++) {
        PyObject *m = PyDict_GetItemString(modules, watched_modules[i]);
        if (m) watch_inside(PyModule_GetDict(m), 0);
    }
    for (Py_ssize_t pos = 0; PyDict_Next(modules, &pos, &key, &value);) {
        if (n_modules == MAX_MODULES) break;
        Py_INCREF(key);
        Py_INCREF(value);
        module_names[n_modules] = key;
        module_objects[n_modules++] = value;
    }
    modules_tag = ((PyDictObject *)modules)->ma_version_tag;
    return 0;
}

void rn_forge_begin(void)
{
    recording = true;
}

bool rn_forge_touched(void)
{
    for (size_t i = 0; i < n_dicts; i++)
        if (dicts[i].dict->ma_version_tag != dicts[i].tag) return true;
    return ((PyDictObject *)PyImport_GetModuleDict())->ma_version_tag != modules_tag ||
           n_own_seen > 0;
}

const char *rn_forge_tampered(bool deep)
{
    for (size_t i = 0; i < (deep ? n_dicts : n_quick); i++)
        if (was_bent(&dicts[i])) return dicts[i].what;
    for (size_t i = 0; deep && i < n_functions; i++) {
        const PyFunctionObject *f = functions[i].f;
        if (f->func_code != functions[i].code || f->func_defaults != functions[i].defaults ||
            f->func_kwdefaults != functions[i].kwdefaults)
            return "a function of the library was changed";
    }
    PyObject *modules = PyImport_GetModuleDict();
    if (((PyDictObject *)modules)->ma_version_tag == modules_tag) return NULL;
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

/* Whether a type has special methods but for those that a plain class may define (host_plain.c) and
 * those that the language and namedtuple put there: type(name, bases, names) takes any. */
static bool is_special(const PyTypeObject *t)
{
    static const char *const usual[] = {
        "__module__", "__qualname__",       "__doc__",        "__dict__",       "__weakref__",
        "__slots__",  "__annotations__",    "__init__",       "__repr__",       "__str__",
        "__new__",    "__getnewargs__",     "__match_args__", "__parameters__", "__orig_bases__",
        "__hash__",   "__abstractmethods__"};
    PyObject *name, *value;
    for (Py_ssize_t pos = 0; PyDict_Next(t->tp_dict, &pos, &name, &value);) {
        if (!PyUnicode_Check(name) || PyUnicode_GET_LENGTH(name) < 2 ||
            PyUnicode_READ_CHAR(name, 0) != '_' || PyUnicode_READ_CHAR(name, 1) != '_')
            continue;
        bool known = false;
        for (size_t i = 0; !known && i < sizeof usual / sizeof *usual; i++)
            known = PyUnicode_CompareWithASCIIString(name, usual[i]) == 0;
        if (!known) return true;
    }
    return false;
}

bool rn_forge_operators(void)
{
    if (n_own_seen > n_own_types) return true;
    for (size_t i = 0; i < n_own_types; i++)
        if (overrides_operators(own_types[i]) || is_special(own_types[i])) return true;
    return false;
}
