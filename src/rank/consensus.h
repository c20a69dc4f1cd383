/*
 * consensus.h: agreement between programs as a ranker that needs no tests.
 *
 * The programs of a problem are run on the same inputs (examples.h); those with the same outcome on
 * every input are a group. A sample's score is the number of samples in its group times the group's
 * weight:
 *   mbr    weight 1. With the loss "outcomes differ on some input" this is minimum Bayes risk
 *          decoding, MBR-Exec (Shi et al. 2022): the sample that most others agree with.
 *   codet  weight: the number of examples whose value the group gives. Group size times tests
 *          passed is CodeT's score (Chen et al. 2022), with the problem's examples as the tests.
 *          Where no example tells its value it is mbr.
 * A program that gives a value on no input (it fails to load, or raises or hangs always) has weight
 * 0: broken programs agree with each other about nothing. Without inputs all have weight 0, so that
 * the choice is blind. Highest is best; samples of one group tie.
 */
#ifndef RN_RANK_CONSENSUS_H
#define RN_RANK_CONSENSUS_H

#include "base/base.h"

typedef enum rn_agree { RN_AGREE_MBR, RN_AGREE_CODET, RN_N_AGREES } rn_agree;
const char *rn_agree_name(rn_agree a);                            /* "mbr", "codet"; static */
int rn_agree_parse(const char *name, rn_agree *out, rn_err *err); /* RN_EINVAL lists the names */

/* A program and the samples that have its text. */
typedef struct rn_voter {
    rn_bytes outcomes; /* equal for two programs exactly when they agree on every input; borrowed */
    bool has_value;    /* gives a value on at least one input */
    int64_t n_right;   /* examples whose value it gives */
    int64_t n_samples;
    uint32_t group;       /* out: from 1, in order of the groups' first programs */
    double weight, score; /* out */
} rn_voter;

/* Fills group, weight and score of v [n]. has_values: some example tells its value. RN_ENOMEM. */
int rn_consensus_score(rn_voter *v, size_t n, rn_agree agree, bool has_values, rn_err *err);

#endif
