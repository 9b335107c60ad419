// grpc-load is a load generator on grpc-go, the same for etcd and for zkl: it sends prepared gRPC bodies, so neither side is helped or held up by
// a client library of its own. Arguments are key=value; what it measures goes to standard output as JSON, one object a line. It ends when it is
// done, or when its standard input ends.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

type options map[string]string

func (o options) text(name, otherwise string) string {
	if value, ok := o[name]; ok {
		return value
	}
	return otherwise
}

func (o options) number(name string, otherwise int) int {
	value, ok := o[name]
	if !ok {
		return otherwise
	}
	number, err := strconv.Atoi(value)
	if err != nil {
		fail("%s must be a whole number, not %q", name, value)
	}
	return number
}

func parse(args []string) options {
	parsed := options{}
	for _, arg := range args {
		parts := strings.SplitN(arg, "=", 2)
		if len(parts) != 2 {
			fail("give key=value, not %q", arg)
		}
		parsed[parts[0]] = parts[1]
	}
	return parsed
}

var printing sync.Mutex

// tell prints one object a line.
func tell(event string, fields map[string]interface{}) {
	if fields == nil {
		fields = map[string]interface{}{}
	}
	fields["event"] = event
	line, err := json.Marshal(fields)
	if err != nil {
		fail("%v", err)
	}
	printing.Lock()
	defer printing.Unlock()
	fmt.Println(string(line))
}

func fail(format string, args ...interface{}) {
	fmt.Fprintf(os.Stderr, "grpc-load: "+format+"\n", args...)
	os.Exit(1)
}

func epochMs(at time.Time) float64 {
	return float64(at.UnixNano()) / 1e6
}

func main() {
	given := parse(os.Args[1:])
	pool := dial(given)
	switch mode := given.text("mode", "load"); mode {
	case "load":
		runLoad(given, pool)
	case "fill":
		runFill(given, pool)
	case "flow":
		runFlow(given, pool)
	case "watch":
		runWatch(given, pool)
	case "idle":
		runIdle(given, pool)
	default:
		fail("unknown mode %q", mode)
	}
	// Whoever started this process looks at what it used, and then ends it.
	select {}
}
