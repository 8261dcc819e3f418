package main

import (
	"maps"

	"testbed/truth"
)

// What the rules on maps must find is in these variables.
var (
	sessions = struct{ byID map[int64]int64 }{}
	owners   map[int64]*int64
	tags     []map[int64]int64
	pairs    [][]pair
)

// What holds more than it seems to.
var (
	pins  map[*block]int
	all   []*block
	views []view
	lobby *room
)

type block [4096]byte

type view struct {
	settings map[int64]int64
	id       int
}

type room struct{ members map[int]*member }

type member struct {
	room *room
	data [1000]byte
}

func pin(kept bool) func() {
	return func() {
		pins = map[*block]int{}
		for i := 0; i < 1000; i++ {
			b := new(block)
			pins[b] = i
			if kept {
				all = append(all, b)
			}
		}
	}
}

// share has one map in n copies of a struct.
func share(n int) func() {
	return func() {
		one := view{settings: map[int64]int64{}}
		fill(one.settings, 0, 20_000)
		for i := 0; i < n; i++ {
			one.id = i
			views = append(views, one)
		}
	}
}

func enter(back bool) func() {
	return func() {
		lobby = &room{map[int]*member{}}
		for i := 0; i < 3000; i++ {
			m := new(member)
			if back {
				m.room = lobby
			}
			lobby.members[i] = m
		}
	}
}

type pair struct{ key, value int64 }

// loose and tight are the same fields; full has no better order.
type loose struct {
	first  bool
	one    int64
	second bool
	two    int64
	third  bool
}

type tight struct {
	one, two             int64
	first, second, third bool
}

type full struct {
	one                  int64
	two                  int32
	first, second, third bool
}

var (
	states  map[int64]loose
	ordered map[int64]tight
	packed  map[int64]full
)

const ofStates = 50_000

func crowd() {
	states = make(map[int64]loose, ofStates)
	for i := int64(0); i < ofStates; i++ {
		states[i] = loose{one: i, two: i + 1, third: true}
	}
}

func fill(m map[int64]int64, from, to int64) {
	for i := from; i < to; i++ {
		m[i] = i + 1
	}
}

// leave deletes all but the first n keys.
func leave(m map[int64]int64, n int64) {
	for key := range m {
		if key >= n {
			delete(m, key)
		}
	}
}

func rebuild() {
	fresh := make(map[int64]int64, len(sessions.byID))
	maps.Copy(fresh, sessions.byID)
	sessions.byID = fresh
}

// sized builds main.sessions.byID with a hint, fills it, and leaves some of it.
func sized(hint, filled, left int64) func() {
	return func() {
		sessions.byID = make(map[int64]int64, hint)
		fill(sessions.byID, 0, filled)
		leave(sessions.byID, left)
	}
}

func small(n int, extra bool) func() {
	return func() {
		for i := 0; i < n; i++ {
			tags = append(tags[:len(tags):cap(tags)], map[int64]int64{1: 1, int64(i) + 2: 2})
		}
		if extra {
			fill(tags[n/2], 100, 110)
		}
	}
}

// zeroes makes a map of n entries, the first of which have no element.
func zeroes(n, zero int64) func() {
	return func() {
		one := new(int64)
		owners = map[int64]*int64{}
		for i := int64(0); i < n; i++ {
			owners[i] = one
			if i < zero {
				owners[i] = nil
			}
		}
	}
}

// window makes entries come and go until a legacy map has so many overflow buckets for 100 main ones. Its elements are
// pointers: a map without any keeps a list of its overflow buckets besides, which is no part of its tables.
func window(percent int) func() {
	return func() {
		const size = 50_000
		one := new(int64)
		m := map[int64]*int64{}
		owners = m
		for i := int64(0); ; i++ {
			m[i] = one
			delete(m, i-size)
			if i > size && i%4096 == 0 {
				if f := truth.Read(m); f.OverflowBuckets < 0 || f.OverflowBuckets*100 >= f.Groups*percent {
					return
				}
			}
		}
	}
}

// grow inserts until a legacy map of 400,000 entries has started to grow, and further until it has ended.
func grow(end bool) func() {
	return func() {
		m := map[int64]int64{}
		sessions.byID = m
		fill(m, 0, 400_000)
		for i := int64(400_000); i < 900_000; i++ {
			m[i] = i
			growing, same := truth.Growth(m)
			if growing && !same {
				for ; end && growing; growing, _ = truth.Growth(m) {
					i++
					m[i] = i
				}
				return
			}
		}
	}
}

func init() {
	const subject = "main.sessions.byID"
	scenarios["gm001"] = scenario{"GM001", subject, sized(0, 600_000, 1000), rebuild, live}
	near("gm001-near", "GM001", sized(0, 600_000, 300_000))
	scenarios["gm001-cleared"] = scenario{"GM001", subject, func() {
		sized(0, 600_000, 600_000)()
		clear(sessions.byID)
		fill(sessions.byID, 0, 1000)
	}, rebuild, live}

	scenarios["gm002"] = scenario{"GM002", subject, sized(105_000, 105_000, 52_000), rebuild, live}
	near("gm002-near", "GM002", sized(105_000, 60_000, 52_000))

	scenarios["gm003"] = scenario{"GM003", subject, grow(false), func() {
		for k, v := range sessions.byID {
			sessions.byID[k] = v
		}
	}, live}
	near("gm003-near", "GM003", grow(true))

	scenarios["gm004"] = scenario{"GM004", "main.owners", window(60), func() {
		fresh := make(map[int64]*int64, len(owners))
		maps.Copy(fresh, owners)
		owners = fresh
	}, live}
	near("gm004-near", "GM004", window(20))

	scenarios["gm005"] = scenario{"GM005", subject, sized(60_000, 65_000, 30_000), rebuild, live}
	near("gm005-near", "GM005", sized(60_000, 65_000, 45_000))

	scenarios["gm006"] = scenario{"GM006", "main.owners", zeroes(300_000, 210_000), func() {
		left := 0
		for _, owner := range owners {
			if owner != nil {
				left++
			}
		}
		fresh := make(map[int64]*int64, left)
		for id, owner := range owners {
			if owner != nil {
				fresh[id] = owner
			}
		}
		owners = fresh
	}, live}
	near("gm006-near", "GM006", zeroes(300_000, 140_000))

	scenarios["gm007"] = scenario{"GM007", "main.pins", pin(false), func() { clear(pins) }, live}
	near("gm007-near", "GM007", pin(true))

	scenarios["gm008"] = scenario{"GM008", "main.lobby.members", enter(true), func() { lobby = nil }, live}
	near("gm008-near", "GM008", enter(false))

	scenarios["gm010"] = scenario{"GM010", "main.states", crowd, func() {
		ordered = make(map[int64]tight, len(states))
		for id, s := range states {
			ordered[id] = tight{s.one, s.two, s.first, s.second, s.third}
		}
		states = nil
	}, live}
	near("gm010-near", "GM010", func() {
		packed = make(map[int64]full, ofStates)
		for i := int64(0); i < ofStates; i++ {
			packed[i] = full{one: i}
		}
	})

	scenarios["gm012"] = scenario{"GM012", "main.views[].settings", share(5000), func() {
		for i := range views {
			views[i].settings = nil
		}
	}, live}
	near("gm012-near", "GM012", share(900))

	scenarios["gm009"] = scenario{"GM009", "main.tags[]", func() {
		tags = make([]map[int64]int64, 0, 20_000)
		small(20_000, false)()
	}, func() {
		pairs = make([][]pair, len(tags))
		for i, m := range tags {
			pairs[i] = make([]pair, 0, len(m))
			for k, v := range m {
				pairs[i] = append(pairs[i], pair{k, v})
			}
		}
		tags = nil
	}, live}
	near("gm009-near", "GM009", small(20_000, true))

	scenarios["gm011"] = scenario{"GM011", subject, sized(500_000, 3000, 3000), rebuild, live}
	near("gm011-near", "GM011", sized(5000, 3000, 3000))
}
