#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""echo_asyncio.py [--uvloop]: the echo server of echo.c as an asyncio protocol, on asyncio's own
loop or on uvloop; prints its port and its pid. Both loops set TCP_NODELAY by themselves.

It is run by the system's Python, which the package of uvloop is for."""
import asyncio
import os
import socket
import sys


class Session(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(data)

    def pause_writing(self):
        self.transport.pause_reading()

    def resume_writing(self):
        self.transport.resume_reading()


async def main():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Session, '127.0.0.1', 0, backlog=socket.SOMAXCONN)
    print(server.sockets[0].getsockname()[1], os.getpid(), flush=True)
    await server.serve_forever()


if '--uvloop' in sys.argv[1:]:
    try:
        import uvloop
    except ImportError:
        sys.exit('echo_asyncio.py: there is no uvloop for ' + sys.executable)
    uvloop.install()
asyncio.run(main())
