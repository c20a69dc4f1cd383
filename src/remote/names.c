/* names.c: names of what remote.h enumerates, as records and messages spell them. */
#include "remote/remote.h"

const char *rn_remote_api_name(rn_remote_api api)
{
    return api == RN_REMOTE_CHAT ? "chat" : "completions";
}

const char *rn_remote_scoring_name(rn_remote_scoring s)
{
    return s == RN_SCORE_ECHO ? "echo" : s == RN_SCORE_PROMPT_LOGPROBS ? "prompt_logprobs" : "none";
}
