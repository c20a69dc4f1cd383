/* tsan */
/* test_remote.c: the client against tests/server: answers, many at once, probe and scores; addresses and
 * Retry-After. */
#include "test_remote.h"

#include <pthread.h>

/* ---- answers that are good ------------------------------------------------------------------- */

static void test_completion(void **state)
{
    (void)state;
    rn_remote *r = open_how("", RN_REMOTE_COMPLETIONS);
    rn_remote_answer a;
    ask_one(r, 3, true, &a);
    assert_int_equal(a.rc, 0);
    assert_int_equal(a.n_samples, 3);
    for (int i = 0; i < 3; i++) {
        const rn_remote_sample *s = &a.samples[i];
        assert_string_equal(s->finish, "stop");
        assert_true(s->text.len > 10);
        assert_near(s->logprob, -0.25 * (double)s->text.len, 1e-9);
        assert_true(s->gen_tok > 1);
    }
    assert_false(rn_bytes_equal(a.samples[0].text, a.samples[1].text));
    assert_int_equal(a.prompt_tok, 8);
    assert_int_equal(a.usage.n_sent, 1);
    assert_int_equal(a.usage.prompt_tok, 8);
    assert_true(a.wall_ns > 0);
    assert_contains(a.id, "cmpl-");
    assert_string_equal(a.model, "test-model");
    int64_t sum = 0;
    for (int i = 0; i < 3; i++)
        sum += a.samples[i].gen_tok;
    assert_near((double)sum, (double)a.usage.gen_tok, 1); /* shared by bytes: rounded */
    ask_one(r, 1, false, &a);
    assert_int_equal(a.cached_tok, 8);
    assert_true(isnan(a.samples[0].logprob));
    assert_true(a.samples[0].gen_tok_exact);
    const rn_remote_usage *u = rn_remote_ledger(r);
    assert_int_equal(u->n_requests, 2);
    assert_int_equal(u->prompt_tok, 16);
    assert_int_equal(u->cached_tok, 8);
    assert_int_equal(u->n_failed + u->n_untold + u->discarded_gen_tok, 0);
    rn_remote_close(r);
}

static void test_chat(void **state)
{
    (void)state;
    rn_remote *r = open_how("reasoning", RN_REMOTE_CHAT);
    rn_remote_answer a;
    ask_one(r, 1, true, &a);
    assert_int_equal(a.rc, 0);
    assert_true(rn_bytes_starts(a.samples[0].text, "<think>\nlet me think\n</think>\n    return"));
    rn_remote_close(r);
    r = open_how("reasoning+nulltext", RN_REMOTE_CHAT); /* the limit came before the answer */
    ask_one(r, 1, false, &a);
    assert_int_equal(a.rc, 0);
    assert_true(rn_bytes_equal(a.samples[0].text, rn_bytes_of("<think>\nlet me think")));
    rn_remote_close(r);
    assert_true(test_server_logged(&server, "/chat/completions") > 0);
}

static void test_what_is_sent(void **state)
{
    (void)state;
    rn_remote *r = open_how("sent", RN_REMOTE_CHAT);
    static const char *const stop[] = {"\nclass", "\"\n", NULL};
    rn_sampling s = sampling;
    s.stop = stop;
    s.top_k = 40;
    rn_err err;
    rn_remote_answer a;
    rn_remote_request q = {.prompt = rn_bytes_of("say \"hi\" \xc3\xa9"),
                           .system = rn_bytes_of("be brief"),
                           .sampling = &s,
                           .seed = -1};
    assert_ok(rn_remote_submit(r, &q, &err), &err);
    while (rn_remote_wait(r, 1000, &a, &err) == 0) {
    }
    assert_int_equal(a.rc, 0);
    rn_remote_close(r);
    assert_int_equal(test_server_logged(
                         &server, "\\\"messages\\\":[{\\\"role\\\":\\\"system\\\",\\\"content\\\":"
                                  "\\\"be brief\\\"},{\\\"role\\\":\\\"user\\\""),
                     1);
    assert_int_equal(test_server_logged(&server,
                                        "\\\"temperature\\\":0.8,\\\"top_p\\\":0.95,"
                                        "\\\"max_tokens\\\":32,\\\"top_k\\\":40,\\\"min_p\\\":0.0,"
                                        "\\\"repetition_penalty\\\":1.0,"),
                     1);
    assert_true(test_server_logged(&server, "\\\"stream\\\":false,") > 0);
    rn_remote_request bad = {.prompt = rn_bytes_of("caf\xe9"), .sampling = &s};
    r = open_how("", RN_REMOTE_COMPLETIONS);
    assert_int_equal(rn_remote_submit(r, &bad, &err), RN_EINVAL);
    assert_contains(err.msg, "UTF-8");
    rn_remote_close(r);
}

/* A server that calls every end "stop": what has all tokens that were allowed was cut. */
static void test_cut_is_told(void **state)
{
    (void)state;
    rn_remote *r = open_how("allstop", RN_REMOTE_COMPLETIONS);
    rn_sampling s = sampling;
    s.max_tok = 6;
    rn_err err;
    rn_remote_answer a;
    rn_remote_request q = {
        .prompt = rn_bytes_of("def f(x):\n"), .n = 2, .sampling = &s, .logprobs = true};
    assert_ok(rn_remote_submit(r, &q, &err), &err);
    while (rn_remote_wait(r, 1000, &a, &err) == 0) {
    }
    assert_int_equal(a.rc, 0);
    assert_string_equal(a.samples[0].finish, "length");
    assert_string_equal(a.samples[1].finish, "length");
    assert_int_equal(a.samples[1].gen_tok, 6);
    rn_remote_close(r);
}

static void test_n_is_counted(void **state)
{
    (void)state;
    rn_remote_answer a;
    rn_remote *r = open_how("n1", RN_REMOTE_COMPLETIONS);
    ask_one(r, 4, false, &a);
    assert_int_equal(a.rc, 0);
    assert_int_equal(a.n_samples, 1);
    rn_remote_close(r);
    r = open_how("filter1", RN_REMOTE_COMPLETIONS); /* what a filter cut is a sample, which fails */
    ask_one(r, 4, false, &a);
    assert_int_equal(a.rc, 0);
    assert_int_equal(a.n_samples, 4);
    assert_string_equal(a.samples[3].finish, "content_filter");
    rn_remote_close(r);
}

static void test_odd_counts(void **state)
{
    (void)state;
    rn_remote_answer a;
    rn_remote *r = open_how("n1+twice", RN_REMOTE_COMPLETIONS);
    ask_one(r, 2, false, &a);
    assert_int_equal(a.rc, RN_EFORMAT);
    assert_contains(a.err.msg, "numbers its choices wrongly");
    rn_remote_close(r);
    r = open_how("badusage", RN_REMOTE_COMPLETIONS); /* counts that cannot be are not taken */
    ask_one(r, 1, false, &a);
    assert_int_equal(a.rc, 0);
    assert_int_equal(a.samples[0].gen_tok, -1);
    assert_int_equal(a.prompt_tok, -1);
    assert_int_equal(a.usage.n_untold, 1);
    rn_remote_close(r);
}

/* ---- many at once ---------------------------------------------------------------------------- */

static void test_many_in_flight(void **state)
{
    (void)state;
    enum { N = 300 };
    rn_remote *r = open_at(test_server_url(&server, "slow-2+500:20"),
                           (rn_remote_opts){.in_flight = 24, .retries = 9});
    rn_err err;
    static uint8_t seen[N];
    for (uint64_t i = 0; i < N; i++) {
        rn_remote_request q = {
            .tag = i, .prompt = rn_bytes_of("p"), .sampling = &sampling, .seed = (int64_t)i};
        assert_ok(rn_remote_submit(r, &q, &err), &err);
    }
    assert_int_equal(rn_remote_pending(r), N);
    rn_remote_answer a;
    while (rn_remote_pending(r)) {
        int rc = rn_remote_wait(r, 1000, &a, &err);
        if (rc == 0) continue;
        assert_int_equal(rc, 1);
        assert_int_equal(a.rc, 0);
        seen[a.tag]++;
    }
    for (int i = 0; i < N; i++)
        assert_int_equal(seen[i], 1);
    assert_int_equal(rn_remote_ledger(r)->n_sent, N + 20);
    rn_remote_close(r);
}

static void test_cancel(void **state)
{
    (void)state;
    rn_remote *r = open_at(test_server_url(&server, "slow-5000"), (rn_remote_opts){.in_flight = 4});
    rn_err err;
    rn_remote_answer a;
    rn_remote_request q = {.prompt = rn_bytes_of("p"), .sampling = &sampling, .seed = 1};
    for (int i = 0; i < 10; i++)
        assert_ok(rn_remote_submit(r, &q, &err), &err);
    assert_int_equal(rn_remote_wait(r, 50, &a, &err), 0);
    rn_remote_cancel(r);
    assert_int_equal(rn_remote_pending(r), 0);
    const rn_remote_usage *u = rn_remote_ledger(r);
    assert_int_equal(u->n_cancelled, 10);
    assert_int_equal(u->n_sent, 4);
    assert_int_equal(u->untold_tok, 4 * 32);
    rn_remote_close(r);
}

static void *wake_it(void *user)
{
    usleep(30000);
    rn_remote_wake(user);
    return NULL;
}

static void test_wake(void **state)
{
    (void)state;
    rn_remote *r = open_how("hang", RN_REMOTE_COMPLETIONS);
    rn_err err;
    rn_remote_answer a;
    rn_remote_request q = {.prompt = rn_bytes_of("p"), .sampling = &sampling, .seed = 1};
    assert_ok(rn_remote_submit(r, &q, &err), &err);
    pthread_t t;
    pthread_create(&t, NULL, wake_it, r);
    assert_int_equal(rn_remote_wait(r, 60000, &a, &err), 0);
    assert_int_equal(rn_remote_pending(r), 1);
    pthread_join(t, NULL);
    rn_remote_close(r);
}

/* ---- probe and scores ------------------------------------------------------------------------ */

static void probe_of(const char *how, rn_remote_probe *out)
{
    rn_remote *r = open_how(how, RN_REMOTE_COMPLETIONS);
    const rn_bytes prompts[] = {rn_bytes_of("def f(x):\n"), rn_bytes_of("def g(y):\n")};
    rn_err err;
    assert_ok(rn_remote_probe_run(r, prompts, 2, &sampling, out, &err), &err);
    assert_int_equal(rn_remote_pending(r), 0);
    rn_remote_close(r);
}

static void test_probe(void **state)
{
    (void)state;
    rn_remote_probe p;
    probe_of("", &p);
    assert_true(p.honours_n && p.honours_seed && p.logprobs && p.usage && p.cached && p.listed);
    assert_int_equal(p.context_tok, 4096);
    assert_int_equal(p.n_greedy, 8);
    assert_int_equal(p.n_greedy_differ + p.n_seeded_differ, 0);
    assert_string_equal(p.says, "");
    probe_of("n1+nologprobs+nomodels+nousage", &p);
    assert_false(p.honours_n || p.logprobs || p.usage);
    assert_true(p.listed);
    assert_int_equal(p.n_choices, 1);
    probe_of("listarray", &p); /* Together's list of models, and Gemini's names */
    assert_true(p.listed && p.context_tok == 4096);
    probe_of("listprefix", &p);
    assert_true(p.listed && p.context_tok == 4096);
    probe_of("nsame", &p);
    assert_false(p.honours_n);
    assert_int_equal(p.n_choices, 4);
    assert_int_equal(p.n_distinct, 1);
    probe_of("noseed+unstable", &p);
    assert_false(p.honours_seed);
    assert_true(p.honours_n);
    assert_true(p.n_greedy_differ > 0 && p.n_seeded_differ > 0);

    rn_remote *r = open_how("quick", RN_REMOTE_COMPLETIONS);
    const rn_bytes prompt = rn_bytes_of("def f(x):\n");
    rn_err err;
    assert_ok(rn_remote_probe_quick(r, prompt, &sampling, &p, &err), &err);
    assert_true(p.honours_n && p.logprobs && !p.honours_seed);
    assert_int_equal(p.n_greedy + p.n_seeded, 0);
    assert_int_equal(test_server_logged(&server, "/quick/v1/completions"), 6);
    rn_remote_close(r);
    r = open_how("401", RN_REMOTE_COMPLETIONS);
    assert_int_equal(rn_remote_probe_run(r, &prompt, 1, &sampling, &p, &err), RN_ENET);
    assert_contains(err.msg, "--key-env");
    assert_int_equal(rn_remote_pending(r), 0);
    rn_remote_close(r);
}

static void score_at(const char *how, const char *prompt, const char *text, rn_remote_scoring want)
{
    rn_remote *r = open_how(how, RN_REMOTE_COMPLETIONS);
    rn_err err;
    rn_remote_scoring s;
    rn_remote_answer a;
    assert_ok(rn_remote_find_scoring(r, &s, &err), &err);
    assert_int_equal(s, want);
    const rn_remote_text t = {s, 3, rn_bytes_of(prompt), rn_bytes_of(text)};
    assert_ok(rn_remote_submit_score(r, &t, &err), &err);
    while (rn_remote_wait(r, 1000, &a, &err) == 0) {
    }
    if (a.rc) fail_msg("%s: %s", how, a.err.msg);
    assert_true(a.has_score);
    assert_near(a.score.sum, -0.25 * (double)strlen(text), 1e-9);
    rn_remote_close(r);
}

static void test_scores(void **state)
{
    (void)state;
    const char *prompt = "def f(x):\n", *text = "    return x * 2  # caf\xc3\xa9\n";
    score_at("", prompt, text, RN_SCORE_ECHO);
    score_at("bos", prompt, text, RN_SCORE_ECHO);
    score_at("noecho", prompt, text, RN_SCORE_PROMPT_LOGPROBS);
    score_at("", prompt, "", RN_SCORE_ECHO);
    rn_err err;
    rn_remote_scoring s;
    rn_remote *r = open_how("llama", RN_REMOTE_COMPLETIONS);
    assert_int_equal(rn_remote_find_scoring(r, &s, &err), RN_EUNSUPPORTED);
    assert_contains(err.msg, "rank with a GGUF file");
    rn_remote_close(r);
    r = open_how("nullprob", RN_REMOTE_COMPLETIONS);
    rn_remote_answer a;
    const rn_remote_text t = {RN_SCORE_ECHO, 3, rn_bytes_of(prompt), rn_bytes_of(text)};
    assert_ok(rn_remote_submit_score(r, &t, &err), &err);
    while (rn_remote_wait(r, 1000, &a, &err) == 0) {
    }
    assert_int_equal(a.rc, RN_EFORMAT);
    assert_contains(a.err.msg, "without log probability");
    rn_remote_close(r);
    r = open_how("", RN_REMOTE_CHAT);
    assert_int_equal(rn_remote_find_scoring(r, &s, &err), RN_EUNSUPPORTED);
    rn_remote_close(r);
}

/* Tokens as servers spell them: the space of a SentencePiece token is lost, bytes show as U+FFFD, a
 * token may reach from the prompt into the text. */
static void test_alignment(void **state)
{
    (void)state;
    static const struct {
        const char *text, *tokens;
        int rc;
        int64_t n;
    } cases[] = {
        {" a b", "\"<s>\",\"p\",\"a\",\"b\"", 0, 2},
        {"x y", "\"<s>\",\"p\",\"x\",\" y\"", 0, 2},
        {"  x", "\"<s>\",\"\\n  \",\"x\"", 0, 2},
        {"\xc3\xa9!", "\"<s>\",\"p\",\"\\ufffd\",\"\\ufffd\",\"!\"", 0, 3},
        {"x y", "\"<s>\",\"p\",\"x\",\" z\"", RN_EUNSUPPORTED, 0},
        {"abc", "\"bc\"", RN_EFORMAT, 0},
        {"abc", "", RN_EFORMAT, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char body[512], probs[64] = "";
        for (const char *p = strchr(cases[i].tokens, '"'); p; p = strstr(p + 1, ",\""))
            strcat(probs, probs[0] ? ",-1" : "null");
        snprintf(body, sizeof body,
                 "{\"choices\":[{\"logprobs\":{\"tokens\":[%s],\"token_logprobs\":[%s]}}]}",
                 cases[i].tokens, probs);
        rn_ask_form f = {.kind = RN_ASK_SCORE,
                         .scoring = RN_SCORE_ECHO,
                         .n = 1,
                         .text = rn_bytes_of(cases[i].text)};
        rn_parsed p = {0};
        rn_err err = {0};
        int rc = rn_answer_parse(&f, rn_bytes_of(body), &p, &err);
        if (rc != cases[i].rc) fail_msg("case %zu: %s: %s", i, rn_err_name(rc), err.msg);
        if (!rc) assert_int_equal(p.score.n_tok, cases[i].n);
        rn_parsed_free(&p);
    }
}

/* ---- addresses, Retry-After ------------------------------------------------------------------ */

static void test_urls(void **state)
{
    (void)state;
    static const struct {
        const char *text, *url, *model, *message;
    } cases[] = {
        {"http://h:8000/v1#m", "http://h:8000/v1", "m", NULL},
        {"https://[::1]/v1//#org/M-7B:latest", "https://[::1]/v1", "org/M-7B:latest", NULL},
        {"https://h/v1", NULL, NULL, "#MODEL"},
        {"https://h/v1#", NULL, NULL, "#MODEL"},
        {"https://me:pw@h/v1#m", NULL, NULL, "user or password"},
        {"https://h/v1?api_key=abc#m", NULL, NULL, "may be a key"},
        {"https://h/v1?api-version=2#Claude 4", "https://h/v1?api-version=2", "Claude 4", NULL},
        {"https://#m", NULL, NULL, "malformed"},
        {"https://h:99999/v1#m", NULL, NULL, "malformed"},
        {"http://h/v 1#m", NULL, NULL, "space"},
        {"ftp://h/v1#m", NULL, NULL, "only http and https"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        rn_buf url = {0}, model = {0};
        rn_err err;
        int rc = rn_remote_url_split(cases[i].text, &url, &model, &err);
        if (cases[i].message) {
            assert_int_equal(rc, RN_EINVAL);
            assert_contains(err.msg, cases[i].message);
            assert_null(strstr(err.msg, "pw"));
            assert_null(strstr(err.msg, "abc"));
        } else {
            assert_ok(rc, &err);
            assert_string_equal(url.data, cases[i].url);
            assert_string_equal(model.data, cases[i].model);
        }
        rn_buf_free(&url);
        rn_buf_free(&model);
    }
    assert_true(rn_remote_is_url("http://x") && rn_remote_is_url("https://x"));
    assert_false(rn_remote_is_url("model.gguf"));
}

static void test_retry_after(void **state)
{
    (void)state;
    assert_int_equal(rn_retry_after_ms("120", 0), 120000);
    assert_int_equal(rn_retry_after_ms("0.5", 0), 500);
    assert_int_equal(rn_retry_after_ms("Sun, 06 Nov 1994 08:49:37 GMT", 784111747), 30000);
    assert_int_equal(rn_retry_after_ms("Sun, 06 Nov 1994 08:49:37 GMT", 784119999), 0);
    assert_int_equal(rn_retry_after_ms("soon", 0), -1);
    assert_int_equal(rn_retry_after_ms("", 0), -1);
    assert_int_equal(rn_retry_after_ms("-5", 0), -1);
    assert_int_equal(rn_retry_after_ms("5 apples", 0), -1);
    assert_int_equal(rn_retry_after_ms("99999999999999999999", 0), 1000000000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_completion),     cmocka_unit_test(test_chat),
        cmocka_unit_test(test_what_is_sent),   cmocka_unit_test(test_cut_is_told),
        cmocka_unit_test(test_n_is_counted),   cmocka_unit_test(test_odd_counts),
        cmocka_unit_test(test_many_in_flight), cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_wake),           cmocka_unit_test(test_probe),
        cmocka_unit_test(test_scores),         cmocka_unit_test(test_alignment),
        cmocka_unit_test(test_urls),           cmocka_unit_test(test_retry_after),
    };
    return cmocka_run_group_tests(tests, start_servers, stop_servers);
}
