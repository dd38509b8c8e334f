"""Chat templates as checkpoints ship them: the features they use, and nothing they should not reach."""

import datetime
import json
import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from headway.base.errors import HeadwayError
from headway.tokens.chat import render

HELLO = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": 'Say "é" & <b>'}]

FEATURES = [
    (
        "{% for m in messages %}\n{{ m.role }}: {{ m['content'] }}\n{% endfor %}\n",
        'system: Be brief.\nuser: Say "é" & <b>\n',
    ),
    ("{{ bos_token + messages[0].content }}", "<s>Be brief."),
    ("{% for m in messages %}{% if m.role == 'user' %}{% break %}{% endif %}{{ m.role }}{% endfor %}", "system"),
    ("{% for m in messages %}{% if loop.first %}{% continue %}{% endif %}{{ m.role }}{% endfor %}", "user"),
    ("{% generation %}{{ messages[1].role }}{% endgeneration %}", "user"),
    ("{{ messages[1] | tojson }}", '{"role": "user", "content": "Say \\"é\\" & <b>"}'),
    ("{{ [1, {'a': 2}] | tojson(indent=1) }}", '[\n 1,\n {\n  "a": 2\n }\n]'),
    ("{{ strftime_now('%Y') }}", str(datetime.datetime.now().year)),
    ("{% set ns = namespace(n=0) %}{% for m in messages %}{% set ns.n = ns.n + 1 %}{% endfor %}{{ ns.n }}", "2"),
    ("{% macro f(x) %}[{{ x }}]{% endmacro %}{{ f(messages | length) }}", "[2]"),
    ("{{ 'x' if tools is defined and tools else 'none' }}", "none"),
    ("{{- messages[0].content.strip() | trim | upper -}}", "BE BRIEF."),
    ("{% if add_generation_prompt %}go{% endif %}", "go"),
    ("{{ messages | selectattr('role', 'equalto', 'user') | list | length }}", "1"),
]


@pytest.mark.parametrize(("template", "text"), FEATURES)
def test_features_that_templates_use(template, text):
    assert render(template, HELLO, add_generation_prompt=True, bos_token="<s>") == text


@pytest.mark.parametrize(
    ("template", "says"),
    [
        ("{{ raise_exception('roles must\\nalternate') }}", "refuses this conversation: roles must alternate"),
        ("{% for m in messages %}", "TemplateSyntaxError"),
        ("{{ messages[0].nothing.more }}", "UndefinedError"),
        ("{{ messages[9].content + 1 }}", "fails"),
        ("{{ ''.__class__.__mro__[1].__subclasses__() }}", "SecurityError"),
        ("{{ messages.append(1) }}", "SecurityError"),
        ("{% include '/etc/passwd' %}", "fails"),
        ("{{ range(999999999) | list }}", "fails"),
        ("{{ 'a' + 1 }}", "TypeError"),
    ],
)
def test_what_goes_wrong_is_one_line(template, says):
    with pytest.raises(HeadwayError, match="the chat template of toy") as caught:
        render(template, HELLO, where="toy")
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("messages", [["hi"], [{"content": "no role"}], [None]])
def test_what_is_no_message_is_one_line(messages):
    with pytest.raises(HeadwayError, match="a message is a mapping"):
        render("{{ messages }}", messages)


def test_the_same_as_transformers():
    from transformers.utils.chat_template_utils import render_jinja_template

    for template, _ in FEATURES:
        theirs, _ = render_jinja_template([HELLO], chat_template=template, add_generation_prompt=True, bos_token="<s>")
        assert render(template, HELLO, add_generation_prompt=True, bos_token="<s>") == theirs[0]


@pytest.mark.parametrize(
    "template",
    [
        "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
        "{{ 'a' * 10**10 }}",
        "{{ 10 ** (10 ** 10) }}",
        "{{ 'x' | center(10**10) }}",
        "{{ '%10000000000d' % 1 }}",
        "{{ '{:>9999999999}'.format(1) }}",
        "{{ [1] | tojson(indent=10**10) }}",
        "{% set ns = namespace(x='aaaa') %}{% for i in range(60) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}",
        "{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
        "{{ lipsum(n=10**8) }}",
        "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
        "{{ 'a' * 10**7 }}",
        "{{ range(10**5) | map('string') | map('center', 10**5) | join }}",
    ],
)
def test_what_would_never_end_or_fill_the_memory_is_stopped(template):
    spent = os.times()
    with pytest.raises(HeadwayError, match="the chat template of toy") as caught:
        render(template, HELLO, where="toy")
    assert "\n" not in str(caught.value)
    # Processor time, so that a busy machine cannot fail it; children are counted once they have ended.
    now = os.times()
    assert now.user + now.children_user - spent.user - spent.children_user < 3
    assert render("{{ messages | length }}", HELLO) == "2"  # and the next one is none the worse for it


def test_templates_may_count_on_tools_and_documents():
    asks = "{{ tools is defined }} {{ tools is not none }} {{ documents is none }}"
    assert render(asks, HELLO) == "True False True"
    assert render("{{ tools[0].name }}", HELLO, tools=[{"name": "add"}]) == "add"


def test_fields_of_a_message():
    message = {"role": "assistant", "content": None, "reasoning": "hm", "picture": object()}
    template = "{{ messages[0] | tojson(sort_keys=true) }}"
    assert json.loads(render(template, [message])) == {
        "role": "assistant", "reasoning": "hm", "thinking": "hm", "reasoning_content": "hm", "picture": "<object>",
    }  # fmt: skip


def test_two_at_once():
    with ThreadPoolExecutor(4) as pool:
        answers = list(
            pool.map(lambda n: render("{{ messages[0].content }}", [{"role": "user", "content": n}]), range(40))
        )
    assert answers == [str(n) for n in range(40)]
