/* Examples of real problem sets, as trials read them: src/run/trial.c, src/rank/examples*.c. The
 * sets lie in $RATION_DATA; what is not there is skipped. */
#include "test.h"

#include "base/file.h"
#include "base/json.h"
#include "run/trial.h"

#include <zlib.h>

/* What the examples of a set come to. */
typedef struct tally {
    size_t n, told, blind; /* problems; with an example that tells a value; without any input */
    size_t known, unseen;
} tally;

static void add(tally *t, const rn_problem *p)
{
    rn_arena a = {0};
    rn_trial trial;
    rn_err err;
    assert_ok(rn_trial_make(p, &rn_trial_examples, &a, &trial, &err), &err);
    t->n++;
    t->told += trial.n_known > 0;
    t->blind += trial.in.n == 0;
    t->known += trial.n_known;
    t->unseen += trial.n_unseen;
    rn_arena_free(&a);
}

static void print_tally(const char *name, const tally *t)
{
    print_message(
        "%s: %zu of %zu problems tell a value in %zu examples, %zu in no test; %zu have no "
        "input\n",
        name, t->told, t->n, t->known, t->unseen, t->blind);
}

static tally count(const char *set)
{
    const char *data = getenv("RATION_DATA");
    tally t = {0};
    rn_taskset *s = NULL;
    rn_err err;
    if (!data) skip();
    char path[512];
    snprintf(path, sizeof path, "%s/%s", data, set);
    const bool file = strchr(set, '/') != NULL;
    if (file && !rn_file_exists(path)) skip();
    if (rn_taskset_open(file ? path : set, data, &s, &err)) skip();
    for (size_t i = 0; i < s->n; i++)
        add(&t, &s->problems[i]);
    rn_taskset_free(s);
    print_tally(set, &t);
    return t;
}

static void humaneval_tells_values_in_docstrings(void **state)
{
    (void)state;
    const tally t = count("humaneval");
    assert_int_equal(t.n, 164);
    assert_true(t.told >= 160 && t.known >= 465 && t.blind == 0);
    assert_int_equal(t.unseen, 117);
}

static void mbpp_shows_its_tests(void **state)
{
    (void)state;
    const tally t = count("mbpp");
    assert_int_equal(t.n, 500);
    assert_true(t.told >= 497);
    assert_int_equal(t.unseen, 0);
}

static void apps_has_sample_blocks(void **state)
{
    (void)state;
    const tally t = count("apps/apps-real-7.jsonl");
    assert_int_equal(t.told, t.n);
    const tally more = count("codecontests/codecontests-100.jsonl");
    assert_int_equal(more.told, more.n);
}

/* The statements of LeetCode: the question with its examples, and the head of the method. */
static void leetcode_has_blocks_of_input_and_output(void **state)
{
    (void)state;
    const char *data = getenv("RATION_DATA");
    char path[512];
    tally t = {0};
    if (!data) skip();
    snprintf(path, sizeof path, "%s/leetcode/test.jsonl.gz", data);
    gzFile f = gzopen(path, "rb");
    char *line = malloc(1 << 22);
    if (!f || !line) skip();
    while (gzgets(f, line, 1 << 22)) {
        json_t *row = json_loads(line, 0, NULL), *meta = json_object_get(row, "meta");
        rn_buf prompt = {0};
        assert_non_null(meta);
        rn_buf_printf(&prompt, "%s\n%s\n",
                      json_string_value(json_object_get(meta, "question_title")),
                      json_string_value(json_object_get(meta, "lang_code")));
        const rn_problem p = {.task_id = json_string_value(json_object_get(row, "task_id")),
                              .prompt = prompt.data,
                              .starter_code = "",
                              .entry_point = json_string_value(json_object_get(row, "entry_point")),
                              .test = json_string_value(json_object_get(row, "test"))};
        add(&t, &p);
        rn_buf_free(&prompt);
        json_decref(row);
    }
    gzclose(f);
    free(line);
    print_tally("leetcode", &t);
    assert_int_equal(t.n, 200);
    assert_true(t.told >= 199 && t.blind == 0);
}

/* Nothing is told, but the annotations say what could be tried. */
static void annotations_stand_in_for_examples(void **state)
{
    (void)state;
    const rn_problem p = {.task_id = "L/1",
                          .prompt = "from typing import *\n",
                          .instruct =
                              "Count them.\n```python\nclass Solution:\n    def count(self, "
                              "nums: List[int], word: str) -> int:\n```",
                          .starter_code = "",
                          .entry_point = "Solution().count"};
    tally t = {0};
    rn_arena a = {0};
    rn_trial trial;
    rn_err err;
    add(&t, &p);
    assert_int_equal(t.told, 0);
    assert_int_equal(t.blind, 0);
    assert_ok(rn_trial_make(&p, &rn_trial_examples, &a, &trial, &err), &err);
    assert_true(trial.in.n > 40);
    for (size_t i = 0; i < trial.in.n; i++) /* ([...], '...') */
        assert_int_equal(trial.in.list[i].args.data[1], '[');
    rn_arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(humaneval_tells_values_in_docstrings),
        cmocka_unit_test(mbpp_shows_its_tests),
        cmocka_unit_test(apps_has_sample_blocks),
        cmocka_unit_test(leetcode_has_blocks_of_input_and_output),
        cmocka_unit_test(annotations_stand_in_for_examples),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
