/*
 * chat_template.c: a chat template rendered once per file, around a mark in the user's place.
 *
 * The program below runs as a judged command: no network, no files but its own, limits of time and
 * memory. It sets jinja2 up as transformers does (trim_blocks, lstrip_blocks, loop controls, tojson
 * without escapes, raise_exception, strftime_now), with one user message and add_generation_prompt.
 * The message is a mark between blanks: whether they are there in the result tells whether the
 * template trims the text. A command's output shows its last KiB alone, so that the result is
 * fetched in pieces.
 */
#include "run/chat_template.h"

#include "base/file.h"
#include "base/json.h"
#include "judge/judge.h"

#include <unistd.h>

enum { PIECE = 600, MAX_RENDERED = 64 << 10, WAIT_MS = 60000 };

static const char program[] =
    "import base64, json, sys\n"
    "try:\n"
    "    import jinja2, jinja2.ext, jinja2.nodes, jinja2.sandbox\n"
    "except ImportError:\n"
    "    print('no jinja2')\n"
    "    sys.exit(0)\n"
    "from datetime import datetime, timezone\n"
    "class Generation(jinja2.ext.Extension):\n"
    "    tags = {'generation'}\n"
    "    def parse(self, parser):\n"
    "        line = next(parser.stream).lineno\n"
    "        body = parser.parse_statements(['name:endgeneration'], drop_needle=True)\n"
    "        return jinja2.nodes.Scope(body).set_lineno(line)\n"
    "def fail(message):\n"
    "    raise jinja2.exceptions.TemplateError(message)\n"
    "def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):\n"
    "    return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators,\n"
    "                      sort_keys=sort_keys)\n"
    "q = json.load(open('question.json', encoding='utf-8'))\n"
    "env = jinja2.sandbox.ImmutableSandboxedEnvironment(\n"
    "    trim_blocks=True, lstrip_blocks=True,\n"
    "    extensions=[Generation, jinja2.ext.loopcontrols])\n"
    "env.filters['tojson'] = tojson\n"
    "env.globals['raise_exception'] = fail\n"
    "env.globals['strftime_now'] = lambda f: datetime.now(timezone.utc).strftime(f)\n"
    "try:\n"
    "    text = env.from_string(q['template']).render(\n"
    "        messages=[{'role': 'user', 'content': q['user']}], tools=None, documents=None,\n"
    "        add_generation_prompt=True, bos_token=q['bos'], eos_token=q['eos'], **q['args'])\n"
    "except Exception as e:\n"
    "    print('error', type(e).__name__, str(e)[:400])\n"
    "    sys.exit(0)\n"
    "data, at = text.encode('utf-8'), int(sys.argv[1])\n"
    "print('rendered', len(data), base64.b64encode(data[at:at + int(sys.argv[2])]).decode())\n";

/* ---- the question ---------------------------------------------------------------------------- */

static rn_bytes token_text(const rn_gguf *g, const char *key)
{
    uint32_t id = 0;
    const rn_gguf_kv *tokens = rn_gguf_find(g, "tokenizer.ggml.tokens");
    if (!rn_gguf_find(g, key) || rn_gguf_u32_opt(g, key, &id, NULL)) return (rn_bytes){0};
    return tokens && tokens->strs && id < tokens->n ? tokens->strs[id] : (rn_bytes){0};
}

static int write_question(const rn_gguf *g, const char *dir, rn_bytes template, const char *args,
                          rn_err *err)
{
    rn_bytes bos = token_text(g, "tokenizer.ggml.bos_token_id");
    rn_bytes eos = token_text(g, "tokenizer.ggml.eos_token_id");
    json_t *given = NULL;
    rn_json_at at = {"--chat-args", 0};
    int rc = rn_json_parse(rn_bytes_of(args ? args : "{}"), at, &given, err);
    if (!rc && !json_is_object(given))
        rc = rn_fail(err, RN_EINVAL,
                     "--chat-args is not a JSON object; write e.g. "
                     "--chat-args '{\"enable_thinking\": false}'");
    rn_buf b = {0};
    rn_buf_puts(&b, "{\"user\": ");
    rn_buf_json(&b, rn_bytes_of(" " RN_CHAT_PLACE " "));
    rn_buf_puts(&b, ", \"template\": ");
    rn_buf_json(&b, template);
    rn_buf_puts(&b, ", \"bos\": ");
    rn_buf_json(&b, bos);
    rn_buf_puts(&b, ", \"eos\": ");
    rn_buf_json(&b, eos);
    rn_buf_printf(&b, ", \"args\": %s}", args ? args : "{}");
    json_decref(given);
    char path[4200];
    snprintf(path, sizeof path, "%s/question.json", dir);
    if (!rc && !rn_buf_ok(&b)) rc = rn_nomem(err, "chat template");
    if (!rc) rc = rn_file_write_atomic(path, rn_buf_view(&b), err);
    snprintf(path, sizeof path, "%s/render.py", dir);
    if (!rc) rc = rn_file_write_atomic(path, rn_bytes_of(program), err);
    rn_buf_free(&b);
    return rc;
}

/* ---- the answer ------------------------------------------------------------------------------ */

static int base64_digit(char c)
{
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

static void add_base64(const char *text, rn_buf *out)
{
    uint32_t bits = 0;
    int n = 0;
    for (; base64_digit(*text) >= 0; text++) {
        bits = bits << 6 | (uint32_t)base64_digit(*text);
        if ((n += 6) < 8) continue;
        n -= 8;
        rn_buf_putc(out, (char)(bits >> n & 0xFF));
    }
}

/* Runs the program for the piece at `out->len`; *whole: bytes of the result. */
static int fetch_piece(rn_judge *j, const char *path, rn_buf *out, size_t *whole, rn_err *err)
{
    char command[96];
    snprintf(command, sizeof command, "/usr/bin/python3 render.py %zu %d", out->len, PIECE);
    const rn_judge_case only = {.input = rn_bytes_of(command)};
    const rn_judge_job job = {.mode = RN_JUDGE_COMMAND, .cases = &only, .n_cases = 1};
    uint64_t tag;
    rn_judge_result r;
    int rc = rn_judge_submit(j, &job, 0, err);
    if (rc) return rc;
    if ((rc = rn_judge_wait(j, WAIT_MS, &tag, &r, err)) < 0) return rc;
    if (rc == 0) return rn_fail(err, RN_ESANDBOX, "%s: its chat template does not end", path);
    const char *text = strstr(r.output, "rendered ");
    if (r.verdict == RN_V_PASSED && text) {
        char *end;
        *whole = (size_t)strtoull(text + 9, &end, 10);
        add_base64(end + (*end == ' '), out);
        return 0;
    }
    if (strstr(r.output, "no jinja2"))
        return rn_fail(
            err, RN_EUNSUPPORTED,
            "%s: its chat template is none that is known as a whole, and python3-jinja2, "
            "which would render it, is not installed (apt install python3-jinja2); or "
            "name a form with --chat",
            path);
    text = strstr(r.output, "error ");
    return rn_fail(err, RN_EUNSUPPORTED,
                   "%s: its chat template cannot be rendered: %.200s; name a "
                   "form with --chat",
                   path, text ? text + 6 : r.detail);
}

static int fetch_all(const rn_tree *tree, const char *path, rn_buf *out, rn_err *err)
{
    rn_judge *j = NULL;
    const rn_judge_opts o = {.jobs = 1, .tree = tree};
    size_t whole = 1;
    int rc = rn_judge_open(&o, &j, err);
    while (!rc && out->len < whole && rn_buf_ok(out)) {
        size_t had = out->len;
        rc = fetch_piece(j, path, out, &whole, err);
        if (!rc && (whole > MAX_RENDERED || (out->len == had && whole)))
            rc = rn_fail(err, RN_EFORMAT, "%s: its chat template gives %zu bytes for one question",
                         path, whole);
    }
    rn_judge_close(j);
    if (!rc && !rn_buf_ok(out)) rc = rn_nomem(err, "chat template");
    return rc;
}

static int render(const rn_gguf *g, rn_bytes template, const char *args, rn_buf *out, rn_err *err)
{
    const char *tmp = getenv("TMPDIR");
    char dir[4096], path[4200];
    snprintf(dir, sizeof dir, "%s/ration-chat-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    if (!mkdtemp(dir)) return rn_fail_errno(err, "a folder for rendering a chat template");
    rn_tree *tree = NULL;
    rn_buf raw = {0};
    int rc = write_question(g, dir, template, args, err);
    if (!rc) rc = rn_tree_pack(dir, 0, &tree, err);
    if (!rc) rc = fetch_all(tree, rn_gguf_path(g), &raw, err);
    rn_tree_free(tree);
    snprintf(path, sizeof path, "%s/question.json", dir);
    unlink(path);
    snprintf(path, sizeof path, "%s/render.py", dir);
    unlink(path);
    rmdir(dir);
    if (!rc) rc = rn_chat_place(rn_buf_view(&raw), out, err);
    rn_buf_free(&raw);
    return rc ? rn_err_prefix(err, "%s", rn_gguf_path(g)) : 0;
}

int rn_chat_choose(const rn_gguf *g, const char *want, const char *args, rn_chat *out,
                   rn_buf *system, rn_err *err)
{
    rn_chat found = RN_CHAT_NONE;
    rn_bytes own = {0}, template = {0};
    int rc = rn_chat_detect(g, &found, &own, err);
    rn_buf_clear(system);
    if (strcmp(want, "auto") != 0 && strcmp(want, rn_chat_name(RN_CHAT_TEMPLATE)) != 0) {
        int bad = rn_chat_parse(want, out, err);
        if (!bad && !rc && *out == found) rn_buf_add(system, own.data, own.len);
        return bad;
    }
    bool named = strcmp(want, "auto") == 0 && !args;
    if (!rc && (named || found == RN_CHAT_NONE)) {
        *out = found;
        rn_buf_add(system, own.data, own.len);
        return 0;
    }
    rc = rn_gguf_str(g, "tokenizer.chat_template", &template, err);
    if (!rc) rc = render(g, template, args, system, err);
    if (!rc) *out = RN_CHAT_TEMPLATE;
    return rc;
}
