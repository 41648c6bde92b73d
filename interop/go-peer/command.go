package main

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/hashicorp/memberlist"
)

// commandTimeout is for commands that wait until something is spread. It only ends a wait in a
// cluster that is broken, so it is long.
const commandTimeout = 30 * time.Second

// command is one line of standard input.
type command struct {
	ID        int      `json:"id"`
	Do        string   `json:"do"`
	Addresses []string `json:"addresses"` // join
	To        string   `json:"to"`        // send, send_reliable, ping
	Hex       string   `json:"hex"`       // meta, send, send_reliable, broadcast, user_state
	Size      int      `json:"size"`      // in place of hex: so many bytes of a fixed sequence
	Key       string   `json:"key"`       // install_key, use_key, remove_key
}

// answer is the line that answers the command.
func (c command) answer(line line, err error) line {
	if line == nil {
		line = make(map[string]any)
	}
	line["event"], line["id"], line["ok"] = "answer", c.ID, err == nil
	if err != nil {
		line["error"] = err.Error()
	}
	return line
}

// do carries out a command, and gives what its answer says.
func (p *peer) do(command command) (line, error) {
	switch command.Do {
	case "join":
		joined, err := p.list.Join(command.Addresses)
		return line{"joined": joined}, err
	case "members":
		return p.members()
	case "meta":
		return p.setMeta(command)
	case "send", "send_reliable":
		return p.send(command)
	case "broadcast":
		return p.broadcast(command)
	case "user_state":
		return p.setUserState(command)
	case "leave":
		return nil, p.list.Leave(commandTimeout)
	case "ping":
		return p.ping(command)
	case "health":
		return line{"health": p.list.GetHealthScore()}, nil
	case "install_key", "use_key", "remove_key", "keys":
		return p.changeKeys(command)
	}
	return nil, fmt.Errorf("no command %q", command.Do)
}

func (p *peer) setMeta(command command) (line, error) {
	meta, err := command.payload()
	if err != nil {
		return nil, err
	}
	p.lock.Lock()
	p.meta = meta
	p.lock.Unlock()
	return nil, p.list.UpdateNode(commandTimeout)
}

func (p *peer) setUserState(command command) (line, error) {
	state, err := command.payload()
	if err != nil {
		return nil, err
	}
	p.lock.Lock()
	defer p.lock.Unlock()
	p.userState = state
	return withPayload(line{}, state), nil
}

func (p *peer) send(command command) (line, error) {
	payload, err := command.payload()
	if err != nil {
		return nil, err
	}
	to, err := p.live(command.To)
	if err != nil {
		return nil, err
	}
	if command.Do == "send" {
		return withPayload(line{}, payload), p.list.SendBestEffort(to, payload)
	}
	return withPayload(line{}, payload), p.list.SendReliable(to, payload)
}

func (p *peer) broadcast(command command) (line, error) {
	payload, err := command.payload()
	if err != nil {
		return nil, err
	}
	p.broadcasts.QueueBroadcast(broadcast{payload})
	return withPayload(line{}, payload), nil
}

func (p *peer) ping(command command) (line, error) {
	to, err := p.live(command.To)
	if err != nil {
		return nil, err
	}
	address := net.UDPAddr{IP: to.Addr, Port: int(to.Port)}
	roundTrip, err := p.list.Ping(to.Name, &address)
	return line{"round_trip_us": roundTrip.Microseconds()}, err
}

func (p *peer) changeKeys(command command) (line, error) {
	ring := p.settings.config.Keyring
	if ring == nil {
		return nil, errors.New("started without a key")
	}
	key, err := hex.DecodeString(command.Key)
	if err != nil {
		return nil, err
	}
	switch command.Do {
	case "install_key":
		err = ring.AddKey(key)
	case "use_key":
		err = ring.UseKey(key)
	case "remove_key":
		err = ring.RemoveKey(key)
	}
	keys := []string{}
	for _, key := range ring.GetKeys() {
		keys = append(keys, hex.EncodeToString(key))
	}
	return line{"keys": keys}, err
}

// live finds a live member by name.
func (p *peer) live(name string) (*memberlist.Node, error) {
	for _, node := range p.list.Members() {
		if node.Name == name {
			return node, nil
		}
	}
	return nil, fmt.Errorf("no live member %q", name)
}

// payload is what the command carries, or the bytes that it asks for by their number.
func (c command) payload() ([]byte, error) {
	if c.Size > 0 {
		return sequence(c.Size), nil
	}
	return hex.DecodeString(c.Hex)
}

// sequence gives so many bytes, always the same ones. Each is one of 16, so that they compress:
// bytes at random grow when they are compressed, and 19 MiB would pass the limit of 20 MiB.
func sequence(size int) []byte {
	bytes := make([]byte, size)
	x := uint32(1)
	for i := range bytes {
		x = x*1664525 + 1013904223
		bytes[i] = 'a' + byte(x>>28)
	}
	return bytes
}

// broadcast is a user broadcast that replaces no other.
type broadcast struct {
	payload []byte
}

func (broadcast) Invalidates(memberlist.Broadcast) bool { return false }

func (b broadcast) Message() []byte { return b.payload }

func (broadcast) Finished() {}

// UniqueBroadcast says that no other broadcast needs to be compared with this one.
func (broadcast) UniqueBroadcast() {}
