/* solve_price.c: see solve_price.h. */
#include "run/solve_price.h"

/* Tokens of a sample as long as nothing is known: the study's convention. */
static const double guessed_tok = 128;
/* FLOPs a second of a local model on one thread, of a server, as long as nothing is measured. */
static const double guessed_local = 2e10, guessed_remote = 1e14;

static const char *model_cost(const rn_sampler *s)
{
    return s->o.model->cost ? s->o.model->cost : s->m.name;
}

static bool has_prices(const rn_cost *c)
{
    return c && ((isfinite(c->usd_per_1m_input) && isfinite(c->usd_per_1m_output)) ||
                 isfinite(c->usd_per_hour));
}

int rn_price_init(rn_price *p, const rn_sampler *arm, const rn_cost_book *book, rn_unit unit,
                  int place, rn_err *err)
{
    *p = (rn_price){.sampler = arm, .cost = rn_cost_find(book, model_cost(arm))};
    if (!p->cost && arm->o.model->cost)
        return rn_fail(err, RN_ENOTFOUND, "the cost tables have no entry '%s'", arm->o.model->cost);
    bool of_file = !arm->m.remote;
    p->has_shape = of_file || (p->cost && p->cost->has_shape);
    if (p->has_shape) p->shape = of_file ? arm->m.shape : p->cost->shape;
    if (unit == RN_UNIT_FLOP && !p->has_shape)
        return rn_fail(err, RN_EINVAL,
                       "a budget in FLOPs, but the shape of %s is not known: give --cost-file FILE "
                       "with a section [model %s], or a budget in seconds",
                       arm->m.name, model_cost(arm));
    if (unit == RN_UNIT_USD && !has_prices(p->cost))
        return rn_fail(
            err, RN_EINVAL,
            "a budget in dollars, but no price of %s is known: give --cost-file FILE with "
            "usd_per_1m_input and usd_per_1m_output (or usd_per_hour) in a section "
            "[model %s]",
            arm->m.name, model_cost(arm));
    p->n = 1;
    p->gen_tok = fmin(guessed_tok, (double)arm->sampling.max_tok);
    const rn_order *o = &arm->orders.data[0];
    p->prompt_tok = of_file ? (double)o->ids.n : (double)o->prompt.len / 3;
    const rn_usage one = {
        .first = true, .prompt_tok = (int64_t)p->prompt_tok, .gen_tok = (int64_t)p->gen_tok};
    double flop = rn_price_of(p, RN_UNIT_FLOP, &one);
    int threads = arm->o.model->threads > 0 ? arm->o.model->threads : 1;
    p->seconds = isfinite(flop) ? flop / (arm->m.remote ? guessed_remote : guessed_local * threads)
                                : ldexp(1, place);
    return 0;
}

static double price_flop(const rn_price *p, const rn_usage *u)
{
    if (!p->has_shape || u->prompt_tok < 0) return NAN;
    double f = u->gen_tok > 0 ? rn_flop_sample(&p->shape, u->prompt_tok, u->gen_tok) : 0;
    if (u->first || p->sampler->m.remote) f += rn_flop_prompt(&p->shape, u->prompt_tok);
    if (u->cached_tok > 0) f -= rn_flop_prompt(&p->shape, u->cached_tok);
    return f;
}

static double price_usd(const rn_price *p, const rn_usage *u)
{
    const rn_cost *c = p->cost;
    if (!c) return NAN;
    if (!isfinite(c->usd_per_1m_input) || !isfinite(c->usd_per_1m_output))
        return c->usd_per_hour * u->seconds / 3600;
    double cached = u->cached_tok > 0 ? (double)u->cached_tok : 0;
    double fresh = u->prompt_tok > 0 && (u->first || p->sampler->m.remote)
                       ? (double)u->prompt_tok - cached
                       : 0;
    double cheap = isfinite(c->usd_per_1m_cached) ? c->usd_per_1m_cached : c->usd_per_1m_input;
    double out = u->gen_tok > 0 ? (double)u->gen_tok : 0;
    return (fresh * c->usd_per_1m_input + cached * cheap + out * c->usd_per_1m_output) * 1e-6;
}

double rn_price_of(const rn_price *p, rn_unit unit, const rn_usage *u)
{
    switch (unit) {
    case RN_UNIT_FLOP: return price_flop(p, u);
    case RN_UNIT_USD: return price_usd(p, u);
    default: return u->seconds;
    }
}

double rn_price_score(const rn_price *p, rn_unit unit, int64_t n_tok)
{
    /* A teacher-forced pass costs what generating the text does; its time is about a tenth. */
    const rn_usage u = {.prompt_tok = (int64_t)(p->prompt_tok / p->n),
                        .gen_tok = n_tok,
                        .seconds = p->seconds / p->n / 10};
    return rn_price_of(p, unit, &u);
}

void rn_price_expect(const rn_price *p, rn_unit unit, double *shared, double *per_sample)
{
    rn_usage u = {.prompt_tok = (int64_t)(p->prompt_tok / p->n),
                  .gen_tok = (int64_t)ceil(p->gen_tok / p->n),
                  .seconds = p->seconds / p->n};
    double without = rn_price_of(p, unit, &u);
    u.first = true;
    *per_sample = without;
    *shared = rn_price_of(p, unit, &u) - without;
}

void rn_price_learn(rn_price *p, const rn_usage *u)
{
    if (u->prompt_tok < 0 || u->gen_tok < 0) return;
    p->n++;
    p->gen_tok += (double)u->gen_tok;
    p->prompt_tok += (double)u->prompt_tok;
    if (p->n == 2) { /* a guess is worth nothing beside a sample */
        p->seconds = u->seconds;
        p->gen_tok = 2 * (double)u->gen_tok;
        p->prompt_tok = 2 * (double)u->prompt_tok;
    }
    p->seconds += u->seconds;
}

void rn_price_follow(rn_price *p, const rn_price *other, double guess)
{
    if (p->n >= 2 || other->n < 2) return;
    p->gen_tok = fmin(other->gen_tok / other->n, (double)p->sampler->sampling.max_tok);
    if (!p->sampler->m.remote == !other->sampler->m.remote && guess > 0 && other->seconds > 0)
        p->seconds *= other->seconds / other->n / guess;
}
