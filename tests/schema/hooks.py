"""What schemathesis cannot know of our API: which version of an object is the newest, which objects there are,
which addresses it may call, and what a refusal looks like."""

import base64
import collections
import os
import random

import schemathesis

# The account and the session of the run, which stay as they are: others may be changed.
own = {os.environ["TAIFAS_OWN_ID"]}
# A port nobody listens on: no request of a test leaves this machine.
NOWHERE = "http://127.0.0.1:9/v1"
# The ids that were seen of a kind of object, by the last word of its path before the id; the newest last.
seen = collections.defaultdict(lambda: collections.deque(maxlen=8))
seen["replies"].extend(os.environ["TAIFAS_REPLIES"].split(","))
seen["drafts"].append("new")
# What a field of this name takes, where a made-up value only finds out that it is refused.
USUAL = {
    "kind": lambda: "openai",
    "base_url": lambda: NOWHERE,
    "model": lambda: "scripted/continues",
    "name": lambda: f"name-{dice.getrandbits(32)}",
    "email": lambda: f"person-{dice.getrandbits(32)}@example.org",
    "password": lambda: "correct horse battery",
    "message_id": lambda: dice.choice(list(newest.values()) or [None]),
    "confirm": lambda: "DELETE",
}
# One transparent point.
PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
# The newest version that was seen: of an object by its id, of what has none by its path.
versions = {}
# The newest answer of a chat, behind which the next message belongs.
newest = {}
# Which cases keep what was made up for them; the order of the requests is the same in every run.
dice = random.Random(7)


def objects(value):
    """Every object within a JSON document."""
    if isinstance(value, dict):
        yield value
        for member in value.values():
            yield from objects(member)
    elif isinstance(value, list):
        for member in value:
            yield from objects(member)


def kinds(path):
    """The names of a path's parameters, each with the kind of object it names."""
    words = path.split("/")
    return {word[1:-1]: before for before, word in zip(words, words[1:]) if word.startswith("{")}


@schemathesis.hook
def before_call(context, case, kwargs):
    parameters, body = case.path_parameters or {}, case.body
    for name, kind in kinds(case.operation.path).items():
        if seen[kind] and dice.random() < 0.6:
            parameters[name] = dice.choice(seen[kind])
        if parameters.get(name) in own:
            parameters[name] = "00000000-0000-7000-8000-000000000000"
    public = case.operation.definition.raw.get("x-policy") == "public"
    # Signing in over a session ends it, and it is the run's.
    case.headers["Cookie"] = "nobody=1" if public and case.method != "GET" else os.environ["TAIFAS_COOKIE"]
    if "Idempotency-Key" in (case.headers or {}) and dice.random() < 0.7:
        case.headers["Idempotency-Key"] = f"key-{dice.getrandbits(64)}"
    if case.operation.path == "/api/v1/files" and dice.random() < 0.5:
        case.body, case.media_type = PICTURE, "image/png"
    if not isinstance(body, dict):
        return
    for name, usual in USUAL.items():
        if isinstance(body.get(name), str) and dice.random() < 0.5:
            body[name] = usual()
    if "message_id" in body and parameters.get("id") in newest:
        body["message_id"] = newest[parameters["id"]]
    if isinstance(body.get("base_url"), str) and "://" in body["base_url"]:
        body["base_url"] = NOWHERE
    if "parent_id" in body and dice.random() < 0.7:
        # None begins a chat.
        body["parent_id"] = newest.get(parameters.get("id"))
    if isinstance(body.get("version"), int) and dice.random() < 0.7:
        known = [versions[value] for value in parameters.values() if value in versions]
        body["version"] = known[0] if known else versions.get(case.operation.path, body["version"])


@schemathesis.hook
def after_call(context, case, response):
    if response.status_code >= 300 or not response.headers.get("content-type", [""])[0].startswith("application/json"):
        return
    document, path = response.json(), case.operation.path
    kind = [word for word in path.split("/") if not word.startswith("{")][-1]
    if isinstance(document, dict) and isinstance(document.get("version"), int):
        versions[path] = document["version"]
    if isinstance(document, dict) and isinstance(document.get("reply"), dict):
        seen["replies"].append(document["reply"]["id"])
        newest[document["chat"]["id"]] = document["reply"]["id"]
    for found in objects(document):
        if not isinstance(found.get("id"), str):
            continue
        if found.get("current") is True:
            own.add(found["id"])
        seen[kind].append(found["id"])
        if isinstance(found.get("version"), int):
            versions[found["id"]] = found["version"]


@schemathesis.check
def refusal_is_a_problem(context, response, case):
    """Every refusal is a problem document (RFC 9457) with a sentence that says what to do."""
    if response.status_code < 400 or case.operation.path.startswith("/v1/"):
        return
    kind = response.headers.get("content-type", [""])[0]
    assert kind == "application/problem+json", f"{response.status_code} comes as {kind}"
    problem = response.json()
    assert problem.get("status") == response.status_code, "another status in the document"
    for member in ("type", "title", "detail", "code", "correlation_id"):
        assert isinstance(problem.get(member), str) and problem[member], f"no {member}"
