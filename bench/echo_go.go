// SPDX-License-Identifier: BSD-2-Clause
// echo_go.go: the echo server of echo.c in Go, a goroutine per connection; prints its port and its
// pid. Package net sets TCP_NODELAY by itself.
package main

import (
	"fmt"
	"net"
	"os"
)

func session(c net.Conn) {
	defer c.Close()
	buf := make([]byte, 4096)
	for {
		n, err := c.Read(buf)
		if err != nil {
			return
		}
		if _, err = c.Write(buf[:n]); err != nil {
			return
		}
	}
}

func main() {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, "echo_go:", err)
		os.Exit(1)
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port, os.Getpid())
	for {
		c, err := listener.Accept()
		if err != nil {
			continue
		}
		go session(c)
	}
}
