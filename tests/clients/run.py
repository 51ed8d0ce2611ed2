"""Starts the real program and a provider for it, makes an account and an API key, and tells the stories of stories.py.

Called by tests/clients/run; ends with the lines `# pass N` and `# fail N`.
"""

import http.server
import json
import pathlib
import subprocess
import sys
import tempfile
import threading

from program import Program

HERE = pathlib.Path(__file__).resolve().parent
VECTOR = {"float": [1.0, -2.5], "base64": "AACAPwAAIMA="}


class Provider(http.server.BaseHTTPRequestHandler):
    """A server of OpenAI's protocol that shows what reached it."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, kind, text):
        body = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.answer("application/json", json.dumps({"data": [{"id": "m"}, {"id": "text-embed"}]}))

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path.endswith("/embeddings"):
            texts = asked["input"] if isinstance(asked["input"], list) else [asked["input"]]
            vector = VECTOR[asked.get("encoding_format", "float")]
            data = [{"object": "embedding", "index": index, "embedding": vector} for index, _ in enumerate(texts)]
            usage = {"prompt_tokens": 2, "total_tokens": 2}
            return self.answer("application/json", json.dumps({"object": "list", "model": "m", "data": data, "usage": usage}))
        arguments = json.dumps({"at": "cat", "odd": asked.get("odd_member")})
        name = asked["tools"][0]["function"]["name"]
        call = {"index": 0, "id": "c1", "type": "function", "function": {"name": name, "arguments": arguments}}
        frame = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m"}
        chunks = [
            {**frame, "choices": [{"index": 0, "delta": {"role": "assistant", "tool_calls": [call]}, "finish_reason": None}]},
            {**frame, "choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]},
            {**frame, "choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 3, "total_tokens": 8}},
        ]
        events = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks)
        return self.answer("text/event-stream", events + "data: [DONE]\n\n")


def main():
    provider = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Provider)
    threading.Thread(target=provider.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as folder:
        program = Program(folder)
        try:
            program.set_up()
            address = f"http://127.0.0.1:{provider.server_port}/v1"
            program.make(201, "/api/v1/admin/providers", {"kind": "openai", "name": "mock", "base_url": address})
            made = program.make(201, "/api/v1/keys", {"name": "clients", "scopes": ["models:use"]})
            arguments = [sys.executable, str(HERE / "stories.py"), f"http://127.0.0.1:{program.port}/v1", made["secret"]]
            told = subprocess.run(arguments, stdout=subprocess.PIPE, text=True, timeout=280)
        finally:
            program.end()
    print(told.stdout, end="")
    outcomes = [line.split()[0] for line in told.stdout.splitlines() if line.startswith(("ok ", "failed "))]
    passed, failed = outcomes.count("ok"), outcomes.count("failed")
    if told.returncode and not failed:
        failed = 1
    print(f"# pass {passed}\n# fail {failed}")
    sys.exit(1 if failed or not passed else 0)


main()
