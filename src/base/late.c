/* late.c: see late.h. */
#include "base/late.h"

#include <curl/curl.h>
#include <dlfcn.h>
#include <pthread.h>
#include <snappy-c.h>
#include <stdarg.h>

/* ---- loading --------------------------------------------------------------------------------- */

static pthread_once_t curl_once = PTHREAD_ONCE_INIT, snappy_once = PTHREAD_ONCE_INIT;
static void *curl_lib, *snappy_lib; /* kept until the end of the process */
static char curl_why[256];

static void load_curl(void)
{
    curl_lib = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
    if (curl_lib) return;
    const char *why = dlerror();
    snprintf(curl_why, sizeof curl_why, "%s", why ? why : "");
}

static void load_snappy(void)
{
    snappy_lib = dlopen("libsnappy.so.1", RTLD_NOW | RTLD_LOCAL);
}

static bool have_curl(void)
{
    pthread_once(&curl_once, load_curl);
    return curl_lib != NULL;
}

int rn_late_curl(rn_err *err)
{
    if (have_curl()) return 0;
    return rn_fail(err, RN_ENOTFOUND,
                   "servers and downloads need libcurl, which cannot be loaded (%.180s): install "
                   "it (apt install libcurl4)",
                   curl_why);
}

bool rn_late_snappy(void)
{
    pthread_once(&snappy_once, load_snappy);
    return snappy_lib != NULL;
}

/* ---- its functions --------------------------------------------------------------------------- */

/* ISO C has no conversion from an object pointer to a function's; POSIX says that it works. */
#define FIND(lib, name)               \
    union {                           \
        void *object;                 \
        __typeof__(&(name)) function; \
    } late = {.object = dlsym(lib, #name)}

#define CURL_LATE(type, name, params, args, otherwise)           \
    type(name) params                                            \
    {                                                            \
        if (!have_curl()) return otherwise;                      \
        FIND(curl_lib, name);                                    \
        return late.function ? late.function args : (otherwise); \
    }
#define CURL_LATE_VOID(name, params, args)     \
    void(name) params                          \
    {                                          \
        if (!have_curl()) return;              \
        FIND(curl_lib, name);                  \
        if (late.function) late.function args; \
    }
/* The last argument is a long, a curl_off_t or a pointer: eight bytes, passed alike. */
#define CURL_LATE_OPTION(type, name, handle, option, otherwise)          \
    type(name)(handle * h, option o, ...)                                \
    {                                                                    \
        if (!have_curl()) return otherwise;                              \
        FIND(curl_lib, name);                                            \
        va_list ap;                                                      \
        va_start(ap, o);                                                 \
        void *value = va_arg(ap, void *);                                \
        va_end(ap);                                                      \
        return late.function ? late.function(h, o, value) : (otherwise); \
    }
_Static_assert(sizeof(long) == 8 && sizeof(curl_off_t) == 8 && sizeof(void *) == 8,
               "options of curl are passed on as eight bytes");

static const CURLcode failed = CURLE_FAILED_INIT;

CURL_LATE(CURLcode, curl_global_init, (long flags), (flags), failed)
CURL_LATE(time_t, curl_getdate, (const char *text, const time_t *unused), (text, unused), -1)
CURL_LATE_VOID(curl_free, (void *p), (p))

CURL_LATE(CURL *, curl_easy_init, (void), (), NULL)
CURL_LATE(CURLcode, curl_easy_perform, (CURL * c), (c), failed)
CURL_LATE_VOID(curl_easy_cleanup, (CURL * c), (c))
CURL_LATE(char *, curl_easy_escape, (CURL * c, const char *s, int len), (c, s, len), NULL)
CURL_LATE(const char *, curl_easy_strerror, (CURLcode code), (code), "libcurl is not there")
CURL_LATE_OPTION(CURLcode, curl_easy_setopt, CURL, CURLoption, failed)
CURL_LATE_OPTION(CURLcode, curl_easy_getinfo, CURL, CURLINFO, failed)

CURL_LATE(CURLM *, curl_multi_init, (void), (), NULL)
CURL_LATE(CURLMcode, curl_multi_cleanup, (CURLM * m), (m), CURLM_INTERNAL_ERROR)
CURL_LATE(CURLMcode, curl_multi_add_handle, (CURLM * m, CURL *c), (m, c), CURLM_INTERNAL_ERROR)
CURL_LATE(CURLMcode, curl_multi_remove_handle, (CURLM * m, CURL *c), (m, c), CURLM_INTERNAL_ERROR)
CURL_LATE(CURLMcode, curl_multi_assign, (CURLM * m, curl_socket_t fd, void *p), (m, fd, p),
          CURLM_INTERNAL_ERROR)
CURL_LATE(CURLMcode, curl_multi_socket_action,
          (CURLM * m, curl_socket_t fd, int events, int *running), (m, fd, events, running),
          CURLM_INTERNAL_ERROR)
CURL_LATE(CURLMsg *, curl_multi_info_read, (CURLM * m, int *left), (m, left), NULL)
CURL_LATE(const char *, curl_multi_strerror, (CURLMcode code), (code), "libcurl is not there")
CURL_LATE_OPTION(CURLMcode, curl_multi_setopt, CURLM, CURLMoption, CURLM_INTERNAL_ERROR)

CURL_LATE(struct curl_slist *, curl_slist_append, (struct curl_slist * l, const char *s), (l, s),
          NULL)
CURL_LATE_VOID(curl_slist_free_all, (struct curl_slist * l), (l))

CURL_LATE(CURLU *, curl_url, (void), (), NULL)
CURL_LATE_VOID(curl_url_cleanup, (CURLU * u), (u))
#if LIBCURL_VERSION_NUM < 0x080000
typedef CURLU asked_url;
#else
typedef const CURLU asked_url;
#endif
CURL_LATE(CURLUcode, curl_url_get, (asked_url * u, CURLUPart what, char **part, unsigned flags),
          (u, what, part, flags), CURLUE_OUT_OF_MEMORY)
CURL_LATE(CURLUcode, curl_url_set, (CURLU * u, CURLUPart what, const char *part, unsigned flags),
          (u, what, part, flags), CURLUE_OUT_OF_MEMORY)
CURL_LATE(const char *, curl_url_strerror, (CURLUcode code), (code), "libcurl is not there")

snappy_status(snappy_uncompress)(const char *in, size_t in_len, char *out, size_t *out_len)
{
    if (!rn_late_snappy()) return SNAPPY_INVALID_INPUT;
    FIND(snappy_lib, snappy_uncompress);
    return late.function ? late.function(in, in_len, out, out_len) : SNAPPY_INVALID_INPUT;
}
