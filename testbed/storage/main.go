// Command storage owns memory in every way that is not a map: slices with room to spare, large objects that small parts
// keep, equal strings, channels, pools, timers, and finalizers that wait for their turn.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"time"
	"unsafe"

	"testbed/truth"
)

type row map[string]any

// said is the line of truth.
var said = map[string]any{}

func say(section string, r row) {
	rows, _ := said[section].([]row)
	said[section] = append(rows, r)
}

// slot is the size of the heap slot of n bytes without pointers: append gives a slice of bytes all of its slot.
func slot(n int) int { return cap(append([]byte(nil), make([]byte, n)...)) }

// --- slices

type Session struct {
	buf []byte
	ids []int32
}

type Shelf struct {
	rows [3][]int64
}

var (
	sessions   []*Session
	shelves    []Shelf
	shared     []byte
	sharedHead []byte
	byKey      = map[string][]byte{}
	queue      []int64
	wide       []*int
	huge       []byte
	full       []uint16
)

func slices() {
	sessions = make([]*Session, 0, 128)
	capacity := 0
	for i := 0; i < 100; i++ {
		sessions = append(sessions, &Session{buf: make([]byte, 10, 100+i), ids: make([]int32, 3, 8)})
		capacity += 100 + i
	}
	slice("main.sessions", "[]*main.Session", 1, 100*8, 128*8)
	slice("main.Session.buf", "[]uint8", 100, 100*10, capacity)
	slice("main.Session.ids", "[]int32", 100, 100*3*4, 100*8*4)

	shelves = make([]Shelf, 7)
	for i := range shelves {
		for j := range shelves[i].rows {
			shelves[i].rows[j] = make([]int64, i, 10)
		}
	}
	slice("main.Shelf.rows[]", "[]int64", 21, 3*(0+1+2+3+4+5+6)*8, 21*80)

	// Two slices of one array: what either uses is used.
	shared = make([]byte, 500, 1000)
	sharedHead = shared[:10]
	slice("main.shared", "[]uint8", 1, 500, 1000)
	none("slices", "main.sharedHead")

	for i := 0; i < 20; i++ {
		byKey[fmt.Sprint("key", i)] = make([]byte, 4, 64)
	}
	slice("map[string][]uint8[]", "[]uint8", 20, 20*4, 20*64)

	// What a queue has let go of in front is neither length nor capacity.
	queue = make([]int64, 90, 100)[20:]
	slice("main.queue", "[]int64", 1, 70*8, 80*8)
	wide = make([]*int, 5, 200)
	slice("main.wide", "[]*int", 1, 5*8, 200*8)
	huge = make([]byte, 6<<20, 9<<20)
	slice("main.huge", "[]uint8", 1, 6<<20, 9<<20)
	full = make([]uint16, 300)
	slice("main.full", "[]uint16", 1, 600, 600)
}

func slice(place, typ string, arrays, length, capacity int) {
	say("slices", row{"place": place, "type": typ, "arrays": arrays, "len_bytes": length, "cap_bytes": capacity})
}

func none(section, place string) { say(section, row{"place": place, "arrays": 0, "objects": 0}) }

// --- pinned

type Token struct{ text string }

type Kept struct {
	cut   []byte
	start *byte
}

type Most struct{ text string }

var (
	tokens []Token
	cuts   [][]byte
	kept   *Kept
	most   *Most
	prefix string
	narrow []byte
)

// text is a string of n bytes in the heap.
func text(n int, fill byte) string { return string(bytes.Repeat([]byte{fill}, n)) }

func pinned() {
	const document = 100_000
	for i := byte(0); i < 5; i++ {
		d := text(document, '0'+i)
		// Together they refer to 20 bytes.
		tokens = append(tokens, Token{d[500:510]}, Token{d[505:520]})
	}
	pins("main.Token.text", "string", 5, 10, 5*20, 5*slot(document))

	const page = 8192
	for i := 0; i < 3; i++ {
		cuts = append(cuts, make([]byte, page)[100:130])
	}
	pins("[][]uint8[]", "[]uint8", 3, 3, 3*30, 3*slot(page))

	// A pointer of another kind: nobody can say how much of the array is in use.
	array := make([]byte, page)
	kept = &Kept{cut: array[100:130], start: &array[0]}
	none("pinned", "main.Kept.cut")
	slice("main.Kept.cut", "[]uint8", 1, 30, page-100)

	// More than half of it.
	d := text(document, 'm')
	most = &Most{d[10 : document-10]}
	none("pinned", "main.Most.text")

	prefix = text(document, 'p')[:11]
	pins("main.prefix", "string", 1, 1, 11, slot(document))
	narrow = make([]byte, page)[:12:12]
	pins("main.narrow", "[]uint8", 1, 1, 12, slot(page))
}

func pins(place, typ string, objects, references, referred, size int) {
	say("pinned", row{"place": place, "type": typ, "objects": objects, "references": references,
		"referred_bytes": referred, "object_bytes": size})
}

// --- strings

type User struct{ country string }

type Constant struct{ text string }

var (
	users            []*User
	constants        []*Constant
	twins            [4]string
	part, like, lone string
)

const inBinary = "this text of ninety-one bytes is in the binary and in no object of the heap, however often.."

func duplicates() {
	const kinds = 7
	for i := 0; i < 1000; i++ {
		users = append(users, &User{strings.Clone(country(i % kinds))})
		constants = append(constants, &Constant{inBinary})
	}
	for kind := 0; kind < kinds; kind++ {
		count := 0
		for i := kind; i < 1000; i += kinds {
			count++
		}
		n := len(country(kind))
		equal("main.User.country", n, count, (count-1)*slot(n), country(kind))
	}
	equal("", len(inBinary), 0, 0, "")

	// Three strings of one text are one.
	a := text(777, 't')
	twins = [4]string{a, a, a, strings.Clone(a)}
	equal("main.twins[]", 777, 2, slot(777), a)

	// A part counts as a text, but freeing it frees nothing.
	b := text(900, 'b')
	lone, part, like = b, b[100:655], strings.Clone(b[100:655])
	equal("", 555, 2, 0, b[100:655])
}

func country(kind int) string { return strings.Repeat("country ", 5) + strings.Repeat("x", kind) }

func equal(place string, length, count, savable int, value string) {
	if len(value) > 64 {
		value = value[:64]
	}
	// As bytes, for as a string it would be one more.
	quoted := json.RawMessage(strconv.Quote(value))
	say("strings", row{"place": place, "len": length, "count": count, "savable_bytes": savable, "value": quoted})
}

// --- channels

type (
	Job  struct{ name *string }
	Raw  [24]byte
	Wake int16
	Send int32
	Shut int64
)

var (
	jobs  []chan Job
	raws  []chan Raw
	wake  = make(chan Wake)
	sends = make(chan Send)
	other = make(chan Send)
	shut  = make(chan Shut, 6)
)

func channels() {
	for _, queued := range []int{4, 0, 10} {
		c := make(chan Job, 10)
		for i := 0; i < queued; i++ {
			c <- Job{}
		}
		jobs = append(jobs, c)
	}
	channel("chan main.Job", 3, 0, 30, 14, 30*int(unsafe.Sizeof(Job{})), 0, 0)
	for i := 0; i < 2; i++ {
		c := make(chan Raw, 5)
		c <- Raw{}
		c <- Raw{}
		<-c
		raws = append(raws, c)
	}
	channel("chan main.Raw", 2, 0, 10, 2, 10*24, 0, 0)
	for i := 0; i < 6; i++ {
		go func() { <-wake }()
	}
	channel("chan main.Wake", 1, 0, 0, 0, 0, 6, 0)
	for i := Send(0); i < 2; i++ {
		go func() { sends <- i }()
	}
	// One that waits for both.
	go func() {
		select {
		case sends <- 9:
		case <-other:
		}
	}()
	channel("chan main.Send", 2, 0, 0, 0, 0, 1, 3)
	shut <- 1
	close(shut)
	channel("chan main.Shut", 1, 1, 6, 1, 48, 0, 0)
}

func channel(typ string, count, closed, capacity, queued, size, receivers, senders int) {
	say("channels", row{"type": typ, "count": count, "closed": closed, "capacity": capacity, "queued": queued,
		"buffer_bytes": size, "receivers": receivers, "senders": senders})
}

// --- timers

var timers []*time.Timer
var tickers []*time.Ticker

func tick() {}
func tock() {}

func someTimers() {
	ticks := func(n int) {
		for i := 0; i < n; i++ {
			timers = append(timers, time.AfterFunc(time.Hour+time.Duration(len(timers)), tick))
		}
	}
	// The runtime takes stopped timers out of a heap when they come first or last in it.
	ticks(60)
	for i := 0; i < 3; i++ {
		timers = append(timers, time.AfterFunc(time.Hour+time.Duration(len(timers)), tock))
	}
	ticks(20)
	for _, t := range timers[60:63] {
		t.Stop()
	}
	timer("main.tick", false, 80, 0, 0, 0)
	timer("main.tock", false, 0, 0, 3, 0)
	for i := 0; i < 5; i++ {
		timers = append(timers, time.NewTimer(2*time.Hour))
	}
	for i := 0; i < 2; i++ {
		t := time.NewTimer(3 * time.Hour)
		timers = append(timers, t)
		go func() { <-t.C }()
	}
	for i := 0; i < 4; i++ {
		t := time.NewTimer(3 * time.Hour)
		t.Stop()
		timers = append(timers, t)
	}
	for i := 0; i < 2; i++ {
		tickers = append(tickers, time.NewTicker(time.Hour+1))
	}
	for i := 0; i < 3; i++ {
		go time.Sleep(2 * time.Hour)
	}
	// The channel of a timer that is in a heap only while a goroutine waits for it has no room for anybody to see.
	switch onDemand := cap(timers[len(timers)-1].C) == 0; {
	case onDemand:
		timer("time.sendTime", false, 2, 5, 0, 4)
		timer("time.sendTime", true, 0, 2, 0, 0)
	case lastZombiesGo:
		timer("time.sendTime", false, 7, 0, 0, 4)
		timer("time.sendTime", true, 2, 0, 0, 0)
	default:
		timer("time.sendTime", false, 7, 0, 4, 0)
		timer("time.sendTime", true, 2, 0, 0, 0)
	}
	timer("runtime.goroutineReady", false, 3, 0, 0, 0)
}

func timer(function string, periodic bool, pending, unwatched, zombies, stopped int) {
	say("timers", row{"function": function, "periodic": periodic, "pending": pending, "unwatched": unwatched,
		"zombies": zombies, "stopped": stopped})
}

// --- finalizers

type Guarded struct{ p *int }
type Doomed struct{ p *int }

var (
	guarded []*Guarded
	never   = make(chan int)
	started = make(chan int)
)

const doomed = 121 // more than one block of the queue holds

func blockForever(*Doomed) {
	started <- 1
	<-never
}

func finalizers() {
	for i := 0; i < 10; i++ {
		g := &Guarded{}
		runtime.SetFinalizer(g, func(*Guarded) {})
		guarded = append(guarded, g)
	}
	inPassing(func() {
		for i := 0; i < doomed; i++ {
			runtime.SetFinalizer(&Doomed{}, blockForever)
		}
	})
	runtime.GC()
	<-started
	say("finalizers", row{"type": "main.Guarded", "finalizers": 10, "cleanups": 0})
	say("queued", row{"function": "main.blockForever", "count": doomed - 1})
	say("running", row{"cleanup": false, "function": "main.blockForever", "inside": "main.blockForever"})
	cleanups()
}

// inPassing runs f where no frame that stays can refer to what it makes.
func inPassing(f func()) {
	done := make(chan int)
	go func() {
		defer close(done)
		f()
	}()
	<-done
}

// --- pools

type Buf struct{ data []byte }

var (
	victims, locals, both sync.Pool
	outside               *Buf
	reception             *desk
)

// What is in the pool leads back to what has the pool.
type desk struct {
	name  string
	notes sync.Pool
}

type Note struct {
	at   *desk
	data []byte
}

func pools() {
	for i := 0; i < 50; i++ {
		victims.Put(&Buf{make([]byte, 1000)})
	}
	one := func() *Buf { return &Buf{make([]byte, 100)} }
	for i := 0; i < 9; i++ {
		both.Put(one())
	}
	runtime.GC()
	for i := 0; i < 30; i++ {
		locals.Put(&Buf{make([]byte, 2000)})
	}
	for i := 0; i < 4; i++ {
		both.Put(one())
	}
	// Held by another too: emptying the pool would not free it.
	outside = &Buf{make([]byte, 2000)}
	locals.Put(outside)
	reception = &desk{name: "reception"}
	for i := 0; i < 7; i++ {
		reception.notes.Put(&Note{reception, make([]byte, 500)})
	}
	header := slot(int(unsafe.Sizeof(Buf{})))
	note := slot(int(unsafe.Sizeof(Note{})))
	pool("main.reception.notes", "*main.Note", 7, 0, 7*(note+slot(500)), 0)
	pool("main.victims", "*main.Buf", 0, 50, 0, 50*(header+slot(1000)))
	pool("main.locals", "*main.Buf", 31, 0, 30*(header+slot(2000)), 0)
	pool("main.both", "*main.Buf", 4, 9, 4*(header+slot(100)), 9*(header+slot(100)))
}

func pool(owner, ty string, local, victim, localBytes, victimBytes int) {
	say("pools", row{"owner": owner, "type": ty, "local": local, "victim": victim,
		"local_bytes": localBytes, "victim_bytes": victimBytes})
}

func main() {
	// One processor, so that all timers are in one heap, and collections only where they are asked for: each one drops
	// the victims of pools.
	runtime.GOMAXPROCS(1)
	debug.SetGCPercent(-1)
	slices()
	pinned()
	duplicates()
	channels()
	someTimers()
	finalizers()
	said["program"] = "storage"
	pools()
	truth.Settle()
	line, err := json.Marshal(said)
	if err != nil {
		panic(err)
	}
	fmt.Printf("%s\nREADY\n", line)
	os.Stdin.Read(make([]byte, 1))
}
