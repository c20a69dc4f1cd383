/*
 * file.c: reading plain and gzip files through zlib's gz* layer, Parquet as JSON lines, writing
 * atomically.
 *
 * gzread returns what it has when a stream is cut and says so only through gzerror; both readers
 * turn that into RN_ETRUNCATED, so that half a data set is never taken for a whole one.
 */
#include "base/file.h"

#include "base/parquet.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum { CHUNK = 256 * 1024 };

#define RN_ARROW_FIX                                                             \
    "; write it as JSON lines: python3 -c \"from datasets import Dataset as D; " \
    "D.from_file('FILE').to_json('FILE.jsonl')\""

struct rn_reader {
    gzFile gz;
    rn_parquet *rows; /* of a Parquet file, whose bytes are not `gz`'s */
    rn_buf row;       /* the row that is handed out, from `row_pos` on */
    size_t row_pos;
    int fd; /* of the Parquet file, else -1 */
    char *path;
    rn_buf buf; /* bytes read and not yet returned start at `pos` */
    size_t pos;
    int64_t line_no;
    bool eof, begun;
};

/* Containers that are not read, by their first bytes, with what makes lines of them. */
static const struct container {
    rn_bytes magic;
    const char *what;
} containers[] = {
    {{"ARROW1", 6}, "an Arrow file" RN_ARROW_FIX},
    {{"\xff\xff\xff\xff", 4}, "an Arrow stream" RN_ARROW_FIX},
    {{"\x83\xaf\x70\xd1\x0d\x88\x4a\x3f", 8},
     "a Riegeli file; the same problems are Parquet files at the hub (deepmind/code_contests), "
     "which "
     "are read"},
    {{"\x28\xb5\x2f\xfd", 4}, "packed with Zstandard; unpack it: zstd -d FILE"},
};

/* What the first bytes say; a pipe is read as it comes. */
static int open_stream(rn_reader *r, int fd, rn_err *err)
{
    char head[8];
    const ssize_t got = pread(fd, head, sizeof head, 0);
    const rn_bytes s = {head, got > 0 ? (size_t)got : 0};
    if (rn_parquet_is(s)) {
        int rc = rn_parquet_open(fd, r->path, &r->rows, err);
        if (!rc) r->fd = fd;
        return rc;
    }
    for (size_t i = 0; i < sizeof containers / sizeof containers[0]; i++) {
        const rn_bytes m = containers[i].magic;
        if (s.len >= m.len && memcmp(s.data, m.data, m.len) == 0)
            return rn_fail(err, RN_EUNSUPPORTED, "%s is %s", r->path, containers[i].what);
    }
    r->gz = gzdopen(fd, "rb");
    if (!r->gz) return rn_nomem(err, r->path);
    gzbuffer(r->gz, CHUNK);
    return 0;
}

int rn_reader_open(const char *path, rn_reader **out, rn_err *err)
{
    rn_reader *r = calloc(1, sizeof *r);
    if (!r) return rn_nomem(err, path);
    r->fd = -1;
    bool is_stdin = strcmp(path, "-") == 0;
    r->path = strdup(is_stdin ? "standard input" : path);
    if (!r->path) {
        free(r);
        return rn_nomem(err, path);
    }
    int fd = is_stdin ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    int rc = 0;
    if (fd < 0) {
        rc = rn_fail_errno(err, "cannot open %s", path);
    } else if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
        rc = rn_fail(err, RN_EINVAL, "%s is a folder, a file is needed", path);
    } else {
        rc = open_stream(r, fd, err);
    }
    if (rc) {
        if (fd >= 0) close(fd);
        free(r->path);
        free(r);
        return rc;
    }
    *out = r;
    return 0;
}

void rn_reader_close(rn_reader *r)
{
    if (!r) return;
    if (r->gz) gzclose(r->gz);
    rn_parquet_close(r->rows);
    if (r->fd >= 0) close(r->fd);
    rn_buf_free(&r->row);
    rn_buf_free(&r->buf);
    free(r->path);
    free(r);
}

int64_t rn_reader_line_no(const rn_reader *r)
{
    return r->line_no;
}

const char *rn_reader_path(const rn_reader *r)
{
    return r->path;
}

/* As rn_reader_read, of a Parquet file: each row is a line. */
static int read_rows(rn_reader *r, char *buf, size_t cap, size_t *n, rn_err *err)
{
    if (r->row_pos == r->row.len) {
        rn_buf_clear(&r->row);
        r->row_pos = 0;
        int rc = rn_parquet_row(r->rows, &r->row, err);
        if (rc <= 0) return rc;
        rn_buf_putc(&r->row, '\n');
        if (!rn_buf_ok(&r->row)) return rn_nomem(err, r->path);
    }
    const size_t left = r->row.len - r->row_pos;
    *n = left < cap ? left : cap;
    memcpy(buf, r->row.data + r->row_pos, *n);
    r->row_pos += *n;
    return 1;
}

int rn_reader_read(rn_reader *r, char *buf, size_t cap, size_t *n, rn_err *err)
{
    if (r->rows) return read_rows(r, buf, cap, n, err);
    int want = cap > INT_MAX ? INT_MAX : (int)cap;
    int got = gzread(r->gz, buf, (unsigned)want);
    int zerr = Z_OK;
    const char *msg = gzerror(r->gz, &zerr);
    /* What comes before the place where a stream is cut is good; the next call says that it is cut.
     */
    if (got < 0 || (got == 0 && zerr == Z_BUF_ERROR)) {
        if (zerr == Z_BUF_ERROR)
            return rn_fail(
                err, RN_ETRUNCATED,
                "%s: the gzip stream ends too early; the file is incomplete, get it again",
                r->path);
        if (zerr == Z_ERRNO) return rn_fail_errno(err, "%s: read failed", r->path);
        return rn_fail(err, RN_EFORMAT, "%s: corrupt gzip stream (%s); get the file again", r->path,
                       msg);
    }
    if (got == 0) return 0;
    /* Editors and shells of other systems put a byte order mark before UTF-8. */
    size_t mark = !r->begun && got >= 3 && memcmp(buf, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    r->begun = true;
    if (mark == (size_t)got) return rn_reader_read(r, buf, cap, n, err);
    if (mark) memmove(buf, buf + mark, (size_t)got - mark);
    *n = (size_t)got - mark;
    return 1;
}

int rn_reader_line(rn_reader *r, size_t max_bytes, rn_bytes *line, rn_err *err)
{
    size_t scanned = r->pos;
    for (;;) {
        const char *nl =
            scanned < r->buf.len ? memchr(r->buf.data + scanned, '\n', r->buf.len - scanned) : NULL;
        size_t len = (nl ? (size_t)(nl - r->buf.data) : r->buf.len) - r->pos;
        if (len > max_bytes)
            return rn_fail_at(err, RN_ELIMIT, r->line_no + 1, -1,
                              "%s: line %lld is longer than %zu bytes", r->path,
                              (long long)r->line_no + 1, max_bytes);
        if (nl || (r->eof && len > 0)) {
            *line = (rn_bytes){.data = r->buf.data + r->pos, .len = len};
            r->pos += len + (nl ? 1 : 0);
            if (line->len && line->data[line->len - 1] == '\r') line->len--;
            r->line_no++;
            return 1;
        }
        if (r->eof) return 0;
        if (r->pos > 0) { /* move the rest to the front */
            memmove(r->buf.data, r->buf.data + r->pos, r->buf.len - r->pos);
            r->buf.len -= r->pos;
            r->pos = 0;
        }
        scanned = r->buf.len;
        if (!rn_buf_reserve(&r->buf, CHUNK))
            return rn_fail(err, RN_ENOMEM, "%s: out of memory at line %lld", r->path,
                           (long long)r->line_no + 1);
        size_t n = 0;
        int rc = rn_reader_read(r, r->buf.data + r->buf.len, CHUNK, &n, err);
        if (rc < 0) {
            if (err) err->line = r->line_no + 1;
            return rc;
        }
        if (rc == 0) r->eof = true;
        r->buf.len += n;
    }
}

int rn_file_read(const char *path, size_t max_bytes, rn_buf *out, rn_err *err)
{
    rn_buf_clear(out);
    rn_reader *r = NULL;
    int rc = rn_reader_open(path, &r, err);
    if (rc) return rc;
    for (;;) {
        if (!rn_buf_reserve(out, CHUNK)) {
            rc = rn_nomem(err, path);
            break;
        }
        size_t n = 0;
        rc = rn_reader_read(r, out->data + out->len, CHUNK, &n, err);
        if (rc <= 0) break;
        out->len += n;
        out->data[out->len] = '\0';
        if (out->len > max_bytes) {
            rc = rn_fail(err, RN_ELIMIT, "%s is larger than %zu bytes", path, max_bytes);
            break;
        }
    }
    rn_reader_close(r);
    return rc;
}

static int write_all(int fd, rn_bytes data)
{
    for (size_t done = 0; done < data.len;) {
        ssize_t n = write(fd, data.data + done, data.len - done);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return -1;
        done += (size_t)n;
    }
    return 0;
}

int rn_file_write_atomic(const char *path, rn_bytes data, rn_err *err)
{
    rn_path name;
    const char *tmp = rn_path_make(&name, "%s.tmp.%ld", path, (long)getpid());
    int fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0) return rn_fail_errno(err, "cannot create %s", tmp);
    int rc = 0;
    if (write_all(fd, data) || fsync(fd)) rc = rn_fail_errno(err, "cannot write %s", tmp);
    if (close(fd) && !rc) rc = rn_fail_errno(err, "cannot write %s", tmp);
    if (!rc && rename(tmp, path)) rc = rn_fail_errno(err, "cannot rename to %s", path);
    if (rc) unlink(tmp);
    return rc;
}

const char *rn_path_make(rn_path *p, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(&p->s[0], sizeof p->s, fmt, ap); /* cppcheck takes a bare p->s for read */
    va_end(ap);
    return p->s;
}

bool rn_file_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

rn_bytes rn_file_stem(const char *path)
{
    size_t end = strlen(path);
    while (end > 1 && path[end - 1] == '/')
        end--;
    size_t start = end;
    while (start > 0 && path[start - 1] != '/')
        start--;
    const char *const tails[] = {".gz", ".jsonl", ".json", ".parquet"};
    for (size_t i = 0; i < sizeof tails / sizeof tails[0]; i++) {
        size_t n = strlen(tails[i]);
        if (end - start > n && memcmp(path + end - n, tails[i], n) == 0) end -= n;
    }
    return (rn_bytes){path + start, end - start};
}

int rn_dir_make(const char *path, rn_err *err)
{
    rn_path p;
    const size_t n = strlen(rn_path_make(&p, "%s", path));
    int rc = 0;
    for (size_t i = 1; i <= n && !rc; i++) {
        char c = p.s[i];
        if (c != '/' && c != '\0') continue;
        p.s[i] = '\0';
        if (mkdir(p.s, 0777) && errno != EEXIST)
            rc = rn_fail_errno(err, "cannot create folder %s", p.s);
        p.s[i] = c;
    }
    return rc;
}

/* ---- files that ship with the program -------------------------------------------------------- */

/* Roots relative to the program's folder: build/ration, build/KIND/ration, tests under those,
 * installed. In a source tree data lies in `data/`, models beside it. */
static const struct {
    const char *root, *data;
} beside[] = {{"..", "data/"}, {"../..", "data/"}, {"../../..", "data/"}, {"../share/ration", ""}};

enum { N_PLACES = 1 + sizeof beside / sizeof beside[0] };

/* The i-th place; false where there is none: no data folder, no program's folder. */
static bool place(size_t i, const char *data_dir, const char *rel, rn_path *path)
{
    if (i == 0) {
        if (data_dir && *data_dir) rn_path_make(path, "%s/%s", data_dir, rel);
        return data_dir && *data_dir;
    }
    char exe[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
    if (n <= 0) return false;
    exe[n] = '\0';
    char *slash = strrchr(exe, '/');
    if (!slash) return false;
    *slash = '\0';
    bool model = strncmp(rel, "models/", 7) == 0;
    rn_path_make(path, "%s/%s/%s%s", exe, beside[i - 1].root, model ? "" : beside[i - 1].data, rel);
    return true;
}

const char *rn_data_dir(const char *given)
{
    static char dir[PATH_MAX];
    const char *env = getenv("RATION_DATA"), *xdg = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
    if (given == dir) return dir;
    if (given)
        snprintf(dir, sizeof dir, "%s", given);
    else if (env && *env)
        snprintf(dir, sizeof dir, "%s", env);
    else if (xdg && *xdg)
        snprintf(dir, sizeof dir, "%s/ration", xdg);
    else
        snprintf(dir, sizeof dir, "%s/.local/share/ration", home && *home ? home : ".");
    return dir;
}

bool rn_data_locate(const char *data_dir, const char *rel, rn_path *path)
{
    for (size_t i = 0; i < N_PLACES; i++)
        if (place(i, data_dir, rel, path) && rn_file_exists(path->s)) return true;
    return false;
}

bool rn_data_template(const char *data_dir, const char *folder, const char *which, rn_path *path)
{
    rn_path rel;
    rn_path_make(path, "%s", which);
    return strchr(which, '/') || rn_file_exists(which) ||
           rn_data_locate(data_dir, rn_path_make(&rel, "%s/%s.json", folder, which), path);
}

void rn_data_places(const char *data_dir, const char *rel, rn_buf *out)
{
    rn_path path;
    for (size_t i = 0; i < N_PLACES; i++)
        if (place(i, data_dir, rel, &path))
            rn_buf_printf(out, "%s%s", out->len ? ", " : "", path.s);
}

int rn_file_copy(const char *from, const char *to, rn_err *err)
{
    int in = open(from, O_RDONLY | O_CLOEXEC);
    if (in < 0) return rn_fail_errno(err, "cannot open %s", from);
    int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    int rc = out < 0 ? rn_fail_errno(err, "cannot create %s", to) : 0;
    char buf[65536];
    for (ssize_t n; !rc && (n = read(in, buf, sizeof buf)) != 0;) {
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) rc = rn_fail_errno(err, "cannot read %s", from);
        for (ssize_t done = 0; !rc && done < n;) {
            ssize_t w = write(out, buf + done, (size_t)(n - done));
            if (w < 0 && errno == EINTR) continue;
            if (w < 0) rc = rn_fail_errno(err, "cannot write %s", to);
            done += w;
        }
    }
    if (!rc && fsync(out)) rc = rn_fail_errno(err, "cannot write %s", to);
    close(in);
    if (out >= 0 && close(out) && !rc) rc = rn_fail_errno(err, "cannot write %s", to);
    return rc;
}
