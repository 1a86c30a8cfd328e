package jobs

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"
)

// grace is how long a call may take to come back once its time is up. Then it is
// left behind, because nobody can end a goroutine but itself.
const grace = 500 * time.Millisecond

var (
	errPanic = errors.New("panic")
	errExit  = errors.New("the handler ended its goroutine")
	errStuck = errors.New("it did not come back")
)

// answer is what a call returned.
type answer[T any] struct {
	value T
	err   error
}

// bounded makes a call in a goroutine of its own, and waits until ctx ends and a
// grace longer. The answer is errStuck when the call is left behind; its own then
// comes on the channel, which is nil otherwise. A panic is a fault, so that
// it ends one attempt and no process.
func bounded[T any](ctx context.Context, call func() (T, error)) (answer[T], <-chan answer[T]) {
	answers := make(chan answer[T], 1)
	go func() {
		a := answer[T]{err: errExit} // until call returns
		defer func() {
			p := recover()
			if p != nil {
				a.err = fmt.Errorf("%w: %v\n%s", errPanic, p, debug.Stack())
			}
			answers <- a
		}()
		a.value, a.err = call()
	}()
	select {
	case a := <-answers:
		return a, nil
	case <-ctx.Done():
	}
	last := time.NewTimer(grace)
	defer last.Stop()
	select {
	case a := <-answers:
		return a, nil
	case <-last.C:
		return answer[T]{err: errStuck}, answers
	}
}

// because names the reason when something was broken off.
func because(ctx context.Context, err error) error {
	if err == nil || ctx.Err() == nil {
		return err
	}
	return fmt.Errorf("%w: %w", context.Cause(ctx), err)
}

// tooLong is why a call is broken off when its time is up.
type tooLong time.Duration

func (d tooLong) Error() string {
	return fmt.Sprintf("the attempt took longer than %s", time.Duration(d))
}
