"""Asks every operation of the published API description for things it should and should not take, with schemathesis,
and holds the answers against the description. The program must answer without a server error, be the same process
afterwards, and say nothing in its log that is a fault of ours.

Called by tests/schema/run, which brings the tools along; ends with the lines `# pass N` and `# fail N`.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import uuid

from program import Program

HERE = pathlib.Path(__file__).resolve().parent
# The same cases every time; another seed looks elsewhere.
SEED = os.environ.get("TAIFAS_SCHEMA_SEED", "20261126")
EXAMPLES = os.environ.get("TAIFAS_SCHEMA_EXAMPLES", "12")
RUN_SECONDS = 280

# What would end the run itself, or the account and the session it runs with; and what does not end.
LEFT_OUT = {
    "/api/v1/auth/sign-out": "ends the session of the run",
    "/api/v1/auth/sign-out-everywhere": "ends the session of the run",
    "/api/v1/auth/change-password": "gives the session of the run another token",
    "/api/v1/auth/delete-account": "asks for the account of the run to be deleted",
    "/api/v1/live": "a feed without an end",
    "/api/v1/replies/{id}/stream": "follows an answer, for minutes when one is long",
}


def begin_answers(program):
    """Answers that go on until they are stopped, and answers that were cut and can be continued; their ids."""
    goes_on = ("scripted/continues", '{"tokens": 40, "delay_ms": 1, "hang_after": 5}')
    was_cut = ("scripted/cannot", '{"tokens": 40, "delay_ms": 1, "cut_after": 5}')
    replies = []
    for model, script in [goes_on, was_cut] * 4:
        chat, message = uuid.uuid4(), str(uuid.uuid4())
        body = {"id": message, "parent_id": None, "text": f"script: {script}", "model": model}
        made = program.make(202, f"/api/v1/chats/{chat}/messages", body, {"Idempotency-Key": message})
        replies.append(made["reply"]["id"])
    return replies


def faults(program):
    """Lines of the log that say what must never be said."""
    bad = ("panicked", '"unexpected"', "is damaged")
    return [line for line in program.log.read_text().splitlines() if any(word in line for word in bad)]


def schemathesis(program, own_id, replies, report):
    command = [
        pathlib.Path(sys.executable).parent / "schemathesis", "run", f"http://127.0.0.1:{program.port}/api/v1/openapi.json",
        "--no-color", "--phases", "examples,coverage,fuzzing", "--max-examples", EXAMPLES, "--seed", SEED,
        "--checks", "not_a_server_error,response_schema_conformance,content_type_conformance,refusal_is_a_problem",
        "--generation-database", "none", "--no-shrink", "--continue-on-failure", "--request-timeout", "20",
        "--suppress-health-check", "all", "--warnings", "off", "--report", "json", "--report-json-path", str(report),
        "-H", "X-CSRF: 1",
    ]
    for path in LEFT_OUT:
        command += ["--exclude-path", path]
    told = {"TAIFAS_OWN_ID": own_id, "TAIFAS_REPLIES": ",".join(replies), "TAIFAS_COOKIE": program.cookie}
    environment = {**os.environ, "SCHEMATHESIS_HOOKS": "hooks", "PYTHONPATH": str(HERE), **told}
    try:
        subprocess.run(command, cwd=report.parent, env=environment, timeout=RUN_SECONDS)
    except subprocess.TimeoutExpired:
        sys.exit(f"schemathesis did not end within {RUN_SECONDS} s")
    return json.loads(report.read_text())


def main():
    failures = []
    with tempfile.TemporaryDirectory(prefix="taifas-schema-") as folder:
        # No limit of requests may end the run.
        program = Program(folder, {"TAIFAS__GATEWAY__WRITES_PER_MINUTE": "1000000000"})
        try:
            own_id = program.set_up()
            described = json.loads(program.ask("GET", "/api/v1/openapi.json")[1])["paths"]
            report = schemathesis(program, own_id, begin_answers(program), pathlib.Path(folder) / "report.json")
            if program.process.poll() is not None:
                failures.append(f"the program has ended with {program.process.returncode}")
            else:
                if program.ask("GET", "/readyz")[0] != 200:
                    failures.append("the program is not ready any more")
                # Otherwise everything after the end of the session was only refused.
                if program.ask("GET", "/api/v1/me")[0] != 200:
                    failures.append("the session of the run was ended by an operation that must be left out")
            failures += faults(program)
        finally:
            program.end()
    operations = sum(len(item) for path, item in described.items() if path not in LEFT_OUT)
    tested = report["operations"]["tested"]
    if tested != operations:
        failures.append(f"{tested} of {operations} operations were tested")
    if not report["complete"]:
        failures.append(f"the run is not complete: {report['stop_reason']}")
    failures += [f"{error}" for error in report["errors"]]
    wrong = {operation for failure in report["failures"] for operation in failure["operations"]}
    never = [operation for operation, phases in report["valid_rates"].items() if not any(rate["accepted"] for rate in phases.values())]
    print(f"\n{report['test_cases']['generated']} requests to {tested} operations; never accepted (only refused): {', '.join(sorted(never)) or 'none'}")
    for failure in failures:
        print(f"FAILED: {failure}")
    # One for each operation, and one for the program as a whole.
    print(f"# pass {tested - len(wrong) + (not failures)}")
    print(f"# fail {len(wrong) + bool(failures)}")
    sys.exit(1 if wrong or failures else 0)


main()
