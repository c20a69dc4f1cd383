/* beta.h: the beta distribution, for priors over a chance of success. alpha, beta > 0. */
#ifndef RN_STAT_BETA_H
#define RN_STAT_BETA_H

/* P(X <= x) of Beta(alpha, beta), the regularised incomplete beta function; absolute error about
 * 1e-14. */
double rn_stat_beta_cdf(double alpha, double beta, double x);

/* The x with P(X <= x) = q; 0 < q < 1. */
double rn_stat_beta_quantile(double alpha, double beta, double q);

#endif
