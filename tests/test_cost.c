/* test_cost.c: FLOPs against the study's Table 1 and against counts by hand; entries; cost files.
 */
#include "test.h"

#include "cost/cost.h"
#include "run/study.h"

static rn_cost_book *book(void)
{
    rn_cost_book *b = rn_cost_book_new();
    assert_non_null(b);
    return b;
}

static double rounded_tflop(double flop)
{
    return round(flop * 1e-10) / 100;
}

static void test_table_1(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        double tflop, norm, seconds, time_norm;
    } want[] = {{"code-llama-7b", 1.69, 1.00, 395, 1.00},
                {"code-llama-13b", 3.29, 1.95, 667, 1.69},
                {"code-llama-34b", 8.58, 5.08, 2994, 7.58},
                {"code-llama-70b", 17.60, 10.41, 5605, 14.19}};
    rn_cost_book *b = book();
    rn_err err = {0};
    double unit = 0, unit_s = 0;
    for (size_t i = 0; i < 4; i++) {
        const rn_cost *c = rn_cost_find(b, want[i].name);
        assert_non_null(c);
        double tflop = rounded_tflop(rn_cost_flop(c));
        rn_cost_curve t;
        assert_ok(rn_cost_profile(b, RN_COST_STUDY_PROFILE, c, &t, &err), &err);
        double seconds = t.shared + 1000 * t.per_sample;
        if (i == 0) {
            unit = tflop;
            unit_s = seconds;
        }
        assert_near(tflop, want[i].tflop, 1e-9);
        assert_near(round(tflop / unit * 100) / 100, want[i].norm, 1e-9);
        assert_near(seconds, want[i].seconds, 1e-9);
        assert_near(round(seconds / unit_s * 100) / 100, want[i].time_norm, 1e-9);
    }
    rn_cost_book_free(b);
}

/* A shape small enough to count by hand: 1 layer, d 4, ffn 6, 2 heads of 2 sharing 1 kv head, v 5.
 */
static const rn_shape tiny = {1, 4, 6, 2, 1, 2, 5, 1, 0, 0};

static void test_exact_flops_by_hand(void **state)
{
    (void)state;
    /* wq 16, wk 8, wv 8, wo 16, three of 24: 120. */
    assert_near(rn_shape_layer_weights(&tiny), 120, 0);
    assert_near(rn_shape_head_weights(&tiny), 20, 0);
    assert_near(rn_shape_params(&tiny), 160, 0);
    rn_shape plain = tiny;
    plain.gated_ffn = 0;
    plain.tied_head = 1;
    assert_near(rn_shape_params(&plain), 96 + 20, 0);

    assert_near(rn_flop_2n(&tiny, 3), 2 * 3 * 140, 0);
    assert_near(rn_flop_convention(&tiny, 3), 2 * 3 * 140 + 9 * 4, 0);
    /* 3 prompt tokens, head once, attention over 1 + 2 + 3 positions of 2 heads x 2. */
    assert_near(rn_flop_prompt(&tiny, 3), 2 * 3 * 120 + 2 * 20 + 4 * 4 * 6, 0);
    /* 3 generated tokens: 2 are fed back, at lengths 4 and 5. */
    assert_near(rn_flop_sample(&tiny, 3, 3), 2 * 2 * 120 + 2 * 2 * 20 + 4 * 4 * 9, 0);
    assert_near(rn_flop_sample(&tiny, 3, 1), 0, 0);
    assert_near(rn_flop_prompt(&tiny, 0), 0, 0);
}

static void test_a_pass_in_parts_is_the_whole_pass(void **state)
{
    (void)state;
    rn_cost_book *b = book();
    for (size_t i = 0; rn_cost_at(b, i); i++) {
        const rn_shape *s = &rn_cost_at(b, i)->shape;
        double whole = rn_flop_pass(s, 0, 200, 73), parts = 0;
        for (int64_t at = 0; at < 200; at++)
            parts += rn_flop_pass(s, at, 1, at >= 127);
        assert_near(parts / whole, 1, 1e-12);
        assert_near((rn_flop_prompt(s, 128) + rn_flop_sample(s, 128, 73)) / whole, 1, 1e-12);
    }
    rn_cost_book_free(b);
}

static void test_shape_check_names_the_field(void **state)
{
    (void)state;
    rn_err err;
    rn_shape s = tiny;
    s.d_ffn = 0;
    assert_int_equal(rn_shape_check(&s, &err), RN_EINVAL);
    assert_contains(err.msg, "d_ffn is 0");
    s = tiny;
    s.vocab = INT64_MAX;
    assert_int_equal(rn_shape_check(&s, &err), RN_EINVAL);
    s = tiny;
    s.n_head = 3;
    s.n_kv_head = 2;
    assert_int_equal(rn_shape_check(&s, &err), RN_EINVAL);
    assert_contains(err.msg, "3 heads");
    assert_int_equal(rn_shape_check(&tiny, &err), 0);
}

static void test_names(void **state)
{
    (void)state;
    static const struct {
        const char *name, *want; /* want NULL: no entry */
    } rows[] = {{"code-llama-7b", "code-llama-7b"},
                {"CodeLlama-7b-hf", "code-llama-7b"},
                {"codellama/CodeLlama-34b-hf", "code-llama-34b"},
                {"Code Llama 13B", "code-llama-13b"},
                {"codellama_70b.gguf", "code-llama-70b"},
                {"meta-llama/Meta-Llama-3-8B", "llama-3-8b"},
                {"llama3-70b", "llama-3-70b"},
                {"wizardcoder-7b", NULL},
                {"code-llama-7b-instruct", NULL},
                {"llama-3.1-8b", NULL},
                {"", NULL},
                {"/", NULL}};
    rn_cost_book *b = book();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const rn_cost *c = rn_cost_find(b, rows[i].name);
        if (!rows[i].want && c) fail_msg("'%s' found %s", rows[i].name, c->name);
        if (!rows[i].want) continue;
        if (!c) fail_msg("'%s' not found", rows[i].name);
        assert_string_equal(c->name, rows[i].want);
    }
    char longest[4096];
    memset(longest, 'a', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    assert_null(rn_cost_find(b, longest));
    rn_cost_book_free(b);
}

static void test_missing_times_say_how_to_give_them(void **state)
{
    (void)state;
    rn_cost_book *b = book();
    rn_err err;
    rn_cost_curve t;
    const rn_cost *c = rn_cost_find(b, "llama-3-8b");
    assert_int_equal(rn_cost_profile(b, RN_COST_STUDY_PROFILE, c, &t, &err), RN_ENOTFOUND);
    assert_contains(err.msg, "[profile paper-8xa100] llama-3-8b = SECONDS");
    assert_int_equal(rn_cost_profile(b, "my-box", c, &t, &err), RN_ENOTFOUND);
    assert_contains(err.msg, "paper-8xa100");
    rn_cost_book_free(b);
}

static const char good_file[] =
    "# prices of March\r\n"
    "[model my-7b]\n"
    "alias = me/My-Model , other-name\n"
    "layers=32\nd_model = 4096 # width\nd_ffn = 11008\nheads = 32\nvocab = 32016\n"
    "usd_per_1m_input = 0.2\nusd_per_1m_cached = 0.05\nusd_per_1m_output = 0.6\n"
    "[profile my-box]\nhardware = 1 x H100, batch 256\n"
    "my-7b = 0.395\nmy-13b = 0.5 + 0.667\nmy-34b = 1:4.0 16:9.5 256:88\n"
    "[model my-13b]\nflop_per_sample = 3.29e12\nusd_per_hour = 3.6\n"
    "[model my-34b]\nflop_per_sample = 8e12\n"
    "[model code-llama-7b]\nusd_per_hour = 2\n";

static void test_file(void **state)
{
    (void)state;
    rn_cost_book *b = book();
    rn_err err = {0};
    assert_ok(rn_cost_book_parse(b, rn_bytes_of(good_file), "costs.txt", &err), &err);
    const rn_cost *c = rn_cost_find(b, "OTHER NAME");
    assert_non_null(c);
    assert_string_equal(c->name, "my-7b");
    assert_int_equal(c->shape.n_kv_head, 32);
    assert_int_equal(c->shape.head_dim, 128);
    assert_near(rounded_tflop(rn_cost_flop(c)), 1.69, 1e-9);
    /* 2 samples of a prompt of 100 and 50 tokens each. */
    assert_near(rn_cost_usd(c, 2, 100, 50, NAN), (100 * 0.2 + 100 * 0.05 + 100 * 0.6) * 1e-6,
                1e-15);
    assert_string_equal(rn_cost_hardware(b, "my-box"), "1 x H100, batch 256");

    rn_cost_curve t;
    assert_ok(rn_cost_profile(b, "my-box", c, &t, &err), &err);
    assert_near(t.shared, 0, 0);
    assert_near(t.per_sample, 0.395, 0);
    c = rn_cost_find(b, "my-13b");
    assert_ok(rn_cost_profile(b, "my-box", c, &t, &err), &err);
    assert_near(t.shared, 0.5, 0);
    assert_near(t.per_sample, 0.667, 0);
    assert_near(rn_cost_flop(c), 3.29e12, 0);
    assert_near(rn_cost_usd(c, 1, NAN, NAN, 1000), 1, 1e-12);
    c = rn_cost_find(b, "my-34b");
    assert_ok(rn_cost_profile(b, "my-box", c, &t, &err), &err);
    assert_int_equal(t.n_points, 3);
    assert_int_equal(t.k[1], 16);
    assert_near(t.cost[2], 88, 0);
    assert_true(isnan(rn_cost_usd(c, 1, 10, 10, 1)));

    /* A built-in entry keeps what the file does not name. */
    c = rn_cost_find(b, "code-llama-7b");
    assert_near(rounded_tflop(rn_cost_flop(c)), 1.69, 1e-9);
    assert_near(c->usd_per_hour, 2, 0);
    rn_cost_book_free(b);
}

static void test_bad_files(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t line;
        const char *says;
    } rows[] = {
        {"layers = 3\n", 1, "before the first"},
        {"[model a\n", 1, "not closed"},
        {"[modal a]\n", 1, "[model NAME]"},
        {"[model ]\n", 1, "NAME"},
        {"[model a]\nlayers\n", 2, "key = value"},
        {"[model a]\nlayers =\n", 2, "value is empty"},
        {"[model a]\n= 3\n", 2, "key is empty"},
        {"[model a]\nlayers = -3\n", 2, "whole number"},
        {"[model a]\nlayers = 3.5\n", 2, "whole number"},
        {"[model a]\nlayers = 1e300\n", 2, "whole number"},
        {"[model a]\nlayers = 3 4\n", 2, "whole number"},
        {"[model a]\ncolour = red\n", 2, "unknown key 'colour'"},
        {"[model a]\ngated = maybe\n", 2, "yes or no"},
        {"[model a]\nusd_per_hour = nan\n", 2, "number"},
        {"[model a]\nusd_per_hour = -1\n", 2, "number"},
        {"[model a]\nflop_per_sample = 0\n", 2, "above 0"},
        {"[model a]\nalias = b,,c\n", 2, "alias is empty"},
        {"\n[model a]\nlayers = 2\nheads = 4\n", 2, "d_model is 0"},
        {"[model a]\nlayers = 2\nd_model = 8\nd_ffn = 8\nheads = 3\nvocab = 9\n", 1, "head_dim"},
        {"[profile p]\na = x\n", 2, "needs SECONDS"},
        {"[profile p]\na = 0\n", 2, "needs SECONDS"},
        {"[profile p]\na = 1 +\n", 2, "needs SECONDS"},
        {"[profile p]\na = 1:2 3\n", 2, "k:seconds"},
        {"[profile p]\na = 1:2 1:3\n", 2, "rise"},
        {"[profile p]\na = 4:2 8:2\n", 2, "rise"},
        {"[profile p]\na = 0:2\n", 2, "rise"},
        {"[model \xff]\n", 1, "UTF-8"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        rn_cost_book *b = book();
        rn_err err = {0};
        int rc = rn_cost_book_parse(b, rn_bytes_of(rows[i].text), "bad.txt", &err);
        if (rc != RN_EFORMAT || err.line != rows[i].line || !strstr(err.msg, rows[i].says) ||
            !strstr(err.msg, "bad.txt: line "))
            fail_msg("row %zu: %d, line %lld: %s", i, rc, (long long)err.line, err.msg);
        rn_cost_book_free(b);
    }
    rn_cost_book *b = book();
    rn_err err = {0};
    rn_bytes nul = {.data = "[model a]\nalias = b\0c\n", .len = 22};
    assert_int_equal(rn_cost_book_parse(b, nul, "bad.txt", &err), RN_EFORMAT);
    assert_int_equal(rn_cost_book_read(b, "/nonexistent/costs", &err), RN_ENOTFOUND);
    rn_cost_book_free(b);
}

/* A shape goes into a profile and comes back; what is not one is refused; known names stay. */
static void test_shape_of_a_profile(void **state)
{
    (void)state;
    rn_cost_book *b = book();
    rn_err err = {0};
    const rn_shape *want = &rn_cost_find(b, "code-llama-34b")->shape;
    json_t *j = json_pack("{s:f, s:o}", "prompt_s", 0.5, "shape", rn_shape_to_json(want));
    char *text = json_dumps(j, 0);
    rn_shape got;
    assert_ok(rn_shape_of_profile(text, &got, &err), &err);
    assert_memory_equal(&got, want, sizeof got);
    free(text);
    json_decref(j);

    assert_ok(rn_cost_book_add_shape(b, "mine", &got, "a test", &err), &err);
    assert_near(rn_cost_flop(rn_cost_find(b, "mine")), rn_flop_convention(want, 128), 1);
    got.n_layer = 1;
    assert_ok(rn_cost_book_add_shape(b, "mine", &got, "a test", &err), &err);
    assert_int_equal(rn_cost_find(b, "mine")->shape.n_layer, want->n_layer);

    static const struct {
        const char *json;
        int rc;
        const char *says;
    } bad[] = {
        {"{}", RN_ENOTFOUND, "no shape"},
        {"{\"shape\": 7}", RN_ENOTFOUND, "no shape"},
        {"not JSON", RN_EFORMAT, "stored profile"},
        {"{\"shape\": {\"layers\": 2}}", RN_EFORMAT, "d_model"},
        {"{\"shape\": {\"layers\": 0, \"d_model\": 8, \"d_ffn\": 8, \"heads\": 2, \"kv_heads\": 2, "
         "\"head_dim\": 4, \"vocab\": 9}}",
         RN_EFORMAT, "stored profile"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(rn_shape_of_profile(bad[i].json, &got, &err), bad[i].rc);
        assert_contains(err.msg, bad[i].says);
    }
    rn_cost_book_free(b);
}

/* Every n of the settings table in docs/REPRODUCE.md, by the models of the study. */
static void test_settings_of_the_study(void **state)
{
    (void)state;
    static const struct {
        const char *model;
        int64_t humaneval, apps;
    } want[] = {{"code-llama-7b", 2000, 1000}, {"code-llama-13b", 1000, 500},
                {"code-llama-34b", 400, 200},  {"code-llama-70b", 200, 100},
                {"llama-3-8b", 2000, 1000},    {"llama-3-70b", 200, 100}};
    rn_cost_book *b = book();
    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) {
        const rn_shape *s = &rn_cost_find(b, want[i].model)->shape;
        assert_int_equal(rn_paper_n(rn_paper_find("paper-humaneval"), s), want[i].humaneval);
        assert_int_equal(rn_paper_n(rn_paper_find("paper-mbpp"), s), want[i].humaneval);
        assert_int_equal(rn_paper_n(rn_paper_find("paper-apps-introductory"), s), want[i].apps);
        assert_int_equal(rn_paper_n(rn_paper_find("paper-apps-interview"), s), want[i].apps);
        assert_int_equal(rn_paper_n(rn_paper_find("paper-apps-competition"), s), want[i].apps);
    }
    rn_shape unknown = {0};
    assert_int_equal(rn_paper_n(rn_paper_find("paper-mbpp"), &unknown), 0);
    assert_int_equal(rn_paper_n(rn_paper_find("paper-mbpp"), &tiny), 2000);
    assert_null(rn_paper_find("paper"));
    assert_null(rn_paper_find(NULL));
    assert_string_equal(rn_paper_prompt("paper-apps-interview"), "paper-apps");
    assert_string_equal(rn_paper_prompt("mbpp-0shot"), "mbpp-0shot");
    assert_null(rn_paper_prompt(NULL));
    rn_cost_book_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table_1),
        cmocka_unit_test(test_exact_flops_by_hand),
        cmocka_unit_test(test_a_pass_in_parts_is_the_whole_pass),
        cmocka_unit_test(test_shape_check_names_the_field),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_missing_times_say_how_to_give_them),
        cmocka_unit_test(test_file),
        cmocka_unit_test(test_bad_files),
        cmocka_unit_test(test_shape_of_a_profile),
        cmocka_unit_test(test_settings_of_the_study),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
