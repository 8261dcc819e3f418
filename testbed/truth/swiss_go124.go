//go:build !go1.27 && (go1.26 || (go1.24 && goexperiment.swissmap))

package truth

// mapType is internal/abi.SwissMapType up to Go 1.26.
type mapType struct {
	commonType
	key, elem, group *commonType
	hasher           uintptr
	groupSize        uintptr
	slotSize         uintptr
	elemOff          uintptr
	flags            uint32
}

func layoutOf(t *mapType) layout {
	l := layout{
		groupSize: t.groupSize,
		keysOff:   ctrlBytes, keyStride: t.slotSize,
		elemsOff: ctrlBytes + t.elemOff, elemStride: t.slotSize,
	}
	l.sizes(t.group, t.key, t.elem, t.flags)
	return l
}
