// Command sqlrows leaves rows of a database open.
package main

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"io"
	"runtime"

	"cases/say"
)

// A driver of one's own: each connection has a read buffer, as real ones have.
type drv struct{}
type conn struct{ buf [16 << 10]byte }
type stmt struct{ c *conn }
type rows struct {
	c *conn
	n int
}

func (drv) Open(string) (driver.Conn, error)               { return &conn{}, nil }
func (c *conn) Prepare(string) (driver.Stmt, error)        { return &stmt{c}, nil }
func (c *conn) Close() error                               { return nil }
func (c *conn) Begin() (driver.Tx, error)                  { return nil, io.EOF }
func (s *stmt) Close() error                               { return nil }
func (s *stmt) NumInput() int                              { return -1 }
func (s *stmt) Exec([]driver.Value) (driver.Result, error) { return nil, io.EOF }
func (s *stmt) Query([]driver.Value) (driver.Rows, error)  { return &rows{c: s.c}, nil }
func (r *rows) Columns() []string                          { return []string{"id"} }
func (r *rows) Close() error                               { return nil }
func (r *rows) Next(d []driver.Value) error                { r.n++; d[0] = int64(r.n); return nil }

type store struct{ db *sql.DB }

func (s *store) first(ctx context.Context) (id int) {
	rows, err := s.db.QueryContext(ctx, "select id")
	if err != nil {
		panic(err)
	}
	if rows.Next() { // returns without rows.Close
		rows.Scan(&id)
	}
	return
}

var st store

func main() {
	sql.Register("own", drv{})
	st.db, _ = sql.Open("own", "")
	ctx, cancel := context.WithCancel(context.Background()) // lives as long as the server
	for i := 0; i < 400; i++ {
		st.first(ctx)
	}
	runtime.GC()
	say.Ready()
	cancel()
}
