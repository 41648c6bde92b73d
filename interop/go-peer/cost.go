package main

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/hashicorp/memberlist"
)

// costSlices is the number of equal slices of the measured time. Their CPU times show the spread.
const costSlices = 6

// costSettling is the time for the effects of the start to end.
const costSettling = 15 * time.Second

// cost prints the cost of an idle member as one row of a Markdown table. The members run in this
// process with the profile for local networks, and join through the first. The columns are those of
// `benches/src/bin/adapters`.
func cost(arguments []string) error {
	numbers := []int{50, 60, 0} // members; seconds; seconds to stay up
	if len(arguments) > len(numbers) {
		return errors.New("usage: go-peer cost [NODES] [SECONDS] [MORE]")
	}
	for position, text := range arguments {
		number, err := strconv.Atoi(text)
		if err != nil {
			return fmt.Errorf("go-peer cost: %w", err)
		}
		numbers[position] = number
	}
	nodes, length := numbers[0], time.Duration(numbers[1])*time.Second

	empty, start, startCPU := memory(), time.Now(), cpu()
	members, err := startMembers(nodes)
	if err != nil {
		return err
	}
	for !complete(members) {
		time.Sleep(10 * time.Millisecond)
	}
	formed, forming := time.Since(start), cpu()-startCPU
	time.Sleep(costSettling)

	before := memory()
	var parts []time.Duration
	for range costSlices {
		since := cpu()
		time.Sleep(length / costSlices)
		parts = append(parts, cpu()-since)
	}
	after := memory()
	name := "Go memberlist, udp+tcp"
	if !complete(members) {
		name += ", which lost members"
	}
	nodeSeconds := float64(nodes) * length.Seconds()
	slices.Sort(parts)
	part := func(position int) float64 {
		return parts[position].Seconds() * 1e3 / nodeSeconds * costSlices
	}
	fmt.Printf("| %s | %d | %.1f s, %.1f s | %.3f ms (%.3f to %.3f) "+
		"| %.1f | %.2f KB | %.0f KB |\n",
		name, nodes, formed.Seconds(), forming.Seconds(),
		(part((costSlices-1)/2)+part(costSlices/2))/2, part(0), part(costSlices-1),
		float64(after.Mallocs-before.Mallocs)/nodeSeconds,
		float64(after.TotalAlloc-before.TotalAlloc)/nodeSeconds/1e3,
		// Stacks count, because Rust tasks keep the same data on the heap.
		float64(after.HeapAlloc+after.StackInuse-empty.HeapAlloc-empty.StackInuse)/
			float64(nodes)/1e3)
	time.Sleep(time.Duration(numbers[2]) * time.Second)
	runtime.KeepAlive(members)
	return nil
}

// startMembers lets each member join before the next one starts: 200 members that join at the same
// time on a busy core take minutes to agree.
func startMembers(nodes int) ([]*memberlist.Memberlist, error) {
	var members []*memberlist.Memberlist
	for number := range nodes {
		config := memberlist.DefaultLANConfig()
		config.Name = fmt.Sprintf("node-%d", number)
		config.BindAddr, config.BindPort, config.AdvertisePort = "127.0.0.1", 0, 0
		config.LogOutput = io.Discard
		member, err := memberlist.Create(config)
		if err != nil {
			return nil, err
		}
		members = append(members, member)
		if _, err := member.Join([]string{members[0].LocalNode().Address()}); err != nil {
			return nil, err
		}
	}
	return members, nil
}

func complete(members []*memberlist.Memberlist) bool {
	for _, member := range members {
		if member.NumMembers() != len(members) {
			return false
		}
	}
	return true
}

// memory reads the counts of the runtime after a collection, so that they are of live objects.
func memory() runtime.MemStats {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats
}

// cpu returns the CPU time of this process, in user and system mode.
func cpu() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err) // It fails only for a bad argument.
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
