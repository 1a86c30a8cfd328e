package devdb

import "syscall"

const (
	memoryDir  = "/dev/shm"
	memoryRoom = 1 << 30 // bytes; containers often have 64 MB, a cluster under test takes some 150
	tmpfsMagic = 0x01021994
)

// roomyMemory reports whether dir is in memory and has room for clusters.
func roomyMemory(dir string) bool {
	var fs syscall.Statfs_t
	err := syscall.Statfs(dir, &fs)
	return err == nil && fs.Type == tmpfsMagic && fs.Bavail*uint64(fs.Bsize) >= memoryRoom
}
