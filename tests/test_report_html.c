/* test_report_html.c: which texts the problem map holds, how much of each, and what the page may not
 * hold; the page in a browser is tested by tests/page. */
#include "test.h"

#include "base/json.h"
#include "report/render.h"
#include "store/store.h"

#include <math.h>

enum { LONG = 10000, TEXT_BYTES = 4000 };

/* Problems p0, p1, ... with this prompt, and one model's run on them. */
typedef struct made {
    char path[4200];
    rn_store *s;
    int64_t run, greedy, protocol;
    int64_t *problems; /* [n] */
    size_t n;
} made;

static made make_store(const char *dir, size_t n, const char *prompt)
{
    made m = {.n = n, .problems = calloc(n, sizeof(int64_t))};
    rn_err err = {0};
    int64_t set, model;
    assert_non_null(m.problems);
    snprintf(m.path, sizeof m.path, "%s/s.db", dir);
    assert_ok(rn_store_open(m.path, RN_STORE_CREATE, &m.s, &err), &err);
    assert_ok(rn_store_begin(m.s, &err), &err);
    assert_ok(rn_store_put_set(m.s, &(rn_store_set){.name = "tiny", .hash = "h"}, &set, &err),
              &err);
    assert_ok(
        rn_store_put_model(m.s, &(rn_store_model){"m</script>", "", "code-llama-7b"}, &model, &err),
        &err);
    assert_ok(rn_store_put_run(m.s, &(rn_store_run){set, model, "sample", "", "{}"}, &m.run, &err),
              &err);
    assert_ok(
        rn_store_put_run(m.s, &(rn_store_run){set, model, "greedy", "", "{}"}, &m.greedy, &err),
        &err);
    assert_ok(rn_store_put_protocol(m.s, "{\"extractor\":\"</script>\"}", &m.protocol, &err), &err);
    for (size_t i = 0; i < n; i++) {
        char id[32];
        snprintf(id, sizeof id, "p%zu", i);
        assert_ok(rn_store_put_problem(m.s, &(rn_store_problem){set, (int64_t)i, id, prompt, -1},
                                       &m.problems[i], &err),
                  &err);
    }
    return m;
}

/* verdict -1: none. */
static void put(made *m, int64_t run, size_t problem, int64_t idx, rn_bytes text, int verdict,
                const char *detail)
{
    rn_err err = {0};
    int64_t id;
    const rn_store_sample x = {.run_id = run,
                               .problem_id = m->problems[problem],
                               .idx = idx,
                               .text = text,
                               .prompt_tok = -1,
                               .gen_tok = 7,
                               .finish = "stop",
                               .logprob = NAN,
                               .wall_ns = -1,
                               .flop = NAN};
    assert_ok(rn_store_put_sample(m->s, &x, &id, NULL, &err), &err);
    if (verdict < 0) return;
    const rn_store_verdict v = {.sample_id = id,
                                .protocol_id = m->protocol,
                                .verdict = (rn_verdict)verdict,
                                .n_tests = 3,
                                .n_passed = 1,
                                .failed_test = -1,
                                .cpu_ns = 1000,
                                .wall_ns = -1,
                                .peak_bytes = -1,
                                .detail = detail};
    assert_ok(rn_store_put_verdict(m->s, &v, &err), &err);
}

static void finish(made *m)
{
    rn_err err = {0};
    assert_ok(rn_store_commit(m->s, &err), &err);
    rn_store_close(m->s);
    free(m->problems);
}

static rn_report *report_on(const char *path)
{
    rn_err err = {0};
    rn_report_opts o = rn_report_defaults();
    o.n_resamples = 20;
    rn_report *r = rn_report_new(&o);
    assert_non_null(r);
    assert_ok(rn_report_add_store(r, path, NULL, &err), &err);
    assert_ok(rn_report_price(r, NULL, 0, &err), &err);
    assert_ok(rn_report_compute(r, &err), &err);
    return r;
}

/* The map of the store's one task, parsed; *size (may be NULL): of its text. json_decref. */
static json_t *map_of(const rn_report *r, size_t *size)
{
    rn_err err = {0};
    rn_buf out = {0};
    json_t *all;
    assert_ok(rn_html_map(r, &out, &err), &err);
    assert_ok(rn_json_parse(rn_buf_view(&out), (rn_json_at){"map", 0}, &all, &err), &err);
    if (size) *size = out.len;
    rn_buf_free(&out);
    json_t *task = json_incref(json_array_get(json_object_get(all, "tasks"), 0));
    json_decref(all);
    assert_non_null(task);
    return task;
}

static const char *string_at(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));
    return s ? s : "";
}

/* Of each problem and model the first of each verdict, passed ones first, and the greedy answer. */
static void first_of_each(void **state)
{
    (void)state;
    const char *dir = test_tmpdir();
    made m = make_store(dir, 2, "def f():\n");
    static const int verdicts[] = {RN_V_WRONG, RN_V_WRONG,  RN_V_PASSED, RN_V_TIME_LIMIT,
                                   -1,         RN_V_PASSED, RN_V_WRONG,  -1};
    for (int i = 0; i < 8; i++)
        put(&m, m.run, 0, i, rn_bytes_of("text"), verdicts[i], i == 0 ? "AssertionError" : "");
    put(&m, m.greedy, 0, 0, rn_bytes_of("greedy"), RN_V_PASSED, "");
    finish(&m);
    rn_report *r = report_on(m.path);
    json_t *task = map_of(r, NULL);
    json_t *model = json_array_get(json_object_get(task, "models"), 0);
    json_t *samples = json_object_get(model, "samples");
    static const struct {
        int idx;
        const char *verdict;
    } expected[] = {{2, "passed"}, {0, "passed"}, {0, "wrong_answer"}, {3, "time_limit"}, {4, ""}};
    assert_int_equal(json_array_size(samples), 5);
    for (size_t i = 0; i < 5; i++) {
        json_t *x = json_array_get(samples, i);
        assert_int_equal(json_integer_value(json_object_get(x, "idx")), expected[i].idx);
        assert_string_equal(string_at(x, "verdict"), expected[i].verdict);
        assert_int_equal(json_is_true(json_object_get(x, "greedy")), i == 1);
        assert_int_equal(json_integer_value(json_object_get(x, "problem")), 0);
    }
    assert_string_equal(string_at(json_array_get(samples, 1), "text"), "greedy");
    assert_string_equal(string_at(json_array_get(samples, 2), "detail"), "AssertionError");
    assert_int_equal(json_integer_value(json_object_get(task, "texts")), 5);
    assert_int_equal(json_integer_value(json_object_get(task, "of")), 9);
    static const char *const keys[] = {"n", "c", "missing"};
    static const int counts[3][2] = {{6, 0}, {2, 0}, {2, 0}};
    for (size_t k = 0; k < 3; k++)
        for (size_t i = 0; i < 2; i++)
            assert_int_equal(json_integer_value(json_array_get(json_object_get(model, keys[k]), i)),
                             counts[k][i]);
    json_decref(task);
    rn_report_free(r);
    test_rmdir(dir);
}

/* A long text is cut at a whole character; bytes that are no text do not break the JSON. */
static void cuts(void **state)
{
    (void)state;
    const char *dir = test_tmpdir();
    char *text = malloc(LONG);
    assert_non_null(text);
    text[0] = 'a'; /* so that the cut falls into a character of two bytes */
    for (int i = 1; i < LONG; i++)
        text[i] = i % 2 ? '\xc3' : '\xa9';
    text[LONG - 1] = '\0';
    made m = make_store(dir, 2, text);
    put(&m, m.run, 0, 0, (rn_bytes){text, LONG - 1}, RN_V_PASSED, text);
    static const char bytes[] = "\xff\x00\x80\x01</script>";
    put(&m, m.run, 1, 0, (rn_bytes){bytes, sizeof bytes - 1}, RN_V_WRONG, "\xff<");
    finish(&m);
    rn_report *r = report_on(m.path);
    json_t *task = map_of(r, NULL);
    json_t *samples =
        json_object_get(json_array_get(json_object_get(task, "models"), 0), "samples");
    json_t *x = json_array_get(samples, 0);
    assert_int_equal(json_string_length(json_object_get(x, "text")), TEXT_BYTES - 1);
    assert_int_equal(json_integer_value(json_object_get(x, "bytes")), LONG - 1);
    assert_true(json_string_length(json_object_get(x, "detail")) <= 240);
    json_t *problem = json_array_get(json_object_get(task, "problems"), 0);
    assert_int_equal(json_string_length(json_object_get(problem, "prompt")), TEXT_BYTES - 1);
    assert_int_equal(json_string_length(json_object_get(json_array_get(samples, 1), "text")),
                     3 + 1 + 3 + 1 + 9);
    json_decref(task);
    rn_report_free(r);
    free(text);
    test_rmdir(dir);
}

/* However much there is, the map has its bound, and what it holds is from all over the set. */
static void bounded(void **state)
{
    (void)state;
    enum { N = 1500 };
    const char *dir = test_tmpdir();
    char *text = malloc(LONG);
    assert_non_null(text);
    static const char fills[] = {'<', 'x', '\n', '\x01'};
    for (size_t f = 0; f < sizeof fills; f++) {
        memset(text, fills[f], LONG);
        text[LONG - 1] = '\0';
        made m = make_store(dir, N, text);
        for (size_t i = 0; i < N; i++) {
            put(&m, m.run, i, 0, (rn_bytes){text, LONG - 1}, RN_V_PASSED, "");
            put(&m, m.run, i, 1, (rn_bytes){text, LONG - 1}, RN_V_WRONG, "");
        }
        finish(&m);
        rn_report *r = report_on(m.path);
        size_t size;
        json_t *task = map_of(r, &size);
        size_t texts = (size_t)json_integer_value(json_object_get(task, "texts"));
        if (fills[f] == '<') size += 5 * TEXT_BYTES * texts + 700 * 1000;
        assert_in_range(size, 1000 * 1000, 3600 * 1000);
        json_t *samples =
            json_object_get(json_array_get(json_object_get(task, "models"), 0), "samples");
        assert_int_equal(json_array_size(samples), texts);
        json_t *last = json_array_get(samples, texts - 1);
        assert_in_range(texts, 80, N - 1);
        /* Escapes take more than was planned for, so that the end of the set may go without. */
        if (fills[f] == 'x')
            assert_in_range(json_integer_value(json_object_get(last, "problem")), N - N / 10, N);
        json_decref(task);
        rn_report_free(r);
        unlink(m.path);
    }
    free(text);
    test_rmdir(dir);
}

static size_t count(const rn_buf *page, const char *what)
{
    size_t n = 0;
    for (size_t at = 0; (at = rn_bytes_find(rn_buf_view(page), rn_bytes_of(what), at)) != SIZE_MAX;
         at++)
        n++;
    return n;
}

/* Names, protocol, texts and verdicts cannot end the script element that they are in. */
static void nothing_breaks_out(void **state)
{
    (void)state;
    const char *dir = test_tmpdir();
    made m = make_store(dir, 1, "</script><!-- <script>");
    static const char text[] = "</script><script>alert(1)</script> \xe2\x80\xa8";
    put(&m, m.run, 0, 0, rn_bytes_of(text), RN_V_WRONG, "</script>");
    put(&m, m.run, 0, 1, rn_bytes_of(text), RN_V_WRONG, "</SCRIPT>");
    finish(&m);
    char chart[4300];
    snprintf(chart, sizeof chart, "%s/chart.js", dir);
    FILE *f = fopen(chart, "w");
    assert_non_null(f);
    fputs("/* a stand-in */", f);
    fclose(f);
    rn_report *r = report_on(m.path);
    /* A store may come from anybody: what should be JSON and is none stays inside a string. */
    r->tasks[0].entrants[0].settings = "{} </script>, \"x\": ";
    rn_html_opts o = {.chart_js = chart, .title = "a </title> & \"b\" \xff"};
    rn_buf page = {0};
    rn_err err = {0};
    assert_ok(rn_report_html(r, &o, &page, &err), &err);
    assert_int_equal(count(&page, "</script"), 4);
    assert_int_equal(count(&page, "</SCRIPT"), 0);
    assert_int_equal(count(&page, "<!--"), 0);
    assert_int_equal(count(&page, "\xe2\x80\xa8"), 0);
    assert_int_equal(count(&page, "</title>"), 1);
    assert_int_equal(count(&page, "a &lt;/title&gt; &amp; &quot;b&quot; \xef\xbf\xbd"), 1);
    size_t from = rn_bytes_find(rn_buf_view(&page), rn_bytes_of("id=\"report\">"), 0) + 12;
    size_t to = rn_bytes_find(rn_buf_view(&page), rn_bytes_of("</script>"), from);
    json_t *inside;
    assert_ok(rn_json_parse((rn_bytes){page.data + from, to - from}, (rn_json_at){"page", 0},
                            &inside, &err),
              &err);
    json_decref(inside);
    assert_int_equal(count(&page, "'sha256-"), 3);
    assert_int_equal(count(&page, "/* a stand-in */"), 1);

    o.chart_js = "/nowhere/chart.js";
    assert_int_equal(rn_report_html(r, &o, &page, &err), RN_ENOTFOUND);
    assert_contains(err.msg, "apt install libjs-chart.js");
    rn_buf_free(&page);
    rn_report_free(r);
    test_rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_of_each),
        cmocka_unit_test(cuts),
        cmocka_unit_test(bounded),
        cmocka_unit_test(nothing_breaks_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
