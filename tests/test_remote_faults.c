/* tsan */
/* test_remote_faults.c: the client against servers that fail, refuse, and count or say things their own way:
 * one case per fault of tests/server. */
#include "test_remote.h"

/* ---- faults ---------------------------------------------------------------------------------- */

static void test_faults(void **state)
{
    (void)state;
    static const struct {
        const char *how;
        rn_remote_api api;
        bool logprobs;
        int64_t n_sent; /* 1: not tried again */
        int rc;
        bool fatal;
        const char *message; /* a part of it */
    } cases[] = {
        {"html", 0, false, 1, RN_EFORMAT, false, "web page"},
        {"json", 0, false, 1, RN_EFORMAT, false, "not valid JSON"},
        {"utf8", 0, false, 1, RN_EFORMAT, false, "not valid JSON"},
        {"deep", 0, false, 1, RN_EFORMAT, false, "not valid JSON"},
        {"many", 0, false, 1, RN_EFORMAT, false, "holds 2 choices, 1 were asked for"},
        {"empty", 0, false, 1, RN_EFORMAT, false, "empty list of choices"},
        {"nochoices", 0, false, 1, RN_EFORMAT, false, "holds no choices"},
        {"number", 0, false, 1, RN_EFORMAT, false, "is not a string"},
        {"number", 1, false, 1, RN_EFORMAT, false, "is not a string"},
        {"nofinish", 0, false, 1, RN_EFORMAT, false, "finish_reason"},
        {"abort", 0, false, 1, RN_EFORMAT, false, "broken off by the server"},
        {"abort", 1, false, 1, RN_EFORMAT, false, "broken off by the server"},
        {"huge", 0, false, 1, RN_ELIMIT, false, "sends more than"},
        {"redirect", 0, false, 1, RN_ENET, true, "redirects are not followed"},
        {"400", 0, false, 2, RN_EINVAL, false, "answers 400: status 400 for a test"},
        {"401", 0, false, 1, RN_ENET, true, "--key-env"},
        {"402", 0, false, 1, RN_ENET, true, "answers 402: status 402 for a test"},
        {"403", 0, false, 1, RN_ENET, true, "status 403 for a test"},
        {"404", 0, false, 1, RN_ENOTFOUND, true, "right up to /v1"},
        {"422", 0, false, 2, RN_ENET, false, "status 422 for a test"},
        {"429", 0, false, 4, RN_ENET, true, "answers 429 (4 attempts)"},
        {"quota", 0, false, 1, RN_ENET, true, "used up"},
        {"blank", 0, false, 1, RN_EFORMAT, false, "is empty"},
        {"piece", 1, false, 1, RN_EFORMAT, false, "a piece of a stream"},
        {"unended", 0, false, 4, RN_ENET, false, "(4 attempts): the answer ends in its middle"},
        {"zipcut", 0, false, 4, RN_ENET, false, "(4 attempts)"},
        {"501", 0, false, 1, RN_ENET, false, "answers 501: status 501 for a test"},
        {"xml", 0, false, 2, RN_EINVAL, false, "answers 400: X in a tag"},
        {"root-429", 0, false, 4, RN_ENET, true, "answers 429 (4 attempts): said at the root"},
        {"list-503", 0, false, 4, RN_ENET, false, "answers 503 (4 attempts): in a list"},
        /* once more without what only some servers know */
        {"500", 0, false, 5, RN_ENET, false, "answers 500 (4 attempts): status 500 for a test"},
        {"reset", 0, false, 4, RN_ENET, false, "(4 attempts)"},
        {"cut", 0, false, 4, RN_ENET, false, "(4 attempts)"},
        {"drop", 0, false, 4, RN_ENET, false, "(4 attempts)"},
        {"429+after-9999", 0, false, 1, RN_ENET, true, "asks to wait for 9999 s"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        rn_remote *r = open_how(cases[i].how, cases[i].api);
        rn_remote_answer a;
        ask_one(r, 1, cases[i].logprobs, &a);
        if (a.rc != cases[i].rc || a.usage.n_sent != cases[i].n_sent || a.fatal != cases[i].fatal ||
            !strstr(a.err.msg, cases[i].message))
            fail_msg("%s: %s after %lld, fatal %d: %s", cases[i].how, rn_err_name(a.rc),
                     (long long)a.usage.n_sent, a.fatal, a.rc ? a.err.msg : "");
        assert_int_equal(a.n_samples, 0);
        assert_int_equal(a.usage.n_failed, 1);
        assert_int_equal(rn_remote_pending(r), 0);
        rn_remote_close(r);
    }
}

/* Answers in forms of their own are read like any other. */
static void test_odd_answers(void **state)
{
    (void)state;
    static const struct {
        const char *how;
        rn_remote_api api;
        int64_t n;
        const char *finish, *text; /* a part of it */
    } cases[] = {
        {"mark", 0, 4, "stop", "return"},
        {"gzip", 0, 4, "stop", "return"},
        {"nan", 0, 4, "stop", "return"},
        {"lonely", 0, 4, "stop", "\xed\xa0\xbd"},
        {"crossed", 0, 4, "stop", "return"},
        {"crossed", 1, 4, "stop", "return"},
        {"both", 1, 4, "stop", "return"},
        {"object", 1, 4, "stop", "return"},
        {"details", 1, 4, "stop", "<think>\nlet me think\n</think>\n    return"},
        {"from1", 0, 4, "stop", "return"},
        {"gap", 0, 3, "stop", "return"},
        {"oddend", 0, 4, "stop", "return"},
        {"wildend", 0, 4, "red?[31m?", "return"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        rn_remote *r = open_how(cases[i].how, cases[i].api);
        rn_remote_answer a;
        ask_one(r, 4, false, &a);
        if (a.rc || a.n_samples != cases[i].n || a.usage.n_sent != 1)
            fail_msg("%s: %lld samples: %s", cases[i].how, (long long)a.n_samples,
                     a.rc ? a.err.msg : "");
        for (int64_t k = 0; k < a.n_samples; k++) {
            assert_string_equal(a.samples[k].finish, cases[i].finish);
            if (rn_bytes_find(a.samples[k].text, rn_bytes_of(cases[i].text), 0) == SIZE_MAX)
                fail_msg("%s: %s", cases[i].how, a.samples[k].text.data);
        }
        rn_remote_close(r);
    }
}

/* Log probabilities of some tokens, or of others, are none of the sample's. */
static void test_odd_logprobs(void **state)
{
    (void)state;
    static const struct {
        const char *how;
        bool known;
    } cases[] = {{"", true},
                 {"fewlogprobs", false},
                 {"manylogprobs", false},
                 {"oddlogprobs", false},
                 {"hidden", false}};
    for (size_t i = 0; i < 2 * sizeof cases / sizeof cases[0]; i++) {
        const size_t k = i / 2;
        rn_remote *r = open_how(cases[k].how, RN_REMOTE_COMPLETIONS);
        rn_remote_answer a;
        ask_one(r, i % 2 ? 3 : 1, true, &a);
        for (int64_t j = 0; j < a.n_samples; j++)
            if (a.rc || isnan(a.samples[j].logprob) == cases[k].known || a.samples[j].gen_tok < 1)
                fail_msg("%s: %g of %lld tokens", cases[k].how, a.samples[j].logprob,
                         (long long)a.samples[j].gen_tok);
        rn_remote_close(r);
    }
}

/* What passes after a while is waited for; what it cost before is in the ledger. */
static void test_retries(void **state)
{
    (void)state;
    static const struct {
        const char *how;
        int64_t n_untold;
    } cases[] = {{"408:2", 2},         {"409:2", 0},        {"425:2", 0},
                 {"429:2+after-0", 0}, {"500:2", 2},        {"503:2+after-0.01", 2},
                 {"reset:2", 2},       {"cut:2", 2},        {"drop:2", 2},
                 {"429:2+date-0", 0},  {"502:2+html:2", 2}, {"inner-429:2", 0},
                 {"inner-502:2", 2},   {"choice-502:2", 2}, {"innertext:2", 2}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char how[64];
        snprintf(how, sizeof how, "%s", cases[i].how);
        rn_remote *r = open_how(how, RN_REMOTE_COMPLETIONS);
        rn_remote_answer a;
        ask_one(r, 1, false, &a);
        if (a.rc || a.usage.n_sent != 3 || a.usage.n_untold != cases[i].n_untold)
            fail_msg("%s: %s after %lld, %lld untold", how, a.rc ? a.err.msg : "ok",
                     (long long)a.usage.n_sent, (long long)a.usage.n_untold);
        assert_int_equal(a.usage.untold_tok, cases[i].n_untold * 32);
        assert_int_equal(a.n_samples, 1);
        rn_remote_close(r);
    }
}

/* A page or nothing from a server that has answered is a gateway's: it is asked again. A 403 or 404
 * is of one prompt then, or passes. */
static void test_gateways(void **state)
{
    (void)state;
    static const char *const how[] = {"html@1", "blank@1"};
    static const struct {
        const char *how;
        bool fatal;
    } later[] = {{"401@1", true}, {"403@1", false}, {"404@1", false}};
    for (size_t i = 0; i < sizeof later / sizeof later[0]; i++) {
        rn_remote *r = open_how(later[i].how, RN_REMOTE_COMPLETIONS);
        rn_remote_answer a;
        ask_one(r, 1, false, &a);
        ask_one(r, 1, false, &a);
        if (a.rc == 0 || a.fatal != later[i].fatal) fail_msg("%s: %d", later[i].how, a.fatal);
        rn_remote_close(r);
    }
    for (size_t i = 0; i < sizeof how / sizeof how[0]; i++) {
        rn_remote *r = open_how(how[i], RN_REMOTE_COMPLETIONS);
        rn_remote_answer a;
        ask_one(r, 1, false, &a);
        assert_int_equal(a.usage.n_sent, 1);
        ask_one(r, 1, false, &a);
        if (a.rc != RN_ENET || a.usage.n_sent != 4 || a.usage.n_untold != 4)
            fail_msg("%s: %s after %lld", how[i], a.rc ? a.err.msg : "ok",
                     (long long)a.usage.n_sent);
        rn_remote_close(r);
    }
}

static void test_slow_and_down(void **state)
{
    (void)state;
    rn_remote_answer a;
    rn_remote *r =
        open_at(test_server_url(&server, "hang"), (rn_remote_opts){.timeout_ms = 60, .retries = 1});
    ask_one(r, 1, false, &a);
    assert_int_equal(a.rc, RN_ENET);
    assert_int_equal(a.usage.n_sent, 2);
    assert_contains(a.err.msg, "no whole answer within");
    rn_remote_close(r);
    r = open_at("http://127.0.0.1:1/v1", (rn_remote_opts){.retries = 9});
    ask_one(r, 1, false, &a);
    assert_int_equal(a.rc, RN_ENET);
    assert_true(a.fatal);
    assert_int_equal(a.usage.n_sent, 3); /* never reached: not the whole patience */
    assert_int_equal(a.usage.n_untold, 0);
    assert_contains(a.err.msg, "is the server running");
    rn_remote_close(r);
    r = open_at("http://no-such-host.invalid/v1", (rn_remote_opts){.retries = 1});
    ask_one(r, 1, false, &a);
    assert_int_equal(a.rc, RN_ENET);
    assert_true(a.fatal);
    rn_remote_close(r);
}

static void test_certificate_and_key(void **state)
{
    (void)state;
    char url[64], ca[4200];
    snprintf(url, sizeof url, "https://127.0.0.1:%d/v1/", secured.port);
    snprintf(ca, sizeof ca, "%s/cert.pem", secured.dir);
    rn_remote_answer a;
    rn_remote *r = open_at(url, (rn_remote_opts){.retries = 3});
    ask_one(r, 1, false, &a);
    assert_int_equal(a.rc, RN_ENET);
    assert_true(a.fatal);
    assert_int_equal(a.usage.n_sent, 1);
    assert_contains(a.err.msg, "--ca-file FILE");
    rn_remote_close(r);

    setenv("RN_TEST_KEY", "sk-wrong", 1);
    r = open_at(url, (rn_remote_opts){.ca_file = ca, .key_env = "RN_TEST_KEY"});
    ask_one(r, 1, false, &a);
    assert_int_equal(a.rc, RN_ENET);
    assert_contains(a.err.msg, "Incorrect API key provided.");
    assert_null(strstr(a.err.msg, "sk-wrong"));
    rn_remote_close(r);

    setenv("RN_TEST_KEY", "sk-test-123", 1);
    r = open_at(url, (rn_remote_opts){.ca_file = ca, .key_env = "RN_TEST_KEY"});
    ask_one(r, 2, false, &a);
    if (a.rc) fail_msg("%s", a.err.msg);
    assert_int_equal(a.n_samples, 2);
    rn_remote_close(r);

    rn_err err;
    rn_remote_opts o = {.url = url, .model = "m", .key_env = "RN_NOT_SET_ANYWHERE"};
    assert_int_equal(rn_remote_open(&o, &r, &err), RN_ENOTFOUND);
    assert_contains(err.msg, "RN_NOT_SET_ANYWHERE");
    setenv("RN_TEST_KEY", "two\r\nHost: lines", 1);
    o.key_env = "RN_TEST_KEY";
    assert_int_equal(rn_remote_open(&o, &r, &err), RN_EINVAL);
    assert_null(strstr(err.msg, "Host"));
    o.key_env = NULL;
    o.ca_file = "/nowhere.pem";
    assert_int_equal(rn_remote_open(&o, &r, &err), RN_ENOTFOUND);
}

/* The key is not sent on by a redirect, nor at all where none is named. */
static void test_key_stays(void **state)
{
    (void)state;
    setenv("RN_TEST_KEY", "sk-stays-here", 1);
    rn_remote *r =
        open_at(test_server_url(&server, "redirect"), (rn_remote_opts){.key_env = "RN_TEST_KEY"});
    rn_remote_answer a;
    ask_one(r, 1, false, &a);
    assert_contains(a.err.msg, "/v1/completions");
    assert_null(strstr(a.err.msg, "sk-stays-here"));
    rn_remote_close(r);
    assert_int_equal(test_server_logged(&server, "sk-stays-here"), 1);
    char said[200], *secret[] = {(char *)(uintptr_t) "sk-1"};
    const rn_secrets secrets = {.data = secret, .n = 1};
    rn_answer_message(rn_bytes_of("{\"error\": {\"message\": \"bad key sk-1 here\\n\"}}"), &secrets,
                      said, sizeof said);
    assert_string_equal(said, "bad key *** here ");
}

/* Wherever a server puts the key, no message has it, nor a part of it. */
static void test_key_comes_back(void **state)
{
    (void)state;
    static const char *const how[] = {"key-0", "key-1", "key-2", "key-3",   "key-4",
                                      "key-5", "key-6", "key-7", "redirect"};
    const char *query[] = {"sig=$RN_TEST_KEY"};
    setenv("RN_TEST_KEY", "sk/comes+back==", 1);
    for (size_t i = 0; i < sizeof how / sizeof how[0]; i++) {
        rn_remote *r =
            open_at(test_server_url(&server, how[i]),
                    (rn_remote_opts){.key_env = "RN_TEST_KEY", .query = query, .n_query = 1});
        rn_remote_answer a;
        ask_one(r, 1, false, &a);
        const char *said = a.rc ? a.err.msg : a.samples[0].finish;
        if (strstr(said, "sk/") || strstr(said, "sk%2F") || strstr(said, "comes"))
            fail_msg("%s: %s", how[i], said);
        rn_remote_close(r);
    }
    unsetenv("RN_TEST_KEY");
}

/* ---- what servers take ----------------------------------------------------------------------- */

/* A refusal of the probe's own prompt or short answer is none of the run's. */
static void test_probe_refused(void **state)
{
    (void)state;
    static const struct {
        const char *how, *message; /* NULL: it settles */
    } cases[] = {{"prompt-sentinel", NULL},
                 {"least-100", NULL},
                 {"prompt-sentinel+prompt-def", "maximum context length"},
                 {"least-1000", "thinking.budget_tokens"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        rn_remote *r = open_how(cases[i].how, RN_REMOTE_COMPLETIONS);
        rn_sampling s = sampling;
        s.max_tok = 256;
        rn_remote_probe p;
        rn_err err;
        rn_bytes prompt = rn_bytes_of("# sentinel\n");
        int rc = rn_remote_settle(r, prompt, &s, &err);
        if (cases[i].message) {
            assert_int_equal(rc, RN_EINVAL);
            assert_contains(err.msg, cases[i].message);
        } else {
            assert_ok(rc, &err);
            assert_ok(rn_remote_probe_quick(r, prompt, &s, &p, &err), &err);
            assert_true(p.honours_n && p.logprobs);
        }
        rn_remote_close(r);
    }
    rn_err err;
    rn_remote *r = open_at(test_server_url(&server, ""), (rn_remote_opts){.model = "tset-model"});
    assert_int_equal(rn_remote_settle(r, rn_bytes_of("p"), &sampling, &err), RN_ENOTFOUND);
    assert_contains(err.msg, "its list has test-model (did you mean 'test-model'?)");
    rn_remote_close(r);
}

/* One request for n samples with stops; the settings that a run would record. */
static void settle_at(const char *how, double top_p, rn_remote_answer *a, rn_remote **out,
                      char **settings)
{
    static const char *const stop[] = {"\nclass", "\ndef", "\n#", "\nif", "wor", NULL};
    rn_remote *r = open_how(how, RN_REMOTE_COMPLETIONS);
    rn_sampling s = sampling;
    s.stop = stop;
    s.top_p = top_p;
    rn_err err;
    rn_bytes prompt = rn_bytes_of("def f(x):\n");
    assert_ok(rn_remote_settle(r, prompt, &s, &err), &err);
    rn_remote_request q = {.prompt = prompt, .n = 12, .sampling = &s, .seed = 7};
    assert_ok(rn_remote_submit(r, &q, &err), &err);
    while (rn_remote_wait(r, 1000, a, &err) == 0) {
    }
    if (a->rc) fail_msg("%s: %s", how, a->err.msg);
    json_t *j = json_object();
    rn_remote_describe(r, &s, j);
    *settings = json_dumps(j, JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(15));
    json_decref(j);
    *out = r;
}

/* Gateways refuse in words of their own; what they refuse is given up, and nothing else. */
static void test_dialects(void **state)
{
    (void)state;
    static const struct {
        const char *how, *decides; /* what the server decides then */
        int64_t n;
    } cases[] = {
        {"as-gemini", "[\"top_k\",\"min_p\",\"seed\",\"repetition_penalty\"]", 12},
        {"as-groq", "[\"top_k\",\"min_p\",\"repetition_penalty\"]", 12},
        {"as-mistral", "[\"top_k\",\"min_p\",\"seed\",\"repetition_penalty\"]", 12},
        {"as-vllm", NULL, 12},
        {"as-fireworks", NULL, 12},
        {"as-azure", "[\"top_k\",\"min_p\",\"repetition_penalty\"]", 12},
        {"as-databricks", "[\"min_p\"]", 12},
        {"as-xai", NULL, 12}, /* stop strings are cut here */
        {"as-zhipu", "[\"top_k\",\"min_p\",\"repetition_penalty\"]", 12},
        {"as-lmstudio", NULL, 12},
        {"as-bedrock", "[\"temperature\"]", 12},
        {"as-xn", NULL, 1},
        {"as-qwen", NULL, 3},
        {"as-vllmn", NULL, 1},
        {"as-gemini+as-xn", "[\"top_k\",\"min_p\",\"seed\",\"repetition_penalty\"]", 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        rn_remote_answer a;
        rn_remote *r;
        char *settings;
        settle_at(cases[i].how, 0.9, &a, &r, &settings);
        const char *decides = strstr(settings, "\"server_decides\":");
        size_t n = cases[i].decides ? strlen(cases[i].decides) : 0;
        bool same = decides
                        ? strncmp(decides + 17, cases[i].decides ? cases[i].decides : "-", n) == 0
                        : n == 0;
        if (!same || a.n_samples != cases[i].n)
            fail_msg("%s: %lld samples; %s", cases[i].how, (long long)a.n_samples, settings);
        free(settings);
        rn_remote_close(r);
    }
}

/* Words of an error in a 200: what is a limit, what is final. */
static void test_words_in_200(void **state)
{
    (void)state;
    static const struct {
        const char *how;
        int64_t n_sent;
        const char *message;
    } cases[] = {{"says-0", 1, "Failed to generate"},
                 {"says-1", 1, "Unexpected endpoint"},
                 {"says-2", 4, "answers 429"},
                 {"says-3", 1, "temperature out of range"},
                 {"native-network_error", 1, "broken off"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        rn_remote *r = open_how(cases[i].how, RN_REMOTE_COMPLETIONS);
        rn_remote_answer a;
        ask_one(r, 1, false, &a);
        if (a.rc == 0 || a.usage.n_sent != cases[i].n_sent || !strstr(a.err.msg, cases[i].message))
            fail_msg("%s: %lld sent: %s", cases[i].how, (long long)a.usage.n_sent,
                     a.rc ? a.err.msg : "no error");
        rn_remote_close(r);
    }
}

/* What a server refuses is given up, and the settings say so. */
static void test_concessions(void **state)
{
    (void)state;
    static const char all[] = "{\"max_tokens\":32,\"min_p\":0.0,\"repetition_penalty\":1,"
                              "\"seed\":1,\"temperature\":0.8,\"top_k\":0,\"top_p\":1.0}";
    static const struct {
        const char *how, *settings;
        int64_t n, n_decided; /* choices of 12; fields that the server decides */
    } cases[] = {
        {"", all, 12, 0},
        {"maxn-4", all, 3, 0}, /* 12, 6, 3 */
        {"maxn-1", all, 1, 0},
        {"maxstop-4", all, 12, 0},
        {"maxstop-0", all, 12, 0},
        {"top_k-1", all, 12, 0},
        {"no-stop", all, 12, 0},
        {"extra-stream", all, 12, 0},
        {"mute-n", all, 1, 0},
        {"mute-top_k", "\"top_k\":null", 12, 3},
        {"topp1", "\"top_p\":null", 12, 1},
        {"either", "\"top_p\":null", 12, 1},
        {"newmax", all, 12, 0},
        {"temp1", "\"temperature\":null", 12, 1},
        {"newmax+temp1+maxn-8", "\"temperature\":null", 6, 1},
        {"extra-seed", "\"seed\":null", 12, 1},
        {"no-seed", "\"seed\":null", 12, 1},
        {"no-top_k", "\"top_k\":null", 12, 3}, /* then nobody can tell what decides */
        {"extra-min_p", "\"min_p\":null", 12, 1},
        {"no-repetition_penalty+no-repeat_penalty", "\"server_decides\":[\"repetition_penalty\"]",
         12, 1},
        {"no-repeat_penalty", all, 12, 0},
        {"notopk", "\"top_k\":null", 12, 3},
        {"fails500", "\"top_k\":null", 12, 3},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        rn_remote_answer a;
        rn_remote *r;
        char *settings;
        settle_at(cases[i].how, 1, &a, &r, &settings);
        rn_buf decides = {0};
        rn_remote_decides(r, &sampling, &decides);
        int64_t n = decides.len > 0;
        for (size_t k = 0; k < decides.len; k++)
            n += decides.data[k] == ',';
        if (!strstr(settings, cases[i].settings) || a.n_samples != cases[i].n ||
            n != cases[i].n_decided)
            fail_msg("%s: %lld samples; the server decides %s; %s", cases[i].how,
                     (long long)a.n_samples, decides.len ? decides.data : "nothing", settings);
        for (int64_t k = 0; k < a.n_samples; k++) /* a stop string that was not sent is cut here */
            if (rn_bytes_find(a.samples[k].text, rn_bytes_of("wor"), 0) != SIZE_MAX)
                fail_msg("%s: %s", cases[i].how, a.samples[k].text.data);
        rn_buf_free(&decides);
        free(settings);
        rn_remote_close(r);
    }
}

/* Where nothing helps, nothing stays given up, and the words are the server's first. */
static void test_no_concession(void **state)
{
    (void)state;
    rn_remote_answer a;
    rn_remote *r = open_how("400", RN_REMOTE_COMPLETIONS);
    ask_one(r, 1, false, &a);
    assert_int_equal(a.rc, RN_EINVAL);
    rn_buf decides = {0};
    rn_remote_decides(r, &sampling, &decides);
    assert_int_equal(decides.len, 0);
    rn_remote_close(r);
    /* A field that was answered once is not given up later. */
    r = open_how("no-seed@1", RN_REMOTE_COMPLETIONS);
    ask_one(r, 1, false, &a);
    assert_int_equal(a.rc, 0);
    ask_one(r, 1, false, &a);
    assert_int_equal(a.rc, RN_EINVAL);
    assert_contains(a.err.msg, "Unknown parameter. (seed)");
    rn_remote_close(r);
    /* Without temperature 0 no answer is the likeliest. */
    r = open_how("no-temperature", RN_REMOTE_COMPLETIONS);
    rn_sampling s = sampling;
    s.temperature = 0;
    rn_err err;
    assert_int_equal(rn_remote_settle(r, rn_bytes_of("p"), &s, &err), RN_EINVAL);
    assert_contains(err.msg, "(temperature)");
    rn_remote_close(r);
    /* An optional question that is refused ends nothing, whatever the status. */
    r = open_how("forbid-logprobs", RN_REMOTE_COMPLETIONS);
    rn_remote_probe p;
    assert_ok(rn_remote_probe_quick(r, rn_bytes_of("p"), &sampling, &p, &err), &err);
    assert_false(p.logprobs);
    assert_true(p.honours_n);
    rn_remote_close(r);
}

static void test_own_fields(void **state)
{
    (void)state;
    setenv("RN_TEST_SECRET", "hush-hush", 1);
    const char *headers[] = {"X-Where: here", "X-Api-Key: $RN_TEST_SECRET"};
    const char *query[] = {"api-version=2024 10", "sig=$RN_TEST_SECRET"};
    rn_remote_opts o = {.body = "{\"reasoning_effort\":\"low\",\"seed\":null,"
                                "\"repetition_penalty\":1.05}",
                        .headers = headers,
                        .query = query,
                        .n_headers = 2,
                        .n_query = 2};
    rn_remote *r = open_at(test_server_url(&server, "own"), o);
    rn_remote_answer a;
    ask_one(r, 1, false, &a);
    assert_int_equal(a.rc, 0);
    assert_int_equal(
        test_server_logged(&server, "/own/v1/completions?api-version=2024%2010&sig=hush-hush\""),
        1);
    assert_int_equal(test_server_logged(&server, "\"x-api-key\": \"hush-hush\""), 1);
    assert_int_equal(test_server_logged(&server, "\\\"reasoning_effort\\\":\\\"low\\\""), 1);
    assert_int_equal(test_server_logged(&server, "\\\"repetition_penalty\\\":1.05}"), 1);
    json_t *j = json_object();
    rn_remote_describe(r, &sampling, j);
    char *text = json_dumps(j, JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(15));
    assert_contains(text, "\"seed\":null");
    assert_contains(text, "\"repetition_penalty\":1.05");
    assert_contains(text, "\"headers\":{\"X-Api-Key\":\"$RN_TEST_SECRET\",\"X-Where\":\"here\"}");
    assert_null(strstr(text, "hush"));
    free(text);
    json_decref(j);
    rn_remote_close(r);
    static const struct {
        const char *body, *header, *message;
    } bad[] = {{"[1]", NULL, "not a JSON object"},
               {"{\"top_p\":0.5}", NULL, "use --top-p, or null"},
               {"{\"stream\":true}", NULL, "ration writes itself"},
               {NULL, "Authorization: Bearer x", "may be a key"},
               {NULL, "no value", "is written 'NAME: VALUE'"},
               {NULL, "X-Y: $RN_NOT_SET_ANYWHERE", "is not set"}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        rn_err err;
        const char *h[] = {bad[i].header};
        const rn_remote_opts ro = {.url = "http://h/v1",
                                   .model = "m",
                                   .body = bad[i].body,
                                   .headers = h,
                                   .n_headers = bad[i].header != NULL};
        assert_true(rn_remote_open(&ro, &r, &err) < 0);
        assert_contains(err.msg, bad[i].message);
    }
}

/* ---- what servers count and say ---------------------------------------------------------------- */

static void test_usage(void **state)
{
    (void)state;
    static const struct {
        const char *how;
        bool known;
        int64_t beyond; /* tokens beside the text's own */
    } cases[] = {{"zerousage", false, 0},  {"nousage", false, 0},  {"nocompletion", true, 0},
                 {"floatusage", true, 0},  {"ioutokens", true, 0}, {"hidden", true, 100},
                 {"reasonless", true, 100}};
    rn_remote_answer a;
    rn_remote *r = open_how("", RN_REMOTE_COMPLETIONS);
    ask_one(r, 1, false, &a);
    int64_t own = a.samples[0].gen_tok;
    rn_remote_close(r);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        r = open_how(cases[i].how, RN_REMOTE_COMPLETIONS);
        ask_one(r, 1, false, &a);
        int64_t want = cases[i].known ? own + cases[i].beyond : -1;
        if (a.rc || a.samples[0].gen_tok != want || a.usage.n_untold != !cases[i].known)
            fail_msg("%s: %lld tokens, %lld expected", cases[i].how,
                     (long long)a.samples[0].gen_tok, (long long)want);
        assert_string_equal(a.samples[0].finish, "stop");
        rn_remote_close(r);
    }
}

static void test_ends(void **state)
{
    (void)state;
    static const struct {
        const char *how;
        rn_remote_api api;
        const char *finish, *text; /* a part of it; NULL: it is empty */
    } cases[] = {{"nulltext", 0, "stop", NULL},
                 {"nulltext", 1, "stop", NULL},
                 {"nocontent", 1, "stop", NULL},
                 {"native-completed", 1, "stop", NULL},
                 {"bare3", 1, NULL, NULL},
                 {"filter", 0, "content_filter", "return"},
                 {"finish-recitation", 1, "recitation", "return"},
                 {"finish-MAX_TOKENS", 0, "length", "return"},
                 {"refusal", 1, "stop", "I cannot do that."},
                 {"parts", 1, "stop", "<think>\nhm\n</think>\n    return"},
                 {"nullprob", 0, "stop", "return"},
                 {"nulllogprobs", 1, "stop", "return"},
                 {"nologprobs", 1, "stop", "return"},
                 {"stream", 0, "stop", "return"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        rn_remote *r = open_how(cases[i].how, cases[i].api);
        for (int k = 0; k < 3; k++) {
            rn_remote_answer a;
            ask_one(r, 1, true, &a);
            if (a.rc) fail_msg("%s: %s", cases[i].how, a.err.msg);
            const rn_remote_sample *s = &a.samples[0];
            bool empty = s->text.len == 0;
            if (!cases[i].finish) { /* every third */
                assert_int_equal(empty, strcmp(s->finish, "length") == 0);
                if (empty) assert_int_equal(s->gen_tok, 32);
                continue;
            }
            if (strcmp(s->finish, cases[i].finish) != 0 || empty != !cases[i].text)
                fail_msg("%s: %s, %zu bytes", cases[i].how, s->finish, s->text.len);
            if (cases[i].text) assert_contains(s->text.data, cases[i].text);
            if (strstr(cases[i].how, "prob")) assert_true(isnan(s->logprob));
        }
        rn_remote_close(r);
    }
}

/* Each shape of an error shows its words and its field. */
static void test_error_shapes(void **state)
{
    (void)state;
    static const char *const words[] = {"candidateCount is odd",
                                        "AiError: bad input",
                                        "context length exceeded",
                                        "Extra inputs are not permitted (model_alias)",
                                        "the reason",
                                        "a name that nobody knows",
                                        "said at the root",
                                        "Provider returned error: the cause"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        char how[32];
        snprintf(how, sizeof how, "shape-%zu", i);
        rn_remote *r = open_how(how, RN_REMOTE_COMPLETIONS);
        rn_remote_answer a;
        ask_one(r, 1, false, &a);
        assert_int_equal(a.rc, RN_EINVAL);
        assert_contains(a.err.msg, words[i]);
        rn_remote_close(r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_odd_answers),
        cmocka_unit_test(test_odd_logprobs),
        cmocka_unit_test(test_key_comes_back),
        cmocka_unit_test(test_probe_refused),
        cmocka_unit_test(test_retries),
        cmocka_unit_test(test_slow_and_down),
        cmocka_unit_test(test_gateways),
        cmocka_unit_test(test_certificate_and_key),
        cmocka_unit_test(test_key_stays),
        cmocka_unit_test(test_dialects),
        cmocka_unit_test(test_words_in_200),
        cmocka_unit_test(test_concessions),
        cmocka_unit_test(test_no_concession),
        cmocka_unit_test(test_own_fields),
        cmocka_unit_test(test_usage),
        cmocka_unit_test(test_ends),
        cmocka_unit_test(test_error_shapes),
    };
    return cmocka_run_group_tests(tests, start_servers, stop_servers);
}
