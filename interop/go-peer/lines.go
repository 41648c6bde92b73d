package main

import (
	"encoding/json"
	"io"
	"strings"
	"sync"
)

// line is one JSON object on standard output.
type line map[string]any

// lines prints whole lines, from any goroutine.
type lines struct {
	lock   sync.Mutex
	output io.Writer
}

func newLines(output io.Writer) *lines {
	return &lines{output: output}
}

// print writes the line at once. memberlist calls delegates in the order of events, with its table
// locked, so the lines have the order of the events.
func (l *lines) print(line line) {
	text, err := json.Marshal(line)
	if err != nil {
		panic(err) // Lines contain only texts, numbers and lists of them.
	}
	l.lock.Lock()
	defer l.lock.Unlock()
	// If nobody reads any longer, the process is about to end.
	_, _ = l.output.Write(append(text, '\n'))
}

// logWriter turns the log of memberlist into lines.
type logWriter struct {
	lines *lines
}

// Write receives one log line at a time: "2026/01/02 03:04:05 [WARN] memberlist: what happened".
func (w logWriter) Write(text []byte) (int, error) {
	level, rest := "", strings.TrimSpace(string(text))
	if open := strings.Index(rest, "["); open >= 0 {
		if length := strings.Index(rest[open:], "] "); length > 0 {
			level = rest[open+1 : open+length]
			rest = rest[open+length+2:]
		}
	}
	switch level {
	case "DEBUG", "INFO", "WARN":
	case "ERR", "ERROR":
		level = "ERR"
	default:
		// Some complaints have no level. The bracket was part of an address, or missing.
		level, rest = "ERR", strings.TrimSpace(string(text))
	}
	rest = strings.TrimPrefix(rest, "memberlist: ")
	w.lines.print(line{"event": "log", "level": level, "text": rest})
	return len(text), nil
}
