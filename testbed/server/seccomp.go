package main

import (
	"runtime"
	"syscall"
	"unsafe"
)

// Of linux/filter.h, linux/seccomp.h and linux/prctl.h.
const (
	loadWord  = 0x20
	jumpEqual = 0x15
	jumpSet   = 0x45
	end       = 0x06

	allow       = 0x7fff0000
	killProcess = 0x80000000

	setNoNewPrivileges = 38
	seccompNumber      = 317
	setFilter          = 1
	allThreads         = 1

	cloneThread = 0x10000
	cloneVfork  = 0x4000
)

type filter struct {
	code   uint16
	jt, jf uint8
	k      uint32
}

type program struct {
	length uint16
	first  *filter
}

// forbid has the kernel kill the process for a clone that makes neither a thread nor a child about to run a program, and for
// any wait4 with a first argument that is a pid: what the program itself never does.
func forbid() {
	filters := []filter{
		{loadWord, 0, 0, 0}, // the number of the call
		{jumpEqual, 2, 0, syscall.SYS_WAIT4},
		{jumpEqual, 4, 0, syscall.SYS_CLONE},
		{end, 0, 0, allow},
		{loadWord, 0, 0, 32}, // the third argument
		{jumpSet, 3, 0, syscall.WNOHANG},
		{end, 0, 0, allow},
		{loadWord, 0, 0, 16}, // the first argument
		{jumpSet, 1, 0, cloneThread | cloneVfork},
		{end, 0, 0, killProcess},
		{end, 0, 0, allow},
	}
	// wait4 with WNOHANG jumps to the line that kills.
	filters[5].jt = 3
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if _, _, err := syscall.RawSyscall6(syscall.SYS_PRCTL, setNoNewPrivileges, 1, 0, 0, 0, 0); err != 0 {
		fail("prctl: %v", err)
	}
	p := program{uint16(len(filters)), &filters[0]}
	if _, _, err := syscall.RawSyscall(seccompNumber, setFilter, allThreads, uintptr(unsafe.Pointer(&p))); err != 0 {
		fail("seccomp: %v", err)
	}
}
