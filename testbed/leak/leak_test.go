package leak

import (
	"os"
	"runtime"
	"syscall"
	"testing"
	"time"
)

// pages is how many the service may keep.
const pages = 1000

// service is a variable of the package, as a service's state is; so its maps have a name.
var service *Service

// TestLeak loads the service and says when it is to be looked at. It checks nothing itself: the budgets do.
func TestLeak(t *testing.T) {
	limit := pages
	if os.Getenv("LEAK") != "" {
		limit = 0
	}
	service = New(limit)
	service.Load(50_000)
	runtime.GC()
	mark()
	if page := service.Get("/page/0", "user-0"); page.Path != "/page/0" {
		t.Errorf("the service is broken afterwards: %q", page.Path)
	}
	if os.Getenv("FAIL") != "" {
		t.Error("the test fails for reasons of its own")
	}
}

// TestQuiet never comes to a mark.
func TestQuiet(t *testing.T) {
	New(pages).Load(10)
}

// TestWaits is marked by somebody else, and ends when its input does.
func TestWaits(t *testing.T) {
	service = New(pages)
	service.Load(5_000)
	os.Stdout.WriteString("WAITING\n")
	done := make(chan struct{})
	go func() {
		os.Stdin.Read(make([]byte, 1))
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(time.Minute):
		t.Error("nobody came")
	}
}

// mark is where mapscope looks at this process (--at-signal USR1): it is stopped before this returns. Nothing else gets
// the signal; without mapscope, Go's runtime ignores it. A signal to the thread itself arrives before the call returns,
// which one to the process (syscall.Kill) need not.
func mark() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	syscall.RawSyscall(syscall.SYS_TGKILL, uintptr(syscall.Getpid()), uintptr(syscall.Gettid()), uintptr(syscall.SIGUSR1))
}
