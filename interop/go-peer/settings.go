package main

import (
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"strings"

	"github.com/hashicorp/memberlist"
)

// keysVariable contains the keys in hexadecimal, separated by commas, the primary key first. Keys
// are no argument, because a list of processes shows their arguments.
const keysVariable = "SWIM_PEER_KEYS"

// settings contains the arguments and keys of the process.
type settings struct {
	config    *memberlist.Config
	keys      [][]byte
	meta      []byte
	userState []byte
}

func parseSettings(arguments []string) (*settings, error) {
	flags := flag.NewFlagSet("go-peer", flag.ContinueOnError)
	profile := flags.String("profile", "local", "the `timing`: local, lan or wan")
	name := flags.String("name", "", "the member's name")
	bind := flags.String("bind", "127.0.0.1", "the `address` to listen on")
	port := flags.Int("port", 0, "the port to listen on; 0 takes any free one")
	advertise := flags.String("advertise", "", "the `address` to announce, if not the bound one")
	label := flags.String("label", "", "the cluster's label")
	compression := flags.Bool("compression", true, "compress what is sent")
	protocol := flags.Int("protocol", 2, "the protocol version to speak, 1 to 5")
	delegate := flags.String("application-versions", "0,0,0", "`min,max,current` of the delegate")
	reclaim := flags.Duration("reclaim", 0, "how long after its death a name may move; 0 is never")
	gossipToTheDead := flags.Duration("gossip-to-the-dead", 0, "replaces that of the profile")
	pushPull := flags.Duration("push-pull", 0, "replaces the interval of the profile")
	streamTimeout := flags.Duration("stream-timeout", 0, "replaces that of the profile")
	streamPing := flags.Bool("stream-ping", true, "ping over a stream when datagrams stay unanswered")
	encryption := flags.String("encryption", "required", "with a key: off, outgoing or required")
	meta := flags.String("meta", "", "the metadata, in `hexadecimal`")
	userState := flags.String("user-state", "", "the push/pull state, in `hexadecimal`")
	if err := flags.Parse(arguments); err != nil {
		return nil, err
	}

	config, err := profileConfig(*profile)
	if err != nil {
		return nil, err
	}
	config.Name = *name
	config.BindAddr, config.BindPort = *bind, *port
	config.AdvertiseAddr, config.AdvertisePort = *advertise, *port
	config.Label = *label
	config.EnableCompression = *compression
	config.ProtocolVersion = uint8(*protocol)
	config.DeadNodeReclaimTime = *reclaim
	config.DisableTcpPings = !*streamPing
	switch *encryption {
	case "off", "outgoing", "required":
		config.GossipVerifyIncoming = *encryption == "required"
		config.GossipVerifyOutgoing = *encryption != "off"
	default:
		return nil, fmt.Errorf("-encryption is off, outgoing or required: %q", *encryption)
	}
	if *gossipToTheDead > 0 {
		config.GossipToTheDeadTime = *gossipToTheDead
	}
	if *pushPull > 0 {
		config.PushPullInterval = *pushPull
	}
	if *streamTimeout > 0 {
		config.TCPTimeout = *streamTimeout
	}
	_, err = fmt.Sscanf(*delegate, "%d,%d,%d", &config.DelegateProtocolMin,
		&config.DelegateProtocolMax, &config.DelegateProtocolVersion)
	if err != nil {
		return nil, fmt.Errorf("-application-versions is not min,max,current: %w", err)
	}
	settings := &settings{config: config}
	if settings.meta, err = hex.DecodeString(*meta); err != nil {
		return nil, fmt.Errorf("-meta: %w", err)
	}
	if settings.userState, err = hex.DecodeString(*userState); err != nil {
		return nil, fmt.Errorf("-user-state: %w", err)
	}
	return settings, settings.useKeys(os.Getenv(keysVariable))
}

func profileConfig(profile string) (*memberlist.Config, error) {
	switch profile {
	case "local":
		return memberlist.DefaultLocalConfig(), nil
	case "lan":
		return memberlist.DefaultLANConfig(), nil
	case "wan":
		return memberlist.DefaultWANConfig(), nil
	}
	return nil, fmt.Errorf("no profile %q: local, lan or wan", profile)
}

// useKeys sets the keyring of the member, if there is a key.
func (s *settings) useKeys(text string) error {
	if text == "" {
		return nil
	}
	for one := range strings.SplitSeq(text, ",") {
		key, err := hex.DecodeString(one)
		if err != nil {
			return fmt.Errorf("%s: %w", keysVariable, err)
		}
		s.keys = append(s.keys, key)
	}
	ring, err := memberlist.NewKeyring(s.keys, s.keys[0])
	if err != nil {
		return fmt.Errorf("%s: %w", keysVariable, err)
	}
	s.config.Keyring = ring
	return nil
}
