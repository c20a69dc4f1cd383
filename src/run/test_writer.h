/*
 * test_writer.h: a model as the writer of a problem's tests, for the ranker `tests` (CodeT, Chen et
 * al. 2022): it is asked for assertions, and the calls that they make become the cases of a trial.
 *
 * How it is asked is data, a JSON object
 *   {"name": ..., "text": "... {prompt} ... {entry}", "begin": "assert {entry}(", "chat": "..."}
 * `text` is continued by a base model, from `begin` on, which is put before its answer; `chat` is a
 * message to an instruct model. Assertions are read as examples are (rank/examples.h): literals
 * alone, nothing of the answer is executed. An assertion may be wrong; agreement decides.
 */
#ifndef RN_RUN_TEST_WRITER_H
#define RN_RUN_TEST_WRITER_H

#include "run/rank_priv.h"
#include "run/trial.h"

#define RN_TESTS_DEFAULT "assert"
enum { RN_TESTS_ANSWERS = 10 }; /* of the model per problem */

typedef struct rn_test_writer rn_test_writer;

/* By k's options: model, question, answers, seed. Opens the model and fills the members of *id that
 * name it; they are borrowed until the writer is closed. */
int rn_test_writer_open(rn_ranking *k, rn_test_writer **out, struct rn_ranker_identity *id,
                        rn_err *err);
const char *rn_test_writer_model(const rn_test_writer *w); /* its name; borrowed */
void rn_test_writer_close(rn_test_writer *w);              /* NULL accepted */

/* What a run's problems are asked, before the first answer is bought: the model answers those of
 * k->due that it was not asked before. */
int rn_test_writer_begin(rn_test_writer *w, rn_ranking *k, rn_err *err);

/* The tests of k->problem as a trial in `a`; waits for the answers. in.n = 0: it wrote none. */
int rn_test_writer_trial(rn_test_writer *w, rn_ranking *k, rn_arena *a, rn_trial *out, rn_err *err);

#endif
