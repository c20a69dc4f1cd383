/*
 * complete.c: what can be typed where an option or an operand needs a value; see complete.h.
 *
 * Everything follows from the option tables: the name for what a value is (metavar), the names that
 * other modules list (sets, presets, ...), and for the rest the choices that the help text spells
 * out. A help text spells choices out in one of two ways:
 *     "table (default), csv or json", perhaps after "what it is: "     each part is one word
 *     "study: 128 tokens per sample; exact: its real tokens"             each part begins with one
 */
#include "cli/complete.h"

static void put(rn_buf *words, const char *word, size_t len)
{
    if (words->len) rn_buf_putc(words, ' ');
    rn_buf_add(words, word, len);
}

/* The names that the library knows; false if it knows none of this. */
static bool put_known(const char *what, rn_buf *words)
{
    char *names = rn_known_names(what);
    if (names) put(words, names, strlen(names));
    free(names);
    return names != NULL;
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
        put_known("set", words);
        return RN_COMPLETE_WORDS_FILE;
    }
    const bool listed = !strchr(o->metavar, '=') && put_known(o->name, words);
    if (listed || put_choices(o->help, words)) return RN_COMPLETE_WORDS;
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
            put_known("set", words);
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
