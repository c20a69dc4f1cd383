/*
 * beta.c: see beta.h. The continued fraction of the incomplete beta function (DLMF 8.17.22),
 * evaluated from the front by Lentz's method on the side of the mean where it converges fast; the
 * quantile by bisection of log-odds, since a chance near 0 or 1 needs its relative precision.
 */
#include "stat/beta.h"
#include "base/base.h"

static double kept_off_zero(double x)
{
    const double tiny = 1e-300;
    return fabs(x) < tiny ? tiny : x;
}

static double fraction(double a, double b, double x)
{
    const int max_terms = 10000; /* O(sqrt(max(a, b))) are needed */
    double c = 1, d = 1 / kept_off_zero(1 - (a + b) * x / (a + 1)), value = d;
    for (int m = 1; m < max_terms; m++) {
        double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        d = 1 / kept_off_zero(1 + even * d);
        c = kept_off_zero(1 + even / c);
        value *= c * d;
        double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        d = 1 / kept_off_zero(1 + odd * d);
        c = kept_off_zero(1 + odd / c);
        value *= c * d;
        if (fabs(c * d - 1) < 1e-15) break;
    }
    return value;
}

/* At x with 1 - x given apart, as it may be far smaller than the rounding of x. */
static double cdf(double a, double b, double x, double not_x)
{
    if (x <= 0) return 0;
    if (not_x <= 0) return 1;
    double front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log(not_x));
    if (x < (a + 1) / (a + b + 2)) return front * fraction(a, b, x) / a;
    return 1 - front * fraction(b, a, not_x) / b;
}

double rn_stat_beta_cdf(double alpha, double beta, double x)
{
    return cdf(alpha, beta, x, 1 - x);
}

double rn_stat_beta_quantile(double alpha, double beta, double q)
{
    double lo = -700, hi = 700; /* log-odds; exp stays finite */
    for (int i = 0; i < 100; i++) {
        double mid = (lo + hi) / 2;
        double x = 1 / (1 + exp(-mid)), not_x = 1 / (1 + exp(mid));
        if (cdf(alpha, beta, x, not_x) < q)
            lo = mid;
        else
            hi = mid;
    }
    return 1 / (1 + exp(-lo));
}
