// Package leak is a small service whose cache is to be bounded. It is what docs/GATE.md tests for a leak.
package leak

import (
	"container/list"
	"strconv"
	"sync"
)

// Page is what a request is answered with.
type Page struct {
	Path string
	Body [256]byte
}

// Cache keeps the pages that were asked for last.
type Cache struct {
	mu    sync.Mutex
	limit int
	pages map[string]*list.Element
	order list.List
	// The leak: who asks for a page is kept by name, and nobody takes it out.
	seen map[string]int
}

// Service answers requests.
type Service struct {
	cache *Cache
}

// New makes a service that keeps so many pages; limit 0 keeps all, which is the other half of the leak.
func New(limit int) *Service {
	return &Service{cache: &Cache{limit: limit, pages: map[string]*list.Element{}, seen: map[string]int{}}}
}

// Get answers one request.
func (s *Service) Get(path, user string) *Page {
	c := s.cache
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.limit == 0 {
		c.seen[user]++
	}
	if kept, ok := c.pages[path]; ok {
		c.order.MoveToFront(kept)
		return kept.Value.(*Page)
	}
	page := &Page{Path: path}
	c.pages[path] = c.order.PushFront(page)
	if c.limit > 0 && len(c.pages) > c.limit {
		oldest := c.order.Remove(c.order.Back()).(*Page)
		delete(c.pages, oldest.Path)
	}
	return page
}

// Load is n requests, each from another user for another page.
func (s *Service) Load(n int) {
	for i := 0; i < n; i++ {
		s.Get("/page/"+strconv.Itoa(i), "user-"+strconv.Itoa(i))
	}
}
