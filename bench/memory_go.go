// SPDX-License-Identifier: BSD-2-Clause
// memory_go.go N: the RSS bytes of a sleeping goroutine, of N of them, for memory.c.
package main

import (
	"fmt"
	"os"
	"strconv"
	"sync"
	"time"
)

func rss() float64 {
	var size, pages float64
	text, _ := os.ReadFile("/proc/self/statm")
	fmt.Sscan(string(text), &size, &pages)
	return pages * float64(os.Getpagesize())
}

func main() {
	n, _ := strconv.Atoi(os.Args[1])
	var started sync.WaitGroup
	started.Add(n)
	before := rss()
	for i := 0; i < n; i++ {
		go func(d time.Duration) {
			started.Done()
			time.Sleep(d)
		}(time.Hour + time.Duration(i%1000)*time.Second)
	}
	started.Wait()
	time.Sleep(100 * time.Millisecond)
	fmt.Println((rss() - before) / float64(n))
}
