package main

import (
	"context"
	"fmt"
)

func write(string, []series, string, options) error { return nil }
func (b *bench) machine(context.Context) string     { return "" }
func number(f float64) string                       { return fmt.Sprintf("%.4g", f) }
