package main

import (
	"encoding/hex"
	"hash/crc32"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"
)

// shownBytesMax is the longest payload that is printed in full. A longer one is checked by its
// checksum.
const shownBytesMax = 64

// peer is the application of the member: its delegates for memberlist.
type peer struct {
	settings *settings
	lines    *lines
	// broadcasts needs the number of members, so it works only once the member is started.
	broadcasts *memberlist.TransmitLimitedQueue
	list       *memberlist.Memberlist

	lock      sync.Mutex
	meta      []byte
	userState []byte
}

func newPeer(settings *settings, lines *lines) *peer {
	return &peer{settings: settings, lines: lines, meta: settings.meta, userState: settings.userState}
}

// started is called once, before the first command is read.
func (p *peer) started(list *memberlist.Memberlist) {
	p.lock.Lock()
	defer p.lock.Unlock()
	p.list = list
	p.broadcasts = &memberlist.TransmitLimitedQueue{
		NumNodes:       list.NumMembers,
		RetransmitMult: p.settings.config.RetransmitMult,
	}
}

// NodeMeta returns the metadata to memberlist.
func (p *peer) NodeMeta(limit int) []byte {
	p.lock.Lock()
	defer p.lock.Unlock()
	return p.meta[:min(limit, len(p.meta))]
}

// NotifyMsg reports a user message. Its sender and its transport are unknown.
func (p *peer) NotifyMsg(payload []byte) {
	p.lines.print(withPayload(line{"event": "message"}, payload))
}

// GetBroadcasts returns the broadcasts of the application to memberlist.
func (p *peer) GetBroadcasts(overhead, limit int) [][]byte {
	p.lock.Lock()
	queue := p.broadcasts
	p.lock.Unlock()
	// memberlist asks already during the start.
	if queue == nil {
		return nil
	}
	return queue.GetBroadcasts(overhead, limit)
}

// LocalState returns the state for a push/pull to memberlist.
func (p *peer) LocalState(bool) []byte {
	p.lock.Lock()
	defer p.lock.Unlock()
	return slices.Clone(p.userState)
}

// MergeRemoteState reports the state of another member.
func (p *peer) MergeRemoteState(state []byte, join bool) {
	p.lines.print(withPayload(line{"event": "user_state", "join": join}, state))
}

// NotifyJoin reports a member that is new or back.
func (p *peer) NotifyJoin(node *memberlist.Node) {
	p.lines.print(about("joined", node))
}

// NotifyLeave reports a member that failed or left; memberlist does not say which.
func (p *peer) NotifyLeave(node *memberlist.Node) {
	p.lines.print(about("gone", node))
}

// NotifyUpdate reports new metadata.
func (p *peer) NotifyUpdate(node *memberlist.Node) {
	p.lines.print(about("updated", node))
}

// NotifyConflict reports a name that is announced from a second address.
func (p *peer) NotifyConflict(existing, other *memberlist.Node) {
	line := about("conflict", existing)
	line["other"] = other.Address()
	p.lines.print(line)
}

// AckPayload returns the data for an answer to a ping to memberlist.
func (p *peer) AckPayload() []byte {
	return nil
}

// NotifyPingComplete reports a probe that was answered by datagram.
func (p *peer) NotifyPingComplete(other *memberlist.Node, rtt time.Duration, payload []byte) {
	line := withPayload(line{"event": "probed", "name": other.Name}, payload)
	line["round_trip_us"] = rtt.Microseconds()
	p.lines.print(line)
}

func about(event string, node *memberlist.Node) line {
	return line{
		"event":   event,
		"name":    node.Name,
		"address": node.Address(),
		"meta":    hex.EncodeToString(node.Meta),
	}
}

func withPayload(line line, payload []byte) line {
	line["size"] = len(payload)
	line["crc32"] = crc32.ChecksumIEEE(payload)
	if len(payload) <= shownBytesMax {
		line["hex"] = hex.EncodeToString(payload)
	}
	return line
}
