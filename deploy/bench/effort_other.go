//go:build !linux

package main

import "syscall"

func apart() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }

// effort is known on Linux only.
func (b *bench) effort() effort { return effort{} }
