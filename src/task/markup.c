/*
 * markup.c: channels, thinking and end tokens.
 *
 * A mark counts where it is no code: not within a string of a fenced block or of a line that can be
 * Python. Thinking is what stands between an opening mark at the start of a line and its closing
 * one; a closing mark without an opening one ends thinking that began with the text. Harmony's
 * answers (<|channel|>final<|message|>..., or with the marks stripped: analysis...assistantfinal)
 * are their last final channel and nothing else. An answer that ends while it thinks is none: a
 * draft is never taken for it.
 */
#include "task/markup.h"

#include "task/pylex.h"

static bool is_blank(rn_bytes s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.data[i] == '\0' || !strchr(" \t\r\n\f\v", s.data[i])) return false;
    return true;
}

static rn_bytes from(rn_bytes s, size_t i)
{
    i = i < s.len ? i : s.len;
    return (rn_bytes){.data = s.data + i, .len = s.len - i};
}

/* ---- cleaning -------------------------------------------------------------------------------- */

static rn_bytes skip_begin(rn_bytes raw)
{
    static const char *const begin[] = {
        "\xEF\xBB\xBF",
        "<s>",
        "<bos>",
        "<|begin_of_text|>",
        /* in parts: a hexadecimal escape takes every digit that follows, "be" of begin too */
        ("<\xEF\xBD\x9C"
         "begin\xE2\x96\x81of\xE2\x96\x81sentence\xEF\xBD\x9C>"),
        "<|im_start|>assistant\n",
        "<|start_header_id|>assistant<|end_header_id|>\n\n",
        "<start_of_turn>model\n",
        "<|turn>model\n",
        "<|assistant|>\n",
        "<|python_tag|>",
        "<fim_middle>",
        "<|fim_middle|>",
    };
    for (size_t i = 0; i < sizeof begin / sizeof begin[0]; i++)
        if (rn_bytes_starts(raw, begin[i])) raw = from(raw, strlen(begin[i]));
    return raw;
}

/* A terminal escape at i (its ESC): behind it. *back: columns that the cursor goes left. */
static size_t skip_escape(rn_bytes s, size_t i, size_t *back)
{
    *back = 0;
    char kind = i + 1 < s.len ? s.data[i + 1] : 0;
    if (kind == '[') {
        size_t k = i + 2, n = 0;
        while (k < s.len && s.data[k] >= 0x20 && s.data[k] < 0x40) {
            if (s.data[k] >= '0' && s.data[k] <= '9' && n < 10000)
                n = 10 * n + (size_t)(s.data[k] - '0');
            k++;
        }
        if (k < s.len && s.data[k] == 'D') *back = n ? n : 1;
        return k < s.len ? k + 1 : k;
    }
    if (kind == ']') { /* up to BEL or ESC \ */
        size_t k = i + 2;
        while (k < s.len && s.data[k] != '\a' && s.data[k] != '\x1b' && s.data[k] != '\n')
            k++;
        if (k < s.len && s.data[k] == '\a') return k + 1;
        return k + 1 < s.len && s.data[k] == '\x1b' && s.data[k + 1] == '\\' ? k + 2 : k;
    }
    return kind ? i + 2 : i + 1;
}

/* Takes characters of the last line off again; false at its start. */
static void step_back(rn_buf *out, size_t start, size_t n)
{
    for (; n > 0 && out->len > start && out->data[out->len - 1] != '\n'; n--) {
        size_t len = 1;
        while (len < 4 && out->len > start + len && (out->data[out->len - len] & 0xC0) == 0x80)
            len++;
        out->len -= len;
        out->data[out->len] = '\0';
    }
}

/* A zero-width space or joiner at the start of a line or at its end, where it came from a page. */
static bool is_invisible(rn_bytes rest, bool indent)
{
    static const char *const marks[] = {"\xE2\x80\x8B", "\xE2\x80\x8C", "\xE2\x81\xA0"};
    bool at_end = rest.len == 3 || (rest.len > 3 && strchr("\r\n", rest.data[3]) && rest.data[3]);
    if (!indent && !at_end) return false;
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++)
        if (rn_bytes_starts(rest, marks[i])) return true;
    return false;
}

void rn_chat_clean(rn_bytes raw, rn_buf *out)
{
    raw = skip_begin(raw);
    rn_buf_puts(out, ""); /* an empty text is still one */
    size_t start = out->len;
    bool indent = true, wrapped = false;
    for (size_t i = 0; i < raw.len && rn_buf_ok(out);) {
        char c = raw.data[i];
        rn_bytes rest = from(raw, i);
        if (c == '\r' || c == '\n') {
            i += c == '\r' && i + 1 < raw.len && raw.data[i + 1] == '\n' ? 2 : 1;
            /* A terminal that moves a word to the next line takes it back first. */
            if (!wrapped) rn_buf_putc(out, '\n');
            indent = !wrapped;
            wrapped = false;
        } else if (c == '\x1b') {
            size_t back;
            i = skip_escape(raw, i, &back);
            if (back) step_back(out, start, back);
            wrapped |= back > 0;
        } else if (rn_bytes_starts(rest, "\xEF\xBB\xBF")) {
            i += 3;
        } else if (is_invisible(rest, indent)) {
            i += 3;
        } else if (indent && rn_bytes_starts(rest, "\xC2\xA0")) {
            rn_buf_putc(out, ' ');
            i += 2;
        } else {
            indent &= c == ' ' || c == '\t';
            wrapped = false;
            size_t n = 1;
            while (!indent && i + n < raw.len && raw.data[i + n] != '\r' &&
                   raw.data[i + n] != '\n' && raw.data[i + n] != '\x1b' &&
                   raw.data[i + n] != '\xEF' && raw.data[i + n] != '\xE2')
                n++;
            rn_buf_add(out, raw.data + i, n);
            i += n;
        }
    }
}

/* ---- what is code ---------------------------------------------------------------------------- */

typedef struct span {
    size_t start, end;
} span;

/* Where the strings of a text's code are, in order; found when first asked for. */
typedef struct strings {
    rn_bytes text;
    RN_VEC(span) v;
    bool found;
} strings;

/* The strings of fenced code, whose comments count too, to their lines' ends. */
static void add_fenced(strings *s, const rn_chat_block *b, size_t base)
{
    rn_pylex x;
    rn_pylex_init(&x, b->code);
    for (rn_pytok t; (t = rn_pylex_next(&x)).kind != RN_PY_END;) {
        bool comment = t.kind == RN_PY_COMMENT;
        if ((t.kind == RN_PY_STRING && !t.bad) || comment)
            rn_vec_push(&s->v, ((span){base + t.start, base + t.end + comment}));
    }
}

/* The strings and comments of lines that can be Python: "# cut at </think> here" is code, a mark
 * that ends such a line is none. */
static void add_lines(strings *s, rn_bytes text, size_t base)
{
    rn_pylex x, y;
    rn_pyline line;
    rn_pylex_init(&x, text);
    while (rn_pyline_next(&x, &line)) {
        if (line.prose) continue;
        rn_pylex_init(&y, (rn_bytes){.data = text.data + line.first, .len = line.end - line.first});
        for (rn_pytok t; (t = rn_pylex_next(&y)).kind != RN_PY_END;) {
            size_t at = base + line.first;
            if ((t.kind == RN_PY_STRING && !t.bad) || t.kind == RN_PY_COMMENT)
                rn_vec_push(&s->v, ((span){at + t.start, at + t.end}));
        }
    }
}

static void find_strings(strings *s)
{
    rn_bytes text = s->text;
    rn_chat_block b;
    s->found = true;
    size_t pos = 0, done = 0;
    while (rn_chat_next_block(text, &pos, &b)) {
        add_lines(s, (rn_bytes){.data = text.data + done, .len = b.start - done}, done);
        add_fenced(s, &b, (size_t)(b.code.data - text.data));
        done = pos;
    }
    add_lines(s, from(text, done), done);
}

/* Within a string, or right between two quote marks or backticks. */
static bool is_code(strings *s, size_t at, size_t len)
{
    rn_bytes text = s->text;
    if (!s->found) find_strings(s);
    size_t lo = 0, hi = s->v.n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (s->v.data[mid].end <= at)
            lo = mid + 1;
        else
            hi = mid;
    }
    if (lo < s->v.n && s->v.data[lo].start < at && at + len < s->v.data[lo].end) return true;
    bool open = at > 0 && strchr("\"'`", text.data[at - 1]) && text.data[at - 1];
    bool line = at > 1 && text.data[at - 1] == '`' && text.data[at - 2] == '`'; /* a fence */
    return open && !line && at + len < text.len && text.data[at + len] == text.data[at - 1];
}

/* ---- end tokens ------------------------------------------------------------------------------ */

static const char *const end_tokens[] = {
    "<|endoftext|>",
    "<|im_end|>",
    "<|eot_id|>",
    "<|end_of_text|>",
    "<|EOT|>",
    "<|end|>",
    "<|return|>",
    "<|file_sep|>",
    "<|fim_prefix|>",
    "<|im_start|>",
    "<|eom_id|>",
    "<|file_separator|>",
    "<end_of_turn>",
    "<|end_of_solution|>",
    "<turn|>",
    "<|eot|>",
    "<eos>",
    "<|END_RESPONSE|>",
    "<|END_OF_TURN_TOKEN|>",
    "<|endofturn|>",
    "<|role_end|>",
    "<|user|>",
    "<|observation|>",
    "<|start_header_id|>",
    "<|start_of_role|>",
    "<SPECIAL_1",
    "<\xEF\xBD\x9CUser\xEF\xBD\x9C>",
    ("<\xEF\xBD\x9C"
     "end"),
};

/* Turns that go on with the same answer: <|im_start|>think, <|im_start|>answer. */
static const char think_turn[] = "<|im_start|>think", answer_turn[] = "<|im_start|>answer";

static bool goes_on(rn_bytes text, size_t at)
{
    return rn_bytes_starts(from(text, at), think_turn) ||
           rn_bytes_starts(from(text, at), answer_turn);
}

/* The first of `token` that is no code; text.len if there is none before `end`. */
static size_t find_token(strings *s, rn_bytes text, const char *token, size_t end)
{
    rn_bytes within = {.data = text.data, .len = end}, t = rn_bytes_of(token);
    for (size_t at = 0; (at = rn_bytes_find(within, t, at)) != SIZE_MAX; at += t.len)
        if (!is_code(s, at, t.len) && !goes_on(text, at)) return at;
    return end;
}

static size_t find_end(strings *s, rn_bytes text)
{
    size_t end = text.len;
    for (size_t i = 0; i < sizeof end_tokens / sizeof end_tokens[0]; i++)
        end = find_token(s, text, end_tokens[i], end);
    /* "</s>" is also HTML, so only where a line ends with it. */
    for (size_t at = 0; (at = rn_bytes_find(text, rn_bytes_of("</s>"), at)) < end; at += 4) {
        size_t next = at + 4;
        bool last = next == text.len || strchr("\n<[", text.data[next]);
        if (last && !is_code(s, at, 4)) end = at;
    }
    /* The next turn of a prompt without tokens of its own. */
    static const char *const turns[] = {"\n### Instruction:", "\n\nHuman:", "\n[INST]"};
    for (size_t i = 0; i < sizeof turns / sizeof turns[0]; i++)
        end = find_token(s, text, turns[i], end);
    size_t user = find_token(s, text, "\n\nUser:", end);
    size_t reply = rn_bytes_find(text, rn_bytes_of("\nAssistant:"), user);
    return reply < text.len ? user : end;
}

rn_bytes rn_chat_before_end(rn_bytes text)
{
    strings s = {.text = text};
    size_t end = find_end(&s, text);
    rn_vec_free(&s.v);
    return (rn_bytes){.data = text.data, .len = end};
}

/* ---- thinking -------------------------------------------------------------------------------- */

/* Marks that are no words in brackets. */
static const struct thinking {
    const char *open, *close;
} thinking[] = {
    {"\xE2\x97\x81think\xE2\x96\xB7", "\xE2\x97\x81/think\xE2\x96\xB7"}, /* Kimi */
    {"<|channel>thought", "<channel|>"},                                 /* Gemma 4 */
    {"<unused94>thought", "<unused95>"},                                 /* MedGemma */
    {"<|inner_prefix|>", "<|inner_suffix|>"},
    {think_turn, answer_turn}, /* s1 */
};

enum { N_THINKING = sizeof thinking / sizeof thinking[0], MAX_WORD = 32 };

typedef struct mark {
    size_t at, len;
    bool opens;
} mark;

typedef struct marks {
    RN_VEC(mark) v;
} marks;

static bool at_line_start(rn_bytes text, size_t at)
{
    while (at > 0 && (text.data[at - 1] == ' ' || text.data[at - 1] == '\t'))
        at--;
    return at == 0 || text.data[at - 1] == '\n' || text.data[at - 1] == '>' ||
           text.data[at - 1] == ']';
}

static int by_place(const void *a, const void *b)
{
    const mark *x = a, *y = b;
    return (x->at > y->at) - (x->at < y->at);
}

/* The word of a mark without what tells an opening from a closing one: "<|begin_of_thought|>". */
static bool is_thought(const char *word, bool *opens)
{
    static const char *const begins[] = {"begin_of_", "begin_", "start_of_", "start_"};
    static const char *const ends[] = {"/", "end_of_", "end_"};
    static const char *const words[] = {
        "think",    "thinking",           "thought",         "thoughts",    "reasoning",
        "reason",   "analysis",           "rationale",       "reflection",  "scratchpad",
        "planning", "internal_monologue", "inner_monologue", "antthinking", "scratch_pad"};
    *opens = true;
    for (size_t i = 0; i < sizeof begins / sizeof begins[0]; i++)
        if (strncmp(word, begins[i], strlen(begins[i])) == 0) {
            word += strlen(begins[i]);
            break;
        }
    for (size_t i = 0; i < sizeof ends / sizeof ends[0] && *opens; i++)
        if (strncmp(word, ends[i], strlen(ends[i])) == 0) {
            word += strlen(ends[i]);
            *opens = false;
        }
    for (const char *c = word; *c; c++) /* <seed:think>, <longcat_think> */
        if (*c == ':' || (*c == '_' && strcmp(c, "_think") == 0)) word = c + 1;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcmp(word, words[i]) == 0) return true;
    return false;
}

/* The length of a mark at `at`: <think>, <|thinking|>, [THINK], </seed:think>, with attributes or
 * without; 0 if there is none. */
static size_t mark_at(rn_bytes text, size_t at, bool *opens)
{
    static const char wide[] = "\xEF\xBD\x9C"; /* DeepSeek's bar */
    bool square = text.data[at] == '[';
    size_t i = at + 1, n = 0;
    char word[MAX_WORD];
    if (rn_bytes_starts(from(text, i), wide))
        i += sizeof wide - 1;
    else if (i < text.len && text.data[i] == '|')
        i++;
    for (; i < text.len && n + 1 < sizeof word; i++) {
        char c = text.data[i];
        bool upper = c >= 'A' && c <= 'Z', lower = c >= 'a' && c <= 'z';
        if (!upper && !(lower && !square) && !(c && strchr("_:/", c))) break;
        word[n++] = (char)(upper ? c + 32 : c);
    }
    word[n] = '\0';
    if (!is_thought(word, opens)) return 0;
    if (!square && *opens && i < text.len && text.data[i] == ' ') /* attributes */
        while (i < text.len && text.data[i] != '>' && text.data[i] != '\n')
            i++;
    if (rn_bytes_starts(from(text, i), wide))
        i += sizeof wide - 1;
    else if (i < text.len && text.data[i] == '|')
        i++;
    return i < text.len && text.data[i] == (square ? ']' : '>') ? i + 1 - at : 0;
}

/* An opening mark begins a line, or ends one. */
static bool stands_apart(rn_bytes text, size_t at, size_t len)
{
    return at_line_start(text, at) || (at + len < text.len && text.data[at + len] == '\n');
}

static void find_marks(rn_bytes text, strings *s, marks *m)
{
    for (size_t at = 0; at < text.len; at++) {
        if (text.data[at] != '<' && text.data[at] != '[') continue;
        bool opens;
        size_t len = mark_at(text, at, &opens);
        if (!len || is_code(s, at, len) || (opens && !stands_apart(text, at, len))) continue;
        rn_vec_push(&m->v, ((mark){.at = at, .len = len, .opens = opens}));
    }
    for (size_t i = 0; i < N_THINKING; i++) {
        for (int k = 0; k < 2; k++) {
            rn_bytes tag = rn_bytes_of(k ? thinking[i].close : thinking[i].open);
            for (size_t at = 0; (at = rn_bytes_find(text, tag, at)) != SIZE_MAX; at += tag.len) {
                if (is_code(s, at, tag.len) || (k == 0 && !at_line_start(text, at))) continue;
                rn_vec_push(&m->v, ((mark){.at = at, .len = tag.len, .opens = k == 0}));
            }
        }
    }
    if (m->v.n) qsort(m->v.data, m->v.n, sizeof *m->v.data, by_place);
}

/* "I use no </think> here": a mark within a sentence. */
static bool is_mention(rn_bytes text, mark k)
{
    size_t end = k.at + k.len;
    return k.at > 0 && text.data[k.at - 1] == ' ' && end + 1 < text.len && text.data[end] == ' ' &&
           text.data[end + 1] != ' ' && text.data[end + 1] != '\n';
}

/* The text without its thinking. */
static void put_without_thinking(rn_bytes text, const marks *m, rn_buf *out, bool *open)
{
    size_t before = out->len, done = 0;
    bool thinks = false;
    for (size_t i = 0; i < m->v.n; i++) {
        mark k = m->v.data[i];
        if (k.at < done) continue;
        if (k.opens) {
            if (!thinks) {
                rn_buf_add(out, text.data + done, k.at - done);
                rn_buf_putc(out, '\n');
            }
            thinks = true;
            done = k.at + k.len;
            continue;
        }
        if (thinks) {
            thinks = false;
            done = k.at + k.len;
        } else if (is_mention(text, k)) {
        } else if (!is_blank(from(text, k.at + k.len))) { /* all before it was thinking */
            out->len = before;
            done = k.at + k.len;
        } else { /* nothing behind it */
            rn_buf_add(out, text.data + done, k.at - done);
            done = k.at + k.len;
        }
    }
    if (!thinks) rn_buf_add(out, text.data + done, text.len - done);
    rn_buf_puts(out, ""); /* ends at out->len */
    *open = thinks;
}

/* ---- harmony --------------------------------------------------------------------------------- */

static const char channel_mark[] = "<|channel|>", message_mark[] = "<|message|>";

static rn_bytes skip_message_mark(rn_bytes s)
{
    return rn_bytes_starts(s, message_mark) ? from(s, sizeof message_mark - 1) : s;
}

/* The last final channel; *open where there is none. */
static rn_bytes final_channel(rn_bytes text, strings *s, bool *open)
{
    static const char *const ends[] = {"<|end|>", "<|return|>", "<|start|>", "<|channel|>",
                                       "<|call|>"};
    rn_bytes answer = {.data = text.data, .len = 0}, tag = rn_bytes_of(channel_mark);
    *open = true;
    for (size_t at = 0; (at = rn_bytes_find(text, tag, at)) != SIZE_MAX; at += tag.len) {
        rn_bytes rest = from(text, at + tag.len);
        if (is_code(s, at, tag.len) || !rn_bytes_starts(rest, "final")) continue;
        size_t head = rn_bytes_find(rest, rn_bytes_of(message_mark), 0);
        const char *nl = memchr(rest.data, '\n', rest.len);
        size_t line = nl ? (size_t)(nl - rest.data) : rest.len;
        size_t skip = head < line ? head + sizeof message_mark - 1 : 5;
        answer = from(rest, skip);
        *open = false;
    }
    if (*open) return answer;
    size_t base = (size_t)(answer.data - text.data), end = text.len;
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        rn_bytes t = rn_bytes_of(ends[i]), within = {.data = text.data, .len = end};
        for (size_t at = base; (at = rn_bytes_find(within, t, at)) != SIZE_MAX; at += t.len) {
            if (is_code(s, at, t.len)) continue;
            end = at;
            break;
        }
    }
    answer.len = end - base;
    return answer;
}

/* Whether what follows the word of a stripped channel shows that it was one: "analysisWe need",
 * "analysisthe sum", "analysis" and a line of prose; not `analysis = 1`. */
static bool is_prose(rn_bytes text, rn_bytes rest)
{
    if (rest.len == 0 || rest.data == NULL) return false;
    unsigned char c = (unsigned char)rest.data[0];
    if ((c >= 'A' && c <= 'Z') || c == '<' || c >= 0x80) return true;
    if (c != '\n' && !(c >= 'a' && c <= 'z')) return false;
    rn_pylex x;
    rn_pyline line;
    rn_pylex_init(&x, c == '\n' ? rest : text);
    return rn_pyline_next(&x, &line) && line.prose;
}

/* A server that strips special tokens leaves "analysis...assistantfinal...". */
static bool stripped_channel(rn_bytes text, strings *s, rn_bytes *answer, bool *open)
{
    static const char *const heads[] = {"analysis", "assistantanalysis", "commentary",
                                        "assistantcommentary"};
    static const char last[] = "assistantfinal";
    size_t start = 0;
    while (start < text.len && strchr(" \n\t", text.data[start]) && text.data[start])
        start++;
    rn_bytes t = from(text, start), rest = {0};
    bool headed = false;
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        if (!rn_bytes_starts(t, heads[i])) continue;
        headed = true;
        rest = from(t, strlen(heads[i]));
    }
    if (!headed && !rn_bytes_starts(t, last)) return false;
    bool found = false;
    for (size_t at = start; (at = rn_bytes_find(text, rn_bytes_of(last), at)) != SIZE_MAX;) {
        size_t len = sizeof last - 1;
        if (!is_code(s, at, len)) {
            *answer = skip_message_mark(from(text, at + len));
            found = true;
        }
        at += len;
    }
    *open = false;
    if (found) return true;
    bool prose = is_prose(t, rest);
    *open = prose;
    *answer = from(text, text.len);
    return prose;
}

/* Solar's last content: behind <|content|>, of several turns the last. */
static bool content_turn(rn_bytes text, strings *s, rn_bytes *answer)
{
    static const char tag[] = "<|content|>";
    bool found = false;
    for (size_t at = 0; (at = rn_bytes_find(text, rn_bytes_of(tag), at)) != SIZE_MAX; at++) {
        if (is_code(s, at, sizeof tag - 1)) continue;
        *answer = from(text, at + sizeof tag - 1);
        found = true;
    }
    return found;
}

/* <|begin_of_solution|> and the like: the answer is what they hold. */
static rn_bytes within_solution(rn_bytes text, strings *s)
{
    static const char *const pairs[][2] = {{"<|begin_of_solution|>", "<|end_of_solution|>"},
                                           {"<|START_RESPONSE|>", "<|END_RESPONSE|>"},
                                           {"[BEGIN FINAL RESPONSE]", "[END FINAL RESPONSE]"},
                                           {"<|begin_of_box|>", "<|end_of_box|>"},
                                           {"<answer>", "</answer>"},
                                           {"<response>", "</response>"},
                                           {"<solution>", "</solution>"}};
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        rn_bytes tag = rn_bytes_of(pairs[i][0]), inner = {0};
        for (size_t at = 0; (at = rn_bytes_find(text, tag, at)) != SIZE_MAX; at += tag.len)
            if (!is_code(s, at, tag.len)) inner = from(text, at + tag.len);
        if (!inner.data) continue;
        size_t end = rn_bytes_find(inner, rn_bytes_of(pairs[i][1]), 0);
        if (end < inner.len) inner.len = end;
        if (!is_blank(inner)) return inner;
    }
    return text;
}

void rn_chat_answer(rn_bytes text, rn_buf *out, bool *open)
{
    strings s = {.text = text};
    marks m = {0};
    rn_bytes answer = text;
    *open = false;
    if (find_token(&s, text, channel_mark, text.len) < text.len) {
        answer = final_channel(text, &s, open);
    } else if (!content_turn(text, &s, &answer) && !stripped_channel(text, &s, &answer, open)) {
        text.len = find_end(&s, text);
        answer = within_solution(text, &s);
    }
    if (answer.data != text.data || answer.len != text.len) { /* offsets have moved */
        s.v.n = 0;
        s.found = false;
        s.text = answer;
        answer.len = find_end(&s, answer);
    }
    bool thinks = false;
    find_marks(answer, &s, &m);
    put_without_thinking(answer, &m, out, &thinks);
    *open |= thinks;
    if (!rn_vec_ok(&s.v) || !rn_vec_ok(&m.v)) out->failed = true;
    rn_vec_free(&s.v);
    rn_vec_free(&m.v);
}

bool rn_chat_has_markup(rn_bytes text)
{
    rn_chat_block block;
    size_t pos = 0;
    if (rn_chat_next_block(text, &pos, &block)) return true;
    strings s = {.text = text};
    marks m = {0};
    rn_bytes answer;
    bool open;
    find_marks(text, &s, &m);
    bool yes = m.v.n > 0 || find_token(&s, text, channel_mark, text.len) < text.len ||
               content_turn(text, &s, &answer) || stripped_channel(text, &s, &answer, &open) ||
               within_solution(text, &s).data != text.data;
    rn_vec_free(&s.v);
    rn_vec_free(&m.v);
    return yes;
}
