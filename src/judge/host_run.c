/*
 * host_run.c: what a child does: compile and run the judged source, run or feed the tests, and
 * write its record. Everything that decides is C; Python objects that the program can reach hold
 * nothing of it.
 *
 * SCRIPT keeps the meaning of exec(program + "\n" + tests, {}): one namespace that holds nothing
 * but __builtins__. Program and tests are compiled apart, before anything runs, so that the program
 * cannot reach the tests' code; where the program compiles only together with the tests (it ends in
 * the middle of something), the whole is run as one piece, as the official harness would.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "judge/host.h"

#include "base/clock.h"

#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

enum { MAX_TEST_CODES = 1024 };

typedef struct run {
    const rn_judge_job *job;
    rn_how how;
    int altered;
    rn_record *record;
    PyObject *globals;
    PyObject **tests;            /* [job->n_cases] code objects */
    void *codes[MAX_TEST_CODES]; /* every code object of the tests; borrowed from `tests` */
    size_t n_codes;
    bool tests_traceless, tests_draw;
    bool exhausted; /* an exception was one of memory, of the stack, of the interpreter */
} run;

static const PyCompilerFlags source_flags = {.cf_flags = PyCF_SOURCE_IS_UTF8 | PyCF_IGNORE_COOKIE,
                                             .cf_feature_version = PY_MINOR_VERSION};

static void conclude(run *r, rn_verdict v)
{
    r->record->verdict = (int32_t)v;
}

static void set_detail(run *r, const char *text)
{
    snprintf(r->record->detail, sizeof r->record->detail, "%s", text);
}

/* "IndexError: list index out of range". str() of the exception may be the program's code. */
static void describe_exception(run *r, PyObject *type, PyObject *value)
{
    const char *name = PyType_Check(type) ? ((PyTypeObject *)type)->tp_name : "exception";
    PyObject *text = value ? PyObject_Str(value) : NULL;
    Py_ssize_t len = 0;
    const char *s = text ? PyUnicode_AsUTF8AndSize(text, &len) : NULL;
    PyErr_Clear();
    char *d = r->record->detail;
    size_t cap = sizeof r->record->detail;
    if (s && *s)
        snprintf(d, cap, "%s: %s", name, s);
    else
        snprintf(d, cap, "%s", name);
    Py_XDECREF(text);
    size_t bad = 0; /* a cut may have split a character */
    while (!rn_utf8_valid(rn_bytes_of(d), &bad))
        d[bad] = '\0';
}

static rn_verdict verdict_of(PyObject *type)
{
    if (PyErr_GivenExceptionMatches(type, PyExc_SystemExit)) return RN_V_EXITED;
    if (PyErr_GivenExceptionMatches(type, PyExc_AssertionError)) return RN_V_WRONG;
    if (PyErr_GivenExceptionMatches(type, PyExc_MemoryError)) return RN_V_MEMORY_LIMIT;
    return RN_V_EXCEPTION;
}

/* Whether what the interpreter itself needs ran out, or it found itself broken. */
static bool is_exhaustion(PyObject *type)
{
    return PyErr_GivenExceptionMatches(type, PyExc_MemoryError) ||
           PyErr_GivenExceptionMatches(type, PyExc_RecursionError) ||
           PyErr_GivenExceptionMatches(type, PyExc_SystemError);
}

/* Takes the current exception as the run's end. */
static void conclude_exception(run *r, bool compiling)
{
    PyObject *type, *value, *tb;
    PyErr_Fetch(&type, &value, &tb);
    PyErr_NormalizeException(&type, &value, &tb);
    PyErr_Clear();
    if (!type) {
        conclude(r, RN_V_EXCEPTION);
        return;
    }
    r->exhausted |= is_exhaustion(type);
    conclude(r, compiling ? RN_V_SYNTAX : verdict_of(type));
    describe_exception(r, type, value);
    /* Not released: destructors are judged code, and the process is about to end. */
}

void *rn_run_parse(rn_bytes source, const char *name, int start, void *flags)
{
    if (memchr(source.data ? source.data : "", '\0', source.len)) {
        PyErr_SetString(PyExc_ValueError, "source code string cannot contain null bytes");
        return NULL;
    }
    /* The parser overlooks it in comments; a lone surrogate in a text stops exec() in Python. */
    if (!rn_utf8_valid(source, NULL)) {
        PyErr_SetString(PyExc_SyntaxError, "source is not valid UTF-8");
        return NULL;
    }
    char *text = malloc(source.len + 1);
    if (!text) return PyErr_NoMemory();
    if (source.len) memcpy(text, source.data, source.len);
    text[source.len] = '\0';
    PyObject *code = Py_CompileStringExFlags(text, name, start, flags, -1);
    free(text);
    return code;
}

/* NULL with an exception set. `flags` gathers the source's __future__ imports. */
static PyObject *compile_source(rn_bytes source, const char *name, PyCompilerFlags *flags)
{
    return rn_run_parse(source, name, Py_file_input, flags);
}

static PyObject *new_globals(const char *name)
{
    PyObject *g = PyDict_New();
    if (!g || PyDict_SetItemString(g, "__builtins__", PyEval_GetBuiltins())) return NULL;
    if (!name) return g;
    PyObject *n = PyUnicode_FromString(name);
    int rc = n ? PyDict_SetItemString(g, "__name__", n) : -1;
    Py_XDECREF(n);
    return rc ? NULL : g;
}

static bool execute(PyObject *code, PyObject *globals)
{
    rn_plain_close();
    PyObject *v = PyEval_EvalCode(code, globals, globals);
    Py_XDECREF(v);
    return v != NULL;
}

static void call_quietly(PyObject *f, const char *method)
{
    PyObject *v = !f       ? NULL
                  : method ? PyObject_CallMethod(f, method, NULL)
                           : PyObject_CallNoArgs(f);
    Py_XDECREF(v);
    PyErr_Clear();
}

/* Tells the host what program and tests are (host_plain.c), before any of it runs. True: the
 * program is plain and steady. */
static bool tell_plain(run *r, PyObject *code, rn_plain_found *found)
{
    const bool plain = rn_plain_code(code, r->codes, r->n_codes, r->job->entry, found);
    if (r->job->mode == RN_JUDGE_STDIO) found->steady &= !found->keeps;
    rn_plain_tell(plain, found->steady,
                  plain && found->steady && rn_plain_patient(r->codes, r->n_codes));
    return plain && found->steady;
}

/* Whether a program that ended so did nothing but its own. */
static bool ended_well(const run *r)
{
    const rn_verdict v = (rn_verdict)r->record->verdict;
    return (v == RN_V_PASSED || v == RN_V_WRONG || v == RN_V_EXCEPTION) && !r->record->doubt &&
           !r->exhausted;
}

/* Takes a constant out of gc.get_objects(), where the program could find the expected values. */
static void hide(PyObject *v)
{
    if (!PyTuple_Check(v) && !PyFrozenSet_Check(v)) return;
    if (PyObject_GC_IsTracked(v)) PyObject_GC_UnTrack(v);
    for (Py_ssize_t i = 0; PyTuple_Check(v) && i < PyTuple_GET_SIZE(v); i++)
        hide(PyTuple_GET_ITEM(v, i));
}

static void gather_codes(run *r, PyObject *code)
{
    if (r->n_codes == MAX_TEST_CODES) return;
    r->codes[r->n_codes++] = code;
    PyObject *consts = ((PyCodeObject *)code)->co_consts;
    hide(consts);
    hide(((PyCodeObject *)code)->co_names);
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(consts); i++)
        if (PyCode_Check(PyTuple_GET_ITEM(consts, i))) gather_codes(r, PyTuple_GET_ITEM(consts, i));
}

/* ---- SCRIPT ---------------------------------------------------------------------------------- */

/* The whole as the official harness sees it, for a program that takes tests into itself: as it ends
 * in a decorator, or in `if 0: \\`. Whatever they do there, they are not the tests any more. */
static void run_whole(run *r, PyCompilerFlags *flags)
{
    rn_buf b = {0};
    rn_buf_add(&b, r->job->program.data ? r->job->program.data : "", r->job->program.len);
    for (size_t i = 0; i < r->job->n_cases; i++) {
        rn_buf_putc(&b, '\n');
        rn_buf_add(&b, r->job->cases[i].input.data ? r->job->cases[i].input.data : "",
                   r->job->cases[i].input.len);
    }
    PyObject *code = rn_buf_ok(&b) ? compile_source(rn_buf_view(&b), "<string>", flags) : NULL;
    rn_buf_free(&b);
    PyErr_Clear();
    if (!rn_worker_takes(!code)) return;
    rn_worker_ended(!code && !r->exhausted);
    if (!code) return; /* the verdict stays: a syntax error */
    r->record->detail[0] = '\0';
    r->record->n_run = (int32_t)r->job->n_cases;
    if (!execute(code, r->globals)) {
        conclude_exception(r, false);
        r->record->failed_case = 0;
        return;
    }
    conclude(r, RN_V_FORGED);
    set_detail(r, "the program ends in the middle of something and takes the tests into itself");
}

/* In a child that stays: the code of the tests of its last program. */
static struct {
    uint64_t id;
    PyObject **tests;
    bool traceless, draw;
} kept;

/* Takes the tests' code from there, or from what the host lends. */
static bool load_tests(run *r)
{
    const uint64_t id = rn_tests_now().id;
    if (!id || id != kept.id) return rn_tests_load(r->job->n_cases, (void **)r->tests);
    r->tests = kept.tests;
    r->tests_traceless = kept.traceless;
    r->tests_draw = kept.draw;
    return true;
}

static void keep_tests(const run *r)
{
    kept.id = rn_tests_now().id;
    kept.tests = r->tests;
    kept.traceless = r->tests_traceless;
    kept.draw = r->tests_draw;
}

/* Compiles the tests under the program's flags; false when that concluded the run. */
static bool compile_tests(run *r, PyObject *program, PyCompilerFlags *flags)
{
    if (r->how == RN_RUN_ALTERED &&
        !rn_apart_alter(r->job, r->altered, program, (void **)r->tests)) {
        conclude(r, RN_V_SANDBOX);
        return false;
    }
    /* The code of tests depends on nothing of the program but its __future__ imports. */
    const bool common = r->how == RN_RUN_FIRST && !(flags->cf_flags & PyCF_MASK);
    const bool lent = common && load_tests(r);
    for (size_t i = 0; i < r->job->n_cases; i++) {
        if (!r->tests[i]) r->tests[i] = compile_source(r->job->cases[i].input, "<test>", flags);
        if (!r->tests[i]) {
            conclude_exception(r, false);
            r->record->failed_case = (int32_t)i;
            return false;
        }
    }
    if (common && !lent) rn_tests_leave(r->job->n_cases, (void **)r->tests);
    for (size_t i = 0; i < r->job->n_cases; i++)
        gather_codes(r, r->tests[i]);
    if (!rn_worker_stays()) return true;
    if (kept.tests != r->tests)
        r->tests_traceless =
            rn_plain_tests_traceless((void **)r->tests, r->job->n_cases, &r->tests_draw);
    if (lent) keep_tests(r);
    return true;
}

/* Tests that replace built-in functions themselves: what is changed may be their doing. */
static bool tests_patch(const run *r)
{
    for (size_t i = 0; i < r->n_codes; i++) {
        PyObject *names = ((PyCodeObject *)r->codes[i])->co_names;
        for (Py_ssize_t k = 0; k < PyTuple_GET_SIZE(names); k++) {
            PyObject *name = PyTuple_GET_ITEM(names, k);
            if (PyUnicode_CompareWithASCIIString(name, "patch") == 0 ||
                PyUnicode_CompareWithASCIIString(name, "builtins") == 0 ||
                PyUnicode_CompareWithASCIIString(name, "setattr") == 0)
                return true;
        }
    }
    return false;
}

static void conclude_passed(run *r)
{
    const char *bent = rn_forge_tampered(r->how == RN_RUN_AGAIN);
    const bool counts = bent && r->how == RN_RUN_AGAIN && !tests_patch(r);
    r->record->doubt = bent || rn_forge_operators();
    conclude(r, counts ? RN_V_FORGED : RN_V_PASSED);
    if (counts) set_detail(r, bent);
}

static void run_tests(run *r)
{
    bool failed = false;
    for (size_t i = 0; i < r->job->n_cases; i++) {
        r->record->n_run++;
        if (execute(r->tests[i], r->globals)) {
            r->record->n_passed++;
            continue;
        }
        if (!failed) {
            conclude_exception(r, false);
            r->record->failed_case = (int32_t)i;
        }
        PyErr_Clear();
        failed = true;
        if (!r->job->all_cases) return;
    }
    if (!failed) conclude_passed(r);
}

static void run_script(run *r)
{
    PyCompilerFlags flags = source_flags;
    r->tests = calloc(r->job->n_cases + 1, sizeof *r->tests);
    r->globals = new_globals(NULL);
    if (!r->tests || !r->globals) {
        conclude(r, RN_V_SANDBOX);
        return;
    }
    PyObject *code = compile_source(r->job->program, "<string>", &flags);
    const bool split = !code;
    if (!code) {
        conclude_exception(r, true);
        code = rn_apart_split(r->job);
        if (!code) {
            run_whole(r, &flags);
            return;
        }
        r->record->detail[0] = '\0';
    }
    if (!compile_tests(r, code, &flags)) return;
    rn_secret_wipe();
    rn_worker_wipe();
    rn_plain_found found = {0};
    if (r->how == RN_RUN_FIRST) tell_plain(r, code, &found);
    if (!rn_worker_takes(found.traceless && !found.streams && r->tests_traceless && !split)) return;
    rn_forge_begin();
    rn_run_draws(r->tests_draw);
    if (execute(code, r->globals))
        run_tests(r);
    else
        conclude_exception(r, false);
    rn_worker_ended(ended_well(r));
}

void *rn_run_code(rn_bytes program)
{
    PyCompilerFlags flags = source_flags;
    return compile_source(program, "<string>", &flags);
}

void *rn_run_compile(const rn_judge_job *job)
{
    PyObject *code = rn_run_code(job->program);
    return code ? code : rn_apart_split(job);
}

/* ---- STDIO and CALL -------------------------------------------------------------------------- */

/* The names that APPS' own harness imports before every solution. numpy only where the source
 * mentions it: its import takes longer than most programs. */
static const char apps_prelude[] =
    "import sys\nimport time\nimport itertools\n"
    "from itertools import accumulate, product, permutations, combinations\n"
    "import collections\n"
    "from collections import Counter, OrderedDict, deque, defaultdict, ChainMap\n"
    "from functools import lru_cache\nimport math\n"
    "from math import sqrt, sin, cos, tan, ceil, fabs, floor, gcd, exp, log, log2\n"
    "import fractions\nfrom typing import List, Tuple\nimport random\nimport heapq\n"
    "from heapq import *\n";
static PyObject *prelude; /* what they bind, found once */

int rn_run_start(rn_err *err)
{
    prelude = new_globals(NULL);
    PyObject *v = prelude ? PyRun_String(apps_prelude, Py_file_input, prelude, prelude) : NULL;
    Py_XDECREF(v);
    if (v && rn_run_settle_start() && PyDict_DelItemString(prelude, "__builtins__") == 0) return 0;
    PyErr_Print();
    return rn_fail(err, RN_ESANDBOX, "the modules that APPS' programs find do not load");
}

/* Whether the word stands in the source by itself: most programs say "input". */
static bool names_word(rn_bytes source, const char *word)
{
    const size_t len = strlen(word);
    for (size_t at = 0; (at = rn_bytes_find(source, rn_bytes_of(word), at)) != SIZE_MAX; at++) {
        const char before = at ? source.data[at - 1] : ' ';
        const char after = at + len < source.len ? source.data[at + len] : ' ';
        if (!Py_ISALNUM(before) && before != '_' && !Py_ISALNUM(after) && after != '_') return true;
    }
    return false;
}

/* What APPS' harness looks for in a program's text, be it in a comment. */
static bool names_numpy(rn_bytes program)
{
    return names_word(program, "np");
}

static bool says_solution(rn_bytes program)
{
    return rn_bytes_find(program, rn_bytes_of("class Solution"), 0) != SIZE_MAX;
}

int rn_run_text_says(rn_bytes program)
{
    return names_numpy(program) + 2 * says_solution(program);
}

static bool add_prelude(run *r)
{
    if (r->job->mode == RN_JUDGE_CALLS || r->job->mode == RN_JUDGE_RECORD ||
        (r->job->mode == RN_JUDGE_VALUES && r->job->compare == RN_COMPARE_STRICT))
        return true;
    if (PyDict_Update(r->globals, prelude)) return false;
    if (!names_numpy(r->job->program)) return true;
    PyObject *numpy = PyImport_ImportModule("numpy");
    if (numpy) PyDict_SetItemString(r->globals, "np", numpy);
    PyErr_Clear(); /* a system without numpy: programs that need it fail by themselves */
    return true;
}

/* VALUES: whether another program in this process could find nothing of the calls. */
static bool values_traceless(run *r, const rn_plain_found *found)
{
    if (!rn_worker_stays() || !found->traceless || found->streams) return false;
    r->tests = calloc(2 * r->job->n_cases + 1, sizeof *r->tests);
    return !names_numpy(r->job->program) && r->tests &&
           rn_literal_compile(r->job, (void **)r->tests);
}

/* Compiles and executes the program; false when that concluded the run. */
static bool run_program(run *r)
{
    PyCompilerFlags flags = source_flags;
    if (!r->globals || !add_prelude(r)) {
        conclude(r, RN_V_SANDBOX);
        return false;
    }
    PyObject *code = compile_source(r->job->program, "<string>", &flags);
    const bool values = r->job->mode == RN_JUDGE_VALUES;
    if (!code) {
        conclude_exception(r, true);
        if (values) (void)rn_worker_takes(true);
        return false;
    }
    const bool asked = values || r->job->mode == RN_JUDGE_CALL || r->job->mode == RN_JUDGE_CALLS;
    rn_plain_found found = {0};
    if (asked && r->how == RN_RUN_FIRST) tell_plain(r, code, &found);
    if (values && !rn_worker_takes(values_traceless(r, &found))) return false;
    rn_forge_begin();
    if (execute(code, r->globals)) return true;
    if (r->job->mode == RN_JUDGE_STDIO && PyErr_ExceptionMatches(PyExc_SystemExit)) {
        PyErr_Clear();
        return true;
    }
    conclude_exception(r, false);
    return false;
}

/* The program's output is judged by the host. Here it only has to end as a script does: threads
 * finished, exit functions run, buffers flushed. */
static void run_stdio(run *r)
{
    PyObject *join = rn_run_attribute("threading", "_shutdown");
    PyObject *at_exit = rn_run_attribute("atexit", "_run_exitfuncs");
    PyObject *original = rn_run_attribute("sys", "stdout");
    PyObject *main_module = PyImport_AddModule("__main__");
    r->globals = main_module ? PyModule_GetDict(main_module) : NULL;
    bool ended = run_program(r);
    if (r->record->verdict == RN_V_SYNTAX) return;
    call_quietly(join, NULL);
    call_quietly(at_exit, NULL);
    PyObject *now = PySys_GetObject("stdout");
    if (now && now != original) call_quietly(now, "flush");
    call_quietly(original, "flush");
    if (!ended) return;
    r->record->clean_exit = true;
    conclude(r, RN_V_PASSED); /* provided the output agrees */
}

/* A standard stream as the interpreter makes it, of the descriptor now: a new reference. */
static PyObject *renew_stream(const char *name, int fd, const char *mode, const char *newline)
{
    PyObject *old = rn_run_attribute("sys", name);
    PyObject *encoding = old ? PyObject_GetAttrString(old, "encoding") : NULL;
    PyObject *errors = old ? PyObject_GetAttrString(old, "errors") : NULL;
    if (!encoding || !errors) return NULL;
    enum { BUFFER = 8192 }; /* given, the library does not ask whether it is a terminal */
    PyObject *fresh = PyFile_FromFd(fd, name, mode, BUFFER, PyUnicode_AsUTF8(encoding),
                                    PyUnicode_AsUTF8(errors), newline, 0);
    if (!fresh || PySys_SetObject(name, fresh)) return NULL;
    Py_DECREF(encoding);
    Py_DECREF(errors);
    Py_DECREF(old); /* flushed; a plain program has no stream of a class of its own */
    return fresh;
}

/* Puts the case's input, and nothing else, into the standard input. */
static bool refill_input(rn_bytes in)
{
    for (size_t at = 0; at < in.len;) {
        const ssize_t n = pwrite(0, in.data + at, in.len - at, (off_t)at);
        if (n <= 0) return false;
        at += (size_t)n;
    }
    return ftruncate(0, (off_t)in.len) == 0 && lseek(0, 0, SEEK_SET) == 0;
}

/* One case of several. False: it is to be run in a child of its own. */
static bool run_one_of_many(run *r, size_t i, PyObject *code, PyObject *names)
{
    PyObject *globals = PyDict_Copy(names);
    if (!globals || !refill_input(r->job->cases[i].input)) return false;
    PyObject *in = renew_stream("stdin", 0, "r", NULL);
    PyObject *out = renew_stream("stdout", 1, "w", "\n");
    if (!in || !out) return false;
    const int64_t begin = rn_thread_cpu_ns();
    rn_case_end end = {.verdict = RN_V_PASSED};
    if (!execute(code, globals) && !PyErr_ExceptionMatches(PyExc_SystemExit)) {
        conclude_exception(r, false);
        end.verdict = r->record->verdict;
        if (end.verdict != RN_V_EXCEPTION && end.verdict != RN_V_WRONG) return false;
    }
    PyErr_Clear();
    call_quietly(out, "flush");
    end.cpu_ns = rn_thread_cpu_ns() - begin;
    end.out_bytes = lseek(1, 0, SEEK_END);
    Py_DECREF(in);
    Py_DECREF(out);
    rn_watch_case_end(i, &end, end.verdict == RN_V_PASSED ? NULL : r->record->detail);
    return true;
}

/* What this process has held at most. */
static int64_t peak_bytes(void)
{
    struct rusage u;
    return getrusage(RUSAGE_SELF, &u) ? 0 : (int64_t)u.ru_maxrss * 1024;
}

/* STDIO: all cases of the job, each in a namespace of its own, if the program is one that can have
 * several. Nothing that an earlier case made is released: destructors are judged code. */
static void run_many(run *r)
{
    PyCompilerFlags flags = source_flags;
    PyObject *main_module = PyImport_AddModule("__main__");
    r->globals = main_module ? PyModule_GetDict(main_module) : NULL;
    PyObject *code =
        r->globals && add_prelude(r) ? compile_source(r->job->program, "<string>", &flags) : NULL;
    if (!code) {
        conclude_exception(r, true);
        if (rn_worker_takes(true)) rn_worker_ended(!r->exhausted);
        return;
    }
    conclude(r, RN_V_PASSED);
    rn_plain_found found;
    const bool plain = tell_plain(r, code, &found);
    if (!rn_worker_takes(found.traceless && !names_numpy(r->job->program)) || !plain) return;
    rn_forge_begin();
    const int depth = Py_GetRecursionLimit();
    const int64_t enough = peak_bytes() + RN_MANY_BYTES;
    bool more = true;
    size_t i = 0;
    for (; more && i < r->job->n_cases; i++) {
        rn_watch_value_begin(i);
        if (!run_one_of_many(r, i, code, r->globals)) break;
        Py_SetRecursionLimit(depth);
        const bool held = rn_watch_values()->ended[i].verdict == RN_V_PASSED;
        more = (held || r->job->all_cases) && peak_bytes() < enough;
    }
    rn_watch_value_begin(i);
    conclude(r, RN_V_PASSED);
    rn_worker_ended(i == r->job->n_cases && !r->exhausted);
}

/* The function or the method of a Solution object that the case calls; NULL with an exception. */
static PyObject *find_entry(run *r)
{
    const char *name = r->job->entry ? r->job->entry : "";
    PyObject *cls = PyDict_GetItemString(r->globals, "Solution");
    if (cls && says_solution(r->job->program)) {
        PyObject *self = PyObject_CallNoArgs(cls);
        const char *dot = strrchr(name, '.'); /* "Solution().name" */
        return self ? PyObject_GetAttrString(self, dot ? dot + 1 : name) : NULL;
    }
    PyObject *f = PyDict_GetItemString(r->globals, name);
    if (!f) PyErr_Format(PyExc_NameError, "name '%s' is not defined", name);
    Py_XINCREF(f);
    return f;
}

/* JSON knows only string keys: APPS turns a single dictionary argument's keys into integers. */
void *rn_run_arguments(const rn_judge_job *job, rn_bytes input)
{
    PyObject *list = rn_hostjson_parse(input);
    if (!list) return NULL;
    if (!PyList_Check(list)) {
        PyErr_SetString(PyExc_ValueError, "the case's input is no JSON array");
        return NULL;
    }
    PyObject *first = PyList_GET_SIZE(list) > 0 ? PyList_GET_ITEM(list, 0) : NULL;
    bool bare = job->compare == RN_COMPARE_LIVECODEBENCH ||
                (job->mode == RN_JUDGE_VALUES && job->compare == RN_COMPARE_STRICT);
    if (!bare && first && PyDict_Check(first)) {
        PyObject *ints = PyDict_New(), *key, *v;
        for (Py_ssize_t pos = 0; ints && PyDict_Next(first, &pos, &key, &v);) {
            PyObject *k = PyLong_FromUnicodeObject(key, 10);
            if (!k || PyDict_SetItem(ints, k, v)) Py_CLEAR(ints);
            Py_XDECREF(k);
        }
        PyErr_Clear();
        if (ints) return Py_BuildValue("(N)", ints);
    }
    return PyList_AsTuple(list);
}

static void run_call(run *r, const rn_judge_case *c)
{
    r->globals = new_globals("solution");
    if (!run_program(r)) return;
    PyObject *f = find_entry(r);
    PyObject *args = f ? rn_run_arguments(r->job, c->input) : NULL;
    PyObject *got = args ? PyObject_CallObject(f, args) : NULL;
    if (!got) {
        conclude_exception(r, false);
        return;
    }
    r->record->doubt = rn_forge_tampered(false) || rn_forge_operators();
    conclude(r, rn_hostjson_agrees(got, c->expected, r->job->compare) ? RN_V_PASSED : RN_V_WRONG);
}

/* ---- CALLS and RECORD ------------------------------------------------------------------------ */

static PyObject *find_function(run *r)
{
    PyObject *f = PyDict_GetItemString(r->globals, r->job->entry ? r->job->entry : "");
    if (f && PyCallable_Check(f)) return Py_NewRef(f);
    if (f || strchr(r->job->entry ? r->job->entry : "", '(') == NULL) {
        if (!f) PyErr_Format(PyExc_NameError, "name '%s' is not defined", r->job->entry);
        return f ? Py_NewRef(f) : NULL;
    }
    /* "Solution().name" */
    return PyRun_String(r->job->entry, Py_eval_input, r->globals, r->globals);
}

typedef struct test_call {
    PyObject *args, *want;
    PyObject *asked; /* the arguments as they were, where the rule of the problem looks at them */
} test_call;

/* All cases' [n_cases], read before the program runs and out of gc.get_objects()'s reach. */
static test_call *read_calls(run *r)
{
    test_call *v = calloc(r->job->n_cases + 1, sizeof *v);
    bool ok = v != NULL;
    const bool special = rn_calls_special(r->job);
    for (size_t i = 0; ok && i < r->job->n_cases; i++) {
        const rn_judge_case *c = &r->job->cases[i];
        v[i].args = rn_calls_arguments(c->input);
        v[i].want = v[i].args ? rn_calls_value(c->expected) : NULL;
        v[i].asked = special && v[i].want ? rn_calls_arguments(c->input) : Py_None;
        ok = v[i].want && v[i].asked;
    }
    if (ok && r->how == RN_RUN_ALTERED && r->altered >= 0) { /* -1: a control */
        PyObject **want = &v[r->altered].want;
        *want = rn_apart_call("plus_altered", Py_BuildValue("(N)", *want));
        ok = *want != NULL;
    }
    rn_secret_wipe();
    rn_run_freeze();
    if (ok) return v;
    conclude_exception(r, false);
    conclude(r, RN_V_SANDBOX);
    return NULL;
}

static void run_calls(run *r)
{
    test_call *v = read_calls(r);
    r->globals = new_globals(NULL);
    if (!v || !run_program(r)) return;
    PyObject *f = find_function(r);
    double atol = r->job->atol;
    bool failed = !f;
    if (failed) conclude_exception(r, false);
    for (size_t i = 0; f && i < r->job->n_cases; i++) {
        rn_watch_value_begin(i);
        r->record->n_run++;
        PyObject *got = PyObject_CallObject(f, v[i].args);
        if (got && rn_calls_agree(r->job, v[i].asked, got, v[i].want, &atol)) {
            r->record->n_passed++;
            continue; /* `got` is not released: its destructor is judged code */
        }
        if (!failed) {
            r->record->failed_case = (int32_t)i;
            if (got)
                conclude(r, RN_V_WRONG);
            else
                conclude_exception(r, false);
        }
        PyErr_Clear();
        failed = true;
        if (!r->job->all_cases) return;
    }
    if (!failed) conclude_passed(r);
}

static void run_record(run *r)
{
    r->globals = new_globals(NULL);
    if (!run_program(r)) return;
    PyObject *f = find_function(r);
    if (!f)
        conclude_exception(r, false);
    else
        conclude(r, rn_calls_record(r->job, f) ? RN_V_PASSED : RN_V_SANDBOX);
}

/* {"": the function} for CALL and CALLS. */
static PyObject *entry_names(run *r)
{
    const bool calls = r->job->mode == RN_JUDGE_CALLS;
    PyObject *f = !run_program(r) ? NULL : calls ? find_function(r) : find_entry(r);
    return f ? Py_BuildValue("{s:N}", "", f) : NULL;
}

void *rn_run_names(const rn_task *task, void *code)
{
    static rn_record none;
    static run r;
    r = (run){.job = task->job, .how = task->how, .record = &none};
    const bool call = task->job->mode == RN_JUDGE_CALL;
    r.globals = new_globals(call ? "solution" : NULL);
    if (!r.globals) return NULL;
    if (task->job->mode != RN_JUDGE_SCRIPT) return entry_names(&r);
    return execute(code, r.globals) ? r.globals : NULL;
}

void *rn_run_globals(void)
{
    return new_globals(NULL);
}

/* ---- VALUES ---------------------------------------------------------------------------------- */

/* The current exception as an outcome. */
static void name_exception(run *r, rn_judge_value *out)
{
    PyObject *type = PyErr_Occurred();
    r->exhausted |= type && is_exhaustion(type);
    if (type && verdict_of(type) == RN_V_MEMORY_LIMIT)
        rn_value_name(RN_VALUE_LIMIT, rn_verdict_name(RN_V_MEMORY_LIMIT), out);
    else
        rn_value_name(RN_VALUE_RAISED,
                      type && PyType_Check(type) ? ((PyTypeObject *)type)->tp_name : "", out);
    PyErr_Clear();
}

static void call_case(run *r, PyObject *f, size_t i, rn_judge_value *out)
{
    const rn_judge_case *c = &r->job->cases[i];
    const size_t n = r->job->n_cases;
    PyObject *args = rn_literal_value(c->input, r->tests ? r->tests[i] : NULL);
    PyObject *got = args && PyTuple_Check(args) ? PyObject_CallObject(f, args) : NULL;
    if (got)
        rn_value_of(got, out);
    else
        name_exception(r, out);
    PyObject *want = got && c->expected.len
                         ? rn_literal_value(c->expected, r->tests ? r->tests[n + i] : NULL)
                         : NULL;
    if (want && PyFunction_Check(want)) {
        PyObject *yes = out->kind == RN_VALUE_DATA ? PyObject_CallOneArg(want, got) : NULL;
        out->agrees = yes && PyObject_IsTrue(yes) == 1;
        Py_XDECREF(yes);
    } else if (want) {
        rn_judge_value expected;
        rn_value_of(want, &expected);
        out->agrees = out->kind == RN_VALUE_DATA && expected.kind == RN_VALUE_DATA &&
                      memcmp(out->digest, expected.digest, sizeof out->digest) == 0;
    }
    PyErr_Clear();
    Py_XDECREF(want);
    Py_XDECREF(args);
    /* `got` is not released: its destructor is judged code. */
}

static void call_cases(run *r, size_t from)
{
    PyObject *f = PyDict_GetItemString(r->globals, r->job->entry ? r->job->entry : "");
    f = f ? Py_NewRef(f) : find_entry(r);
    if (!f) {
        conclude_exception(r, false);
        return;
    }
    for (size_t i = from; i < r->job->n_cases; i++) {
        rn_judge_value v;
        rn_watch_value_begin(i);
        call_case(r, f, i, &v);
        rn_watch_value_end(i, &v);
    }
    rn_watch_value_begin(r->job->n_cases);
    conclude(r, RN_V_PASSED);
}

static void run_values(run *r, size_t from)
{
    bool apps = r->job->compare == RN_COMPARE_APPS || r->job->compare == RN_COMPARE_TACO;
    r->globals = new_globals(apps ? "solution" : NULL);
    if (run_program(r)) call_cases(r, from);
    /* Memory that ran out may be what earlier programs left: it is called again, alone. */
    if (r->exhausted && rn_worker_follows()) conclude(r, RN_V_MEMORY_LIMIT);
    rn_worker_ended(r->record->verdict == RN_V_SYNTAX ? !r->exhausted : ended_well(r));
}

void rn_run_task(const rn_task *task, rn_record *record)
{
    static run r; /* its address is in no Python object */
    if (task->how >= RN_RUN_APART) {
        rn_apart_run(task, record);
        return;
    }
    r = (run){.job = task->job, .how = task->how, .altered = task->altered, .record = record};
    record->failed_case = -1;
    record->verdict = RN_V_EXCEPTION;
    switch (task->job->mode) {
    case RN_JUDGE_SCRIPT: run_script(&r); break;
    case RN_JUDGE_STDIO: task->many ? run_many(&r) : run_stdio(&r); break;
    case RN_JUDGE_CALL: run_call(&r, &task->job->cases[task->case_no]); break;
    case RN_JUDGE_VALUES: run_values(&r, task->case_no); break;
    case RN_JUDGE_CALLS: run_calls(&r); break;
    case RN_JUDGE_RECORD: run_record(&r); break;
    case RN_JUDGE_KEYS:
        conclude(&r, rn_key_all(task->job, task->case_no) ? RN_V_PASSED : RN_V_SANDBOX);
        break;
    case RN_JUDGE_COMMAND:
    case RN_JUDGE_VERSION: break; /* no Python: host_command.c, host_lang.c */
    }
}
