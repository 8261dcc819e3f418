// Package say lets a case state which maps a reader must find. It is small, so that the programs stay what they are: that
// maps are told apart by their entries, not by address, keeps the truth out of their types.
package say

import (
	"fmt"
	"os"
)

var maps, comma, containers string

// Maps states that so many maps have so many entries each, and how a reader must name their owner. An owner of a goroutine
// is without the goroutine's number.
func Maps(count, entries int, owner string) {
	maps += fmt.Sprintf(`%s{"owner":%q,"entries":%d,"count":%d}`, comma, owner, entries, count)
	comma = ","
}

// Container states that there is a map or cache of a library, with these figures as JSON.
func Container(owner, name, figures string) {
	if containers != "" {
		containers += ","
	}
	containers += fmt.Sprintf(`{"owner":%q,"type":%q,%s}`, owner, name, figures)
}

// Ready says that nothing changes any more, and returns when standard input ends.
func Ready() {
	fmt.Printf("{\"maps\":[%s],\"containers\":[%s]}\nREADY\n", maps, containers)
	_, _ = os.Stdin.Read(make([]byte, 1))
}
