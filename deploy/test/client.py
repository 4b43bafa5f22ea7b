"""Just enough of HTTP/1.1, events and WebSockets over TLS to look at single bytes."""

import base64
import json
import os
import socket
import ssl
import struct


class Connection:
    """A TLS connection to localhost."""

    def __init__(self, port, timeout_s=30):
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.set_alpn_protocols(["http/1.1"])
        raw = socket.create_connection(("127.0.0.1", port), timeout=timeout_s)
        self.socket = context.wrap_socket(raw, server_hostname="localhost")
        self.file = self.socket.makefile("rb")
        self.events = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def ask(self, method, path, headers, body=b""):
        """Sends a request; the length is the body's unless the headers tell another one."""
        given = {"Host": "localhost", "Content-Length": len(body), **headers}
        lines = [f"{method} {path} HTTP/1.1", *(f"{k}: {v}" for k, v in given.items()), "", ""]
        self.send("\r\n".join(lines).encode() + body)

    def head(self):
        """The status and the headers of an answer, in lower case."""
        status = int(self.file.readline().split()[1])
        headers = {}
        while line := self.file.readline().decode("latin-1").strip():
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        return status, headers

    def body(self, headers):
        if "chunked" not in headers.get("transfer-encoding", ""):
            return self.file.read(int(headers.get("content-length", 0)))
        whole = b""
        while size := int(self.file.readline().split(b";")[0], 16):
            whole += self.file.read(size)
            self.file.readline()
        self.file.readline()
        return whole

    def event(self):
        """The data of the next event with some; a proxy may cut the chunks anywhere."""
        while True:
            while b"\n\n" not in self.events:
                size = int(self.file.readline().split(b";")[0] or b"0", 16)
                if size == 0:
                    raise EOFError("the events are over")
                self.events += self.file.read(size)
                self.file.readline()
            event, _, self.events = self.events.partition(b"\n\n")
            data = [line[5:] for line in event.split(b"\n") if line.startswith(b"data:")]
            if data and data[0].strip():
                return json.loads(b"\n".join(data))


class WebSocket:
    """A WebSocket of the subprotocol graphql-transport-ws."""

    def __init__(self, port):
        self.connection = Connection(port)
        self.connection.ask("GET", "/graphql", {
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
            "Sec-WebSocket-Protocol": "graphql-transport-ws",
            "Origin": "https://localhost",
        })
        self.status, self.headers = self.connection.head()

    def __enter__(self):
        return self

    def __exit__(self, *rest):
        self.connection.__exit__(*rest)

    def tell(self, message):
        data = json.dumps(message).encode()
        mask = os.urandom(4)
        length = struct.pack("!BBH", 0x81, 0x80 | 126, len(data))
        self.connection.send(length + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(data)))

    def hear(self):
        """The next message of text; pings are left out."""
        while True:
            first, second = self.connection.file.read(2)
            length = second & 0x7F
            if length == 126:
                length = struct.unpack("!H", self.connection.file.read(2))[0]
            elif length == 127:
                length = struct.unpack("!Q", self.connection.file.read(8))[0]
            data = self.connection.file.read(length)
            if first & 0x0F == 1:
                return json.loads(data)
            if first & 0x0F == 8:
                raise EOFError(f"the WebSocket was closed: {data!r}")
