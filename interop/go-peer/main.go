// Command go-peer is one member of a cluster, run by HashiCorp memberlist. It is the other side of
// the interoperation tests: it tells on standard output what happens to it, one JSON object a line,
// and obeys the commands on its standard input. README.md describes the lines. `go-peer cost` is no
// member: it measures what one costs.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"

	"github.com/hashicorp/memberlist"
)

// commandSizeMax bounds a line of standard input. Payloads are given by size, so lines are short;
// metadata is 512 bytes, 1,024 in hexadecimal.
const commandSizeMax = 1 << 20

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "go-peer:", err)
		os.Exit(1)
	}
}

func run() error {
	if len(os.Args) > 1 && os.Args[1] == "cost" {
		return cost(os.Args[2:])
	}
	settings, err := parseSettings(os.Args[1:])
	if err != nil {
		return err
	}
	lines := newLines(os.Stdout)
	peer := newPeer(settings, lines)
	config := settings.config
	config.Delegate = peer
	config.Events = peer
	config.Conflict = peer
	config.Ping = peer
	config.LogOutput = logWriter{lines}
	list, err := memberlist.Create(config)
	if err != nil {
		return err
	}
	peer.started(list)
	lines.print(line{"event": "ready", "name": config.Name, "address": list.LocalNode().Address()})

	obey(peer, lines)
	// Nobody is left to tell it anything: it ends like a killed one, without a goodbye.
	return list.Shutdown()
}

// obey carries out the commands on standard input, until it ends or one of them is "shutdown".
func obey(peer *peer, lines *lines) {
	input := bufio.NewScanner(os.Stdin)
	input.Buffer(nil, commandSizeMax)
	for input.Scan() {
		var command command
		if err := json.Unmarshal(input.Bytes(), &command); err != nil {
			lines.print(line{"event": "answer", "id": 0, "ok": false, "error": err.Error()})
			continue
		}
		if command.Do == "shutdown" {
			lines.print(command.answer(nil, nil))
			return
		}
		// Some take seconds; whoever wants an order waits for the answers.
		go func() { lines.print(command.answer(peer.do(command))) }()
	}
}
