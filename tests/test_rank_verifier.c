/* tsan */
/* test_rank_verifier.c: P(yes) against the model's own logits, one token and several; templates. */
#include "test.h"

#include "rank/verifier.h"
#include "tiny_model.h"

static rn_model *model;

static int make_model(void **state)
{
    (void)state;
    const rn_random_spec spec = tiny_spec(RN_Q_F32, 11);
    rn_err err;
    int rc = rn_random_model(&spec, 1, &model, &err);
    if (rc) print_message("%s\n", err.msg);
    return rc;
}

static int drop_model(void **state)
{
    (void)state;
    rn_model_close(model);
    return 0;
}

static const rn_engine_opts opts = {.n_threads = 2, .kv = RN_KV_F32};

/* log p of the tokens `answer` behind `ids`, from the logits of every position. */
static double by_logits(const rn_ids *ids, const rn_ids *answer)
{
    rn_engine *e;
    rn_err err;
    size_t n = ids->n + answer->n, v = (size_t)model->hp.n_vocab;
    int32_t *all = malloc(n * sizeof *all);
    float *logits = malloc(n * v * sizeof *logits);
    memcpy(all, ids->v, ids->n * sizeof *all);
    memcpy(all + ids->n, answer->v, answer->n * sizeof *all);
    rn_engine_opts o = opts;
    o.max_prompt_tok = (int64_t)n;
    o.max_new_tok = 1;
    assert_ok(rn_engine_open(model, &o, &e, &err), &err);
    assert_ok(rn_engine_logits(e, all, (int32_t)n, logits, &err), &err);
    rn_engine_close(e);
    double sum = 0;
    for (size_t i = 0; i < answer->n; i++) {
        const float *row = logits + (ids->n + i - 1) * v;
        double total = 0;
        for (size_t k = 0; k < v; k++)
            total += exp((double)row[k]);
        sum += (double)row[answer->v[i]] - log(total);
    }
    free(logits);
    free(all);
    return sum;
}

static double expected(const rn_verifier *v, rn_bytes prompt, rn_bytes program)
{
    rn_buf text = {0};
    rn_ids q = {0}, yes = {0}, no = {0};
    rn_err err;
    rn_verifier_question(v, prompt, program, &text);
    assert_ok(rn_tok_encode(model->tok, rn_buf_view(&text), RN_TOK_BOS, &q, &err), &err);
    assert_ok(rn_tok_encode(model->tok, rn_bytes_of(v->yes), RN_TOK_CONTINUE, &yes, &err), &err);
    assert_ok(rn_tok_encode(model->tok, rn_bytes_of(v->no), RN_TOK_CONTINUE, &no, &err), &err);
    double y = by_logits(&q, &yes), n = by_logits(&q, &no);
    rn_ids_free(&q);
    rn_ids_free(&yes);
    rn_ids_free(&no);
    rn_buf_free(&text);
    return y - log(exp(y) + exp(n));
}

static void test_share_of_yes(void **state)
{
    (void)state;
    static const char *const programs[] = {"def f(x):\n    return x + 1\n",
                                           "def f(x):\n    return 2",
                                           "def f(x):\n    return 2  \n\n", ""};
    static char long_program[400];
    memset(long_program, 'x', sizeof long_program - 1);
    char text[] = "{program}\n# {prompt}?";
    char a[] = "A", b[] = "B", ab[] = "a b", cde[] = "cde";
    rn_verifier v = {.text = text};
    for (int round = 0; round < 2; round++) {
        v.yes = round ? ab : a;
        v.no = round ? cde : b;
        rn_ask asks[5];
        for (int i = 0; i < 5; i++)
            asks[i] = (rn_ask){.prompt = rn_bytes_of("add one"),
                               .program = rn_bytes_of(i < 4 ? programs[i] : long_program)};
        rn_err err;
        assert_ok(rn_verifier_ask(&v, model, &opts, asks, 5, NULL, &err), &err);
        for (int i = 0; i < 4; i++) {
            assert_false(asks[i].too_long);
            assert_true(asks[i].log_yes < 0);
            assert_near(asks[i].log_yes, expected(&v, asks[i].prompt, asks[i].program), 1e-4);
            assert_true(asks[i].own_tok > 0 && asks[i].wall_ns > 0);
        }
        assert_true(asks[1].log_yes == asks[2].log_yes); /* white space at the end is no part */
        assert_true(asks[4].too_long);
        /* Alone, behind a prefix that is the whole question: the same up to rounding. */
        double together = asks[0].log_yes;
        assert_ok(rn_verifier_ask(&v, model, &opts, asks, 1, NULL, &err), &err);
        assert_near(asks[0].log_yes, together, 1e-4);
    }
}

static void test_question(void **state)
{
    (void)state;
    char text[] = "{prompt}|{program}|{other}{";
    rn_verifier v = {.text = text};
    rn_buf out = {0};
    /* Placeholders in what is put in are text. */
    rn_verifier_question(&v, rn_bytes_of("p {program}"), rn_bytes_of("{prompt}\n \t\n"), &out);
    assert_string_equal(out.data, "p {program}|{prompt}|{other}{");
    rn_buf_free(&out);
}

static void test_bundled_templates(void **state)
{
    (void)state;
    static const char *const names[] = {"function", "chat"};
    for (int i = 0; i < 2; i++) {
        rn_verifier *v = NULL;
        rn_err err;
        assert_ok(rn_verifier_open(names[i], NULL, &v, &err), &err);
        assert_string_equal(v->name, names[i]);
        assert_int_equal(v->chat, i);
        assert_int_equal(strlen(v->sha), 64);
        if (i == 0) {
            assert_string_equal(v->text, "{program}\n\n# Is the function above correct?");
            assert_string_equal(v->yes, " yes");
            assert_string_equal(v->no, " no");
        }
        rn_verifier_free(v);
    }
}

static void test_refusals(void **state)
{
    (void)state;
    rn_err err;
    rn_ask ask = {.program = rn_bytes_of("x")};
    char text[] = "{program}", yes[] = "y", no[] = "n", none[] = "";
    rn_verifier chat = {.text = text, .yes = yes, .no = no, .chat = true};
    assert_int_equal(rn_verifier_ask(&chat, model, &opts, &ask, 1, NULL, &err), RN_EUNSUPPORTED);
    assert_contains(err.msg, "no chat template");
    rn_verifier mute = {.text = text, .yes = none, .no = no};
    assert_int_equal(rn_verifier_ask(&mute, model, &opts, &ask, 1, NULL, &err), RN_EUNSUPPORTED);
    assert_contains(err.msg, "no token for the answer");
    assert_ok(rn_verifier_ask(&mute, model, &opts, &ask, 0, NULL, &err), &err);
}

static int cancel(void *user, rn_err *err)
{
    (void)user;
    return rn_fail(err, RN_ECANCELLED, "stopped");
}

static void test_can_be_stopped(void **state)
{
    (void)state;
    rn_err err;
    rn_ask asks[2] = {{.program = rn_bytes_of("one")}, {.program = rn_bytes_of("two")}};
    char text[] = "{program}", yes[] = "y", no[] = "n";
    rn_verifier v = {.text = text, .yes = yes, .no = no};
    rn_ask_io io = {.tick = cancel};
    assert_int_equal(rn_verifier_ask(&v, model, &opts, asks, 2, &io, &err), RN_ECANCELLED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_share_of_yes),      cmocka_unit_test(test_question),
        cmocka_unit_test(test_bundled_templates), cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_can_be_stopped),
    };
    return cmocka_run_group_tests(tests, make_model, drop_model);
}
