package main

import (
	"context"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
)

var bothWays = &grpc.StreamDesc{StreamName: "stream", ClientStreams: true, ServerStreams: true}

// fields calls back with each field of a protobuf message: a number and, of length-delimited ones, the bytes, of varints the value.
func fields(message []byte, each func(number int, value uint64, bytes []byte)) {
	for at := 0; at < len(message); {
		key := read(message, &at)
		switch key & 7 {
		case 0:
			each(int(key>>3), read(message, &at), nil)
		case 2:
			length := int(read(message, &at))
			each(int(key>>3), 0, message[at:at+length])
			at += length
		default:
			fail("a message with wire type %d", key&7)
		}
	}
}

func read(message []byte, at *int) uint64 {
	var value uint64
	for shift := uint(0); ; shift += 7 {
		b := message[*at]
		*at++
		value |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return value
		}
	}
}

// runWatch lets many watchers, spread over the connections (one watch stream each, as etcd's own client has), watch one key of etcd; then changes it
// again and again, each time when all watchers have heard of the change before.
func runWatch(given options, p *pool) {
	untilInputEnds(func() { fail("given up") })
	watchers, value := given.number("watchers", 1000), valueOf(given)
	key := keyOf(0)
	p.insist(p.create(key, value))
	var standing, heard int64
	notify := make(chan struct{}, 1)
	for i := range p.connections {
		begin(p.connections[i], key, watchers/len(p.connections), &standing, &heard, int64(watchers), notify)
	}
	for atomic.LoadInt64(&standing) < int64(watchers) {
		time.Sleep(5 * time.Millisecond)
	}
	tell("ready", nil)
	writer := dialOne(given.text("writer", ""))
	change := &pool{dialect: p.dialect, connections: []*grpc.ClientConn{writer}}
	recorded := &recorder{}
	warmup := time.Duration(given.number("warmup-ms", 2000)) * time.Millisecond
	from := time.Now().Add(warmup)
	end := from.Add(time.Duration(given.number("ms", 5000)) * time.Millisecond)
	time.AfterFunc(warmup, func() { tell("start", nil) })
	for sent := time.Now(); sent.Before(end); sent = time.Now() {
		atomic.StoreInt64(&heard, 0)
		change.insist(change.set(key, value))
		<-notify
		if now := time.Now(); sent.After(from) && now.Before(end) {
			recorded.add(now.Sub(sent), nil)
		}
	}
	fields := percentiles(recorded.values)
	fields["ops"] = len(recorded.values) * watchers
	fields["ms"] = float64(end.Sub(from)) / 1e6
	tell("end", fields)
}

func begin(connection *grpc.ClientConn, key string, count int, standing, heard *int64, all int64, notify chan struct{}) {
	stream, err := connection.NewStream(context.Background(), bothWays, "/etcdserverpb.Watch/Watch")
	if err != nil {
		fail("%v", err)
	}
	go func() {
		create := field(nil, 1, field(nil, 1, []byte(key)))
		for i := 0; i < count; i++ {
			if err := stream.SendMsg(&create); err != nil {
				fail("%v", err)
			}
		}
	}()
	go func() {
		for {
			var message []byte
			if err := stream.RecvMsg(&message); err != nil {
				fail("%v", err)
			}
			fields(message, func(number int, value uint64, bytes []byte) {
				switch {
				case number == 3 && value == 1:
					atomic.AddInt64(standing, 1)
				case number == 11 && atomic.AddInt64(heard, 1) == all:
					notify <- struct{}{}
				}
			})
		}
	}()
}
