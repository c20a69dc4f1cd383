/*
 * host_plain.c: who could cheat. An allow list over the code objects of a compiled program, read
 * before any of it runs.
 *
 * A plain program consists of functions, arithmetic, containers and calls of a fixed list of the
 * library's modules. It has no way to a frame, a code object, a namespace, a file or raw memory, no
 * class with operators, and it changes no attribute of an object that tests use. So what it
 * returns are values of built-in types, which compare as they are, and what the tests call is what
 * the language defines: its pass needs no confirmation. Of every other program the pass is
 * confirmed (host_apart.c); being on no list is no accusation.
 *
 *  opcodes     all but those of coroutines; attributes are stored only where there is a class
 *  names       no __dunder__ but a few; of the built-in functions those that neither look inside
 *              objects nor run text; none that the tests use, too, except the function under test
 *  attributes  public names of built-in types and of the listed modules, no module among them
 *  formats     "...".format only on a constant whose fields name no attribute
 *
 * A plain and steady program that, moreover, makes no class, sets no attribute and names nothing
 * that the library keeps leaves no trace in its process: another one may follow it there
 * (host_worker.c).
 *
 * The names come from host_alter.py. Code of another Python than the one whose opcodes are known
 * here is never plain: all its passes are confirmed.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "judge/host.h"

#include <sys/mman.h>

#if PY_VERSION_HEX >= 0x030B0000 && PY_VERSION_HEX < 0x030C0000
#include <opcode.h>
#define OPCODES_KNOWN 1
#else
#define OPCODES_KNOWN 0
#endif

enum { MAX_NESTED = 64 };

/* Of str: a dict from module to what `from module import *` binds, frozensets, and the names that
 * may not be read, whoever bound them. */
static PyObject *modules, *builtin_names, *attributes, *reserved, *never, *unsteady, *traceless,
    *traces;
static bool has_name[256], has_const[256]; /* by the number of an instruction */

/* What the child finds before judged code runs. It gives these pages up then: nothing that runs in
 * it can reach them afterwards. */
typedef struct early {
    bool plain, steady, patient, ran;
    uint32_t tests_len;
    char tests[RN_TESTS_BYTES]; /* their code, for the next child with the same tests */
} early;
static early *told; /* NULL in a child that gave it up */
static bool held;   /* in a child whose programs cannot reach it: it is not given up */

static bool mark(PyObject *numbers, bool of[256])
{
    bool ok = PyList_Check(numbers);
    for (Py_ssize_t i = 0; ok && i < PyList_GET_SIZE(numbers); i++) {
        const long op = PyLong_AsLong(PyList_GET_ITEM(numbers, i));
        ok = op >= 0 && op < 256;
        if (ok) of[op] = true;
    }
    return ok;
}

bool rn_plain_has_name(int op)
{
    return has_name[op & 255];
}

bool rn_plain_has_const(int op)
{
    return has_const[op & 255];
}

int rn_plain_start(void *names, rn_err *err)
{
    told = mmap(NULL, sizeof *told, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (told == MAP_FAILED) return rn_fail_errno(err, "page of early findings");
    PyObject *with_name, *with_const;
    if (!PyArg_ParseTuple(names, "OOOOOOOOOO", &modules, &builtin_names, &attributes, &reserved,
                          &never, &unsteady, &with_name, &with_const, &traceless, &traces) ||
        !mark(with_name, has_name) || !mark(with_const, has_const))
        return rn_fail(err, RN_EINTERNAL, "host_apart.py: no names of plain programs");
    Py_INCREF(modules);
    Py_INCREF(builtin_names);
    Py_INCREF(attributes);
    Py_INCREF(reserved);
    Py_INCREF(never);
    Py_INCREF(unsteady);
    Py_INCREF(traceless);
    Py_INCREF(traces);
    return 0;
}

void rn_plain_reset(void)
{
    told->plain = told->steady = told->patient = told->ran = false;
    told->tests_len = 0;
}

bool rn_plain_told(void)
{
    return told->plain;
}

bool rn_plain_told_steady(void)
{
    return told->steady;
}

bool rn_plain_told_patient(void)
{
    return told->patient;
}

bool rn_plain_ran(void)
{
    return told->ran;
}

void rn_plain_restore(void)
{
    told->plain = told->steady = told->patient = told->ran = true;
}

rn_bytes rn_plain_tests(void)
{
    const uint32_t len = told->tests_len <= RN_TESTS_BYTES ? told->tests_len : 0;
    return (rn_bytes){.data = told->tests, .len = len};
}

void rn_plain_tell(bool plain, bool steady, bool patient)
{
    if (!told) return;
    told->plain = plain;
    told->steady = steady;
    told->patient = patient;
}

void rn_plain_hold(bool hold)
{
    held = hold;
}

void rn_plain_leave(rn_bytes tests)
{
    if (!told || tests.len > RN_TESTS_BYTES) return;
    memcpy(told->tests, tests.data, tests.len);
    told->tests_len = (uint32_t)tests.len;
}

void rn_plain_close(void)
{
    if (!told) return;
    told->ran = true;
    if (held) return;
    munmap(told, sizeof *told);
    told = NULL;
}

#if OPCODES_KNOWN

/* Sets of names; filled by a first pass, in which nothing but bindings is refused. */
typedef struct scan {
    PyObject *bound;  /* that the program binds: global ones, and those of class bodies */
    PyObject *stored; /* attributes that it stores */
    PyObject *used;   /* global names that it reads */
    PyObject *module; /* imported last; borrowed from the code */
    bool first, has_class;
    bool star;     /* names of a module are bound that the code does not say */
    bool unsteady; /* it names what the system, not its input, decides */
    bool draws;    /* it names the library's random numbers */
    bool keeps;    /* or the other state of the library that a plain program changes */
    bool traces;   /* it may leave something that another program in its process could find */
    bool streams;  /* it names what each run of STDIO gets anew: streams, the recursion limit */
    bool tests;    /* they may draw random numbers: the generator is set back behind them */
} scan;

static bool in_set(PyObject *set, PyObject *name)
{
    return PySet_Contains(set, name) == 1;
}

static bool is_dunder(PyObject *name)
{
    return PyUnicode_GET_LENGTH(name) > 1 && PyUnicode_READ_CHAR(name, 0) == '_' &&
           PyUnicode_READ_CHAR(name, 1) == '_';
}

static bool one_of(PyObject *name, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (PyUnicode_CompareWithASCIIString(name, list[i]) == 0) return true;
    return false;
}

static bool bind(scan *s, PyObject *name)
{
    static const char *const allowed[] = {"__annotations__", "__module__", "__qualname__",
                                          "__doc__",         "__init__",   "__repr__",
                                          "__str__",         "__slots__"};
    if (is_dunder(name) && !one_of(name, allowed, sizeof allowed / sizeof *allowed)) return false;
    return PySet_Add(s->bound, name) == 0;
}

/* A constant format whose fields name neither attribute nor item: "{0.x}" and "{0[x]}" do. */
static bool harmless_format(PyObject *text)
{
    if (!PyUnicode_Check(text)) return false;
    bool field = false, spec = false;
    for (Py_ssize_t i = 0; i < PyUnicode_GET_LENGTH(text); i++) {
        Py_UCS4 c = PyUnicode_READ_CHAR(text, i);
        if (c == '{') field = true, spec = false;
        if (c == '}') field = false;
        if (c == ':' || c == '!') spec = true;
        if (field && !spec && (c == '.' || c == '[')) return false;
    }
    return true;
}

static bool plain_code(scan *s, PyCodeObject *c, int depth);

/* What `from module import *` binds. Of a module whose names are not known (sys: they differ from
 * those that may be read), nothing may be said. */
static bool bind_all(scan *s, PyObject *names)
{
    const bool known = names && PyTuple_Check(names) && PyTuple_GET_SIZE(names) > 0;
    PyObject *v = known ? PyObject_CallMethod(s->bound, "update", "O", names) : NULL;
    Py_XDECREF(v);
    return v != NULL;
}

static bool plain_opcode(scan *s, int op)
{
    switch (op) {
    case GET_AWAITABLE:
    case GET_AITER:
    case GET_ANEXT:
    case BEFORE_ASYNC_WITH:
    case END_ASYNC_FOR:
    case ASYNC_GEN_WRAP:
    case MATCH_CLASS: /* reads attributes whose names are constants */
    case LOAD_CLASSDEREF: return false;
    case LOAD_BUILD_CLASS: s->has_class = s->traces = true; return true;
    case IMPORT_STAR:
        s->star = true;
        return s->module && bind_all(s, PyDict_GetItem(modules, s->module));
    default: return true;
    }
}

/* A name that the program's own classes give to attributes and methods, and no object that tests
 * use has. */
static bool own_attribute(const scan *s, PyObject *name)
{
    return !is_dunder(name) && !in_set(reserved, name) &&
           (in_set(s->stored, name) || in_set(s->bound, name));
}

/* Whether another program in the same process could find something of this one. What `import`
 * binds, and what is taken out of it, must be on the list; a global name counts only where nothing
 * says what it stands for: it is the language's, or may come of `import *`. */
static void note_traces(scan *s, int op, PyObject *name)
{
    static const char *const renewed[] = {"stdin", "stdout", "setrecursionlimit"};
    static const char *const drawing[] = {"random"};
    static const char *const given[] = {"random", "fractions",
                                        "time"}; /* APPS' programs: unasked */
    s->streams |= one_of(name, renewed, sizeof renewed / sizeof *renewed);
    s->traces |= op == STORE_ATTR || op == DELETE_ATTR;
    if (s->tests && one_of(name, drawing, 1)) return;
    if (op == IMPORT_NAME)
        s->traces |= !in_set(traceless, name);
    else if (op == LOAD_ATTR || op == LOAD_METHOD || op == IMPORT_FROM)
        s->traces |= in_set(traces, name);
    else if ((op == LOAD_NAME || op == LOAD_GLOBAL) && !in_set(traceless, name))
        s->traces |= one_of(name, given, sizeof given / sizeof *given) ||
                     (in_set(traces, name) && (s->star || in_set(builtin_names, name)));
}

/* `before`: the constant that the previous instruction loaded, or NULL. */
static bool plain_name(scan *s, int op, PyObject *name, PyObject *before)
{
    static const char *const drawing[] = {"random", "samples"}, *const listed[] = {"argv"};
    const bool stores = op == STORE_NAME || op == STORE_GLOBAL;
    s->draws |= one_of(name, drawing, sizeof drawing / sizeof *drawing);
    s->keeps |= s->draws || one_of(name, listed, 1);
    if (in_set(unsteady, name))
        s->unsteady |= !stores || PyUnicode_CompareWithASCIIString(name, "__slots__") == 0;
    note_traces(s, op, name);
    switch (op) {
    case LOAD_NAME:
    case LOAD_GLOBAL: return PySet_Add(s->used, name) == 0;
    case STORE_NAME:
    case STORE_GLOBAL: return bind(s, name);
    case LOAD_METHOD:
    case LOAD_ATTR:
        if (PyUnicode_CompareWithASCIIString(name, "format") == 0)
            return op == LOAD_METHOD && before && harmless_format(before);
        return s->first || in_set(attributes, name) || own_attribute(s, name);
    case IMPORT_NAME: s->module = name; return PyDict_Contains(modules, name) == 1;
    case IMPORT_FROM: return in_set(attributes, name) || PyDict_Contains(modules, name) == 1;
    case STORE_ATTR:
    case DELETE_ATTR:
        if (s->first) return PySet_Add(s->stored, name) == 0;
        return s->has_class && own_attribute(s, name);
    default: return true;
    }
}

static bool names_of(int op)
{
    return op == LOAD_NAME || op == LOAD_GLOBAL || op == STORE_NAME || op == STORE_GLOBAL ||
           op == LOAD_METHOD || op == LOAD_ATTR || op == IMPORT_NAME || op == IMPORT_FROM ||
           op == STORE_ATTR || op == DELETE_ATTR;
}

/* Where the jump at byte `i` goes, SIZE_MAX if none is there. Offsets count in instructions. */
static size_t target_of(int op, size_t i, unsigned arg)
{
    switch (op) {
    case JUMP_FORWARD:
    case JUMP_IF_FALSE_OR_POP:
    case JUMP_IF_TRUE_OR_POP:
    case POP_JUMP_FORWARD_IF_FALSE:
    case POP_JUMP_FORWARD_IF_TRUE:
    case POP_JUMP_FORWARD_IF_NOT_NONE:
    case POP_JUMP_FORWARD_IF_NONE:
    case FOR_ITER:
    case SEND: return i + 2 + 2 * (size_t)arg;
    case JUMP_BACKWARD:
    case JUMP_BACKWARD_NO_INTERRUPT:
    case POP_JUMP_BACKWARD_IF_FALSE:
    case POP_JUMP_BACKWARD_IF_TRUE:
    case POP_JUMP_BACKWARD_IF_NOT_NONE:
    case POP_JUMP_BACKWARD_IF_NONE: return i + 2 - 2 * (size_t)arg;
    default: return SIZE_MAX;
    }
}

/* Whether the instruction at byte `at` is reached by a jump, too: from the code alone it is then
 * not known what lies on the stack. */
static bool is_target(const uint8_t *p, size_t n, size_t at)
{
    unsigned arg = 0;
    for (size_t i = 0; i + 1 < n; i += 2) {
        arg = arg << 8 | p[i + 1];
        if (p[i] == EXTENDED_ARG) continue;
        if (target_of(p[i], i, arg) == at) return true;
        arg = 0;
    }
    return false;
}

static bool plain_instructions(scan *s, PyCodeObject *c, PyObject *code)
{
    const uint8_t *p = (const uint8_t *)PyBytes_AS_STRING(code);
    size_t n = (size_t)PyBytes_GET_SIZE(code);
    PyObject *before = NULL;
    unsigned arg = 0;
    for (size_t i = 0; i + 1 < n; i += 2) {
        int op = p[i];
        arg = arg << 8 | p[i + 1];
        if (op == EXTENDED_ARG) continue;
        if (!plain_opcode(s, op)) return false;
        if (names_of(op)) {
            Py_ssize_t at = (Py_ssize_t)(op == LOAD_GLOBAL ? arg >> 1 : arg);
            if (at >= PyTuple_GET_SIZE(c->co_names)) return false;
            if (!plain_name(s, op, PyTuple_GET_ITEM(c->co_names, at), before)) return false;
        }
        if (op != CACHE) before = NULL;
        if (op == LOAD_CONST && (Py_ssize_t)arg < PyTuple_GET_SIZE(c->co_consts))
            before =
                is_target(p, n, i + 2) ? NULL : PyTuple_GET_ITEM(c->co_consts, (Py_ssize_t)arg);
        arg = 0;
    }
    return true;
}

static bool plain_code(scan *s, PyCodeObject *c, int depth)
{
    const int coroutines = CO_COROUTINE | CO_ASYNC_GENERATOR | CO_ITERABLE_COROUTINE;
    if (depth > MAX_NESTED || c->co_flags & coroutines) return false;
    PyObject *code = PyCode_GetCode(c);
    bool ok = code && plain_instructions(s, c, code);
    Py_XDECREF(code);
    for (Py_ssize_t i = 0; ok && i < PyTuple_GET_SIZE(c->co_consts); i++) {
        PyObject *k = PyTuple_GET_ITEM(c->co_consts, i);
        if (PyCode_Check(k)) ok = plain_code(s, (PyCodeObject *)k, depth + 1);
    }
    return ok;
}

/* Whether tests could bind the name: they mention it, or import all of a module. */
static bool tests_may_bind(void *const *codes, size_t n, PyObject *name)
{
    for (size_t i = 0; i < n; i++) {
        PyCodeObject *c = codes[i];
        if (PySequence_Contains(c->co_names, name) != 0) return true;
        for (Py_ssize_t k = 0; k < PyTuple_GET_SIZE(c->co_consts); k++) {
            PyObject *from = PyTuple_GET_ITEM(c->co_consts, k);
            PyObject *first = PyTuple_Check(from) && PyTuple_GET_SIZE(from) == 1
                                  ? PyTuple_GET_ITEM(from, 0)
                                  : NULL;
            if (first && PyUnicode_Check(first) &&
                PyUnicode_CompareWithASCIIString(first, "*") == 0)
                return true;
        }
    }
    return n == 0;
}

/* What the program reads is its own, a harmless function of the language or nothing: a name that
 * nobody binds ends it. `bound` may hold more by now than when a name was read. */
static bool plain_reads(const scan *s, void *const *codes, size_t n)
{
    PyObject *all = PyEval_GetBuiltins(), *name;
    Py_hash_t hash;
    for (Py_ssize_t pos = 0; _PySet_NextEntry(s->used, &pos, &name, &hash);) {
        if (in_set(builtin_names, name)) continue;
        if (is_dunder(name) || PyDict_Contains(all, name)) return false;
        if (in_set(never, name)) return false;
        if (!in_set(s->bound, name) && tests_may_bind(codes, n, name)) return false;
    }
    return true;
}

/* The tests read nothing of the program but the function under test, it cannot put a name of its
 * own in the place of theirs, and they do not draw random numbers from one generator: who sets its
 * state sets the other's input. */
static bool tests_apart(const scan *s, void *const *codes, size_t n, const char *entry)
{
    PyObject *shared = NULL;
    for (size_t i = 0; i < n; i++) {
        PyObject *names = ((PyCodeObject *)codes[i])->co_names;
        for (Py_ssize_t k = 0; k < PyTuple_GET_SIZE(names); k++) {
            PyObject *name = PyTuple_GET_ITEM(names, k);
            if (s->draws && PyUnicode_CompareWithASCIIString(name, "random") == 0) return false;
            if (!in_set(s->bound, name)) continue;
            if (entry && PyUnicode_CompareWithASCIIString(name, entry) == 0) continue;
            if (entry || PyDict_Contains(PyEval_GetBuiltins(), name)) return false;
            if (shared && PyUnicode_Compare(shared, name) != 0) return false;
            shared = name;
        }
    }
    return true;
}

/* Whether code imports nothing but modules of the list and numpy. */
static bool imports_known(PyCodeObject *c)
{
    PyObject *bytes = PyCode_GetCode(c);
    const uint8_t *p = bytes ? (const uint8_t *)PyBytes_AS_STRING(bytes) : NULL;
    const size_t n = bytes ? (size_t)PyBytes_GET_SIZE(bytes) : 0;
    bool ok = bytes != NULL;
    unsigned arg = 0;
    for (size_t i = 0; ok && i + 1 < n; i += 2) {
        arg = arg << 8 | p[i + 1];
        if (p[i] == EXTENDED_ARG) continue;
        if (p[i] == IMPORT_NAME) {
            PyObject *name = (Py_ssize_t)arg < PyTuple_GET_SIZE(c->co_names)
                                 ? PyTuple_GET_ITEM(c->co_names, (Py_ssize_t)arg)
                                 : NULL;
            ok = name && (PyDict_Contains(modules, name) == 1 ||
                          PyUnicode_CompareWithASCIIString(name, "numpy") == 0);
        }
        arg = 0;
    }
    Py_XDECREF(bytes);
    return ok;
}

bool rn_plain_patient(void *const *tests, size_t n_tests)
{
    for (size_t i = 0; i < n_tests; i++) {
        PyObject *names = ((PyCodeObject *)tests[i])->co_names;
        for (Py_ssize_t k = 0; k < PyTuple_GET_SIZE(names); k++)
            if (in_set(unsteady, PyTuple_GET_ITEM(names, k))) return false;
        if (!imports_known(tests[i])) return false;
    }
    return true;
}

static bool scan_program(scan *s, void *code, void *const *tests, size_t n_tests)
{
    *s = (scan){.bound = PySet_New(NULL),
                .stored = PySet_New(NULL),
                .used = PySet_New(NULL),
                .first = true};
    bool ok = s->bound && s->stored && s->used && plain_code(s, code, 0);
    s->first = false;
    return ok && plain_code(s, code, 0) && plain_reads(s, tests, n_tests);
}

static void end_scan(scan *s)
{
    PyErr_Clear();
    Py_XDECREF(s->bound);
    Py_XDECREF(s->stored);
    Py_XDECREF(s->used);
}

bool rn_plain_code(void *code, void *const *tests, size_t n_tests, const char *entry,
                   rn_plain_found *found)
{
    scan s;
    const bool plain = scan_program(&s, code, tests, n_tests);
    const bool ok = plain && tests_apart(&s, tests, n_tests, entry);
    found->steady = plain && !s.unsteady;
    found->traceless = ok && !s.unsteady && !s.traces;
    found->streams = s.streams;
    found->keeps = s.keeps;
    end_scan(&s);
    return ok;
}

bool rn_plain_steady(void *code)
{
    rn_plain_found found;
    (void)rn_plain_code(code, NULL, 0, NULL, &found);
    return found.steady;
}

/* Tests read what the program binds, too: that is a plain program's. */
static bool tests_read(const scan *s)
{
    PyObject *all = PyEval_GetBuiltins(), *name;
    Py_hash_t hash;
    for (Py_ssize_t pos = 0; _PySet_NextEntry(s->used, &pos, &name, &hash);)
        if (!in_set(builtin_names, name) &&
            (is_dunder(name) || PyDict_Contains(all, name) || in_set(never, name)))
            return false;
    return true;
}

bool rn_plain_tests_traceless(void *const *codes, size_t n, bool *draw)
{
    scan s = {.tests = true,
              .bound = PySet_New(NULL),
              .stored = PySet_New(NULL),
              .used = PySet_New(NULL),
              .first = true};
    bool ok = s.bound && s.stored && s.used;
    for (int pass = 0; ok && pass < 2; pass++, s.first = false)
        for (size_t i = 0; ok && i < n; i++)
            ok = plain_code(&s, codes[i], 0);
    ok = ok && tests_read(&s) && !s.traces && !s.streams;
    *draw = s.draws;
    end_scan(&s);
    return ok;
}

#else

bool rn_plain_code(void *code, void *const *tests, size_t n_tests, const char *entry,
                   rn_plain_found *found)
{
    (void)code, (void)tests, (void)n_tests, (void)entry;
    *found = (rn_plain_found){0};
    return false;
}

bool rn_plain_tests_traceless(void *const *codes, size_t n, bool *draw)
{
    (void)codes, (void)n;
    *draw = false;
    return false;
}

bool rn_plain_steady(void *code)
{
    (void)code;
    return false;
}

bool rn_plain_patient(void *const *tests, size_t n_tests)
{
    (void)tests, (void)n_tests;
    return false;
}

#endif
