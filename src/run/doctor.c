/*
 * doctor.c: what this machine offers, what is missing, and the exact fix (rn_doctor of ration.h).
 *
 * Every row is measured, not guessed: the sandbox is started and programs are run in it.
 */
#include "base/clock.h"
#include "judge/judge.h"
#include "judge/lang.h"
#include "model/cpu.h"
#include "task/task.h"
#include "base/file.h"

#include <glob.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { MAX_ROWS = 96 };

typedef struct row {
    const char *item;
    const char *status; /* "ok", "weak", "missing" */
    char value[512];
    const char *fix; /* "" when there is nothing to do */
} row;

typedef struct doctor {
    row rows[MAX_ROWS];
    size_t n;
    bool unsafe;
    rn_arena arena;
} doctor;

static void add(doctor *d, const char *item, const char *status, const char *fix, const char *fmt,
                ...) RN_PRINTF(5, 6);

static void add(doctor *d, const char *item, const char *status, const char *fix, const char *fmt,
                ...)
{
    if (d->n == MAX_ROWS) return;
    row *r = &d->rows[d->n++];
    *r = (row){.item = item, .status = status, .fix = fix};
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(r->value, sizeof r->value, fmt, ap);
    va_end(ap);
}

/* ---- sandbox --------------------------------------------------------------------------------- */

typedef struct layer {
    const char *item, *mark; /* part of the level's phrase */
    const char *what, *fix;
    const char *without; /* what its absence changes for verdicts */
} layer;

static const layer layers[] = {
    {"user namespace", "user,", "programs run as nobody, apart from every other user",
     "sysctl -w user.max_user_namespaces=15000 kernel.unprivileged_userns_clone=1 "
     "kernel.apparmor_restrict_unprivileged_userns=0",
     "verdicts stay the same; as root each program still becomes nobody, else it runs as this "
     "user"},
    {"mount namespace", "mnt,", "read-only view of the system, private /tmp",
     "as for the user namespace; in a container: --cap-add SYS_ADMIN --security-opt "
     "seccomp=unconfined",
     "programs that change owners, permissions or times of files may get another verdict; they "
     "work "
     "on disk"},
    {"pid namespace", "pid,", "a program's processes die with it", "as for the mount namespace",
     "verdicts stay the same; left processes are found and killed by the host"},
    {"network namespace", "net,", "no network", "as for the mount namespace",
     "programs that use sockets may get another verdict; connecting is refused by seccomp"},
    {"seccomp", "seccomp", "system calls filtered", "a kernel with CONFIG_SECCOMP_FILTER",
     "verdicts of honest programs stay the same; hostile ones reach more of the kernel"},
    {"Landlock", "landlock:", "file access limited a second time",
     "a kernel from 5.13 with CONFIG_SECURITY_LANDLOCK, and landlock in the lsm= boot option",
     "verdicts stay the same while there is a mount namespace"},
    {"cgroup", "cgroup:", "memory, processes and CPU time of the whole tree are counted",
     "run as root, or under 'systemd-run --user --scope -p Delegate=yes ration ...'",
     "programs near a limit: polling sees short peaks of memory and processes late, or not at all"},
};

static void add_layers(doctor *d, const char *level)
{
    for (size_t i = 0; i < sizeof layers / sizeof *layers; i++) {
        const layer *l = &layers[i];
        const char *at = strstr(level, l->mark);
        char detail[32] = "";
        const char *colon = at ? strchr(l->mark, ':') : NULL;
        if (colon) sscanf(at + strlen(l->mark), "%20[^ ]", detail);
        if (at)
            add(d, l->item, "ok", "", "%s%s%s", l->what, detail[0] ? ": " : "", detail);
        else
            add(d, l->item, "weak", l->fix, "not here; %s", l->without);
    }
}

static int judge_one(rn_judge *j, const char *program, const char *test, rn_judge_result *r,
                     rn_err *err)
{
    rn_judge_case c = {.input = rn_bytes_of(test)};
    rn_judge_job job = {.program = rn_bytes_of(program), .cases = &c, .n_cases = 1};
    uint64_t tag;
    int rc = rn_judge_submit(j, &job, 0, err);
    if (!rc) rc = rn_judge_wait(j, -1, &tag, r, err);
    return rc < 0 ? rc : 0;
}

static void check_programs(doctor *d, rn_judge *j)
{
    enum { N = 100 };
    rn_err err;
    rn_judge_result r = {0};
    int64_t start = rn_now_ns();
    int rc = 0;
    for (int i = 0; !rc && i < N; i++)
        rc = judge_one(j, "def f(x):\n    return x + 1\n", "assert f(1) == 2", &r, &err);
    double ms = (double)(rn_now_ns() - start) / 1e6 / N;
    if (rc || r.verdict != RN_V_PASSED) {
        d->unsafe = true;
        add(d, "judging", "missing", "see the message; 'make test' shows more", "%.200s",
            rc ? err.msg : r.detail);
        return;
    }
    add(d, "judging", "ok", "", "%.2f ms per program, one job", ms);
    rc = judge_one(j, "import numpy\n", "assert numpy.__version__", &r, &err);
    if (!rc && r.verdict == RN_V_PASSED)
        add(d, "numpy", "ok", "", "programs can import it");
    else
        add(d, "numpy", "weak", "apt install python3-numpy, or judge with --venv DIR",
            "programs that import numpy fail");
}

/* Whether each of the patterns has a path. */
static bool has_all(const char *patterns)
{
    bool all = true;
    for (const char *at = patterns; all && *at; at += strspn(at, " ")) {
        size_t len = strcspn(at, " ");
        char pattern[256];
        glob_t found;
        snprintf(pattern, sizeof pattern, "%.*s", (int)len, at);
        all = glob(pattern, 0, NULL, &found) == 0;
        if (all) globfree(&found);
        at += len;
    }
    return all;
}

/* Other languages than Python, in the order of the table. */
static void check_languages(doctor *d, rn_judge *j)
{
    const rn_lang *l;
    for (size_t i = 0; (l = rn_lang_at(i)); i++) {
        rn_err err;
        uint64_t tag;
        rn_judge_result r = {0};
        const rn_judge_job job = {.mode = RN_JUDGE_VERSION, .language = l->name};
        int rc = rn_judge_submit(j, &job, 0, &err);
        if (!rc) rc = rn_judge_wait(j, -1, &tag, &r, &err);
        const char *fix = rn_arena_printf(&d->arena, "apt install %s", l->package);
        if (rc != 1 || r.verdict != RN_V_PASSED)
            add(d, l->name, "missing", fix, "programs in this language cannot be judged");
        else if (l->libraries && !has_all(l->libraries))
            add(d, l->name, "weak", fix, "%.*s; libraries of HumanEval-X's problems are missing",
                (int)strcspn(r.output, "\n"), r.output);
        else
            add(d, l->name, "ok", "", "%.*s", (int)strcspn(r.output, "\n"), r.output);
    }
}

static void check_sandbox(doctor *d, const char *venv)
{
    rn_err err;
    rn_judge *j = NULL;
    int rc = rn_judge_open(&(rn_judge_opts){.jobs = 1, .venv = venv}, &j, &err);
    if (rc) {
        d->unsafe = true;
        add(d, "sandbox", "missing", "see the message", "%.250s", err.msg);
        return;
    }
    add(d, "Python", "ok", "", "%s, embedded", rn_judge_python(j));
    add_layers(d, rn_judge_level(j));
    check_programs(d, j);
    check_languages(d, j);
    rn_judge_close(j);
}

/* ---- machine --------------------------------------------------------------------------------- */

static void check_limits(doctor *d)
{
    const double gib = 1024.0 * 1024 * 1024;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    double ram = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE) / gib;
    bool enough = ram >= 4.0 * (double)cores;
    add(d, "memory", enough ? "ok" : "weak",
        enough ? ""
               : "judge with fewer --jobs or a smaller --memory, or big programs meet the "
                 "machine's end",
        "%.1f GiB; %ld jobs of 4 GiB", ram, cores);
    struct rlimit l;
    if (getrlimit(RLIMIT_NOFILE, &l) == 0)
        add(d, "open files", l.rlim_max >= 256 ? "ok" : "weak",
            l.rlim_max >= 256 ? "" : "ulimit -n 1024", "%" PRIu64, (uint64_t)l.rlim_max);
    if (getrlimit(RLIMIT_NPROC, &l) == 0)
        add(d, "processes", l.rlim_max >= 512 ? "ok" : "weak",
            l.rlim_max >= 512 ? "" : "ulimit -u 4096",
            l.rlim_max == RLIM_INFINITY ? "unlimited" : "%" PRIu64, (uint64_t)l.rlim_max);
    struct statvfs fs;
    if (statvfs(".", &fs) == 0) {
        double room = (double)fs.f_bavail * (double)fs.f_frsize / gib;
        add(d, "disk", room >= 1 ? "ok" : "weak",
            room >= 1 ? "" : "make room: stores grow with raw texts", "%.1f GiB free here", room);
    }
}

static void check_cpu(doctor *d)
{
    char model[128];
    rn_cpu_model(model, sizeof model);
    rn_buf sets = {0};
    for (int i = 0; i < RN_N_ISAS; i++)
        if (rn_isa_available((rn_isa)i))
            rn_buf_printf(&sets, "%s%s", sets.len ? ", " : "", rn_isa_name((rn_isa)i));
    rn_isa used;
    const bool chosen = rn_isa_choose(&used, NULL) == 0;
    add(d, "CPU", "ok", "", "%s, %d processors, kernels: %s; in use: %s", model, rn_cpu_count(),
        rn_buf_ok(&sets) && sets.data ? sets.data : "?", chosen ? rn_isa_name(used) : "none");
    rn_buf_free(&sets);
}

/* Letters of a set's name that its family shares: "humaneval" of humaneval-x-go. */
static size_t family_len(const char *name)
{
    static const char own[] = "multipl-e"; /* has a dash of its own */
    const size_t n = sizeof own - 1;
    return strncmp(name, own, n) == 0 ? n : strcspn(name, "-");
}

static bool same_family(const rn_set_spec *a, const rn_set_spec *b)
{
    const size_t n = family_len(a->name);
    return n == family_len(b->name) && strncmp(a->name, b->name, n) == 0;
}

/* What one family has, in one line, and what it lacks, in one line with one fix. */
typedef struct family {
    rn_buf here, lacks, fetch, put;
    const char *last; /* source that fetch names last */
} family;

static void look_at_set(const rn_set_spec *spec, const char *data, family *f)
{
    rn_err err;
    rn_taskset *set = NULL;
    const int rc = rn_taskset_open(spec->name, data, &set, &err);
    if (!rc) {
        rn_buf_printf(&f->here, "%s%s %zu", f->here.len ? ", " : "", spec->name, set->n);
    } else {
        rn_buf_printf(&f->lacks, "%s%s", f->lacks.len ? ", " : "", spec->name);
        if (rc != RN_ENOTFOUND) {
            rn_buf_printf(&f->put, "%s%s", f->put.len ? "; " : "", err.msg);
        } else if (!spec->source) {
            rn_buf_printf(&f->put, "%sput the published file of %s there", f->put.len ? "; " : "",
                          spec->name);
        } else if (!f->last || strcmp(f->last, spec->source) != 0) {
            f->last = spec->source; /* sets of one file stand together */
            rn_buf_printf(&f->fetch, "%s%s", f->fetch.len ? " " : "ration fetch ", spec->source);
        }
    }
    rn_taskset_free(set);
}

static void add_family(doctor *d, const char *name, const char *data, family *f)
{
    if (f->here.len && rn_buf_ok(&f->here))
        add(d, name, "ok", "", "problems: %.400s", f->here.data);
    if (f->lacks.len && rn_buf_ok(&f->lacks)) {
        const char *fetch = f->fetch.len ? f->fetch.data : "", *put = f->put.len ? f->put.data : "";
        add(d, name, "missing",
            rn_arena_printf(&d->arena, "%s%s%s", fetch, *fetch && *put ? "; " : "", put),
            "not in %.120s: %.300s", data, f->lacks.data);
    }
    rn_buf_free(&f->here);
    rn_buf_free(&f->lacks);
    rn_buf_free(&f->fetch);
    rn_buf_free(&f->put);
}

static void check_sets(doctor *d, const char *data)
{
    const rn_set_spec *spec, *other;
    for (size_t i = 0; (spec = rn_set_at(i)); i++) {
        family f = {0};
        bool begun = false; /* the family came before */
        for (size_t k = 0; k < i && !begun; k++)
            begun = same_family(spec, rn_set_at(k));
        for (size_t k = i; !begun && (other = rn_set_at(k)); k++)
            if (same_family(spec, other)) look_at_set(other, data, &f);
        const char *name =
            rn_arena_printf(&d->arena, "%.*s", (int)family_len(spec->name), spec->name);
        add_family(d, name ? name : spec->name, data, &f);
    }
}

/* ---- output ---------------------------------------------------------------------------------- */

static void put_json(const doctor *d, rn_buf *out)
{
    rn_buf_puts(out, "[");
    for (size_t i = 0; i < d->n; i++) {
        const row *r = &d->rows[i];
        rn_buf_printf(out, "%s{\"item\": \"%s\", \"status\": \"%s\", \"value\": ", i ? ",\n " : "",
                      r->item, r->status);
        rn_buf_json(out, rn_bytes_of(r->value));
        rn_buf_puts(out, ", \"fix\": ");
        rn_buf_json(out, rn_bytes_of(r->fix));
        rn_buf_puts(out, "}");
    }
    rn_buf_puts(out, "]\n");
}

static void put_csv(const doctor *d, rn_buf *out)
{
    rn_buf_puts(out, "item,status,value,fix\n");
    for (size_t i = 0; i < d->n; i++) {
        const row *r = &d->rows[i];
        const char *const fields[] = {r->item, r->status, r->value, r->fix};
        for (size_t k = 0; k < sizeof fields / sizeof fields[0]; k++) {
            if (k) rn_buf_putc(out, ',');
            rn_buf_csv(out, rn_bytes_of(fields[k]));
        }
        rn_buf_putc(out, '\n');
    }
}

enum { VALUE_COLUMN = 28, FIX_COLUMN = 35 };

/* A fix of at most RN_LINE columns a line. Lines of a command end in a backslash, so that it can be
 * pasted; what else is to be done stands behind a semicolon, on a line of its own. */
static void put_fix(const char *fix, rn_buf *out)
{
    size_t at = FIX_COLUMN;
    rn_buf_printf(out, "%*s", FIX_COLUMN, "fix: ");
    for (const char *p = fix; *p;) {
        const size_t n = strcspn(p, " ");
        const bool part_ends = n && p[n - 1] == ';';
        if (at > FIX_COLUMN && at + 1 + n + 2 > RN_LINE) {
            rn_buf_printf(out, " \\\n%*s", FIX_COLUMN + 2, "");
            at = FIX_COLUMN + 2;
        } else if (at > FIX_COLUMN) {
            rn_buf_putc(out, ' ');
            at++;
        }
        rn_buf_add(out, p, n - part_ends);
        at += n;
        p += n;
        p += strspn(p, " ");
        if (!part_ends) continue;
        rn_buf_printf(out, "\n%*s", FIX_COLUMN, "");
        at = FIX_COLUMN;
    }
    rn_buf_putc(out, '\n');
}

static void put_table(const doctor *d, rn_buf *out)
{
    for (size_t i = 0; i < d->n; i++) {
        const row *r = &d->rows[i];
        rn_buf_printf(out, "%-8s %-18s ", r->status, r->item);
        rn_buf_wrapped(out, r->value, VALUE_COLUMN, VALUE_COLUMN);
        rn_buf_putc(out, '\n');
        if (r->fix && r->fix[0]) put_fix(r->fix, out);
    }
}

int rn_doctor(const rn_doctor_options *o, char **text, int *unsafe, rn_err *err)
{
    doctor *d = calloc(1, sizeof *d);
    if (!d) return rn_nomem(err, NULL);
    check_sandbox(d, o->venv);
    check_limits(d);
    check_cpu(d);
    check_sets(d, rn_data_dir(o->data_dir));
    rn_buf out = {0};
    if (o->format && strcmp(o->format, "json") == 0)
        put_json(d, &out);
    else if (o->format && strcmp(o->format, "csv") == 0)
        put_csv(d, &out);
    else
        put_table(d, &out);
    *unsafe = d->unsafe;
    *text = rn_buf_take(&out);
    rn_buf_free(&out);
    rn_arena_free(&d->arena);
    free(d);
    return *text ? 0 : rn_nomem(err, NULL);
}
