// Command condowner is a server that only goroutines which wait on a sync.Cond hold.
package main

import (
	"fmt"
	"runtime"
	"sync"

	"cases/say"
)

type Client struct {
	sync.Mutex
	cond *sync.Cond
	acc  *Account
}
type Account struct {
	subs map[int]map[int]string
	srv  *Server
}
type Server struct {
	name     string
	accounts map[string]*Account
	clients  []*Client
}

func (c *Client) writeLoop() {
	c.Lock()
	for {
		c.cond.Wait()
	}
}

func run() {
	srv := &Server{accounts: map[string]*Account{}}
	for i := 0; i < 20; i++ {
		a := &Account{subs: map[int]map[int]string{}, srv: srv}
		for j := 0; j < 5000; j++ {
			a.subs[j] = map[int]string{j: fmt.Sprint(j)}
		}
		srv.accounts[fmt.Sprint(i)] = a
		c := &Client{acc: a}
		c.cond = sync.NewCond(c)
		srv.clients = append(srv.clients, c)
		go c.writeLoop()
	}
	runtime.GC()
	say.Maps(1, 20, "")
	say.Maps(20, 5000, "")
	say.Maps(100_000, 1, "")
	say.Ready()
	fmt.Println(srv)
}

func main() { run() }
