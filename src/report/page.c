/*
 * page.c: the page's frame: head with the security policy, styles, data and scripts inlined.
 *
 *     <style>  data/page/page.css
 *     <script> Chart.js, with its licence comment
 *     <script type="application/json" id="report">   rn_report_json
 *     <script type="application/json" id="map">      rn_html_map
 *     <script> data/page/ *.js in the order of `scripts`
 *
 * Hostile text cannot leave its data block: '<' is written as \u003c in JSON, so that neither
 * </script> nor <!-- can occur, and the code of the page makes text nodes only. The policy allows
 * scripts and styles by their SHA-256 and nothing else: default-src 'none' also forbids fetching.
 */
#include "report/render.h"

#include "base/file.h"
#include "base/hash.h"

enum { MAX_ASSET = 4 << 20 };

static const char *const chart_places[] = {
    "/usr/share/javascript/chart.js/chart.umd.min.js",
    "/usr/share/javascript/chart.js/chart.umd.js",
    "/usr/share/javascript/chart.js/chart.min.js",
    "/usr/share/nodejs/chart.js/dist/chart.min.js",
};

/* Joined into one script; later ones use what earlier ones define. */
static const char *const scripts[] = {"base.js",   "charts.js", "figures.js",
                                      "tables.js", "map.js",    "page.js"};

/* An inlined file must not end its own element. */
static int check_asset(const char *path, const rn_buf *text, const char *end, rn_err *err)
{
    if (rn_bytes_find(rn_buf_view(text), rn_bytes_of(end), 0) == SIZE_MAX) return 0;
    return rn_fail(err, RN_EFORMAT, "%s holds %s and cannot be inlined", path, end);
}

static int add_asset(const char *name, const char *end, rn_buf *out, rn_err *err)
{
    rn_path rel, path;
    rn_buf text = {0};
    rn_path_make(&rel, "page/%s", name);
    int rc = rn_data_locate(NULL, rel.s, &path)
                 ? rn_file_read(path.s, MAX_ASSET, &text, err)
                 : rn_fail(err, RN_ENOTFOUND,
                           "%s is neither beside the program nor installed; run `make install` or "
                           "the program of the build folder",
                           rel.s);
    if (!rc) rc = check_asset(path.s, &text, end, err);
    if (!rc) rn_buf_add(out, text.data, text.len);
    rn_buf_free(&text);
    return rc;
}

static int read_chart_js(const char *given, rn_buf *out, rn_err *err)
{
    const char *path = given;
    for (size_t i = 0; !path && i < sizeof chart_places / sizeof chart_places[0]; i++)
        if (rn_file_exists(chart_places[i])) path = chart_places[i];
    if (!path || !rn_file_exists(path))
        return rn_fail(err, RN_ENOTFOUND,
                       "%s%sChart.js draws the page's figures and is not installed: apt install "
                       "libjs-chart.js, or name its file with --chart-js",
                       path ? path : "", path ? " is not there; " : "");
    int rc = rn_file_read(path, MAX_ASSET, out, err);
    return rc ? rc : check_asset(path, out, "</script", err);
}

/* JSON as the text of a script element. U+2028 and U+2029 end a line for some readers of
 * scripts. */
static void put_data(rn_buf *out, const char *id, const rn_buf *json)
{
    static const struct {
        const char *bytes, *escape;
    } marks[] = {{"<", "\\u003c"}, {"\xe2\x80\xa8", "\\u2028"}, {"\xe2\x80\xa9", "\\u2029"}};
    rn_buf_printf(out, "<script type=\"application/json\" id=\"%s\">", id);
    for (const char *at = json->data; *at;) {
        size_t n = strcspn(at, "<\xe2"), taken = 0;
        rn_buf_add(out, at, n);
        at += n;
        for (size_t i = 0; i < sizeof marks / sizeof marks[0] && !taken; i++)
            if (strncmp(at, marks[i].bytes, strlen(marks[i].bytes)) == 0) {
                rn_buf_puts(out, marks[i].escape);
                taken = strlen(marks[i].bytes);
            }
        if (!taken && *at) rn_buf_putc(out, *at++);
        at += taken;
    }
    rn_buf_puts(out, "</script>\n");
}

/* Text of an element, or of an attribute in double quotes. */
static void put_text(rn_buf *out, const char *s)
{
    size_t left = strlen(s);
    while (left > 0) {
        size_t n = rn_utf8_len(s, left);
        switch (*s) {
        case '<': rn_buf_puts(out, "&lt;"); break;
        case '>': rn_buf_puts(out, "&gt;"); break;
        case '&': rn_buf_puts(out, "&amp;"); break;
        case '"': rn_buf_puts(out, "&quot;"); break;
        default:
            if (n)
                rn_buf_add(out, s, n);
            else
                rn_buf_puts(out, "\xef\xbf\xbd");
        }
        s += n ? n : 1;
        left -= n ? n : 1;
    }
}

static void put_title(const rn_report *r, const rn_html_opts *o, rn_buf *out)
{
    if (o && o->title) {
        put_text(out, o->title);
        return;
    }
    rn_buf_puts(out, "ration: ");
    for (size_t i = 0; i < r->n_tasks; i++) {
        if (i) rn_buf_puts(out, ", ");
        put_text(out, r->tasks[i].name);
    }
}

/* " 'sha256-...'" of an element's exact text. */
static void put_hash(rn_buf *out, const rn_buf *text)
{
    uint8_t digest[RN_SHA256_BYTES];
    char base64[RN_SHA256_BASE64];
    rn_sha256_of(rn_buf_view(text), digest);
    rn_sha256_base64(digest, base64);
    rn_buf_printf(out, " 'sha256-%s'", base64);
}

typedef struct parts {
    rn_buf style, chart, code, report, map;
} parts;

static void put_page(const rn_report *r, const rn_html_opts *o, const parts *p, rn_buf *out)
{
    rn_buf_puts(out, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                     "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                     "script-src");
    put_hash(out, &p->chart);
    put_hash(out, &p->code);
    rn_buf_puts(out, "; style-src");
    put_hash(out, &p->style);
    rn_buf_puts(out, "; img-src data:; base-uri 'none'; form-action 'none'\">\n"
                     "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                     "<meta name=\"color-scheme\" content=\"light dark\">\n"
                     "<meta name=\"referrer\" content=\"no-referrer\">\n");
    rn_buf_printf(out, "<meta name=\"generator\" content=\"ration %s\">\n", rn_version());
    rn_buf_puts(out, "<link rel=\"icon\" href=\"data:,\">\n<title>");
    put_title(r, o, out);
    rn_buf_puts(out, "</title>\n<style>");
    rn_buf_add(out, p->style.data, p->style.len);
    rn_buf_puts(out, "</style>\n</head>\n<body>\n<main id=\"page\"></main>\n"
                     "<noscript><p>This page draws its figures with JavaScript. The same tables "
                     "come from <code>ration report</code> in a terminal.</p></noscript>\n");
    put_data(out, "report", &p->report);
    put_data(out, "map", &p->map);
    rn_buf_puts(out, "<script>");
    rn_buf_add(out, p->chart.data, p->chart.len);
    rn_buf_puts(out, "</script>\n<script>");
    rn_buf_add(out, p->code.data, p->code.len);
    rn_buf_puts(out, "</script>\n</body>\n</html>\n");
}

int rn_report_html(const rn_report *r, const rn_html_opts *o, rn_buf *out, rn_err *err)
{
    parts p = {0};
    rn_buf *const all[] = {&p.style, &p.chart, &p.code, &p.report, &p.map};
    int rc = read_chart_js(o ? o->chart_js : NULL, &p.chart, err);
    if (!rc) rc = add_asset("page.css", "</style", &p.style, err);
    for (size_t i = 0; i < sizeof scripts / sizeof scripts[0] && !rc; i++)
        rc = add_asset(scripts[i], "</script", &p.code, err);
    if (!rc) rc = rn_html_map(r, &p.map, err);
    if (!rc) rn_report_json(r, RN_METRICS_ALL, &p.report);
    bool ok = true;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        ok &= rn_buf_ok(all[i]);
    if (!rc && ok) put_page(r, o, &p, out);
    if (!rc && (!ok || !rn_buf_ok(out))) rc = rn_nomem(err, "page");
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        rn_buf_free(all[i]);
    return rc;
}
