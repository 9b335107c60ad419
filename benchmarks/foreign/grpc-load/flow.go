package main

import (
	"context"
	"fmt"
	"sync"
	"time"
)

func folderOf(i int) string { return fmt.Sprintf("/fill-%06d", i) }

// runFlow writes at a steady rate until its input ends, and tells of every time in which no write was acknowledged for `gap-ms`, and, every
// `window-ms`, of the durations in it. Each write has a second, and goes to the next connection.
func runFlow(given options, p *pool) {
	given["op"] = "set"
	calls := prepareKeys(given, p)
	gapMs := float64(given.number("gap-ms", 10))
	var lock sync.Mutex
	var window []float64
	errors := 0
	last := time.Now()
	ended := make(chan struct{})
	untilInputEnds(func() { close(ended) })
	tell("ready", nil)
	go func() {
		for range time.Tick(time.Duration(given.number("window-ms", 1000)) * time.Millisecond) {
			lock.Lock()
			values, failed := window, errors
			window, errors = nil, 0
			lock.Unlock()
			fields := percentiles(values)
			fields["at"], fields["errors"] = epochMs(time.Now()), failed
			tell("window", fields)
		}
	}()
	go pace(given.number("rate", 1000), time.Now().Add(time.Hour), func(number int, due time.Time) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		err := p.do(ctx, number, calls[number%len(calls)])
		cancel()
		now := time.Now()
		lock.Lock()
		defer lock.Unlock()
		if err != nil {
			errors++
			return
		}
		if gap := float64(now.Sub(last)) / 1e6; gap >= gapMs {
			tell("gap", map[string]interface{}{"from": epochMs(last), "to": epochMs(now)})
		}
		last = now
		window = append(window, float64(now.Sub(due))/1e6)
	})
	<-ended
}
