package main

import (
	"bufio"
	"bytes"
	"cmp"
	"compress/lzw"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"time"

	"github.com/hashicorp/go-msgpack/v2/codec"
	"github.com/hashicorp/memberlist"
)

// memberlist does not export the incarnation of a member, nor whether a dead one failed or left. A
// push/pull contains both, so this program requests one from itself, as a stranger that knows no
// member. Without members to merge, the exchange changes nothing.

const (
	pushPullType    = 6
	compressType    = 9
	encryptType     = 10
	errorType       = 13
	nonceSize       = 12
	sealedSizeMax   = 20 << 20
	unpackedSizeMax = 40 << 20
	tableTimeout    = 10 * time.Second
)

var stateNames = []string{"alive", "suspect", "failed", "left"}

type pushPullHeader struct {
	Nodes        int
	UserStateLen int
	Join         bool
}

type nodeState struct {
	Name        string
	Addr        []byte
	Port        uint16
	Meta        []byte
	Incarnation uint32
	State       int
	Vsn         []uint8
}

type compressed struct {
	Algo uint8
	Buf  []byte
}

type remoteError struct {
	Error string
}

// members returns the whole table of this member, including failed and departed members.
func (p *peer) members() (line, error) {
	states, err := p.table()
	if err != nil {
		return nil, fmt.Errorf("the own table: %w", err)
	}
	slices.SortFunc(states, func(a, b nodeState) int { return cmp.Compare(a.Name, b.Name) })
	members := []line{}
	for _, state := range states {
		if state.State < 0 || state.State >= len(stateNames) {
			return nil, fmt.Errorf("%s has the unknown state %d", state.Name, state.State)
		}
		port := strconv.Itoa(int(state.Port))
		versions := []int{}
		for _, version := range state.Vsn {
			versions = append(versions, int(version))
		}
		members = append(members, line{
			"name":        state.Name,
			"address":     net.JoinHostPort(net.IP(state.Addr).String(), port),
			"meta":        hex.EncodeToString(state.Meta),
			"incarnation": state.Incarnation,
			"state":       stateNames[state.State],
			"versions":    versions,
		})
	}
	return line{"members": members}, nil
}

// table requests a push/pull from this process.
func (p *peer) table() ([]nodeState, error) {
	config := p.settings.config
	address := net.JoinHostPort(config.BindAddr, strconv.Itoa(config.BindPort))
	stream, err := net.DialTimeout("tcp", address, tableTimeout)
	if err != nil {
		return nil, err
	}
	defer func() { _ = stream.Close() }()
	if err := stream.SetDeadline(time.Now().Add(tableTimeout)); err != nil {
		return nil, err
	}
	if err := memberlist.AddLabelHeaderToStream(stream, config.Label); err != nil {
		return nil, err
	}
	question, err := p.seal(append([]byte{pushPullType}, encoded(pushPullHeader{})...))
	if err != nil {
		return nil, err
	}
	if _, err := stream.Write(question); err != nil {
		return nil, err
	}
	reader, err := p.open(bufio.NewReader(stream))
	if err != nil {
		return nil, err
	}
	return readTable(reader)
}

// readTable reads a push/pull without label and seal, compressed or not.
func readTable(reader *bufio.Reader) ([]nodeState, error) {
	kind, err := reader.ReadByte()
	if err != nil {
		return nil, err
	}
	decoder := codec.NewDecoder(reader, &codec.MsgpackHandle{})
	switch kind {
	case compressType:
		var packed compressed
		if err := decoder.Decode(&packed); err != nil {
			return nil, err
		}
		unpacked := lzw.NewReader(bytes.NewReader(packed.Buf), lzw.LSB, 8)
		return readTable(bufio.NewReader(io.LimitReader(unpacked, unpackedSizeMax)))
	case errorType:
		var remote remoteError
		if err := decoder.Decode(&remote); err != nil {
			return nil, err
		}
		return nil, errors.New(remote.Error)
	case pushPullType:
	default:
		return nil, fmt.Errorf("an answer of type %d", kind)
	}
	var header pushPullHeader
	if err := decoder.Decode(&header); err != nil {
		return nil, err
	}
	states := []nodeState{}
	for range header.Nodes {
		var state nodeState
		if err := decoder.Decode(&state); err != nil {
			return nil, err
		}
		states = append(states, state)
	}
	return states, nil
}

// seal encrypts a message of a stream, if this member has a key.
func (p *peer) seal(message []byte) ([]byte, error) {
	ring := p.settings.config.Keyring
	if ring == nil {
		return message, nil
	}
	box, err := box(ring.GetPrimaryKey())
	if err != nil {
		return nil, err
	}
	nonce := make([]byte, nonceSize)
	if _, err := rand.Read(nonce); err != nil {
		return nil, err
	}
	head := []byte{encryptType}
	// The sealed part: version 1, nonce, text, tag.
	head = binary.BigEndian.AppendUint32(head, uint32(1+nonceSize+len(message)+box.Overhead()))
	sealed := append(slices.Clone(head), 1)
	sealed = append(sealed, nonce...)
	return box.Seal(sealed, nonce, message, p.authenticated(head)), nil
}

// open reads a message of a stream, and decrypts it if it is sealed.
func (p *peer) open(reader *bufio.Reader) (*bufio.Reader, error) {
	kind, err := reader.Peek(1)
	if err != nil || kind[0] != encryptType {
		return reader, err
	}
	head := make([]byte, 5)
	if _, err := io.ReadFull(reader, head); err != nil {
		return nil, err
	}
	size := binary.BigEndian.Uint32(head[1:])
	if size > sealedSizeMax || size < 1+nonceSize {
		return nil, fmt.Errorf("a sealed part of %d bytes", size)
	}
	sealed := make([]byte, size)
	if _, err := io.ReadFull(reader, sealed); err != nil {
		return nil, err
	}
	for _, key := range p.settings.config.Keyring.GetKeys() {
		box, err := box(key)
		if err != nil {
			return nil, err
		}
		nonce, text := sealed[1:1+nonceSize], sealed[1+nonceSize:]
		// The padding of version 0 follows the message, and is not read.
		if plain, err := box.Open(nil, nonce, text, p.authenticated(head)); err == nil {
			return bufio.NewReader(bytes.NewReader(plain)), nil
		}
	}
	return nil, errors.New("no key opens the answer")
}

// authenticated returns the additional data of a sealed part of a stream.
func (p *peer) authenticated(head []byte) []byte {
	return append(slices.Clone(head), p.settings.config.Label...)
}

func box(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

func encoded(value any) []byte {
	var bytes []byte
	if err := codec.NewEncoderBytes(&bytes, &codec.MsgpackHandle{}).Encode(value); err != nil {
		panic(err) // It is a struct of numbers.
	}
	return bytes
}
