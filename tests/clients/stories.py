"""Real clients against a running instance: the openai package and the command line tool llm.

Called by run.py as stories.py BASE_URL KEY; every story is one line `ok NAME` or `failed NAME: why`, and the exit status tells whether all went well.
"""

import base64
import os
import struct
import subprocess
import sys
import tempfile
import traceback

import openai

BASE, KEY = sys.argv[1], sys.argv[2]
client = openai.OpenAI(base_url=BASE, api_key=KEY, max_retries=0, timeout=30)
WORDS = [{"role": "user", "content": 'script: {"tokens": 12, "delay_ms": 1}'}]
TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}


def models():
    listed = {model.id for model in client.models.list()}
    assert {"scripted/continues", "guide/guide", "mock/m", "mock/text-embed"} <= listed, listed
    assert client.models.retrieve("scripted/continues").owned_by == "scripted"


def whole_answer():
    answer = client.chat.completions.create(model="scripted/continues", messages=WORDS)
    assert len(answer.choices[0].message.content.split()) == 12, answer
    assert answer.choices[0].finish_reason == "stop" and answer.usage.completion_tokens == 12, answer


def stream_with_count():
    options = {"include_usage": True}
    stream = client.chat.completions.create(model="scripted/continues", messages=WORDS, stream=True, stream_options=options)
    text, usage, finish = "", None, None
    for chunk in stream:
        usage = chunk.usage or usage
        for choice in chunk.choices:
            text += choice.delta.content or ""
            finish = choice.finish_reason or finish
    assert len(text.split()) == 12 and finish == "stop" and usage.total_tokens > 12, (text, finish, usage)


def guide_answers():
    question = [{"role": "user", "content": "How do I connect Ollama?"}]
    answer = client.chat.completions.create(model="guide/guide", messages=question)
    assert "Ollama" in answer.choices[0].message.content


def tools_pass_through():
    with client.chat.completions.stream(model="mock/m", messages=WORDS, tools=[TOOL], extra_body={"odd_member": 7}) as stream:
        for _ in stream:
            pass
        call = stream.get_final_completion().choices[0].message.tool_calls[0]
    assert call.function.name == "look" and call.function.arguments == '{"at": "cat", "odd": 7}', call


def vectors():
    made = client.embeddings.create(model="mock/text-embed", input=["a", "b"])
    assert [vector.embedding for vector in made.data] == [[1.0, -2.5], [1.0, -2.5]], made
    raw = client.embeddings.create(model="mock/text-embed", input="a", encoding_format="base64").data[0].embedding
    assert struct.unpack("<2f", base64.b64decode(raw)) == (1.0, -2.5), raw


def refusals():
    for call, kind in [
        (lambda: client.chat.completions.create(model="no/model", messages=WORDS), openai.NotFoundError),
        (lambda: client.chat.completions.create(model="scripted/continues", messages=[]), openai.BadRequestError),
        (lambda: client.with_options(api_key="tfs_wrong_key").models.list(), openai.AuthenticationError),
        (lambda: client.chat.completions.create(model="mock/m", messages=WORDS, extra_body={"api_base": "http://x"}), openai.BadRequestError),
    ]:
        try:
            call()
        except kind as refusal:
            assert refusal.body["message"] and refusal.body["code"], refusal.body
        else:
            raise AssertionError(f"{kind.__name__} expected")


def broken_stream():
    failing = [{"role": "user", "content": 'script: {"tokens": 12, "delay_ms": 1, "cut_after": 4}'}]
    text = ""
    try:
        for chunk in client.chat.completions.create(model="scripted/continues", messages=failing, stream=True):
            text += chunk.choices[0].delta.content or ""
    except openai.APIError:
        assert len(text.split()) == 4, text
    else:
        raise AssertionError("a cut answer ended as if it were whole")


def llm_on_the_command_line():
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "extra-openai-models.yaml"), "w", encoding="utf-8") as file:
            file.write(f"- model_id: taifas\n  model_name: scripted/continues\n  api_base: {BASE}\n  api_key_name: taifas\n")
        env = {**os.environ, "LLM_USER_PATH": folder}
        command = [os.path.join(os.path.dirname(sys.executable), "llm"), "-m", "taifas", "--key", KEY, "--no-log"]
        for more in ([], ["--no-stream"]):
            said = subprocess.run([*command, *more, WORDS[0]["content"]], env=env, capture_output=True, text=True, timeout=60)
            assert said.returncode == 0 and len(said.stdout.split()) == 12, (said.stdout, said.stderr)


STORIES = [models, whole_answer, stream_with_count, guide_answers, tools_pass_through, vectors, refusals, broken_stream, llm_on_the_command_line]

failed = 0
for story in STORIES:
    try:
        story()
        print(f"ok {story.__name__}")
    except Exception:  # whatever a client raises is the finding
        failed += 1
        print(f"failed {story.__name__}: {traceback.format_exc()}")
sys.exit(failed > 0)
