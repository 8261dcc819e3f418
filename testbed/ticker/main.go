// Command ticker knows how long it was ever held up: a thread of its own wakes once a millisecond and notes when it was
// late.
//
//	ticker [MIB] [write MIB | requests]
//
// MIB is what it keeps resident, all in maps. With `write`, it overwrites so many of a further block's mebibytes whenever
// a line says `write`, and answers `written`. A line `gaps` is answered with the five longest gaps between two ticks since
// the last answer, in microseconds, longest first. With `requests` it also answers requests that read and change records
// all over its memory; a line `requests` is answered with how long those since the last answer took.
package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"sort"
	"strconv"
	"sync"
	"syscall"
	"time"

	"testbed/truth"
)

const (
	mib     = 1 << 20
	longest = 5
	// A tick asks for one millisecond.
	tick = time.Millisecond
)

type record struct {
	id   int
	data [496]byte
}

var (
	kept  = map[int]*record{}
	block []byte

	mutex sync.Mutex
	gaps  []time.Duration
)

// watch sleeps in the kernel, on a thread that nothing else runs on, so that neither the scheduler nor the collector of
// Go makes it late.
func watch() {
	runtime.LockOSThread()
	last := time.Now()
	for {
		syscall.Select(0, nil, nil, nil, &syscall.Timeval{Usec: int64(tick / time.Microsecond)})
		now := time.Now()
		if gap := now.Sub(last); gap > 2*tick {
			mutex.Lock()
			gaps = append(gaps, gap)
			mutex.Unlock()
		}
		last = now
	}
}

func number(i, otherwise int) int {
	if len(os.Args) <= i {
		return otherwise
	}
	n, err := strconv.Atoi(os.Args[i])
	if err != nil || n < 0 {
		println("usage: ticker [MIB] [write MIB | requests]")
		os.Exit(2)
	}
	return n
}

func main() {
	records := number(1, 16) * mib / 512
	for i := 0; i < records; i++ {
		kept[i] = &record{id: i}
	}
	if len(os.Args) > 2 && os.Args[2] == "write" {
		block = make([]byte, number(3, 64)*mib)
		fill(1)
	}
	if len(os.Args) > 2 && os.Args[2] == "requests" {
		go serve()
	}
	truth.Map("main.kept", kept)
	go watch()
	truth.State("ticker")
	input := bufio.NewScanner(os.Stdin)
	for round := byte(2); input.Scan(); round++ {
		switch input.Text() {
		case "gaps":
			fmt.Println(report())
		case "requests":
			fmt.Println(latencies())
		case "write":
			fill(round)
			fmt.Println("written")
		}
	}
	runtime.KeepAlive(kept)
}

// fill writes every page of the block.
func fill(value byte) {
	for i := range block {
		block[i] = value
	}
}

func report() string {
	mutex.Lock()
	defer mutex.Unlock()
	sort.Slice(gaps, func(i, j int) bool { return gaps[i] > gaps[j] })
	line := `{"gaps_us":[`
	for i, gap := range gaps {
		if i == longest {
			break
		}
		if i > 0 {
			line += ","
		}
		line += strconv.FormatInt(gap.Microseconds(), 10)
	}
	gaps = gaps[:0]
	return line + "]}"
}
