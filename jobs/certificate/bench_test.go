package certificate_test

import (
	"syscall"
	"testing"
	"time"

	"secordesk/jobs/certificate"
)

// perCore measures make: how many a core makes in a second of its own time, whatever else the machine does, and how
// large one is. Run with -cpu 1. What the same words cost elsewhere is measured in deploy/bench/paper.
func perCore(b *testing.B, make func() ([]byte, error)) {
	b.ReportAllocs()
	began, size := cpuTime(b), 0
	for b.Loop() {
		raw, err := make()
		if err != nil {
			b.Fatal(err)
		}
		size = len(raw)
	}
	b.ReportMetric(float64(b.N)/(cpuTime(b)-began).Seconds(), "per-core-second")
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "per-second")
	b.ReportMetric(float64(size)/1024, "KiB")
}

func cpuTime(b *testing.B) time.Duration {
	var use syscall.Rusage
	err := syscall.Getrusage(syscall.RUSAGE_SELF, &use)
	if err != nil {
		b.Fatal(err)
	}
	return time.Duration(use.Utime.Nano() + use.Stime.Nano())
}

// What a process pays once, the first certificate included.
func BenchmarkNewRenderer(b *testing.B) {
	perCore(b, func() ([]byte, error) {
		r, err := certificate.NewRenderer()
		if err != nil {
			return nil, err
		}
		return r.Render(northern(nil))
	})
}

func BenchmarkRender(b *testing.B) {
	r := renderer(b)
	perCore(b, func() ([]byte, error) { return r.Render(northern(nil)) })
}

func BenchmarkRenderCover(b *testing.B) {
	r := renderer(b)
	perCore(b, func() ([]byte, error) { return r.RenderCover(cover(nil)) })
}

func BenchmarkRenderInvoice(b *testing.B) {
	r := renderer(b)
	perCore(b, func() ([]byte, error) { return r.RenderInvoice(invoiced(nil)) })
}

// 1 500 envelopes, of them 1 000 with a certificate. Run alone: the peak is the process's.
func BenchmarkRenderBatch(b *testing.B) {
	r, batch := renderer(b), envelopes(1500)
	perCore(b, func() ([]byte, error) { return r.RenderBatch("Batch", batch) })
	var use syscall.Rusage
	err := syscall.Getrusage(syscall.RUSAGE_SELF, &use)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(use.Maxrss)/1024, "peak-MiB")
}

func BenchmarkSign(b *testing.B) {
	key := ellipticKey(b)
	chain := office(b, key)
	paper, err := renderer(b).Render(northern(nil))
	if err != nil {
		b.Fatal(err)
	}
	perCore(b, func() ([]byte, error) { return certificate.Sign(paper, key, chain, signingDay()) })
}
