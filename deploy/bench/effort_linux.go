package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// apart puts a child in a session of its own, and ends it with us.
func apart() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
}

// effort returns the CPU time that this process, Postgres and Redis took so far.
func (b *bench) effort() effort {
	var self syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &self) // cannot fail with these arguments
	e := effort{program: time.Duration(self.Utime.Nano() + self.Stime.Nano()), redis: cpuOf(stat(b.redis.pid), false)}
	postmaster := stat(b.postgres.Pid)
	e.postgres = cpuOf(postmaster, true)
	all, _ := filepath.Glob("/proc/[0-9]*/stat") // fails on a bad pattern only
	for _, file := range all {
		fields := statFile(file)
		if len(fields) > 1 && fields[1] == strconv.Itoa(b.postgres.Pid) {
			e.postgres += cpuOf(fields, false)
		}
	}
	return e
}

func stat(pid int) []string { return statFile(fmt.Sprintf("/proc/%d/stat", pid)) }

// statFile returns what stands behind the name: state, parent, and so on. A process may have
// ended meanwhile: then there is nothing.
func statFile(file string) []string {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil
	}
	return strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
}

// cpuOf reads user and system time, in hundredths of a second, and with ended
// also those of children that were waited for.
func cpuOf(fields []string, ended bool) time.Duration {
	last := 12
	if ended {
		last = 14
	}
	if len(fields) <= last {
		return 0
	}
	var ticks int64
	for _, field := range fields[11 : last+1] {
		n, _ := strconv.ParseInt(field, 10, 64) // the kernel writes numbers here
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}
