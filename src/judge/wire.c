/* wire.c: encoding and decoding of the messages of wire.h. */
#include "judge/wire.h"

#include "judge/lang.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static void put_bytes(rn_buf *out, rn_bytes b)
{
    if (b.len) rn_buf_add(out, b.data, b.len);
}

void rn_wire_put_job(rn_buf *out, const rn_judge_job *job, const rn_judge_limits *limits,
                     uint64_t id)
{
    rn_bytes entry = rn_bytes_of(job->entry);
    if (job->entry) entry.len++; /* with its NUL, so that the host can point at it */
    uint64_t body = entry.len + job->program.len + job->given.len;
    for (size_t i = 0; i < job->n_cases; i++)
        body += 3 * sizeof(uint64_t) + job->cases[i].input.len + job->cases[i].expected.len;
    rn_wire_job head;
    memset(&head, 0, sizeof head); /* padding crosses a process border: none of it is left over */
    head.magic = RN_WIRE_MAGIC;
    head.mode = (int32_t)job->mode;
    head.compare = (int32_t)job->compare;
    head.language = rn_lang_find(job->language);
    head.oracle = (int32_t)job->oracle;
    head.all_cases = job->all_cases;
    head.atol = job->atol;
    head.limits = *limits;
    head.id = id;
    head.body_bytes = body;
    head.entry_bytes = entry.len;
    head.program_bytes = job->program.len;
    head.given_bytes = job->given.len;
    head.n_cases = job->n_cases;
    head.n_first = job->n_first;
    rn_buf_reserve(out, sizeof head + body);
    rn_buf_add(out, &head, sizeof head);
    put_bytes(out, entry);
    put_bytes(out, job->program);
    put_bytes(out, job->given);
    for (size_t i = 0; i < job->n_cases; i++) {
        uint64_t len[3] = {job->cases[i].input.len, job->cases[i].expected.len,
                           (uint64_t)job->cases[i].cpu_ns};
        rn_buf_add(out, len, sizeof len);
        put_bytes(out, job->cases[i].input);
        put_bytes(out, job->cases[i].expected);
    }
}

static void put_rest(rn_buf *out, uint64_t id, bool drop)
{
    rn_wire_job head;
    memset(&head, 0, sizeof head);
    head.magic = RN_WIRE_MAGIC;
    head.go_on = true;
    head.drop = drop;
    head.id = id;
    rn_buf_add(out, &head, sizeof head);
}

void rn_wire_put_go_on(rn_buf *out, uint64_t id)
{
    put_rest(out, id, false);
}

void rn_wire_put_drop(rn_buf *out, uint64_t id)
{
    put_rest(out, id, true);
}

void rn_wire_put_again(rn_buf *out, rn_bytes message, bool may_wait)
{
    rn_wire_job head;
    memcpy(&head, message.data, sizeof head);
    head.may_wait = may_wait;
    rn_buf_add(out, &head, sizeof head);
    rn_buf_add(out, message.data + sizeof head, message.len - sizeof head);
}

/* Takes `len` bytes off the front of *rest; false when there are fewer. */
static bool take(rn_bytes *rest, uint64_t len, rn_bytes *out)
{
    if (len > rest->len) return false;
    *out = (rn_bytes){.data = rest->data, .len = (size_t)len};
    rest->data += len;
    rest->len -= (size_t)len;
    return true;
}

int rn_wire_get_job(const rn_wire_job *head, rn_bytes body, rn_judge_job *job,
                    rn_judge_case **cases, rn_err *err)
{
    if (head->n_cases > head->body_bytes / (3 * sizeof(uint64_t)) || head->n_first > head->n_cases)
        return rn_fail(err, RN_EFORMAT, "job %llu: impossible number of cases",
                       (unsigned long long)head->id);
    const rn_lang *lang = head->language >= 0 ? rn_lang_at((size_t)head->language) : NULL;
    rn_bytes rest = body, entry;
    rn_judge_job j = {.mode = (rn_judge_mode)head->mode,
                      .compare = (rn_compare)head->compare,
                      .language = lang ? lang->name : NULL,
                      .limits = head->limits,
                      .all_cases = head->all_cases,
                      .oracle = (rn_calls_oracle)head->oracle,
                      .atol = head->atol,
                      .n_first = (size_t)head->n_first,
                      .n_cases = (size_t)head->n_cases};
    if (!take(&rest, head->entry_bytes, &entry) || !take(&rest, head->program_bytes, &j.program) ||
        !take(&rest, head->given_bytes, &j.given))
        return rn_fail(err, RN_EFORMAT, "job %llu: body too short", (unsigned long long)head->id);
    rn_judge_case *c = calloc(j.n_cases + 1, sizeof *c);
    if (!c) return rn_fail(err, RN_ENOMEM, "job with %zu cases: out of memory", j.n_cases);
    for (size_t i = 0; i < j.n_cases; i++) {
        rn_bytes raw;
        uint64_t len[3];
        if (!take(&rest, sizeof len, &raw)) goto bad;
        memcpy(len, raw.data, sizeof len);
        c[i].cpu_ns = (int64_t)len[2];
        if (!take(&rest, len[0], &c[i].input) || !take(&rest, len[1], &c[i].expected)) goto bad;
    }
    if (rest.len) goto bad;
    if (entry.len && entry.data[entry.len - 1] != '\0') goto bad;
    j.entry = entry.len ? entry.data : NULL;
    j.cases = c;
    *job = j;
    *cases = c;
    return 0;
bad:
    free(c);
    return rn_fail(err, RN_EFORMAT, "job %llu: body does not match its header",
                   (unsigned long long)head->id);
}

int rn_wire_read(int fd, void *data, size_t len)
{
    char *p = data;
    while (len) {
        ssize_t n = read(fd, p, len);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return RN_EIO;
        if (n == 0) return RN_ETRUNCATED;
        p += n;
        len -= (size_t)n;
    }
    return 0;
}

int rn_wire_write(int fd, const void *data, size_t len)
{
    const char *p = data;
    while (len) {
        ssize_t n = send(fd, p, len, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return RN_EIO;
        p += n;
        len -= (size_t)n;
    }
    return 0;
}
