/*
 * host_apart.c: the child of a confirming run: it becomes two processes.
 *
 *     host -- clones --> T, init of the pid namespace: runs the tests, writes the record
 *                        T -- forks --> C: runs the program, answers T's requests over two pipes
 *
 * C is forked before T has read anything of the tests: their text lies in memory that a fork does
 * not inherit (host_confirm.c). C gives up the record's page and its secret, so that no byte in its
 * memory decides anything; it cannot kill, trace or read T, which is init, undumpable, and in
 * another address space. When T ends, the kernel ends C and what C made.
 *
 * What the two say to each other, and what is copied and what is not: host_apart.py. Its text is
 * part of this program and is run once, at the host's start. Its functions have a copy of the
 * built-in names of their own, so that a program that replaces print or len does not disturb them.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "judge/host.h"

#include <fcntl.h>
#include <marshal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define EMBED(name, file)                                                      \
    __asm__(".section .rodata\n.global " #name "\n" #name ":\n.incbin \"" file \
            "\"\n.byte 0\n.previous\n");                                       \
    extern const char name[]

EMBED(rn_copy_py, "src/judge/host_copy.py");
EMBED(rn_apart_py, "src/judge/host_apart.py");
EMBED(rn_alter_py, "src/judge/host_alter.py");
EMBED(rn_plus_py, "src/judge/host_plus.py");

static PyObject *lib; /* the module's dictionary; no object of a judged program leads to it */

static const struct {
    const char *text, *name;
} sources[] = {{rn_copy_py, "host_copy.py"},
               {rn_apart_py, "host_apart.py"},
               {rn_alter_py, "host_alter.py"},
               {rn_plus_py, "host_plus.py"}};
enum { N_SOURCES = sizeof sources / sizeof *sources };
static PyObject *compiled[N_SOURCES];

int rn_apart_compile(rn_err *err)
{
    for (int i = 0; i < N_SOURCES; i++) {
        compiled[i] = Py_CompileString(sources[i].text, sources[i].name, Py_file_input);
        if (compiled[i]) continue;
        PyErr_Print();
        return rn_fail(err, RN_ESANDBOX, "%s does not compile in this Python", sources[i].name);
    }
    return 0;
}

static PyObject *call_lib(const char *name, PyObject *args)
{
    PyObject *f = PyDict_GetItemString(lib, name);
    PyObject *v = f && args ? PyObject_CallObject(f, args) : NULL;
    Py_XDECREF(args);
    return v;
}

void *rn_apart_call(const char *name, void *args)
{
    return call_lib(name, args);
}

int rn_apart_start(rn_err *err)
{
    lib = PyDict_New();
    PyObject *builtins = PyDict_Copy(PyEval_GetBuiltins());
    PyObject *name = PyUnicode_FromString("apart");
    if (!lib || !builtins || !name || PyDict_SetItemString(lib, "__builtins__", builtins) ||
        PyDict_SetItemString(lib, "__name__", name))
        return rn_fail(err, RN_ENOMEM, "host_apart.py: out of memory");
    Py_DECREF(builtins);
    Py_DECREF(name);
    for (int i = 0; i < N_SOURCES; i++) {
        PyObject *v = PyEval_EvalCode(compiled[i], lib, lib);
        Py_CLEAR(compiled[i]);
        Py_XDECREF(v);
        if (v) continue;
        PyErr_Print();
        return rn_fail(err, RN_ESANDBOX, "%s does not run in this Python", sources[i].name);
    }
    PyObject *names = call_lib("plain_names", PyTuple_New(0));
    if (!names) return rn_fail(err, RN_ESANDBOX, "host_alter.py: no names of plain programs");
    int rc = rn_plain_start(names, err);
    Py_DECREF(names);
    return rc;
}

/* ---- tests as text --------------------------------------------------------------------------- */

static PyObject *text_of(rn_bytes b)
{
    return PyUnicode_DecodeUTF8(b.data ? b.data : "", (Py_ssize_t)b.len, "surrogatepass");
}

static PyObject *sources_of(const rn_judge_job *job)
{
    PyObject *list = PyList_New(0);
    for (size_t i = 0; list && i < job->n_cases; i++) {
        PyObject *s = text_of(job->cases[i].input);
        if (!s || PyList_Append(list, s)) Py_CLEAR(list);
        Py_XDECREF(s);
    }
    return list;
}

void *rn_apart_split(const rn_judge_job *job)
{
    PyObject *program = text_of(job->program), *tests = sources_of(job);
    PyObject *code =
        program && tests ? call_lib("split_whole", Py_BuildValue("(OO)", program, tests)) : NULL;
    Py_XDECREF(program);
    Py_XDECREF(tests);
    PyErr_Clear();
    if (code && !PyCode_Check(code)) Py_CLEAR(code);
    return code;
}

/* The __future__ imports of a program; they hold for the tests behind it, too. */
static int future_flags(PyObject *code)
{
    return ((PyCodeObject *)code)->co_flags & PyCF_MASK;
}

/* The altered tests, marshalled, from a process that ends: none but the altered constants are ever
 * among this one's objects, or in memory that they left. */
static PyObject *alter_elsewhere(const rn_judge_job *job, int k, PyObject *program)
{
    int fds[2];
    if (pipe2(fds, O_CLOEXEC)) return NULL;
    pid_t pid = fork();
    if (pid == 0) {
        rn_watch_forget();
        PyObject *tests = sources_of(job);
        PyObject *v =
            tests ? call_lib("alter_one", Py_BuildValue("(Oii)", tests, k, future_flags(program)))
                  : NULL;
        PyObject *data = v ? PyMarshal_WriteObjectToString(v, Py_MARSHAL_VERSION) : NULL;
        size_t len = data ? (size_t)PyBytes_GET_SIZE(data) : 0, at = 0;
        for (ssize_t n = 1; n > 0 && at<len; at += n> 0 ? (size_t)n : 0)
            n = write(fds[1], PyBytes_AS_STRING(data) + at, len - at);
        _exit(data && at == len ? 0 : 1);
    }
    rn_secret_wipe();
    close(fds[1]);
    rn_buf b = {0};
    char part[4096];
    for (ssize_t n; (n = read(fds[0], part, sizeof part)) > 0;)
        rn_buf_add(&b, part, (size_t)n);
    close(fds[0]);
    int status = 1;
    bool ended = pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
    PyObject *list = ended && rn_buf_ok(&b) && b.len
                         ? PyMarshal_ReadObjectFromString(b.data, (Py_ssize_t)b.len)
                         : NULL;
    rn_buf_free(&b);
    return list;
}

bool rn_apart_alter(const rn_judge_job *job, int k, void *program, void **codes)
{
    PyObject *list = alter_elsewhere(job, k, program);
    bool ok = list && PyList_Check(list) && PyList_GET_SIZE(list) == (Py_ssize_t)job->n_cases;
    for (size_t i = 0; ok && i < job->n_cases; i++)
        codes[i] = Py_NewRef(PyList_GET_ITEM(list, (Py_ssize_t)i));
    Py_XDECREF(list);
    PyErr_Clear();
    return ok;
}

/* ---- the program's side ---------------------------------------------------------------------- */

static _Noreturn void be_program(const rn_task *task, PyObject *code, int in, int out)
{
    rn_watch_forget();
    PyObject *names = rn_run_names(task, code);
    PyErr_Clear();
    if (names) {
        PyObject *v =
            call_lib("serve", Py_BuildValue("(iiOO)", in, out, names, code ? code : Py_None));
        (void)v;
    }
    _exit(0);
}

/* ---- the tests' side ------------------------------------------------------------------------- */

enum { HELD, FORGED, FAILED, SOFT, GONE }; /* as in host_apart.py */

static void conclude(rn_record *r, int outcome, const char *text)
{
    r->verdict = outcome == HELD     ? RN_V_PASSED
                 : outcome == FORGED ? RN_V_FORGED
                 : outcome == SOFT   ? RN_V_EXCEPTION
                                     : RN_V_WRONG;
    snprintf(r->detail, sizeof r->detail, "%.250s", text ? text : "");
}

static void test_script(const rn_task *task, PyObject *code, int in, int out, rn_record *r)
{
    const rn_judge_job *job = task->job;
    PyObject *tests = sources_of(job);
    PyObject *given = tests ? text_of(job->given) : NULL;
    PyObject *args = given ? Py_BuildValue("(iiOzNii)", in, out, tests, job->entry, given,
                                           task->how == RN_RUN_APART_ALTERED, future_flags(code))
                           : NULL;
    PyObject *v = args ? call_lib("run_tests", args) : NULL;
    int outcome = GONE, n = 0, helpers = 0;
    const char *text = "";
    if (v && PyArg_ParseTuple(v, "isip", &outcome, &text, &n, &helpers)) {
        r->n_run = n;
        r->n_passed = helpers;
    }
    if (PyErr_Occurred()) PyErr_Clear();
    conclude(r, outcome, text);
}

static void test_call(const rn_task *task, int in, int out, rn_record *r)
{
    const rn_judge_case *c = &task->job->cases[task->case_no];
    PyObject *args = rn_run_arguments(task->job, c->input);
    PyObject *v = args ? call_lib("run_call", Py_BuildValue("(iiO)", in, out, args)) : NULL;
    PyObject *peer = NULL, *got = NULL;
    bool agrees = v && PyArg_ParseTuple(v, "OO", &peer, &got) &&
                  rn_hostjson_agrees(got, c->expected, task->job->compare);
    PyErr_Clear();
    PyObject *forged = peer ? PyObject_GetAttrString(peer, "forged") : NULL;
    if (forged && PyUnicode_Check(forged))
        conclude(r, FORGED, PyUnicode_AsUTF8(forged));
    else
        conclude(r, agrees ? HELD : FAILED,
                 agrees ? "" : "the returned value is the expected one only where it was made");
}

/* The calls of a CALLS job, each answered by the program's process. */
static int call_all(const rn_judge_job *job, PyObject *peer)
{
    double atol = job->atol;
    const bool special = rn_calls_special(job);
    PyObject *f = PyObject_CallMethod(peer, "ask", "ss", "global", "");
    for (size_t i = 0; f && i < job->n_cases; i++) {
        PyObject *args = rn_calls_arguments(job->cases[i].input);
        PyObject *want = rn_calls_value(job->cases[i].expected);
        PyObject *got =
            args && want ? PyObject_CallMethod(peer, "ask", "sOO{}", "call", f, args) : NULL;
        PyObject *asked = special ? rn_calls_arguments(job->cases[i].input) : Py_XNewRef(args);
        bool held = got && asked && rn_calls_agree(job, asked, got, want, &atol);
        PyErr_Clear();
        Py_XDECREF(asked);
        Py_XDECREF(got);
        Py_XDECREF(want);
        Py_XDECREF(args);
        if (!held) return FAILED;
    }
    return f ? HELD : GONE;
}

static bool flag(PyObject *object, const char *name)
{
    PyObject *v = PyObject_GetAttrString(object, name);
    const bool yes = v && PyObject_IsTrue(v) == 1;
    PyErr_Clear();
    Py_XDECREF(v);
    return yes;
}

static void test_calls(const rn_task *task, int in, int out, rn_record *r)
{
    PyObject *peer = call_lib("Peer", Py_BuildValue("(iiO)", in, out, Py_True));
    int outcome = peer ? call_all(task->job, peer) : GONE;
    PyErr_Clear();
    PyObject *forged = peer ? PyObject_GetAttrString(peer, "forged") : NULL;
    r->n_run = (int32_t)task->job->n_cases; /* each expected value can be altered */
    if (forged && PyUnicode_Check(forged))
        conclude(r, FORGED, PyUnicode_AsUTF8(forged));
    else if (outcome == FAILED && flag(peer, "soft"))
        conclude(r, SOFT, "");
    else
        conclude(r, outcome,
                 outcome == HELD ? ""
                                 : "the returned values are the expected ones only where they were "
                                   "made");
}

void rn_apart_run(const rn_task *task, rn_record *record)
{
    const bool calls = task->job->mode == RN_JUDGE_CALLS;
    const bool script = task->job->mode == RN_JUDGE_SCRIPT;
    int request[2], answer[2];
    PyObject *code = script ? rn_run_compile(task->job) : NULL;
    PyErr_Clear();
    conclude(record, GONE, "the program does not run a second time");
    if ((script && !code) || pipe2(request, O_CLOEXEC) || pipe2(answer, O_CLOEXEC)) return;
    rn_secret_keep(); /* from forks */
    pid_t pid = fork();
    if (pid < 0) return;
    if (pid == 0) {
        close(request[1]);
        close(answer[0]);
        be_program(task, code, request[0], answer[1]);
    }
    close(request[0]);
    close(answer[1]);
    prctl(PR_SET_DUMPABLE, 0);
    if (script)
        test_script(task, code, answer[0], request[1], record);
    else if (calls)
        test_calls(task, answer[0], request[1], record);
    else
        test_call(task, answer[0], request[1], record);
}
