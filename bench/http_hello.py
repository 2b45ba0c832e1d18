#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What a hello over HTTP costs a server in CPU: ours, nginx and Go's net/http, with wrk.

    http_hello.py [--quick] [--seed N] [--slice SECONDS] HTTPD [GO]

The connections of a slice last as long as it does; see servers.py."""
import os
import re
import urllib.request

import servers


def start_nginx(directory):
    """nginx, which serves by nginx.conf; None if there is none."""
    nginx = servers.program('nginx', 'the comparison with it')
    if not nginx:
        return None
    port = servers.free_port()
    conf = os.path.join(directory, 'nginx.conf')
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), 'nginx.conf')) as source:
        text = source.read().replace('PORT', str(port))
    with open(conf, 'w') as to:
        to.write(text)
    argv = [nginx, '-e', 'stderr', '-p', directory, '-c', conf]
    return servers.Server('nginx', argv, directory, port)


def get(server):
    """The status and the body that it answers."""
    with urllib.request.urlopen(server.url, timeout=servers.PATIENCE) as answer:
        return answer.status, answer.read()


def bench(options, directory):
    def wrk(server):
        said = servers.run([client, '-t1', '-c%d' % clients, '-d60s', server.url], options.slice)
        found = re.search(r'(\d+) requests in', said)
        if not found or re.search('Socket errors|Non-2xx', said):
            servers.die('%s, under wrk: %s' % (server.name, servers.last_line(said)))
        return int(found[1])

    client = servers.program('wrk', 'HTTP')
    if not client:
        return
    running = [servers.Server('httpd', [options.server, '--hello'], directory)]
    nginx = start_nginx(directory)
    if nginx:
        running.append(nginx)
    if options.peers and os.path.exists(options.peers[0]):
        running.append(servers.Server('Go', options.peers[:1], directory))
    else:
        print('servers: no Go program: the comparison with it is left out')
    servers.same_answers('GET /', {server.name: get(server) for server in running})
    servers.begin('HTTP hello: server CPU in us a request, load by wrk', options)
    for clients in 50, 500:
        for server in running:
            wrk(server)                             # warms up
        servers.compare('HTTP, %d clients' % clients, running, options.rounds, wrk,
                        1.0 if nginx else 0)


if __name__ == '__main__':
    servers.main(bench, __doc__, (0.8, 0.3))
