/*
 * preset.c: the prompts, byte for byte.
 *
 * Sources: HumanEval's prompts are the data set's own (Chen et al. 2021). MBPP's 3-shot wording is
 * that of google-research mbpp/README.md (Austin et al. 2021): "You are an expert Python
 * programmer, and here is your task: {prompt} Your code should pass these
 * tests:\n\n{tests}\n[BEGIN]\n{code}\n [DONE]", examples 2, 3 and 4, here joined by newlines. APPS'
 * is that of hendrycks/apps eval/generate_gpt_codes.py: question, starter code, input format,
 * "ANSWER:". Temperatures, top-p and token limits are those of the study (arXiv 2404.00725).
 * BigCodeBench's are those of bigcodebench/provider/utility.py and its defaults (greedy, 1280
 * tokens), evalplus' the same wording (evalplus/provider/utility.py, greedy, 768 tokens);
 * LiveCodeBench's those of lcb_runner/prompts/code_generation.py and its defaults (T 0.2, 2000
 * tokens): what it sends as a system's text stands first in the one message. Its form for base
 * models has one worked example; here it is ours. LeetCodeDataset has its question in each row.
 * MultiPL-E and HumanEval-X go on from their prompts with the settings of their harnesses.
 */
#include "task/prompt.h"

/* The Codex paper's stop strings. A base model that repeats the prompt begins with one of them. */
static const char *const stop_humaneval[] = {"\nclass", "\ndef", "\n#", "\nif", "\nprint", NULL};
static const char *const stop_mbpp[] = {"[DONE]", "[BEGIN]", NULL};
static const char *const stop_apps[] = {"\nQUESTION:", "\nANSWER:", "\n---", NULL};
static const char *const stop_chat[] = {NULL};
static const char *const stop_bigcodebench[] = {"\nif __name__", "\ndef main(", "\nprint(",
                                                "\ndef ",        "\nclass ",    "\nimport ",
                                                "\nfrom ",       "\nassert ",   NULL};
static const char *const stop_livecodebench[] = {"###", NULL};

/* How the text is made; each preset names one. */
typedef enum {
    P_RAW,
    P_STRIPPED,
    P_MBPP,
    P_APPS,
    P_CHAT,
    P_BCB,
    P_BCB_WORDS,
    P_WORDS,
    P_LCB_BASE,
    P_LCB, /* the first of lcb_wordings, the others follow */
} builder;

typedef struct entry {
    rn_preset preset;
    builder build;
    int n_shots;
    bool crlf; /* MBPP: the examples' code with its own line ends */
} entry;

#define PRESET(name_, text, b, tokens, t, stops, extractor_, ...) \
    {                                                             \
        .preset = {.name = name_,                                 \
                   .description = text,                           \
                   .max_new_tok = tokens,                         \
                   .temperature = t,                              \
                   .top_p = 0.95,                                 \
                   .stop = stops,                                 \
                   .extractor = extractor_},                      \
        .build = b, __VA_ARGS__                                   \
    }
#define BASE(name_, text, b, tokens, t, stops) \
    PRESET(name_, text, b, tokens, t, stops, "completion/5", .n_shots = 0)
#define CHAT(name_, text, b, tokens, t) \
    PRESET(name_, text, b, tokens, t, stop_chat, "chat/5", .preset.chat = true)
#define HUMANEVAL(name_, text, b) BASE(name_, text, b, 512, 0.8, stop_humaneval)
#define MBPP(name_, text, n, crlf_) \
    PRESET(name_, text, P_MBPP, 256, 0.8, stop_mbpp, "completion/5", .n_shots = n, .crlf = crlf_)
#define APPS(name_, text, n) \
    PRESET(name_, text, P_APPS, 256, 0.6, stop_apps, "completion/5", .n_shots = n)
/* A model family's form of LiveCodeBench's question; `family` is its place in lcb_wordings. */
#define LCB(name_, text, family, is_chat, tokens, t)                               \
    PRESET(name_, text, (builder)(P_LCB + family), tokens, t, stop_chat, "chat/2", \
           .preset.chat = is_chat)

static const entry presets[] = {
    HUMANEVAL("humaneval-0shot", "HumanEval's prompt as it is", P_RAW),
    HUMANEVAL("humaneval-0shot-stripped",
              "HumanEval's prompt without white space at both ends (bigcode's `humaneval`)",
              P_STRIPPED),
    HUMANEVAL("paper-humaneval", "the study's setting: humaneval-0shot, 512 tokens, T 0.8", P_RAW),
    CHAT("humaneval-chat", "asks an instruct model to complete the function", P_CHAT, 1024, 0.8),
    MBPP("mbpp-3shot", "Austin et al. 2021, examples 2, 3, 4; their CRLF as LF", 3, false),
    MBPP("mbpp-3shot-crlf", "the same with the data set's CRLF line ends kept", 3, true),
    MBPP("mbpp-0shot", "Austin et al. 2021's wording without examples", 0, false),
    MBPP("paper-mbpp", "the study's setting: mbpp-3shot, 256 tokens, T 0.8", 3, false),
    CHAT("mbpp-chat", "asks an instruct model; text and tests are shown", P_CHAT, 1024, 0.8),
    APPS("apps-2shot", "hendrycks/apps' wording after two worked examples", 2),
    APPS("apps-0shot", "hendrycks/apps' wording", 0),
    APPS("paper-apps", "the study's setting: apps-2shot, 256 tokens, T 0.6", 2),
    CHAT("apps-chat", "asks an instruct model; question, starter code and input format", P_CHAT,
         2048, 0.6),
    BASE("bigcodebench", "BigCodeBench's complete prompt as it is, for base models", P_RAW, 1280, 0,
         stop_bigcodebench),
    CHAT("bigcodebench-chat", "its complete prompt as a message", P_BCB, 1280, 0),
    CHAT("bigcodebench-instruct", "its instruct prompt as a message", P_BCB_WORDS, 1280, 0),
    BASE("evalplus", "evalplus' prompt as it is, for base models, greedy", P_RAW, 768, 0,
         stop_bigcodebench),
    CHAT("evalplus-chat", "its prompt as a message, greedy", P_BCB, 768, 0),
    BASE("humaneval-x", "HumanEval-X' prompt as it is: 1024 tokens, T 0.8", P_RAW, 1024, 0.8,
         stop_chat),
    BASE("multipl-e", "MultiPL-E's prompt as it is: 1024 tokens, T 0.2", P_RAW, 1024, 0.2,
         stop_chat),
    CHAT("leetcode", "LeetCodeDataset's question as a message", P_WORDS, 2000, 0.2),
    LCB("livecodebench", "LiveCodeBench's generic prompt as one message", 0, true, 2000, 0.2),
    LCB("livecodebench-gemini", "its form for Gemini", 1, true, 2000, 0.2),
    LCB("livecodebench-o1", "its form for OpenAI's reasoning models", 2, true, 2000, 0.2),
    LCB("livecodebench-deepseek-coder", "its form for DeepSeek Coder Instruct, a plain text", 3,
        false, 2000, 0.2),
    LCB("livecodebench-qwen", "its form for Qwen's coders", 4, true, 2000, 0.2),
    LCB("livecodebench-qwq", "its form for QwQ", 5, true, 2000, 0.2),
    LCB("livecodebench-r1",
        "its form for DeepSeek-R1 and what is distilled from it: 32768 tokens, T 0.6", 6, true,
        32768, 0.6),
    BASE("livecodebench-base", "its form for base models, after a worked example of ours",
         P_LCB_BASE, 2000, 0.2, stop_livecodebench),
};

/* Two small problems of ours for apps-2shot: the study does not say which it used. One reads
 * standard input, one is called, as the set's two kinds. */
static const char *const own_references[][1] = {
    {"n = int(input())\n"
     "numbers = list(map(int, input().split()))\n"
     "evens = [x for x in numbers if x % 2 == 0]\n"
     "print(sum(evens))\n"},
    {"class Solution:\n"
     "    def countVowels(self, text: str) -> int:\n"
     "        return sum(1 for c in text.lower() if c in \"aeiou\")\n"},
};

static const rn_problem own_shots[] = {
    {.task_id = "ration/apps-shot-1",
     .form = RN_FORM_STDIO,
     .prompt = "Anna wrote n whole numbers on a card. Find the sum of the even ones among them.\n\n"
               "-----Input-----\n\n"
               "The first line contains n (1 <= n <= 1000). The second line contains n integers, "
               "each between -1000 and 1000, separated by spaces.\n\n"
               "-----Output-----\n\n"
               "Print one integer: the sum of the even numbers, 0 if there are none.\n\n"
               "-----Example-----\n"
               "Input\n5\n1 2 3 4 5\n\nOutput\n6",
     .starter_code = "",
     .references = own_references[0],
     .n_references = 1},
    {.task_id = "ration/apps-shot-2",
     .form = RN_FORM_CALL,
     .prompt = "Given a string text, return the number of vowels (a, e, i, o, u, in either case) "
               "in it.\n\n"
               "Example 1:\nInput: text = \"Umbrella\"\nOutput: 3\n\n"
               "Constraints:\n0 <= text.length <= 1000",
     .entry_point = "countVowels",
     .starter_code = "class Solution:\n    def countVowels(self, text: str) -> int:\n        ",
     .references = own_references[1],
     .n_references = 1},
};

const rn_preset *rn_preset_at(size_t i)
{
    return i < sizeof presets / sizeof presets[0] ? &presets[i].preset : NULL;
}

static const entry *entry_of(const char *name)
{
    for (size_t i = 0; i < sizeof presets / sizeof presets[0]; i++)
        if (strcmp(presets[i].preset.name, name) == 0) return &presets[i];
    return NULL;
}

const rn_preset *rn_preset_find(const char *name)
{
    const entry *e = entry_of(name);
    return e ? &e->preset : NULL;
}

/* ---- pieces ---------------------------------------------------------------------------------- */

static const char *strip_front(const char *s)
{
    return s + strspn(s, " \t\r\n\f\v");
}

static size_t strip_back(const char *s)
{
    size_t n = strlen(s);
    while (n && strchr(" \t\r\n\f\v", s[n - 1]))
        n--;
    return n;
}

/* CRLF to LF: line ends of the file, not part of the text. */
static void put_code(rn_buf *out, const char *code, bool crlf)
{
    for (const char *c = code; *c; c++)
        if (crlf || c[0] != '\r' || c[1] != '\n') rn_buf_putc(out, *c);
}

static void put_mbpp(rn_buf *out, const rn_problem *p)
{
    rn_buf_printf(out,
                  "You are an expert Python programmer, and here is your task: %s Your code should "
                  "pass these tests:\n\n",
                  p->prompt);
    for (size_t i = 0; i < p->n_asserts; i++)
        rn_buf_printf(out, "%s\n", p->asserts[i]);
    rn_buf_puts(out, "[BEGIN]\n");
}

static void put_apps(rn_buf *out, const rn_problem *p)
{
    rn_buf_printf(out, "\nQUESTION:\n%s", p->prompt);
    if (*p->starter_code) rn_buf_printf(out, "\n%s", p->starter_code);
    rn_buf_puts(out, p->form == RN_FORM_CALL ? "\nUse Call-Based format"
                                             : "\nUse Standard Input format");
    rn_buf_puts(out, "\nANSWER:\n");
}

static void put_chat(rn_buf *out, const rn_problem *p)
{
    switch (p->form) {
    case RN_FORM_CHECK:
        rn_buf_printf(out,
                      "Complete this Python function. Answer with the whole function and the "
                      "imports it needs, in one fenced ```python block.\n\n```python\n%.*s\n```\n",
                      (int)strip_back(strip_front(p->prompt)), strip_front(p->prompt));
        return;
    case RN_FORM_ASSERTS:
        rn_buf_printf(out, "%s\n\nYour code should pass these tests:\n\n```python\n", p->prompt);
        for (size_t i = 0; i < p->n_asserts; i++)
            rn_buf_printf(out, "%s\n", p->asserts[i]);
        rn_buf_puts(out, "```\n\nAnswer with the whole program, without the tests, in one fenced "
                         "```python block.\n");
        return;
    case RN_FORM_STDIO:
    case RN_FORM_CALL:
        rn_buf_printf(out, "Solve this problem in Python.\n\n%s\n", p->prompt);
        if (*p->starter_code)
            rn_buf_printf(out, "\nStart from this code:\n\n```python\n%s\n```\n", p->starter_code);
        rn_buf_puts(out, p->form == RN_FORM_CALL
                             ? "\nThe function is called by the tests. "
                             : "\nThe program reads standard input and prints to standard "
                               "output. ");
        rn_buf_puts(out, "Answer with the whole program in one fenced ```python block.\n");
        return;
    }
}

static void put_bigcodebench(rn_buf *out, const char *text, bool fenced)
{
    const char *fence = fenced ? "```\n" : "";
    rn_buf_printf(out,
                  "Please provide a self-contained Python script that solves the following problem "
                  "in a markdown code block:\n%s%.*s\n%s",
                  fence, (int)strip_back(strip_front(text)), strip_front(text), fence);
}

/* LiveCodeBench's wordings: head, question, and the format behind `format`; "%s" is the text of the
 * problem or its starter code. */
#define LCB_EXPERT                                                                               \
    "You are an expert Python programmer. You will be given a question (problem specification) " \
    "and will generate a correct Python program that matches the specification and passes all "  \
    "tests."
#define LCB_TASK                                                                               \
    "You will be given a question (problem specification) and will generate a correct Python " \
    "program that matches the specification and passes all tests."
#define LCB_ONLY "You will NOT return anything except for the program."
#define LCB_STDIN                                                                                  \
    "Read the inputs from stdin solve the problem and write the answer to stdout (do not "         \
    "directly test on the sample inputs). Enclose your code within delimiters as follows. Ensure " \
    "that when the python program runs, it reads the inputs, runs the algorithm and writes "       \
    "output to STDOUT."
#define LCB_ANSWER "### Answer: (use the provided format with backticks)\n\n"

static const struct lcb_wording {
    const char *head, *question, *format, *from_stdin, *tail;
} lcb_wordings[] = {
    {LCB_EXPERT "\n\n", "### Question:\n%s\n\n", "### Format: ", LCB_STDIN, LCB_ANSWER},
    {LCB_EXPERT " Do NOT use system calls like `exit` in the generated program. Ensure that the "
                "first code block contains the solution.\n",
     "### Question:\n%s\n\n", "### Format: ", LCB_STDIN, LCB_ANSWER},
    {LCB_EXPERT "\n\n", "### Question:\n%s\n\n", "### Format: ",
     "Implement a function called `main()` which orchastrates the solution by reading inputs from "
     "stdin and writing the answer to stdout. Feel free to use additional functions as necessary. "
     "Next do NOT forget to call `main` function at the end of the program otherwise you will not "
     "be awarded any points.",
     LCB_ANSWER},
    {"You are an AI programming assistant, utilizing the DeepSeek Coder model, developed by "
     "DeepSeek Company, and you answer questions related to computer science.\n\n### "
     "Instruction: " LCB_TASK " " LCB_ONLY "\n\n",
     "Question:\n%s\n\n", "### Instruction: ", LCB_STDIN, "### Response:\n\n"},
    /* ChatML's user line is followed by an empty one; the system's text is the template's own. */
    {"\n" LCB_TASK " " LCB_ONLY "\n\n", "Question: %s\n\n", "", LCB_STDIN, ""},
    {"\n" LCB_TASK "\n\n", "Question: %s\n\n", "", LCB_STDIN, ""},
    /* R1's system text, which its template would put before the message, leads it here. */
    {"A conversation between User and Assistant. The user asks a question, and the Assistant "
     "solves it. The assistant first thinks about the reasoning process in the mind and then "
     "provides the user with the answer. The reasoning process and answer are enclosed within "
     "<think> </think> and <answer> </answer> tags, respectively, i.e., <think> reasoning process "
     "here </think> <answer> answer here </answer>.\n\n" LCB_TASK "\n\n",
     "Question: %s\n\n", "", LCB_STDIN, ""},
};

static void put_livecodebench(rn_buf *out, const rn_problem *p, const struct lcb_wording *w)
{
    const char *hole = strstr(w->question, "%s");
    rn_buf_puts(out, w->head);
    rn_buf_add(out, w->question, (size_t)(hole - w->question));
    rn_buf_printf(out, "%s%s%s", p->prompt, hole + 2, w->format);
    if (*p->starter_code)
        rn_buf_puts(out, "You will use the following starter code to write the solution to the "
                         "problem and enclose your code within delimiters.");
    else
        rn_buf_puts(out, w->from_stdin);
    rn_buf_printf(out, "\n```python\n%s\n```\n\n%s",
                  *p->starter_code ? p->starter_code : "# YOUR CODE HERE", w->tail);
}

/* `answer` NULL: of the problem that is asked. */
static void put_livecodebench_base(rn_buf *out, const rn_problem *p, const char *answer)
{
    rn_buf_printf(out, "### Question\n%s\n\n", p->prompt);
    if (*p->starter_code) rn_buf_printf(out, "### Starter Code\n%s\n\n", p->starter_code);
    rn_buf_puts(out, "### Answer\n\n");
    if (answer) rn_buf_printf(out, "%s\n\n", answer);
}

/* ---- presets --------------------------------------------------------------------------------- */

static bool fits(builder b, rn_form f)
{
    switch (b) {
    case P_RAW:
    case P_STRIPPED: return f == RN_FORM_CHECK;
    case P_MBPP: return f == RN_FORM_ASSERTS;
    case P_APPS:
    case P_LCB_BASE: return f == RN_FORM_STDIO || f == RN_FORM_CALL;
    case P_BCB:
    case P_BCB_WORDS:
    case P_WORDS: return f == RN_FORM_CHECK;
    case P_CHAT: return true;
    case P_LCB: break;
    }
    return f == RN_FORM_STDIO || f == RN_FORM_CALL;
}

static int put_shots(const entry *e, const rn_taskset *set, const rn_problem *p, rn_buf *out,
                     rn_err *err)
{
    bool own = e->build == P_APPS && (!set || set->n_shots == 0);
    const rn_problem *shots = own ? own_shots : set ? set->shots : NULL;
    size_t n = own ? sizeof own_shots / sizeof own_shots[0] : set ? set->n_shots : 0;
    size_t used = 0;
    for (size_t i = 0; i < n && used < (size_t)e->n_shots; i++) {
        const rn_problem *s = &shots[i];
        if (s->n_references == 0 || !fits(e->build, s->form)) continue;
        used++;
        if (strcmp(s->task_id, p->task_id) == 0) continue;
        if (e->build == P_MBPP) {
            put_mbpp(out, s);
            put_code(out, s->references[0], e->crlf);
            rn_buf_puts(out, "\n[DONE]\n");
        } else {
            put_apps(out, s);
            put_code(out, s->references[0], false);
            rn_buf_putc(out, '\n');
        }
    }
    if (used < (size_t)e->n_shots)
        return rn_fail(
            err, RN_EINVAL,
            "the preset %s needs %d worked examples and the set %s has %zu; use a 0-shot "
            "preset, or the set's whole file",
            e->preset.name, e->n_shots, set ? set->name : "(none)", used);
    return 0;
}

int rn_prompt_build(const rn_preset *preset, const rn_taskset *set, const rn_problem *p,
                    rn_buf *out, rn_err *err)
{
    const entry *e = entry_of(preset->name);
    if (!e) return rn_fail(err, RN_EINVAL, "no prompt preset is called '%s'", preset->name);
    if (!fits(e->build, p->form))
        return rn_fail(err, RN_EINVAL, "the preset %s does not fit the problem %s of the set %s",
                       preset->name, p->task_id, set ? set->name : "(none)");
    int rc = e->n_shots ? put_shots(e, set, p, out, err) : 0;
    if (rc) return rc;
    switch (e->build) {
    case P_RAW: rn_buf_puts(out, p->prompt); break;
    case P_STRIPPED:
        rn_buf_add(out, strip_front(p->prompt), strip_back(strip_front(p->prompt)));
        break;
    case P_MBPP: put_mbpp(out, p); break;
    case P_APPS: put_apps(out, p); break;
    case P_CHAT: put_chat(out, p); break;
    case P_BCB: put_bigcodebench(out, p->prompt, true); break;
    case P_BCB_WORDS:
    case P_WORDS:
        if (!p->instruct)
            return rn_fail(err, RN_EINVAL,
                           "the problem %s has no instruct prompt, which the preset "
                           "%s needs",
                           p->task_id, preset->name);
        if (e->build == P_WORDS)
            rn_buf_puts(out, p->instruct);
        else
            put_bigcodebench(out, p->instruct, false);
        break;
    case P_LCB:
    default: put_livecodebench(out, p, &lcb_wordings[e->build - P_LCB]); break;
    case P_LCB_BASE: {
        const rn_problem *shot = &own_shots[*p->starter_code ? 1 : 0];
        put_livecodebench_base(out, shot, shot->references[0]);
        put_livecodebench_base(out, p, NULL);
        break;
    }
    }
    return rn_buf_ok(out) ? 0 : rn_nomem(err, "prompt");
}
