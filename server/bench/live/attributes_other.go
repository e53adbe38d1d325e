//go:build !linux

package main

import "syscall"

// attributes are none where a process cannot be tied to this program: it ends with what ends it.
func attributes() *syscall.SysProcAttr { return nil }
