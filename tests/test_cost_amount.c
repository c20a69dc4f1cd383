/* Budgets as people write them: units, and every way to get one wrong. */
#include "test.h"

#include "cost/amount.h"

static void reads_every_unit(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        rn_unit unit;
        double amount;
    } good[] = {
        {"60s", RN_UNIT_SECOND, 60},        {"60 sec", RN_UNIT_SECOND, 60},
        {"1.5min", RN_UNIT_SECOND, 90},     {" 2 h ", RN_UNIT_SECOND, 7200},
        {"250ms", RN_UNIT_SECOND, 0.25},    {"200TFLOP", RN_UNIT_FLOP, 200e12},
        {"200 tflops", RN_UNIT_FLOP, 2e14}, {"1e3GFLOP", RN_UNIT_FLOP, 1e12},
        {"5FLOP", RN_UNIT_FLOP, 5},         {"2PFLOPs", RN_UNIT_FLOP, 2e15},
        {"0.05USD", RN_UNIT_USD, 0.05},     {"$0.05", RN_UNIT_USD, 0.05},
        {"usd 3", RN_UNIT_USD, 3},          {"3$", RN_UNIT_USD, 3},
        {".5s", RN_UNIT_SECOND, 0.5},       {"+7s", RN_UNIT_SECOND, 7},
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        rn_budget b = {0};
        rn_err err = {0};
        assert_ok(rn_budget_parse(good[i].text, &b, &err), &err);
        if (b.unit != good[i].unit || fabs(b.amount / good[i].amount - 1) > 1e-14)
            fail_msg("%s: unit %d, amount %.17g", good[i].text, (int)b.unit, b.amount);
    }
}

static void says_what_is_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } bad[] = {
        {"", "no number"},       {"s", "no number"},        {"many s", "no number"},
        {"60", "add a unit"},    {"0.05", "add a unit"},    {"60 parsecs", "no unit 'parsecs'"},
        {"60 s s", "no unit"},   {"0s", "above 0"},         {"-5USD", "above 0"},
        {"$-1", "above 0"},      {"0TFLOP", "above 0"},     {"1e999s", "too large"},
        {"nan s", "no number"},  {"inf s", "no number"},    {"0x10s", "no number"},
        {"$5USD", "no unit"},    {"$", "no number"},        {"1e-400s", "above 0"},
        {"5 flopss", "no unit"}, {"-inf s", "no number"},   {"--5s", "no number"},
        {"1e308EFLOP", "large"}, {"5 min utes", "no unit"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        rn_budget b = {.unit = RN_N_UNITS};
        rn_err err = {0};
        int rc = rn_budget_parse(bad[i].text, &b, &err);
        if (rc != RN_EINVAL || !strstr(err.msg, bad[i].says) || b.unit != RN_N_UNITS)
            fail_msg("'%s': %d, \"%s\"", bad[i].text, rc, err.msg);
    }
}

static void prints_in_the_unit_that_reads_best(void **state)
{
    (void)state;
    static const struct {
        rn_unit unit;
        double amount;
        const char *text;
    } shown[] = {
        {RN_UNIT_FLOP, 16.9e12, "16.9 TFLOP"},
        {RN_UNIT_FLOP, 2e15, "2 PFLOP"},
        {RN_UNIT_FLOP, 3e9, "3 GFLOP"},
        {RN_UNIT_FLOP, 12, "12 FLOP"},
        {RN_UNIT_SECOND, 60, "60 s"},
        {RN_UNIT_SECOND, 150, "2.5 min"},
        {RN_UNIT_SECOND, 7200, "2 h"},
        {RN_UNIT_USD, 0.05, "$0.05"},
        {RN_UNIT_SECOND, 0, "0 s"},
        {RN_UNIT_FLOP, 0, "0 FLOP"},
    };
    for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++) {
        rn_buf out = {0};
        rn_budget_print(shown[i].unit, shown[i].amount, &out);
        assert_string_equal(out.data, shown[i].text);
        rn_buf_free(&out);
    }
}

static void says_what_the_cheapest_sample_costs(void **state)
{
    (void)state;
    rn_budget b = {RN_UNIT_FLOP, 1e12};
    rn_err err = {0};
    assert_int_equal(rn_budget_check(&b, 1.69e12, "my-7b", &err), RN_EINVAL);
    assert_non_null(strstr(err.msg, "my-7b"));
    assert_non_null(strstr(err.msg, "1.69 TFLOP"));
    b.amount = 1.69e12;
    assert_ok(rn_budget_check(&b, 1.69e12, "my-7b", &err), &err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_unit),
        cmocka_unit_test(says_what_is_wrong),
        cmocka_unit_test(prints_in_the_unit_that_reads_best),
        cmocka_unit_test(says_what_the_cheapest_sample_costs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
