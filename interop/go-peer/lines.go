package main

import (
	"encoding/json"
	"io"
	"strings"
	"sync"
)

// line is one JSON object on standard output.
type line map[string]any

// lines prints whole lines, whoever prints them.
type lines struct {
	lock   sync.Mutex
	output io.Writer
}

func newLines(output io.Writer) *lines {
	return &lines{output: output}
}

// print writes the line at once: memberlist calls delegates in the order of what happened, with its
// table locked, so the order of lines is that of events.
func (l *lines) print(line line) {
	text, err := json.Marshal(line)
	if err != nil {
		panic(err) // Only texts, numbers and lists of them are put into lines.
	}
	l.lock.Lock()
	defer l.lock.Unlock()
	// When nobody reads any more the process is about to end anyway.
	_, _ = l.output.Write(append(text, '\n'))
}

// logWriter turns what memberlist logs into lines.
type logWriter struct {
	lines *lines
}

// Write gets one log line at a time: "2026/01/02 03:04:05 [WARN] memberlist: what happened".
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
		// Some complaints carry no level. The bracket was part of an address, or there was none.
		level, rest = "ERR", strings.TrimSpace(string(text))
	}
	rest = strings.TrimPrefix(rest, "memberlist: ")
	w.lines.print(line{"event": "log", "level": level, "text": rest})
	return len(text), nil
}
