package storetest

import (
	"testing"
	"time"
)

// BenchmarkDB measures what a test's database costs, and how it is shared between making and dropping.
func BenchmarkDB(b *testing.B) {
	s, err := shared()
	if err != nil {
		b.Fatal(err)
	}
	var cloning, dropping time.Duration
	for b.Loop() {
		begun := time.Now()
		name, err := s.clone()
		if err != nil {
			b.Fatal(err)
		}
		cloned := time.Now()
		err = s.drop(name)
		if err != nil {
			b.Fatal(err)
		}
		cloning += cloned.Sub(begun)
		dropping += time.Since(cloned)
	}
	b.ReportMetric(float64(cloning.Milliseconds())/float64(b.N), "ms/clone")
	b.ReportMetric(float64(dropping.Milliseconds())/float64(b.N), "ms/drop")
}
