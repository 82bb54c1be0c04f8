"""The three remote workers, one for each client."""
import os
import shutil
import signal
import subprocess
import sys

from engine import ADMIN_KEY

FOLDER = os.path.dirname(os.path.abspath(__file__))
REPOSITORY = os.path.dirname(os.path.dirname(FOLDER))
JAVASCRIPT_CLIENT = os.path.join(REPOSITORY, "clients/typescript/dist/src/index.js")


def commands(binary):
    """Name → command. A client that is not built here has a Python worker in its place."""
    python = [sys.executable, os.path.join(FOLDER, "ledger_worker.py")]
    cpp = os.path.join(os.path.dirname(binary), "cpp_ledger_worker")
    has_javascript = shutil.which("node") and os.path.exists(JAVASCRIPT_CLIENT)
    return {
        "python": python,
        "javascript" if has_javascript else "python-2":
            ["node", os.path.join(FOLDER, "ledger_worker.mjs")] if has_javascript else python,
        "cpp" if os.path.exists(cpp) else "python-3": [cpp] if os.path.exists(cpp) else python,
    }


class LedgerWorker:
    """One worker process over all its lives. It has one name and one balancer."""

    def __init__(self, name, command, folder, ledger, balancer):
        self.name = name
        self.command = command
        self.ledger = ledger
        self.balancer = balancer
        self.log = os.path.join(folder, name + ".log")
        self.process = None

    def start(self, queue):
        environment = {**os.environ, "ORCHESTRATOR_URL": self.balancer.url, "ORCHESTRATOR_API_KEY": ADMIN_KEY}
        with open(self.log, "a", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig=KILL", *self.command, self.ledger, queue, self.name], env=environment,
                stdout=log, stderr=log, stdin=subprocess.DEVNULL)

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(20)

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def stop(self):
        if self.is_running():
            self.kill()
