/*
 * complete.c: what can be typed where an option or an operand needs a value; see complete.h.
 *
 * Everything follows from the option tables: the name for what a value is (metavar), the names that
 * other modules list (sets, presets, ...), and for the rest the choices that the help text spells
 * out. A help text spells choices out in one of two ways:
 *     "table (default), csv or json", perhaps after "what it is: "     each part is one word
 *     "study: 128 tokens a sample; exact: its real tokens"             each part begins with one
 */
#include "cli/complete.h"

#include "cost/cost.h"
#include "run/study.h"
#include "task/prompt.h"
#include "task/task.h"

#include <ctype.h>

static void put(rn_buf *words, const char *word, size_t len)
{
    if (words->len) rn_buf_putc(words, ' ');
    rn_buf_add(words, word, len);
}

static void put_sets(rn_buf *words)
{
    for (size_t i = 0; rn_set_at(i); i++)
        put(words, rn_set_at(i)->name, strlen(rn_set_at(i)->name));
}

static void put_presets(rn_buf *words)
{
    for (size_t i = 0; rn_preset_at(i); i++)
        put(words, rn_preset_at(i)->name, strlen(rn_preset_at(i)->name));
    for (size_t i = 0; rn_paper_at(i); i++)
        if (!rn_preset_find(rn_paper_at(i)->name))
            put(words, rn_paper_at(i)->name, strlen(rn_paper_at(i)->name));
}

static void put_extractors(rn_buf *words)
{
    for (size_t i = 0; rn_extractor_at(i); i++)
        put(words, rn_extractor_at(i), strlen(rn_extractor_at(i)));
}

static void put_costs(rn_buf *words, bool profiles)
{
    rn_cost_book *b = rn_cost_book_new();
    const char *name;
    for (size_t i = 0; b; i++) {
        const rn_cost *c = rn_cost_at(b, i);
        name = profiles ? rn_cost_profile_at(b, i) : c ? c->name : NULL;
        if (!name) break;
        put(words, name, strlen(name));
    }
    rn_cost_book_free(b);
}

/* Options whose values other modules list. */
static bool put_listed(const rn_opt *o, rn_buf *words)
{
    if (strcmp(o->name, "preset") == 0)
        put_presets(words);
    else if (strcmp(o->name, "extractor") == 0)
        put_extractors(words);
    else if (strcmp(o->name, "cost") == 0 && !strchr(o->metavar, '='))
        put_costs(words, false);
    else if (strcmp(o->name, "profile") == 0)
        put_costs(words, true);
    return words->len > 0;
}

static bool is_word_char(char c)
{
    return islower((unsigned char)c) || isdigit((unsigned char)c) || (c && strchr("-_./@", c));
}

static size_t word_len(const char *p)
{
    size_t n = 0;
    while (is_word_char(p[n]))
        n++;
    return n;
}

/* "a (default), b or c"; "..." may end it. False, and nothing written, if it is no such list. */
static bool put_list(const char *p, rn_buf *words)
{
    rn_buf found = {0};
    int n = 0;
    bool ok = true;
    while (ok && *p) {
        size_t len = word_len(p);
        ok = len > 0;
        if (ok && strncmp(p, "...", len) != 0) {
            put(&found, p, len);
            n++;
        }
        p += len;
        if (strncmp(p, " (default)", 10) == 0) p += 10;
        if (strncmp(p, ", ", 2) == 0)
            p += 2;
        else if (strncmp(p, " or ", 4) == 0)
            p += 4;
        else if (*p)
            ok = false;
    }
    ok = ok && n > 1;
    if (ok) put(words, found.data, found.len);
    rn_buf_free(&found);
    return ok;
}

/* "a: what it does; b: what that does". */
static bool put_explained(const char *p, rn_buf *words)
{
    rn_buf found = {0};
    bool ok = true;
    while (ok && p) {
        size_t len = word_len(p), skip = strncmp(p + len, " (default)", 10) == 0 ? 10 : 0;
        ok = len > 0 && p[len + skip] == ':' && strncmp(p, "default:", 8) != 0;
        if (ok) put(&found, p, len);
        p = strstr(p, "; ");
        if (p) p += 2;
    }
    if (ok) put(words, found.data, found.len);
    rn_buf_free(&found);
    return ok;
}

static bool put_choices(const char *help, rn_buf *words)
{
    if (put_list(help, words)) return true;
    if (put_explained(help, words)) return true;
    const char *colon = strstr(help, ": ");
    return colon && put_list(colon + 2, words);
}

rn_complete rn_complete_value(const rn_opt *o, rn_buf *words)
{
    rn_buf_clear(words);
    if (o->type != RN_OPT_T_STR && o->type != RN_OPT_T_LIST) return RN_COMPLETE_NONE;
    if (strcmp(o->metavar, "DIR") == 0) return RN_COMPLETE_DIR;
    if (strncmp(o->metavar, "FILE.gguf", 9) == 0) return RN_COMPLETE_GGUF;
    if (strstr(o->metavar, "FILE") || strcmp(o->metavar, "STORE") == 0 ||
        strcmp(o->metavar, "PATH") == 0)
        return RN_COMPLETE_FILE;
    if (strcmp(o->metavar, "SET") == 0) {
        put_sets(words);
        return RN_COMPLETE_WORDS_FILE;
    }
    if (put_listed(o, words) || put_choices(o->help, words)) return RN_COMPLETE_WORDS;
    return RN_COMPLETE_NONE;
}

rn_complete rn_complete_operand(const rn_command *cmd, rn_buf *words)
{
    rn_buf_clear(words);
    rn_complete kind = RN_COMPLETE_NONE;
    bool value = false; /* of an option that the synopsis shows */
    for (const char *p = cmd->args; *p;) {
        size_t len = strcspn(p, " ");
        bool option = *p == '-' || *p == '[';
        if (!option && !value && islower((unsigned char)*p)) {
            for (const char *q = p; q < p + len; q += word_len(q) + (q[word_len(q)] == '|'))
                if (word_len(q))
                    put(words, q, word_len(q));
                else
                    break;
            kind = RN_COMPLETE_WORDS;
        } else if (!value && (strncmp(p, "SET", 3) == 0 || strncmp(p, "[SET", 4) == 0)) {
            put_sets(words);
            kind = RN_COMPLETE_WORDS;
        } else if (!value && (strncmp(p, "FILE.gguf", 9) == 0)) {
            kind = RN_COMPLETE_GGUF;
        } else if (!value && (strncmp(p, "FILE", 4) == 0 || strncmp(p, "[FILE", 5) == 0 ||
                              strncmp(p, "problem", 7) == 0)) {
            kind = RN_COMPLETE_FILE;
        }
        value = *p == '-';
        p += len;
        p += strspn(p, " ");
    }
    return kind;
}
