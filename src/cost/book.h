/* book.h: the inside of a cost book, shared by the lookups (book.c) and the reader (file.c). */
#ifndef RN_COST_BOOK_H
#define RN_COST_BOOK_H

#include "cost/cost.h"

typedef struct rn_cost_row { /* one model's time under a profile */
    struct rn_cost_row *next;
    const char *model;
    rn_cost_curve time;
} rn_cost_row;

typedef struct rn_cost_hw { /* one profile */
    struct rn_cost_hw *next;
    const char *name, *hardware;
    rn_cost_row *rows;
} rn_cost_hw;

struct rn_cost_book {
    rn_arena arena;   /* owns everything below */
    rn_cost **models; /* [n_models] */
    size_t n_models, cap_models;
    rn_cost_hw *profiles;
};

/* The entry of this very name (aliases aside), made empty if there is none; NULL: out of memory. */
rn_cost *rn_cost_book_add(rn_cost_book *b, const char *name);

#endif
