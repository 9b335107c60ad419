package main

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"strings"
	"time"
)

// runIdle opens sessions, each with a connection of its own, and keeps them alive every third of their timeout until the input ends: of etcd a
// lease with its keep-alive stream; of ZooKeeper (system=zookeeper) a session in its own protocol.
func runIdle(given options, p *pool) {
	sessions := given.number("sessions", 1000)
	timeout := time.Duration(given.number("timeout-ms", 10000)) * time.Millisecond
	endpoints := strings.Split(given.text("endpoints", ""), ",")
	parallel(64, sessions, func(i int) {
		if given.text("system", "etcd") == "zookeeper" {
			idleZooKeeper(endpoints[i%len(endpoints)], timeout)
		} else {
			idleLease(endpoints[i%len(endpoints)], timeout)
		}
	})
	tell("ready", nil)
	ended := make(chan struct{})
	untilInputEnds(func() { close(ended) })
	<-ended
}

func idleLease(endpoint string, timeout time.Duration) {
	connection := dialOne(endpoint)
	request := flag(nil, 1, uint64(timeout/time.Second))
	var answer []byte
	if err := connection.Invoke(context.Background(), "/etcdserverpb.Lease/LeaseGrant", &request, &answer); err != nil {
		fail("%v", err)
	}
	var lease uint64
	fields(answer, func(number int, value uint64, bytes []byte) {
		if number == 2 {
			lease = value
		}
	})
	stream, err := connection.NewStream(context.Background(), bothWays, "/etcdserverpb.Lease/LeaseKeepAlive")
	if err != nil {
		fail("%v", err)
	}
	go func() {
		keepAlive := flag(nil, 1, lease)
		for range time.Tick(timeout / 3) {
			var pong []byte
			if stream.SendMsg(&keepAlive) != nil || stream.RecvMsg(&pong) != nil {
				fail("a lease was lost")
			}
		}
	}()
}

// idleZooKeeper speaks as much of ZooKeeper's protocol as an idle session needs: its own client would take two threads for each.
func idleZooKeeper(endpoint string, timeout time.Duration) {
	socket, err := net.Dial("tcp", endpoint)
	if err != nil {
		fail("%v", err)
	}
	connect := make([]byte, 4+44)
	binary.BigEndian.PutUint32(connect[0:], 44)
	binary.BigEndian.PutUint32(connect[16:], uint32(timeout/time.Millisecond))
	binary.BigEndian.PutUint32(connect[28:], 16)
	if _, err := socket.Write(connect); err != nil {
		fail("%v", err)
	}
	receive := func() {
		var length [4]byte
		if _, err := io.ReadFull(socket, length[:]); err != nil {
			fail("a session was lost: %v", err)
		}
		if _, err := io.CopyN(io.Discard, socket, int64(binary.BigEndian.Uint32(length[:]))); err != nil {
			fail("a session was lost: %v", err)
		}
	}
	receive()
	go func() {
		ping := []byte{0, 0, 0, 8, 0xff, 0xff, 0xff, 0xfe, 0, 0, 0, 11}
		for range time.Tick(timeout / 3) {
			if _, err := socket.Write(ping); err != nil {
				fail("a session was lost: %v", err)
			}
			receive()
		}
	}()
}
