/* model_opts.c: see model_opts.h. */
#include "cli/model_opts.h"

int rn_parse_size(const char *text, size_t *out, rn_err *err)
{
    static const struct {
        const char *suffix;
        double factor;
    } units[] = {{"", 1},
                 {"K", 1024.0},
                 {"KiB", 1024.0},
                 {"M", 1048576.0},
                 {"MiB", 1048576.0},
                 {"G", 1073741824.0},
                 {"GiB", 1073741824.0},
                 {"T", 1099511627776.0},
                 {"TiB", 1099511627776.0}};
    char *end;
    errno = 0;
    double v = strtod(text, &end);
    for (size_t i = 0; end != text && !errno && i < sizeof units / sizeof units[0]; i++) {
        if (strcasecmp(end, units[i].suffix) != 0) continue;
        if (!(v > 0) || v * units[i].factor > (double)(SIZE_MAX / 4)) break;
        *out = (size_t)(v * units[i].factor);
        return 0;
    }
    return rn_fail(err, RN_EINVAL, "'%s' is not a size; write e.g. 800M or 12G", text);
}

/* An option that was given and is 0 would mean its default. */
static bool is_out(int64_t v, int64_t most)
{
    return v == 0 || v > most;
}

static bool is_bad_time(double s)
{
    return !isnan(s) && !(s > 0 && s <= 86400);
}

int rn_model_args_read(const rn_command *cmd, rn_model_args *a)
{
    rn_model_source *m = &a->m;
    rn_err err;
    if (a->memory && rn_parse_size(a->memory, &m->memory_bytes, &err))
        return rn_opt_refused(cmd, &err);
    if (a->threads < 0 || a->slots < 0 || a->threads > INT32_MAX || a->slots > INT32_MAX)
        return rn_opt_usage(cmd, "--threads and --slots are positive numbers");
    if (is_out(a->in_flight, 4096)) return rn_opt_usage(cmd, "--in-flight is 1 to 4096");
    if (a->retries > 1000) return rn_opt_usage(cmd, "--retries is 0 to 1000");
    if (is_bad_time(a->retry_wait_s))
        return rn_opt_usage(cmd, "--retry-wait is a time above 0, in seconds");
    if (is_bad_time(a->timeout_s))
        return rn_opt_usage(cmd, "--timeout is a time above 0, in seconds");
    if (a->serve_restarts < 0 || a->serve_restarts > 1000)
        return rn_opt_usage(cmd, "--serve-restarts is 0 to 1000");
    m->serve_restarts = a->serve_restarts ? (int)a->serve_restarts : -1;
    m->threads = (int)a->threads;
    m->slots = (int)a->slots;
    m->in_flight = a->in_flight > 0 ? (int)a->in_flight : 0;
    m->retries = a->retries == 0 ? -1 : a->retries > 0 ? (int)a->retries : 0;
    m->retry_wait_s = isnan(a->retry_wait_s) ? 0 : a->retry_wait_s;
    m->timeout_s = isnan(a->timeout_s) ? 0 : a->timeout_s;
    m->headers = a->headers.v;
    m->query = a->query.v;
    m->n_headers = (size_t)a->headers.n;
    m->n_query = (size_t)a->query.n;
    return -1;
}
