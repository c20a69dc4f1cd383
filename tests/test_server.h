/* test_server.h: starts tests/server/openai_server.py for a test program and ends it. */
#ifndef RN_TEST_SERVER_H
#define RN_TEST_SERVER_H

#include "test.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

typedef struct test_server {
    pid_t pid;
    int port;
    char dir[4096]; /* its folder: port, log, cert.pem */
} test_server;

/* args: more options, NULL-terminated. Skips nothing: Python is there wherever this is built. */
static inline void test_server_start(test_server *s, const char *const *args)
{
    snprintf(s->dir, sizeof s->dir, "%s", test_tmpdir());
    char port[4200], log[4200];
    snprintf(port, sizeof port, "%s/port", s->dir);
    snprintf(log, sizeof log, "%s/log", s->dir);
    const char *argv[32] = {
        "/usr/bin/python3", "tests/server/openai_server.py", "--port-file", port, "--log", log};
    int n = 6;
    for (; args && *args && n < 31; args++)
        argv[n++] = strcmp(*args, "@dir") == 0 ? s->dir : *args;
    s->pid = fork();
    if (s->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (!freopen("/dev/null", "w", stdout)) _exit(127);
        execv(argv[0], (char *const *)argv);
        _exit(127);
    }
    for (int i = 0; i < 3000; i++) {
        FILE *f = fopen(port, "r");
        if (f && fscanf(f, "%d", &s->port) == 1) {
            fclose(f);
            return;
        }
        if (f) fclose(f);
        usleep(20000);
    }
    fail_msg("the test server does not start");
}

static inline void test_server_stop(test_server *s)
{
    kill(s->pid, SIGKILL);
    waitpid(s->pid, NULL, 0);
    test_rmdir(s->dir);
}

/* "http://127.0.0.1:PORT[/how]/v1" in a static buffer. */
static inline const char *test_server_url(const test_server *s, const char *how)
{
    static char url[300];
    snprintf(url, sizeof url, "http://127.0.0.1:%d%s%s/v1", s->port, *how ? "/" : "", how);
    return url;
}

/* How many lines of the server's log hold `part`. */
static inline int test_server_logged(const test_server *s, const char *part)
{
    char path[4200], line[65536];
    int n = 0;
    snprintf(path, sizeof path, "%s/log", s->dir);
    FILE *f = fopen(path, "r");
    while (f && fgets(line, sizeof line, f))
        n += strstr(line, part) != NULL;
    if (f) fclose(f);
    return n;
}

#endif
