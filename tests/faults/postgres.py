"""A PostgreSQL cluster of one cell: made from a template, faulted, and gone at the end."""
import glob
import os
import pwd
import shutil
import signal
import subprocess

from waiting import until

SETTINGS = """
listen_addresses = ''
unix_socket_permissions = 0777
max_connections = 120
dynamic_shared_memory_type = mmap
timezone = 'UTC'
log_timezone = 'UTC'
checkpoint_timeout = 15min
track_commit_timestamp = on
recovery_init_sync_method = syncfs
"""
# PostgreSQL refuses to run as root.
AS_POSTGRES = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"] if os.geteuid() == 0 else []


def programs():
    found = glob.glob("/usr/lib/postgresql/*/bin/initdb")
    newest = max(found, key=lambda path: int(path.split("/")[4]))
    return os.path.dirname(newest)


def give_to_postgres(folder):
    """Makes `folder` and hands it to the user that PostgreSQL runs as."""
    os.makedirs(folder, mode=0o700, exist_ok=True)
    if os.geteuid() == 0:
        user = pwd.getpwnam("postgres")
        os.chown(folder, user.pw_uid, user.pw_gid)


class Cluster:
    """One cluster in `folder`, with its socket in `folder`/socket."""

    def __init__(self, folder):
        self.folder = folder
        self.data = os.path.join(folder, "data")
        self.socket = os.path.join(folder, "socket")
        self.log = os.path.join(folder, "postgres.log")
        self.process = None
        self.options = []
        os.makedirs(folder, mode=0o711, exist_ok=True)
        os.chmod(folder, 0o711)
        if not os.path.exists(self.socket):
            give_to_postgres(self.socket)

    @property
    def url(self):
        return f"postgresql://orchestrator@/orchestrator?host={self.socket}"

    def make(self):
        give_to_postgres(self.data)
        self.run("initdb", "--pgdata=" + self.data, "--username=orchestrator", "--auth=trust", "--encoding=UTF8",
                 "--locale=C", "--no-instructions")
        with open(os.path.join(self.data, "postgresql.conf"), "a", encoding="utf-8") as settings:
            settings.write(SETTINGS)
        self.start()
        self.sql("create database orchestrator", database="postgres")

    def copy_of(self, template, data=None, wal=None):
        """Takes over the files of a stopped cluster. `data` and `wal`: other places for them, e.g. small disks."""
        if data:
            self.data = data
        subprocess.run(["cp", "-a", template.data, self.data], check=True)
        if wal:
            shutil.rmtree(wal, ignore_errors=True)
            subprocess.run(["cp", "-a", os.path.join(self.data, "pg_wal"), wal], check=True)
            shutil.rmtree(os.path.join(self.data, "pg_wal"))
            os.symlink(wal, os.path.join(self.data, "pg_wal"))

    def run(self, program, *arguments):
        subprocess.run(AS_POSTGRES + [os.path.join(programs(), program), *arguments], check=True,
                       stdout=subprocess.DEVNULL, cwd="/")

    def launch(self):
        """Starts the server process; it may take a while, or end again, before it answers."""
        # SIGQUIT is PostgreSQL's immediate shutdown: it takes all its processes with it when this test is killed.
        command = ["setpriv", "--pdeathsig=QUIT"] + AS_POSTGRES[1:] if AS_POSTGRES else ["setpriv", "--pdeathsig=QUIT"]
        with open(self.log, "a", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                command + [os.path.join(programs(), "postgres"), "-D", self.data, "-k", self.socket, *self.options],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd="/")

    def start(self, *options, patience=60):
        """Starts it and waits until it answers; again and again while the old one's last processes are still there."""
        if options:
            self.options = list(options)
        self.launch()

        def is_up():
            if self.process.poll() is not None:
                self.launch()
            return self.answers()

        until(is_up, patience, "PostgreSQL answers")

    def answers(self):
        try:
            return self.sql("select 1", database="postgres", timeout=5) == [["1"]]
        except (subprocess.SubprocessError, OSError):
            return False

    def signal(self, number):
        os.kill(self.process.pid, number)

    def end(self, number, patience=60):
        """Sends the signal and waits until the server process has ended."""
        self.signal(number)
        self.process.wait(patience)

    def processes(self):
        """The server process and its children, which a freeze must all hit."""
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children", encoding="ascii") as children:
            return [self.process.pid] + [int(pid) for pid in children.read().split()]

    def stop(self):
        if self.process is None or self.process.poll() is not None:
            return
        # A frozen process takes no signal but this one.
        for pid in self.processes():
            try:
                os.kill(pid, signal.SIGCONT)
            except ProcessLookupError:
                pass
        try:
            self.end(signal.SIGQUIT, 20)
        except subprocess.TimeoutExpired:
            self.end(signal.SIGKILL)

    def sql(self, statement, database="orchestrator", timeout=60):
        """Rows of text cells."""
        command = [os.path.join(programs(), "psql"), "-XqAt", "-F", "\x1f", "-R", "\x1e", "-v", "ON_ERROR_STOP=1",
                   "-h", self.socket, "-U", "orchestrator", "-d", database]
        done = subprocess.run(command, input=statement, capture_output=True, text=True, timeout=timeout, check=False,
                              cwd="/")
        if done.returncode != 0:
            raise subprocess.CalledProcessError(done.returncode, "psql", stderr=done.stderr)
        # The last row ends with a line feed, whatever separates rows.
        text = done.stdout.removesuffix("\n")
        return [row.split("\x1f") for row in text.split("\x1e")] if done.stdout else []

    def value(self, statement):
        return self.sql(statement)[0][0]
