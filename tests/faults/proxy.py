"""A network between node and PostgreSQL that breaks around a commit."""
import itertools
import socket
import struct
import threading
import time


class Proxy:
    """Forwards connections from 127.0.0.1:`port` to a Unix socket, and cuts those that a rule names.

    It reads the frames of what the node sends, no more: enough to know when a commit goes out. A commit is a call of the
    prepared statement `commit_batch` on its own (`batch`), or the COMMIT of a transaction that called it (`step`).
    """

    def __init__(self, port, upstream):
        self.upstream = upstream
        self.kind = None  # batch or step
        self.moment = None  # before: it never arrives; sent: nobody reads the answer; answered: the answer is dropped
        self.every = 1
        self.seen = itertools.count(1)
        self.cuts = []  # when
        self.listener = socket.create_server(("127.0.0.1", port), backlog=128)
        threading.Thread(target=self.accept, daemon=True).start()

    def cut(self, kind, moment, every):
        """From now on one in `every` commits of that kind loses its connection at that moment."""
        self.kind, self.moment, self.every = kind, moment, every

    def heal(self):
        self.kind = None

    def stop(self):
        self.listener.close()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            server = socket.socket(socket.AF_UNIX)
            try:
                server.connect(self.upstream)
            except OSError:
                client.close()
                server.close()
                continue
            Connection(self, client, server)

    def is_due(self, kind):
        return kind == self.kind and next(self.seen) % self.every == 0


class Connection:
    def __init__(self, proxy, client, server):
        self.proxy = proxy
        self.client = client
        self.server = server
        self.drop_answer = False
        for work in (self.forward_requests, self.forward_answers):
            threading.Thread(target=work, daemon=True).start()

    def forward_requests(self):
        received = b""
        is_started = in_transaction = wrote = False
        doomed = None  # the moment at which the commit that is being sent loses its connection
        try:
            while chunk := self.client.recv(1 << 18):
                received += chunk
                while frame := next_frame(received, is_started):
                    received = received[len(frame):]
                    commit = None
                    if not is_started:
                        is_started = True
                    elif is_query(frame, b"BEGIN"):
                        in_transaction, wrote = True, False
                    elif frame[:1] == b"B" and frame[5:].split(b"\0", 2)[1] == b"commit_batch":
                        wrote = True
                        commit = None if in_transaction else "batch"
                    elif is_query(frame, b"COMMIT"):
                        commit = "step" if wrote else None
                        in_transaction = False
                    elif is_query(frame, b"ROLLBACK"):
                        in_transaction = False
                    if commit and self.proxy.is_due(commit):
                        doomed = self.proxy.moment
                        if doomed == "before":
                            return self.break_off()
                    is_last = doomed and frame[:1] in b"SQ"  # Sync, or a query of its own
                    if is_last and doomed == "answered":
                        self.drop_answer = True
                    self.server.sendall(frame)
                    if is_last and doomed == "sent":
                        return self.break_off()
        except OSError:
            pass
        self.close()

    def forward_answers(self):
        try:
            while chunk := self.server.recv(1 << 18):
                if self.drop_answer:
                    return self.break_off()
                self.client.sendall(chunk)
        except OSError:
            pass
        self.close()

    def break_off(self):
        """A reset, as from a network that lost its mind."""
        self.proxy.cuts.append(time.time())
        try:
            self.client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        except OSError:
            pass
        self.close()

    def close(self):
        for end in (self.client, self.server):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            end.close()


def next_frame(received, is_started):
    """The first whole message, or nothing. Only the very first has no type."""
    start = 1 if is_started else 0
    if len(received) < start + 4:
        return b""
    length = start + struct.unpack_from("!I", received, start)[0]
    return received[:length] if len(received) >= length else b""


def is_query(frame, text):
    return frame[:1] == b"Q" and frame[5:].upper().startswith(text)
