/*
 * study.h: the settings of the study (arXiv 2404.00725) by the name of an experiment.
 *
 * A prompt preset says how one sample is asked for: text, temperature, top-p, token limit. A paper
 * preset says how the study's experiment is run: the problem set, the prompt preset, and how many
 * samples a model of which size makes. Where both kinds share a name they mean the same prompt.
 */
#ifndef RN_RUN_STUDY_H
#define RN_RUN_STUDY_H

#include "base/base.h"

enum { RN_PAPER_SIZES = 4 }; /* 7B or 8B, 13B, 34B, 70B */

typedef struct rn_paper {
    const char *name;          /* "paper-humaneval" */
    const char *set;           /* "humaneval" */
    const char *prompt;        /* the prompt preset, which holds the sampling settings */
    int64_t n[RN_PAPER_SIZES]; /* samples of a problem by the model's size */
} rn_paper;

const rn_paper *rn_paper_find(const char *name); /* NULL if unknown, or name is NULL; static */
const rn_paper *rn_paper_at(size_t i);           /* NULL past the end; static */

/* The prompt preset that a --preset of the user means: a paper preset's, else the name itself. */
const char *rn_paper_prompt(const char *preset);

/* Samples of a problem for a model of this shape; 0 when the shape is not known (no layers). */
int64_t rn_paper_n(const rn_paper *p, const rn_shape *shape);

#endif
