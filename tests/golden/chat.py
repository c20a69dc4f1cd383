#!/usr/bin/python3
"""Chat templates in the forms that public models use, and what each makes of a question.

    chat.py RATION SET [NAME...]    whether the settings that `ration generate` records with each (default:
                                    all), with and without the variables that are worth setting, give for
                                    some questions what the reference gives: jinja2 set up as transformers
                                    does it. In the current folder; prints the names.

The templates are written here; each has the constructs that give one family of public templates its
shape, none has its text. tests/cli/chat.bats compares what ration records with what this gives.
"""
import json
import os
import sqlite3
import subprocess
import sys
from datetime import datetime, timezone

import arch

BOS, EOS = "<s>", "</s>"
QUESTIONS = ["Add two numbers.", "  def f(x):\n    return {{ x }}\n\n", "\u00fc < 3 & \"q\" \\n"]

FORMS = {
    # a system text of its own unless one is given
    "own-system": """{%- if messages[0]['role'] == 'system' %}
    {{- '<|begin|>system\\n' + messages[0]['content'] + '<|close|>\\n' }}
{%- else %}
    {{- '<|begin|>system\\nAnswer with code.<|close|>\\n' }}
{%- endif %}
{%- for message in messages %}
    {%- if (message.role == "user") or (message.role == "system" and not loop.first) %}
        {{- '<|begin|>' + message.role + '\\n' + message.content + '<|close|>' + '\\n' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|begin|>assistant\\n' }}
{%- endif %}
""",
    # a switch for thinking; the last user message found from the end, with a namespace
    "thinking-switch": """{%- set ns = namespace(last=messages|length - 1, searching=true) %}
{%- for message in messages[::-1] %}
    {%- set index = (messages|length - 1) - loop.index0 %}
    {%- if ns.searching and message.role == "user" and message.content is string and not(message.content.startswith('<reply>') and message.content.endswith('</reply>')) %}
        {%- set ns.searching = false %}
        {%- set ns.last = index %}
    {%- endif %}
{%- endfor %}
{%- for message in messages %}
    {%- if message.role == "assistant" and loop.index0 > ns.last %}{{- message.content }}{%- endif %}
    {%- if message.role == "user" %}{{- '<|t|>' + message.role + '\\n' + message.content + '<|/t|>\\n' }}{%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|t|>assistant\\n' }}
    {%- if enable_thinking is defined and enable_thinking is false %}
        {{- '<think>\\n\\n</think>\\n\\n' }}
    {%- endif %}
{%- endif %}""",
    # headers with trimmed text and a date where there is a clock
    "dated-headers": """{{- bos_token }}
{%- if not date_string is defined %}
    {%- if strftime_now is defined %}
        {%- set date_string = strftime_now("%Y") %}
    {%- else %}
        {%- set date_string = "2024" %}
    {%- endif %}
{%- endif %}
{%- if messages[0]['role'] == 'system' %}
    {%- set system_message = messages[0]['content']|trim %}
    {%- set messages = messages[1:] %}
{%- else %}
    {%- set system_message = "" %}
{%- endif %}
{{- "<|head|>system<|tail|>\\n\\n" }}
{{- "Year: " + date_string + "\\n\\n" }}
{{- system_message }}{{- "<|over|>" }}
{%- for message in messages %}
    {{- '<|head|>' + message['role'] + '<|tail|>\\n\\n'+ message['content'] | trim + '<|over|>' }}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|head|>assistant<|tail|>\\n\\n' }}{%- endif %}
""",
    # roles must alternate
    "alternating": """{{ bos_token }}{% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('roles must take turns: user, assistant, user') }}{% endif %}{% if message['role'] == 'user' %}{{ '[ASK] ' + message['content'] + ' [/ASK]' }}{% elif message['role'] == 'assistant' %}{{ message['content'] + eos_token}}{% else %}{{ raise_exception('only user and assistant') }}{% endif %}{% endfor %}""",
    # the system text goes into the first question; trimmed; the assistant has another name
    "renamed-roles": """{{ bos_token }}
{%- if messages[0]['role'] == 'system' -%}
    {%- set first_user_prefix = messages[0]['content'] + '

' -%}
    {%- set loop_messages = messages[1:] -%}
{%- else -%}
    {%- set first_user_prefix = "" -%}
    {%- set loop_messages = messages -%}
{%- endif -%}
{%- for message in loop_messages -%}
    {%- if (message['role'] == 'assistant') -%}
        {%- set role = "model" -%}
    {%- else -%}
        {%- set role = message['role'] -%}
    {%- endif -%}
    {{ '<turn>' + role + '
' + (first_user_prefix if loop.first else "") }}
    {%- if message['content'] is string -%}
        {{ message['content'] | trim }}
    {%- elif message['content'] is iterable -%}
        {%- for item in message['content'] -%}
            {%- if item['type'] == 'text' -%}{{ item['text'] | trim }}{%- endif -%}
        {%- endfor -%}
    {%- else -%}
        {{ raise_exception("no text") }}
    {%- endif -%}
    {{ '</turn>
' }}
{%- endfor -%}
{%- if add_generation_prompt -%}
    {{'<turn>model
'}}
{%- endif -%}
""",
    # a separator between role and text
    "separator": """{% for message in messages %}{% if (message['role'] == 'system') %}{{'<|i|>system<|s|>' + message['content'] + '<|e|>'}}{% elif (message['role'] == 'user') %}{{'<|i|>user<|s|>' + message['content'] + '<|e|>'}}{% elif (message['role'] == 'assistant') %}{{'<|i|>assistant<|s|>' + message['content'] + '<|e|>'}}{% endif %}{% endfor %}{% if add_generation_prompt %}{{ '<|i|>assistant<|s|>' }}{% endif %}""",
    # line breaks that trim_blocks takes, one after each tag
    "trimmed-blocks": """{% for message in messages %}
{% if message['role'] == 'user' %}
{{ '<|u|>\\n' + message['content'] + '<|z|>\\n' }}
{% else %}
{{ message['content'] }}
{% endif %}
{% endfor %}
{% if add_generation_prompt %}
<|a|>
{% else %}
{{ eos_token }}
{% endif %}
""",
    # tools and documents, absent here; a date in words
    "documents": """{%- if tools is not none and tools %}{% set mode = 'tools' %}{% elif documents %}{% set mode = 'documents' %}{% else %}{% set mode = 'plain' %}{% endif %}
{{- '<|r|>system<|/r|>mode: ' ~ mode ~ ', ' ~ strftime_now('%Y') ~ '.<|end|>\\n' }}
{%- for doc in documents or [] %}{{ doc.title }}{% endfor %}
{%- for message in messages %}
{{- '<|r|>' + message['role'] + '<|/r|>' + message['content'] + '<|end|>\\n' }}
{%- if loop.last and add_generation_prompt %}
{{- '<|r|>assistant' }}
{%- if controls %}{{ ' ' + controls | tojson() }}{% endif %}
{{- '<|/r|>' }}
{%- endif %}
{%- endfor %}""",
    # plain words as roles
    "words": """{% if not add_generation_prompt is defined %}{% set add_generation_prompt = false %}{% endif %}{{ bos_token }}{% for message in messages %}{% if message['role'] == 'user' %}{{ 'Person: ' + message['content'] + '\\n\\n' }}{% elif message['role'] == 'assistant' %}{{ 'Machine: ' + message['content'] + eos_token }}{% elif message['role'] == 'system' %}{{ message['content'] + '\\n\\n' }}{% endif %}{% endfor %}{% if add_generation_prompt %}{{ 'Machine:' }}{% endif %}""",
    # what was thought is cut from answers; thinking is begun
    "thought-cut": """{% set ns = namespace(is_first=false, system='') %}{%- for message in messages %}{%- if message['role'] == 'system' %}{% set ns.system = message['content'] %}{%- endif %}{%- endfor %}{{bos_token}}{{ns.system}}{%- for message in messages %}{%- if message['role'] == 'user' %}{{'<U>' + message['content']}}{%- endif %}{%- if message['role'] == 'assistant' and message['content'] is not none %}{% set content = message['content'] %}{% if '</think>' in content %}{% set content = content.split('</think>')[-1] %}{% endif %}{{'<A>' + content + eos_token}}{%- endif %}{%- endfor -%}{% if add_generation_prompt %}{{'<A><think>\\n'}}{% endif %}""",
    # macros, channels, effort
    "channels": """{%- macro line(role, text, channel=none) -%}
{{ '<|start|>' ~ role }}{% if channel %}{{ '<|channel|>' ~ channel }}{% endif %}{{ '<|message|>' ~ text ~ '<|end|>' }}
{%- endmacro -%}
{%- macro about() -%}
    {{- "Effort: " + effort + "\\n" }}
    {{- "Channels: " + ["analysis", "final"] | join(", ") + "." }}
{%- endmacro -%}
{%- if effort is not defined %}{%- set effort = "medium" %}{%- endif %}
{{- line('system', about()) }}
{%- for message in messages -%}
    {%- if message.role == 'user' -%}{{- line('user', message.content) }}
    {%- elif message.role == 'assistant' -%}{{- line('assistant', message.content, 'final') }}{%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}<|start|>assistant{%- endif -%}""",
    # marks before all
    "marks-first": """[gM]<op>{% for item in messages %}{% if item['role'] == 'user' %}<|user|>
{{ item['content'] }}{% elif item['role'] == 'assistant' %}<|assistant|>
{{ item['content'] }}{% endif %}{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}""",
    # mappings, sorted and unsorted
    "mappings": """{%- set sizes = {'b': 2, 'a': 1} %}
{%- for key, value in sizes.items() %}{{ key ~ '=' ~ value }};{% endfor %}
{%- for key, value in sizes | dictsort %}{{ key ~ value }}{{ ', ' if not loop.last }}{% endfor %}
{%- for message in messages %}{{ '|' ~ message.role | upper ~ '|' ~ message.content ~ '|' }}{% endfor %}""",
    # text that may be a list of parts
    "parts": """{%- macro text_of(content) -%}{%- if content is string -%}{{- content -}}{%- else -%}{%- for part in content -%}{{- part.text -}}{%- endfor -%}{%- endif -%}{%- endmacro -%}
{%- for message in messages -%}{{- '(' + message.role + ')' + text_of(message.content) + '(/)' -}}{%- endfor -%}
{%- if add_generation_prompt -%}(assistant){%- endif -%}""",
    # break and continue
    "loop-controls": """{% for message in messages %}{% if message.role == 'tool' %}{% continue %}{% endif %}<m>{{ message.content }}</m>{% if loop.index > 3 %}{% break %}{% endif %}{% endfor %}""",
    # the part that training counts
    "generation-tag": """{% for message in messages %}{% if message.role == 'assistant' %}{% generation %}{{ message.content }}{{ eos_token }}{% endgeneration %}{% else %}<{{ message.role }}>{{ message.content }}</{{ message.role }}>{% endif %}{% endfor %}{% generation %}<assistant>{% endgeneration %}""",
    # filters over messages
    "filters": """{%- set users = messages | selectattr('role', 'equalto', 'user') | list %}
{%- set others = messages | rejectattr('role', 'equalto', 'user') | map(attribute='content') | join(' ') %}
{{- users | length ~ ':' ~ others ~ ':' ~ (messages | map(attribute='role') | join(',')) ~ '\\n' }}
{%- for u in users %}{{ '> ' + u.content + '\\n' }}{% endfor %}
{{- '< ' }}""",
    # values as JSON, beyond ASCII and with < and > as they are
    "json": """{%- set tool = {'name': 'f\u00fcr', 'type': '<int>', 'tags': ['a', 1, none, true], 'deep': {'x': 1.5}} %}
{{- tool | tojson }}{{ '\\n' }}{{- tool | tojson(indent=2) }}
{%- for message in messages %}{{ '\\n# ' + message.content + '\\n' }}{% endfor %}""",
    # comments, raw text, whitespace control
    "comments": """{#- what follows is one line -#}
    {% raw %}{{not a value}}{% endraw %}
   {#- end #}
{%- for message in messages -%}
    {{- '\\n' -}}<<{{- message.content -}}>>
    {%- if not loop.last %}, {% endif -%}
{%- endfor %}
{{ '' }}""",
    # a call block, a default, tests
    "call-block": """{%- macro box(title) -%}[{{ title | default('none', true) | title }}: {{ caller() }}]{%- endmacro -%}
{%- for message in messages %}{% call box(message.name) %}{{ message.content }}{% endcall %}{% endfor %}
{%- if thinking is defined and thinking is mapping %}M{% elif thinking is defined and thinking is number %}N{% elif thinking is defined and thinking %}T{% endif %}{{- '\\n=' }}""",
}

ARGS = {"thinking-switch": {"enable_thinking": False}, "channels": {"effort": "high"},
        "documents": {"controls": {"length": "short"}}, "call-block": {"thinking": 3},
        "dated-headers": {"date_string": "1 May"}}


def environment():
    import jinja2.ext
    import jinja2.nodes
    import jinja2.sandbox

    class Generation(jinja2.ext.Extension):
        tags = {"generation"}

        def parse(self, parser):
            line = next(parser.stream).lineno
            body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
            call = self.call_method("_body")
            return jinja2.nodes.CallBlock(call, [], [], body).set_lineno(line)

        def _body(self, caller):
            return caller()

    def raise_exception(message):
        raise jinja2.exceptions.TemplateError(message)

    def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
        return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators,
                          sort_keys=sort_keys)

    env = jinja2.sandbox.ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, jinja2.ext.loopcontrols])
    env.filters["tojson"] = tojson
    env.globals["raise_exception"] = raise_exception
    env.globals["strftime_now"] = lambda form: datetime.now(timezone.utc).strftime(form)
    return env


def ask(env, name, question, args):
    return env.from_string(FORMS[name]).render(
        messages=[{"role": "user", "content": question}], tools=None, documents=None,
        add_generation_prompt=True, bos_token=BOS, eos_token=EOS, **args)


def recorded(store):
    """What the run's settings make of a question: U+E000 stands for it, U+E001 for it trimmed."""
    db = sqlite3.connect(store)
    (text,), = db.execute("SELECT settings FROM run")
    settings = json.loads(text)
    system = settings["system"]
    if settings["chat"] != "template" or system.count("\ue000") + system.count("\ue001") != 1:
        raise SystemExit("not a rendered template: " + repr(settings))
    return lambda question: system.replace("\ue000", question).replace("\ue001", question.strip())


def main(ration, task_set, *names):
    env, m = environment(), arch.settings("llama")
    w = arch.weights(m)
    for name in names or FORMS:
        arch.write("m.gguf", w, arch.metadata(m, ["tokenizer.chat_template=str:" + FORMS[name]]))
        for args in [{}] + ([ARGS[name]] if name in ARGS else []):
            if os.path.exists("t.db"):
                os.unlink("t.db")
            subprocess.run([ration, "generate", "-m", "m.gguf", "-t", task_set, "-s", "t.db", "-n", "1",
                            "--max-tokens", "1", "--problems", "0", "--chat", "template",
                            "--chat-args", json.dumps(args)], check=True, stdout=subprocess.DEVNULL)
            got = recorded("t.db")
            for question in QUESTIONS:
                want = ask(env, name, question, args)
                if want != got(question):
                    raise SystemExit("%s: %r\nwant %r" % (name, got(question), want))
        print(name, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
