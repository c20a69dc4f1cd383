/*
 * test_task_prompt.c: the prompts' bytes. The hashes are of all prompts of a set, one after the
 * other with a NUL behind each; they stand for the presets' promise never to change.
 */
#include "test.h"

#include "base/hash.h"
#include "task/prompt.h"

static const char mbpp_11[] =
    "You are an expert Python programmer, and here is your task: Write a function to find the "
    "similar elements from the given two tuple lists. Your code should pass these tests:\n\n"
    "assert similar_elements((3, 4, 5, 6),(5, 7, 4, 10)) == (4, 5)\n"
    "assert similar_elements((1, 2, 3, 4),(5, 4, 3, 7)) == (3, 4)\n"
    "assert similar_elements((11, 12, 14, 13),(17, 15, 14, 13)) == (13, 14)\n"
    "[BEGIN]\n"
    "def similar_elements(test_tup1, test_tup2):\n"
    "  res = tuple(set(test_tup1) & set(test_tup2))\n"
    "  return (res) \n"
    "[DONE]\n"
    "You are an expert Python programmer, and here is your task: Write a python function to "
    "identify non-prime numbers. Your code should pass these tests:\n\n"
    "assert is_not_prime(2) == False\n"
    "assert is_not_prime(10) == True\n"
    "assert is_not_prime(35) == True\n"
    "[BEGIN]\n"
    "import math\n"
    "def is_not_prime(n):\n"
    "    result = False\n"
    "    for i in range(2,int(math.sqrt(n)) + 1):\n"
    "        if n % i == 0:\n"
    "            result = True\n"
    "    return result\n"
    "[DONE]\n"
    "You are an expert Python programmer, and here is your task: Write a function to find the "
    "largest integers from a given list of numbers using heap queue algorithm. Your code should "
    "pass these tests:\n\n"
    "assert heap_queue_largest( [25, 35, 22, 85, 14, 65, 75, 22, 58],3)==[85, 75, 65] \n"
    "assert heap_queue_largest( [25, 35, 22, 85, 14, 65, 75, 22, 58],2)==[85, 75] \n"
    "assert heap_queue_largest( [25, 35, 22, 85, 14, 65, 75, 22, 58],5)==[85, 75, 65, 58, 35]\n"
    "[BEGIN]\n"
    "import heapq as hq\n"
    "def heap_queue_largest(nums,n):\n"
    "  largest_nums = hq.nlargest(n, nums)\n"
    "  return largest_nums\n"
    "[DONE]\n"
    "You are an expert Python programmer, and here is your task: Write a python function to remove "
    "first and last occurrence of a given character from the string. Your code should pass these "
    "tests:\n\n"
    "assert remove_Occ(\"hello\",\"l\") == \"heo\"\n"
    "assert remove_Occ(\"abcda\",\"a\") == \"bcd\"\n"
    "assert remove_Occ(\"PHP\",\"P\") == \"H\"\n"
    "[BEGIN]\n";

static void mbpp_3shot_is_the_papers_wording(void **state)
{
    (void)state;
    rn_err err = {0};
    rn_taskset *set = NULL;
    rn_buf out = {0};
    assert_non_null(test_data("mbpp/mbpp.jsonl"));
    assert_ok(rn_taskset_open("mbpp", getenv("RATION_DATA"), &set, &err), &err);
    assert_ok(rn_prompt_build(rn_preset_find("mbpp-3shot"), set, &set->problems[0], &out, &err),
              &err);
    assert_string_equal(out.data, mbpp_11);
    rn_buf_free(&out);
    rn_taskset_free(set);
}

static void hash_prompts(const char *preset, const char *set_name, char hex[RN_SHA256_HEX])
{
    rn_err err = {0};
    rn_taskset *set = NULL;
    rn_buf all = {0};
    uint8_t digest[RN_SHA256_BYTES];
    const char *dir = getenv("RATION_DATA");
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", dir, set_name);
    bool file = strchr(set_name, '/') != NULL;
    assert_ok(rn_taskset_open(file ? path : set_name, dir, &set, &err), &err);
    for (size_t i = 0; i < set->n; i++) {
        assert_ok(rn_prompt_build(rn_preset_find(preset), set, &set->problems[i], &all, &err),
                  &err);
        rn_buf_putc(&all, '\0');
    }
    rn_sha256_of(rn_buf_view(&all), digest);
    rn_sha256_hex(digest, hex);
    rn_buf_free(&all);
    rn_taskset_free(set);
}

static void presets_keep_their_bytes(void **state)
{
    (void)state;
    /* Those of LiveCodeBench are what its own lcb_runner/prompts/code_generation.py makes. */
    static const struct {
        const char *preset, *set, *sha256;
    } t[] = {
        {"humaneval-0shot", "humaneval",
         "4e821ee58dd4cfada3d57baead7240f8e5e09de4a334a496d804027671c45dc7"},
        {"humaneval-0shot-stripped", "humaneval",
         "2bffccd5458ee7486a43bbd02c9fa731d16911f4c89206ffe296bbeaf98824d6"},
        {"paper-humaneval", "humaneval",
         "4e821ee58dd4cfada3d57baead7240f8e5e09de4a334a496d804027671c45dc7"},
        {"humaneval-chat", "humaneval",
         "1dd6ac75856849f8b38eb87ee7f04aa09f1524424a58a34339bea28d14d3063f"},
        {"mbpp-3shot", "mbpp", "8e677e854a7b85342c1415e35d4eed41c537191a7c87213e8080ba9ec8bb93c5"},
        {"mbpp-3shot-crlf", "mbpp",
         "29b87b38fd504f10f8d00041d86f7e2d8acf4d835c709e845ad12030c46ce60e"},
        {"mbpp-0shot", "mbpp", "7b2dd66c156c1f2beaec08e8f14c7b4ff3251adf1309bbe035a14b40116b9285"},
        {"paper-mbpp", "mbpp", "8e677e854a7b85342c1415e35d4eed41c537191a7c87213e8080ba9ec8bb93c5"},
        {"mbpp-chat", "mbpp", "814cf2e0cc96ded1c73caa01facb35e28c5e42ebfd971f84cdd920722380feac"},
        {"apps-2shot", "apps/apps-real-7.jsonl",
         "fb32777a9b2fda5c4101b5935500015c0b5ab5fa8e66817e980ca636ee610559"},
        {"apps-0shot", "apps/apps-real-7.jsonl",
         "7fbe27dca927fac270ab965225c62465fe59617c380e999eb9a3106938472d84"},
        {"paper-apps", "apps/apps-real-7.jsonl",
         "fb32777a9b2fda5c4101b5935500015c0b5ab5fa8e66817e980ca636ee610559"},
        {"apps-chat", "apps/apps-real-7.jsonl",
         "abfce91d0e75c9ae34b5db8b310740441d8966cc0906e588a80ce3db86932894"},
        {"bigcodebench", "bigcodebench/hard.jsonl.gz",
         "5d7aea924472421c7ef4103bf312dda2dbbeaa41462da030bd1933bf4ed6c00c"},
        {"bigcodebench-chat", "bigcodebench/hard.jsonl.gz",
         "06de06090614c347eb61765b858876fab33da06cd590cb2fa3878600742497ab"},
        {"bigcodebench-instruct", "bigcodebench/hard.jsonl.gz",
         "07ece1421490b524b0df64f39697e1092b33b0a312760a1cab07b0fc1e5e56a3"},
        {"evalplus", "humaneval",
         "4e821ee58dd4cfada3d57baead7240f8e5e09de4a334a496d804027671c45dc7"},
        {"evalplus-chat", "humaneval",
         "755fbfc3b0c063f48d459e903da201171a07a233cb7cc70f1854f287c3d70802"},
        {"humaneval-x", "humaneval-x/humaneval_rust.jsonl.gz",
         "915844e6c5cfb1467ed31fc4d5663499d5a439c3c78eaf98283c92da49649976"},
        {"multipl-e", "humaneval",
         "4e821ee58dd4cfada3d57baead7240f8e5e09de4a334a496d804027671c45dc7"},
        {"leetcode", "leetcode/test.jsonl.gz",
         "5b739284bc5267b4d5c4bb53f99b5aedcee54af1b621bbd5604584b514eb56b9"},
        {"livecodebench", "apps/apps-real-7.jsonl",
         "775ae16d232aab028ebd1db6fac37c7e72a72bfd0fcfbc0cabe5d419f44c8dc3"},
        {"livecodebench-gemini", "apps/apps-real-7.jsonl",
         "7348a6cb714d3cc9983ab65ef729152a064fcffa52659e640df936301ffab07d"},
        {"livecodebench-o1", "apps/apps-real-7.jsonl",
         "54c6dbbf3b7ad0d04c9ab15a772b5563029be13212dd6caf024421ae6900a12d"},
        {"livecodebench-deepseek-coder", "apps/apps-real-7.jsonl",
         "ad887b15b21826011b4a417f9a2534ec456a505bec712b6f8b7a39514a9d8f37"},
        {"livecodebench-qwen", "apps/apps-real-7.jsonl",
         "98c67401f350d17281de5ff69f1ec29447de930018e83526290ce89beb03db28"},
        {"livecodebench-qwq", "apps/apps-real-7.jsonl",
         "1bdf24632b010f3ad0f8cc83ef99a54de03a238b32c94b71bdded77075f03948"},
        {"livecodebench-r1", "apps/apps-real-7.jsonl",
         "cec840ec5d7ff725899e84a501785633f4fb2f03af6916e51094e8b97a16c12e"},
        {"livecodebench-base", "apps/apps-real-7.jsonl",
         "3fab01b53443d839a8d69777203496e567d6373bb17dd80b4685fbc9885ce17c"},
    };
    assert_non_null(test_data("apps/apps-real-7.jsonl"));
    size_t n = sizeof t / sizeof t[0];
    for (size_t i = 0; i < n; i++) {
        char hex[RN_SHA256_HEX];
        hash_prompts(t[i].preset, t[i].set, hex);
        if (strcmp(hex, t[i].sha256) != 0)
            fail_msg("%s on %s: got %s, want %s", t[i].preset, t[i].set, hex, t[i].sha256);
    }
    assert_null(rn_preset_at(n)); /* every preset is in the table */
}

static const char *const one_assert[] = {"assert a(1) == 1"};

static void apps_and_shots(void **state)
{
    (void)state;
    rn_err err = {0};
    rn_buf out = {0};
    const rn_problem p = {.task_id = "APPS/1",
                          .form = RN_FORM_CALL,
                          .prompt = "Q",
                          .entry_point = "f",
                          .setup = "",
                          .starter_code = "class Solution:"};
    assert_ok(rn_prompt_build(rn_preset_find("apps-0shot"), NULL, &p, &out, &err), &err);
    assert_string_equal(out.data,
                        "\nQUESTION:\nQ\nclass Solution:\nUse Call-Based format\nANSWER:\n");
    rn_buf_clear(&out);
    assert_ok(rn_prompt_build(rn_preset_find("apps-2shot"), NULL, &p, &out, &err), &err);
    assert_contains(out.data, "\nUse Standard Input format\nANSWER:\nn = int(input())\n");
    assert_contains(out.data,
                    "\nUse Call-Based format\nANSWER:\nclass Solution:\n    def countVowels");

    /* The set's own examples take the place of ours. */
    const char *const ref[] = {"print(1)"};
    const rn_problem shots[2] = {
        {.task_id = "APPS/8",
         .prompt = "S1",
         .form = RN_FORM_STDIO,
         .starter_code = "",
         .references = ref,
         .n_references = 1},
        {.task_id = "APPS/9",
         .prompt = "S2",
         .form = RN_FORM_STDIO,
         .starter_code = "",
         .references = ref,
         .n_references = 1},
    };
    const rn_taskset set = {.name = "x", .shots = shots, .n_shots = 2};
    rn_buf_clear(&out);
    assert_ok(rn_prompt_build(rn_preset_find("apps-2shot"), &set, &p, &out, &err), &err);
    assert_string_equal(out.data,
                        "\nQUESTION:\nS1\nUse Standard Input format\nANSWER:\nprint(1)\n"
                        "\nQUESTION:\nS2\nUse Standard Input format\nANSWER:\nprint(1)\n"
                        "\nQUESTION:\nQ\nclass Solution:\nUse Call-Based format\nANSWER:\n");

    /* A preset that does not fit, or lacks its examples, says so. */
    assert_int_equal(rn_prompt_build(rn_preset_find("humaneval-0shot"), &set, &p, &out, &err),
                     RN_EINVAL);
    assert_contains(err.msg, "does not fit");
    const rn_problem m = {.task_id = "MBPP/2",
                          .form = RN_FORM_ASSERTS,
                          .prompt = "P",
                          .setup = "",
                          .asserts = one_assert,
                          .n_asserts = 1,
                          .starter_code = "",
                          .references = ref,
                          .n_references = 1};
    const rn_taskset two = {.name = "y", .shots = &m, .n_shots = 1};
    assert_int_equal(rn_prompt_build(rn_preset_find("mbpp-3shot"), &two, &m, &out, &err),
                     RN_EINVAL);
    assert_contains(err.msg, "needs 3 worked examples and the set y has 1");
    rn_preset stranger = {.name = "stranger"};
    assert_int_equal(rn_prompt_build(&stranger, &two, &m, &out, &err), RN_EINVAL);
    rn_buf_free(&out);
}

static void settings_are_the_studys(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int64_t tok;
        double t;
    } want[] = {{"paper-humaneval", 512, 0.8}, {"paper-mbpp", 256, 0.8}, {"paper-apps", 256, 0.6}};
    for (size_t i = 0; i < 3; i++) {
        const rn_preset *p = rn_preset_find(want[i].name);
        assert_int_equal(p->max_new_tok, want[i].tok);
        assert_near(p->temperature, want[i].t, 0);
        assert_near(p->top_p, 0.95, 0);
    }
    for (size_t i = 0; rn_preset_at(i); i++) {
        assert_true(rn_extractor_find(rn_preset_at(i)->extractor) != NULL);
        assert_ptr_equal(rn_preset_find(rn_preset_at(i)->name), rn_preset_at(i));
    }
    for (size_t i = 0; rn_set_at(i); i++)
        assert_non_null(rn_preset_find(rn_set_at(i)->preset));
    assert_null(rn_preset_find("nonsense"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mbpp_3shot_is_the_papers_wording),
        cmocka_unit_test(presets_keep_their_bytes),
        cmocka_unit_test(apps_and_shots),
        cmocka_unit_test(settings_are_the_studys),
    };
    return cmocka_run_group_tests_name("task_prompt", tests, NULL, NULL);
}
