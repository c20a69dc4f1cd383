/* test_remote.h: clients of tests/server for the tests of src/remote. */
#ifndef RN_TEST_REMOTE_H
#define RN_TEST_REMOTE_H

#include "test_server.h"

#include "remote/remote_priv.h"

static test_server server, secured;
static const rn_sampling sampling = {.temperature = 0.8, .top_p = 0.95, .max_tok = 32, .seed = 1};

static int start_servers(void **state)
{
    (void)state;
    static const char *const tls[] = {"--tls", "@dir", "--key", "sk-test-123", NULL};
    test_server_start(&server, NULL);
    test_server_start(&secured, tls);
    return 0;
}

static int stop_servers(void **state)
{
    (void)state;
    test_server_stop(&server);
    test_server_stop(&secured);
    return 0;
}

static inline rn_remote *open_at(const char *url, rn_remote_opts o)
{
    rn_err err;
    rn_remote *r;
    o.url = url;
    if (!o.model) o.model = "test-model";
    if (!o.retry_wait_ms) o.retry_wait_ms = 1;
    if (!o.retries) o.retries = 3;
    if (!o.timeout_ms) o.timeout_ms = 20000;
    assert_ok(rn_remote_open(&o, &r, &err), &err);
    return r;
}

static inline rn_remote *open_how(const char *how, rn_remote_api api)
{
    return open_at(test_server_url(&server, how), (rn_remote_opts){.api = api});
}

/* One request, waited for. */
static inline void ask_one(rn_remote *r, int64_t n, bool logprobs, rn_remote_answer *a)
{
    rn_err err;
    rn_remote_request q = {.tag = 77,
                           .prompt = rn_bytes_of("def f(x):\n"),
                           .n = n,
                           .sampling = &sampling,
                           .seed = 5,
                           .logprobs = logprobs};
    assert_ok(rn_remote_submit(r, &q, &err), &err);
    int rc;
    while ((rc = rn_remote_wait(r, 1000, a, &err)) == 0 && rn_remote_pending(r)) {
    }
    if (rc != 1) fail_msg("no answer: %d %s", rc, rc < 0 ? err.msg : "");
    assert_int_equal(a->tag, 77);
}

#endif
