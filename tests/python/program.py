"""The real program as the Python suites start it: on a folder and a port of its own, with one account."""

import http.client
import json
import os
import pathlib
import re
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = pathlib.Path(os.environ.get("TAIFAS_BIN", ROOT / "target/debug/taifas"))
ACCOUNT = {"name": "Ana Pop", "email": "ana@example.org", "password": "correct horse battery"}
START_SECONDS = 20


class Program:
    def __init__(self, folder, settings=None):
        if not PROGRAM.exists():
            sys.exit(f"{PROGRAM} is not there: cargo build -p taifas")
        self.log = pathlib.Path(folder) / "log"
        # No model of this machine may answer.
        environment = {"PATH": os.environ.get("PATH", ""), "TAIFAS__AI__OLLAMA_BASE_URL": "", **(settings or {})}
        arguments = ["serve", "--demo", "--log", "json", "--listen", "127.0.0.1:0", "--data", f"{folder}/data"]
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [PROGRAM, *arguments], cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, text=True
            )
        self.printed = []
        # Read to the end: a full pipe would stop the program.
        threading.Thread(target=lambda: self.printed.extend(self.process.stdout), daemon=True).start()
        self.port = int(self.said(r"ready at http://127\.0\.0\.1:(\d+)"))
        self.cookie = ""

    def said(self, pattern):
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end and self.process.poll() is None:
            if found := re.search(pattern, "".join(self.printed)):
                return found[1]
            time.sleep(0.02)
        sys.exit(f"the program did not start:\n{self.log.read_text()[-2000:]}")

    def ask(self, method, path, body=None, more=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        headers = {"X-CSRF": "1", "Content-Type": "application/json", "Cookie": self.cookie, **(more or {})}
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        for line in answer.headers.get_all("Set-Cookie") or []:
            self.cookie = line.split(";")[0]
        return answer.status, answer.read()

    def make(self, expected, path, body, more=None):
        """What a POST is answered that must be answered with the status `expected`."""
        status, answer = self.ask("POST", path, body, more)
        if status != expected:
            sys.exit(f"POST {path} answered {status}: {answer.decode()}")
        return json.loads(answer)

    def set_up(self):
        """Makes the first account; gives its id."""
        return self.make(201, "/api/v1/setup", {"token": self.said(r"/setup#(\S+)"), **ACCOUNT})["user"]["id"]

    def end(self):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
