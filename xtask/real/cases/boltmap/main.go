// Command boltmap has a bbolt database, whose file is mapped.
package main

import (
	"fmt"
	"os"
	"runtime"

	"cases/say"

	bolt "go.etcd.io/bbolt"
)

func main() {
	f := os.TempDir() + fmt.Sprintf("/h2-%d.db", os.Getpid())
	db, err := bolt.Open(f, 0o600, &bolt.Options{NoSync: true})
	if err != nil {
		panic(err)
	}
	os.Remove(f)
	for b := 0; b < 100; b++ {
		db.Update(func(tx *bolt.Tx) error {
			bk, _ := tx.CreateBucketIfNotExists([]byte("events"))
			for i := 0; i < 1000; i++ {
				bk.Put([]byte(fmt.Sprintf("%08x-%d", (b*1000+i)*2654435761%(1<<32), i)), make([]byte, 600))
			}
			return nil
		})
	}
	db.View(func(tx *bolt.Tx) error {
		return tx.Bucket([]byte("events")).ForEach(func(k, v []byte) error { _ = v[0]; return nil })
	})
	st, _ := os.ReadFile("/proc/self/smaps_rollup")
	runtime.GC()
	say.Ready()
	db.Close()
}
