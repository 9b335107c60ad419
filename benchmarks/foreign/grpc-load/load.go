package main

import (
	"context"
	"sort"
	"sync"
	"sync/atomic"
	"time"
)

// recorder is the durations that one worker saw, in milliseconds.
type recorder struct {
	values []float64
	errors int
}

func percentiles(values []float64) map[string]interface{} {
	sort.Float64s(values)
	at := func(part float64) float64 {
		if len(values) == 0 {
			return 0
		}
		index := int(part * float64(len(values)))
		if index >= len(values) {
			index = len(values) - 1
		}
		return values[index]
	}
	return map[string]interface{}{"ops": len(values), "p50": at(0.5), "p99": at(0.99), "p999": at(0.999), "max": at(1)}
}

// prepareKeys makes the znodes that the load goes round on, and the calls of it.
func prepareKeys(given options, p *pool) []call {
	count, value := given.number("keys", 1000), valueOf(given)
	if given.text("system", "etcd") == "zkl" {
		p.insist(p.create("/bench", nil))
	}
	calls := make([]call, count)
	parallel(64, count, func(i int) {
		p.insist(p.create(keyOf(i), value))
		switch op := given.text("op", "set"); op {
		case "set":
			calls[i] = p.set(keyOf(i), value)
		case "get", "get-local":
			calls[i] = p.get(keyOf(i), op == "get-local")
		default:
			fail("unknown op %q", op)
		}
	})
	return calls
}

func parallel(workers, count int, do func(i int)) {
	var next int64 = -1
	var group sync.WaitGroup
	for w := 0; w < workers; w++ {
		group.Add(1)
		go func() {
			defer group.Done()
			for {
				i := int(atomic.AddInt64(&next, 1))
				if i >= count {
					return
				}
				do(i)
			}
		}()
	}
	group.Wait()
}

// runLoad keeps so many calls under way (rate 0), or begins so many a second whether earlier ones were answered or not; what it tells is of the time
// after the warm-up. Durations count from when a call was due, so a system that stands still is charged for those that would have come.
func runLoad(given options, p *pool) {
	untilInputEnds(func() { fail("given up") })
	calls := prepareKeys(given, p)
	warmup := time.Duration(given.number("warmup-ms", 2000)) * time.Millisecond
	length := time.Duration(given.number("ms", 5000)) * time.Millisecond
	begin := time.Now().Add(warmup)
	end := begin.Add(length)
	tell("ready", nil)
	time.AfterFunc(warmup, func() { tell("start", nil) })
	var recorders []*recorder
	if rate := given.number("rate", 0); rate > 0 {
		recorders = openLoop(given, p, calls, rate, begin, end)
	} else {
		recorders = closedLoop(given, p, calls, begin, end)
	}
	all := &recorder{}
	for _, one := range recorders {
		all.values = append(all.values, one.values...)
		all.errors += one.errors
	}
	fields := percentiles(all.values)
	fields["errors"] = all.errors
	fields["ms"] = float64(length) / 1e6
	tell("end", fields)
}

func closedLoop(given options, p *pool, calls []call, begin, end time.Time) []*recorder {
	var group sync.WaitGroup
	var next uint64
	recorders := make([]*recorder, given.number("in-flight", 64))
	for w := range recorders {
		recorders[w] = &recorder{}
		group.Add(1)
		go func(worker int) {
			defer group.Done()
			for from := time.Now(); from.Before(end); {
				err := p.do(context.Background(), worker, calls[atomic.AddUint64(&next, 1)%uint64(len(calls))])
				now := time.Now()
				if now.After(begin) && now.Before(end) {
					recorders[worker].add(now.Sub(from), err)
				}
				from = now
			}
		}(w)
	}
	group.Wait()
	return recorders
}

// inFlightMax bounds what an open loop holds: beyond it calls wait in this process, and their time counts.
const inFlightMax = 8192

func openLoop(given options, p *pool, calls []call, rate int, begin, end time.Time) []*recorder {
	all := &recorder{}
	var lock sync.Mutex
	pace(rate, end, func(number int, due time.Time) {
		err := p.do(context.Background(), number, calls[number%len(calls)])
		now := time.Now()
		if due.After(begin) {
			lock.Lock()
			all.add(now.Sub(due), err)
			lock.Unlock()
		}
	})
	return []*recorder{all}
}

// pace begins `rate` calls a second until the end, and waits for the last.
func pace(rate int, end time.Time, do func(number int, due time.Time)) {
	slots := make(chan struct{}, inFlightMax)
	var group sync.WaitGroup
	from := time.Now()
	for number := 0; ; {
		now := time.Now()
		if now.After(end) {
			break
		}
		for due := int(now.Sub(from).Seconds() * float64(rate)); number < due; number++ {
			slots <- struct{}{}
			group.Add(1)
			go func(number int) {
				defer group.Done()
				do(number, from.Add(time.Duration(float64(number)/float64(rate)*1e9)))
				<-slots
			}(number)
		}
		time.Sleep(500 * time.Microsecond)
	}
	group.Wait()
}

func (r *recorder) add(took time.Duration, err error) {
	if err != nil {
		r.errors++
		return
	}
	r.values = append(r.values, float64(took)/1e6)
}

// runFill makes `count` writes: each of a new key (op=create), or round and round on `keys` of them (op=set).
func runFill(given options, p *pool) {
	untilInputEnds(func() { fail("given up") })
	count, value := given.number("count", 1000), valueOf(given)
	perFolder := given.number("per-folder", 1000)
	begin := time.Now()
	tell("start", nil)
	if given.text("op", "create") == "set" {
		given["op"] = "set"
		calls := prepareKeys(given, p)
		parallel(given.number("in-flight", 256), count, func(i int) { p.insist(calls[i%len(calls)]) })
	} else {
		parallel(given.number("in-flight", 256), count, func(i int) {
			p.insist(p.create(folderOf(i/perFolder)+keyOf(i % perFolder)[6:], value))
		})
	}
	tell("end", map[string]interface{}{"ops": count, "ms": float64(time.Since(begin)) / 1e6})
}
