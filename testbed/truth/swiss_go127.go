//go:build go1.27

package truth

// mapType is internal/abi.MapType from Go 1.27, which can keep keys and elements apart (GOEXPERIMENT=mapsplitgroup).
type mapType struct {
	commonType
	key, elem, group     *commonType
	hasher               uintptr
	groupSize            uintptr
	keysOff, keyStride   uintptr
	elemsOff, elemStride uintptr
	elemOff              uintptr
	flags                uint32
}

func layoutOf(t *mapType) layout {
	l := layout{
		groupSize: t.groupSize,
		keysOff:   t.keysOff, keyStride: t.keyStride,
		elemsOff: t.elemsOff, elemStride: t.elemStride,
	}
	l.sizes(t.group, t.key, t.elem, t.flags)
	return l
}
