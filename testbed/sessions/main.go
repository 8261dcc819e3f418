// Command sessions is the service of the demo: a web service's memory after a busy day, without the web.
//
// It leaks in the ways services leak. Its sessions grew to 600,000 and expired to 2,000, but the map that held them keeps
// its size. Its tokens are revoked by writing nil, so that their keys stay. Its metrics have a label per user and only
// ever grow. Its watchers wait for a peer that has gone, each with a map of what it has seen.
package main

import (
	"runtime"
	"runtime/debug"
	"strconv"
	"sync"

	"testbed/truth"
)

// Session is one logged-in user.
type Session struct {
	User    int
	Created int64
	Seen    int64
	Agent   string
	Cart    []Item
}

// Item is something a user wants to buy.
type Item struct {
	SKU   string
	Count int
}

// Token lets one user in.
type Token struct {
	User  int
	Scope string
}

// Store is what the handlers share.
type Store struct {
	mu     sync.Mutex
	byID   map[string]*Session
	tokens map[string]*Token
	agents map[string]int
}

// Labels name a series.
type Labels struct {
	Route  string
	Status int
	User   int
}

// Series counts requests.
type Series struct {
	Count   int64
	Sum     int64
	Buckets [8]int64
}

// Metrics never forget.
type Metrics struct {
	mu     sync.Mutex
	series map[Labels]*Series
}

var (
	sessions = &Store{byID: map[string]*Session{}, tokens: map[string]*Token{}, agents: map[string]int{}}
	metrics  = &Metrics{series: map[Labels]*Series{}}
	gone     = make(chan int)
	started  sync.WaitGroup
)

const (
	peak      = 600_000
	remaining = 2_000
	tokens    = 40_000
	users     = 60_000
	watchers  = 50
)

func id(kind string, n int) string { return kind + strconv.Itoa(10_000_000+n) }

func (s *Store) login(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.byID[id("sess-", n)] = &Session{User: n, Agent: "Mozilla/5.0"}
	s.agents["Mozilla/5.0"]++
}

func (s *Store) expire(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.byID, id("sess-", n))
}

func (s *Store) grant(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokens[id("tok-", n)] = &Token{User: n, Scope: "cart"}
}

// revoke writes nil where it should delete.
func (s *Store) revoke(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokens[id("tok-", n)] = nil
}

// observe has a label per user.
func (m *Metrics) observe(route string, status, user int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	l := Labels{Route: route, Status: status, User: user}
	s := m.series[l]
	if s == nil {
		s = &Series{}
		m.series[l] = s
	}
	s.Count++
	s.Buckets[1]++
}

// watch waits for a peer that never answers.
func (s *Store) watch(peer int) {
	pending := make(map[int]string)
	for i := 0; i < 200; i++ {
		pending[i] = "GET /cart"
	}
	queue(&pending)
	truth.Map(truth.Local("main.(*Store).watch", "pending"), pending)
	started.Done()
	answer := <-gone
	delete(pending, answer)
	queue(&pending)
}

//go:noinline
func queue(m *map[int]string) { last = len(*m); escape = m; escape = nil }

var (
	last   int
	escape *map[int]string
)

func main() {
	for n := 0; n < peak; n++ {
		sessions.login(n)
	}
	for n := 0; n < peak-remaining; n++ {
		sessions.expire(n)
	}
	for n := 0; n < tokens; n++ {
		sessions.grant(n)
	}
	for n := 0; n < tokens; n++ {
		if n%16 != 0 {
			sessions.revoke(n)
		}
	}
	for n := 0; n < users; n++ {
		metrics.observe("/cart", 200, n)
	}
	for n := 0; n < watchers; n++ {
		started.Add(1)
		go sessions.watch(n)
	}
	started.Wait()
	debug.FreeOSMemory()
	burst()
	truth.Map("main.sessions.byID", sessions.byID)
	truth.Map("main.sessions.tokens", sessions.tokens)
	truth.Map("main.sessions.agents", sessions.agents)
	truth.Map("main.metrics.series", metrics.series)
	truth.Count("main.Session", remaining)
	truth.Count("main.Token", tokens/16)
	truth.Count("main.Series", users)
	truth.Ready("sessions")
	runtime.KeepAlive(sessions)
}

// burst leaves memory that the runtime has not given back yet.
//
//go:noinline
func burst() {
	report := make([]byte, 6<<20)
	for i := range report {
		report[i] = ' '
	}
	last = len(report)
}
