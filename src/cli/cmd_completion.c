/*
 * cmd_completion.c: `ration completion bash|zsh`: a completion script made from the option tables,
 * so that it always fits the program that made it.
 *
 * What can be typed where an option or an operand needs a value follows from the tables: the name
 * for what a value is (metavar), the names that other modules list (sets, presets, ...), and for
 * the rest the choices that the help text spells out, in one of two ways:
 *     "table (default), csv or json", perhaps after "what it is: "     each part is one word
 *     "study: 128 tokens per sample; exact: its real tokens"             each part begins with one
 *
 * bash gets one function with a case for "COMMAND OPTION" (the value) and one for COMMAND (options
 * and operands); zsh gets an _arguments specification for each command.
 */
#include "cli/commands.h"

typedef enum offer {
    OFFER_NONE,       /* a number, a name: nothing to offer */
    OFFER_FILE,       /* any file */
    OFFER_GGUF,       /* a model file */
    OFFER_DIR,        /* a folder */
    OFFER_WORDS,      /* one of *words */
    OFFER_WORDS_FILE, /* one of *words, or a file */
} offer;

/* ---- choices --------------------------------------------------------------------------------- */

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

static offer complete_value(const rn_opt *o, rn_buf *words)
{
    rn_buf_clear(words);
    if (o->type != RN_OPT_T_STR && o->type != RN_OPT_T_LIST) return OFFER_NONE;
    if (strcmp(o->metavar, "DIR") == 0) return OFFER_DIR;
    if (strncmp(o->metavar, "FILE.gguf", 9) == 0) return OFFER_GGUF;
    if (strstr(o->metavar, "FILE") || strcmp(o->metavar, "STORE") == 0 ||
        strcmp(o->metavar, "PATH") == 0)
        return OFFER_FILE;
    if (strcmp(o->metavar, "SET") == 0) {
        put_known("set", words);
        return OFFER_WORDS_FILE;
    }
    const bool listed = !strchr(o->metavar, '=') && put_known(o->name, words);
    if (listed || put_choices(o->help, words)) return OFFER_WORDS;
    return OFFER_NONE;
}

static offer complete_operand(const rn_command *cmd, rn_buf *words)
{
    rn_buf_clear(words);
    offer kind = OFFER_NONE;
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
            kind = OFFER_WORDS;
        } else if (!value && (strncmp(p, "SET", 3) == 0 || strncmp(p, "[SET", 4) == 0)) {
            put_known("set", words);
            kind = OFFER_WORDS;
        } else if (!value && (strncmp(p, "FILE.gguf", 9) == 0)) {
            kind = OFFER_GGUF;
        } else if (!value && (strncmp(p, "FILE", 4) == 0 || strncmp(p, "[FILE", 5) == 0 ||
                              strncmp(p, "problem", 7) == 0)) {
            kind = OFFER_FILE;
        }
        value = *p == '-';
        p += len;
        p += strspn(p, " ");
    }
    return kind;
}

/* ---- scripts --------------------------------------------------------------------------------- */

typedef struct script {
    rn_buf values, commands; /* bash: arms of the two cases; zsh: arms in `commands` */
} script;

/* Both write a value's choices in quotes: they are words of lower case, digits and "-_./@". */

/* ---- bash ------------------------------------------------------------------------------------ */

static void bash_offer(rn_buf *out, offer kind, const rn_buf *words)
{
    const char *w = words->data ? words->data : "";
    switch (kind) {
    case OFFER_NONE: break;
    case OFFER_FILE: rn_buf_puts(out, "_ration_files; "); break;
    case OFFER_GGUF: rn_buf_puts(out, "_ration_files .gguf; "); break;
    case OFFER_DIR: rn_buf_puts(out, "_ration_folders; "); break;
    case OFFER_WORDS: rn_buf_printf(out, "_ration_words '%s'; ", w); break;
    case OFFER_WORDS_FILE: rn_buf_printf(out, "_ration_words '%s'; _ration_files; ", w); break;
    }
}

static void bash_command(void *user, const rn_command *cmd, const rn_opt *table)
{
    script *s = user;
    rn_buf words = {0};
    rn_buf_printf(&s->commands, "    %s)\n        options='", cmd->name);
    for (const rn_opt *o = table; o->type != RN_OPT_T_END; o++) {
        if (!rn_opt_is_shown(o)) continue;
        if (o->short_name) rn_buf_printf(&s->commands, "-%c ", o->short_name);
        rn_buf_printf(&s->commands, "--%s ", o->name);
        if (o->type == RN_OPT_T_FLAG) continue;
        if (o->short_name)
            rn_buf_printf(&s->values, "    '%s -%c' | '%s --%s') ", cmd->name, o->short_name,
                          cmd->name, o->name);
        else
            rn_buf_printf(&s->values, "    '%s --%s') ", cmd->name, o->name);
        bash_offer(&s->values, complete_value(o, &words), &words);
        rn_buf_puts(&s->values, "return ;;\n");
    }
    rn_buf_puts(&s->commands, "-h --help'\n");
    offer kind = complete_operand(cmd, &words);
    if (kind != OFFER_NONE) {
        rn_buf_puts(&s->commands, "        [[ $cur == -* ]] || { ");
        bash_offer(&s->commands, kind, &words);
        rn_buf_puts(&s->commands, "return; }\n");
    }
    rn_buf_puts(&s->commands, "        ;;\n");
    rn_buf_free(&words);
}

/* Up to the list of commands. Readline parts "--store=FILE" at the "=". */
static const char bash_head[] =
    "_ration_words() {\n"
    "    while IFS= read -r word; do COMPREPLY+=(\"$word\"); done < <(compgen -W \"$1\" -- "
    "\"$cur\")\n"
    "}\n\n"
    "_ration_folders() {\n"
    "    compopt -o filenames 2>/dev/null || :\n"
    "    while IFS= read -r word; do COMPREPLY+=(\"$word\"); done < <(compgen -d -- \"$cur\")\n"
    "}\n\n"
    "# Files, or those that end in $1, and folders on the way to them.\n"
    "_ration_files() {\n"
    "    compopt -o filenames 2>/dev/null || :\n"
    "    while IFS= read -r word; do\n"
    "        [[ -n $1 && $word != *\"$1\" && ! -d $word ]] || COMPREPLY+=(\"$word\")\n"
    "    done < <(compgen -f -- \"$cur\")\n"
    "}\n\n"
    "_ration() {\n"
    "    local cur=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}\n"
    "    local command=${COMP_WORDS[1]} options='' word\n"
    "    if [[ $cur == = ]]; then\n"
    "        cur=\n"
    "    elif [[ $previous == = ]]; then\n"
    "        previous=${COMP_WORDS[COMP_CWORD - 2]}\n"
    "    fi\n"
    "    COMPREPLY=()\n"
    "    if ((COMP_CWORD == 1)); then\n";

static void print_bash(rn_buf *out)
{
    script s = {0};
    rn_buf names = {0};
    for (size_t i = 0; rn_command_at(i); i++) {
        rn_opt_visit(rn_command_at(i), bash_command, &s);
        rn_buf_printf(&names, "%s ", rn_command_at(i)->name);
    }
    rn_buf_printf(out, "# bash completion of ration %s, made by `ration completion bash`\n\n",
                  rn_version());
    rn_buf_puts(out, bash_head);
    rn_buf_printf(out, "        _ration_words '%s--help --version'\n        return\n    fi\n",
                  names.data ? names.data : "");
    rn_buf_puts(out, "    case \"$command $previous\" in\n");
    rn_buf_add(out, s.values.data, s.values.len);
    rn_buf_puts(out, "    esac\n    case $command in\n");
    rn_buf_add(out, s.commands.data, s.commands.len);
    rn_buf_puts(out, "    esac\n    _ration_words \"$options\"\n}\n\ncomplete -F _ration ration\n");
    rn_buf_free(&names);
    rn_buf_free(&s.values);
    rn_buf_free(&s.commands);
}

/* ---- zsh ------------------------------------------------------------------------------------- */

/* Text inside single quotes of a specification: quotes, brackets and colons are escaped. */
static void zsh_text(rn_buf *out, const char *text)
{
    for (const char *p = text; *p; p++) {
        if (*p == '\'') {
            rn_buf_puts(out, "'\\''");
            continue;
        }
        if (strchr("[]:\\", *p)) rn_buf_putc(out, '\\');
        rn_buf_putc(out, *p == '\n' ? ' ' : *p);
    }
}

/* ":what it is:action" of a value or an operand. */
static void zsh_action(rn_buf *out, const char *what, offer kind, const rn_buf *words)
{
    rn_buf_putc(out, ':');
    zsh_text(out, what);
    rn_buf_putc(out, ':');
    const char *w = words->data ? words->data : "";
    switch (kind) {
    case OFFER_NONE: rn_buf_putc(out, ' '); break;
    case OFFER_FILE: rn_buf_puts(out, "_files"); break;
    case OFFER_GGUF: rn_buf_puts(out, "_files -g \"*.gguf\""); break;
    case OFFER_DIR: rn_buf_puts(out, "_files -/"); break;
    case OFFER_WORDS: rn_buf_printf(out, "(%s)", w); break;
    case OFFER_WORDS_FILE: rn_buf_printf(out, "{compadd -- %s; _files}", w); break;
    }
}

static void zsh_command(void *user, const rn_command *cmd, const rn_opt *table)
{
    script *s = user;
    rn_buf words = {0};
    rn_buf *out = &s->commands;
    rn_buf_printf(out, "    %s)\n        _arguments \\\n", cmd->name);
    for (const rn_opt *o = table; o->type != RN_OPT_T_END; o++) {
        if (!rn_opt_is_shown(o)) continue;
        const char *many = o->type == RN_OPT_T_LIST ? "*" : "";
        const char *equals = o->type == RN_OPT_T_FLAG ? "" : "=";
        for (int form = o->short_name ? 0 : 1; form < 2; form++) {
            rn_buf_puts(out, "            '");
            if (!*many && o->short_name) rn_buf_printf(out, "(-%c --%s)", o->short_name, o->name);
            if (form == 0)
                rn_buf_printf(out, "%s-%c%s[", many, o->short_name, *equals ? "+" : "");
            else
                rn_buf_printf(out, "%s--%s%s[", many, o->name, equals);
            zsh_text(out, o->help);
            rn_buf_putc(out, ']');
            if (*equals) zsh_action(out, o->metavar, complete_value(o, &words), &words);
            rn_buf_puts(out, "' \\\n");
        }
    }
    offer kind = complete_operand(cmd, &words);
    if (kind != OFFER_NONE) {
        rn_buf_puts(out, "            '*");
        zsh_action(out, "operand", kind, &words);
        rn_buf_puts(out, "' \\\n");
    }
    rn_buf_puts(out, "            '(-h --help)'{-h,--help}'[show this help]'\n        ;;\n");
    rn_buf_free(&words);
}

static void print_zsh(rn_buf *out)
{
    script s = {0};
    rn_buf_printf(out,
                  "#compdef ration\n"
                  "# zsh completion of ration %s, made by `ration completion zsh`\n\n"
                  "_ration() {\n"
                  "    local -a commands=(\n",
                  rn_version());
    for (size_t i = 0; rn_command_at(i); i++) {
        const rn_command *c = rn_command_at(i);
        rn_opt_visit(c, zsh_command, &s);
        rn_buf_printf(out, "        '%s:", c->name);
        zsh_text(out, c->summary);
        rn_buf_puts(out, "'\n");
    }
    rn_buf_puts(out,
                "    )\n"
                "    if ((CURRENT == 2)); then\n"
                "        _describe command commands\n"
                "        _arguments '--help[list the commands]' '--version[print the version]'\n"
                "        return\n"
                "    fi\n"
                "    local command=$words[2]\n"
                "    shift words\n"
                "    ((CURRENT--))\n"
                "    case $command in\n");
    rn_buf_add(out, s.commands.data, s.commands.len);
    rn_buf_puts(out, "    esac\n}\n\n_ration \"$@\"\n");
    rn_buf_free(&s.commands);
}

int rn_cmd_completion(int argc, char **argv)
{
    const rn_command *cmd = rn_command_find("completion");
    const rn_opt table[] = {RN_OPT_END};
    int first;
    int status =
        rn_opt_parse(cmd,
                     "Prints a script that completes commands, options and their values. "
                     "`make install` puts both\nwhere the shells look; for this shell only: "
                     "source <(ration completion bash)",
                     table, argc, argv, &first);
    if (status >= 0) return status;
    bool bash = first + 1 == argc && strcmp(argv[first], "bash") == 0;
    bool zsh = first + 1 == argc && strcmp(argv[first], "zsh") == 0;
    if (!bash && !zsh) return rn_opt_usage(cmd, "say which shell: bash or zsh");
    rn_buf out = {0};
    (bash ? print_bash : print_zsh)(&out);
    const rn_err err = {.code = rn_opt_print(&out)};
    return err.code ? rn_opt_failure(cmd, &err) : RN_EXIT_DONE;
}
