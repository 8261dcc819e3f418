//go:build !go1.24 || (!go1.26 && !goexperiment.swissmap)

package truth

import (
	"fmt"
	"reflect"
	"unsafe"
)

// Impl names the kind of map of this build.
const Impl = "legacy"

// The layouts follow runtime/map.go (runtime/map_noswiss.go in Go 1.24 and 1.25).
type hmap struct {
	count      int
	flags      uint8
	b          uint8
	noverflow  uint16
	hash0      uint32
	buckets    uintptr
	oldbuckets uintptr
	nevacuate  uintptr
	clearSeq   // a field of its own in Go 1.24 and 1.25, nothing before
	extra      uintptr
}

type mapType struct {
	commonType
	key, elem, bucket *commonType
	hasher            uintptr
	keySize           uint8
	elemSize          uint8
	bucketSize        uint16
	flags             uint32
}

const (
	cells          = 8
	emptyOne       = 1
	evacuatedX     = 2
	evacuatedEmpty = 4
	minTopHash     = 5

	flagSameSizeGrow = 8

	flagIndirectKey  = 1
	flagIndirectElem = 2

	mapExtraBytes = 24
)

func headerBytes() int { return slotBytes(unsafe.Sizeof(hmap{}), false) }

func growth(addr uintptr) (growing, sameSize bool) {
	h := at[hmap](addr)
	return h.oldbuckets != 0, h.oldbuckets != 0 && h.flags&flagSameSizeGrow != 0
}

func read(addr uintptr, t reflect.Type) Figures {
	h := at[hmap](addr)
	mt := (*mapType)(descriptor(t))
	size := uintptr(mt.bucketSize)
	noscan := mt.bucket.noscan()
	f := Figures{Tombstones: -1}
	if mt.elem.size == 0 {
		f.ZeroValues = -1
	}
	if h.extra != 0 {
		f.StorageBytes += slotBytes(mapExtraBytes, false)
	}
	if h.buckets != 0 {
		n := uintptr(1) << h.b
		array := arrayBytes(n, size, noscan)
		f.StorageBytes += slotBytes(array, noscan)
		f.Groups = int(n)
		for i := uintptr(0); i < n; i++ {
			before := f.Entries
			for b := h.buckets + i*size; b != 0; b = at[uintptr](b + size - 8) {
				if b != h.buckets+i*size {
					f.OverflowBuckets++
					if b < h.buckets || b >= h.buckets+array {
						f.StorageBytes += slotBytes(size, noscan)
					}
				}
				f.bucket(b, mt)
			}
			if f.Entries == before {
				f.Holes++
			}
		}
		f.Slots = cells * (f.Groups + f.OverflowBuckets)
		if h.b < 16 && int(h.noverflow) != f.OverflowBuckets {
			panic(fmt.Sprintf("truth: %d overflow buckets, but the map says %d", f.OverflowBuckets, h.noverflow))
		}
	}
	if h.oldbuckets != 0 {
		f.old(&h, mt)
		f.StorageBytes += f.OldBucketsBytes
	}
	if f.Entries != h.count {
		panic(fmt.Sprintf("truth: %d full cells, but the map says %d", f.Entries, h.count))
	}
	stored := uintptr(mt.keySize) + uintptr(mt.elemSize)
	f.PaddingBytes = f.Slots / cells * int(size-cells-8-cells*stored)
	if mt.flags&flagIndirectKey != 0 {
		f.IndirectBytes += f.Entries * slotBytes(mt.key.size, mt.key.noscan())
	}
	if mt.flags&flagIndirectElem != 0 {
		f.IndirectBytes += f.Entries * slotBytes(mt.elem.size, mt.elem.noscan())
	}
	return f
}

// old walks the array that a growing map is leaving.
func (f *Figures) old(h *hmap, mt *mapType) {
	size := uintptr(mt.bucketSize)
	noscan := mt.bucket.noscan()
	n := uintptr(1) << h.b
	if h.flags&flagSameSizeGrow == 0 {
		n /= 2
	}
	array := arrayBytes(n, size, noscan)
	f.OldBucketsBytes = slotBytes(array, noscan)
	for i := uintptr(0); i < n; i++ {
		first := h.oldbuckets + i*size
		top := at[byte](first)
		evacuated := top > emptyOne && top < minTopHash
		if evacuated {
			f.EvacuatedBuckets++
		} else if i < h.nevacuate {
			panic("truth: an old bucket should have been evacuated")
		}
		for b := first; b != 0; b = at[uintptr](b + size - 8) {
			if b != first && (b < h.oldbuckets || b >= h.oldbuckets+array) {
				f.OldBucketsBytes += slotBytes(size, noscan)
			}
			if !evacuated {
				f.bucket(b, mt)
			}
		}
	}
}

// bucket counts the entries of one bucket.
func (f *Figures) bucket(b uintptr, mt *mapType) {
	for i := uintptr(0); i < cells; i++ {
		top := at[byte](b + i)
		if top >= evacuatedX && top <= evacuatedEmpty {
			panic("truth: an evacuated cell in a bucket that is not")
		}
		if top < minTopHash {
			continue
		}
		f.Entries++
		elem := b + cells + cells*uintptr(mt.keySize) + i*uintptr(mt.elemSize)
		if mt.flags&flagIndirectElem != 0 {
			elem = at[uintptr](elem)
		}
		if mt.elem.size != 0 && zero(elem, mt.elem.size) {
			f.ZeroValues++
		}
	}
}

// arrayBytes follows runtime.makeBucketArray: from 16 buckets on, the array ends in buckets to be used for overflow,
// and in as many more as its slot has room for.
func arrayBytes(n, size uintptr, noscan bool) uintptr {
	if n < 16 {
		return n * size
	}
	want := (n + n/16) * size
	room := uintptr(slotBytes(want, noscan))
	if Headers && !noscan && want > 512 && want <= 32768-8 {
		room -= 8
	}
	return room / size * size
}
