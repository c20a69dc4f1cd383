#!/usr/bin/python3
"""A server on 127.0.0.1 that speaks OpenAI's protocol and misbehaves on request, for tests.

    openai_server.py --port-file FILE [--answers FILE.json] [--in-order] [--delay MS] [--key KEY]
                     [--model NAME] [--tls FOLDER] [--log FILE] [--seconds S]

The kernel chooses the port; it is written to --port-file (whole, by a rename) and printed. The
server ends by itself after --seconds (60), so that no test leaves a process behind.

Paths: http://127.0.0.1:PORT/v1/{models,completions,chat/completions}, and the same under
/HOW/v1, where HOW is a fault, or several joined by '+'. A fault `x:3` holds for the first three
requests under that path (to anything but models), then the server behaves; `x@3` begins after
three. GET /stats tells
requests, connections and the most requests in flight at once.

How it answers: with --answers, a JSON object {"part of a prompt": ["text", ...], ...}: the first
key that occurs in the prompt (or message) gives the texts, and hash(prompt, seed, choice) chooses
one; temperature 0 takes the first; --in-order gives them one after the other to the requests of a
prompt, whatever the seed. Without a text for it, a prompt gets words that follow from that hash.
Tokens are words, single spaces and signs; the log probability of one is -0.25 a byte, in sum
-0.25 * bytes of a text. The first prompt token has none, as everywhere. `echo` and
`prompt_logprobs` are honoured, `stop`, `max_tokens` (16), `n`, `seed` and `logprobs` too. The second
request of a prompt finds all its tokens cached.

Odd bytes:             mark (a byte order mark), gzip (unasked), nan (NaN, -Infinity and 10**30 in the
                       answer), lonely (half of a surrogate pair in the texts), unended (closes in
                       mid-answer, whose length nobody told), zipcut (gzip, cut)
Faults of the wire:    hang, drop (closes without a byte), reset (RST in mid-answer), cut (closes
                       in mid-answer), slow-MS, huge (a body without end), redirect (307, with the query of the request), html, json
                       (not quite JSON), utf8 (bytes that are none), deep (nested without end)
Statuses:              any number, e.g. 500:1; after-S adds Retry-After: S, date-S as an HTTP date
Faults of the content: n1 (n is ignored), nsame (all choices equal), many (one choice too many),
                       empty (no choices), nochoices, twice (index 0 twice), number (text is one),
                       nulltext, nofinish, filter, abort, filter1 (of the last of several),
                       nulllogprobs, nullprob (one of them is null), nologprobs (refused), nousage,
                       badusage, noseed (equal seeds, other texts),
                       frozen (one text a prompt, whatever the seed), unstable (temperature 0 too)
Forms of other servers: llama (log probabilities as llama.cpp gives them, no echo), noecho,
                       noprompt (no prompt_logprobs), reasoning, nomodels, listarray, listprefix, bos (echo begins with <s>),
                       allstop (finish_reason is stop also at the limit, as ik_llama.cpp says it),
                       parts (content is a list of parts, thinking among them), refusal, stream (unless
                       stream is false), notopk (top_k 1 is ignored), crossed (the other kind's form),
                       piece (delta in place of a text), object (content is one part), details
                       (reasoning_details alone), both (text "" beside a message), from1 (choices are
                       numbered from 1), gap (the second of several choices is missing), oddend
                       (finish_reason {"type": "stop"}), wildend (control characters in it)
Counts of other servers: zerousage, floatusage (12.0), ioutokens (input_tokens, output_tokens),
                       nocompletion (prompt and total alone), hidden (the total holds 100
                       tokens of reasoning more a choice), reasonless (reasoning_tokens beside),
                       fewlogprobs (of the first token alone), manylogprobs (40 more), oddlogprobs
                       (of fewer tokens than are named), zeroprobs (all 0)
Gateways:              blank (an empty answer), innertext ({"error": "..."} with status 200), quota
                       (429, insufficient_quota), fails500 (500 where top_k is sent)
Answers with an end:   null3 (every third says nothing), bare3 (every third is a choice of index and
                       "length" alone), finish-NAME, native-NAME (a gateway's
                       "stop" and its provider's own word), nocontent (a message without content)
What is refused:       maxn-K, maxstop-K, topp1, either (temperature beside top_p), newmax (max_tokens
                       is called max_completion_tokens), temp1 (any other temperature), top_k-1 (it is 0
                       for all); no-FIELD (the error's param names it), extra-FIELD (FastAPI's loc does),
                       mute-FIELD (nobody says what is wrong), forbid-FIELD (403), prompt-WORD (a
                       prompt with this word), least-K (max_tokens below K)
                       as-NAME: what that gateway refuses, in its own words (DIALECTS)
Errors in a 200:       says-K (WORDS), inner-CODE, choice-CODE, root-CODE (no member "error"), list-CODE
                       ("errors"). Shapes of errors: shape-0 to shape-6, xml; key-K: the request's
                       Authorization comes back (0: message, 1: param, 2: loc, 3: in a 200, 4: in a
                       200 that is no JSON, 5: finish_reason, 6: beyond the end of a message, 7: the query)
"""
import argparse
import asyncio
import gzip
import hashlib
import json
import os
import re
import socket
import ssl
import struct
import subprocess
import sys
import time
from email.utils import formatdate

TOKEN = re.compile(r"\w+|\s|[^\w\s]")
REASON = {200: "OK", 307: "Temporary Redirect", 400: "Bad Request", 401: "Unauthorized",
          403: "Forbidden", 404: "Not Found", 408: "Request Timeout", 409: "Conflict",
          425: "Too Early", 429: "Too Many Requests", 500: "Internal Server Error",
          502: "Bad Gateway", 503: "Service Unavailable"}


def number(*parts):
    """A number that follows from the parts."""
    text = "\0".join(str(p) for p in parts)
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=6).digest(), "big")


def logprob(token):
    return -0.25 * len(token.encode())


class Refused(Exception):
    """An answer with another status than 200; body: its error object, where it has a shape of its own."""

    def __init__(self, status, message, body=None, **more):
        super().__init__(message)
        self.status = status
        self.body = body or {"error": {"message": message, "type": "invalid_request_error", **more}}


SHAPES = [
    [{"error": {"code": 400, "message": "candidateCount is odd", "status": "INVALID_ARGUMENT"}}],
    {"errors": [{"message": "AiError: bad input", "code": 5006}], "success": False},
    {"detail": {"error": "context length exceeded"}},
    {"detail": [{"type": "extra_forbidden", "loc": ["body", "model_alias"],
                 "msg": "Extra inputs are not permitted", "input": 1}]},
    {"error": {"errors": [{"reason": "the reason"}]}},
    {"why": "a name that nobody knows"},
    {"object": "error", "message": "said at the root", "code": 40001},
    {"error": {"message": "Provider returned error", "code": 400,
               "metadata": {"raw": "{\"error\": {\"message\": \"the cause\"}}"}}},
]


EXTENSIONS = ("top_k", "min_p", "repeat_penalty", "repetition_penalty")
# name: (status, the fields that are not known, their error's body, given a field or all of them)
DIALECTS = {
    "gemini": (400, ("seed",) + EXTENSIONS, lambda f, all_: [{"error": {
        "code": 400, "status": "INVALID_ARGUMENT",
        "message": "\n".join("Invalid JSON payload received. Unknown name \"%s\": Cannot find field." % x for x in all_),
        "details": [{"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [
            {"description": "Invalid JSON payload received. Unknown name \"%s\": Cannot find field." % x} for x in all_]}]}}]),
    "groq": (400, EXTENSIONS, lambda f, all_: {"error": {
        "message": "property '%s' is unsupported, did you mean 'top_p'?" % f, "type": "invalid_request_error"}}),
    "mistral": (422, EXTENSIONS + ("seed",), lambda f, all_: {
        "object": "error", "type": "invalid_request_error", "param": None, "code": None,
        "message": {"detail": [{"type": "extra_forbidden", "loc": ["body", f], "msg": "Extra inputs are not permitted", "input": 1}]}}),
    "vllm": (400, ("repeat_penalty",), lambda f, all_: {
        "object": "error", "type": "BadRequestError", "param": None, "code": 400,
        "message": "[{'type': 'extra_forbidden', 'loc': ('body', '%s'), 'msg': 'Extra inputs are not permitted', 'input': 1.0}]" % f}),
    "fireworks": (400, ("repeat_penalty",), lambda f, all_: {"error": {
        "object": "error", "type": "invalid_request_error", "code": "invalid_request_error",
        "message": "Extra inputs are not permitted, field: '%s', value: 1.0" % f}}),
    "azure": (422, EXTENSIONS, lambda f, all_: {"error": {"code": "Invalid input", "status": 422, "message": "invalid input error",
        "details": {"msg": "Extra parameters %s are not allowed when extra-parameters is not set." % list(all_), "type": "x"}}}),
    "databricks": (400, ("min_p",), lambda f, all_: {
        "error_code": "BAD_REQUEST", "message": json.dumps({"message": "%s: Extra inputs are not permitted" % f})}),
    "xai": (400, ("stop",), lambda f, all_: {
        "code": "Client specified an invalid argument", "error": "Argument not supported on this model: " + f}),
    "zhipu": (400, EXTENSIONS, lambda f, all_: {"error": {"code": "1210", "message": "API \u8c03\u7528\u53c2\u6570\u6709\u8bef"}}),
    "lmstudio": (200, ("repeat_penalty",), lambda f, all_: {"error": "'%s' is not supported" % f}),
    "bedrock": (400, ("temperature",), lambda f, all_: {"error": {
        "message": "%s is deprecated for this model." % f, "type": "invalid_request_error", "code": "invalid_request_error"}}),
    "xn": (400, ("n",), lambda f, all_: {"error": {
        "message": "Invalid n value (currently only n = 1 is supported)", "type": "invalid_request_error", "code": "invalid_request_error"}}),
    "qwen": (400, ("n",), lambda f, all_: {"error": {
        "message": "<400> InternalError.Algo.InvalidParameter: Range of n should be [1, 4]", "type": "invalid_request_error"}}),
    "vllmn": (400, ("n",), lambda f, all_: {"object": "error", "message": "n must be 1 when using greedy sampling, got 2.",
                                            "type": "BadRequestError", "param": None, "code": 400}),
}
WORDS = ["Failed to generate a response", "Unexpected endpoint or method. (POST /completions)", "rate limit reached",
         "Provider returned error: temperature out of range"]


def refuse_as(q, name):
    """Raises what this gateway says of a request's fields."""
    status, unknown, body = DIALECTS[name]
    held = [f for f in unknown if q.get(f) is not None and (f != "n" or q[f] > (4 if name == "qwen" else 1))]
    if held:
        raise Refused(status, "", body(held[0], held))


def refuse(q, faults):
    """Raises what the faults say of the fields of a request."""
    for f in faults:
        if f.startswith("as-"):
            refuse_as(q, f[3:])
    if "topp1" in faults and q.get("top_p", 0.5) >= 1:
        raise Refused(422, "", {"error": "Input validation error: `top_p` must be > 0.0 and < 1.0",
                                "error_type": "validation"})
    if "either" in faults and "temperature" in q and "top_p" in q:
        raise Refused(400, "`temperature` and `top_p` cannot both be specified for this model.")
    if "newmax" in faults and "max_tokens" in q:
        raise Refused(400, "Unsupported parameter: 'max_tokens' is not supported with this model. Use "
                      "'max_completion_tokens' instead.", param="max_tokens",
                      code="unsupported_parameter")
    if "temp1" in faults and q.get("temperature", 1) != 1:
        raise Refused(400, "Unsupported value: 'temperature' does not support %s with this model. Only "
                      "the default (1) value is supported." % q["temperature"], param="temperature")
    if "top_k-1" in faults and q.get("top_k", 0) < 0:
        raise Refused(400, "top_k must be at least 0")
    for f in faults:
        kind, _, name = f.partition("-")
        if kind == "maxn" and q.get("n", 1) > int(name):
            raise Refused(400, "n exceeds the number of slots")
        if kind == "maxstop" and len(q.get("stop", [])) > int(name):
            raise Refused(422, "", {"error": "Input validation error: `stop` supports up to %s stop "
                                    "sequences. Given: %d" % (name, len(q["stop"]))})
        if kind == "prompt" and name in json.dumps(q.get("prompt", q.get("messages"))):
            raise Refused(400, "This model's maximum context length is 10 tokens.", code="context_length_exceeded")
        if kind == "least" and q.get("max_tokens", 1 << 20) < int(name):
            raise Refused(400, "`max_tokens` must be greater than `thinking.budget_tokens`")
        if kind == "shape":
            raise Refused(400, "", SHAPES[int(name)])
        if q.get(name) is None or q[name] is False:
            continue
        if kind == "no":
            raise Refused(400, "Unknown parameter.", param=name)
        if kind == "extra":
            raise Refused(422, "", {"detail": [{"type": "extra_forbidden", "loc": ["body", name],
                                                "msg": "Extra inputs are not permitted"}]})
        if kind == "mute":
            raise Refused(400, "Bad request")
        if kind == "forbid":
            raise Refused(403, "You are not allowed to request %s from this model" % name)


class Server:
    """What requests share."""

    def __init__(self, opts):
        self.opts = opts
        self.answers = {}
        if opts.answers:
            with open(opts.answers) as f:
                self.answers = json.load(f)
        self.log = open(opts.log, "a", buffering=1) if opts.log else None
        self.seen = {}      # path: requests so far
        self.given = {}     # prompt: samples so far
        self.cached = set()
        self.port = 0
        self.requests = self.connections = self.in_flight = self.most = 0

    # ---- content ---------------------------------------------------------------------------------

    def text(self, prompt, q, choice, faults):
        """One sample before stop strings and the token limit."""
        count = self.given.get(prompt, 0)
        self.given[prompt] = count + 1
        seed = q.get("seed")
        random = seed is None or "noseed" in faults
        greedy = q.get("temperature", 1) == 0 or (q.get("top_k") == 1 and "notopk" not in faults)
        h = number(prompt, count if random else seed, 0 if random else choice)
        if "nsame" in faults:
            h = number(prompt, seed)
        if greedy or "frozen" in faults:
            h = number(prompt, count % 3) if "unstable" in faults else number(prompt)
        for key, texts in self.answers.items():
            if key in prompt:
                if self.opts.in_order:
                    return texts[count % len(texts)]
                return texts[0] if greedy and "unstable" not in faults else texts[h % len(texts)]
        return "    return x + %d" % (h % 1000) + "".join(
            " word%d" % (h // (i + 7) % 89) for i in range(h % 5)) + "\n"

    def sample(self, prompt, q, choice, faults):
        """(tokens, finish reason) of one choice."""
        limit = q.get("max_tokens", q.get("max_completion_tokens"))
        limit = 16 if limit is None else limit
        text = self.text(prompt, q, choice, faults)
        stop = q.get("stop") or []
        for s in [stop] if isinstance(stop, str) else stop:
            at = text.find(s)
            if at >= 0:
                text = text[:at]
        tokens = TOKEN.findall(text)
        if len(tokens) + 1 > limit:  # the end token counts
            return tokens[:limit], "length"
        return tokens, "stop"

    def choice(self, chat, index, n, prompt, q, faults):
        tokens, finish = self.sample(prompt, q, index, faults)
        generated = len(tokens) + (finish == "stop")
        c = {"index": index, "finish_reason": finish}
        if "filter" in faults or ("filter1" in faults and index == n - 1 > 0):
            c["finish_reason"] = "content_filter"
        if "allstop" in faults:
            c["finish_reason"] = "stop"
        if "abort" in faults:
            c["finish_reason"] = "abort"
        if "nofinish" in faults:
            c["finish_reason"] = None
        if "oddend" in faults:
            c["finish_reason"] = {"type": finish, "matched": 2}
        if "wildend" in faults:
            c["finish_reason"] = "red\x1b[31m\n\0" + "\u00e9" * 40
        if "from1" in faults:
            c["index"] += 1
        for f in faults:
            if f.startswith("finish-"):
                c["finish_reason"] = f[7:]
            if f.startswith("native-"): # a gateway's own name for how its provider ended
                c.update(finish_reason="stop", native_finish_reason=f[7:])
                tokens = []
            if f.startswith("choice-"):
                c.update(finish_reason="error", error={"code": int(f[7:]), "message": "upstream"})
        text = "".join(tokens)
        if "lonely" in faults:
            text += "\ud83d"
        if "crossed" in faults:
            chat = not chat
        if chat:
            c["message"] = {"role": "assistant", "content": text}
            if "reasoning" in faults:
                c["message"]["reasoning_content"] = "let me think"
            if "nulltext" in faults:
                c["message"]["content"] = None
            if "object" in faults:
                c["message"]["content"] = {"type": "text", "text": text}
            if "details" in faults:
                c["message"]["reasoning_details"] = [{"type": "reasoning.text", "text": "let me think"}]
            if "both" in faults:
                c["text"] = ""
            if "piece" in faults:
                c["delta"] = c.pop("message")
            if "nocontent" in faults: # all of it was thinking
                del c["message"]["content"]
            if "number" in faults:
                c["message"]["content"] = 7
            if "refusal" in faults:
                c["message"].update(content=None, refusal="I cannot do that.")
            if "parts" in faults:
                c["message"]["content"] = [
                    {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
                    {"type": "text", "text": text[:5]}, {"type": "image_url", "image_url": {}},
                    {"type": "text", "text": text[5:]}]
        else:
            c["text"] = None if "nulltext" in faults else 7 if "number" in faults else text
        c["logprobs"] = self.logprobs(chat, tokens, prompt, q, faults)
        if q.get("echo") and not chat:
            c["text"] = prompt + c["text"] if q.get("max_tokens") != 0 else prompt
        if q.get("prompt_logprobs") is not None and not {"noprompt", "llama"} & faults:
            c["prompt_logprobs"] = [None] + [
                {str(number(t) % 32000): {"logprob": logprob(t), "rank": 1, "decoded_token": t}}
                for t in TOKEN.findall(prompt)[1:]]
        return c, generated

    def logprobs(self, chat, tokens, prompt, q, faults):
        wanted = q.get("logprobs")
        if wanted is None or wanted is False or "nulllogprobs" in faults:
            return None
        probs = [logprob(t) for t in tokens]
        if "nullprob" in faults and probs:
            probs[-1] = None
        if "zeroprobs" in faults:
            probs = [0.0] * len(probs)
        if "fewlogprobs" in faults:
            tokens, probs = tokens[:1], probs[:1]
        if "manylogprobs" in faults:
            tokens, probs = tokens + ["x"] * 40, probs + [-1.0] * 40
        if "oddlogprobs" in faults:
            probs = probs[:-1]
        if chat or "llama" in faults:
            return {"content": [{"token": t, "logprob": p, "bytes": list(t.encode()),
                                 "top_logprobs": []} for t, p in zip(tokens, probs)]}
        if q.get("echo"):
            head = (["<s>"] if "bos" in faults else []) + TOKEN.findall(prompt)
            probs = [None] + [0.0 if "zeroprobs" in faults else logprob(t) for t in head[1:]] + probs
            if "nullprob" in faults:
                probs[-1] = None
            tokens = head + tokens
        at, offsets = 0, []
        for t in tokens:
            offsets.append(at)
            at += len(t)
        return {"tokens": tokens, "token_logprobs": probs, "text_offset": offsets,
                "top_logprobs": None}

    def check(self, q, chat, faults):
        if not isinstance(q, dict):
            raise Refused(400, "the body is no object")
        if q.get("model") != self.opts.model:
            raise Refused(404, "The model `%s` does not exist." % q.get("model"))
        refuse(q, faults)
        if "nologprobs" in faults and q.get("logprobs"):
            raise Refused(400, "logprobs are not available here")
        if q.get("echo") and {"noecho", "llama"} & faults:
            raise Refused(400, "Only no echo is supported")
        if chat:
            return "\n".join(m["content"] for m in q["messages"])
        return q["prompt"]

    def answer(self, q, chat, faults):
        """The object that answers a request."""
        prompt = self.check(q, chat, faults)
        n = 1 if "n1" in faults else q.get("n") or 1
        if "many" in faults:
            n += 1
        choices, generated = [], 0
        for i in range(n):
            c, tokens = self.choice(chat, i, n, prompt, q, faults)
            choices.append(c)
            generated += 0 if q.get("max_tokens") == 0 else tokens
        if "twice" in faults:
            choices.append(choices[0])
        if "gap" in faults and n > 2:
            del choices[1]
        if "empty" in faults:
            choices = []
        prompt_tokens = len(TOKEN.findall(prompt))
        a = {"id": "cmpl-%d" % self.requests, "created": 0, "model": self.opts.model,
             "object": "chat.completion" if chat else "text_completion", "choices": choices,
             "usage": {"prompt_tokens": prompt_tokens, "completion_tokens": generated,
                       "total_tokens": prompt_tokens + generated,
                       "prompt_tokens_details": {
                           "cached_tokens": prompt_tokens if prompt in self.cached else 0}}}
        self.cached.add(prompt)
        self.bend(a, q, faults)
        if "nochoices" in faults:
            del a["choices"]
        if "nan" in faults:
            a.update(timings={"a": float("nan"), "b": float("-inf")}, big=10 ** 30)
        if "nousage" in faults:
            del a["usage"]
        if "badusage" in faults:
            a["usage"] = {"prompt_tokens": -1, "completion_tokens": 1 << 62}
        return a


    def bend(self, a, q, faults):
        """Usage and ends as other servers give them."""
        u, n = a["usage"], len(a["choices"])
        if "zerousage" in faults:
            u.update(prompt_tokens=0, completion_tokens=0, total_tokens=0)
        if "nocompletion" in faults:
            del u["completion_tokens"]
        if "floatusage" in faults:
            u.update({k: float(v) for k, v in u.items() if isinstance(v, int)})
        if "ioutokens" in faults:
            a["usage"] = {"input_tokens": u["prompt_tokens"], "output_tokens": u["completion_tokens"]}
        if "hidden" in faults:
            u["total_tokens"] += 100 * n
        if "reasonless" in faults:
            del u["total_tokens"]
            u["completion_tokens_details"] = {"reasoning_tokens": 100 * n}
        third = self.requests % 3 == 0
        if "null3" in faults and third:
            for c in a["choices"]:
                c.update({"message": {"content": None, "tool_calls": []}} if "message" in c
                         else {"text": ""})
        if "bare3" in faults and third:
            limit = q.get("max_tokens", q.get("max_completion_tokens", 16))
            a["choices"] = [{"index": i, "finish_reason": "length"} for i in range(n)]
            a["usage"] = {"prompt_tokens": u["prompt_tokens"],
                          "total_tokens": u["prompt_tokens"] + n * limit}


class Connection(asyncio.Protocol):
    """One connection; pipelining is answered in order because curl does none."""

    def __init__(self, server):
        self.server = server
        self.buffer = bytearray()

    def connection_made(self, transport):
        self.transport = transport
        self.server.connections += 1

    def data_received(self, data):
        self.buffer += data
        while True:
            end = self.buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            head = bytes(self.buffer[:end]).decode("latin-1").split("\r\n")
            headers = {k.lower(): v.strip() for k, _, v in (h.partition(":") for h in head[1:])}
            length = int(headers.get("content-length", 0))
            if len(self.buffer) < end + 4 + length:
                if headers.get("expect", "").lower() == "100-continue":
                    self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                return
            body = bytes(self.buffer[end + 4:end + 4 + length])
            del self.buffer[:end + 4 + length]
            self.request(*head[0].split(" ")[:2], headers, body)

    def send(self, status, body, kind="application/json", extra=""):
        """A whole answer, now."""
        if self.transport.is_closing():
            return
        self.transport.write(("HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n%s\r\n" % (
            status, REASON.get(status, "Status"), kind, len(body), extra)).encode() + body)

    def later(self, ms, fn, *args):
        s = self.server
        s.in_flight += 1
        s.most = max(s.most, s.in_flight)

        def run():
            s.in_flight -= 1
            if not self.transport.is_closing():
                fn(*args)
        if ms > 0:
            asyncio.get_running_loop().call_later(ms / 1000, run)
        else:
            run()

    def request(self, method, path, headers, body):
        s = self.server
        self.headers, self.query = headers, "".join(path.partition("?")[1:])
        if path == "/stats":
            return self.send(200, json.dumps({"requests": s.requests, "connections": s.connections,
                                              "most_in_flight": s.most}).encode())
        s.requests += 1
        m = re.match(r"(?:/([^/]*))?/v1/(models|completions|chat/completions)(?:\?.*)?$", path)
        if not m:
            return self.send(404, b'{"error": {"message": "no such path"}}')
        how, what = m.group(1) or "", m.group(2)
        if s.log:
            s.log.write(json.dumps({"method": method, "path": path, "auth": headers.get("authorization"),
                                    "x": {k: v for k, v in headers.items() if k.startswith("x-")},
                                    "body": body.decode("utf-8", "replace")}) + "\n")
        key = s.opts.key
        if key and headers.get("authorization") != "Bearer " + key:
            return self.send(401, b'{"error": {"message": "Incorrect API key provided.", '
                                  b'"type": "invalid_request_error", "code": "invalid_api_key"}}')
        faults = self.faults(how, what)
        if what == "models":
            return self.models(faults)
        slow = next((int(f[5:]) for f in faults if f.startswith("slow-")), s.opts.delay)
        self.later(slow, self.respond, what == "chat/completions", body, faults)
        return None

    def faults(self, how, what):
        """Those that hold for this request."""
        if not how:
            return frozenset()
        s = self.server
        if what != "models":
            s.seen[how] = s.seen.get(how, 0) + 1
        found = set()
        for f in how.split("+"):
            name, sign, times = re.match(r"([^:@]*)([:@]?)(\d*)", f).groups()
            seen = s.seen.get(how, 0)
            if not sign or (seen <= int(times) if sign == ":" else seen > int(times)):
                found.add(name)
        return frozenset(found)

    def models(self, faults):
        if "nomodels" in faults:
            return self.send(404, b'{"detail": "Not Found"}')
        status = next((int(f) for f in faults if f.isdigit()), 0)
        if status:
            return self.status(status, faults)
        m = {"id": self.server.opts.model, "object": "model", "max_model_len": 4096}
        if "listarray" in faults: # Together
            return self.send(200, json.dumps([{"id": m["id"], "context_length": 4096}]).encode())
        if "listprefix" in faults: # Gemini
            m = {"id": "models/" + m["id"], "object": "model", "max_context_length": 4096}
        return self.send(200, json.dumps({"object": "list", "data": [m]}).encode())

    def status(self, status, faults):
        extra = ""
        for f in faults:
            if f.startswith("after-"):
                extra = "Retry-After: %s\r\n" % f[6:]
            if f.startswith("date-"):
                extra = "Retry-After: %s\r\n" % formatdate(time.time() + float(f[5:]), usegmt=True)
        self.send(status, b'{"error": {"message": "status %d for a test", "type": "test"}}' % status,
                  extra=extra)

    def respond(self, chat, body, faults):
        status = next((int(f) for f in faults if f.isdigit()), 0)
        if status:
            return self.status(status, faults)
        if "hang" in faults:
            return None
        if "drop" in faults:
            return self.transport.close()
        if "redirect" in faults:
            return self.send(307, b"", extra="Location: http://127.0.0.1:%d/v1/%scompletions%s\r\n" % (
                self.server.port, "chat/" if chat else "", self.query))
        for f in faults:
            if f.startswith("root-"):
                return self.send(200, b'{"code": %s, "msg": "said at the root"}' % f[5:].encode())
            if f.startswith("list-"):
                return self.send(200, b'{"errors": [{"code": %s, "message": "in a list"}]}' % f[5:].encode())
            if f.startswith("key-"):
                return self.tell_key(int(f[4:]))
        if "xml" in faults:
            return self.send(400, b"<?xml version='1.0'?><Error><Code>X</Code><Message>in a tag</Message></Error>",
                             "application/xml")
        if "html" in faults:
            return self.send(200, b"<html><body>It works!</body></html>", "text/html")
        if "blank" in faults:
            return self.send(200, b"\n")
        if "huge" in faults:
            return self.huge()
        if "deep" in faults:
            return self.send(200, b"[" * 100000)
        if "innertext" in faults:
            return self.send(200, b'{"error": "upstream timed out"}')
        says = next((int(f[5:]) for f in faults if f.startswith("says-")), -1)
        if says >= 0:
            return self.send(200, json.dumps({"error": {"message": WORDS[says]}}).encode())
        if "quota" in faults:
            return self.send(429, b'{"error": {"message": "used up", "code": "insufficient_quota"}}')
        if "fails500" in faults and b'"top_k"' in body:
            return self.send(500, b'{"error": {"message": "boom"}}')
        inner = next((int(f[6:]) for f in faults if f.startswith("inner-")), 0)
        if inner:
            return self.send(200, json.dumps({"error": {"code": inner, "message": "upstream"}}).encode())
        try:
            text = json.dumps(self.server.answer(json.loads(body), chat, faults)).encode()
        except Refused as e:
            return self.send(e.status, json.dumps(e.body).encode())
        except (ValueError, KeyError, TypeError) as e:
            return self.send(400, json.dumps({"error": {"message": "bad request: %r" % e}}).encode())
        if "stream" in faults and json.loads(body).get("stream") is not False:
            text = b"data: " + text + b"\n\ndata: [DONE]\n\n"
        if "json" in faults:
            text = text[:-1] + b",}"
        if "utf8" in faults:
            text = text.replace(b"return", b"ret\xff\xfern")
        if "mark" in faults:
            text = b"\xef\xbb\xbf" + text
        if "gzip" in faults or "zipcut" in faults:
            text = gzip.compress(text)
            return self.send(200, text if "gzip" in faults else text[:-20], extra="Content-Encoding: gzip\r\n")
        if "unended" in faults:
            self.transport.write(b"HTTP/1.0 200 OK\r\n\r\n" + text[:len(text) // 2])
            return self.transport.close()
        if "reset" in faults or "cut" in faults:
            return self.break_off(text, "reset" in faults)
        return self.send(200, text)

    def tell_key(self, how):
        key = self.headers.get("authorization", "Bearer ")[7:]
        errors = [{"error": {"message": "the key %s is wrong" % key}}, {"error": {"message": "wrong", "param": key}},
                  {"detail": [{"loc": ["header", key], "msg": "wrong"}]}, {"detail": "the key %s is wrong" % key}, None,
                  {"choices": [{"index": 0, "finish_reason": key, "text": ""}]},
                  {"error": "x" * 190 + key + "zzz"}, {"error": "no such path: /v1/completions" + self.query}]
        self.send(200 if how in (3, 4, 5) else 400, json.dumps(errors[how]).encode() if errors[how]
                  else b"[%s]" % key.encode())

    def break_off(self, text, reset):
        self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                             b"Content-Length: %d\r\n\r\n" % len(text) + text[:len(text) // 2])
        if reset:
            sock = self.transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.transport.abort()
        else:
            self.transport.close()

    def huge(self):
        self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                             b"Content-Length: 1000000000000\r\n\r\n" + b'{"choices": "')

        def more():
            if not self.transport.is_closing():
                self.transport.write(b"x" * 65536)
                asyncio.get_running_loop().call_later(0.0005, more)
        more()


def tls_context(folder):
    """A self-signed certificate for 127.0.0.1 in FOLDER/cert.pem, made now."""
    cert, key = os.path.join(folder, "cert.pem"), os.path.join(folder, "key.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key, "-out", cert, "-days",
                    "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return context


async def main(opts):
    server = Server(opts)
    context = tls_context(opts.tls) if opts.tls else None
    loop = asyncio.get_running_loop()
    listening = await loop.create_server(lambda: Connection(server), "127.0.0.1", opts.port, ssl=context,
                                         backlog=1024)
    server.port = listening.sockets[0].getsockname()[1]
    with open(opts.port_file + ".new", "w") as f:
        f.write("%d\n" % server.port)
    os.rename(opts.port_file + ".new", opts.port_file)
    print(server.port, flush=True)
    await asyncio.sleep(opts.seconds)
    os._exit(0)


if __name__ == "__main__":
    p = argparse.ArgumentParser()
    p.add_argument("--port", type=int, default=0)
    p.add_argument("--port-file", required=True)
    p.add_argument("--answers")
    p.add_argument("--in-order", action="store_true")
    p.add_argument("--delay", type=float, default=0)
    p.add_argument("--key")
    p.add_argument("--model", default="test-model")
    p.add_argument("--tls")
    p.add_argument("--log")
    p.add_argument("--seconds", type=float, default=60)
    sys.setrecursionlimit(10000)
    asyncio.run(main(p.parse_args()))
