/* amount.c: see amount.h. */
#include "cost/amount.h"

static const struct {
    const char *text;
    rn_unit unit;
    double scale;
} units[] = {
    {"ms", RN_UNIT_SECOND, 1e-3},  {"s", RN_UNIT_SECOND, 1},      {"sec", RN_UNIT_SECOND, 1},
    {"min", RN_UNIT_SECOND, 60},   {"h", RN_UNIT_SECOND, 3600},   {"FLOP", RN_UNIT_FLOP, 1},
    {"kFLOP", RN_UNIT_FLOP, 1e3},  {"MFLOP", RN_UNIT_FLOP, 1e6},  {"GFLOP", RN_UNIT_FLOP, 1e9},
    {"TFLOP", RN_UNIT_FLOP, 1e12}, {"PFLOP", RN_UNIT_FLOP, 1e15}, {"EFLOP", RN_UNIT_FLOP, 1e18},
    {"USD", RN_UNIT_USD, 1},       {"$", RN_UNIT_USD, 1},
};

#define UNITS "s, min, h, FLOP to PFLOP, or USD"

static const char *after_space(const char *s)
{
    while (*s == ' ' || *s == '\t')
        s++;
    return s;
}

/* The unit that `text` is, whole; -1: none. FLOPs may be written in the plural. */
static int find_unit(const char *text, size_t len)
{
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        size_t n = strlen(units[i].text);
        bool plural = units[i].unit == RN_UNIT_FLOP && len == n + 1 && (text[n] | 32) == 's';
        if ((len == n || plural) && strncasecmp(text, units[i].text, n) == 0) return (int)i;
    }
    return -1;
}

/* A unit in front of the number, as in "$0.05"; moves *text behind it. -1: none. */
static int leading_unit(const char **text)
{
    static const char *const leading[] = {"$", "USD"};
    for (size_t i = 0; i < sizeof leading / sizeof leading[0]; i++) {
        size_t n = strlen(leading[i]);
        if (strncasecmp(*text, leading[i], n) != 0) continue;
        *text = after_space(*text + n);
        return find_unit(leading[i], n);
    }
    return -1;
}

int rn_budget_parse(const char *text, rn_budget *out, rn_err *err)
{
    const char *s = after_space(text);
    int unit = leading_unit(&s);
    /* Plain decimal numbers: strtod alone would take "inf", "nan" and "0x10" as well. */
    const char *digit = s + (*s == '+' || *s == '-');
    const bool plain = strchr("0123456789.", *digit) && *digit && (digit[1] | 32) != 'x';
    char *end = NULL;
    double v = plain ? strtod(s, &end) : NAN;
    if (!plain || end == s)
        return rn_fail(err, RN_EINVAL,
                       "budget '%s': begins with no number; write e.g. 60s, 200TFLOP or 0.05USD",
                       text);
    const char *rest = after_space(end);
    size_t len = strlen(rest);
    while (len && (rest[len - 1] == ' ' || rest[len - 1] == '\t'))
        len--;
    if (len == 0 && unit < 0)
        return rn_fail(err, RN_EINVAL, "budget '%s': of what? add a unit: " UNITS, text);
    int trailing = len ? find_unit(rest, len) : -1;
    if (len && (trailing < 0 || unit >= 0))
        return rn_fail(err, RN_EINVAL, "budget '%s': there is no unit '%.*s'; units are " UNITS,
                       text, len > 40 ? 40 : (int)len, rest);
    if (trailing >= 0) unit = trailing;
    v *= units[unit].scale;
    if (!(v > 0))
        return rn_fail(err, RN_EINVAL, "budget '%s' buys nothing: it must be above 0", text);
    if (!isfinite(v)) return rn_fail(err, RN_EINVAL, "budget '%s' is too large a number", text);
    *out = (rn_budget){.unit = units[unit].unit, .amount = v};
    return 0;
}

void rn_budget_print(rn_unit unit, double amount, rn_buf *out)
{
    static const struct {
        double from, scale;
        const char *text;
    } forms[RN_N_UNITS][6] = {
        [RN_UNIT_FLOP] = {{1e18, 1e-18, "EFLOP"},
                          {1e15, 1e-15, "PFLOP"},
                          {1e12, 1e-12, "TFLOP"},
                          {1e9, 1e-9, "GFLOP"},
                          {1e6, 1e-6, "MFLOP"},
                          {0, 1, "FLOP"}},
        [RN_UNIT_SECOND] = {{7200, 1 / 3600.0, "h"},
                            {120, 1 / 60.0, "min"},
                            {0.1, 1, "s"},
                            {0, 1000, "ms"}},
        [RN_UNIT_USD] = {{0, 1, ""}},
    };
    size_t i = 0;
    while (amount != 0 && forms[unit][i].from > amount)
        i++;
    if (amount == 0 && unit == RN_UNIT_SECOND) i = 2; /* 0 s */
    if (amount == 0 && unit == RN_UNIT_FLOP) i = 5;
    if (unit == RN_UNIT_USD)
        rn_buf_printf(out, "$%.4g", amount);
    else
        rn_buf_printf(out, "%.4g %s", amount * forms[unit][i].scale, forms[unit][i].text);
}

int rn_budget_check(const rn_budget *budget, double cheapest, const char *what, rn_err *err)
{
    if (cheapest <= budget->amount * (1 + 1e-12)) return 0;
    rn_buf have = {0}, need = {0};
    rn_budget_print(budget->unit, budget->amount, &have);
    rn_budget_print(budget->unit, cheapest, &need);
    int rc = rn_fail(err, RN_EINVAL,
                     "a budget of %s is too small for one sample: the cheapest, of %s, costs %s",
                     have.data ? have.data : "?", what, need.data ? need.data : "?");
    rn_buf_free(&have);
    rn_buf_free(&need);
    return rc;
}
