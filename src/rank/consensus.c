/* consensus.c: see consensus.h. Groups are found by sorting the programs by their outcomes. */
#include "rank/consensus.h"

static const char *const names[RN_N_AGREES] = {"mbr", "codet"};

const char *rn_agree_name(rn_agree a)
{
    return names[a];
}

int rn_agree_parse(const char *name, rn_agree *out, rn_err *err)
{
    for (int i = 0; i < RN_N_AGREES; i++)
        if (strcmp(name, names[i]) == 0) {
            *out = (rn_agree)i;
            return 0;
        }
    return rn_fail(err, RN_EINVAL, "--agree is mbr or codet, not '%s'", name);
}

static int compare(rn_bytes x, rn_bytes y)
{
    size_t n = x.len < y.len ? x.len : y.len;
    int d = n ? memcmp(x.data, y.data, n) : 0;
    return d ? d : (x.len > y.len) - (x.len < y.len);
}

static int by_outcomes(const void *a, const void *b)
{
    const rn_voter *x = *(rn_voter *const *)a, *y = *(rn_voter *const *)b;
    int d = compare(x->outcomes, y->outcomes);
    return d ? d : (x > y) - (x < y); /* the group's first program comes first */
}

int rn_consensus_score(rn_voter *v, size_t n, rn_agree agree, bool has_values, rn_err *err)
{
    if (n == 0) return 0;
    rn_voter **order = malloc(n * sizeof *order);
    if (!order) return rn_nomem(err, "programs");
    for (size_t i = 0; i < n; i++) {
        order[i] = &v[i];
        v[i].group = 0;
    }
    qsort(order, n, sizeof *order, by_outcomes);
    for (size_t i = 0, end; i < n; i = end) {
        int64_t size = 0;
        for (end = i; end < n && compare(order[end]->outcomes, order[i]->outcomes) == 0; end++)
            size += order[end]->n_samples;
        double weight = !order[i]->has_value                    ? 0
                        : agree == RN_AGREE_CODET && has_values ? (double)order[i]->n_right
                                                                : 1;
        for (size_t k = i; k < end; k++) {
            order[k]->weight = weight;
            order[k]->score = weight * (double)size;
            order[k]->group = (uint32_t)(order[i] - v) + 1; /* its first program, for now */
        }
    }
    free(order);
    uint32_t next = 0;
    for (size_t i = 0; i < n; i++) /* a group's first program has been numbered before it */
        v[i].group = v[i].group == i + 1 ? ++next : v[v[i].group - 1].group;
    return 0;
}
