// SPDX-License-Identifier: BSD-2-Clause
// tasks_go.go KIND: goroutines and time.AfterFunc for tasks.c, on one processor. For each line of
// standard input it measures one slice and prints the CPU of one item in nanoseconds.
package main

import (
	"bufio"
	"fmt"
	"math/rand"
	"os"
	"runtime"
	"sync"
	"syscall"
	"time"
)

const (
	batch    = 100
	spawns   = 200000
	sleepers = 1000000
	waiters  = 1000
	wakes    = 200000
	timers   = 1000000
)

func cpu() float64 {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return float64(u.Utime.Nano() + u.Stime.Nano())
}

func spawn(yield bool) float64 {
	var done sync.WaitGroup
	start := cpu()
	for i := 0; i < spawns/batch; i++ {
		done.Add(batch)
		for k := 0; k < batch; k++ {
			go func() {
				if yield {
					runtime.Gosched()
				}
				done.Done()
			}()
		}
		done.Wait()
	}
	return (cpu() - start) / spawns
}

func sleep(forever chan bool) {
	for i := 0; i < sleepers; i++ {
		go func() { <-forever }()
	}
	runtime.Gosched()
}

func wake(events []chan bool) float64 {
	start := cpu()
	for i := 0; i < wakes/waiters; i++ {
		for _, event := range events {
			event <- true
		}
		runtime.Gosched()
	}
	return (cpu() - start) / wakes
}

func fire() float64 {
	var done sync.WaitGroup
	start := cpu()
	done.Add(timers)
	for i := 0; i < timers; i++ {
		time.AfterFunc(time.Duration(rand.Int63n(1e9)), done.Done)
	}
	done.Wait()
	return (cpu() - start) / timers
}

func main() {
	kind := os.Args[1]
	events := make([]chan bool, waiters)
	runtime.GOMAXPROCS(1)
	switch kind {
	case "spawn among many", "spawn and yield among many":
		sleep(make(chan bool))
	case "wake":
		for i := range events {
			event := make(chan bool)
			events[i] = event
			go func() {
				for {
					<-event
				}
			}()
		}
	}
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var ns float64
		switch kind {
		case "spawn", "spawn among many":
			ns = spawn(false)
		case "spawn and yield", "spawn and yield among many":
			ns = spawn(true)
		case "wake":
			ns = wake(events)
		case "timers fire":
			ns = fire()
		default:
			fmt.Fprintln(os.Stderr, "tasks_go: no such kind:", kind)
			os.Exit(2)
		}
		fmt.Printf("%.3f\n", ns)
	}
}
