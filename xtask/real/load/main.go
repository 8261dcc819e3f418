// Command load starts a real program in a directory of its own, on the loopback address, and gives it work.
//
// Usage: load NAME BINARY. It prints the process's id and READY when the program has done its first work, and then goes on
// with a little of it. It ends, and ends the program, when its standard input does, and after ten minutes at the latest.
package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// A program that is started, asked until it answers, and given work.
type program struct {
	// What it is started with. It may write files below dir.
	start func(r *run) (*exec.Cmd, error)
	// Says whether it answers.
	ready func(r *run) error
	// One worker's part of the first work; there are `workers` of them.
	work    func(r *run, worker int) error
	workers int
	// One small piece of what goes on.
	goOn func(r *run, round int) error
}

var programs = map[string]program{
	"caddy":      caddy,
	"coredns":    coredns,
	"etcd":       etcd,
	"gopls":      gopls,
	"nats":       nats,
	"prometheus": prometheus,
}

// What the functions of a program share.
type run struct {
	dir    string
	binary string
	// Ports of the loopback address that were free.
	ports [3]int
	ctx   context.Context
	cmd   *exec.Cmd
	// Whatever the program keeps between its functions.
	state any
	done  atomic.Int64
}

func (r *run) addr(i int) string { return fmt.Sprintf("127.0.0.1:%d", r.ports[i]) }

func (r *run) write(name, text string) string {
	path := filepath.Join(r.dir, name)
	_ = os.MkdirAll(filepath.Dir(path), 0o755)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		panic(err)
	}
	return path
}

// command is the program with a home of its own, that ends with us.
func (r *run) command(args ...string) *exec.Cmd {
	cmd := exec.CommandContext(r.ctx, r.binary, args...)
	cmd.Dir = r.dir
	cmd.Env = append(os.Environ(), "XDG_DATA_HOME="+r.dir, "XDG_CONFIG_HOME="+r.dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if os.Getenv("LOAD_VERBOSE") != "" {
		cmd.Stderr = os.Stderr
	}
	return cmd
}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: load NAME BINARY")
		os.Exit(2)
	}
	if err := do(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintf(os.Stderr, "load %s: %v\n", os.Args[1], err)
		os.Exit(1)
	}
}

func do(name, binary string) error {
	p, known := programs[name]
	if !known {
		return fmt.Errorf("no such program")
	}
	dir, err := os.MkdirTemp("", "load-"+name)
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	r := &run{dir: dir, binary: binary, ctx: ctx, ports: freePorts()}
	if r.cmd, err = p.start(r); err != nil {
		return err
	}
	if r.cmd.Process == nil {
		if err = r.cmd.Start(); err != nil {
			return err
		}
	}
	defer func() {
		_ = r.cmd.Process.Kill()
		_ = r.cmd.Wait()
	}()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	if err := p.first(r); err != nil {
		return err
	}
	fmt.Printf("%d\nREADY %d\n", r.cmd.Process.Pid, r.done.Load())
	for round := 0; ctx.Err() == nil; round++ {
		// What is on its way when we are told to end may fail.
		if err := p.goOn(r, round); err != nil && ctx.Err() == nil {
			return err
		}
		select {
		case <-ctx.Done():
		case <-time.After(20 * time.Millisecond):
		}
	}
	return nil
}

// first waits until the program answers, and gives it its first work.
func (p program) first(r *run) error {
	var err error
	for begun := time.Now(); time.Since(begun) < time.Minute && r.ctx.Err() == nil; time.Sleep(50 * time.Millisecond) {
		if err = p.ready(r); err == nil {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("it does not answer: %w", err)
	}
	var group sync.WaitGroup
	errs := make(chan error, p.workers)
	for worker := 0; worker < p.workers; worker++ {
		group.Add(1)
		go func() {
			defer group.Done()
			if err := p.work(r, worker); err != nil {
				errs <- err
			}
		}()
	}
	group.Wait()
	select {
	case err := <-errs:
		return err
	default:
		return nil
	}
}

func freePorts() (ports [3]int) {
	for i := range ports {
		listener, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			panic(err)
		}
		// Closed when all are known, so that they differ.
		defer listener.Close()
		ports[i] = listener.Addr().(*net.TCPAddr).Port
	}
	return ports
}
