// Command server answers requests and checks every answer, from the moment it says READY until its input ends. Whatever is
// done to it from outside, no answer may be wrong, no signal may be lost and no child may go astray; a single error ends it
// with status 1 and a line that says which.
//
//	server [threads N] [churn] [gc] [children] [seccomp]
//
// threads: N goroutines, each locked to a thread of its own that waits in the kernel. churn: threads are started and end all
// the time. gc: one collection after the other. children: other programs are run all the time. A line `count` is answered
// with the number of requests that were answered so far.
package main

import (
	"bufio"
	"fmt"
	"hash/fnv"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"testbed/truth"
)

const (
	workers = 4
	keys    = 10_000
	// A request that takes longer was forgotten, not answered.
	patience = 20 * time.Second
)

type request struct {
	key    int
	answer chan answer
}

type answer struct {
	key int
	sum uint64
	// Seven and a half: what the processor keeps in its vector registers.
	half float64
}

var (
	requests = make(chan request)
	sums     = map[int]uint64{}
	answered atomic.Int64
	started  sync.WaitGroup
)

func sum(key int) uint64 {
	h := fnv.New64a()
	h.Write([]byte(strconv.Itoa(key)))
	return h.Sum64()
}

func fail(format string, arguments ...any) {
	fmt.Printf("ERROR "+format+"\n", arguments...)
	os.Exit(1)
}

// serve works out each answer twice, with integers and in the vector registers.
func serve() {
	for r := range requests {
		half := 0.0
		for i := 0; i < 1000; i++ {
			half += float64(r.key) * 0.5
		}
		r.answer <- answer{r.key, sum(r.key), half}
	}
}

func ask(first int) {
	reply := make(chan answer, 1)
	for key := first; ; key = (key + 7) % keys {
		requests <- request{key, reply}
		select {
		case a := <-reply:
			half := 0.0
			for i := 0; i < 1000; i++ {
				half += float64(key) * 0.5
			}
			if a.key != key || a.sum != sums[key] || a.half != half {
				fail("request %d: answer %v, sum %d, half %v", key, a, sums[key], half)
			}
			answered.Add(1)
		case <-time.After(patience):
			fail("request %d: no answer", key)
		}
	}
}

// wait holds a thread in the kernel: in a read of a pipe that comes to its end when nobody can write to it any more.
func wait() {
	runtime.LockOSThread()
	var pipe [2]int
	if err := syscall.Pipe(pipe[:]); err != nil {
		fail("pipe: %v", err)
	}
	started.Done()
	var b [1]byte
	for {
		n, err := syscall.Read(pipe[0], b[:])
		if err != syscall.EINTR {
			fail("a read that nobody answers gave %d, %v", n, err)
		}
	}
}

// churn starts threads that end: a goroutine that is locked to its thread takes it along.
func churn() {
	for {
		var group sync.WaitGroup
		for i := 0; i < 8; i++ {
			group.Add(1)
			go func() {
				runtime.LockOSThread()
				group.Done()
			}()
		}
		group.Wait()
	}
}

// spawn runs programs, so that the process forks, waits and is signalled.
func spawn() {
	for i := 0; ; i++ {
		out, err := exec.Command("echo", strconv.Itoa(i)).Output()
		if err != nil || strings.TrimSpace(string(out)) != strconv.Itoa(i) {
			fail("child %d: %q, %v", i, out, err)
		}
		if err := exec.Command("false").Run(); err == nil || err.(*exec.ExitError).ExitCode() != 1 {
			fail("child %d: exit status of false: %v", i, err)
		}
	}
}

// signals sends the process signals and waits for each of them.
func signals() {
	got := make(chan os.Signal, 1)
	signal.Notify(got, syscall.SIGUSR1)
	for i := 0; ; i++ {
		if err := syscall.Kill(os.Getpid(), syscall.SIGUSR1); err != nil {
			fail("kill: %v", err)
		}
		select {
		case <-got:
		case <-time.After(patience):
			fail("signal %d was lost", i)
		}
	}
}

func main() {
	for i := 0; i < keys; i++ {
		sums[i] = sum(i)
	}
	for i := 1; i < len(os.Args); i++ {
		switch os.Args[i] {
		case "threads":
			i++
			n, err := strconv.Atoi(os.Args[i])
			if err != nil {
				fail("threads: %v", err)
			}
			started.Add(n)
			for ; n > 0; n-- {
				go wait()
			}
			started.Wait()
		case "churn":
			go churn()
		case "gc":
			go func() {
				for {
					runtime.GC()
				}
			}()
		case "children":
			go spawn()
		case "seccomp":
			forbid()
		default:
			fail("usage: server [threads N] [churn] [gc] [children] [seccomp]")
		}
	}
	for i := 0; i < workers; i++ {
		go serve()
		go ask(i * 13)
	}
	go signals()
	truth.Map("main.sums", sums)
	truth.State("server")
	input := bufio.NewScanner(os.Stdin)
	for input.Scan() {
		if input.Text() == "count" {
			fmt.Println(answered.Load())
		}
	}
}
