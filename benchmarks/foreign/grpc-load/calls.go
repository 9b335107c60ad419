package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
)

// prepared is a codec of bytes: messages are encoded beforehand, and answers are not taken apart.
type prepared struct{}

func (prepared) Marshal(value interface{}) ([]byte, error) { return *value.(*[]byte), nil }
func (prepared) Unmarshal(data []byte, value interface{}) error {
	*value.(*[]byte) = data
	return nil
}
func (prepared) Name() string   { return "proto" }
func (prepared) String() string { return "proto" }

// field appends one length-delimited field of a protobuf message.
func field(message []byte, number int, value []byte) []byte {
	message = varint(message, uint64(number)<<3|2)
	message = varint(message, uint64(len(value)))
	return append(message, value...)
}

// flag appends one varint field of a protobuf message.
func flag(message []byte, number int, value uint64) []byte {
	return varint(varint(message, uint64(number)<<3), value)
}

func varint(bytes []byte, value uint64) []byte {
	for value >= 0x80 {
		bytes = append(bytes, byte(value)|0x80)
		value >>= 7
	}
	return append(bytes, byte(value))
}

// call is one prepared unary call.
type call struct {
	method string
	body   []byte
}

// dialect prepares the calls of one system.
type dialect interface {
	create(key string, value []byte) call
	set(key string, value []byte) call
	get(key string, local bool) call
}

type etcd struct{}

func (etcd) create(key string, value []byte) call { return etcd{}.set(key, value) }
func (etcd) set(key string, value []byte) call {
	return call{"/etcdserverpb.KV/Put", field(field(nil, 1, []byte(key)), 2, value)}
}
func (etcd) get(key string, local bool) call {
	body := field(nil, 1, []byte(key))
	if local {
		body = flag(body, 7, 1) // serializable
	}
	return call{"/etcdserverpb.KV/Range", body}
}

type zkl struct{}

func (zkl) create(key string, value []byte) call {
	return call{"/zkl.v1.ZnodeService/Create", flag(field(field(nil, 2, []byte(key)), 3, value), 7, 1)} // if absent
}
func (zkl) set(key string, value []byte) call {
	return call{"/zkl.v1.ZnodeService/Set", field(field(nil, 2, []byte(key)), 3, value)}
}
func (zkl) get(key string, local bool) call {
	body := field(nil, 1, []byte(key))
	if local {
		body = field(body, 2, flag(nil, 1, 2))
	}
	return call{"/zkl.v1.ZnodeService/Get", body}
}

// pool is the connections of this process, and what is spoken on them.
type pool struct {
	dialect
	connections []*grpc.ClientConn
	next        uint64
}

func dial(given options) *pool {
	made := &pool{dialect: etcd{}}
	if given.text("system", "etcd") == "zkl" {
		made.dialect = zkl{}
	}
	endpoints := strings.Split(given.text("endpoints", ""), ",")
	for i := 0; i < given.number("connections", 1); i++ {
		made.connections = append(made.connections, dialOne(endpoints[i%len(endpoints)]))
	}
	return made
}

func dialOne(endpoint string) *grpc.ClientConn {
	connection, err := grpc.Dial(endpoint, grpc.WithInsecure(), grpc.WithConnectParams(grpc.ConnectParams{MinConnectTimeout: time.Second}),
		grpc.WithDefaultCallOptions(grpc.ForceCodec(prepared{}), grpc.MaxCallRecvMsgSize(64<<20)))
	if err != nil {
		fail("%v", err)
	}
	return connection
}

// do makes a call on one of the connections: always the same for the same worker, until moved.
func (p *pool) do(ctx context.Context, connection int, c call) error {
	var answer []byte
	return p.connections[connection%len(p.connections)].Invoke(ctx, c.method, &c.body, &answer)
}

// insist repeats a call, each time on another connection, until it succeeds.
func (p *pool) insist(c call) {
	for attempt := 0; ; attempt++ {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		err := p.do(ctx, int(atomic.AddUint64(&p.next, 1)), c)
		cancel()
		if err == nil {
			return
		}
		if attempt == 50 {
			fail("%s: %v", c.method, err)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func valueOf(given options) []byte {
	return bytes.Repeat([]byte("zkl4benchmark---"), given.number("value-bytes", 256)/16+1)[:given.number("value-bytes", 256)]
}

func keyOf(i int) string { return fmt.Sprintf("/bench/node-%012d", i) }

// untilInputEnds calls back when whoever started this process closes its standard input, or is gone.
func untilInputEnds(then func()) {
	go func() {
		buffer := make([]byte, 256)
		for {
			if _, err := os.Stdin.Read(buffer); err != nil {
				then()
				return
			}
		}
	}()
}
