/* client.c: see remote.h. */
#include "remote/remote.h"

static int not_yet(rn_err *err)
{
    return rn_fail(err, RN_EUNSUPPORTED, "models behind a server are not supported by this build");
}

int rn_remote_open(const rn_remote_opts *o, rn_remote **out, rn_err *err)
{
    (void)o;
    (void)out;
    return not_yet(err);
}
void rn_remote_close(rn_remote *r)
{
    (void)r;
}
bool rn_remote_is_url(const char *model)
{
    return strncmp(model, "http://", 7) == 0 || strncmp(model, "https://", 8) == 0;
}
int rn_remote_url_split(const char *text, rn_buf *url, rn_buf *model, rn_err *err)
{
    (void)text;
    (void)url;
    (void)model;
    return not_yet(err);
}
const char *rn_remote_url(const rn_remote *r)
{
    (void)r;
    return "";
}
const char *rn_remote_model(const rn_remote *r)
{
    (void)r;
    return "";
}
rn_remote_api rn_remote_api_of(const rn_remote *r)
{
    (void)r;
    return RN_REMOTE_COMPLETIONS;
}
int rn_remote_submit(rn_remote *r, const rn_remote_request *q, rn_err *err)
{
    (void)r;
    (void)q;
    return not_yet(err);
}
int rn_remote_find_scoring(rn_remote *r, rn_remote_scoring *out, rn_err *err)
{
    (void)r;
    (void)out;
    return not_yet(err);
}
int rn_remote_submit_score(rn_remote *r, rn_remote_scoring how, uint64_t tag, rn_bytes prompt,
                           rn_bytes text, rn_err *err)
{
    (void)r;
    (void)how;
    (void)tag;
    (void)prompt;
    (void)text;
    return not_yet(err);
}
int rn_remote_wait(rn_remote *r, int64_t timeout_ms, rn_remote_answer *out, rn_err *err)
{
    (void)r;
    (void)timeout_ms;
    (void)out;
    return not_yet(err);
}
void rn_remote_wake(rn_remote *r)
{
    (void)r;
}
int64_t rn_remote_pending(const rn_remote *r)
{
    (void)r;
    return 0;
}
void rn_remote_cancel(rn_remote *r)
{
    (void)r;
}
const rn_remote_usage *rn_remote_ledger(const rn_remote *r)
{
    static const rn_remote_usage none;
    (void)r;
    return &none;
}
int rn_remote_probe_run(rn_remote *r, const rn_bytes *prompts, size_t n_prompts,
                        const rn_sampling *sampling, rn_remote_probe *out, rn_err *err)
{
    (void)r;
    (void)prompts;
    (void)n_prompts;
    (void)sampling;
    (void)out;
    return not_yet(err);
}
