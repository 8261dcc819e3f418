//go:build go1.26 || (go1.24 && goexperiment.swissmap)

package truth

import (
	"fmt"
	"reflect"
	"unsafe"
)

// Impl names the kind of map of this build.
const Impl = "swiss"

// The layouts follow internal/runtime/maps/{map,table,group}.go.
type swissMap struct {
	used        uint64
	seed        uintptr
	dirPtr      uintptr
	dirLen      int
	globalDepth uint8
	globalShift uint8
	writing     uint8
	_           bool
	clearSeq    uint64
}

type swissTable struct {
	used       uint16
	capacity   uint16
	growthLeft uint16
	localDepth uint8
	index      int
	groups     uintptr
	lengthMask uint64
}

const (
	slotsPerGroup = 8
	ctrlEmpty     = 0x80
	ctrlDeleted   = 0xfe
	ctrlBytes     = 8
)

// layout is where the keys and elements of a group are.
type layout struct {
	groupSize              uintptr
	noscan                 bool
	keysOff, keyStride     uintptr
	elemsOff, elemStride   uintptr
	keySize, elemSize      uintptr // in the slot
	keySlot, elemSlot      int     // heap bytes of an indirect key or element
	indirectElem, elemZero bool
	realElem               uintptr
}

const (
	flagIndirectKey  = 4
	flagIndirectElem = 8
)

func headerBytes() int { return slotBytes(unsafe.Sizeof(swissMap{}), false) }

func growth(uintptr) (growing, sameSize bool) { return false, false }

func read(addr uintptr, t reflect.Type) Figures {
	m := at[swissMap](addr)
	l := layoutOf((*mapType)(descriptor(t)))
	f := Figures{OverflowBuckets: -1, OldBucketsBytes: -1, EvacuatedBuckets: -1}
	if l.elemZero {
		f.ZeroValues = -1
	}
	if m.writing != 0 {
		panic("truth: the map is being written")
	}
	if m.dirLen == 0 {
		if m.dirPtr != 0 {
			f.StorageBytes = slotBytes(l.groupSize, l.noscan)
			f.group(m.dirPtr, &l)
		}
	} else {
		f.tables(&m, &l)
	}
	if f.Entries != int(m.used) {
		panic(fmt.Sprintf("truth: %d full slots, but the map says %d", f.Entries, m.used))
	}
	f.Slots = f.Groups * slotsPerGroup
	f.PaddingBytes = f.Groups * int(l.groupSize-ctrlBytes-slotsPerGroup*(l.keySize+l.elemSize))
	f.IndirectBytes = f.Entries * (l.keySlot + l.elemSlot)
	return f
}

func (f *Figures) tables(m *swissMap, l *layout) {
	if m.dirLen != 1<<m.globalDepth || int(m.globalShift) != 64-int(m.globalDepth) {
		panic("truth: the directory does not add up")
	}
	f.StorageBytes = slotBytes(uintptr(m.dirLen)*8, false)
	seen := map[uintptr]int{}
	for i := 0; i < m.dirLen; i++ {
		addr := at[uintptr](m.dirPtr + uintptr(i)*8)
		if first, ok := seen[addr]; ok {
			if at[swissTable](addr).index != first {
				panic("truth: an alias does not point back")
			}
			continue
		}
		seen[addr] = i
		t := at[swissTable](addr)
		if t.index != i || int(t.capacity) != int(t.lengthMask+1)*slotsPerGroup {
			panic("truth: a table does not add up")
		}
		before := *f
		for g := uintptr(0); g <= uintptr(t.lengthMask); g++ {
			f.group(t.groups+g*l.groupSize, l)
		}
		tombstones := int(t.capacity)*7/8 - int(t.used) - int(t.growthLeft)
		if t.capacity <= slotsPerGroup {
			tombstones = int(t.capacity) - 1 - int(t.used) - int(t.growthLeft)
		}
		if f.Entries-before.Entries != int(t.used) || f.Tombstones-before.Tombstones != tombstones {
			panic(fmt.Sprintf("truth: a table has %d entries and %d tombstones, but says %d and %d",
				f.Entries-before.Entries, f.Tombstones-before.Tombstones, t.used, tombstones))
		}
		f.StorageBytes += slotBytes(unsafe.Sizeof(t), false) + slotBytes(uintptr(t.lengthMask+1)*l.groupSize, l.noscan)
	}
}

func (f *Figures) group(addr uintptr, l *layout) {
	full := 0
	for i := uintptr(0); i < slotsPerGroup; i++ {
		switch c := at[byte](addr + i); {
		case c < ctrlEmpty:
			full++
			elem := addr + l.elemsOff + i*l.elemStride
			if l.indirectElem {
				elem = at[uintptr](elem)
			}
			if !l.elemZero && zero(elem, l.realElem) {
				f.ZeroValues++
			}
		case c == ctrlDeleted:
			f.Tombstones++
		case c != ctrlEmpty:
			panic("truth: an unknown control byte")
		}
	}
	f.Groups++
	f.Entries += full
	if full == 0 {
		f.Holes++
	}
}

// sizes fills in what follows from the key and element types.
func (l *layout) sizes(group, key, elem *commonType, flags uint32) {
	l.noscan = group.noscan()
	l.keySize, l.elemSize, l.realElem = key.size, elem.size, elem.size
	l.elemZero = elem.size == 0
	if flags&flagIndirectKey != 0 {
		l.keySize, l.keySlot = 8, slotBytes(key.size, key.noscan())
	}
	if flags&flagIndirectElem != 0 {
		l.elemSize, l.elemSlot, l.indirectElem = 8, slotBytes(elem.size, elem.noscan()), true
	}
}
