// Command accounts has accounts with goroutines that wait, leaked goroutines, and substrings as keys.
package main

import (
	"fmt"
	"runtime"
	"sync"
	"time"

	"cases/say"
)

type account struct {
	mu    sync.Mutex
	cond  *sync.Cond
	nodes map[string]*node
}
type node struct{ id int }
type server struct{ accounts map[int]*account }

var srv = &server{accounts: map[int]*account{}}
var substr = map[string]int{}

func (a *account) loop() {
	a.mu.Lock()
	for {
		a.cond.Wait()
	}
}

func leakRecv(c chan int)    { <-c }
func leakLock(m *sync.Mutex) { m.Lock() }
func ticker(c <-chan time.Time) {
	for range c {
	}
}

func main() {
	for i := 0; i < 20; i++ {
		a := &account{nodes: map[string]*node{}}
		a.cond = sync.NewCond(&a.mu)
		for j := 0; j < 5000; j++ {
			a.nodes[fmt.Sprint("node-", j)] = &node{j}
		}
		srv.accounts[i] = a
		go a.loop()
	}
	for i := 0; i < 100000; i++ {
		s := fmt.Sprintf("tenants.%d.orders", i)
		substr[s[8:len(s)-7]] = i
	}
	for i := 0; i < 30; i++ {
		go leakRecv(make(chan int))
	}
	m := new(sync.Mutex)
	m.Lock()
	go leakLock(m)
	go ticker(time.NewTicker(time.Hour).C)
	time.Sleep(50 * time.Millisecond)
	runtime.GC()
	runtime.GC()
	say.Maps(20, 5000, "main.srv.accounts[].nodes")
	say.Maps(1, 20, "main.srv.accounts")
	say.Maps(1, 100_000, "main.substr")
	say.Ready()
	runtime.KeepAlive(m)
}
