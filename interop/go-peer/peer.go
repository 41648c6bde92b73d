package main

import (
	"encoding/hex"
	"hash/crc32"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"
)

// shownBytesMax is the longest payload that is printed in full. Of longer ones the checksum will
// do.
const shownBytesMax = 64

// peer is the application on top of the member: what it announces, and what it tells.
type peer struct {
	settings *settings
	lines    *lines
	// broadcasts asks for the number of members, so it works only once the member is started.
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

// NodeMeta is memberlist's question for the metadata.
func (p *peer) NodeMeta(limit int) []byte {
	p.lock.Lock()
	defer p.lock.Unlock()
	return p.meta[:min(limit, len(p.meta))]
}

// NotifyMsg tells of a user message. How it came, and from whom, is not known.
func (p *peer) NotifyMsg(payload []byte) {
	p.lines.print(withPayload(line{"event": "message"}, payload))
}

// GetBroadcasts gives memberlist what is to be gossiped for the application.
func (p *peer) GetBroadcasts(overhead, limit int) [][]byte {
	p.lock.Lock()
	queue := p.broadcasts
	p.lock.Unlock()
	// Asked for while it starts.
	if queue == nil {
		return nil
	}
	return queue.GetBroadcasts(overhead, limit)
}

// LocalState gives memberlist the state to send in a push/pull.
func (p *peer) LocalState(bool) []byte {
	p.lock.Lock()
	defer p.lock.Unlock()
	return slices.Clone(p.userState)
}

// MergeRemoteState tells of the state of another member.
func (p *peer) MergeRemoteState(state []byte, join bool) {
	p.lines.print(withPayload(line{"event": "user_state", "join": join}, state))
}

// NotifyJoin tells of a member that is new or back.
func (p *peer) NotifyJoin(node *memberlist.Node) {
	p.lines.print(about("joined", node))
}

// NotifyLeave tells of a member that failed or left; memberlist does not tell the two apart here.
func (p *peer) NotifyLeave(node *memberlist.Node) {
	p.lines.print(about("gone", node))
}

// NotifyUpdate tells of other metadata.
func (p *peer) NotifyUpdate(node *memberlist.Node) {
	p.lines.print(about("updated", node))
}

// NotifyConflict tells of a name that is announced from a second address.
func (p *peer) NotifyConflict(existing, other *memberlist.Node) {
	line := about("conflict", existing)
	line["other"] = other.Address()
	p.lines.print(line)
}

// AckPayload gives memberlist what to send along with an answer to a ping.
func (p *peer) AckPayload() []byte {
	return nil
}

// NotifyPingComplete tells of a probe that was answered by datagram.
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
