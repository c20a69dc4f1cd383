/*
 * paper.c: the table of settings, see paper.h.
 *
 * n is the study's for 7B (8B), 13B, 34B and 70B, so that each size costs about the same. A model
 * of another size takes the class that it is nearest to on a logarithmic scale; all below 9.5
 * billion weights are of the first.
 */
#include "cost/paper.h"

#include "cost/flop.h"

#include <string.h>

static const rn_paper papers[] = {
    {"paper-humaneval", "humaneval", "paper-humaneval", {2000, 1000, 400, 200}},
    {"paper-mbpp", "mbpp", "paper-mbpp", {2000, 1000, 400, 200}},
    {"paper-apps-introductory", "apps-introductory", "paper-apps", {1000, 500, 200, 100}},
    {"paper-apps-interview", "apps-interview", "paper-apps", {1000, 500, 200, 100}},
    {"paper-apps-competition", "apps-competition", "paper-apps", {1000, 500, 200, 100}},
};

/* Weights below which a model is of the class: geometric means of 7 and 13, 13 and 34, 34 and 70
 * billion. */
static const double below[RN_PAPER_SIZES - 1] = {9.5e9, 21.0e9, 48.8e9};

const rn_paper *rn_paper_at(size_t i)
{
    return i < sizeof papers / sizeof papers[0] ? &papers[i] : NULL;
}

const rn_paper *rn_paper_find(const char *name)
{
    const rn_paper *p;
    for (size_t i = 0; name && (p = rn_paper_at(i)); i++)
        if (strcmp(p->name, name) == 0) return p;
    return NULL;
}

const char *rn_paper_prompt(const char *preset)
{
    const rn_paper *p = rn_paper_find(preset);
    return p ? p->prompt : preset;
}

int64_t rn_paper_n(const rn_paper *p, const rn_shape *shape)
{
    if (shape->n_layer <= 0) return 0;
    double weights = rn_shape_params(shape);
    size_t i = 0;
    while (i < RN_PAPER_SIZES - 1 && weights >= below[i])
        i++;
    return p->n[i];
}
