// SPDX-License-Identifier: BSD-2-Clause
// http_hello_go.go: Go's net/http saying hello, for http_hello.py to measure.
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
)

func hello(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain")
	io.WriteString(w, "Hello!\n")
}

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err == nil {
		fmt.Printf("Serving on http://%s/\n", listener.Addr())
		err = http.Serve(listener, http.HandlerFunc(hello))
	}
	fmt.Fprintln(os.Stderr, "http_hello_go:", err)
	os.Exit(1)
}
