/* server_opts.c: see server_opts.h. */
#include "cli/server_opts.h"

#include <math.h>
#include <unistd.h>

enum { MAX_SECONDS = 86400 };

bool rn_server_lacks_scheme(const char *model)
{
    return !rn_remote_is_url(model) && strchr(model, '#') && access(model, F_OK) != 0;
}

static bool any_given(const rn_server_opts *o)
{
    return o->api || o->key_env || o->ca || o->cost_file || o->in_flight >= 0 || o->retries >= 0 ||
           !isnan(o->retry_wait_s) || !isnan(o->timeout_s) || o->body || o->headers.n || o->query.n;
}

int rn_server_opts_check(const rn_command *cmd, const rn_server_opts *o, const rn_model_opts *m)
{
    if (!m->path) return rn_opt_usage(cmd, "give a model with -m FILE.gguf or -m URL#NAME");
    if (!rn_remote_is_url(m->path)) {
        if (rn_server_lacks_scheme(m->path))
            return rn_opt_usage(cmd,
                                "'%s' is not a file; a server's address begins with http:// "
                                "or https://: write -m 'http://%s'",
                                m->path, m->path);
        if (any_given(o))
            return rn_opt_usage(cmd, "--api, --key-env, --ca-file, --in-flight, --retries, "
                                     "--retry-wait, --timeout, --cost-file, --body, --header and "
                                     "--query are for models behind a server, -m URL#NAME");
        return rn_model_opts_check(cmd, m);
    }
    if (m->threads || m->slots || m->memory || m->kv)
        return rn_opt_usage(cmd, "--threads, --slots, --memory and --kv are for model files; a "
                                 "server has its own");
    rn_buf url = {0}, model = {0};
    rn_err err;
    rn_remote_api api;
    int rc = rn_remote_url_split(m->path, &url, &model, &err);
    rn_buf_free(&url);
    rn_buf_free(&model);
    if (rc) return rn_opt_usage(cmd, "%s", err.msg);
    if (o->api && !rn_server_parse_api(o->api, &api))
        return rn_opt_usage(cmd, "--api is completions or chat, not '%s'", o->api);
    if (o->in_flight == 0 || o->in_flight > RN_REMOTE_MAX_IN_FLIGHT)
        return rn_opt_usage(cmd, "--in-flight is 1 to %d", RN_REMOTE_MAX_IN_FLIGHT);
    if (o->retries > 100) return rn_opt_usage(cmd, "--retries is 0 to 100");
    if (!isnan(o->retry_wait_s) && !(o->retry_wait_s > 0 && o->retry_wait_s <= MAX_SECONDS))
        return rn_opt_usage(cmd, "--retry-wait is a time above 0, in seconds");
    if (!isnan(o->timeout_s) && !(o->timeout_s > 0 && o->timeout_s <= MAX_SECONDS))
        return rn_opt_usage(cmd, "--timeout is a time above 0, in seconds");
    return -1;
}
