#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What a request costs a key-value server in CPU: ours and redis-server, with redis-benchmark.

    kv.py [--quick] [--seed N] [--slice SECONDS] KV

Keys and values are what redis-benchmark draws: 100,000 keys, 3 bytes each; see servers.py."""
import re
import socket

import servers

CLIENTS, KEYS = 50, 100000

# What both must answer the same to, as an array and as a line, before they are measured.
COMMANDS = (b'PING', b'ECHO duffel', b'FLUSHALL', b'GET none', b'SET one 1', b'GET one',
            b'SET one 2 NX', b'SET two 2 EX 100', b'TTL two', b'TTL one', b'INCR one', b'INCR new',
            b'MSET a 1 b 2', b'MGET a none b', b'EXISTS a b none', b'DEL a none', b'DBSIZE',
            b'SET text word', b'INCR text', b'EXPIRE b 0', b'GET b', b'FLUSHALL')


def talk(server, command):
    """What it answers to [command], sent as an array and then as a line, until it closes."""
    words = command.split()
    array = [b'$%d\r\n%s\r\n' % (len(word), word) for word in words]
    with server.connect() as s:
        s.sendall(b'*%d\r\n' % len(words) + b''.join(array) + command + b'\r\n')
        s.shutdown(socket.SHUT_WR)
        return b''.join(iter(lambda: s.recv(4096), b''))


def bench(options, directory):
    def rate(server, requests):
        said = servers.run([client, '-p', str(server.port), '-c', str(CLIENTS), '-P', str(pipeline),
                            '-q', '-r', str(KEYS), '-n', str(requests), '-t', test])
        found = re.findall(r'([\d.]+) requests per second', said)
        if not found or 'rror' in said:
            servers.die('%s, under redis-benchmark: %s' % (server.name, servers.last_line(said)))
        return float(found[-1])

    def load(server):
        rate(server, requests)
        return requests

    client = servers.program('redis-benchmark', 'key-value')
    redis = servers.program('redis-server', 'the comparison with it')
    if not client:
        return
    running = [servers.Server('kv', [options.server], directory)]
    if redis:
        port = servers.free_port()
        argv = [redis, '--port', str(port), '--bind', '127.0.0.1', '--save', '', '--appendonly',
                'no', '--io-threads', '1', '--dir', directory]
        running.append(servers.Server('redis-server', argv, directory, port))
    for command in COMMANDS:
        servers.same_answers(command, {server.name: talk(server, command) for server in running})
    test, pipeline = 'set', 16
    for server in running:
        rate(server, 3 * KEYS)                      # fills it
    servers.begin('key-value: server CPU in us a request, load by redis-benchmark', options)
    for test, budget in ('set', 1.0), ('get', 1.0), ('ping_mbulk', 0):
        for pipeline in 1, 16:
            requests = int(min(rate(server, 20000) for server in running) * options.slice)
            servers.compare('%s -P %d' % (test.split('_')[0].upper(), pipeline), running,
                            options.rounds if budget else options.rounds // 3, load, budget)


if __name__ == '__main__':
    servers.main(bench, __doc__, (0.4, 0.1))
