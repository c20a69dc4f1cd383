/*
 * host_tests.c: the tests of a problem are compiled once, not for each of its programs.
 *
 * The first child that has compiled them leaves their code, marshalled, in pages that it gives up
 * before judged code runs (host_plain.c). The host keeps it beside the text that it was made of,
 * and lends it to every further child with exactly that text. What is kept lies in memory that
 * children do not inherit; what is lent lies behind the job, which a child has only where it runs
 * tests, and overwrites before judged code runs (host_confirm.c).
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "judge/host.h"

#include <marshal.h>
#include <sys/mman.h>

enum { STORE_BYTES = 8 << 20, MAX_KEPT = 1024 };

typedef struct kept {
    uint64_t hash, id;
    size_t n_cases, at, text_len, code_len; /* in the store: texts, each behind its length; code */
} kept;

static kept list[MAX_KEPT];
static size_t n_kept, used;
static char *store;      /* [STORE_BYTES], MADV_DONTFORK; NULL: not yet made */
static const char *lent; /* in the child's memory, too */
static size_t lent_len;
static uint64_t lent_id, last_id;

static bool is_common(const rn_task *task)
{
    return task->job->mode == RN_JUDGE_SCRIPT && task->how == RN_RUN_FIRST &&
           task->stage == RN_STAGE_PYTHON;
}

static uint64_t mix(uint64_t h, const char *data, size_t len)
{
    for (size_t i = 0; i < len; i++)
        h = (h ^ (uint8_t)data[i]) * UINT64_C(0x100000001b3);
    return h;
}

static uint64_t hash_of(const rn_judge_job *job, size_t *text_len)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    *text_len = 0;
    for (size_t i = 0; i < job->n_cases; i++) {
        const rn_bytes t = job->cases[i].input;
        h = mix(h, (const char *)&t.len, sizeof t.len);
        h = mix(h, t.data, t.len);
        *text_len += sizeof t.len + t.len;
    }
    return h;
}

static bool same_text(const kept *k, const rn_judge_job *job)
{
    const char *p = store + k->at;
    for (size_t i = 0; i < job->n_cases; i++) {
        const rn_bytes t = job->cases[i].input;
        if (memcmp(p, &t.len, sizeof t.len) != 0) return false;
        p += sizeof t.len;
        if (t.len && memcmp(p, t.data, t.len) != 0) return false;
        p += t.len;
    }
    return true;
}

void rn_tests_lend(const rn_task *task, char *room)
{
    lent_len = 0;
    lent_id = 0;
    if (!n_kept || !is_common(task)) return;
    size_t text_len;
    const uint64_t h = hash_of(task->job, &text_len);
    for (size_t i = 0; i < n_kept; i++) {
        const kept *k = &list[i];
        if (k->hash != h || k->n_cases != task->job->n_cases || k->text_len != text_len) continue;
        if (!same_text(k, task->job)) continue;
        lent = memcpy(room, store + k->at + k->text_len, k->code_len);
        lent_len = k->code_len;
        lent_id = k->id;
        return;
    }
}

static bool open_store(void)
{
    if (store) return true;
    char *p = mmap(NULL, STORE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) return false;
    if (madvise(p, STORE_BYTES, MADV_DONTFORK) == 0) store = p;
    return store != NULL;
}

void rn_tests_keep(const rn_task *task)
{
    const rn_bytes code = rn_plain_tests();
    if (!code.len || lent_len || !is_common(task) || !open_store()) return;
    kept k = {.id = ++last_id, .n_cases = task->job->n_cases, .code_len = code.len};
    k.hash = hash_of(task->job, &k.text_len);
    if (k.text_len + k.code_len > STORE_BYTES) return;
    if (n_kept == MAX_KEPT || used + k.text_len + k.code_len > STORE_BYTES) n_kept = used = 0;
    k.at = used;
    char *p = store + used;
    for (size_t i = 0; i < k.n_cases; i++) {
        const rn_bytes t = task->job->cases[i].input;
        p = (char *)memcpy(p, &t.len, sizeof t.len) + sizeof t.len;
        if (t.len) p = (char *)memcpy(p, t.data, t.len) + t.len;
    }
    memcpy(p, code.data, code.len);
    used += k.text_len + k.code_len;
    list[n_kept++] = k;
}

void rn_tests_lost(void)
{
    store = NULL;
    n_kept = used = lent_len = 0;
}

rn_tests_lent rn_tests_now(void)
{
    return (rn_tests_lent){.code = {.data = lent, .len = lent_len}, .id = lent_id};
}

/* ---- in the child ---------------------------------------------------------------------------- */

void rn_tests_take(rn_tests_lent l)
{
    lent = l.code.data;
    lent_len = l.code.len;
    lent_id = l.id;
}

bool rn_tests_load(size_t n_cases, void **codes)
{
    if (!lent_len) return false;
    PyObject *all = PyMarshal_ReadObjectFromString(lent, (Py_ssize_t)lent_len);
    bool ok = all && PyTuple_Check(all) && PyTuple_GET_SIZE(all) == (Py_ssize_t)n_cases;
    for (size_t i = 0; ok && i < n_cases; i++)
        codes[i] = Py_NewRef(PyTuple_GET_ITEM(all, (Py_ssize_t)i));
    Py_XDECREF(all);
    PyErr_Clear();
    return ok;
}

void rn_tests_leave(size_t n_cases, void *const *codes)
{
    PyObject *all = PyTuple_New((Py_ssize_t)n_cases);
    for (size_t i = 0; all && i < n_cases; i++)
        PyTuple_SET_ITEM(all, (Py_ssize_t)i, Py_NewRef((PyObject *)codes[i]));
    PyObject *data = all ? PyMarshal_WriteObjectToString(all, Py_MARSHAL_VERSION) : NULL;
    if (data) {
        const rn_bytes code = {PyBytes_AS_STRING(data), (size_t)PyBytes_GET_SIZE(data)};
        rn_plain_leave(code);
    }
    PyErr_Clear();
    Py_XDECREF(data);
    Py_XDECREF(all);
}
