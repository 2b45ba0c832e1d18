/* SPDX-License-Identifier: BSD-2-Clause
 * net.h: the program's own network. */
#ifndef NET_H
#define NET_H
struct datagram { char bytes[8]; int size; };
struct net { int up; };

#ifdef __cplusplus
extern "C" {
#endif
int net_open(struct net *net);
int tcp_listen(int port);
int tcp_port(int fd);
int udp_open(int port);
int unix_listen(const char *path);
int datagram_to(struct datagram *datagram, const char *host);
int fd_close(int fd);
int fd_nonblock(int fd);
int fd_pipe(int fds[2]);
int resolve_free(void *found);
#ifdef __cplusplus
}
#endif
#endif
