// Command go-peer is a cluster member that runs HashiCorp memberlist, for the interoperation tests.
// It prints its events on standard output, one JSON object a line, and runs the commands on its
// standard input. README.md describes the lines. `go-peer cost` measures what a member costs.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"

	"github.com/hashicorp/memberlist"
)

// commandSizeMax is the limit of a line of standard input. Payloads are given by size, so lines are
// short. Metadata is 512 bytes, 1,024 in hexadecimal.
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
	// No further commands can come: it ends like a killed member, without a leave message.
	return list.Shutdown()
}

// obey runs the commands on standard input, until it ends or one of them is "shutdown".
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
		// Some take seconds. A sender that needs an order waits for the answers.
		go func() { lines.print(command.answer(peer.do(command))) }()
	}
}
