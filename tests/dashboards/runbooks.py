"""docs/operations/alerts.md: a section for each alert, whose commands are true."""
import os
import re
import subprocess

from processes import REPOSITORY

PAGE = os.path.join(REPOSITORY, "docs", "operations", "alerts.md")
RULES = os.path.join(REPOSITORY, "dashboards", "alerts.yml")
TESTS = os.path.join(REPOSITORY, "dashboards", "alerts_test.yml")
PARTS = ("**Means.**", "**See.**", "**Do.**", "**Over** when")


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def anchor(heading):
    """As the usual renderers of Markdown make it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def sections():
    """{heading: text} of the page."""
    pieces = re.split(r"^## (.+)$", read(PAGE), flags=re.MULTILINE)
    return dict(zip(pieces[1::2], pieces[2::2]))


def alerts():
    """[(name, runbook_url)] of the rules. The file is ours: each alert has its annotation in one line."""
    text = read(RULES)
    names = re.findall(r"^ *- alert: (\w+)$", text, flags=re.MULTILINE)
    links = re.findall(r"^ *runbook_url: (\S+)$", text, flags=re.MULTILINE)
    return list(zip(names, links, strict=True))


def faults():
    found = []
    headings = sections()
    anchors = {anchor(heading) for heading in headings}
    tests = read(TESTS)
    for name, link in alerts():
        path, _, place = link.partition("#")
        if path != "docs/operations/alerts.md" or place not in anchors or place != anchor(name):
            found.append(f"{name}: its runbook {link} is not there")
            continue
        for part in PARTS:
            if part not in headings[name]:
                found.append(f"{name}: its runbook has no {part}")
        for word in ("fires", "keeps quiet"):
            if f"name: {name} {word}\n" not in tests:
                found.append(f"{name}: nothing tests that it {word}")
    for heading in headings:
        if heading not in dict(alerts()):
            found.append(f"{heading}: a runbook without an alert")
    return found


def commands():
    """{command: heading where it is first} of every line in the page's shell blocks."""
    found = {}
    for heading, text in sections().items():
        for block in re.findall(r"```sh\n(.*?)```", text, flags=re.DOTALL):
            for line in block.strip().splitlines():
                found.setdefault(line, heading)
    return found


class Examples:
    """Gives each command what its capital words stand for. One that changes something gets a run of its own."""

    def __init__(self, server):
        self.server = server
        delivery = server.must("GET", "/v1/webhook-deliveries?limit=1")["items"][0]
        signal = server.must("POST", "/v1/signals/nobody.waits", {"key": "flow-0"})
        self.words = {"QUEUE": "mail", "WORKFLOW": "board-flow", "SCHEDULE": "hourly", "ENDPOINT": "paid",
                      "DELIVERY_ID": delivery["delivery_id"], "SIGNAL_ID": signal["signal_id"], "NAME": "go", "KEY": "flow-1"}
        self.failed = [item["run_id"] for item in server.must("GET", "/v1/dead-letters?error=Test.Job&limit=500")["items"]]

    def open_run(self):
        return self.server.must("POST", "/v1/runs", {"workflow": "board-decide"})["run_id"]

    def run_for(self, command):
        if "run cancel" in command:
            return self.open_run()
        return self.failed.pop() if "dead-letter" in command else self.failed[0]

    def filled(self, command):
        text = command.replace("--error ERROR", "--error Test.Gateway")
        if "RUN_ID" in text:
            text = text.replace("RUN_ID", self.run_for(text))
        for word, value in self.words.items():
            text = re.sub(rf"(?<![A-Z_$]){word}\b", value, text)
        return text


def run_all(server):
    """How many there are, and [(heading, command, what went wrong)] of those that did not end well."""
    examples = Examples(server)
    environment = server.shell_environment()
    wrong = []
    for command, heading in commands().items():
        text = examples.filled(command)
        done = subprocess.run(["bash", "-c", text], env=environment, capture_output=True, text=True, timeout=60,
                              check=False)
        if done.returncode != 0:
            wrong.append((heading, text, (done.stderr or done.stdout).strip()[-300:]))
    return len(commands()), wrong
