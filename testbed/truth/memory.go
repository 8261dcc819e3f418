package truth

import (
	"reflect"
	"unsafe"
)

// commonType is abi.Type up to the fields that are read here; it is the same from Go 1.21 to 1.27.
type commonType struct {
	size     uintptr
	ptrBytes uintptr
	hash     uint32
	tflag    uint8
	align    uint8
	fieldAli uint8
	kind     uint8
	equal    func(unsafe.Pointer, unsafe.Pointer) bool
	gcData   *byte
	str      int32
	ptrTo    int32
}

func (t *commonType) noscan() bool { return t.ptrBytes == 0 }

// descriptor returns the runtime's description of a type.
func descriptor(t reflect.Type) unsafe.Pointer { return (*[2]unsafe.Pointer)(unsafe.Pointer(&t))[1] }

// at reads the memory at an address. Addresses of maps are kept as integers so that they hold nothing alive, which the
// garbage collector permits only because the heap does not move.
func at[T any](addr uintptr) T { return *(*T)(*(*unsafe.Pointer)(unsafe.Pointer(&addr))) }

// zero says whether n bytes are all zero.
func zero(addr, n uintptr) bool {
	for ; n >= 8; n -= 8 {
		if at[uint64](addr) != 0 {
			return false
		}
		addr += 8
	}
	for ; n > 0; n-- {
		if at[byte](addr) != 0 {
			return false
		}
		addr++
	}
	return true
}

// slotBytes is the size of the heap slot that an allocation of n bytes gets.
func slotBytes(n uintptr, noscan bool) int {
	const (
		minHeader = 512   // larger objects with pointers carry an 8-byte header, from Go 1.22
		maxSmall  = 32768 // larger objects have a span of their own, in whole pages, without a header
	)
	if Headers && !noscan && n > minHeader && n <= maxSmall-8 {
		n += 8
	}
	return int(roundUp(n))
}

var classes = map[uintptr]uintptr{}

// SlotBytes is the size of the heap slot that a value of a type gets when it is allocated alone.
func SlotBytes(t reflect.Type) int {
	return slotBytes(t.Size(), (*commonType)(descriptor(t)).noscan())
}

// HasPointers says whether values of a type hold pointers.
func HasPointers(t reflect.Type) bool { return !(*commonType)(descriptor(t)).noscan() }

// HeaderBytes is the size of the heap slot of a map's header.
func HeaderBytes() int { return headerBytes() }

// roundUp asks the allocator itself: append gives a slice of bytes all of its slot.
func roundUp(n uintptr) uintptr {
	if n == 0 {
		return 0
	}
	c, ok := classes[n]
	if !ok {
		c = uintptr(cap(append([]byte(nil), make([]byte, n)...)))
		classes[n] = c
	}
	return c
}
