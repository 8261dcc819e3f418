package truth

import (
	"runtime"
	"runtime/debug"
	"testing"
)

// made checks the figures that follow from the allocator, against the allocator: a map made with a hint and never grown
// costs its header, its storage, and what its entries hold. The runtime itself allocates now and then, a thread for
// instance, so that one agreement in several tries is enough.
func made[K comparable, V any](t *testing.T, hint int, key func(int) K) {
	t.Helper()
	var got, want int
	for try := 0; try < 5; try++ {
		if got, want = once[K, V](t, hint, key); got == want {
			return
		}
	}
	t.Errorf("map[%T]%T of %d: %d bytes counted, %d allocated", *new(K), *new(V), hint, got, want)
}

func once[K comparable, V any](t *testing.T, hint int, key func(int) K) (counted, allocated int) {
	t.Helper()
	var before, after runtime.MemStats
	keys := make([]K, hint)
	for i := range keys {
		keys[i] = key(i)
	}
	var zero V
	warm := make(map[K]V, hint)
	headerBytes()
	Read(warm) // fills the table of size classes
	runtime.ReadMemStats(&before)
	m := make(map[K]V, hint)
	for _, k := range keys {
		m[k] = zero
	}
	runtime.ReadMemStats(&after)
	f := Read(m)
	if f.Entries != hint {
		t.Errorf("%T: %d entries of %d", m, f.Entries, hint)
	}
	runtime.KeepAlive(warm)
	if f.OverflowBuckets > 0 {
		return 0, 0 // the lists that keep overflow buckets without pointers alive are not storage
	}
	return headerBytes() + f.StorageBytes + f.IndirectBytes, int(after.TotalAlloc - before.TotalAlloc)
}

func TestStorage(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	number := func(i int) int { return i }
	for _, hint := range []int{9, 20, 50, 100, 200, 1_000, 5_000} {
		made[int, int](t, hint, number)
		made[int, *int](t, hint, number)
		made[int, string](t, hint, number)
		made[int, struct{}](t, hint, number)
		made[byte, bool](t, hint%200+9, func(i int) byte { return byte(i) })
		made[[2]string, [100]byte](t, hint, func(i int) [2]string { return [2]string{1: string(rune(i))} })
		made[int, [129]byte](t, hint, number)
		made[int, [17]*int](t, hint, number)
		made[[80]*int, int](t, hint, func(i int) [80]*int { return [80]*int{new(int)} })
	}
}
