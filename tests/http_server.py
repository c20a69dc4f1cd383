#!/usr/bin/python3
"""A small HTTP server on 127.0.0.1 that misbehaves on request, for tests.

    http_server.py ROOT PORT_FILE [SECONDS]

Serves the files of ROOT; the first part of the path names the behaviour:
  /ok/F        ranges, ETag, Content-Length
  /reset/F     resets the connection in the middle of each first, whole answer
  /cut/F       closes every answer after half of what it announced
  /norange/F   ignores Range, always 200 with everything; the first answer is reset
  /changed/F   resets the first answer; then another ETag, and other bytes of the same length
  /lie/F       resets the first answer; then 206 with the wrong start
  /noetag/F    ranges without any validator; the first answer is reset
  /busy/F      503 to the first request
  /redirect/F  302 to /ok/F
  /empty/F     200 without a byte
  /404/F       404
Each request is a line of PORT_FILE.log: METHOD PATH RANGE IF-RANGE. Ends by itself after SECONDS
(default 60), so that no test leaves a process behind.
"""
import http.server
import os
import re
import socket
import struct
import sys
import threading

root, port_file = sys.argv[1], sys.argv[2]
seconds = float(sys.argv[3]) if len(sys.argv) > 3 else 60
seen = {}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def reset(self):
        """Ends the connection with RST."""
        self.wfile.flush()
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.close_connection = True
        self.connection.close()
        self.wfile = open(os.devnull, "wb")

    def plain(self, status, body=b"", headers=()):
        self.send_response(status)
        for k, v in headers:
            self.send_header(k, v)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        with open(port_file + ".log", "a") as log:
            print("GET", self.path, self.headers.get("Range", "-"),
                  self.headers.get("If-Range", "-"), file=log)
        _, how, name = self.path.split("/", 2)
        count = seen[self.path] = seen.get(self.path, 0) + 1
        if how == "404":
            return self.plain(404, b"not here\n")
        if how == "busy" and count == 1:
            return self.plain(503, b"later\n")
        if how == "redirect":
            return self.plain(302, b"", [("Location", "/ok/" + name)])
        if how == "empty":
            return self.plain(200)
        with open(os.path.join(root, name), "rb") as f:
            data = f.read()
        etag = '"one"'
        if how == "changed" and count > 1:
            etag, data = '"two"', bytes(reversed(data))
        self.body(how, count, data, etag)

    def body(self, how, count, data, etag):
        start, status = 0, 200
        m = re.match(r"bytes=(\d+)-$", self.headers.get("Range", ""))
        cond = self.headers.get("If-Range")
        if m and how != "norange" and (cond is None or cond == etag):
            start, status = int(m.group(1)), 206
        if status == 206 and start >= len(data):
            return self.plain(416, b"", [("Content-Range", "bytes */%d" % len(data))])
        part = data[start:]
        self.send_response(status)
        self.send_header("Content-Length", str(len(part)))
        if how != "noetag":
            self.send_header("ETag", etag)
        if status == 206:
            shown = 0 if how == "lie" else start
            last = shown + len(part) - 1
            self.send_header("Content-Range", "bytes %d-%d/%d" % (shown, last, len(data)))
        self.end_headers()
        breaks = how in ("reset", "norange", "changed", "lie", "noetag") and count == 1
        if breaks or how == "cut":
            self.wfile.write(part[:len(part) // 2])
            return self.reset()
        self.wfile.write(part)


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
with open(port_file + ".new", "w") as f:
    f.write(str(server.server_address[1]))
os.rename(port_file + ".new", port_file)
threading.Timer(seconds, lambda: os._exit(0)).start()
server.serve_forever()
