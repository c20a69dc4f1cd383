/*
 * cmd_completion.c: `ration completion bash|zsh`: a completion script made from the option tables,
 * so that it always fits the program that made it.
 *
 * bash gets one function with a case for "COMMAND OPTION" (the value) and one for COMMAND (options
 * and operands); zsh gets an _arguments specification for each command.
 */
#include "cli/commands.h"
#include "cli/complete.h"

typedef struct script {
    rn_buf values, commands; /* bash: arms of the two cases; zsh: arms in `commands` */
} script;

/* Both write a value's choices in quotes: they are words of lower case, digits and "-_./@". */

/* ---- bash ------------------------------------------------------------------------------------ */

static void bash_offer(rn_buf *out, rn_complete kind, const rn_buf *words)
{
    const char *w = words->data ? words->data : "";
    switch (kind) {
    case RN_COMPLETE_NONE: break;
    case RN_COMPLETE_FILE: rn_buf_puts(out, "_ration_files; "); break;
    case RN_COMPLETE_GGUF: rn_buf_puts(out, "_ration_files .gguf; "); break;
    case RN_COMPLETE_DIR: rn_buf_puts(out, "_ration_folders; "); break;
    case RN_COMPLETE_WORDS: rn_buf_printf(out, "_ration_words '%s'; ", w); break;
    case RN_COMPLETE_WORDS_FILE:
        rn_buf_printf(out, "_ration_words '%s'; _ration_files; ", w);
        break;
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
        bash_offer(&s->values, rn_complete_value(o, &words), &words);
        rn_buf_puts(&s->values, "return ;;\n");
    }
    rn_buf_puts(&s->commands, "-h --help'\n");
    rn_complete kind = rn_complete_operand(cmd, &words);
    if (kind != RN_COMPLETE_NONE) {
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
static void zsh_action(rn_buf *out, const char *what, rn_complete kind, const rn_buf *words)
{
    rn_buf_putc(out, ':');
    zsh_text(out, what);
    rn_buf_putc(out, ':');
    const char *w = words->data ? words->data : "";
    switch (kind) {
    case RN_COMPLETE_NONE: rn_buf_putc(out, ' '); break;
    case RN_COMPLETE_FILE: rn_buf_puts(out, "_files"); break;
    case RN_COMPLETE_GGUF: rn_buf_puts(out, "_files -g \"*.gguf\""); break;
    case RN_COMPLETE_DIR: rn_buf_puts(out, "_files -/"); break;
    case RN_COMPLETE_WORDS: rn_buf_printf(out, "(%s)", w); break;
    case RN_COMPLETE_WORDS_FILE: rn_buf_printf(out, "{compadd -- %s; _files}", w); break;
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
            if (*equals) zsh_action(out, o->metavar, rn_complete_value(o, &words), &words);
            rn_buf_puts(out, "' \\\n");
        }
    }
    rn_complete kind = rn_complete_operand(cmd, &words);
    if (kind != RN_COMPLETE_NONE) {
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
